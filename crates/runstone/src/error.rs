//! What can go wrong with a ledger, by what the caller can do about it.
//!
//! Every face (the command line, later HTTP and Python) shows the same three things of an error:
//! its text, the chain of its causes, and one hint that says what to do next. The kind decides the
//! exit code; the code names the error for scripts and never changes. Causes stay in `source`, so
//! a chain prints each fact once.

use std::fmt;
use std::path::PathBuf;

use runstone_core::id::Attempt;
use runstone_core::json::ReadError;
use runstone_core::note::{Dated, IllegalText};
use runstone_core::problem::ProblemKind;
use runstone_core::profile::ProfileError;
use runstone_core::query::QueryError;
use runstone_core::record::Refused;
use runstone_core::snapshot::SnapshotError;
use runstone_store::{Damage, NotAStore, StoreError};
use serde_json::{Value, json};

use crate::find::Place;
use crate::reference::Reference;
use crate::under_way::{Rival, Sight};

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
    /// Making the store was cut short before its profile was kept.
    #[error("the store was not made to its end: its profile `{name}` is missing")]
    UnfinishedInit {
        /// The profile.
        name: String,
    },
    /// A note of the store that may name its default profile cannot be read.
    #[error("the default profile is not known: {place} cannot be read ({why})")]
    DefaultUnknown {
        /// The note.
        place: String,
        /// Why not.
        why: String,
    },
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

/// A recording that stands in the way of another with other content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The run.
    pub run_id: String,
    /// The stage.
    pub stage: String,
    /// The attempt that is taken.
    pub attempt: Attempt,
    /// Where it stands; `None`: a writer claimed it and has not finished.
    pub place: Option<String>,
    /// When its writer says it was recorded.
    pub recorded_at: String,
    /// Whether the caller asked for exactly this attempt.
    pub explicit: bool,
    /// Whether the other content exists; else the run that would bring it was not started.
    pub has_content: bool,
}

impl From<Conflict> for Error {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(Box::new(conflict))
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            run_id,
            stage,
            attempt,
            place,
            recorded_at,
            explicit: _,
            has_content,
        } = self;
        let other = if *has_content {
            " with other content"
        } else {
            ""
        };
        write!(f, "run `{run_id}` stage `{stage}` ")?;
        match place {
            Some(place) => write!(
                f,
                "is already recorded{other}: attempt {attempt}, {place}, on {recorded_at}"
            ),
            None => write!(
                f,
                "attempt {attempt} was claimed on {recorded_at} by a writer that has not finished"
            ),
        }
    }
}

/// A snapshot that a note deleted. Prints as one sentence: where, by whom, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// Where it stands still.
    pub place: String,
    /// Who deleted it, if known.
    pub by: Option<String>,
    /// When, by that writer's clock.
    pub at: String,
    /// Why, if it was said.
    pub why: Option<String>,
}

impl Deleted {
    pub(crate) fn by(place: &Place, tombstone: &Dated) -> Self {
        let note = &tombstone.note;
        Self {
            place: place.to_string(),
            by: note.by.as_ref().map(ToString::to_string),
            at: tombstone.at.clone(),
            why: note.why.as_ref().map(ToString::to_string),
        }
    }
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, by, at, why } = self;
        write!(f, "{place} was deleted")?;
        if let Some(by) = by {
            write!(f, " by {by}")?;
        }
        write!(f, " on {at}")?;
        match why {
            Some(why) => write!(f, ": {why}"),
            None => Ok(()),
        }
    }
}

/// Where was looked when everything there is was deleted.
pub(crate) const NOT_DELETED: &str = "what was not deleted";

/// Where a refused run was looked for.
pub(crate) const REFUSED: &str = "the refused runs";

/// How to find out which refused runs there are.
pub(crate) const REFUSED_HINT: &str =
    "`runstone log` lists the refused runs; they lie in `refused/` of the store";

