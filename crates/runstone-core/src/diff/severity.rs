//! How grave a change is, by the profile's prefixes.
//!
//! Reads the changed leaves of a diff, answers with the gravest level and the path it came from.
//! The invariant kept: the same changes under the same rules are equally grave whichever side is
//! older. Whether a change mattered belongs to the verdict.

use std::collections::BTreeMap;

use super::tree::LeafChange;
use crate::profile::{Severity, SeverityRule};

/// How grave a change is, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gravity {
    pub(super) level: Severity,
    pub(super) reason: String,
}

/// Returns the gravest level among the changed leaves.
///
/// A rule's prefix covers itself and what is below it; `factors.` may be left out before a class.
/// Leaves that no rule covers: `critical` under `identity`, where a difference means two different
/// questions; `none` under `process`, whose times and memory never repeat; else `minor`.
pub(super) fn gravest(leaves: &[LeafChange<'_>], rules: &[SeverityRule]) -> Gravity {
    let graded = leaves.iter().map(|leaf| {
        let key = leaf.key();
        (level_of(&key, rules), key)
    });
    // Among equals the first in the order of the tree is named.
    let gravest = graded.reduce(|held, next| if next.0 > held.0 { next } else { held });
    match gravest {
        None => Gravity {
            level: Severity::None,
            reason: "nothing changed".to_owned(),
        },
        Some((Severity::None, _)) => Gravity {
            level: Severity::None,
            reason: "nothing changed that the profile counts".to_owned(),
        },
        Some((level, key)) => {
            let also = leaves
                .iter()
                .filter(|leaf| level_of(&leaf.key(), rules) == level)
                .count()
                - 1;
            let reason = match also {
                0 => format!("`{key}` changed"),
                more => format!("`{key}` changed (+{more} more)"),
            };
            Gravity { level, reason }
        }
    }
}

/// Returns the gravest level within each section that changed, and within each class of factors:
/// `metrics`, `factors.settings`.
pub(super) fn by_section(
    leaves: &[LeafChange<'_>],
    rules: &[SeverityRule],
) -> BTreeMap<String, Severity> {
    let mut levels = BTreeMap::new();
    for leaf in leaves {
        let parts = if leaf.section() == "factors" { 2 } else { 1 };
        let section = leaf.path[..parts.min(leaf.path.len())].join(".");
        let level = level_of(&leaf.key(), rules);
        let held: &mut Severity = levels.entry(section).or_insert(level);
        *held = level.max(*held);
    }
    levels
}

pub(super) fn level_of(key: &str, rules: &[SeverityRule]) -> Severity {
    let covered = |rule: &&SeverityRule| rule.paths.iter().any(|prefix| covers(prefix, key));
    match rules.iter().find(covered) {
        Some(rule) => rule.level,
        None if covers("identity", key) => Severity::Critical,
        None if covers("process", key) => Severity::None,
        None => Severity::Minor,
    }
}

fn covers(prefix: &str, key: &str) -> bool {
    let short = key.strip_prefix("factors.").unwrap_or(key);
    [key, short].into_iter().any(|spelled| {
        spelled
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::sample;

    fn graded(keys: &[&'static str]) -> (Severity, String) {
        let leaves: Vec<_> = keys
            .iter()
            .map(|key| LeafChange {
                path: key.split('.').collect(),
                prev: None,
                curr: None,
            })
            .collect();
        let Gravity { level, reason } = gravest(&leaves, &sample::severity_rules());
        (level, reason)
    }

    #[test]
    fn the_gravest_path_is_named() {
        assert_eq!(
            graded(&[
                "factors.settings.depth",
                "factors.versions.python_version",
                "metrics.auc"
            ]),
            (
                Severity::Major,
                "`factors.versions.python_version` changed".into()
            )
        );
        assert_eq!(
            graded(&["factors.seeds.seed", "factors.settings.depth"]),
            (
                Severity::Minor,
                "`factors.seeds.seed` changed (+1 more)".into()
            )
        );
        assert_eq!(
            graded(&["identity.split.folds", "code.commit"]).0,
            Severity::Critical
        );
    }

    #[test]
    fn each_section_is_as_grave_as_its_gravest_leaf() {
        let keys = [
            "factors.settings.depth",
            "factors.versions.python_version",
            "metrics.auc",
            "code.commit",
            "process.elapsed_seconds",
        ];
        let leaves = keys.map(|key| LeafChange {
            path: key.split('.').collect(),
            prev: None,
            curr: None,
        });
        let levels = by_section(&leaves, &sample::severity_rules());
        let found: Vec<(&str, &str)> = levels
            .iter()
            .map(|(section, level)| (section.as_str(), level.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("code", "major"),
                ("factors.settings", "minor"),
                ("factors.versions", "major"),
                ("metrics", "minor"),
                ("process", "none"),
            ]
        );
    }

    #[test]
    fn a_prefix_ends_at_a_part() {
        assert!(covers("settings.depth", "factors.settings.depth.max"));
        assert!(covers("factors.settings", "factors.settings.depth"));
        assert!(!covers("settings.depth", "factors.settings.depths"));
    }

    #[test]
    fn the_first_matching_rule_decides() {
        let rule = |level, path: &str| SeverityRule {
            level,
            paths: vec![path.to_owned()],
        };
        let rules = [
            rule(Severity::None, "labels.note"),
            rule(Severity::Major, "labels"),
        ];
        assert_eq!(level_of("labels.note", &rules), Severity::None);
        assert_eq!(level_of("labels.kind", &rules), Severity::Major);
    }

    #[test]
    fn uncovered_leaves_are_minor_identity_critical_and_measurements_of_the_process_none() {
        assert_eq!(graded(&["labels.note"]).0, Severity::Minor);
        assert_eq!(graded(&["identity.dataset.rows"]).0, Severity::Critical);
        assert_eq!(graded(&["process.memory_bytes_max"]).0, Severity::None);
        assert_eq!(graded(&[]), (Severity::None, "nothing changed".into()));
    }
}
