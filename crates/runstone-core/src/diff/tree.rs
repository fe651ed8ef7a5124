//! The part of a snapshot that is compared, as one JSON object, and where two such objects differ.
//!
//! ```text
//! { artifacts: {path: …}, code, environment, factors: {settings, seeds, versions},
//!   identity: {group: …}, labels, metrics, process, status }
//! ```
//!
//! Everything after this file sees only trees: the patch, the changed keys, the severity. The
//! invariant kept: a section that is not known on both sides stands in neither tree, so "unknown"
//! can turn neither into a change nor into equality. Names, clocks, the caller's own document
//! and what was worked out from the rest (fingerprints) are not compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::canon;
use crate::snapshot::{Captured, Code, CodePair, DIGEST, Snapshot};

/// The sections of a tree, in the order in which they are shown: what was asked first, what came
/// out last.
pub const SECTIONS: [&str; 9] = [
    "identity",
    "factors",
    "environment",
    "code",
    "process",
    "status",
    "metrics",
    "labels",
    "artifacts",
];

/// Returns the comparable tree of one snapshot; sections that were not captured are left out.
pub fn comparable_tree(snapshot: &Snapshot) -> Value {
    let mut tree = json!({
        "artifacts": artifacts(&snapshot.artifacts),
        "factors": {
            "settings": snapshot.factors.settings,
            "seeds": snapshot.factors.seeds,
            "versions": snapshot.factors.versions,
        },
        "identity": identity(&snapshot.identity),
        "labels": snapshot.labels,
        "status": snapshot.status.as_str(),
    });
    let metrics = snapshot.metrics.iter();
    tree["metrics"] = metrics
        .map(|(name, value)| (name.clone(), value.to_json()))
        .collect();
    for (section, captured) in captured(snapshot) {
        if let Some(value) = compared(section, captured) {
            tree[section] = value;
        }
    }
    canon::settle(tree)
}

/// Returns what is compared of a section, if it was captured: of an environment its name alone,
/// since how it was captured differs every time, and of code what names it.
fn compared(section: &str, captured: &Captured) -> Option<Value> {
    let Captured::Known(value) = captured else {
        return None;
    };
    match section {
        "code" => captured.as_code().and_then(Code::named),
        "environment" => Some(match value.get(DIGEST) {
            Some(digest) => json!({ DIGEST: digest }),
            None => value.clone(),
        }),
        _ => Some(value.clone()),
    }
}

/// Returns the identity by group, each field under the name that its group leaves to be said:
/// `folds` for the `identity.split.folds` of a document whose groups are the members of its
/// `identity`. A group that is one field of its own name is the value of that field.
fn identity(groups: &BTreeMap<String, BTreeMap<String, Value>>) -> Value {
    let of_group = |(group, fields): (&String, &BTreeMap<String, Value>)| {
        let own = format!("identity.{group}");
        let value = match fields.first_key_value() {
            Some((path, alone)) if fields.len() == 1 && [&own, group].contains(&path) => {
                alone.clone()
            }
            _ => fields
                .iter()
                .map(|(path, value)| (below(&own, path, fields).to_owned(), value.clone()))
                .collect(),
        };
        (group.clone(), value)
    };
    groups.iter().map(of_group).collect()
}

/// Returns `path` as it reads below `own`; whole, where that is the name of another field.
fn below<'p>(own: &str, path: &'p str, fields: &BTreeMap<String, Value>) -> &'p str {
    path.strip_prefix(own)
        .and_then(|rest| rest.strip_prefix('.'))
        .filter(|rest| !fields.contains_key(*rest))
        .unwrap_or(path)
}

