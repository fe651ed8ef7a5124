//! What a command left in its run directory: JSON objects of metrics, identity and factors.
//!
//! Read strictly and whole: a file that changes while it is read, or ends too early (somebody the
//! command left behind still writes), is read again, and refused if it does not come to rest. A
//! file that names another run, because a script copied it from one, is refused with both names.
//! Links and odd files are not followed.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use runstone::Error;
use runstone::core::json::{Limits, ReadError, read_document};
use runstone::core::redact::masked;
use runstone::refused::Layer;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use serde_json::{Map, Value};

use super::stamp::Stamp;
use crate::error::CliError;
use crate::render::words::cut_within;
use crate::values::called;

/// How long a file may take to come to rest after its command ended; chosen, so that a child that
/// only flushes its buffers is waited for and nobody waits for more than a second.
const PAUSES_MS: [u64; 5] = [0, 20, 80, 200, 600];

/// The members of the document that files of a run directory join.
const JOINING: [&str; 3] = ["metrics", "identity", "factors"];

/// Longest name of another run that is quoted, in characters; chosen: what fits in two lines.
const NAMED_SIZE_MAX: usize = 120;

/// What a command left behind.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// `metrics.json`.
    pub(crate) metrics: Option<Map<String, Value>>,
    /// A file of metrics of the command's own.
    pub(crate) own_metrics: Option<Map<String, Value>>,
    /// `identity.json`.
    pub(crate) identity: Option<Map<String, Value>>,
    /// `factors.json`.
    pub(crate) factors: Option<Map<String, Value>>,
    /// Files that cannot be taken as they are.
    pub(crate) unread: Vec<UnreadFile>,
}

/// A file that cannot be taken as it is.
#[derive(Debug)]
pub(crate) struct UnreadFile {
    pub(crate) path: PathBuf,
    /// The member of the document it was to join.
    pub(crate) joins: &'static str,
    /// Where it was to lie there.
    pub(crate) layer: Layer,
    pub(crate) error: CliError,
}

/// Returns where a command may leave such objects in its run directory.
pub(crate) fn paths_in(folder: &Path) -> Vec<PathBuf> {
    JOINING.iter().map(|joins| path_of(folder, joins)).collect()
}

fn path_of(folder: &Path, joins: &str) -> PathBuf {
    folder.join(format!("{joins}.json"))
}

impl Left {
    /// Reads what lies in `folder` of the run `run_id`, stage `stage`; files that are `restless`
    /// are not taken.
    pub(crate) fn read(folder: &Path, run_id: &str, stage: &str, restless: &[PathBuf]) -> Self {
        let mut left = Self::default();
        let is_own = !is_link(folder);
        let mut take = |joins: &'static str| {
            let file = JsonFile::at(path_of(folder, joins));
            let found = if is_own || file.before.is_none() {
                file.read_at_rest(run_id, stage, restless)
            } else {
                Err(file.unusable(
                    "lies behind a link in the place of the run directory".to_owned(),
                    "see where the link leads: finishing the run takes what lies there",
                ))
            };
            left.take(&file, joins, Layer::Beneath, found)
        };
        let [metrics, identity, factors] = JOINING.map(&mut take);
        Self {
            metrics,
            own_metrics: None,
            identity,
            factors,
            unread: left.unread,
        }
    }

    /// Reads a file of metrics of the command's own; returns whether it is there.
    pub(crate) fn add_metrics(
        &mut self,
        file: &JsonFile,
        run_id: &str,
        stage: &str,
        restless: &[PathBuf],
    ) -> bool {
        let found = file.read_at_rest(run_id, stage, restless);
        self.own_metrics = self.take(file, "metrics", Layer::Above, found);
        file.path.symlink_metadata().is_ok()
    }

    /// Returns all metrics: those of a file of the command's own laid over those of
    /// `metrics.json`.
    pub(crate) fn all_metrics(&self) -> Option<Map<String, Value>> {
        let mut all = self.metrics.clone();
        if let Some(own) = &self.own_metrics {
            all.get_or_insert_default().extend(own.clone());
        }
        all
    }

    fn take(
        &mut self,
        file: &JsonFile,
        joins: &'static str,
        layer: Layer,
        found: Result<Option<Map<String, Value>>, CliError>,
    ) -> Option<Map<String, Value>> {
        found.unwrap_or_else(|error| {
            self.unread.push(UnreadFile {
                path: file.path.clone(),
                joins,
                layer,
                error,
            });
            None
        })
    }
}

/// Tells whether a path is a link itself.
pub(super) fn is_link(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|found| found.is_symlink())
}

/// A file that is to hold one JSON object once a command has ended.
#[derive(Debug)]
pub(crate) struct JsonFile {
    path: PathBuf,
    before: Option<Stamp>,
}

impl JsonFile {
    /// Notes how the file at `path` looks now.
    pub(crate) fn at(path: PathBuf) -> Self {
        let before = Stamp::at(&path);
        Self { path, before }
    }

