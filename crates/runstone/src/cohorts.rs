//! Cohorts: which there are, what makes each, and whether the runs of two may be compared.

use std::collections::BTreeSet;

use runstone_core::cohort::{CohortKey, Comparability, compare};
use runstone_core::id::Stage;
use runstone_core::note::Tag;
use runstone_core::verdict::Baseline;
use runstone_store::{CohortName, Envelope};
use serde_json::{Value, json};

use crate::error::Error;
use crate::find::Head;
use crate::open::Ledger;

/// A cohort in a list.
#[derive(Debug)]
pub struct CohortRow {
    /// Its id.
    pub cohort: CohortName,
    /// How many snapshots stand in its log; nothing if it cannot be looked at.
    pub snapshots: Option<u64>,
    /// How many of them were deleted; nothing if that cannot be told.
    pub deleted: Option<u64>,
    /// The newest snapshot that can be read and was not deleted.
    pub newest: Option<Envelope>,
    /// The current yardstick, or why it is not known.
    pub baseline: Result<Baseline, Error>,
}

impl CohortRow {
    /// Returns the row as JSON.
    pub fn to_json(&self) -> Value {
        let key = self
            .newest
            .as_ref()
            .and_then(|envelope| envelope.key_text.as_ref());
        json!({
            "cohort": self.cohort.as_str(),
            "snapshots": self.snapshots,
            "deleted": self.deleted,
            "newest": self.newest.as_ref().map(|envelope| json!({
                "run_id": key.map(|key| &key.run),
                "stage": key.map(|key| &key.stage),
                "recorded_at": envelope.recorded_at,
            })),
            "baseline": match &self.baseline {
                Ok(baseline) => baseline.to_json(),
                Err(error) => json!({ "status": "unknown", "reason": error.to_string() }),
            },
        })
    }
}

impl Ledger {
    /// Lists cohorts by id.
    ///
    /// # Errors
    /// Reading errors of the store.
    pub fn cohorts(&self) -> Result<Vec<CohortRow>, Error> {
        let mut rows = Vec::new();
        for cohort in self.store.cohorts("", None)? {
            let snapshots = match self.head_of(&cohort)? {
                Head::At(head) => Some(head.get()),
                Head::Nothing => continue,
                Head::Unreadable(_) => None,
            };
            let deleted = match self.notes.now(&cohort) {
                Ok(noted) => {
                    let deleted = noted.all().filter(|(_, marks)| marks.deleted.is_some());
                    Some(deleted.count() as u64).filter(|_| snapshots.is_some())
                }
                Err(error) if error.costs_its_place_alone() => None,
                Err(error) => return Err(error),
            };
            let newest = self.newest_listed(&cohort)?.map(|sighted| sighted.envelope);
            let baseline = if snapshots.is_some() && deleted == snapshots {
                Ok(Baseline::NoPrimary {
                    reason: "each of its runs was deleted".to_owned(),
                })
            } else {
                self.baseline_in(&cohort).map(|shown| shown.baseline)
            };
            rows.push(CohortRow {
                cohort,
                snapshots,
                deleted,
                newest,
                baseline,
            });
        }
        Ok(rows)
    }

    /// Returns the stages that have a cohort; of a cohort whose key cannot be read it is not known.
    ///
    /// # Errors
    /// Reading errors of the store.
    pub fn stages(&self) -> Result<BTreeSet<Stage>, Error> {
        let cohorts = self.store.cohorts("", None)?;
        let keys = cohorts.iter().filter_map(|it| self.cohort_key(it).ok());
        Ok(keys.map(|key| key.stage).collect())
    }

    /// Returns the experiments that have a cohort, as far as keys can be read.
    ///
    /// # Errors
    /// Reading errors of the store.
    pub fn experiments(&self) -> Result<BTreeSet<String>, Error> {
        let cohorts = self.store.cohorts("", None)?;
        let keys = cohorts.iter().filter_map(|it| self.cohort_key(it).ok());
        let name = |key: CohortKey| {
            let group = key.groups.get("experiment")?;
            Some(group.values().next()?.as_str()?.to_owned())
        };
        Ok(keys.filter_map(name).collect())
    }

    /// Returns the sweeps that runs belong to, as far as they can be read. Reads every envelope.
    ///
    /// # Errors
    /// Reading errors of the store.
    pub fn sweeps(&self) -> Result<BTreeSet<String>, Error> {
        let mut sweeps = BTreeSet::new();
        self.scan(|sighted| {
            let sweep = sighted.envelope.summary.get("sweep");
            sweeps.extend(sweep.and_then(Value::as_str).map(str::to_owned));
        })?;
        Ok(sweeps)
    }

    /// Returns the tags that snapshots bear which were not deleted, as far as notes can be read.
    ///
    /// # Errors
    /// Reading errors of the store.
    pub fn tags(&self) -> Result<BTreeSet<Tag>, Error> {
        let mut tags = BTreeSet::new();
        for cohort in self.store.cohorts("", None)? {
            let noted = match self.notes.now(&cohort) {
                Ok(noted) => noted,
                Err(error) if error.costs_its_place_alone() => continue,
                Err(error) => return Err(error),
            };
            let marks = noted.all().map(|(_, marks)| marks);
            let borne = marks.filter(|marks| marks.deleted.is_none());
            tags.extend(borne.flat_map(|marks| marks.tags.iter().cloned()));
        }
        Ok(tags)
    }

    /// Tells whether the runs of two cohorts may be compared, and if not, every reason.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a cohort's key cannot be read.
    pub fn comparability(&self, a: &CohortName, b: &CohortName) -> Result<Comparability, Error> {
        Ok(compare(&self.cohort_key(a)?, &self.cohort_key(b)?))
    }

    /// Reads the whole key of a cohort and checks that it is this cohort's.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is missing, is no key, or is the key of another cohort.
    pub fn cohort_key(&self, cohort: &CohortName) -> Result<CohortKey, Error> {
        let damaged = |found: String| Error::Damaged {
            place: format!("cohorts/{cohort}/cohort.json"),
            found,
        };
        let bytes = self
            .store
            .cohort_document(cohort)?
            .ok_or_else(|| damaged("no such file".to_owned()))?;
        let key = CohortKey::from_bytes(&bytes).map_err(|error| damaged(error.to_string()))?;
        let id = key.id();
        if id.as_str() != cohort.as_str() {
            return Err(damaged(format!("the key of {id}")));
        }
        Ok(key)
    }
}
