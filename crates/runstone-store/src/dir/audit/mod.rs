//! The audit: reading everything, believing nothing.
//!
//! Every file is read again and every checksum and digest computed again. The invariant guarded
//! here: damage of truth, staleness of what is derived, and work of writers still going on are told
//! apart, and what cannot be read costs itself alone. Logs are left to `log`, claims to `claims`,
//! segments to `segments`, what no log holds to `unrecorded`; what the payloads say, and whether
//! what they name is there, to the ledger.

mod claims;
mod log;
mod segments;
mod unrecorded;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::DirStore;
use super::fs::FileSystem;
use super::keep::digest_damage;
use super::layout::{
    COHORT_DOCUMENT, ORIGIN, PROBE, SECRET, SECRET_KEY, TEMPORARY, TRASH, fan_name, is_of_root,
    profile_digest, trash_number,
};
use super::origin::Origin;
use super::tree::At;
use crate::damage::{Audited, Damage, DamageKind, Finding, Stale, StaleKind};
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::key::{Key, Nonce};
use crate::log::{CohortName, Log, Seq};
use crate::store::Slot;

impl<F: FileSystem> DirStore<F> {
    pub(super) fn audit_all(&self, report: &mut dyn FnMut(Finding)) -> Result<Audited, StoreError> {
        Ok(self.audit_and_keep(report)?.0)
    }

    /// The same, and returns what was read of the logs.
    pub(super) fn audit_and_keep(
        &self,
        report: &mut dyn FnMut(Finding),
    ) -> Result<(Audited, BTreeMap<Log, Read>), StoreError> {
        let mut audit = Audit::of(self, report);
        audit.root()?;
        audit.logs()?;
        audit.keys()?;
        audit.objects()?;
        audit.trash()?;
        audit.profiles()?;
        audit.secret()?;
        audit.temporaries_in_room(&["runs"], FOLDERS_OF_A_VIEW);
        for room in ["started", "refused"] {
            audit.temporaries_in_room(&[room], 0);
        }
        Ok((audit.audited, audit.read))
    }
}

/// How many folders stand between the room of runs and a view: run, stage, cohort, attempt.
const FOLDERS_OF_A_VIEW: u32 = 4;

/// An audit under way.
struct Audit<'a, F: FileSystem> {
    store: &'a DirStore<F>,
    report: &'a mut dyn FnMut(Finding),
    audited: Audited,
    read: BTreeMap<Log, Read>,
    /// The logs of which a part could not be looked at.
    unread: BTreeSet<Log>,
}

/// What was read of a log.
#[derive(Debug, Default)]
pub(super) struct Read {
    digests: BTreeMap<Seq, Hash256>,
    /// Which key holds which place.
    pub(super) keys: BTreeMap<Key, Seq>,
    /// Of entries without a key.
    nonces: BTreeMap<Nonce, Seq>,
}

impl<'a, F: FileSystem> Audit<'a, F> {
    fn of(store: &'a DirStore<F>, report: &'a mut dyn FnMut(Finding)) -> Self {
        Self {
            store,
            report,
            audited: Audited::default(),
            read: BTreeMap::new(),
            unread: BTreeSet::new(),
        }
    }

    fn logs(&mut self) -> Result<(), StoreError> {
        self.cohorts()?;
        for log in [Log::EnvironmentNotes, Log::Environments, Log::StoreNotes] {
            self.log(&log)?;
        }
        Ok(())
    }

    fn damage(&mut self, damage: Damage) {
        self.audited.damaged += 1;
        (self.report)(Finding::Damage(damage));
    }

    fn stale(&mut self, path: String, kind: StaleKind) {
        self.audited.stale += 1;
        (self.report)(Finding::Stale(Stale { path, kind }));
    }

