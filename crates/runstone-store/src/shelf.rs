//! Files beside the logs: views, runs under way, results that were refused.
//!
//! A [`Shelf`] holds what may be replaced and removed, so nothing on it is ever truth. The
//! invariant guarded here: a path names one of a few rooms and safe components below it, so that no
//! text from a user becomes a path, and a reader finds a file whole or not at all. What the files
//! say, and which of them can be made again, is left to the ledger.

use std::fmt::Debug;
use std::{fmt, io};

use thiserror::Error;

use crate::error::StoreError;
use crate::log::CohortName;

/// Bytes a component of a path may have.
const PART_BYTES_MAX: usize = 200;

/// Files beside the logs.
///
/// Any number of processes may put and remove at once: of two who put the same file one comes last,
/// and its bytes stay.
pub trait Shelf: Send + Sync + Debug {
    /// Puts a file in its place, whatever was there before, making the folders above it.
    ///
    /// # Durability
    /// With [`Keep::Durable`] the file survives power loss once this is `Ok`. With
    /// [`Keep::BestEffort`] a power cut may take it, or leave it torn. Readers without a power cut
    /// see the old file or the new one, whole.
    ///
    /// # Errors
    /// [`StoreError::Unwritten`] with the path if it could not be written.
    fn put(&self, path: &ShelfPath, bytes: &[u8], keep: Keep) -> Result<(), StoreError>;

    /// Puts several files into one folder, one after the other, as [`put`](Self::put) does each.
    ///
    /// # Durability
    /// The same as [`put`](Self::put).
    ///
    /// # Errors
    /// The same as [`put`](Self::put); files before the one that failed are there, but none if a
    /// name is illegal.
    fn put_all(
        &self,
        folder: &ShelfPath,
        files: &[(&str, &[u8])],
        keep: Keep,
    ) -> Result<(), StoreError>;

    /// Puts a folder into its place with all its files at once, if nothing is there: readers without
    /// a power cut see all of it or nothing. As durable as [`Keep::BestEffort`].
    ///
    /// Returns whether it did. Where not, nothing of it is there: somebody else may have the place,
    /// or whoever puts the files one by one is told what hinders.
    fn put_folder(&self, folder: &ShelfPath, files: &[(ShelfPath, &[u8])]) -> bool;

    /// Returns a file, or nothing if there is none.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if what is there cannot be read.
    fn get(&self, path: &ShelfPath) -> Result<Option<Vec<u8>>, StoreError>;

    /// Removes a file; nothing to remove is fine.
    ///
    /// # Errors
    /// [`StoreError::Unwritten`] if it stays.
    fn remove(&self, path: &ShelfPath) -> Result<(), StoreError>;

    /// Returns what is in a folder, sorted by name; nothing if there is no such folder.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if it cannot be listed.
    fn list(&self, folder: &ShelfPath) -> Result<Vec<Shelved>, StoreError>;

    /// Removes a folder if nothing is in it; one that is not empty, or not there, is fine.
    ///
    /// # Errors
    /// [`StoreError::Unwritten`] if it cannot be removed.
    fn remove_folder(&self, folder: &ShelfPath) -> Result<(), StoreError>;

    /// Does `work` while nobody else does theirs for the same folder, without waiting.
    ///
    /// No promise of the store rests on this: it spares work and nothing else.
    ///
    /// # Errors
    /// What `work` says, and [`StoreError::Unwritten`] if the folder cannot be made.
    fn exclusively(
        &self,
        folder: &ShelfPath,
        work: &mut dyn FnMut() -> Result<(), StoreError>,
    ) -> Result<Exclusive, StoreError>;
}

/// What became of work that one does at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Exclusive {
    /// It was done, and nobody else was at theirs meanwhile.
    Done,
    /// Somebody else is at theirs; it was not done.
    Busy,
    /// Locks do not work here; it was not done.
    NoLocks,
}

/// Whether a file has to outlast a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It has to.
    Durable,
    /// It can be made again.
    BestEffort,
}

