//! Views of more than one snapshot, replaced by many writers at once: when the last one is done,
//! nothing is forgotten.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::path::Path;
use std::sync::Barrier;
use std::thread;

use runstone::core::input::RunInput;
use runstone::{Ledger, RecordRequest};
use runstone_testkit::{Lab, RunBuilder, run};
use serde_json::Value;

/// Writers at once, each with a handle of its own, as a process has.
const WRITERS: usize = 24;
/// How often the race is run.
const ROUNDS: usize = 8;

fn record_at_once(root: &Path, document: impl Fn(usize) -> RunBuilder + Sync) {
    let barrier = Barrier::new(WRITERS);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (barrier, document) = (&barrier, &document);
            scope.spawn(move || {
                let ledger = Ledger::open(root).unwrap();
                let input = RunInput::from_document(document(writer).build());
                barrier.wait();
                let recorded = ledger.record(RecordRequest::of(input)).unwrap();
                // That the run stands in other cohorts too is what this is about.
                let odd = |warning: &&String| !warning.contains("in another cohort too");
                assert_eq!(recorded.warnings.iter().find(odd), None);
            });
        }
    });
}

fn view(root: &Path, path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(root.join(path)).unwrap()).unwrap()
}

#[test]
fn writers_of_one_run_in_as_many_cohorts_leave_an_entry_each() {
    let lab = Lab::new();
    for round in 0..ROUNDS {
        let run_id = format!("r{round}");
        record_at_once(&lab.root(), |writer| {
            run(&run_id).with("identity.symbol", format!("S{writer}"))
        });
        let index = view(&lab.root(), &format!("runs/{run_id}/snapshot_index.json"));
        let entries = index["snapshots"].as_object().unwrap();
        assert_eq!(entries.len(), WRITERS, "round {round}");
    }
    let stale = lab.ledger.verify().unwrap().stale;
    assert!(stale.is_empty(), "{stale:?}");
}

#[test]
fn the_newest_of_a_cohort_is_its_head_when_the_last_writer_is_done() {
    let lab = Lab::new();
    for round in 0..ROUNDS {
        record_at_once(&lab.root(), |writer| run(&format!("r{round}-{writer}")));
        let cohort = lab.ledger.cohorts().unwrap()[0].cohort.clone();
        let latest = view(&lab.root(), &format!("cohorts/{cohort}/view/LATEST.json"));
        assert_eq!(
            latest["snapshot_seq"],
            WRITERS * (round + 1),
            "round {round}"
        );
    }
    let stale = lab.ledger.verify().unwrap().stale;
    assert!(stale.is_empty(), "{stale:?}");
}

#[test]
fn views_made_again_beside_writers_end_as_they_should_be() {
    let lab = Lab::new();
    thread::scope(|scope| {
        let rebuilding = scope.spawn(|| {
            let ledger = lab.reopened();
            for _ in 0..ROUNDS {
                let rebuilt = ledger.rebuild_views(None, &mut |_, _| ()).unwrap();
                assert_eq!(rebuilt.removed, 0);
            }
        });
        record_at_once(&lab.root(), |writer| {
            run("r").with("identity.symbol", format!("S{writer}"))
        });
        rebuilding.join().unwrap();
    });
    let stale = lab.ledger.verify().unwrap().stale;
    assert!(stale.is_empty(), "{stale:?}");
    let index = view(&lab.root(), "runs/r/snapshot_index.json");
    assert_eq!(index["snapshots"].as_object().unwrap().len(), WRITERS);
}
