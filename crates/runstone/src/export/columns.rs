//! A snapshot as one flat row.
//!
//! The first columns are those of every snapshot, in a fixed order; behind them stand the fields of
//! the profile and the metrics, each named as a filter names it (`metrics.auc`). A table needs all
//! its columns before its first row, so [`Columns`] is gathered in a first pass. Values stay
//! values: nothing is rounded or put into words.

use std::collections::{BTreeMap, BTreeSet};

use runstone_core::query::Row as _;
use runstone_core::snapshot::{Captured, Snapshot};
use serde_json::Value;

use crate::fields::Fields;
use crate::find::Stored;

/// Columns that every row has, in their order.
pub const FIXED: [&str; 16] = [
    "run_id",
    "stage",
    "attempt",
    "cohort",
    "snapshot_seq",
    "sha256",
    "recorded_at",
    "status",
    "sweep",
    "candidate",
    "started_at",
    "finished_at",
    "experiment",
    "profile",
    "profile_sha256",
    "environment",
];

/// A part of a snapshot whose fields differ from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Section {
    Identity,
    Settings,
    Seeds,
    Versions,
    Metrics,
    Labels,
}

/// The columns of a table, in order: the same snapshots, the same columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    found: BTreeSet<(Section, String)>,
}

impl Columns {
    /// Adds the columns that a snapshot needs.
    pub fn add(&mut self, stored: &Stored) {
        for (section, name, _) in fields(&stored.snapshot) {
            // Most rows bring nothing new; looking first spares them the copies.
            let key = (section, name);
            if !self.found.contains(&key) {
                self.found.insert(key);
            }
        }
    }

    /// Returns the names of all columns.
    pub fn names(&self) -> Vec<String> {
        let fixed = FIXED.iter().map(|name| (*name).to_owned());
        fixed
            .chain(
                self.found
                    .iter()
                    .map(|(section, name)| self.name_of(*section, name)),
            )
            .collect()
    }

    /// Returns the values of a snapshot, one for each column; nothing where it has none.
    pub fn row(&self, stored: &Stored) -> Vec<Option<Value>> {
        let fixed = FIXED.iter().map(|name| fixed_value(stored, name));
        let own: BTreeMap<(Section, String), Value> = fields(&stored.snapshot)
            .map(|(section, name, value)| ((section, name), value))
            .collect();
        let found = self.found.iter().map(|key| own.get(key).cloned());
        fixed.chain(found).collect()
    }

    /// Returns the name under which a filter finds the same value: a field of the group `identity`
    /// is not named twice, unless another one has the short name.
    fn name_of(&self, section: Section, name: &str) -> String {
        let word = section.word();
        let short = name
            .strip_prefix("identity.")
            .filter(|_| section == Section::Identity)
            .filter(|short| !self.found.contains(&(section, (*short).to_owned())))
            .unwrap_or(name);
        format!("{word}.{short}")
    }
}

impl Section {
    const fn word(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Settings => "settings",
            Self::Seeds => "seeds",
            Self::Versions => "versions",
            Self::Metrics => "metrics",
            Self::Labels => "labels",
        }
    }
}

/// Returns the fields of a snapshot that not every snapshot has.
fn fields(snapshot: &Snapshot) -> impl Iterator<Item = (Section, String, Value)> {
    let of = |section, leaves: &BTreeMap<String, Value>| {
        leaves
            .iter()
            .map(|(name, value)| (section, name.clone(), value.clone()))
            .collect::<Vec<_>>()
    };
    let metrics = snapshot
        .metrics
        .iter()
        .map(|(name, value)| (Section::Metrics, name.clone(), value.to_json()));
    snapshot
        .identity
        .values()
        .flat_map(move |group| of(Section::Identity, group))
        .chain(of(Section::Settings, &snapshot.factors.settings))
        .chain(of(Section::Seeds, &snapshot.factors.seeds))
        .chain(of(Section::Versions, &snapshot.factors.versions))
        .chain(metrics)
        .chain(of(Section::Labels, &snapshot.labels))
}

fn fixed_value(stored: &Stored, name: &str) -> Option<Value> {
    match name {
        "profile_sha256" => Some(Value::from(stored.snapshot.profile.sha256.to_string())),
        "environment" => match &stored.snapshot.environment {
            Captured::Known(document) => document.get("digest").cloned(),
            Captured::NotCaptured { .. } => None,
        },
        _ => Fields {
            stored,
            verdict: None,
            marks: None,
        }
        .get(name),
    }
    .filter(|value| !value.is_null())
}
