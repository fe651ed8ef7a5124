//! Verifying environments: the document of each is there that a snapshot was recorded with, or that
//! was kept by request.
//!
//! A document is named once however many name it. What the caller's own document calls an
//! environment need not be in the store. Whether the bytes are those of the digest is left to the
//! audit.

use std::collections::BTreeMap;

use runstone_core::digest::Digest;
use runstone_store::{DamageKind, Slot};

use super::{Damaged, Verified};
use crate::digests::to_hash;
use crate::find::Stored;
use crate::open::Ledger;

/// Which environments are named, each with the first place that names it.
#[derive(Debug, Default)]
pub(crate) struct EnvironmentsNamed(BTreeMap<Digest, String>);

impl EnvironmentsNamed {
    pub(super) fn by(&mut self, stored: &Stored) {
        let environment = &stored.snapshot.environment;
        if let Some(digest) = environment.digest().filter(|_| environment.has_object()) {
            self.by_place(digest, &stored.place);
        }
    }

    pub(crate) fn by_place(&mut self, digest: Digest, place: &dyn std::fmt::Display) {
        let named = self.0.entry(digest);
        named.or_insert_with(|| format!("the environment that {place} names"));
    }
}

impl Ledger {
    /// Names each environment that is nowhere, or is none.
    pub(super) fn verify_environments(&self, named: EnvironmentsNamed, verified: &mut Verified) {
        for (digest, expected) in named.0 {
            let name = digest.to_string();
            let path = format!("objects/{}/{name}", &name[..2]);
            let (kind, found) = match self.store.object(&to_hash(&digest)) {
                Ok(Slot::Absent) => (DamageKind::Missing.word(), "nothing".to_owned()),
                Ok(Slot::Whole(_)) => match self.environment(&digest) {
                    Ok(_) => continue,
                    Err(found) => ("environment", found),
                },
                // What cannot be read was named by the audit.
                Ok(Slot::Damaged(_)) | Err(_) => continue,
            };
            verified.damage.push(Damaged {
                path,
                kind: kind.to_owned(),
                expected,
                found,
            });
        }
    }
}
