//! Sealing: putting entries that will not change any more into segments.
//!
//! Nobody is told to seal. Who takes the place some way into the next segment looks whether the last
//! one is there, and seals it if not; if that writer dies, the one that comes to the same place of
//! the next segment seals both. So one writer of many does the work, once in 256 recordings, after
//! its own entry is durable, and all it does may fail.
//!
//! What a batch of this handle wrote to a disk of this host is sealed as it was acknowledged, without
//! being read again (decision 005); everything else is read from its slot.
//!
//! The invariants guarded here: only what was durable in its slot is sealed, bit for bit, and never
//! over a place that was read and is damaged, missing or cannot be read; a segment has its name only
//! when it is whole and flushed, and no name is taken from another one. What a segment consists of
//! is left to `segment`.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use super::DirStore;
use super::fresh::Written;
use super::fs::FileSystem;
use super::layout::{Holds, SEGMENTS, shard_name};
use super::tree::{At, at};
use crate::damage::Damage;
use crate::envelope::{Envelope, FILE_BYTES_MAX, decode};
use crate::error::StoreError;
use crate::log::{Log, Seq};
#[cfg(test)]
use crate::mutants::{self, Mutant};
use crate::segment::{
    Chain, ENTRIES, FAN_OUT, FRAME_ENTRIES, Frames, Level, Row, Sealing, Span, encode,
};
use crate::store::Slot;

/// How far into the next segment the place is at which somebody looks whether the last one is
/// sealed: chosen, so that writers that race for places are past it. There is one such place in a
/// segment: in a crowd one takes so long to be sealed that another would begin the same.
const INTO: u64 = 32;

/// How many segments this handle knows to be sealed of each log, from the first one on.
#[derive(Debug, Default)]
pub(super) struct SealedSoFar(Mutex<BTreeMap<Log, u64>>);

impl SealedSoFar {
    fn get(&self, log: &Log) -> u64 {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.get(log).copied().unwrap_or(0)
    }

    fn raise(&self, log: &Log, segments: u64) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = map.entry(log.clone()).or_default();
        *known = segments.max(*known);
    }
}

/// What batches of this handle took in each log since it was sealed last: the last place, and how
/// many. Their entries are answered for before anything is sealed.
#[derive(Debug, Default)]
pub(super) struct LeftToSeal(Mutex<BTreeMap<Log, (Seq, u64)>>);

impl LeftToSeal {
    pub(super) fn add(&self, log: &Log, last: Seq, taken: u64) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (highest, count) = map.entry(log.clone()).or_insert((last, 0));
        *highest = last.max(*highest);
        *count += taken;
    }

    fn take(&self) -> BTreeMap<Log, (Seq, u64)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What came of sealing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sealable {
    /// The segment is there, by this call or before it.
    There,
    /// Something that it would stand on cannot be believed.
    Hindered,
}

impl<F: FileSystem> DirStore<F> {
    /// Seals what batches left to be sealed.
    pub(super) fn seal_left(&self) {
        let left = self.left_to_seal.take();
        for (log, (last, taken)) in &left {
            self.seal_behind(log, *last, *taken);
        }
        self.fresh.keep_only(&left.into_keys().collect());
    }

    /// Seals what the places just taken in a log, `taken` of them up to `last`, leave to be sealed.
    /// Whatever hinders it is left to the next one.
    pub(super) fn seal_behind(&self, log: &Log, last: Seq, taken: u64) {
        let Log::Cohort(_) = log else {
            return;
        };
        let behind = last.get().saturating_sub(INTO);
        let complete = behind / ENTRIES;
        // Of the places taken one is that at which somebody has to look.
        let looks = behind % ENTRIES < taken;
        if !looks || complete <= self.sealed_so_far.get(log) {
            return;
        }
        // After a failed flush no later one is believed.
        if self.tree.is_poisoned() {
            return;
        }
        // What cannot be sealed now can be later, and costs nobody an entry.
        drop(self.first_unsealed(log, complete).and_then(|first| {
            self.seal_from(log, first, complete.min(first + taken / ENTRIES + 2))
        }));
    }

    /// Seals the segments with these numbers, of which the first one is the first that is missing;
    /// returns how many it sealed.
    pub(super) fn seal_from(&self, log: &Log, first: u64, end: u64) -> Result<u64, StoreError> {
        let mut sealed = 0;
        for number in first..end {
            let span = Span::numbered(Level::Entries, number);
            if self.seal(log, span)? == Sealable::Hindered {
                break;
            }
            sealed += 1;
            self.sealed_so_far.raise(log, number + 1);
            // The wide one that ended last, in case its own sealer died.
            if let Some(wide) = ((number + 1) / FAN_OUT).checked_sub(1) {
                let wide = Span::numbered(Level::Rows, wide);
                if !self.is_sealed(log, wide)? {
                    self.join(log, wide)?;
                }
            }
        }
        Ok(sealed)
    }

