//! The views of one snapshot, made from the snapshot and its answer.
//!
//! Reads what the answer does not hold: the baseline. The invariant kept: what is made is the same
//! today and tomorrow, as long as the log below the snapshot can be read; if it cannot, that is
//! said beside the files.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use runstone_core::diff::{Against, DiffStatus, RunDiff, diff};
use runstone_core::digest::Digest;
use runstone_core::profile::StageRules;
use runstone_core::verdict::Baseline;
use runstone_core::views::{SnapshotViews, ViewFile, ViewFolder, Yardstick, snapshot_views};
use runstone_store::CohortName;

use super::Views;
use crate::compare::side;
use crate::error::Error;
use crate::find::Stored;
use crate::open::Ledger;
use crate::payload;
use crate::profiles::rules_of;
use crate::recorded::Answered;

/// How many digests of keys are kept in memory; chosen, far more cohorts than one process writes.
const GROUP_KEYS_MAX: usize = 1024;

/// The views of one snapshot.
#[derive(Debug)]
pub(crate) struct Made {
    pub(super) folder: ViewFolder,
    /// Every file with its bytes, `snapshot.json` last.
    pub(super) files: Vec<(ViewFile, Vec<u8>)>,
    /// Whether everything they are made of could be read.
    pub(super) is_certain: bool,
}

/// Returns the folder of a snapshot's views.
pub(super) fn folder_of(stored: &Stored) -> ViewFolder {
    let (snapshot, cohort) = (&stored.snapshot, stored.place.cohort.as_str());
    ViewFolder::of(&snapshot.run_id, &snapshot.stage, cohort, snapshot.attempt)
}

/// The digests of the keys of cohorts, which never change.
#[derive(Debug, Default)]
pub(crate) struct GroupKeys(Mutex<BTreeMap<CohortName, Digest>>);

impl GroupKeys {
    /// Returns the digest of a cohort's key, worked out once.
    pub(super) fn of(
        &self,
        cohort: &CohortName,
        work_out: impl FnOnce() -> Result<Digest, Error>,
    ) -> Result<Digest, Error> {
        if let Some(known) = self.kept().get(cohort) {
            return Ok(*known);
        }
        let digest = work_out()?;
        let mut kept = self.kept();
        if kept.len() >= GROUP_KEYS_MAX {
            kept.clear();
        }
        kept.insert(cohort.clone(), digest);
        Ok(digest)
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<CohortName, Digest>> {
        // A thread that panicked while holding the lock left at worst a digest less.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    /// Makes the views of a snapshot; `group_key` is the digest of its cohort's key.
    pub(super) fn made(
        &self,
        stored: &Stored,
        answer: &Answered,
        group_key: Digest,
    ) -> Result<Made, Error> {
        let profile = self.profile_by_digest(&stored.snapshot.profile.sha256)?;
        let rules = rules_of(&profile, &stored.snapshot.stage)?;
        let cohort = stored.place.cohort.as_str();
        let snapshot = &stored.snapshot;
        let folder = folder_of(stored);
        let (beside_baseline, baseline_was_read) = self.beside_baseline(stored, answer, rules);
        let files = snapshot_views(SnapshotViews {
            snapshot,
            payload: payload::kept(snapshot),
            cohort,
            group_key,
            seq: stored.place.seq,
            sha256: stored.place.sha256,
            folder: &folder,
            previous: &answer.diff,
            yardstick: Yardstick {
                baseline: &answer.baseline,
                diff: &beside_baseline,
            },
        });
        // Within a cohort a diff is incomparable only where the other side could not be read.
        let is_certain = answer.unreadable.is_empty()
            && answer.unread_notes.is_empty()
            && answer.diff.status != DiffStatus::Incomparable
            && baseline_was_read;
        Ok(Made {
            folder,
            files,
            is_certain,
        })
    }

    /// Returns where every changed factor stands, where they are too many to be listed and views
    /// are kept.
    pub(crate) fn whole_factors_of(&self, stored: &Stored, diff: &RunDiff) -> Option<String> {
        let is_elsewhere = diff.excluded_factors.is_cut() && self.settings.views == Views::Files;
        is_elsewhere.then(|| folder_of(stored).file(ViewFile::FactorsPrev))
    }

    /// Compares a snapshot with its baseline; `false` where that could not be read.
    fn beside_baseline(
        &self,
        stored: &Stored,
        answer: &Answered,
        rules: &StageRules,
    ) -> (RunDiff, bool) {
        let current = side(stored);
        let reason = answer.baseline.to_string();
        let reason = reason.strip_prefix("none: ").unwrap_or(&reason);
        let Some(seq) = answer.baseline.seq() else {
            let is_known = !matches!(answer.baseline, Baseline::Unknown { .. });
            let against = if is_known {
                Against::Nothing { reason }
            } else {
                Against::Unreadable { reason }
            };
            return (diff(against, current, rules), is_known);
        };
        if answer.diff.previous.as_ref().map(|named| named.seq) == Some(seq) {
            let mut same = answer.diff.clone();
            same.previous_same_settings = None;
            return (same, true);
        }
        match self.recent(&stored.place.cohort, seq) {
            Ok(baseline) => {
                let mut found = diff(Against::Comparable(side(&baseline)), current, rules);
                self.put_environment(&mut found, &baseline.snapshot, &stored.snapshot);
                self.put_paths(&mut found, &baseline.snapshot.stage, &stored.snapshot.stage);
                (found, true)
            }
            Err(error) => {
                let reason = format!("the baseline #{seq} cannot be read: {error}");
                (
                    diff(Against::Unreadable { reason: &reason }, current, rules),
                    false,
                )
            }
        }
    }
}