/// What a caller can do about an error; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// It failed for a reason outside: disk, permission.
    Failure,
    /// The input is wrong: usage, configuration, an illegal document.
    Illegal,
    /// What was named does not exist.
    NotFound,
    /// It was refused to protect what is there.
    Refused,
    /// The outcome is unknown or the store is busy: the same again is safe.
    Unknown,
    /// Truth is damaged.
    Damaged,
}

impl Error {
    /// Returns what a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Document { .. }
            | Self::Refused { .. }
            | Self::Profile { .. }
            | Self::NoSuchProfile { .. }
            | Self::Unreadable { .. }
            | Self::Query(_)
            | Self::Words(_)
            | Self::Usage { .. } => ErrorKind::Illegal,
            Self::Conflict(_) | Self::UnderWay(_) | Self::Unfit { .. } => ErrorKind::Refused,
            Self::NotFound { .. }
            | Self::Ambiguous { .. }
            | Self::Empty
            | Self::Deleted(_)
            | Self::NoYardstick { .. } => ErrorKind::NotFound,
            Self::Payload {
                source: SnapshotError::Newer { .. },
                ..
            } => ErrorKind::Refused,
            Self::Payload { .. }
            | Self::Damaged { .. }
            | Self::DefaultUnknown { .. }
            | Self::UnfinishedInit { .. } => ErrorKind::Damaged,
            Self::Store(error) => store_kind(error),
        }
    }

    /// Tells whether one place of a log cannot be read while others may.
    pub(crate) fn costs_its_place_alone(&self) -> bool {
        matches!(
            self,
            Self::Damaged { .. }
                | Self::Payload { .. }
                | Self::Store(StoreError::Newer { .. } | StoreError::Damaged(_))
        )
    }

    /// Tells whether a later release wrote what cannot be read.
    pub(crate) fn is_of_a_later_release(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Newer { .. })
                | Self::Payload {
                    source: SnapshotError::Newer { .. },
                    ..
                }
        ) || matches!(self, Self::Profile { source, .. } if source.is_of_a_later_schema())
    }

    /// Returns the error's name for scripts; it never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Document { .. } => "document_unreadable",
            Self::Refused { .. } => "document_refused",
            Self::Profile { .. } => "profile_illegal",
            Self::NoSuchProfile { .. } => "profile_not_found",
            Self::Unreadable { .. } => "file_unreadable",
            Self::Store(error) => store_code(error),
            Self::Conflict(_) => "attempt_conflict",
            Self::UnderWay(_) => "under_way",
            Self::NotFound { .. } => "not_found",
            Self::Ambiguous { .. } => "ambiguous",
            Self::Empty => "empty_store",
            Self::Deleted(_) => "deleted",
            Self::Unfit { .. } => "unfit",
            Self::Words(_) => "note_illegal",
            Self::NoYardstick { .. } => "no_yardstick",
            Self::Payload { .. } => "snapshot_unreadable",
            Self::Damaged { .. } => "damaged",
            Self::UnfinishedInit { .. } => "unfinished_init",
            Self::DefaultUnknown { .. } => "default_profile_unknown",
            Self::Query(_) => "filter_illegal",
            Self::Usage { .. } => "usage",
        }
    }

    /// Returns what to do next, in one sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Document { source, .. } => source.hint().map(str::to_owned),
            Self::Refused { name, refused } => Some(
                refused
                    .problems
                    .iter()
                    .find_map(|problem| problem.hint.clone())
                    .or_else(|| hint_of_nameless(name, refused))
                    .unwrap_or_else(|| {
                        format!(
                            "see what each field counts as: `runstone profile explain {}`",
                            file_called(name).unwrap_or("FILE")
                        )
                    }),
            ),
            Self::Profile { name, source } => Some(source.hint.clone().unwrap_or_else(|| {
                let file = format!("`{name}`");
                format!(
                    "mend it there, then look again with `runstone profile check {}`",
                    file_called(&file).unwrap_or("FILE")
                )
            })),
            Self::NoSuchProfile { known, .. } => Some(format!(
                "name one of {}, or the path of a TOML file",
                quoted_list(known)
            )),
            Self::Unreadable { source, .. } => Some(
                match source.kind() {
                    std::io::ErrorKind::NotFound => "check the path",
                    std::io::ErrorKind::IsADirectory => "name a file in it",
                    _ => "check the file and its permissions",
                }
                .to_owned(),
            ),
            Self::Store(StoreError::OtherOptions { differences, .. })
                if differences.iter().all(|it| it.name == "primary") =>
            {
                Some(
                    "leave the option away to use the store as it is; another metric decides by a \
                     profile that names it: `runstone profile use FILE`"
                        .to_owned(),
                )
            }
            Self::Store(StoreError::OtherOptions { differences, .. })
                if differences.iter().all(|it| it.name == "profile") =>
            {
                Some("leave the option away, or choose the profile with `runstone profile use`".to_owned())
            }
            Self::Store(error) => error.hint(),
            Self::Conflict(conflict) if conflict.explicit => {
                Some("choose another attempt, or leave `--attempt` away".to_owned())
            }
            Self::Conflict(_) => {
                Some("choose another run id, or say `--attempt next` if it is a retry".to_owned())
            }
            Self::UnderWay(rival) => Some(
                match rival.sight {
                    Sight::AtWork => {
                        "wait for it (`runstone log` lists it), or name another run with \
                         `--run-id`, or another stage of it with `--stage`"
                    }
                    Sight::Unknown | Sight::Gone => {
                        "wait for it, choose another run id, or say `--attempt next` if it is gone"
                    }
                }
                .to_owned(),
            ),
            Self::NotFound {
                looked_in: Some(place),
                ..
            } if place == "the cohorts" => {
                Some("`runstone cohorts` lists what there is".to_owned())
            }
            Self::NotFound {
                looked_in: Some(place),
                ..
            } if place == NOT_DELETED => {
                Some("`runstone log --deleted` lists what was deleted too".to_owned())
            }
            Self::NotFound {
                looked_in: Some(place),
                ..
            } if place == REFUSED => Some(REFUSED_HINT.to_owned()),
            Self::NotFound { reference, .. } if Reference::is_digest_prefix(reference) => {
                Some(format!(
                    "`runstone log` lists what there is; a position in a cohort is written \
                     `{reference}#1`"
                ))
            }
            Self::NotFound { .. } => Some("`runstone log` lists what there is".to_owned()),
            Self::Ambiguous { candidates, .. } => candidates
                .first()
                .map(|first| format!("name one of them, such as `{first}`")),
            Self::Empty => Some("record a run: `runstone record run.json`".to_owned()),
            Self::Deleted(deleted) => Some(format!(
                "it is still there: `runstone show {} --deleted`",
                deleted.place
            )),
            Self::Unfit { hint, .. } => Some(hint.clone()),
            Self::Words(illegal) => Some(illegal.hint()),
            Self::NoYardstick { .. } => {
                Some("name a snapshot; `runstone log` lists them".to_owned())
            }
            Self::DefaultUnknown { .. } => Some(
                "name one with `--profile`, or choose the default again with `runstone profile use`"
                    .to_owned(),
            ),
            Self::UnfinishedInit { .. } => {
                Some("run the same `runstone init` again, with the options it had".to_owned())
            }
            Self::Payload {
                source: SnapshotError::Newer { .. },
                ..
            } => Some("read it with the release that wrote it, or a later one".to_owned()),
            Self::Payload { .. } | Self::Damaged { .. } => {
                Some("`runstone verify` names every damage in the store".to_owned())
            }
            Self::Query(error) => error.hint.clone().or_else(|| {
                Some("see fields, operators and examples in `runstone log --help`".to_owned())
            }),
            Self::Usage { hint, .. } => Some(hint.clone()),
        }
    }

    /// Returns what to do before what was kept is recorded after all, in one sentence: the hint of
    /// whoever has no command to run again.
    pub fn hint_to_finish(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.mend(),
            // The next attempt is asked for where it is finished, and its run keeps its name.
            Self::Conflict(_) => None,
            _ => self.hint(),
        }
    }

    /// Returns the single findings behind the text, one line each.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Refused { refused, .. } => {
                refused.problems.iter().map(ToString::to_string).collect()
            }
            Self::Ambiguous { candidates, .. } => candidates.clone(),
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

