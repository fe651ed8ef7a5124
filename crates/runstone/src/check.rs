//! The gate: does the answer to a run fail a build, by which reasons.
//!
//! A pure reading: the verdict is worked out again from the log, so that a gate may be asked as
//! often as one likes, by anyone who may read the store. The invariant kept: a gate passes nothing
//! in silence. What could not be decided is told as such, and where nothing was comparable, that; a
//! run that did not finish never passes, and no run is held against itself.

use runstone_core::diff::{Against, DiffStatus, RunDiff};
use runstone_core::snapshot::Status;
use runstone_core::verdict::{Baseline, Condition, Failure, Overall, Verdict, failures};
use serde_json::{Value, json};

use crate::against::Judged;
use crate::error::Error;
use crate::find::Stored;
use crate::open::Ledger;

/// What is asked of a run.
#[derive(Debug, Clone)]
pub struct CheckRequest {
    /// What it is held against.
    pub yardstick: Yardstick,
    /// What fails; one of them is enough.
    pub fail_on: Vec<Condition>,
    /// Whether it is an answer of its own that nothing was comparable; with
    /// [`Yardstick::Snapshot`] it always is.
    pub require_comparable: bool,
}

impl Default for CheckRequest {
    fn default() -> Self {
        Self {
            yardstick: Yardstick::default(),
            fail_on: vec![Condition::Verdict(Overall::Regression)],
            require_comparable: false,
        }
    }
}

/// What a run is held against.
#[derive(Debug, Clone, Default)]
pub enum Yardstick {
    /// The runs with its settings: the verdict of its recording.
    #[default]
    History,
    /// The previous run alone.
    Previous,
    /// The baseline alone, as it was when the run was recorded.
    Baseline,
    /// This snapshot alone.
    Snapshot(Box<Stored>),
}

impl Yardstick {
    /// Returns the word used in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Previous => "previous",
            Self::Baseline => "baseline",
            Self::Snapshot(_) => "snapshot",
        }
    }
}

/// What became of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing that was asked for fails it.
    Passed,
    /// At least one thing does.
    Failed,
    /// Nothing was comparable, where that was required or one run was named.
    NothingComparable,
}

impl Outcome {
    /// Returns the word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NothingComparable => "nothing_comparable",
        }
    }
}

/// A run that was checked.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The run.
    pub stored: Stored,
    /// What was asked.
    pub request: CheckRequest,
    /// What became of it.
    pub outcome: Outcome,
    /// What it fails on: how it ended, then what was asked, in that order.
    pub failures: Vec<Failure>,
    /// What differs from what it was held against; from the previous run, if that is its history.
    pub diff: RunDiff,
    /// Did it matter.
    pub verdict: Verdict,
    /// What the caller should know and nothing failed for.
    pub warnings: Vec<String>,
}

impl Checked {
    /// Returns the stable JSON form, schema `runstone.check/1`.
    pub fn to_json(&self) -> Value {
        let Stored {
            place, snapshot, ..
        } = &self.stored;
        let conditions = self.request.fail_on.iter();
        let failures = self.failures.iter();
        json!({
            "schema": "runstone.check/1",
            "outcome": self.outcome.as_str(),
            "cohort": place.cohort.as_str(),
            "snapshot_seq": place.seq,
            "sha256": place.sha256,
            "run_id": snapshot.run_id,
            "stage": snapshot.stage,
            "attempt": snapshot.attempt,
            "against": self.request.yardstick.as_str(),
            "comparable": self.diff.status == DiffStatus::Compared,
            "fail_on": conditions.map(|condition| condition.as_str()).collect::<Vec<_>>(),
            "failures": failures.map(|failure| json!({
                "condition": failure.by.as_str(),
                "reason": failure.reason,
            })).collect::<Vec<_>>(),
            "diff": self.diff.to_json(),
            "verdict": self.verdict.to_json(),
            "warnings": self.warnings,
        })
    }
}

impl Ledger {
    /// Checks a run against conditions. A run that failed or was interrupted passes none of them.
    ///
    /// # Errors
    /// [`Error::Usage`] if the run is to be held against itself. [`Error::Damaged`] if a profile,
    /// or the single run it is held against, cannot be read.
    pub fn check(&self, stored: Stored, mut request: CheckRequest) -> Result<Checked, Error> {
        let asked = std::mem::take(&mut request.fail_on);
        for condition in asked {
            if !request.fail_on.contains(&condition) {
                request.fail_on.push(condition);
            }
        }
        let Judged {
            diff,
            verdict,
            warnings,
        } = self.held(&stored, &request.yardstick)?;
        let failures = failures(stored.snapshot.status, &verdict, &request.fail_on);
        let is_required =
            request.require_comparable || matches!(request.yardstick, Yardstick::Snapshot(_));
        let outcome = if is_required && diff.status != DiffStatus::Compared {
            Outcome::NothingComparable
        } else if failures.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Failed
        };
        Ok(Checked {
            stored,
            request,
            outcome,
            failures,
            diff,
            verdict,
            warnings,
        })
    }

    fn held(&self, stored: &Stored, yardstick: &Yardstick) -> Result<Judged, Error> {
        if let Yardstick::Snapshot(other) = yardstick {
            if (&other.place.cohort, other.place.seq) == (&stored.place.cohort, stored.place.seq) {
                return Err(Error::Usage {
                    what: format!(
                        "{} would be held against itself, and every run passes that",
                        stored.place
                    ),
                    hint: "hold it against another one: `runstone check --against @prev`, or \
                           `--against baseline`"
                        .to_owned(),
                });
            }
            return self.against_finished(other, stored, 0.0);
        }
        let answer = self.compared(stored)?;
        let (seq, luck) = match yardstick {
            Yardstick::Previous => (answer.diff.previous.as_ref().map(|named| named.seq), 0.0),
            Yardstick::Baseline => (answer.baseline.seq(), answer.baseline.luck()),
            Yardstick::History | Yardstick::Snapshot(_) => (None, 0.0),
        };
        if let Some(seq) = seq {
            let other = self.at(&stored.place.cohort, seq)?;
            return self.against_finished(&other, stored, luck);
        }
        if !matches!(yardstick, Yardstick::Baseline) {
            // Without a previous run the answer says why.
            return Ok(Judged::of(answer, &stored.place.cohort));
        }
        let reason = &format!("baseline {}", answer.baseline);
        let against = match answer.baseline {
            Baseline::Unknown { .. } => Against::Unreadable { reason },
            _ => Against::Nothing { reason },
        };
        self.against_none(stored, against)
    }

    /// Holds a run against a single one that has an outcome to be held against.
    fn against_finished(
        &self,
        other: &Stored,
        stored: &Stored,
        luck: f64,
    ) -> Result<Judged, Error> {
        let how = match other.snapshot.status {
            Status::Finished => return self.against_chosen(other, stored, luck),
            Status::Failed => "failed",
            Status::Interrupted => "was interrupted",
        };
        let reason = format!(
            "{} {how}, so that nothing can be held against it",
            other.place
        );
        self.against_none(stored, Against::Nothing { reason: &reason })
    }
}
