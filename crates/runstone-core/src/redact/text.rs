//! A text and the secrets in it: every value rule at once, and what the text is without them.
//!
//! The invariant: what was redacted before is left as it is, so redacting twice is redacting once.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::builtin::Builtin;
use super::mark::{self, MASK};
use super::rules::{Redaction, What};
use super::{inline, place_name};

/// How often a text is looked at again with marks in the places of what was found, before all of it
/// counts as secret; chosen, twice is rare.
const LOOKS_MAX: usize = 8;

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
    /// Returns the secrets in `text`, in order and apart; none is left, or comes up, once marks
    /// stand in their places.
    pub(crate) fn hits(&self, text: &str) -> Vec<Hit> {
        let mut hits = self.met(text);
        // A mark may be longer than its secret, and part words otherwise, so that what is around it
        // looks like a secret too.
        for _ in 0..LOOKS_MAX {
            if hits.is_empty() {
                return hits;
            }
            let more = self.met(&replaced(text, &hits, |_, _| MASK.to_owned()));
            if more.is_empty() {
                return hits;
            }
            let more: Vec<Hit> = more.into_iter().map(|hit| unmasked(&hits, hit)).collect();
            hits.extend(more);
            settle(&mut hits);
        }
        let rule = hits[0].rule;
        let (start, end) = (0, text.len());
        vec![Hit { start, end, rule }]
    }

    /// Returns the secrets that are met in `text` as it stands, in order and apart.
    fn met(&self, text: &str) -> Vec<Hit> {
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

/// Returns a hit of the text in which marks stand for `hits` as one of the text before: in the
/// place of a mark that it touches stands all that the mark stands for.
fn unmasked(hits: &[Hit], hit: Hit) -> Hit {
    let Hit { start, end, rule } = hit;
    let (mut new, mut old) = (0, 0);
    let (mut first, mut last) = (None, None);
    for mark in hits {
        let begins = new + (mark.start - old);
        let ends = begins + MASK.len();
        first = first.or_else(|| (start < begins).then(|| old + (start - new)));
        last = last.or_else(|| (end <= begins).then(|| old + (end - new)));
        first = first.or_else(|| (start < ends).then_some(mark.start));
        last = last.or_else(|| (end <= ends).then_some(mark.end));
        (new, old) = (ends, mark.end);
    }
    Hit {
        start: first.unwrap_or_else(|| old + (start - new)),
        end: last.unwrap_or_else(|| old + (end - new)),
        rule,
    }
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

    #[test]
    fn what_looks_like_a_secret_only_beside_a_mark_is_redacted_at_once() {
        let once = masked("Bearer 0sk-?sig==").into_owned();
        assert_eq!(once, "Bearer [redacted]");
        assert_eq!(masked(&once), once);
        assert_eq!(
            masked("Bearer 0123456789abcdef[redacted]"),
            "Bearer [redacted]"
        );
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