    /// Passes on what was read, or reports it as damage, or as of a later release: what cannot be
    /// read costs itself alone.
    fn told<T>(&mut self, read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(StoreError::Damaged(damage)) => {
                self.damage(*damage);
                Ok(None)
            }
            Err(StoreError::Newer { path, .. }) => {
                self.stale(path, StaleKind::Newer);
                Ok(None)
            }
            Err(error) => {
                let damage = Damage::in_reading(error)?;
                self.damage(damage);
                Ok(None)
            }
        }
    }

    /// Opens a directory below the root; nothing if it does not exist, or cannot be read.
    fn open(&mut self, path: &[&str]) -> Result<Option<At<F>>, StoreError> {
        let opened = self.store.tree.open(path);
        Ok(self.told(opened)?.flatten())
    }

    /// Opens a directory in another, and passes over a file as over every other stray.
    fn open_in(&mut self, here: &At<F>, name: &str) -> Result<Option<At<F>>, StoreError> {
        let opened = self.store.tree.open_in(here, name);
        if opened.is_err() && self.store.tree.is_file(here, name) {
            self.stray(here, name);
            return Ok(None);
        }
        Ok(self.told(opened)?.flatten())
    }

    /// Returns the names in a directory; none if it cannot be read.
    fn list(&mut self, here: &At<F>) -> Result<Vec<String>, StoreError> {
        let listed = self.store.tree.list(here);
        Ok(self.told(listed)?.unwrap_or_default())
    }

    /// Reports what does not belong into the root.
    fn root(&mut self) -> Result<(), StoreError> {
        // Nothing true is in it, whatever became of it.
        if !matches!(self.store.read_origin(), Ok(Origin::None | Origin::Made(_))) {
            self.stale(ORIGIN.to_owned(), StaleKind::Hint);
        }
        let root = self.store.tree.root();
        for name in self.list(&root)? {
            if !is_of_root(&name) {
                self.stray(&root, &name);
            }
        }
        Ok(())
    }

    /// Reports the temporary files of a directory, and passes over everything else.
    fn temporaries(&mut self, path: &[&str]) -> Result<(), StoreError> {
        let Some(dir) = self.open(path)? else {
            return Ok(());
        };
        for name in self.list(&dir)? {
            if name.starts_with(TEMPORARY) {
                self.stale(dir.name(&name), StaleKind::Temporary);
            }
        }
        Ok(())
    }

    /// Reports the temporary files in a folder of the shelf and the `depth` folders below it. What
    /// cannot be looked at there is passed over: no truth is in it, and nothing is known of it.
    fn temporaries_on_shelf(&mut self, folder: &At<F>, depth: u32) {
        let Ok(listed) = self.store.tree.fs.list_typed(&folder.dir) else {
            return;
        };
        for (name, is_folder) in listed {
            if name.starts_with(TEMPORARY) {
                self.stale(folder.name(&name), StaleKind::Temporary);
            } else if depth > 0
                && is_folder != Some(false)
                && let Ok(Some(below)) = self.store.tree.open_in(folder, &name)
            {
                self.temporaries_on_shelf(&below, depth - 1);
            }
        }
    }

    /// The same for a whole room of the shelf.
    fn temporaries_in_room(&mut self, path: &[&str], depth: u32) {
        match self.store.tree.open(path) {
            Ok(Some(room)) => self.temporaries_on_shelf(&room, depth),
            Ok(None) => {}
            Err(_in_the_way) => self.stale(path.join("/"), StaleKind::Unknown),
        }
    }

    /// Reports a name that should not be there.
    fn stray(&mut self, here: &At<F>, name: &str) {
        let temporary = name.starts_with(TEMPORARY) || name.starts_with(PROBE);
        let kind = if temporary {
            StaleKind::Temporary
        } else {
            StaleKind::Unknown
        };
        self.stale(here.name(name), kind);
    }

    fn cohorts(&mut self) -> Result<(), StoreError> {
        let Some(dir) = self.open(&["cohorts"])? else {
            return Ok(());
        };
        for name in self.list(&dir)? {
            let Ok(cohort) = name.parse::<CohortName>() else {
                self.stray(&dir, &name);
                continue;
            };
            if self.open_in(&dir, &name)?.is_none() {
                continue;
            }
            self.temporaries(&["cohorts", &name])?;
            self.temporaries_in_room(&["cohorts", &name, "view"], 0);
            self.log(&Log::CohortNotes(cohort.clone()))?;
            self.log(&Log::Cohort(cohort.clone()))?;
            self.document(&cohort)?;
        }
        Ok(())
    }

    fn document(&mut self, cohort: &CohortName) -> Result<(), StoreError> {
        let kept = self.store.kept_cohort(cohort);
        let Some(document) = self.told(kept)? else {
            return Ok(());
        };
        if let Some(document) = document {
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

    fn objects(&mut self) -> Result<(), StoreError> {
        let Some(objects) = self.open(&["objects"])? else {
            return Ok(());
        };
        for fan in self.list(&objects)? {
            let Some(dir) = self.open_in(&objects, &fan)? else {
                continue;
            };
            for name in self.list(&dir)? {
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

    /// Reports what does not belong into the trash. What lies there is nobody's but the ledger's to
    /// judge, which knows what is named.
    fn trash(&mut self) -> Result<(), StoreError> {
        let Some(trash) = self.open(&[TRASH])? else {
            return Ok(());
        };
        for name in self.list(&trash)? {
            if trash_number(&name).is_none() {
                self.stray(&trash, &name);
            }
        }
        Ok(())
    }

    fn profiles(&mut self) -> Result<(), StoreError> {
        let Some(dir) = self.open(&["profiles"])? else {
            return Ok(());
        };
        for name in self.list(&dir)? {
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

    /// Checks the secret against the id that the store remembers. One that may not be read is left
    /// alone: nothing that can be read depends on it.
    fn secret(&mut self) -> Result<(), StoreError> {
        if let Some(dir) = self.open(&[SECRET])? {
            for name in self.list(&dir)? {
                if name != SECRET_KEY {
                    self.stray(&dir, &name);
                }
            }
        }
        let remembered = self.store.remembered();
        // Where its id cannot be told, nothing can be said of the secret either.
        let Some(remembered) = self.told(remembered)? else {
            return Ok(());
        };
        let kept = match self.store.kept_secret() {
            Err(StoreError::Unreadable { source, .. })
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                return Ok(());
            }
            kept => self.told(kept)?,
        };
        match (remembered, kept) {
            (_, Some(Slot::Damaged(damage))) => self.damage(damage),
            (Some(id), Some(Slot::Absent)) => self.damage(Damage {
                path: format!("{SECRET}/{SECRET_KEY}"),
                slot: None,
                kind: DamageKind::Missing,
                expected: format!("the secret {id}"),
                found: "nothing".to_owned(),
            }),
            _ => {}
        }
        Ok(())
    }

    fn kept(&mut self, dir: &At<F>, name: &str, digest: Hash256) -> Result<(), StoreError> {
        let kept = self.store.read_kept(dir, name);
        let Some(bytes) = self.told(kept)?.flatten() else {
            return Ok(());
        };
        self.audited.bytes += bytes.len() as u64;
        if let Some(damage) = digest_damage(dir.name(name), digest, &bytes) {
            self.damage(damage);
        }
        Ok(())
    }
}
