//! The runs under way, as they are listed.
//!
//! The invariant: what is recorded is not listed, though nobody came to say so; what cannot be read
//! is named.

use runstone_core::snapshot::Captured;
use runstone_store::{CohortName, KeyText, Room, ShelfPath};
use serde_json::{Value, json};

use super::notice::Started;
use super::sight::{Host, State};
use crate::error::Error;
use crate::open::Ledger;

/// A run under way, and what this host knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderWay {
    /// The run.
    pub started: Started,
    /// Whether its process is still there.
    pub state: State,
}

impl UnderWay {
    /// Returns the row as JSON.
    pub fn to_json(&self) -> Value {
        let Started {
            run_id,
            stage,
            process,
            started_at,
            ..
        } = &self.started;
        json!({
            "run_id": run_id,
            "stage": stage,
            "host": process.host,
            "started_at": started_at,
            "state": self.state.as_str(),
        })
    }
}

/// What lies below `started/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunsUnderWay {
    /// The runs, those that began last first.
    pub rows: Vec<UnderWay>,
    /// What lies there and could not be read, each with its path and why.
    pub unreadable: Vec<String>,
}

impl Ledger {
    /// Returns the runs under way. What is recorded, though nobody came to say so, is left out;
    /// what cannot be read is named beside them.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be read.
    pub fn under_way(&self, host: &dyn Host) -> Result<RunsUnderWay, Error> {
        let room = ShelfPath::of(Room::Started);
        let mut found = RunsUnderWay::default();
        for folder in self.store.shelf().list(&room)? {
            let Ok(path) = room.below(&folder.name) else {
                continue;
            };
            if !folder.is_folder {
                continue;
            }
            let entries = self.started_in(&path);
            found.unreadable.extend(entries.unreadable);
            for started in entries.started {
                if !self.is_recorded(&started)? {
                    let state = started.state(host);
                    found.rows.push(UnderWay { started, state });
                }
            }
        }
        found.rows.sort_by(|a, b| {
            let by = |row: &UnderWay| (row.started.started_at.clone(), row.started.nonce.clone());
            by(b).cmp(&by(a))
        });
        Ok(found)
    }

    /// Tells whether the execution was recorded, though its entry is still there: its wrapper was
    /// killed between the two.
    fn is_recorded(&self, started: &Started) -> Result<bool, Error> {
        let foreseen: Option<CohortName> = started
            .cohort
            .as_ref()
            .and_then(|cohort| cohort.parse().ok());
        let others = self.store.cohorts("", None)?;
        for cohort in foreseen.into_iter().chain(others) {
            let key_of = |attempt: u32| KeyText {
                run: started.run_id.clone(),
                stage: started.stage.clone(),
                cohort: cohort.clone(),
                attempt,
            };
            // The attempt it was told to be may lie behind a gap, where the walk does not come.
            if let Some(told) = started.attempt
                && self.is_recorded_at(&key_of(told), started)?
            {
                return Ok(true);
            }
            for attempt in 0..=u32::MAX {
                let key = key_of(attempt);
                // A claim without a recording is passed by whoever looks for a free attempt.
                if self.store.claim(&key)?.is_none() {
                    break;
                }
                if self.is_recorded_at(&key, started)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Tells whether what is recorded at `key` is this execution. What is damaged there is named by
    /// those who list snapshots, and is not known to be.
    fn is_recorded_at(&self, key: &KeyText, started: &Started) -> Result<bool, Error> {
        let Some(committed) = self.store.find(key)? else {
            return Ok(false);
        };
        let stored = match self.stored(&key.cohort, committed.seq) {
            Ok(stored) => stored,
            Err(error) if error.costs_its_place_alone() => return Ok(false),
            Err(error) => return Err(error),
        };
        Ok(match &stored.snapshot.process {
            Captured::Known(process) => {
                process.get("execution").and_then(Value::as_str) == Some(&started.nonce)
            }
            Captured::NotCaptured { .. } => false,
        })
    }
}
