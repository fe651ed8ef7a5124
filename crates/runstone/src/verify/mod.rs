//! Verifying: everything that exists is read again and everything that can be is recomputed.
//!
//! Two layers, each checking what it wrote. The store audits bytes: checksums, digests, gaps,
//! places, keys. Then every snapshot is read as a run: its key must be that of its cohort, and the
//! document it holds, read again by the profile it names, must give the identity, the fingerprints
//! and the content digest that were recorded. A damage is named and costs nothing else. What is
//! derived may be put right on the way; truth never is.

mod attachments;
mod environments;
mod epochs;
mod found;
mod passing;
mod profiles;
mod remade;
mod trash;

use std::collections::BTreeSet;

use runstone_core::canonical::{CanonicalRun, Captures};
use runstone_core::profile::Profile;
use runstone_core::record::{Defaults, Refused};
use runstone_core::snapshot::{Snapshot, SnapshotError};
use runstone_store::{
    CohortName, DamageKind, Finding, Log, Mended, Room, Seq, ShelfPath, StaleKind, StoreError,
};

use self::attachments::AttachmentsNamed;
use self::environments::EnvironmentsNamed;
pub(crate) use self::epochs::Epochs;
pub(crate) use self::found::moved_json;
pub use self::found::{Checked, Damaged, Leftover, Repaired, Verified};
pub(crate) use self::profiles::ProfilesNamed;
use crate::digests::to_digest;
use crate::error::Error;
use crate::find::{Head, Stored};
use crate::open::Ledger;
use crate::pseudonym_key::KeyIds;
use crate::views::{Mode, Views};

impl Ledger {
    /// Reads and recomputes everything.
    ///
    /// # Errors
    /// Only if the store itself cannot be read; damage is a finding, not an error.
    pub fn verify(&self) -> Result<Verified, Error> {
        self.verify_and(Mode::Check)
    }

    /// Reads and recomputes everything, and puts right what can be: what is derived from the log is
    /// made again, views and segments, and what nobody can read of it removed; a damaged place gets
    /// its entry back where a twin of it is known to be true. Nothing true is removed.
    ///
    /// # Errors
    /// As [`Ledger::verify`], and of the store if it cannot be written.
    pub fn verify_and_repair(&self) -> Result<Verified, Error> {
        self.verify_and(Mode::Repair)
    }

    fn verify_and(&self, mode: Mode) -> Result<Verified, Error> {
        let mut verified = Verified::default();
        let mut mended = match mode {
            Mode::Repair => self.store.mend()?,
            Mode::Check => Mended::default(),
        };
        if mode == Mode::Repair {
            self.remake(&mut mended)?;
        }
        let mut strangers = BTreeSet::new();
        verified.checked.audited = self.store.audit(&mut |finding| match finding {
            Finding::Damage(damage) => {
                if damage.is_of_another_store() {
                    strangers.insert(damage.found.clone());
                }
                verified.damage.push(Damaged::from(damage));
            }
            Finding::Stale(stale) => {
                verified.stale.push(Leftover {
                    path: stale.path,
                    kind: stale.kind.to_string(),
                    why: None,
                });
            }
        })?;
        self.verify_descriptor(&strangers, &mut verified);
        let mut named = Mentioned::default();
        self.verify_store_notes(&mut named, &mut verified)?;
        let cohorts = self.store.cohorts("", None)?;
        for cohort in &cohorts {
            self.verify_cohort(cohort, &mut verified, &mut named)?;
        }
        self.verify_kept_environments(&mut named, &mut verified)?;
        self.verify_key_ids(&named.key_ids, &mut verified);
        self.verify_profiles(named.profiles, &mut verified);
        self.verify_attachments(named.attachments, &mut verified);
        self.verify_environments(named.environments, &mut verified);
        self.verify_epochs(&named.epochs, &mut verified)?;
        self.verify_trash(mode, &mut mended, &mut verified);
        self.verify_views(mode, mended, &mut verified)?;
        self.verify_passing(&cohorts, &mut verified);
        verified.moved = self.store.moved();
        Ok(verified)
    }

    /// Names the descriptor where every entry there is was written for one other store: it is that
    /// one's place, and its descriptor was replaced.
    fn verify_descriptor(&self, strangers: &BTreeSet<String>, verified: &mut Verified) {
        if let (0, Some(only), 1) = (
            verified.checked.audited.slots,
            strangers.first(),
            strangers.len(),
        ) {
            verified.damage.insert(
                0,
                Damaged {
                    path: "runstone.json".to_owned(),
                    kind: DamageKind::Place.word().to_owned(),
                    expected: format!("{only}, which every entry here was written for"),
                    found: format!("store {}", self.store.descriptor().store),
                },
            );
        }
    }

