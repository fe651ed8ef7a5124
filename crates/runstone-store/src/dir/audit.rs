//! The audit: reading everything, believing nothing.
//!
//! Every file is read again and every checksum and digest computed again. The invariant guarded
//! here: damage of truth, staleness of what is derived, and work of writers still going on are told
//! apart; a place that a listing missed is looked at by name before it is called missing. What the
//! payloads say, and whether what they name is there, is left to the ledger.

use std::collections::BTreeMap;

use super::DirStore;
use super::fs::FileSystem;
use super::hint::Hint;
use super::keep::{KEPT_BYTES_MAX, digest_damage};
use super::layout::{
    ADOPTED, COHORT_DOCUMENT, TEMPORARY, claim_number, fan_name, profile_digest, slot_number,
};
use super::read::Found;
use super::tree::At;
use crate::append::Slots as _;
use crate::damage::{Audited, Damage, DamageKind, Finding, Stale, StaleKind};
use crate::envelope::{Envelope, FILE_BYTES_MAX, Seen, decode};
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::key::Key;
use crate::log::{CohortName, Log, Seq};
use crate::store::Slot;

/// Missing places in a row that are named one by one; beyond, they are named as a range.
const GAP_NAMED_MAX: u64 = 64;

impl<F: FileSystem> DirStore<F> {
    pub(super) fn audit_all(&self, report: &mut dyn FnMut(Finding)) -> Result<Audited, StoreError> {
        let audited = Audited::default();
        let mut audit = Audit {
            store: self,
            report,
            audited,
            read: BTreeMap::new(),
        };
        audit.temporaries(&[])?;
        audit.cohorts()?;
        for log in [Log::EnvironmentNotes, Log::Environments, Log::StoreNotes] {
            audit.log(&log)?;
        }
        audit.keys()?;
        audit.objects()?;
        audit.profiles()?;
        Ok(audit.audited)
    }
}

/// An audit under way.
struct Audit<'a, F: FileSystem> {
    store: &'a DirStore<F>,
    report: &'a mut dyn FnMut(Finding),
    audited: Audited,
    read: BTreeMap<Log, Read>,
}

/// What was read of a log.
#[derive(Debug, Default)]
struct Read {
    digests: BTreeMap<Seq, Hash256>,
    keys: BTreeMap<Key, Seq>,
}

