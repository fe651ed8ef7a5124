//! Many processes at once, as on a busy machine: nothing lost, nothing twice.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};

use crate::scene::{Scene, run_document};

fn start(scene: &Scene, arguments: &[&str]) -> Child {
    scene
        .command(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for a process that must succeed, and reads its JSON answer.
fn answer_of(child: Child) -> serde_json::Value {
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_process_that_was_told_recorded_is_in_the_log_and_the_log_has_no_gap() {
    let scene = Scene::with_store(&[]);
    let writers = 24;
    for number in 0..writers {
        scene.file(
            &format!("{number}.json"),
            run_document(&format!("r{number}"), 0.6),
        );
    }
    let children: Vec<Child> = (0..writers)
        .map(|number| start(&scene, &["record", &format!("{number}.json"), "--json"]))
        .collect();
    let mut seqs = BTreeSet::new();
    for child in children {
        let answer = answer_of(child);
        assert_eq!(answer["recorded"], "new");
        seqs.insert(answer["snapshot_seq"].as_u64().unwrap());
    }
    assert_eq!(seqs, (1..=writers).collect());
    assert_eq!(scene.json(&["verify"])["ok"], true);
}

#[test]
fn one_run_recorded_by_many_processes_is_one_snapshot() {
    let scene = Scene::with_store(&[]);
    scene.file("r.json", run_document("r1", 0.6));
    let children: Vec<Child> = (0..16)
        .map(|_| start(&scene, &["record", "r.json", "--json"]))
        .collect();
    let mut new = 0;
    for child in children {
        let answer = answer_of(child);
        assert_eq!(answer["snapshot_seq"], 1);
        new += usize::from(answer["recorded"] == "new");
    }
    assert_eq!(new, 1);
    assert_eq!(scene.json(&["cohorts"])["cohorts"][0]["snapshots"], 1);
}

#[test]
fn many_inits_in_one_place_make_one_store() {
    let scene = Scene::empty();
    let children: Vec<Child> = (0..12)
        .map(|_| start(&scene, &["init", "--json"]))
        .collect();
    let mut made = 0;
    for child in children {
        let answer = answer_of(child);
        made += usize::from(answer["made"] == true);
    }
    assert_eq!(made, 1);
}
