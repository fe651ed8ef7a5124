//! What a store weighs: every file once, and nothing left out.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;

use insta::assert_snapshot;

use crate::scene::{Scene, run_document};

/// What is below a folder, and the folder itself: names of files, bytes and blocks of each file
/// once, directories.
#[derive(Default)]
struct Walked {
    names: u64,
    bytes: u64,
    disk: u64,
    directories: u64,
    seen: BTreeSet<u64>,
}

impl Walked {
    fn take(&mut self, path: &Path) {
        let found = path.symlink_metadata().unwrap();
        let is_first = self.seen.insert(found.ino());
        self.disk += if is_first { found.blocks() * 512 } else { 0 };
        if found.is_dir() {
            self.directories += 1;
            for below in std::fs::read_dir(path).unwrap() {
                self.take(&below.unwrap().path());
            }
        } else {
            self.names += 1;
            self.bytes += if is_first { found.size() } else { 0 };
        }
    }
}

fn recorded() -> Scene {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    for (number, day) in [(1, 14), (2, 19), (3, 19), (4, 20)] {
        scene.at(&format!("2026-11-{day}T09:00:00.000Z"));
        let document = run_document(&format!("churn-041{number}"), 0.61);
        let other = document.replace("\"d1\"", "\"d2\"");
        scene.file("r.json", if number == 4 { other } else { document });
        assert!(scene.quietly(&["record", "r.json"]).status.success());
    }
    scene.at("2026-11-20T10:00:00.000Z");
    scene
}

/// Leaves out the columns whose numbers are those of the file system below.
fn without_disk(transcript: &str) -> String {
    let mut cut = usize::MAX;
    let mut kept = String::new();
    for line in transcript.lines() {
        cut = match line.find("on disk") {
            Some(column) => column,
            None if line.is_empty() || line.starts_with(['$', '-']) => usize::MAX,
            None => cut,
        };
        let shown: String = line.chars().take(cut).collect();
        kept.push_str(shown.trim_end());
        kept.push('\n');
    }
    kept
}

#[test]
fn bytes_are_shown_by_kind_by_cohort_and_by_day() {
    let mut scene = recorded();
    scene
        .run(&["stats"])
        .run(&["stats", "--days", "1"])
        .run(&["stats", "--days", "x"]);
    assert_snapshot!(without_disk(&scene.transcript()));
}

#[test]
fn sums_are_those_of_the_files_and_a_hard_link_counts_once() {
    let scene = recorded();
    let store = scene.project().join(".runstone");
    let mut walked = Walked::default();
    walked.take(&store);
    let stats = scene.json(&["stats"]);
    let total = |member: &str| stats["total"][member].as_u64().unwrap();
    assert_eq!(total("bytes"), walked.bytes);
    assert_eq!(total("disk_bytes"), walked.disk);
    let names = total("files") + total("links");
    assert_eq!(names, walked.names + walked.directories);
    assert_eq!(stats["kinds"]["directories"]["files"], walked.directories);
    // Each of four entries is its claim as well, and bytes of a kind are in no other.
    assert_eq!(stats["kinds"]["keys"]["links"], 4);
    assert_eq!(stats["kinds"]["keys"]["bytes"], 0);
    let kinds = stats["kinds"].as_object().unwrap().values();
    let of_kinds: u64 = kinds.map(|kind| kind["bytes"].as_u64().unwrap()).sum();
    assert_eq!(of_kinds, walked.bytes);
    assert_eq!(stats["snapshots"], 4);
    assert_eq!(stats["cohorts"][0]["kinds"]["entries"]["files"], 3);
}

#[test]
fn leftovers_strangers_and_copied_claims_are_counted_where_they_belong() {
    let scene = recorded();
    let store = scene.project().join(".runstone");
    let log = std::fs::read_dir(store.join("cohorts"))
        .unwrap()
        .map(|cohort| cohort.unwrap().path().join("log/0000000000"))
        .next()
        .unwrap();
    let entry = log.join("00000000000000000001");
    let bytes = entry.metadata().unwrap().len();
    // A writer that was stopped before it removed its temporary name, and one that was stopped
    // before it gave another.
    std::fs::hard_link(&entry, log.join(".t-00000000000000000000000000000001")).unwrap();
    std::fs::copy(&entry, log.join(".t-00000000000000000000000000000002")).unwrap();
    std::fs::copy(&entry, store.join("README")).unwrap();
    symlink("/", store.join("out")).unwrap();
    let stats = scene.json(&["stats"]);
    assert_eq!(stats["kinds"]["leftovers"]["links"], 1);
    assert_eq!(stats["kinds"]["leftovers"]["files"], 1);
    assert_eq!(stats["kinds"]["leftovers"]["bytes"], bytes);
    // A link leads nowhere: it is what it is, of one byte.
    assert_eq!(stats["kinds"]["unknown"]["files"], 2);
    assert_eq!(stats["kinds"]["unknown"]["bytes"], bytes + 1);

    // A copy without hard links has the bytes of each claim.
    let copied = scene.project().join("copy");
    let status = std::process::Command::new("cp")
        .args(["-r", "--no-preserve=links"])
        .args([&store, &copied])
        .status();
    assert!(status.unwrap().success());
    let stats = scene.json(&["stats", "--store", "copy"]);
    assert_eq!(stats["kinds"]["keys"]["links"], 0);
    assert_eq!(stats["kinds"]["keys"]["files"], 4);
    assert_eq!(
        stats["kinds"]["keys"]["bytes"],
        stats["kinds"]["entries"]["bytes"]
    );
}

#[test]
fn an_empty_store_weighs_its_directories() {
    let scene = Scene::with_store(&[]);
    let stats = scene.json(&["stats"]);
    assert_eq!(stats["snapshots"], 0);
    assert_eq!(stats["disk_bytes_per_snapshot"], serde_json::Value::Null);
    assert!(stats["kinds"]["directories"]["files"].as_u64().unwrap() > 256);
    assert_eq!(stats["growth"]["days"], serde_json::json!([]));
}
