//! Keeping what entries name: cohort documents, objects, profiles.
//!
//! Each is published once under a fixed name and flushed before an entry may name it, whoever
//! brought it. The invariant guarded here: finding a file is not enough, since its writer may not
//! have flushed it yet; only what a committed entry names already is known to be durable. Damaged
//! bytes give their place to whole ones, and stay in quarantine. What is in the bytes is left to
//! the ledger, objects on their way out to `trash`.

use std::io;

use super::DirStore;
use super::fs::{FileSystem, best_effort};
use super::layout::{COHORT_DOCUMENT, Holds, fan_name, profile_digest, profile_name};
use super::tree::{At, at};
use crate::damage::{Damage, DamageKind};
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::log::{CohortName, Log};
#[cfg(test)]
use crate::mutants::{self, Mutant};
use crate::store::{OpenedCohort, Slot, Standing};

/// Bytes of an object, a profile or a cohort document.
const KEPT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How often a file is looked for that is there and then is not.
const LOOKS: usize = 3;

/// Whether a file was there before.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kept {
    New,
    Existing(Vec<u8>),
}

impl<F: FileSystem> DirStore<F> {
    pub(super) fn keep_cohort(
        &self,
        cohort: &CohortName,
        document: &[u8],
    ) -> Result<OpenedCohort, StoreError> {
        let path = ["cohorts", cohort.as_str()];
        let same = |existing: &[u8]| {
            if existing == document {
                return Ok(OpenedCohort::Existing);
            }
            let (asked, found) = (Hash256::of(document), Hash256::of(existing));
            Err(StoreError::OtherCohort {
                cohort: cohort.clone(),
                asked,
                found,
            })
        };
        // One that is there and is not seen is met when it is made.
        let seen = match self.tree.open(&path)? {
            Some(dir) => self.read_kept(&dir, COHORT_DOCUMENT)?,
            None => None,
        };
        if let Some(existing) = seen {
            let opened = same(&existing)?;
            let log = Log::Cohort(cohort.clone());
            // Whoever took the first place flushed all this before.
            if self.find_head(&log, None)?.is_some() {
                return Ok(opened);
            }
            self.demand_untouched(&log)?;
        }
        let dir = self.tree.make(&path, Holds::Truth)?;
        for log in ["log", "notes"] {
            self.tree.make_in(&dir, log, Holds::Truth)?;
        }
        self.tree.make_in(&dir, "view", Holds::Passing)?;
        let opened = match self.keep(&dir, COHORT_DOCUMENT, document)? {
            Kept::New => OpenedCohort::New,
            Kept::Existing(existing) => same(&existing)?,
        };
        self.tree.sync_down_to(&path)?;
        Ok(opened)
    }

    /// Puts the document of a cohort in its place; what stands there and says something else keeps
    /// a name in quarantine.
    pub(super) fn put_cohort_back(
        &self,
        cohort: &CohortName,
        document: &[u8],
    ) -> Result<(), StoreError> {
        let path = ["cohorts", cohort.as_str()];
        let dir = self.tree.make(&path, Holds::Truth)?;
        let kept = self.keep(&dir, COHORT_DOCUMENT, document)?;
        if let Kept::Existing(existing) = &kept
            && existing != document
        {
            self.replace_damaged(&path, &dir, COHORT_DOCUMENT, document)?;
        }
        self.tree.sync_down_to(&path)
    }

    pub(super) fn kept_cohort(&self, cohort: &CohortName) -> Result<Option<Vec<u8>>, StoreError> {
        let path = ["cohorts", cohort.as_str()];
        self.tree
            .look_in(&path, |dir| self.read_kept(dir, COHORT_DOCUMENT))
    }

    /// Reads a kept file; what is no file is damage.
    pub(super) fn read_kept(
        &self,
        here: &At<F>,
        name: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.tree.read(here, name, KEPT_BYTES_MAX + 1);
        match read {
            Err(StoreError::Unreadable { path, source })
                if source.kind() == io::ErrorKind::InvalidData =>
            {
                let damage = Damage::in_reading(StoreError::Unreadable { path, source })?;
                Err(StoreError::Damaged(Box::new(damage)))
            }
            read => read,
        }
    }

