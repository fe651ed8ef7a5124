//! The canonical form: equal things have equal bytes.
//!
//! RFC 8785 (JCS) over [`Value`]. Every fingerprint, key and payload passes here several times,
//! which is why the writer is our own, held against `serde_json_canonicalizer` by a property test.
//! What makes it safe is the number rule kept here and in the reader (`json`): every number in a
//! value of ours is exactly the binary64 it prints as, so nothing is altered on the way to bytes.

use std::io::Write as _;

use serde_json::{Map, Number, Value};

use crate::digest::Digest;

/// Largest magnitude up to which every whole number is a binary64: 2^53.
pub(crate) const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// The same, as an integer.
const WHOLE_MAX_EXACT: u64 = 1 << 53;

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
pub fn settle(mut value: Value) -> Value {
    settle_in_place(&mut value);
    value
}

/// Brings every number of `value` into the form of [`number`].
pub fn settle_in_place(value: &mut Value) {
    match value {
        Value::Number(found) => {
            if let Some(settled) = found.as_f64().and_then(number) {
                *found = settled;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(settle_in_place),
        Value::Object(members) => members.values_mut().for_each(settle_in_place),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Returns the canonical bytes of `value`: equal values, equal bytes.
///
/// # Source
/// RFC 8785. Numbers print as ECMAScript prints them (section 3.2.2.3), by `ryu_js`; text is
/// escaped as section 3.2.2.2 says, which is what `serde_json` does; keys are ordered by UTF-16
/// code units (section 3.2.3).
pub fn bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(members) => write_object(members, out),
    }
}

fn write_object(members: &Map<String, Value>, out: &mut Vec<u8>) {
    // The map is in the order of UTF-8 bytes, which is that of UTF-16 unless a character from
    // U+E000 on (its first byte is 0xEE or more) meets one that needs a surrogate pair.
    if members
        .keys()
        .any(|key| key.bytes().any(|byte| byte >= 0xEE))
    {
        let mut in_order: Vec<(&String, &Value)> = members.iter().collect();
        in_order.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
        write_members(in_order.into_iter(), out);
    } else {
        write_members(members.iter(), out);
    }
}

fn write_members<'v>(members: impl Iterator<Item = (&'v String, &'v Value)>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (at, (key, value)) in members.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_text(key, out);
        out.push(b':');
        write(value, out);
    }
    out.push(b'}');
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    serde_json::to_writer(out, text).expect("text becomes JSON, and memory takes every write");
}

fn write_number(number: &Number, out: &mut Vec<u8>) {
    if let Some(whole) = number.as_i64()
        && whole.unsigned_abs() <= WHOLE_MAX_EXACT
    {
        write!(out, "{whole}").expect("memory takes every write");
        return;
    }
    let value = number
        .as_f64()
        .expect("without arbitrary precision every number is a binary64");
    let mut buffer = ryu_js::Buffer::new();
    out.extend_from_slice(buffer.format_finite(value).as_bytes());
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
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn spellings_of_one_number_have_one_form() {
        assert_eq!(bytes(&settle(json!([6.0, -0.0, 1e2]))), b"[6,0,100]");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            any::<String>(),
            "[a-z\u{e000}\u{ffff}\u{10000}\"\\\u{0}-\u{1f}]{0,6}"
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(|number| settle(json!(number))),
            any::<i64>().prop_map(|number| settle(json!(number))),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(text.clone(), inner, 0..6)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn canonical_bytes_are_those_of_another_implementation(value in any_value()) {
            let other = serde_json_canonicalizer::to_vec(&value).unwrap();
            prop_assert_eq!(bytes(&value), other);
        }
    }

    #[test]
    fn key_order_does_not_count() {
        let a: Value = serde_json::from_str(r#"{"b":1,"a":2}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"a":2,"b":1}"#).unwrap();
        assert_eq!(bytes(&a), bytes(&b));
    }
}
