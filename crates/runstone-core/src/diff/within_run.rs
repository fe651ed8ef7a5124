//! What the spread inside two runs says about the move of a metric.
//!
//! A run that measured a metric several times (folds, repeats) carries its spread or its single
//! values; from both runs' follow a standard error and a probability. The invariant kept: this is
//! information, never a verdict, since it misses what changes from seed to seed.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::metrics::finite;
use super::student;
use crate::canon;
use crate::snapshot::Snapshot;

/// What the spread inside both runs says about a move. Information, never a verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct WithinRun {
    /// Standard error of the difference, in the metric's own unit.
    pub standard_error: f64,
    /// The difference in standard errors.
    pub z: f64,
    /// Two-sided probability of a move this large if nothing had changed.
    pub p: f64,
    /// How the standard error was found.
    pub method: WithinRunMethod,
}

/// How a standard error was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithinRunMethod {
    /// From two independent spreads.
    Welch,
    /// From the differences fold by fold, corrected for the folds' shared training data.
    NadeauBengio,
}

impl WithinRunMethod {
    /// Returns the word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Welch => "welch",
            Self::NadeauBengio => "nadeau_bengio",
        }
    }
}

/// Returns what the spread inside both runs says about the move of `name`; `None` where either has
/// none, or it is zero.
pub(super) fn within_run(
    name: &str,
    moved: f64,
    prev: &Snapshot,
    curr: &Snapshot,
) -> Option<WithinRun> {
    let metric = name.strip_suffix(".mean").unwrap_or(name);
    let samples = [prev, curr].map(|run| run.samples.get(metric).map(Vec::as_slice));
    let (method, variance, degrees) = match samples {
        [Some(before), Some(now)] if before.len() == now.len() && now.len() > 1 => {
            let differences: Vec<f64> = now
                .iter()
                .zip(before)
                .map(|(now, before)| now - before)
                .collect();
            let (variance, degrees) = nadeau_bengio(&differences);
            (WithinRunMethod::NadeauBengio, variance, degrees)
        }
        _ => {
            let (variance, degrees) = welch(Spread::of(metric, prev)?, Spread::of(metric, curr)?);
            (WithinRunMethod::Welch, variance, degrees)
        }
    };
    let standard_error = finite(variance.sqrt()).filter(|error| *error > 0.0)?;
    let z = finite(moved / standard_error)?;
    Some(WithinRun {
        standard_error,
        z,
        p: student::two_sided(z, degrees),
        method,
    })
}

/// The spread of one metric inside one run.
#[derive(Clone, Copy)]
struct Spread {
    /// Sample variance, in the metric's own unit squared.
    variance: f64,
    /// Single values behind it.
    count: f64,
}

impl Spread {
    /// Reads `metric.std` and `metric.n`, else works them out from the single values.
    fn of(metric: &str, run: &Snapshot) -> Option<Self> {
        let stated = |part: &str| run.metrics.get(&format!("{metric}.{part}"))?.finite();
        let samples = run.samples.get(metric);
        let count = stated("n").or_else(|| samples.map(|values| count(values)))?;
        let deviation = stated("std").or_else(|| samples.map(|values| variance(values).sqrt()))?;
        (count >= 2.0 && deviation >= 0.0).then_some(Self {
            variance: deviation * deviation,
            count,
        })
    }
}

/// Returns the variance of the difference of two means and its degrees of freedom.
///
/// # Source
/// `s₁²/n₁ + s₂²/n₂`: Welch, Biometrika 34, 28 (1947); degrees by Satterthwaite, Biometrics
/// Bulletin 2, 110 (1946).
fn welch(prev: Spread, curr: Spread) -> (f64, f64) {
    let parts = [prev, curr].map(|side| (side.variance / side.count, side.count - 1.0));
    let variance: f64 = parts.iter().map(|(part, _)| part).sum();
    // Shares of the whole, whose squares do not underflow as those of the parts may.
    let spread: f64 = parts
        .iter()
        .map(|(part, degrees)| squared(part / variance) / degrees)
        .sum();
    (variance, spread.recip())
}

