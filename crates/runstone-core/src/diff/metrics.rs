//! How far each metric moved, and to which side.
//!
//! Made from the flat metrics of both runs and the profile's rules. The invariant kept: a value
//! that is missing or not finite is said to be so and never counts as equal, better or worse.
//! Whether a move matters belongs to the verdict; what the spread inside the two runs says is
//! information, since it misses what changes from seed to seed.

use std::collections::{BTreeMap, BTreeSet};

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::within_run::{WithinRun, within_run};
use crate::canon;
use crate::metric::MetricValue;
use crate::profile::{Direction, MetricRules};
use crate::snapshot::Snapshot;

/// How far one metric moved.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricDelta {
    /// Its flat name.
    pub name: String,
    /// Whether it decides about either run, alone or with others.
    pub decides: bool,
    /// The value before; `None`: absent.
    pub prev: Option<MetricValue>,
    /// The value now; `None`: absent.
    pub curr: Option<MetricValue>,
    /// Now minus before, in the metric's own unit, when both are finite.
    pub delta_abs: Option<f64>,
    /// The same in percent of the magnitude before; `None` when that is 0.
    pub delta_pct: Option<f64>,
    /// Which way is better.
    pub direction: Direction,
    /// The largest move that would not count, in the metric's own unit.
    pub tolerance_used: Option<f64>,
    /// Whether the move counts for nothing.
    pub within_tolerance: Option<bool>,
    /// What that means.
    pub status: MetricStatus,
    /// What the spread inside both runs says.
    pub within_run: Option<WithinRun>,
}

/// What a metric's movement means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricStatus {
    /// Within tolerance.
    Same,
    /// Beyond it, to the better side.
    Better,
    /// Beyond it, to the worse side.
    Worse,
    /// Beyond it, without a better side.
    Changed,
    /// Only the current run has it.
    Added,
    /// Only the previous run has it.
    Removed,
    /// At least one side is not a finite number.
    NotANumber,
}

impl MetricStatus {
    /// Returns the word used in JSON and talk.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Changed => "changed",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::NotANumber => "not_a_number",
        }
    }
}

/// Returns the movement of every metric of either run: those that decide first, each part by name.
pub(super) fn deltas(prev: &Snapshot, curr: &Snapshot, rules: &MetricRules) -> Vec<MetricDelta> {
    let names: BTreeSet<&String> = prev.metrics.keys().chain(curr.metrics.keys()).collect();
    let deciding: Vec<String> = [prev, curr]
        .into_iter()
        .flat_map(|run| rules.primary(&run.metrics).names())
        .collect();
    let mut deltas: Vec<MetricDelta> = names
        .into_iter()
        .map(|name| MetricDelta {
            decides: deciding.contains(name),
            ..delta(name, prev, curr, rules)
        })
        .collect();
    deltas.sort_by_key(|delta| !delta.decides);
    deltas
}

fn delta(name: &str, prev: &Snapshot, curr: &Snapshot, rules: &MetricRules) -> MetricDelta {
    let sides = [prev, curr].map(|run| run.metrics.get(name).copied());
    let mut found = MetricDelta {
        name: name.to_owned(),
        decides: false,
        prev: sides[0],
        curr: sides[1],
        delta_abs: None,
        delta_pct: None,
        direction: rules.direction_beside(name, |other| {
            [prev, curr]
                .iter()
                .any(|run| run.metrics.contains_key(other))
        }),
        tolerance_used: None,
        within_tolerance: None,
        status: match sides {
            [None, _] => MetricStatus::Added,
            [_, None] => MetricStatus::Removed,
            _ => MetricStatus::NotANumber,
        },
        within_run: None,
    };
    if let [Some(before), Some(now)] = sides.map(|side| side.and_then(MetricValue::finite)) {
        let tolerance = rules.tolerance(name);
        let covered = tolerance.covers(before, now);
        let moved = now - before;
        found.delta_abs = finite(moved);
        found.delta_pct = finite(100.0 * moved / before.abs());
        found.tolerance_used = finite(tolerance.used(before, now));
        found.within_tolerance = Some(covered);
        found.status = if covered {
            MetricStatus::Same
        } else {
            side(moved, found.direction)
        };
        found.within_run = within_run(name, moved, prev, curr);
    }
    found
}

fn side(moved: f64, direction: Direction) -> MetricStatus {
    match direction {
        Direction::None => MetricStatus::Changed,
        Direction::Higher if moved > 0.0 => MetricStatus::Better,
        Direction::Lower if moved < 0.0 => MetricStatus::Better,
        _ => MetricStatus::Worse,
    }
}

pub(super) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// What does not exist is `null`; the name is the key it stands under.
impl Serialize for MetricDelta {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = |value: Option<f64>| value.and_then(canon::number);
        let mut members = serializer.serialize_struct("MetricDelta", 9)?;
        members.serialize_field("curr", &self.curr)?;
        members.serialize_field("delta_abs", &number(self.delta_abs))?;
        members.serialize_field("delta_pct", &number(self.delta_pct))?;
        members.serialize_field("direction", self.direction.as_str())?;
        members.serialize_field("prev", &self.prev)?;
        members.serialize_field("status", self.status.as_str())?;
        members.serialize_field("tolerance_used", &number(self.tolerance_used))?;
        members.serialize_field("within_run", &self.within_run)?;
        members.serialize_field("within_tolerance", &self.within_tolerance)?;
        members.end()
    }
}

