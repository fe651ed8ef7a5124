//! What lies in the trash although it is named: an object that a collection took, and whose
//! snapshot came at the same time.
//!
//! Readers find it there, and the next collection puts it back, so that it is stale and no damage.
//! The invariant guarded here: only what is known to be named is said to be in the wrong place. How
//! an object comes back is left to the store.

use std::collections::BTreeSet;

use runstone_store::{Mended, StaleKind};

use super::found::{Leftover, Verified};
use crate::error::chain;
use crate::named::Named;
use crate::open::Ledger;
use crate::views::Mode;

impl Ledger {
    /// Names what is in the trash and named, or puts it back.
    pub(super) fn verify_trash(&self, mode: Mode, mended: &mut Mended, verified: &mut Verified) {
        // A trash that cannot be listed was named by the audit.
        let mut trashed = self.store.trashed().unwrap_or_default();
        trashed.retain(|object| !object.is_in_place);
        if trashed.is_empty() {
            return;
        }
        let mut untold = |_entries| ();
        let mut named = Named::of(self, &mut untold);
        // What cannot be read is damage, and named as that; what can be read names what it names.
        let _complete_or_not = named.read_on().is_ok();
        let mut held = BTreeSet::new();
        for object in trashed {
            if !named.so_far().contains(&object.digest) || held.contains(&object.digest) {
                continue;
            }
            let put_back = match mode {
                Mode::Check => Ok(false),
                Mode::Repair => self.store.hold_object(&object.digest, None),
            };
            match put_back {
                Ok(true) => {
                    held.insert(object.digest);
                    mended.restored.push(object.place());
                    continue;
                }
                Ok(false) => {}
                Err(error) => mended
                    .left
                    .push(format!("{}: {}", object.path, chain(&error))),
            }
            verified.stale.push(Leftover {
                path: object.path,
                kind: StaleKind::Trashed.to_string(),
                why: None,
            });
        }
    }
}
