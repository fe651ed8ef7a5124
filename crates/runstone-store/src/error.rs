//! What a store says when it cannot do as asked.
//!
//! The variants of [`StoreError`] differ by what the caller can do next. The invariant guarded
//! here: "not recorded" is said only where nothing of the call was published, and everything less
//! certain is [`StoreError::Unknown`]. Which exit code a variant becomes is left to the faces.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use thiserror::Error;

use crate::damage::{Damage, DamageKind};
use crate::hash::Hash256;
use crate::log::{CohortName, Log, claims_keys};

/// A store that could not do as asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Nothing of this call was published; the cause can be mended and the call repeated.
    #[error("nothing was recorded: `{path}` could not be written")]
    NotRecorded {
        /// The file or directory the call failed on.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file beside the logs could not be written or removed; the logs are not concerned.
    #[error("`{path}` could not be written")]
    Unwritten {
        /// The file or folder.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It cannot be said whether the entry is recorded for good. The same call again is safe.
    #[error("it is not known whether it was recorded: `{path}`: {doubt}")]
    Unknown {
        /// The file or directory in doubt.
        path: String,
        /// Where the doubt comes from.
        doubt: Doubt,
        /// What the system said, if it said it to this call.
        #[source]
        source: Option<io::Error>,
    },
    /// Damage stands between the question and its answer.
    #[error("{0}")]
    Damaged(Box<Damage>),
    /// The store had a secret, and it is gone. Another one is never made: what was keyed with the
    /// first would no longer be recognised.
    #[error("the secret {id} of this store is gone from `secret/key`")]
    SecretLost {
        /// The id of the secret.
        id: String,
    },
    /// Something could not be read.
    #[error("`{path}` could not be read")]
    Unreadable {
        /// The file or directory.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no store at this path.
    #[error("`{}` is not a store: {reason}", path.display())]
    NotAStore {
        /// The path as it was given.
        path: PathBuf,
        /// What stands there instead.
        reason: NotAStore,
        /// What the system said, if anything.
        #[source]
        source: Option<io::Error>,
    },
    /// A later version wrote this; it is never written to.
    #[error("`{path}` has format {found}, this version knows up to {known}")]
    Newer {
        /// The file.
        path: String,
        /// Its format.
        found: u64,
        /// The newest format known here.
        known: u64,
    },
    /// The store exists and was made with other options.
    #[error("the store at `{}` was made with other options: {}", path.display(), list(differences))]
    OtherOptions {
        /// The store.
        path: PathBuf,
        /// Each option that differs.
        differences: Vec<Difference>,
    },
    /// The file system cannot keep what a store promises.
    #[error("`{}` cannot hold a store: {reason}", path.display())]
    Unfit {
        /// The directory that was probed.
        path: PathBuf,
        /// What the probe saw.
        reason: String,
    },
    /// The cohort was never opened, so nothing can be recorded into it.
    #[error("cohort `{cohort}` does not exist")]
    NoCohort {
        /// The cohort.
        cohort: CohortName,
    },
    /// The cohort exists under another document.
    #[error("cohort `{cohort}` stands for {found}, not for {asked}")]
    OtherCohort {
        /// The cohort.
        cohort: CohortName,
        /// The digest of the document handed in.
        asked: Hash256,
        /// The digest of the document that is there.
        found: Hash256,
    },
    /// The entry or its key does not fit the log.
    #[error("log `{log}` cannot take this entry: {reason}")]
    Misaddressed {
        /// The log.
        log: Log,
        /// What does not fit.
        reason: &'static str,
    },
    /// Something is larger than a store takes.
    #[error("{what} has {size_bytes} bytes, at most {limit_bytes} are taken")]
    TooLarge {
        /// What was measured.
        what: &'static str,
        /// Its size.
        size_bytes: u64,
        /// The limit.
        limit_bytes: u64,
    },
}

/// Where the doubt about an outcome comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Doubt {
    /// The call that gives an entry its place failed, and the place does not show why.
    #[error("publishing failed and may have happened")]
    Publishing,
    /// The entry has its place, but flushing it failed.
    #[error("present, not confirmed: flushing failed")]
    Flush,
    /// A flush failed earlier on this handle, so that no later one can be believed.
    #[error("a flush failed earlier in this process")]
    Poisoned,
}

/// What stands where a store was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotAStore {
    /// Nothing.
    #[error("it does not exist")]
    Missing,
    /// A file.
    #[error("it is not a directory")]
    File,
    /// A directory that no store was made in.
    #[error("it holds no `runstone.json`")]
    Foreign,
    /// A directory with the logs and keys of a store, and no descriptor.
    #[error("its `runstone.json` is lost")]
    Lost,
    /// A link to something that does not exist.
    #[error("it is a link to something that does not exist")]
    Dangling,
    /// A directory with things of others in it.
    #[error("it is not empty")]
    NotEmpty,
    /// A `runstone.json` that says nothing understandable.
    #[error("its `runstone.json` cannot be understood")]
    Garbled,
}

