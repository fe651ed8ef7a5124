//! Discarding: objects that nothing names any more, on their way out.
//!
//! An object that nobody names goes to the trash, and leaves it a day later for good, unless
//! somebody names it by then. The invariant guarded here: the store is told by its caller what is
//! named, and whatever cannot be told keeps everything. How an object goes and comes back is left
//! to the engines.

use std::collections::BTreeSet;

use crate::hash::Hash256;

/// Tells which objects are named by anything there is when it is asked; nothing if that cannot be
/// told.
pub type WhoNames<'a> = dyn FnMut() -> Option<BTreeSet<Hash256>> + 'a;

/// What discarding objects came to. Every list is sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discarded {
    /// Objects that nobody names and that are in the trash since, or would be.
    pub trashed: Vec<Hash256>,
    /// Objects whose day in the trash is over, and that are gone for good, or would be.
    pub emptied: Vec<Hash256>,
    /// Objects that were in the trash and are named: they have their place again, or would have.
    pub put_back: Vec<Hash256>,
    /// Objects that nobody names and that are not a day old.
    pub young: u64,
    /// Objects in the trash whose day is not over.
    pub waiting: u64,
    /// What could not be looked at, moved or removed.
    pub left: u64,
    /// Whether it could not be told what is named, so that nothing went.
    pub is_undecided: bool,
}

/// An object in the trash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trashed {
    /// Its digest.
    pub digest: Hash256,
    /// Its file, below the store's root.
    pub path: String,
    /// Whether an object of this digest is in its place as well.
    pub is_in_place: bool,
}

impl Trashed {
    /// Returns the path of its place, below the store's root.
    pub fn place(&self) -> String {
        let digest = self.digest.to_string();
        format!("objects/{}/{digest}", &digest[..2])
    }
}
