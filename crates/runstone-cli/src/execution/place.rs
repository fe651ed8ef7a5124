//! A place on the disk that may be moved: a folder, and where it is now.
//!
//! The invariant: a path that is returned leads to that folder, if any is known that does. What
//! lies in it is left to the ledger.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};

/// A folder that was opened under a path.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// Itself; nothing where it could not be opened.
    folder: Option<File>,
}

impl Place {
    /// Opens the folder at `path`.
    pub(crate) fn at(path: PathBuf) -> Self {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = open(&path, flags, Mode::empty()).ok().map(File::from);
        Self { path, folder }
    }

    /// Returns the path it was opened under.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where it is now: under its path if it is there still, else where the kernel says;
    /// its path where nobody knows.
    pub(crate) fn now(&self) -> PathBuf {
        let elsewhere = self.folder.as_ref().and_then(|folder| {
            if self.leads_here(&self.path) {
                return None;
            }
            let link = format!("/proc/self/fd/{}", folder.as_raw_fd());
            std::fs::read_link(link).ok()
        });
        elsewhere
            .filter(|path| self.leads_here(path))
            .unwrap_or_else(|| self.path.clone())
    }

    fn leads_here(&self, path: &Path) -> bool {
        let own = self.folder.as_ref().and_then(|it| it.metadata().ok());
        let found = path.metadata().ok();
        own.zip(found)
            .is_some_and(|(own, found)| (own.dev(), own.ino()) == (found.dev(), found.ino()))
    }
}
