//! What is asked about one metric.
//!
//! Everything that judging a metric needs besides its history: the value, the profile's rules for
//! it, and the single run it is held against, if it is one. Plain values; who asks is the judge.

use crate::id::SnapshotSeq;
use crate::profile::{Direction, Tolerance};

/// What is asked about one metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) name: &'a str,
    /// The current run's value; `None` if it has none or no finite one.
    pub(super) value: Option<f64>,
    pub(super) direction: Direction,
    pub(super) tolerance: Tolerance,
    /// How many metrics share the rate of false alarms.
    pub(super) judged: usize,
    /// The single run it is held against; `None`: the middle of its history.
    pub(super) one: Option<One>,
    /// Whether a lasting step is looked for.
    pub(super) is_watched: bool,
    /// Fewest earlier runs.
    pub(super) min_runs: usize,
    /// Most earlier runs.
    pub(super) noise_window: usize,
}

/// A single run that another one is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct One {
    pub(super) place: SnapshotSeq,
    /// Its value; `None` if it has none or no finite one.
    pub(super) value: Option<f64>,
    /// By how many spreads it is expected on the better side of a typical run, since it was chosen
    /// as the best of several.
    pub(super) luck: f64,
}
