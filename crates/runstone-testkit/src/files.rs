//! All files below a folder, to compare with later and to go back to.
//!
//! The invariant: what is restored is what was there, file for file and folder for folder. Modes
//! and links are not looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::harm::replace;

/// Every file below a folder with its bytes, by its path in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    files: BTreeMap<String, Vec<u8>>,
    folders: BTreeSet<String>,
}

impl Files {
    /// Reads everything below a folder.
    ///
    /// # Panics
    /// If something cannot be read.
    pub fn below(root: &Path) -> Self {
        let mut found = Self {
            files: BTreeMap::new(),
            folders: BTreeSet::new(),
        };
        let mut left = vec![root.to_path_buf()];
        while let Some(folder) = left.pop() {
            for entry in fs::read_dir(folder).expect("a folder of a test can be listed") {
                let path = entry.expect("a folder of a test can be listed").path();
                let name = path.strip_prefix(root).expect("it lies below the root");
                let name = name.to_string_lossy().into_owned();
                if path.is_dir() {
                    found.folders.insert(name);
                    left.push(path);
                } else {
                    let bytes = fs::read(&path).expect("a file of a test can be read");
                    found.files.insert(name, bytes);
                }
            }
        }
        found
    }

    /// Returns the paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Returns the bytes of a file.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// Returns the paths at which two folders differ, sorted.
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let paths: BTreeSet<&str> = self.paths().chain(other.paths()).collect();
        let differs = |path: &&str| self.get(path) != other.get(path);
        let differing = paths.into_iter().filter(differs);
        differing.map(str::to_owned).collect()
    }

    /// Makes a folder again what it was when this was read.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn restore(&self, root: &Path) {
        self.restore_from(&Self::below(root), root);
    }

    /// The same, of a folder that is known to be as it is `now`.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn restore_from(&self, now: &Self, root: &Path) {
        for path in self.differing(now) {
            match self.get(&path) {
                Some(bytes) => replace(&root.join(path), bytes),
                None => fs::remove_file(root.join(path)).expect("a file of a test can go"),
            }
        }
        // Those below come after those above.
        for folder in now.folders.iter().rev() {
            if self.folders.contains(folder) {
                continue;
            }
            fs::remove_dir(root.join(folder)).expect("an empty folder of a test can go");
        }
        for folder in self.folders.difference(&now.folders) {
            fs::create_dir_all(root.join(folder)).expect("a folder of a test can be made");
        }
    }
}
