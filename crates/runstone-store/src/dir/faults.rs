//! A file system that fails on request.
//!
//! [`FaultyFileSystem`] stands in front of another one, counts every call, and lets one of them
//! fail: before it acts, or after, as when a reply is lost on its way. The invariant guarded here:
//! a fault strikes exactly the call it was set for, so that a test can walk it over all calls of a
//! commit. Losing what was not flushed is left to a simulation.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, io};

use super::fs::{FileSystem, Kind};
use crate::store::Whereabouts;
use crate::weight::Weight;

/// A file system in front of another one, whose calls are counted and can be made to fail.
#[derive(Debug, Clone)]
pub struct FaultyFileSystem<F> {
    inner: F,
    plan: Arc<Mutex<Plan>>,
}

/// When a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The call does nothing.
    Before,
    /// The call does its work, and the report of it is lost.
    After,
}

/// A failure to come.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Which call is to fail, by name; any, if none is named.
    pub call: Option<&'static str>,
    /// How many such calls go well before.
    pub after_calls: u64,
    /// What the failing call says.
    pub errno: i32,
    /// Whether it acts nevertheless.
    pub moment: Moment,
}

/// What happens right before a name is unlinked.
struct Meanwhile {
    name: String,
    act: Box<dyn FnOnce() + Send>,
}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meanwhile")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Plan {
    calls: Vec<&'static str>,
    faults: VecDeque<Fault>,
    struck: Option<&'static str>,
    kind: Option<Kind>,
    skips_flushes: bool,
    has_no_unnamed_files: bool,
    names_no_open_files: bool,
    /// Names that were not there; nothing if absence is not remembered.
    absent: Option<BTreeSet<String>>,
    meanwhile: Option<Meanwhile>,
}

impl<F: FileSystem> FaultyFileSystem<F> {
    /// Puts a counter in front of a file system.
    pub fn new(inner: F) -> Self {
        Self {
            inner,
            plan: Arc::default(),
        }
    }

    /// Claims another kind of file system, to take the paths that go with it.
    #[must_use]
    pub fn posing_as(self, kind: Kind) -> Self {
        self.plan().kind = Some(kind);
        self
    }

    /// Counts flushes and does not pass them on, where a test makes many and cuts no power.
    #[must_use]
    pub fn without_flushes(self) -> Self {
        self.plan().skips_flushes = true;
        self
    }

    /// Claims that every file needs a name, as some file systems and sandboxes do.
    #[must_use]
    pub fn without_unnamed_files(self) -> Self {
        self.plan().has_no_unnamed_files = true;
        self
    }

    /// Claims that only what has a name is given another one, as where `/proc` is missing.
    #[must_use]
    pub fn without_naming_of_open_files(self) -> Self {
        self.plan().names_no_open_files = true;
        self
    }

    /// Goes on not to see a name that was not there when it was asked for, until a listing shows it
    /// or it is to be made here: as a client of a network file system. Names are told
    /// apart by themselves, not by their directory, which does for a test of one log.
    #[must_use]
    pub fn remembering_absence(self) -> Self {
        self.plan().absent = Some(BTreeSet::new());
        self
    }

    /// Lets something happen right before a name is unlinked, once: what others do meanwhile.
    pub fn before_unlinking(&self, name: &str, act: impl FnOnce() + Send + 'static) {
        let name = name.to_owned();
        let act = Box::new(act);
        self.plan().meanwhile = Some(Meanwhile { name, act });
    }

    /// Tells whether what was to happen before a name is unlinked is still to come.
    pub fn is_still_to_come(&self) -> bool {
        self.plan().meanwhile.is_some()
    }

    /// Sets a fault, counted from the next call on, and forgets earlier ones.
    pub fn fail(&self, fault: Fault) {
        let mut plan = self.plan();
        (plan.faults, plan.struck) = (VecDeque::from([fault]), None);
    }

    /// Sets a further fault, counted from the call at which the one before it strikes.
    pub fn then_fail(&self, fault: Fault) {
        self.plan().faults.push_back(fault);
    }

