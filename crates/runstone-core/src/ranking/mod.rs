//! Runs of one cohort side by side: which is best, which cannot be told from it, and what differs.
//!
//! ```text
//! snapshots ─┬→ values of one metric → order ─┬→ ties (within noise of the best)
//!            │                 noise ─────────┘
//!            └→ leaves → columns that differ, the most telling first
//! ```
//!
//! [`rank`] is a pure function of the snapshots, of the noise and of what the profile says of the
//! metric. The invariant kept: where no noise is known, nothing is said about ties; and what was
//! not captured is no difference. Which runs there are, and what is known of their noise, is read
//! by the crate `runstone`; the judgement of a single run belongs to the verdict.

mod among_best;
mod columns;
mod order;
mod scatter;

pub use self::among_best::among_best;
pub use self::columns::{Cell, Column};
pub use self::order::{By, Ranked, Ranking, rank};
pub use self::scatter::{Basis, Scatter, Ties};
