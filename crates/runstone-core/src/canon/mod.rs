//! The canonical form: equal things have equal bytes.
//!
//! RFC 8785 (JCS) over a [`Value`], or over whatever describes itself as one would: a view is
//! written from the parts it is made of. Every fingerprint, key and payload passes here several
//! times, which is why the writer is our own, held against `serde_json_canonicalizer` by a property
//! test. What makes it safe is the number rule kept here and in the reader (`json`): every number
//! in a value of ours is exactly the binary64 it prints as, so nothing is altered on the way to
//! bytes.

mod writer;

use serde::Serialize;
use serde_json::{Number, Value};

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
/// A [`Value`] and what describes itself with the same members have the same bytes, whatever order
/// the members are told in.
///
/// # Panics
/// If `value` has no canonical form: a number that is not finite, a key that is not text, raw
/// bytes, a variant that holds something. A [`Value`] always has one.
///
/// # Source
/// RFC 8785. Numbers print as ECMAScript prints them (section 3.2.2.3), by `ryu_js`; text is
/// escaped as section 3.2.2.2 says, which is what `serde_json` does; keys are ordered by UTF-16
/// code units (section 3.2.3).
pub fn bytes<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    write(value, &mut out);
    out
}

/// Appends the canonical bytes of `value` to `out`.
///
/// # Panics
/// As [`bytes`].
pub fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    writer::write(value, out).expect("what is written here has a canonical form");
}

/// Returns what describes itself as a value.
///
/// # Panics
/// As [`bytes`].
pub fn value<T: Serialize + ?Sized>(described: &T) -> Value {
    serde_json::to_value(described).expect("what is described here has a canonical form")
}

/// Returns the canonical bytes as text.
///
/// # Panics
/// As [`bytes`].
pub fn text<T: Serialize + ?Sized>(value: &T) -> String {
    String::from_utf8(bytes(value)).expect("canonical JSON is UTF-8")
}

/// Returns the digest of the canonical bytes of `value`.
///
/// # Panics
/// As [`bytes`].
pub fn digest<T: Serialize + ?Sized>(value: &T) -> Digest {
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

    /// An object that tells its members in the order it holds them.
    struct Told<T>(Vec<(String, T)>);

    impl<T: Serialize> Serialize for Told<T> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
        }
    }

    proptest! {
        #[test]
        fn order_in_which_members_are_told_does_not_count(
            members in proptest::collection::btree_map(
                "[a-c\u{e000}\u{ffff}\u{10000}\"\\\\\u{0}-\u{1f}]{0,3}", any_value(), 0..6
            ).prop_map(|members| members.into_iter().collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let value: Value = members.iter().cloned().collect();
            let nested = ["b", "a"].map(|key| (key.to_owned(), Told(members.clone())));
            prop_assert_eq!(bytes(&Told(nested.into())), bytes(&json!({"a": value, "b": value})));
        }
    }

    #[derive(Serialize)]
    struct Described<'a> {
        zeta: Option<&'a str>,
        alpha: [f64; 4],
        #[serde(flatten)]
        more: std::collections::BTreeMap<&'a str, u64>,
    }

    #[test]
    fn what_describes_itself_has_the_bytes_of_its_value() {
        let described = Described {
            zeta: Some("\u{1}é"),
            alpha: [6.0, -0.0, 1e21, 0.1],
            more: [("mu", 1 << 60), ("beta", 7)].into(),
        };
        let value = json!({
            "zeta": "\u{1}é", "alpha": [6, 0, 1e21, 0.1], "mu": 1_u64 << 60, "beta": 7
        });
        assert_eq!(bytes(&described), bytes(&value));
        assert_eq!(
            text(&described),
            r#"{"alpha":[6,0,1e+21,0.1],"beta":7,"mu":1152921504606847000,"zeta":"\u0001é"}"#
        );
    }

    #[test]
    #[should_panic(expected = "not finite")]
    fn what_is_not_finite_has_no_canonical_form() {
        drop(bytes(&f64::NAN));
    }

    #[test]
    fn key_order_does_not_count() {
        let a: Value = serde_json::from_str(r#"{"b":1,"a":2}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"a":2,"b":1}"#).unwrap();
        assert_eq!(bytes(&a), bytes(&b));
    }
}
