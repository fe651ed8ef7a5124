//! Which runs have which side of a change of the environment, for evidence.
//!
//! Each distinct environment is read once and held against both sides of the change. The invariant:
//! a run whose environment is not known, or cannot be read, has neither. Weighing the evidence
//! belongs to the core.

use std::collections::{BTreeMap, BTreeSet};

use runstone_core::blame::{Has, environment_key};
use runstone_core::diff::{EnvironmentChanges, RunDiff};
use runstone_core::digest::Digest;
use runstone_core::snapshot::Captured;
use runstone_env::Environment;
use runstone_env::diff::EnvironmentDiff;

use super::changes::row;
use crate::find::Stored;
use crate::open::Ledger;

/// The two sides of a change, and what is known of other environments beside them.
#[derive(Debug)]
pub(crate) struct Sides<'l> {
    ledger: &'l Ledger,
    /// The keys of the rows that changed.
    keys: BTreeSet<String>,
    /// What was before, and what is since; `None`: nothing changed that is known.
    both: Option<(Environment, Environment)>,
    known: BTreeMap<Digest, BTreeMap<String, Has>>,
}

impl Ledger {
    /// Reads the environments of the last run before a change and of the first since.
    pub(crate) fn environment_sides(
        &self,
        last: &Stored,
        first: &Stored,
        diff: &RunDiff,
    ) -> Sides<'_> {
        let keys = match &diff.environment_changes {
            Some(EnvironmentChanges::Told { rows, .. }) => {
                rows.iter().map(|row| row.key.clone()).collect()
            }
            Some(EnvironmentChanges::Unknown { .. }) | None => BTreeSet::new(),
        };
        let read = |run: &Stored| {
            let digest = run.snapshot.environment.digest()?;
            self.environment(&digest).ok()
        };
        let both = (!keys.is_empty()).then(|| Some((read(last)?, read(first)?)));
        Sides {
            ledger: self,
            keys,
            both: both.flatten(),
            known: BTreeMap::new(),
        }
    }
}

impl Sides<'_> {
    /// Returns which side of each change a run has, by the key of the change.
    pub(crate) fn of(&mut self, environment: &Captured) -> BTreeMap<String, Has> {
        let (Some((before, since)), Some(digest)) = (&self.both, environment.digest()) else {
            return BTreeMap::new();
        };
        if let Some(known) = self.known.get(&digest) {
            return known.clone();
        }
        let mut found = BTreeMap::new();
        if let Ok(own) = self.ledger.environment(&digest) {
            let unlike = [before, since].map(|side| Unlike::of(&runstone_env::diff(side, &own)));
            for key in &self.keys {
                let has = match (unlike[0].differs(key), unlike[1].differs(key)) {
                    (Some(false), _) => Has::Before,
                    (_, Some(false)) => Has::Since,
                    _ => continue,
                };
                found.insert(environment_key(key), has);
            }
        }
        self.known.insert(digest, found.clone());
        found
    }
}

/// Where an environment is not as one of the sides.
struct Unlike {
    rows: BTreeSet<String>,
    /// Sources that could not be held against each other.
    unknown: BTreeSet<&'static str>,
}

impl Unlike {
    fn of(diff: &EnvironmentDiff) -> Self {
        Self {
            rows: diff.rows.iter().map(|it| row(it).key).collect(),
            unknown: diff
                .not_compared
                .iter()
                .map(|it| it.source.as_str())
                .collect(),
        }
    }

    /// Tells whether it differs at a key. `None`: nobody knows.
    fn differs(&self, key: &str) -> Option<bool> {
        let source = key.split('.').next().unwrap_or_default();
        if self.rows.contains(key) {
            return Some(true);
        }
        (!self.unknown.contains(source)).then_some(false)
    }
}
