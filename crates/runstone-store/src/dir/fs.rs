//! The one door to the file system: calls on a directory handle and one name.
//!
//! Everything above asks a [`FileSystem`], so that a test can put another one below it, one that
//! counts, fails or forgets. The invariant guarded here: a name is one component, looked up in an
//! open directory and never followed if it is a symbolic link. No path walk follows anything below
//! the root, which is what `openat2` with `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS` would promise, on
//! every kernel. Which call is made when is left to those above.

use std::fmt::Debug;
use std::io;
use std::path::Path;

use crate::store::Whereabouts;
use crate::weight::Weight;

/// The fewest open files that a process is commonly allowed (macOS).
const FEWEST_OPEN_FILES: usize = 256;

/// What a directory engine needs from an operating system.
///
/// Every call returns what the system said: none but an interrupted one is made again, and "not
/// found" is an error.
pub trait FileSystem: Clone + Send + Sync + Debug + 'static {
    /// An open directory.
    type Dir: Clone + Send + Sync + Debug;
    /// An open file.
    type File: Send + Sync + Debug;

    /// Opens the root of a store, following symbolic links in its path.
    ///
    /// # Errors
    /// What the system says.
    fn open_root(&self, path: &Path) -> io::Result<Self::Dir>;

    /// Makes the root of a store, with the directories above it, durably and for its owner alone.
    ///
    /// # Errors
    /// What the system says.
    fn make_root(&self, path: &Path) -> io::Result<()>;

    /// Opens a directory.
    ///
    /// # Errors
    /// What the system says.
    fn open_dir(&self, dir: &Self::Dir, name: &str) -> io::Result<Self::Dir>;

    /// Makes a directory with exactly these mode bits.
    ///
    /// # Errors
    /// What the system says.
    fn make_dir(&self, dir: &Self::Dir, name: &str, mode: u32) -> io::Result<()>;

    /// Makes a directory with exactly these mode bits, and opens it.
    ///
    /// # Errors
    /// What the system says.
    fn make_open_dir(&self, dir: &Self::Dir, name: &str, mode: u32) -> io::Result<Self::Dir> {
        self.make_dir(dir, name, mode)?;
        self.open_dir(dir, name)
    }

    /// Gives an open directory exactly these mode bits.
    ///
    /// # Errors
    /// What the system says.
    fn set_dir_mode(&self, dir: &Self::Dir, mode: u32) -> io::Result<()>;

    /// Makes a file that did not exist, for writing, with exactly these mode bits.
    ///
    /// # Errors
    /// What the system says.
    fn create_new(&self, dir: &Self::Dir, name: &str, mode: u32) -> io::Result<Self::File>;

    /// Makes a file without a name, for writing, with exactly these mode bits. It is gone with its
    /// handle, unless [`name_file`](Self::name_file) gave it a name in this file system.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::Unsupported`] if every file needs a name here.
    fn create_unnamed(&self, dir: &Self::Dir, mode: u32) -> io::Result<Self::File>;

    /// Gives an open file that was made without a name its first one, if nothing has it.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::AlreadyExists`] if the name is taken,
    /// [`io::ErrorKind::Unsupported`] if only what has a name is given another one here.
    fn name_file(&self, file: &Self::File, to: &Self::Dir, new: &str) -> io::Result<()>;

    /// Opens a file for reading.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::InvalidData`] if the name is no regular file.
    fn open_read(&self, dir: &Self::Dir, name: &str) -> io::Result<Self::File>;

    /// Writes all bytes at the end of what was written before.
    ///
    /// # Errors
    /// What the system says.
    fn write_all(&self, file: &Self::File, bytes: &[u8]) -> io::Result<()>;

    /// Reads on, to the end of the file or as far as `at_most` bytes go.
    ///
    /// # Errors
    /// What the system says.
    fn read(&self, file: &Self::File, at_most: usize) -> io::Result<Vec<u8>>;

    /// Flushes a file to the disk.
    ///
    /// # Errors
    /// What the system says.
    fn sync_file(&self, file: &Self::File) -> io::Result<()>;

    /// Flushes the names of a directory to the disk.
    ///
    /// # Errors
    /// What the system says.
    fn sync_dir(&self, dir: &Self::Dir) -> io::Result<()>;

    /// Gives a file a second name, if nothing has it.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::AlreadyExists`] if the name is taken.
    fn link(&self, from: &Self::Dir, old: &str, to: &Self::Dir, new: &str) -> io::Result<()>;

    /// Gives a file another name, if nothing has it.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::AlreadyExists`] if the name is taken.
    fn rename_noreplace(
        &self,
        from: &Self::Dir,
        old: &str,
        to: &Self::Dir,
        new: &str,
    ) -> io::Result<()>;

    /// Gives a file another name, taking it from whatever has it. For what is derived alone.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, dir: &Self::Dir, old: &str, new: &str) -> io::Result<()>;

    /// Exchanges the names of two files. For what is derived alone.
    ///
    /// # Errors
    /// What the system says, also where it cannot.
    fn exchange(&self, dir: &Self::Dir, one: &str, other: &str) -> io::Result<()>;

    /// Takes a name from a file.
    ///
    /// # Errors
    /// What the system says.
    fn unlink(&self, dir: &Self::Dir, name: &str) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// What the system says.
    fn remove_dir(&self, dir: &Self::Dir, name: &str) -> io::Result<()>;

    /// Returns whether anything has this name.
    ///
    /// # Errors
    /// What the system says, except that nothing is there.
    fn exists(&self, dir: &Self::Dir, name: &str) -> io::Result<bool>;

    /// Returns when a file was written last, in seconds by the file system's clock: comparable with
    /// that of a file made just now, and with nothing else.
    ///
    /// # Errors
    /// What the system says.
    fn modified(&self, dir: &Self::Dir, name: &str) -> io::Result<i64>;

    /// Returns the second that this machine's own clock shows: for whoever only looks, and makes no
    /// file to tell the time by.
    fn second(&self) -> i64;

    /// Returns whether a name is a directory.
    ///
    /// # Errors
    /// What the system says.
    fn is_dir(&self, dir: &Self::Dir, name: &str) -> io::Result<bool>;

    /// Takes an advisory lock of a directory without waiting; nothing if another one holds it. It
    /// is given back when what is returned is dropped.
    ///
    /// # Errors
    /// What the system says, also where directories cannot be locked.
    fn try_lock(&self, dir: &Self::Dir) -> io::Result<Option<Self::File>>;

    /// Returns the names in a directory, in no order, at most so many.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, dir: &Self::Dir, at_most: usize) -> io::Result<Vec<String>>;

    /// Returns the names in a directory, in no order, each with whether it is a directory; nothing
    /// where the listing does not say.
    ///
    /// # Errors
    /// What the system says.
    fn list_typed(&self, dir: &Self::Dir) -> io::Result<Vec<(String, Option<bool>)>>;

    /// Returns how many files this process may have open at least.
    fn open_files_max(&self) -> usize {
        FEWEST_OPEN_FILES
    }

    /// Returns what a name weighs, without following it.
    ///
    /// # Errors
    /// What the system says.
    fn weigh(&self, dir: &Self::Dir, name: &str) -> io::Result<Weight>;

    /// Returns what may be relied on below this directory.
    ///
    /// # Errors
    /// What the system says.
    fn kind(&self, dir: &Self::Dir) -> io::Result<Kind>;

    /// Returns the numbers of a directory; nothing where they tell it from no other.
    ///
    /// # Errors
    /// What the system says.
    fn whereabouts(&self, _dir: &Self::Dir) -> io::Result<Option<Whereabouts>> {
        Ok(None)
    }
}

