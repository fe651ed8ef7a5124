//! Names and values in words, as several answers share them: short cohorts, fields, metrics.

use std::collections::BTreeMap;

use runstone::core::diff::wording;
use runstone::core::metric::MetricValue;
use serde_json::Value;

use crate::ui::plain;

/// Fewest digits of a cohort shown, chosen so that a store of a thousand cohorts rarely needs more.
const DIGITS_MIN: usize = 4;
/// Metrics shown on a line when none decides.
const OTHERS_SHOWN: usize = 2;

/// Digits of a digest that are shown: as many as tell two apart by eye.
const DIGEST_SHOWN: usize = 12;

/// Returns a stored value in words, cut to `size_max` characters. Of a digest its beginning is
/// enough.
pub(crate) fn shown(value: Option<&Value>, size_max: usize) -> String {
    match value {
        Some(Value::String(text)) if is_digest(text) => cut(text, DIGEST_SHOWN + 1),
        value => cut(&wording::value(value), size_max),
    }
}

/// Returns both sides of a change so that they read differently, each in at most `size_max`
/// characters where that tells them apart.
pub(crate) fn shown_apart(
    one: Option<&Value>,
    other: Option<&Value>,
    size_max: usize,
) -> (String, String) {
    let short = (shown(one, size_max), shown(other, size_max));
    if short.0 != short.1 {
        return short;
    }
    // They differ in their type, or behind the cut.
    let (one, other) = wording::apart(one, other);
    (plain(&one), plain(&other))
}

/// Returns a stored text cut to `size_max` characters, safe for a terminal.
pub(crate) fn cut(text: &str, size_max: usize) -> String {
    let safe = plain(text);
    if safe.chars().count() <= size_max {
        return safe;
    }
    let mut short: String = safe.chars().take(size_max.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Returns a name of at most `size_max` characters, cut in the middle: names that a machine made
/// differ at their end.
pub(crate) fn cut_within(name: &str, size_max: usize) -> String {
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= size_max {
        return name.to_owned();
    }
    let tail = size_max / 2;
    let head = size_max.saturating_sub(tail + 1);
    let (head, tail) = (&characters[..head], &characters[characters.len() - tail..]);
    head.iter().chain(&['…']).chain(tail).collect()
}

/// Tells whether a text is a SHA-256, or the name of a commit.
fn is_digest(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns the shortest beginning of a cohort's digits that is unique among `all`.
pub(crate) fn short_cohort<'a>(cohort: &'a str, all: &[&str]) -> &'a str {
    let digits = digits_of(cohort);
    let clashes = |size: usize| {
        all.iter()
            .filter(|other| **other != cohort)
            .any(|other| digits_of(other).get(..size) == digits.get(..size))
    };
    let size = (DIGITS_MIN..digits.len())
        .find(|size| !clashes(*size))
        .unwrap_or(digits.len());
    digits.get(..size).unwrap_or(digits)
}

/// Returns the shortest beginning of a cohort's id that is unique among `all`, with its words.
pub(crate) fn cohort_prefix<'a>(cohort: &'a str, all: &[&str]) -> &'a str {
    let cut = digits_of(cohort).len() - short_cohort(cohort, all).len();
    &cohort[..cohort.len() - cut]
}

fn digits_of(cohort: &str) -> &str {
    cohort.rsplit('.').next().unwrap_or(cohort)
}

/// Returns the metrics a line has room for: those that decide, else the first few.
pub(crate) fn metrics(
    primary: &[(String, MetricValue)],
    metrics: &BTreeMap<String, MetricValue>,
) -> String {
    let item = |name: &str, value: MetricValue| format!("{} {}", metric_name(name), metric(value));
    let shown: Vec<String> = if primary.is_empty() {
        let others = metrics.iter().filter(|(name, _)| !is_spread(name));
        others
            .take(OTHERS_SHOWN)
            .map(|(name, value)| item(name, *value))
            .collect()
    } else {
        primary
            .iter()
            .map(|(name, value)| item(name, *value))
            .collect()
    };
    shown.join("  ")
}

/// Returns a metric's name without the `.mean` that every repeated metric has.
pub(crate) fn metric_name(name: &str) -> &str {
    name.strip_suffix(".mean").unwrap_or(name)
}

/// Whether a metric only tells how another one spreads.
pub(crate) fn is_spread(name: &str) -> bool {
    matches!(name.rsplit_once('.'), Some((_, "std" | "n")))
}

/// Returns what is said of a field of an identity group, behind the field's name without what the
/// group says already; a group that is one field of its own name needs no second one.
pub(crate) fn of_field(group: &str, path: &str, words: &str) -> String {
    let own = format!("identity.{group}");
    if path == own || path == group {
        return words.to_owned();
    }
    let below = path
        .strip_prefix(&own)
        .and_then(|path| path.strip_prefix('.'));
    format!("{} {words}", plain(below.unwrap_or(path)))
}

/// Returns a count with its noun, in the plural where that is due.
pub(crate) fn count(number: u64, noun: &str) -> String {
    match (number, noun) {
        (1, _) => format!("1 {noun}"),
        (_, "entry") => format!("{number} entries"),
        _ => format!("{number} {noun}s"),
    }
}

/// Returns a metric's value for people.
pub(crate) fn metric(value: MetricValue) -> String {
    value
        .finite()
        .map_or_else(|| value.to_string(), wording::number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn short_cohorts_stay_unique() {
        let all = [
            "train.a.3f9a0c1e7b42d001",
            "train.b.3f9a1c1e7b42d001",
            "eval.0000000000000000",
        ];
        assert_eq!(short_cohort(all[0], &all), "3f9a0");
        assert_eq!(short_cohort(all[2], &all), "0000");
        assert_eq!(short_cohort(all[0], &all[..1]), "3f9a");
    }

    #[test]
    fn counts_take_the_plural_where_it_is_due() {
        assert_eq!(count(1, "entry"), "1 entry");
        assert_eq!(count(2, "entry"), "2 entries");
        assert_eq!(count(0, "key"), "0 keys");
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        assert_eq!(
            cut_within("20261121-133912-6c23bf", 22),
            "20261121-133912-6c23bf"
        );
        assert_eq!(cut_within("20261121-133912-6c23bf", 14), "202611…-6c23bf");
    }

    #[test]
    fn of_a_digest_the_beginning_is_shown() {
        let digest = "8a86c12acaa16f003db95c023e307f8e".repeat(2);
        assert_eq!(shown(Some(&json!(digest)), 40), "8a86c12acaa1…");
        assert_eq!(shown(Some(&json!(digest[..30])), 40), digest[..30]);
    }

    #[test]
    fn long_text_is_cut_with_a_mark() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("a\u{1b}b", 20), "a\\u{1b}b");
    }
}
