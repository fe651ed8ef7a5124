//! The engine to read first: a store in memory, gone with its process.
//!
//! It keeps the very files another engine would, in ordered maps behind one mutex, and appends by
//! the shared loop. The invariant guarded here is the contract's, without a disk in the way: each
//! call of [`Slots`] is one step under the lock, the loop itself holds none, so that threads meet
//! as processes do on a directory. Durability is left to engines that have a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use crate::append::{self, Claim, Claimed, FirstName, Look, Published, Slots};
use crate::damage::{Audited, Damage, Finding};
use crate::descriptor::{Descriptor, FORMAT, Modes, Primitive};
use crate::entropy::Entropy;
use crate::envelope::{Envelope, Seen, decode};
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::key::{Key, KeyText, Nonce, StoreId};
use crate::log::{CohortName, Log, Seq};
use crate::secret::Secret;
use crate::shelf::{Exclusive, Keep, Room, Shelf, ShelfPath, Shelved, not_a_file};
use crate::store::{
    Appended, BatchItem, Committed, Entry, Instead, Meanwhile, NewEntry, OpenedCohort, Slot,
    Standing, Store,
};
use crate::weight::{Ware, Weighed, Weight};

/// A store in memory.
#[derive(Debug)]
pub struct MemoryStore {
    descriptor: Descriptor,
    epoch: AtomicU64,
    entropy: Box<dyn Entropy>,
    kept: Mutex<Kept>,
}

/// Everything the store keeps.
#[derive(Debug, Default)]
struct Kept {
    logs: BTreeMap<Log, BTreeMap<Seq, Vec<u8>>>,
    claims: BTreeMap<(Key, u32), Vec<u8>>,
    adopted: BTreeSet<(Key, u32)>,
    cohorts: BTreeMap<CohortName, Vec<u8>>,
    objects: BTreeMap<Hash256, Vec<u8>>,
    profiles: BTreeMap<Hash256, Vec<u8>>,
    shelf: BTreeMap<ShelfPath, Vec<u8>>,
    locked: BTreeSet<ShelfPath>,
    secret: Option<Secret>,
}

