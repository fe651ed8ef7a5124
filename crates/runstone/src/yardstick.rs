//! The baseline of a cohort, shown: which run it is, why, and when it moved.

use runstone_core::id::SnapshotSeq;
use runstone_core::profile::Direction;
use runstone_core::verdict::{Baseline, BaselineMove, Point, baseline, baseline_moves};
use runstone_store::{CohortName, Log, Seq};
use serde_json::{Value, json};

use crate::compare::{baseline_of, primary_direction};
use crate::error::Error;
use crate::find::Stored;
use crate::history::Past;
use crate::open::Ledger;
use crate::profiles::rules_of;

/// The yardstick that the next run of a cohort will be held against.
#[derive(Debug, Clone)]
pub struct BaselineShown {
    /// The cohort.
    pub cohort: CohortName,
    /// The metric that decides, with its better side.
    pub primary: Option<(String, Direction)>,
    /// Which run, or why none.
    pub baseline: Baseline,
    /// The run chosen, read.
    pub stored: Option<Stored>,
    /// The window it was chosen from, newest first.
    pub window: Vec<Point>,
    /// Where it appeared or moved, oldest first; empty unless asked for.
    pub moves: Vec<BaselineMove>,
}

impl BaselineShown {
    /// Returns the stable JSON form, schema `runstone.baseline-show/1`.
    pub fn to_json(&self) -> Value {
        json!({
            "schema": "runstone.baseline-show/1",
            "cohort": self.cohort.as_str(),
            "primary": self.primary.as_ref().map(|(name, direction)| {
                json!({ "name": name, "direction": direction.as_str() })
            }),
            "baseline": self.baseline.to_json(),
            "run_id": self.stored.as_ref().map(|stored| &stored.snapshot.run_id),
            "sha256": self.stored.as_ref().map(|stored| stored.place.sha256),
            "moves": self.moves.iter().map(|moved| {
                json!({ "at": moved.at, "baseline": moved.baseline, "pinned": moved.pinned })
            }).collect::<Vec<_>>(),
        })
    }
}

impl Ledger {
    /// Shows the yardstick of a cohort with the places where it moved, by scanning its log.
    ///
    /// # Errors
    /// [`Error::Empty`] if the cohort holds nothing readable.
    pub fn baseline_show(&self, cohort: &CohortName) -> Result<BaselineShown, Error> {
        let mut shown = self.baseline_in(cohort)?;
        let Some((name, direction)) = &shown.primary else {
            return Ok(shown);
        };
        let newest = self.newest(cohort)?;
        let profile = self.profile_by_digest(&newest.snapshot.profile.sha256)?;
        let rules = rules_of(&profile, &newest.snapshot.stage)?;
        let past = self
            .history
            .before_at_most(cohort, beyond(&newest), usize::MAX)?;
        let tolerance = rules.metrics.tolerance(name);
        let held: Vec<(SnapshotSeq, Baseline)> = past
            .points
            .iter()
            .enumerate()
            .rev()
            .map(|(at, current)| {
                let below = &past.points[at + 1..];
                let rule = profile.baseline;
                let found = baseline(below, Some(current), rule, *direction, tolerance, None);
                (current.seq, found)
            })
            .collect();
        shown.moves = baseline_moves(held.iter().map(|(seq, found)| (*seq, found)));
        Ok(shown)
    }

    /// Shows the yardstick of a cohort at bounded cost, without its moves.
    pub(crate) fn baseline_in(&self, cohort: &CohortName) -> Result<BaselineShown, Error> {
        let newest = self.newest(cohort)?;
        let profile = self.profile_by_digest(&newest.snapshot.profile.sha256)?;
        let rules = rules_of(&profile, &newest.snapshot.stage)?;
        let Past { points, .. } = self.history.before(cohort, beyond(&newest))?;
        let baseline = baseline_of(&points, None, &profile, rules, &newest);
        let stored = baseline.seq().map(|seq| self.at(cohort, seq)).transpose()?;
        Ok(BaselineShown {
            cohort: cohort.clone(),
            primary: primary_direction(rules, &newest),
            baseline,
            stored,
            window: points,
            moves: Vec::new(),
        })
    }

    pub(crate) fn baseline_of_latest(&self) -> Result<Stored, Error> {
        let latest = self.find("@latest")?;
        let shown = self.baseline_in(&latest.place.cohort)?;
        shown.stored.ok_or_else(|| Error::NoYardstick {
            reference: "@baseline".to_owned(),
            reason: shown.baseline.to_string(),
        })
    }

    fn newest(&self, cohort: &CohortName) -> Result<Stored, Error> {
        let mut next = self.store.head(&Log::Cohort(cohort.clone()))?;
        while let Some(seq) = next {
            match self.stored(cohort, seq) {
                Err(Error::Damaged { .. } | Error::Payload { .. }) => next = seq.previous(),
                found => return found,
            }
        }
        Err(Error::Empty)
    }
}

/// Returns the position after a snapshot, below which it counts itself.
fn beyond(newest: &Stored) -> Seq {
    Seq::new(newest.place.seq.0.saturating_add(1)).unwrap_or(Seq::FIRST)
}
