//! The canonical form: equal things have equal bytes.
//!
//! RFC 8785 (JCS) over [`Value`], by `serde_json_canonicalizer`. What makes that safe is the
//! number rule kept here and in the reader (`json`): every number in a value of ours is exactly the
//! binary64 it prints as, so nothing is altered on the way to bytes.

use serde_json::{Number, Value};

use crate::digest::Digest;

/// Largest magnitude up to which every whole number is a binary64: 2^53.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Returns the one form in which `value` is held: whole numbers up to 2^53 as integers (`6.0` is
/// `6`, `-0` is `0`), everything else as binary64. `None` if it is not finite.
pub fn number(value: f64) -> Option<Number> {
    if value.fract() == 0.0 && value.abs() <= WHOLE_MAX {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}

/// Returns `value` with every number in the form of [`number`].
pub fn settle(value: Value) -> Value {
    match value {
        Value::Number(found) => {
            let settled = found.as_f64().and_then(number);
            Value::Number(settled.unwrap_or(found))
        }
        Value::Array(items) => Value::Array(items.into_iter().map(settle).collect()),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(key, item)| (key, settle(item)))
                .collect(),
        ),
        other => other,
    }
}

/// Returns the canonical bytes of `value`: equal values, equal bytes.
///
/// # Source
/// RFC 8785.
#[expect(clippy::missing_panics_doc, reason = "cannot fail, see the message")]
pub fn bytes(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value)
        .expect("a JSON value has text keys and finite numbers, so it has a canonical form")
}

/// Returns the canonical bytes as text.
#[expect(clippy::missing_panics_doc, reason = "cannot fail, see the message")]
pub fn text(value: &Value) -> String {
    String::from_utf8(bytes(value)).expect("canonical JSON is UTF-8")
}

/// Returns the digest of the canonical bytes of `value`.
pub fn digest(value: &Value) -> Digest {
    Digest::of(&bytes(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spellings_of_one_number_have_one_form() {
        assert_eq!(bytes(&settle(json!([6.0, -0.0, 1e2]))), b"[6,0,100]");
    }

    #[test]
    fn key_order_does_not_count() {
        let a: Value = serde_json::from_str(r#"{"b":1,"a":2}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"a":2,"b":1}"#).unwrap();
        assert_eq!(bytes(&a), bytes(&b));
    }
}
