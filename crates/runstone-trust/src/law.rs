//! The laws that histories are drawn from, each with mean 0 and deviation 1.
//!
//! Beside a sample each law tells the probability below a point, so that a rule's chance of an
//! alarm is computed for each history instead of counted: ten times fewer histories give the same
//! certainty. What a rule does with a history belongs to the tables.

use crate::random::Random;

/// A law of independent values with mean 0 and deviation 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Law {
    Normal,
    Laplace,
    Student3,
    /// Of exp(s·z) for a normal z, with s = 0.5; its long tail up.
    LognormalUp,
    LognormalDown,
    ExponentialUp,
    ExponentialDown,
    /// Two equal normal clusters, four of their own deviations off the middle.
    Clusters,
}

impl Law {
    /// Every law that the limits are derived for.
    pub(crate) const ALL: [Self; 8] = [
        Self::Normal,
        Self::Laplace,
        Self::Student3,
        Self::LognormalUp,
        Self::LognormalDown,
        Self::ExponentialUp,
        Self::ExponentialDown,
        Self::Clusters,
    ];

    /// Returns its name in tables. What is up or down is the long tail; below is the bad side.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Laplace => "Laplace",
            Self::Student3 => "Student t3",
            Self::LognormalUp => "lognormal 0.5, good tail",
            Self::LognormalDown => "lognormal 0.5, bad tail",
            Self::ExponentialUp => "exponential, good tail",
            Self::ExponentialDown => "exponential, bad tail",
            Self::Clusters => "two clusters",
        }
    }

    /// Draws one value.
    pub(crate) fn draw(self, random: &mut Random) -> f64 {
        match self {
            Self::Normal => random.normal(),
            Self::Laplace => {
                let centred = random.uniform() - 0.5;
                -centred.signum() * libm::log(1.0 - 2.0 * centred.abs()) / 2.0_f64.sqrt()
            }
            Self::Student3 => {
                let z = random.normal();
                let squares = (0..3).map(|_| square(random.normal())).sum::<f64>();
                z / squares.sqrt()
            }
            Self::LognormalUp => lognormal(random),
            Self::LognormalDown => -lognormal(random),
            Self::ExponentialUp => -libm::log(random.uniform()) - 1.0,
            Self::ExponentialDown => 1.0 + libm::log(random.uniform()),
            Self::Clusters => {
                let side = if random.uniform() < 0.5 { -1.0 } else { 1.0 };
                (side + CLUSTER * random.normal()) / cluster_deviation()
            }
        }
    }

    /// Returns the probability of a value below `x`.
    pub(crate) fn below(self, x: f64) -> f64 {
        match self {
            Self::Normal => normal_below(x),
            Self::Laplace => {
                let half = libm::exp(-x.abs() * 2.0_f64.sqrt()) / 2.0;
                if x < 0.0 { half } else { 1.0 - half }
            }
            Self::Student3 => student3_below(x * 3.0_f64.sqrt()),
            Self::LognormalUp => lognormal_below(x),
            Self::LognormalDown => 1.0 - lognormal_below(-x),
            Self::ExponentialUp if x <= -1.0 => 0.0,
            Self::ExponentialUp => 1.0 - libm::exp(-(x + 1.0)),
            Self::ExponentialDown if x >= 1.0 => 1.0,
            Self::ExponentialDown => libm::exp(x - 1.0),
            Self::Clusters => {
                let x = x * cluster_deviation();
                let of = |side: f64| normal_below((x - side) / CLUSTER);
                f64::midpoint(of(-1.0), of(1.0))
            }
        }
    }

    /// Returns the point with probability `share` below it.
    pub(crate) fn quantile(self, share: f64) -> f64 {
        let (mut low, mut high) = (-1e4, 1e4);
        for _ in 0..80 {
            let middle = f64::midpoint(low, high);
            if self.below(middle) < share {
                low = middle;
            } else {
                high = middle;
            }
        }
        f64::midpoint(low, high)
    }
}

