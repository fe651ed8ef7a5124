//! What differs between runs, the most telling first.
//!
//! A column is a leaf of the comparable tree at which at least two runs are known to differ. The
//! invariant kept: what was not captured of a run is no value and makes no column by itself. Which
//! columns fit a page is left to the faces.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::canon;
use crate::diff::comparable_tree;
use crate::snapshot::Snapshot;

/// Fewest runs with a value from which a column can tell something.
const TELLING_RUNS_MIN: usize = 4;

/// One value of one run.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// It is this.
    Known(Value),
    /// The run has none.
    Absent,
    /// It was not captured.
    Unknown,
}

/// A leaf at which runs differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its path as filters name it: `settings.learning_rate`, `metrics.logloss.mean`.
    pub key: String,
    /// Which part of the scatter of the metric's ranks goes along with it, 0 to 1, adjusted for
    /// what chance would give; 0 where that cannot be told, and for metrics.
    pub tells: f64,
    /// One cell a run.
    pub cells: Vec<Cell>,
}

/// The sections that become columns, with the name that filters have for them; also their order
/// among equally telling ones.
const SECTIONS: [(&str, &str); 8] = [
    ("factors.settings", "settings"),
    ("factors.versions", "versions"),
    ("code", "code"),
    ("environment", "environment"),
    ("sweep", "sweep"),
    ("labels", "labels"),
    ("factors.seeds", "seeds"),
    ("metrics", "metrics"),
];

/// Returns what differs between runs: first what may have made the difference, by how much it goes
/// along with `values`, then the metrics but `by`.
pub(super) fn columns(runs: &[&Snapshot], by: &str, values: &[Option<f64>]) -> Vec<Column> {
    let mut found: BTreeMap<(usize, String), Vec<Cell>> = BTreeMap::new();
    let mut captured: BTreeMap<usize, Vec<bool>> = BTreeMap::new();
    for (at, run) in runs.iter().enumerate() {
        let mut tree = comparable_tree(run);
        tree["sweep"] = run
            .sweep
            .as_ref()
            .map_or(Value::Null, |it| it.as_str().into());
        for (section, (path, _)) in SECTIONS.iter().enumerate() {
            let part = path.split('.').try_fold(&tree, |part, name| part.get(name));
            let known = captured
                .entry(section)
                .or_insert_with(|| vec![false; runs.len()]);
            let Some(part) = part else { continue };
            known[at] = true;
            let mut leaves = Vec::new();
            leaves_of(String::new(), part, &mut leaves);
            for (key, leaf) in leaves {
                let cells = found
                    .entry((section, key))
                    .or_insert_with(|| vec![Cell::Absent; runs.len()]);
                cells[at] = Cell::Known(leaf.clone());
            }
        }
    }
    let mut columns: Vec<(bool, usize, Column)> = Vec::new();
    for ((section, key), mut cells) in found {
        let (_, name) = SECTIONS[section];
        let is_metric = name == "metrics";
        if is_metric && key == by {
            continue;
        }
        for (cell, known) in cells.iter_mut().zip(&captured[&section]) {
            if !known {
                *cell = Cell::Unknown;
            }
        }
        if !differs(&cells) {
            continue;
        }
        let tells = if is_metric {
            0.0
        } else {
            tells(&cells, values)
        };
        let key = if key.is_empty() {
            name.to_owned()
        } else {
            format!("{name}.{key}")
        };
        columns.push((is_metric, section, Column { key, tells, cells }));
    }
    columns.sort_by(|(a_metric, a_section, a), (b_metric, b_section, b)| {
        (a_metric.cmp(b_metric))
            .then_with(|| b.tells.total_cmp(&a.tells))
            .then_with(|| (a_section, &a.key).cmp(&(b_section, &b.key)))
    });
    columns.into_iter().map(|(_, _, column)| column).collect()
}

/// Gathers leaves with their dotted paths; a list is one leaf, and so is an empty object.
fn leaves_of<'v>(path: String, value: &'v Value, found: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (name, member) in members {
                let below = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                leaves_of(below, member, found);
            }
        }
        leaf => found.push((path, leaf)),
    }
}

fn differs(cells: &[Cell]) -> bool {
    let mut known = cells.iter().filter(|cell| **cell != Cell::Unknown);
    let first = known.next();
    known.any(|cell| Some(cell) != first)
}

/// The share of the ranks' scatter that goes along with the cells.
///
/// # Source
/// Adjusted for the number of groups as ω² is: Hays, Statistics for Psychologists (1963), 12.18;
/// for numbers also the squared rank correlation, adjusted as R² is: Wherry, Annals of Mathematical
/// Statistics 2, 440 (1931). The larger of both.
fn tells(cells: &[Cell], values: &[Option<f64>]) -> f64 {
    let (kept, measured): (Vec<&Cell>, Vec<f64>) = cells
        .iter()
        .zip(values)
        .filter_map(|(cell, value)| Some((cell, (*value)?)))
        .filter(|(cell, _)| **cell != Cell::Unknown)
        .unzip();
    if kept.len() < TELLING_RUNS_MIN {
        return 0.0;
    }
    let ranks = ranks(&measured);
    let numbers: Option<Vec<f64>> = kept
        .iter()
        .map(|cell| match cell {
            Cell::Known(value) => value.as_f64(),
            Cell::Absent | Cell::Unknown => None,
        })
        .collect();
    let along = numbers.map_or(0.0, |numbers| going_along(&self::ranks(&numbers), &ranks));
    by_groups(&kept, &ranks).max(along).clamp(0.0, 1.0)
}

