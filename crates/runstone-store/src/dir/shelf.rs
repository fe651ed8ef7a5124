//! The shelf on a directory: files that are replaced by renaming, folders that come and go.
//!
//! The invariant guarded here: a file has its name only when it is whole, and a folder that
//! somebody else removed meanwhile is made again. No handle of a folder below a room is kept for
//! good, because those, unlike all others of a store, are removed. What is put where is left to
//! the ledger.

use std::io;

use rustix::io::Errno;

use super::DirStore;
use super::fs::{FileSystem, best_effort, if_found};
use super::layout::{Holds, TEMPORARY};
use super::publish::errno;
use super::tree::{At, at};
use crate::error::StoreError;
use crate::shelf::{Exclusive, Keep, Room, Shelf, ShelfPath, Shelved, not_a_file};

/// Bytes of a file that are read at most.
const FILE_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// How often a folder is made again that another process keeps removing.
const REMOVALS_MAX: u32 = 100;

impl<F: FileSystem> Shelf for DirStore<F> {
    fn put(&self, path: &ShelfPath, bytes: &[u8], keep: Keep) -> Result<(), StoreError> {
        let put = || {
            let (folder, name) = split(path)?;
            self.put_on_shelf(path.room(), &folder, &[(name, bytes)], keep)
        };
        put().map_err(StoreError::beside_the_logs)
    }

    fn put_all(
        &self,
        folder: &ShelfPath,
        files: &[(&str, &[u8])],
        keep: Keep,
    ) -> Result<(), StoreError> {
        for (name, _) in files {
            folder.below(name).map_err(|_unsafe| not_a_file(folder))?;
        }
        self.put_on_shelf(folder.room(), &folder.components(), files, keep)
            .map_err(StoreError::beside_the_logs)
    }

    fn put_folder(&self, folder: &ShelfPath, files: &[(ShelfPath, &[u8])]) -> bool {
        let put = || {
            self.demand_layout()?;
            let (above, _) = split(folder)?;
            let above = self.make_shelf_folder(&above)?;
            self.put_whole(&above, folder, files)
        };
        matches!(put(), Ok(true))
    }

    fn get(&self, path: &ShelfPath) -> Result<Option<Vec<u8>>, StoreError> {
        let (folder, name) = split(path)?;
        match self.shelf_folder(&folder)? {
            Some(folder) => self.tree.read(&folder, name, FILE_BYTES_MAX),
            None => Ok(None),
        }
    }

    fn remove(&self, path: &ShelfPath) -> Result<(), StoreError> {
        let removed = split(path).and_then(|(folder, name)| {
            let Some(folder) = self.shelf_folder(&folder)? else {
                return Ok(());
            };
            let removed = if_found(self.tree.fs.unlink(&folder.dir, name));
            removed.map(drop).map_err(folder.failing(name))
        });
        removed.map_err(StoreError::beside_the_logs)
    }

    fn list(&self, folder: &ShelfPath) -> Result<Vec<Shelved>, StoreError> {
        let Some(folder) = self.shelf_folder(&folder.components())? else {
            return Ok(Vec::new());
        };
        let listed = self.tree.fs.list_typed(&folder.dir);
        let listed = listed.map_err(at(folder.path()))?;
        let mut shelved = Vec::with_capacity(listed.len());
        for (name, is_folder) in listed {
            if name.starts_with(TEMPORARY) {
                continue;
            }
            let is_folder = match is_folder {
                Some(is_folder) => Ok(is_folder),
                None => self.tree.fs.is_dir(&folder.dir, &name),
            };
            // What is gone by now was removed meanwhile.
            if let Some(is_folder) = if_found(is_folder).map_err(folder.failing(&name))? {
                shelved.push(Shelved { name, is_folder });
            }
        }
        shelved.sort_unstable();
        Ok(shelved)
    }

    fn remove_folder(&self, folder: &ShelfPath) -> Result<(), StoreError> {
        let removed = split(folder).and_then(|(above, name)| {
            let Some(above) = self.shelf_folder(&above)? else {
                return Ok(());
            };
            let remove = || if_found(self.tree.fs.remove_dir(&above.dir, name)).map(drop);
            let removed = match remove() {
                Err(error) if is_not_empty(&error) => {
                    self.sweep(&above, name)?;
                    remove()
                }
                removed => removed,
            };
            match removed {
                Err(error) if is_not_empty(&error) => Ok(()),
                removed => removed.map_err(above.failing(name)),
            }
        });
        removed.map_err(StoreError::beside_the_logs)
    }

