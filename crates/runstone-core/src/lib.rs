//! The nouns and the law of Runstone: what a run document means, which runs may be compared, and
//! what changed between two of them.
//!
//! Everything here is a pure function. There is no file, socket, clock, environment variable or
//! randomness in this crate (its `clippy.toml` enforces it), so every rule can be read, tested and
//! trusted by itself. Each type is made only from the one before it:
//!
//! ```text
//! bytes → RunInput → RunRecord (legal) → CanonicalRun (equal things equal) → CohortKey → Snapshot → RunDiff
//! ```
//!
//! Durable bytes belong to `runstone-store`, which knows no run; the verbs that join the two
//! belong to `runstone`.

pub mod blame;
pub mod canon;
pub mod canonical;
pub mod cohort;
pub mod diff;
pub mod digest;
pub mod id;
pub mod input;
pub mod json;
pub mod metric;
pub mod note;
mod pattern;
pub mod pointer;
pub mod problem;
pub mod profile;
pub mod query;
pub mod ranking;
pub mod record;
pub mod redact;
pub mod snapshot;
mod spelling;
pub mod verdict;
pub mod views;
