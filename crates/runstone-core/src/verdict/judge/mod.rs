//! Did the current run's numbers move more than noise?
//!
//! Takes the history, the current point and its diff against the previous run. The invariant kept:
//! `same` is said only where everything known is equal or the noise is known and holds the run, and
//! whatever cannot be decided is `undecided` with its reason, never quietly one of the other words.
//! Which of them fails a build belongs to the gate.

use super::answer::{Basis, EqualRegression, Method, Others, Overall, Verdict};
use super::asked::{Asked, One};
use super::metric::{MetricVerdict, judge_metric};
use super::noise::RUNS;
use super::point::{LOOK_BACK, Point};
use super::reference::Reference;
use super::{gravity, sentence};
use crate::diff::{DiffStatus, RunDiff, wording};
use crate::metric::MetricValue;
use crate::profile::{MetricRules, Primary};
use crate::snapshot::Status;

/// What a profile says about judging.
#[derive(Debug, Clone, Copy)]
pub struct JudgeRules<'r> {
    /// How the metrics of the stage are read.
    pub metrics: &'r MetricRules,
    /// Fewest earlier runs from which noise is measured; the tables begin with five.
    pub min_runs: u32,
    /// Most of them.
    pub noise_window: u32,
}

/// The rate of false alarms that is aimed at, for all judged metrics together.
const RATE: f64 = 0.01;

/// Judges the current run. `history` is the cohort's log below it, newest first; `diff` is against
/// its previous run.
pub fn judge(history: &[Point], current: &Point, diff: &RunDiff, rules: JudgeRules<'_>) -> Verdict {
    graded(
        decided(history, current, diff, rules, Yardstick::History),
        diff,
    )
}

/// Judges the current run against the single one that `diff` is against, by the noise of the runs
/// in `history`. `luck` says by how many spreads that one is expected to be better than a typical
/// one in the metric that decides; zero unless it was chosen for that ([`Baseline::luck`]).
///
/// [`Baseline::luck`]: super::Baseline::luck
pub fn judge_against_one(
    history: &[Point],
    current: &Point,
    diff: &RunDiff,
    rules: JudgeRules<'_>,
    luck: f64,
) -> Verdict {
    let yardstick = Yardstick::One { luck };
    graded(decided(history, current, diff, rules, yardstick), diff)
}

/// What a value is held against.
#[derive(Debug, Clone, Copy)]
enum Yardstick {
    /// The middle of the runs with the current settings.
    History,
    /// The single run that the diff is against, and how lucky it is expected to be.
    One { luck: f64 },
}

fn graded(mut verdict: Verdict, diff: &RunDiff) -> Verdict {
    (verdict.severity, verdict.severity_reason) = gravity::judged(&verdict, diff);
    verdict
}

/// Judges, with the severity of the diff.
fn decided(
    history: &[Point],
    current: &Point,
    diff: &RunDiff,
    rules: JudgeRules<'_>,
    yardstick: Yardstick,
) -> Verdict {
    let reference = Reference::of(history, current, fewest_runs(rules));
    let basis = |method| Basis {
        method,
        runs_same_settings: reference.same_settings,
        unknown: diff.unknown_inputs.clone(),
        equal_regression: None,
    };
    let undecided = |reason: String| Verdict {
        overall: Overall::Undecided,
        sentence: format!("undecided: {reason}"),
        reason,
        severity: diff.severity,
        severity_reason: String::new(),
        metrics: Vec::new(),
        others: Others::default(),
        basis: basis(Method::None),
    };
    if let Some(reason) = undecided_before_statistics(current, diff) {
        return undecided(reason);
    }
    // Against one that was named, equal is equal: what the history holds was not asked.
    let is_against_one = matches!(yardstick, Yardstick::One { .. });
    if is_identical(diff) && (is_against_one || is_nothing_new(&reference, current, diff, rules)) {
        if diff.has_other_command() {
            return undecided("the command lines differ".to_owned());
        }
        return same(diff, basis(Method::IdenticalToPrevious));
    }
    let (metrics, others) = judged(&reference, current, diff, rules, yardstick);
    let Some(deciding) = metrics.iter().min_by_key(|metric| metric.overall) else {
        return undecided(none_decides(rules.metrics, diff));
    };
    let overall = if current.primary.is_empty() {
        deciding.overall.min(Overall::Undecided)
    } else {
        deciding.overall
    };
    let mut reason = if overall == deciding.overall {
        sentence::reason(deciding)
    } else {
        none_decides(rules.metrics, diff)
    };
    let is_other = |metric: &&MetricVerdict| metric.name != deciding.name;
    let others_judged = metrics.iter().filter(is_other);
    reason.push_str(&sentence::beside(deciding, others_judged));
    let method = match (&deciding.held, &deciding.shift) {
        _ if overall != deciding.overall => Method::None,
        (Ok(held), _) if held.pooled.is_some() => Method::Pooled,
        (Ok(_), _) => Method::Noise,
        (Err(_), Some(_)) => Method::Shift,
        (Err(_), None) => Method::None,
    };
    Verdict {
        overall,
        sentence: format!("{}: {reason}", overall.as_str()),
        reason,
        severity: diff.severity,
        severity_reason: String::new(),
        basis: basis(method),
        metrics,
        others,
    }
}

