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
pub struct Pattern {
    written: Vec<String>,
    /// The same, ready to be matched: every leaf of every document is.
    parts: Vec<Part>,
}

/// One part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    /// Any number of parts; at the end of a pattern at least one.
    Deep,
    /// Any one part.
    Any,
    /// Exactly this text.
    Exact(String),
    /// A text that begins so, holds these in order, and ends so.
    Pieces {
        head: String,
        middle: Vec<String>,
        tail: String,
    },
}

impl Pattern {
    /// Tells whether the place with these keys is matched.
    pub fn matches<K: AsRef<str>>(&self, keys: &[K]) -> bool {
        matches_parts(&self.parts, keys)
    }

    /// Tells whether the place with these keys is matched, or one above it.
    pub fn reaches<K: AsRef<str>>(&self, keys: &[K]) -> bool {
        !self.parts.is_empty() && reaches_parts(&self.parts, keys)
    }

    /// Tells whether it can match a place at or below this member of a document.
    pub(crate) fn may_lie_in(&self, name: &str) -> bool {
        self.parts.first().is_some_and(|part| part.matches(name))
    }

    /// Tells whether this pattern can reach a place at, above or below one that `other` reaches.
    pub fn may_touch(&self, other: &Self) -> bool {
        for (mine, theirs) in self.written.iter().zip(&other.written) {
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
        Self::from(keys.to_vec())
    }

    /// Returns its parts, as they were written.
    pub fn parts(&self) -> &[String] {
        &self.written
    }

    /// Returns the parts in front of the first one that holds a `*`.
    pub fn fixed_prefix(&self) -> &[String] {
        let is_fixed = |part: &&Part| matches!(part, Part::Exact(_));
        let fixed = self.parts.iter().take_while(is_fixed).count();
        &self.written[..fixed]
    }

    /// Tells whether its last part, and no other, is a `*`.
    pub fn ends_in_one_star(&self) -> bool {
        self.fixed_prefix().len() + 1 == self.parts.len() && self.parts.last() == Some(&Part::Any)
    }

    /// Returns the object it looks into, if it looks into one: what stands before its first `*`.
    pub fn container(&self) -> Option<Path> {
        let fixed = self.fixed_prefix();
        (!fixed.is_empty() && fixed.len() < self.parts.len()).then(|| Path(fixed.to_vec()))
    }
}

impl From<&Path> for Pattern {
    fn from(path: &Path) -> Self {
        Self::from(path.0.clone())
    }
}

impl From<Vec<String>> for Pattern {
    fn from(written: Vec<String>) -> Self {
        let parts = written.iter().map(|part| Part::of(part)).collect();
        Self { written, parts }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written.join("."))
    }
}

impl FromStr for Pattern {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        split(text).map(Self::from)
    }
}

impl Part {
    fn of(written: &str) -> Self {
        match written {
            "**" => return Self::Deep,
            "*" => return Self::Any,
            _ => {}
        }
        let mut pieces = written.split('*').map(ToOwned::to_owned);
        let head = pieces.next().unwrap_or_default();
        match pieces.next_back() {
            None => Self::Exact(head),
            Some(tail) => Self::Pieces {
                head,
                middle: pieces.collect(),
                tail,
            },
        }
    }

    /// Tells whether it matches the whole of one key.
    fn matches(&self, key: &str) -> bool {
        match self {
            Self::Deep | Self::Any => true,
            Self::Exact(text) => text == key,
            Self::Pieces { head, middle, tail } => {
                let Some(mut left) = key.as_bytes().strip_prefix(head.as_bytes()) else {
                    return false;
                };
                for piece in middle {
                    match behind(left, piece.as_bytes()) {
                        Some(behind) => left = behind,
                        None => return false,
                    }
                }
                left.ends_with(tail.as_bytes())
            }
        }
    }
}

/// Returns what stands behind the first `piece`. Keys are short: a plain search is sooner done than
/// one that prepares itself.
fn behind<'t>(text: &'t [u8], piece: &[u8]) -> Option<&'t [u8]> {
    let Some((first, rest)) = piece.split_first() else {
        return Some(text);
    };
    (0..text.len())
        .filter(|at| text[*at] == *first)
        .find_map(|at| text[at + 1..].strip_prefix(rest))
}

fn matches_parts<K: AsRef<str>>(pattern: &[Part], keys: &[K]) -> bool {
    match pattern.split_first() {
        None => keys.is_empty(),
        Some((Part::Deep, left)) => {
            below(left, keys).any(|keys_left| matches_parts(left, keys_left))
        }
        Some((part, left)) => keys.split_first().is_some_and(|(key, keys_left)| {
            part.matches(key.as_ref()) && matches_parts(left, keys_left)
        }),
    }
}

/// As [`matches_parts`], of the beginning of `keys`.
fn reaches_parts<K: AsRef<str>>(pattern: &[Part], keys: &[K]) -> bool {
    match pattern.split_first() {
        None => true,
        Some((Part::Deep, left)) => {
            below(left, keys).any(|keys_left| reaches_parts(left, keys_left))
        }
        Some((part, left)) => keys.split_first().is_some_and(|(key, keys_left)| {
            part.matches(key.as_ref()) && reaches_parts(left, keys_left)
        }),
    }
}

/// Returns what `**` may leave of the keys. At the end of a pattern it stands for what is below,
/// not for the place itself.
fn below<'k, K>(pattern_left: &[Part], keys: &'k [K]) -> impl Iterator<Item = &'k [K]> {
    let least = usize::from(pattern_left.is_empty());
    (least..=keys.len()).map(|skipped| &keys[skipped..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        let glob = |pattern: &str, text: &str| Part::of(pattern).matches(text);
        assert!(glob("*auc*", "auc"));
        assert!(glob("a*b*c", "a-b-b-c"));
        assert!(glob("*", ""));
        assert!(!glob("a*a", "a"));
        assert!(!glob("*_seconds", "seconds"));
        assert!(glob("***", "") && glob("a**b", "ab") && !glob("*é*é", "é"));
    }

    proptest! {
        #[test]
        fn a_pattern_reaches_what_it_matches_and_all_below(
            pattern in "(\\*\\*|[ab*]{1,3})(\\.(\\*\\*|[ab*]{1,3})){0,3}",
            keys in proptest::collection::vec("[ab]{0,2}", 0..5),
        ) {
            let pattern: Pattern = pattern.parse().unwrap();
            let matched = (1..=keys.len()).any(|length| pattern.matches(&keys[..length]));
            prop_assert_eq!(pattern.reaches(&keys), matched);
            if let Some(first) = keys.first().filter(|_| matched) {
                prop_assert!(pattern.may_lie_in(first));
            }
        }
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
