//! Which store a command works on.
//!
//! `--store`, else `RUNSTONE_STORE`, else `.runstone/` found upward from the working directory.
//! The search stops at a mount point and takes only a store that belongs to the caller: a store
//! someone else left in a parent folder has to be named.

use std::path::{Path, PathBuf};

use runstone::Ledger;
use rustix::fs::{Stat, stat};

use crate::env_vars;
use crate::error::CliError;

/// The name of a store within a project.
pub(crate) const STORE_DIR: &str = ".runstone";

/// What the caller says beside the command.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    store: Option<PathBuf>,
}

impl Settings {
    /// Settles what the options of every command leave open.
    pub(crate) fn of(store: Option<PathBuf>) -> Self {
        Self { store }
    }

    /// Returns the store as `--store` names it.
    pub(crate) fn named_store(&self) -> Option<&Path> {
        self.store.as_deref()
    }

    /// Opens the store a command works on.
    pub(crate) fn open_ledger(&self) -> Result<Ledger, CliError> {
        Ok(Ledger::open_with(&self.find_store()?, env_vars::clock())?)
    }

    /// Returns the directory of the store that is named, or found.
    pub(crate) fn find_store(&self) -> Result<PathBuf, CliError> {
        match self
            .store
            .clone()
            .or_else(|| env_vars::read(env_vars::STORE).map(PathBuf::from))
        {
            Some(path) => directory(path),
            None => find_upward(),
        }
    }
}

/// Refuses addresses of engines that do not exist.
pub(crate) fn directory(path: PathBuf) -> Result<PathBuf, CliError> {
    match path.to_str().and_then(|text| text.split_once("://")) {
        Some((scheme, _)) => Err(CliError::usage(
            format!("there is no engine for `{scheme}://` in this release"),
            "name a directory",
        )),
        None => Ok(path),
    }
}

fn find_upward() -> Result<PathBuf, CliError> {
    let here = std::env::current_dir().map_err(|source| CliError::Unreadable {
        path: PathBuf::from("."),
        source,
    })?;
    let not_found = |searched: String, hint: &str| CliError::NoStore {
        searched,
        hint: hint.to_owned(),
    };
    let device = |path: &Path| stat(path).ok().map(|found: Stat| found.st_dev);
    let start = device(&here);
    for folder in here.ancestors() {
        if device(folder) != start {
            return Err(not_found(
                format!(
                    "looked from `{}` up to the mount point below `{}`",
                    here.display(),
                    folder.display()
                ),
                "make one with `runstone init`, or name one with `--store`",
            ));
        }
        let candidate = folder.join(STORE_DIR);
        let Ok(found) = stat(candidate.join("runstone.json")) else {
            continue;
        };
        let caller = rustix::process::geteuid().as_raw();
        if found.st_uid != caller {
            return Err(not_found(
                format!("`{}` belongs to user {}", candidate.display(), found.st_uid),
                &format!("say that you trust it: `--store {}`", candidate.display()),
            ));
        }
        return Ok(candidate);
    }
    Err(not_found(
        format!("looked for `{STORE_DIR}` in `{}` and above", here.display()),
        "make one with `runstone init`, or name one with `--store`",
    ))
}