    /// Holds what is derived against the log, or puts it right.
    fn verify_views(
        &self,
        mode: Mode,
        mended: Mended,
        verified: &mut Verified,
    ) -> Result<(), Error> {
        let mut repaired = Repaired {
            restored: mended.restored,
            written: mended.sealed,
            removed: mended.removed,
            left: mended.left,
        };
        if self.settings.views == Views::Files {
            let settled = self.settle_views(mode, None, &mut |_done, _total| ())?;
            verified.checked.views = settled.equal;
            // What stands in the way of a whole room was named by the audit.
            let named: BTreeSet<String> = verified.stale.iter().map(|it| it.path.clone()).collect();
            let unnamed = settled
                .findings
                .into_iter()
                .filter(|it| !named.contains(&it.path));
            verified.stale.extend(unnamed);
            let lost = settled.lost.into_iter().map(Damaged::from);
            verified.damage.extend(lost);
            repaired.written += settled.written;
            repaired.removed += settled.removed;
        }
        if mode == Mode::Repair {
            self.keep_lost_profiles(verified, &mut repaired);
            repaired.removed += self.remove_unreadable_hints(&mut verified.stale);
            verified.repaired = Some(repaired);
        }
        Ok(())
    }

    /// Removes the hints among what is stale, which costs the next one a search and nothing else;
    /// returns how many.
    fn remove_unreadable_hints(&self, stale: &mut Vec<Leftover>) -> u64 {
        let hint = |leftover: &Leftover| {
            let (folder, name) = leftover.path.rsplit_once('/')?;
            let cohort = folder.strip_prefix("cohorts/")?.strip_suffix("/view")?;
            let room = Room::CohortView(cohort.parse().ok()?);
            ShelfPath::new(room, &[name]).ok()
        };
        let mut removed = 0;
        let mut left = Vec::new();
        for leftover in std::mem::take(stale) {
            match hint(&leftover).filter(|_| leftover.kind == StaleKind::Hint.word()) {
                // What cannot be removed stays and stays named.
                Some(path) if self.store.shelf().remove(&path).is_ok() => removed += 1,
                _ => left.push(leftover),
            }
        }
        *stale = left;
        removed
    }