/// Deviation within a cluster, whose centres stand at ±1.
const CLUSTER: f64 = 0.25;
/// Deviation of the logarithm.
const LOG_DEVIATION: f64 = 0.5;

fn square(x: f64) -> f64 {
    x * x
}

fn cluster_deviation() -> f64 {
    (1.0 + square(CLUSTER)).sqrt()
}

/// Mean and deviation of exp(s·z).
fn lognormal_moments() -> (f64, f64) {
    let variance = square(LOG_DEVIATION);
    let mean = libm::exp(variance / 2.0);
    (mean, mean * (libm::exp(variance) - 1.0).sqrt())
}

fn lognormal(random: &mut Random) -> f64 {
    let (mean, deviation) = lognormal_moments();
    (libm::exp(LOG_DEVIATION * random.normal()) - mean) / deviation
}

fn lognormal_below(x: f64) -> f64 {
    let (mean, deviation) = lognormal_moments();
    let value = mean + deviation * x;
    if value <= 0.0 {
        0.0
    } else {
        normal_below(libm::log(value) / LOG_DEVIATION)
    }
}

/// Returns the probability of a standard normal value below `x`.
pub(crate) fn normal_below(x: f64) -> f64 {
    libm::erfc(-x / 2.0_f64.sqrt()) / 2.0
}

/// Student's t with three degrees of freedom, in closed form: Johnson, Kotz & Balakrishnan,
/// Continuous Univariate Distributions 2 (1995), 28.2.
fn student3_below(t: f64) -> f64 {
    let scaled = t / 3.0_f64.sqrt();
    if scaled < -30.0 {
        // The closed form cancels there; the leading term of the tail does not.
        return 2.0 / (3.0 * std::f64::consts::PI * (-scaled).powi(3));
    }
    0.5 + (libm::atan(scaled) + scaled / (1.0 + square(scaled))) / std::f64::consts::PI
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_lies_below_as_often_as_is_said() {
        for law in Law::ALL {
            let mut random = Random::new(3, 0);
            let drawn: Vec<f64> = (0..100_000).map(|_| law.draw(&mut random)).collect();
            for x in [-3.0, -1.0, -0.5, 0.0, 0.4, 1.0, 2.5] {
                let below = drawn.iter().filter(|value| **value < x);
                let share = below.map(|_| 1e-5).sum::<f64>();
                let said = law.below(x);
                // Five standard errors of the share.
                let allowed = 5.0 * (said * (1.0 - said) / 1e5).sqrt() + 1e-9;
                assert!(
                    (share - said).abs() <= allowed,
                    "{law:?} {x}: {share} {said}"
                );
            }
        }
    }

    #[test]
    fn every_law_but_the_heaviest_has_mean_zero_and_deviation_one() {
        for law in Law::ALL {
            let mut random = Random::new(5, 0);
            let drawn: Vec<f64> = (0..200_000).map(|_| law.draw(&mut random)).collect();
            let mean = drawn.iter().sum::<f64>() / 2e5;
            let variance = drawn.iter().map(|x| square(x - mean)).sum::<f64>() / 2e5;
            assert!(mean.abs() < 0.012, "{law:?} {mean}");
            // The variance of the sample variance of t3 is infinite.
            let allowed = if law == Law::Student3 { 0.25 } else { 0.03 };
            assert!((variance - 1.0).abs() < allowed, "{law:?} {variance}");
        }
    }

    #[test]
    fn quantiles_are_the_inverse() {
        for law in Law::ALL {
            for share in [0.001, 0.01, 0.5, 0.99] {
                assert!(
                    (law.below(law.quantile(share)) - share).abs() < 1e-9,
                    "{law:?}"
                );
            }
        }
        assert!((Law::Normal.quantile(0.01) + 2.326_348).abs() < 1e-5);
    }
}
