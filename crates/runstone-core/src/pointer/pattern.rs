//! Patterns over paths, as profiles write them.
//!
//! `*` stops at a dot, `**` does not: `factors.**.*seed*` is every key with `seed` in it at any
//! depth below `factors`. Patterns over flat names, in which a dot is a character like any other,
//! belong to the metric rules.

use std::fmt;
use std::str::FromStr;

use super::{BadPath, Path, split};

/// A pattern over paths: `*` is any text within one part, a part `**` any number of parts (at the
/// end: at least one).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(Vec<String>);

impl Pattern {
    /// Tells whether the place with these keys is matched.
    pub fn matches<K: AsRef<str>>(&self, keys: &[K]) -> bool {
        matches_parts(&self.0, keys)
    }

    /// Tells whether this pattern can reach a place at, above or below one that `other` reaches.
    pub fn may_touch(&self, other: &Self) -> bool {
        for (mine, theirs) in self.0.iter().zip(&other.0) {
            if mine == "**" || theirs == "**" {
                return true;
            }
            if !mine.contains('*') && !theirs.contains('*') && mine != theirs {
                return false;
            }
        }
        true
    }

    /// Returns the pattern that matches the place with these keys.
    pub(crate) fn of(keys: &[String]) -> Self {
        Self(keys.to_vec())
    }

    /// Returns its parts, as they were written.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// Returns the parts in front of the first one that holds a `*`.
    pub fn fixed_prefix(&self) -> &[String] {
        let fixed = self.0.iter().take_while(|part| !part.contains('*')).count();
        &self.0[..fixed]
    }

    /// Tells whether its last part, and no other, is a `*`.
    pub fn ends_in_one_star(&self) -> bool {
        self.fixed_prefix().len() + 1 == self.0.len()
            && self.0.last().is_some_and(|part| part == "*")
    }

    /// Returns the object it looks into, if it looks into one: what stands before its first `*`.
    pub fn container(&self) -> Option<Path> {
        let fixed = self.fixed_prefix();
        (!fixed.is_empty() && fixed.len() < self.0.len()).then(|| Path(fixed.to_vec()))
    }
}

impl From<&Path> for Pattern {
    fn from(path: &Path) -> Self {
        Self(path.0.clone())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

impl FromStr for Pattern {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        split(text).map(Self)
    }
}

/// Tells whether `pattern`, in which `*` is any text, matches the whole of `text`.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(head) else {
        return false;
    };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return left.ends_with(piece);
        }
        match left.find(piece) {
            Some(at) => left = &left[at + piece.len()..],
            None => return false,
        }
    }
    true
}

fn matches_parts<K: AsRef<str>>(pattern: &[String], keys: &[K]) -> bool {
    let Some((part, pattern_left)) = pattern.split_first() else {
        return keys.is_empty();
    };
    if part == "**" {
        // At the end it stands for what is below, not for the place itself.
        let least = usize::from(pattern_left.is_empty());
        return (least..=keys.len()).any(|skipped| matches_parts(pattern_left, &keys[skipped..]));
    }
    keys.split_first().is_some_and(|(key, keys_left)| {
        glob(part, key.as_ref()) && matches_parts(pattern_left, keys_left)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, dotted: &str) -> bool {
        let keys: Vec<String> = dotted.split('.').map(ToOwned::to_owned).collect();
        pattern.parse::<Pattern>().unwrap().matches(&keys)
    }

    #[test]
    fn a_star_stays_within_its_part_and_two_reach_any_depth() {
        assert!(matches("factors.**.*seed*", "factors.seed"));
        assert!(matches("factors.**.*seed*", "factors.model.data_seed_2"));
        assert!(!matches("factors.*", "factors.model.seed"));
        assert!(!matches("factors.**.*seed*", "factors.seed.kind"));
        assert!(matches("a.**", "a.b.c"));
        assert!(!matches("a.**", "a"));
        assert!(matches("**.*_versions.*", "library_versions.numpy"));
    }

    #[test]
    fn globs_match_the_whole_text() {
        assert!(glob("*auc*", "auc"));
        assert!(glob("a*b*c", "a-b-b-c"));
        assert!(glob("*", ""));
        assert!(!glob("a*a", "a"));
        assert!(!glob("*_seconds", "seconds"));
    }

    #[test]
    fn patterns_touch_when_one_place_can_lie_on_the_way_to_the_other() {
        let touch = |a: &str, b: &str| {
            a.parse::<Pattern>()
                .unwrap()
                .may_touch(&b.parse::<Pattern>().unwrap())
        };
        assert!(touch("identity.*", "identity.data.sha256"));
        assert!(touch("cv_details", "cv_details.folds"));
        assert!(!touch("created_at", "date_end"));
        assert!(touch("factors.**.seed", "factors.a"));
    }
}