    fn exclusively(
        &self,
        folder: &ShelfPath,
        work: &mut dyn FnMut() -> Result<(), StoreError>,
    ) -> Result<Exclusive, StoreError> {
        let here = self
            .demand_layout()
            .and_then(|()| self.make_shelf_folder(&folder.components()))
            .map_err(StoreError::beside_the_logs)?;
        let lock = match self.tree.fs.try_lock(&here.dir) {
            Ok(Some(lock)) => lock,
            Ok(None) => return Ok(Exclusive::Busy),
            Err(_no_locks) => return Ok(Exclusive::NoLocks),
        };
        let done = work();
        drop(lock);
        done.map(|()| Exclusive::Done)
    }
}

impl<F: FileSystem> DirStore<F> {
    fn put_on_shelf(
        &self,
        room: &Room,
        folder: &[&str],
        files: &[(&str, &[u8])],
        keep: Keep,
    ) -> Result<(), StoreError> {
        self.demand_layout()?;
        if let Room::CohortView(cohort) = room
            && let path = ["cohorts", cohort.as_str()]
            && self.tree.look_in(&path, |_| Ok(Some(())))?.is_none()
        {
            return Err(StoreError::NoCohort {
                cohort: cohort.clone(),
            });
        }
        let mut here = self.make_shelf_folder(folder)?;
        for (name, bytes) in files {
            let mut removals = 0;
            loop {
                match self.replace_on_shelf(&here, name, bytes, keep) {
                    Err(StoreError::Unreadable { source, .. })
                        if source.kind() == io::ErrorKind::NotFound && removals < REMOVALS_MAX =>
                    {
                        removals += 1;
                        here = self.make_shelf_folder(folder)?;
                    }
                    Err(error) => return Err(error),
                    Ok(()) => break,
                }
            }
        }
        match keep {
            Keep::BestEffort => Ok(()),
            Keep::Durable => self.tree.sync_down_to(folder),
        }
    }

    fn replace_on_shelf(
        &self,
        here: &At<F>,
        name: &str,
        bytes: &[u8],
        keep: Keep,
    ) -> Result<(), StoreError> {
        let (mode, nonce) = (self.tree.modes.derived, self.nonce());
        let mut temporary = self.tree.write_temporary(here, nonce, mode, bytes)?;
        match keep {
            Keep::BestEffort => self.tree.take_name_unflushed(temporary, name),
            Keep::Durable => {
                self.tree.sync_temporary(&mut temporary)?;
                self.tree.take_name(temporary, name)
            }
        }
    }

    /// Opens a folder; nothing if it, or one above it, does not exist.
    fn shelf_folder(&self, path: &[&str]) -> Result<Option<At<F>>, StoreError> {
        if is_never_removed(path) {
            return self.tree.open(path);
        }
        let (room, below) = path.split_at(1);
        // A room that was removed and made again shows as missing, or empty, through a handle that
        // is kept open: then it is looked for anew.
        if !below.is_empty()
            && let Some(room) = self.tree.open(room)?
            && let Some(found) = self.folder_below(room, below)?
        {
            return Ok(Some(found));
        }
        self.folder_below(self.tree.root(), path)
    }

    fn folder_below(&self, mut here: At<F>, path: &[&str]) -> Result<Option<At<F>>, StoreError> {
        for name in path {
            let Some(below) = self.tree.open_in(&here, name)? else {
                return Ok(None);
            };
            here = below;
        }
        Ok(Some(here))
    }

    fn make_shelf_folder(&self, path: &[&str]) -> Result<At<F>, StoreError> {
        if is_never_removed(path)
            && let Some(there) = self.tree.open(path)?
        {
            return Ok(there);
        }
        let mut removals = 0;
        let (room, below) = path.split_at(1);
        loop {
            // One that is gone after all is looked for anew.
            let room = match removals {
                0 => self.tree.make(room, Holds::Passing),
                _ => self
                    .tree
                    .make_in(&self.tree.root(), room[0], Holds::Passing),
            };
            let made = room.and_then(|room| self.make_below(room, below));
            match made {
                Err(StoreError::Unreadable { source, .. })
                    if source.kind() == io::ErrorKind::NotFound && removals < REMOVALS_MAX =>
                {
                    removals += 1;
                }
                made => return made,
            }
        }
    }

