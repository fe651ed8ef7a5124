//! Where the settings files are, and whom they must belong to.
//!
//! The user file is `$XDG_CONFIG_HOME/runstone/config.toml`, else below `~/.config`. The project
//! file is the nearest `runstone.toml` from the working directory upward, as far as the same
//! device reaches; it counts if it belongs to the caller, was named by `RUNSTONE_PROJECT_FILE`, or
//! lies beside a store that the user file calls safe.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, lstat, stat};

use super::error::SettingsError;
use crate::env_vars;

/// The name of a project's settings file.
pub(crate) const PROJECT_FILE: &str = "runstone.toml";
/// The value of `RUNSTONE_PROJECT_FILE` that says there is none.
const NO_PROJECT_FILE: &str = "none";

/// Where the settings files are, whether or not they exist.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// The caller's own file; nothing without a home directory.
    pub(crate) user: Option<PathBuf>,
    /// The project's file; nothing where none was found.
    pub(crate) project: Option<PathBuf>,
    /// Whether the caller named the project's file.
    pub(super) is_project_named: bool,
    pub(super) home: Option<PathBuf>,
}

impl Places {
    /// Looks where the files are.
    pub(crate) fn look() -> Self {
        let absolute = |path: &PathBuf| path.is_absolute();
        let home = env_vars::read_path(env_vars::HOME).filter(absolute);
        // A relative `XDG_CONFIG_HOME` is to be ignored, the specification says.
        let config = env_vars::read_path(env_vars::XDG_CONFIG_HOME)
            .filter(absolute)
            .or_else(|| home.as_ref().map(|home| home.join(".config")));
        let named = env_vars::read_path(env_vars::PROJECT_FILE);
        let project = match &named {
            Some(path) if path == Path::new(NO_PROJECT_FILE) => None,
            Some(path) => Some(path.clone()),
            None => upward().find(|path| lstat(path).is_ok()),
        };
        Self {
            user: config
                .map(|folder| folder.join("runstone/config.toml"))
                .filter(|path| may_be_looked_for(path)),
            project,
            is_project_named: named.is_some(),
            home,
        }
    }

    /// Refuses a project file of another user, unless it was named or is called safe.
    pub(super) fn demand_own_project(&self, safe: &[PathBuf]) -> Result<(), SettingsError> {
        let Some(path) = &self.project else {
            return Ok(());
        };
        let folder = path.parent().unwrap_or(path);
        match owner_if_foreign(path) {
            Some(owner) if !self.is_project_named && !is_project_safe(folder, safe) => {
                Err(SettingsError::Foreign {
                    path: path.clone(),
                    owner,
                    user_file: self.user.clone(),
                })
            }
            _ => Ok(()),
        }
    }
}

/// Returns where the caller's own store is, for what needs none of a project; nothing without a
/// home directory.
pub(super) fn own_store() -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let home = || env_vars::read_path(env_vars::HOME).filter(absolute);
    // A relative `XDG_DATA_HOME` is to be ignored, the specification says.
    let data = env_vars::read_path(env_vars::XDG_DATA_HOME)
        .filter(absolute)
        .or_else(|| Some(home()?.join(".local/share")));
    Some(data?.join("runstone"))
}

/// Tells whether the caller may look for their file at all. Where the home is another user's (after
/// `sudo`, in a container), nothing in it is theirs, and a run must not be lost for it.
fn may_be_looked_for(path: &Path) -> bool {
    !path
        .metadata()
        .is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

/// Every place a project file may have, nearest first, without a look at another device.
fn upward() -> impl Iterator<Item = PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    folders_upward(&here)
        .into_iter()
        .map(|folder| folder.join(PROJECT_FILE))
}

/// Returns `here` and the folders above it that are on the same file system.
pub(super) fn folders_upward(here: &Path) -> Vec<PathBuf> {
    let device = |path: &Path| stat(path).ok().map(|found| found.st_dev);
    let start = device(here);
    here.ancestors()
        .take_while(|folder| device(folder) == start)
        .map(Path::to_path_buf)
        .collect()
}

/// Returns the owner of a name, or of what it leads to, if that is not the caller.
pub(super) fn owner_if_foreign(path: &Path) -> Option<u32> {
    let caller = rustix::process::geteuid().as_raw();
    [lstat(path), stat(path)]
        .into_iter()
        .flatten()
        .map(|found| found.st_uid)
        .find(|owner| *owner != caller)
}

/// Tells whether a store that was found in a folder is called safe: the folder, or what its
/// `.runstone` leads to.
pub(super) fn is_store_safe(folder: &Path, safe: &[PathBuf]) -> bool {
    is_listed(&[folder.to_owned(), folder.join(super::STORE_DIR)], safe)
}

/// Tells whether the project file of a folder may be believed: the folder is called safe, or the
/// store that lies in it. A link decides nothing: whoever can write here can make one to a store
/// that the caller trusts.
fn is_project_safe(folder: &Path, safe: &[PathBuf]) -> bool {
    let store = folder.join(super::STORE_DIR);
    let is_here = lstat(&store)
        .is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Directory);
    let mut trusted = vec![folder.to_owned()];
    trusted.extend(is_here.then_some(store));
    is_listed(&trusted, safe)
}

fn is_listed(places: &[PathBuf], safe: &[PathBuf]) -> bool {
    let whole = |path: &PathBuf| path.canonicalize().ok();
    let places: Vec<PathBuf> = places.iter().filter_map(whole).collect();
    safe.iter()
        .filter_map(whole)
        .any(|path| places.contains(&path))
}
