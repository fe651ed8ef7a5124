//! The rules in the table: ours, those that people use, and the bounds that no rule beats.
//!
//! Each says below which value a run after this history counts as worse.

use runstone_core::verdict::noise::{Band, Side, Stake, expected_best, student_limit};

use crate::derive::whole;
use crate::law::Law;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The one that judges runs, for as many judged metrics.
    Runstone { judged: usize },
    /// The one that holds a run against a single other one: the run before.
    AgainstPrevious,
    /// The same, against the best of the last ten, as `--against baseline` does.
    AgainstBest,
    /// The law is known: its own 1 % point.
    KnownLaw(Law),
    /// One-sided prediction limit of the normal law at 1 %.
    StudentLimit,
    /// More than 1 % below the run before.
    PreviousByOnePercent,
    /// More than 1 % below the best of the last ten.
    BestOfTenByOnePercent,
    /// Two deviations below the mean.
    MeanLessTwo,
    /// 2.33 robust deviations below the median.
    MedianLessMad,
}

/// Mean of the metric in its own deviations, for the rules that go by percent: an accuracy of 0.70
/// with a deviation of 0.01.
const MEAN_IN_SPREADS: f64 = 70.0;

impl Rule {
    /// Returns its name in tables.
    pub(crate) fn as_str(self) -> String {
        match self {
            Self::Runstone { judged: 1 } => "Runstone".to_owned(),
            Self::Runstone { judged } => format!("Runstone, {judged} metrics"),
            Self::AgainstPrevious => "Runstone, against the previous".to_owned(),
            Self::AgainstBest => "Runstone, against the best".to_owned(),
            Self::KnownLaw(_) => "bound: law known, 1 %".to_owned(),
            Self::StudentLimit => "t limit, 1 %".to_owned(),
            Self::PreviousByOnePercent => "previous less 1 %".to_owned(),
            Self::BestOfTenByOnePercent => "best of ten less 1 %".to_owned(),
            Self::MeanLessTwo => "mean less 2 deviations".to_owned(),
            Self::MedianLessMad => "median less 2.33 MAD".to_owned(),
        }
    }

    /// Returns the value below which the next run counts as worse.
    pub(crate) fn limit(self, values: &[f64], grain: f64) -> f64 {
        let (mean, deviation) = moments(values);
        let percent = |from: f64| from - 0.01 * (MEAN_IN_SPREADS + from).abs();
        match self {
            Self::Runstone { judged } => {
                let stake = Stake { judged, repeats: 1 };
                let band = Band::of(values, Side::Low, grain, stake).expect("five runs or more");
                band.median - band.distance().max(grain * (1.0 + 1e-9))
            }
            Self::AgainstPrevious => below_one(values, grain, values[values.len() - 1], 0.0),
            Self::AgainstBest => {
                let last = newest_ten(values);
                below_one(values, grain, best(last), expected_best(last.len()))
            }
            Self::KnownLaw(law) => law.quantile(0.01),
            Self::StudentLimit => {
                let n = whole(values.len());
                mean - student_limit(1, values.len() - 1) * deviation * (1.0 + n.recip()).sqrt()
            }
            Self::PreviousByOnePercent => percent(values[values.len() - 1]),
            Self::BestOfTenByOnePercent => percent(best(newest_ten(values))),
            Self::MeanLessTwo => mean - 2.0 * deviation,
            Self::MedianLessMad => {
                let middle = median(values);
                let off: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
                middle - 2.33 * 1.4826 * median(&off)
            }
        }
    }
}

/// The value below which a run is worse than a single one, which is as lucky as is said.
fn below_one(values: &[f64], grain: f64, one: f64, luck: f64) -> f64 {
    let stake = Stake {
        judged: 1,
        repeats: 1,
    };
    let bands = [Side::Low, Side::High]
        .map(|side| Band::of(values, side, grain, stake).expect("five runs or more"));
    let [low, _] = Band::around_one(bands, values, one);
    let low = low.with_luck(luck);
    low.median - low.distance().max(grain * (1.0 + 1e-9))
}

fn newest_ten(values: &[f64]) -> &[f64] {
    &values[values.len().saturating_sub(10)..]
}

fn best(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn moments(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / whole(values.len());
    let squares: f64 = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    (mean, (squares / whole(values.len() - 1)).sqrt())
}

fn median(values: &[f64]) -> f64 {
    let mut ordered = values.to_vec();
    ordered.sort_by(f64::total_cmp);
    f64::midpoint(ordered[(ordered.len() - 1) / 2], ordered[ordered.len() / 2])
}
