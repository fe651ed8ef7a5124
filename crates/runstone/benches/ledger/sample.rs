//! Durations and their quantiles.

use std::fmt;
use std::time::Duration;

/// Durations of one thing, done many times.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample(Vec<Duration>);

impl Sample {
    pub(crate) fn push(&mut self, duration: Duration) {
        self.0.push(duration);
    }

    /// Returns the duration below which a share of all lie.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a position in a list of some hundreds"
        )]
        let at = (last as f64 * share).round() as usize;
        sorted.get(at).copied().unwrap_or_default()
    }

    pub(crate) fn ratio(&self, floor: &Self, share: f64) -> f64 {
        self.quantile(share).as_secs_f64() / floor.quantile(share).as_secs_f64()
    }

    pub(crate) fn excess_ms(&self, floor: &Self, share: f64) -> f64 {
        (self.quantile(share).as_secs_f64() - floor.quantile(share).as_secs_f64()) * 1e3
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |share| self.quantile(share).as_secs_f64() * 1e3;
        write!(
            f,
            "p50 {:8.3} ms   p90 {:8.3} ms   p99 {:8.3} ms",
            ms(0.5),
            ms(0.9),
            ms(0.99)
        )
    }
}
