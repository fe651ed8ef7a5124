//! The environment of a recording, named by whoever records: one that is kept, or that runs name.
//!
//! It speaks for a run that ran elsewhere, or earlier, in a machine that was captured then, and
//! says nothing of code; that of a command which is about to start is read where it starts. The
//! invariant: what is named is found before anything is recorded, and its document is made durable
//! again before the snapshot that names it. What a name means is left to `kept`.

use std::sync::Arc;

use runstone_core::snapshot::{CAPTURE, Captured};
use runstone_store::Slot;
use serde_json::{Map, Value, json};

use super::choice::{CaptureRequest, EnvironmentChoice};
use super::kept::EnvironmentReference;
use super::settled::{EnvironmentObject, Settled};
use crate::digests::to_hash;
use crate::error::{Error, in_words};
use crate::open::Ledger;

/// The member of a capture's record that says which environment was named; none where the recording
/// itself captured it.
const NAMED: &str = "named";

impl Ledger {
    /// Returns the choice of an environment that is named. `current` is captured when it is
    /// recorded, as `request` says.
    ///
    /// # Errors
    /// As [`Ledger::find_environment`].
    pub fn named_environment(
        &self,
        reference: &EnvironmentReference,
        request: Arc<CaptureRequest>,
    ) -> Result<EnvironmentChoice, Error> {
        if *reference == EnvironmentReference::Current {
            return Ok(EnvironmentChoice::Current(request));
        }
        let found = self.find_environment(reference, &request)?;
        let digest = found.digest();
        let name = match &found.kept {
            Some(kept) => kept.id(),
            None => digest.to_string(),
        };
        // The bytes as they stand: a later release may have put more into them than this one reads.
        let damaged = |found: String| Error::Damaged {
            place: format!("environment {name}"),
            found,
        };
        let bytes = match self.store.object(&to_hash(&digest))? {
            Slot::Whole(bytes) => bytes,
            Slot::Absent => return Err(damaged("its document is not in the store".to_owned())),
            Slot::Damaged(damage) => return Err(damaged(in_words(&damage))),
        };
        Ok(EnvironmentChoice::Settled(Arc::new(Settled {
            environment: Captured::Known(naming(found.named.members(), &name)),
            code: Captured::NotCaptured {
                reason: "the environment was named, which says nothing of code".to_owned(),
            },
            object: Some(EnvironmentObject {
                digest,
                bytes: bytes.into(),
                is_named: false,
            }),
            warnings: Vec::new(),
        })))
    }
}

/// Returns what is known of an environment, and that it was named. Having a record of its capture
/// says that its document is in the store.
fn naming(members: &Map<String, Value>, name: &str) -> Value {
    let mut members = members.clone();
    let capture = members.entry(CAPTURE).or_insert_with(|| json!({}));
    if !capture.is_object() {
        *capture = json!({});
    }
    capture[NAMED] = json!(name);
    Value::Object(members)
}
