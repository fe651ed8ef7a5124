//! What is neither there nor gone: packages that a capture met in the middle of being set up.
//!
//! dpkg has states between "not installed" and "installed". The invariant: of a package in one of
//! them nobody concludes that it is missing. What to do about it belongs to diff and restore.

use serde_json::Value;

use crate::document::Source;

/// States of dpkg in which files of a package are there, and it is not installed.
const BETWEEN: [&str; 3] = ["half-configured", "half-installed", "unpacked"];

/// A package that dpkg has in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Between<'e> {
    pub(crate) name: &'e str,
    pub(crate) arch: Option<&'e str>,
    pub(crate) state: &'e str,
}

/// Returns the packages that dpkg has in between.
pub(crate) fn between(dpkg: &Source) -> impl Iterator<Item = Between<'_>> {
    let others = dpkg.facts.get("other_states").and_then(Value::as_array);
    let others = others.into_iter().flatten().filter_map(|other| {
        let text = |member: &str| other.get(member).and_then(Value::as_str);
        Some(Between {
            name: text("name")?,
            arch: text("arch"),
            state: text("state")?,
        })
    });
    others.filter(|other| BETWEEN.contains(&other.state))
}
