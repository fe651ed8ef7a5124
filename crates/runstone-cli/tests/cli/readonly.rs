//! A store that may be read and not written: on a read-only medium, or somebody else's.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::scene::{Scene, run_document};

/// An id that owns nothing here. Root may write whatever the mode bits say, so it becomes another.
const READER: u32 = 43_004;

/// A store with some runs, in which nobody may write, and a reader of it.
struct Locked {
    scene: Scene,
    program: PathBuf,
}

impl Locked {
    fn new() -> Self {
        let scene = Scene::with_store(&["--primary", "auc:higher"]);
        for number in 1..=6 {
            let document = run_document(&format!("r{number}"), 0.6 + f64::from(number) / 100.0);
            scene.file("r.json", document);
            assert!(scene.quietly(&["record", "r.json"]).status.success());
        }
        let above = scene.project().parent().unwrap().to_owned();
        let program = above.join("runstone");
        // Copied by another process: one that a test beside this starts meanwhile would inherit the
        // open copy, and a program open for writing cannot be run.
        let copied = std::process::Command::new("cp")
            .args([env!("CARGO_BIN_EXE_runstone").as_ref(), program.as_os_str()])
            .status();
        assert!(copied.unwrap().success());
        set_mode(&program, 0o755);
        set_mode(&above, 0o755);
        set_mode(&scene.project(), 0o755);
        everywhere(&scene.project().join(".runstone"), &mut |path, is_dir| {
            set_mode(path, if is_dir { 0o555 } else { 0o444 });
        });
        Self { scene, program }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        command.args(["--store", ".runstone"]).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(self.scene.project())
            .env_clear()
            .env("RUNSTONE_CLOCK", "2026-11-20T10:00:00.000Z");
        if rustix::process::geteuid().is_root() {
            command.uid(READER).gid(READER);
        }
        command
    }

    /// What every file of the store is, so that nothing changes unnoticed.
    fn state(&self) -> BTreeMap<PathBuf, (u64, i64, i64)> {
        let mut state = BTreeMap::new();
        everywhere(&self.scene.project().join(".runstone"), &mut |path, _| {
            let found = path.symlink_metadata().unwrap();
            let changed = (found.len(), found.mtime(), found.mtime_nsec());
            state.insert(path.to_owned(), changed);
        });
        state
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // What may not be written cannot be removed either.
        everywhere(
            &self.scene.project().join(".runstone"),
            &mut |path, is_dir| {
                set_mode(path, if is_dir { 0o755 } else { 0o644 });
            },
        );
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Shows `each` everything below a folder, and the folder first.
fn everywhere(path: &Path, each: &mut dyn FnMut(&Path, bool)) {
    let is_dir = path.is_dir();
    let below: Vec<PathBuf> = if is_dir {
        let entries = std::fs::read_dir(path).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    } else {
        Vec::new()
    };
    each(path, is_dir);
    for path in below {
        everywhere(&path, each);
    }
}

#[test]
fn every_reading_command_works_on_a_store_that_may_not_be_written() {
    let locked = Locked::new();
    let before = locked.state();
    for arguments in [
        &["log"][..],
        &["log", "--where", "metrics.auc > 0.62"],
        &["log", "--sort", "-metrics.auc", "--format", "csv"],
        &["cohorts"],
        &["show", "r3"],
        &["diff"],
        &["diff", "r1", "r4", "--all"],
        &["check", "r6", "--against", "r1"],
        &["report"],
        &["report", "--format", "html"],
        &["explain"],
        &["table"],
        &["why"],
        &["explain", "r1", "r2"],
        &["baseline", "show"],
        &["profile", "show"],
        &["export", "--jsonl"],
        &["export", "--csv"],
        &["verify"],
        &["stats"],
        &["gc", "--dry-run"],
        &["config", "show"],
    ] {
        let output = locked.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
    // The doctor would write for asking: it says what it could not ask.
    let output = locked.run(&["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = answer["rows"].as_array().unwrap();
    let unasked = |row: &&serde_json::Value| row["state"] == "not asked";
    assert_eq!(rows.iter().filter(unasked).count(), 10, "{answer:#}");
    assert_eq!(rows[0]["state"], "ok", "{answer:#}");
    assert!(locked.state() == before, "a reading command wrote");
}

#[test]
fn a_writing_command_says_that_nothing_was_written() {
    let locked = Locked::new();
    let before = locked.state();
    locked.scene.file("new.json", run_document("new", 0.5));
    let output = locked.run(&["record", "new.json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("nothing was recorded"), "{told}");
    for arguments in [
        &["note", "r1", "words"][..],
        &["tag", "r1", "golden"],
        &["baseline", "pin", "r1"],
    ] {
        let output = locked.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("nothing was noted in the store `"), "{told}");
        assert!(
            told.contains(".runstone`") && told.contains("hint:"),
            "{told}"
        );
    }
    assert!(locked.state() == before, "a command that failed wrote");
}

#[test]
fn a_store_that_cannot_be_made_has_no_owner_to_ask() {
    let locked = Locked::new();
    let project = locked.scene.project();
    set_mode(&project, 0o555);
    for (arguments, code) in [
        (&["init", "--store", "new"][..], 1),
        (&["init", "new"], 1),
        (&["demo", "--keep", "new"], 2),
    ] {
        let mut command = locked.command(arguments);
        let output = command.output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("Permission denied"), "{told}");
        assert!(told.contains("in a folder that you may write to"), "{told}");
        assert!(!told.contains("owner of the store"), "{told}");
    }
    set_mode(&project, 0o755);
}
