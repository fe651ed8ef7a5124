//! Removing what a rule says is old: planned first, shown, then done as planned.
//!
//! Nothing is removed unless somebody asks. What came since the call began is no part of its plan,
//! whoever made it, and what was created a moment before stays: whoever keeps it may not have been
//! told of it yet. The invariant: nothing that is pinned, tagged or named by a run is ever taken,
//! and where that cannot be told nothing is. Removing is a note; what becomes of a document that
//! nothing names is left to `gc`.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use runstone_core::digest::Digest;
use runstone_core::note::{Author, Said};
use runstone_store::{Log, Seq};
use serde_json::{Value, json};

use super::log::{EnvironmentLog, KeptEnvironment};
use crate::error::{Error, ErrorKind, chain};
use crate::open::Ledger;

/// Why something stays that was to go.
const SINCE: &str = "it was pinned or tagged since";

/// Why something stays that was to go: its creation may not have been told yet.
const JUST_CREATED: &str = "it was created less than ten minutes ago";

/// How long no rule takes what was created. Chosen: a creation is told within seconds of having its
/// place, and clocks of machines that share a store are minutes apart at worst.
const GRACE: Duration = Duration::from_mins(10);

/// Which environments are to stay. Of two conditions both have to be met for one to go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// How many of the newest stay.
    pub keep: Option<NonZeroU64>,
    /// Those younger than this stay, by the clock of whoever made them.
    pub older_than: Option<Duration>,
}

/// What a rule would take.
#[derive(Debug, Clone, Default)]
pub struct RemovalPlan {
    /// Those that go, oldest first.
    pub removes: Vec<KeptEnvironment>,
    /// Those that the rule means and that stay, oldest first.
    pub stays: Vec<Stays>,
    /// What the caller should know and nothing failed for.
    pub warnings: Vec<String>,
}

/// An environment that a rule means, and that stays.
#[derive(Debug, Clone)]
pub struct Stays {
    /// The environment.
    pub kept: KeptEnvironment,
    /// Why it stays, as a sentence fragment for people.
    pub reason: &'static str,
}

impl Stays {
    /// Tells whether it stays for having been created a moment ago.
    pub fn is_just_created(&self) -> bool {
        self.reason == JUST_CREATED
    }

    fn to_json(&self) -> Value {
        let mut row = self.kept.named_json();
        row["reason"] = json!(self.reason);
        row
    }
}

/// What was taken.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// Those that went, oldest first.
    pub removed: Vec<KeptEnvironment>,
    /// Those that were to go and stay, with those that the rule meant and left.
    pub stays: Vec<Stays>,
    /// Those that were to go, and may have: the store does not know.
    pub unknown: Vec<KeptEnvironment>,
    /// What the caller should know.
    pub warnings: Vec<String>,
    /// Whether it was cut short.
    pub is_partly_done: bool,
}

impl Taken {
    /// Returns what went, as JSON; what may have gone is among it, and said to.
    pub fn to_json(&self) -> Value {
        let removed = self.removed.iter().map(KeptEnvironment::named_json);
        let unknown = self.unknown.iter().map(|kept| {
            let mut row = kept.named_json();
            row["unknown"] = json!(true);
            row
        });
        removed.chain(unknown).collect()
    }

    /// Returns what the rule meant and left, as JSON, each with the reason.
    pub(super) fn stays_json(&self) -> Value {
        stays_json(&self.stays)
    }

    /// Returns the stable JSON form, schema `runstone.env-prune/1`.
    pub fn to_prune_json(&self) -> Value {
        pruned(true, &self.to_json(), &self.stays, &self.warnings)
    }
}

impl RemovalPlan {
    /// Returns the stable JSON form, schema `runstone.env-prune/1`, of what was not done.
    pub fn to_json(&self) -> Value {
        let removes = self.removes.iter().map(KeptEnvironment::named_json);
        pruned(false, &removes.collect(), &self.stays, &self.warnings)
    }
}

fn stays_json(stays: &[Stays]) -> Value {
    stays.iter().map(Stays::to_json).collect()
}

fn pruned(is_done: bool, removed: &Value, stays: &[Stays], warnings: &[String]) -> Value {
    json!({
        "schema": "runstone.env-prune/1",
        "done": is_done,
        "removed": removed,
        "stays": stays_json(stays),
        "warnings": warnings,
    })
}