    /// Seals whatever is not sealed of a log; returns how many segments that gave.
    pub(super) fn seal_whole(&self, log: &Log) -> Result<u64, StoreError> {
        let head = match self.find_head(log, None) {
            Ok(Some(head)) => head,
            Ok(None) => return Ok(0),
            Err(error) => return Damage::in_reading(error).map(|_named_by_the_audit| 0),
        };
        let complete = head.get().saturating_sub(INTO) / ENTRIES;
        let mut sealed = 0;
        for level in Level::ALL {
            for number in 0..complete * ENTRIES / level.width() {
                let span = Span::numbered(level, number);
                if self.is_sealed(log, span)? {
                    continue;
                }
                let sealable = match level {
                    Level::Entries => self.seal(log, span)?,
                    Level::Rows => self.join(log, span)?,
                };
                if sealable == Sealable::Hindered {
                    break;
                }
                sealed += 1;
            }
        }
        Ok(sealed)
    }

    /// Returns the number of the first segment that is missing: they are sealed in order, so it is
    /// found by halving.
    pub(super) fn first_unsealed(&self, log: &Log, complete: u64) -> Result<u64, StoreError> {
        let is_there = |number| self.is_sealed(log, Span::numbered(Level::Entries, number));
        let mut sealed = self.sealed_so_far.get(log).min(complete);
        let mut missing = complete;
        // Mostly none is missing, or the last one.
        for _ in 0..2 {
            if missing > sealed && is_there(missing - 1)? {
                sealed = missing;
            } else {
                missing = missing.saturating_sub(1).max(sealed);
            }
        }
        while sealed < missing {
            let middle = sealed + (missing - sealed) / 2;
            if is_there(middle)? {
                sealed = middle + 1;
            } else {
                missing = middle;
            }
        }
        self.sealed_so_far.raise(log, sealed);
        Ok(sealed)
    }

    pub(super) fn is_sealed(&self, log: &Log, span: Span) -> Result<bool, StoreError> {
        match self.segments_dir(log)? {
            Some(dir) => self.tree.exists(&dir, &span.name()),
            None => Ok(false),
        }
    }

    pub(super) fn segments_dir(&self, log: &Log) -> Result<Option<At<F>>, StoreError> {
        let Log::Cohort(cohort) = log else {
            return Ok(None);
        };
        match self.tree.open(&["cohorts", cohort.as_str()])? {
            // What is derived may be gone at any time: it is not kept open.
            Some(dir) => self.tree.open_in(&dir, SEGMENTS),
            None => Ok(None),
        }
    }

    /// Seals the entries of a span.
    fn seal(&self, log: &Log, span: Span) -> Result<Sealable, StoreError> {
        let Some(previous) = self.chain_before(log, span) else {
            return Ok(Sealable::Hindered);
        };
        // An entry that is seen may not be durable yet, and a segment must not outlive it.
        for shard in self.shard_of(span.first())..=self.shard_of(span.last()) {
            let mut path = log.path();
            let shard = shard_name(shard);
            path.push(&shard);
            match self.tree.open(&path)? {
                Some(shard) => self.tree.sync(&shard)?,
                None => return Ok(Sealable::Hindered),
            }
        }
        let mut written = self.written_of(log, span)?;
        let mut rows = Vec::new();
        let mut frames = Frames::of(FRAME_ENTRIES);
        for seq in span.places() {
            let sealable = match written.remove(&seq) {
                Some(written) => Some(written),
                None => match self.slot_file(log, seq)? {
                    Slot::Whole((envelope, file)) => {
                        Row::of(&file, &envelope).map(|row| (row, file))
                    }
                    Slot::Absent | Slot::Damaged(_) => None,
                },
            };
            let Some((row, file)) = sealable else {
                return Ok(Sealable::Hindered);
            };
            rows.push(row);
            let packed = frames.push(&file);
            packed.map_err(at(Self::segment_path(log, span)))?;
        }
        let sealing = Sealing {
            store: self.descriptor.store,
            log: &log.to_string(),
            first: span.first(),
            previous,
        };
        self.keep_segment(log, span, encode(&sealing, &rows, frames))
    }

