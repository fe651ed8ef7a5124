//! Numbers and changes in the words people read.
//!
//! What is stored is exact; what is read should show the digits that matter and no more:
//! `0.6118 → 0.6225 (+0.0107)`. The invariant kept: two values that differ never read the same.
//! Colour, alignment and width belong to the faces.

use serde_json::{Number, Value};

/// Digits behind the first of a number by itself: six significant ones.
const DIGITS_BEHIND_FIRST: usize = 5;
/// Significant digits of a value beside the one it is compared with.
const DIGITS_BESIDE: i32 = 4;
/// Significant digits of a difference.
const DIGITS_OF_DELTA: i32 = 3;
/// The same, behind the first one.
const DELTA_DIGITS_BEHIND_FIRST: usize = 2;
/// Below this size canonical JSON has no exponent, and whole numbers are shown in all their digits.
const WHOLE_IN_FULL_MAX: f64 = 1e21;
/// Longest text shown of one value, in characters.
const VALUE_CHARS_MAX: usize = 60;

/// A move between two values, each in the digits that matter beside the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// The value before.
    pub prev: String,
    /// The value now.
    pub curr: String,
    /// The difference with its sign: `+0.0107`, `−0.0092`, `0`.
    pub delta: String,
}

/// Returns `value` in at most six significant digits; whole numbers in all of theirs.
pub fn number(value: f64) -> String {
    if !value.is_finite() || (value.fract() == 0.0 && is_plain(value)) {
        return crate::metric::MetricValue::new(value).to_string();
    }
    let rounded = format!("{value:.DIGITS_BEHIND_FIRST$e}")
        .parse()
        .unwrap_or(value);
    shortest(rounded)
}

/// Returns the move from `prev` to `curr` in words.
pub fn movement(prev: f64, curr: f64) -> Movement {
    // A negative zero reads like zero.
    let (prev, curr) = (prev + 0.0, curr + 0.0);
    let difference = curr - prev;
    let in_words = |prev: String, curr: String, size: String| Movement {
        prev,
        curr,
        delta: signed(difference, size),
    };
    // The difference of two decimals has no more decimals than they have: what binary64 shows
    // behind them is rounding.
    let exact = decimals_of(prev).max(decimals_of(curr));
    if ![prev, curr, difference].into_iter().all(is_plain) {
        let [short, long] = [number, shortest].map(|word| (word(prev), word(curr)));
        let (prev_text, curr_text) = if short.0 == short.1 && prev.to_bits() != curr.to_bits() {
            long
        } else {
            short
        };
        return in_words(prev_text, curr_text, tiny_or_huge(difference, exact));
    }
    let shown = decimals_for(difference, DIGITS_OF_DELTA).min(exact);
    let side = |value: f64| {
        let own = decimals_for(value, DIGITS_BESIDE)
            .max(shown)
            .min(decimals_of(value));
        fixed(value, own)
    };
    in_words(side(prev), side(curr), fixed(difference.abs(), shown))
}

/// Returns the difference from `prev` to `curr` with its sign, in the digits that matter.
pub fn delta(prev: f64, curr: f64) -> String {
    movement(prev, curr).delta
}

/// Returns a stored value for a line of text; `∅` for an absent one.
///
/// Long values end in `…`, control characters are escaped.
pub fn value(value: Option<&Value>) -> String {
    let text = match value {
        None => return "∅".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => in_full(number),
        Some(other) => crate::canon::text(other),
    };
    cut(&text)
}

/// Returns a number as it may be written again: canonical JSON rounds the last digits of large
/// whole numbers away, and then no binary64 equals what is left.
fn in_full(number: &Number) -> String {
    let value = number.as_f64().unwrap_or_default();
    if value.fract() == 0.0 && value.abs() < WHOLE_IN_FULL_MAX {
        format!("{value:.0}")
    } else {
        crate::canon::text(&Value::Number(number.clone()))
    }
}

/// Returns a changed value as `before→now`.
pub fn change(prev: Option<&Value>, curr: Option<&Value>) -> String {
    let (before, now) = apart(prev, curr);
    format!("{before}→{now}")
}

/// Returns two values that differ so that they read differently: text in quotes when it would read
/// like the other side's number or list, both with a digest when they differ only where neither is
/// shown.
pub fn apart(one: Option<&Value>, other: Option<&Value>) -> (String, String) {
    let bare = (value(one), value(other));
    if bare.0 != bare.1 {
        return bare;
    }
    let quoted = |side: Option<&Value>| match side {
        Some(Value::String(text)) => format!("\"{}\"", cut(text)),
        side => value(side),
    };
    let quoted = (quoted(one), quoted(other));
    if quoted.0 != quoted.1 || one == other {
        return quoted;
    }
    let digest = |side: Option<&Value>| {
        side.map_or_else(
            || "∅".to_owned(),
            |value| crate::canon::digest(value).prefix(8),
        )
    };
    (
        format!("{} ({})", quoted.0, digest(one)),
        format!("{} ({})", quoted.1, digest(other)),
    )
}

/// Returns the end of a sentence that claims equality while some inputs were not captured; nothing
/// where all are known.
pub fn as_far_as_known(unknown: &[&str]) -> String {
    match unknown {
        [] => String::new(),
        sections => format!(" as far as known ({} not captured)", sections.join(" and ")),
    }
}

/// Whether a number reads well without an exponent.
fn is_plain(value: f64) -> bool {
    let size = value.abs();
    size == 0.0 || (1e-4..1e15).contains(&size)
}

