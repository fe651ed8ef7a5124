//! How far a new value may lie from the median of earlier ones before it counts.
//!
//! Joins the spread of one side with the factor for as many runs, and says beside it what could be
//! seen at all: few runs give a wide band, and a reader should know that before trusting its
//! silence. The invariant kept: the band depends on the earlier values alone, never on the value
//! judged. Floors (tolerance, grain) and scales belong to the rule that uses it.

use super::limits::factor;
use super::outlier::without_worst;
use super::pooled::{student_quantile, whole};
use super::spread::{Side, Spread, count};
use super::squares::near_one;

/// What is asked of a band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stake {
    /// How many one-sided questions share the rate of 1 %.
    pub judged: usize,
    /// The median of how many new values is judged.
    pub repeats: usize,
}

/// How far a new value may lie to one side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Values it was measured from, one that was left out included.
    pub runs: usize,
    /// Their median.
    pub median: f64,
    /// Their spread to this side.
    pub spread: f64,
    /// Spreads that a new value may lie off.
    pub factor: f64,
    /// The value left out, if one was.
    pub dropped: Option<f64>,
    /// What a value may lie off on top, in the values' own unit.
    pub lead: f64,
    /// A new value's own deviation and that of the median, as far as can be told: what a shift has
    /// to exceed the distance by to be seen nine times in ten.
    margin: f64,
}

/// Normal quantile of nine in ten. R: `qnorm(0.9)`.
pub(super) const NINE_IN_TEN: f64 = 1.281_552;

impl Band {
    /// Measures how far a new value may lie to `side`; `None` below the fewest runs of the table.
    ///
    /// `floor` is the distance that never counts, for the outlier.
    pub fn of(values: &[f64], side: Side, floor: f64, stake: Stake) -> Option<Self> {
        let factor = factor(values.len(), stake.judged, stake.repeats)?;
        let (found, dropped) = without_worst(values, side, floor);
        let kept: Vec<f64> = match dropped {
            None => values.to_vec(),
            Some(worst) => {
                let at = values
                    .iter()
                    .position(|value| value.total_cmp(&worst).is_eq())?;
                let mut kept = values.to_vec();
                kept.remove(at);
                kept
            }
        };
        let each = new_deviation(stake.repeats);
        let margin = student_quantile(NINE_IN_TEN, kept.len() - 1)
            * deviation(&kept)
            * (each * each + count(&kept).recip()).sqrt();
        Some(Self {
            runs: values.len(),
            median: found.median,
            spread: found.spread,
            factor,
            dropped,
            lead: 0.0,
            margin,
        })
    }

    /// Returns both bands around one single run instead of the median of `values`, from which they
    /// were measured.
    ///
    /// They are wider, because that run scatters as a new one does, and to both sides: a new value
    /// lies below one that was lucky as well as below one that was not. So the larger spread of the
    /// two sides counts for each. And whoever holds a run against one that is far off all others
    /// says that such runs happen: that one is never left out as broken.
    ///
    /// # Source
    /// A new value and the center of `n` differ by `s·√(1 + 1/n)`, two single values by `s·√2`.
    /// That false alarms stay below 1.5 % is measured by a test of the judge.
    pub fn around_one(bands: [Self; 2], values: &[f64], one: f64) -> [Self; 2] {
        let dropped = |band: &Self| band.dropped.filter(|it| it.total_cmp(&one).is_ne());
        let mut kept = values.to_vec();
        for dropped in bands.iter().filter_map(dropped) {
            let is_it = |value: &f64| value.total_cmp(&dropped).is_eq();
            if let Some(at) = kept.iter().position(is_it) {
                kept.remove(at);
            }
        }
        let [low, high] = [Side::Low, Side::High].map(|side| Spread::of(&kept, side).spread);
        bands.map(|band| {
            let wider = (2.0 / (1.0 + whole(band.runs).recip())).sqrt();
            Self {
                median: one,
                spread: low.max(high),
                factor: band.factor * wider,
                margin: band.margin * wider,
                dropped: dropped(&band),
                ..band
            }
        })
    }

    /// Returns the band with as many spreads more: by so much the run in its middle is expected to
    /// lie beyond a typical one.
    #[must_use]
    pub fn with_luck(self, spreads: f64) -> Self {
        if spreads > 0.0 {
            Self {
                lead: spreads * self.spread,
                ..self
            }
        } else {
            // None of a spread too large for a number would be no number.
            self
        }
    }

    /// Returns the distance from the median beyond which a value counts.
    pub fn distance(&self) -> f64 {
        self.factor * self.spread + self.lead
    }

    /// Returns the shift that is seen nine times in ten where values within `floor` never count.
    ///
    /// # Source
    /// The distance, and beyond it the quantile of a new value: `t₀.₉·s·√(1 + 1/n)`. That it holds
    /// is measured by `runstone-trust`.
    pub fn detectable(&self, floor: f64) -> f64 {
        self.distance().max(floor) + self.margin
    }
}

/// Deviation of the median of several new values, where one has 1.
///
/// # Source
/// Normal order statistics, `1/√2` for the mean of two; David & Nagaraja, Order Statistics (2003),
/// table for n = 3 and 5.
fn new_deviation(repeats: usize) -> f64 {
    match repeats {
        0 | 1 => 1.0,
        2 => std::f64::consts::FRAC_1_SQRT_2,
        3 | 4 => 0.669_8,
        _ => 0.535_6,
    }
}

