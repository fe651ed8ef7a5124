//! The contract every engine keeps, as a suite that every engine calls.
//!
//! [`all`] asks for empty stores and holds each to the promises of [`Store`]. The invariant guarded
//! here: an engine that passes can stand behind the ledger. What only a directory can do, losing
//! power or meeting other processes, is left to the tests of that engine.

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a suite of tests panics where a promise is broken"
)]

mod batches;
mod beside;
mod entries;

use serde_json::json;

#[cfg(test)]
pub(crate) use self::batches::item;
use crate::hash::Hash256;
use crate::key::KeyText;
use crate::log::{CohortName, Log};
use crate::store::{Appended, Committed, NewEntry, Store};

/// A promise in words, and the check that it is held.
type Promise = (&'static str, fn(&dyn Store));

/// Holds the stores that `make` makes, each of them empty, to every promise.
pub fn all(make: &dyn Fn() -> Box<dyn Store>) {
    let promises = entries::PROMISES
        .into_iter()
        .chain(batches::PROMISES)
        .chain(beside::PROMISES);
    for (promise, hold) in promises {
        let store = make();
        let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| hold(&*store)));
        if let Err(broken) = held {
            panic!("promise broken: {promise}: {}", text_of(&*broken));
        }
    }
}

fn text_of(broken: &(dyn std::any::Any + Send)) -> &str {
    let owned = broken.downcast_ref::<String>().map(String::as_str);
    owned
        .or(broken.downcast_ref::<&str>().copied())
        .unwrap_or("no text")
}

fn cohort(name: &str) -> CohortName {
    name.parse().unwrap()
}

pub(crate) fn key(run: &str, cohort: &CohortName, attempt: u32) -> KeyText {
    let (run, stage, cohort) = (run.to_owned(), "train".to_owned(), cohort.clone());
    KeyText {
        run,
        stage,
        cohort,
        attempt,
    }
}

fn entry(payload: &[u8]) -> NewEntry<'_> {
    NewEntry {
        content: Hash256::of(payload),
        payload,
        summary: json!({"status": "finished"}).into(),
        recorded_at: "2026-11-20T10:15:00Z".to_owned(),
    }
}

fn opened(store: &dyn Store, name: &str) -> (CohortName, Log) {
    let cohort = cohort(name);
    store.open_cohort(&cohort, name.as_bytes()).unwrap();
    (cohort.clone(), Log::Cohort(cohort))
}

fn append(store: &dyn Store, run: &str, payload: &[u8]) -> Appended {
    let (cohort, log) = opened(store, "c");
    store
        .append(&log, Some(&key(run, &cohort, 0)), &entry(payload))
        .unwrap()
}

fn new(appended: Appended) -> Committed {
    match appended {
        Appended::New(committed) => committed,
        other => panic!("not new: {other:?}"),
    }
}
