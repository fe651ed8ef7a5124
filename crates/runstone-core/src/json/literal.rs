//! Number literals: the exact text of each number, and whether a binary64 can hold it.
//!
//! A JSON parser hands on numbers, not their text, and by then 1e-400 is 0 and 2^53+1 is 2^53. So
//! the literals are read once more from the same bytes, in the same order. The invariant: a literal
//! is either held exactly (integers, and the canonical spelling of one), rounded to the nearest
//! binary64 (other decimals), or refused.

use serde_json::Number;

use crate::canon;

/// Largest magnitude up to which every whole number is a binary64: 2^53.
const EVERY_WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
/// Longest literal that is quoted whole, in bytes: a longer one may be the number of a card.
const QUOTED_BYTES_MAX: usize = 8;
/// How much of a longer one is quoted, in bytes.
const BEGINNING_BYTES: usize = 2;

/// Why a literal cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiteralError {
    /// A whole number that no binary64 equals.
    #[error("`{literal}` is not exactly a binary64 number")]
    Inexact {
        /// The literal; of a long one the beginning and the length.
        literal: String,
    },
    /// Larger than any binary64.
    #[error("`{literal}` is larger than any binary64 number")]
    Overflow {
        /// The literal; of a long one the beginning and the length.
        literal: String,
    },
    /// Not zero, and smaller than any binary64.
    #[error("`{literal}` is not zero but smaller than any binary64 number")]
    Underflow {
        /// The literal; of a long one the beginning and the length.
        literal: String,
    },
    /// A bare `NaN`, `Infinity` or `-Infinity`.
    #[error("`{literal}` is no JSON number")]
    NotFinite {
        /// The word.
        literal: &'static str,
    },
}

impl LiteralError {
    /// Returns what to do about it, in one sentence.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Inexact { .. } | Self::Overflow { .. } | Self::Underflow { .. } => {
                "send it as text"
            }
            Self::NotFinite { literal: "NaN" } => "send it as the text \"NaN\"",
            Self::NotFinite {
                literal: "Infinity",
            } => "send it as the text \"Infinity\"",
            Self::NotFinite { .. } => "send it as the text \"-Infinity\"",
        })
    }
}

/// The number literals of a JSON text, in document order.
#[derive(Debug)]
pub(super) struct Literals<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Literals<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, at: 0 }
    }
}

impl<'t> Iterator for Literals<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let bytes = self.text.as_bytes();
        let mut in_string = false;
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b'\\' if in_string => self.at += 1,
                b'"' => in_string = !in_string,
                b'-' | b'0'..=b'9' if !in_string => {
                    let end = self.at + length(&bytes[self.at..]);
                    let literal = &self.text[self.at..end];
                    self.at = end;
                    return Some(literal);
                }
                _ => {}
            }
            self.at += 1;
        }
        None
    }
}

/// Returns the number that a literal stands for, in the one form numbers are held in.
pub(super) fn number(literal: &str) -> Result<Number, LiteralError> {
    let quoted = || match literal.len() {
        0..=QUOTED_BYTES_MAX => literal.to_owned(),
        length => format!("{}… ({length} characters)", &literal[..BEGINNING_BYTES]),
    };
    let nearest: f64 = literal.parse().unwrap_or(f64::NAN);
    let Some(number) = canon::number(nearest) else {
        return Err(LiteralError::Overflow { literal: quoted() });
    };
    let (mantissa, is_whole) = match literal.find(['.', 'e', 'E']) {
        Some(_) => (literal.split(['e', 'E']).next().unwrap_or(literal), false),
        None => (literal, true),
    };
    // The canonical spelling of a large whole number ends in zeros that its value need not have:
    // what was written by these rules is read by them.
    if is_whole
        && nearest.abs() >= EVERY_WHOLE_MAX
        && format!("{nearest:.0}") != literal
        && canon::text(&number) != literal
    {
        return Err(LiteralError::Inexact { literal: quoted() });
    }
    if nearest == 0.0 && mantissa.contains(|digit| matches!(digit, '1'..='9')) {
        return Err(LiteralError::Underflow { literal: quoted() });
    }
    Ok(number)
}

/// Returns the error for a bare `NaN`, `Infinity` or `-Infinity` around a place in `text`.
pub(super) fn not_finite(text: &str, line: usize, column: usize) -> Option<LiteralError> {
    let line_text = text.split('\n').nth(line.checked_sub(1)?)?.as_bytes();
    let at = column.saturating_sub(1).min(line_text.len());
    let is_in_word = |byte: &&u8| byte.is_ascii_alphabetic() || **byte == b'-';
    let before = line_text[..at].iter().rev().take_while(is_in_word).count();
    let after = line_text[at..].iter().take_while(is_in_word).count();
    let word = &line_text[at - before..at + after];
    ["NaN", "Infinity", "-Infinity"]
        .into_iter()
        .find(|literal| literal.as_bytes() == word)
        .map(|literal| LiteralError::NotFinite { literal })
}

/// Returns the length of the number that `bytes` begin with, by the grammar of JSON.
fn length(bytes: &[u8]) -> usize {
    let digits = |from: usize| {
        let left = bytes.get(from..).unwrap_or_default();
        from + left.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let is = |at: usize, of: &[u8]| bytes.get(at).is_some_and(|byte| of.contains(byte));
    let mut end = digits(usize::from(is(0, b"-")));
    if is(end, b".") {
        end = digits(end + 1);
    }
    if is(end, b"eE") {
        end = digits(end + 1 + usize::from(is(end + 1, b"+-")));
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_come_in_order_and_digits_in_text_do_not() {
        let text = r#"{"1": -2.5e3, "a\"4": ["5", 6, {"7\\": 8}]}"#;
        assert_eq!(Literals::of(text).collect::<Vec<_>>(), ["-2.5e3", "6", "8"]);
    }

    #[test]
    fn whole_numbers_are_kept_exactly_or_refused() {
        for exact in [
            "9007199254740992",
            "-9007199254740994",
            "18446744073709551616",
        ] {
            assert!(number(exact).is_ok(), "{exact}");
        }
        for inexact in [
            "9007199254740993",
            "-9007199254740993",
            "18446744073709551615",
        ] {
            assert!(
                matches!(number(inexact), Err(LiteralError::Inexact { .. })),
                "{inexact}"
            );
        }
    }

    #[test]
    fn whole_numbers_are_read_in_the_spelling_they_are_written_in() {
        for exact in ["18446744073709551616", "-18446744073709549568", "1e20"] {
            let read = number(exact).unwrap();
            let written = canon::text(&read);
            assert_eq!(number(&written), Ok(read), "{written}");
        }
        // No binary64 either, and not how the nearest one is written.
        assert!(number("18446744073709552001").is_err());
    }

    #[test]
    fn what_leaves_the_range_is_refused_and_zero_is_not() {
        assert!(matches!(
            number("1e400"),
            Err(LiteralError::Overflow { .. })
        ));
        assert!(matches!(
            number("-1e400"),
            Err(LiteralError::Overflow { .. })
        ));
        assert!(matches!(
            number("1e-400"),
            Err(LiteralError::Underflow { .. })
        ));
        assert!(matches!(
            number("-0.001e-400"),
            Err(LiteralError::Underflow { .. })
        ));
        for zero in ["0", "-0", "0.0", "0e-400", "-0.0E9"] {
            assert_eq!(number(zero), Ok(Number::from(0)), "{zero}");
        }
        assert!(number("5e-324").is_ok());
    }
}
