//! Writing the views of a snapshot that was just recorded.
//!
//! After the answer, without a flush: a view that a power cut takes or tears is stale, and made
//! again. The invariant kept: whatever fails here is a warning, because the snapshot stands.

use runstone_core::cohort::CohortKey;
use runstone_store::Keep;

use super::Views;
use super::made::Made;
use super::places::{ViewPaths, below, on_shelf};
use crate::error::Error;
use crate::find::Stored;
use crate::open::Ledger;
use crate::recorded::{Answered, RecordedAs};

impl Ledger {
    /// Writes the views of a snapshot, and those it is one of several in; none where none are kept.
    pub(crate) fn write_views(
        &self,
        recorded_as: RecordedAs,
        stored: &Stored,
        answer: &Answered,
        key: &CohortKey,
    ) -> Result<Option<ViewPaths>, Error> {
        if self.settings.views == Views::None {
            return Ok(None);
        }
        let cohort = &stored.place.cohort;
        let group_key = self.group_keys.of(cohort, || Ok(key.digest()))?;
        let made = self.made(stored, answer, group_key)?;
        self.put_made(&made, recorded_as)?;
        self.entries.remember(stored);
        self.refresh_index(made.folder.run())?;
        // The writer of a newer snapshot writes that one as the newest.
        let is_newest = self.newest_is(stored)?;
        if is_newest || recorded_as == RecordedAs::Already {
            self.refresh_latest(&stored.place.cohort, Some(stored))?;
        }
        Ok(Some(ViewPaths::new(
            made.folder,
            stored.place.cohort.clone(),
        )))
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
