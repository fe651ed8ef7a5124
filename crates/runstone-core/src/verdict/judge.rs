//! Did the current run's numbers move more than noise?
//!
//! Takes the history, the current point and its diff against the previous run. The invariant kept:
//! `same` is said only where everything known is equal, and whatever cannot be decided is
//! `undecided` with its reason, never quietly one of the other words. Which of them fails a build
//! belongs to the gate.

use serde_json::{Value, json};

use super::point::{Point, yardsticks};
use crate::diff::{DiffStatus, MetricDelta, MetricStatus, RunDiff, wording};
use crate::metric::MetricValue;
use crate::snapshot::Status;

/// Version of the judgement: the same inputs and the same version give the same bytes.
pub const JUDGE_VERSION: u32 = 2;

/// Did it matter, and how that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The answer.
    pub overall: Overall,
    /// The answer as one sentence that begins with its word.
    pub sentence: String,
    /// Why this answer and no other, as a fragment.
    pub reason: String,
    /// One object per judged metric; none while noise is not judged.
    pub metrics: Vec<Value>,
    /// What the answer rests on.
    pub basis: Basis,
}

/// The answer to "did it matter". Where several metrics are judged the smallest stands for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Overall {
    /// Worse beyond the noise.
    Regression,
    /// Not known, and why is said.
    Undecided,
    /// Better beyond the noise.
    Improvement,
    /// Beyond the noise, without a better side.
    Changed,
    /// Nothing that matters.
    Same,
}

impl Overall {
    /// Returns the word used in JSON, gates and talk.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::Undecided => "undecided",
            Self::Improvement => "improvement",
            Self::Changed => "changed",
            Self::Same => "same",
        }
    }

    /// Reads the word used in JSON, gates and talk.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Regression,
            Self::Undecided,
            Self::Improvement,
            Self::Changed,
            Self::Same,
        ]
        .into_iter()
        .find(|overall| overall.as_str() == word)
    }
}

/// What an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// By what the current run was judged.
    pub method: Method,
    /// Runs with the same settings that could serve as noise.
    pub runs_same_settings: usize,
    /// What was not captured on both sides, so could differ unseen.
    pub unknown: Vec<&'static str>,
}

/// By what a run was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Everything known equals the previous run.
    IdenticalToPrevious,
    /// It was not judged.
    None,
}

impl Method {
    /// Returns the word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdenticalToPrevious => "identical_to_previous",
            Self::None => "none",
        }
    }
}

/// Judges the current run. `history` is the cohort's log below it, newest first; `diff` is against
/// its previous run.
pub fn judge(history: &[Point], current: &Point, diff: &RunDiff) -> Verdict {
    let runs_same_settings = yardsticks(history, Some(current))
        .filter(|at| at.settings == current.settings)
        .count();
    let reason = match undecided_before_statistics(current, diff) {
        Some(reason) => reason,
        None if is_identical(diff) && diff.has_other_command() => {
            "the command lines differ".to_owned()
        }
        None if is_identical(diff) => return same(diff, runs_same_settings),
        None => undecided_by_history(current, diff, runs_same_settings),
    };
    Verdict {
        overall: Overall::Undecided,
        sentence: format!("undecided: {reason}"),
        reason,
        metrics: Vec::new(),
        basis: Basis {
            method: Method::None,
            runs_same_settings,
            unknown: diff.unknown_inputs.clone(),
        },
    }
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

/// Whether settings, seeds, versions, environment, code and metrics all equal the previous run's,
/// as far as they are known.
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

fn same(diff: &RunDiff, runs_same_settings: usize) -> Verdict {
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
        metrics: Vec::new(),
        basis: Basis {
            method: Method::IdenticalToPrevious,
            runs_same_settings,
            unknown: diff.unknown_inputs.clone(),
        },
    }
}

/// Why a comparable run that differs cannot be judged.
fn undecided_by_history(current: &Point, diff: &RunDiff, runs_same_settings: usize) -> String {
    let is_no_number = |delta: &&MetricDelta| {
        delta.status == MetricStatus::NotANumber
            && current.primary.iter().any(|(name, _)| *name == delta.name)
    };
    if current.primary.is_empty() {
        "no metric decides".to_owned()
    } else if let Some(delta) = diff.metrics.iter().find(is_no_number) {
        let is_finite = |side: Option<MetricValue>| side.and_then(MetricValue::finite).is_some();
        let place = match (is_finite(delta.prev), is_finite(delta.curr)) {
            (true, false) => "the current run",
            (false, true) => "the previous run",
            _ => "either run",
        };
        format!("`{}` is not a finite number in {place}", delta.name)
    } else if runs_same_settings > 0 {
        "noise is not judged yet by this release".to_owned()
    } else if current.sweep.is_some() {
        "sweep point".to_owned()
    } else {
        "first run with these settings".to_owned()
    }
}

impl Verdict {
    /// Returns the stable JSON form.
    pub fn to_json(&self) -> Value {
        json!({
            "overall": self.overall.as_str(),
            "sentence": self.sentence,
            "reason": self.reason,
            "metrics": self.metrics,
            "basis": self.basis.to_json(),
            "judge_version": JUDGE_VERSION,
        })
    }
}

impl Basis {
    fn to_json(&self) -> Value {
        json!({
            "method": self.method.as_str(),
            "runs_same_settings": self.runs_same_settings,
            "unknown": self.unknown,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::point::sample::{history, point};
    use super::*;
    use crate::diff::Against;
    use crate::diff::sample::{self, at, diff};
    use crate::digest::Digest;
    use crate::snapshot::{Captured, Snapshot};

    fn judged(history: &[Point], current: &Point, prev: &Snapshot, curr: &Snapshot) -> Verdict {
        let against = Against::Comparable(at(prev, current.seq.0 - 1));
        judge(history, current, &diff(against, at(curr, current.seq.0)))
    }

    #[test]
    fn identical_runs_are_the_same_with_any_history() {
        let run = sample::training();
        for runs in [1, 5, 40] {
            let current = point(runs as u64 + 1, 0.6118);
            let verdict = judged(&history(&vec![0.7; runs]), &current, &run, &run);
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
        let verdict = judge(&[], &point(1, 0.6), &found);
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
        assert_eq!(sentence(&current), "undecided: sweep point");
    }

    #[test]
    fn what_is_not_judged_yet_is_undecided_and_never_the_same() {
        let (prev, mut curr) = (sample::training(), sample::training());
        curr.metrics.extend(sample::metrics(&[("auc", 0.1)]));
        let verdict = judged(&history(&[0.6]), &point(2, 0.1), &prev, &curr);
        assert_eq!(
            verdict.sentence,
            "undecided: noise is not judged yet by this release"
        );
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
        assert_eq!(
            judged(&history(&[0.6]), &lost, &prev, &curr).reason,
            "no metric decides"
        );
    }

    #[test]
    fn the_side_that_is_no_number_is_named() {
        let (prev, mut curr) = (sample::training(), sample::training());
        curr.metrics.extend(sample::metrics(&[("auc", f64::NAN)]));
        let verdict = judged(&history(&[0.6]), &point(2, f64::NAN), &prev, &curr);
        assert_eq!(
            verdict.reason,
            "`auc` is not a finite number in the current run"
        );
    }

    #[test]
    fn every_word_reads_back() {
        for overall in [Overall::Regression, Overall::Undecided, Overall::Same] {
            assert_eq!(Overall::from_word(overall.as_str()), Some(overall));
        }
    }
}
