//! The directory tree of a store: opening, making and flushing what is in it.
//!
//! Between the file system, which knows one name in one directory, and the engine, which knows logs
//! and keys. The invariant guarded here: every failure names the path it happened at, and after one
//! failed flush no later one is believed, because the system reports lost pages only once. What a
//! path means is left to `layout`.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use super::fans::Fans;
use super::fs::{FileSystem, Kind, best_effort, if_found};
use super::layout::{FAN_NAME_BYTES, Holds, ModeBits, temporary_name};
use crate::descriptor::Primitive;
use crate::error::{StoreError, is_want_of_files};
use crate::key::Nonce;
#[cfg(test)]
use crate::mutants::{self, Mutant};

/// An open root, and how things are made below it.
#[derive(Debug)]
pub(super) struct Tree<F: FileSystem> {
    pub(super) fs: F,
    root: Arc<F::Dir>,
    pub(super) kind: Kind,
    pub(super) modes: ModeBits,
    pub(super) primitive: Primitive,
    poisoned: AtomicBool,
    kept_open: Mutex<BTreeMap<String, At<F>>>,
    pub(super) fans: Fans<F>,
}

/// How many directories stay open between calls, beside those in use: those of a few logs. Chosen
/// well below the fewest open files a process is commonly allowed.
const KEPT_OPEN_MAX: usize = 12;

/// An open directory that knows its path below the root.
#[derive(Debug, Clone)]
pub(super) struct At<F: FileSystem> {
    pub(super) dir: Arc<F::Dir>,
    path: String,
}

impl<F: FileSystem> At<F> {
    /// Returns the path of a name in this directory.
    pub(super) fn name(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            [&self.path, "/", name].concat()
        }
    }

    /// Returns what makes an error of one about a name in this directory, should there be one.
    pub(super) fn failing<'a>(
        &'a self,
        name: &'a str,
    ) -> impl FnOnce(io::Error) -> StoreError + use<'a, F> {
        move |source| at(self.name(name))(source)
    }

    /// Returns whether somebody uses it beside whoever keeps it open.
    fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.dir) > 1
    }

    /// Returns the path of this directory.
    pub(super) fn path(&self) -> String {
        if self.path.is_empty() {
            ".".to_owned()
        } else {
            self.path.clone()
        }
    }
}

/// Turns what the system said into an error that names its path.
pub(super) fn at(path: String) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Unreadable { path, source }
}

impl<F: FileSystem> Tree<F> {
    pub(super) fn new(
        fs: F,
        root: F::Dir,
        kind: Kind,
        modes: ModeBits,
        primitive: Primitive,
    ) -> Self {
        Self {
            fans: Fans::new(fs.open_files_max()),
            fs,
            root: Arc::new(root),
            kind,
            modes,
            primitive,
            poisoned: AtomicBool::new(false),
            kept_open: Mutex::default(),
        }
    }

    pub(super) fn root(&self) -> At<F> {
        At {
            dir: Arc::clone(&self.root),
            path: String::new(),
        }
    }

    /// Opens a directory below the root; nothing if it, or one above it, does not exist.
    pub(super) fn open(&self, path: &[&str]) -> Result<Option<At<F>>, StoreError> {
        let Some((last, above)) = path.split_last() else {
            return Ok(Some(self.root()));
        };
        if last.len() != FAN_NAME_BYTES
            && let Some(kept) = self.kept(&path.join("/"))
        {
            return Ok(Some(kept));
        }
        match self.open(above)? {
            Some(above) => self.open_and_keep(&above, last),
            None => Ok(None),
        }
    }

    /// Opens a directory below the root that was not found, listing the one in which a name is
    /// missing: until then a host may go on not to see what another one made.
    pub(super) fn open_listed(&self, path: &[&str]) -> Result<Option<At<F>>, StoreError> {
        let mut here = self.root();
        for name in path {
            let mut there = self.open_and_keep(&here, name)?;
            if there.is_none() {
                self.list(&here)?;
                there = self.open_and_keep(&here, name)?;
            }
            let Some(there) = there else {
                return Ok(None);
            };
            here = there;
        }
        Ok(Some(here))
    }