impl Retention {
    /// Returns the entries up to the place `began` that the rule means, oldest first: a function of
    /// the log and the time.
    fn means<'l>(
        self,
        log: &'l EnvironmentLog,
        began: Option<Seq>,
        now: &str,
    ) -> Vec<&'l KeptEnvironment> {
        let newest = self.keep.map_or(0, NonZeroU64::get);
        let newest = usize::try_from(newest).unwrap_or(usize::MAX);
        let is_old = |kept: &&KeptEnvironment| {
            self.older_than
                .is_none_or(|age| is_older(&kept.at, now, age))
        };
        let mut meant: Vec<&KeptEnvironment> = log
            .listed()
            .skip(newest)
            .filter(|kept| Some(kept.seq) <= began)
            .filter(is_old)
            .collect();
        meant.reverse();
        meant
    }
}

/// Tells whether an instant is longer ago than `age`. One that cannot be read, or is yet to come,
/// is not.
fn is_older(then: &str, now: &str, age: Duration) -> bool {
    let (Ok(then), Ok(now)) = (then.parse::<Timestamp>(), now.parse::<Timestamp>()) else {
        return false;
    };
    SignedDuration::try_from(age).is_ok_and(|age| now.duration_since(then) > age)
}

impl Ledger {
    /// Returns what a rule would take of the environments that are kept now.
    ///
    /// # Errors
    /// [`Error::Usage`] if the rule lets nothing stay; [`Error::Store`] if the log or the runs
    /// cannot be looked at.
    pub fn plan_prune(&self, rule: Retention) -> Result<RemovalPlan, Error> {
        if rule == Retention::default() {
            return Err(Error::Usage {
                what: "nothing says which environments are to stay".to_owned(),
                hint: "say how many, or how young: `runstone env prune --keep 10 --dry-run`"
                    .to_owned(),
            });
        }
        let began = self.store.head(&Log::Environments)?;
        self.plan_removal(rule, began)
    }

    /// Plans by a rule, among the entries up to the place `began`.
    pub(super) fn plan_removal(
        &self,
        rule: Retention,
        began: Option<Seq>,
    ) -> Result<RemovalPlan, Error> {
        let log = self.kept_environments()?;
        let mut plan = RemovalPlan {
            warnings: log.warnings(),
            ..RemovalPlan::default()
        };
        let now = self.clock.now();
        let meant = rule.means(&log, began, &now);
        let is_free = |kept: &&KeptEnvironment| {
            !kept.pinned && kept.tags.is_empty() && is_older(&kept.at, &now, GRACE)
        };
        let named = if meant.iter().any(is_free) {
            self.environments_of_runs()?
        } else {
            NamedByRuns::default()
        };
        for kept in meant {
            let reason = if kept.pinned {
                Some("it is pinned")
            } else if !kept.tags.is_empty() {
                Some("it is tagged")
            } else if !is_older(&kept.at, &now, GRACE) {
                Some(JUST_CREATED)
            } else if named.may_name(&kept.digest()) {
                Some("a run was recorded with it")
            } else if named.unread.is_some() {
                Some("a run that cannot be read may name it")
            } else if !log.unread_notes.is_empty() {
                Some("a note that cannot be read may pin it")
            } else {
                None
            };
            let kept = kept.clone();
            match reason {
                Some(reason) => plan.stays.push(Stays { kept, reason }),
                None => plan.removes.push(kept),
            }
        }
        if let Some(unread) = named.unread {
            plan.warnings.push(format!(
                "{unread} cannot be read, and may name any environment"
            ));
        }
        Ok(plan)
    }

    /// Removes what was planned; what somebody pinned or tagged since is left alone.
    ///
    /// # Durability
    /// The notes about what the answer says was removed survive power loss.
    ///
    /// # Errors
    /// [`Error::Store`] if the log cannot be read, before anything is removed. What goes wrong
    /// later is said in the answer, beside what was removed.
    pub fn remove_planned(&self, plan: RemovalPlan, by: Option<Author>) -> Result<Taken, Error> {
        let mut taken = Taken {
            stays: plan.stays,
            warnings: plan.warnings,
            ..Taken::default()
        };
        if plan.removes.is_empty() {
            return Ok(taken);
        }
        let by = self.author_without_secrets(by)?;
        let now = self.kept_environments()?;
        let listed: BTreeSet<Seq> = now.listed().map(|kept| kept.seq).collect();
        let mut noted = Vec::new();
        for kept in plan.removes {
            let Some(found) = now.at(kept.seq).filter(|_| listed.contains(&kept.seq)) else {
                // Somebody else removed it.
                continue;
            };
            if found.pinned || !found.tags.is_empty() {
                taken.stays.push(Stays {
                    kept,
                    reason: SINCE,
                });
                continue;
            }
            match self.append_environment_note(&kept, Said::Delete, None, by.clone()) {
                Ok(note) => noted.push((kept, note)),
                Err(error) => {
                    let id = kept.id();
                    if error.kind() == ErrorKind::Unknown {
                        taken.unknown.push(kept);
                    }
                    let why = chain(&error);
                    taken
                        .warnings
                        .push(format!("{id} and what came after it stays: {why}"));
                    taken.is_partly_done = true;
                    break;
                }
            }
        }
        self.settle_removed(noted, &mut taken);
        Ok(taken)
    }

