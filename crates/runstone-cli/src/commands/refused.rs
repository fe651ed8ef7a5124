//! `runstone record --refused`: what `run` could not record, recorded after all.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use runstone::profiles::ProfileChoice;
use runstone::refused::RefusedRun;
use runstone::{Ledger, RecordRequest, Recorded};
use serde_json::{Map, Value};

use crate::error::CliError;
use crate::execution::JsonFile;
use crate::values::read_input;

/// The name of the file in a run directory that holds what the store could not take.
const FILE: &str = "refused.json";

/// A refused run that is being finished.
#[derive(Debug)]
pub(super) struct Refused {
    run: RefusedRun,
    /// The file it came from, if it is not the store's.
    file: Option<PathBuf>,
}

impl Refused {
    /// Finds the refused run that `name` names: the beginning of its nonce, or a file.
    pub(super) fn find(ledger: &Ledger, name: &str) -> Result<Self, CliError> {
        let path = Path::new(name);
        if name.contains('/') || path.is_file() {
            let bytes = read_input(path)?;
            return Ok(Self {
                run: RefusedRun::from_bytes(&bytes, &format!("`{name}`"))?,
                file: Some(path.to_path_buf()),
            });
        }
        Ok(Self {
            run: ledger.refused(name)?,
            file: None,
        })
    }

    /// Returns the request that records it, with what is mended in the files its command left, and
    /// a warning for each of them that is gone.
    pub(super) fn request(
        &self,
        profile: ProfileChoice,
    ) -> Result<(RecordRequest, Vec<String>), CliError> {
        let mut gone = Vec::new();
        let mut run = self.run.clone();
        let text = |member: &str| {
            let value = run.document.get(member).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let (run_id, stage) = (text("run_id"), text("stage"));
        for unread in &self.run.unread {
            let file = JsonFile::at(unread.path.clone());
            // Whoever removed the file wants the run without it; whose temporary folder was swept
            // does not know yet.
            let Some(mut object) = file.read_as(&run_id, &stage)? else {
                gone.push(format!(
                    "recorded without `{}`, which could not be read and is gone",
                    unread.path.display()
                ));
                continue;
            };
            if unread.joins.is_empty() {
                deepen(&mut object, &run.document);
                run.document = object;
                continue;
            }
            if let Some(Value::Object(given)) = run.document.get(&unread.joins) {
                deepen(&mut object, given);
            }
            run.document
                .insert(unread.joins.clone(), Value::Object(object));
        }
        Ok((run.request(profile), gone))
    }

    /// Removes it, now that it is recorded.
    pub(super) fn forget(self, ledger: &Ledger, recorded: &Recorded) -> Result<(), CliError> {
        match self.file {
            None => Ok(ledger.forget_refused(&self.run.nonce)?),
            Some(path) => std::fs::remove_file(&path).map_err(|source| CliError::Unanswered {
                place: recorded.place.to_string(),
                source,
            }),
        }
    }
}

/// Keeps a refused run in a run directory, where the store could not take it, and returns its path.
pub(super) fn keep_in(folder: &Path, refused: &RefusedRun) -> Result<String, CliError> {
    let path = folder.join(FILE);
    let kept = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .and_then(|mut file| {
            file.write_all(&refused.to_bytes())?;
            file.sync_all()
        });
    match kept {
        Ok(()) => Ok(path.to_string_lossy().into_owned()),
        Err(source) => Err(CliError::NoRunDirectory {
            parent: folder.to_path_buf(),
            source,
        }),
    }
}

/// Lays `over` over `object`, member by member, however deep.
pub(super) fn deepen(object: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, value) in over {
        match (object.get_mut(key), value) {
            (Some(Value::Object(below)), Value::Object(value)) => deepen(below, value),
            _ => {
                object.insert(key.clone(), value.clone());
            }
        }
    }
}
