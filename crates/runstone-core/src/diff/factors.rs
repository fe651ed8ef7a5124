//! What differs on purpose, in the shape its readers know as `excluded_factors`.
//!
//! Factors are excluded from what makes two runs comparable, so every difference in them is shown
//! beside every comparison. The invariant kept: every leaf counts one, whatever is listed.
//! Keeping a long list elsewhere and naming the place ([`ExcludedFactors::whole`],
//! [`ExcludedFactors::changes_ref`]) belongs to the views.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::tree::LeafChange;
use super::wording;
use crate::canon;
use crate::digest::Digest;

/// Most changes listed in place; all of them are under the reference.
pub const CHANGES_MAX: usize = 100;
/// Most changes named in the summary.
const SUMMARY_MAX: usize = 5;

/// A class of factors under the name its readers know, in the order of listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactorGroup {
    /// Settings.
    Hyperparameters,
    /// Seeds.
    TrainSeed,
    /// Versions.
    Versions,
}

impl FactorGroup {
    /// Returns the word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hyperparameters => "hyperparameters",
            Self::TrainSeed => "train_seed",
            Self::Versions => "versions",
        }
    }

    fn from_class(class: &str) -> Option<Self> {
        match class {
            "settings" => Some(Self::Hyperparameters),
            "seeds" => Some(Self::TrainSeed),
            "versions" => Some(Self::Versions),
            _ => None,
        }
    }
}

/// One changed factor.
#[derive(Debug, Clone, PartialEq)]
pub struct FactorChange {
    /// Its class.
    pub group: FactorGroup,
    /// Dotted, below the profile's prefix: `learning_rate`.
    pub key: String,
    /// The value before; `None`: absent.
    pub prev: Option<Value>,
    /// The value now; `None`: absent.
    pub curr: Option<Value>,
}

/// Every factor that differs, by group and then by key in code-point order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExcludedFactors {
    /// All of them.
    pub changes: Vec<FactorChange>,
    /// Where [`Self::whole`] is kept, when it is longer than what is listed in place.
    pub changes_ref: Option<String>,
}

impl ExcludedFactors {
    /// Picks the factors out of all changed leaves of two trees.
    pub(super) fn among(leaves: &[LeafChange<'_>]) -> Self {
        let mut changes: Vec<FactorChange> = leaves
            .iter()
            .filter_map(|leaf| {
                let (["factors", class], key) = leaf.path.split_first_chunk()? else {
                    return None;
                };
                Some(FactorChange {
                    group: FactorGroup::from_class(class)?,
                    key: key.join("."),
                    prev: leaf.prev.cloned(),
                    curr: leaf.curr.cloned(),
                })
            })
            .collect();
        changes.sort_by(|a, b| (a.group, &a.key).cmp(&(b.group, &b.key)));
        Self {
            changes,
            changes_ref: None,
        }
    }

    /// Returns how many leaves differ.
    pub fn count(&self) -> usize {
        self.changes.len()
    }

    /// Returns at most five changes in words: `learning_rate: 0.05→0.01, … (+N more)`.
    pub fn summary(&self) -> String {
        let named: Vec<String> = self
            .changes
            .iter()
            .take(SUMMARY_MAX)
            .map(change_in_words)
            .collect();
        match self.count().saturating_sub(SUMMARY_MAX) {
            0 => named.join(", "),
            more => format!("{} (+{more} more)", named.join(", ")),
        }
    }

    /// Returns all changes as `{group: {key: {prev, curr}}}`; an absent side is `null`.
    pub fn whole(&self) -> impl Serialize {
        grouped(&self.changes)
    }

    /// Returns the digest over the canonical form of [`Self::whole`].
    pub fn changes_digest(&self) -> Digest {
        canon::digest(&self.whole())
    }

    /// Tells whether more changed than is listed in place.
    pub fn is_cut(&self) -> bool {
        self.count() > CHANGES_MAX
    }

    /// Returns the block of `metadata.json` and of the diff.
    pub fn to_json(&self) -> Value {
        canon::value(&self.block())
    }

    /// Works out the block that [`Self::to_json`] returns.
    pub(crate) fn block(&self) -> FactorsBlock<'_> {
        FactorsBlock {
            changed: self.count() > 0,
            changes: grouped(&self.changes[..self.count().min(CHANGES_MAX)]),
            changes_digest: self.changes_digest(),
            changes_ref: self.changes_ref.as_deref(),
            count: self.count(),
            summary: self.summary(),
        }
    }
}

