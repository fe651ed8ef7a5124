//! Whether a run and stage is recorded in another cohort too: a typo, or another target.
//!
//! The folders below `runs/` tell it without a look through the logs, so where no views are kept it
//! is not known. The look is bounded and a courtesy: what cannot be read is passed over, and a
//! recording that stands is never held up by it.

use runstone_core::cohort::{CohortKey, Comparability, Mismatch, compare};
use runstone_store::{CohortName, Room, ShelfPath};

use super::Views;
use super::made::folder_of;
use super::places::below;
use crate::compare::apart;
use crate::find::Stored;
use crate::open::Ledger;

/// How many other cohorts of one run and stage are looked at. Chosen so that a run with many
/// targets costs a recording no more than a few small files.
const LOOK_MAX: usize = 8;
/// Parts of a folder of views above its cohort: the run and the stage.
const PARTS_ABOVE_COHORT: usize = 2;

impl Ledger {
    /// Says in which other cohort the run and stage of a snapshot is recorded, and what differs;
    /// `None` where it is in none, or where that is not known.
    pub(crate) fn recorded_elsewhere(
        &self,
        stored: &Stored,
        key: &CohortKey,
        counts: &dyn Fn(&CohortName) -> bool,
    ) -> Option<String> {
        let mut others: Vec<(Vec<Mismatch>, CohortName)> = Vec::new();
        for cohort in self.cohorts_beside(stored) {
            if !counts(&cohort) {
                continue;
            }
            if let Ok(other) = self.cohort_key(&cohort)
                && let Comparability::Incomparable(mismatches) = compare(&other, key)
            {
                others.push((mismatches, cohort));
            }
        }
        let more = others.len().saturating_sub(1);
        let (mismatches, nearest) = others
            .into_iter()
            .min_by_key(|(mismatches, cohort)| (mismatches.len(), cohort.clone()))?;
        let also = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (run_id, stage) = (&stored.snapshot.run_id, &stored.snapshot.stage);
        Some(format!(
            "{run_id}:{stage} is recorded in another cohort too, {nearest}{also}: {}",
            apart(&mismatches)
        ))
    }

    /// Returns some of the other cohorts that hold views of the same run and stage, by name.
    fn cohorts_beside(&self, stored: &Stored) -> Vec<CohortName> {
        if self.settings.views == Views::None {
            return Vec::new();
        }
        let parts = folder_of(stored).parts();
        let stage = parts
            .iter()
            .take(PARTS_ABOVE_COHORT)
            .fold(ShelfPath::of(Room::Runs), |path, part| below(&path, part));
        let listed = self.store.shelf().list(&stage).unwrap_or_default();
        let mut cohorts: Vec<CohortName> = listed
            .into_iter()
            .filter(|shelved| shelved.is_folder)
            .filter_map(|shelved| shelved.name.parse().ok())
            .filter(|cohort| *cohort != stored.place.cohort)
            .collect();
        cohorts.sort();
        cohorts.truncate(LOOK_MAX);
        cohorts
    }
}
