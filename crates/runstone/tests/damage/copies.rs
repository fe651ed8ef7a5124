//! A copy of a store is told; two of them that both lived on and were mixed are found.

use std::ops::ControlFlow;

use runstone::core::input::RunInput;
use runstone::init::InitRequest;
use runstone::verify::Damaged;
use runstone::views::Views;
use runstone::{BatchRequest, Handed, Ledger};
use runstone_testkit::{Files, Lab, replace, run};

/// A store with two runs, and a copy of it. Without views, which would tell a mixture too.
fn two_copies() -> (Lab, Lab) {
    let lab = Lab::with(InitRequest {
        views: Some(Views::None),
        ..InitRequest::default()
    });
    for run_id in ["r1", "r2"] {
        lab.record(run(run_id)).unwrap();
    }
    let copy = lab.copied();
    (lab, copy)
}

/// Records runs one after the other, or together in one stream.
fn record(ledger: &Ledger, runs: &[&str], is_one_stream: bool) {
    let documents = runs.iter().map(|run_id| run(run_id).build());
    if !is_one_stream {
        for document in documents {
            let input = RunInput::from_document(document);
            ledger.record(runstone::RecordRequest::of(input)).unwrap();
        }
        return;
    }
    let documents = documents.map(|document| RunInput::from_document(document).into());
    let documents: Vec<Handed> = documents.collect();
    let mut recorded = 0;
    ledger
        .record_all(documents.into_iter(), &BatchRequest::default(), |answer| {
            recorded += u32::from(answer.outcome.is_ok());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(recorded as usize, runs.len());
}

/// Copies every file of one store below `parts` over another, as `rsync -a` does.
fn copy_over(from: &Lab, to: &Lab, parts: &[&str]) {
    let files = Files::below(&from.root());
    for path in files.paths() {
        let is_meant = parts.iter().any(|part| path.starts_with(part));
        if is_meant && path != "runstone.json" && !path.ends_with("head.json") {
            replace(&to.root().join(path), files.get(path).unwrap());
        }
    }
}

fn forks(lab: &Lab) -> Vec<Damaged> {
    let damage = lab.reopened().verify().unwrap().damage;
    damage.into_iter().filter(|it| it.kind == "fork").collect()
}

const ALL: [&str; 1] = [""];

#[test]
fn copies_that_went_on_by_themselves_are_found_once_they_are_mixed() {
    for is_adopted in [false, true] {
        let (lab, copy) = two_copies();
        if is_adopted {
            copy.ledger.adopt().unwrap();
        }
        record(&copy.reopened(), &["b1", "b2"], false);
        record(&lab.reopened(), &["a1", "a2", "a3"], false);
        for lab in [&lab, &copy] {
            let verified = lab.reopened().verify().unwrap();
            assert!(verified.is_ok(), "{:?}", verified.damage);
        }
        let mixed = lab.copied();
        copy_over(&copy, &mixed, &ALL);
        assert!(!forks(&mixed).is_empty(), "adopted: {is_adopted}");
        let mixed = copy.copied();
        copy_over(&lab, &mixed, &ALL);
        // What the longer one had covers the shorter one: all that is left of that is its claims,
        // and where it was adopted, nothing tells them from those of writers that died.
        let verified = mixed.reopened().verify().unwrap();
        let claims = verified.stale.iter().filter(|it| it.kind == "claim");
        assert_eq!(claims.count(), 2, "adopted: {is_adopted}");
    }
}

#[test]
fn epochs_tell_copies_apart_whose_entries_were_recorded_in_one_stream() {
    let (lab, copy) = two_copies();
    copy.ledger.adopt().unwrap();
    record(&copy.reopened(), &["b1", "b2"], false);
    record(&lab.reopened(), &["a1", "a2", "a3", "a4"], true);
    copy_over(&copy, &lab, &ALL);
    let forks = forks(&lab);
    assert_eq!(forks.len(), 1, "{forks:?}");
    assert!(forks[0].path.ends_with("#5"), "{forks:?}");
    assert_eq!(forks[0].expected, "epoch 1, which begins at #3 below it");
    assert_eq!(forks[0].found, "epoch 0, in 2 entries from here on");
}

#[test]
fn an_epoch_that_no_note_begins_is_that_of_another_copy() {
    let (lab, copy) = two_copies();
    copy.ledger.adopt().unwrap();
    record(&copy.reopened(), &["b1", "b2"], false);
    copy_over(&copy, &lab, &["cohorts/", "keys/"]);
    let forks = forks(&lab);
    assert_eq!(forks.len(), 1, "{forks:?}");
    assert!(forks[0].path.ends_with("#3"), "{forks:?}");
    assert_eq!(forks[0].found, "epoch 1, in 2 entries from here on");
}

#[test]
fn a_process_that_was_at_work_while_its_store_was_adopted_is_no_other_copy() {
    let (lab, _copy) = two_copies();
    let at_work = lab.reopened();
    lab.ledger.adopt().unwrap();
    record(&lab.reopened(), &["new"], false);
    record(&at_work, &["old"], false);
    record(&lab.reopened(), &["newer"], false);
    let verified = lab.reopened().verify().unwrap();
    assert!(verified.is_ok(), "{:?}", verified.damage);
    // Nor is one that verifies with a handle that knows nothing of it.
    let verified = at_work.verify().unwrap();
    assert!(verified.is_ok(), "{:?}", verified.damage);
}

#[test]
fn a_store_that_was_copied_is_told_until_it_is_adopted_and_nothing_is_refused() {
    let (lab, copy) = two_copies();
    assert_eq!(lab.reopened().verify().unwrap().moved, None);
    let moved = copy.reopened().verify().unwrap().moved.unwrap();
    assert_ne!(moved.made.inode, moved.here.inode);
    record(&copy.reopened(), &["b1"], false);
    let verified = copy.reopened().verify_and_repair().unwrap();
    assert!(verified.is_ok() && verified.moved == Some(moved));
    copy.ledger.adopt().unwrap();
    assert_eq!(copy.reopened().verify().unwrap().moved, None);
    // Without the hint nobody knows, and nobody guesses.
    std::fs::remove_file(copy.root().join("origin.json")).unwrap();
    assert_eq!(copy.reopened().verify().unwrap().moved, None);
}
