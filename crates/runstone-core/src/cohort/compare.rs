//! Why two runs are, or are not, comparable: group by group, value by value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value, json};

use super::CohortKey;
use crate::diff::wording;

/// Whether the runs of two cohorts may be compared.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Comparability {
    /// They may: it is one cohort.
    Comparable,
    /// They may not, for these reasons: the rule and the stage first, then group by group.
    Incomparable(Vec<Mismatch>),
}

/// One thing in which two cohorts differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    /// The identity group, or `rule` for what stands above the groups.
    pub group: String,
    /// The field as a dotted path, or `profile`, `identity_rules`, `cohort_name`, `stage` and so
    /// on.
    pub path: String,
    /// The value on the one side; `None`: absent.
    pub a: Option<Value>,
    /// The value on the other side; `None`: absent.
    pub b: Option<Value>,
}

impl Mismatch {
    /// Returns the mismatch as JSON; an absent side is `null`.
    pub fn to_json(&self) -> Value {
        json!({ "group": self.group, "path": self.path, "a": self.a, "b": self.b })
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            group: _,
            path,
            a,
            b,
        } = self;
        let (a, b) = wording::apart(a.as_ref(), b.as_ref());
        write!(f, "{path} ({a} and {b})")
    }
}

/// The group name of what is no field of a run.
const RULE: &str = "rule";

/// Says whether the runs of two cohorts may be compared, and if not, every reason.
pub fn compare(a: &CohortKey, b: &CohortKey) -> Comparability {
    let mut mismatches = Vec::new();
    let mut differ = |group: &str, path: &str, a: Option<&Value>, b: Option<&Value>| {
        if a != b {
            let (group, path) = (group.to_owned(), path.to_owned());
            mismatches.push(Mismatch {
                group,
                path,
                a: a.cloned(),
                b: b.cloned(),
            });
        }
    };
    for ((path, a), (_, b)) in rules(a).into_iter().zip(rules(b)) {
        differ(RULE, path, Some(&a), Some(&b));
    }
    let empty = BTreeMap::new();
    let groups: BTreeSet<&String> = a.groups.keys().chain(b.groups.keys()).collect();
    for group in groups {
        let a = a.groups.get(group).unwrap_or(&empty);
        let b = b.groups.get(group).unwrap_or(&empty);
        let paths: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        for path in paths {
            differ(group, path, a.get(path), b.get(path));
        }
    }
    // The name is made of identity fields; alone it differs only where the profile chose others.
    if mismatches.is_empty() && a.name != b.name {
        mismatches.push(Mismatch {
            group: RULE.to_owned(),
            path: "cohort_name".to_owned(),
            a: Some(json!(a.name)),
            b: Some(json!(b.name)),
        });
    }
    if mismatches.is_empty() {
        Comparability::Comparable
    } else {
        Comparability::Incomparable(mismatches)
    }
}

/// What stands above the groups.
fn rules(key: &CohortKey) -> [(&'static str, Value); 5] {
    [
        ("stage", json!(key.stage)),
        ("profile", json!(key.profile)),
        ("policy", json!(key.policy.as_str())),
        ("identity_rules", json!(key.rules)),
        ("fingerprint_schema_version", json!(key.schema)),
    ]
}
