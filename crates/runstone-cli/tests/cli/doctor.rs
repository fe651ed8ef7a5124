//! The doctor: what a directory says when it is asked whether a store can live there.

use std::fs::{File, FileTimes};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use insta::assert_snapshot;
use serde_json::Value;

use crate::scene::{Scene, run_document};

/// Every question in the order of the answer, and what the file system of tests says to it: those
/// left out depend on where the tests run.
const SUBJECTS: [(&str, Option<&str>); 14] = [
    ("store", Some("ok")),
    ("place", Some("ok")),
    ("type", None),
    ("room", None),
    ("acl", None),
    ("race", Some("ok")),
    ("exclusive", Some("ok")),
    ("links", Some("ok")),
    ("rename", Some("ok")),
    ("flush", Some("ok")),
    ("locks", Some("ok")),
    ("clock", None),
    ("modes", Some("ok")),
    ("names", Some("ok")),
];

/// The row of a subject.
fn row<'a>(document: &'a Value, subject: &str) -> &'a Value {
    let rows = document["rows"].as_array().unwrap();
    rows.iter().find(|row| row["subject"] == subject).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

/// Makes what a probe leaves that was stopped so long ago.
fn stopped_probe(folder: &Path, name: &str, ago: Duration) -> PathBuf {
    let probe = folder.join(name);
    std::fs::create_dir_all(probe.join("below")).unwrap();
    std::fs::copy(folder.join("runstone.json"), probe.join("below/n0")).unwrap();
    std::fs::copy(folder.join("runstone.json"), probe.join("r0-0")).unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "what is old is so by the real clock"
    )]
    let then = SystemTime::now() - ago;
    let opened = File::open(&probe).unwrap();
    opened
        .set_times(FileTimes::new().set_modified(then))
        .unwrap();
    probe
}

#[test]
fn every_question_is_answered_and_nothing_stays_behind() {
    let scene = Scene::with_store(&[]);
    scene.file("r.json", run_document("r1", 0.6));
    assert!(scene.quietly(&["record", "r.json"]).status.success());
    let store = scene.project().join(".runstone");
    let before = names(&store);
    let answer = scene.json(&["doctor"]);
    assert_eq!(answer["ok"], true, "{answer:#}");
    let rows = answer["rows"].as_array().unwrap();
    let subjects: Vec<&str> = rows
        .iter()
        .map(|row| row["subject"].as_str().unwrap())
        .collect();
    let mut expected: Vec<&str> = SUBJECTS.iter().map(|(subject, _)| *subject).collect();
    expected.push("leftovers");
    assert_eq!(subjects, expected);
    for (subject, state) in SUBJECTS {
        if let Some(state) = state {
            assert_eq!(row(&answer, subject)["state"], state, "{answer:#}");
        }
    }
    assert_eq!(answer["store"]["format"], 1);
    assert_eq!(answer["store"]["primitive"], "link");
    assert_eq!(names(&store), before);
    assert_eq!(scene.json(&["verify"])["stale"], serde_json::json!([]));
}

#[test]
fn a_directory_that_is_no_store_is_examined_and_left_as_it_was() {
    let scene = Scene::empty();
    scene.file("README", "mine");
    let answer = scene.json(&["doctor", "."]);
    assert_eq!(answer["ok"], true, "{answer:#}");
    assert_eq!(answer["store"], Value::Null);
    assert_eq!(row(&answer, "race")["state"], "ok");
    assert_eq!(names(&scene.project()), ["README"]);
    let text = scene.quietly(&["doctor", "."]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let rows = answer["rows"].as_array().unwrap();
    let sum = if rows.iter().any(|row| row["state"] == "warning") {
        "a store works here; what it promises holds but for"
    } else {
        "a store keeps its promises here"
    };
    assert!(text.contains(sum), "{text}");
}

#[test]
fn what_cannot_be_examined_is_said_with_a_way_on() {
    let mut scene = Scene::empty();
    scene.file("file", "");
    scene
        .run(&["doctor"])
        .run(&["doctor", "nowhere"])
        .run(&["doctor", "file"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_store_that_cannot_be_opened_is_refused_and_its_directory_examined() {
    let scene = Scene::with_store(&[]);
    let descriptor = scene.project().join(".runstone/runstone.json");
    std::fs::remove_file(&descriptor).unwrap();
    let output = scene.quietly(&["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["ok"], false);
    assert_eq!(row(&answer, "store")["state"], "refused");
    assert_eq!(row(&answer, "race")["state"], "ok");
}

#[test]
fn the_next_probe_removes_what_a_stopped_one_left_unless_somebody_may_be_at_it() {
    let scene = Scene::with_store(&[]);
    let store = scene.project().join(".runstone");
    let hour = Duration::from_hours(1);
    let old = stopped_probe(&store, ".probe-00000000000000000000000000000001", hour);
    let young = stopped_probe(
        &store,
        ".probe-00000000000000000000000000000002",
        Duration::ZERO,
    );
    let held = stopped_probe(&store, ".probe-00000000000000000000000000000003", hour);
    let lock = File::open(&held).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let stale = scene.json(&["verify"])["stale"].clone();
    assert_eq!(stale.as_array().unwrap().len(), 3, "{stale:#}");
    let answer = scene.json(&["doctor"]);
    let leftovers = row(&answer, "leftovers");
    assert_eq!(leftovers["state"], "warning", "{leftovers:#}");
    assert!(
        !old.exists() && young.exists() && held.exists(),
        "{leftovers:#}"
    );
    drop(lock);
    scene.json(&["doctor"]);
    assert!(!held.exists());
}

#[test]
fn a_doctor_that_is_killed_leaves_a_probe_that_verify_names_and_nobody_minds() {
    let scene = Scene::with_store(&[]);
    let store = scene.project().join(".runstone");
    let probe_of_one = || {
        let mut names = names(&store).into_iter();
        names.find(|it| it.starts_with(".probe-"))
    };
    let probe = loop {
        let mut doctor = scene
            .command(&["doctor"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        while probe_of_one().is_none() && doctor.try_wait().unwrap().is_none() {}
        doctor.kill().unwrap();
        doctor.wait().unwrap();
        // On a busy machine it may have ended before it was killed.
        if let Some(probe) = probe_of_one() {
            break probe;
        }
    };
    let stale = scene.json(&["verify"])["stale"].clone();
    assert_eq!(stale[0]["path"], probe, "{stale:#}");
    scene.file("r.json", run_document("r1", 0.6));
    assert!(scene.quietly(&["record", "r.json"]).status.success());
}

#[test]
fn two_doctors_at_once_keep_out_of_each_others_way() {
    let scene = Scene::with_store(&[]);
    let start = || {
        let mut command = scene.command(&["doctor", "--json"]);
        command.stdout(Stdio::piped()).spawn().unwrap()
    };
    for doctor in [start(), start(), start()] {
        let output = doctor.wait_with_output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(row(&answer, "race")["state"], "ok", "{answer:#}");
    }
    let store = scene.project().join(".runstone");
    assert!(
        names(&store)
            .iter()
            .all(|name| !name.starts_with(".probe-"))
    );
}
