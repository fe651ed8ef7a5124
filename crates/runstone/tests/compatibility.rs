//! A store that was written once is read by every later release: byte for byte the same answer.
//!
//! `fixtures/stores/v1` is an ordinary store of format 1: three trainings of the market pipeline
//! and one of the generic profile. It is never edited; a later format gets a fixture of its own.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use runstone::Ledger;
use runstone::core::canon;
use runstone::core::id::SnapshotSeq;
use runstone::list::LogRequest;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/stores/v1")
}

/// Copies the fixture, since a test must not write into it.
fn copied(to: &Path) -> Ledger {
    let mut folders = vec![fixture()];
    while let Some(folder) = folders.pop() {
        let target = to.join(folder.strip_prefix(fixture()).unwrap());
        std::fs::create_dir_all(&target).unwrap();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                std::fs::copy(&path, target.join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    Ledger::open(to).unwrap()
}

#[test]
fn a_store_of_format_1_is_whole_and_recomputes() {
    let verified = Ledger::open(&fixture()).unwrap().verify().unwrap();
    assert!(verified.is_ok(), "{:?}", verified.damage);
    assert_eq!(verified.checked.snapshots, 4);
}

#[test]
fn a_payload_of_format_1_reads_and_writes_the_same_bytes() {
    let ledger = Ledger::open(&fixture()).unwrap();
    let page = ledger
        .log(&LogRequest {
            all_attempts: true,
            ..LogRequest::default()
        })
        .unwrap();
    assert_eq!(page.rows.len(), 4);
    for row in &page.rows {
        let written = canon::digest(&row.stored.snapshot.to_payload());
        assert_eq!(written, row.stored.place.sha256, "{}", row.stored.place);
    }
}

#[test]
fn the_answer_about_a_store_of_format_1_is_the_one_of_then() {
    let ledger = Ledger::open(&fixture()).unwrap();
    let changed = ledger.find("intelligent_output_20251218_093012").unwrap();
    assert_eq!(changed.place.seq, SnapshotSeq(2));
    let diff = ledger.compared(&changed).unwrap().diff;
    assert_eq!(
        diff.excluded_factors.summary(),
        "learning_rate: 0.05→0.01, train_seed: 1337→42, python_version: 3.11.7→3.12.1"
    );
}

#[test]
fn recording_goes_on_in_a_store_of_format_1() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = copied(&folder.path().join("store"));
    let newest = ledger.find("churn-0412").unwrap();
    let mut document = newest.snapshot.document.clone();
    document.insert("run_id".to_owned(), "churn-0413".into());
    let input = runstone::core::input::RunInput::from_document(document);
    let recorded = ledger.record(runstone::RecordRequest {
        profile: runstone::profiles::ProfileChoice::Named("generic".to_owned()),
        ..runstone::RecordRequest::of(input)
    });
    let recorded = recorded.unwrap();
    assert_eq!(recorded.place.cohort, newest.place.cohort);
    assert_eq!(recorded.place.seq, SnapshotSeq(2));
    assert!(ledger.verify().unwrap().is_ok());
}

/// Every file below `folder` that is a view, by its path.
fn views_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_string_lossy();
            if path.is_dir() {
                folders.push(path);
            } else if name.starts_with("runs/") || name.ends_with("/view/LATEST.json") {
                found.insert(name.into_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn views_of_version_1_are_made_the_same_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    drop(copied(&root));
    let descriptor = root.join("runstone.json");
    let settings = std::fs::read_to_string(&descriptor).unwrap();
    let with_views = settings.replace("\"views\": \"none\"", "\"views\": \"files\"");
    assert_ne!(with_views, settings);
    std::fs::remove_file(&descriptor).unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "the fixture was made without views"
    )]
    std::fs::write(&descriptor, with_views).unwrap();
    let ledger = Ledger::open(&root).unwrap();
    let rebuilt = ledger.rebuild_views(None, &mut |_, _| ()).unwrap();
    let made = views_below(&root);
    assert_eq!(rebuilt.written, made.len() as u64);
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/views/v1");
    let expected = views_below(&fixture);
    let names = |views: &BTreeMap<String, Vec<u8>>| views.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&made), names(&expected));
    for (path, bytes) in &expected {
        let (made, then) = [&made[path], bytes]
            .map(|it| String::from_utf8_lossy(it))
            .into();
        assert_eq!(
            made, then,
            "{path} changed: views of another shape have another version"
        );
    }
}