/// The block of `metadata.json` and of the diff, worked out.
#[derive(Debug, Serialize)]
pub(crate) struct FactorsBlock<'a> {
    pub(crate) changed: bool,
    changes: Grouped<'a>,
    changes_digest: Digest,
    pub(crate) changes_ref: Option<&'a str>,
    pub(crate) count: usize,
    pub(crate) summary: String,
}

/// Changes by group and key.
type Grouped<'a> = BTreeMap<&'static str, BTreeMap<&'a str, Sides<'a>>>;

/// Both sides of a change.
#[derive(Debug, Serialize)]
struct Sides<'a> {
    curr: Option<&'a Value>,
    prev: Option<&'a Value>,
}

fn change_in_words(change: &FactorChange) -> String {
    format!(
        "{}: {}",
        change.key,
        wording::change(change.prev.as_ref(), change.curr.as_ref())
    )
}

fn grouped(changes: &[FactorChange]) -> Grouped<'_> {
    let mut groups = Grouped::new();
    for change in changes {
        let sides = Sides {
            curr: change.curr.as_ref(),
            prev: change.prev.as_ref(),
        };
        let group = groups.entry(change.group.as_str()).or_default();
        group.insert(&change.key, sides);
    }
    groups
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diff::sample;
    use crate::diff::tree::{Difference, comparable_trees, differences};
    use crate::snapshot::Snapshot;

    fn between(prev: &Snapshot, curr: &Snapshot) -> ExcludedFactors {
        let (prev, curr) = comparable_trees(prev, curr);
        let leaves: Vec<_> = differences(&prev, &curr)
            .iter()
            .flat_map(Difference::leaves)
            .collect();
        ExcludedFactors::among(&leaves)
    }

    #[test]
    fn three_changed_factors_are_counted_grouped_and_said_in_order() {
        let factors = between(&sample::training(), &sample::training_factors_changed());
        assert_eq!(factors.count(), 3);
        assert_eq!(
            factors.summary(),
            "learning_rate: 0.05→0.01, train_seed: 1337→42, python_version: 3.11.7→3.12.1"
        );
        assert_eq!(
            factors.to_json()["changes"],
            json!({
                "hyperparameters": {"learning_rate": {"prev": 0.05, "curr": 0.01}},
                "train_seed": {"train_seed": {"prev": 1337, "curr": 42}},
                "versions": {"python_version": {"prev": "3.11.7", "curr": "3.12.1"}},
            })
        );
    }

    #[test]
    fn a_long_list_is_cut_while_count_and_digest_cover_the_whole() {
        let prev = sample::run("a");
        let with = |count: u32| {
            let mut run = sample::run("b");
            run.factors.settings = (0..count).map(|k| (format!("k{k:03}"), json!(k))).collect();
            between(&prev, &run)
        };
        let (many, more) = (with(150), with(151));
        assert_eq!(many.count(), 150);
        assert!(many.is_cut());
        let listed = &many.to_json()["changes"]["hyperparameters"];
        assert_eq!(listed.as_object().unwrap().len(), CHANGES_MAX);
        assert!(many.summary().ends_with("k004: ∅→4 (+145 more)"));
        assert_eq!(listed, &more.to_json()["changes"]["hyperparameters"]);
        assert_ne!(many.changes_digest(), more.changes_digest());
    }

    #[test]
    fn every_leaf_of_a_nested_factor_counts_one() {
        let prev = sample::run("a");
        let mut curr = sample::run("b");
        curr.factors.settings.insert(
            "optimizer".into(),
            json!({"name": "adam", "betas": [0.9, 1]}),
        );
        assert_eq!(between(&prev, &curr).count(), 2);
    }
}
