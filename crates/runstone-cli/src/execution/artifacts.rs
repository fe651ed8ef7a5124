//! What a run made: the files below `artifacts/` of its run directory, by path, digest and size;
//! stored as well where that was asked for.
//!
//! The invariant: an entry is of one content. A file that changes while it is read is read once
//! more, and left out with a warning if it changes again; so is what is no ordinary file, and what
//! cannot be read. Nothing about an artifact keeps a run from being recorded.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Component, Path, PathBuf};

use runstone::Ledger;
use rustix::fs::{Mode, OFlags, open};
use serde_json::{Value, json};

use super::digest;
use super::left::is_link;
use super::stamp::Stamp;

/// Largest file that is stored, in bytes: what the store keeps as one object.
const STORED_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The folder of the run directory whose files are artifacts.
const FOLDER: &str = "artifacts";

/// What was found, and what was not.
#[derive(Debug, Default)]
pub(crate) struct Artifacts {
    /// `{path, sha256, bytes, stored}`, sorted by path.
    pub(crate) entries: Vec<Value>,
    /// What was left out, and why.
    pub(crate) warnings: Vec<String>,
    /// The files that are among the artifacts, as they were to be.
    taken: BTreeSet<PathBuf>,
}

/// A file that may become an artifact.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    /// Its path in the document.
    name: String,
    at: PathBuf,
    is_stored: bool,
}

impl Artifacts {
    /// Reads what lies in `directory`, and what `attach` names there or in the working directory;
    /// the latter is stored in the ledger, which keeps nothing of its own `store`.
    pub(crate) fn read(
        directory: &Path,
        attach: &[PathBuf],
        ledger: &Ledger,
        store: &Path,
    ) -> Self {
        let mut found = Self::default();
        let mut candidates = Vec::new();
        let own = directory.join(FOLDER);
        match own.symlink_metadata() {
            Ok(_) if is_link(directory) => found.warnings.push(format!(
                "`{}` is a link and is not followed: no artifact is listed",
                directory.display()
            )),
            Ok(found_there) if found_there.is_dir() => {
                found.list(&own, "", false, &mut candidates);
            }
            Ok(_) => found.warnings.push(format!(
                "`{}` is no folder and is not followed: no artifact is listed",
                own.display()
            )),
            Err(_nothing_there) => {}
        }
        for named in attach {
            found.attached(directory, named, store, &mut candidates);
        }
        // One file may be found in the folder and named too: stored goes before not.
        candidates.sort_by(|a, b| (&a.name, b.is_stored).cmp(&(&b.name, a.is_stored)));
        candidates.dedup_by(|later, first| {
            let is_same_name = later.name == first.name;
            if is_same_name && later.at != first.at {
                found.warnings.push(format!(
                    "`{}` is left out: `{}` has the same name among the artifacts",
                    later.at.display(),
                    first.at.display()
                ));
            }
            is_same_name
        });
        for candidate in candidates {
            match entry(&candidate, ledger) {
                Ok((entry, warning)) => {
                    found.entries.push(entry);
                    // A warning says that it was to be stored and is not.
                    if warning.is_none() {
                        found.taken.insert(candidate.at);
                    }
                    found.warnings.extend(warning);
                }
                Err(reason) => found.warnings.push(format!(
                    "the artifact `{}` is left out: it {reason}",
                    candidate.name
                )),
            }
        }
        found
    }

    /// Tells whether the file at `path` is among them, stored where that was asked for.
    pub(crate) fn has(&self, path: &Path) -> bool {
        self.taken.contains(path)
    }

    fn attached(
        &mut self,
        directory: &Path,
        named: &Path,
        store: &Path,
        candidates: &mut Vec<Candidate>,
    ) {
        // `./m` is `m`, so that one file has one name.
        let clean: PathBuf = named
            .components()
            .filter(|part| *part != Component::CurDir)
            .collect();
        let inside = directory.join(&clean);
        // A path that leads out of the run directory, or names nothing in it, is meant from where
        // the caller stands.
        let stays_inside = clean
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let names_something = clean.components().next().is_some();
        let (at, name) = if stays_inside && names_something && inside.symlink_metadata().is_ok() {
            if leads_through_a_link(directory, &clean) {
                self.warnings.push(format!(
                    "`--attach {}` is left out: it leads through a link, which is not followed",
                    named.display()
                ));
                return;
            }
            (inside, clean.strip_prefix(FOLDER).unwrap_or(&clean))
        } else {
            (named.to_path_buf(), clean.as_path())
        };
        let Some(name) = name.to_str() else {
            self.warnings.push(format!(
                "`--attach {}` is left out: its name is not UTF-8",
                named.display()
            ));
            return;
        };
        match at.symlink_metadata() {
            Ok(found) if found.is_symlink() => self.warnings.push(format!(
                "`--attach {}` is left out: it is a link, which is not followed",
                named.display()
            )),
            Ok(found) if found.is_dir() && holds(&at, store) => self.warnings.push(format!(
                "`--attach {}` is left out: it holds the store, or a part of it",
                named.display()
            )),
            Ok(found) if found.is_dir() => self.list(&at, name, true, candidates),
            Ok(_) => candidates.push(Candidate {
                name: name.to_owned(),
                at,
                is_stored: true,
            }),
            Err(_nothing_there) => self.warnings.push(format!(
                "`--attach {}` is left out: the command left nothing there",
                named.display()
            )),
        }
    }