    /// Looks for something in a directory below the root, and where a host may go on not to see it,
    /// once more with the directories listed.
    pub(super) fn look_in<T>(
        &self,
        path: &[&str],
        look: impl Fn(&At<F>) -> Result<Option<T>, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        if let Some(here) = self.open(path)?
            && let Some(found) = look(&here)?
        {
            return Ok(Some(found));
        }
        if !self.kind.remembers_absence() {
            return Ok(None);
        }
        let Some(here) = self.open_listed(path)? else {
            return Ok(None);
        };
        self.list(&here)?;
        look(&here)
    }

    /// Opens a directory in another and keeps it open, since none that holds the truth of a store
    /// is ever moved or removed. Those of a fan are too many to be kept, except while they are needed again and
    /// again. One that is in use is not given up, so that all who use it share one handle.
    pub(super) fn open_and_keep(
        &self,
        above: &At<F>,
        name: &str,
    ) -> Result<Option<At<F>>, StoreError> {
        if name.len() == FAN_NAME_BYTES {
            if let Some(held) = self.fans.held(&above.name(name)) {
                return Ok(Some(held));
            }
            let found = self.open_in(above, name)?;
            if let Some(fan) = &found {
                self.fans.hold(fan);
            }
            return Ok(found);
        }
        if let Some(kept) = self.kept(&above.name(name)) {
            return Ok(Some(kept));
        }
        let found = self.open_in(above, name)?;
        if let Some(found) = &found {
            let mut kept = self.kept_open();
            if kept.len() >= KEPT_OPEN_MAX {
                kept.retain(|_, kept| kept.is_in_use());
            }
            let kept = kept.entry(found.path.clone());
            return Ok(Some(kept.or_insert_with(|| found.clone()).clone()));
        }
        Ok(None)
    }

    fn kept(&self, path: &str) -> Option<At<F>> {
        self.kept_open().get(path).cloned()
    }

    fn kept_open(&self) -> MutexGuard<'_, BTreeMap<String, At<F>>> {
        // What is kept is open by itself, whoever panicked.
        self.kept_open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a directory in another; nothing if it does not exist.
    pub(super) fn open_in(&self, here: &At<F>, name: &str) -> Result<Option<At<F>>, StoreError> {
        let path = here.name(name);
        let open = || self.fs.open_dir(&here.dir, name);
        let dir = if_found(self.with_room(open)).map_err(at(path.clone()))?;
        Ok(dir.map(|dir| At {
            dir: Arc::new(dir),
            path,
        }))
    }

    /// Opens something, and once more without the directories that only save time if the process
    /// has too many files open: another thread may have let them go meanwhile.
    fn with_room<T>(&self, open: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match open() {
            Err(error) if is_want_of_files(&error) => {
                self.fans.give_up();
                self.kept_open().retain(|_, kept| kept.is_in_use());
                open()
            }
            opened => opened,
        }
    }

    /// Returns whether a regular file has a name: a stray, where only directories belong.
    pub(super) fn is_file(&self, here: &At<F>, name: &str) -> bool {
        self.fs.open_read(&here.dir, name).is_ok()
    }

    /// Opens a directory below the root, making what is missing of its path. Not durable yet.
    pub(super) fn make(&self, path: &[&str], holds: Holds) -> Result<At<F>, StoreError> {
        if let Some(there) = self.open(path)? {
            return Ok(there);
        }
        let mut here = self.root();
        for name in path {
            here = self.make_in(&here, name, holds)?;
        }
        Ok(here)
    }

    /// Opens a directory in another, making it if it is missing. Not durable yet.
    pub(super) fn make_in(
        &self,
        here: &At<F>,
        name: &str,
        holds: Holds,
    ) -> Result<At<F>, StoreError> {
        match self.open_in(here, name)? {
            Some(there) => Ok(there),
            None => self.make_missing(here, name, holds),
        }
    }

