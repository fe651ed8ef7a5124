//! Judging, on histories whose answer is known.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::point::sample::{history, point};
use super::*;
use crate::diff::Against;
use crate::diff::sample::{self, at, diff};
use crate::digest::Digest;
use crate::snapshot::{Captured, Snapshot};

fn judged(history: &[Point], current: &Point, prev: &Snapshot, curr: &Snapshot) -> Verdict {
    by(&sample::metric_rules(), history, current, prev, curr)
}

fn by(
    metrics: &MetricRules,
    history: &[Point],
    current: &Point,
    prev: &Snapshot,
    curr: &Snapshot,
) -> Verdict {
    let against = Against::Comparable(at(prev, current.seq.0 - 1));
    let rules = JudgeRules {
        metrics,
        min_runs: 5,
        noise_window: 30,
    };
    judge(
        history,
        current,
        &diff(against, at(curr, current.seq.0)),
        rules,
    )
}

/// The verdict on a run with this value of `auc` after runs with those.
fn after(values: &[f64], auc: f64) -> Verdict {
    of_points(&history(values), auc)
}

fn of_points(points: &[Point], auc: f64) -> Verdict {
    let run = |id: &str, auc: f64| Snapshot {
        metrics: sample::metrics(&[("auc", auc)]),
        ..sample::run(id)
    };
    let last = points[0].primary[0].1.get();
    // What the previous run had does not decide; a move of its own makes them differ.
    let prev = run(
        "prev",
        if last.to_bits() == auc.to_bits() {
            0.0
        } else {
            last
        },
    );
    let current = point(points[0].seq.0 + 1, auc);
    judged(points, &current, &prev, &run("curr", auc))
}

const USUAL: [f64; 12] = [
    0.7131, 0.7118, 0.7142, 0.7126, 0.7135, 0.7139, 0.7122, 0.7128, 0.7133, 0.7140, 0.7120, 0.7130,
];

#[test]
fn identical_runs_are_the_same_with_any_history() {
    let run = sample::training();
    for runs in [1, 5, 40] {
        let mut values = vec![0.7; runs];
        values[runs - 1] = 0.6118;
        let current = point(runs as u64 + 1, 0.6118);
        let verdict = judged(&history(&values), &current, &run, &run);
        assert_eq!(verdict.overall, Overall::Same);
        assert_eq!(verdict.basis.unknown, ["environment", "code"]);
        assert!(
            verdict
                .sentence
                .ends_with("as far as known (environment and code not captured)")
        );
    }
}

#[test]
fn a_known_difference_in_the_environment_alone_is_not_the_same() {
    let mut prev = sample::training();
    prev.environment = Captured::Known(json!({"digest": "a"}));
    let mut curr = prev.clone();
    curr.environment = Captured::Known(json!({"digest": "b"}));
    let verdict = judged(&history(&[0.6]), &point(2, 0.6), &prev, &curr);
    assert_eq!(verdict.overall, Overall::Undecided);
}

#[test]
fn runs_of_different_command_lines_are_not_the_same_however_equal_their_numbers() {
    let started = |words: Value| {
        let mut run = sample::training();
        run.process = Captured::Known(json!({ "command": words, "exit_code": 0 }));
        run
    };
    let linear = started(json!(["fit", "--model", "linear"]));
    let forest = started(json!(["fit", "--model", "forest"]));
    let sentence = |prev: &Snapshot, curr: &Snapshot| {
        judged(&history(&[0.6]), &point(2, 0.6), prev, curr).sentence
    };
    assert_eq!(
        sentence(&linear, &forest),
        "undecided: the command lines differ"
    );
    assert!(sentence(&linear, &linear).starts_with("same: "));
    // A run that nobody watched has none to differ.
    assert!(sentence(&linear, &sample::training()).starts_with("same: "));
}

#[test]
fn a_first_run_is_undecided_for_that_reason() {
    let run = sample::training();
    let reason = "no earlier run in this cohort";
    let found = diff(Against::Nothing { reason }, at(&run, 1));
    let metrics = sample::metric_rules();
    let rules = JudgeRules {
        metrics: &metrics,
        min_runs: 5,
        noise_window: 30,
    };
    let verdict = judge(&[], &point(1, 0.6), &found, rules);
    assert_eq!(verdict.sentence, "undecided: no earlier run in this cohort");
}

