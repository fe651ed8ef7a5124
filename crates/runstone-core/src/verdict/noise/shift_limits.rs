//! Beyond which statistic a shift counts: the stored table.
//!
//! One limit for each number of values taken since the last shift, such that of runs without any
//! shift, and without a finding before, 0.25 % show one to a given side. Ranks make it the same for
//! every law. Derived by `runstone-trust derive`.

use super::shift::{SHIFT_RUNS_MIN, SHIFT_TAKEN_MAX};

/// Limits from [`SHIFT_RUNS_MIN`] values on.
pub const SHIFT_LIMITS: [f64; SHIFT_TAKEN_MAX - SHIFT_RUNS_MIN + 1] = [
    2.723, 2.778, 2.793, 2.778, 2.790, 2.793, 2.795, 2.800, 2.805, 2.808, 2.810, 2.833, 2.821,
    2.825, 2.831, 2.829, 2.834, 2.837, 2.829, 2.847, 2.850, 2.857, 2.847, 2.848, 2.856, 2.844,
    2.847, 2.855, 2.857, 2.856, 2.852, 2.850, 2.853, 2.853, 2.850, 2.859, 2.858, 2.855, 2.862,
    2.932, 2.964, 2.977, 2.977, 2.981, 2.971, 2.971, 2.991, 2.991, 2.984, 2.982, 2.986, 2.978,
    2.984, 2.978,
];

/// Returns the limit for as many values; `None` for too few.
pub fn shift_limit(runs: usize) -> Option<f64> {
    let at = runs.checked_sub(SHIFT_RUNS_MIN)?;
    Some(SHIFT_LIMITS[at.min(SHIFT_LIMITS.len() - 1)])
}
