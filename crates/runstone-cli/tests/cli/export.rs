//! Every snapshot written out: whole, in one order, and nothing dropped without a word.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::scene::{Scene, run_document};

/// A store with two cohorts, a retry, and fields that only some runs have.
fn some_runs() -> Scene {
    let scene = Scene::with_store(&["--primary", "auc:higher"]);
    let mut failed: Value = serde_json::from_str(&run_document("r2", 0.1 + 0.2)).unwrap();
    failed["status"] = json!("failed");
    let mut retried = failed.clone();
    retried["status"] = json!("finished");
    retried["factors"]["flags"] = json!(["-O3", "a,b"]);
    retried["metrics"]["note"] = json!("=1+1");
    let other = run_document("r1", 0.9).replace("\"d1\"", "\"d2\"");
    for document in [
        run_document("r1", 0.61),
        failed.to_string(),
        retried.to_string(),
        other,
    ] {
        scene.file("r.json", document);
        let recorded = scene.quietly(&["record", "r.json"]);
        assert!(recorded.status.success(), "{recorded:?}");
    }
    scene
}

#[test]
fn a_table_has_a_row_for_every_attempt_of_every_run_in_every_cohort() {
    let mut scene = some_runs();
    scene.run(&["export", "--csv"]);
    scene.run(&[
        "export",
        "--csv",
        "--where",
        "cohort ~ \"*\" and attempt = 1",
    ]);
    scene.run(&["export", "--csv", "--where", "metrics.auc > 2"]);
    scene.run(&["export", "--csv", "--where", "metrics.auc >"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn lines_hold_whole_snapshots_and_are_the_same_each_time() {
    let scene = some_runs();
    let lines = |scene: &Scene| {
        let output = scene.quietly(&["export", "--jsonl"]);
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let text = lines(&scene);
    assert_eq!(text, lines(&scene));
    let rows: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 4);
    for row in &rows {
        let place = format!(
            "{}#{}",
            row["cohort"].as_str().unwrap(),
            row["snapshot_seq"]
        );
        let shown = scene.json(&["show", &place]);
        for member in ["sha256", "recorded_at", "snapshot"] {
            assert_eq!(row[member], shown[member], "{member}");
        }
        assert_eq!(row["schema"], "runstone.export-row/1");
        assert_eq!(row["content"].as_str().unwrap().len(), 64);
    }
}

#[test]
fn a_file_is_whole_or_not_there_and_nothing_in_its_way_is_replaced_unasked() {
    let mut scene = some_runs();
    std::fs::create_dir(scene.project().join("folder")).unwrap();
    scene.file("mine.csv", "mine");
    scene
        .run(&["export", "--csv", "all.csv"])
        .run(&["export", "--csv", "mine.csv"])
        .run(&["export", "--csv", "folder"])
        .run(&["export", "--csv", "gone/all.csv"])
        .run(&["export", "--csv", "/dev/full"])
        .run(&["export", "--jsonl", "all.jsonl", "--json"])
        .run(&["export", "--jsonl", "--json"])
        .run(&["export"])
        .run(&["export", "--csv", "--jsonl"]);
    assert_eq!(
        std::fs::read(scene.project().join("mine.csv")).unwrap(),
        b"mine"
    );
    scene.run(&["export", "--csv", "mine.csv", "--force"]);
    let piped = scene.quietly(&["export", "--csv"]).stdout;
    for name in ["all.csv", "mine.csv"] {
        assert_eq!(std::fs::read(scene.project().join(name)).unwrap(), piped);
    }
    let mut left: Vec<String> = std::fs::read_dir(scene.project())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(
        left,
        [
            ".runstone",
            "all.csv",
            "all.jsonl",
            "folder",
            "mine.csv",
            "r.json"
        ]
    );
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_damaged_place_is_named_and_costs_its_own_row_alone() {
    let mut scene = some_runs();
    let cohort = scene.json(&["cohorts"])["cohorts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["snapshots"] == 3)
        .unwrap()["cohort"]
        .as_str()
        .unwrap()
        .to_owned();
    let slot = format!(".runstone/cohorts/{cohort}/log/0000000000/00000000000000000002");
    let path = scene.project().join(&slot);
    scene.flip_a_bit(&path);
    let output = scene.quietly(&["export", "--jsonl"]);
    assert_eq!(output.status.code(), Some(5));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 3);
    scene.run(&["export", "--csv", "all.csv"]);
    scene.run(&["export", "--csv", "again.csv", "--json"]);
    // The checksums are of a file with a random nonce in it.
    let told: Vec<String> = scene
        .transcript()
        .split(", expected ")
        .enumerate()
        .map(|(part, text)| match part {
            0 => text.to_owned(),
            _ => text[", found ".len() + 16..].to_owned(),
        })
        .collect();
    assert_snapshot!(told.join(" …"));
}

#[test]
fn an_empty_store_gives_an_empty_table() {
    let mut scene = Scene::with_store(&[]);
    scene
        .run(&["export", "--csv"])
        .run(&["export", "--jsonl", "all.jsonl"]);
    assert_eq!(
        std::fs::read(scene.project().join("all.jsonl")).unwrap(),
        b""
    );
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_reader_that_goes_away_ends_an_export_without_a_word() {
    let scene = some_runs();
    // More than a pipe holds, so that writing goes on after the reader went away.
    for number in 0..40 {
        let mut document: Value = serde_json::from_str(&run_document("many", 0.5)).unwrap();
        document["run_id"] = json!(format!("many{number}"));
        document["metadata"] = json!("x".repeat(8_000));
        scene.file("r.json", document.to_string());
        assert!(scene.quietly(&["record", "r.json"]).status.success());
    }
    let mut child = scene
        .command(&["export", "--jsonl"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut told = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut told)
        .unwrap();
    assert_eq!((child.wait().unwrap().code(), told.as_str()), (Some(0), ""));
}

#[test]
fn what_is_replaced_keeps_its_mode_and_its_link_and_no_store_is_written_into() {
    let scene = some_runs();
    let at = |name: &str| scene.project().join(name);
    let mode = |name: &str| std::fs::metadata(at(name)).unwrap().permissions().mode() & 0o7777;
    scene.file("mine.csv", "mine");
    std::fs::set_permissions(at("mine.csv"), std::fs::Permissions::from_mode(0o602)).unwrap();
    std::fs::create_dir(at("shelf")).unwrap();
    scene.file("shelf/all.csv", "old");
    std::os::unix::fs::symlink("shelf/all.csv", at("link.csv")).unwrap();
    for name in ["mine.csv", "link.csv"] {
        let output = scene.quietly(&["export", "--csv", name, "--force"]);
        assert!(output.status.success(), "{output:?}");
    }
    let piped = scene.quietly(&["export", "--csv"]).stdout;
    assert_eq!(mode("mine.csv"), 0o602);
    assert_eq!(std::fs::read(at("mine.csv")).unwrap(), piped);
    assert_eq!(
        std::fs::read_link(at("link.csv")).unwrap(),
        std::path::Path::new("shelf/all.csv")
    );
    assert_eq!(std::fs::read(at("shelf/all.csv")).unwrap(), piped);

    std::os::unix::fs::symlink(".runstone/runs", at("way")).unwrap();
    // Another store, beside and behind a link to one of its files.
    assert!(scene.quietly(&["init", "elsewhere"]).status.success());
    std::os::unix::fs::symlink("elsewhere/runstone.json", at("away.csv")).unwrap();
    let other = std::fs::read(at("elsewhere/runstone.json")).unwrap();
    let descriptor = std::fs::read(at(".runstone/runstone.json")).unwrap();
    for name in [
        ".runstone/all.csv",
        ".runstone/runstone.json",
        "way/all.csv",
        ".runstone/runs/../all.csv",
        "elsewhere/all.csv",
        "away.csv",
    ] {
        let output = scene.quietly(&["export", "--csv", name, "--force"]);
        assert_eq!(output.status.code(), Some(2), "{name}: {output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            told.contains("where nothing else belongs") && told.contains("hint:"),
            "{told}"
        );
    }
    assert!(!at(".runstone/all.csv").exists() && !at(".runstone/runs/all.csv").exists());
    assert!(!at("elsewhere/all.csv").exists());
    for (path, before) in [(".runstone", descriptor), ("elsewhere", other)] {
        let now = std::fs::read(at(path).join("runstone.json")).unwrap();
        assert_eq!(now, before, "{path}");
    }
}

#[test]
fn a_disk_that_is_full_costs_the_file_that_was_asked_for_and_no_other_name_is_said() {
    let scene = some_runs();
    let program = env!("CARGO_BIN_EXE_runstone");
    // A limit on the size of files stands for a full disk; its signal is not heard.
    let script = format!("trap '' XFSZ; ulimit -f 0; exec {program} export --jsonl all.jsonl");
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(scene.project())
        .env_clear()
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("all.jsonl") && !told.contains(".runstone-"),
        "{told}"
    );
    assert!(!scene.project().join("all.jsonl").exists());
}
