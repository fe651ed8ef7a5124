//! Verifying attachments: each file that a snapshot says is stored with it is there.
//!
//! A file is named once however many snapshots store it. The invariant guarded here: one that is on
//! its way out is there, since readers find it. Whether its bytes are those of its digest is left
//! to the audit.

use std::collections::BTreeMap;

use runstone_store::{DamageKind, Hash256, Slot};

use super::{Damaged, Verified};
use crate::find::Stored;
use crate::named::stored_artifacts;
use crate::open::Ledger;

/// Which attachments are named, each with the first snapshot that stores it.
#[derive(Debug, Default)]
pub(crate) struct AttachmentsNamed(BTreeMap<Hash256, String>);

impl AttachmentsNamed {
    pub(super) fn by(&mut self, stored: &Stored) {
        for attachment in stored_artifacts(&stored.snapshot) {
            self.0
                .entry(attachment.sha256)
                .or_insert_with(|| format!("{attachment}, which {} stores", stored.place));
        }
    }
}

impl Ledger {
    /// Names each attachment that is nowhere.
    pub(super) fn verify_attachments(&self, named: AttachmentsNamed, verified: &mut Verified) {
        for (sha256, expected) in named.0 {
            // What cannot be read was named by the audit.
            if matches!(self.store.object(&sha256), Ok(Slot::Absent)) {
                let name = sha256.to_string();
                verified.damage.push(Damaged {
                    path: format!("objects/{}/{name}", &name[..2]),
                    kind: DamageKind::Missing.word().to_owned(),
                    expected,
                    found: "nothing".to_owned(),
                });
            }
        }
    }
}
