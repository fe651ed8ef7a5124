//! The comparison of two runs, put together.
//!
//! Takes the current run and what it is held against, and gathers what the files beside this one
//! find into a [`RunDiff`]. The invariant kept: what is not known on both sides is said as unknown
//! with its reason, never as a change and never as equal. Choosing the other run belongs to the
//! verdict.

use std::collections::BTreeMap;

use super::factors::ExcludedFactors;
use super::metrics::deltas;
use super::patch::Patch;
use super::run_diff::{Against, DiffStatus, Row, RunDiff, SectionRows, Side};
use super::severity::{Gravity, by_section, gravest};
use super::tree::{Difference, LeafChange, SECTIONS, captured, comparable_trees, differences};
use super::variance::only_outputs_changed;
use super::wording;
use crate::profile::{MetricRules, Severity, SeverityRule, StageRules};
use crate::snapshot::{Captured, Code, CodePair, Snapshot};

/// What of the environment is not known where sources of it could not be read.
const PARTS: &str = "parts of the environment";
/// What of the code is not known where files were there that are not tracked.
const UNTRACKED: &str = "untracked files";

/// Compares the current run with what it is held against, by the current run's rules.
pub fn diff(against: Against<'_>, current: Side<'_>, rules: &StageRules) -> RunDiff {
    by_rules(against, current, &rules.severity, &rules.metrics)
}

/// The comparison, by the two parts of a stage's rules that it asks.
pub(super) fn by_rules(
    against: Against<'_>,
    current: Side<'_>,
    severity: &[SeverityRule],
    metrics: &MetricRules,
) -> RunDiff {
    match against {
        Against::Nothing { reason } => first_run(current, reason),
        // What cannot be read is no first run: nothing is known about what changed.
        Against::Unreadable { reason } => RunDiff {
            status: DiffStatus::Incomparable,
            ..first_run(current, reason)
        },
        Against::Comparable(previous) => between(previous, current, severity, metrics),
        Against::Incomparable { side, reason } => RunDiff {
            status: DiffStatus::Incomparable,
            reason: Some(reason.to_owned()),
            ..between(side, current, severity, metrics)
        },
    }
}

/// One shape for every status: a first run has every member, and nothing in it.
fn first_run(current: Side<'_>, reason: &str) -> RunDiff {
    let not_compared = || SectionRows::NotCompared {
        reason: reason.to_owned(),
    };
    RunDiff {
        status: DiffStatus::FirstRun,
        reason: Some(reason.to_owned()),
        current: current.into(),
        previous: None,
        previous_same_settings: None,
        changed_keys: Vec::new(),
        patch: Patch::default(),
        excluded_factors: ExcludedFactors::default(),
        counts: counts(&[], &[]),
        identity: Vec::new(),
        environment: not_compared(),
        environment_changes: None,
        code: not_compared(),
        process: not_compared(),
        metrics: Vec::new(),
        labels: Vec::new(),
        artifacts: Vec::new(),
        severity: Severity::None,
        severity_reason: format!("nothing was compared: {reason}"),
        gravity: BTreeMap::new(),
        reproducibility_variance: false,
        unknown_inputs: Vec::new(),
    }
}

fn between(
    previous: Side<'_>,
    current: Side<'_>,
    severity: &[SeverityRule],
    metrics: &MetricRules,
) -> RunDiff {
    let (prev, curr) = (previous.snapshot, current.snapshot);
    let (prev_tree, curr_tree) = comparable_trees(prev, curr);
    let leaves: Vec<LeafChange<'_>> = differences(&prev_tree, &curr_tree)
        .iter()
        .flat_map(Difference::leaves)
        .collect();
    let [environment, code, process] = captured_rows(prev, curr, &leaves);
    let unknown = unknown_sections(prev, curr);
    let unknown_inputs = unknown_inputs(prev, curr, &unknown);
    let as_far_as_known = wording::as_far_as_known(&unknown_inputs);
    let varies = only_outputs_changed(&leaves, severity, metrics);
    let Gravity { level, reason } = gravest(&leaves, severity);
    RunDiff {
        status: DiffStatus::Compared,
        reason: None,
        current: current.into(),
        previous: Some(previous.into()),
        previous_same_settings: None,
        changed_keys: leaves.iter().map(LeafChange::key).collect(),
        patch: Patch::between(&prev_tree, &curr_tree),
        excluded_factors: ExcludedFactors::among(&leaves),
        counts: counts(&leaves, &unknown),
        identity: rows(&leaves, "identity"),
        metrics: deltas(prev, curr, metrics),
        labels: rows(&leaves, "labels"),
        artifacts: rows(&leaves, "artifacts"),
        severity: if varies {
            level.max(Severity::Minor)
        } else {
            level
        },
        severity_reason: match level {
            _ if varies => format!(
                "{reason} though identity, factors, environment and code are \
                 equal{as_far_as_known}"
            ),
            Severity::None => format!("{reason}{as_far_as_known}"),
            _ => reason,
        },
        gravity: by_section(&leaves, severity),
        reproducibility_variance: varies,
        unknown_inputs,
        environment,
        environment_changes: None,
        code,
        process,
    }
}

