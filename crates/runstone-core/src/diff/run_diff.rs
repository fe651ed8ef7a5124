//! The shape of a comparison: what it holds, and what it was made from.
//!
//! Plain values, so that the JSON form beside this file, views and faces all read the same answer.
//! The invariant kept by the types: what is not known has no rows, only a reason. Making one
//! belongs to `compare`, text for people to the faces.

use std::collections::BTreeMap;

use serde_json::Value;

use super::environment::EnvironmentChanges;
use super::factors::ExcludedFactors;
use super::metrics::MetricDelta;
use super::patch::Patch;
use crate::digest::Digest;
use crate::id::{Attempt, RunId, SnapshotSeq};
use crate::profile::Severity;
use crate::snapshot::Snapshot;

/// The member of `process` that holds the command line.
pub(super) const COMMAND: &str = "command";
/// The members of `process` that say something of a run; its times and sizes differ every time.
const TELLING_OF_PROCESS: [&str; 3] = [COMMAND, "exit_code", "signal"];

/// What changed between two runs.
#[derive(Debug, Clone, PartialEq)]
pub struct RunDiff {
    /// How the two were compared.
    pub status: DiffStatus,
    /// Why, unless two comparable runs were compared.
    pub reason: Option<String>,
    /// The current run.
    pub current: Named,
    /// The run it was compared with.
    pub previous: Option<Named>,
    /// The newest earlier run with the current settings, when the previous one has others. Filled
    /// by whoever chose the previous run.
    pub previous_same_settings: Option<Named>,
    /// Every changed leaf, section first, in code-point order of the parts.
    pub changed_keys: Vec<String>,
    /// Turns the previous comparable tree into the current one.
    pub patch: Patch,
    /// What differs on purpose.
    pub excluded_factors: ExcludedFactors,
    /// Changed leaves per section, 0 where nothing changed; `None`: not known on both sides.
    pub counts: BTreeMap<&'static str, Option<usize>>,
    /// Changed leaves of the identity; only between cohorts.
    pub identity: Vec<Row>,
    /// The software and machine underneath, by its name.
    pub environment: SectionRows,
    /// What is behind two names that differ. Filled by whoever can read environments; `None`: the
    /// names are equal, or not known on both sides.
    pub environment_changes: Option<EnvironmentChanges>,
    /// The state of the code.
    pub code: SectionRows,
    /// The process that ran.
    pub process: SectionRows,
    /// Every metric of either run: those that decide first, each part by name.
    pub metrics: Vec<MetricDelta>,
    /// Changed labels.
    pub labels: Vec<Row>,
    /// Changed artifacts.
    pub artifacts: Vec<Row>,
    /// How grave the change is.
    pub severity: Severity,
    /// Why, naming the path.
    pub severity_reason: String,
    /// The gravest level within each section that changed, and within each class of factors
    /// (`factors.settings`): the order in which people want to read them. Told in no JSON, which
    /// has no order.
    pub gravity: BTreeMap<String, Severity>,
    /// All that goes in is equal as far as known, and what came out is not.
    pub reproducibility_variance: bool,
    /// What goes in and was not captured on both sides, so could differ unseen.
    pub unknown_inputs: Vec<&'static str>,
}

impl RunDiff {
    /// Tells whether anything differs that is not measured anew of every process, such as its times
    /// and sizes, or the two are not comparable at all.
    pub fn differs(&self) -> bool {
        let tells = |key: &String| key.strip_prefix("process.").is_none_or(tells_of_process);
        self.status == DiffStatus::Incomparable || self.changed_keys.iter().any(tells)
    }

    /// Tells whether both command lines are known and differ: another program may have run, however
    /// equal all that was declared.
    pub fn has_other_command(&self) -> bool {
        self.process
            .rows()
            .iter()
            .any(|row| row.key == COMMAND && row.prev.is_some() && row.curr.is_some())
    }
}

/// Tells whether a member of `process` says something of a run; times and sizes do not.
pub fn tells_of_process(key: &str) -> bool {
    TELLING_OF_PROCESS.contains(&key)
}

/// A snapshot with its place in the ledger.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// What was recorded.
    pub snapshot: &'a Snapshot,
    /// Its position in its cohort's log.
    pub seq: SnapshotSeq,
    /// The id of its cohort.
    pub cohort: &'a str,
    /// SHA-256 of its canonical payload.
    pub sha256: Digest,
}

/// What the current run is held against.
#[derive(Debug, Clone, Copy)]
pub enum Against<'a> {
    /// There is nothing to compare with.
    Nothing {
        /// Why, as a fragment for people.
        reason: &'a str,
    },
    /// A run of the same cohort that stands in the log and cannot be read.
    Unreadable {
        /// Which, and why not, as a fragment for people.
        reason: &'a str,
    },
    /// A run of the same cohort.
    Comparable(Side<'a>),
    /// A run of another cohort: shown on request, never the basis of a verdict.
    Incomparable {
        /// The other run.
        side: Side<'a>,
        /// What keeps the two apart, as a fragment for people.
        reason: &'a str,
    },
}

/// How two runs were compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffStatus {
    /// Two runs of one cohort.
    Compared,
    /// One run, with nothing to compare it with.
    FirstRun,
    /// Two runs of different cohorts.
    Incomparable,
}

impl DiffStatus {
    /// Returns the word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compared => "compared",
            Self::FirstRun => "first_run",
            Self::Incomparable => "incomparable",
        }
    }
}

/// A snapshot by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The run.
    pub run_id: RunId,
    /// Which retry.
    pub attempt: Attempt,
    /// The id of its cohort.
    pub cohort: String,
    /// Its position in its cohort's log.
    pub seq: SnapshotSeq,
    /// SHA-256 of its canonical payload.
    pub sha256: Digest,
    /// Where its view lies, relative to the store; `None` without views. Filled by the views.
    pub path: Option<String>,
}

impl From<Side<'_>> for Named {
    fn from(side: Side<'_>) -> Self {
        Self {
            run_id: side.snapshot.run_id.clone(),
            attempt: side.snapshot.attempt,
            cohort: side.cohort.to_owned(),
            seq: side.seq,
            sha256: side.sha256,
            path: None,
        }
    }
}

/// One changed leaf of a section.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Dotted, below the section.
    pub key: String,
    /// The value before; `None`: absent.
    pub prev: Option<Value>,
    /// The value now; `None`: absent.
    pub curr: Option<Value>,
}

/// What can be said about a section that is captured beside the document.
#[derive(Debug, Clone, PartialEq)]
pub enum SectionRows {
    /// Both sides are known; no rows: equal.
    Compared(Vec<Row>),
    /// At least one side is not known.
    Unknown {
        /// Which side, and why.
        reason: String,
    },
    /// There is no other side.
    NotCompared {
        /// Why not.
        reason: String,
    },
}

impl SectionRows {
    /// Returns the changed leaves; none where nothing could be compared.
    pub fn rows(&self) -> &[Row] {
        match self {
            Self::Compared(rows) => rows,
            Self::Unknown { .. } | Self::NotCompared { .. } => &[],
        }
    }

    /// Returns why there are no rows to trust, if so.
    pub fn unknown_because(&self) -> Option<&str> {
        match self {
            Self::Compared(_) => None,
            Self::Unknown { reason } | Self::NotCompared { reason } => Some(reason),
        }
    }
}
