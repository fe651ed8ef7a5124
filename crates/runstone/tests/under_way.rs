//! A run under way is listed until it is recorded, and lost is said only by its own host.

use runstone::core::id::Attempt;
use runstone::core::input::RunInput;
use runstone::core::snapshot::Captured;
use runstone::under_way::{Host, ProcessId, Started, State};
use runstone::{AttemptChoice, Error, RecordRequest};
use runstone_testkit::{Lab, run};
use serde_json::json;

/// A host on which the watching process is there, or gone.
struct Fake {
    is_there: bool,
}

impl Host for Fake {
    fn this_process(&self) -> ProcessId {
        ProcessId {
            host: "a".to_owned(),
            boot_id: Some("b".to_owned()),
            pid_space: None,
            pid: 1,
            began: Some(1),
        }
    }

    fn began(&self, _pid: u32) -> Option<Option<u64>> {
        self.is_there.then_some(Some(1))
    }
}

const THERE: Fake = Fake { is_there: true };
const GONE: Fake = Fake { is_there: false };

fn started(nonce: &str, run_id: &str) -> Started {
    Started {
        nonce: nonce.to_owned(),
        run_id: run_id.to_owned(),
        stage: "train".to_owned(),
        cohort: None,
        attempt: None,
        process: THERE.this_process(),
        job: None,
        started_at: format!("2026-11-20T10:00:0{}.000Z", nonce.len()),
    }
}

#[test]
fn what_is_recorded_is_not_lost_though_nobody_came_to_say_so() {
    let lab = Lab::new();
    for (nonce, run_id) in [("n", "r1"), ("nn", "r2")] {
        let started = started(nonce, run_id);
        lab.ledger
            .begin(&started, AttemptChoice::Found, &THERE)
            .unwrap();
    }
    let rows = |host: &Fake| -> Vec<(String, State)> {
        let rows = lab.reopened().under_way(host).unwrap().rows.into_iter();
        rows.map(|row| (row.started.run_id, row.state)).collect()
    };
    let named = |state| vec![("r2".to_owned(), state), ("r1".to_owned(), state)];
    assert_eq!(rows(&THERE), named(State::Unfinished));
    assert_eq!(rows(&GONE), named(State::Lost));
    let request = RecordRequest {
        process: Captured::Known(json!({"execution": "n"})),
        ..RecordRequest::of(RunInput::from_document(run("r1").build()))
    };
    lab.ledger.record(request).unwrap();
    // The same run by hand is another execution: what became of `nn` is not known.
    lab.record(run("r2")).unwrap();
    assert_eq!(rows(&GONE), [("r2".to_owned(), State::Lost)]);
    assert!(lab.ledger.verify().unwrap().is_ok());
}

#[test]
fn what_is_recorded_behind_a_gap_or_on_another_host_is_not_listed() {
    let lab = Lab::new();
    let late = Started {
        attempt: Some(5),
        ..started("n", "r1")
    };
    let elsewhere = started("nn", "r2");
    let elsewhere = Started {
        process: ProcessId {
            host: "another".to_owned(),
            ..elsewhere.process
        },
        ..elsewhere
    };
    for (started, choice) in [
        (&late, AttemptChoice::Exactly(Attempt(5))),
        (&elsewhere, AttemptChoice::Found),
    ] {
        lab.ledger.begin(started, choice, &THERE).unwrap();
        let request = RecordRequest {
            process: Captured::Known(json!({"execution": started.nonce})),
            attempt: choice,
            ..RecordRequest::of(RunInput::from_document(run(&started.run_id).build()))
        };
        assert_eq!(lab.ledger.under_way(&GONE).unwrap().rows.len(), 1);
        lab.ledger.record(request).unwrap();
        assert_eq!(lab.ledger.under_way(&GONE).unwrap().rows, []);
    }
}

#[test]
fn a_rival_is_refused_while_it_is_there_and_free_once_it_is_gone() {
    let lab = Lab::new();
    let begin = |nonce, choice, host: &Fake| lab.ledger.begin(&started(nonce, "r1"), choice, host);
    begin("n", AttemptChoice::Found, &THERE).unwrap();
    match begin("nn", AttemptChoice::Found, &THERE) {
        Err(Error::UnderWay(rival)) => assert_eq!(rival.nonce, "n"),
        other => panic!("{other:?}"),
    }
    begin("nnn", AttemptChoice::Next, &THERE).unwrap();
    begin("nnnn", AttemptChoice::Found, &GONE).unwrap();
    // What was refused left no notice; the lost ones go when the run is recorded.
    let last = started("nnnn", "r1");
    assert_eq!(lab.ledger.under_way(&GONE).unwrap().rows.len(), 3);
    lab.ledger.end(&last).unwrap();
    lab.ledger.forget_lost(&last, &GONE).unwrap();
    assert_eq!(lab.ledger.under_way(&GONE).unwrap().rows, []);
}
