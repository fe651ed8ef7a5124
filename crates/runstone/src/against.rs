//! One run held against another single one.
//!
//! The answer of a recording holds a run against all those with its settings. Whoever names one run
//! to compare with asks a narrower question, for which the noise comes from the same runs and the
//! place from the named one alone: two single runs scatter more than one about a middle. Which run
//! that is, is the caller's choice, so nothing here is ever recorded or kept.

use runstone_core::diff::{Against, RunDiff, diff};
use runstone_core::verdict::{Verdict, judge_against_one};
use runstone_store::CohortName;
use serde_json::Value;

use crate::compare::{current_point, side};
use crate::error::Error;
use crate::find::Stored;
use crate::look_back::{LookedBack, judge_rules};
use crate::open::Ledger;
use crate::profiles::rules_of;
use crate::recorded::{Answered, left_out};

/// What differs between two runs, and whether that is more than noise.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What differs.
    pub diff: RunDiff,
    /// Did it matter.
    pub verdict: Verdict,
    /// What the caller should know and nothing failed for.
    pub warnings: Vec<String>,
}

impl Judged {
    /// Returns what an answer says of a run of `cohort`.
    pub fn of(answer: Answered, cohort: &CohortName) -> Self {
        Self {
            warnings: answer.warnings(cohort),
            diff: answer.diff,
            verdict: answer.verdict,
        }
    }

    /// Returns the stable JSON form, schema `runstone.diff/1`: the diff and its verdict.
    pub fn to_json(&self) -> Value {
        let mut document = self.diff.to_json();
        if let Some(members) = document.as_object_mut() {
            members.insert("verdict".to_owned(), self.verdict.to_json());
        }
        document
    }
}

impl Ledger {
    /// Holds a snapshot against another single one, of whatever cohort, by the noise of the runs
    /// below it.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a profile or a cohort's key cannot be read.
    pub fn against_one(&self, earlier: &Stored, later: &Stored) -> Result<Judged, Error> {
        self.against_chosen(earlier, later, 0.0)
    }

    /// Holds a snapshot against a single one that was chosen, and so is expected to be better than
    /// a typical run by `luck` spreads.
    pub(crate) fn against_chosen(
        &self,
        earlier: &Stored,
        later: &Stored,
        luck: f64,
    ) -> Result<Judged, Error> {
        let diff = self.compared_with(earlier, later)?;
        self.judged_against_one(later, diff, luck)
    }

    /// Holds a snapshot against what is no run.
    pub(crate) fn against_none(
        &self,
        stored: &Stored,
        against: Against<'_>,
    ) -> Result<Judged, Error> {
        let profile = self.profile_by_digest(&stored.snapshot.profile.sha256)?;
        let rules = rules_of(&profile, &stored.snapshot.stage)?;
        self.judged_against_one(stored, diff(against, side(stored), rules), 0.0)
    }

    fn judged_against_one(
        &self,
        later: &Stored,
        diff: RunDiff,
        luck: f64,
    ) -> Result<Judged, Error> {
        let profile = self.profile_by_digest(&later.snapshot.profile.sha256)?;
        let rules = rules_of(&profile, &later.snapshot.stage)?;
        let current = current_point(later)?;
        let LookedBack {
            points,
            unreadable,
            noted,
        } = self.look_back(later)?;
        let rules = judge_rules(&profile, rules);
        let verdict = judge_against_one(&points, &current, &diff, rules, luck);
        Ok(Judged {
            diff,
            verdict,
            warnings: left_out(&later.place.cohort, &unreadable, noted.unread()),
        })
    }
}