    /// Tells whether the file is the one that was there when it was noted, untouched.
    pub(crate) fn is_untouched(&self) -> bool {
        self.before.is_some() && self.before == Stamp::at(&self.path)
    }

    /// Returns the path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the object, without the `run_id` and `stage` it may name; nothing if it is not there.
    pub(crate) fn read_as(
        &self,
        run_id: &str,
        stage: &str,
    ) -> Result<Option<Map<String, Value>>, CliError> {
        let Some(mut object) = self.whole()? else {
            return Ok(None);
        };
        for (member, own) in [("run_id", run_id), ("stage", stage)] {
            match object.remove(member) {
                None => {}
                Some(Value::String(named)) if named == own => {}
                Some(named) => {
                    let named = named
                        .as_str()
                        .map_or_else(|| named.to_string(), str::to_owned);
                    // A secret that is cut in two is no secret to those who look for one.
                    let named = cut_within(&masked(&named), NAMED_SIZE_MAX);
                    return Err(self.unusable(
                        format!("is of {member} `{named}`, and this run's is `{own}`"),
                        "let the command write its own file, or leave the name out of it",
                    ));
                }
            }
        }
        Ok(Some(object))
    }

    /// The same, of a file that may be among those that did not come to rest.
    fn read_at_rest(
        &self,
        run_id: &str,
        stage: &str,
        restless: &[PathBuf],
    ) -> Result<Option<Map<String, Value>>, CliError> {
        if restless.contains(&self.path) {
            return Err(self.still_written());
        }
        self.read_as(run_id, stage)
    }

    /// Returns the object. A text that ends too early is looked at again: whoever writes it may be
    /// out of sight.
    fn whole(&self) -> Result<Option<Map<String, Value>>, CliError> {
        let mut pauses = PAUSES_MS.into_iter().skip(1);
        loop {
            let Some(bytes) = self.settled()? else {
                return Ok(None);
            };
            let source = match read_document(&bytes, &Limits::default()) {
                Ok(object) => return Ok(Some(object)),
                Err(source) => source,
            };
            match pauses.next() {
                Some(pause) if source.is_cut_short() => {
                    std::thread::sleep(Duration::from_millis(pause));
                }
                _ => return Err(self.no_object(source)),
            }
        }
    }

    /// Returns the whole content once it has come to rest.
    fn settled(&self) -> Result<Option<Vec<u8>>, CliError> {
        for pause in PAUSES_MS {
            std::thread::sleep(Duration::from_millis(pause));
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = match open(&self.path, flags, Mode::empty()) {
                Ok(file) => File::from(file),
                Err(Errno::NOENT) => return Ok(None),
                Err(Errno::LOOP) => return Err(self.odd("a symbolic link")),
                Err(error) => return Err(self.unreadable(error.into())),
            };
            let before = file.metadata().map_err(|error| self.unreadable(error))?;
            if !before.is_file() {
                return Err(self.odd("no ordinary file"));
            }
            let size_bytes_max = Limits::default().size_bytes_max;
            if before.len() > size_bytes_max as u64 {
                let size_bytes = usize::try_from(before.len()).unwrap_or(usize::MAX);
                return Err(CliError::from(Error::Document {
                    name: called(&self.path),
                    source: ReadError::TooLarge {
                        size_bytes,
                        size_bytes_max,
                    },
                }));
            }
            let mut bytes = Vec::new();
            // It may grow meanwhile; one byte beyond the limit is enough to be refused.
            file.take(size_bytes_max as u64 + 1)
                .read_to_end(&mut bytes)
                .map_err(|error| self.unreadable(error))?;
            if Stamp::at(&self.path) == Some(Stamp::of(&before)) {
                return Ok(Some(bytes));
            }
        }
        Err(self.still_written())
    }

    fn still_written(&self) -> CliError {
        self.unusable(
            "is still being written, though the command has ended".to_owned(),
            "let the command wait for the processes it starts",
        )
    }

    fn unreadable(&self, source: io::Error) -> CliError {
        CliError::Ledger(Error::Unreadable {
            path: self.path.clone(),
            source,
        })
    }

    /// Returns the error of what is no JSON object; such a file is no run document, whose hints
    /// would mislead.
    fn no_object(&self, source: ReadError) -> CliError {
        let hint = "write one JSON object there; `{}` says nothing";
        match source {
            ReadError::Empty => self.unusable("is empty".to_owned(), hint),
            ReadError::NotAnObject { found } => {
                self.unusable(format!("holds {found}, an object is wanted"), hint)
            }
            source => CliError::from(Error::Document {
                name: called(&self.path),
                source,
            }),
        }
    }

    fn odd(&self, what: &str) -> CliError {
        self.unusable(format!("is {what}"), "write an ordinary file there")
    }

    fn unusable(&self, what: String, hint: &str) -> CliError {
        CliError::Left {
            path: self.path.clone(),
            what,
            hint: hint.to_owned(),
        }
    }
}
