//! Errors of the command line: the ledger's, and the few a face has of its own.
//!
//! The ledger says what failed, why, and what to do next; this file only adds the exit code and
//! the errors of reading arguments and writing output. Shown by [`crate::ui`].

use std::io;
use std::path::PathBuf;

use runstone::{Conflict, Error, ErrorKind};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::settings::SettingsError;
use crate::values::called;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] Error),
    /// An argument makes no sense here.
    #[error("{what}")]
    Usage {
        /// What is wrong.
        what: String,
        /// What to do instead.
        hint: String,
    },
    /// The arguments cannot be understood.
    #[error("{what}")]
    Arguments {
        /// What is wrong.
        what: String,
        /// How the command is used, where that helps.
        usage: Option<String>,
        /// What to do instead.
        hint: String,
    },
    /// It was refused to protect what is there.
    #[error("{what}")]
    Refused {
        /// What was not done, and why.
        what: String,
        /// How to say that it is meant.
        hint: String,
    },
    /// The attempt of a run that is being finished is recorded with other content.
    #[error("{0}")]
    Taken(Box<Conflict>),
    /// A file that was named, or standard input, cannot be read.
    #[error("{} cannot be read", called(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Settings that cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The store that was found belongs to another user.
    #[error("the store `{}` belongs to user {owner}", path.display())]
    ForeignStore {
        /// The store.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// A command left something in its run directory that cannot be taken.
    #[error("`{}` {what}", path.display())]
    Left {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, as a fragment that follows its name.
        what: String,
        /// What to do instead.
        hint: String,
    },
    /// There is no place for what a command leaves behind.
    #[error("no run directory can be made in `{}`", parent.display())]
    NoRunDirectory {
        /// The folder for temporary files.
        parent: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A command could not be started or watched.
    #[error("`{name}` could not be run")]
    NotRun {
        /// The command.
        name: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A command was started, and how it ended cannot be known.
    #[error("`{name}` was started and is out of sight: how it ends is not known, and not recorded")]
    OutOfSight {
        /// The command.
        name: String,
        /// What records it by hand.
        command: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No store was named and none was found.
    #[error("there is no store here: {searched}")]
    NoStore {
        /// Where was looked.
        searched: String,
        /// What to do.
        hint: String,
    },
    /// A file that was to be written.
    #[error("`{}` could not be written", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// What is known of a run that is not recorded could be kept nowhere.
    #[error(
        "what is known of the run could be kept neither in the store nor in `{}`",
        path.display()
    )]
    Unkept {
        /// The file outside of the store.
        path: PathBuf,
        /// What the system said of it.
        #[source]
        source: io::Error,
    },
    /// The answer could not be written out.
    #[error("the answer could not be written")]
    Output(#[source] io::Error),
    /// A snapshot stands, and its answer could not be written out.
    #[error("recorded as {place}, but the answer could not be written")]
    Unanswered {
        /// Where it stands.
        place: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl CliError {
    /// An error of stdout.
    pub(crate) fn output(source: io::Error) -> Self {
        Self::Output(source)
    }

    /// A wrong argument with its hint.
    pub(crate) fn usage(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage {
            what: what.into(),
            hint: hint.into(),
        }
    }

    /// Whether the reader of stdout went away, which is its right.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(
            self,
            Self::Output(source) | Self::Unanswered { source, .. }
                    | Self::Unwritable { source, .. } if source.kind() == io::ErrorKind::BrokenPipe
        )
    }

    /// Returns the exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. }
            | Self::Arguments { .. }
            | Self::Unreadable { .. }
            | Self::Settings(_)
            | Self::Left { .. } => Exit::Usage,
            Self::ForeignStore { .. } => Exit::Refused,
            Self::NoStore { .. } => Exit::NotFound,
            Self::Unwritable { source, .. } => match source.kind() {
                io::ErrorKind::AlreadyExists => Exit::Refused,
                io::ErrorKind::IsADirectory | io::ErrorKind::NotFound => Exit::Usage,
                _ => Exit::Failure,
            },
            Self::Refused { .. } | Self::Taken(_) => Exit::Refused,
            Self::Output(_)
            | Self::Unanswered { .. }
            | Self::Unkept { .. }
            | Self::NoRunDirectory { .. }
            | Self::NotRun { .. }
            | Self::OutOfSight { .. } => Exit::Failure,
            Self::Ledger(error) => Self::exit_of(error),
        }
    }

    /// Returns the exit code of an error of the ledger.
    pub(crate) fn exit_of(error: &Error) -> Exit {
        match error.kind() {
            ErrorKind::Failure => Exit::Failure,
            ErrorKind::Illegal => Exit::Usage,
            ErrorKind::NotFound => Exit::NotFound,
            ErrorKind::Refused => Exit::Refused,
            ErrorKind::Unknown => Exit::Unknown,
            ErrorKind::Damaged => Exit::Damaged,
        }
    }

    /// Returns what to do next.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Ledger(error) => error.hint(),
            Self::Usage { hint, .. }
            | Self::Arguments { hint, .. }
            | Self::Refused { hint, .. }
            | Self::NoStore { hint, .. }
            | Self::Left { hint, .. } => Some(hint.clone()),
            Self::NoRunDirectory { .. } => {
                Some("name a folder with room: `TMPDIR=/path runstone run …`".to_owned())
            }
            Self::OutOfSight { command, .. } => Some(format!(
                "see what became of it, then record what it left: `{command}`"
            )),
            Self::NotRun { source, .. } if source.kind() == io::ErrorKind::ArgumentListTooLong => {
                Some("hand long lists over in a file".to_owned())
            }
            Self::NotRun { name, .. } => Some(format!(
                "see that `{name}` runs by itself; a script begins with a line such as `#!/bin/sh`"
            )),
            Self::Unreadable { source, .. } => Some(
                match source.kind() {
                    io::ErrorKind::NotFound => "check the path; `-` reads standard input",
                    io::ErrorKind::IsADirectory => "name a file; `-` reads standard input",
                    _ => "check the file and its permissions",
                }
                .to_owned(),
            ),
            Self::Unanswered { .. } => {
                Some("the same command again answers once more, and records nothing new".to_owned())
            }
            Self::Settings(error) => Some(error.hint()),
            Self::ForeignStore { path, .. } => Some(format!(
                "if you trust it, name it: `--store {}`, or add it to `safe_stores` of your \
                 settings file (`runstone config path`)",
                path.display()
            )),
            Self::Unwritable { source, .. } => Some(
                match source.kind() {
                    io::ErrorKind::AlreadyExists => "choose another name, or say `--force`",
                    io::ErrorKind::IsADirectory => "name a file in it",
                    io::ErrorKind::NotFound => "make its folder first",
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                        "make room, then run the same command again"
                    }
                    _ => "choose a place that can be written",
                }
                .to_owned(),
            ),
            Self::Taken(_) => Some(
                "finish it as its next attempt: the same command with `--attempt next`".to_owned(),
            ),
            // What is to be kept is printed with it.
            Self::Unkept { .. } => None,
            Self::Output(_) => {
                Some("make room where the output goes, or send it elsewhere".to_owned())
            }
        }
    }

    /// Returns what to do before a run that was kept is recorded after all.
    pub(crate) fn hint_to_finish(&self) -> Option<String> {
        match self {
            Self::Ledger(error) => error.hint_to_finish(),
            other => other.hint(),
        }
    }

    /// Returns single findings, one line each.
    pub(crate) fn details(&self) -> Vec<String> {
        match self {
            Self::Ledger(error) => error.details(),
            Self::Arguments { usage, .. } => usage.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// Returns `{"error": {code, message, hint, details}}`.
    pub(crate) fn to_json(&self) -> Value {
        let error = match self {
            Self::Ledger(error) => error.to_json(),
            other => json!({
                "code": match other {
                    Self::NoStore { .. } => "no_store",
                    Self::Refused { .. } => "refused",
                    Self::Taken(_) => "attempt_conflict",
                    Self::ForeignStore { .. } => "foreign_store",
                    Self::Settings(_) => "settings",
                    Self::Unreadable { .. } => "file_unreadable",
                    Self::Unwritable { .. } => "file_unwritable",
                    Self::Left { .. } => "left_unusable",
                    Self::NoRunDirectory { .. } => "no_run_directory",
                    Self::NotRun { .. } => "not_run",
                    Self::OutOfSight { .. } => "out_of_sight",
                    Self::Unkept { .. } => "unkept",
                    Self::Output(_) => "output",
                    Self::Unanswered { .. } => "unanswered",
                    _ => "usage",
                },
                "message": other.to_string(),
                "hint": other.hint(),
                "details": std::error::Error::source(other)
                    .map_or_else(|| other.details(), |source| vec![source.to_string()]),
            }),
        };
        json!({ "error": error })
    }
}