impl MemoryStore {
    /// Makes an empty store.
    pub fn new(
        created: String,
        settings: Map<String, Value>,
        entropy: impl Entropy + 'static,
    ) -> Self {
        let descriptor = Descriptor {
            format: FORMAT,
            store: StoreId::from_random(entropy.nonce()),
            epoch: 0,
            created,
            modes: Modes::Private,
            primitive: Primitive::Link,
            settings,
            other: Map::new(),
        };
        Self {
            epoch: AtomicU64::new(descriptor.epoch),
            descriptor,
            entropy: Box::new(entropy),
            kept: Mutex::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Every step under the lock is one insertion: a panic elsewhere leaves the maps as they
        // were.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn enter_epoch(&self, epoch: u64) {
        self.epoch.store(epoch, Ordering::Relaxed);
    }

    fn append(
        &self,
        log: &Log,
        key: Option<&KeyText>,
        entry: &NewEntry<'_>,
    ) -> Result<Appended, StoreError> {
        append::append(self, log, key, entry, None)
    }

    fn append_meanwhile(
        &self,
        log: &Log,
        key: Option<&KeyText>,
        entry: &NewEntry<'_>,
        meanwhile: &mut Meanwhile<'_>,
    ) -> Result<Appended, StoreError> {
        append::append(self, log, key, entry, Some(meanwhile))
    }

    fn append_all(
        &self,
        items: &[BatchItem],
        instead: &mut Instead<'_>,
    ) -> Vec<Result<Appended, StoreError>> {
        append::append_all(self, items, instead)
    }

    fn head(&self, log: &Log) -> Result<Option<Seq>, StoreError> {
        Ok(self.kept().head(log))
    }

    fn read(&self, log: &Log, seq: Seq) -> Result<Slot<Entry>, StoreError> {
        let kept = self.kept();
        let Some(file) = kept.file(log, seq) else {
            return Ok(Slot::Absent);
        };
        let whole = |(envelope, payload)| {
            Slot::Whole(Entry {
                seq,
                envelope,
                payload,
            })
        };
        Ok(decode(file).map_or_else(|error| Slot::Damaged(damage(log, seq, &error)), whole))
    }

    fn peek(&self, log: &Log, seq: Seq) -> Result<Slot<Envelope>, StoreError> {
        Ok(self.read(log, seq)?.map(|entry| entry.envelope))
    }

    fn make_durable(&self, log: &Log, seq: Seq) -> Result<Slot<()>, StoreError> {
        append::make_durable(self, log, seq)
    }

    fn claim(&self, key: &KeyText) -> Result<Option<Envelope>, StoreError> {
        append::claimant(self, key)
    }

    fn find(&self, key: &KeyText) -> Result<Option<Committed>, StoreError> {
        append::find(self, key)
    }

    fn open_cohort(
        &self,
        cohort: &CohortName,
        document: &[u8],
    ) -> Result<OpenedCohort, StoreError> {
        let mut kept = self.kept();
        match kept.cohorts.get(cohort) {
            None => {
                kept.cohorts.insert(cohort.clone(), document.to_vec());
                Ok(OpenedCohort::New)
            }
            Some(existing) if existing == document => Ok(OpenedCohort::Existing),
            Some(existing) => {
                let (asked, found) = (Hash256::of(document), Hash256::of(existing));
                Err(StoreError::OtherCohort {
                    cohort: cohort.clone(),
                    asked,
                    found,
                })
            }
        }
    }

    fn restore_cohort(&self, cohort: &CohortName, document: &[u8]) -> Result<(), StoreError> {
        let mut kept = self.kept();
        kept.cohorts.insert(cohort.clone(), document.to_vec());
        Ok(())
    }

    fn cohort_document(&self, cohort: &CohortName) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.kept().cohorts.get(cohort).cloned())
    }

    fn cohorts(&self, prefix: &str, at_most: Option<usize>) -> Result<Vec<CohortName>, StoreError> {
        let kept = self.kept();
        let matching = kept
            .cohorts
            .keys()
            .filter(|cohort| cohort.as_str().starts_with(prefix));
        Ok(matching
            .take(at_most.unwrap_or(usize::MAX))
            .cloned()
            .collect())
    }

    fn put_object(&self, bytes: &[u8], _standing: Standing) -> Result<Hash256, StoreError> {
        let digest = Hash256::of(bytes);
        self.kept()
            .objects
            .entry(digest)
            .or_insert_with(|| bytes.to_vec());
        Ok(digest)
    }

    fn object(&self, digest: &Hash256) -> Result<Slot<Vec<u8>>, StoreError> {
        Ok(self
            .kept()
            .objects
            .get(digest)
            .cloned()
            .map_or(Slot::Absent, Slot::Whole))
    }

    fn hold_object(&self, digest: &Hash256, bytes: Option<&[u8]>) -> Result<bool, StoreError> {
        if let Some(bytes) = bytes {
            self.put_object(bytes, Standing::NamedByCommitted)?;
        }
        Ok(self.kept().objects.contains_key(digest))
    }

    fn put_profile(&self, text: &[u8], _standing: Standing) -> Result<Hash256, StoreError> {
        let digest = Hash256::of(text);
        self.kept()
            .profiles
            .entry(digest)
            .or_insert_with(|| text.to_vec());
        Ok(digest)
    }

    fn profile(&self, digest: &Hash256) -> Result<Slot<Vec<u8>>, StoreError> {
        Ok(self
            .kept()
            .profiles
            .get(digest)
            .cloned()
            .map_or(Slot::Absent, Slot::Whole))
    }

    fn profiles(&self) -> Result<Vec<Hash256>, StoreError> {
        Ok(self.kept().profiles.keys().copied().collect())
    }

    fn shelf(&self) -> &dyn Shelf {
        self
    }

    fn secret(&self) -> Result<Slot<Secret>, StoreError> {
        Ok(self.kept().secret.clone().map_or(Slot::Absent, Slot::Whole))
    }

    fn make_secret(&self) -> Result<Secret, StoreError> {
        let made = || Secret::random(&*self.entropy);
        Ok(self.kept().secret.get_or_insert_with(made).clone())
    }

    fn audit(&self, report: &mut dyn FnMut(Finding)) -> Result<Audited, StoreError> {
        let kept = self.kept();
        let mut audited = Audited {
            logs: kept.logs.len() as u64,
            keys: kept.claims.len() as u64,
            cohorts: kept.cohorts.len() as u64,
            objects: kept.objects.len() as u64,
            profiles: kept.profiles.len() as u64,
            ..Audited::default()
        };
        for (log, slots) in &kept.logs {
            for (seq, file) in slots {
                audited.slots += 1;
                audited.bytes += file.len() as u64;
                if let Err(error) = decode(file) {
                    audited.damaged += 1;
                    report(Finding::Damage(damage(log, *seq, &error)));
                }
            }
        }
        Ok(audited)
    }

    fn weigh(&self, report: &mut dyn FnMut(Weighed<'_>)) -> Result<(), StoreError> {
        let kept = self.kept();
        let mut one = |ware, cohort: Option<&CohortName>, bytes: &[u8]| {
            report(Weighed::One {
                ware,
                cohort,
                weight: Weight {
                    bytes: bytes.len() as u64,
                    disk: 0,
                    names: 1,
                },
                is_elsewhere: false,
            });
        };
        for (log, slots) in &kept.logs {
            let ware = match log {
                Log::Cohort(_) => Ware::Entries,
                Log::Environments => Ware::Environments,
                Log::CohortNotes(_) | Log::EnvironmentNotes | Log::StoreNotes => Ware::Notes,
            };
            for file in slots.values() {
                one(ware, log.cohort(), file);
            }
        }
        for (cohort, document) in &kept.cohorts {
            one(Ware::Cohorts, Some(cohort), document);
        }
        for claim in kept.claims.values() {
            one(Ware::Keys, None, claim);
        }
        for object in kept.objects.values() {
            one(Ware::Objects, None, object);
        }
        for profile in kept.profiles.values() {
            one(Ware::Profiles, None, profile);
        }
        for (path, file) in &kept.shelf {
            let (ware, cohort) = match path.room() {
                Room::Runs => (Ware::Views, None),
                Room::CohortView(cohort) => (Ware::Views, Some(cohort)),
                Room::Started => (Ware::Started, None),
                Room::Refused => (Ware::Refused, None),
            };
            one(ware, cohort, file);
        }
        Ok(())
    }
}