    /// Tells what went by these notes from what somebody pinned or removed at the same moment.
    fn settle_removed(&self, noted: Vec<(KeptEnvironment, Seq)>, taken: &mut Taken) {
        let now = match self.kept_environments() {
            Ok(now) => now,
            Err(error) => {
                // The notes stand: unless a pin came first, these are gone.
                taken.warnings.push(format!(
                    "the environments cannot be read again: {}",
                    chain(&error)
                ));
                taken
                    .unknown
                    .extend(noted.into_iter().map(|(kept, _)| kept));
                taken.is_partly_done = true;
                return;
            }
        };
        for (kept, note) in noted {
            match now.at(kept.seq).map(|found| found.deleted.as_ref()) {
                Some(None) => taken.stays.push(Stays {
                    kept,
                    reason: SINCE,
                }),
                // Somebody else did, and tells it.
                Some(Some(removal)) if removal.note != note => {}
                _ => taken.removed.push(kept),
            }
        }
    }
}

/// The environments that snapshots name, by the beginnings of their digests.
#[derive(Debug, Default)]
pub(super) struct NamedByRuns {
    beginnings: BTreeSet<String>,
    /// A place that cannot be read.
    pub(super) unread: Option<String>,
}

impl NamedByRuns {
    pub(super) fn add(&mut self, beginning: &str) {
        self.beginnings.insert(beginning.to_owned());
    }

    /// Tells whether a run may name this digest.
    fn may_name(&self, digest: &Digest) -> bool {
        let digest = digest.to_string();
        self.beginnings
            .iter()
            .any(|beginning| digest.starts_with(beginning.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::tests::log;
    use super::*;

    fn meant(rule: Retention, log: &EnvironmentLog, began: u64) -> Vec<u64> {
        let meant = rule.means(log, Seq::new(began), "2026-11-20T00:00:00Z");
        meant.into_iter().map(|kept| kept.seq.get()).collect()
    }

    #[test]
    fn newest_stay_by_their_place_and_what_came_since_is_never_meant() {
        // The clock of the third was wrong.
        let log = log(&[
            "2026-11-19T00:00:00Z",
            "2026-11-19T01:00:00Z",
            "2020-01-01T00:00:00Z",
            "2026-11-19T02:00:00Z",
        ]);
        let rule = Retention {
            keep: NonZeroU64::new(2),
            older_than: None,
        };
        assert_eq!(meant(rule, &log, 4), [1, 2]);
        assert_eq!(meant(rule, &log, 1), [1]);
        assert_eq!(meant(rule, &log, 0), [0; 0]);
    }

    #[test]
    fn age_that_cannot_be_told_counts_as_just_now() {
        let now = "2026-11-20T10:00:00Z";
        let is_old = |then| is_older(then, now, GRACE);
        assert!(is_old("2026-11-20T09:49:59.999Z"));
        for young in [
            "2026-11-20T09:50:00.000Z",
            "2026-11-20T10:00:00Z",
            "2027-01-01T00:00:00Z",
            "not a time",
            "",
        ] {
            assert!(!is_old(young), "{young}");
        }
        assert!(!is_older("2020-01-01T00:00:00Z", "not a time", GRACE));
    }

    #[test]
    fn both_conditions_have_to_be_met() {
        let log = log(&[
            "2026-11-10T00:00:00Z",
            "2026-11-19T23:00:00Z",
            "not a time",
            "2026-11-12T00:00:00Z",
        ]);
        let day = Duration::from_hours(24);
        let old = Retention {
            keep: None,
            older_than: Some(day),
        };
        assert_eq!(meant(old, &log, 4), [1, 4]);
        let both = Retention {
            keep: NonZeroU64::new(1),
            older_than: Some(day),
        };
        assert_eq!(meant(both, &log, 4), [1]);
    }
}
