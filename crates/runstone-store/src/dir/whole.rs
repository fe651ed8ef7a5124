//! Folders of the shelf that are put in their place whole.
//!
//! A folder that nobody has is made under a temporary name, with everything in it, and gets its
//! name when it is done: each file needs no temporary name of its own, and nobody has to be asked
//! what else lies there. The invariant guarded here: of those who put one folder one wins, and
//! whoever does not leaves nothing behind. Where nothing is renamed unless its new name is free,
//! nothing is put; what is to be done instead is left to the caller.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use super::DirStore;
use super::fs::{FileSystem, Kind, best_effort};
use super::layout::{Holds, temporary_name};
use super::tree::At;
use crate::error::StoreError;
use crate::shelf::ShelfPath;

/// Whether this handle found that folders cannot be renamed so, until it finds otherwise.
#[derive(Debug, Default)]
pub(super) struct Refused(AtomicBool);

/// A folder that is being made. What was made of it goes when this is dropped, unless it got its
/// name.
#[derive(Debug)]
struct Begun<'a, F: FileSystem> {
    store: &'a DirStore<F>,
    above: &'a At<F>,
    temporary: String,
    /// The folders in it by their path below it, itself among them.
    folders: BTreeMap<Vec<&'a str>, At<F>>,
    files: Vec<(At<F>, &'a str)>,
    has_its_name: bool,
}

impl<F: FileSystem> DirStore<F> {
    /// Puts a folder with all its files into another one, if nothing has its name there; returns
    /// whether it did.
    pub(super) fn put_whole(
        &self,
        above: &At<F>,
        folder: &ShelfPath,
        files: &[(ShelfPath, &[u8])],
    ) -> Result<bool, StoreError> {
        let Some(name) = folder.parts().last() else {
            return Ok(false);
        };
        let is_known_to_fail = self.whole_refused.0.load(Ordering::Relaxed);
        if self.tree.kind == Kind::Network || is_known_to_fail || self.tree.exists(above, name)? {
            return Ok(false);
        }
        let mut begun = self.begin_whole(above)?;
        for (path, bytes) in files {
            if !path.is_below(folder) {
                return Ok(false);
            }
            begun.put(&path.parts()[folder.parts().len()..], bytes)?;
        }
        match begun.name(name) {
            Ok(()) => Ok(true),
            // Somebody else was quicker.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(_without_such_renames) => {
                self.whole_refused.0.store(true, Ordering::Relaxed);
                Ok(false)
            }
        }
    }

    fn begin_whole<'a>(&'a self, above: &'a At<F>) -> Result<Begun<'a, F>, StoreError> {
        let temporary = temporary_name(self.nonce());
        let made = self.tree.make_missing(above, &temporary, Holds::Passing)?;
        Ok(Begun {
            store: self,
            above,
            temporary,
            folders: BTreeMap::from([(Vec::new(), made)]),
            files: Vec::new(),
            has_its_name: false,
        })
    }
}

impl<'a, F: FileSystem> Begun<'a, F> {
    /// Puts a file at a path below the folder.
    fn put(&mut self, path: &'a [String], bytes: &[u8]) -> Result<(), StoreError> {
        let Some((name, folders)) = path.split_last() else {
            return Ok(());
        };
        let here = self.folder(folders)?;
        let tree = &self.store.tree;
        let made = tree.fs.create_new(&here.dir, name, tree.modes.derived);
        let file = made.map_err(here.failing(name))?;
        self.files.push((here.clone(), name));
        tree.fs.write_all(&file, bytes).map_err(here.failing(name))
    }

    /// Returns a folder below this one, made with those above it.
    fn folder(&mut self, path: &'a [String]) -> Result<At<F>, StoreError> {
        let key: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Some(there) = self.folders.get(&key) {
            return Ok(there.clone());
        }
        let (name, above) = path.split_last().expect("the folder itself is there");
        let above = self.folder(above)?;
        let made = self.store.tree.make_missing(&above, name, Holds::Passing)?;
        self.folders.insert(key, made.clone());
        Ok(made)
    }

    /// Gives the folder its name.
    fn name(mut self, name: &str) -> io::Result<()> {
        let (fs, above) = (&self.store.tree.fs, &self.above.dir);
        let named = fs.rename_noreplace(above, &self.temporary, above, name);
        // A rename that failed may have acted all the same.
        self.has_its_name = named.is_ok() || matches!(fs.exists(above, &self.temporary), Ok(false));
        if self.has_its_name { Ok(()) } else { named }
    }
}

