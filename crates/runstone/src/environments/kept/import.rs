//! Keeping what others wrote down: a file of one of the formats that are read, or the folders of an
//! earlier tool.
//!
//! What a format says is decided by `runstone-env`; here it gets its place beside what was
//! captured. The invariant: an environment that was imported says so, and where it comes from; a
//! folder of the earlier tool that is kept already is kept once.

use std::path::Path;

use runstone_core::note::NoteText;
use runstone_env::import::earlier::{self, Earlier};
use runstone_env::import::{Format, Imported, NotTaken, import};
use runstone_env::{Root, RootError};
use serde_json::{Map, Value, json};

use super::create::{Created, Keeping};
use super::log::{EnvironmentLog, KeptEnvironment};
use crate::error::{Error, chain};
use crate::open::Ledger;

/// What says of an entry that it was imported, in the record of its capture.
const IMPORTED: &str = "imported";
/// What the folders of the earlier tool are called as a format.
const EARLIER: &str = "earlier";

/// A file that was imported.
#[derive(Debug, Clone)]
pub struct ImportedFile {
    /// What is kept now.
    pub created: Created,
    /// The format it was read as.
    pub format: Format,
    /// What of the file is not in the environment.
    pub not_taken: Vec<NotTaken>,
}

/// The folders of the earlier tool, imported.
#[derive(Debug, Clone)]
pub struct ImportedFolders {
    /// Each snapshot, in the order of their names.
    pub snapshots: Vec<ImportedSnapshot>,
    /// Names of what is no snapshot.
    pub passed_over: Vec<String>,
}

/// A folder of the earlier tool.
#[derive(Debug, Clone)]
pub struct ImportedSnapshot {
    /// Its name.
    pub id: String,
    /// What became of it.
    pub outcome: SnapshotOutcome,
}

/// What became of a folder of the earlier tool.
#[derive(Debug, Clone)]
pub enum SnapshotOutcome {
    /// It is kept now.
    Kept {
        /// What is kept.
        created: Created,
        /// What of it is not in the environment.
        not_taken: Vec<NotTaken>,
    },
    /// It was kept before.
    Already(KeptEnvironment),
    /// It could not be read, or not be kept.
    Not {
        /// Why, as a sentence fragment for people.
        reason: String,
    },
}

impl ImportedFile {
    /// Returns the stable JSON form, schema `runstone.env-import/1`.
    pub fn to_json(&self) -> Value {
        let mut row = row(&self.created, &self.not_taken);
        row["format"] = json!(self.format.as_str());
        document(&[row], &[])
    }
}

impl ImportedFolders {
    /// Tells whether something of a snapshot could not be taken over, or all of it.
    pub fn is_partly_done(&self) -> bool {
        let mut outcomes = self.snapshots.iter().map(|it| &it.outcome);
        outcomes.any(|it| match it {
            SnapshotOutcome::Kept { not_taken, .. } => !not_taken.is_empty(),
            SnapshotOutcome::Already(_) => false,
            SnapshotOutcome::Not { .. } => true,
        })
    }

    /// Returns the stable JSON form, schema `runstone.env-import/1`.
    pub fn to_json(&self) -> Value {
        let rows = self.snapshots.iter().map(|snapshot| {
            let mut row = match &snapshot.outcome {
                SnapshotOutcome::Kept { created, not_taken } => row(created, not_taken),
                SnapshotOutcome::Already(kept) => {
                    let mut row = kept.to_json();
                    row[IMPORTED] = json!("already");
                    row["reason"] = Value::Null;
                    row["not_taken"] = json!([]);
                    row["warnings"] = json!([]);
                    row
                }
                SnapshotOutcome::Not { reason } => json!({
                    IMPORTED: "not",
                    "id": null,
                    "digest": null,
                    "reason": reason,
                    "not_taken": [],
                    "warnings": [],
                }),
            };
            row["format"] = json!(EARLIER);
            row["from"] = json!(snapshot.id);
            row
        });
        document(&rows.collect::<Vec<_>>(), &self.passed_over)
    }
}

fn document(environments: &[Value], passed_over: &[String]) -> Value {
    json!({
        "schema": "runstone.env-import/1",
        "environments": environments,
        "passed_over": passed_over,
    })
}

fn row(created: &Created, not_taken: &[NotTaken]) -> Value {
    let mut row = created.kept.to_json();
    let not_taken = not_taken
        .iter()
        .map(|it| json!({ "place": it.place, "item": it.item, "reason": it.reason }));
    row[IMPORTED] = json!("new");
    row["reason"] = Value::Null;
    row["not_taken"] = not_taken.collect();
    row["warnings"] = json!(created.warnings);
    row
}

