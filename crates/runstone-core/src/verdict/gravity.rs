//! How grave a change is, once it is known whether it mattered.
//!
//! The diff grades what changed by the profile's prefixes and knows no noise. Equal inputs with
//! other outputs are `minor` there; where the outputs moved beyond the noise, or nobody can tell
//! whether they did, a run that cannot be reproduced is as grave as another library under it. While
//! a cohort is young nobody can tell it of any run, and runs that scatter as runs do would all be
//! grave: there it stays what the diff says. The invariant kept: the judgement only ever raises, so
//! that no answer hides what the diff says.

use super::answer::{Overall, Verdict};
use super::held::NotHeld;
use crate::diff::RunDiff;
use crate::profile::Severity;

/// Returns the severity of a judged change, and why it is that.
pub(super) fn judged(verdict: &Verdict, diff: &RunDiff) -> (Severity, String) {
    let reason = &diff.severity_reason;
    let own = diff.severity;
    if !diff.reproducibility_variance {
        return (own, reason.clone());
    }
    let (level, more) = match verdict.overall {
        Overall::Same => return (own, reason.clone()),
        Overall::Undecided if is_for_lack_of_runs(verdict) => {
            (own, "too few runs to tell whether by more than noise")
        }
        Overall::Undecided => (
            Severity::Major,
            "it is undecided whether by more than noise",
        ),
        Overall::Regression | Overall::Improvement | Overall::Changed => {
            (Severity::Major, "by more than noise")
        }
    };
    (own.max(level), format!("{reason}; {more}"))
}

/// Whether more runs like this one would decide whatever is undecided.
fn is_for_lack_of_runs(verdict: &Verdict) -> bool {
    let mut undecided = verdict
        .metrics
        .iter()
        .filter(|metric| metric.overall == Overall::Undecided)
        .peekable();
    undecided.peek().is_some()
        && undecided.all(|metric| {
            let held = metric.held.as_ref();
            held.is_err_and(NotHeld::is_for_lack_of_runs)
        })
}

#[cfg(test)]
mod tests {
    use super::super::answer::sample::verdict;
    use super::super::metric::MetricVerdict;
    use super::*;
    use crate::diff::Against;
    use crate::diff::sample::{self, at, diff};
    use crate::profile::Direction;

    const ANSWERS: [Overall; 5] = [
        Overall::Regression,
        Overall::Undecided,
        Overall::Improvement,
        Overall::Changed,
        Overall::Same,
    ];

    /// The answer on a run that equals the one before it in all but its outputs.
    fn repeated() -> RunDiff {
        let prev = sample::training();
        let mut curr = prev.clone();
        curr.metrics.extend(sample::metrics(&[("auc", 0.1)]));
        diff(Against::Comparable(at(&prev, 1)), at(&curr, 2))
    }

    fn undecided(held: impl IntoIterator<Item = NotHeld>) -> Verdict {
        let metrics = held.into_iter().map(|held| MetricVerdict {
            name: "auc".to_owned(),
            overall: Overall::Undecided,
            direction: Direction::Higher,
            value: Some(0.1),
            repeats: 1,
            held: Err(held),
            shift: None,
        });
        Verdict {
            metrics: metrics.collect(),
            ..verdict(Overall::Undecided)
        }
    }

    #[test]
    fn other_outputs_of_equal_inputs_are_minor_within_the_noise_and_major_else() {
        let found = repeated();
        assert!(found.reproducibility_variance);
        assert_eq!(found.severity, Severity::Minor);
        for overall in ANSWERS {
            let (level, reason) = judged(&verdict(overall), &found);
            assert!(reason.starts_with("`metrics.auc"), "{reason}");
            let is_raised = overall != Overall::Same;
            assert_eq!(level == Severity::Major, is_raised, "{overall:?}");
            assert_eq!(reason.contains("more than noise"), is_raised, "{reason}");
        }
    }

    #[test]
    fn two_early_runs_of_equal_inputs_are_minor_until_their_noise_is_known() {
        let few = || NotHeld::TooFew {
            name: "auc".to_owned(),
            have: 1,
            need: 5,
            twins: 0,
            not_finite: 0,
        };
        let (level, reason) = judged(&undecided([few()]), &repeated());
        assert_eq!(level, Severity::Minor);
        assert!(
            reason.ends_with("; too few runs to tell whether by more than noise"),
            "{reason}"
        );
        // No number of runs decides about a metric that is none.
        let lost = NotHeld::NotFinite {
            name: "loss".to_owned(),
            place: None,
        };
        for held in [vec![lost.clone()], vec![few(), lost], Vec::new()] {
            assert_eq!(judged(&undecided(held), &repeated()).0, Severity::Major);
        }
    }

    #[test]
    fn what_the_diff_grades_by_a_path_stays_as_it_is() {
        let (prev, curr) = (sample::training(), sample::training_factors_changed());
        let found = diff(Against::Comparable(at(&prev, 1)), at(&curr, 2));
        let own = (found.severity, found.severity_reason.clone());
        for overall in ANSWERS {
            assert_eq!(judged(&verdict(overall), &found), own);
        }
    }
}