/// Returns the trees of two snapshots with the sections that both of them know.
pub fn comparable_trees(prev: &Snapshot, curr: &Snapshot) -> (Value, Value) {
    let mut trees = [comparable_tree(prev), comparable_tree(curr)];
    for ((section, before), (_, now)) in captured(prev).into_iter().zip(captured(curr)) {
        if section == "code"
            && let (Some(before), Some(now)) = (before.as_code(), now.as_code())
        {
            if let CodePair::Comparable(before, now) = Code::pair(before, now) {
                // Of code that was read in part there are trees only beside another's.
                trees[0][section] = canon::settle(before);
                trees[1][section] = canon::settle(now);
                continue;
            }
        } else if let (Captured::Known(_), Captured::Known(_)) = (before, now) {
            continue;
        }
        trees
            .iter_mut()
            .filter_map(Value::as_object_mut)
            .for_each(|tree| {
                tree.remove(section);
            });
    }
    let [prev, curr] = trees;
    (prev, curr)
}

/// The sections that may be unknown.
pub(super) fn captured(snapshot: &Snapshot) -> [(&'static str, &Captured); 3] {
    [
        ("environment", &snapshot.environment),
        ("code", &snapshot.code),
        ("process", &snapshot.process),
    ]
}

/// One place where two trees differ: the highest one, so a member that came or went is one place
/// with everything below it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference<'a> {
    pub(super) path: Vec<&'a str>,
    pub(super) prev: Option<&'a Value>,
    pub(super) curr: Option<&'a Value>,
}

/// One changed leaf. A list is one leaf.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LeafChange<'a> {
    /// Keys from the root; the first is the section.
    pub(super) path: Vec<&'a str>,
    pub(super) prev: Option<&'a Value>,
    pub(super) curr: Option<&'a Value>,
}

/// Returns where two trees differ, in code-point order of the keys.
pub(super) fn differences<'a>(prev: &'a Value, curr: &'a Value) -> Vec<Difference<'a>> {
    let mut found = Vec::new();
    descend(&mut Vec::new(), Some(prev), Some(curr), &mut found);
    found
}

fn descend<'a>(
    path: &mut Vec<&'a str>,
    prev: Option<&'a Value>,
    curr: Option<&'a Value>,
    found: &mut Vec<Difference<'a>>,
) {
    match (prev, curr) {
        (Some(Value::Object(before)), Some(Value::Object(now))) => {
            for key in before.keys().chain(now.keys()).collect::<BTreeSet<_>>() {
                path.push(key);
                descend(path, before.get(key), now.get(key), found);
                path.pop();
            }
        }
        _ if prev == curr => {}
        _ => found.push(Difference {
            path: path.clone(),
            prev,
            curr,
        }),
    }
}

impl<'a> LeafChange<'a> {
    /// Returns the section it stands in.
    pub(super) fn section(&self) -> &'a str {
        self.path.first().copied().unwrap_or_default()
    }

    /// Returns its key, section first, joined with dots.
    pub(super) fn key(&self) -> String {
        self.path.join(".")
    }
}

impl<'a> Difference<'a> {
    /// Returns the changed leaves of this place: several where an object came or went.
    pub(super) fn leaves(&self) -> Vec<LeafChange<'a>> {
        let whole = || {
            vec![LeafChange {
                path: self.path.clone(),
                prev: self.prev,
                curr: self.curr,
            }]
        };
        match (self.prev, self.curr) {
            (Some(gone), None) => {
                let side = |(path, value)| LeafChange {
                    path,
                    prev: Some(value),
                    curr: None,
                };
                leaves_below(&self.path, gone)
                    .into_iter()
                    .map(side)
                    .collect()
            }
            (None, Some(new)) => {
                let side = |(path, value)| LeafChange {
                    path,
                    prev: None,
                    curr: Some(value),
                };
                leaves_below(&self.path, new)
                    .into_iter()
                    .map(side)
                    .collect()
            }
            _ => whole(),
        }
    }
}

fn leaves_below<'a>(path: &[&'a str], value: &'a Value) -> Vec<(Vec<&'a str>, &'a Value)> {
    match value {
        Value::Object(members) if !members.is_empty() => members
            .iter()
            .flat_map(|(key, member)| {
                let mut below = path.to_vec();
                below.push(key);
                leaves_below(&below, member)
            })
            .collect(),
        leaf => vec![(path.to_vec(), leaf)],
    }
}

