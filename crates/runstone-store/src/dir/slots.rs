//! The engine's side of the shared loop: its slots, and its claims.
//!
//! The loop in `append` asks for one step at a time; here each step becomes calls on the tree. The
//! invariant guarded here: a claim has its name before its writer goes on, and is durable by then.
//!
//! The adopter of a claim announces itself by a small file of its own beside the claim. A further
//! link to the claim's file would do, but `protected_hardlinks` forbids linking what another user
//! of a shared store owns. The announcement needs no flush: after a power cut no claimer is left to
//! ask.
//!
//! How a slot is taken is left to `publish`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::Ordering;

use rustix::io::Errno;

use super::DirStore;
use super::draft::Draft;
use super::fs::{FileSystem, or_there};
use super::layout::{COHORT_DOCUMENT, Holds, adopted_name, claim_name, fan_name};
use super::publish::errno;
use super::read::Found;
use super::tree::{At, at};
use crate::append::{Claim, Claimed, FirstName, Look, Published, Slots};
use crate::descriptor::{Descriptor, Primitive};
use crate::envelope::{Envelope, FILE_BYTES_MAX, Seen, decode};
use crate::error::{Doubt, StoreError};
use crate::key::{Key, Nonce};
use crate::log::{Log, Seq};
#[cfg(test)]
use crate::mutants::{self, Mutant};
use crate::store::{Meanwhile, Slot};

/// How many of the files that the process may have open there are for each writer of a batch.
/// Chosen: three are its own at most, and a quarter of all is for the directories of fans.
const FILES_OF_A_WRITER: usize = 8;

impl<F: FileSystem> Slots for DirStore<F> {
    type Draft = Draft<F>;

    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    fn nonce(&self) -> Nonce {
        Self::nonce(self)
    }

    fn seen(&self, log: &Log) -> Result<Option<Seen>, StoreError> {
        self.last_to_name(log)
    }

    fn taken(&self, log: &Log) -> Option<Seq> {
        self.heads.highest(log)
    }

    fn likely_free(&self, log: &Log, from: Seq) -> Result<Seq, StoreError> {
        Ok(Seq::after(self.find_head(log, from.previous())?))
    }

    fn look(&self, log: &Log, seq: Seq, key: Option<&Key>) -> Result<Look, StoreError> {
        let slot = match self.peek_slot(log, seq)? {
            Slot::Whole(envelope) if key.is_some() && envelope.key.as_ref() == key => {
                self.read_slot(log, seq)?.map(|entry| entry.envelope)
            }
            slot => slot,
        };
        Ok(match slot {
            Slot::Whole(envelope) => Look::Held(Box::new(envelope)),
            Slot::Absent => Look::Free,
            Slot::Damaged(damage) => Look::Damaged(damage),
        })
    }

    fn claim_of(&self, key: &Key) -> Result<Claim, StoreError> {
        let Some(fan) = self.tree.open(&["keys", fan_name(key.digest())])? else {
            return Ok(Claim::Absent);
        };
        let mut newest = Claim::Absent;
        for generation in 0.. {
            let name = claim_name(key, generation);
            newest = match self.read_truth(&fan, &name, FILE_BYTES_MAX + 1, decode)? {
                Found::Nothing => break,
                Found::Whole((envelope, _)) if self.is_claim_of(key, &envelope) => Claim::Whole {
                    generation,
                    envelope: Box::new(envelope),
                },
                Found::Whole(_) | Found::Broken(..) => Claim::Torn { generation },
            };
        }
        Ok(newest)
    }

    fn draft(
        &self,
        log: &Log,
        near: Seq,
        file: Vec<u8>,
        first: FirstName,
    ) -> Result<Draft<F>, StoreError> {
        if near == Seq::FIRST {
            self.demand_cohort(log)?;
        }
        self.write_draft(log, near, file, first)
    }

