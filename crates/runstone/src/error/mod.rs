//! What can go wrong with a ledger, by what the caller can do about it.
//!
//! Every face (the command line, later HTTP and Python) shows the same three things of an error:
//! its text, the chain of its causes, and one hint that says what to do next. The kind decides the
//! exit code; the code names the error for scripts and never changes. Causes stay in `source`, so
//! a chain prints each fact once.
//!
//! What failed is here, what it means to scripts in `kind`, what to do about it in `hint`.

mod conflict;
mod deleted;
mod hint;
mod kind;

use std::path::PathBuf;

use runstone_core::digest::Digest;
use runstone_core::json::ReadError;
use runstone_core::note::IllegalText;
use runstone_core::profile::ProfileError;
use runstone_core::query::QueryError;
use runstone_core::record::Refused;
use runstone_core::snapshot::SnapshotError;
use runstone_env::export::NotExported;
use runstone_env::import::NotImported;
use runstone_store::{Damage, StoreError};
use serde_json::{Value, json};

pub use self::conflict::Conflict;
pub use self::deleted::Deleted;
pub(crate) use self::hint::{NOT_DELETED, REFUSED, REFUSED_HINT};
pub use self::kind::ErrorKind;
use crate::managers::LockError;
use crate::restore::RestoreError;
use crate::under_way::Rival;

