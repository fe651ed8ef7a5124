//! Has the metric moved for good?
//!
//! Single runs may each stay within the noise while all of them moved. After every run the values
//! since the last shift are split at every place; the split whose two sides differ most by ranks is
//! compared with a limit for as many runs. Ranks make it free of the law and deaf to a single
//! broken run. The invariant kept: a shift is found at one run, with its onset; the runs before the
//! onset are then forgotten, so that it is found once.
//!
//! # Source
//! Standardised Mann–Whitney statistic, largest over splits: Hawkins & Deng, Journal of Quality
//! Technology 42, 165 (2010); R package cpm (Ross, Journal of Statistical Software 66, 2015). The
//! correction of its deviation for autocorrelated runs, `√((1 + r)/(1 − r))`: Bayley & Hammersley,
//! Journal of the Royal Statistical Society 8, 184 (1946), for a first-order process.

use super::pooled::whole;
use super::shift_limits::shift_limit;
use super::spread::Side;

/// Fewest values with which a shift can be found.
pub const SHIFT_RUNS_MIN: usize = 12;
/// Most values that are looked at; the oldest fall away.
pub const SHIFT_RUNS_MAX: usize = 50;
/// Most values taken that the limits tell apart: a whole window and the run that is judged.
pub const SHIFT_TAKEN_MAX: usize = 65;
/// Fewest values before a shift.
const BEFORE_MIN: usize = 4;
/// Fewest values since a shift.
const SINCE_MIN: usize = 2;
/// Largest autocorrelation believed. Chosen: beyond it runs tell nothing new.
const CORRELATION_MAX: f64 = 0.9;

/// A lasting step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// Values since its onset, the one at which it was found included.
    pub since: usize,
    /// To which side it went.
    pub side: Side,
    /// Median before it, of the values looked at.
    pub before: f64,
    /// Median since.
    pub after: f64,
    /// The statistic, in its own deviations.
    pub strength: f64,
}

/// Watches a metric run by run.
#[derive(Debug, Clone, Default)]
pub struct ShiftWatch {
    /// Values since the last shift, oldest first.
    values: Vec<f64>,
    /// Their ranks, ties sharing the middle one.
    ranks: Vec<f64>,
    /// Sum of `t³ − t` over groups of `t` equal values.
    ties: f64,
    /// Values taken since the last shift, those that fell away included.
    taken: usize,
}

impl ShiftWatch {
    /// Takes the next value and returns the shift it shows, if `counts` (told the medians before
    /// and since) says that the step is not too small.
    pub fn push(&mut self, value: f64, counts: impl Fn(f64, f64) -> bool) -> Option<Shift> {
        self.rank(value);
        let found = self.strongest_beyond_limit(shift_limit)?;
        if !counts(found.before, found.after) {
            return None;
        }
        self.restart(found.since);
        Some(found)
    }

    /// Returns the largest statistic to each side, low first; `None` with too few values.
    pub fn strengths(&self) -> Option<[f64; 2]> {
        let sides = self.strongest_splits()?;
        Some(sides.map(|(strength, _)| strength))
    }

    /// Takes the next value and looks for nothing.
    pub fn rank(&mut self, value: f64) {
        if self.values.len() == SHIFT_RUNS_MAX {
            self.forget_oldest();
        }
        self.taken += 1;
        let mut less = 0.0;
        let mut equal = 0.0;
        for (other, rank) in self.values.iter().zip(&mut self.ranks) {
            if *other > value {
                *rank += 1.0;
            } else if *other < value {
                less += 1.0;
            } else {
                *rank += 0.5;
                equal += 1.0;
            }
        }
        self.values.push(value);
        self.ranks.push(1.0 + less + equal / 2.0);
        // (t + 1)³ − (t + 1) − (t³ − t)
        self.ties += 3.0 * equal * (equal + 1.0);
    }

    fn forget_oldest(&mut self) {
        let gone = self.values.remove(0);
        self.ranks.remove(0);
        let mut equal = 0.0;
        for (other, rank) in self.values.iter().zip(&mut self.ranks) {
            if *other > gone {
                *rank -= 1.0;
            } else if *other >= gone {
                *rank -= 0.5;
                equal += 1.0;
            }
        }
        self.ties -= 3.0 * equal * (equal + 1.0);
    }

    fn restart(&mut self, since: usize) {
        let kept = self.values.split_off(self.values.len() - since);
        *self = Self::default();
        for value in kept {
            self.rank(value);
        }
    }

    fn strongest_beyond_limit(&self, limit: impl Fn(usize) -> Option<f64>) -> Option<Shift> {
        let limit = limit(self.taken)?;
        let [low, high] = self.strongest_splits()?;
        let ((strength, split), side) = if low.0 >= high.0 {
            (low, Side::Low)
        } else {
            (high, Side::High)
        };
        (strength > limit).then(|| {
            let (before, after) = self.values.split_at(split);
            Shift {
                since: after.len(),
                side,
                before: super::spread::median(before),
                after: super::spread::median(after),
                strength,
            }
        })
    }