    /// Opens a folder below another, making what is missing of its path. What lies in a folder that
    /// was missing is missing too.
    fn make_below(&self, mut here: At<F>, path: &[&str]) -> Result<At<F>, StoreError> {
        let mut is_missing = false;
        for name in path {
            let there = if is_missing {
                None
            } else {
                self.tree.open_in(&here, name)?
            };
            is_missing = there.is_none();
            here = match there {
                Some(there) => there,
                None => self.tree.make_missing(&here, name, Holds::Passing)?,
            };
        }
        Ok(here)
    }

    /// Removes what writers left behind in a folder that is about to go.
    fn sweep(&self, above: &At<F>, name: &str) -> Result<(), StoreError> {
        let Some(folder) = self.tree.open_in(above, name)? else {
            return Ok(());
        };
        let names = self.tree.list(&folder)?;
        if names.iter().all(|name| name.starts_with(TEMPORARY)) {
            for name in names {
                best_effort(self.tree.fs.unlink(&folder.dir, &name));
            }
        }
        Ok(())
    }
}

/// Tells whether a folder is one of those that stay, so that it may be kept open: the views of a
/// cohort.
fn is_never_removed(path: &[&str]) -> bool {
    matches!(path, ["cohorts", _, "view"])
}

/// Splits a path into the folders from the root, and the name in the last of them.
fn split(path: &ShelfPath) -> Result<(Vec<&str>, &str), StoreError> {
    let mut folders = path.components();
    match folders.pop() {
        Some(name) if !path.parts().is_empty() => Ok((folders, name)),
        _ => Err(not_a_file(path)),
    }
}

fn is_not_empty(error: &io::Error) -> bool {
    matches!(errno(error), Some(Errno::NOTEMPTY | Errno::EXIST))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use serde_json::Map;
    use tempfile::TempDir;

    use super::*;
    use crate::descriptor::Modes;
    use crate::dir::faults::{Fault, FaultyFileSystem, Moment};
    use crate::dir::{InitOptions, OsFileSystem};
    use crate::entropy::SystemEntropy;

    fn store(root: &TempDir) -> DirStore<OsFileSystem> {
        let options = InitOptions {
            created: String::new(),
            modes: Modes::Private,
            settings: Map::new(),
        };
        DirStore::init(&root.path().join("store"), &options, SystemEntropy)
            .unwrap()
            .into_store()
    }

    #[test]
    fn file_is_put_into_a_folder_that_others_keep_removing() {
        let root = TempDir::new().unwrap();
        let store = store(&root);
        let folder = ShelfPath::new(Room::Runs, &["r1", "train"]).unwrap();
        let file = folder.below("metrics.json").unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..500 {
                    store.remove(&file).unwrap();
                    store.remove_folder(&folder).unwrap();
                }
            });
            for _ in 0..500 {
                store.put(&file, b"{}", Keep::BestEffort).unwrap();
            }
        });
        store.put(&file, b"{}", Keep::Durable).unwrap();
        assert_eq!(store.get(&file).unwrap().unwrap(), b"{}");
    }

    #[test]
    fn file_that_was_put_without_a_reply_is_not_put_back() {
        let root = TempDir::new().unwrap();
        drop(store(&root));
        let fs = FaultyFileSystem::new(OsFileSystem);
        let store = DirStore::open_on(fs.clone(), &root.path().join("store"), SystemEntropy);
        let store = store.unwrap();
        let file = ShelfPath::new(Room::Runs, &["r1", "a.json"]).unwrap();
        store.put(&file, b"old", Keep::BestEffort).unwrap();
        fs.fail(Fault {
            call: Some("exchange"),
            after_calls: 0,
            errno: 5,
            moment: Moment::After,
        });
        assert!(store.put(&file, b"new", Keep::BestEffort).is_err());
        assert_eq!(fs.heal(), Some("exchange"));
        assert_eq!(store.get(&file).unwrap().unwrap(), b"new");
    }

    #[test]
    fn symbolic_link_on_the_shelf_is_not_followed() {
        let root = TempDir::new().unwrap();
        let store = store(&root);
        let outside = TempDir::new().unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join("store/runs/r1")).unwrap();
        let file = ShelfPath::new(Room::Runs, &["r1", "a.json"]).unwrap();
        assert!(store.put(&file, b"{}", Keep::BestEffort).is_err());
        assert!(store.get(&file).is_err());
        assert_eq!(outside.path().read_dir().unwrap().count(), 0);
    }
}
