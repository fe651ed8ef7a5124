//! The run directory: where a command may leave results, fresh for every execution.
//!
//! It lies outside the store and is open to its owner alone. It is gone when its run was recorded;
//! when something could not be recorded it stays, and its path is said.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::CliError;

/// A folder for what one execution leaves behind.
#[derive(Debug)]
pub(crate) struct RunDirectory(TempDir);

impl RunDirectory {
    /// Makes one in the folder for temporary files.
    pub(crate) fn fresh(store: &Path) -> Result<Self, CliError> {
        let parent = std::env::temp_dir();
        let unusable = |source: io::Error| CliError::NoRunDirectory {
            parent: parent.clone(),
            source,
        };
        let whole = parent.canonicalize().map_err(unusable)?;
        if store
            .canonicalize()
            .is_ok_and(|store| whole.starts_with(store))
        {
            return Err(unusable(io::Error::other("it lies within the store")));
        }
        let made = tempfile::Builder::new()
            .prefix("runstone-run-")
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir_in(&whole)
            .map_err(unusable)?;
        Ok(Self(made))
    }

    /// Returns its path.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Removes it with all it holds. What cannot be removed costs room and nothing else.
    pub(crate) fn remove(self) -> Result<(), PathBuf> {
        let path = self.0.path().to_path_buf();
        match self.0.close() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(path),
            // A command may clear up after itself.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Leaves it where it is and returns its path.
    pub(crate) fn keep(self) -> PathBuf {
        self.0.keep()
    }
}
