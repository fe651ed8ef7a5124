//! Which run is the baseline, held to its promises.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::point::LOOK_BACK;
use super::super::point::sample::{history, point};
use super::*;
use crate::id::{Attempt, SnapshotSeq};
use crate::note::{About, Author, Dated, Note, NoteText, Said};
use crate::snapshot::{Status, Writer};

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

/// Runs of every kind, newest first: some failed, are candidates, were deleted, or are a later
/// attempt of a run that stands below.
fn any_history() -> impl Strategy<Value = Vec<Point>> {
    let run = (
        0_u32..60,
        0_u8..10,
        prop::option::weighted(0.15, 0_usize..20),
    );
    prop::collection::vec(run, 0..40).prop_map(|runs| {
        let mut points: Vec<Point> = Vec::new();
        for ((value, kind, again), seq) in runs.into_iter().zip(1_u64..) {
            // Steps of two thirds of the tolerance, so that ties and near ones are frequent.
            let mut made = point(seq, 0.6 + f64::from(value) / 1500.0);
            match kind {
                0 => made.status = Status::Failed,
                1 => made.status = Status::Interrupted,
                2 => made.candidate = true,
                3 => made.deleted = true,
                4 => made.primary[0].1 = MetricValue::new(f64::NAN),
                _ => {}
            }
            let earlier = again.and_then(|at| points.get(at).cloned());
            if let Some(earlier) = earlier {
                made.attempt = Attempt(earlier.attempt.0 + 1);
                made.run_id = earlier.run_id;
            }
            points.push(made);
        }
        points.reverse();
        points
    })
}

fn any_direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(vec![Direction::Higher, Direction::Lower])
}

/// What serves, told once more: of each other run the newest attempt that serves at all.
fn serving<'a>(points: &'a [Point], current: &Point) -> Vec<&'a Point> {
    let serves = |point: &&Point| {
        point.status == Status::Finished
            && !point.candidate
            && !point.deleted
            && point.run_id != current.run_id
    };
    let mut kept: Vec<&Point> = Vec::new();
    for point in points.iter().filter(serves) {
        if kept.iter().all(|other| other.run_id != point.run_id) {
            kept.push(point);
        }
    }
    kept.retain(|point| point.primary[0].1.finite().is_some());
    kept
}

fn value(point: &Point) -> f64 {
    point.primary[0].1.finite().unwrap()
}

fn of(points: &[Point], choice: BaselineChoice, direction: Direction) -> Baseline {
    let current = point(1000, 0.5);
    baseline(
        points,
        Some(&current),
        rule(choice),
        direction,
        TOLERANCE,
        None,
    )
}

proptest! {
    #[test]
    fn best_is_the_earliest_in_the_window_that_none_beats_by_more_than_the_tolerance(
        points in any_history(),
        direction in any_direction(),
    ) {
        let serving = serving(&points, &point(1000, 0.5));
        match of(&points, BaselineChoice::Best, direction) {
            Baseline::NotYet { have, need } => {
                prop_assert_eq!((have, need), (serving.len(), 5));
                prop_assert!(have < need);
            }
            Baseline::Chosen { point: chosen, .. } => {
                let window = &serving[..serving.len().min(10)];
                let is_beaten = |point: &Point| {
                    window.iter().any(|other| {
                        let (own, other) = (value(point), value(other));
                        let is_better = match direction {
                            Direction::Lower => other < own,
                            _ => other > own,
                        };
                        is_better && !TOLERANCE.covers(own, other)
                    })
                };
                let earliest = window.iter().rev().find(|point| !is_beaten(point)).unwrap();
                prop_assert_eq!(chosen.seq, earliest.seq);
            }
            other => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn runs_before_the_window_change_nothing_whatever_their_order_and_values(
        points in any_history(),
        other in any_history(),
        direction in any_direction(),
        seed in any::<prop::sample::Index>(),
    ) {
        let serving = serving(&points, &point(1000, 0.5));
        prop_assume!(serving.len() >= 10);
        let oldest = serving[9].seq;
        let cut = points.iter().position(|point| point.seq == oldest).unwrap() + 1;
        for choice in [BaselineChoice::Best, BaselineChoice::Median] {
            let found = of(&points, choice, direction);
            let (window, before) = points.split_at(cut);
            let mut shuffled = before.to_vec();
            if !shuffled.is_empty() {
                let by = seed.index(shuffled.len());
                shuffled.rotate_left(by);
            }
            // Another past altogether; its runs have names of their own.
            let mut replaced = other.clone();
            for point in &mut replaced {
                point.run_id.insert_str(0, "other-");
            }
            for past in [&shuffled[..], &replaced[..], &[]] {
                prop_assert_eq!(&of(&[window, past].concat(), choice, direction), &found);
            }
        }
    }

    #[test]
    fn the_median_run_is_of_the_window_and_none_in_it_is_nearer(points in any_history()) {
        let serving = serving(&points, &point(1000, 0.5));
        prop_assume!(serving.len() >= 5);
        let found = of(&points, BaselineChoice::Median, Direction::None);
        let window = &serving[..serving.len().min(10)];
        let chosen = window.iter().find(|point| Some(point.seq) == found.seq());
        prop_assert!(chosen.is_some(), "{found}");
        let mut values: Vec<f64> = window.iter().map(|point| value(point)).collect();
        values.sort_by(f64::total_cmp);
        let median = f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]);
        let off = |point: &Point| (value(point) - median).abs();
        prop_assert!(window.iter().all(|other| off(other) >= off(chosen.unwrap())));
    }
}
