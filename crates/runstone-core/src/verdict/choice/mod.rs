//! Which run is the yardstick of a cohort: chosen by the profile's rule from the newest runs, or
//! pinned.
//!
//! A function of its window alone, so that every reader of the log finds the same one and no run
//! can move it by hand. The invariant kept: no baseline is named before enough runs can carry one.

use super::baseline::{Baseline, Pinned};
use super::noise::expected_best;
use super::point::{Point, yardsticks};
use crate::metric::MetricValue;
use crate::profile::{BaselineChoice, BaselineRule, Direction, Tolerance};

/// Chooses the baseline that `current`, or the next run, is held against.
///
/// `history` is the cohort's log below it, newest first; `direction` and `tolerance` are the
/// primary metric's. A pin wins over the rule, and needs no window.
pub fn baseline(
    history: &[Point],
    current: Option<&Point>,
    rule: BaselineRule,
    direction: Direction,
    tolerance: Tolerance,
    pinned: Option<Pinned>,
) -> Baseline {
    if let Some(pinned) = pinned {
        return Baseline::Pinned(Box::new(pinned));
    }
    if rule.choice == BaselineChoice::Pinned {
        return Baseline::NotPinned;
    }
    let Some(metric) = primary_name(history, current) else {
        return Baseline::NoPrimary {
            reason: "no run has a primary metric".to_owned(),
        };
    };
    if rule.choice == BaselineChoice::Best && direction == Direction::None {
        let reason = format!("`{metric}` has no better side, so no run is best");
        return Baseline::NoPrimary { reason };
    }
    let measured: Vec<Measured<'_>> = yardsticks(history, current)
        .filter_map(|point| Measured::of(point, metric))
        .collect();
    let need = as_count(rule.min_runs).max(1);
    if measured.len() < need {
        return Baseline::NotYet {
            have: measured.len(),
            need,
        };
    }
    let window = &measured[..measured.len().min(as_count(rule.window).max(1))];
    let (chosen, reason, luck) = match rule.choice {
        BaselineChoice::Median => {
            let (chosen, reason) = nearest_to_median(window);
            (chosen, reason, 0.0)
        }
        BaselineChoice::Best | BaselineChoice::Pinned => {
            let (chosen, reason) = best(window, direction, tolerance);
            (chosen, reason, expected_best(window.len()))
        }
    };
    Baseline::Chosen {
        point: Box::new(chosen.clone()),
        reason,
        luck,
    }
}

/// A yardstick with its finite primary metric.
#[derive(Clone, Copy)]
struct Measured<'a> {
    point: &'a Point,
    value: f64,
}

impl<'a> Measured<'a> {
    fn of(point: &'a Point, metric: &str) -> Option<Self> {
        let (name, value) = point.decides()?;
        let value = MetricValue::finite(*value).filter(|_| name == metric)?;
        Some(Self { point, value })
    }
}

/// The current run's primary metric, else that of the newest yardstick which has one.
fn primary_name<'a>(history: &'a [Point], current: Option<&'a Point>) -> Option<&'a str> {
    let name = |point: &'a Point| point.decides().map(|(name, _)| name.as_str());
    current
        .and_then(name)
        .or_else(|| yardsticks(history, current).find_map(name))
}

/// The earliest run within tolerance of the window's best: a later one that is no better by more
/// than the tolerance does not move the yardstick.
fn best<'a>(
    window: &[Measured<'a>],
    direction: Direction,
    tolerance: Tolerance,
) -> (&'a Point, String) {
    let values = window.iter().map(|measured| measured.value);
    let (best, side) = match direction {
        Direction::Lower => (values.fold(f64::INFINITY, f64::min), "below"),
        Direction::Higher | Direction::None => (values.fold(f64::NEG_INFINITY, f64::max), "above"),
    };
    let earliest = window
        .iter()
        .rev()
        .find(|measured| tolerance.covers(best, measured.value))
        .expect("the best itself lies within its tolerance");
    let runs = window.len();
    let reason = if runs == 1 {
        "the only run".to_owned()
    } else {
        format!(
            "best of the last {runs} runs; by luck alone it stands {gap:.2} spreads {side} a typical one",
            gap = expected_best(runs),
        )
    };
    (earliest.point, reason)
}

/// The run nearest the window's median, among equally near ones the earliest.
fn nearest_to_median<'a>(window: &[Measured<'a>]) -> (&'a Point, String) {
    let mut values: Vec<f64> = window.iter().map(|measured| measured.value).collect();
    values.sort_by(f64::total_cmp);
    let median = f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]);
    let distance = |measured: &Measured<'_>| (measured.value - median).abs();
    let nearest = window
        .iter()
        .rev()
        .min_by(|one, other| distance(one).total_cmp(&distance(other)))
        .expect("the window holds a run");
    (
        nearest.point,
        format!("nearest the median of the last {} runs", window.len()),
    )
}

fn as_count(setting: u32) -> usize {
    usize::try_from(setting).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