/// Why a verb of the ledger failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no JSON Runstone can keep as they are.
    #[error("{name} cannot be read")]
    Document {
        /// What the caller calls the bytes, such as `` `run.json` ``.
        name: String,
        /// What is wrong with them.
        #[source]
        source: ReadError,
    },
    /// The document breaks the profile's rules. Nothing was written.
    #[error("{name} was refused: {refused}")]
    Refused {
        /// What the caller calls the document, such as `` `run.json` ``.
        name: String,
        /// Every problem at once.
        refused: Refused,
    },
    /// The profile cannot be used.
    #[error("the profile `{name}` cannot be used")]
    Profile {
        /// The name or path as given.
        name: String,
        /// What is wrong with it.
        #[source]
        source: Box<ProfileError>,
    },
    /// A profile that was asked for does not exist.
    #[error("there is no profile `{name}`")]
    NoSuchProfile {
        /// The name as given.
        name: String,
        /// Names that do exist.
        known: Vec<String>,
    },
    /// A file the caller named cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The store refused, failed, or does not know.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was to be noted is not: the cause can be mended and the call repeated.
    #[error("nothing was noted in the store `{}`: `{path}` could not be written", store.display())]
    NotNoted {
        /// The store.
        store: PathBuf,
        /// The file or directory of it that the call failed on.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is no store, and none could be made.
    #[error("no store was made: `{}` could not be written", path.display())]
    NotMade {
        /// Where it was to be.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// This (run, stage, cohort) is recorded with other content.
    #[error("{0}")]
    Conflict(Box<Conflict>),
    /// The same attempt of the same run is under way.
    #[error(
        "run `{}` stage `{}` is under way on `{}` (process {}) since {}",
        .0.started.run_id, .0.started.stage, .0.started.process.host, .0.started.process.pid,
        .0.started.started_at
    )]
    UnderWay(Box<Rival>),
    /// No snapshot, cohort or profile is named by this text.
    #[error("nothing is named `{reference}`{}", where_looked(.looked_in.as_ref()))]
    NotFound {
        /// The text as given.
        reference: String,
        /// What was looked through, if that helps.
        looked_in: Option<String>,
    },
    /// Several snapshots or cohorts are named by this text.
    #[error("`{reference}` names {} things", candidates.len())]
    Ambiguous {
        /// The text as given.
        reference: String,
        /// References that name one each.
        candidates: Vec<String>,
    },
    /// No environment is named by this text.
    #[error("no environment is named `{reference}`: {why}")]
    NoEnvironment {
        /// The text as given.
        reference: String,
        /// What is known of it, as a fragment for people.
        why: String,
    },
    /// A file holds no environment that can be read.
    #[error("{name} cannot be imported")]
    NotImported {
        /// What the caller calls it, such as `` `pins.txt` ``.
        name: String,
        /// What is wrong with it.
        #[source]
        source: NotImported,
    },
    /// An environment cannot be said in a format.
    #[error(transparent)]
    NotExported(#[from] NotExported),
    /// Runs that were to be ranked are of several cohorts.
    #[error("the runs are of {} cohorts, and only those of one can be compared", cohorts.len())]
    SeveralCohorts {
        /// Each with how many of the runs are in it.
        cohorts: Vec<(String, usize)>,
    },
    /// No run is left to be ranked.
    #[error("no run passes")]
    NoRun,
    /// The store holds no snapshot yet.
    #[error("the store holds no snapshot yet")]
    Empty,
    /// The snapshot is there, and a note says that it was deleted.
    #[error("{0}")]
    Deleted(Box<Deleted>),
    /// A note would make of a snapshot what it cannot be.
    #[error("{place} {what}")]
    Unfit {
        /// `COHORT#seq`.
        place: String,
        /// Why not, as a fragment that follows the place.
        what: String,
        /// What to do instead.
        hint: String,
    },
    /// A text cannot stand in a note.
    #[error(transparent)]
    Words(#[from] IllegalText),
    /// The newest snapshot has no previous or no baseline.
    #[error("`{reference}` names nothing: {reason}")]
    NoYardstick {
        /// `@prev` or `@baseline`.
        reference: String,
        /// Why there is none.
        reason: String,
    },
    /// A snapshot that is there cannot be read as one.
    #[error("{place} cannot be read as a snapshot")]
    Payload {
        /// `COHORT#seq`.
        place: String,
        /// What is wrong with it.
        #[source]
        source: SnapshotError,
    },
    /// Something a snapshot names is missing or damaged.
    #[error("{place} is damaged: {found}")]
    Damaged {
        /// Path or `COHORT#seq`.
        place: String,
        /// What was found there.
        found: String,
    },
    /// What was kept of a run that could not be recorded cannot be read.
    #[error("{place} cannot be read as a refused run: it {found}")]
    Kept {
        /// What the caller calls the file.
        place: String,
        /// What is wrong with it, as a fragment.
        found: String,
        /// Whether another release wrote it, which may read it.
        is_of_another_release: bool,
    },
    /// A document says that a file is stored, and it is not: it never was, or nothing named it in
    /// time.
    #[error("{attachment} is not in the store, though the document says it is")]
    AttachmentMissing {
        /// What the document calls it, and its digest.
        attachment: String,
    },
    /// The snapshot stands, and a file that it says is stored is gone.
    #[error("{place} is recorded, but {attachment} is gone from the store")]
    AttachmentLost {
        /// `COHORT#seq`.
        place: String,
        /// What the document calls it, and its digest.
        attachment: String,
    },
    /// Making the store was cut short before its profile was kept.
    #[error("the store was not made to its end: its profile `{name}` is missing")]
    UnfinishedInit {
        /// The profile.
        name: String,
    },
    /// The profile that the store was made with is gone, and recordings were made by it.
    #[error("the profile `{name}` of the store is gone: there is no `profiles/{sha256}.toml`")]
    ProfileLost {
        /// The profile.
        name: String,
        /// The digest that names its file.
        sha256: Digest,
    },
    /// A note of the store that may name its default profile cannot be read.
    #[error("the default profile is not known: {place} cannot be read ({why})")]
    DefaultUnknown {
        /// The note.
        place: String,
        /// Why not.
        why: String,
    },
    /// Nothing was restored.
    #[error(transparent)]
    Restore(Box<RestoreError>),
    /// No package manager locked the environment.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The filter cannot be understood.
    #[error("the filter cannot be understood")]
    Query(#[source] QueryError),
    /// An option contradicts another or the store.
    #[error("{what}")]
    Usage {
        /// What is wrong.
        what: String,
        /// What to do instead.
        hint: String,
    },
}

impl Error {
    /// Returns the single findings behind the text, one line each.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Refused { refused, .. } => {
                refused.problems.iter().map(ToString::to_string).collect()
            }
            Self::Ambiguous { candidates, .. } => candidates.clone(),
            Self::NotImported { source, .. } => findings(source),
            Self::Restore(error) => error.details(),
            Self::Lock(error) => error.details(),
            Self::SeveralCohorts { cohorts } => cohorts
                .iter()
                .map(|(cohort, runs)| {
                    let noun = if *runs == 1 { "run" } else { "runs" };
                    format!("{cohort}: {runs} {noun}")
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Returns the JSON form: `{code, message, hint, details}`. The details of a refused document
    /// are objects `{pointer, kind, text, hint}`, all others text.
    pub fn to_json(&self) -> Value {
        let mut details: Vec<Value> = match self {
            Self::Refused { refused, .. } => refused
                .problems
                .iter()
                .map(|problem| {
                    json!({
                        "pointer": problem.pointer.to_string(),
                        "kind": problem.kind.as_str(),
                        "text": problem.text,
                        "hint": problem.hint,
                    })
                })
                .collect(),
            _ => self.details().into_iter().map(Value::from).collect(),
        };
        let mut cause = std::error::Error::source(self);
        while let Some(found) = cause {
            details.push(Value::from(found.to_string()));
            cause = found.source();
        }
        json!({
            "code": self.code(),
            "message": self.to_string(),
            "hint": self.hint(),
            "details": details,
        })
    }
}

/// Most lines of a file that are told. Chosen: two screens; a file of another kind has thousands.
const FINDINGS_MAX: usize = 50;

/// Returns what is wrong with a file that was to be imported, one line each.
fn findings(not_imported: &NotImported) -> Vec<String> {
    let mut findings = every_finding(not_imported);
    let more = findings.len().saturating_sub(FINDINGS_MAX);
    if more > 0 {
        findings.truncate(FINDINGS_MAX);
        findings.push(format!("and {more} more"));
    }
    findings
}

fn every_finding(not_imported: &NotImported) -> Vec<String> {
    match not_imported {
        NotImported::Lines { lines, .. } => lines
            .iter()
            .map(|it| format!("line {}: {}: `{}`", it.line, it.reason, it.text))
            .collect(),
        NotImported::Nothing { not_taken } => not_taken
            .iter()
            .map(|it| format!("{}: {}: `{}`", it.place, it.reason, it.item))
            .collect(),
        _ => Vec::new(),
    }
}

impl From<RestoreError> for Error {
    fn from(error: RestoreError) -> Self {
        Self::Restore(Box::new(error))
    }
}

/// Says an error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(found) = cause {
        words = format!("{words}: {found}");
        cause = found.source();
    }
    words
}

/// Says what is wrong with something whose place is named beside it.
pub(crate) fn in_words(damage: &Damage) -> String {
    format!(
        "{} at `{}`, expected {}, found {}",
        damage.kind, damage.path, damage.expected, damage.found
    )
}

fn where_looked(looked_in: Option<&String>) -> String {
    looked_in
        .map(|place| format!(" in {place}"))
        .unwrap_or_default()
}
