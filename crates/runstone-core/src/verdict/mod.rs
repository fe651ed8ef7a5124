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
//! This release answers `same` where nothing differs and `undecided` with the reason elsewhere; the
//! other words are kept for the judgement by noise. Reading the points from a log belongs to the
//! crate `runstone`.

mod baseline;
mod choice;
mod judge;
mod point;
mod previous;

pub use self::baseline::{Baseline, Pinned};
pub use self::choice::{BaselineMove, baseline, baseline_moves};
pub use self::judge::{Basis, JUDGE_VERSION, Method, Overall, Verdict, judge};
pub use self::point::{LOOK_BACK, Point};
pub use self::previous::{NoPrevious, Previous, Skipped, previous};
