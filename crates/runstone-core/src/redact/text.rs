//! A text and the secrets in it: every value rule at once, and what the text is without them.
//!
//! The invariant: what was redacted before is left as it is, so redacting twice is redacting once.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::builtin::Builtin;
use super::mark::{self, MASK};
use super::rules::{Redaction, What};
use super::{inline, place_name};

/// A part of a text that a built-in rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: Builtin,
}

/// A part of a text that a value rule of a profile names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The position of the rule.
    pub(super) rule: usize,
}

impl Redaction {
    /// Returns the secrets in `text`, in order and apart.
    pub(crate) fn hits(&self, text: &str) -> Vec<Hit> {
        let mut hits: Vec<Hit> = inline::hits(text)
            .into_iter()
            .map(|span| self.hit(span))
            .collect();
        for (rule, value) in self.values.iter().enumerate() {
            match &value.what {
                What::Builtin(Builtin::Home) => hits.extend(
                    place_name::homes(text, &self.names)
                        .into_iter()
                        .map(|(start, end)| Hit { start, end, rule }),
                ),
                What::Builtin(Builtin::UserHost) => hits.extend(
                    place_name::names(text, &self.names)
                        .into_iter()
                        .map(|(start, end)| Hit { start, end, rule }),
                ),
                What::Builtin(_) => {}
                What::Shape(shape) => {
                    hits.extend(shape.find_all(text).into_iter().map(|(start, end)| Hit {
                        start,
                        end,
                        rule,
                    }));
                }
            }
        }
        if !hits.is_empty() {
            mark::spare(text, &mut hits);
            settle(&mut hits);
        }
        hits
    }

    /// Returns `text` with every secret masked: for talk, errors, notes, and everything else that
    /// is no field of a document.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let hits = self.hits(text);
        if hits.is_empty() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(replaced(text, &hits, |_, _| MASK.to_owned()))
    }

    /// Returns the name of a rule that finds a secret in `text`, if one does.
    pub(crate) fn rule_hit(&self, text: &str) -> Option<&str> {
        let hit = *self.hits(text).first()?;
        Some(&self.values[hit.rule].name)
    }

    fn hit(&self, span: Span) -> Hit {
        let Span { start, end, rule } = span;
        let is_it = |value: &super::rules::ValueRule| matches!(value.what, What::Builtin(known) if known == rule);
        let rule = self
            .values
            .iter()
            .position(is_it)
            .expect("the rules that are always on stand in every redaction");
        Hit { start, end, rule }
    }
}

/// Returns `text` with every secret masked that the rules know which are always on.
pub fn masked(text: &str) -> Cow<'_, str> {
    static ALWAYS: LazyLock<Redaction> = LazyLock::new(Redaction::default);
    ALWAYS.text(text)
}

/// Returns `text` with each hit replaced by what `by` says of it.
pub(super) fn replaced(
    text: &str,
    hits: &[Hit],
    mut by: impl FnMut(&Hit, &str) -> String,
) -> String {
    let mut new = String::with_capacity(text.len());
    let mut at = 0;
    for hit in hits {
        new.push_str(&text[at..hit.start]);
        new.push_str(&by(hit, &text[hit.start..hit.end]));
        at = hit.end;
    }
    new.push_str(&text[at..]);
    new
}

/// Orders hits, and makes one of those that overlap.
fn settle(hits: &mut Vec<Hit>) {
    hits.sort_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end)));
    hits.dedup_by(|next, kept| {
        let overlaps = next.start < kept.end;
        if overlaps {
            kept.end = kept.end.max(next.end);
        }
        overlaps
    });
}

#[cfg(test)]
pub(super) fn hits_of_builtins(text: &str) -> Vec<Hit> {
    Redaction::default().hits(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn overlapping_hits_become_one() {
        let hit = |start, end, rule| Hit { start, end, rule };
        let mut hits = vec![hit(4, 8, 1), hit(0, 5, 0), hit(9, 10, 2)];
        settle(&mut hits);
        assert_eq!(hits, [hit(0, 8, 0), hit(9, 10, 2)]);
    }

    proptest! {
        #[test]
        fn redacting_twice_is_redacting_once(
            text in "((password|token|--api-key|https://a:b@c/|Bearer |\\?sig=|sk-|ghp_|[a-z0-9]{0,40}|[=: \"'\\\\@\\[\\]]|é){0,12})",
        ) {
            let redaction = Redaction::default();
            let once = redaction.text(&text).into_owned();
            prop_assert_eq!(redaction.text(&once).into_owned(), once);
        }
    }
}