#[test]
fn other_settings_are_undecided_and_those_of_a_sweep_are_said_to_be_points() {
    let (prev, curr) = (sample::training(), sample::training_factors_changed());
    let mut current = Point {
        settings: Digest::of(b"other"),
        ..point(2, 0.6)
    };
    let sentence = |current: &Point| judged(&history(&[0.6]), current, &prev, &curr).sentence;
    assert_eq!(
        sentence(&current),
        "undecided: first run with these settings"
    );
    current.sweep = Some("lr".into());
    assert_eq!(
        sentence(&current),
        "undecided: a point of a sweep, the first run with these settings"
    );
    current.settings = Digest::of(b"s");
    assert_eq!(
        sentence(&current),
        "undecided: 1 earlier run with these settings; telling noise takes 5"
    );
}

#[test]
fn a_run_within_the_noise_is_the_same_and_one_beyond_it_is_not() {
    assert_eq!(after(&USUAL, 0.7121).overall, Overall::Same);
    assert_eq!(after(&USUAL, 0.7000).overall, Overall::Regression);
    assert_eq!(after(&USUAL, 0.7260).overall, Overall::Improvement);
    assert_eq!(
        after(&USUAL, 0.7000).sentence,
        "regression: auc 0.7, 0.0131 below the median of 12 runs with these settings (#1–#12); \
         a drop of more than 0.0045 can be seen"
    );
}

#[test]
fn a_metric_of_any_size_is_judged_by_its_own_noise() {
    let rules = MetricRules {
        tolerance: vec![crate::profile::ToleranceRule {
            names: vec!["*".to_owned().into()],
            absolute: 0.0,
            relative: 1e-4,
            log: false,
        }],
        ..sample::metric_rules()
    };
    let run = |auc: f64| Snapshot {
        metrics: sample::metrics(&[("auc", auc)]),
        ..sample::run("a")
    };
    for size in [1e-300, 1e-170, 1e-155, 1.0, 1e155, 1e170, 1e300] {
        let points = history(&USUAL.map(|value| value * size));
        for (auc, expected) in [
            (0.7121, Overall::Same),
            (0.7000, Overall::Regression),
            (0.7260, Overall::Improvement),
        ] {
            let current = point(13, auc * size);
            let found = by(
                &rules,
                &points,
                &current,
                &run(0.5 * size),
                &run(auc * size),
            );
            assert_eq!(found.overall, expected, "{size}: {}", found.sentence);
        }
    }
}

#[test]
fn with_four_runs_nothing_is_known_and_with_five_a_large_move_is() {
    let few = after(&USUAL[..4], 0.1);
    assert_eq!(
        few.reason,
        "4 earlier runs with these settings; telling noise takes 5"
    );
    assert_eq!(after(&USUAL[..5], 0.1).overall, Overall::Regression);
    assert_eq!(few.basis.method, Method::None);
    assert_eq!(after(&USUAL[..5], 0.1).basis.method, Method::Noise);
}

#[test]
fn without_any_spread_a_step_of_the_last_digit_or_within_tolerance_is_the_same() {
    // The tolerance of these rules is 1e-4, the grain of 0.75 is 0.01.
    assert_eq!(after(&[0.75; 6], 0.76).overall, Overall::Same);
    assert_eq!(after(&[0.75; 6], 0.73).overall, Overall::Regression);
    assert_eq!(after(&[0.750_001; 6], 0.750_05).overall, Overall::Same);
}

#[test]
fn a_current_value_that_is_no_number_is_undecided_and_one_in_history_is_left_out() {
    assert_eq!(after(&USUAL, f64::INFINITY).overall, Overall::Undecided);
    let mut values = USUAL.to_vec();
    values[3] = f64::NAN;
    let found = after(&values, 0.70);
    assert_eq!(found.overall, Overall::Regression);
    let held = found.metrics[0].held.as_ref().unwrap();
    assert_eq!((held.runs, held.not_finite), (11, 1));
    let nothing = after(&[f64::NAN; 8], 0.7);
    assert_eq!(
        nothing.reason,
        "no earlier run with these settings counts, 8 without a finite `auc` left out; \
         telling noise takes 5"
    );
}

