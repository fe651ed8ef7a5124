//! What is known of the noise of a table, and which runs it leaves tied with the best.
//!
//! Repeats with equal settings tell how far runs scatter; where there are too few, the deviations
//! that runs carry say at least how far one run's own value is known. The invariant kept: values at
//! other settings never serve as noise, and without any noise nothing is claimed.

use serde_json::{Value, json};

use super::among_best::among_best;
use crate::canon;
use crate::profile::Tolerance;
use crate::snapshot::Snapshot;
use crate::verdict::noise::{POOLED_DEGREES_MIN, Pooled, grain};

/// By what the scatter of a single value is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Runs with equal settings, pooled over the settings.
    WithinSettings,
    /// The deviations the runs carry. They miss what changes from seed to seed.
    WithinRun,
}

/// How far single values scatter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scatter {
    /// How that is known.
    pub basis: Basis,
    /// The deviation of a single value; of its logarithm on a log scale.
    pub deviation: f64,
    /// Degrees of freedom.
    pub degrees: usize,
    /// Settings with repeats, or runs with a deviation.
    pub groups: usize,
    /// Whether logarithms are compared.
    pub log: bool,
}

/// Which runs cannot be told from the best.
#[derive(Debug, Clone, PartialEq)]
pub enum Ties {
    /// Those whose values lie within a distance of the best one.
    Within {
        /// The noise.
        scatter: Scatter,
        /// The farthest value that is still tied with the best, in the metric's own unit.
        limit: f64,
        /// How many, the best included.
        runs: usize,
    },
    /// Nothing is claimed.
    Unknown {
        /// Why not, as a fragment for people.
        reason: String,
    },
}

impl Scatter {
    /// Measures the scatter of values with equal settings, one group per settings; `None` below
    /// [`POOLED_DEGREES_MIN`] degrees of freedom. Each exact repeat counts once.
    pub fn within_settings(groups: &[Vec<f64>], tolerance: Tolerance) -> Option<Self> {
        let log = tolerance.log && groups.iter().flatten().all(|value| *value > 0.0);
        let on_scale: Vec<Vec<f64>> = groups
            .iter()
            .map(|group| group.iter().map(|value| to(log, *value)).collect())
            .collect();
        let pooled = Pooled::of(on_scale.iter().map(Vec::as_slice))?;
        Some(Self {
            basis: Basis::WithinSettings,
            deviation: pooled.deviation,
            degrees: pooled.degrees,
            groups: pooled.groups,
            log,
        })
    }

    /// Pools what the runs say of the deviation of their own values: those of folds, so that the
    /// mean is known to `std·√(1/n + 1/(n − 1))`. Whether folds share training data is not known,
    /// so it is assumed.
    ///
    /// # Source
    /// Nadeau & Bengio, Machine Learning 52, 239 (2003), section 5.
    pub fn within_runs<'s>(
        name: &str,
        runs: impl Iterator<Item = &'s Snapshot>,
        tolerance: Tolerance,
    ) -> Option<Self> {
        let metric = name.strip_suffix(".mean").unwrap_or(name);
        let log = tolerance.log;
        let (mut squares, mut degrees, mut groups) = (0.0, 0.0, 0);
        for run in runs {
            let part = |part: &str| run.metrics.get(&format!("{metric}.{part}"))?.finite();
            let (Some(deviation), Some(folds)) = (part("std"), part("n")) else {
                continue;
            };
            let value = run.metrics.get(name).and_then(|value| value.finite());
            if deviation <= 0.0 || folds < 2.0 || (log && value.is_none_or(|value| value <= 0.0)) {
                continue;
            }
            // A small deviation of a logarithm is the relative one of the value.
            let scale = if log { value.unwrap_or(1.0) } else { 1.0 };
            let error = deviation / scale;
            let own = error * error * (folds.recip() + (folds - 1.0).recip());
            squares += (folds - 1.0) * own;
            degrees += folds - 1.0;
            groups += 1;
        }
        let whole = as_count(degrees);
        (groups > 1 && whole >= POOLED_DEGREES_MIN).then(|| Self {
            basis: Basis::WithinRun,
            deviation: (squares / degrees).sqrt(),
            degrees: whole,
            groups,
            log,
        })
    }

    /// Returns the value that is still tied with the best of `runs`; `down` turns a value so that
    /// smaller is worse.
    pub(super) fn limit(
        &self,
        best: f64,
        values: &[f64],
        tolerance: Tolerance,
        down: impl Fn(f64) -> f64,
    ) -> f64 {
        let off = among_best(values.len(), self.degrees) * self.deviation;
        let log = self.log && values.iter().all(|value| *value > 0.0);
        let far = match (log, self.log) {
            (true, _) => back(true, down(down(to(true, best)) - off)),
            // A deviation of logarithms says nothing of values that have none.
            (false, true) => best,
            (false, false) => down(down(best) - off),
        };
        let floor = tolerance
            .used(best, best)
            .max(grain(values.iter().copied()));
        let near = down(down(best) - floor);
        if down(far) < down(near) { far } else { near }
    }

    /// Returns by what the noise is known, as a fragment for people.
    pub fn words(&self) -> String {
        let Self {
            degrees, groups, ..
        } = self;
        match self.basis {
            Basis::WithinSettings => {
                let settings = if *groups == 1 { "setting" } else { "settings" };
                format!(
                    "by the scatter of repeats within {groups} {settings}, {degrees} degrees of \
                     freedom"
                )
            }
            Basis::WithinRun => format!(
                "by the deviations that {groups} runs carry, which miss what changes from seed to \
                 seed"
            ),
        }
    }
}

