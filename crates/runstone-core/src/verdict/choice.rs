//! Which run is the yardstick of a cohort: chosen by the profile's rule from the newest runs, or
//! pinned.
//!
//! A function of its window alone, so that every reader of the log finds the same one and no run
//! can move it by hand. The invariant kept: no baseline is named before enough runs can carry one.

use super::baseline::{Baseline, Pinned};
use super::point::{Point, yardsticks};
use crate::id::SnapshotSeq;
use crate::metric::MetricValue;
use crate::profile::{BaselineChoice, BaselineRule, Direction, Tolerance};

/// The baseline appeared or moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaselineMove {
    /// The first snapshot that is held against it.
    pub at: SnapshotSeq,
    /// The baseline from then on; `None`: none any more.
    pub baseline: Option<SnapshotSeq>,
    /// Whether a note pinned it.
    pub pinned: bool,
}

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
    let (chosen, reason) = match rule.choice {
        BaselineChoice::Median => nearest_to_median(window),
        BaselineChoice::Best | BaselineChoice::Pinned => best(window, direction, tolerance),
    };
    Baseline::Chosen {
        point: Box::new(chosen.clone()),
        reason,
    }
}

/// Lists where the baseline appeared, moved or went away, from what each snapshot was held against,
/// oldest first.
pub fn baseline_moves<'a>(
    held: impl IntoIterator<Item = (SnapshotSeq, &'a Baseline)>,
) -> Vec<BaselineMove> {
    let mut moves: Vec<BaselineMove> = Vec::new();
    for (at, baseline) in held {
        let found = (baseline.seq(), matches!(baseline, Baseline::Pinned(_)));
        let known = moves
            .last()
            .map_or((None, false), |last| (last.baseline, last.pinned));
        if found != known {
            let (baseline, pinned) = found;
            moves.push(BaselineMove {
                at,
                baseline,
                pinned,
            });
        }
    }
    moves
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

/// The expected largest of `runs` standard normal values: 1.54 for ten.
///
/// # Source
/// `E[max] = ∫₀^∞ (1 − Φⁿ) dx − ∫₋∞⁰ Φⁿ dx`: David & Nagaraja, Order Statistics (2003), 3.1. By the
/// trapezoid rule between ±9, beyond which Φ is 0 or 1 to 1e-18; steps of 1/256 give five digits.
fn expected_best(runs: usize) -> f64 {
    const LIMIT: i32 = 9 * 256;
    const STEP: f64 = 1.0 / 256.0;
    let density = |x: f64| libm::exp(-x * x / 2.0) / std::f64::consts::TAU.sqrt();
    let to_the_runs = |share: f64| (0..runs).fold(1.0, |product, _| product * share);
    let mut below = 0.0;
    let mut expected = 0.0;
    for step in -LIMIT..LIMIT {
        let left = f64::from(step) * STEP;
        let next = below + STEP * f64::midpoint(density(left), density(left + STEP));
        let all_below = f64::midpoint(to_the_runs(below), to_the_runs(next));
        expected += STEP
            * if step < 0 {
                -all_below
            } else {
                1.0 - all_below
            };
        below = next;
    }
    expected
}

fn as_count(setting: u32) -> usize {
    usize::try_from(setting).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::point::LOOK_BACK;
    use super::super::point::sample::{history, point};
    use super::*;
    use crate::note::{About, Author, Dated, Note, NoteText, Said};
    use crate::snapshot::Writer;

    const TOLERANCE: Tolerance = Tolerance {
        absolute: 0.001,
        relative: 0.0,
        log: false,
    };

    fn pinned(seq: u64) -> Pinned {
        let point = point(seq, 0.5);
        let note = Note {
            about: About {
                seq: point.seq,
                sha256: point.sha256,
            },
            said: Said::Pin,
            why: Some(NoteText::new("the release").unwrap()),
            by: Some(Author::new("ana").unwrap()),
            writer: Writer {
                name: "runstone".to_owned(),
                version: "0.1.0".to_owned(),
            },
        };
        let pin = Arc::new(Dated {
            seq: 1,
            at: "2026-11-20T10:00:00.000Z".to_owned(),
            note,
        });
        Pinned { point, pin }
    }

    fn rule(choice: BaselineChoice) -> BaselineRule {
        BaselineRule {
            choice,
            min_runs: 5,
            window: 10,
        }
    }

    fn chosen(history: &[Point], choice: BaselineChoice, direction: Direction) -> u64 {
        let found = baseline(history, None, rule(choice), direction, TOLERANCE, None);
        found.seq().expect("a baseline").0
    }

    #[test]
    fn it_first_appears_for_the_sixth_run() {
        let best = rule(BaselineChoice::Best);
        let at = |runs: usize| {
            let current = point(runs as u64 + 1, 0.5);
            baseline(
                &history(&vec![0.5; runs]),
                Some(&current),
                best,
                Direction::Higher,
                TOLERANCE,
                None,
            )
        };
        assert_eq!(at(4), Baseline::NotYet { have: 4, need: 5 });
        assert_eq!(at(5).seq(), Some(SnapshotSeq(1)));
    }

    #[test]
    fn best_is_the_earliest_within_tolerance_of_the_windows_best() {
        let points = history(&[0.9, 0.70, 0.71, 0.60, 0.7105, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
        assert_eq!(chosen(&points, BaselineChoice::Best, Direction::Higher), 3);
        assert_eq!(chosen(&points, BaselineChoice::Best, Direction::Lower), 6);
    }

    #[test]
    fn median_is_the_run_nearest_to_it_and_needs_no_direction() {
        let points = history(&[0.1, 0.9, 0.52, 0.3, 0.8]);
        assert_eq!(chosen(&points, BaselineChoice::Median, Direction::None), 3);
        let even = history(&[0.1, 0.9, 0.4, 0.6, 0.3, 0.8]);
        assert_eq!(chosen(&even, BaselineChoice::Median, Direction::None), 3);
    }

    #[test]
    fn a_pin_wins_and_its_rule_waits_for_one() {
        let with = |choice, pinned| {
            baseline(
                &[],
                None,
                rule(choice),
                Direction::Higher,
                TOLERANCE,
                pinned,
            )
        };
        let found = with(BaselineChoice::Best, Some(pinned(3)));
        assert_eq!(found.seq(), Some(SnapshotSeq(3)));
        assert_eq!(
            found.to_string(),
            "#3 run-3, pinned by ana on 2026-11-20T10:00:00.000Z: the release"
        );
        assert_eq!(with(BaselineChoice::Pinned, None), Baseline::NotPinned);
    }

    #[test]
    fn runs_without_a_finite_value_of_the_same_metric_do_not_count() {
        let mut points = history(&[0.5, f64::NAN, 0.5, 0.5, 0.5, 0.5]);
        points[0].primary = vec![("logloss".into(), MetricValue::new(0.1))];
        let current = point(7, 0.5);
        let best = rule(BaselineChoice::Best);
        let found = baseline(
            &points,
            Some(&current),
            best,
            Direction::Higher,
            TOLERANCE,
            None,
        );
        assert_eq!(found, Baseline::NotYet { have: 4, need: 5 });
    }

    #[test]
    fn best_of_a_metric_without_a_better_side_is_refused_with_the_reason() {
        let best = rule(BaselineChoice::Best);
        let found = baseline(
            &history(&[0.5; 6]),
            None,
            best,
            Direction::None,
            TOLERANCE,
            None,
        );
        assert!(matches!(found, Baseline::NoPrimary { reason } if reason.contains("`auc`")));
    }

    #[test]
    fn it_is_a_function_of_its_window_alone() {
        let mut values = vec![0.5; LOOK_BACK];
        values.extend([0.6, 0.7, 0.65, 0.62, 0.61, 0.6, 0.6, 0.6, 0.6, 0.6]);
        let long = history(&values);
        values[..LOOK_BACK].fill(0.99);
        let other_past = history(&values);
        let of = |points: &[Point]| chosen(points, BaselineChoice::Best, Direction::Higher);
        assert_eq!(of(&long), of(&other_past));
    }

    #[test]
    fn moves_name_when_it_appeared_moved_and_went() {
        let points = history(&[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.6, 0.5]);
        let best = rule(BaselineChoice::Best);
        let mut held: Vec<(SnapshotSeq, Baseline)> = (0..points.len())
            .rev()
            .map(|at| {
                let (current, below) = (&points[at], &points[at + 1..]);
                let found = baseline(
                    below,
                    Some(current),
                    best,
                    Direction::Higher,
                    TOLERANCE,
                    None,
                );
                (current.seq, found)
            })
            .collect();
        held.push((SnapshotSeq(9), Baseline::Pinned(Box::new(pinned(7)))));
        held.push((SnapshotSeq(10), Baseline::NotYet { have: 4, need: 5 }));
        let moves = baseline_moves(held.iter().map(|(seq, found)| (*seq, found)));
        let found: Vec<(u64, Option<u64>, bool)> = moves
            .iter()
            .map(|moved| (moved.at.0, moved.baseline.map(|seq| seq.0), moved.pinned))
            .collect();
        assert_eq!(
            found,
            [
                (6, Some(1), false),
                (8, Some(7), false),
                (9, Some(7), true),
                (10, None, false)
            ]
        );
    }

    #[test]
    fn the_best_of_several_is_expected_where_the_tables_say() {
        // Harter, Biometrika 48, 151 (1961), five decimals.
        for (runs, expected) in [(2, 0.56419), (5, 1.16296), (10, 1.53875), (50, 2.24907)] {
            assert!((expected_best(runs) - expected).abs() < 1e-5, "{runs}");
        }
    }
}
