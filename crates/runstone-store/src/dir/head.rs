//! The end of a log, found at a cost that does not grow with it.
//!
//! Places are taken without gaps and never freed, so the end is where taken turns into free: known
//! to this handle from last time, or from a hint, or searched by doubling steps and halving. The
//! invariant guarded here: a place is called free only after a look at those beyond it: where
//! something stands higher up, an empty place is damage, and is never filled. What the entries say
//! is left to `read`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::DirStore;
use super::fs::FileSystem;
use super::hint::Hint;
use super::layout::{shard_name, shard_number, slot_name, slot_number};
use super::tree::{At, at};
use crate::envelope::Seen;
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::log::{Log, Seq};
use crate::store::{Entry, Slot};

/// How many damaged entries at the end of a log are passed over to find one whose digest is known.
const STEPS_BACK_MAX: u64 = 16;

/// The highest places this handle knows to be taken, and the logs in which it saw none.
#[derive(Debug, Default)]
pub(super) struct Heads {
    known: Mutex<BTreeMap<Log, Known>>,
    empty: Mutex<BTreeSet<Log>>,
}

/// A place known to be taken, with its digest if that is known too, and the highest place that this
/// handle made durable.
#[derive(Debug, Clone, Copy)]
struct Known {
    seq: Seq,
    sha256: Option<Hash256>,
    durable: Option<Seq>,
    /// The highest place this handle took, or came to when it searched for the end.
    end: Option<Seq>,
    /// Whether a reader has asked what stands beyond a place found empty: damage that comes under
    /// a handle at work is left to the next one.
    is_looked_beyond: bool,
}

impl Heads {
    fn map(&self) -> MutexGuard<'_, BTreeMap<Log, Known>> {
        // What the map holds is true by itself, whoever panicked.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn empty(&self) -> MutexGuard<'_, BTreeSet<Log>> {
        self.empty.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_listed_empty(&self, log: &Log) -> bool {
        self.empty().contains(log)
    }

    fn listed_empty(&self, log: &Log) {
        self.empty().insert(log.clone());
    }

    fn get(&self, log: &Log) -> Option<Known> {
        self.map().get(log).copied()
    }

    /// Returns the highest place this handle knows to be taken.
    pub(super) fn highest(&self, log: &Log) -> Option<Seq> {
        self.get(log).map(|known| known.seq)
    }

    /// Returns where the log ended when this handle last took a place or searched for the end;
    /// nothing if it only read places, which may lie anywhere.
    pub(super) fn end(&self, log: &Log) -> Option<Seq> {
        self.get(log)?.end
    }

    /// Notes that a place was the last one.
    fn ended(&self, log: &Log, seq: Seq) {
        if let Some(known) = self.map().get_mut(log) {
            known.end = known.end.max(Some(seq));
        }
    }

    /// Notes that a place is taken.
    pub(super) fn raise(&self, log: &Log, seq: Seq, sha256: Option<Hash256>) {
        let mut map = self.map();
        match map.get_mut(log) {
            Some(known) if known.seq > seq => {}
            Some(known) if known.seq == seq => known.sha256 = known.sha256.or(sha256),
            Some(known) => (known.seq, known.sha256) = (seq, sha256),
            None => {
                map.insert(
                    log.clone(),
                    Known {
                        seq,
                        sha256,
                        durable: None,
                        end: None,
                        is_looked_beyond: false,
                    },
                );
            }
        }
    }

    /// Notes that a place is taken, and that its directory was flushed since.
    pub(super) fn confirm(&self, log: &Log, seen: Seen) {
        self.raise(log, seen.seq, Some(seen.sha256));
        self.settle(log, seen.seq);
        self.ended(log, seen.seq);
    }

    /// Notes that the directory of a place was flushed since that was taken.
    pub(super) fn settle(&self, log: &Log, seq: Seq) {
        self.raise(log, seq, None);
        if let Some(known) = self.map().get_mut(log) {
            known.durable = known.durable.max(Some(seq));
        }
    }

    fn is_looked_beyond(&self, log: &Log) -> bool {
        self.get(log).is_some_and(|known| known.is_looked_beyond)
    }

    fn looked_beyond(&self, log: &Log) {
        if let Some(known) = self.map().get_mut(log) {
            known.is_looked_beyond = true;
        }
    }

    /// Returns whether this handle made a place durable.
    pub(super) fn is_durable(&self, log: &Log, seq: Seq) -> bool {
        self.get(log)
            .is_some_and(|known| known.durable >= Some(seq))
    }
}

impl<F: FileSystem> DirStore<F> {
    /// Returns the highest taken place of a log, at or above one that the caller knows: also where
    /// the entries are lost, and segments name them.
    pub(super) fn find_head(
        &self,
        log: &Log,
        known: Option<Seq>,
    ) -> Result<Option<Seq>, StoreError> {
        let mut known = known.max(self.known_head(log));
        loop {
            let head = self.find_slot(log, known)?;
            match self.sealed_end(log, Seq::after(head))? {
                Some(end) => known = Some(end),
                None => return Ok(head),
            }
        }
    }

