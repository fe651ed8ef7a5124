//! What waits to be finished: a row for each refused run of the store.
//!
//! The invariant: a run is listed by the name that finds its file, whatever is in that, and a file
//! that cannot be read as one is named and costs its own row alone. How the rows look is left to
//! the faces.

use runstone_store::{Room, ShelfPath};
use serde_json::{Value, json};

use super::run::RefusedRun;
use crate::error::{Error, chain};
use crate::open::Ledger;

/// Digits of a nonce that name a refused run among all there ever are.
const NAME_SIZE: usize = 12;

/// A refused run, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// What it is finished by.
    pub name: String,
    /// The run, if its document says so.
    pub run_id: Option<String>,
    /// The stage, if its document says so.
    pub stage: Option<String>,
    /// How its command ended, if its document says so.
    pub status: Option<String>,
    /// When its command ended, by the clock of its host.
    pub finished_at: Option<String>,
    /// Why it was refused.
    pub reason: String,
}

/// What lies below `refused/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusedRuns {
    /// The runs, those that ended last first.
    pub rows: Vec<RefusedRow>,
    /// What lies there and could not be read, each with its path and why.
    pub unreadable: Vec<String>,
}

impl RefusedRow {
    fn of(name: String, refused: &RefusedRun) -> Self {
        let text = |member: &str| {
            let value = refused.document.get(member);
            value.and_then(Value::as_str).map(str::to_owned)
        };
        Self {
            name,
            run_id: text("run_id"),
            stage: text("stage"),
            status: text("status"),
            finished_at: text("finished_at"),
            reason: refused.reason.clone(),
        }
    }

    /// Returns the row as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "run_id": self.run_id,
            "stage": self.stage,
            "status": self.status,
            "finished_at": self.finished_at,
            "reason": self.reason,
        })
    }
}

impl RefusedRun {
    /// Returns the name by which it is finished where it was kept: the beginning of its nonce.
    pub fn name(&self) -> String {
        shortened(&self.nonce)
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(NAME_SIZE).collect()
}

impl Ledger {
    /// Lists the refused runs that the store keeps.
    ///
    /// # Errors
    /// [`Error::Store`] if they cannot be listed. A file that cannot be read is no error; it is
    /// named beside the rows.
    pub fn refused_runs(&self) -> Result<RefusedRuns, Error> {
        let shelf = self.store.shelf();
        let folder = ShelfPath::of(Room::Refused);
        let mut runs = RefusedRuns::default();
        let files = shelf.list(&folder)?;
        let names: Vec<&str> = files
            .iter()
            .filter_map(|file| file.name.strip_suffix(".json"))
            .collect();
        // A file that was copied or renamed by hand may share its beginning with another.
        let name_of = |whole: &str| match shortened(whole) {
            short if names.iter().filter(|it| it.starts_with(&short)).count() == 1 => short,
            _ => whole.to_owned(),
        };
        for file in &files {
            let Some(whole) = file.name.strip_suffix(".json") else {
                runs.unreadable
                    .push(format!("`{folder}/{}` is not named as one", file.name));
                continue;
            };
            let place = format!("{folder}/{}", file.name);
            let read = folder
                .below(&file.name)
                .map_err(|bad| bad.to_string())
                .and_then(|path| shelf.get(&path).map_err(|error| chain(&error)));
            let bytes = match read {
                Ok(Some(bytes)) => bytes,
                // Finished meanwhile.
                Ok(None) => continue,
                Err(why) => {
                    runs.unreadable.push(why);
                    continue;
                }
            };
            match RefusedRun::from_bytes(&bytes, &format!("`{place}`")) {
                Ok(refused) => runs.rows.push(RefusedRow::of(name_of(whole), &refused)),
                Err(error) => runs.unreadable.push(error.to_string()),
            }
        }
        runs.rows.sort_by(|a, b| {
            let by = |row: &RefusedRow| (row.finished_at.clone(), row.name.clone());
            by(b).cmp(&by(a))
        });
        Ok(runs)
    }
}
