//! One restore at a time on a host.
//!
//! Managers have locks of their own, and not one over all of them. The lock is the system's, on an
//! open file, and gone with the process whatever ends it; the file stays and says nothing. It lies
//! on the host and not in the store, which other hosts may share.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;

use super::error::RestoreError;

/// The right to restore, until it is dropped.
#[derive(Debug)]
pub(super) struct HostLock {
    _file: OwnedFd,
}

impl HostLock {
    /// Takes it, and waits for nobody. The folder is made if it is not there, for its owner alone.
    pub(super) fn take(path: &Path) -> Result<Self, RestoreError> {
        let unwritable = |error: Errno| RestoreError::Unwritable {
            path: path.to_owned(),
            source: io::Error::from(error),
        };
        if let Some(folder) = path.parent() {
            let mut made = std::fs::DirBuilder::new();
            made.recursive(true).mode(0o700);
            made.create(folder)
                .map_err(|source| RestoreError::Unwritable {
                    path: folder.to_owned(),
                    source,
                })?;
        }
        // In a folder that all may write, a link would lead to a file of somebody else's choice.
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = open(path, flags, Mode::RUSR | Mode::WUSR).map_err(unwritable)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(Errno::WOULDBLOCK) => Err(RestoreError::Busy {
                lock: path.to_owned(),
            }),
            Err(error) => Err(unwritable(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_restore_is_told_of_the_first_and_the_third_finds_the_way_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/runstone/lock");
        let first = HostLock::take(&path).unwrap();
        assert!(matches!(
            HostLock::take(&path),
            Err(RestoreError::Busy { .. })
        ));
        drop(first);
        assert!(HostLock::take(&path).is_ok());
    }

    #[test]
    fn link_in_place_of_the_lock_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("lock"), folder.path().join("other"));
        std::os::unix::fs::symlink(&other, &path).unwrap();
        assert!(matches!(
            HostLock::take(&path),
            Err(RestoreError::Unwritable { .. })
        ));
        assert!(!other.exists());
    }
}