    pub(super) fn list_cohorts(
        &self,
        prefix: &str,
        at_most: Option<usize>,
    ) -> Result<Vec<CohortName>, StoreError> {
        let Some(dir) = self.tree.open(&["cohorts"])? else {
            return Ok(Vec::new());
        };
        // A bounded look reads a bounded part of the directory, whatever its names begin with.
        let look = at_most.map_or(usize::MAX, |at_most| at_most.saturating_mul(16).max(1024));
        let mut names = self.tree.fs.list(&dir.dir, look).map_err(at(dir.path()))?;
        names.sort_unstable();
        let mut cohorts = Vec::new();
        for name in names {
            if cohorts.len() >= at_most.unwrap_or(usize::MAX) {
                break;
            }
            let Ok(cohort) = name.parse::<CohortName>() else {
                continue;
            };
            if !name.starts_with(prefix) {
                continue;
            }
            let is_one = match self.is_cohort(&dir, &cohort) {
                Ok(is_one) => is_one,
                Err(_) if self.tree.is_file(&dir, &name) => false,
                // What cannot be looked into is not left out in silence: it is the readers of its
                // log who say so.
                Err(error) => Damage::in_reading(error).map(|_damage| true)?,
            };
            if is_one {
                cohorts.push(cohort);
            }
        }
        Ok(cohorts)
    }

    /// Tells whether a name is a cohort's. Without its document a directory is a maker's that has
    /// not finished, unless it holds entries: then the document is lost, and they are not.
    fn is_cohort(&self, dir: &At<F>, cohort: &CohortName) -> Result<bool, StoreError> {
        let Some(inside) = self.tree.open_in(dir, cohort.as_str())? else {
            return Ok(false);
        };
        if self.tree.exists(&inside, COHORT_DOCUMENT)? {
            return Ok(true);
        }
        let is_listed = || {
            let exists = |inside: &At<F>| self.tree.exists(inside, COHORT_DOCUMENT);
            let path = ["cohorts", cohort.as_str()];
            let found = self
                .tree
                .look_in(&path, |inside| Ok(exists(inside)?.then_some(())));
            found.map(|found| found.is_some())
        };
        Ok((self.tree.kind.remembers_absence() && is_listed()?)
            || self
                .find_head(&Log::Cohort(cohort.clone()), None)?
                .is_some())
    }

    pub(super) fn keep_object(
        &self,
        bytes: &[u8],
        standing: Standing,
    ) -> Result<Hash256, StoreError> {
        let digest = Hash256::of(bytes);
        let fan = fan_name(digest);
        let here = self.fan("objects", fan)?;
        self.keep_digest(
            &["objects", fan],
            &here,
            &digest.to_string(),
            digest,
            bytes,
            standing,
        )
    }

    pub(super) fn kept_object(&self, digest: Hash256) -> Result<Slot<Vec<u8>>, StoreError> {
        let path = ["objects", fan_name(digest)];
        let in_place = || self.kept(&path, &digest.to_string(), digest);
        let found = in_place()?;
        if found != Slot::Absent {
            return Ok(found);
        }
        match self.read_trashed(digest) {
            Ok(Some((path, bytes))) => Ok(of_digest(path, digest, bytes)),
            // It may have come back meanwhile, by another host too.
            Ok(None) => in_place(),
            Err(StoreError::Damaged(damage)) => Ok(Slot::Damaged(*damage)),
            Err(error) => Err(error),
        }
    }

    pub(super) fn keep_profile(
        &self,
        text: &[u8],
        standing: Standing,
    ) -> Result<Hash256, StoreError> {
        let digest = Hash256::of(text);
        let here = self.tree.make(&["profiles"], Holds::Truth)?;
        self.keep_digest(
            &["profiles"],
            &here,
            &profile_name(digest),
            digest,
            text,
            standing,
        )
    }

    pub(super) fn kept_profile(&self, digest: Hash256) -> Result<Slot<Vec<u8>>, StoreError> {
        self.kept(&["profiles"], &profile_name(digest), digest)
    }

    pub(super) fn list_profiles(&self) -> Result<Vec<Hash256>, StoreError> {
        let Some(dir) = self.tree.open(&["profiles"])? else {
            return Ok(Vec::new());
        };
        let names = self.tree.list(&dir)?;
        Ok(names
            .iter()
            .filter_map(|name| profile_digest(name))
            .collect())
    }

    /// Keeps bytes under a name that is made of their digest. Whatever else has the name is
    /// damaged: no other bytes are meant by it.
    fn keep_digest(
        &self,
        path: &[&str],
        here: &At<F>,
        name: &str,
        digest: Hash256,
        bytes: &[u8],
        standing: Standing,
    ) -> Result<Hash256, StoreError> {
        // It was durable before it was named: what is asked is whether it still is what it was.
        if standing == Standing::NamedByCommitted
            && self.read_kept(here, name)?.as_deref() == Some(bytes)
        {
            return Ok(digest);
        }
        if let Kept::Existing(existing) = self.keep(here, name, bytes)?
            && existing != bytes
        {
            self.replace_damaged(path, here, name, bytes)?;
        }
        #[cfg(test)]
        if mutants::is(Mutant::ObjectNotSynced) {
            return Ok(digest);
        }
        self.tree.sync_down_to(path)?;
        Ok(digest)
    }