    /// The largest statistic to each side with its split, low first.
    fn strongest_splits(&self) -> Option<[(f64, usize); 2]> {
        let runs = self.values.len();
        if runs < SHIFT_RUNS_MIN {
            return None;
        }
        let n = whole(runs);
        let spread = (n + 1.0) - self.ties / (n * (n - 1.0));
        if spread <= 0.0 {
            // All values are equal.
            return Some([(0.0, runs - SINCE_MIN); 2]);
        }
        let mut sides = [(0.0, runs - SINCE_MIN); 2];
        let mut sum = 0.0;
        for (rank, old) in self.ranks.iter().zip(1..) {
            sum += rank;
            if old < BEFORE_MIN || runs - old < SINCE_MIN {
                continue;
            }
            let k = whole(old);
            let deviation = (k * (n - k) / 12.0 * spread).sqrt();
            let excess = (sum - k * (n + 1.0) / 2.0) / deviation;
            // Old values that rank high mean that the new ones went low.
            if excess > sides[0].0 {
                sides[0] = (excess, old);
            }
            if -excess > sides[1].0 {
                sides[1] = (-excess, old);
            }
        }
        Some(sides.map(|(strength, split)| (strength / self.inflation(split), split)))
    }

    /// By how much runs that resemble the one before them widen the statistic.
    fn inflation(&self, split: usize) -> f64 {
        let (before, after) = self.ranks.split_at(split);
        let [mean_before, mean_after] =
            [before, after].map(|side| side.iter().sum::<f64>() / whole(side.len()));
        let mut squares = 0.0;
        let mut products = 0.0;
        let mut last = 0.0;
        for (at, rank) in self.ranks.iter().enumerate() {
            let off = rank - if at < split { mean_before } else { mean_after };
            squares += off * off;
            products += last * off;
            last = off;
        }
        if squares <= 0.0 {
            return 1.0;
        }
        let r = (products / squares).clamp(0.0, CORRELATION_MAX);
        ((1.0 + r) / (1.0 - r)).sqrt()
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "midranks and their sums are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any(_before: f64, _after: f64) -> bool {
        true
    }

    /// Small steps up and down, evenly spread: multiples of the golden ratio.
    fn noise(at: usize) -> f64 {
        (0.618_033_988_749_895 * whole(at)).fract() - 0.5
    }

    fn watched(values: impl IntoIterator<Item = f64>) -> Vec<(usize, Shift)> {
        let mut watch = ShiftWatch::default();
        let values = values.into_iter().enumerate();
        values
            .filter_map(|(at, value)| Some((at, watch.push(value, any)?)))
            .collect()
    }

    #[test]
    fn a_lasting_step_is_found_once_with_its_onset() {
        let values = (0..60).map(|at| noise(at) - if at < 20 { 0.0 } else { 2.0 });
        let found = watched(values);
        assert_eq!(found.len(), 1, "{found:?}");
        let (at, shift) = found[0];
        assert_eq!(at + 1 - shift.since, 20);
        assert_eq!(shift.side, Side::Low);
        assert!(at < 30);
        assert!(shift.before > shift.after);
    }

    #[test]
    fn a_step_back_is_found_as_another_one() {
        let step = |at: usize| if (20..40).contains(&at) { 2.0 } else { 0.0 };
        let found = watched((0..60).map(|at| noise(at) + step(at)));
        let sides: Vec<Side> = found.iter().map(|(_, shift)| shift.side).collect();
        assert_eq!(sides, [Side::High, Side::Low]);
    }

    #[test]
    fn one_broken_run_is_no_shift_and_equal_values_are_none() {
        assert!(watched((0..40).map(|at| if at == 25 { -900.0 } else { noise(at) })).is_empty());
        assert!(watched([0.5; 60]).is_empty());
    }

    #[test]
    fn a_step_that_does_not_count_is_not_found() {
        let mut watch = ShiftWatch::default();
        let found = (0..60).any(|at| {
            let value = noise(at) - if at < 20 { 0.0 } else { 2.0 };
            watch
                .push(value, |before, after| before - after > 5.0)
                .is_some()
        });
        assert!(!found);
    }

    #[test]
    fn fewer_than_twelve_runs_show_none() {
        let values = (0..11).map(|at| if at < 5 { 0.0 } else { 100.0 } + noise(at));
        assert!(watched(values).is_empty());
    }

    /// Ranks, ties and the statistic, worked out from all values at once.
    fn plainly(values: &[f64]) -> (Vec<f64>, f64) {
        let ranks = values
            .iter()
            .map(|value| {
                let less = values.iter().filter(|other| *other < value).count();
                let equal = values.iter().filter(|other| *other == value).count();
                whole(less) + f64::midpoint(whole(equal), 1.0)
            })
            .collect();
        // Every member of a group of t adds t² − 1.
        let ties = values
            .iter()
            .map(|value| {
                let equal = whole(values.iter().filter(|other| *other == value).count());
                equal * equal - 1.0
            })
            .sum();
        (ranks, ties)
    }

    proptest! {
        #[test]
        fn ranks_kept_run_by_run_are_those_of_the_whole(
            values in prop::collection::vec(-6_i32..6, 1..120),
        ) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let mut watch = ShiftWatch::default();
            for (at, value) in values.iter().enumerate() {
                watch.rank(*value);
                let window = &values[(at + 1).saturating_sub(SHIFT_RUNS_MAX)..=at];
                let (ranks, ties) = plainly(window);
                prop_assert_eq!(&watch.ranks, &ranks);
                prop_assert_eq!(watch.ties, ties);
            }
        }

        #[test]
        fn a_mirror_swaps_the_sides(values in prop::collection::vec(-99_i32..99, 12..50)) {
            let of = |sign: f64| {
                let mut watch = ShiftWatch::default();
                for value in &values {
                    watch.rank(sign * f64::from(*value));
                }
                watch.strengths().unwrap()
            };
            let (plain, mirrored) = (of(1.0), of(-1.0));
            // Sums of midranks are exact; the quotients may end one bit apart.
            prop_assert!((plain[0] - mirrored[1]).abs() < 1e-12);
            prop_assert!((plain[1] - mirrored[0]).abs() < 1e-12);
        }
    }
}
