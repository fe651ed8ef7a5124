//! A store that was written once is read by every later release: byte for byte the same answer.
//!
//! `fixtures/stores/v1` is an ordinary store of format 1: three trainings of the market pipeline
//! and one of the generic profile. It is never edited; a later format gets a fixture of its own.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

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
