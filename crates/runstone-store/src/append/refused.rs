//! An entry that is refused a place which then looks empty, and what is told if more fails.
//!
//! A store in memory stands for one behind a network: the first reply to a place that is taken is
//! lost and the request made again, so that the entry is refused its own place; the host does not
//! see that yet; and the next attempt fails before anything is asked for. The invariant held up to
//! scrutiny here: nobody is told that nothing was recorded of what stands there.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Map, Value};

use super::*;
use crate::descriptor::Descriptor;
use crate::entropy::SystemEntropy;
use crate::envelope::{Envelope, Seen};
use crate::hash::Hash256;
use crate::key::{Key, Nonce};
use crate::log::Seq;
use crate::memory::MemoryStore;
use crate::store::{BatchItem, Store as _};

/// A writer who gets its place and is told that it was taken, and gets no further.
struct Refused<'a> {
    store: &'a MemoryStore,
    attempts: AtomicU32,
}

impl Refused<'_> {
    fn refuse(
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

impl Slots for Refused<'_> {
    type Draft = Vec<u8>;

    fn descriptor(&self) -> &Descriptor {
        Slots::descriptor(self.store)
    }

    fn epoch(&self) -> u64 {
        self.descriptor().epoch
    }

    fn nonce(&self) -> Nonce {
        self.store.nonce()
    }

    fn seen(&self, log: &Log) -> Result<Option<Seen>, StoreError> {
        self.store.seen(log)
    }

    fn likely_free(&self, log: &Log, from: Seq) -> Result<Seq, StoreError> {
        self.store.likely_free(log, from)
    }

    fn look(&self, _: &Log, _: Seq, _: Option<&Key>) -> Result<Look, StoreError> {
        Ok(Look::Free)
    }

    fn claim_of(&self, key: &Key) -> Result<Claim, StoreError> {
        self.store.claim_of(key)
    }

    fn draft(
        &self,
        log: &Log,
        near: Seq,
        file: Vec<u8>,
        first: FirstName,
    ) -> Result<Vec<u8>, StoreError> {
        self.store.draft(log, near, file, first)
    }

    fn name_claim(
        &self,
        key: &Key,
        generation: u32,
        draft: &mut Vec<u8>,
    ) -> Result<Claimed, StoreError> {
        self.store.name_claim(key, generation, draft)
    }

    fn settle_claims(&self, keys: &[Key]) -> Result<(), StoreError> {
        self.store.settle_claims(keys)
    }

    fn adopt(&self, key: &Key, generation: u32) -> Result<(), StoreError> {
        self.store.adopt(key, generation)
    }

    fn adopted(&self, key: &Key, generation: u32) -> Result<bool, StoreError> {
        self.store.adopted(key, generation)
    }

    fn publish(
        &self,
        log: &Log,
        seq: Seq,
        draft: &mut Vec<u8>,
        written: &Envelope,
        meanwhile: Option<&mut Meanwhile<'_>>,
    ) -> Result<Published, StoreError> {
        self.refuse(|| self.store.publish(log, seq, draft, written, meanwhile))
    }

    fn take(
        &self,
        log: &Log,
        seq: Seq,
        draft: &mut Vec<u8>,
        written: &Envelope,
    ) -> Result<Published, StoreError> {
        self.refuse(|| self.store.take(log, seq, draft, written))
    }

    fn settle(&self, log: &Log, places: &[Seen]) -> Result<(), StoreError> {
        self.store.settle(log, places)
    }
}

/// Appends one entry by what a writer does, and returns what it is told.
fn told(write: impl FnOnce(&Refused<'_>, &Log, KeyText) -> StoreError) -> StoreError {
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
    let attempts = AtomicU32::new(0);
    let refused = Refused {
        store: &store,
        attempts,
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
            summary: Value::Null,
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
            summary: Value::Null,
            recorded_at: String::new(),
        };
        let hands = Hands::Own { ahead: 1 };
        let mut told = append_by(hands, slots, &[item], &mut |_, _, _| None);
        told.pop().unwrap().unwrap_err()
    });
    assert!(matches!(told, StoreError::Unknown { .. }), "{told:?}");
}
