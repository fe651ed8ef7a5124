//! The key of pseudonyms: the store's secret, and the ids that snapshots say theirs had.
//!
//! The key is read only where a pseudonym is wanted, and made when the first one is. The store
//! remembers its id beside it, and both can be lost together; each snapshot that has a pseudonym
//! bears the id as well. The invariant guarded here: no second key is made where a look back finds
//! that there was a first one, because equal values would no longer share a pseudonym. Where the
//! secret lies is left to the store.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use runstone_core::redact::PseudonymKey;
use runstone_core::verdict::LOOK_BACK;
use runstone_store::{Secret, Slot, StoreError};

use crate::error::Error;
use crate::find::{Head, Stored};
use crate::open::Ledger;
use crate::verify::{Damaged, Verified};

/// How many cohorts are looked at for the id of a key before the first one is made. Chosen as for
/// looking back: a moment, once in the life of a store.
const COHORTS_MAX: usize = 64;

/// The ids of keys that snapshots bear: how many each, and the first of them.
#[derive(Debug, Default)]
pub(crate) struct KeyIds(BTreeMap<String, (u64, String)>);

impl KeyIds {
    pub(crate) fn add(&mut self, stored: &Stored) {
        if let Some(id) = &stored.snapshot.pseudonym_key {
            let known = self.0.entry(id.clone());
            known.or_insert_with(|| (0, stored.place.to_string())).0 += 1;
        }
    }
}

impl Ledger {
    /// Returns the key of the store's pseudonyms; the first time a store needs one, it is made.
    ///
    /// # Errors
    /// [`StoreError::SecretLost`] if there is none and there was one; errors of the store.
    pub(crate) fn pseudonym_key(&self) -> Result<PseudonymKey, Error> {
        let mut known = self
            .pseudonym_key
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.as_ref() {
            return Ok(key.clone());
        }
        let secret = self.first_or_only_secret()?;
        let key = PseudonymKey::new(*secret.bytes(), secret.id());
        *known = Some(key.clone());
        Ok(key)
    }

    fn first_or_only_secret(&self) -> Result<Secret, Error> {
        if self.store.secret()? == Slot::Absent
            && let Some(id) = self.key_id_of_a_snapshot()?
            // Another process may have made it, and used it, since it was looked for.
            && self.store.secret()? == Slot::Absent
        {
            return Err(StoreError::SecretLost { id }.into());
        }
        Ok(self.store.make_secret()?)
    }

    /// Returns the id of the key of some snapshot, from a bounded look: the newest of a number of
    /// cohorts. What cannot be read tells nothing.
    fn key_id_of_a_snapshot(&self) -> Result<Option<String>, Error> {
        for cohort in self.store.cohorts("", Some(COHORTS_MAX))? {
            let mut next = match self.head_of(&cohort)? {
                Head::At(head) => Some(head),
                Head::Nothing | Head::Unreadable(_) => None,
            };
            for _ in 0..LOOK_BACK {
                let Some(seq) = next else { break };
                match self.stored(&cohort, seq) {
                    Ok(stored) if stored.snapshot.pseudonym_key.is_some() => {
                        return Ok(stored.snapshot.pseudonym_key);
                    }
                    Ok(_) => {}
                    Err(error) if error.costs_its_place_alone() => {}
                    Err(error) => return Err(error),
                }
                next = seq.previous();
            }
        }
        Ok(None)
    }

    /// Holds the ids that snapshots bear against the key that there is. Whether the key is the one
    /// that the store remembers was said by the audit.
    pub(crate) fn verify_key_ids(&self, ids: &KeyIds, verified: &mut Verified) {
        let found = match self.store.secret() {
            Ok(Slot::Whole(secret)) => Some(secret.id()),
            Ok(Slot::Absent) => None,
            // Damage was named, and who may not read the key cannot tell.
            Ok(Slot::Damaged(_)) | Err(_) => return,
        };
        for (id, (snapshots, first)) in &ids.0 {
            let is_named = |it: &Damaged| it.path == KEY && it.expected.contains(id.as_str());
            if found.as_ref() == Some(id) || verified.damage.iter().any(is_named) {
                continue;
            }
            verified.damage.push(Damaged {
                path: KEY.to_owned(),
                kind: "pseudonym key".to_owned(),
                expected: match snapshots {
                    1 => format!("the secret {id}, as in {first}"),
                    _ => format!("the secret {id}, as in {snapshots} snapshots, first {first}"),
                },
                found: found
                    .as_ref()
                    .map_or_else(|| "nothing".to_owned(), |id| format!("the secret {id}")),
            });
        }
    }
}

/// The file of the key.
const KEY: &str = "secret/key";
