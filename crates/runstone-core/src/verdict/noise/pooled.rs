//! Noise borrowed from runs with other settings.
//!
//! Where too few runs have the current settings, the residuals of all runs about the mean of their
//! own settings still tell how far runs scatter. The invariant kept: runs of different settings
//! never serve as noise for each other by their values, since what separates settings is no noise;
//! only what is left within each counts.

use super::band::NINE_IN_TEN;
use super::spread::count;
use super::squares::near_one;

/// Fewest degrees of freedom. Chosen: below, the limit at 1 % is more than three spreads wide
/// before anything is known about the law.
pub const POOLED_DEGREES_MIN: usize = 8;

/// By how much the limit of the normal law is widened. Chosen by measurement: with it no law listed
/// in `docs/verdicts.md` gives more than 1.5 % at the fewest degrees of freedom.
const WIDENED: f64 = 1.5;

/// The scatter within settings, of all settings together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pooled {
    /// Standard deviation of the residuals, in the values' own unit.
    pub deviation: f64,
    /// Its degrees of freedom: values less groups.
    pub degrees: usize,
    /// Groups of at least two values.
    pub groups: usize,
}

impl Pooled {
    /// Pools the residuals of groups, one group per settings; `None` below
    /// [`POOLED_DEGREES_MIN`] degrees of freedom.
    pub fn of<'a>(groups: impl IntoIterator<Item = &'a [f64]>) -> Option<Self> {
        let groups: Vec<&[f64]> = groups.into_iter().filter(|group| group.len() > 1).collect();
        let off = |group: &'a [f64]| group.iter().map(|value| value - group[0]);
        let factor = near_one(groups.iter().flat_map(|group| off(group)));
        let mut squares = 0.0;
        let mut pooled = Self {
            deviation: 0.0,
            degrees: 0,
            groups: 0,
        };
        for group in groups {
            let off = off(group).map(|off| off * factor);
            let mean = off.clone().sum::<f64>() / count(group);
            squares += off.map(|off| (off - mean) * (off - mean)).sum::<f64>();
            pooled.degrees += group.len() - 1;
            pooled.groups += 1;
        }
        if pooled.degrees < POOLED_DEGREES_MIN {
            return None;
        }
        let deviation = (squares / whole(pooled.degrees)).sqrt() / factor;
        // Sums beyond the largest number end as none; the scatter is no smaller for it.
        pooled.deviation = if deviation.is_nan() {
            f64::INFINITY
        } else {
            deviation
        };
        Some(pooled)
    }

    /// Returns by how much a shift has to exceed the distance to be seen nine times in ten.
    pub fn margin(self, runs: usize, repeats: usize) -> f64 {
        let each = whole(repeats.max(1)).recip() + whole(runs.max(1)).recip();
        student_quantile(NINE_IN_TEN, self.degrees) * self.deviation * each.sqrt()
    }

    /// Returns how far the mean of `repeats` new values may lie from the mean of `runs` values with
    /// the same settings, when `judged` metrics are judged together.
    pub fn distance(self, runs: usize, repeats: usize, judged: usize) -> f64 {
        let each = whole(repeats.max(1)).recip() + whole(runs.max(1)).recip();
        WIDENED * student_limit(judged, self.degrees) * self.deviation * each.sqrt()
    }
}

/// Returns the upper quantile of Student's t at a rate of 1 % shared by `judged` metrics; the next
/// larger number of [`super::JUDGED`] counts.
///
/// # Source
/// Normal quantiles; the expansion in powers of `1/degrees`: Fisher & Cornish, Technometrics 2, 209
/// (1960). From 8 degrees on and up to 3.1 normal quantiles it is exact to 0.3 %.
pub fn student_limit(judged: usize, degrees: usize) -> f64 {
    // Φ⁻¹(1 − 0.01/m), R: qnorm.
    let z = match judged {
        0 | 1 => 2.326_348,
        2 => 2.575_829,
        3 => 2.713_052,
        4 => 2.807_034,
        5 | 6 => 2.935_199,
        7..=10 => 3.090_232,
        _ => 3.290_527,
    };
    student_quantile(z, degrees)
}

/// Returns the quantile of Student's t that belongs to the normal quantile `z`.
pub(super) fn student_quantile(z: f64, degrees: usize) -> f64 {
    let n = whole(degrees);
    let z2 = z * z;
    let first = z * (z2 + 1.0) / 4.0;
    let second = z * ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0;
    let third = z * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0;
    let fourth = z * ((((79.0 * z2 + 776.0) * z2 + 1482.0) * z2 - 1920.0) * z2 - 945.0) / 92160.0;
    z + (first + (second + (third + fourth / n) / n) / n) / n
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of runs within one window"
)]
pub(super) fn whole(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_separates_settings_is_no_noise() {
        let near = [[0.50, 0.52], [0.51, 0.53], [0.49, 0.51], [0.50, 0.52]];
        let far: Vec<[f64; 2]> = near
            .iter()
            .zip(0..)
            .map(|(group, at)| group.map(|value| value + f64::from(at)))
            .collect();
        let wide: Vec<[f64; 2]> = [&near[..], &far[..]].concat();
        let pooled = Pooled::of(wide.iter().map(<[f64; 2]>::as_slice)).unwrap();
        assert_eq!((pooled.degrees, pooled.groups), (8, 8));
        // Two values 0.02 apart scatter by 0.02/√2.
        assert!((pooled.deviation - 0.02 / 2.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn values_of_any_size_have_the_same_deviation_for_their_size() {
        let group = [0.50, 0.52, 0.51];
        let of = |size: f64| {
            let group = group.map(|value| value * size);
            Pooled::of([&group[..]; 4]).unwrap().deviation / size
        };
        for size in [1e-300, 1e-170, 1e170, 1e300] {
            assert!(
                (of(size) / of(1.0) - 1.0).abs() < 1e-12,
                "{size}: {}",
                of(size)
            );
        }
    }

    #[test]
    fn too_few_degrees_of_freedom_say_nothing() {
        let group = [0.1, 0.2, 0.3, 0.4];
        assert!(Pooled::of([&group[..], &group[..], &[1.0]]).is_none());
        assert!(Pooled::of([&group[..], &group[..], &group[..]]).is_some());
    }

    #[test]
    fn the_quantiles_are_those_of_the_tables() {
        // R: qt(1 - 0.01 / m, df).
        for (judged, degrees, expected) in [
            (1, 8, 2.8965),
            (1, 20, 2.5280),
            (2, 8, 3.3554),
            (2, 30, 2.7500),
            (10, 8, 4.5008),
            (10, 30, 3.3852),
        ] {
            let found = student_limit(judged, degrees);
            assert!(
                (found - expected).abs() < 0.003 * expected,
                "{judged} {degrees}: {found}"
            );
        }
        assert!((student_quantile(1.281_552, 4) - 1.5332).abs() < 1e-3);
    }

    #[test]
    fn more_runs_and_repeats_narrow_it_and_more_judged_metrics_widen_it() {
        let pooled = Pooled {
            deviation: 1.0,
            degrees: 12,
            groups: 4,
        };
        let one = pooled.distance(3, 1, 1);
        assert!(pooled.distance(4, 1, 1) < one);
        assert!(pooled.distance(3, 3, 1) < one);
        assert!(pooled.distance(3, 1, 2) > one);
    }
}
