//! Facts beside packages: each leaf is a row, each element of a list that came or went is one.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Change, Row, Sides};
use crate::document::Environment;
use crate::names::SourceName;

/// Facts that are compared with the packages they are about.
const WITH_PACKAGES: [(SourceName, &str); 2] = [
    (SourceName::Apt, "automatic"),
    (SourceName::Dpkg, "other_states"),
];

pub(super) fn rows(sides: Sides<'_>, before: &Environment, after: &Environment) -> Vec<Row> {
    let mut rows = Vec::new();
    members(sides, "", &sides.left.facts, &sides.right.facts, &mut rows);
    if sides.name == SourceName::Apt {
        marks(sides, before, after, &mut rows);
    }
    rows
}

fn members(
    sides: Sides<'_>,
    above: &str,
    left: &Map<String, Value>,
    right: &Map<String, Value>,
    rows: &mut Vec<Row>,
) {
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    for name in names {
        if WITH_PACKAGES.contains(&(sides.name, name.as_str())) {
            continue;
        }
        let path = match above {
            "" => name.clone(),
            above => format!("{above}.{name}"),
        };
        match (left.get(name), right.get(name)) {
            (left, right) if left == right => {}
            (Some(Value::Object(left)), Some(Value::Object(right))) => {
                members(sides, &path, left, right, rows);
            }
            (Some(Value::Array(left)), Some(Value::Array(right))) => {
                elements(sides, &path, left, right, rows);
            }
            (left, right) => rows.push(leaf(sides, &path, left, right)),
        }
    }
}

fn leaf(sides: Sides<'_>, path: &str, left: Option<&Value>, right: Option<&Value>) -> Row {
    let change = match (left, right) {
        (None, _) => Change::Added,
        (_, None) => Change::Removed,
        _ => Change::Changed,
    };
    let mut row = sides.row(path, change);
    row.before = left.map(told);
    row.after = right.map(told);
    row
}

/// Adds what came to a list and what went; of a list with the same elements, that their order is
/// another one.
fn elements(sides: Sides<'_>, path: &str, left: &[Value], right: &[Value], rows: &mut Vec<Row>) {
    let (old, new): (BTreeSet<String>, BTreeSet<String>) = (
        left.iter().map(told).collect(),
        right.iter().map(told).collect(),
    );
    if old == new {
        let whole = |side: &[Value]| Value::from(side.to_vec());
        rows.push(leaf(sides, path, Some(&whole(left)), Some(&whole(right))));
        return;
    }
    for gone in old.difference(&new) {
        let mut row = sides.row(path, Change::Removed);
        row.before = Some(gone.clone());
        rows.push(row);
    }
    for came in new.difference(&old) {
        let mut row = sides.row(path, Change::Added);
        row.after = Some(came.clone());
        rows.push(row);
    }
}

/// Returns a value as people write it: text without quotes.
fn told(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => runstone_core::canon::text(other),
    }
}

/// Adds whose mark is another one. A package that came or went has its row already.
fn marks(sides: Sides<'_>, before: &Environment, after: &Environment, rows: &mut Vec<Row>) {
    let (Some(left), Some(right)) = (automatic(&sides.left.facts), automatic(&sides.right.facts))
    else {
        // Where one side has no marks, they are unknown and not different.
        return;
    };
    let (old, new) = (installed(before), installed(after));
    for (arch, name) in left.symmetric_difference(&right) {
        if !old.contains(name) || !new.contains(name) {
            continue;
        }
        let was = left.contains(&(*arch, *name));
        let word = |is_automatic: bool| if is_automatic { "automatic" } else { "manual" };
        let mut row = sides.row(name, Change::Marked);
        row.arch = Some((*arch).to_owned());
        row.before = Some(word(was).to_owned());
        row.after = Some(word(!was).to_owned());
        rows.push(row);
    }
}

/// Returns the packages that came along, by architecture and name.
fn automatic(facts: &Map<String, Value>) -> Option<BTreeSet<(&str, &str)>> {
    let by_arch = facts.get("automatic")?.as_object()?;
    let pairs = by_arch.iter().flat_map(|(arch, names)| {
        let names = names.as_array().into_iter().flatten();
        names.filter_map(move |name| Some((arch.as_str(), name.as_str()?)))
    });
    Some(pairs.collect())
}

fn installed(environment: &Environment) -> BTreeSet<&str> {
    let dpkg = environment.sources.get(&SourceName::Dpkg);
    let packages = dpkg.into_iter().flat_map(|it| &it.packages);
    packages.map(|it| it.name.as_str()).collect()
}