    /// Returns the highest place of a log at which anything stands, at or above one that is known
    /// to be taken.
    fn find_slot(&self, log: &Log, known: Option<Seq>) -> Result<Option<Seq>, StoreError> {
        let Some(mut log_dir) = self.open_log(log)? else {
            return Ok(known);
        };
        let mut taken = known.map_or(0, Seq::get);
        if self.tree.kind.remembers_absence() {
            taken = taken.max(log_dir.listed_head()?);
        }
        let mut step = 1;
        while log_dir.is_taken(taken + step)? {
            taken += step;
            step *= 2;
        }
        let mut free = taken + step;
        while free - taken > 1 {
            let middle = taken + (free - taken) / 2;
            if log_dir.is_taken(middle)? {
                taken = middle;
            } else {
                free = middle;
            }
        }
        let head = Seq::new(taken);
        if let Some(head) = head {
            self.heads.raise(log, head, None);
            self.heads.ended(log, head);
        }
        Ok(head)
    }

    /// Returns the highest taken place of a log, for a reader: also above places that are lost, by
    /// a power cut that left what was told behind what nobody was told of, or by damage.
    pub(super) fn highest(&self, log: &Log) -> Result<Option<Seq>, StoreError> {
        let Some(mut head) = self.find_head(log, None)? else {
            return self.left_of(log);
        };
        if self.tree.kind.keeps_names_in_order() && self.heads.is_looked_beyond(log) {
            return Ok(Some(head));
        }
        while let Some(beyond) = self.taken_from(log, head.next())? {
            head = self.find_head(log, Some(beyond))?.unwrap_or(beyond);
        }
        self.heads.looked_beyond(log);
        Ok(Some(head))
    }

    /// Returns the highest place that a listing shows of a log whose first place is empty: its
    /// beginning may be lost, however much of it. A handle lists each such log once.
    pub(super) fn left_of(&self, log: &Log) -> Result<Option<Seq>, StoreError> {
        if self.heads.is_listed_empty(log) {
            return Ok(None);
        }
        let listed = match self.open_log(log)? {
            Some(mut log_dir) => Seq::new(log_dir.listed_head()?),
            None => None,
        };
        if listed.is_none() {
            self.heads.listed_empty(log);
        }
        Ok(listed)
    }

    /// Returns the highest entry whose envelope can be read, with its digest.
    pub(super) fn last_seen(&self, log: &Log) -> Result<Option<Seen>, StoreError> {
        let Some(head) = self.find_head(log, None)? else {
            return Ok(None);
        };
        if let Some(Known {
            seq,
            sha256: Some(sha256),
            ..
        }) = self.heads.get(log)
            && seq == head
        {
            return Ok(Some(Seen { seq, sha256 }));
        }
        let mut seq = head;
        for _ in 0..STEPS_BACK_MAX {
            if let Slot::Whole(Entry { envelope, .. }) = self.read_slot(log, seq)? {
                self.heads.raise(log, seq, Some(envelope.sha256));
                return Ok(Some(Seen {
                    seq,
                    sha256: envelope.sha256,
                }));
            }
            match seq.previous() {
                Some(previous) => seq = previous,
                None => break,
            }
        }
        Ok(None)
    }

    /// Returns the same, for an entry that will name it.
    ///
    /// What names an entry must not outlast it: after a power cut it would speak of a history that
    /// is gone, and whoever adopts the claim would begin to search behind the end of the log. Where
    /// one journal keeps all names in their order, nothing outlasts what was there before it.
    pub(super) fn last_to_name(&self, log: &Log) -> Result<Option<Seen>, StoreError> {
        let seen = self.last_seen(log)?;
        if let Some(seen) = seen
            && !self.tree.kind.file_sync_covers_names()
            && !self.heads.is_durable(log, seen.seq)
        {
            let shard = self.shard_for(log, seen.seq)?;
            self.tree.sync(&shard)?;
            self.heads.confirm(log, seen);
        }
        Ok(seen)
    }

    /// Returns a taken place at or above one that was found empty, if there is any sign of one.
    ///
    /// Where this host may only remember that nothing was there, the directory of that place is
    /// listed, if there is: what the listing shows, the next look sees. At `seq` itself there can
    /// be a sign only then.
    pub(super) fn taken_from(&self, log: &Log, seq: Seq) -> Result<Option<Seq>, StoreError> {
        let known = self.known_head(log).filter(|known| *known > seq);
        let remembers = self.tree.kind.remembers_absence();
        if known.is_some() && !remembers {
            return Ok(known);
        }
        let Some(mut log_dir) = self.open_log(log)? else {
            return Ok(known);
        };
        if remembers {
            let listed = Seq::new(log_dir.listed_head()?).filter(|listed| *listed >= seq);
            if let Some(shard) = listed.or(known).map(|taken| self.shard_of(taken))
                && (listed.is_none() || shard > self.shard_of(seq))
            {
                log_dir.list_shard(self.shard_of(seq))?;
            }
            return Ok(listed.max(known));
        }
        let mut step = 1;
        while step < self.shard_slots {
            let ahead = seq.plus(step);
            if log_dir.is_taken(ahead.get())? {
                return Ok(Some(ahead));
            }
            step *= 2;
        }
        log_dir.first_of_shard(self.shard_of(seq) + 1)
    }

