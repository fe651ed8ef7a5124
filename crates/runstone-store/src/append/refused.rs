//! An entry that is refused a place which then looks empty, and what is told if more fails.
//!
//! A store in memory stands for one behind a network: the first reply to a place that is taken is
//! lost and the request made again, so that the entry is refused its own place; the host does not
//! see that yet; and the next attempt fails before anything is asked for. The invariant held up to
//! scrutiny here: nobody is told that nothing was recorded of what stands there.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Map, Value};

use super::stand_in::{Manner, StandIn};
use super::*;
use crate::entropy::SystemEntropy;
use crate::hash::Hash256;
use crate::log::Seq;
use crate::memory::MemoryStore;
use crate::store::{BatchItem, Store as _};

/// A writer who gets its place and is told that it was taken, and gets no further.
#[derive(Default)]
struct Refused {
    attempts: AtomicU32,
}

impl Manner for Refused {
    fn looked(&self, _: Look) -> Look {
        Look::Free
    }

    fn take(
        &self,
        take: impl FnOnce() -> Result<Published, StoreError>,
    ) -> Result<Published, StoreError> {
        if self.attempts.fetch_add(1, Ordering::Relaxed) > 0 {
            return Err(StoreError::Unreadable {
                path: "the shard".to_owned(),
                source: io::ErrorKind::StorageFull.into(),
            });
        }
        take().map(|_won| Published::Occupied)
    }
}

/// Appends one entry by what a writer does, and returns what it is told.
fn told(write: impl FnOnce(&StandIn<'_, Refused>, &Log, KeyText) -> StoreError) -> StoreError {
    let store = MemoryStore::new(String::new(), Map::new(), SystemEntropy);
    let cohort: crate::log::CohortName = "c".parse().unwrap();
    store.open_cohort(&cohort, b"").unwrap();
    let log = Log::Cohort(cohort.clone());
    let text = KeyText {
        run: "run".to_owned(),
        stage: "train".to_owned(),
        cohort,
        attempt: 0,
    };
    let refused = StandIn {
        store: &store,
        manner: Refused::default(),
    };
    let told = write(&refused, &log, text);
    assert_eq!(
        store.head(&log).unwrap(),
        Some(Seq::FIRST),
        "it stands there"
    );
    told
}

#[test]
fn failure_after_a_refusal_leaves_the_outcome_unknown() {
    let told = told(|slots, log, text| {
        let entry = NewEntry {
            content: Hash256::of(b"content"),
            payload: b"payload",
            summary: Value::Null.into(),
            recorded_at: String::new(),
        };
        append(slots, log, Some(&text), &entry, None).unwrap_err()
    });
    assert!(matches!(told, StoreError::Unknown { .. }), "{told:?}");
}

#[test]
fn failure_after_a_refusal_leaves_the_outcome_unknown_in_a_batch() {
    let told = told(|slots, log, text| {
        let item = BatchItem {
            log: log.clone(),
            key: Some(text),
            content: Hash256::of(b"content"),
            payload: b"payload".to_vec(),
            summary: Value::Null.into(),
            recorded_at: String::new(),
        };
        let hands = Hands::Own { ahead: 1 };
        let mut told = append_by(hands, slots, &[item], &mut |_, _, _| None);
        told.pop().unwrap().unwrap_err()
    });
    assert!(matches!(told, StoreError::Unknown { .. }), "{told:?}");
}