impl Shelf for MemoryStore {
    fn put(&self, path: &ShelfPath, bytes: &[u8], _keep: Keep) -> Result<(), StoreError> {
        if path.parts().is_empty() {
            return Err(not_a_file(path));
        }
        let mut kept = self.kept();
        match path.room() {
            Room::CohortView(cohort) if !kept.cohorts.contains_key(cohort) => {
                let cohort = cohort.clone();
                return Err(StoreError::NoCohort { cohort });
            }
            _ => {}
        }
        kept.shelf.insert(path.clone(), bytes.to_vec());
        Ok(())
    }

    fn put_all(
        &self,
        folder: &ShelfPath,
        files: &[(&str, &[u8])],
        keep: Keep,
    ) -> Result<(), StoreError> {
        let paths: Vec<ShelfPath> = files
            .iter()
            .map(|(name, _)| folder.below(name))
            .collect::<Result<_, _>>()
            .map_err(|_unsafe| not_a_file(folder))?;
        for (path, (_, bytes)) in paths.iter().zip(files) {
            self.put(path, bytes, keep)?;
        }
        Ok(())
    }

    fn put_folder(&self, folder: &ShelfPath, files: &[(ShelfPath, &[u8])]) -> bool {
        if folder.parts().is_empty() || files.iter().any(|(path, _)| !path.is_below(folder)) {
            return false;
        }
        let mut kept = self.kept();
        if kept.shelf.keys().any(|path| path.is_below(folder)) {
            return false;
        }
        for (path, bytes) in files {
            kept.shelf.insert(path.clone(), bytes.to_vec());
        }
        true
    }

    fn get(&self, path: &ShelfPath) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.kept().shelf.get(path).cloned())
    }

    fn remove(&self, path: &ShelfPath) -> Result<(), StoreError> {
        self.kept().shelf.remove(path);
        Ok(())
    }

    fn list(&self, folder: &ShelfPath) -> Result<Vec<Shelved>, StoreError> {
        let kept = self.kept();
        let above = folder.parts().len();
        let within = kept.shelf.keys().filter(|path| path.is_below(folder));
        let shelved: BTreeSet<Shelved> = within
            .map(|path| Shelved {
                name: path.parts()[above].clone(),
                is_folder: path.parts().len() > above + 1,
            })
            .collect();
        Ok(shelved.into_iter().collect())
    }

    fn remove_folder(&self, _folder: &ShelfPath) -> Result<(), StoreError> {
        // A folder is there as long as something is in it.
        Ok(())
    }

    fn exclusively(
        &self,
        folder: &ShelfPath,
        work: &mut dyn FnMut() -> Result<(), StoreError>,
    ) -> Result<Exclusive, StoreError> {
        if !self.kept().locked.insert(folder.clone()) {
            return Ok(Exclusive::Busy);
        }
        let done = work();
        self.kept().locked.remove(folder);
        done.map(|()| Exclusive::Done)
    }
}

impl Slots for MemoryStore {
    type Draft = Vec<u8>;

    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    fn nonce(&self) -> Nonce {
        Nonce::from_bytes(self.entropy.nonce())
    }

