//! Sweeping: what dead writers left behind goes, once it is old enough to be theirs.
//!
//! A temporary file is a writer's at work or a dead one's, and nothing tells the two apart but
//! time. The invariant guarded here: nothing is removed but names that a commit never gives to what
//! it keeps, and those only when a file that was just made is a day younger, by the clock of the
//! file system itself. A writer that slept that long writes its file again.

use std::io;

use super::DirStore;
use super::fs::{FileSystem, if_found};
use super::layout::{PROBE, TEMPORARY, VIEWS};
use super::tree::{At, at};
use crate::error::StoreError;
use crate::store::{Sweep, Swept};

/// Seconds after which a temporary file is a dead writer's: a day, since no recording takes one.
pub(super) const DEAD_SECONDS: i64 = 24 * 60 * 60;

/// How deep directories are nested in a store: those of a view, and one for what format 1 has not.
const DEPTH_MAX: u32 = 8;

impl<F: FileSystem> DirStore<F> {
    pub(super) fn sweep_all(&self, how: Sweep) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        let now = self.time_for(how)?;
        self.sweep_below(&self.tree.root(), now, how, DEPTH_MAX, &mut swept)?;
        swept.leftovers.sort_unstable();
        Ok(swept)
    }

    /// Returns the time by which ages are told: who only looks makes no file for it, so that a
    /// store that may not be written can be looked at.
    pub(super) fn time_for(&self, how: Sweep) -> Result<i64, StoreError> {
        match how {
            Sweep::Look => Ok(self.tree.fs.second()),
            Sweep::Remove => self.time_of_now(),
        }
    }

    /// Returns the time that the file system gives to a file made just now.
    pub(super) fn time_of_now(&self) -> Result<i64, StoreError> {
        let root = self.tree.root();
        let made = self
            .tree
            .write_temporary(&root, self.nonce(), self.tree.modes.derived, b"")?;
        let name = made.name().to_owned();
        self.tree.fs.modified(&root.dir, &name).map_err(at(name))
    }

    fn sweep_below(
        &self,
        here: &At<F>,
        now: i64,
        how: Sweep,
        depth: u32,
        swept: &mut Swept,
    ) -> Result<(), StoreError> {
        let listed = match self.tree.fs.list_typed(&here.dir) {
            Ok(listed) => listed,
            // What may not be looked at is another's to sweep.
            Err(_not_ours) => {
                swept.left += 1;
                return Ok(());
            }
        };
        for (name, is_dir) in listed {
            if name.starts_with(TEMPORARY) || name.starts_with(PROBE) {
                self.sweep_one(here, &name, now, how, swept);
            } else if depth > 0
                && is_dir != Some(false)
                && let Ok(Some(below)) = self.tree.open_in(here, &name)
            {
                self.sweep_below(&below, now, how, depth - 1, swept)?;
            }
        }
        Ok(())
    }

    /// Removes one leftover, if it is old enough; one that cannot be removed stays.
    fn sweep_one(&self, here: &At<F>, name: &str, now: i64, how: Sweep, swept: &mut Swept) {
        let age = match if_found(self.tree.fs.modified(&here.dir, name)) {
            Ok(Some(modified)) => now.saturating_sub(modified),
            // Its writer took it along meanwhile.
            Ok(None) => return,
            Err(_not_ours) => {
                swept.left += 1;
                return;
            }
        };
        if age < DEAD_SECONDS {
            swept.young += 1;
            return;
        }
        let removed = match how {
            Sweep::Look => Ok(()),
            Sweep::Remove => self.remove_leftover(here, name),
        };
        match removed {
            Ok(()) => swept.leftovers.push(here.name(name)),
            Err(_stays) => swept.left += 1,
        }
    }

    /// Removes a file or an empty directory, and what is in the directory of a probe, or of views
    /// that never got their name: any other one that is being made may get its name, and entries,
    /// at any moment.
    fn remove_leftover(&self, here: &At<F>, name: &str) -> io::Result<()> {
        let fs = &self.tree.fs;
        if !fs.is_dir(&here.dir, name)? {
            return fs.unlink(&here.dir, name);
        }
        if name.starts_with(PROBE) || here.path() == VIEWS {
            empty(fs, &fs.open_dir(&here.dir, name)?, DEPTH_MAX)?;
        }
        fs.remove_dir(&here.dir, name)
    }
}

/// Removes everything in a directory of which nothing is true.
fn empty<F: FileSystem>(fs: &F, dir: &F::Dir, depth: u32) -> io::Result<()> {
    for name in fs.list(dir, usize::MAX)? {
        if depth > 0 && fs.is_dir(dir, &name)? {
            empty(fs, &fs.open_dir(dir, &name)?, depth - 1)?;
            fs.remove_dir(dir, &name)?;
        } else {
            fs.unlink(dir, &name)?;
        }
    }
    Ok(())
}
