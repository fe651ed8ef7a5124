//! Giving entries the claims of their keys back.
//!
//! An entry holds all that its claim says: K, D, and a head that is older than its place. The
//! invariant guarded here: a claim is put where nothing stands, or in place of bytes that are still
//! found to be no claim of this key, which keep a name in `quarantine/`; and only of a key that
//! holds one place, whose entry is whole. Whether a further generation is made of a claim that is
//! torn, and holds no place, is left to the writers of its key.

use std::collections::{BTreeMap, BTreeSet};

use super::DirStore;
use super::audit::Read;
use super::fs::FileSystem;
use super::layout::{claim_name, claim_number, fan_name};
use super::mend::left;
use crate::append::{Claim, Slots as _};
use crate::damage::{DamageKind, Finding, Mended, StaleKind};
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::key::Key;
use crate::log::{Log, Seq};
use crate::store::Slot;

/// The claims that an audit did not find as they should be.
#[derive(Debug, Default)]
pub(super) struct LostClaims {
    /// Whether any is missing.
    are_missing: bool,
    /// The keys of those that are torn, or of another key.
    garbled: BTreeSet<Hash256>,
    /// Places whose key holds another one too.
    twice: BTreeSet<(Log, Seq)>,
}

impl LostClaims {
    pub(super) fn admit(&mut self, finding: &Finding) {
        match finding {
            Finding::Damage(damage) if damage.kind == DamageKind::Twice => {
                self.twice.extend(damage.slot.clone());
            }
            Finding::Damage(damage) if is_in_keys(&damage.path) => match damage.kind {
                DamageKind::Missing => self.are_missing = true,
                DamageKind::Place => self.garbled.extend(key_of(&damage.path)),
                _ => {}
            },
            Finding::Stale(stale) if stale.kind == StaleKind::TornClaim => {
                self.garbled.extend(key_of(&stale.path));
            }
            Finding::Damage(_) | Finding::Stale(_) => {}
        }
    }

    fn may_concern(&self, key: &Key) -> bool {
        self.are_missing || self.garbled.contains(&key.digest())
    }
}

fn is_in_keys(path: &str) -> bool {
    path == "keys" || path.starts_with("keys/")
}

/// Returns the digest of the key that a path is the claim of.
fn key_of(path: &str) -> Option<Hash256> {
    Some(claim_number(path.rsplit('/').next()?)?.0)
}

impl<F: FileSystem> DirStore<F> {
    /// Puts back the claims that were lost or garbled, of the entries that were read.
    pub(super) fn put_claims_back(
        &self,
        lost: &LostClaims,
        read: &BTreeMap<Log, Read>,
        mended: &mut Mended,
    ) {
        // The directories of the claims may be gone too.
        if lost.are_missing
            && let Err(failure) = self.lay_out()
        {
            mended.left.push(left("keys", &failure));
            return;
        }
        for (log, read) in read {
            for (key, seq) in &read.keys {
                if !lost.may_concern(key) || lost.twice.contains(&(log.clone(), *seq)) {
                    continue;
                }
                match self.put_claim_back(log, *seq, key) {
                    Ok(restored) => mended.restored.extend(restored),
                    Err(failure) => {
                        let path = format!("keys/{}/{key}", fan_name(key.digest()));
                        mended.left.push(left(&path, &failure));
                    }
                }
            }
        }
    }

    /// Puts back the claim of one entry, if it is lost or garbled; returns its path.
    fn put_claim_back(&self, log: &Log, seq: Seq, key: &Key) -> Result<Option<String>, StoreError> {
        let name = match self.claim_of(key)? {
            Claim::Whole { .. } => return Ok(None),
            Claim::Absent => claim_name(key, 0),
            Claim::Torn { generation } => claim_name(key, generation),
        };
        let Slot::Whole((envelope, file)) = self.slot_file(log, seq)? else {
            return Ok(None);
        };
        let fan = fan_name(key.digest());
        let path = ["keys", fan];
        let Some(here) = self
            .tree
            .open(&path)?
            .filter(|_| envelope.key == Some(*key))
        else {
            return Ok(None);
        };
        let (nonce, mode) = (self.nonce(), self.tree.modes.truth);
        let mut temporary = self.tree.write_temporary(&here, nonce, mode, &file)?;
        self.tree.sync_temporary(&mut temporary)?;
        match self.claim_of(key)? {
            // Of those who want the name one gets it.
            Claim::Absent => {
                let given = self.tree.give_name(&temporary, &here, &name);
                given.map_err(here.failing(&name))?;
            }
            Claim::Torn { generation } if name == claim_name(key, generation) => {
                self.quarantine(&path.join("~"), &here, &name)?;
                self.tree.take_name(temporary, &name)?;
            }
            Claim::Torn { .. } | Claim::Whole { .. } => return Ok(None),
        }
        self.tree.sync_down_to(&path)?;
        Ok(Some(here.name(&name)))
    }
}
