//! The immutable record of one stage of one run.
//!
//! A [`Snapshot`] is what the ledger keeps: the document as handed in, and beside it everything
//! that was worked out from it (identity, factors, metrics, fingerprints), so that a comparison
//! never has to guess how an older release read a document. Its position in the cohort's log is
//! its name, not its content. The JSON form is page `docs/format.md`; writing it durably belongs
//! to the store.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::id::{Attempt, RunId, Stage};
use crate::metric::MetricValue;
use crate::profile::{FactorClass, Policy};

mod code;
mod payload;

pub use code::{Code, CodePair};
pub use payload::SnapshotError;

/// Version of the payload's shape.
pub const SNAPSHOT_SCHEMA_VERSION: u32 = 1;
/// Version of the fingerprints; part of every cohort key.
pub const FINGERPRINT_SCHEMA_VERSION: u32 = 1;

/// The immutable record of one stage of one run, as its payload holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The run.
    pub run_id: RunId,
    /// The stage, in the profile's spelling.
    pub stage: Stage,
    /// Which retry of this stage of this run in this cohort.
    pub attempt: Attempt,
    /// How the stage ended.
    pub status: Status,
    /// The search this run is a point of, if any.
    pub sweep: Option<String>,
    /// Judged, but no yardstick for others.
    pub candidate: bool,
    /// When the stage began, UTC RFC 3339.
    pub started_at: Option<String>,
    /// When the stage ended, UTC RFC 3339.
    pub finished_at: Option<String>,
    /// The rule it was read by.
    pub profile: ProfileName,
    /// Whether factors were free or part of the identity.
    pub policy: Policy,
    /// The caller's document, in its own spelling.
    pub document: Map<String, Value>,
    /// Group → path → normalized value. Absent fields are not listed.
    pub identity: BTreeMap<String, BTreeMap<String, Value>>,
    /// What may differ on purpose.
    pub factors: Factors,
    /// Flat metrics by dotted name (`logloss.mean`, `logloss.std`, `logloss.n`).
    pub metrics: BTreeMap<String, MetricValue>,
    /// The single values behind a metric (`values`), by the metric's name.
    pub samples: BTreeMap<String, Vec<f64>>,
    /// Text, booleans and lists found among the metrics: kept and shown, never judged.
    pub labels: BTreeMap<String, Value>,
    /// What the stage left behind, normalized, sorted by path.
    pub artifacts: Vec<Value>,
    /// The software and machine underneath.
    pub environment: Captured,
    /// The state of the code.
    pub code: Captured,
    /// The process that ran (exit code, signals, peak memory), when `run` wrapped it.
    pub process: Captured,
    /// One digest per identity group (`dataset_signature`, …), over settings, all factors,
    /// metrics and artifacts.
    pub fingerprints: BTreeMap<String, Digest>,
    /// What each fingerprint covers, in words.
    pub fingerprint_sources: BTreeMap<String, String>,
    /// Which paths were redacted and how; never values.
    pub redactions: Vec<Value>,
    /// The id of the key of its pseudonyms, if it has any.
    pub pseudonym_key: Option<String>,
    /// Who wrote it.
    pub writer: Writer,
    /// Members a later release wrote and this one does not know: kept.
    pub unknown: Map<String, Value>,
}

/// How a stage ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It came to its end. Also when a document says nothing.
    #[default]
    Finished,
    /// It ended by an error.
    Failed,
    /// It was stopped from outside.
    Interrupted,
}

impl Status {
    /// Returns the word used in documents and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    /// Reads the word used in documents and JSON.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Finished, Self::Failed, Self::Interrupted]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// A profile by name and digest of its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProfileName {
    /// Its name, such as `generic`.
    pub name: String,
    /// SHA-256 of the resolved text that the store keeps.
    pub sha256: Digest,
}

/// What may differ on purpose between comparable runs, by class. Keys are dotted paths below the
/// profile's prefix; values are leaves (a list is one leaf).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Factors {
    /// Seeds of random generators.
    pub seeds: BTreeMap<String, Value>,
    /// What the user chose: hyperparameters.
    pub settings: BTreeMap<String, Value>,
    /// Versions of software, as the document states them.
    pub versions: BTreeMap<String, Value>,
}

impl Factors {
    /// Returns the factors of one class.
    pub fn class(&self, class: FactorClass) -> &BTreeMap<String, Value> {
        match class {
            FactorClass::Settings => &self.settings,
            FactorClass::Seeds => &self.seeds,
            FactorClass::Versions => &self.versions,
        }
    }

    pub(crate) fn class_mut(&mut self, class: FactorClass) -> &mut BTreeMap<String, Value> {
        match class {
            FactorClass::Settings => &mut self.settings,
            FactorClass::Seeds => &mut self.seeds,
            FactorClass::Versions => &mut self.versions,
        }
    }
}

/// Something found beside the document: there, or not there for a reason.
#[derive(Debug, Clone, PartialEq)]
pub enum Captured {
    /// It was captured; the value is its own document or `{ "digest": … }`.
    Known(Value),
    /// It was not, and why. Never to be read as "empty" or "unchanged".
    NotCaptured {
        /// The reason, as a sentence fragment for people.
        reason: String,
    },
}

impl Captured {
    /// Returns the digest by which a captured environment is named.
    pub fn digest(&self) -> Option<Digest> {
        match self {
            Self::Known(value) => value.get(DIGEST)?.as_str()?.parse().ok(),
            Self::NotCaptured { .. } => None,
        }
    }

    /// Returns it as what is known of the code. `None`: nothing is.
    pub fn as_code(&self) -> Option<Code<'_>> {
        match self {
            Self::Known(value) => Some(Code::of(value)),
            Self::NotCaptured { .. } => None,
        }
    }

    /// Tells whether it is an environment of which sources could not be read, or not wholly: what
    /// they hold may differ between two of one name.
    pub fn lacks_sources(&self) -> bool {
        matches!(self, Self::Known(value) if value.get(NOT_WHOLE).is_some())
    }

    /// Tells whether it was captured by the recording itself, which stored its document as an
    /// object. What a document of the caller's names need not be in the store.
    pub fn has_object(&self) -> bool {
        matches!(self, Self::Known(value) if value.get(CAPTURE).is_some())
    }
}

/// The member that names an environment.
pub const DIGEST: &str = "digest";
/// The member that says how an environment, or the code, was captured. It is no part of either.
pub const CAPTURE: &str = "capture";

/// The member that lists the sources of an environment that could not be read, or not wholly. It is
/// absent where all that are there could.
pub const NOT_WHOLE: &str = "not_whole";

/// The program that wrote a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Writer {
    /// `runstone`.
    pub name: String,
    /// Its version.
    pub version: String,
}