/// Something in a folder of the shelf.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shelved {
    /// Its name.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// A part of the store that the shelf reaches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// What people and scripts read of each run.
    Runs,
    /// What people and scripts read of a cohort; hints lie there as well.
    CohortView(CohortName),
    /// Runs under way.
    Started,
    /// Results that could not be recorded.
    Refused,
}

impl Room {
    /// Returns the folders from the store's root down to this room.
    pub(crate) fn path(&self) -> Vec<&str> {
        match self {
            Self::Runs => vec!["runs"],
            Self::CohortView(cohort) => vec!["cohorts", cohort.as_str(), "view"],
            Self::Started => vec!["started"],
            Self::Refused => vec!["refused"],
        }
    }
}

/// A place on the shelf: a room, and a path of safe components in it. It prints as its path below
/// the root of the store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShelfPath {
    room: Room,
    parts: Vec<String>,
}

impl ShelfPath {
    /// Returns the room itself, a folder.
    pub const fn of(room: Room) -> Self {
        let parts = Vec::new();
        Self { room, parts }
    }

    /// Returns the path of `parts` below a room.
    ///
    /// # Errors
    /// [`NotAShelfPath`] as for [`below`](Self::below).
    pub fn new(room: Room, parts: &[&str]) -> Result<Self, NotAShelfPath> {
        parts
            .iter()
            .try_fold(Self::of(room), |path, part| path.below(part))
    }

    /// Returns the path of `part` below this one.
    ///
    /// # Errors
    /// [`NotAShelfPath`] if the part is empty, longer than 200 bytes, begins with a dot, or has
    /// another character than `A-Z a-z 0-9 . _ ~ -`.
    pub fn below(&self, part: &str) -> Result<Self, NotAShelfPath> {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        let fits = (1..=PART_BYTES_MAX).contains(&part.len());
        if !fits || part.starts_with('.') || !part.bytes().all(safe) {
            return Err(NotAShelfPath {
                part: part.to_owned(),
            });
        }
        let mut below = self.clone();
        below.parts.push(part.to_owned());
        Ok(below)
    }

    /// Returns the room.
    pub const fn room(&self) -> &Room {
        &self.room
    }

    /// Returns the components below the room.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// Returns whether it lies below a folder, at any depth.
    pub(crate) fn is_below(&self, folder: &Self) -> bool {
        self.room == folder.room
            && self.parts.len() > folder.parts.len()
            && self.parts.starts_with(&folder.parts)
    }

    /// Returns the components from the root of the store.
    pub(crate) fn components(&self) -> Vec<&str> {
        let mut components = self.room.path();
        components.extend(self.parts.iter().map(String::as_str));
        components
    }
}

impl fmt::Display for ShelfPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.components().join("/"))
    }
}

/// A text cannot be a component of a path on the shelf.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{}` cannot be the name of a file in a store", part.escape_debug())]
pub struct NotAShelfPath {
    /// The text.
    pub part: String,
}

/// Says that a room was named where a file in it was meant.
pub(crate) fn not_a_file(path: &ShelfPath) -> StoreError {
    StoreError::Unwritten {
        path: path.to_string(),
        source: io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a room of the store and no file in one",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_room() {
        let runs = ShelfPath::of(Room::Runs);
        let long = "a".repeat(PART_BYTES_MAX + 1);
        for bad in [
            "",
            ".",
            "..",
            ".t-0",
            "a/b",
            "a\0",
            "ä",
            "a b",
            long.as_str(),
        ] {
            assert!(runs.below(bad).is_err(), "{bad}");
        }
        let path = ShelfPath::new(Room::Runs, &["Churn~04.12", "train_1"]).unwrap();
        assert_eq!(path.to_string(), "runs/Churn~04.12/train_1");
        let view = ShelfPath::of(Room::CohortView("train.a".parse().unwrap()));
        assert_eq!(
            view.below("LATEST.json").unwrap().to_string(),
            "cohorts/train.a/view/LATEST.json"
        );
    }
}
