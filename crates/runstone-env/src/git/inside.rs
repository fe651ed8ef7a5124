//! A path of the repository, gone down to without following a link.
//!
//! Where a folder was replaced by a link, what is tracked below it is gone, and what the link leads
//! to is somebody else's. The invariant: nothing outside of the work tree is opened. What is made
//! of what stands there belongs to others.

use std::ffi::OsStr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use gix::bstr::{BStr, ByteSlice as _};
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
use rustix::io::{Errno, Result};

/// The place of a path: the folder it is in, and its name there.
#[derive(Debug)]
pub(super) struct Place<'a> {
    folder: OwnedFd,
    name: &'a OsStr,
}

/// Goes down to `path` in a work tree. `None`: the folder it was in is none any more.
pub(super) fn place<'a>(work_tree: &Path, path: &'a BStr) -> Result<Option<Place<'a>>> {
    let folders = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut folder = fs::open(work_tree, folders, Mode::empty())?;
    let (above, name) = match path.rsplit_once_str("/") {
        Some((above, name)) => (above, name),
        None => (&b""[..], path.as_bytes()),
    };
    for part in above.split_str("/").filter(|part| !part.is_empty()) {
        let part = OsStr::from_bytes(part);
        let flags = folders | OFlags::NOFOLLOW;
        match fs::openat(folder.as_fd(), part, flags, Mode::empty()) {
            Ok(below) => folder = below,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    let name = OsStr::from_bytes(name);
    Ok(Some(Place { folder, name }))
}

impl Place<'_> {
    /// Returns what stands there, without following it. `None`: nothing does.
    pub(super) fn kind(&self) -> Result<Option<FileType>> {
        match fs::statat(&self.folder, self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns where the link leads.
    pub(super) fn target(&self) -> Result<Vec<u8>> {
        fs::readlinkat(&self.folder, self.name, Vec::new()).map(std::ffi::CString::into_bytes)
    }

    /// Opens what stands there; a pipe that came meanwhile makes nobody wait.
    pub(super) fn open(&self) -> Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
        fs::openat(
            &self.folder,
            self.name,
            flags | OFlags::NOCTTY,
            Mode::empty(),
        )
    }
}
