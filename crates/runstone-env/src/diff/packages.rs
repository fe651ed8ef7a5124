//! Packages: by name and architecture, in the order of versions of their ecosystem.
//!
//! One name may be installed in several versions (kernels): equal ones are paired first. A
//! distribution that conda brought is conda's, and one that is shadowed is nobody's.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Change, FactChange, Row, Sides};
use crate::document::{Environment, Package, Source};
use crate::names::{SourceName, State};
use crate::{order, unfinished};

/// Facts that say who asked for a package and what is to become of it. All others say what it is.
const MARKS: [&str; 8] = [
    "automatic",
    "essential",
    "flag",
    "installer",
    "priority",
    "protected",
    "requested",
    "want",
];

/// Name and architecture.
type Key<'e> = (&'e str, Option<&'e str>);

pub(super) fn rows(sides: Sides<'_>, before: &Environment, after: &Environment) -> Vec<Row> {
    let without_conda = sides.name == SourceName::Python && has_conda(before) && has_conda(after);
    let mut left = by_key(sides.left, without_conda);
    let mut right = by_key(sides.right, without_conda);
    if !sides.whole {
        without_arch(&mut left, &mut right);
        without_arch(&mut right, &mut left);
    }
    let keys: BTreeSet<Key<'_>> = left.keys().chain(right.keys()).copied().collect();
    let mut rows = Vec::new();
    for key in keys {
        let old = left.get(&key).cloned().unwrap_or_default();
        let new = right.get(&key).cloned().unwrap_or_default();
        if is_unfinished(sides, key, old.is_empty(), new.is_empty()) {
            // That is told as a state: it is neither gone nor new.
            continue;
        }
        if let Some(row) = left_over(sides, key, old.is_empty(), new.is_empty()) {
            rows.push(row);
            continue;
        }
        rows.extend(of_key(sides, key, old, new));
    }
    states(sides, &left, &right, &mut rows);
    rows
}

/// Tells whether the side that lacks a package has it in the middle of being set up.
fn is_unfinished(sides: Sides<'_>, key: Key<'_>, lacks_left: bool, lacks_right: bool) -> bool {
    let lacking = match (lacks_left, lacks_right) {
        (true, false) => sides.left,
        (false, true) => sides.right,
        _ => return false,
    };
    unfinished::between(lacking).any(|it| (it.name, it.arch) == key)
}

/// Returns the row of a distribution of Python of which one side has no more than what is left of
/// a removal or an installation that did not end.
fn left_over(sides: Sides<'_>, key: Key<'_>, lacks_left: bool, lacks_right: bool) -> Option<Row> {
    if sides.name != SourceName::Python || !sides.whole {
        return None;
    }
    let (lacking, is_before) = match (lacks_left, lacks_right) {
        (true, false) => (sides.left, true),
        (false, true) => (sides.right, false),
        _ => return None,
    };
    unfinished::left_of(lacking, key.0)?;
    let (broken, installed) = (Some("broken".to_owned()), Some("installed".to_owned()));
    let mut row = sides.row(key.0, Change::State);
    (row.before, row.after) = if is_before {
        (broken, installed)
    } else {
        (installed, broken)
    };
    Some(row)
}

/// Brings a name whose architecture one side does not know together with that of the other side,
/// where each has one of it: lists of others name no architectures.
fn without_arch<'e>(
    unsure: &mut BTreeMap<Key<'e>, Vec<&'e Package>>,
    other: &mut BTreeMap<Key<'e>, Vec<&'e Package>>,
) {
    let nameless: Vec<&str> = unsure
        .keys()
        .filter(|it| it.1.is_none())
        .map(|it| it.0)
        .collect();
    for name in nameless {
        let of_name = |side: &BTreeMap<Key<'e>, Vec<&'e Package>>| -> Vec<Key<'e>> {
            let range = side.range((name, None)..);
            let keys = range.map(|(key, _)| *key);
            keys.take_while(|key| key.0 == name).collect()
        };
        if let ([key], [arch]) = (of_name(unsure).as_slice(), of_name(other).as_slice())
            && arch.1.is_some()
            && let Some(packages) = unsure.remove(key)
        {
            unsure.insert(*arch, packages);
        }
    }
}

fn has_conda(environment: &Environment) -> bool {
    let conda = environment.sources.get(&SourceName::Conda);
    conda.is_some_and(|it| it.state == State::Captured)
}

fn by_key(source: &Source, without_conda: bool) -> BTreeMap<Key<'_>, Vec<&Package>> {
    let mut by_key: BTreeMap<Key<'_>, Vec<&Package>> = BTreeMap::new();
    for package in &source.packages {
        let text = |fact: &str| package.facts.get(fact).and_then(Value::as_str);
        let is_condas = without_conda && text("installer") == Some("conda");
        let is_shadowed = package.facts.get("shadowed") == Some(&Value::Bool(true));
        if !is_condas && !is_shadowed {
            let key = (package.name.as_str(), package.arch.as_deref());
            by_key.entry(key).or_default().push(package);
        }
    }
    by_key
}

