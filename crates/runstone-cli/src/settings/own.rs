//! The caller's own store, for environments where no other is.
//!
//! An environment needs no project. `env` works on the store of runs where there is one; else on
//! `$XDG_DATA_HOME/runstone`, which is an ordinary store that nobody else may read, made when
//! something is first kept. The invariant: reading makes nothing.

use std::path::PathBuf;

use runstone::Ledger;
use runstone::init::{InitRequest, in_memory, init_with};
use runstone::store::Modes;
use rustix::fs::lstat;

use super::Settings;
use super::places::own_store;
use super::store::foreign_owner;
use crate::env_vars;
use crate::error::CliError;

/// The experiment of runs that are recorded into the caller's own store and name none.
const EXPERIMENT: &str = "environments";
/// Folders that no store is without once it holds anything.
const LOGS: [&str; 2] = ["cohorts", "environments"];

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Something is kept in it.
    Keeping,
    /// It is read.
    Reading,
}

impl Settings {
    /// Opens the store that environments are kept in: that of runs where there is one, else the
    /// caller's own. Where there is none either it is made for keeping, and empty for reading.
    pub(crate) fn open_environments(&self, purpose: Purpose) -> Result<Ledger, CliError> {
        let without = match self.find_store() {
            Ok(_) => return self.open_ledger(),
            Err(CliError::NoStore { searched, .. }) => searched,
            Err(error) => return Err(error),
        };
        let Some(path) = own_store() else {
            return Err(CliError::NoStore {
                searched: format!("{without}, and neither `XDG_DATA_HOME` nor `HOME` is set"),
                hint: "make one with `runstone init`, or name one with `--store`".to_owned(),
            });
        };
        let clock = env_vars::clock();
        // Others may be making it: there is a folder before it is a store.
        let has_descriptor = lstat(path.join("runstone.json")).is_ok();
        let has_folder = has_descriptor || lstat(&path).is_ok();
        if has_folder {
            demand_own(path.clone())?;
        }
        let is_there = match purpose {
            Purpose::Keeping => has_descriptor,
            // What was not made to the end holds no log; without its descriptor a store is lost.
            Purpose::Reading => {
                has_descriptor || LOGS.iter().any(|logs| lstat(path.join(logs)).is_ok())
            }
        };
        let ledger = match (is_there, purpose) {
            (true, _) => Ledger::open_with(&path, clock)?,
            (false, Purpose::Reading) => in_memory(clock)?,
            (false, Purpose::Keeping) => {
                let request = InitRequest {
                    experiment: Some(EXPERIMENT.to_owned()),
                    modes: Some(Modes::Private),
                    ..InitRequest::default()
                };
                init_with(&path, &request, clock)?.ledger
            }
        };
        Ok(ledger.knowing(env_vars::names()))
    }
}

/// Refuses a store of another user, which decides nothing unless it is named.
fn demand_own(path: PathBuf) -> Result<(), CliError> {
    match foreign_owner(&path) {
        Some(owner) => Err(CliError::ForeignStore { path, owner }),
        None => Ok(()),
    }
}
