//! Views of more than one snapshot: the index of a run, the newest of a cohort.
//!
//! Many writers replace them at once. Each is computed from a listing or the log, never from its
//! own content, and written by whoever gets the lock of its folder without waiting. Who does not
//! get it goes away, so whoever had it computes again *after* letting go, and begins anew if that
//! differs from what was written: a loser put its snapshot in place before it asked, so the holder
//! sees it then. The invariant kept: when the last writer is done, the view shows what all of them
//! made.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use runstone_core::views::{IndexEntry, ViewFile, ViewFolder, index, latest};
use runstone_store::{CohortName, Exclusive, Keep, Log, Seq, ShelfPath, Shelved};

use super::places::{below, cohort_on_shelf, index_of, latest_of, on_shelf, run_on_shelf};
use crate::compare::log_seq;
use crate::error::Error;
use crate::find::Stored;
use crate::notes::place_of;
use crate::open::Ledger;

/// How many entries of indexes are kept in memory; chosen, a run rarely has more.
const KEPT_MAX: usize = 1024;

/// Entries of indexes by the folder that proves them. A folder's snapshot never changes, so what
/// was read once stays true; whether the folder is there is asked each time.
#[derive(Debug, Default)]
pub(crate) struct Entries(Mutex<BTreeMap<ViewFolder, IndexEntry>>);

impl Entries {
    pub(super) fn remember(&self, stored: &Stored) {
        let entry = entry_of(stored);
        self.put(entry.folder(), entry);
    }

    fn put(&self, folder: ViewFolder, entry: IndexEntry) {
        let mut kept = self.kept();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(folder, entry);
    }

