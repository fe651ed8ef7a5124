//! The nearest cohort of a run that opened a new one: what would have had to be equal.
//!
//! A run that is comparable with nothing usually differs from what was meant in one field. The look
//! is bounded, so that opening a cohort costs the same among a thousand.

use std::collections::BTreeMap;
use std::fmt;

use runstone_core::cohort::{CohortKey, Comparability, Mismatch, compare};
use runstone_store::CohortName;
use serde_json::{Value, json};

use crate::error::Error;
use crate::open::Ledger;

/// The nearest cohort of the same stage and experiment, when a run opens a new one.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearest {
    /// That cohort.
    pub cohort: CohortName,
    /// What keeps the two apart.
    pub mismatches: Vec<Mismatch>,
    /// The one identity path by which this and at least two earlier cohorts differ, alone.
    pub drifting: Option<String>,
}

/// How many cohorts are looked at for the nearest one.
const NEAREST_LOOK: usize = 64;
/// How many cohorts must differ by one path alone before it looks like a date that moves on:
/// this one and two others.
const DRIFTING_OTHERS: usize = 2;

impl Nearest {
    /// Returns the nearest cohort as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "cohort": self.cohort.as_str(),
            "mismatches": self.mismatches.iter().map(Mismatch::to_json).collect::<Vec<_>>(),
            "drifting": self.drifting,
        })
    }
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cohort)
    }
}

impl Ledger {
    /// Finds the nearest among a bounded number of cohorts of the same stage and experiment.
    ///
    /// # Errors
    /// Reading errors of the store.
    pub fn nearest(&self, key: &CohortKey, own: &CohortName) -> Result<Option<Nearest>, Error> {
        self.nearest_among(key, own, &|_any| true)
    }

    /// Finds the nearest among those cohorts that count.
    pub(crate) fn nearest_among(
        &self,
        key: &CohortKey,
        own: &CohortName,
        counts: &dyn Fn(&CohortName) -> bool,
    ) -> Result<Option<Nearest>, Error> {
        let id = own.as_str();
        let stage_part = id.split('.').next().unwrap_or_default();
        let mut others = Vec::new();
        for cohort in self
            .store
            .cohorts(&format!("{stage_part}."), Some(NEAREST_LOOK))?
        {
            if cohort == *own || !counts(&cohort) {
                continue;
            }
            // A cohort whose key cannot be read is no neighbour; `verify` names it.
            let Ok(other) = self.cohort_key(&cohort) else {
                continue;
            };
            if experiment(&other) != experiment(key) || other.stage != key.stage {
                continue;
            }
            if let Comparability::Incomparable(mismatches) = compare(&other, key) {
                others.push((cohort, mismatches));
            }
        }
        let alone: Vec<&Mismatch> = others
            .iter()
            .filter_map(|(_, mismatches)| match mismatches.as_slice() {
                [only] => Some(only),
                _ => None,
            })
            .collect();
        let drifting = alone
            .iter()
            .find(|mismatch| {
                let same_path = |other: &&&Mismatch| {
                    other.group == mismatch.group && other.path == mismatch.path
                };
                alone.iter().filter(same_path).count() >= DRIFTING_OTHERS
            })
            .map(|mismatch| mismatch.path.clone());
        let nearest = others
            .into_iter()
            .min_by_key(|(cohort, mismatches)| (mismatches.len(), cohort.clone()));
        Ok(nearest.map(|(cohort, mismatches)| Nearest {
            cohort,
            mismatches,
            drifting,
        }))
    }
}

/// Returns the identity group that every profile of ours calls by this name.
fn experiment(key: &CohortKey) -> Option<&BTreeMap<String, Value>> {
    key.groups.get("experiment")
}
