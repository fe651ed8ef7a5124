//! Auditing a log: every place up to its end, and what its writers have seen.
//!
//! The invariant guarded here: a place that a listing missed is looked at by name before it is
//! called missing, and where anything shows that a place was taken, nothing there is damage.
//! Whether an entry's key has its claim is left to `claims`, what segments say to `segments`.

use std::collections::BTreeSet;

use super::Audit;
use super::segments::Beside;
use crate::damage::{Damage, DamageKind, StaleKind};
use crate::dir::DirStore;
use crate::dir::fs::FileSystem;
use crate::dir::hint::Hint;
use crate::dir::layout::{shard_number, slot_number};
use crate::envelope::{Envelope, Seen};
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::log::{Log, Seq};
use crate::segment::Row;
use crate::store::Slot;

/// Missing places in a row that are named one by one; beyond, they are named as a range.
const GAP_NAMED_MAX: u64 = 64;

/// What a listing of a log shows.
#[derive(Debug, Default)]
struct Listed {
    places: Vec<Seq>,
    /// The shards that cannot be opened.
    unread: BTreeSet<u64>,
}

impl<F: FileSystem> Audit<'_, F> {
    pub(super) fn log(&mut self, log: &Log) -> Result<(), StoreError> {
        let mut beside = self.segments_of(log);
        let Some(Listed { places, unread }) = self.listed(log)? else {
            // Named as a whole; its places and its hint have nothing to add.
            self.unread.insert(log.clone());
            return Ok(());
        };
        if !unread.is_empty() {
            self.unread.insert(log.clone());
        }
        let mut next = Seq::FIRST;
        for seq in places {
            let sign = format!("{seq} is taken");
            self.gap(log, next, seq, &unread, &sign, &mut beside)?;
            // A place that was listed is taken, also by what is gone when it is read.
            if !self.slot(log, seq, &mut beside)? {
                self.missing(log, seq, "the entry that was listed".to_owned());
            }
            next = seq.next();
        }
        if let Some(last) = self.named_beyond(log, next, &mut beside) {
            let sign = "a segment names it";
            self.gap(log, next, last.next(), &unread, sign, &mut beside)?;
            next = last.next();
        }
        self.hint(log, next, &unread, &mut beside)?;
        self.audited.logs += u64::from(self.read.contains_key(log));
        Ok(())
    }

    /// Returns the places that a listing shows, sorted, and reports the strays among them; nothing
    /// if the log cannot be opened.
    fn listed(&mut self, log: &Log) -> Result<Option<Listed>, StoreError> {
        let opened = self.store.tree.open(&log.path());
        let Some(opened) = self.told(opened)? else {
            return Ok(None);
        };
        let mut listed = Listed::default();
        let Some(log_dir) = opened else {
            return Ok(Some(listed));
        };
        for name in self.list(&log_dir)? {
            let Some(shard) = shard_number(&name) else {
                self.stray(&log_dir, &name);
                continue;
            };
            // Only a shard has such a name: what else stands there is in its place, and no stray.
            let opened = self.store.tree.open_in(&log_dir, &name);
            let Some(opened) = self.told(opened)? else {
                listed.unread.insert(shard);
                continue;
            };
            let Some(dir) = opened else {
                continue;
            };
            for name in self.list(&dir)? {
                match slot_number(&name) {
                    Some(seq) if self.store.shard_of(seq) == shard => listed.places.push(seq),
                    _ => self.stray(&dir, &name),
                }
            }
        }
        Ok(Some(listed))
    }

    /// Looks at the places from `next` to the one before `end`, which the listing did not show and
    /// which are taken all the same, as `sign` says. Those of a shard that was named as a whole are
    /// not named again.
    fn gap(
        &mut self,
        log: &Log,
        next: Seq,
        end: Seq,
        unread: &BTreeSet<u64>,
        sign: &str,
        beside: &mut Beside,
    ) -> Result<(), StoreError> {
        let expected = format!("an entry, since {sign}");
        let damaged = self.audited.damaged;
        let mut seq = next;
        while seq < end && self.audited.damaged - damaged < GAP_NAMED_MAX {
            if !unread.contains(&self.store.shard_of(seq)) && !self.slot(log, seq, beside)? {
                self.missing(log, seq, expected.clone());
            }
            seq = seq.next();
        }
        if seq < end {
            self.missing(log, seq, format!("entries from {seq} on, since {sign}"));
        }
        Ok(())
    }

    fn missing(&mut self, log: &Log, seq: Seq, expected: String) {
        let (kind, found) = (DamageKind::Missing, "nothing".to_owned());
        let damage = self.store.slot_damage(log, seq, kind, expected, found);
        self.damage(damage);
    }

    /// Checks a place, and what segments say of it; returns whether anything is there.
    fn slot(&mut self, log: &Log, seq: Seq, beside: &mut Beside) -> Result<bool, StoreError> {
        let mut row = None;
        let is_there = self.slot_alone(log, seq, &mut row)?;
        self.beside(log, seq, row, beside);
        Ok(is_there)
    }

    /// Checks a place by itself; tells its row if it is whole and bears a key.
    fn slot_alone(
        &mut self,
        log: &Log,
        seq: Seq,
        row: &mut Option<Row>,
    ) -> Result<bool, StoreError> {
        let read = self.store.slot_file(log, seq);
        let envelope = match self.told(read)? {
            Some(Slot::Whole((envelope, file))) => {
                *row = Row::of(&file, &envelope);
                envelope
            }
            Some(Slot::Damaged(damage)) => {
                self.damage(damage);
                return Ok(true);
            }
            Some(Slot::Absent) => return Ok(false),
            None => {
                // Which keys the log holds is not known as a whole.
                self.unread.insert(log.clone());
                return Ok(true);
            }
        };
        self.audited.slots += 1;
        self.audited.bytes += envelope.stored_bytes;
        let read = self.read.entry(log.clone()).or_default();
        read.digests.insert(seq, envelope.sha256);
        let (expected, what, twin) = match envelope.key {
            Some(key) => ("one place per key", "key", read.keys.insert(key, seq)),
            None => (
                "one place per entry",
                "entry",
                read.nonces.insert(envelope.nonce, seq),
            ),
        };
        if let Some(twin) = twin {
            let (expected, found) = (expected.to_owned(), format!("the {what} of place {twin}"));
            let kind = DamageKind::Twice;
            let damage = self.store.slot_damage(log, seq, kind, expected, found);
            self.damage(damage);
        }
        let path = self.store.slot_path(log, seq);
        self.history(log, &path, Some(&(log.clone(), seq)), &envelope)?;
        Ok(true)
    }

    /// Checks that what a writer has seen is what the logs show.
    pub(super) fn history(
        &mut self,
        log: &Log,
        path: &str,
        slot: Option<&(Log, Seq)>,
        envelope: &Envelope,
    ) -> Result<(), StoreError> {
        let seen = [
            (Some(log.clone()), envelope.head_seen),
            (log.notes(), envelope.notes_head_seen),
        ];
        for (log, seen) in seen {
            let (Some(log), Some(Seen { seq, sha256 })) = (log, seen) else {
                continue;
            };
            let found = match self.digest_at(&log, seq) {
                Ok(Slot::Whole(found)) if found == sha256 => continue,
                Ok(Slot::Whole(found)) => found.to_string(),
                Ok(Slot::Absent) => "no such entry".to_owned(),
                // Reported where it stands: damage costs what it hit and nothing else.
                Ok(Slot::Damaged(_)) | Err(StoreError::Newer { .. }) => continue,
                Err(error) => {
                    Damage::in_reading(error)?;
                    continue;
                }
            };
            let expected = format!("{sha256} at {seq} of `{log}`");
            let (path, slot) = (path.to_owned(), slot.cloned());
            self.damage(Damage {
                path,
                slot,
                kind: DamageKind::Fork,
                expected,
                found,
            });
        }
        Ok(())
    }

    /// Returns the digest at a place; of one taken since the log was read, it is read now.
    fn digest_at(&self, log: &Log, seq: Seq) -> Result<Slot<Hash256>, StoreError> {
        if let Some(digest) = self.read.get(log).and_then(|read| read.digests.get(&seq)) {
            return Ok(Slot::Whole(*digest));
        }
        Ok(self
            .store
            .peek_slot(log, seq)?
            .map(|envelope| envelope.sha256))
    }

    /// Checks the hint against the log, whose first place without an entry is `free`.
    fn hint(
        &mut self,
        log: &Log,
        free: Seq,
        unread: &BTreeSet<u64>,
        beside: &mut Beside,
    ) -> Result<(), StoreError> {
        match self.store.read_hint(log) {
            Ok(Hint::None) => Ok(()),
            Ok(Hint::Seen(seen)) if seen.seq < free => Ok(()),
            // Taken while the audit went on, or lost.
            Ok(Hint::Seen(Seen { seq, .. })) => self.gap(
                log,
                free,
                seq.next(),
                unread,
                &format!("the hint names {seq}"),
                beside,
            ),
            Ok(Hint::Garbled) | Err(_) => {
                self.stale(DirStore::<F>::hint_path(log), StaleKind::Hint);
                Ok(())
            }
        }
    }
}
