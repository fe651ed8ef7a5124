//! Did it matter?
//!
//! ```text
//! envelopes' summaries → points → previous ── diff ──┐
//!                              └→ baseline           ├→ verdict
//!                              └→ history ───────────┘
//! ```
//!
//! Everything here is a pure function of the cohort's log below the current snapshot, of the notes
//! its envelope saw, and of the profile: no run ever chooses what it is compared with. A history is
//! handed in **newest first**, with what was deleted or accepted marked; at most the first
//! [`LOOK_BACK`] points count, so that the cost of an answer does not grow with the cohort.
//!
//! The rule, what it was measured to do and what was rejected stand in `docs/verdicts.md`. Reading
//! the points from a log belongs to the crate `runstone`.

mod answer;
mod asked;
mod baseline;
mod choice;
mod gate;
mod gravity;
mod held;
mod judge;
mod metric;
mod moves;
pub mod noise;
mod point;
mod previous;
mod reference;
mod scale;
mod sentence;
mod told;
mod trail;

pub use self::answer::{Basis, EqualRegression, JUDGE_VERSION, Method, Others, Overall, Verdict};
pub use self::baseline::{Baseline, Pinned};
pub use self::choice::baseline;
pub use self::gate::{Condition, FailedBy, Failure, failures};
pub use self::held::{HeldAgainst, NotHeld, ShiftSeen};
pub use self::judge::{JudgeRules, judge, judge_against_one, repeated_regression};
pub use self::metric::MetricVerdict;
pub use self::moves::{BaselineMove, Held, Moves};
#[cfg(test)]
pub(crate) use self::point::sample;
pub use self::point::{LOOK_BACK, Mark, Point, PointNotes, same_settings, serving_before};
pub use self::previous::{NoPrevious, Previous, Skipped, previous};
pub use self::reference::values_by_settings;
pub use self::trail::{Part, Trail, TrailBand, TrailPoint, trail};