    fn list(&mut self, folder: &Path, name: &str, is_stored: bool, to: &mut Vec<Candidate>) {
        let mut left_out = |path: &Path, reason: &str| {
            self.warnings.push(format!(
                "the artifact `{}` is left out: it {reason}",
                path.display()
            ));
        };
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return left_out(folder, &format!("cannot be listed ({error})")),
        };
        let mut folders = Vec::new();
        for entry in entries.filter_map(Result::ok) {
            let at = entry.path();
            let Some(own) = entry.file_name().to_str().map(str::to_owned) else {
                left_out(&at, "has a name that is not UTF-8");
                continue;
            };
            let name = if name.is_empty() {
                own
            } else {
                format!("{}/{own}", name.trim_end_matches('/'))
            };
            match entry.file_type() {
                Ok(kind) if kind.is_file() => to.push(Candidate {
                    name,
                    at,
                    is_stored,
                }),
                Ok(kind) if kind.is_dir() => folders.push((at, name)),
                Ok(kind) if kind.is_symlink() => left_out(&at, "is a link, which is not followed"),
                Ok(_) => left_out(&at, "is no ordinary file"),
                Err(error) => left_out(&at, &format!("cannot be looked at ({error})")),
            }
        }
        for (folder, name) in folders {
            self.list(&folder, &name, is_stored, to);
        }
    }
}

/// Tells whether `directory`, or one of the folders on the way from it to the file at `path`, is a
/// link.
fn leads_through_a_link(directory: &Path, path: &Path) -> bool {
    let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
    above.retain(|folder| !folder.as_os_str().is_empty());
    is_link(directory) || above.iter().any(|folder| is_link(&directory.join(folder)))
}

/// Tells whether a folder holds the store, or is a part of it.
fn holds(folder: &Path, store: &Path) -> bool {
    match (folder.canonicalize(), store.canonicalize()) {
        (Ok(folder), Ok(store)) => store.starts_with(&folder) || folder.starts_with(&store),
        _ => false,
    }
}

/// Returns the entry of a file, and what should be said beside it.
fn entry(candidate: &Candidate, ledger: &Ledger) -> Result<(Value, Option<String>), String> {
    let cannot = |error: io::Error| format!("cannot be read ({error})");
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let open = || open(&candidate.at, flags, Mode::empty()).map(File::from);
    for _ in 0..2 {
        let mut file = open().map_err(|error| cannot(error.into()))?;
        let found = file.metadata().map_err(cannot)?;
        if !found.is_file() {
            return Err("is no ordinary file".to_owned());
        }
        let before = Stamp::of(&found);
        let (sha256, bytes) = digest::of_rest(&mut file).map_err(cannot)?;
        let mut entry = json!({ "path": candidate.name, "sha256": sha256, "bytes": bytes });
        let mut warning = None;
        if candidate.is_stored && bytes > STORED_BYTES_MAX {
            warning = Some(format!(
                "`{}` has {bytes} bytes: its digest is recorded, the file is not stored (at most \
                 {STORED_BYTES_MAX} bytes are)",
                candidate.name
            ));
        } else if candidate.is_stored {
            let mut content = Vec::new();
            file.rewind().map_err(cannot)?;
            file.take(STORED_BYTES_MAX + 1)
                .read_to_end(&mut content)
                .map_err(cannot)?;
            if runstone::core::digest::Digest::of(&content) != sha256 {
                continue;
            }
            match ledger.keep(&content) {
                Ok(_) => entry["stored"] = Value::Bool(true),
                Err(error) => {
                    warning = Some(format!(
                        "`{}` could not be stored, its digest is recorded: {error}",
                        candidate.name
                    ));
                }
            }
        }
        if Stamp::at(&candidate.at) == Some(before) {
            return Ok((entry, warning));
        }
    }
    Err("changed while it was read".to_owned())
}
