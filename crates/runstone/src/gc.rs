//! Collecting what nobody needs any more.
//!
//! Writers that died leave temporary files behind, which cost nothing but room. What is removed
//! here was never part of the record; deciding which files those are is left to the store.

use runstone_store::{Sweep, Swept};
use serde_json::{Value, json};

use crate::error::Error;
use crate::open::Ledger;

/// What a collection removed, or would remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Whether it only looked.
    pub dry_run: bool,
    /// What was found.
    pub swept: Swept,
}

impl Collected {
    /// Returns the stable JSON form, schema `runstone.gc/1`.
    pub fn to_json(&self) -> Value {
        json!({
            "schema": "runstone.gc/1",
            "dry_run": self.dry_run,
            "leftovers": self.swept.leftovers,
            "young": self.swept.young,
            "left": self.swept.left,
        })
    }
}

impl Ledger {
    /// Removes what dead writers left behind, once it is a day old; with `dry_run` it only says
    /// what it would remove.
    ///
    /// # Errors
    /// Of the store, if no file can be made in it to tell the time by.
    pub fn collect(&self, dry_run: bool) -> Result<Collected, Error> {
        let how = if dry_run { Sweep::Look } else { Sweep::Remove };
        let swept = self.store.sweep(how)?;
        Ok(Collected { dry_run, swept })
    }
}
