//! What people type by mistake, and the command each answer leads to.

use insta::assert_snapshot;

use crate::scene::{Scene, run_document};

#[test]
fn arguments_that_cannot_be_understood_lead_to_a_command_that_works() {
    let mut scene = Scene::with_store(&[]);
    scene
        .run(&["lgo"])
        .run(&["profile", "shwo"])
        .run(&["frobnicate"])
        .run(&["frobnicate", "--json"])
        .run(&["--json"])
        .run(&["log", "-n", "abc"])
        .run(&["log", "--stag", "train"])
        .run(&["log", "--format", "xml"])
        .run(&["log", "--status", "done", "--json"])
        .run(&["show", "one", "two"])
        .run(&["note", "r1", "--json"])
        .run(&["record", "r.json", "--refused", "x"])
        .run(&["run", "python3", "train.py", "--lr", "0.1"])
        .run(&["run", "--stage", "my stage", "./a b", "c"])
        .run(&["run", "--lr", "0.1", "./train"])
        .run(&["run"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn help_that_is_not_there_leads_to_help_that_is() {
    let scene = Scene::empty();
    for slip in [
        &["help", "recrod"][..],
        &["help", "env", "lst"],
        &["env", "help", "bogus"],
        &["help", "--help"],
        &["baseline", "help", "--help"],
    ] {
        let output = scene.quietly(slip);
        assert_eq!(output.status.code(), Some(2), "{slip:?}");
        let words = String::from_utf8(output.stderr).unwrap();
        let hint = words.rsplit("hint: ").next().unwrap();
        let commands: Vec<&str> = hint.split('`').skip(1).step_by(2).collect();
        assert!(!commands.is_empty(), "{slip:?}: {hint}");
        for command in commands {
            let typed: Vec<&str> = command.split(' ').skip(1).chain(["--help"]).collect();
            let is_known = scene.quietly(&typed).status.success();
            assert!(is_known, "{slip:?} leads to {command}");
        }
    }
}

#[test]
fn a_word_in_the_wrong_place_is_answered_with_the_right_one() {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    scene.file("r.json", run_document("r1", 0.6));
    assert!(scene.quietly(&["record", "r.json"]).status.success());
    scene
        .run(&["run", "--data", "t=nosuch", "--", "true"])
        .run(&["profile", "explain", "generic"])
        .run(&["profile", "explain", "nosuch.json"])
        .run(&["log", "--stage", "trian"])
        .run(&["log", "--stage", "eval"])
        .run(&["log", "--stage", "TRAIN", "--status", "failed"])
        .run(&["init", "--primary", "logloss:lower"])
        .run(&["init", "--profile", "generic"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_hint_names_the_store_that_was_named() {
    let mut scene = Scene::empty();
    scene.file("r.json", run_document("r1", 0.6));
    scene.file("bad.jsonl", "{\"run_id\": \"r2\"}\n{\"run_id\": \"r3\"}\n");
    scene.run(&["init", "my runs", "--primary", "auc:higher"]);
    scene
        .run(&["--store", "my runs", "log"])
        .run(&["--store", "my runs", "record", "r.json"])
        .run(&["--store", "my runs", "show", "nosuch"])
        .run(&["--store", "my runs", "show", "nosuch", "--json"])
        .run(&["--store", "my runs", "delete", "r1"])
        .run(&["--store", "my runs", "record", "bad.jsonl"])
        .run(&["--store", "nowhere", "log"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_document_without_names_is_answered_with_the_options_that_give_them() {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    scene
        .file("none.json", "{}")
        .file("run.json", r#"{"run_id": "r1"}"#)
        .file("stage.json", r#"{"stage": "train"}"#)
        .file("text.json", r#"{"metrics": {"auc": "high"}}"#)
        .file("odd name.json", r#"{"run_id": 7, "stage": "train"}"#);
    scene
        .run(&["record", "none.json"])
        .run(&["record", "run.json"])
        .run_with(&["record", "-"], &[], br#"{"stage": "train"}"#)
        .run(&["record", "--run-id", "r1"])
        .run(&["record", "odd name.json"])
        .run(&["record", "stage.json", "--run-id", "r1", "--quiet"])
        .run(&["record", "text.json", "--run-id", "r2", "--stage", "train"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_place_or_file_of_another_kind_is_answered_with_one_that_fits() {
    let mut scene = Scene::with_store(&[]);
    scene.file("r.json", run_document("r1", 0.6));
    assert!(scene.quietly(&["record", "r.json"]).status.success());
    scene
        .run(&["log", "--store", "."])
        .run(&["log", "--store", "./.runstone", "--columns", "run_id"])
        .run(&["record", "r.json", "r.json"])
        .run(&["record", "r.json", "--attempt", "-1"])
        .run(&["record", "--refused", "r.json"])
        .run(&["diff", "--md", "--json"])
        .run(&["log", "--tag", "a b"])
        .run(&["man", "--dir", "r.json"])
        .run(&["demo", "--keep", "."])
        .run(&["profile", "check", "r.json"]);
    assert_snapshot!(scene.transcript());
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_could_not_be_written_is_a_failure() {
    for arguments in [["--help"].as_slice(), &["--version"], &["log", "--help"]] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_runstone"))
            .args(arguments)
            .stdout(full.unwrap())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("error: "), "{said}");
    }
}