/// Returns the file that is called so in errors; nothing if it is no file, or a shell would read
/// its name as something else.
fn file_called(name: &str) -> Option<&str> {
    let is_bare =
        |character: char| character.is_ascii_alphanumeric() || "-_./+".contains(character);
    name.strip_prefix('`')
        .and_then(|name| name.strip_suffix('`'))
        .filter(|name| !name.is_empty() && name.chars().all(is_bare))
}

/// Returns how to name the run and stage of a document that lacks nothing else.
fn hint_of_nameless(name: &str, refused: &Refused) -> Option<String> {
    let mut options = Vec::new();
    for problem in &refused.problems {
        options.push(match (problem.kind, problem.pointer.to_string().as_str()) {
            (ProblemKind::Missing | ProblemKind::Null, "/run_id") => "--run-id r1",
            (ProblemKind::Missing | ProblemKind::Null, "/stage") => "--stage train",
            _ => return None,
        });
    }
    let options = options.join(" ");
    let said = match (name, file_called(name)) {
        (_, Some(file)) => format!("runstone record {file} {options}"),
        ("standard input", None) => format!("runstone record - {options}"),
        // An option would count for every document of a stream.
        _ if name != "the document" => return None,
        _ => return Some(format!("say it too, such as `{options}`")),
    };
    Some(format!("state it in the document, or beside it: `{said}`"))
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

fn store_kind(error: &StoreError) -> ErrorKind {
    match error {
        StoreError::Unknown { .. } => ErrorKind::Unknown,
        StoreError::Damaged(_)
        | StoreError::OtherCohort { .. }
        | StoreError::NotAStore {
            reason: NotAStore::Garbled | NotAStore::Lost,
            ..
        } => ErrorKind::Damaged,
        StoreError::NotAStore {
            reason: NotAStore::File | NotAStore::NotEmpty | NotAStore::Dangling,
            ..
        } => ErrorKind::Illegal,
        StoreError::NotAStore { .. } | StoreError::NoCohort { .. } => ErrorKind::NotFound,
        StoreError::SecretLost { .. }
        | StoreError::OtherOptions { .. }
        | StoreError::Unfit { .. }
        | StoreError::Newer { .. } => ErrorKind::Refused,
        StoreError::TooLarge { .. } | StoreError::Misaddressed { .. } => ErrorKind::Illegal,
        _ => ErrorKind::Failure,
    }
}

fn store_code(error: &StoreError) -> &'static str {
    match error {
        StoreError::NotRecorded { .. } => "not_recorded",
        StoreError::Unwritten { .. } => "file_unwritable",
        StoreError::Unknown { .. } => "outcome_unknown",
        StoreError::Damaged(_) => "damaged",
        StoreError::OtherCohort { .. } => "other_cohort",
        StoreError::SecretLost { .. } => "secret_lost",
        StoreError::Unreadable { .. } => "store_unreadable",
        StoreError::NotAStore { .. } => "not_a_store",
        StoreError::Newer { .. } => "newer_format",
        StoreError::OtherOptions { .. } => "other_options",
        StoreError::Unfit { .. } => "unfit_file_system",
        StoreError::NoCohort { .. } => "no_cohort",
        StoreError::TooLarge { .. } => "too_large",
        _ => "store",
    }
}

fn where_looked(looked_in: Option<&String>) -> String {
    looked_in
        .map(|place| format!(" in {place}"))
        .unwrap_or_default()
}

fn quoted_list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