fn by_groups(cells: &[&Cell], ranks: &[f64]) -> f64 {
    let mut groups: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (cell, rank) in cells.iter().zip(ranks) {
        let key = match cell {
            Cell::Known(value) => String::from_utf8_lossy(&canon::bytes(value)).into_owned(),
            Cell::Absent | Cell::Unknown => String::new(),
        };
        groups.entry(key).or_default().push(*rank);
    }
    let (n, k) = (whole(ranks.len()), whole(groups.len()));
    if groups.len() < 2 || groups.len() == ranks.len() {
        return 0.0;
    }
    let all = squares(ranks);
    let within: f64 = groups.values().map(|group| squares(group)).sum();
    let mean_within = within / (n - k);
    let share = (all - within - (k - 1.0) * mean_within) / (all + mean_within);
    if share.is_finite() { share } else { 0.0 }
}

fn going_along(one: &[f64], other: &[f64]) -> f64 {
    let distinct: BTreeSet<u64> = one.iter().map(|rank| rank.to_bits()).collect();
    if distinct.len() < 3 {
        return 0.0;
    }
    let n = whole(one.len());
    let middle = f64::midpoint(n, 1.0);
    let product: f64 = one
        .iter()
        .zip(other)
        .map(|(one, other)| (one - middle) * (other - middle))
        .sum();
    let squared = product * product / (squares(one) * squares(other));
    let adjusted = 1.0 - (1.0 - squared) * (n - 1.0) / (n - 2.0);
    if adjusted.is_finite() { adjusted } else { 0.0 }
}

/// The sum of squared distances from the mean.
fn squares(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / whole(values.len());
    values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum()
}

/// Ranks from 1, ties sharing the middle one.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*one].total_cmp(&values[*other]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let value = values[order[from]];
        let tied = order[from..]
            .iter()
            .take_while(|at| values[**at].total_cmp(&value).is_eq())
            .count();
        for at in &order[from..from + tied] {
            ranks[*at] = f64::midpoint(whole(from + 1), whole(from + tied));
        }
        from += tied;
    }
    ranks
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows of a table")]
fn whole(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diff::sample;
    use crate::snapshot::Captured;

    fn run(rate: f64, seed: u64, auc: f64) -> Snapshot {
        let mut run = sample::run("a");
        run.factors.settings = sample::values(&[("rate", json!(rate)), ("depth", json!(6))]);
        run.factors.seeds = sample::values(&[("seed", json!(seed))]);
        run.metrics = sample::metrics(&[("auc", auc), ("loss", 1.0 - auc)]);
        run
    }

    fn of(runs: &[Snapshot]) -> Vec<Column> {
        let runs: Vec<&Snapshot> = runs.iter().collect();
        let values: Vec<Option<f64>> = runs
            .iter()
            .map(|run| run.metrics.get("auc").and_then(|value| value.finite()))
            .collect();
        columns(&runs, "auc", &values)
    }

    fn keys(columns: &[Column]) -> Vec<&str> {
        columns.iter().map(|column| column.key.as_str()).collect()
    }

    #[test]
    fn only_what_differs_is_a_column_and_what_goes_along_stands_first() {
        let runs = [
            run(0.1, 4, 0.74),
            run(0.1, 9, 0.73),
            run(0.1, 2, 0.735),
            run(0.01, 3, 0.60),
            run(0.01, 8, 0.61),
            run(0.01, 5, 0.62),
        ];
        let found = of(&runs);
        assert_eq!(
            keys(&found),
            ["settings.rate", "seeds.seed", "metrics.loss"]
        );
        assert!(found[0].tells > 0.6, "{}", found[0].tells);
        assert!(found[1].tells < 0.1, "{}", found[1].tells);
    }

    #[test]
    fn a_number_that_never_repeats_tells_by_its_order() {
        let runs: Vec<Snapshot> = (1..9_u32)
            .map(|at| {
                run(
                    f64::from(at) / 100.0,
                    u64::from(at * 5 % 9),
                    0.6 + f64::from(at) / 50.0,
                )
            })
            .collect();
        let found = of(&runs);
        assert_eq!(found[0].key, "settings.rate");
        assert!(found[0].tells > 0.99);
    }

    #[test]
    fn what_was_not_captured_is_no_difference() {
        let mut runs = [run(0.1, 1, 0.7), run(0.1, 1, 0.7), run(0.1, 1, 0.7)];
        runs[0].code = Captured::Known(json!({"commit": "9f3c1ab"}));
        assert_eq!(keys(&of(&runs)), [] as [&str; 0]);
        runs[2].code = Captured::Known(json!({"commit": "0000000", "dirty": {"files": 3}}));
        let found = of(&runs);
        assert_eq!(keys(&found), ["code.commit", "code.dirty.files"]);
        assert_eq!(
            found[1].cells,
            [Cell::Absent, Cell::Unknown, Cell::Known(json!(3))]
        );
    }

    #[test]
    fn spellings_of_one_number_are_no_difference() {
        let mut runs = [run(0.1, 1, 0.7), run(0.1, 1, 0.7)];
        runs[0].factors.settings.insert("depth".into(), json!(6.0));
        assert_eq!(keys(&of(&runs)), [] as [&str; 0]);
    }

    #[test]
    fn ties_share_the_middle_rank() {
        assert_eq!(ranks(&[0.3, 0.1, 0.3, 0.2]), [3.5, 1.0, 3.5, 2.0]);
    }
}
