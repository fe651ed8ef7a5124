//! What stands where a secret stood: `[redacted]`, or a pseudonym.
//!
//! Both are read as what they are, so that a document that was redacted and is handed in again
//! stays as it is. The marks hold no dot, since names of fields are joined by dots, and never
//! change: they are part of what the content digest covers.

use std::borrow::Cow;
use std::ops::Range;

use super::text::Hit;

/// Stands for what was masked.
pub const MASK: &str = "[redacted]";
/// How a pseudonym begins.
pub(super) const PSEUDONYM: &str = "pseudonym:";
/// Hex digits of a pseudonym: 128 bits, so that no two values share one by accident.
pub(super) const DIGITS: usize = 32;

/// Tells whether the whole of `text` stands for something that was redacted.
pub fn is_mark(text: &str) -> bool {
    text == MASK || pseudonym_length(text) == Some(text.len())
}

/// Takes back what lies within a mark, and stretches over the whole of a mark what only touches it.
pub(super) fn spare(text: &str, hits: &mut Vec<Hit>) {
    let marks = marks(text);
    if marks.is_empty() {
        return;
    }
    hits.retain_mut(|hit| {
        for mark in &marks {
            if hit.start >= mark.start && hit.end <= mark.end {
                return false;
            }
            if hit.start < mark.end && mark.start < hit.end {
                hit.start = hit.start.min(mark.start);
                hit.end = hit.end.max(mark.end);
            }
        }
        true
    });
}

/// Returns `text` without the marks in it.
pub(super) fn left_out(text: &str) -> Cow<'_, str> {
    let mut marks = marks(text);
    if marks.is_empty() {
        return Cow::Borrowed(text);
    }
    marks.sort_by_key(|mark| mark.start);
    let mut left = String::new();
    let mut at = 0;
    for mark in marks {
        left.push_str(&text[at..mark.start]);
        at = mark.end;
    }
    left.push_str(&text[at..]);
    Cow::Owned(left)
}

/// Returns where marks stand in `text`.
fn marks(text: &str) -> Vec<Range<usize>> {
    let masks = text.match_indices(MASK).map(|(at, _)| at..at + MASK.len());
    let pseudonyms = text
        .match_indices(PSEUDONYM)
        .filter_map(|(at, _)| Some(at..at + pseudonym_length(&text[at..])?));
    masks.chain(pseudonyms).collect()
}

fn pseudonym_length(text: &str) -> Option<usize> {
    let digits = text.strip_prefix(PSEUDONYM)?.get(..DIGITS)?;
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    digits
        .bytes()
        .all(is_hex)
        .then_some(PSEUDONYM.len() + DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_mark_is_one() {
        assert!(is_mark(MASK));
        assert!(is_mark("pseudonym:0123456789abcdef0123456789abcdef"));
        for text in [
            "",
            "[redacted] x",
            "pseudonym:0123",
            "pseudonym:0123456789ABCDEF0123456789ABCDEF",
        ] {
            assert!(!is_mark(text), "{text}");
        }
    }
}
