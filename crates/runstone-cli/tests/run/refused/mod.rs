//! What cannot be recorded is kept, and the command that is printed finishes it.

mod finishing;
mod kept;
mod listed;

use serde_json::Value;

use crate::scene::Scene;
use crate::started::Came;

/// Returns the arguments of the command that finishes a run, as they were printed.
fn finish(came: &Came) -> Vec<String> {
    let line = came
        .stderr
        .lines()
        .find(|line| line.contains("runstone record --refused"));
    assert!(line.is_some(), "no such line in: {}", came.stderr);
    let (_, command) = line.unwrap().split_once("runstone ").unwrap();
    command.split(' ').map(str::to_owned).collect()
}

/// Does what the printed line says, pasted into a shell of another directory.
fn pasted(scene: &Scene, line: &str) -> Value {
    let binary = scene.command(&[]).get_program().to_owned();
    let folder = std::path::Path::new(&binary).parent().unwrap().to_owned();
    let script = format!("PATH={}:$PATH; {line} --json", folder.display());
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir("/")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{line}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns the line that finishes a run, as it was printed.
fn printed(came: &Came) -> &str {
    let mut lines = came.stderr.lines().map(str::trim);
    let line = lines.find(|line| line.starts_with("runstone record "));
    assert!(line.is_some(), "no such line in: {}", came.stderr);
    line.unwrap()
}

/// Returns where the run directory was kept.
fn folder(came: &Came) -> std::path::PathBuf {
    let (_, rest) = came.stderr.split_once("is kept in ").unwrap();
    rest.lines().next().unwrap().into()
}

/// Puts the copy of a store in its place.
fn put_back(project: &std::path::Path) {
    let back = std::process::Command::new("sh")
        .args(["-c", "rm -rf .runstone; mv copy .runstone"])
        .current_dir(project)
        .status();
    assert!(back.unwrap().success());
}

fn finished(scene: &Scene, command: &[String]) -> Value {
    let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    scene.json(&arguments)
}

fn refused_files(scene: &Scene) -> usize {
    std::fs::read_dir(scene.project().join(".runstone/refused")).map_or(0, Iterator::count)
}

fn write(path: &std::path::Path, text: &str) {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
}
