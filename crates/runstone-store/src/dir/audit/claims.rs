//! Auditing the claims: one for every entry with a key, and few more.
//!
//! The invariant guarded here: a claim that is missing is damage, because the next writer of its
//! key would take it for new; one without an entry is a dead writer's, and stale. Claims are read
//! after the logs, so that an entry recorded meanwhile is never without one.

use std::collections::{BTreeMap, BTreeSet};

use super::Audit;
use crate::append::Slots as _;
use crate::damage::{Damage, DamageKind, StaleKind};
use crate::dir::fs::FileSystem;
use crate::dir::layout::{ADOPTED, claim_name, claim_number, fan_name};
use crate::dir::read::Found;
use crate::dir::tree::At;
use crate::envelope::{FILE_BYTES_MAX, decode};
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::log::Log;

/// Which keys have a claim.
#[derive(Debug, Default)]
struct Claimed {
    keys: BTreeSet<Hash256>,
    /// The fans of which nothing can be said.
    unread: BTreeSet<String>,
    /// The fans that are there.
    fans: BTreeSet<String>,
    /// Whether not even the directory of all claims is there.
    has_no_room: bool,
}

impl<F: FileSystem> Audit<'_, F> {
    pub(super) fn keys(&mut self) -> Result<(), StoreError> {
        let mut claimed = Claimed::default();
        let opened = self.store.tree.open(&["keys"]);
        let Some(keys) = self.told(opened)? else {
            return Ok(());
        };
        if let Some(keys) = keys {
            let listed = self.store.tree.list(&keys);
            let Some(fans) = self.told(listed)? else {
                return Ok(());
            };
            for fan in fans {
                claimed.fans.insert(fan.clone());
                self.fan(&keys, fan, &mut claimed)?;
            }
        } else {
            claimed.has_no_room = true;
        }
        self.unclaimed(&claimed);
        Ok(())
    }

    fn fan(&mut self, keys: &At<F>, fan: String, claimed: &mut Claimed) -> Result<(), StoreError> {
        let names = match self.open_in(keys, &fan)? {
            Some(dir) => {
                let listed = self.store.tree.list(&dir);
                self.told(listed)?.map(|names| (dir, names))
            }
            None => None,
        };
        let Some((dir, names)) = names else {
            claimed.unread.insert(fan);
            return Ok(());
        };
        let mut whole = BTreeSet::new();
        let mut marked = Vec::new();
        for name in &names {
            match claim_number(name) {
                Some((digest, generation)) if fan_name(digest) == fan => {
                    if generation == 0 {
                        claimed.keys.insert(digest);
                    }
                    if self.claim(&dir, name, digest)? {
                        whole.insert((digest, generation));
                    }
                }
                _ => match name.strip_suffix(ADOPTED) {
                    Some(claim) => marked.push((claim, name)),
                    None => self.stray(&dir, name),
                },
            }
        }
        for (digest, generation) in &whole {
            // A further generation is made of a claim that is torn, and of no other.
            if *generation > 0 && whole.contains(&(*digest, generation - 1)) {
                let name = format!("{digest}.{generation}");
                self.stale(dir.name(&name), StaleKind::Unknown);
            }
        }
        for (claim, name) in marked {
            if !names.iter().any(|name| name == claim) {
                self.stray(&dir, name);
            }
        }
        Ok(())
    }

    /// Reports the entries whose key has no claim; together those of a directory that is lost.
    fn unclaimed(&mut self, claimed: &Claimed) {
        let mut lost = Vec::new();
        let mut lost_together: BTreeMap<String, u64> = BTreeMap::new();
        for (log, read) in &self.read {
            for (key, seq) in &read.keys {
                let fan = fan_name(key.digest());
                if claimed.keys.contains(&key.digest()) || claimed.unread.contains(fan) {
                    continue;
                }
                if claimed.has_no_room {
                    *lost_together.entry("keys".to_owned()).or_default() += 1;
                } else if !claimed.fans.contains(fan) {
                    *lost_together.entry(format!("keys/{fan}")).or_default() += 1;
                } else {
                    let path = format!("keys/{fan}/{}", claim_name(key, 0));
                    lost.push((path, format!("the claim of entry {seq} of `{log}`")));
                }
            }
        }
        let together = lost_together
            .into_iter()
            .map(|(path, claims)| match claims {
                1 => (path, "the claim of an entry".to_owned()),
                _ => (path, format!("the claims of {claims} entries")),
            });
        for (path, expected) in together.chain(lost) {
            self.damage(Damage {
                path,
                slot: None,
                kind: DamageKind::Missing,
                expected,
                found: "nothing".to_owned(),
            });
        }
    }

    /// Checks a claim; returns whether it is whole and of the key that its name says.
    fn claim(&mut self, dir: &At<F>, name: &str, digest: Hash256) -> Result<bool, StoreError> {
        self.audited.keys += 1;
        let read = self.store.read_truth(dir, name, FILE_BYTES_MAX + 1, decode);
        let envelope = match self.told(read)? {
            Some(Found::Whole((envelope, _))) => envelope,
            Some(Found::Nothing) | None => return Ok(false),
            Some(Found::Broken(..)) => {
                self.stale(dir.name(name), StaleKind::TornClaim);
                return Ok(false);
            }
        };
        self.audited.bytes += envelope.stored_bytes;
        let text = envelope.key_text.as_ref();
        let key = text.map(|text| text.key(self.store.descriptor().store));
        let (Some(text), Some(key)) = (text, key.filter(|key| key.digest() == digest)) else {
            let expected = format!("the claim of key {digest}");
            let found = envelope
                .key
                .map_or("no key".to_owned(), |key| format!("key {key}"));
            let (path, kind) = (dir.name(name), DamageKind::Place);
            self.damage(Damage {
                path,
                slot: None,
                kind,
                expected,
                found,
            });
            return Ok(false);
        };
        let log = Log::Cohort(text.cohort.clone());
        // Of a log that could not be looked at, nobody can say what it holds.
        let is_held = self
            .read
            .get(&log)
            .is_some_and(|read| read.keys.contains_key(&key));
        if !is_held && !self.unread.contains(&log) {
            self.stale(dir.name(name), StaleKind::Claim);
        }
        self.history(&log, &dir.name(name), None, &envelope)?;
        Ok(true)
    }
}
