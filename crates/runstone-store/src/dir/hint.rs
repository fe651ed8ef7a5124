//! Hints: where the end of a cohort's log was seen last.
//!
//! A small file beside the log spares whoever opens it the search for its end. The invariant
//! guarded here: a missing, old or garbled hint costs time and nothing else; one that is whole and
//! names a place that the log does not have is evidence of a lost tail. What follows from that
//! evidence is left to the search.

use serde::{Deserialize, Serialize};

use super::DirStore;
use super::fs::FileSystem;
use super::layout::Holds;
use crate::descriptor::FORMAT;
use crate::envelope::Seen;
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::key::StoreId;
use crate::log::{Log, Seq};

/// Commits from one hint to the next: rare enough to cost nothing, often enough to spare a search.
const EVERY: u64 = 16;
/// Bytes of a hint that are read at most.
const HINT_BYTES_MAX: usize = 4 * 1024;
/// The name of a hint.
pub(super) const HINT: &str = "head.json";

/// The content of a hint, under a checksum of its own.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    format: u64,
    store: StoreId,
    log: String,
    seq: Seq,
    sha256: Hash256,
    crc32c: String,
}

impl Written {
    fn new(store: StoreId, log: &Log, seen: Seen) -> Self {
        let Seen { seq, sha256 } = seen;
        let log = log.to_string();
        let covered = format!("{FORMAT}\n{store}\n{log}\n{seq}\n{sha256}\n");
        let crc32c = format!("{:08x}", crc32c::crc32c(covered.as_bytes()));
        Self {
            format: FORMAT,
            store,
            log,
            seq,
            sha256,
            crc32c,
        }
    }
}

/// Returns the bytes of a hint: in this log of this store, this entry was the last one.
#[expect(clippy::missing_panics_doc, reason = "a hint has only text for keys")]
pub fn encode_hint(store: StoreId, log: &Log, seen: Seen) -> Vec<u8> {
    let written = Written::new(store, log, seen);
    serde_json::to_vec(&written).expect("a hint has only text for keys")
}

/// Reads a hint; nothing if it cannot be understood, or is of another store, log or format.
pub fn decode_hint(bytes: &[u8], store: StoreId, log: &Log) -> Option<Seen> {
    let written: Written = serde_json::from_slice(bytes).ok()?;
    let seen = Seen {
        seq: written.seq,
        sha256: written.sha256,
    };
    let whole = Written::new(store, log, seen);
    let same = whole.crc32c == written.crc32c
        && whole.log == written.log
        && whole.store == written.store
        && whole.format == written.format;
    same.then_some(seen)
}

/// What a hint says.
#[derive(Debug)]
pub(super) enum Hint {
    /// There is none.
    None,
    /// This entry was the last one.
    Seen(Seen),
    /// It cannot be understood, or belongs elsewhere.
    Garbled,
}

impl<F: FileSystem> DirStore<F> {
    /// Returns the path of the directory that a log's hint is in.
    pub(super) fn hint_dir(log: &Log) -> Option<[&str; 3]> {
        match log {
            Log::Cohort(cohort) => Some(["cohorts", cohort.as_str(), "view"]),
            _ => None,
        }
    }

    pub(super) fn read_hint(&self, log: &Log) -> Result<Hint, StoreError> {
        let Some(path) = Self::hint_dir(log) else {
            return Ok(Hint::None);
        };
        let Some(view) = self.tree.open(&path)? else {
            return Ok(Hint::None);
        };
        let Some(bytes) = self.tree.read(&view, HINT, HINT_BYTES_MAX)? else {
            return Ok(Hint::None);
        };
        let seen = decode_hint(&bytes, self.descriptor.store, log);
        Ok(seen.map_or(Hint::Garbled, Hint::Seen))
    }

    /// Returns whether a hint is left at this place.
    pub(super) fn is_worth_a_hint(seq: Seq) -> bool {
        seq.get().is_multiple_of(EVERY)
    }

    /// Leaves a hint, at places that are worth one, and above one that is empty: whoever searches
    /// for the end by steps may not come to what stands above a wide hole.
    pub(super) fn leave_hint(&self, log: &Log, first: Seq, seen: Seen) {
        if !Self::is_worth_a_hint(seen.seq) && !self.stands_on_nothing(log, first) {
            return;
        }
        let Some(path) = Self::hint_dir(log) else {
            return;
        };
        let bytes = encode_hint(self.descriptor.store, log, seen);
        let left = self
            .tree
            .make(&path, Holds::Passing)
            .and_then(|view| self.tree.replace(&view, self.nonce(), HINT, &bytes));
        // Without the hint the next one to open this log searches a little longer.
        drop(left);
    }

    /// Returns whether the place below one is empty, which was taken before it.
    fn stands_on_nothing(&self, log: &Log, seq: Seq) -> bool {
        let below = seq.previous();
        let is_taken = below.map_or(Ok(true), |below| match self.open_log(log)? {
            Some(mut log_dir) => log_dir.is_taken(below.get()),
            None => Ok(false),
        });
        matches!(is_taken, Ok(false))
    }

    /// Returns the path of a log's hint, for people.
    pub(super) fn hint_path(log: &Log) -> String {
        Self::hint_dir(log).map_or_else(String::new, |path| format!("{}/{HINT}", path.join("/")))
    }
}