/// Returns what a run that equals its previous one repeats, where that is worse than the runs with
/// other values: what it would be told if nobody had had its values before.
///
/// Nothing where one of those who have them was accepted.
pub fn repeated_regression(
    history: &[Point],
    current: &Point,
    diff: &RunDiff,
    rules: JudgeRules<'_>,
) -> Option<EqualRegression> {
    let is_settled = undecided_before_statistics(current, diff).is_some();
    if is_settled || !is_identical(diff) || current.primary.is_empty() {
        return None;
    }
    let in_sight = &history[..history.len().min(LOOK_BACK)];
    let (equal, others): (Vec<&Point>, Vec<&Point>) = in_sight
        .iter()
        .partition(|point| point.has_the_values_of(current));
    if equal.iter().any(|point| point.noted.accepted_by.is_some()) {
        return None;
    }
    let first = equal.iter().rev().find(|point| !point.deleted)?;
    let others: Vec<Point> = others.into_iter().cloned().collect();
    let reference = Reference::of(&others, current, fewest_runs(rules));
    let (metrics, _) = judged(&reference, current, diff, rules, Yardstick::History);
    let deciding = metrics.iter().min_by_key(|metric| metric.overall)?;
    (deciding.overall == Overall::Regression).then(|| EqualRegression {
        seq: first.seq,
        reason: sentence::reason(deciding),
    })
}

/// Whether a run that equals its previous one says nothing by its numbers: no lasting step to the
/// worse, and one of those that decide is a number.
fn is_nothing_new(
    reference: &Reference<'_>,
    current: &Point,
    diff: &RunDiff,
    rules: JudgeRules<'_>,
) -> bool {
    if current.primary.is_empty() {
        return true;
    }
    let mut values = current.primary.iter().map(|(_, value)| value.finite());
    if values.all(|value| value.is_none()) {
        return false;
    }
    let (metrics, _) = judged(reference, current, diff, rules, Yardstick::History);
    let mut steps = metrics.iter().filter(|metric| metric.shift.is_some());
    steps.all(|metric| metric.overall != Overall::Regression)
}

/// Says why no metric of the current run decides.
fn none_decides(metrics: &MetricRules, diff: &RunDiff) -> String {
    let measured = diff.metrics.iter();
    let measured = measured
        .filter_map(|delta| Some((delta.name.clone(), delta.curr?)))
        .collect();
    let named: Vec<String> = metrics.primary.iter().map(|it| format!("`{it}`")).collect();
    match (metrics.primary(&measured), named.as_slice()) {
        (Primary::None, []) => "no metric of the run has a better side".to_owned(),
        (Primary::None, [name]) => format!("the run lacks {name}, the metric that decides"),
        (Primary::None, names) => {
            let names = names.join(" and ");
            format!("the run lacks {names}, of which one has to decide")
        }
        (several, _) => format!("no metric decides: {several}"),
    }
}

