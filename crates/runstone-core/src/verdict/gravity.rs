//! How grave a change is, once it is known whether it mattered.
//!
//! The diff grades what changed by the profile's prefixes and knows no noise. Equal inputs with
//! other outputs are `minor` there; where the outputs moved beyond the noise, or nobody can tell
//! whether they did, a run that cannot be reproduced is as grave as another library under it. The
//! invariant kept: the judgement only ever raises, so that no answer hides what the diff says.

use super::answer::Overall;
use crate::diff::RunDiff;
use crate::profile::Severity;

/// Returns the severity of a judged change, and why it is that.
pub(super) fn judged(overall: Overall, diff: &RunDiff) -> (Severity, String) {
    let reason = diff.severity_reason.clone();
    let more = match overall {
        _ if !diff.reproducibility_variance => return (diff.severity, reason),
        Overall::Same => return (diff.severity, reason),
        Overall::Undecided => "it is undecided whether by more than noise",
        Overall::Regression | Overall::Improvement | Overall::Changed => "by more than noise",
    };
    (
        diff.severity.max(Severity::Major),
        format!("{reason}; {more}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::Against;
    use crate::diff::sample::{self, at, diff};

    const ANSWERS: [Overall; 5] = [
        Overall::Regression,
        Overall::Undecided,
        Overall::Improvement,
        Overall::Changed,
        Overall::Same,
    ];

    #[test]
    fn other_outputs_of_equal_inputs_are_minor_within_the_noise_and_major_else() {
        let prev = sample::training();
        let mut curr = prev.clone();
        curr.metrics.extend(sample::metrics(&[("auc", 0.1)]));
        let found = diff(Against::Comparable(at(&prev, 1)), at(&curr, 2));
        assert!(found.reproducibility_variance);
        assert_eq!(found.severity, Severity::Minor);
        for overall in ANSWERS {
            let (level, reason) = judged(overall, &found);
            assert!(reason.starts_with("`metrics.auc"), "{reason}");
            let is_raised = overall != Overall::Same;
            assert_eq!(level == Severity::Major, is_raised, "{overall:?}");
            assert_eq!(reason.contains("more than noise"), is_raised, "{reason}");
        }
    }

    #[test]
    fn what_the_diff_grades_by_a_path_stays_as_it_is() {
        let (prev, curr) = (sample::training(), sample::training_factors_changed());
        let found = diff(Against::Comparable(at(&prev, 1)), at(&curr, 2));
        let own = (found.severity, found.severity_reason.clone());
        for overall in ANSWERS {
            assert_eq!(judged(overall, &found), own);
        }
    }
}
