//! Writing the views of a snapshot that was just recorded.
//!
//! After the answer, without a flush: a view that a power cut takes or tears is stale, and made
//! again. The invariant kept: whatever fails here is a warning, because the snapshot stands.

use runstone_core::cohort::CohortKey;
use runstone_core::views::{ViewFile, ViewFolder, index};
use runstone_store::{Keep, Room, ShelfPath};

use super::Views;
use super::made::{Made, folder_of};
use super::places::{ViewPaths, below, index_of, on_shelf, run_on_shelf};
use super::shared::{Before, entry_of};
use crate::error::Error;
use crate::find::Stored;
use crate::notes::place_of;
use crate::open::Ledger;
use crate::recorded::{Answered, RecordedAs};

impl Ledger {
    /// Makes the views that a recording is to have; none where none are kept, or it was deleted.
    pub(crate) fn make_views(
        &self,
        recorded_as: RecordedAs,
        stored: &Stored,
        answer: &Answered,
        key: &CohortKey,
    ) -> Result<Option<Made>, Error> {
        if self.settings.views == Views::None {
            return Ok(None);
        }
        if recorded_as == RecordedAs::Already
            && (self.is_deleted(stored)? || self.is_perhaps_deleted(stored)?)
        {
            return Ok(None);
        }
        let cohort = &stored.place.cohort;
        let group_key = self.group_keys.of(cohort, || Ok(key.digest()))?;
        self.made(stored, answer, group_key).map(Some)
    }

    /// Writes the views of a snapshot, and those it is one of several in.
    pub(crate) fn write_views(
        &self,
        recorded_as: RecordedAs,
        stored: &Stored,
        made: Option<Made>,
    ) -> Result<Option<ViewPaths>, Error> {
        let Some(made) = made else {
            return Ok(None);
        };
        let is_whole = recorded_as == RecordedAs::New && self.put_run(&made, stored);
        if !is_whole {
            self.put_made(&made, recorded_as)?;
        }
        self.entries.remember(stored);
        // Deleted by another while the files were written: who deleted it did not see them all.
        if self.is_deleted(stored)? {
            self.remove_views(stored)?;
            return Ok(None);
        }
        let (before, latest) = match recorded_as {
            RecordedAs::New => (Before::Lacks(vec![entry_of(stored)]), Before::Older),
            RecordedAs::Already => (Before::Perhaps, Before::Perhaps),
        };
        if !is_whole {
            self.refresh_index(made.folder.run(), before)?;
        }
        // The writer of a newer snapshot writes that one as the newest.
        let is_newest = self.newest_is(stored)?;
        if is_newest || recorded_as == RecordedAs::Already {
            self.refresh_latest(&stored.place.cohort, Some(stored), latest)?;
        }
        Ok(Some(ViewPaths::new(
            made.folder,
            stored.place.cohort.clone(),
        )))
    }

    /// Removes the views of a snapshot that was deleted, and brings those up to date that it was
    /// one of several in.
    pub(crate) fn remove_views(&self, stored: &Stored) -> Result<(), Error> {
        if self.settings.views == Views::None {
            return Ok(());
        }
        let folder = folder_of(stored);
        // The file that proves the snapshot to the index goes first.
        self.remove_files(&folder, ViewFile::ALL)?;
        self.refresh_index(folder.run(), Before::Perhaps)?;
        self.refresh_latest(&stored.place.cohort, None, Before::Perhaps)?;
        Ok(())
    }

    /// Removes files of a folder, and the folders that are empty then; returns how many files.
    pub(super) fn remove_files(
        &self,
        folder: &ViewFolder,
        files: impl IntoIterator<Item = ViewFile>,
    ) -> Result<u64, Error> {
        let shelf = self.store.shelf();
        let path = on_shelf(folder);
        let mut removed = 0;
        for file in files {
            shelf.remove(&below(&path, file.name()))?;
            removed += 1;
        }
        let parts = folder.parts();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        for depth in (2..=parts.len()).rev() {
            if let Ok(folder) = ShelfPath::new(Room::Runs, &parts[..depth]) {
                shelf.remove_folder(&folder)?;
            }
        }
        Ok(removed)
    }

    fn is_deleted(&self, stored: &Stored) -> Result<bool, Error> {
        let noted = self.notes.now(&stored.place.cohort)?;
        Ok(noted.deleted(&place_of(&stored.place)).is_some())
    }

    /// Tells whether the views of a snapshot are gone and a note that cannot be read may say why.
    fn is_perhaps_deleted(&self, stored: &Stored) -> Result<bool, Error> {
        if !self.may_be_deleted(stored)? {
            return Ok(false);
        }
        let path = below(&on_shelf(&folder_of(stored)), ViewFile::Snapshot.name());
        Ok(self.store.shelf().get(&path)?.is_none())
    }

    /// Tells whether a note that cannot be read may have deleted a snapshot.
    pub(super) fn may_be_deleted(&self, stored: &Stored) -> Result<bool, Error> {
        let noted = self.notes.now(&stored.place.cohort)?;
        let seen = stored.envelope.notes_head_seen.map(|seen| seen.seq.get());
        Ok(noted.is_unsure_of(seen))
    }

    /// Puts the folder of a run that has none yet, with all its files and an index of this snapshot
    /// alone; returns whether it did. Whoever comes later finds both, and brings the index up to
    /// date.
    fn put_run(&self, made: &Made, stored: &Stored) -> bool {
        let run = made.folder.run();
        let folder = on_shelf(&made.folder);
        let index = index(&[entry_of(stored)]);
        let files = made.files.iter();
        let mut files: Vec<(ShelfPath, &[u8])> = files
            .map(|(file, bytes)| (below(&folder, file.name()), bytes.as_slice()))
            .collect();
        files.push((index_of(run), &index));
        self.store.shelf().put_folder(&run_on_shelf(run), &files)
    }

    /// Puts every file of a snapshot's folder; of one recorded before only what is missing or
    /// differs.
    fn put_made(&self, made: &Made, recorded_as: RecordedAs) -> Result<(), Error> {
        let folder = on_shelf(&made.folder);
        let shelf = self.store.shelf();
        let mut files = Vec::with_capacity(made.files.len());
        for (file, bytes) in &made.files {
            let is_there = recorded_as == RecordedAs::Already
                && shelf.get(&below(&folder, file.name()))?.as_deref() == Some(bytes.as_slice());
            if !is_there {
                files.push((file.name(), bytes.as_slice()));
            }
        }
        Ok(shelf.put_all(&folder, &files, Keep::BestEffort)?)
    }
}
