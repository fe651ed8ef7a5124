//! Which store a command works on.
//!
//! `--store`, else `RUNSTONE_STORE`, else the nearest `.runstone` from the working directory
//! upward, else `store` of the user file. The search stops at a mount point, and at the first thing
//! called `.runstone`, whatever it is: to look past a broken store would record into another one.
//! What was found has to belong to the caller, or be called safe in the user file: a store someone
//! else left in a parent folder decides nothing unless it is named.

use std::path::{Path, PathBuf};

use runstone::Error;
use runstone::store::{NotAStore, StoreError};
use rustix::fs::lstat;

use super::places::{folders_upward, is_store_safe, owner_if_foreign};
use crate::error::CliError;

/// The name of a store within a project.
pub(crate) const STORE_DIR: &str = ".runstone";

/// What came of looking upward.
#[derive(Debug)]
pub(super) enum Search {
    /// A store of the caller, or one called safe.
    Found(PathBuf),
    /// Nothing, and where was looked.
    Nothing { searched: String },
}

/// Refuses addresses of engines that do not exist.
pub(crate) fn directory(path: PathBuf) -> Result<PathBuf, CliError> {
    match path.to_str().and_then(|text| text.split_once("://")) {
        // What follows may hold a password.
        Some((scheme, _)) => Err(CliError::usage(
            format!(
                "`{scheme}://…` is not a directory, and this release keeps stores in directories only"
            ),
            "name a directory, such as `--store .runstone`",
        )),
        None => Ok(path),
    }
}

/// Looks for a store from the working directory upward.
pub(super) fn find_upward(safe: &[PathBuf]) -> Result<Search, CliError> {
    let here = std::env::current_dir().map_err(|source| CliError::Unreadable {
        path: PathBuf::from("."),
        source,
    })?;
    let folders = folders_upward(&here);
    let found = folders
        .iter()
        .map(|folder| (folder, folder.join(STORE_DIR)))
        .find(|(_, candidate)| lstat(candidate).is_ok());
    let Some((folder, candidate)) = found else {
        let top = folders.last().filter(|top| top.parent().is_some());
        return Ok(Search::Nothing {
            searched: match top {
                Some(top) => format!(
                    "looked for `{STORE_DIR}` from `{}` up to the mount point `{}`",
                    here.display(),
                    top.display()
                ),
                None => format!("looked for `{STORE_DIR}` in `{}` and above", here.display()),
            },
        });
    };
    match foreign_owner(&candidate) {
        Some(owner) if !is_store_safe(folder, safe) => Err(CliError::ForeignStore {
            path: candidate,
            owner,
        }),
        _ => Ok(Search::Found(candidate)),
    }
}

/// Returns another user who could have made this store what it is.
pub(super) fn foreign_owner(candidate: &Path) -> Option<u32> {
    owner_if_foreign(candidate).or_else(|| owner_if_foreign(&candidate.join("runstone.json")))
}

/// Says of a folder that is no store itself which one lies in it.
pub(super) fn in_a_folder_of_it(error: Error, named: &Path) -> CliError {
    let within = named.join(STORE_DIR);
    let is_no_store = matches!(
        &error,
        Error::Store(StoreError::NotAStore {
            reason: NotAStore::Foreign,
            ..
        })
    );
    if is_no_store && within.is_dir() {
        return CliError::NoStore {
            searched: format!("`{}` holds no `runstone.json`", named.display()),
            hint: format!("name the store in it: `--store {}`", within.display()),
        };
    }
    error.into()
}
