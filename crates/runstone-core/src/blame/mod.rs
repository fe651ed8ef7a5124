//! What changed when a metric moved, and how often the same changed before without harm.
//!
//! ```text
//! verdict on a metric, history → onset ┐
//! rows between the runs around it ─────┼→ suspects, most suspicious first
//! answers to earlier runs ─────────────┘
//! ```
//!
//! Pure functions of what the ledger reads. The invariant kept: a suspect is what changed *with*
//! the move, with the evidence of the cohort's own history for and against it; nothing here says
//! that it is the cause. Whether anything moved at all is the verdict's.

mod onset;
mod suspect;

pub use self::onset::{Onset, Seen, onset};
pub use self::suspect::{
    Changed, Earlier, Group, Has, Run, Suspect, changed_between, environment_key, suspects,
};
