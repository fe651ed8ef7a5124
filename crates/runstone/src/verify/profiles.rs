//! Verifying profiles: each that snapshots or the store name is kept, and can be read.
//!
//! A profile is named once however many snapshots were read by it. The invariant guarded here: a
//! built-in profile that is gone is missed as well, although this release knows its text, because a
//! later one may have another text by that name; for the same reason a repair keeps it again.

use std::collections::BTreeMap;

use runstone_core::digest::Digest;
use runstone_core::profile::Profile;
use runstone_core::snapshot::ProfileName;
use runstone_store::{DamageKind, Slot, StaleKind, Standing};

use super::{Damaged, Leftover, Repaired, Verified};
use crate::digests::to_hash;
use crate::error::Error;
use crate::find::Stored;
use crate::open::Ledger;
use crate::profiles::BUILTIN;

/// Who names which profile.
#[derive(Debug, Default)]
pub(crate) struct ProfilesNamed(BTreeMap<Digest, Named>);

#[derive(Debug, Default)]
struct Named {
    snapshots: u64,
    first: Option<String>,
    by_a_note: bool,
    /// By `runstone.json`: the file may not have been kept yet.
    by_the_store: bool,
}

impl ProfilesNamed {
    pub(crate) fn by(&mut self, stored: &Stored) {
        let named = self.0.entry(stored.snapshot.profile.sha256).or_default();
        named.snapshots += 1;
        named.first.get_or_insert_with(|| stored.place.to_string());
    }

    pub(crate) fn by_a_note(&mut self, profile: &ProfileName) {
        self.0.entry(profile.sha256).or_default().by_a_note = true;
    }

    fn by_the_store(&mut self, profile: &ProfileName) {
        self.0.entry(profile.sha256).or_default().by_the_store = true;
    }
}

impl Named {
    fn expected(&self) -> String {
        let who = match (self.snapshots, &self.first) {
            (0, _) | (_, None) if self.by_a_note => "a note of the store names".to_owned(),
            (0, _) | (_, None) => "the store was made with".to_owned(),
            (1, Some(first)) => format!("{first} names"),
            (several, Some(first)) => format!("{several} snapshots name, first {first}"),
        };
        format!("the profile that {who}")
    }
}

impl Ledger {
    /// Names each profile that is named and not there, or not to be read.
    pub(super) fn verify_profiles(&self, mut named: ProfilesNamed, verified: &mut Verified) {
        named.by_the_store(&self.settings.profile);
        for (sha256, named) in named.0 {
            let path = format!("profiles/{sha256}.toml");
            let damaged = |kind: &str, found: String| Damaged {
                path: path.clone(),
                kind: kind.to_owned(),
                expected: named.expected(),
                found,
            };
            let is_lost = matches!(self.store.profile(&to_hash(&sha256)), Ok(Slot::Absent));
            let is_named = verified.damage.iter().any(|known| known.path == path);
            match self.profile_by_digest(&sha256) {
                // The file of a built-in one comes with the first recording.
                Ok(_) if is_lost && (named.snapshots > 0 || named.by_a_note) => {
                    let kind = DamageKind::Missing.word();
                    verified.damage.push(damaged(kind, "nothing".to_owned()));
                }
                Ok(_) => {}
                Err(_) if is_lost => {
                    let kind = DamageKind::Missing.word();
                    verified.damage.push(damaged(kind, "nothing".to_owned()));
                }
                // Each snapshot that it keeps from being checked was counted.
                Err(error) if error.is_of_a_later_release() => {
                    if named.snapshots == 0 {
                        verified.stale.push(Leftover {
                            path,
                            kind: StaleKind::Newer.word().to_owned(),
                            why: None,
                        });
                    }
                }
                Err(_) if is_named => {}
                Err(Error::Damaged { found, .. }) => {
                    verified.damage.push(damaged("profile", found));
                }
                Err(error) => verified.damage.push(damaged("profile", error.to_string())),
            }
        }
    }

    /// Keeps the built-in profiles again whose files are gone, and removes what was said of them.
    pub(super) fn keep_lost_profiles(&self, verified: &mut Verified, repaired: &mut Repaired) {
        for profile in BUILTIN.iter().filter_map(|name| Profile::builtin(name)) {
            let path = format!("profiles/{}.toml", profile.sha256);
            let is_lost = |it: &Damaged| it.path == path && it.kind == DamageKind::Missing.word();
            if !verified.damage.iter().any(is_lost) {
                continue;
            }
            match self
                .store
                .put_profile(profile.text.as_bytes(), Standing::Unproven)
            {
                Ok(_digest) => {
                    verified.damage.retain(|it| !is_lost(it));
                    repaired.restored.push(path);
                }
                Err(error) => repaired
                    .left
                    .push(format!("{path}: {}", crate::error::chain(&error))),
            }
        }
    }
}
