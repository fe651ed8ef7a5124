//! A handful of numbers of one kind, with their mean and spread.
//!
//! Used for a feature over the cases and for a metric over the folds. Serialised it is the shape a
//! run document knows for a metric, `{mean, std, n, values}`. Guards that `std` is the sample
//! deviation and is absent where one value cannot tell it. Whether a difference of means matters
//! is left to the ledger's verdict.

use serde::Serialize;

/// Values in the order they came, with their moments.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Sample {
    /// Arithmetic mean, in the unit of the values.
    pub(crate) mean: f64,
    /// Sample deviation (divisor n − 1), in the unit of the values; absent below two values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) std: Option<f64>,
    /// Number of values.
    pub(crate) n: usize,
    /// The values themselves.
    pub(crate) values: Vec<f64>,
}

impl Sample {
    /// Takes `values`, of which there must be at least one, and computes their moments.
    pub(super) fn of(values: Vec<f64>) -> Self {
        let n = values.len();
        let mean = values.iter().sum::<f64>() / count(n);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std = (n >= 2).then(|| (squares / count(n - 1)).sqrt());
        Self {
            mean,
            std,
            n,
            values,
        }
    }
}

/// Returns a count as a number to divide by.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of cases and folds stay far below 2^53"
)]
pub(super) fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviation_is_that_of_a_sample() {
        let sample = Sample::of(vec![2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert!((sample.mean - 5.0).abs() < 1e-12);
        // Squares around 5 sum to 32, over n − 1 = 7.
        assert!((sample.std.unwrap() - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn one_value_has_no_deviation() {
        let document = serde_json::to_value(Sample::of(vec![0.5])).unwrap();
        assert_eq!(
            document,
            serde_json::json!({"mean": 0.5, "n": 1, "values": [0.5]})
        );
    }
}