/// All digits that tell this number from every other, with an exponent where that reads better.
fn shortest(value: f64) -> String {
    if is_plain(value) || !value.is_finite() {
        crate::metric::MetricValue::new(value).to_string()
    } else {
        format!("{value:e}")
    }
}

/// The size of a difference of two numbers with at most `decimals` decimals, in the digits that
/// matter.
fn tiny_or_huge(difference: f64, decimals: usize) -> String {
    let size = difference.abs();
    let rounded = |text: String| text.parse().ok().filter(|value: &f64| *value > 0.0);
    let size = rounded(format!("{size:.decimals$}")).unwrap_or(size);
    if !size.is_finite() {
        return number(size);
    }
    shortest(rounded(format!("{size:.DELTA_DIGITS_BEHIND_FIRST$e}")).unwrap_or(size))
}

/// Decimals of the shortest decimal that is this number.
fn decimals_of(value: f64) -> usize {
    value
        .to_string()
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len())
}

/// Decimals at which `value` shows `digits` significant digits.
fn decimals_for(value: f64, digits: i32) -> usize {
    if value.abs() > 0.0 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a binary64's exponent is small"
        )]
        let magnitude = libm::log10(value.abs()).floor() as i32;
        usize::try_from(digits - 1 - magnitude).unwrap_or(0)
    } else {
        0
    }
}

fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn signed(difference: f64, size: String) -> String {
    if difference > 0.0 {
        format!("+{size}")
    } else if difference < 0.0 {
        format!("−{size}")
    } else {
        size
    }
}

fn cut(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(VALUE_CHARS_MAX)
        .flat_map(visible)
        .collect();
    if text.chars().nth(VALUE_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

fn visible(character: char) -> impl Iterator<Item = char> {
    let escaped = character.is_control().then(|| character.escape_default());
    let plain = (!character.is_control()).then_some(character);
    escaped.into_iter().flatten().chain(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn line(prev: f64, curr: f64) -> String {
        let Movement { prev, curr, delta } = movement(prev, curr);
        format!("{prev} → {curr} ({delta})")
    }

    #[test]
    fn a_move_shows_the_digits_that_matter() {
        assert_eq!(line(0.6118, 0.6225), "0.6118 → 0.6225 (+0.0107)");
        assert_eq!(line(0.6604, 0.6512), "0.6604 → 0.6512 (−0.0092)");
        assert_eq!(line(18.4, 22.9), "18.4 → 22.9 (+4.5)");
        assert_eq!(line(0.702, 0.611_833_45), "0.702 → 0.6118 (−0.0902)");
        assert_eq!(line(1.0, 1.0), "1 → 1 (0)");
        assert_eq!(line(-0.0, 0.0), "0 → 0 (0)");
        assert_eq!(line(1e-7, 3e-7), "1e-7 → 3e-7 (+2e-7)");
        assert_eq!(line(0.123_456, 1000.5), "0.1235 → 1000 (+1000)");
        assert_eq!(line(0.6, 0.600_012_34), "0.6 → 0.600012 (+1.23e-5)");
        assert_eq!(
            line(0.6, 0.600_000_000_000_1),
            "0.6 → 0.6000000000001 (+1e-13)"
        );
    }

    #[test]
    fn a_number_alone_has_at_most_six_digits_unless_it_is_whole() {
        assert_eq!(number(0.1 + 0.2), "0.3");
        assert_eq!(number(123.456_789), "123.457");
        assert_eq!(number(48_211_000.0), "48211000");
        assert_eq!(number(1.5e-9), "1.5e-9");
        assert_eq!(number(-0.0), "0");
        assert_eq!(number(f64::NAN), "NaN");
    }

    #[test]
    fn values_read_bare_and_absent_ones_are_said() {
        assert_eq!(change(Some(&json!(0.05)), Some(&json!(0.01))), "0.05→0.01");
        assert_eq!(change(None, Some(&json!("3.12.1"))), "∅→3.12.1");
        assert_eq!(change(Some(&json!([1, 2])), Some(&json!([1]))), "[1,2]→[1]");
        assert_eq!(value(Some(&json!("a\u{1b}[0m"))), "a\\u{1b}[0m");
        assert_eq!(value(Some(&json!(1_u64 << 60))), "1152921504606846976");
        assert_eq!(value(Some(&json!(1e300))), "1e+300");
        assert_eq!(value(Some(&json!(-0.5))), "-0.5");
    }

    #[test]
    fn different_values_never_read_the_same() {
        assert_eq!(change(Some(&json!("5")), Some(&json!(5))), "\"5\"→5");
        let long = |end: &str| json!(format!("{}{end}", "x".repeat(VALUE_CHARS_MAX)));
        let (a, b) = (long("a"), long("b"));
        for (one, other) in [
            (Some(&a), Some(&b)),
            (Some(&json!("∅")), None),
            (Some(&json!("null")), Some(&Value::Null)),
            (Some(&json!("a\\u{1b}")), Some(&json!("a\u{1b}"))),
        ] {
            let (one, other) = apart(one, other);
            assert_ne!(one, other);
        }
    }

    proptest! {
        #[test]
        fn different_numbers_never_read_the_same(prev: f64, curr: f64, step in 0_u64..4) {
            let near = f64::from_bits(prev.to_bits().wrapping_add(step));
            for other in [curr, near].into_iter().filter(|other| other.is_finite()) {
                let said = movement(prev, other);
                let differ = (prev - other).abs() > 0.0;
                prop_assert_eq!(said.prev != said.curr, differ);
                prop_assert_eq!(said.delta != "0", differ);
            }
        }
    }
}