    /// Lets every call go well again; returns the name of the call that failed last, if one did.
    pub fn heal(&self) -> Option<&'static str> {
        let mut plan = self.plan();
        plan.faults.clear();
        plan.struck.take()
    }

    /// Returns the names of the calls made, in their order, and starts anew.
    pub fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.plan().calls)
    }

    /// Returns how often the call of this name was made since the calls were taken.
    pub fn calls_of(&self, name: &str) -> usize {
        self.plan()
            .calls
            .iter()
            .filter(|call| **call == name)
            .count()
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call<T>(&self, name: &'static str, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.strike(name) {
            None => act(),
            Some(Fault {
                errno,
                moment: Moment::Before,
                ..
            }) => Err(io::Error::from_raw_os_error(errno)),
            Some(Fault {
                errno,
                moment: Moment::After,
                ..
            }) => {
                drop(act()?);
                Err(io::Error::from_raw_os_error(errno))
            }
        }
    }

    /// Looks a name up, unless it is remembered not to be there.
    fn look<T>(&self, name: &str, look: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let remembered = |plan: &Plan| plan.absent.as_ref().is_some_and(|it| it.contains(name));
        if remembered(&self.plan()) {
            return Err(io::ErrorKind::NotFound.into());
        }
        look().inspect_err(|error| {
            if error.kind() == io::ErrorKind::NotFound
                && let Some(absent) = &mut self.plan().absent
            {
                absent.insert(name.to_owned());
            }
        })
    }

    /// Forgets that a name was not there.
    fn forget(&self, name: &str) {
        if let Some(absent) = &mut self.plan().absent {
            absent.remove(name);
        }
    }

    /// Counts a call; returns the fault if this is the one to fail.
    fn strike(&self, name: &'static str) -> Option<Fault> {
        let mut plan = self.plan();
        plan.calls.push(name);
        let fault = plan.faults.front_mut()?;
        if fault.call.is_some_and(|call| call != name) {
            return None;
        }
        if fault.after_calls > 0 {
            fault.after_calls -= 1;
            return None;
        }
        plan.struck = Some(name);
        plan.faults.pop_front()
    }
}

impl<F: FileSystem> FileSystem for FaultyFileSystem<F> {
    type Dir = F::Dir;
    type File = F::File;

    fn open_root(&self, path: &Path) -> io::Result<F::Dir> {
        self.call("open_root", || self.inner.open_root(path))
    }

    fn make_root(&self, path: &Path) -> io::Result<()> {
        self.call("make_root", || self.inner.make_root(path))
    }

    fn open_dir(&self, dir: &F::Dir, name: &str) -> io::Result<F::Dir> {
        self.call("open_dir", || {
            self.look(name, || self.inner.open_dir(dir, name))
        })
    }

    fn make_dir(&self, dir: &F::Dir, name: &str, mode: u32) -> io::Result<()> {
        self.forget(name);
        self.call("make_dir", || self.inner.make_dir(dir, name, mode))
    }

    fn set_dir_mode(&self, dir: &F::Dir, mode: u32) -> io::Result<()> {
        self.call("set_dir_mode", || self.inner.set_dir_mode(dir, mode))
    }

    fn create_new(&self, dir: &F::Dir, name: &str, mode: u32) -> io::Result<F::File> {
        self.forget(name);
        self.call("create_new", || self.inner.create_new(dir, name, mode))
    }

    fn create_unnamed(&self, dir: &F::Dir, mode: u32) -> io::Result<F::File> {
        let has_none = self.plan().has_no_unnamed_files;
        self.call("create_unnamed", || {
            if has_none {
                Err(io::ErrorKind::Unsupported.into())
            } else {
                self.inner.create_unnamed(dir, mode)
            }
        })
    }

    fn name_file(&self, file: &F::File, to: &F::Dir, new: &str) -> io::Result<()> {
        self.forget(new);
        let names_none = self.plan().names_no_open_files;
        self.call("name_file", || {
            if names_none {
                Err(io::ErrorKind::Unsupported.into())
            } else {
                self.inner.name_file(file, to, new)
            }
        })
    }

    fn open_read(&self, dir: &F::Dir, name: &str) -> io::Result<F::File> {
        self.call("open_read", || {
            self.look(name, || self.inner.open_read(dir, name))
        })
    }

    fn write_all(&self, file: &F::File, bytes: &[u8]) -> io::Result<()> {
        self.call("write_all", || self.inner.write_all(file, bytes))
    }