#[test]
fn one_broken_run_in_history_is_named_and_hides_nothing() {
    let mut values = USUAL.to_vec();
    values[6] = 0.1;
    let found = after(&values, 0.70);
    assert_eq!(found.overall, Overall::Regression);
    assert!(
        found.sentence.contains("(#1–#12, the noise without #7)"),
        "{}",
        found.sentence
    );
}

#[test]
fn a_lasting_step_too_small_for_a_single_run_is_found_once() {
    // Evenly spread between ±0.001, and a step of half of that.
    let step = |at: u32| {
        let noise = 0.002 * ((0.618_033_988_749_895 * f64::from(at)).fract() - 0.5);
        0.713 + noise - if at < 30 { 0.0 } else { 0.001 }
    };
    let values: Vec<f64> = (0..45).map(step).collect();
    let found: Vec<(usize, Verdict)> = (31..45)
        .map(|runs| (runs, after(&values[..runs], values[runs])))
        .filter(|(_, verdict)| verdict.overall == Overall::Regression)
        .collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    let (_, verdict) = &found[0];
    let shift = verdict.metrics[0].shift.as_ref().unwrap();
    assert!(shift.onset.0.abs_diff(31) <= 1, "{shift:?}");
    assert!(
        verdict
            .sentence
            .starts_with("regression: auc moved from 0.71298 to "),
        "{}",
        verdict.sentence
    );
}

/// A run with this value alone.
fn with(auc: f64) -> Snapshot {
    Snapshot {
        metrics: sample::metrics(&[("auc", auc)]),
        ..sample::run("a")
    }
}