impl Ledger {
    /// Keeps the environment that `bytes` describe; `name` is what the caller calls them, such as
    /// `` `pins.txt` ``. Without a format it is the one that they look like.
    ///
    /// # Durability
    /// As [`Ledger::create_environment`].
    ///
    /// # Errors
    /// [`Error::NotImported`] if they are none of the format; else as
    /// [`Ledger::import_environment`].
    pub fn import_file(
        &self,
        name: &str,
        bytes: &[u8],
        format: Option<Format>,
        keeping: Keeping,
    ) -> Result<ImportedFile, Error> {
        let format = format.unwrap_or_else(|| Format::of(bytes));
        let profile = self.profile_of_environments()?;
        let imported = import(bytes, format, &profile.redaction);
        let imported = imported.map_err(|source| Error::NotImported {
            name: name.to_owned(),
            source,
        })?;
        let origin = origin(format.as_str(), &imported);
        let mut created = self.import_environment(&imported.environment, &origin, keeping)?;
        created.warnings.splice(..0, imported.warnings);
        Ok(ImportedFile {
            created,
            format,
            not_taken: imported.not_taken,
        })
    }

    /// Keeps every snapshot in a folder of the earlier tool. One that cannot be read does not stop
    /// the others; one that is kept already is not kept again.
    ///
    /// # Durability
    /// As [`Ledger::create_environment`], of each that is told to be kept.
    ///
    /// # Errors
    /// [`Error::Usage`] if the folder cannot be listed; [`Error::Store`] if the log of environments
    /// cannot be read.
    pub fn import_folders(
        &self,
        folder: &Path,
        keeping: &Keeping,
    ) -> Result<ImportedFolders, Error> {
        let profile = self.profile_of_environments()?;
        let found = Root::at(folder).and_then(|root| earlier::read(&root, &profile.redaction));
        let found = found.map_err(|error| no_folder(folder, &error))?;
        let log = self.kept_environments()?;
        let snapshots = found.snapshots.into_iter().map(|earlier| {
            let Earlier { id, imported } = earlier;
            let outcome = match imported {
                Ok(imported) => self.outcome(&id, imported, &log, keeping),
                Err(error) => SnapshotOutcome::Not {
                    reason: chain(&error),
                },
            };
            ImportedSnapshot { id, outcome }
        });
        Ok(ImportedFolders {
            snapshots: snapshots.collect(),
            passed_over: found.passed_over,
        })
    }

    fn outcome(
        &self,
        id: &str,
        imported: Imported,
        log: &EnvironmentLog,
        keeping: &Keeping,
    ) -> SnapshotOutcome {
        let digest = imported.environment.digests().environment;
        let is_it = |kept: &&KeptEnvironment| {
            let named = kept.entry.environment.captured(IMPORTED);
            let named = named.and_then(|it| it.get("id")).and_then(Value::as_str);
            named == Some(id) && kept.digest() == digest
        };
        if let Some(kept) = log.listed().find(is_it) {
            return SnapshotOutcome::Already(kept.clone());
        }
        let mut origin = origin(EARLIER, &imported);
        origin.insert("id".to_owned(), json!(id));
        let mut keeping = keeping.clone();
        if keeping.description.is_none() {
            // What was said when it was made. Words that cannot stand in an entry are told beside.
            let said = imported.told.get("description").and_then(Value::as_str);
            keeping.description = said.and_then(|it| NoteText::new(it).ok());
        }
        match self.import_environment(&imported.environment, &origin, keeping) {
            Ok(mut created) => {
                created.warnings.splice(..0, imported.warnings);
                SnapshotOutcome::Kept {
                    created,
                    not_taken: imported.not_taken,
                }
            }
            Err(error) => SnapshotOutcome::Not {
                reason: chain(&error),
            },
        }
    }
}

/// Returns what is kept beside the document: how it came, and what its file tells of itself.
fn origin(format: &str, imported: &Imported) -> Map<String, Value> {
    let mut origin = Map::new();
    origin.insert("format".to_owned(), json!(format));
    origin.insert("not_taken".to_owned(), json!(imported.not_taken.len()));
    if !imported.told.is_empty() {
        origin.insert("told".to_owned(), Value::Object(imported.told.clone()));
    }
    origin
}

fn no_folder(folder: &Path, error: &RootError) -> Error {
    Error::Usage {
        what: format!("`{}` cannot be listed: {}", folder.display(), chain(error)),
        hint: "name the folder that holds the snapshots, `runstone env import --from DIR`"
            .to_owned(),
    }
}
