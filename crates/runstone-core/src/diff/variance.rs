//! Whether equal inputs gave other outputs: the sign of a run that cannot be reproduced.
//!
//! Reads the changed leaves of a diff. The invariant kept: what no run repeats to the bit (times,
//! sizes, what the profile counts for nothing) is never taken for that sign, or every pair of runs
//! would show it, and another command line is another input. How grave it is belongs to the diff,
//! whether it is more than noise to the verdict.

use super::run_diff::COMMAND;
use super::severity::level_of;
use super::tree::LeafChange;
use crate::profile::{MetricRules, Severity, SeverityRule};

/// Whether something came out differently and nothing that is known went in differently. What was
/// measured of the process (times, memory) is neither.
pub(super) fn only_outputs_changed(
    leaves: &[LeafChange<'_>],
    severity: &[SeverityRule],
    metrics: &MetricRules,
) -> bool {
    let is_output = |leaf: &LeafChange<'_>| {
        matches!(
            leaf.section(),
            "status" | "metrics" | "labels" | "artifacts"
        )
    };
    // A run that ended otherwise gave other outputs for that reason.
    if leaves.iter().any(|leaf| leaf.section() == "status") {
        return false;
    }
    leaves
        .iter()
        .any(|leaf| is_output(leaf) && !is_expected(leaf, severity, metrics))
        && leaves
            .iter()
            .all(|leaf| is_output(leaf) || (leaf.section() == "process" && !is_other_command(leaf)))
}

/// Whether the two runs were started by command lines that are known and differ.
fn is_other_command(leaf: &LeafChange<'_>) -> bool {
    leaf.path == ["process", COMMAND] && leaf.prev.is_some() && leaf.curr.is_some()
}

/// Whether an output may differ without anyone wondering: the profile counts it for nothing, or it
/// is judged on a log scale, as times and sizes are, which no two runs repeat to the bit.
fn is_expected(leaf: &LeafChange<'_>, severity: &[SeverityRule], metrics: &MetricRules) -> bool {
    // A spread stands below its metric, and is measured with it.
    let is_cost = |name: &str| {
        let metric = name.rsplit_once('.').map_or(name, |(metric, _)| metric);
        [name, metric].iter().any(|it| metrics.tolerance(it).log)
    };
    (leaf.section() == "metrics" && is_cost(&leaf.path[1..].join(".")))
        || level_of(&leaf.key(), severity) == Severity::None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::Against;
    use crate::diff::compare::by_rules;
    use crate::diff::sample::{self, at};
    use crate::snapshot::Snapshot;

    #[test]
    fn times_and_what_the_profile_counts_for_nothing_are_no_variance() {
        let generic = crate::profile::Profile::builtin("generic").unwrap();
        let rules = generic.default.as_ref().unwrap();
        let mut prev = sample::run("a");
        prev.metrics = sample::metrics(&[
            ("auc", 0.6),
            ("fit_seconds.mean", 10.0),
            ("fit_seconds.std", 1.0),
        ]);
        let mut curr = prev.clone();
        curr.metrics.extend(sample::metrics(&[
            ("fit_seconds.mean", 20.0),
            ("fit_seconds.std", 2.0),
        ]));
        let found = |curr: &Snapshot, severity: &[SeverityRule]| {
            let against = Against::Comparable(at(&prev, 1));
            by_rules(against, at(curr, 2), severity, &rules.metrics)
        };
        let timed = found(&curr, &rules.severity);
        assert!(!timed.reproducibility_variance);
        assert_eq!(
            timed.severity_reason,
            "`metrics.fit_seconds.mean` changed (+1 more)"
        );

        curr.metrics.extend(sample::metrics(&[("auc", 0.7)]));
        assert!(found(&curr, &rules.severity).reproducibility_variance);
        let nothing_counts = [SeverityRule {
            level: Severity::None,
            paths: vec!["metrics".to_owned()],
        }];
        let ignored = found(&curr, &nothing_counts);
        assert!(!ignored.reproducibility_variance);
        assert_eq!(ignored.severity, Severity::None);
    }
}