/// Artifacts by their path, so that one that came does not move the others. Those without a path,
/// or with one that stands already, are told apart by `#` and a number.
fn artifacts(artifacts: &[Value]) -> Value {
    let mut by_path = Map::new();
    for artifact in artifacts {
        let path = artifact
            .get("path")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut key = path.to_owned();
        let mut number = 1;
        while key.is_empty() || by_path.contains_key(&key) {
            key = format!("{path}#{number}");
            number += 1;
        }
        by_path.insert(key, artifact.clone());
    }
    Value::Object(by_path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::sample;

    #[test]
    fn spellings_of_one_number_are_equal_in_the_tree() {
        let mut one = sample::run("a");
        one.factors.settings.insert("depth".into(), json!(6.0));
        let mut other = sample::run("b");
        other.factors.settings.insert("depth".into(), json!(6));
        assert_eq!(comparable_tree(&one), comparable_tree(&other));
    }

    #[test]
    fn a_field_of_the_identity_is_named_once_and_keeps_its_own_place() {
        let mut run = sample::run("a");
        let group = |paths: &[&'static str]| -> BTreeMap<String, Value> {
            paths
                .iter()
                .map(|path| (*path).to_owned())
                .zip((1..).map(Value::from))
                .collect()
        };
        for (name, paths) in [
            ("code", vec!["identity.code"]),
            ("experiment", vec!["experiment"]),
            (
                "split",
                vec!["identity.split.folds", "identity.split.by.day"],
            ),
            ("task", vec!["target"]),
            ("twice", vec!["folds", "identity.twice.folds"]),
            ("two", vec!["identity.two", "other"]),
        ] {
            run.identity.insert(name.to_owned(), group(&paths));
        }
        assert_eq!(
            comparable_tree(&run)["identity"],
            json!({
                "code": 1,
                "experiment": 1,
                "split": {"folds": 1, "by.day": 2},
                "task": {"target": 1},
                "twice": {"folds": 1, "identity.twice.folds": 2},
                "two": {"identity.two": 1, "other": 2},
            })
        );
    }

    #[test]
    fn a_section_unknown_on_one_side_stands_in_neither_tree() {
        let unknown = sample::run("a");
        let mut known = sample::run("b");
        known.code = Captured::Known(json!({"commit": "9f3c1ab"}));
        let (prev, curr) = comparable_trees(&unknown, &known);
        assert!(prev.get("code").is_none() && curr.get("code").is_none());
        assert_eq!(prev, curr);
    }

    #[test]
    fn a_list_is_one_leaf_and_an_object_that_came_is_one_place() {
        let prev = json!({"a": [1, 2], "b": {}});
        let curr = json!({"a": [1], "b": {"c": {"d": 1, "e": 2}}});
        let found = differences(&prev, &curr);
        assert_eq!(
            found.iter().map(|at| at.path.join(".")).collect::<Vec<_>>(),
            ["a", "b.c"]
        );
        assert_eq!(found[1].leaves().len(), 2);
    }

    #[test]
    fn artifacts_without_a_path_or_with_an_equal_one_are_all_kept() {
        let kept = artifacts(&[
            json!({"path": "m"}),
            json!({"path": "m"}),
            json!(1),
            json!(2),
        ]);
        assert_eq!(
            kept.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["#1", "#2", "m", "m#1"]
        );
    }

    #[test]
    fn every_section_is_named_once() {
        let mut full = sample::run("a");
        for section in [&mut full.environment, &mut full.code, &mut full.process] {
            *section = Captured::Known(json!({}));
        }
        let tree = comparable_tree(&full);
        let mut named = SECTIONS;
        named.sort_unstable();
        assert!(tree.as_object().unwrap().keys().eq(named.iter()));
    }
}