/// An option asked for, and what the store was made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The option.
    pub name: String,
    /// The value asked for, as JSON.
    pub asked: String,
    /// The value the store has, as JSON.
    pub found: String,
}

/// Returns whether something could not be opened because too much is open.
pub(crate) fn is_want_of_files(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE)
    )
}

impl StoreError {
    /// Returns what to do next, in one sentence, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotRecorded { source, .. } | Self::Unwritten { source, .. } => {
                let mend = mend(source).unwrap_or("mend the cause");
                return Some(match source.kind() {
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                        mend.to_owned()
                    }
                    _ => format!("{mend}, then run the same command again"),
                });
            }
            Self::Unknown { path, .. } if !claims_keys(path) => {
                "run the same command again: it may then stand twice, which means the same"
            }
            Self::Unknown { .. } => "run the same command again: it records at most once",
            Self::Damaged(damage) if damage.kind == DamageKind::Missing => {
                "see all damage with `runstone verify`; `runstone verify --repair` puts back what is \
                 proven"
            }
            Self::Damaged(_) => "see all damage with `runstone verify`",
            Self::NotAStore {
                reason: NotAStore::Missing | NotAStore::Foreign,
                path,
                ..
            } => {
                return Some(format!("make one with `runstone init {}`", pasted(path)));
            }
            Self::NotAStore {
                reason: NotAStore::NotEmpty,
                path,
                ..
            } => {
                return Some(format!(
                    "make one in a new directory with `runstone init {}`",
                    pasted(&path.join(".runstone"))
                ));
            }
            Self::NotAStore {
                reason: NotAStore::Lost | NotAStore::Garbled,
                path,
                ..
            } => {
                return Some(format!(
                    "put `{}` back from a backup or another copy of the store; its logs are kept as \
                     they are",
                    path.join("runstone.json").display()
                ));
            }
            Self::NotAStore {
                reason: NotAStore::Dangling,
                ..
            } => "make the directory it leads to, or remove the link",
            Self::NotAStore {
                reason: NotAStore::File,
                ..
            } => "name a directory, or move the file out of the way",
            Self::SecretLost { .. } => {
                "put `secret/key` back from a backup of the store, and run the same command again"
            }
            Self::Newer { .. } => "use the release that made it, or a later one",
            Self::OtherOptions { .. } => "leave the options away to use the store as it is",
            Self::Unfit { .. } => "choose a directory on another file system",
            Self::Unreadable { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => {
                    "ask the owner of the store for permission to read it"
                }
                _ => "mend the cause; `runstone verify` then names what else cannot be read",
            },
            Self::NoCohort { .. } => "`runstone cohorts` lists what there is",
            Self::OtherCohort { .. } => {
                "two stores may have been mixed; `runstone verify` reads everything again"
            }
            Self::TooLarge { .. } => {
                "keep what is large in a file, and its digest in the run document"
            }
            Self::Misaddressed { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Returns what to mend before the same can be recorded, where there is something to mend: the
    /// hint of whoever kept what was to be recorded, and has no command to run again.
    pub fn mend(&self) -> Option<String> {
        match self {
            Self::NotRecorded { source, .. } | Self::Unwritten { source, .. } => {
                mend(source).map(str::to_owned)
            }
            Self::Unknown { .. } => None,
            Self::SecretLost { .. } => {
                Some("put `secret/key` back from a backup of the store".to_owned())
            }
            _ => self.hint(),
        }
    }

    /// Returns the path of what cannot be read or replaced because of what stands there itself:
    /// something of another type, or what the system does not let be read. What the process or the
    /// whole store lacks (open files, room, permission to write) stands in no particular way.
    pub fn in_the_way(&self) -> Option<&str> {
        let (path, source, is_read) = match self {
            Self::Unreadable { path, source } => (path, source, true),
            Self::Unwritten { path, source } => (path, source, false),
            _ => return None,
        };
        let is_there = match Errno::from_io_error(source) {
            Some(Errno::ACCESS | Errno::PERM) => is_read,
            Some(
                Errno::NOTDIR
                | Errno::ISDIR
                | Errno::LOOP
                | Errno::EXIST
                | Errno::NOTEMPTY
                | Errno::IO
                | Errno::BADMSG,
            ) => true,
            _ => source.kind() == io::ErrorKind::InvalidData,
        };
        is_there.then_some(path)
    }

    /// Turns a failure to read or flush into an unknown outcome: right wherever the entry may have
    /// its place already.
    pub(crate) fn in_doubt(self, doubt: Doubt) -> Self {
        match self {
            Self::Unreadable { path, source } => Self::Unknown {
                path,
                doubt,
                source: Some(source),
            },
            other => other,
        }
    }

    /// Turns a failure to read into one to write: right for files beside the logs.
    pub(crate) fn beside_the_logs(self) -> Self {
        match self {
            Self::Unreadable { path, source } => Self::Unwritten { path, source },
            other => other,
        }
    }

    /// Turns a failure to read into "not recorded": right wherever nothing was published yet.
    pub(crate) fn before_publishing(self) -> Self {
        match self {
            Self::Unreadable { path, source } => Self::NotRecorded { path, source },
            other => other,
        }
    }
}