impl<F: FileSystem> Drop for Begun<'_, F> {
    fn drop(&mut self) {
        if self.has_its_name {
            return;
        }
        // What stays behind is swept later, and hurts nobody until then.
        let fs = &self.store.tree.fs;
        for (folder, name) in &self.files {
            best_effort(fs.unlink(&folder.dir, name));
        }
        for path in self.folders.keys().rev() {
            if let Some((name, above)) = path.split_last()
                && let Some(above) = self.folders.get(above)
            {
                best_effort(fs.remove_dir(&above.dir, name));
            }
        }
        best_effort(fs.remove_dir(&self.above.dir, &self.temporary));
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use serde_json::Map;
    use tempfile::TempDir;

    use super::*;
    use crate::descriptor::Modes;
    use crate::dir::faults::{Fault, FaultyFileSystem, Moment};
    use crate::dir::{InitOptions, OsFileSystem};
    use crate::entropy::SystemEntropy;
    use crate::shelf::{Room, Shelf as _};
    use crate::store::{Store as _, Sweep};

    type Faulty = FaultyFileSystem<OsFileSystem>;

    fn store(root: &TempDir) -> (DirStore<Faulty>, Faulty) {
        let options = InitOptions {
            created: String::new(),
            modes: Modes::Private,
            settings: Map::new(),
        };
        let fs = FaultyFileSystem::new(OsFileSystem);
        let path = root.path().join("store");
        let made = DirStore::init_on(fs.clone(), &path, &options, SystemEntropy).unwrap();
        (made.into_store(), fs)
    }

    fn run() -> ShelfPath {
        ShelfPath::new(Room::Runs, &["r1"]).unwrap()
    }

    fn put(store: &DirStore<Faulty>, stage: &str) -> bool {
        let stage = run().below(stage).unwrap();
        let files = ["a.json", "b.json"].map(|name| (stage.below(name).unwrap(), b"{}".as_slice()));
        store.put_folder(&run(), &files)
    }

    /// Returns everything below `runs/`, whatever its name.
    fn names(root: &TempDir) -> Vec<String> {
        fn below(folder: &std::path::Path, names: &mut Vec<String>) {
            for entry in folder.read_dir().unwrap().map(Result::unwrap) {
                names.push(entry.file_name().into_string().unwrap());
                if entry.file_type().unwrap().is_dir() {
                    below(&entry.path(), names);
                }
            }
        }
        let mut names = Vec::new();
        below(&root.path().join("store/runs"), &mut names);
        names.sort_unstable();
        names
    }

    #[test]
    fn of_two_who_put_one_folder_one_does_and_the_other_leaves_nothing_behind() {
        let root = TempDir::new().unwrap();
        let (store, _) = store(&root);
        let [first, second] = ["train", "test"].map(|stage| {
            let store = &store;
            thread::scope(|scope| scope.spawn(move || put(store, stage)).join().unwrap())
        });
        assert_eq!((first, second), (true, false));
        assert_eq!(names(&root), ["a.json", "b.json", "r1", "train"]);
    }

    #[test]
    fn folder_that_cannot_be_put_leaves_nothing_behind() {
        let root = TempDir::new().unwrap();
        let (store, fs) = store(&root);
        let steps = ["make_dir", "create_new", "write_all"];
        let faults = steps.into_iter().flat_map(|call| [(call, 0), (call, 1)]);
        for (call, after_calls) in faults.chain([("rename_noreplace", 0)]) {
            fs.fail(Fault {
                call: Some(call),
                after_calls,
                errno: 28,
                moment: Moment::Before,
            });
            assert!(!put(&store, "train"), "{call} {after_calls}");
            assert_eq!(fs.heal(), Some(call));
            assert_eq!(names(&root), [""; 0], "{call} {after_calls}");
        }
        assert!(!put(&store, "train"), "it would fail again");
    }

    #[test]
    fn folder_that_got_its_name_without_a_reply_keeps_its_files() {
        let root = TempDir::new().unwrap();
        let (store, fs) = store(&root);
        fs.fail(Fault {
            call: Some("rename_noreplace"),
            after_calls: 0,
            errno: 5,
            moment: Moment::After,
        });
        assert!(put(&store, "train"));
        assert_eq!(fs.heal(), Some("rename_noreplace"));
        assert_eq!(names(&root), ["a.json", "b.json", "r1", "train"]);
    }

    #[test]
    fn folder_that_was_never_finished_is_swept_with_what_is_in_it() {
        let root = TempDir::new().unwrap();
        let (store, _) = store(&root);
        let name = "runs/.t-0123456789abcdef0123456789abcdef";
        let left = root.path().join("store").join(name);
        std::fs::create_dir_all(left.join("train/c")).unwrap();
        let torn = std::fs::File::create_new(left.join("train/c/a.json"));
        drop(torn.unwrap());
        let swept = store.sweep(Sweep::Remove).unwrap();
        assert_eq!((swept.young, swept.leftovers.len()), (1, 0));
        let folder = std::fs::File::open(&left).unwrap();
        let made = folder.metadata().unwrap().modified().unwrap();
        folder
            .set_modified(made - Duration::from_hours(25))
            .unwrap();
        let swept = store.sweep(Sweep::Remove).unwrap();
        assert_eq!(
            swept.leftovers,
            ["runs/.t-0123456789abcdef0123456789abcdef"]
        );
        assert_eq!(names(&root), [""; 0]);
    }
}