    /// Opens the directory of a log.
    pub(super) fn open_log(&self, log: &Log) -> Result<Option<LogDir<'_, F>>, StoreError> {
        let dir = match self.tree.open(&log.path())? {
            None if self.tree.kind.remembers_absence() => self.tree.open_listed(&log.path())?,
            dir => dir,
        };
        Ok(dir.map(|dir| LogDir {
            store: self,
            dir,
            shard: None,
        }))
    }

    pub(super) fn shard_of(&self, seq: Seq) -> u64 {
        (seq.get() - 1) / self.shard_slots
    }

    /// Returns what this handle knows of a log's head, asking the hint if it knows nothing.
    fn known_head(&self, log: &Log) -> Option<Seq> {
        if let Some(known) = self.heads.get(log) {
            return Some(known.seq);
        }
        // A hint that cannot be read is no hint.
        let Ok(Hint::Seen(seen)) = self.read_hint(log) else {
            return None;
        };
        self.heads.raise(log, seen.seq, Some(seen.sha256));
        Some(seen.seq)
    }
}

/// An open log, and the shard that was looked into last.
pub(super) struct LogDir<'a, F: FileSystem> {
    store: &'a DirStore<F>,
    dir: At<F>,
    shard: Option<(u64, Option<At<F>>)>,
}

impl<F: FileSystem> LogDir<'_, F> {
    /// Returns the directory of a shard; nothing if it does not exist.
    pub(super) fn shard(&mut self, shard: u64) -> Result<Option<&At<F>>, StoreError> {
        if self.shard.as_ref().is_none_or(|(open, _)| *open != shard) {
            let dir = self
                .store
                .tree
                .open_and_keep(&self.dir, &shard_name(shard))?;
            self.shard = Some((shard, dir));
        }
        Ok(self.shard.as_ref().and_then(|(_, dir)| dir.as_ref()))
    }

    /// Returns the numbers of all shards, sorted.
    pub(super) fn shards(&self) -> Result<Vec<u64>, StoreError> {
        let names = self.store.tree.list(&self.dir)?;
        Ok(names.iter().filter_map(|name| shard_number(name)).collect())
    }

    /// Lists a shard, so that what this host remembered as absent in it is seen.
    fn list_shard(&mut self, shard: u64) -> Result<(), StoreError> {
        let tree = &self.store.tree;
        if let Some(dir) = self.shard(shard)? {
            tree.list(dir)?;
        }
        Ok(())
    }

    pub(super) fn is_taken(&mut self, number: u64) -> Result<bool, StoreError> {
        let Some(seq) = Seq::new(number) else {
            return Ok(false);
        };
        let tree = &self.store.tree;
        match self.shard(self.store.shard_of(seq))? {
            Some(shard) => tree.exists(shard, &slot_name(seq)),
            None => Ok(false),
        }
    }

    /// Returns the lowest place that is taken in a shard.
    fn first_of_shard(&mut self, shard: u64) -> Result<Option<Seq>, StoreError> {
        let tree = &self.store.tree;
        let Some(dir) = self.shard(shard)? else {
            return Ok(None);
        };
        let names = tree.fs.list(&dir.dir, usize::MAX).map_err(at(dir.path()))?;
        let places = names.iter().filter_map(|name| slot_number(name));
        let here = places.filter(|seq| self.store.shard_of(*seq) == shard);
        Ok(here.min())
    }

    /// Returns whether a listing shows a place above this one.
    pub(super) fn has_slot_above(&mut self, seq: Seq) -> Result<bool, StoreError> {
        Ok(self.listed_head()? > seq.get())
    }

    /// Returns the highest place that a listing shows, 0 if none.
    pub(super) fn listed_head(&mut self) -> Result<u64, StoreError> {
        let tree = &self.store.tree;
        for shard in self.shards()?.into_iter().rev() {
            let Some(dir) = tree.open_in(&self.dir, &shard_name(shard))? else {
                continue;
            };
            let names = tree.list(&dir)?;
            let places = names.iter().rev().filter_map(|name| slot_number(name));
            let mut here = places.filter(|seq| self.store.shard_of(*seq) == shard);
            if let Some(seq) = here.next() {
                return Ok(seq.get());
            }
        }
        Ok(0)
    }
}