    fn seen(&self, log: &Log) -> Result<Option<Seen>, StoreError> {
        let Some(seq) = self.head(log)? else {
            return Ok(None);
        };
        let whole = self.peek(log, seq)?.whole();
        Ok(whole.map(|envelope| Seen {
            seq,
            sha256: envelope.sha256,
        }))
    }

    fn likely_free(&self, log: &Log, _from: Seq) -> Result<Seq, StoreError> {
        Ok(Seq::after(self.head(log)?))
    }

    fn look(&self, log: &Log, seq: Seq, _key: Option<&Key>) -> Result<Look, StoreError> {
        Ok(match self.peek(log, seq)? {
            Slot::Whole(envelope) => Look::Held(Box::new(envelope)),
            Slot::Absent => Look::Free,
            Slot::Damaged(damage) => Look::Damaged(damage),
        })
    }

    fn claim_of(&self, key: &Key) -> Result<Claim, StoreError> {
        let kept = self.kept();
        let newest = kept.claims.range((*key, 0)..=(*key, u32::MAX)).next_back();
        let Some(((_, generation), file)) = newest else {
            return Ok(Claim::Absent);
        };
        let generation = *generation;
        Ok(match decode(file) {
            Ok((envelope, _)) => Claim::Whole {
                generation,
                envelope: Box::new(envelope),
            },
            Err(_) => Claim::Torn { generation },
        })
    }

    fn draft(
        &self,
        log: &Log,
        _near: Seq,
        file: Vec<u8>,
        _first: FirstName,
    ) -> Result<Vec<u8>, StoreError> {
        match log.cohort() {
            Some(cohort) if !self.kept().cohorts.contains_key(cohort) => {
                Err(StoreError::NoCohort {
                    cohort: cohort.clone(),
                })
            }
            _ => Ok(file),
        }
    }

    fn name_claim(
        &self,
        key: &Key,
        generation: u32,
        draft: &mut Vec<u8>,
    ) -> Result<Claimed, StoreError> {
        let mut kept = self.kept();
        if kept.claims.contains_key(&(*key, generation)) {
            return Ok(Claimed::Taken);
        }
        kept.claims.insert((*key, generation), draft.clone());
        Ok(Claimed::Made)
    }

    fn settle_claims(&self, _keys: &[Key]) -> Result<(), StoreError> {
        Ok(())
    }

    fn adopt(&self, key: &Key, generation: u32) -> Result<(), StoreError> {
        self.kept().adopted.insert((*key, generation));
        Ok(())
    }

    fn adopted(&self, key: &Key, generation: u32) -> Result<bool, StoreError> {
        Ok(self.kept().adopted.contains(&(*key, generation)))
    }

    fn publish(
        &self,
        log: &Log,
        seq: Seq,
        draft: &mut Vec<u8>,
        written: &Envelope,
        meanwhile: Option<&mut Meanwhile<'_>>,
    ) -> Result<Published, StoreError> {
        let published = self.take(log, seq, draft, written)?;
        if published == Published::Won
            && let Some(meanwhile) = meanwhile
        {
            meanwhile(seq, written);
        }
        Ok(published)
    }

    fn take(
        &self,
        log: &Log,
        seq: Seq,
        draft: &mut Vec<u8>,
        _written: &Envelope,
    ) -> Result<Published, StoreError> {
        let mut kept = self.kept();
        let slots = kept.logs.entry(log.clone()).or_default();
        if slots.contains_key(&seq) {
            return Ok(Published::Occupied);
        }
        slots.insert(seq, draft.clone());
        Ok(Published::Won)
    }

    fn settle(&self, _log: &Log, _places: &[Seen]) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Kept {
    fn head(&self, log: &Log) -> Option<Seq> {
        self.logs.get(log)?.last_key_value().map(|(seq, _)| *seq)
    }

    fn file(&self, log: &Log, seq: Seq) -> Option<&Vec<u8>> {
        self.logs.get(log)?.get(&seq)
    }
}

fn damage(log: &Log, seq: Seq, error: &crate::envelope::EnvelopeError) -> Damage {
    let (kind, expected, found) = error.damage();
    Damage {
        path: format!("{log}/{seq}"),
        slot: Some((log.clone(), seq)),
        kind,
        expected,
        found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;
    use crate::entropy::SystemEntropy;

    #[test]
    fn memory_keeps_the_contract() {
        contract::all(&|| {
            let created = "2026-11-20T10:15:00Z".to_owned();
            Box::new(MemoryStore::new(created, Map::new(), SystemEntropy))
        });
    }
}