/// What a file system may be relied on for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// One journal on this host: names become durable in the order in which they were made, and
    /// flushing a file makes every name durable that it had before.
    Journal,
    /// Local, but names are flushed by flushing their directory.
    CopyOnWrite,
    /// Other hosts write it too, and this one may be late to see what they made.
    Network,
    /// Nothing is known.
    Other,
}

impl Kind {
    /// Returns whether flushing a file also makes its names durable.
    pub(crate) const fn file_sync_covers_names(self) -> bool {
        matches!(self, Self::Journal)
    }

    /// Returns whether every name is seen by everyone as soon as it is made.
    pub(crate) const fn names_are_seen_at_once(self) -> bool {
        matches!(self, Self::Journal | Self::CopyOnWrite)
    }

    /// Returns whether names of a directory survive a power cut in the order in which they were
    /// made, so that a later one is not there without the earlier.
    pub(crate) const fn keeps_names_in_order(self) -> bool {
        matches!(self, Self::Journal | Self::Network)
    }

    /// Returns whether a directory has to be listed before "not found" can be believed.
    pub(crate) const fn remembers_absence(self) -> bool {
        matches!(self, Self::Network)
    }
}

/// Turns "not found" into nothing.
pub(crate) fn if_found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Turns "already there" into success: somebody else made it.
pub(crate) fn or_there(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Passes over the failure of something that only tidies up or hastens.
pub(crate) fn best_effort(result: io::Result<()>) {
    drop(result);
}
