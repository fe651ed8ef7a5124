//! The rows of a diff: which are shown, in which order, and both sides of each in words.
//!
//! The invariant: both sides of a row that changed read differently. Lines, columns and colour
//! belong to the files beside this one.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use runstone::core::diff::wording::Movement;
use runstone::core::diff::{
    DiffStatus, EnvironmentChanges, EnvironmentRow, FactorGroup, MetricDelta, MetricStatus, Row,
    RunDiff, SectionRows, tells_of_process, wording,
};
use runstone::core::metric::MetricValue;
use runstone::core::profile::Severity;
use serde_json::Value;

use super::{Detail, Order};
use crate::render::words::{cut, is_spread, metric, shown_apart};
use crate::ui::plain;

/// The command line, a list of words.
const COMMAND: &str = "command";

/// What changed in one section.
#[derive(Debug)]
pub(crate) struct Section<'d> {
    /// What people call it.
    pub(crate) label: &'static str,
    /// How grave its gravest change is.
    pub(crate) level: Severity,
    /// What changed.
    pub(crate) changes: Vec<Change<'d>>,
    /// How many changes are not among them: of an environment only the first are known.
    pub(crate) untold: usize,
}

/// One change.
#[derive(Debug)]
pub(crate) enum Change<'d> {
    /// A leaf with both sides.
    Leaf(Cow<'d, Row>),
    /// A metric that moved.
    Metric(&'d MetricDelta),
}

/// Returns the sections that changed, in an order.
pub(crate) fn sections<'d>(diff: &'d RunDiff, detail: Detail, order: Order) -> Vec<Section<'d>> {
    let mut found = Vec::new();
    let mut add = |label: &'static str, key: &str, changes: Vec<Change<'d>>| {
        let level = diff.gravity.get(key).copied().unwrap_or(Severity::None);
        if !changes.is_empty() {
            found.push(Section {
                label,
                level,
                changes,
                untold: match label {
                    "environment" => environment_more(diff),
                    _ => 0,
                },
            });
        }
    };
    for group in FACTOR_GROUPS {
        let rows = factors(diff, group).into_iter();
        let changes = rows.map(|row| Change::Leaf(Cow::Owned(row))).collect();
        add(class(group), &format!("factors.{}", class(group)), changes);
    }
    let measured = metrics(diff, detail).into_iter().map(Change::Metric);
    add("metrics", "metrics", measured.collect());
    let leaf = |row| Change::Leaf(Cow::Borrowed(row));
    for (label, rows) in captured(diff, detail) {
        let owned = |row| Change::Leaf(Cow::Owned(row));
        add(label, label, rows.into_iter().map(owned).collect());
    }
    for (label, rows) in others(diff) {
        add(label, label, rows.iter().map(leaf).collect());
    }
    if order == Order::MattersFirst {
        // What keeps two runs apart, then what came out, then what may explain it.
        found.sort_by_key(|section| match section.label {
            "identity" => (0, Reverse(section.level)),
            "metrics" => (1, Reverse(section.level)),
            _ => (2, Reverse(section.level)),
        });
    }
    found
}

/// The classes of factors, in the order in which they are shown.
const FACTOR_GROUPS: [FactorGroup; 3] = [
    FactorGroup::Hyperparameters,
    FactorGroup::TrainSeed,
    FactorGroup::Versions,
];

/// Returns the word people use for a class of factors.
fn class(group: FactorGroup) -> &'static str {
    match group {
        FactorGroup::Hyperparameters => "settings",
        FactorGroup::TrainSeed => "seeds",
        FactorGroup::Versions => "versions",
    }
}

/// Returns the factors of one class that differ, as rows.
fn factors(diff: &RunDiff, group: FactorGroup) -> Vec<Row> {
    diff.excluded_factors
        .changes
        .iter()
        .filter(|change| change.group == group)
        .map(|change| Row {
            key: change.key.clone(),
            prev: change.prev.clone(),
            curr: change.curr.clone(),
        })
        .collect()
}

