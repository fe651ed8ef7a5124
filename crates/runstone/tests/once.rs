//! Once is once: the same content of one (run, stage, cohort, attempt) is one snapshot, and
//! retries are attempts, kept and shown.

use runstone::core::id::{Attempt, SnapshotSeq};
use runstone::{AttemptChoice, Error, RecordedAs};
use runstone_testkit::{Lab, run};

#[test]
fn recording_the_same_again_finds_the_same_snapshot() {
    let lab = Lab::new();
    let first = lab.record(run("r1")).unwrap();
    let again = lab.record(run("r1")).unwrap();
    assert_eq!(first.recorded_as, RecordedAs::New);
    assert_eq!(again.recorded_as, RecordedAs::Already);
    assert_eq!(again.place, first.place);
    assert_eq!(lab.ledger.cohorts().unwrap()[0].snapshots, Some(1));
}

#[test]
fn clocks_do_not_make_content_different() {
    let lab = Lab::new();
    let first = lab
        .record(run("r1").with("finished_at", "2026-11-20T10:00:00Z"))
        .unwrap();
    let again = lab
        .record(run("r1").with("finished_at", "2026-11-21T10:00:00Z"))
        .unwrap();
    assert_eq!(again.place, first.place);
}

#[test]
fn spelling_does_not_make_content_different() {
    let lab = Lab::new();
    let first = lab.record(run("r1").with("factors.trees", 6)).unwrap();
    let again = lab.record(run("r1").with("factors.trees", 6.0)).unwrap();
    assert_eq!(again.place, first.place);
}

#[test]
fn other_content_after_a_finished_recording_is_a_conflict_and_changes_nothing() {
    let lab = Lab::new();
    let first = lab.record(run("r1")).unwrap();
    let error = lab.record(run("r1").auc(0.7)).unwrap_err();
    let Error::Conflict(conflict) = &error else {
        panic!("not a conflict: {error}")
    };
    assert_eq!(conflict.place, Some(first.place.to_string()));
    assert_eq!((conflict.attempt, conflict.explicit), (Attempt(0), false));
    assert_eq!(lab.ledger.cohorts().unwrap()[0].snapshots, Some(1));
}

#[test]
fn other_content_after_a_failed_recording_is_the_next_attempt() {
    let lab = Lab::new();
    lab.record(run("r1").with("status", "failed")).unwrap();
    let second = lab.record(run("r1").auc(0.7)).unwrap();
    assert_eq!(second.attempt, Attempt(1));
    assert_eq!(second.place.seq, SnapshotSeq(2));
    // The failed one is still found by its own content.
    let first = lab.record(run("r1").with("status", "failed")).unwrap();
    assert_eq!(
        (first.recorded_as, first.attempt),
        (RecordedAs::Already, Attempt(0))
    );
}

#[test]
fn next_makes_an_attempt_of_other_content_and_finds_equal_content() {
    let lab = Lab::new();
    lab.record(run("r1")).unwrap();
    let second = lab
        .record_as(run("r1").auc(0.7), AttemptChoice::Next)
        .unwrap();
    assert_eq!(second.attempt, Attempt(1));
    let again = lab
        .record_as(run("r1").auc(0.7), AttemptChoice::Next)
        .unwrap();
    assert_eq!(again.place, second.place);
}

#[test]
fn an_explicit_attempt_is_taken_once_and_refused_for_other_content() {
    let lab = Lab::new();
    let exactly = AttemptChoice::Exactly(Attempt(3));
    let first = lab.record_as(run("r1"), exactly).unwrap();
    assert_eq!(first.attempt, Attempt(3));
    assert_eq!(
        lab.record_as(run("r1"), exactly).unwrap().place,
        first.place
    );
    let error = lab.record_as(run("r1").auc(0.7), exactly).unwrap_err();
    let Error::Conflict(conflict) = &error else {
        panic!("not a conflict: {error}")
    };
    assert_eq!((conflict.attempt, conflict.explicit), (Attempt(3), true));
}

#[test]
fn an_attempt_in_the_document_contradicts_another_beside_it() {
    let lab = Lab::new();
    let named = run("r1").with("attempt", 2);
    for choice in [AttemptChoice::Next, AttemptChoice::Exactly(Attempt(1))] {
        let error = lab.record_as(named.clone(), choice).unwrap_err();
        assert!(matches!(error, Error::Usage { .. }), "{error}");
    }
    assert_eq!(lab.record(named).unwrap().attempt, Attempt(2));
}

#[test]
fn the_same_run_and_stage_with_another_identity_is_another_snapshot() {
    let lab = Lab::new();
    let first = lab.record(run("r1")).unwrap();
    let other = lab
        .record(run("r1").with("identity.dataset.sha256", "d2"))
        .unwrap();
    assert_ne!(first.place.cohort, other.place.cohort);
    assert_eq!((first.attempt, other.attempt), (Attempt(0), Attempt(0)));
}

#[test]
fn a_second_handle_finds_what_the_first_recorded() {
    let lab = Lab::new();
    let first = lab.record(run("r1")).unwrap();
    let other = lab.reopened();
    let found = other.find("r1").unwrap();
    assert_eq!(found.place, first.place);
    assert_eq!(found.snapshot.run_id.as_str(), "r1");
}

#[test]
fn threads_that_record_one_content_at_once_make_one_snapshot() {
    let lab = Lab::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| lab.record(run("r1")).unwrap()))
            .collect();
        let answers: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        let new = answers
            .iter()
            .filter(|answer| answer.recorded_as == RecordedAs::New)
            .count();
        assert_eq!(new, 1);
        assert!(
            answers
                .iter()
                .all(|answer| answer.place == answers[0].place)
        );
    });
    assert_eq!(lab.ledger.cohorts().unwrap()[0].snapshots, Some(1));
}

#[test]
fn run_ids_of_any_text_come_back_unchanged() {
    let lab = Lab::new();
    let ids = [
        "a:b",
        "a/b",
        "..",
        ".",
        "nul\0byte",
        "line\nbreak",
        "🙂",
        "Run",
        "run",
        " ",
        "@latest",
        "x#1",
    ];
    for id in ids {
        lab.record(run(id)).unwrap();
    }
    let page = lab
        .ledger
        .log(&runstone::list::LogRequest::default())
        .unwrap();
    let mut found: Vec<&str> = page
        .rows
        .iter()
        .map(|row| row.stored.snapshot.run_id.as_str())
        .collect();
    found.reverse();
    assert_eq!(found, ids);
    assert!(lab.ledger.verify().unwrap().is_ok());
}
