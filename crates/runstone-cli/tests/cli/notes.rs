//! Notes: pins, acceptances, remarks, tags, deletions, and what refuses them.

use std::process::Stdio;

use insta::assert_snapshot;
use serde_json::Value;

use crate::scene::{Scene, run_document};

const ANA: [(&str, &str); 1] = [("USER", "ana")];

fn scene_with_runs() -> Scene {
    let scene = Scene::with_store(&["--primary", "auc:higher"]);
    for (run_id, auc) in [("r1", 0.61), ("r2", 0.64), ("r3", 0.62)] {
        scene.file("r.json", run_document(run_id, auc));
        assert!(scene.quietly(&["record", "r.json"]).status.success());
    }
    scene
}

fn record(scene: &mut Scene, run_id: &str, auc: f64) {
    scene.file("next.json", run_document(run_id, auc));
    scene.run(&["record", "next.json"]);
}

#[test]
fn a_pinned_run_is_the_baseline_until_it_is_unpinned() {
    let mut scene = scene_with_runs();
    scene.at("2026-11-20T11:00:00.000Z");
    let pin = ["baseline", "pin", "r1", "--why", "the release of May"];
    scene.run_with(&pin, &ANA, b"").run_with(&pin, &ANA, b"");
    scene
        .run(&["baseline", "show"])
        .run(&["cohorts"])
        .run(&["show", "@baseline"]);
    record(&mut scene, "r4", 0.65);
    scene.run(&["baseline", "pin", "r2", "--by", "bo"]);
    scene
        .run(&["baseline", "unpin"])
        .run(&["baseline", "unpin"])
        .run(&["baseline", "unpin", "--json"])
        .run(&["baseline", "show"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn an_accepted_candidate_is_the_previous_run_of_the_next() {
    let mut scene = scene_with_runs();
    scene.file("c.json", run_document("c", 0.66));
    scene.run(&["record", "c.json", "--candidate"]);
    record(&mut scene, "r4", 0.66);
    let marked = |scene: &Scene| {
        let listed = scene.quietly(&["log", "--format", "md"]);
        let report = scene.quietly(&["report", "c"]);
        let says = |text: Vec<u8>, words| {
            let text = String::from_utf8(text).unwrap();
            text.replace('\n', " ").contains(words)
        };
        (
            says(listed.stdout, "c (candidate)"),
            says(report.stdout, "candidate no yardstick for others"),
        )
    };
    assert_eq!(marked(&scene), (true, true));
    scene
        .run(&["baseline", "pin", "c"])
        .run(&["accept", "c", "--by", "ana", "--why", "merged as #512"])
        .run(&["accept", "c"])
        .run(&["accept", "r1"])
        .run(&["delete", "r4", "--yes", "--by", "ana"]);
    record(&mut scene, "r5", 0.66);
    assert_eq!(marked(&scene), (false, false));
    scene.run(&["show", "c"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn tags_and_remarks_are_shown_where_they_matter() {
    let mut scene = scene_with_runs();
    scene
        .run(&["tag", "r2", "release/1.2", "--by", "ana"])
        .run(&["tag", "r2", "release/1.2"])
        .run(&["tag", "r1", "may", "--by", "ana"])
        .run(&[
            "note",
            "r2",
            "loss spikes at step 40k\nsee the plot",
            "--by",
            "bo",
        ])
        .run(&["log"])
        .run(&["log", "--tag", "may"])
        .run(&[
            "log",
            "--where",
            "tag ~ \"release/*\"",
            "--columns",
            "run_id,tag",
        ])
        .run(&["show", "r2"])
        .run(&["tag", "r2", "release/1.2", "--remove", "--by", "ana"])
        .run(&["tag", "r2", "june", "--remove"])
        .run(&["log", "--tag", "release/1.2"])
        .run(&["note", "r3", "no name given"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_deleted_snapshot_is_gone_from_lists_and_stays_provable() {
    let mut scene = scene_with_runs();
    scene.run(&["delete", "r3"]);
    let delete = ["delete", "r3", "--yes", "--why", "wrong data set"];
    scene.run_with(&delete, &ANA, b"").run(&["delete", "r3"]);
    scene
        .run(&["log"])
        .run(&["log", "--deleted"])
        .run(&["cohorts"])
        .run(&["show", "r3"])
        .run(&["show", "r3", "--json"])
        .run(&["show", "r3", "--deleted"])
        .run(&["tag", "r3", "may"])
        .run(&["diff"]);
    scene.file("r3.json", run_document("r3", 0.62));
    scene.run(&["record", "r3.json"]);
    scene.run(&["record", "r3.json", "--attempt", "1"]);
    record(&mut scene, "r4", 0.62);
    scene.run(&["verify"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn deleting_the_pinned_baseline_says_that_the_pin_goes() {
    let mut scene = scene_with_runs();
    scene
        .run(&["baseline", "pin", "r2", "--by", "ana"])
        .run(&["delete", "r2", "--yes", "--by", "ana"])
        .run(&["baseline", "show"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_cohort_of_deleted_runs_says_so() {
    let mut scene = Scene::with_store(&[]);
    scene.file("r.json", run_document("r1", 0.6));
    assert!(scene.quietly(&["record", "r.json"]).status.success());
    scene
        .run(&["delete", "r1", "-y", "--by", "ana"])
        .run(&["log"])
        .run(&["cohorts"])
        .run(&["show"])
        .run(&["baseline", "show", "train"])
        .run(&["baseline", "pin", "r1"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn notes_that_make_no_sense_are_refused_with_one_clear_answer() {
    let mut scene = scene_with_runs();
    scene.file(
        "f.json",
        run_document("f", 0.1).replace("\"stage\"", "\"status\":\"failed\",\"stage\""),
    );
    assert!(scene.quietly(&["record", "f.json"]).status.success());
    let long = "x".repeat(10 * 1024);
    for arguments in [
        &["baseline", "pin", "f"][..],
        &["accept", "f"],
        &["baseline", "pin", "nothing"],
        &["tag", "r1", ""],
        &["tag", "r1", "two words"],
        &["tag", "r1", "a,b"],
        &["tag", "r1", "\u{1b}[31m"],
        &["tag", "r1", "--", "-x"],
        &["tag", "r1", &long[..65]],
        &["log", "--tag", "a b"],
        &["note", "r1", ""],
        &["note", "r1", " \n"],
        &["note", "r1", "red \u{1b}[31m"],
        &["note", "r1", &long],
        &["note", "r1", "x", "--by", ""],
        &["note", "nothing", "x"],
        &["tag", "r1", "a b", "--json"],
        &["delete", "r1", "--json"],
    ] {
        scene.run(arguments);
    }
    let transcript = scene.transcript().replace(&long, "(10 KiB)");
    assert_snapshot!(transcript);
    let verified = scene.json(&["verify"]);
    assert_eq!(verified["checked"]["notes"], 0, "nothing was noted");
}

#[test]
fn of_two_processes_that_pin_at_once_the_later_note_wins() {
    let scene = scene_with_runs();
    let children: Vec<_> = ["r1", "r2"]
        .map(|run_id| {
            scene
                .command(&["baseline", "pin", run_id, "--json"])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .into_iter()
        .collect();
    let answers: Vec<Value> = children
        .into_iter()
        .map(|child| serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap())
        .collect();
    let seq = |answer: &Value| answer["note"]["note_seq"].as_u64().unwrap();
    let mut places: Vec<u64> = answers.iter().map(seq).collect();
    places.sort_unstable();
    assert_eq!(places, [1, 2]);
    let winner = answers.iter().find(|answer| seq(answer) == 2).unwrap();
    let shown = scene.json(&["baseline", "show"]);
    assert_eq!(shown["run_id"], winner["run_id"]);
    assert_eq!(scene.json(&["verify"])["ok"], true);
}