/// Returns the rows of the sections that may be unknown, by section.
fn captured(diff: &RunDiff, detail: Detail) -> [(&'static str, Vec<Row>); 3] {
    let tells = |key: &str| detail == Detail::All || tells_of_process(key);
    let process = diff.process.rows().iter().filter(|row| tells(&row.key));
    [
        ("environment", environment(diff)),
        ("code", diff.code.rows().to_vec()),
        ("process", process.cloned().collect()),
    ]
}

/// Returns what differs between two environments; their names alone where nothing more is known.
fn environment(diff: &RunDiff) -> Vec<Row> {
    match &diff.environment_changes {
        Some(EnvironmentChanges::Told { rows, .. }) if !rows.is_empty() => {
            rows.iter().map(environment_row).collect()
        }
        _ => diff.environment.rows().to_vec(),
    }
}

fn environment_row(row: &EnvironmentRow) -> Row {
    let side = |side: &Option<String>| side.as_deref().map(Value::from);
    let mut curr = side(&row.curr);
    if row.prev == row.curr {
        // What became of it is all there is to see.
        let same = row.curr.as_deref().unwrap_or_default();
        curr = Some(Value::from(format!("{same} ({})", row.change)));
    }
    Row {
        key: row.key.clone(),
        prev: side(&row.prev),
        curr,
    }
}

/// Returns how many differences between two environments have no row.
fn environment_more(diff: &RunDiff) -> usize {
    match &diff.environment_changes {
        Some(EnvironmentChanges::Told { rows, total, .. }) => total.saturating_sub(rows.len()),
        _ => 0,
    }
}

/// Returns the rows of what came out beside metrics, and of what keeps two cohorts apart.
fn others(diff: &RunDiff) -> [(&'static str, &[Row]); 3] {
    [
        ("labels", &diff.labels),
        ("artifacts", &diff.artifacts),
        ("identity", &diff.identity),
    ]
}

/// Returns the metrics to show, what matters first: those that decide, then what became worse.
pub(crate) fn metrics(diff: &RunDiff, detail: Detail) -> Vec<&MetricDelta> {
    let mut shown: Vec<&MetricDelta> = diff
        .metrics
        .iter()
        .filter(|delta| detail == Detail::All || is_shown(delta, diff))
        .collect();
    shown.sort_by_key(|delta| (!delta.decides, weight(delta.status)));
    shown
}

/// A spread that moved says little beside the value it belongs to; `--all` shows it.
fn is_shown(delta: &MetricDelta, diff: &RunDiff) -> bool {
    let metric = |name: &'_ str| name.rsplit_once('.').map(|(metric, _)| metric.to_owned());
    let stands_beside = |other: &MetricDelta| {
        other.prev != other.curr
            && !is_spread(&other.name)
            && (metric(&other.name) == metric(&delta.name)
                || metric(&delta.name).as_ref() == Some(&other.name))
    };
    delta.prev != delta.curr && !(is_spread(&delta.name) && diff.metrics.iter().any(stands_beside))
}

/// Worse stands before better, and what did not move last.
fn weight(status: MetricStatus) -> u8 {
    match status {
        MetricStatus::NotANumber => 0,
        MetricStatus::Worse => 1,
        MetricStatus::Better => 2,
        MetricStatus::Changed => 3,
        MetricStatus::Added | MetricStatus::Removed => 4,
        MetricStatus::Same => 5,
    }
}

/// Returns what a metric's movement means.
pub(crate) fn movement(delta: &MetricDelta, diff: &RunDiff) -> &'static str {
    match (delta.status, diff.status) {
        // Between cohorts nothing is better or worse.
        (MetricStatus::Better | MetricStatus::Worse, DiffStatus::Incomparable) => "not comparable",
        (MetricStatus::Same, _) => "within tolerance",
        (MetricStatus::NotANumber, _) => "not a number",
        (other, _) => other.as_str(),
    }
}

/// Returns both sides of a metric, and how far it moved where both are finite and differ.
pub(crate) fn measured(delta: &MetricDelta) -> (String, String, Option<String>) {
    let finite = |value: Option<MetricValue>| value.and_then(MetricValue::finite);
    match (finite(delta.prev), finite(delta.curr)) {
        (Some(before), Some(now)) if delta.prev != delta.curr => {
            let Movement { prev, curr, delta } = wording::movement(before, now);
            (prev, curr, Some(delta))
        }
        _ => {
            let side = |value: Option<_>| value.map_or_else(|| "∅".to_owned(), metric);
            (side(delta.prev), side(delta.curr), None)
        }
    }
}

/// Returns both sides of a row, each in at most `size_max` characters where that tells them apart.
pub(crate) fn sides(row: &Row, size_max: usize) -> (String, String) {
    let (prev, curr) = (row.prev.as_ref(), row.curr.as_ref());
    if let (Some(Value::Array(before)), Some(Value::Array(now))) = (prev, curr)
        && row.key == COMMAND
    {
        let (from, to) = words_apart(before, now, size_max);
        if from != to {
            return (from, to);
        }
    }
    shown_apart(prev, curr, size_max)
}

/// Returns two lists of words by the words that differ, an option with its value.
fn words_apart(before: &[Value], now: &[Value], size_max: usize) -> (String, String) {
    let equal = |pairs: &mut dyn Iterator<Item = (&Value, &Value)>| {
        pairs.take_while(|(one, other)| one == other).count()
    };
    let shorter = before.len().min(now.len());
    let head = equal(&mut before.iter().zip(now));
    let tail = equal(&mut before.iter().rev().zip(now.iter().rev())).min(shorter - head);
    let names_an_option = |word: &Value| word.as_str().is_some_and(|word| word.starts_with('-'));
    let begin = match head.checked_sub(1) {
        Some(at) if names_an_option(&before[at]) => at,
        _ => head,
    };
    let middle = |words: &[Value]| {
        let words = &words[begin..words.len() - tail];
        let words: Vec<String> = words
            .iter()
            .map(|word| wording::value(Some(word)))
            .collect();
        match words.as_slice() {
            [] => "∅".to_owned(),
            words => cut(&words.join(" "), size_max),
        }
    };
    (middle(before), middle(now))
}

/// Says that nothing differs, and what is not worth a row; nothing where something differs.
pub(crate) fn nothing(diff: &RunDiff, detail: Detail) -> Option<&'static str> {
    match (diff.status, diff.changed_keys.is_empty()) {
        (DiffStatus::Compared, true) => Some("nothing differs"),
        (DiffStatus::Compared, false) if !diff.differs() && detail == Detail::Changed => {
            Some("nothing differs but times and sizes of the process; `--all` shows them")
        }
        _ => None,
    }
}