/// The sections that are not known on both sides.
fn unknown_sections(prev: &Snapshot, curr: &Snapshot) -> Vec<&'static str> {
    captured(prev)
        .into_iter()
        .zip(captured(curr))
        .filter(|((section, before), (_, now))| unknown_side(section, before, now).is_some())
        .map(|((section, _), _)| section)
        .collect()
}

/// What could explain a difference and is not known: sections, but for what was measured of the
/// process, sources of an environment that is known otherwise, and beside code that is known the
/// files that are not tracked.
fn unknown_inputs(prev: &Snapshot, curr: &Snapshot, unknown: &[&'static str]) -> Vec<&'static str> {
    let sections = unknown.iter().copied();
    let mut inputs: Vec<_> = sections.filter(|section| *section != "process").collect();
    let environments = [&prev.environment, &curr.environment];
    if !inputs.contains(&"environment") && environments.into_iter().any(Captured::lacks_sources) {
        inputs.insert(0, PARTS);
    }
    let mut codes = [&prev.code, &curr.code]
        .into_iter()
        .filter_map(Captured::as_code);
    if !inputs.contains(&"code") && codes.any(Code::has_untracked) {
        inputs.push(UNTRACKED);
    }
    inputs
}

fn counts(leaves: &[LeafChange<'_>], unknown: &[&str]) -> BTreeMap<&'static str, Option<usize>> {
    let of = |section| {
        leaves
            .iter()
            .filter(|leaf| leaf.section() == section)
            .count()
    };
    let known = |section: &'static str| (!unknown.contains(&section)).then(|| of(section));
    SECTIONS
        .into_iter()
        .map(|section| (section, known(section)))
        .collect()
}

fn rows(leaves: &[LeafChange<'_>], section: &str) -> Vec<Row> {
    leaves
        .iter()
        .filter(|leaf| leaf.section() == section)
        .map(|leaf| Row {
            key: leaf.path[1..].join("."),
            prev: leaf.prev.cloned(),
            curr: leaf.curr.cloned(),
        })
        .collect()
}

fn captured_rows(prev: &Snapshot, curr: &Snapshot, leaves: &[LeafChange<'_>]) -> [SectionRows; 3] {
    let (before, now) = (captured(prev), captured(curr));
    std::array::from_fn(|at| {
        let ((section, before), (_, now)) = (before[at], now[at]);
        if let Some(reason) = unknown_side(section, before, now) {
            return SectionRows::Unknown { reason };
        }
        let mut rows = rows(leaves, section);
        if section == "code"
            && !rows.is_empty()
            && let (Some(before), Some(now)) = (before.as_code(), now.as_code())
        {
            let beside = Code::beside(before, now).into_iter();
            rows.extend(beside.map(|(key, prev, curr)| Row { key, prev, curr }));
        }
        SectionRows::Compared(rows)
    })
}

fn unknown_side(section: &str, prev: &Captured, curr: &Captured) -> Option<String> {
    if section == "code"
        && let (Some(prev), Some(curr)) = (prev.as_code(), curr.as_code())
    {
        return match Code::pair(prev, curr) {
            CodePair::Comparable(..) => None,
            CodePair::Unknown { reason } => Some(reason),
        };
    }
    let missing = |captured: &Captured| match captured {
        Captured::Known(_) => None,
        Captured::NotCaptured { reason } => Some(reason.clone()),
    };
    match (missing(prev), missing(curr)) {
        (None, None) => None,
        (Some(before), None) => Some(format!("not captured for the previous run: {before}")),
        (None, Some(now)) => Some(format!("not captured for the current run: {now}")),
        (Some(before), Some(now)) if before == now => {
            Some(format!("not captured for either run: {now}"))
        }
        (Some(before), Some(now)) => Some(format!(
            "not captured for either run: {before} (previous), {now} (current)"
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::diff::MetricDelta;
    use crate::diff::sample::{self, any_run, at, diff};

    fn compare(prev: &Snapshot, curr: &Snapshot) -> RunDiff {
        diff(Against::Comparable(at(prev, 26)), at(curr, 27))
    }

    #[test]
    fn three_factors_changed_and_their_versions_make_it_major() {
        let found = compare(&sample::training(), &sample::training_factors_changed());
        assert_eq!(
            found.changed_keys[..3],
            [
                "factors.seeds.train_seed",
                "factors.settings.learning_rate",
                "factors.versions.python_version"
            ]
        );
        assert_eq!(
            (found.counts["factors"], found.counts["identity"]),
            (Some(3), Some(0))
        );
        assert_eq!(found.counts["environment"], None);
        assert_eq!(found.severity, Severity::Major);
        assert_eq!(
            found.severity_reason,
            "`factors.versions.python_version` changed"
        );
        assert!(!found.reproducibility_variance);
    }

    #[test]
    fn a_first_run_is_no_change_and_says_why_there_is_nothing() {
        let run = sample::training();
        let reason = "no earlier run in this cohort";
        let found = diff(Against::Nothing { reason }, at(&run, 1));
        assert_eq!(
            (found.status, found.severity),
            (DiffStatus::FirstRun, Severity::None)
        );
        assert_eq!(found.environment.unknown_because(), Some(reason));
        assert!(found.changed_keys.is_empty() && found.metrics.is_empty());
    }

    #[test]
    fn an_incomparable_pair_is_shown_with_what_keeps_it_apart() {
        let (prev, mut curr) = (sample::training(), sample::training());
        curr.identity
            .insert("task".into(), sample::values(&[("target", json!("other"))]));
        let side = at(&prev, 1);
        let against = Against::Incomparable {
            side,
            reason: "task differs: target",
        };
        let found = diff(against, at(&curr, 1));
        assert_eq!(found.reason.as_deref(), Some("task differs: target"));
        assert_eq!(found.severity, Severity::Critical);
        assert_eq!(found.identity[0].key, "task.target");
    }

    #[test]
    fn what_was_not_captured_is_unknown_and_neither_equal_nor_changed() {
        let prev = sample::training();
        let mut curr = sample::training();
        curr.code = Captured::Known(json!({"commit": "9f3c1ab"}));
        let found = compare(&prev, &curr);
        assert!(found.changed_keys.is_empty());
        assert_eq!(
            found.severity_reason,
            "nothing changed as far as known (environment and code not captured)"
        );
        assert_eq!(
            found.code.unknown_because(),
            Some("not captured for the previous run: not asked for")
        );
        assert_eq!(
            found.environment.unknown_because(),
            Some("not captured for either run: not asked for")
        );
    }

    #[test]
    fn other_outputs_of_equal_inputs_are_variance_and_the_unknown_is_said() {
        let mut prev = sample::training();
        prev.environment = Captured::Known(json!({"digest": "a"}));
        let mut curr = prev.clone();
        curr.metrics.extend(sample::metrics(&[("auc", 0.7)]));
        let found = compare(&prev, &curr);
        assert!(found.reproducibility_variance);
        assert_eq!(found.severity, Severity::Minor);
        assert!(
            found
                .severity_reason
                .starts_with("`metrics.auc` changed though")
        );
        assert!(
            found
                .severity_reason
                .ends_with("as far as known (code not captured)")
        );

        curr.environment = Captured::Known(json!({"digest": "b"}));
        assert!(!compare(&prev, &curr).reproducibility_variance);
    }

    #[test]
    fn sources_that_could_not_be_read_are_not_called_equal() {
        let mut prev = sample::training();
        prev.environment = Captured::Known(json!({"digest": "a"}));
        prev.code = Captured::Known(json!({"commit": "9f3c1ab"}));
        let mut curr = prev.clone();
        assert!(compare(&prev, &curr).unknown_inputs.is_empty());
        curr.environment = Captured::Known(json!({"digest": "a", "not_whole": ["rpm"]}));
        let found = compare(&prev, &curr);
        assert!(found.changed_keys.is_empty());
        assert_eq!(found.unknown_inputs, ["parts of the environment"]);
        assert_eq!(
            found.severity_reason,
            "nothing changed as far as known (parts of the environment not captured)"
        );
    }

    #[test]
    fn times_of_the_process_alone_are_no_change_worth_a_level() {
        let mut prev = sample::training();
        prev.process = Captured::Known(json!({"exit_code": 0, "memory_bytes_max": 1}));
        let mut curr = prev.clone();
        curr.process = Captured::Known(json!({"exit_code": 0, "memory_bytes_max": 2}));
        let found = compare(&prev, &curr);
        assert_eq!(found.changed_keys, ["process.memory_bytes_max"]);
        assert_eq!(found.severity, Severity::None);
        assert!(!found.reproducibility_variance);
        assert!(!found.differs());
        curr.process = Captured::Known(json!({"exit_code": 1, "memory_bytes_max": 1}));
        assert!(compare(&prev, &curr).differs());
    }

    #[test]
    fn other_outputs_of_another_command_line_are_no_variance() {
        let mut prev = sample::training();
        prev.process = Captured::Known(json!({"command": ["fit", "--model", "linear"]}));
        let mut curr = prev.clone();
        curr.metrics.extend(sample::metrics(&[("auc", 0.7)]));
        assert!(compare(&prev, &curr).reproducibility_variance);

        curr.process = Captured::Known(json!({"command": ["fit", "--model", "forest"]}));
        let found = compare(&prev, &curr);
        assert!(found.has_other_command() && !found.reproducibility_variance);

        // One that is not known on both sides explains nothing.
        curr.process = Captured::Known(json!({"exit_code": 0}));
        let found = compare(&prev, &curr);
        assert!(!found.has_other_command() && found.reproducibility_variance);
    }

    fn mirrored(delta: MetricDelta, pct: Option<f64>) -> MetricDelta {
        use crate::diff::MetricStatus::{Added, Better, Removed, Worse};
        MetricDelta {
            prev: delta.curr,
            curr: delta.prev,
            delta_abs: delta.delta_abs.map(|moved| 0.0 - moved),
            delta_pct: pct,
            status: match delta.status {
                Better => Worse,
                Worse => Better,
                Added => Removed,
                Removed => Added,
                other => other,
            },
            ..delta
        }
    }

    proptest! {
        #[test]
        fn a_run_beside_itself_shows_no_change(run in any_run()) {
            let found = compare(&run, &run);
            prop_assert!(found.changed_keys.is_empty() && found.patch.is_empty());
            prop_assert_eq!(found.severity, Severity::None);
            prop_assert_eq!(found.excluded_factors.count(), 0);
        }

        #[test]
        fn the_other_way_round_it_is_the_mirror(a in any_run(), b in any_run()) {
            let (there, back) = (compare(&a, &b), compare(&b, &a));
            prop_assert_eq!(&back.changed_keys, &there.changed_keys);
            prop_assert_eq!(back.patch, there.patch.inverse());
            prop_assert_eq!(&back.counts, &there.counts);
            prop_assert_eq!(&back.severity, &there.severity);
            for (back, there) in back.metrics.into_iter().zip(there.metrics) {
                // The percentage is of the value before, so it alone has no mirror.
                let pct = back.delta_pct;
                prop_assert_eq!(back, mirrored(there, pct));
            }
        }

        #[test]
        fn the_patch_leads_from_the_old_tree_to_the_new(a in any_run(), b in any_run()) {
            let (prev, curr) = comparable_trees(&a, &b);
            prop_assert_eq!(compare(&a, &b).patch.apply(prev).unwrap(), curr);
        }

        #[test]
        fn counts_add_up_to_the_changed_keys(a in any_run(), b in any_run()) {
            let found = compare(&a, &b);
            prop_assert_eq!(found.counts.values().flatten().sum::<usize>(), found.changed_keys.len());
        }
    }
}
