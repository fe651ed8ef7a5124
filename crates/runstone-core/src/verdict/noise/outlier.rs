//! The one run in a history that would hide every later regression.
//!
//! A single broken run widens the spread on the very side that is watched. From enough runs on the
//! worst value is therefore left out once, if it lies beyond what the others allow. The invariant
//! kept: at most one value goes, so a metric that is often bad stays known as such; which one is
//! told, so that the answer can name it.

use super::limits::drop_factor;
use super::spread::{Side, Spread, ordered_down};

/// Fewest values of which one may be left out. Chosen by measurement: with ten or eleven the
/// factors that make up for it cost every ordinary history more power than one with a broken run
/// gains.
pub const DROP_RUNS_MIN: usize = 12;

/// Measures values to one side, the worst of them left out if the others do not allow it.
///
/// `floor` is the distance that never counts. Returns the value left out, too.
///
/// # Panics
/// Without any value.
pub fn without_worst(values: &[f64], side: Side, floor: f64) -> (Spread, Option<f64>) {
    let ordered = ordered_down(values, side);
    let (found, dropped) = of_ordered(&ordered, floor, drop_factor);
    let turned = Spread {
        median: side.down(found.median),
        spread: found.spread,
    };
    (turned, dropped.map(|value| side.down(value)))
}

fn of_ordered(
    ordered: &[f64],
    floor: f64,
    drop_factor: impl Fn(usize) -> Option<f64>,
) -> (Spread, Option<f64>) {
    if let [worst, others @ ..] = ordered
        && ordered.len() >= DROP_RUNS_MIN
        && let Some(factor) = drop_factor(others.len())
    {
        let allowed = Spread::of_ordered(others);
        if allowed.median - worst > (factor * allowed.spread).max(floor) {
            return (allowed, Some(*worst));
        }
    }
    (Spread::of_ordered(ordered), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: [f64; 13] = [
        0.70, 0.71, 0.72, 0.69, 0.70, 0.705, 0.715, 0.695, 0.70, 0.71, 0.69, 0.70, 0.71,
    ];

    #[test]
    fn one_broken_run_is_left_out_and_told() {
        let mut values = USUAL.to_vec();
        values[4] = 0.10;
        let (found, dropped) = without_worst(&values, Side::Low, 0.0);
        assert_eq!(dropped, Some(0.10));
        assert!(found.spread < 0.02);
        // To the other side it is no outlier.
        assert_eq!(without_worst(&values, Side::High, 0.0).1, None);
    }

    #[test]
    fn two_broken_runs_are_how_the_metric_is() {
        let mut values = USUAL.to_vec();
        values[4] = 0.10;
        values[7] = 0.11;
        let (found, dropped) = without_worst(&values, Side::Low, 0.0);
        assert_eq!(dropped, None);
        assert!(found.spread > 0.2);
    }

    #[test]
    fn with_eleven_runs_nothing_is_left_out() {
        let mut values = USUAL[..11].to_vec();
        values[4] = 0.10;
        assert_eq!(without_worst(&values, Side::Low, 0.0).1, None);
    }

    #[test]
    fn a_value_within_the_floor_stays() {
        let mut values = vec![0.70; 13];
        values[3] = 0.69;
        assert_eq!(without_worst(&values, Side::Low, 0.02).1, None);
        assert_eq!(without_worst(&values, Side::Low, 0.001).1, Some(0.69));
    }
}
