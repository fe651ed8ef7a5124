//! Where a set of values lies, and how far it spreads to one side.
//!
//! The median is not moved by a bad run, and the side of a regression is measured by itself: in a
//! metric with a long good tail a bad value is rarer than its overall deviation tells. Half the
//! deviation is the floor, since few values may all lie on one side. The invariant kept: both sides
//! are the same function, of the values or of their negatives. How many spreads are too many stands
//! in the limits.

use super::squares::near_one;

/// One side of a metric's scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Below the median.
    Low,
    /// Above it.
    High,
}

impl Side {
    /// Returns the other side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }

    /// Returns the word for a value there.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "below",
            Self::High => "above",
        }
    }

    /// Turns a value so that this side is the low one; twice gives the value back.
    pub fn down(self, value: f64) -> f64 {
        match self {
            Self::Low => value,
            Self::High => -value,
        }
    }
}

/// Where values lie and how far they spread to one side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The median, in the values' own unit.
    pub median: f64,
    /// Spread to the side that was asked for, in the same unit.
    pub spread: f64,
}

impl Spread {
    /// Measures values to one side.
    ///
    /// # Panics
    /// Without any value.
    pub fn of(values: &[f64], side: Side) -> Self {
        let ordered = ordered_down(values, side);
        let Self { median, spread } = Self::of_ordered(&ordered);
        Self {
            median: side.down(median),
            spread,
        }
    }

    /// Measures ascending values to the low side.
    ///
    /// # Source
    /// `max(√(2·mean(min(x − median, 0)²)), ½·σ)`: the semi-deviation about the median, doubled
    /// under the root so that it estimates σ where the law is symmetric. The floor of one half
    /// is chosen: it bounds the false alarms of five runs that all lie above their median
    /// (`docs/verdicts.md`).
    pub(super) fn of_ordered(ordered: &[f64]) -> Self {
        let median = median_of_ordered(ordered);
        let count = count(ordered);
        let factor = near_one(ordered.iter().map(|value| value - median));
        let mut below = 0.0;
        let mut offset = 0.0;
        let mut squares = 0.0;
        for value in ordered {
            let off = (value - median) * factor;
            offset += off;
            squares += off * off;
            if off < 0.0 {
                below += off * off;
            }
        }
        let mean = offset / count;
        let variance = (squares / count - mean * mean).max(0.0);
        Self {
            median,
            spread: (2.0 * below / count).sqrt().max(0.5 * variance.sqrt()) / factor,
        }
    }
}

/// Returns the values turned to a side, ascending.
pub(super) fn ordered_down(values: &[f64], side: Side) -> Vec<f64> {
    let mut ordered: Vec<f64> = values.iter().map(|value| side.down(*value)).collect();
    ordered.sort_by(f64::total_cmp);
    ordered
}

/// Returns the median of ascending values.
pub(in crate::verdict) fn median_of_ordered(ordered: &[f64]) -> f64 {
    assert!(!ordered.is_empty(), "a median needs a value");
    f64::midpoint(ordered[(ordered.len() - 1) / 2], ordered[ordered.len() / 2])
}

/// Returns the median of values in any order.
pub(in crate::verdict) fn median(values: &[f64]) -> f64 {
    median_of_ordered(&ordered_down(values, Side::Low))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "windows hold at most some dozens of values"
)]
pub(in crate::verdict) fn count<T>(values: &[T]) -> f64 {
    values.len() as f64
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "sums of whole numbers are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_side_has_a_spread_of_its_own() {
        let values = [1.0, 2.0, 3.0, 4.0, 100.0];
        let low = Spread::of(&values, Side::Low);
        let high = Spread::of(&values, Side::High);
        assert_eq!((low.median, high.median), (3.0, 3.0));
        // Below: 2² + 1²; the floor is half the deviation, which the one large value makes.
        assert!((low.spread - 0.5 * 39.013).abs() < 0.01, "{}", low.spread);
        let expected = (2.0 * (1.0 + 97.0_f64.powi(2)) / 5.0).sqrt();
        assert!((high.spread - expected).abs() < 1e-12);
    }

    #[test]
    fn equal_values_have_none() {
        for side in [Side::Low, Side::High] {
            assert_eq!(Spread::of(&[0.7; 6], side).spread, 0.0);
        }
    }

    #[test]
    fn values_far_from_zero_keep_their_spread() {
        let near: Vec<f64> = (0..9).map(f64::from).collect();
        let far: Vec<f64> = near.iter().map(|value| value + 1e12).collect();
        let [near, far] = [near, far].map(|values| Spread::of(&values, Side::Low).spread);
        assert_eq!(near, far);
    }

    #[test]
    fn values_of_any_size_have_the_same_spread_for_their_size() {
        let usual = [0.71, 0.69, 0.70, 0.72, 0.68];
        for side in [Side::Low, Side::High] {
            let plain = Spread::of(&usual, side).spread;
            for size in [1e-300, 1e-170, 1e-160, 1e160, 1e300] {
                let sized: Vec<f64> = usual.iter().map(|value| value * size).collect();
                let found = Spread::of(&sized, side).spread / size;
                assert!(
                    (found / plain - 1.0).abs() < 1e-12,
                    "{size}: {found} {plain}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn it_moves_and_stretches_with_the_values(
            values in prop::collection::vec(-100_i32..100, 2..40),
            by in -50_i32..50,
            times in 1_i32..9,
        ) {
            let at = |scale: i32, off: i32| -> Vec<f64> {
                values.iter().map(|value| f64::from(value * scale + off)).collect()
            };
            for side in [Side::Low, Side::High] {
                let plain = Spread::of(&at(1, 0), side);
                let moved = Spread::of(&at(times, by), side);
                let times = f64::from(times);
                prop_assert!((moved.median - (plain.median * times + f64::from(by))).abs() < 1e-9);
                prop_assert!((moved.spread - plain.spread * times).abs() < 1e-9 * moved.spread.max(1.0));
            }
        }

        #[test]
        fn the_order_of_runs_means_nothing_and_a_mirror_swaps_the_sides(
            mut values in prop::collection::vec(-1e6_f64..1e6, 1..40),
        ) {
            let before = Spread::of(&values, Side::Low);
            values.reverse();
            prop_assert_eq!(before, Spread::of(&values, Side::Low));
            let mirrored: Vec<f64> = values.iter().map(|value| -value).collect();
            let high = Spread::of(&mirrored, Side::High);
            prop_assert_eq!((before.median, before.spread), (-high.median, high.spread));
        }
    }
}