    fn name_claim(
        &self,
        key: &Key,
        generation: u32,
        draft: &mut Draft<F>,
    ) -> Result<Claimed, StoreError> {
        let fan_name = fan_name(key.digest());
        let fan = self.fan("keys", fan_name)?;
        let name = claim_name(key, generation);
        let covers = self.tree.kind.file_sync_covers_names();
        if !covers {
            self.flush(draft)?;
        }
        // A file that a rename may give one name only, or of another file system, is copied.
        let named = match self.tree.primitive {
            Primitive::RenameNoreplace => self.claim_by_copy(draft, &fan, &name)?,
            Primitive::Link => match self.name_draft(draft, (&fan, fan_name), &name)? {
                Err(error) if errno(&error) == Some(Errno::XDEV) => {
                    self.claim_by_copy(draft, &fan, &name)?
                }
                named => named,
            },
        };
        match named {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if self.tree.kind.remembers_absence() {
                    // Until it lists the directory this host may go on not to see the claim.
                    self.tree.list(&fan)?;
                }
                return Ok(Claimed::Taken);
            }
            Err(error) => return Err(at(fan.name(&name))(error)),
        }
        self.flush(draft)?;
        Ok(Claimed::Made)
    }

    fn writers_max(&self) -> usize {
        (self.tree.fs.open_files_max() / FILES_OF_A_WRITER).max(1)
    }

    fn settles_claims_together(&self) -> bool {
        !self.tree.kind.file_sync_covers_names()
    }

    fn settle_claims(&self, keys: &[Key]) -> Result<(), StoreError> {
        #[cfg(test)]
        if mutants::is(Mutant::SlotBeforeKeySync) {
            return Ok(());
        }
        if !self.settles_claims_together() {
            return Ok(());
        }
        let fans: BTreeSet<&str> = keys.iter().map(|key| fan_name(key.digest())).collect();
        for fan in fans {
            self.tree.sync(&self.fan("keys", fan)?)?;
        }
        Ok(())
    }

    fn adopt(&self, key: &Key, generation: u32) -> Result<(), StoreError> {
        let fan = self.fan("keys", fan_name(key.digest()))?;
        let name = adopted_name(key, generation);
        let announced = self
            .tree
            .fs
            .create_new(&fan.dir, &name, self.tree.modes.truth);
        or_there(announced.map(drop)).map_err(fan.failing(&name))?;
        self.tree.sync_name(&fan, &claim_name(key, generation))?;
        self.tree.sync(&fan)
    }

    fn adopted(&self, key: &Key, generation: u32) -> Result<bool, StoreError> {
        if !self.tree.kind.names_are_seen_at_once() {
            return Ok(true);
        }
        let fan = self.fan("keys", fan_name(key.digest()))?;
        self.tree.exists(&fan, &adopted_name(key, generation))
    }

    fn publish(
        &self,
        log: &Log,
        seq: Seq,
        draft: &mut Draft<F>,
        written: &Envelope,
        meanwhile: Option<&mut Meanwhile<'_>>,
    ) -> Result<Published, StoreError> {
        let shard = self.shard_for(log, seq)?;
        self.flush(draft)?;
        let published = self.take_slot(log, seq, &shard, draft, written)?;
        if published == Published::Won {
            let seen = Seen {
                seq,
                sha256: written.sha256,
            };
            match meanwhile {
                Some(meanwhile) => {
                    self.confirm_beside(log, &shard, seen, || meanwhile(seq, written))?;
                }
                None => self.confirm(log, &shard, seen)?,
            }
            self.leave_hint(log, seq, seen);
            self.seal_behind(log, seq, 1);
        }
        Ok(published)
    }

    fn take(
        &self,
        log: &Log,
        seq: Seq,
        draft: &mut Draft<F>,
        written: &Envelope,
    ) -> Result<Published, StoreError> {
        if self.tree.is_poisoned() {
            // It could be taken, and then never be acknowledged.
            return Err(StoreError::Unknown {
                path: self.slot_path(log, seq),
                doubt: Doubt::Poisoned,
                source: None,
            });
        }
        let shard = self.shard_for(log, seq)?;
        self.flush(draft)?;
        let published = self.take_slot(log, seq, &shard, draft, written)?;
        if published == Published::Won {
            self.heads.raise(log, seq, Some(written.sha256));
            self.remember_to_seal(log, seq, written, std::mem::take(&mut draft.bytes));
        }
        Ok(published)
    }

    fn settle(&self, log: &Log, places: &[Seen]) -> Result<(), StoreError> {
        let mut highest: BTreeMap<u64, (Seq, Seen)> = BTreeMap::new();
        for seen in places {
            let (lowest, last) = highest
                .entry(self.shard_of(seen.seq))
                .or_insert((seen.seq, *seen));
            *lowest = seen.seq.min(*lowest);
            if seen.seq > last.seq {
                *last = *seen;
            }
        }
        for (lowest, last) in highest.into_values() {
            // The first place of a shard brings with it what has to be durable above the shard.
            let shard = self
                .shard_for(log, lowest)
                .map_err(|error| error.in_doubt(Doubt::Flush))?;
            self.confirm(log, &shard, last)?;
        }
        Ok(())
    }

    fn leave_word(&self, log: &Log, taken: &[Seen]) {
        if let (Some(first), Some(last)) = (taken.first(), taken.last()) {
            let of_hints = taken.iter().rev();
            let usual = of_hints.copied().find(|it| Self::is_worth_a_hint(it.seq));
            self.leave_hint(log, first.seq, usual.unwrap_or(*last));
            self.left_to_seal.add(log, last.seq, taken.len() as u64);
        }
    }
}

impl<F: FileSystem> DirStore<F> {
    fn is_claim_of(&self, key: &Key, envelope: &Envelope) -> bool {
        let text = envelope
            .key_text
            .as_ref()
            .map(|text| text.key(self.descriptor.store));
        envelope.store == self.descriptor.store && envelope.key == Some(*key) && text == Some(*key)
    }

    /// Refuses the first entry of a cohort that was never opened.
    fn demand_cohort(&self, log: &Log) -> Result<(), StoreError> {
        let Some(cohort) = log.cohort() else {
            return Ok(());
        };
        let document = self.tree.look_in(&["cohorts", cohort.as_str()], |dir| {
            let is_there = self.tree.exists(dir, COHORT_DOCUMENT)?;
            Ok(is_there.then_some(()))
        })?;
        document.ok_or_else(|| StoreError::NoCohort {
            cohort: cohort.clone(),
        })
    }

    /// Makes the claim a file of its own, with the same bytes.
    fn claim_by_copy(
        &self,
        draft: &Draft<F>,
        fan: &At<F>,
        name: &str,
    ) -> Result<io::Result<()>, StoreError> {
        let (mode, nonce) = (self.tree.modes.truth, self.nonce());
        let mut copy = self.tree.write_temporary(fan, nonce, mode, &draft.bytes)?;
        self.tree.sync_temporary(&mut copy)?;
        let named = self.tree.give_name(&copy, fan, name);
        if named.is_ok() {
            self.tree.sync(fan)?;
        }
        Ok(named)
    }

    /// Opens a directory of the fan below `above`, making it durably if it is missing.
    pub(super) fn fan(&self, above: &str, name: &str) -> Result<At<F>, StoreError> {
        if let Some(fan) = self.tree.open(&[above, name])? {
            return Ok(fan);
        }
        let fan = self.tree.make(&[above, name], Holds::Truth)?;
        self.tree.sync_down_to(&[above])?;
        Ok(fan)
    }
}