impl Ties {
    /// Returns the stable JSON form.
    pub fn to_json(&self) -> Value {
        let (scatter, limit, runs, reason) = match self {
            Self::Within {
                scatter,
                limit,
                runs,
            } => (Some(scatter), Some(*limit), Some(*runs), None),
            Self::Unknown { reason } => (None, None, None, Some(reason)),
        };
        json!({
            "basis": scatter.map(|it| match it.basis {
                Basis::WithinSettings => "within_settings",
                Basis::WithinRun => "within_run",
            }),
            "deviation": scatter.and_then(|it| canon::number(it.deviation)),
            "degrees_of_freedom": scatter.map(|it| it.degrees),
            "groups": scatter.map(|it| it.groups),
            "scale": scatter.map(|it| if it.log { "log" } else { "linear" }),
            "limit": limit.and_then(canon::number),
            "runs_tied": runs,
            "reason": reason,
        })
    }
}

fn to(log: bool, value: f64) -> f64 {
    if log { libm::log(value) } else { value }
}

fn back(log: bool, value: f64) -> f64 {
    if log { libm::exp(value) } else { value }
}

/// Whole degrees of freedom; more than a table can use are as good as so many.
fn as_count(degrees: f64) -> usize {
    const MOST: u32 = 1_000_000;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "cut to a whole number of a small range before"
    )]
    let whole = degrees.clamp(0.0, f64::from(MOST)).floor() as u32;
    usize::try_from(whole).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::sample;

    const PLAIN: Tolerance = Tolerance {
        absolute: 0.001,
        relative: 0.0,
        log: false,
    };

    fn groups(settings: usize) -> Vec<Vec<f64>> {
        vec![vec![0.70, 0.72]; settings]
    }

    #[test]
    fn repeats_within_settings_tell_the_scatter_once_there_are_enough() {
        assert_eq!(Scatter::within_settings(&groups(7), PLAIN), None);
        let found = Scatter::within_settings(&groups(8), PLAIN).unwrap();
        assert_eq!((found.degrees, found.groups), (8, 8));
        assert!((found.deviation - 0.02 / 2.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn deviations_that_runs_carry_serve_in_their_place() {
        let carrying = |std: f64, n: f64| {
            let mut run = sample::run("a");
            run.metrics = sample::metrics(&[("auc.mean", 0.7), ("auc.std", std), ("auc.n", n)]);
            run
        };
        let runs = [carrying(0.02, 5.0), carrying(0.02, 5.0)];
        let found = Scatter::within_runs("auc.mean", runs.iter(), PLAIN).unwrap();
        let expected = 0.02 * (0.2_f64 + 0.25).sqrt();
        assert!((found.deviation - expected).abs() < 1e-12);
        assert_eq!(found.degrees, 8);
        // Without a count nobody knows what the deviation is of.
        for (std, n) in [(0.0, 5.0), (0.02, 1.0), (f64::NAN, 5.0), (0.02, f64::NAN)] {
            let runs = [carrying(std, n), carrying(std, n)];
            assert_eq!(Scatter::within_runs("auc.mean", runs.iter(), PLAIN), None);
        }
    }

    #[test]
    fn what_never_counts_is_tied_also_without_any_scatter() {
        let scatter = Scatter {
            basis: Basis::WithinSettings,
            deviation: 0.0,
            degrees: 10,
            groups: 3,
            log: false,
        };
        let up = |value: f64| value;
        let limit = scatter.limit(0.9, &[0.9, 0.7777], PLAIN, up);
        assert!((limit - 0.899).abs() < 1e-12, "{limit}");
        // A value written with one decimal moves by a whole step for nothing.
        let limit = scatter.limit(0.9, &[0.9, 0.7], PLAIN, up);
        assert!((limit - 0.8).abs() < 1e-12, "{limit}");
        // Lower is better.
        let limit = scatter.limit(0.5, &[0.5, 0.7777], PLAIN, |value| -value);
        assert!((limit - 0.501).abs() < 1e-12, "{limit}");
    }

    #[test]
    fn on_a_log_scale_the_limit_is_a_ratio() {
        let times = Tolerance {
            absolute: 0.0,
            relative: 0.05,
            log: true,
        };
        let near: Vec<Vec<f64>> = vec![vec![10.0, 11.0]; 8];
        let far: Vec<Vec<f64>> = vec![vec![1000.0, 1100.0]; 8];
        let [near, far] =
            [near, far].map(|groups| Scatter::within_settings(&groups, times).unwrap());
        assert!((near.deviation - far.deviation).abs() < 1e-12);
        let limit = near.limit(10.0, &[10.0, 14.0], times, |value| -value);
        let again = far.limit(1000.0, &[1000.0, 1400.0], times, |value| -value);
        assert!((again / limit - 100.0).abs() < 1e-9, "{limit} {again}");
    }
}
