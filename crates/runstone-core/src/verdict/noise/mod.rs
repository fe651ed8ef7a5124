//! What a metric's own history says about the next value: statistics over plain numbers.
//!
//! ```text
//! values of earlier runs → spread (one side) → outlier → limit (× k) ──┐
//!        │                                                            ├→ beyond or not
//!        ├→ grain (decimals), tolerance ── floor ─────────────────────┘
//!        ├→ pooled (too few runs with these settings)
//!        └→ shift (a lasting step, its onset)
//! ```
//!
//! Nothing here knows a run or a profile. Every function is pure and free of tuning by the data it
//! judges; the constants are tables that the program `runstone-trust` derives and measures
//! (`docs/verdicts.md`). Arithmetic is basic operations and square roots, so that equal numbers
//! give equal bytes on every machine.

mod band;
mod best;
mod grain;
mod limits;
mod outlier;
mod pooled;
mod shift;
mod shift_limits;
mod spread;
mod squares;

pub use self::band::{Band, Stake};
pub use self::best::expected_best;
pub use self::grain::{decimals, grain};
pub use self::limits::{DROP, FACTORS, JUDGED, REPEATS, RUNS, drop_factor, factor};
pub use self::outlier::{DROP_RUNS_MIN, without_worst};
pub use self::pooled::{POOLED_DEGREES_MIN, Pooled, student_limit};
pub use self::shift::{SHIFT_RUNS_MAX, SHIFT_RUNS_MIN, SHIFT_TAKEN_MAX, Shift, ShiftWatch};
pub use self::shift_limits::{SHIFT_LIMITS, shift_limit};
pub use self::spread::{Side, Spread};
pub(super) use self::spread::{count, median};