/// Says what the same inputs gave otherwise, if they did.
pub(crate) fn variance(diff: &RunDiff) -> Option<String> {
    if !diff.reproducibility_variance {
        return None;
    }
    let as_far_as_known = match diff.unknown_inputs.as_slice() {
        [] => "",
        _ => ", as far as known,",
    };
    let changed = |section: &&str| diff.counts.get(section).copied().flatten().unwrap_or(0) > 0;
    let outputs: Vec<_> = ["metrics", "labels", "artifacts"]
        .into_iter()
        .filter(changed)
        .collect();
    Some(format!(
        "the same inputs{as_far_as_known} gave other {}: not reproducible to the bit",
        outputs.join(" and ")
    ))
}

/// Returns what is not known and why, a sentence each: not known is not unchanged.
pub(crate) fn unknowns(diff: &RunDiff) -> Vec<String> {
    let reason = |rows: &SectionRows| match rows {
        SectionRows::Unknown { reason } => Some(plain(reason)),
        SectionRows::Compared(_) | SectionRows::NotCompared { .. } => None,
    };
    let mut unknowns: Vec<String> = match (reason(&diff.environment), reason(&diff.code)) {
        (Some(environment), Some(code)) if environment == code => {
            vec![format!("environment and code not known: {code}")]
        }
        (environment, code) => [("environment", environment), ("code", code)]
            .into_iter()
            .filter_map(|(what, reason)| Some(format!("{what} not known: {}", reason?)))
            .collect(),
    };
    unknowns.extend(behind_the_names(diff));
    unknowns
}

/// Returns what is not known of two environments whose names differ.
fn behind_the_names(diff: &RunDiff) -> Option<String> {
    match &diff.environment_changes {
        Some(EnvironmentChanges::Unknown { reason }) => Some(format!(
            "what differs in the environment is not known: {}",
            plain(reason)
        )),
        Some(EnvironmentChanges::Told { not_compared, .. }) if !not_compared.is_empty() => {
            let mut sources: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for left_out in not_compared {
                sources
                    .entry(&left_out.reason)
                    .or_default()
                    .push(left_out.source);
            }
            let sources = sources
                .iter()
                .map(|(reason, sources)| format!("{} ({})", sources.join(" "), plain(reason)));
            Some(format!(
                "of the environment not, or not wholly, compared: {}",
                sources.collect::<Vec<_>>().join(", ")
            ))
        }
        _ => None,
    }
}