    fn verify_cohort(
        &self,
        cohort: &CohortName,
        verified: &mut Verified,
        named: &mut Mentioned,
    ) -> Result<(), Error> {
        let document = format!("cohorts/{cohort}/cohort.json");
        let is_named = verified.damage.iter().any(|known| known.path == document);
        if let Err(error) = self.cohort_key(cohort)
            && !is_named
        {
            let expected = "the whole key of this cohort";
            verified.damage.push(Damaged {
                path: document,
                ..unread(&error, "cohort key", expected)
            });
        }
        self.verify_notes(cohort, named, verified)?;
        let head = match self.head_of(cohort)? {
            Head::At(head) => head,
            Head::Nothing => return Ok(()),
            Head::Unreadable(damage) => {
                if !verified
                    .damage
                    .iter()
                    .any(|known| known.path == damage.path)
                {
                    verified.damage.push(Damaged::from(damage));
                }
                return Ok(());
            }
        };
        for seq in (1..=head.get()).filter_map(Seq::new) {
            match self.stored(cohort, seq) {
                Ok(stored) => {
                    named.key_ids.add(&stored);
                    named.profiles.by(&stored);
                    named.attachments.by(&stored);
                    named.environments.by(&stored);
                    named
                        .epochs
                        .add(&Log::Cohort(cohort.clone()), seq, &stored.envelope);
                    self.verify_snapshot(&stored, verified);
                }
                // What a later release wrote is not damage; this one only cannot tell. An envelope
                // of its was named by the audit.
                Err(Error::Store(StoreError::Newer { .. })) => {}
                Err(Error::Payload {
                    place,
                    source: SnapshotError::Newer { .. },
                }) => {
                    verified.stale.push(Leftover {
                        path: place,
                        kind: StaleKind::Newer.word().to_owned(),
                        why: None,
                    });
                }
                Err(Error::Payload { place, source }) => verified.damage.push(Damaged {
                    path: place,
                    kind: "snapshot".to_owned(),
                    expected: "a snapshot".to_owned(),
                    found: source.to_string(),
                }),
                // A damaged entry was named by the audit; what is missing beside it was not.
                Err(Error::Damaged { place, found }) => {
                    let slot = format!("{}/{:020}", Log::Cohort(cohort.clone()), seq.get());
                    if !verified
                        .damage
                        .iter()
                        .any(|known| is_same_slot(known, &slot, seq) || is_in(known, &found))
                    {
                        verified.damage.push(Damaged {
                            path: place,
                            kind: "named content".to_owned(),
                            expected: "everything the snapshot names".to_owned(),
                            found,
                        });
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn verify_snapshot(&self, stored: &Stored, verified: &mut Verified) {
        match self.recomputed(stored) {
            Recomputed::Checked(damage) => {
                verified.checked.snapshots += 1;
                verified.damage.extend(damage);
            }
            Recomputed::ProfileLost => {}
            Recomputed::OfALaterProfile => verified.stale.push(Leftover {
                path: stored.place.to_string(),
                kind: StaleKind::Newer.word().to_owned(),
                why: None,
            }),
        }
    }

    /// Recomputes a snapshot from the document it holds and names what differs.
    fn recomputed(&self, stored: &Stored) -> Recomputed {
        let damaged = |kind: &str, expected: String, found: String| Damaged {
            path: stored.place.to_string(),
            kind: kind.to_owned(),
            expected,
            found,
        };
        let profile = match self.profile_by_digest(&stored.snapshot.profile.sha256) {
            Ok(profile) => profile,
            Err(error) if error.is_of_a_later_release() => return Recomputed::OfALaterProfile,
            Err(_named_for_all) => return Recomputed::ProfileLost,
        };
        let again = match self.read_again(&stored.snapshot, &profile) {
            Ok(again) => again,
            Err(error) => {
                return Recomputed::Checked(vec![damaged(
                    "document",
                    "a legal document".to_owned(),
                    error.to_string(),
                )]);
            }
        };
        let mut findings = Vec::new();
        let id = again.cohort().id();
        if id.as_str() != stored.place.cohort.as_str() {
            findings.push(damaged(
                "cohort",
                stored.place.cohort.to_string(),
                id.to_string(),
            ));
        }
        if again.content() != to_digest(&stored.envelope.content) {
            findings.push(damaged(
                "content digest",
                stored.envelope.content.to_string(),
                again.content().to_string(),
            ));
        }
        let key = stored.envelope.key_text.as_ref();
        let keyed_right = key.is_some_and(|key| {
            key.run == stored.snapshot.run_id.compared()
                && key.stage == stored.snapshot.stage.as_str()
                && key.attempt == stored.snapshot.attempt.0
                && key.cohort == stored.place.cohort
        });
        if !keyed_right {
            findings.push(damaged(
                "key",
                "the key of its own run, stage, cohort and attempt".to_owned(),
                format!("{key:?}"),
            ));
        }
        let captures = Captures {
            environment: stored.snapshot.environment.clone(),
            code: stored.snapshot.code.clone(),
            process: stored.snapshot.process.clone(),
        };
        let attempt = stored.snapshot.attempt;
        let again = again.to_snapshot(attempt, captures, stored.snapshot.writer.clone());
        let sections: [(&str, bool); 4] = [
            ("identity", again.identity == stored.snapshot.identity),
            ("factors", again.factors == stored.snapshot.factors),
            ("metrics", again.metrics == stored.snapshot.metrics),
            (
                "fingerprints",
                again.fingerprints == stored.snapshot.fingerprints,
            ),
        ];
        findings.extend(
            sections
                .iter()
                .filter(|(_, equal)| !equal)
                .map(|(section, _)| {
                    damaged(
                        section,
                        "what its document gives".to_owned(),
                        "something else".to_owned(),
                    )
                }),
        );
        Recomputed::Checked(findings)
    }

    fn read_again(&self, snapshot: &Snapshot, profile: &Profile) -> Result<CanonicalRun, Refused> {
        let defaults = Defaults {
            experiment: self.settings.experiment.clone(),
        };
        CanonicalRun::again(snapshot, profile, &defaults)
    }
}

/// What snapshots and notes name, to be held against what is there once all were read.
#[derive(Debug, Default)]
pub(crate) struct Mentioned {
    pub(crate) key_ids: KeyIds,
    pub(crate) profiles: ProfilesNamed,
    pub(crate) attachments: AttachmentsNamed,
    pub(crate) environments: EnvironmentsNamed,
    pub(crate) epochs: Epochs,
}

/// What became of recomputing a snapshot.
enum Recomputed {
    /// It was, and this differs.
    Checked(Vec<Damaged>),
    /// Its profile is lost or damaged, which is named once for all snapshots.
    ProfileLost,
    /// It was read by a profile in a later schema, so it could not be.
    OfALaterProfile,
}

fn is_same_slot(known: &Damaged, slot: &str, seq: Seq) -> bool {
    let file = format!("{:020}", seq.get());
    let log = slot.rsplit_once('/').map_or(slot, |(log, _)| log);
    known.path.starts_with(log) && known.path.ends_with(&file)
}

/// Tells whether what was found at a place is a damage that is named already, such as that of the
/// directory it stands in.
fn is_in(known: &Damaged, found: &str) -> bool {
    found.contains(&format!("`{}`", known.path))
}

fn unread(error: &Error, kind: &str, expected: &str) -> Damaged {
    let (path, found) = match error {
        Error::Damaged { place, found } => (place.clone(), found.clone()),
        other => ("runstone.json".to_owned(), other.to_string()),
    };
    Damaged {
        path,
        kind: kind.to_owned(),
        expected: expected.to_owned(),
        found,
    }
}