    /// Puts whole bytes in the place of damaged ones, which keep a name in quarantine: at no moment
    /// the place is free. Its directory is left to flush.
    fn replace_damaged(
        &self,
        path: &[&str],
        here: &At<F>,
        name: &str,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let (nonce, mode) = (self.nonce(), self.tree.modes.truth);
        let mut temporary = self.tree.write_temporary(here, nonce, mode, bytes)?;
        self.tree.sync_temporary(&mut temporary)?;
        match self.read_kept(here, name)? {
            // Another has done the same meanwhile.
            Some(existing) if existing == bytes => return Ok(()),
            Some(_) => self.quarantine(&path.join("~"), here, name)?,
            None => {}
        }
        self.tree.take_name(temporary, name)
    }

    /// Publishes a file, or flushes the one that is there. Its directory is left to flush.
    pub(super) fn keep(&self, here: &At<F>, name: &str, bytes: &[u8]) -> Result<Kept, StoreError> {
        self.keep_as(here, name, bytes, self.tree.modes.truth)
    }

    /// The same with mode bits of its own.
    pub(super) fn keep_as(
        &self,
        here: &At<F>,
        name: &str,
        bytes: &[u8],
        mode: u32,
    ) -> Result<Kept, StoreError> {
        if bytes.len() > KEPT_BYTES_MAX {
            let (size_bytes, limit_bytes) = (bytes.len() as u64, KEPT_BYTES_MAX as u64);
            return Err(StoreError::TooLarge {
                what: "a file",
                size_bytes,
                limit_bytes,
            });
        }
        for _ in 0..LOOKS {
            if !self.tree.exists(here, name)? {
                let nonce = self.nonce();
                let mut temporary = self.tree.write_temporary(here, nonce, mode, bytes)?;
                self.tree.sync_temporary(&mut temporary)?;
                match self.tree.give_name(&temporary, here, name) {
                    Ok(()) => return Ok(Kept::New),
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        if self.tree.kind.remembers_absence() {
                            // Until it lists the directory this host may go on not to see it.
                            best_effort(self.tree.fs.list(&here.dir, usize::MAX).map(drop));
                        }
                    }
                    Err(error) => return Err(at(here.name(name))(error)),
                }
            }
            match self.tree.sync_name(here, name) {
                // A collection has just taken it to the trash.
                Err(StoreError::Unreadable { source, .. })
                    if source.kind() == io::ErrorKind::NotFound => {}
                // Nothing that is no regular file can be flushed; what stands there is the better
                // answer.
                Err(error) => return Err(self.read_kept(here, name).err().unwrap_or(error)),
                Ok(()) => {
                    if let Some(existing) = self.read_kept(here, name)? {
                        return Ok(Kept::Existing(existing));
                    }
                }
            }
        }
        Err(at(here.name(name))(io::ErrorKind::NotFound.into()))
    }

    fn kept(
        &self,
        path: &[&str],
        name: &str,
        digest: Hash256,
    ) -> Result<Slot<Vec<u8>>, StoreError> {
        let read = self.tree.look_in(path, |here| {
            let bytes = self.read_kept(here, name)?;
            Ok(bytes.map(|bytes| (here.name(name), bytes)))
        });
        match read {
            Ok(Some((path, bytes))) => Ok(of_digest(path, digest, bytes)),
            Ok(None) => Ok(Slot::Absent),
            Err(StoreError::Damaged(damage)) => Ok(Slot::Damaged(*damage)),
            Err(error) => Err(error),
        }
    }
}

/// Returns bytes that have their digest, or their damage.
fn of_digest(path: String, digest: Hash256, bytes: Vec<u8>) -> Slot<Vec<u8>> {
    match digest_damage(path, digest, &bytes) {
        Some(damage) => Slot::Damaged(damage),
        None => Slot::Whole(bytes),
    }
}

/// Returns what is wrong with bytes that should have a digest, if anything is.
pub(super) fn digest_damage(path: String, digest: Hash256, bytes: &[u8]) -> Option<Damage> {
    let found = Hash256::of(bytes);
    if found == digest {
        return None;
    }
    let (expected, found) = (digest.to_string(), found.to_string());
    Some(Damage {
        path,
        slot: None,
        kind: DamageKind::Digest,
        expected,
        found,
    })
}
