//! The secret on a directory: one file that nobody replaces, and one that remembers there is one.
//!
//! `secret/key` holds the 32 bytes, `secret.json` in the root its id. The second is published after
//! the first is durable, and lies outside `secret/`, so that a copy that left the secret behind
//! says so. The invariant guarded here: where `secret.json` names a secret, no other is ever made.

use serde_json::{Value, json};

use super::DirStore;
use super::fs::FileSystem;
use super::keep::Kept;
use super::layout::{Holds, SECRET, SECRET_KEY, SECRET_MARK};
use crate::damage::{Damage, DamageKind};
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::secret::{SECRET_BYTES, Secret};
use crate::store::Slot;

impl<F: FileSystem> DirStore<F> {
    /// Returns the secret, if there is one and it is the one that the store remembers.
    pub(super) fn kept_secret(&self) -> Result<Slot<Secret>, StoreError> {
        let read = self.tree.look_in(&[SECRET], |here| {
            let bytes = self.read_kept(here, SECRET_KEY)?;
            Ok(bytes.map(|bytes| (here.clone(), bytes)))
        })?;
        let Some((here, bytes)) = read else {
            return Ok(Slot::Absent);
        };
        let damaged = |expected: String, found: String| {
            Slot::Damaged(Damage {
                path: here.name(SECRET_KEY),
                slot: None,
                kind: DamageKind::Digest,
                expected,
                found,
            })
        };
        let Some(secret) = Secret::from_bytes(&bytes) else {
            let (expected, found) = (SECRET_BYTES, bytes.len());
            return Ok(damaged(
                format!("{expected} bytes"),
                format!("{found} bytes"),
            ));
        };
        Ok(match self.remembered()? {
            Some(id) if id != secret.id() => damaged(
                format!("the secret {id}"),
                format!("the secret {}", secret.id()),
            ),
            _ => Slot::Whole(secret),
        })
    }

    /// Returns the secret, made now if the store never had one.
    pub(super) fn made_secret(&self) -> Result<Secret, StoreError> {
        match self.kept_secret()? {
            // Whoever published the id had made the secret durable before.
            Slot::Whole(secret) if self.remembered()?.is_some() => return Ok(secret),
            Slot::Damaged(damage) => return Err(StoreError::Damaged(Box::new(damage))),
            Slot::Whole(_) | Slot::Absent => {}
        }
        if let Some(id) = self.remembered()? {
            // Another process may have made both since the secret was looked for.
            return match self.kept_secret()? {
                Slot::Whole(secret) => Ok(secret),
                Slot::Absent => Err(StoreError::SecretLost { id }),
                Slot::Damaged(damage) => Err(StoreError::Damaged(Box::new(damage))),
            };
        }
        let secret = self.publish_secret()?;
        let mark = json!({ "format": 1, "secret": secret.id() }).to_string();
        let root = self.tree.root();
        if let Kept::Existing(_) = self.keep(&root, SECRET_MARK, mark.as_bytes())?
            && self.remembered()? != Some(secret.id())
        {
            return Err(StoreError::SecretLost {
                id: self.remembered()?.unwrap_or_default(),
            });
        }
        self.tree.sync_down_to(&[])?;
        Ok(secret)
    }

    /// Returns the secret that `secret.json` names.
    pub(super) fn remembered(&self) -> Result<Option<String>, StoreError> {
        let root = self.tree.root();
        let Some(bytes) = self.read_kept(&root, SECRET_MARK)? else {
            return Ok(None);
        };
        let mark: Option<Value> = serde_json::from_slice(&bytes).ok();
        let id = mark.as_ref().and_then(|mark| mark.get("secret")?.as_str());
        match id {
            Some(id) => Ok(Some(id.to_owned())),
            None => Err(StoreError::Damaged(Box::new(Damage {
                path: root.name(SECRET_MARK),
                slot: None,
                kind: DamageKind::Document,
                expected: "the id of the store's secret".to_owned(),
                found: format!("other bytes, of digest {}", Hash256::of(&bytes)),
            }))),
        }
    }