impl<F: FileSystem> Audit<'_, F> {
    fn damage(&mut self, damage: Damage) {
        self.audited.damaged += 1;
        (self.report)(Finding::Damage(damage));
    }

    fn stale(&mut self, path: String, kind: StaleKind) {
        self.audited.stale += 1;
        (self.report)(Finding::Stale(Stale { path, kind }));
    }

    /// Reports the temporary files of a directory, and passes over everything else.
    fn temporaries(&mut self, path: &[&str]) -> Result<(), StoreError> {
        let Some(dir) = self.store.tree.open(path)? else {
            return Ok(());
        };
        for name in self.store.tree.list(&dir)? {
            if name.starts_with(TEMPORARY) {
                self.stale(dir.name(&name), StaleKind::Temporary);
            }
        }
        Ok(())
    }

    /// Reports a name that should not be there.
    fn stray(&mut self, here: &At<F>, name: &str) {
        let temporary = name.starts_with(TEMPORARY);
        let kind = if temporary {
            StaleKind::Temporary
        } else {
            StaleKind::Unknown
        };
        self.stale(here.name(name), kind);
    }

    fn cohorts(&mut self) -> Result<(), StoreError> {
        let Some(dir) = self.store.tree.open(&["cohorts"])? else {
            return Ok(());
        };
        for name in self.store.tree.list(&dir)? {
            let Ok(cohort) = name.parse::<CohortName>() else {
                self.stray(&dir, &name);
                continue;
            };
            self.temporaries(&["cohorts", &name])?;
            self.temporaries(&["cohorts", &name, "view"])?;
            self.log(&Log::CohortNotes(cohort.clone()))?;
            self.log(&Log::Cohort(cohort.clone()))?;
            self.document(&cohort)?;
        }
        Ok(())
    }

    fn document(&mut self, cohort: &CohortName) -> Result<(), StoreError> {
        if let Some(document) = self.store.kept_cohort(cohort)? {
            self.audited.cohorts += 1;
            self.audited.bytes += document.len() as u64;
            return Ok(());
        }
        let path = format!("cohorts/{cohort}/{COHORT_DOCUMENT}");
        if self.read.contains_key(&Log::Cohort(cohort.clone())) {
            let (expected, found) = ("the cohort's document".to_owned(), "nothing".to_owned());
            let kind = DamageKind::Document;
            self.damage(Damage {
                path,
                slot: None,
                kind,
                expected,
                found,
            });
        }
        Ok(())
    }

    fn log(&mut self, log: &Log) -> Result<(), StoreError> {
        let listed = self.listed(log)?;
        let mut next = Seq::FIRST;
        for seq in listed {
            self.gap(log, next, seq)?;
            self.slot(log, seq)?;
            next = seq.next();
        }
        self.hint(log, next)?;
        self.audited.logs += u64::from(self.read.contains_key(log));
        Ok(())
    }

    /// Returns the places that a listing shows, sorted, and reports the strays among them.
    fn listed(&mut self, log: &Log) -> Result<Vec<Seq>, StoreError> {
        let Some(mut log_dir) = self.store.open_log(log)? else {
            return Ok(Vec::new());
        };
        self.temporaries(&log.path())?;
        let mut places = Vec::new();
        for shard in log_dir.shards()? {
            let Some(dir) = log_dir.shard(shard)?.cloned() else {
                continue;
            };
            for name in self.store.tree.list(&dir)? {
                match slot_number(&name) {
                    Some(seq) if self.store.shard_of(seq) == shard => places.push(seq),
                    _ => self.stray(&dir, &name),
                }
            }
        }
        Ok(places)
    }

    /// Looks at the places from `next` to the one before `seq`, which the listing did not show.
    fn gap(&mut self, log: &Log, next: Seq, seq: Seq) -> Result<(), StoreError> {
        if seq.get() - next.get() <= GAP_NAMED_MAX {
            let mut missing = next;
            while missing < seq {
                self.slot(log, missing)?;
                missing = missing.next();
            }
            return Ok(());
        }
        let expected = format!("entries from {next} on, since {seq} is taken");
        let (kind, found) = (DamageKind::Missing, "nothing".to_owned());
        let damage = self.store.slot_damage(log, next, kind, expected, found);
        self.damage(damage);
        Ok(())
    }

    fn slot(&mut self, log: &Log, seq: Seq) -> Result<(), StoreError> {
        let entry = match self.store.read_slot(log, seq)? {
            Slot::Whole(entry) => entry,
            Slot::Damaged(damage) => {
                self.damage(damage);
                return Ok(());
            }
            Slot::Absent => return Ok(()),
        };
        self.audited.slots += 1;
        self.audited.bytes += entry.envelope.stored_bytes;
        let read = self.read.entry(log.clone()).or_default();
        read.digests.insert(seq, entry.envelope.sha256);
        let twin = entry
            .envelope
            .key
            .and_then(|key| read.keys.insert(key, seq));
        if let Some(twin) = twin {
            let (expected, found) = (
                "one place per key".to_owned(),
                format!("the key of place {twin}"),
            );
            let kind = DamageKind::Twice;
            let damage = self.store.slot_damage(log, seq, kind, expected, found);
            self.damage(damage);
        }
        let path = self.store.slot_path(log, seq);
        self.history(log, &path, Some(&(log.clone(), seq)), &entry.envelope)
    }

    /// Checks that what a writer has seen is what the logs show.
    fn history(
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
            let found = match self.digest_at(&log, seq)? {
                Slot::Whole(found) if found == sha256 => continue,
                Slot::Whole(found) => found.to_string(),
                Slot::Absent => "no such entry".to_owned(),
                // Reported where it stands: damage costs what it hit and nothing else.
                Slot::Damaged(_) => continue,
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
    fn hint(&mut self, log: &Log, free: Seq) -> Result<(), StoreError> {
        match self.store.read_hint(log) {
            Ok(Hint::None) => Ok(()),
            Ok(Hint::Seen(seen)) if seen.seq < free => Ok(()),
            // Taken while the audit went on, or lost.
            Ok(Hint::Seen(seen)) => self.gap(log, free, seen.seq.next()),
            Ok(Hint::Garbled) | Err(_) => {
                self.stale(DirStore::<F>::hint_path(log), StaleKind::Hint);
                Ok(())
            }
        }
    }

    fn keys(&mut self) -> Result<(), StoreError> {
        let Some(keys) = self.store.tree.open(&["keys"])? else {
            return Ok(());
        };
        for fan in self.store.tree.list(&keys)? {
            let Some(dir) = self.store.tree.open_in(&keys, &fan)? else {
                continue;
            };
            for name in self.store.tree.list(&dir)? {
                match claim_number(&name) {
                    Some((digest, _)) if fan_name(digest) == fan => {
                        self.claim(&dir, &name, digest)?;
                    }
                    _ if name.ends_with(ADOPTED) => {}
                    _ => self.stray(&dir, &name),
                }
            }
        }
        Ok(())
    }

    fn claim(&mut self, dir: &At<F>, name: &str, digest: Hash256) -> Result<(), StoreError> {
        self.audited.keys += 1;
        let envelope = match self
            .store
            .read_truth(dir, name, FILE_BYTES_MAX + 1, decode)?
        {
            Found::Whole((envelope, _)) => envelope,
            Found::Nothing => return Ok(()),
            Found::Broken(..) => {
                self.stale(dir.name(name), StaleKind::TornClaim);
                return Ok(());
            }
        };
        self.audited.bytes += envelope.stored_bytes;
        let text = envelope.key_text.as_ref();
        let key = text.map(|text| text.key(self.store.descriptor().store));
        let (Some(text), Some(key)) = (text, key.filter(|key| key.digest() == digest)) else {
            let expected = format!("the claim of key {digest}");
            let found = envelope
                .key
                .map_or("no key".to_owned(), |key| format!("key {key}"));
            let (path, kind) = (dir.name(name), DamageKind::Place);
            self.damage(Damage {
                path,
                slot: None,
                kind,
                expected,
                found,
            });
            return Ok(());
        };
        let log = Log::Cohort(text.cohort.clone());
        if !self
            .read
            .get(&log)
            .is_some_and(|read| read.keys.contains_key(&key))
        {
            self.stale(dir.name(name), StaleKind::Claim);
        }
        self.history(&log, &dir.name(name), None, &envelope)
    }

    fn objects(&mut self) -> Result<(), StoreError> {
        let Some(objects) = self.store.tree.open(&["objects"])? else {
            return Ok(());
        };
        for fan in self.store.tree.list(&objects)? {
            let Some(dir) = self.store.tree.open_in(&objects, &fan)? else {
                continue;
            };
            for name in self.store.tree.list(&dir)? {
                match name.parse::<Hash256>() {
                    Ok(digest) if fan_name(digest) == fan => {
                        self.audited.objects += 1;
                        self.kept(&dir, &name, digest)?;
                    }
                    _ => self.stray(&dir, &name),
                }
            }
        }
        Ok(())
    }

    fn profiles(&mut self) -> Result<(), StoreError> {
        let Some(dir) = self.store.tree.open(&["profiles"])? else {
            return Ok(());
        };
        for name in self.store.tree.list(&dir)? {
            match profile_digest(&name) {
                Some(digest) => {
                    self.audited.profiles += 1;
                    self.kept(&dir, &name, digest)?;
                }
                None => self.stray(&dir, &name),
            }
        }
        Ok(())
    }

    fn kept(&mut self, dir: &At<F>, name: &str, digest: Hash256) -> Result<(), StoreError> {
        let bytes = self
            .store
            .tree
            .read(dir, name, KEPT_BYTES_MAX + 1)?
            .unwrap_or_default();
        self.audited.bytes += bytes.len() as u64;
        if let Some(damage) = digest_damage(dir.name(name), digest, &bytes) {
            self.damage(damage);
        }
        Ok(())
    }
}