#[test]
fn a_lasting_step_is_told_once_also_where_each_run_repeats_the_last() {
    let noise = |at: u32| 0.002 * ((0.618_033_988_749_895 * f64::from(at)).fract() - 0.5);
    let mut values: Vec<f64> = (0..30).map(|at| 0.713 + noise(at)).collect();
    values.extend([0.7121; 15]);
    let told: Vec<usize> = (31..45)
        .filter(|runs| {
            let current = point(*runs as u64 + 1, values[*runs]);
            let points = history(&values[..*runs]);
            let repeats = judged(
                &points,
                &current,
                &with(values[*runs]),
                &with(values[*runs]),
            );
            repeats.overall == Overall::Regression
        })
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_run_that_repeats_its_previous_is_held_against_the_runs_with_other_values() {
    let mut values = USUAL.to_vec();
    values.extend([0.70, 0.70]);
    let metrics = sample::metric_rules();
    let rules = JudgeRules {
        metrics: &metrics,
        min_runs: 5,
        noise_window: 30,
    };
    let repeated = |values: &[f64]| {
        let (last, earlier) = values.split_last().unwrap();
        let current = point(values.len() as u64, *last);
        let run = with(*last);
        let against = Against::Comparable(at(&run, current.seq.0 - 1));
        let found = diff(against, at(&run, current.seq.0));
        let verdict = judge(&history(earlier), &current, &found, rules);
        assert_eq!(verdict.overall, Overall::Same);
        repeated_regression(&history(earlier), &current, &found, rules)
    };
    let regression = repeated(&values).unwrap();
    assert_eq!(regression.seq.0, 13);
    assert!(
        regression.reason.starts_with("auc 0.7, "),
        "{}",
        regression.reason
    );
    assert_eq!(repeated(&[USUAL.as_slice(), &[USUAL[11]]].concat()), None);
}

#[test]
fn after_a_step_the_noise_begins_anew() {
    let step = |at: usize| USUAL[at % 12] - if at < 20 { 0.0 } else { 0.02 };
    let values: Vec<f64> = (0..36).map(step).collect();
    let found = after(&values, 0.6930);
    assert_eq!(found.overall, Overall::Same);
    let held = found.metrics[0].held.as_ref().unwrap();
    assert!(held.between.0.0.abs_diff(21) <= 1, "{held:?}");
    // Also the old level is then another one.
    assert_eq!(after(&values, 0.7130).overall, Overall::Improvement);
}

#[test]
fn repeats_of_new_code_are_judged_by_their_median() {
    let state = |points: &mut [Point], from: usize| {
        for point in points {
            let code = u64::from(point.seq.0 > from as u64);
            point.state = Some(super::super::Mark(code));
        }
    };
    let mut values = USUAL.to_vec();
    values.extend([0.7090, 0.7092]);
    let mut points = history(&values);
    state(&mut points, 12);
    let run = |auc| Snapshot {
        metrics: sample::metrics(&[("auc", auc)]),
        ..sample::run("a")
    };
    let mut current = [point(15, 0.7091)];
    let alone = judged(&points, &current[0], &run(0.5), &run(0.7091));
    state(&mut current, 12);
    let repeated = judged(&points, &current[0], &run(0.5), &run(0.7091));
    assert_eq!(alone.overall, Overall::Same);
    assert_eq!(repeated.overall, Overall::Regression);
    assert!(
        repeated
            .sentence
            .contains("auc 0.7091 (median of 3 repeats)"),
        "{}",
        repeated.sentence
    );
}

#[test]
fn too_few_runs_with_these_settings_borrow_the_noise_of_others() {
    let values = [
        0.50, 0.502, 0.60, 0.602, 0.70, 0.702, 0.80, 0.802, 0.9, 0.902, 0.65, 0.652, 0.55, 0.552,
        0.713, 0.715,
    ];
    let mut points = history(&values);
    for point in &mut points {
        let pair = (point.seq.0 - 1) / 2;
        if pair < 7 {
            point.settings = Digest::of(&pair.to_be_bytes());
        }
    }
    let found = of_points(&points, 0.700);
    assert_eq!(
        (found.overall, found.basis.method),
        (Overall::Regression, Method::Pooled)
    );
    assert!(
        found
            .sentence
            .contains("the mean of 2 runs with these settings (#15–#16)")
    );
    assert_eq!(of_points(&points, 0.712).overall, Overall::Same);
}

#[test]
fn several_metrics_that_decide_share_the_rate_and_the_gravest_speaks() {
    let points: Vec<Point> = history(&USUAL)
        .into_iter()
        .map(|point| with_loss(point, 0.66))
        .collect();
    let run = |auc, loss| Snapshot {
        metrics: sample::metrics(&[("auc", auc), ("logloss", loss)]),
        ..sample::run("a")
    };
    let rules = MetricRules {
        primary: Vec::new(),
        ..sample::metric_rules()
    };
    let of = |auc: f64, loss: f64| {
        let current = with_loss(point(13, auc), loss);
        by(&rules, &points, &current, &run(0.5, 0.5), &run(auc, loss))
    };
    let found = of(0.7260, 0.70);
    assert_eq!(found.overall, Overall::Regression);
    assert!(
        found.sentence.starts_with("regression: logloss 0.7, "),
        "{}",
        found.sentence
    );
    assert!(
        found.sentence.ends_with("; auc improvement"),
        "{}",
        found.sentence
    );
    let alone = after(&USUAL, 0.7260).metrics[0].held.clone().unwrap();
    let shared = found.metrics[0].held.clone().unwrap();
    assert!(shared.low < alone.low);
}

fn with_loss(mut point: Point, loss: f64) -> Point {
    point
        .primary
        .push(("logloss".to_owned(), MetricValue::new(loss)));
    point
}

#[test]
fn the_others_are_counted_beside_what_chance_would_give() {
    let others = |rows: f64| -> std::sync::Arc<[(String, MetricValue)]> {
        [("rows".to_owned(), MetricValue::new(rows))].into()
    };
    let points: Vec<Point> = history(&USUAL)
        .into_iter()
        .map(|point| Point {
            others: others(100.0),
            ..point
        })
        .collect();
    let run = |rows| Snapshot {
        metrics: sample::metrics(&[("auc", 0.7131), ("rows", rows), ("auc.std", 0.1)]),
        ..sample::run("a")
    };
    let current = point(13, 0.7131);
    let found = judged(&points, &current, &run(100.0), &run(900.0));
    assert_eq!(found.overall, Overall::Same);
    assert_eq!(found.others.outside, ["rows"]);
    assert_eq!(
        found.others.words().unwrap(),
        "1 of 1 other metric outside its noise; 0.01 expected by chance"
    );
}

#[test]
fn times_are_judged_by_their_ratio() {
    let values = [10.0, 10.4, 9.8, 10.2, 9.9, 10.1, 10.3];
    let points: Vec<Point> = history(&values)
        .into_iter()
        .map(|mut point| {
            point.primary[0].0 = "train_time_sec".to_owned();
            point
        })
        .collect();
    let run = |seconds| Snapshot {
        metrics: sample::metrics(&[("train_time_sec", seconds)]),
        ..sample::run("a")
    };
    let rules = MetricRules {
        primary: vec!["train_time_sec".to_owned()],
        tolerance: vec![crate::profile::ToleranceRule {
            names: vec!["*_sec".to_owned().into()],
            absolute: 0.0,
            relative: 0.05,
            log: true,
        }],
        ..sample::metric_rules()
    };
    let of = |seconds: f64| {
        let mut current = point(8, seconds);
        current.primary[0].0 = "train_time_sec".to_owned();
        by(&rules, &points, &current, &run(1.0), &run(seconds))
    };
    let found = of(30.0);
    assert_eq!(found.overall, Overall::Regression);
    let held = found.metrics[0].held.clone().unwrap();
    assert!(held.log);
    // As far in ratio to either side, or nearly: each has a spread of its own.
    assert!(held.high - held.median > held.median - held.low);
    assert_eq!(of(10.5).overall, Overall::Same);
    assert!(!of(-1.0).metrics[0].held.as_ref().unwrap().log);
}

#[test]
fn failed_runs_and_lost_metrics_are_undecided_for_that_reason() {
    let (prev, curr) = (sample::training(), sample::training_factors_changed());
    let failed = Point {
        status: Status::Failed,
        ..point(2, 0.6)
    };
    assert_eq!(
        judged(&history(&[0.6]), &failed, &prev, &curr).reason,
        "the run failed"
    );
    let lost = Point {
        primary: Vec::new(),
        ..point(2, 0.6)
    };
    let mut without = curr;
    without.metrics.remove("auc");
    assert_eq!(
        judged(&history(&[0.6]), &lost, &prev, &without).reason,
        "the run lacks `auc`, the metric that decides"
    );
}

#[test]
fn the_side_that_is_no_number_is_named() {
    let (prev, mut curr) = (sample::training(), sample::training());
    curr.metrics.extend(sample::metrics(&[("auc", f64::NAN)]));
    let verdict = judged(&history(&[0.6]), &point(2, f64::NAN), &prev, &curr);
    assert_eq!(verdict.reason, "`auc` is not a finite number in this run");
}

#[test]
fn every_word_reads_back() {
    for overall in [Overall::Regression, Overall::Undecided, Overall::Same] {
        assert_eq!(Overall::from_word(overall.as_str()), Some(overall));
    }
}

proptest! {
    #[test]
    fn the_same_numbers_give_the_same_bytes_and_a_number_always_gets_an_answer(
        values in prop::collection::vec(prop_oneof![
            5 => -1e6_f64..1e6,
            1 => Just(f64::NAN),
            1 => Just(1e308),
            1 => Just(-1e308),
            1 => Just(5e-324),
            1 => Just(0.0),
        ], 1..70),
        auc in prop_oneof![-1e6_f64..1e6, Just(1e308), Just(f64::NEG_INFINITY), Just(0.0)],
    ) {
        let found = after(&values, auc);
        prop_assert_eq!(found.to_json(), after(&values, auc).to_json());
        prop_assert!(found.sentence.starts_with(found.overall.as_str()));
        for metric in &found.metrics {
            if let Ok(held) = &metric.held {
                prop_assert!(held.low <= held.median && held.median <= held.high, "{:?}", held);
                prop_assert!(held.detectable >= 0.0);
            }
        }
    }

    #[test]
    fn further_down_is_never_better(
        values in prop::collection::vec(-1e3_f64..1e3, 5..40),
        auc in -1e4_f64..1e4,
        down in 0.0_f64..1e4,
    ) {
        // Without the shift test, whose step the lower value may make.
        let verdict = |auc| after(&values[..values.len().min(11)], auc).overall;
        let rank = |overall| match overall {
            Overall::Regression => 0,
            Overall::Same => 1,
            _ => 2,
        };
        prop_assert!(rank(verdict(auc - down)) <= rank(verdict(auc)));
    }
}
