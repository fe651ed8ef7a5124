//! A metric's value: a number, or one of the three texts JSON has no number for.
//!
//! Metrics reach us as JSON, where `NaN` and the infinities do not exist; a pipeline that met one
//! still has to be able to say so. They are written as the texts `"NaN"`, `"Infinity"` and
//! `"-Infinity"` and come back as the same. What a metric's movement means belongs to
//! the diff.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// One value of a metric, in the metric's own unit. Compares by bits after `-0` became `0` and
/// every NaN became one NaN, so that equal metrics are equal.
#[derive(Debug, Clone, Copy)]
pub struct MetricValue(f64);

impl MetricValue {
    /// Wraps a number, finite or not.
    pub fn new(value: f64) -> Self {
        if value.is_nan() {
            Self(f64::NAN)
        } else {
            Self(value + 0.0)
        }
    }

    /// Returns the number, which may be NaN or infinite.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Returns the number if it is finite.
    pub fn finite(self) -> Option<f64> {
        self.0.is_finite().then_some(self.0)
    }

    /// Reads a metric value from JSON: a number or one of the three texts. `None` for anything
    /// else.
    pub fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_f64().map(Self::new),
            Value::String(text) => match text.as_str() {
                "NaN" => Some(Self::new(f64::NAN)),
                "Infinity" => Some(Self::new(f64::INFINITY)),
                "-Infinity" => Some(Self::new(f64::NEG_INFINITY)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the JSON form: a number, or the text for what is not finite.
    pub fn to_json(self) -> Value {
        match crate::canon::number(self.0) {
            Some(number) => Value::Number(number),
            None => Value::String(self.to_string()),
        }
    }
}

/// Describes itself as its JSON form.
impl Serialize for MetricValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match crate::canon::number(self.0) {
            Some(number) => number.serialize(serializer),
            None => serializer.collect_str(self),
        }
    }
}

/// The single values behind metrics, described as those are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Samples<'m>(pub(crate) &'m BTreeMap<String, Vec<f64>>);

impl Serialize for Samples<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Values<'m>(&'m [f64]);
        impl Serialize for Values<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.iter().map(|value| MetricValue::new(*value)))
            }
        }
        serializer.collect_map(self.0.iter().map(|(name, values)| (name, Values(values))))
    }
}

impl PartialEq for MetricValue {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for MetricValue {}

impl fmt::Display for MetricValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_nan() {
            f.write_str("NaN")
        } else if self.0.is_infinite() {
            f.write_str(if self.0 > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            })
        } else {
            write!(f, "{}", self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_json_lacks_round_trip_as_text() {
        for text in ["NaN", "Infinity", "-Infinity"] {
            let value = MetricValue::from_json(&Value::from(text)).unwrap();
            assert_eq!(value.to_json(), Value::from(text));
        }
    }

    #[test]
    fn a_value_describes_itself_as_its_json_form() {
        for value in [
            0.0,
            -0.0,
            7.0,
            0.1,
            1e300,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ] {
            let value = MetricValue::new(value);
            assert_eq!(serde_json::to_value(value).unwrap(), value.to_json());
        }
    }

    #[test]
    fn minus_zero_is_zero_and_nan_equals_nan() {
        assert_eq!(MetricValue::new(-0.0), MetricValue::new(0.0));
        assert_eq!(MetricValue::new(f64::NAN), MetricValue::new(-f64::NAN));
    }

    #[test]
    fn other_text_is_no_metric() {
        assert!(MetricValue::from_json(&Value::from("ROC-AUC")).is_none());
    }
}
