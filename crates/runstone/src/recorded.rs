//! What a recording gives back: first that it stands, then the answer.
//!
//! [`Acknowledged`] is said once the snapshot is durable, and [`Confirmed`] of one in a stream that
//! nobody wants an answer to; [`Recorded`] adds what changed and whether it mattered. Plain values;
//! making them belongs to `commit` and `compare`, showing them to the faces.

use std::sync::Arc;

use runstone_core::cohort::CohortKey;
use runstone_core::diff::RunDiff;
use runstone_core::id::{Attempt, RunId, SnapshotSeq, Stage};
use runstone_core::note::Unread;
use runstone_core::profile::Profile;
use runstone_core::record::Warning;
use runstone_core::snapshot::Status;
use runstone_core::verdict::{Baseline, Condition, Failure, Verdict, failures};
use runstone_store::CohortName;
use serde_json::{Value, json};

use crate::find::{Place, Stored};
use crate::nearest::Nearest;
use crate::notes::not_followed;
use crate::views::ViewPaths;

/// A recording that is durable, and not yet answered.
#[derive(Debug, Clone)]
#[must_use = "the answer is what changed; ask for it with `Ledger::answer`"]
pub struct Acknowledged {
    /// Whether it made a snapshot or found it.
    pub recorded_as: RecordedAs,
    /// The snapshot that stands in the log.
    pub stored: Stored,
    pub(crate) profile: Arc<Profile>,
    pub(crate) key: CohortKey,
    pub(crate) warnings: Vec<Warning>,
    /// What should be said of its environment.
    pub(crate) said: Vec<String>,
    /// What an attempt found instead of the next one, which was asked for, holds of this
    /// recording.
    pub(crate) found_for_next: Option<FoundForNext>,
}

/// A recording of a stream that is durable, and is not answered; what changed is asked of its place.
#[derive(Debug, Clone)]
pub struct Confirmed {
    /// Whether it made a snapshot or found it.
    pub recorded_as: RecordedAs,
    /// Where it stands.
    pub place: Place,
    /// The writer's clock when it was recorded, UTC RFC 3339. It orders nothing.
    pub recorded_at: String,
    /// What the caller should know and nothing failed for.
    pub warnings: Vec<String>,
}

/// What is kept of a recording that asked for the next attempt and has the content of an earlier
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FoundForNext {
    /// Everything that was sent.
    Document,
    /// Everything but what is known of the process, which is no content.
    DocumentWithoutProcess,
}

/// Whether a recording made a snapshot or found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordedAs {
    /// It made one.
    New,
    /// The same content was recorded before; this is that snapshot.
    Already,
}

impl RecordedAs {
    /// Returns the word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Already => "already",
        }
    }
}

/// The answer to a recording.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Whether it is new.
    pub recorded_as: RecordedAs,
    /// Where it stands.
    pub place: Place,
    /// The run.
    pub run_id: RunId,
    /// The stage.
    pub stage: Stage,
    /// Which retry.
    pub attempt: Attempt,
    /// How the stage ended.
    pub status: Status,
    /// The writer's clock when it was recorded.
    pub recorded_at: String,
    /// What changed, and did it matter.
    pub answer: Answered,
    /// When this opened a cohort: the nearest other one.
    pub nearest: Option<Nearest>,
    /// Where its views lie; none where none are kept, or they could not be written.
    pub views: Option<ViewPaths>,
    /// What the caller should know and nothing failed for.
    pub warnings: Vec<String>,
}

/// What changed since the last comparable run, and whether that matters.
#[derive(Debug, Clone)]
pub struct Answered {
    /// What changed.
    pub diff: RunDiff,
    /// Did it matter.
    pub verdict: Verdict,
    /// The yardstick of the cohort below this snapshot.
    pub baseline: Baseline,
    /// The writer's clock of the previous snapshot.
    pub previous_recorded_at: Option<String>,
    /// Entries among those looked back at that could not be read.
    pub unreadable: Vec<SnapshotSeq>,
    /// Notes among those followed that could not be read.
    pub unread_notes: Vec<Unread>,
}

impl Answered {
    /// Returns what the caller should know of a comparison in `cohort` and nothing failed for: what
    /// could not be read was not compared with.
    pub fn warnings(&self, cohort: &CohortName) -> Vec<String> {
        left_out(cohort, &self.unreadable, &self.unread_notes)
    }
}

/// Says what was looked back at in `cohort` and could not be read.
pub(crate) fn left_out(
    cohort: &CohortName,
    unreadable: &[SnapshotSeq],
    unread_notes: &[Unread],
) -> Vec<String> {
    let entries = unreadable.iter().map(|seq| {
        format!(
            "{cohort}#{seq} cannot be read and was left out; `runstone verify` names the damage"
        )
    });
    let notes = unread_notes.iter();
    entries
        .chain(notes.map(|unread| not_followed(cohort, unread)))
        .collect()
}

impl Recorded {
    /// Returns by which of these conditions the run fails, as [`check`](crate::check) finds it: one
    /// that failed or was interrupted fails by that. Where none is asked for, nothing fails.
    pub fn failures(&self, conditions: &[Condition]) -> Vec<Failure> {
        if conditions.is_empty() {
            return Vec::new();
        }
        failures(self.status, &self.answer.verdict, conditions)
    }

    /// Returns the stable JSON form, schema `runstone.record/1`.
    pub fn to_json(&self) -> Value {
        json!({
            "schema": "runstone.record/1",
            "recorded": self.recorded_as.as_str(),
            "cohort": self.place.cohort.as_str(),
            "snapshot_seq": self.place.seq,
            "sha256": self.place.sha256,
            "run_id": self.run_id,
            "stage": self.stage,
            "attempt": self.attempt,
            "recorded_at": self.recorded_at,
            "diff": self.answer.diff.to_json(),
            "verdict": self.answer.verdict.to_json(),
            "baseline": self.answer.baseline.to_json(),
            "nearest": self.nearest.as_ref().map(Nearest::to_json),
            "views": self.views.as_ref().map(ViewPaths::to_json),
            "warnings": self.warnings,
        })
    }
}
