//! What is neither there nor gone: packages that a capture met in the middle of being set up.
//!
//! dpkg has states between "not installed" and "installed"; pip leaves a folder that it renamed, or
//! one that it has not filled yet. The invariant: of such a package nobody concludes that it is
//! missing. What to do about it belongs to diff and restore.

use serde_json::Value;

use crate::document::Source;
use crate::grammar;

/// States of dpkg in which files of a package are there, and it is not installed.
const BETWEEN: [&str; 3] = ["half-configured", "half-installed", "unpacked"];
/// How the folders and files that make a distribution of Python end.
const ENDINGS: [&str; 4] = [".dist-info", ".egg-info", ".egg-link", ".egg"];
/// What pip may put behind the first `~` of a folder that it is about to remove, in place of as
/// many characters of its name.
///
/// # Source
/// `AdjacentTempDirectory.LEADING_CHARS` of `pip/_internal/utils/temp_dir.py`.
const HIDING: &str = "-~.=%0123456789";

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

/// Returns what is left of a distribution of Python that is half removed or half installed.
///
/// pip hides the beginning of a name, so that several may be meant: each of them counts.
pub(crate) fn left_of<'e>(python: &'e Source, name: &str) -> Option<&'e str> {
    let broken = python.facts.get("broken").and_then(Value::as_array);
    let mut entries = broken.into_iter().flatten().filter_map(Value::as_str);
    entries.find(|entry| may_be_of(entry, name))
}

/// Tells whether an entry of a folder may be what is left of a distribution.
fn may_be_of(entry: &str, name: &str) -> bool {
    let is_hidden = entry.starts_with('~');
    let entry = entry.trim_start_matches(|it| is_hidden && HIDING.contains(it));
    let mut endings = ENDINGS.into_iter();
    let entry = endings
        .find_map(|ending| entry.strip_suffix(ending))
        .unwrap_or(entry);
    let entry = entry.split_once('-').map_or(entry, |(before, _)| before);
    let entry = grammar::python_name(entry);
    if is_hidden {
        name.ends_with(&entry)
    } else {
        entry == name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_is_of_the_name_it_began_with_or_of_any_that_pip_may_have_hidden() {
        assert!(may_be_of("numpy-1.26.0.dist-info", "numpy"));
        assert!(may_be_of("Friendly_Bard-1.0.dist-info", "friendly-bard"));
        assert!(may_be_of("develop.egg-link", "develop"));
        assert!(may_be_of("old-1.0-py3.11.egg", "old"));
        assert!(may_be_of("~umpy-1.26.0.dist-info", "numpy"));
        assert!(may_be_of("~-mpy-1.26.0.dist-info", "numpy"));
        assert!(may_be_of("~umpy", "numpy"));
        assert!(!may_be_of("numpy-1.26.0.dist-info", "numpy-stubs"));
        assert!(!may_be_of("~umpy-1.26.0.dist-info", "scipy"));
    }
}
