//! Snapshots read or recorded a moment ago.
//!
//! The previous run of a recording is most often the one before it, and the baseline the same for
//! many runs in a row. A snapshot never changes, so one kept here is what a reading would give;
//! whoever has to know what stands on the disk now reads it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runstone_core::id::SnapshotSeq;
use runstone_store::CohortName;
use serde_json::Value;

use crate::error::Error;
use crate::find::{Stored, place_in_log};
use crate::open::Ledger;

/// How many snapshots are kept: previous and baseline of a few cohorts.
const KEPT_MAX: usize = 8;
/// Largest document kept, in bytes of its text; with the number of them, this bounds the memory.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// The snapshots kept, the one used last in front.
#[derive(Debug, Default)]
pub(crate) struct Recents(Mutex<VecDeque<Arc<Stored>>>);

impl Recents {
    pub(crate) fn keep(&self, stored: &Arc<Stored>) {
        let document = stored.snapshot.document.iter();
        if document
            .map(|(key, value)| key.len() + size(value))
            .sum::<usize>()
            > DOCUMENT_BYTES_MAX
        {
            return;
        }
        let mut kept = self.kept();
        kept.retain(|other| other.place != stored.place);
        kept.push_front(Arc::clone(stored));
        kept.truncate(KEPT_MAX);
    }

    fn get(&self, cohort: &CohortName, seq: SnapshotSeq) -> Option<Arc<Stored>> {
        let mut kept = self.kept();
        let at = kept
            .iter()
            .position(|stored| stored.place.seq == seq && stored.place.cohort == *cohort)?;
        let found = kept.remove(at)?;
        kept.push_front(Arc::clone(&found));
        Some(found)
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<Stored>>> {
        // A thread that panicked while holding the lock left at worst a snapshot less.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns about as many bytes as a value takes as text.
fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(key, item)| key.len() + size(item))
            .sum(),
    }
}

impl Ledger {
    /// Returns the snapshot at a place, or a copy of it: from memory where it was used a
    /// moment ago.
    pub(crate) fn recent(
        &self,
        cohort: &CohortName,
        seq: SnapshotSeq,
    ) -> Result<Arc<Stored>, Error> {
        if let Some(kept) = self.recents.get(cohort, seq) {
            return Ok(kept);
        }
        let stored = Arc::new(self.stored_copy(cohort, place_in_log(cohort, seq)?)?);
        self.recents.keep(&stored);
        Ok(stored)
    }
}