/// Judges the metrics that decide and those that the profile adds, and counts the others.
fn judged(
    reference: &Reference<'_>,
    current: &Point,
    diff: &RunDiff,
    rules: JudgeRules<'_>,
    yardstick: Yardstick,
) -> (Vec<MetricVerdict>, Others) {
    let known = diff.metrics.iter().map(|delta| delta.name.as_str());
    let mut names: Vec<&str> = current
        .primary
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    for name in rules.metrics.judged_beside(&known) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let delta = |name: &str| diff.metrics.iter().find(|delta| delta.name == name);
    let value = |name: &str| {
        let current = || current.metric(name);
        delta(name)
            .and_then(|delta| delta.curr)
            .or_else(current)
            .and_then(MetricValue::finite)
    };
    let one = |name: &str| {
        let held_against = diff.previous.as_ref()?;
        let Yardstick::One { luck } = yardstick else {
            return None;
        };
        // It was chosen by the metric that decides alone.
        let is_chosen_by = current
            .decides()
            .is_some_and(|(decides, _)| decides == name);
        Some(One {
            place: held_against.seq,
            value: delta(name)
                .and_then(|delta| delta.prev)
                .and_then(MetricValue::finite),
            luck: if is_chosen_by { luck } else { 0.0 },
        })
    };
    let asked = |name, judged, is_watched| Asked {
        one: one(name),
        name,
        value: value(name),
        direction: rules
            .metrics
            .direction_beside(name, |other| known.clone().any(|known| known == other)),
        tolerance: rules.metrics.tolerance(name),
        judged,
        is_watched,
        min_runs: fewest_runs(rules),
        noise_window: as_count(rules.noise_window),
    };
    let metrics = names
        .iter()
        .map(|name| judge_metric(reference, current, asked(name, names.len(), true)))
        .collect();
    let mut others = Others::default();
    for name in known.clone() {
        if names.contains(&name) || MetricRules::is_part(name) {
            continue;
        }
        let found = judge_metric(reference, current, asked(name, 1, false));
        if found.held.is_ok() {
            others.counted += 1;
            others.expected += RATE;
            if matches!(found.overall, Overall::Regression | Overall::Changed) {
                others.outside.push(found.name);
            }
        }
    }
    (metrics, others)
}

fn fewest_runs(rules: JudgeRules<'_>) -> usize {
    as_count(rules.min_runs).max(RUNS[0])
}

fn as_count(setting: u32) -> usize {
    usize::try_from(setting).unwrap_or(usize::MAX)
}

/// Whether the runs cannot be judged against each other at all.
fn undecided_before_statistics(current: &Point, diff: &RunDiff) -> Option<String> {
    match (current.status, diff.status, diff.reason.as_deref()) {
        (Status::Failed, ..) => Some("the run failed".to_owned()),
        (Status::Interrupted, ..) => Some("the run was interrupted".to_owned()),
        (Status::Finished, DiffStatus::Compared, _) => None,
        (Status::Finished, DiffStatus::FirstRun, reason) => {
            Some(reason.unwrap_or("nothing to compare with").to_owned())
        }
        (Status::Finished, DiffStatus::Incomparable, reason) => Some(format!(
            "not comparable: {}",
            reason.unwrap_or("another cohort")
        )),
    }
}

/// Whether settings, seeds, versions, environment, code and metrics all equal the other run's, as
/// far as they are known.
fn is_identical(diff: &RunDiff) -> bool {
    [
        "identity",
        "factors",
        "environment",
        "code",
        "status",
        "metrics",
    ]
    .into_iter()
    .all(|section| diff.counts.get(section).copied().flatten().unwrap_or(0) == 0)
}

fn same(diff: &RunDiff, basis: Basis) -> Verdict {
    let previous = match &diff.previous {
        Some(named) => format!("#{}", named.seq),
        None => "the previous run".to_owned(),
    };
    let as_far_as_known = wording::as_far_as_known(&diff.unknown_inputs);
    let reason =
        format!("equals {previous} in settings, environment, code and metrics{as_far_as_known}");
    Verdict {
        overall: Overall::Same,
        sentence: format!("same: {reason}"),
        reason,
        severity: diff.severity,
        severity_reason: String::new(),
        metrics: Vec::new(),
        others: Others::default(),
        basis,
    }
}

#[cfg(test)]
mod against_one;
#[cfg(test)]
mod tests;