/// Returns what to mend where a file could not be written, if the system said it.
fn mend(source: &io::Error) -> Option<&'static str> {
    match source.kind() {
        io::ErrorKind::PermissionDenied => Some("ask the owner of the store for write permission"),
        io::ErrorKind::ReadOnlyFilesystem => Some(
            "mount its file system for writing; until then the store can be read, such as by \
             `runstone log`",
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some("make room"),
        _ => None,
    }
}

fn list(differences: &[Difference]) -> String {
    let one = |Difference { name, asked, found }: &Difference| {
        format!("`{name}` is {found}, not {asked}")
    };
    differences.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Returns a path as a shell takes it.
fn pasted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_bare = |it: char| it.is_ascii_alphanumeric() || "-_./:=@,+%".contains(it);
    if text.chars().all(is_bare) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_in_a_command_is_one_word_for_a_shell() {
        for (path, word) in [
            ("/data/store-1", "/data/store-1"),
            ("/no such/place", "'/no such/place'"),
            ("it's", r"'it'\''s'"),
            ("~/store", "'~/store'"),
        ] {
            assert_eq!(pasted(Path::new(path)), word);
        }
    }

    #[test]
    fn once_is_promised_of_what_claims_a_key_and_of_nothing_else() {
        let hint = |path: &str| {
            let unknown = StoreError::Unknown {
                path: path.to_owned(),
                doubt: Doubt::Publishing,
                source: None,
            };
            unknown.hint().unwrap()
        };
        for path in [
            "keys/0f/0f00",
            "cohorts/c/log/0000000000/00000000000000000007",
            "cohorts/notes/log#7",
        ] {
            assert!(hint(path).contains("at most once"), "{path}");
        }
        for path in [
            "cohorts/c/notes/0000000000/00000000000000000007",
            "cohorts/log/notes#7",
            "environments/log#7",
            "environments/notes#7",
            "notes#7",
        ] {
            assert!(hint(path).contains("stand twice"), "{path}");
        }
    }

    #[test]
    fn who_may_not_write_is_told_what_to_do_and_not_to_try_again() {
        for (kind, words) in [
            (io::ErrorKind::ReadOnlyFilesystem, "`runstone log`"),
            (io::ErrorKind::PermissionDenied, "write permission"),
        ] {
            let error = StoreError::NotRecorded {
                path: "shard".to_owned(),
                source: kind.into(),
            };
            let hint = error.hint().unwrap();
            assert!(hint.contains(words), "{hint}");
            assert!(!hint.contains("same command again"), "{hint}");
        }
    }
}
