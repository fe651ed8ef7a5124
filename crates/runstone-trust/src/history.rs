//! Histories of runs whose truth is known: independent ones of every law, and those that break its
//! assumptions.
//!
//! Beside the values each tells the chance that the next run lies below a limit. The invariant
//! kept: deviation 1 (constant: 0) and mean 0, so that a step of one is a step of one spread.

use runstone_core::verdict::noise::grain;

use crate::law::{Law, normal_below};
use crate::random::Random;

/// A way in which runs follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum History {
    /// Independent values of one law.
    Of(Law),
    /// A first-order process with coefficient 0.5.
    Ar,
    /// Normal, with one run eight spreads down among those before.
    Outlier,
    /// Normal, rounded to whole spreads.
    Rounded,
    /// Normal, rounded to thirds of a spread.
    RoundedToThirds,
    /// The same value always.
    Constant,
}

const COEFFICIENT: f64 = 0.5;
const OUTLIER: f64 = -8.0;

impl History {
    pub(crate) const NORMAL: Self = Self::Of(Law::Normal);
    pub(crate) const STUDENT3: Self = Self::Of(Law::Student3);
    pub(crate) const EXPONENTIAL_DOWN: Self = Self::Of(Law::ExponentialDown);
    /// Every one, those of the goals first.
    pub(crate) const ALL: [Self; 13] = [
        Self::Of(Law::Normal),
        Self::Of(Law::Laplace),
        Self::Of(Law::Student3),
        Self::Of(Law::LognormalUp),
        Self::Of(Law::LognormalDown),
        Self::Of(Law::ExponentialUp),
        Self::Of(Law::ExponentialDown),
        Self::Of(Law::Clusters),
        Self::Ar,
        Self::Outlier,
        Self::Rounded,
        Self::RoundedToThirds,
        Self::Constant,
    ];

    /// Returns its name in tables.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Of(law) => law.as_str(),
            Self::Ar => "AR(1) 0.5",
            Self::Outlier => "normal, one run at −8",
            Self::Rounded => "rounded to 1 spread",
            Self::RoundedToThirds => "rounded to 1/3 spread",
            Self::Constant => "constant",
        }
    }

    /// Draws successive runs, oldest first.
    pub(crate) fn draw(self, runs: usize, random: &mut Random) -> Vec<f64> {
        let normal = |random: &mut Random| (0..runs).map(|_| random.normal()).collect::<Vec<_>>();
        match self {
            Self::Of(law) => (0..runs).map(|_| law.draw(random)).collect(),
            Self::Ar => {
                let mut last = random.normal();
                (0..runs)
                    .map(|_| {
                        last = COEFFICIENT * last + innovation() * random.normal();
                        last
                    })
                    .collect()
            }
            Self::Outlier => {
                let mut values = normal(random);
                values[random.below(runs)] = OUTLIER;
                values
            }
            Self::Rounded | Self::RoundedToThirds => {
                let values = normal(random);
                values.iter().map(|value| self.rounded(*value)).collect()
            }
            Self::Constant => vec![0.0; runs],
        }
    }

    /// One step of the values.
    pub(crate) fn grain(self) -> f64 {
        match self {
            Self::Rounded => grain([1.0]),
            Self::RoundedToThirds => THIRD,
            _ => 0.0,
        }
    }

    fn rounded(self, value: f64) -> f64 {
        let grain = self.grain();
        (value / grain).round() * grain
    }

    /// The chance that the run after `values`, moved down by `step`, is one that `is_worse`, which
    /// holds for every value from `limit` down.
    pub(crate) fn next_below(
        self,
        values: &[f64],
        step: f64,
        limit: f64,
        is_worse: impl Fn(f64) -> bool,
    ) -> f64 {
        match self {
            Self::Of(law) => law.below(limit + step),
            Self::Outlier => normal_below(limit + step),
            Self::Ar => {
                let last = values.last().copied().unwrap_or(0.0);
                normal_below((limit + step - COEFFICIENT * last) / innovation())
            }
            Self::Constant => f64::from(u8::from(is_worse(-step))),
            Self::Rounded | Self::RoundedToThirds => {
                // The highest step of the scale that counts as worse.
                let grain = self.grain();
                let mut at = (limit / grain).ceil() + 2.0;
                while !is_worse(at * grain) {
                    at -= 1.0;
                }
                normal_below((at + 0.5) * grain + step)
            }
        }
    }
}

/// A third of a spread, as a number with few decimals would be: its grain is its own.
const THIRD: f64 = 1.0 / 3.0;

fn innovation() -> f64 {
    (1.0 - COEFFICIENT * COEFFICIENT).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_run_lies_below_as_often_as_is_said() {
        for history in History::ALL {
            let mut random = Random::new(11, 0);
            let (mut seen, mut said) = (0.0, 0.0);
            let limit = -0.75;
            for _ in 0..40_000 {
                let mut values = history.draw(6, &mut random);
                let next = values.pop().unwrap();
                // The outlier stands in history, never at the end.
                if history == History::Outlier && next <= OUTLIER {
                    continue;
                }
                let is_worse = |value: f64| value - 0.1 < limit;
                seen += f64::from(u8::from(is_worse(next - 0.1 + 0.1)));
                said += history.next_below(&values, 0.0, limit + 0.1, is_worse);
            }
            // Five standard errors of a share of 40,000.
            assert!(
                (seen - said).abs() < 5.0 * 100.0,
                "{history:?}: {seen} {said}"
            );
        }
    }
}