    fn get(&self, folder: &ViewFolder) -> Option<IndexEntry> {
        self.kept().get(folder).cloned()
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<ViewFolder, IndexEntry>> {
        // A thread that panicked while holding the lock left at worst an entry less.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A folder found on the shelf.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) folder: ViewFolder,
    /// The views in it.
    pub(super) files: Vec<ViewFile>,
    /// Whether one of them is `snapshot.json`.
    pub(super) has_snapshot: bool,
}

impl Listed {
    fn of(folder: Option<ViewFolder>, inside: &[Shelved]) -> Option<Self> {
        let files: Vec<ViewFile> = inside
            .iter()
            .filter(|shelved| !shelved.is_folder)
            .filter_map(|shelved| ViewFile::from_name(&shelved.name))
            .collect();
        Some(Self {
            folder: folder?,
            has_snapshot: files.contains(&ViewFile::Snapshot),
            files,
        })
    }
}

/// Returns the entry of a snapshot in the index of its run.
pub(super) fn entry_of(stored: &Stored) -> IndexEntry {
    let (snapshot, place) = (&stored.snapshot, &stored.place);
    IndexEntry {
        run_id: snapshot.run_id.clone(),
        stage: snapshot.stage.clone(),
        cohort: place.cohort.to_string(),
        attempt: snapshot.attempt,
        seq: place.seq,
        sha256: place.sha256,
    }
}

/// What is known of a view before it is brought up to date.
#[derive(Debug)]
pub(super) enum Before<T> {
    /// It may be as it should be.
    Perhaps,
    /// Something was recorded since, so that what stands there is older.
    Older,
    /// This was recorded since, and may be all there is: if nothing stands there yet, it is taken
    /// for that without a look. The look after the lock was let go shows whether it was.
    Lacks(T),
}

impl Ledger {
    /// Brings the index of the run in this folder up to date.
    pub(super) fn refresh_index(
        &self,
        run: &str,
        before: Before<Vec<IndexEntry>>,
    ) -> Result<bool, Error> {
        self.refresh_index_by(run, before, &mut || self.listed_entries(run))
    }

    /// Brings the index of the run in this folder up to date by the log, which tells also of the
    /// folders whose proof is gone, or whose proof something stands in the way of.
    pub(super) fn remake_index(&self, run: &str) -> Result<bool, Error> {
        self.refresh_index_by(run, Before::Perhaps, &mut || self.logged_entries(run))
    }

    fn refresh_index_by(
        &self,
        run: &str,
        before: Before<Vec<IndexEntry>>,
        look: &mut dyn FnMut() -> Result<Vec<IndexEntry>, Error>,
    ) -> Result<bool, Error> {
        let made = |entries: &Vec<IndexEntry>| (!entries.is_empty()).then(|| index(entries));
        self.refresh(&run_on_shelf(run), &index_of(run), before, look, &made)
    }

    /// Brings the view of a cohort's newest snapshot up to date. A snapshot in hand that turns out
    /// to be the newest is not read again.
    pub(super) fn refresh_latest(
        &self,
        cohort: &CohortName,
        in_hand: Option<&Stored>,
        before: Before<Option<IndexEntry>>,
    ) -> Result<bool, Error> {
        let mut look = || self.newest_entry(cohort, in_hand);
        let made = |newest: &Option<IndexEntry>| newest.as_ref().map(latest);
        let (folder, file) = (cohort_on_shelf(cohort), latest_of(cohort));
        self.refresh(&folder, &file, before, &mut look, &made)
    }

    /// Looks and writes what is made of that, until another look after the lock was let go shows
    /// the same; returns whether anything was written or removed. Nothing made means no file.
    fn refresh<T: PartialEq>(
        &self,
        folder: &ShelfPath,
        file: &ShelfPath,
        mut before: Before<T>,
        look: &mut dyn FnMut() -> Result<T, Error>,
        made: &dyn Fn(&T) -> Option<Vec<u8>>,
    ) -> Result<bool, Error> {
        let shelf = self.store.shelf();
        let mut has_changed = false;
        loop {
            let mut seen = None;
            let mut work = || {
                let known = mem::replace(&mut before, Before::Perhaps);
                let found = match known {
                    Before::Older => None,
                    Before::Perhaps | Before::Lacks(_) => shelf.get(file).ok(),
                };
                let looked = seen.insert(match known {
                    Before::Lacks(recorded) if found == Some(None) => Ok(recorded),
                    _ => look(),
                });
                let Ok(looked) = looked else { return Ok(()) };
                let bytes = made(looked);
                if found.is_some_and(|found| found == bytes) {
                    return Ok(());
                }
                has_changed = true;
                match bytes {
                    Some(bytes) => shelf.put(file, &bytes, Keep::BestEffort),
                    None => shelf.remove(file),
                }
            };
            match shelf.exclusively(folder, &mut work)? {
                Exclusive::Done => {}
                Exclusive::Busy => return Ok(has_changed),
                // Of several at once the last one stays, which may be a little older.
                Exclusive::NoLocks => work()?,
            }
            let seen = seen.transpose()?;
            if seen.as_ref() == Some(&look()?) {
                return Ok(has_changed);
            }
        }
    }

    /// Returns the entries that the folders of a run prove. What a folder proved once is known, so
    /// that the second look is at names alone.
    fn listed_entries(&self, run: &str) -> Result<Vec<IndexEntry>, Error> {
        let mut entries = Vec::new();
        for listed in self.listed_folders(run)? {
            if listed.has_snapshot {
                entries.extend(self.proven(&listed.folder));
            }
        }
        Ok(entries)
    }

    /// Returns the folders of a run in which views of a snapshot may lie.
    pub(super) fn listed_folders(&self, run: &str) -> Result<Vec<Listed>, Error> {
        let above = run_on_shelf(run);
        let mut found = Vec::new();
        for stage in self.folders_in(&above)? {
            let Ok(stage_path) = above.below(&stage) else {
                continue;
            };
            for cohort in self.folders_in(&stage_path)? {
                let Ok(cohort_path) = stage_path.below(&cohort) else {
                    continue;
                };
                let inside = self.store.shelf().list(&cohort_path)?;
                let folder = |retry| ViewFolder::from_parts(run, &stage, &cohort, retry);
                found.extend(Listed::of(folder(None), &inside));
                for retry in inside.iter().filter(|shelved| shelved.is_folder) {
                    let Some(folder) = folder(Some(&retry.name)) else {
                        continue;
                    };
                    let inside = self.store.shelf().list(&on_shelf(&folder))?;
                    found.extend(Listed::of(Some(folder), &inside));
                }
            }
        }
        Ok(found)
    }

    fn folders_in(&self, path: &ShelfPath) -> Result<Vec<String>, Error> {
        let listed = self.store.shelf().list(path)?;
        let folders = listed.into_iter().filter(|shelved| shelved.is_folder);
        Ok(folders.map(|shelved| shelved.name).collect())
    }

    /// Returns the entry that a folder proves: that of the `snapshot.json` in it, if it is whole
    /// and lies where it belongs.
    pub(super) fn proven(&self, folder: &ViewFolder) -> Option<IndexEntry> {
        if let Some(entry) = self.entries.get(folder) {
            return Some(entry);
        }
        let path = below(&on_shelf(folder), ViewFile::Snapshot.name());
        // What cannot be read proves as little as what is not there.
        let found = self.store.shelf().get(&path).ok().flatten();
        let entry = found
            .and_then(|bytes| IndexEntry::from_snapshot_view(&bytes))
            .filter(|entry| entry.folder().is_same(folder));
        if let Some(entry) = &entry {
            self.entries.put(folder.clone(), entry.clone());
        }
        entry
    }

    /// Tells whether nothing stands above a snapshot in its log.
    pub(super) fn newest_is(&self, stored: &Stored) -> Result<bool, Error> {
        let log = Log::Cohort(stored.place.cohort.clone());
        Ok(self.store.head(&log)? == Some(log_seq(stored)?))
    }

    /// Returns the newest snapshot of a cohort that can be read and was not deleted.
    pub(super) fn newest_entry(
        &self,
        cohort: &CohortName,
        in_hand: Option<&Stored>,
    ) -> Result<Option<IndexEntry>, Error> {
        let noted = self.notes.now(cohort)?;
        let is_listed = |stored: &Stored| noted.deleted(&place_of(&stored.place)).is_none();
        let mut next: Option<Seq> = self.store.head(&Log::Cohort(cohort.clone()))?;
        if let Some(stored) = in_hand
            && next == Some(log_seq(stored)?)
            && is_listed(stored)
        {
            return Ok(Some(entry_of(stored)));
        }
        while let Some(seq) = next {
            match self.stored(cohort, seq) {
                Ok(stored) if is_listed(&stored) => return Ok(Some(entry_of(&stored))),
                Ok(_) => next = seq.previous(),
                Err(error) if error.costs_its_place_alone() => next = seq.previous(),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}
