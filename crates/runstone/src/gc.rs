//! Collecting what nobody needs any more.
//!
//! Writers that died leave temporary files behind, and objects that no snapshot came to name. What
//! goes here was never part of the record: leftovers at once, objects by way of the trash, from
//! which they come back if somebody names them. What is named is read by `named`; deciding which
//! files are leftovers, and when, is left to the store.

use runstone_store::{Discarded, Sweep, Swept};
use serde_json::{Value, json};

use crate::error::{Error, chain};
use crate::named::Named;
use crate::open::Ledger;

/// What a collection removed, or would remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Whether it only looked.
    pub dry_run: bool,
    /// The leftovers that were found.
    pub swept: Swept,
    /// What became of objects.
    pub discarded: Discarded,
    /// Why no object went: what could not be read may name any of them.
    pub undecided: Option<String>,
}

impl Collected {
    /// Tells whether something was left that should not be.
    pub fn is_partly_done(&self) -> bool {
        self.swept.left > 0 || self.discarded.left > 0 || self.undecided.is_some()
    }

    /// Returns the stable JSON form, schema `runstone.gc/1`.
    pub fn to_json(&self) -> Value {
        let discarded = &self.discarded;
        let digests = |list: &[_]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        json!({
            "schema": "runstone.gc/1",
            "dry_run": self.dry_run,
            "leftovers": self.swept.leftovers,
            "young": self.swept.young,
            "left": self.swept.left,
            "objects": {
                "trashed": digests(&discarded.trashed),
                "emptied": digests(&discarded.emptied),
                "put_back": digests(&discarded.put_back),
                "young": discarded.young,
                "waiting": discarded.waiting,
                "left": discarded.left,
                "undecided": self.undecided,
            },
        })
    }
}

impl Ledger {
    /// Removes what dead writers left behind, once it is a day old, and takes objects that nothing
    /// names out of the store, by way of the trash; with `dry_run` it only says what it would do.
    ///
    /// `progress` is told how many entries were read, of which each is read twice where objects go.
    /// A dry run writes nothing.
    ///
    /// # Errors
    /// Of the store, if no file can be made in it to tell the time by.
    pub fn collect(
        &self,
        dry_run: bool,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Collected, Error> {
        let how = if dry_run { Sweep::Look } else { Sweep::Remove };
        let swept = self.store.sweep(how)?;
        let mut named = Named::of(self, progress);
        let mut undecided = None;
        let mut who_names = || match named.read_on() {
            Ok(digests) => Some(digests.clone()),
            Err(error) => {
                undecided = Some(chain(error));
                None
            }
        };
        let discarded = self.store.discard(how, &mut who_names)?;
        Ok(Collected {
            dry_run,
            swept,
            discarded,
            undecided,
        })
    }
}