/// Returns the movements under the names of their metrics.
pub(crate) fn by_name(deltas: &[MetricDelta]) -> BTreeMap<&str, &MetricDelta> {
    let named = deltas.iter().map(|delta| (delta.name.as_str(), delta));
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::sample;

    fn of(prev: &[(&str, f64)], curr: &[(&str, f64)]) -> Vec<MetricDelta> {
        let run = |entries| Snapshot {
            metrics: sample::metrics(entries),
            ..sample::run("a")
        };
        deltas(&run(prev), &run(curr), &sample::metric_rules())
    }

    fn close(found: Option<f64>, expected: f64) -> bool {
        // Decimals of the inputs are exact to 1e-16 of values near 1.
        found.is_some_and(|found| (found - expected).abs() < 1e-12 * expected.abs().max(1.0))
    }

    #[test]
    fn fixture_metrics_move_as_their_catalogue_says() {
        let found = deltas(
            &sample::training(),
            &sample::training_factors_changed(),
            &sample::metric_rules(),
        );
        let expected = [
            ("auc", 0.0107, MetricStatus::Better),
            ("composite_score", 0.0079, MetricStatus::Better),
            ("logloss", -0.0092, MetricStatus::Better),
            ("train_time_sec", 4.5, MetricStatus::Worse),
        ];
        for (delta, (name, moved, status)) in found.iter().zip(expected) {
            assert_eq!((delta.name.as_str(), delta.status), (name, status));
            assert!(close(delta.delta_abs, moved), "{name}");
        }
        assert!(close(found[0].delta_pct, 100.0 * 0.0107 / 0.6118));
        assert!(close(found[0].tolerance_used, 1e-4));
    }

    #[test]
    fn what_decides_about_either_run_stands_first() {
        let names = |rules: &MetricRules, prev: &[&str], curr: &[&str]| {
            let run = |names: &[&str]| {
                let entries: Vec<_> = names.iter().map(|name| (*name, 0.5)).collect();
                Snapshot {
                    metrics: sample::metrics(&entries),
                    ..sample::run("a")
                }
            };
            let found = deltas(&run(prev), &run(curr), rules);
            let marked = |delta: MetricDelta| {
                format!("{}{}", delta.name, if delta.decides { "!" } else { "" })
            };
            found.into_iter().map(marked).collect::<Vec<_>>()
        };
        let named = sample::metric_rules();
        let both = ["accuracy", "auc", "logloss"];
        assert_eq!(names(&named, &both, &both), ["auc!", "accuracy", "logloss"]);
        // Also where one run lost it.
        assert_eq!(names(&named, &both, &["accuracy"])[0], "auc!");
        assert_eq!(names(&named, &["accuracy"], &both)[0], "auc!");
        let unnamed = MetricRules {
            primary: Vec::new(),
            ..named
        };
        assert_eq!(
            names(&unnamed, &both, &both),
            ["auc!", "logloss!", "accuracy"]
        );
    }

    #[test]
    fn percent_of_zero_is_not_said_and_of_a_negative_keeps_the_sign_of_the_move() {
        assert_eq!(of(&[("auc", 0.0)], &[("auc", 0.5)])[0].delta_pct, None);
        assert!(close(
            of(&[("auc", -2.0)], &[("auc", -1.0)])[0].delta_pct,
            50.0
        ));
    }

    #[test]
    fn a_value_that_is_no_number_is_neither_same_nor_worse() {
        for (prev, curr) in [(f64::NAN, 0.5), (0.5, f64::INFINITY), (f64::NAN, f64::NAN)] {
            let found = &of(&[("auc", prev)], &[("auc", curr)])[0];
            assert_eq!(found.status, MetricStatus::NotANumber);
            assert_eq!((found.delta_abs, found.within_tolerance), (None, None));
        }
    }

    #[test]
    fn metrics_of_one_side_are_added_or_removed_also_when_not_finite() {
        let found = of(&[("a", 1.0)], &[("b", f64::NAN)]);
        assert_eq!(found[0].status, MetricStatus::Removed);
        assert_eq!(found[1].status, MetricStatus::Added);
    }

    #[test]
    fn without_a_better_side_a_move_is_a_change() {
        assert_eq!(
            of(&[("rows", 10.0)], &[("rows", 11.0)])[0].status,
            MetricStatus::Changed
        );
        assert_eq!(
            of(&[("rows", 10.0)], &[("rows", 10.0)])[0].status,
            MetricStatus::Same
        );
    }

    #[test]
    fn a_difference_beyond_binary64_is_left_out_and_still_judged() {
        let found = &of(&[("auc", -1e308)], &[("auc", 1e308)])[0];
        assert_eq!(
            (found.delta_abs, found.status),
            (None, MetricStatus::Better)
        );
    }
}
