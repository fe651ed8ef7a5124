//! Judging one run against another single one, on histories whose answer is known.

use super::super::point::sample::{history, point};
use super::*;
use crate::diff::Against;
use crate::diff::sample::{self, at, diff};
use crate::digest::Digest;
use crate::id::SnapshotSeq;
use crate::snapshot::Snapshot;

const USUAL: [f64; 12] = [
    0.7131, 0.7118, 0.7142, 0.7126, 0.7135, 0.7139, 0.7122, 0.7128, 0.7133, 0.7140, 0.7120, 0.7130,
];

fn run(id: &str, auc: f64) -> Snapshot {
    Snapshot {
        metrics: sample::metrics(&[("auc", auc)]),
        ..sample::run(id)
    }
}

/// The verdict on a run after `points`, held against the one at place 1 with this value.
fn against(points: &[Point], current: &Point, other: f64, own: f64) -> Verdict {
    let (prev, curr) = (run("prev", other), run("curr", own));
    let side = at(&curr, current.seq.0);
    let found = diff(Against::Comparable(at(&prev, 1)), side);
    let metrics = sample::metric_rules();
    let rules = JudgeRules {
        metrics: &metrics,
        min_runs: 5,
        noise_window: 30,
    };
    judge_against_one(points, current, &found, rules)
}

fn usual(other: f64, own: f64) -> Verdict {
    against(&history(&USUAL), &point(13, own), other, own)
}

#[test]
fn a_move_within_what_two_single_runs_scatter_is_the_same() {
    assert_eq!(usual(0.7131, 0.7112).overall, Overall::Same);
    assert_eq!(usual(0.7131, 0.7020).overall, Overall::Regression);
    assert_eq!(usual(0.7020, 0.7131).overall, Overall::Improvement);
}

#[test]
fn the_band_lies_around_that_run_and_is_wider_than_around_the_median() {
    let held = |verdict: &Verdict| verdict.metrics[0].held.clone().unwrap();
    let one = held(&usual(0.7125, 0.7124));
    assert_eq!(one.one, Some(SnapshotSeq(1)));
    assert!((one.median - 0.7125).abs() < f64::EPSILON);
    let found = diff(
        Against::Comparable(at(&run("prev", 0.7125), 1)),
        at(&run("curr", 0.7124), 13),
    );
    let metrics = sample::metric_rules();
    let rules = JudgeRules {
        metrics: &metrics,
        min_runs: 5,
        noise_window: 30,
    };
    let usual = held(&judge(&history(&USUAL), &point(13, 0.7124), &found, rules));
    let wider = (one.median - one.low) / (usual.median - usual.low);
    // √(2 / (1 + 1/12))
    assert!((wider - 1.358_732_4).abs() < 1e-6, "{wider}");
    assert!(one.detectable > usual.detectable);
}

#[test]
fn without_known_noise_nothing_is_said() {
    let few = against(&history(&USUAL[..3]), &point(4, 0.7), 0.9, 0.7);
    assert_eq!(few.overall, Overall::Undecided);
    let mut new = point(13, 0.7);
    new.settings = Digest::of(b"new");
    assert_eq!(
        against(&history(&USUAL[..6]), &new, 0.9, 0.7).sentence,
        "undecided: first run with these settings"
    );
}

#[test]
fn runs_of_other_settings_lend_their_scatter_and_not_their_place() {
    let mut points = history(&USUAL);
    for (at, point) in points.iter_mut().enumerate() {
        point.settings = Digest::of(if at < 6 { b"a" } else { b"b" });
    }
    let mut new = point(13, 0.5);
    new.settings = Digest::of(b"new");
    assert_eq!(
        against(&points, &new, 0.9, 0.5).overall,
        Overall::Regression
    );
    let verdict = against(&points, &new, 0.5005, 0.5);
    assert_eq!(verdict.overall, Overall::Same);
    assert_eq!(verdict.basis.method, Method::Pooled);
}

#[test]
fn a_run_without_the_metric_is_named() {
    let verdict = usual(f64::NAN, 0.7);
    assert_eq!(
        verdict.sentence,
        "undecided: `auc` is not a finite number in #1"
    );
}