    fn publish_secret(&self) -> Result<Secret, StoreError> {
        let here = self.tree.make(&[SECRET], Holds::Truth)?;
        let secret = Secret::random(&*self.entropy);
        let mode = self.tree.modes.secret;
        let secret = match self.keep_as(&here, SECRET_KEY, secret.bytes(), mode)? {
            Kept::New => secret,
            Kept::Existing(bytes) => Secret::from_bytes(&bytes).ok_or_else(|| {
                StoreError::Damaged(Box::new(Damage {
                    path: here.name(SECRET_KEY),
                    slot: None,
                    kind: DamageKind::Length,
                    expected: format!("{SECRET_BYTES} bytes"),
                    found: format!("{} bytes", bytes.len()),
                }))
            })?,
        };
        self.tree.sync_down_to(&[SECRET])?;
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use serde_json::Map;
    use tempfile::TempDir;

    use super::super::InitOptions;
    use super::*;
    use crate::damage::Finding;
    use crate::descriptor::Modes;
    use crate::entropy::SystemEntropy;
    use crate::store::Store as _;

    fn store(modes: Modes) -> (TempDir, DirStore) {
        let root = TempDir::new().unwrap();
        let options = InitOptions {
            created: "2026-11-20T10:15:00Z".to_owned(),
            modes,
            settings: Map::new(),
        };
        let store = DirStore::init(&root.path().join("store"), &options, SystemEntropy);
        (root, store.unwrap().into_store())
    }

    fn damages(store: &DirStore) -> Vec<Damage> {
        let mut damages = Vec::new();
        let audited = store.audit(&mut |finding| match finding {
            Finding::Damage(damage) => damages.push(damage),
            Finding::Stale(stale) => panic!("{stale:?}"),
        });
        assert_eq!(audited.unwrap().damaged, damages.len() as u64);
        damages
    }

    #[test]
    fn nobody_outside_may_read_the_key_whoever_may_read_the_store() {
        for (modes, mode) in [
            (Modes::Private, 0o400),
            (Modes::Shared, 0o440),
            (Modes::World, 0o440),
        ] {
            let (root, store) = store(modes);
            store.make_secret().unwrap();
            let key = root.path().join("store/secret/key");
            let found = std::fs::metadata(key).unwrap().permissions().mode();
            assert_eq!(found & 0o7777, mode, "{modes:?}");
        }
    }

    #[test]
    fn a_lost_secret_is_refused_and_never_made_again() {
        let (root, store) = store(Modes::Private);
        let secret = store.make_secret().unwrap();
        assert_eq!(damages(&store), []);
        std::fs::remove_file(root.path().join("store/secret/key")).unwrap();
        assert_eq!(store.secret().unwrap(), Slot::Absent);
        let refused = store.make_secret().unwrap_err();
        assert!(matches!(refused, StoreError::SecretLost { id } if id == secret.id()));
        let damages = damages(&store);
        assert_eq!(damages.len(), 1);
        assert_eq!(damages[0].path, "secret/key");
        assert!(!root.path().join("store/secret/key").exists());
    }

    #[test]
    fn a_maker_that_died_before_the_id_was_kept_is_finished_by_the_next() {
        let (root, store) = store(Modes::Private);
        let secret = store.make_secret().unwrap();
        std::fs::remove_file(root.path().join("store/secret.json")).unwrap();
        assert_eq!(store.make_secret().unwrap(), secret);
        assert!(root.path().join("store/secret.json").exists());
    }

    #[test]
    fn another_key_than_the_one_remembered_is_damage() {
        let (root, store) = store(Modes::Private);
        store.make_secret().unwrap();
        let key = root.path().join("store/secret/key");
        std::fs::remove_file(&key).unwrap();
        let other = self::store(Modes::Private);
        other.1.make_secret().unwrap();
        std::fs::copy(other.0.path().join("store/secret/key"), &key).unwrap();
        assert!(matches!(store.secret().unwrap(), Slot::Damaged(_)));
        assert!(matches!(store.make_secret(), Err(StoreError::Damaged(_))));
        assert_eq!(damages(&store).len(), 1);
    }

    #[test]
    fn makers_at_once_get_one_secret() {
        let (_root, store) = store(Modes::Private);
        let made: Vec<Secret> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| store.make_secret()))
                .collect();
            makers
                .into_iter()
                .map(|maker| maker.join().unwrap().unwrap())
                .collect()
        });
        assert!(made.iter().all(|secret| *secret == made[0]));
    }
}