/// Sample deviation.
fn deviation(values: &[f64]) -> f64 {
    let off = values.iter().map(|value| value - values[0]);
    let factor = near_one(off.clone());
    let off = off.map(|off| off * factor);
    let mean = off.clone().sum::<f64>() / count(values);
    let squares: f64 = off.map(|off| (off - mean) * (off - mean)).sum();
    (squares / whole(values.len() - 1)).sqrt() / factor
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Stake = Stake {
        judged: 1,
        repeats: 1,
    };

    fn history(runs: usize) -> Vec<f64> {
        [0.0, 1.0, -1.0, 2.0, -2.0]
            .into_iter()
            .cycle()
            .take(runs)
            .collect()
    }

    #[test]
    fn more_runs_narrow_it() {
        let distance = |runs| {
            Band::of(&history(runs), Side::Low, 0.0, ALONE)
                .unwrap()
                .distance()
        };
        assert!(distance(5) > distance(10));
        assert!(distance(10) > distance(30));
        assert_eq!(Band::of(&history(4), Side::Low, 0.0, ALONE), None);
    }

    #[test]
    fn values_of_any_size_have_the_same_band_for_their_size() {
        let plain = Band::of(&history(12), Side::Low, 0.0, ALONE).unwrap();
        for size in [1e-300, 1e-170, 1e170, 1e300] {
            let sized: Vec<f64> = history(12).iter().map(|value| value * size).collect();
            let band = Band::of(&sized, Side::Low, 0.0, ALONE).unwrap();
            for (found, expected) in [
                (band.distance(), plain.distance()),
                (band.detectable(0.0), plain.detectable(0.0)),
            ] {
                assert!(
                    (found / size / expected - 1.0).abs() < 1e-12,
                    "{size}: {found}"
                );
            }
        }
    }

    #[test]
    fn more_questions_widen_it_and_repeats_narrow_it() {
        let distance = |judged, repeats| {
            let stake = Stake { judged, repeats };
            let band = Band::of(&history(10), Side::Low, 0.0, stake).unwrap();
            band.distance()
        };
        assert!(distance(2, 1) > distance(1, 1));
        assert!(distance(10, 1) > distance(3, 1));
        assert!(distance(1, 3) < distance(1, 1));
    }

    #[test]
    fn around_a_single_run_it_is_wider_by_what_that_run_scatters() {
        let bands = both(&history(10));
        let [one, other] = Band::around_one(bands, &history(10), 0.7);
        assert!((one.median - 0.7).abs() < f64::EPSILON);
        // √(2 / 1.1)
        assert!((one.distance() / bands[0].distance() - 1.348_399_7).abs() < 1e-6);
        assert!((one.detectable(0.0) / bands[0].detectable(0.0) - 1.348_399_7).abs() < 1e-6);
        let lucky = other.with_luck(1.54);
        let more = lucky.distance() - other.distance();
        assert!((more - 1.54 * other.spread).abs() < 1e-12);
    }

    #[test]
    fn around_a_single_run_the_wider_side_counts_for_both_and_a_broken_run_for_none() {
        let mut values = history(20);
        values[3] = 6.0;
        let bands = both(&values);
        assert!(bands[0].spread < bands[1].spread);
        let [low, high] = Band::around_one(bands, &values, 0.0);
        assert!((low.distance() - high.distance()).abs() < 1e-12);
        assert!(low.spread >= bands[1].spread);
        values[3] = 600.0;
        let bands = both(&values);
        assert_eq!(bands[1].dropped, Some(600.0));
        let [low, high] = Band::around_one(bands, &values, 0.0);
        assert!(low.spread < 3.0, "{}", low.spread);
        assert_eq!(high.dropped, Some(600.0));
        // Unless it is that one.
        let [low, high] = Band::around_one(bands, &values, 600.0);
        assert!(low.spread > 100.0, "{}", low.spread);
        assert_eq!(high.dropped, None);
    }

    fn both(values: &[f64]) -> [Band; 2] {
        [Side::Low, Side::High].map(|side| Band::of(values, side, 0.0, ALONE).unwrap())
    }

    #[test]
    fn what_can_be_seen_lies_beyond_what_counts_also_without_any_spread() {
        let band = Band::of(&history(10), Side::Low, 0.0, ALONE).unwrap();
        assert!(band.detectable(0.0) > band.distance());
        let constant = Band::of(&[0.5; 8], Side::Low, 0.01, ALONE).unwrap();
        assert_eq!(
            (constant.distance(), constant.detectable(0.01)),
            (0.0, 0.01)
        );
    }

    #[test]
    fn a_broken_run_in_history_does_not_hide_what_can_be_seen() {
        let mut values = history(20);
        let clean = Band::of(&values, Side::Low, 0.0, ALONE).unwrap();
        values[7] = -500.0;
        let band = Band::of(&values, Side::Low, 0.0, ALONE).unwrap();
        assert_eq!(band.dropped, Some(-500.0));
        assert!(band.detectable(0.0) < 1.2 * clean.detectable(0.0));
    }
}
