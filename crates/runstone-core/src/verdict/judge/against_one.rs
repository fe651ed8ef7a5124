//! Judging one run against another single one, on histories whose answer is known.

use super::super::point::sample::{history, point};
use super::*;
use crate::diff::Against;
use crate::diff::sample::{self, at, diff};
use crate::digest::Digest;
use crate::id::SnapshotSeq;
use crate::snapshot::Snapshot;
use crate::verdict::noise::expected_best;

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
    against_lucky(points, current, [other, own], 0.0)
}

fn against_lucky(points: &[Point], current: &Point, values: [f64; 2], luck: f64) -> Verdict {
    let [other, own] = values;
    let (prev, curr) = (run("prev", other), run("curr", own));
    let side = at(&curr, current.seq.0);
    let found = diff(Against::Comparable(at(&prev, 1)), side);
    let metrics = sample::metric_rules();
    let rules = JudgeRules {
        metrics: &metrics,
        min_runs: 5,
        noise_window: 30,
    };
    judge_against_one(points, current, &found, rules, luck)
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
    let wider = (one.median - one.low) / (usual.median - usual.low).max(usual.high - usual.median);
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

#[test]
fn what_is_too_large_for_a_number_is_undecided() {
    let huge = 1.7e308;
    let points = history(&[huge, -huge, huge, -huge, huge, -huge]);
    for verdict in [
        against(&points, &point(7, -huge), huge, -huge),
        against(&points, &point(7, huge), -huge, huge),
    ] {
        assert_eq!(
            verdict.sentence,
            "undecided: the scatter of `auc` is too large to be measured in binary64"
        );
    }
    let values: Vec<f64> = (0..12).map(|at| [huge, -huge][at % 2]).collect();
    let mut points = history(&values);
    for (at, point) in points.iter_mut().enumerate() {
        point.settings = Digest::of(if at < 6 { b"a" } else { b"b" });
    }
    let mut new = point(13, -huge);
    new.settings = Digest::of(b"new");
    for luck in [0.0, 1.54] {
        let verdict = against_lucky(&points, &new, [huge, -huge], luck);
        assert_eq!(verdict.overall, Overall::Undecided, "{}", verdict.sentence);
    }
}

#[test]
fn the_luck_of_the_best_is_allowed_for_to_the_worse_side_alone() {
    let held = |luck| {
        let verdict = against_lucky(&history(&USUAL), &point(13, 0.7124), [0.7142, 0.7124], luck);
        verdict.metrics[0].held.clone().unwrap()
    };
    let (plain, lucky) = (held(0.0), held(1.54));
    assert!(lucky.low < plain.low);
    assert!((lucky.high - plain.high).abs() < f64::EPSILON);
    assert!(lucky.detectable > plain.detectable);
}

/// Numbers of a law, from a seed (xorshift64, Marsaglia 2003).
struct Draw(u64);

impl Draw {
    /// A number between 0 and 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) as f64 + 0.5) / 2f64.powi(53)
    }

    fn of(&mut self, law: &str) -> f64 {
        let [one, other] = [self.uniform(), self.uniform()];
        let normal = (-2.0 * libm::log(one)).sqrt() * libm::cos(std::f64::consts::TAU * other);
        match law {
            "normal" => 100.0 + normal,
            "exponential, good tail" => 100.0 - libm::log(one),
            "exponential, bad tail" => 100.0 + libm::log(one),
            "lognormal 0.5, good tail" => 100.0 + libm::exp(0.5 * normal),
            _ => 100.0 - libm::exp(0.5 * normal),
        }
    }
}

#[test]
fn a_usual_run_is_rarely_worse_than_one_that_is_usual_or_the_best_of_ten() {
    const ROUNDS: u32 = 600;
    let rules = JudgeRules {
        metrics: &sample::metric_rules(),
        min_runs: 5,
        noise_window: 30,
    };
    let found = diff(
        Against::Comparable(at(&run("prev", 100.0), 1)),
        at(&run("curr", 99.0), 99),
    );
    for law in [
        "normal",
        "exponential, good tail",
        "exponential, bad tail",
        "lognormal 0.5, good tail",
        "lognormal 0.5, bad tail",
    ] {
        for runs in [10, 20, 50] {
            let mut draw = Draw(42);
            let mut alarms = [0; 3];
            for _ in 0..ROUNDS {
                let values: Vec<f64> = (0..runs).map(|_| draw.of(law)).collect();
                let own = draw.of(law);
                let points = history(&values);
                let current = point(runs + 1, own);
                let best = values[values.len() - 10..].iter().copied();
                let best = best.fold(f64::MIN, f64::max);
                let verdict = |other, luck| {
                    let mut found = found.clone();
                    let delta = found.metrics.iter_mut().find(|delta| delta.name == "auc");
                    let delta = delta.unwrap();
                    delta.prev = Some(MetricValue::new(other));
                    delta.curr = Some(MetricValue::new(own));
                    judge_against_one(&points, &current, &found, rules, luck).overall
                };
                let usual = verdict(values[values.len() - 1], 0.0);
                let [worse, better, beside_best] = &mut alarms;
                *worse += u32::from(usual == Overall::Regression);
                *better += u32::from(usual == Overall::Improvement);
                let found = verdict(best, expected_best(10));
                *beside_best += u32::from(found == Overall::Regression);
            }
            let percent = alarms.map(|alarms| 100.0 * f64::from(alarms) / f64::from(ROUNDS));
            assert!(
                percent.iter().all(|rate| *rate <= 1.5),
                "{law}, {runs}: {percent:?}"
            );
        }
    }
}