/// Returns the variance of the mean of differences over `k` folds and its degrees of freedom.
///
/// # Source
/// `s²·(1/k + n_test/n_train)` with `n_test/n_train = 1/(k − 1)` for `k` folds and `k − 1` degrees:
/// Nadeau & Bengio, Machine Learning 52, 239 (2003), section 5.
fn nadeau_bengio(differences: &[f64]) -> (f64, f64) {
    let k = count(differences);
    (
        variance(differences) * (k.recip() + (k - 1.0).recip()),
        k - 1.0,
    )
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a run holds far fewer than 2^53 single values"
)]
fn count(values: &[f64]) -> f64 {
    values.len() as f64
}

fn squared(value: f64) -> f64 {
    value * value
}

/// Sample variance; NaN for fewer than two values.
fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / count(values);
    values
        .iter()
        .map(|value| squared(value - mean))
        .sum::<f64>()
        / (count(values) - 1.0)
}

impl Serialize for WithinRun {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("WithinRun", 5)?;
        members.serialize_field("basis", "within_run")?;
        members.serialize_field("method", self.method.as_str())?;
        members.serialize_field("p", &canon::number(self.p))?;
        members.serialize_field("standard_error", &canon::number(self.standard_error))?;
        members.serialize_field("z", &canon::number(self.z))?;
        members.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::metrics::{MetricDelta, deltas};
    use crate::diff::sample;

    fn of(prev: &[(&str, f64)], curr: &[(&str, f64)]) -> Vec<MetricDelta> {
        let run = |entries| Snapshot {
            metrics: sample::metrics(entries),
            ..sample::run("a")
        };
        deltas(&run(prev), &run(curr), &sample::metric_rules())
    }

    fn close(found: f64, expected: f64) -> bool {
        // Sums of a few decimals near 1 are exact to some 1e-16.
        (found - expected).abs() < 1e-12 * expected.abs().max(1.0)
    }

    #[test]
    fn two_spreads_are_compared_by_welch() {
        // Two samples of 5 with equal deviation: t = Δ/(s·√(2/5)), 8 degrees.
        let side = |mean| [("auc.mean", mean), ("auc.std", 0.01), ("auc.n", 5.0)];
        let found = of(&side(0.6), &side(0.62));
        let within = found[0].within_run.as_ref().unwrap();
        assert_eq!(within.method, WithinRunMethod::Welch);
        assert!(close(within.z, 0.02 / (0.01 * 0.4_f64.sqrt())));
        assert!(close(within.p, student::two_sided(within.z, 8.0)));
        assert!(found[1..].iter().all(|delta| delta.within_run.is_none()));
    }

    #[test]
    fn equal_folds_are_compared_in_pairs_with_the_correction() {
        let run = |values: [f64; 3]| {
            let mut run = sample::run("a");
            run.metrics = sample::metrics(&[("auc.mean", values.iter().sum::<f64>() / 3.0)]);
            run.samples.insert("auc".into(), values.to_vec());
            run
        };
        let found = deltas(
            &run([0.5, 0.6, 0.7]),
            &run([0.51, 0.62, 0.73]),
            &sample::metric_rules(),
        );
        let within = found[0].within_run.as_ref().unwrap();
        assert_eq!(within.method, WithinRunMethod::NadeauBengio);
        // Differences 0.01 0.02 0.03: variance 1e-4, times (1/3 + 1/2).
        assert!((within.standard_error - (1e-4_f64 * (1.0 / 3.0 + 0.5)).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_spread_that_cannot_be_used_gives_no_probability() {
        for (deviation, n) in [(0.0, 5.0), (0.1, 1.0), (f64::NAN, 5.0)] {
            let side = |mean| [("auc", mean), ("auc.std", deviation), ("auc.n", n)];
            assert_eq!(of(&side(0.5), &side(0.6))[0].within_run, None);
        }
    }
}
