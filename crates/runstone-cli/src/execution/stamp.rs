//! The look of a file: enough of its state to see that it changed.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What a file looked like at one moment. Two equal stamps are the same content, unless somebody
/// wrote within the resolution of the file system's clock and set the time back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: (u64, u64),
    size_bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// Returns how what was opened looks.
    pub(super) fn of(found: &Metadata) -> Self {
        Self {
            inode: (found.dev(), found.ino()),
            size_bytes: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }

    /// Returns how what stands at a path looks, links not followed; nothing if nothing is there.
    pub(super) fn at(path: &Path) -> Option<Self> {
        path.symlink_metadata().ok().map(|found| Self::of(&found))
    }
}