    fn read(&self, file: &F::File, at_most: usize) -> io::Result<Vec<u8>> {
        self.call("read", || self.inner.read(file, at_most))
    }

    fn sync_file(&self, file: &F::File) -> io::Result<()> {
        let skip = self.plan().skips_flushes;
        self.call("sync_file", || {
            if skip {
                Ok(())
            } else {
                self.inner.sync_file(file)
            }
        })
    }

    fn sync_dir(&self, dir: &F::Dir) -> io::Result<()> {
        let skip = self.plan().skips_flushes;
        self.call("sync_dir", || {
            if skip {
                Ok(())
            } else {
                self.inner.sync_dir(dir)
            }
        })
    }

    fn link(&self, from: &F::Dir, old: &str, to: &F::Dir, new: &str) -> io::Result<()> {
        self.forget(new);
        self.call("link", || self.inner.link(from, old, to, new))
    }

    fn rename_noreplace(&self, from: &F::Dir, old: &str, to: &F::Dir, new: &str) -> io::Result<()> {
        self.forget(new);
        self.call("rename_noreplace", || {
            self.inner.rename_noreplace(from, old, to, new)
        })
    }

    fn rename(&self, dir: &F::Dir, old: &str, new: &str) -> io::Result<()> {
        self.forget(new);
        self.call("rename", || self.inner.rename(dir, old, new))
    }

    fn exchange(&self, dir: &F::Dir, one: &str, other: &str) -> io::Result<()> {
        self.call("exchange", || self.inner.exchange(dir, one, other))
    }

    fn unlink(&self, dir: &F::Dir, name: &str) -> io::Result<()> {
        let meanwhile = self.plan().meanwhile.take_if(|it| it.name == name);
        if let Some(meanwhile) = meanwhile {
            (meanwhile.act)();
        }
        self.call("unlink", || self.inner.unlink(dir, name))
    }

    fn remove_dir(&self, dir: &F::Dir, name: &str) -> io::Result<()> {
        self.call("remove_dir", || self.inner.remove_dir(dir, name))
    }

    fn exists(&self, dir: &F::Dir, name: &str) -> io::Result<bool> {
        self.call("exists", || {
            let found = self.look(name, || {
                let is_there = self.inner.exists(dir, name)?;
                is_there
                    .then_some(())
                    .ok_or_else(|| io::ErrorKind::NotFound.into())
            });
            match found {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                found => found.map(|()| true),
            }
        })
    }

    fn modified(&self, dir: &F::Dir, name: &str) -> io::Result<i64> {
        self.call("modified", || self.inner.modified(dir, name))
    }

    fn second(&self) -> i64 {
        self.inner.second()
    }

    fn is_dir(&self, dir: &F::Dir, name: &str) -> io::Result<bool> {
        self.call("is_dir", || {
            self.look(name, || self.inner.is_dir(dir, name))
        })
    }

    fn try_lock(&self, dir: &F::Dir) -> io::Result<Option<F::File>> {
        self.call("try_lock", || self.inner.try_lock(dir))
    }

    fn list(&self, dir: &F::Dir, at_most: usize) -> io::Result<Vec<String>> {
        let names = self.call("list", || self.inner.list(dir, at_most))?;
        for name in &names {
            self.forget(name);
        }
        Ok(names)
    }

    fn list_typed(&self, dir: &F::Dir) -> io::Result<Vec<(String, Option<bool>)>> {
        let names = self.call("list_typed", || self.inner.list_typed(dir))?;
        for (name, _) in &names {
            self.forget(name);
        }
        Ok(names)
    }

    fn open_files_max(&self) -> usize {
        self.inner.open_files_max()
    }

    fn weigh(&self, dir: &F::Dir, name: &str) -> io::Result<Weight> {
        self.call("weigh", || self.inner.weigh(dir, name))
    }

    fn kind(&self, dir: &F::Dir) -> io::Result<Kind> {
        let kind = self.plan().kind;
        self.call("kind", || kind.map_or_else(|| self.inner.kind(dir), Ok))
    }

    fn whereabouts(&self, dir: &F::Dir) -> io::Result<Option<Whereabouts>> {
        self.call("whereabouts", || self.inner.whereabouts(dir))
    }
}