    /// Returns what this handle wrote of a span, if the last of it is in its slot: a log that was
    /// put back meanwhile to what it was, and went on from there, holds other files.
    fn written_of(&self, log: &Log, span: Span) -> Result<Written, StoreError> {
        let written = self.fresh.take(log, span);
        let Some((seq, (row, _))) = written.last_key_value() else {
            return Ok(written);
        };
        if self.row_of_slot(log, *seq)? == Some(*row) {
            Ok(written)
        } else {
            Ok(Written::new())
        }
    }

    /// Remembers what was just written to a place until it is sealed.
    pub(super) fn remember_to_seal(&self, log: &Log, seq: Seq, envelope: &Envelope, file: Vec<u8>) {
        // A server that lost its memory may have given the place to another host meanwhile.
        let is_of_this_host = self.tree.kind.names_are_seen_at_once();
        if !is_of_this_host || !matches!(log, Log::Cohort(_)) || !Row::may_hold(&file) {
            return;
        }
        #[cfg(test)]
        let file = garbled_by_mutant(seq, file);
        if let Some(row) = Row::of(&file, envelope) {
            self.fresh.add(log, seq, row, file);
        }
    }

    /// Joins the segments of a wide span into one of their rows.
    pub(super) fn join(&self, log: &Log, span: Span) -> Result<Sealable, StoreError> {
        let mut rows = Vec::new();
        let mut chain = None;
        for part in span.parts() {
            let Some(segment) = self.believed(log, part) else {
                return Ok(Sealable::Hindered);
            };
            let (first, last) = chain.unwrap_or((segment.previous(), segment.previous()));
            if last != segment.previous() {
                return Ok(Sealable::Hindered);
            }
            chain = Some((first, segment.chain()));
            rows.extend_from_slice(segment.rows());
        }
        let Some((previous, last)) = chain else {
            return Ok(Sealable::Hindered);
        };
        if previous.after(span.first(), &rows) != last {
            return Ok(Sealable::Hindered);
        }
        let sealing = Sealing {
            store: self.descriptor.store,
            log: &log.to_string(),
            first: span.first(),
            previous,
        };
        self.keep_segment(log, span, encode(&sealing, &rows, Frames::none()))
    }

    /// Returns the chain that a segment continues; nothing if the one before it cannot be believed.
    fn chain_before(&self, log: &Log, span: Span) -> Option<Chain> {
        match span.number().checked_sub(1) {
            None => Some(Chain::of_log(self.descriptor.store, &log.to_string())),
            Some(before) => self
                .believed(log, Span::numbered(span.level(), before))
                .map(|segment| segment.chain()),
        }
    }

    /// Reads a place as it is sealed: its file, and the envelope in it.
    pub(super) fn slot_file(
        &self,
        log: &Log,
        seq: Seq,
    ) -> Result<Slot<(Envelope, Vec<u8>)>, StoreError> {
        let whole = |file: &[u8]| decode(file).map(|(envelope, _)| (envelope, file.to_vec()));
        self.slot(log, seq, FILE_BYTES_MAX + 1, whole, |(envelope, _)| {
            envelope
        })
    }

    /// Publishes a segment. One that is there already is left alone, whatever it says.
    fn keep_segment(
        &self,
        log: &Log,
        span: Span,
        encoded: io::Result<Vec<u8>>,
    ) -> Result<Sealable, StoreError> {
        let Log::Cohort(cohort) = log else {
            return Ok(Sealable::Hindered);
        };
        let above = self
            .tree
            .make(&["cohorts", cohort.as_str()], Holds::Truth)?;
        let dir = self.tree.make_in(&above, SEGMENTS, Holds::Passing)?;
        let name = span.name();
        let bytes = encoded.map_err(dir.failing(&name))?;
        let (nonce, mode) = (self.nonce(), self.tree.modes.derived);
        let mut temporary = self.tree.write_temporary(&dir, nonce, mode, &bytes)?;
        #[cfg(test)]
        if mutants::is(Mutant::SegmentNotSynced) {
            drop(self.tree.give_name(&temporary, &dir, &name));
        }
        self.tree.sync_temporary(&mut temporary)?;
        match self.tree.give_name(&temporary, &dir, &name) {
            Ok(()) => Ok(Sealable::There),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Sealable::There),
            Err(error) => Err(at(dir.name(&name))(error)),
        }
    }
}

/// Alters what is to be remembered of a place; not of the last one, which is held against its slot.
#[cfg(test)]
fn garbled_by_mutant(seq: Seq, mut file: Vec<u8>) -> Vec<u8> {
    let is_last = seq.get().is_multiple_of(ENTRIES);
    if mutants::is(Mutant::OtherBytesSealed)
        && !is_last
        && let Some(byte) = file.last_mut()
    {
        *byte ^= 1;
    }
    file
}