/// Returns what became of one name.
fn of_key<'e>(
    sides: Sides<'_>,
    key: Key<'_>,
    mut left: Vec<&'e Package>,
    mut right: Vec<&'e Package>,
) -> Vec<Row> {
    let mut rows = Vec::new();
    // What is the same in everything pairs first, then what has the same version.
    take_pairs(&mut left, &mut right, |left, right| left == right);
    let mut pairs = take_pairs(&mut left, &mut right, |left, right| {
        left.version == right.version
    });
    // One went and one came: that is one package which moved.
    if let ([gone], [new]) = (left.as_slice(), right.as_slice()) {
        pairs.push((*gone, *new));
        left.clear();
        right.clear();
    }
    let gone = left.into_iter().map(|it| (Some(it), None));
    let new = right.into_iter().map(|it| (None, Some(it)));
    let paired = pairs
        .into_iter()
        .map(|(left, right)| (Some(left), Some(right)));
    for (left, right) in paired.chain(gone).chain(new) {
        let facts = fact_changes(left, right, sides.whole);
        let Some(change) = change(sides.name, left, right, &facts) else {
            continue;
        };
        let mut row = sides.row(key.0, change);
        row.arch = key.1.map(ToOwned::to_owned);
        row.before = left.map(|it| it.version.clone());
        row.after = right.map(|it| it.version.clone());
        if left.is_some() && right.is_some() {
            row.facts = facts;
        }
        rows.push(row);
    }
    rows
}

/// Takes out of both lists what belongs together.
fn take_pairs<'e>(
    left: &mut Vec<&'e Package>,
    right: &mut Vec<&'e Package>,
    belongs: impl Fn(&Package, &Package) -> bool,
) -> Vec<(&'e Package, &'e Package)> {
    let mut pairs = Vec::new();
    left.retain(|package| {
        let same = right.iter().position(|it| belongs(package, it));
        if let Some(same) = same {
            pairs.push((*package, right.remove(same)));
        }
        same.is_none()
    });
    pairs
}

fn change(
    source: SourceName,
    left: Option<&Package>,
    right: Option<&Package>,
    facts: &[FactChange],
) -> Option<Change> {
    let (left, right) = match (left, right) {
        (Some(left), Some(right)) => (left, right),
        (None, _) => return Some(Change::Added),
        (_, None) => return Some(Change::Removed),
    };
    if left.version != right.version {
        return Some(
            match order::compare(source, &left.version, &right.version) {
                Some(Ordering::Less) => Change::Upgraded,
                Some(Ordering::Greater) => Change::Downgraded,
                Some(Ordering::Equal) | None => Change::Changed,
            },
        );
    }
    let is_mark = |fact: &FactChange| MARKS.contains(&fact.name.as_str());
    if facts.is_empty() {
        None
    } else if facts.iter().all(is_mark) {
        Some(Change::Marked)
    } else {
        Some(Change::Rebuilt)
    }
}

/// Returns the facts that differ. Where a side is not whole, one that it lacks is not known there.
fn fact_changes(left: Option<&Package>, right: Option<&Package>, whole: bool) -> Vec<FactChange> {
    let (Some(left), Some(right)) = (left, right) else {
        return Vec::new();
    };
    let names: BTreeSet<&String> = left.facts.keys().chain(right.facts.keys()).collect();
    let changes = names.into_iter().map(|name| FactChange {
        name: name.clone(),
        before: left.facts.get(name).cloned(),
        after: right.facts.get(name).cloned(),
    });
    let is_known = |it: &FactChange| whole || (it.before.is_some() && it.after.is_some());
    let changes = changes.filter(|it| it.before != it.after);
    changes.filter(is_known).collect()
}

/// Adds what is neither installed nor gone: half-configured, or removed with its settings left.
fn states(
    sides: Sides<'_>,
    left: &BTreeMap<Key<'_>, Vec<&Package>>,
    right: &BTreeMap<Key<'_>, Vec<&Package>>,
    rows: &mut Vec<Row>,
) {
    let (before, after) = (other_states(sides.left), other_states(sides.right));
    let keys: BTreeSet<Key<'_>> = before.keys().chain(after.keys()).copied().collect();
    for key in keys {
        let state = |others: &BTreeMap<Key<'_>, &str>, side: &BTreeMap<Key<'_>, Vec<&Package>>| {
            let other = others.get(&key).map(|it| (*it).to_owned());
            let installed = side.contains_key(&key).then(|| "installed".to_owned());
            other.or(installed)
        };
        let (before, after) = (state(&before, left), state(&after, right));
        if before == after {
            continue;
        }
        let is_key = |row: &&mut Row| row.name == key.0 && row.arch.as_deref() == key.1;
        if let Some(row) = rows.iter_mut().find(is_key) {
            row.facts.push(FactChange {
                name: "state".to_owned(),
                before: before.map(Value::from),
                after: after.map(Value::from),
            });
        } else {
            let mut row = sides.row(key.0, Change::State);
            row.arch = key.1.map(ToOwned::to_owned);
            row.before = before;
            row.after = after;
            rows.push(row);
        }
    }
}

fn other_states(source: &Source) -> BTreeMap<Key<'_>, &str> {
    let others = source.facts.get("other_states").and_then(Value::as_array);
    let others = others.into_iter().flatten();
    others
        .filter_map(|other| {
            let text = |member: &str| other.get(member).and_then(Value::as_str);
            Some(((text("name")?, text("arch")), text("state")?))
        })
        .collect()
}
