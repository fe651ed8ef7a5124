//! Patterns of names: whole, without case, `*` is any text.
//!
//! One meaning of `*` for every place where a person writes one for a flat name: the metric lists
//! of a profile and the `~` of a filter. Matching takes at most the product of both lengths and
//! never recurses. Patterns of document paths, where `*` stops at a dot, belong to the profile's
//! reader.

use std::fmt;

/// A pattern that is matched often, ready for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern {
    written: String,
    form: Form,
}

/// What a pattern asks of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// It is the name.
    Whole,
    /// In lower-case ASCII: the name begins so, holds these in order, and ends so.
    Pieces {
        head: Vec<u8>,
        middle: Vec<Vec<u8>>,
        tail: Vec<u8>,
        /// What of letters a name needs for it.
        letters: Letters,
    },
    /// It has characters whose case is not known from their bytes.
    Unicode,
}

/// A name that is held against many patterns, ready for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name<'n> {
    text: &'n str,
    /// Nothing where it has characters whose case is not known from their bytes.
    letters: Option<Letters>,
}

/// Which bytes there are, whatever their case: one bit for those that are alike in their lower five
/// bits. Most patterns need a letter that a name does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Letters(u32);

impl Letters {
    fn of(bytes: impl IntoIterator<Item = u8>) -> Self {
        let bits = bytes.into_iter().map(|byte| 1 << (byte & 31));
        Self(bits.fold(0, |all, bit: u32| all | bit))
    }

    const fn has_all(self, needed: Self) -> bool {
        self.0 & needed.0 == needed.0
    }
}

impl<'n> Name<'n> {
    pub(crate) fn of(text: &'n str) -> Self {
        let letters = text.is_ascii().then(|| Letters::of(text.bytes()));
        Self { text, letters }
    }
}

impl NamePattern {
    /// Returns the pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Tells whether it is a name, without any `*`.
    pub fn is_name(&self) -> bool {
        self.form == Form::Whole
    }

    /// Tells whether it matches the whole of `name`.
    pub fn matches(&self, name: &str) -> bool {
        self.matches_name(Name::of(name))
    }

    /// As [`NamePattern::matches`].
    pub(crate) fn matches_name(&self, name: Name<'_>) -> bool {
        match (&self.form, name.letters) {
            (Form::Whole, _) => same_name(&self.written, name.text),
            (
                Form::Pieces {
                    head,
                    middle,
                    tail,
                    letters,
                },
                Some(there),
            ) => there.has_all(*letters) && is_made_of(name.text.as_bytes(), head, middle, tail),
            (Form::Pieces { .. } | Form::Unicode, _) => matches(&self.written, name.text),
        }
    }
}

impl From<String> for NamePattern {
    fn from(written: String) -> Self {
        let mut pieces = written.split('*').map(str::to_ascii_lowercase);
        let head = pieces.next().unwrap_or_default().into_bytes();
        let form = match pieces.next_back() {
            None => Form::Whole,
            Some(_) if !written.is_ascii() => Form::Unicode,
            Some(tail) => Form::Pieces {
                head,
                middle: pieces.map(String::into_bytes).collect(),
                tail: tail.into_bytes(),
                letters: Letters::of(written.bytes().filter(|byte| *byte != b'*')),
            },
        };
        Self { written, form }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

fn is_made_of(name: &[u8], head: &[u8], middle: &[Vec<u8>], tail: &[u8]) -> bool {
    let begins = |text: &[u8], with: &[u8]| {
        text.get(..with.len())
            .is_some_and(|beginning| beginning.eq_ignore_ascii_case(with))
    };
    if !begins(name, head) {
        return false;
    }
    let mut left = &name[head.len()..];
    for piece in middle {
        let Some(first) = piece.first() else { continue };
        let found = (0..left.len())
            .filter(|at| left[*at].to_ascii_lowercase() == *first)
            .find(|at| begins(&left[*at..], piece));
        match found {
            Some(at) => left = &left[at + piece.len()..],
            None => return false,
        }
    }
    left.len()
        .checked_sub(tail.len())
        .is_some_and(|at| left[at..].eq_ignore_ascii_case(tail))
}

/// Tells whether `pattern` matches the whole of `name`.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    if pattern.is_ascii() && name.is_ascii() {
        return is_match(
            pattern.as_bytes(),
            name.as_bytes(),
            b'*',
            u8::eq_ignore_ascii_case,
        );
    }
    let pattern: Vec<char> = folded(pattern).collect();
    let name: Vec<char> = folded(name).collect();
    is_match(&pattern, &name, '*', char::eq)
}

fn is_match<C: PartialEq + Copy>(
    pattern: &[C],
    name: &[C],
    any_text: C,
    is_same: impl Fn(&C, &C) -> bool,
) -> bool {
    let (mut at, mut on) = (0, 0);
    // Where the last `*` stood, and how much of the name it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while on < name.len() {
        match pattern.get(at) {
            Some(wanted) if *wanted == any_text => {
                star = Some((at, on));
                at += 1;
            }
            Some(wanted) if is_same(wanted, &name[on]) => {
                at += 1;
                on += 1;
            }
            _ => match &mut star {
                Some((star_at, taken)) => {
                    *taken += 1;
                    (at, on) = (*star_at + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|rest| *rest == any_text)
}

/// Tells whether two names are equal without case.
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    folded(one).eq(folded(other))
}

fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn star_is_any_text_and_the_rest_is_the_whole_name() {
        assert!(matches("*auc*", "val_AUC.mean"));
        assert!(matches("*_seconds", "fit_seconds"));
        assert!(!matches("*_seconds", "fit_seconds.std"));
        assert!(matches("a*b*c", "a-b-b-c"));
        assert!(matches("*", "") && matches("", "") && !matches("", "a"));
        assert!(!matches("auc", "auc.mean"));
    }

    proptest! {
        #[test]
        fn a_name_matches_itself_and_itself_with_any_part_starred(
            before in "[a-zA-Z._]{0,8}", inside in "[a-zA-Z._]{0,8}", after in "[a-zA-Z._]{0,8}",
        ) {
            let name = format!("{before}{inside}{after}");
            prop_assert!(matches(&name, &name));
            let starred = format!("{before}*{after}");
            prop_assert!(matches(&starred, &name));
        }

        #[test]
        fn a_pattern_made_ready_matches_the_same(
            pattern in "[aB*é]{0,6}", name in "[abBÉé]{0,8}",
        ) {
            let ready = NamePattern::from(pattern.clone());
            prop_assert_eq!(ready.matches(&name), matches(&pattern, &name));
            prop_assert_eq!(ready.is_name(), !pattern.contains('*'));
        }
    }
}
