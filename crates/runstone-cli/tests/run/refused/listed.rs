//! Refused runs are listed, and found by their names.

use serde_json::json;

use super::{finish, folder, refused_files};
use crate::scene::Scene;
use crate::started::run;

#[test]
fn a_name_that_is_no_refused_run_is_told_so() {
    let scene = Scene::with_store(&[]);
    scene
        .file("other.json", "{}")
        .file("torn.json", r#"{"schema":"runstone.refused/1","nonce":"#)
        .file("later.json", r#"{"schema":"runstone.refused/2"}"#);
    for (name, code) in [
        ("0123", 3),
        ("./missing.json", 2),
        ("./other.json", 2),
        ("./torn.json", 8),
        ("./later.json", 6),
    ] {
        let output = scene.quietly(&["record", "--refused", name]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}: {stderr}");
    }
    let output = scene.quietly(&["record", "other.json", "--refused", "x"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn no_name_names_the_only_refused_run_and_an_unknown_one_says_where_to_look() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"auc": NaN}' > "$RUNSTONE_RUN_DIR/metrics.json""#;
    let came = run(&scene, &[], script);
    std::fs::remove_dir_all(folder(&came)).unwrap();
    for (name, code) in [("", 2), ("zz", 3)] {
        let output = scene.quietly(&["record", "--refused", name]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}: {stderr}");
        assert!(
            stderr.contains("`runstone log` lists the refused runs"),
            "{stderr}"
        );
        assert!(stderr.contains("refused/"), "{stderr}");
    }
    assert_eq!(refused_files(&scene), 1);
}

#[test]
fn the_log_lists_refused_runs_with_what_finishes_them() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"auc": NaN}' > "$RUNSTONE_RUN_DIR/metrics.json"; exit 3"#;
    for id in ["r1", "r2"] {
        let came = run(&scene, &["--run-id", id, "--stage", "train"], script);
        std::fs::remove_dir_all(folder(&came)).unwrap();
    }
    scene.file(".runstone/refused/torn.json", "{");
    let page = scene.json(&["log"]);
    let rows = page["refused"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    let row = rows.iter().find(|row| row["run_id"] == "r1").unwrap();
    assert_eq!(
        (&row["stage"], &row["status"]),
        (&json!("train"), &json!("failed"))
    );
    assert_eq!(row["finished_at"], "2026-11-20T10:00:00.000Z");
    assert!(
        row["reason"]
            .as_str()
            .unwrap()
            .contains("metrics.json` cannot be read")
    );
    let warnings = page["warnings"].to_string();
    assert!(warnings.contains("`refused/torn.json`"), "{warnings}");
    let said = scene.quietly(&["log"]).stderr;
    let said = String::from_utf8(said).unwrap();
    let name = row["name"].as_str().unwrap();
    for words in [
        "refused: r1:train, ended",
        &format!("runstone record --refused {name}\n"),
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    for other in [&["--stage", "eval"][..], &["--status", "failed"]] {
        let page = scene.json(&[&["log"], other].concat());
        assert_eq!(page["refused"], json!([]), "{other:?}");
    }
    assert_eq!(
        scene.json(&["record", "--refused", name])["recorded"],
        "new"
    );
    let left = scene.json(&["log"])["refused"].clone();
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["run_id"], "r2");
}

#[test]
fn a_copy_of_a_refused_run_is_listed_found_and_removed_by_its_own_name() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"auc": NaN}' > "$RUNSTONE_RUN_DIR/metrics.json""#;
    let came = run(&scene, &["--run-id", "r1"], script);
    std::fs::remove_dir_all(folder(&came)).unwrap();
    let original = finish(&came)[2].clone();
    let kept = scene.project().join(".runstone/refused");
    let copied = std::process::Command::new("sh")
        .args([
            "-c",
            "cp *.json zz.json; for f in [0-9a-f]*.json; do cp $f ${f%.json}-b.json; done",
        ])
        .current_dir(&kept)
        .status();
    assert!(copied.unwrap().success());
    let names = || -> Vec<String> {
        let rows = scene.json(&["log"])["refused"].as_array().unwrap().clone();
        let mut names: Vec<String> = rows
            .iter()
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let listed = names();
    assert_eq!(listed.len(), 3, "{listed:?}");
    // Each name leads to its own file, though one begins as another does.
    for (left, name) in listed.iter().enumerate().rev() {
        scene.json(&["record", "--refused", name]);
        assert_eq!(names().len(), left, "{name}");
        assert!(!kept.join(format!("{name}.json")).exists(), "{name}");
    }
    assert!(listed.iter().any(|name| name.starts_with(&original)));
}

#[test]
fn a_refused_file_that_two_finish_at_once_is_not_said_to_stay() {
    let scene = Scene::with_store(&[]);
    let script = "cp -a .runstone copy; rm -rf .runstone/*; touch .runstone/refused";
    let came = run(&scene, &["--run-id", "r1"], script);
    let folder = folder(&came);
    let back = std::process::Command::new("sh")
        .args(["-c", "rm -rf .runstone; mv copy .runstone"])
        .current_dir(scene.project())
        .status();
    assert!(back.unwrap().success());
    // The profile that is named is a pipe: its reader has the refused file by then, and the other
    // removes it before the rules come.
    let made = std::process::Command::new("mkfifo")
        .arg(scene.project().join("rules.toml"))
        .status();
    assert!(made.unwrap().success());
    let mut arguments = finish(&came);
    arguments.extend(["--profile".to_owned(), "./rules.toml".to_owned()]);
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let first = scene
        .command(&words)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Opening it waits for the reader.
    let mut options = std::fs::OpenOptions::new();
    let pipe = options.write(true).open(scene.project().join("rules.toml"));
    let mut pipe = pipe.unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let rules = b"schema = 1\nname = \"own\"\nextends = \"generic\"\n";
    std::io::Write::write_all(&mut pipe, rules).unwrap();
    drop(pipe);
    let first = first.wait_with_output().unwrap();
    let said = String::from_utf8(first.stderr).unwrap();
    assert_eq!(first.status.code(), Some(0), "{said}");
    assert!(!said.contains("stays"), "{said}");
}