    /// Makes a directory that was not there a moment ago, and opens it. Not durable yet.
    pub(super) fn make_missing(
        &self,
        here: &At<F>,
        name: &str,
        holds: Holds,
    ) -> Result<At<F>, StoreError> {
        let path = here.name(name);
        let mode = self.modes.directory(holds);
        let make = || match self.fs.make_open_dir(&here.dir, name, mode) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.fs.open_dir(&here.dir, name)
            }
            made => made,
        };
        let dir = self.with_room(make).map_err(at(path.clone()))?;
        Ok(At {
            dir: Arc::new(dir),
            path,
        })
    }

    /// Reads a file up to `at_most` bytes; nothing if it does not exist.
    pub(super) fn read(
        &self,
        here: &At<F>,
        name: &str,
        at_most: usize,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let read = || {
            let file = if_found(self.with_room(|| self.fs.open_read(&here.dir, name)))?;
            file.map(|file| self.fs.read(&file, at_most)).transpose()
        };
        read().map_err(here.failing(name))
    }

    /// Returns the names in a directory, sorted.
    pub(super) fn list(&self, here: &At<F>) -> Result<Vec<String>, StoreError> {
        let list = || self.fs.list(&here.dir, usize::MAX);
        let mut names = self.with_room(list).map_err(at(here.path()))?;
        names.sort_unstable();
        Ok(names)
    }

    pub(super) fn exists(&self, here: &At<F>, name: &str) -> Result<bool, StoreError> {
        self.fs.exists(&here.dir, name).map_err(here.failing(name))
    }

    /// Flushes a directory.
    pub(super) fn sync(&self, here: &At<F>) -> Result<(), StoreError> {
        #[cfg(test)]
        if mutants::is(Mutant::NoDirectorySync) {
            return Ok(());
        }
        self.believe(self.fs.sync_dir(&here.dir), || here.path())
    }

    /// Flushes every directory from the root down to this path, the root included.
    pub(super) fn sync_down_to(&self, path: &[&str]) -> Result<(), StoreError> {
        let mut here = self.root();
        self.sync(&here)?;
        for name in path {
            let missing = || at(here.name(name))(io::ErrorKind::NotFound.into());
            here = self.open_in(&here, name)?.ok_or_else(missing)?;
            self.sync(&here)?;
        }
        Ok(())
    }

    /// Flushes a file that is already there, through a handle of its own.
    pub(super) fn sync_name(&self, here: &At<F>, name: &str) -> Result<(), StoreError> {
        #[cfg(test)]
        if mutants::is(Mutant::NoFileSync) {
            return Ok(());
        }
        let file = self
            .with_room(|| self.fs.open_read(&here.dir, name))
            .map_err(here.failing(name))?;
        self.believe(self.fs.sync_file(&file), || here.name(name))
    }

    /// Returns whether a flush has failed.
    pub(super) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::SeqCst)
    }

    /// Takes the word of a flush, unless it or an earlier one failed.
    fn believe(
        &self,
        flushed: io::Result<()>,
        path: impl FnOnce() -> String,
    ) -> Result<(), StoreError> {
        let flushed = flushed.and_then(|()| {
            if self.is_poisoned() {
                Err(io::Error::other("an earlier flush failed"))
            } else {
                Ok(())
            }
        });
        flushed.map_err(|source| {
            self.poisoned.store(true, Ordering::SeqCst);
            at(path())(source)
        })
    }

    /// Writes a temporary file. It loses its name when dropped. Not durable yet.
    pub(super) fn write_temporary(
        &self,
        here: &At<F>,
        nonce: Nonce,
        mode: u32,
        bytes: &[u8],
    ) -> Result<Temporary<F>, StoreError> {
        let name = temporary_name(nonce);
        let path = here.name(&name);
        let file = self
            .with_room(|| self.fs.create_new(&here.dir, &name, mode))
            .map_err(at(path.clone()))?;
        let mut temporary = Temporary {
            fs: self.fs.clone(),
            here: here.clone(),
            name,
            file: None,
            is_spent: false,
        };
        self.fs.write_all(&file, bytes).map_err(at(path))?;
        temporary.file = Some(file);
        Ok(temporary)
    }

    /// Writes a file of the truth without a name; nothing where every file needs one. Not durable
    /// yet.
    pub(super) fn write_nameless(
        &self,
        here: &At<F>,
        bytes: &[u8],
    ) -> Result<Option<F::File>, StoreError> {
        let create = || self.fs.create_unnamed(&here.dir, self.modes.truth);
        let file = match self.with_room(create) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(None),
            created => created.map_err(at(here.path()))?,
        };
        self.fs.write_all(&file, bytes).map_err(at(here.path()))?;
        Ok(Some(file))
    }

    /// Flushes an open file.
    pub(super) fn sync_file(
        &self,
        file: &F::File,
        path: impl FnOnce() -> String,
    ) -> Result<(), StoreError> {
        #[cfg(test)]
        if mutants::is(Mutant::NoFileSync) {
            return Ok(());
        }
        self.believe(self.fs.sync_file(file), path)
    }

    /// Flushes a temporary file, once, and closes it: names are given without an open file, and of
    /// a large batch there are more than a process may have open.
    pub(super) fn sync_temporary(&self, temporary: &mut Temporary<F>) -> Result<(), StoreError> {
        if let Some(file) = &temporary.file {
            self.sync_file(file, || temporary.here.name(&temporary.name))?;
            temporary.file = None;
        }
        Ok(())
    }

    /// Gives a temporary file its name, unless another one has it.
    pub(super) fn give_name(
        &self,
        temporary: &Temporary<F>,
        to: &At<F>,
        name: &str,
    ) -> io::Result<()> {
        self.name_again((&temporary.here, &temporary.name), (to, name))
    }

    /// Gives what has a name another one, unless something has it.
    pub(super) fn name_again(
        &self,
        (from, old): (&At<F>, &str),
        (to, new): (&At<F>, &str),
    ) -> io::Result<()> {
        let (from, to) = (&from.dir, &to.dir);
        #[cfg(test)]
        if self.primitive == Primitive::Link
            && let Some(given) = mutants::give_name(&self.fs, (from, old), (to, new))
        {
            return given;
        }
        match self.primitive {
            Primitive::Link => self.fs.link(from, old, to, new),
            Primitive::RenameNoreplace => self.fs.rename_noreplace(from, old, to, new),
        }
    }

    /// Gives a file another name in another directory, unless something has it. Where a file may
    /// have several names it keeps the old one.
    pub(super) fn give_another_name(
        &self,
        from: &At<F>,
        old: &str,
        to: &At<F>,
        name: &str,
    ) -> io::Result<()> {
        match self.primitive {
            Primitive::Link => self.fs.link(&from.dir, old, &to.dir, name),
            Primitive::RenameNoreplace => self.fs.rename_noreplace(&from.dir, old, &to.dir, name),
        }
    }

    /// Replaces a derived file: whole or not at all for readers, not durable.
    pub(super) fn replace(
        &self,
        here: &At<F>,
        nonce: Nonce,
        name: &str,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let temporary = self.write_temporary(here, nonce, self.modes.derived, bytes)?;
        self.take_name_unflushed(temporary, name)
    }

    /// Gives a temporary file that nobody flushed a name beside it, whatever has it.
    ///
    /// A journalling file system takes a rename over another file for a wish to have the new one on
    /// the disk, and writes it at once, in the way of the next flush that somebody waits for. It
    /// takes an exchange of two names for what it is.
    pub(super) fn take_name_unflushed(
        &self,
        mut temporary: Temporary<F>,
        name: &str,
    ) -> Result<(), StoreError> {
        let dir = &temporary.here.dir;
        match self.fs.rename_noreplace(dir, &temporary.name, dir, name) {
            Ok(()) => {
                temporary.is_spent = true;
                Ok(())
            }
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists
                    && matches!(self.fs.is_dir(dir, name), Ok(false)) =>
            {
                match self.fs.exchange(dir, &temporary.name, name) {
                    // What has the name gets the temporary one, and loses it with it.
                    Ok(()) => Ok(()),
                    Err(error) if lacks_such_renames(&error) => self.take_name(temporary, name),
                    // It may have acted: another rename would undo it.
                    Err(error) => Err(temporary.here.failing(name)(error)),
                }
            }
            Err(_without_such_renames) => self.take_name(temporary, name),
        }
    }

    /// Gives a temporary file a name beside it, whatever has it.
    pub(super) fn take_name(
        &self,
        mut temporary: Temporary<F>,
        name: &str,
    ) -> Result<(), StoreError> {
        let here = &temporary.here;
        self.fs
            .rename(&here.dir, &temporary.name, name)
            .map_err(here.failing(name))?;
        temporary.is_spent = true;
        Ok(())
    }
}

/// Tells whether a rename failed because there is none of its kind here.
fn lacks_such_renames(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || matches!(
            Errno::from_io_error(error),
            Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
        )
}

/// A file under a temporary name, which it loses when this is dropped.
#[derive(Debug)]
pub(super) struct Temporary<F: FileSystem> {
    fs: F,
    here: At<F>,
    name: String,
    /// Open until it is flushed.
    file: Option<F::File>,
    is_spent: bool,
}

impl<F: FileSystem> Temporary<F> {
    /// Returns its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl<F: FileSystem> Drop for Temporary<F> {
    fn drop(&mut self) {
        if !self.is_spent {
            // What stays behind is swept later, and hurts nobody until then.
            best_effort(self.fs.unlink(&self.here.dir, &self.name));
        }
    }
}
