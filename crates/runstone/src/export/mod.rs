//! Everything there is, one snapshot after the other: for a table, a notebook or another ledger.
//!
//! One row per (run, stage, cohort, attempt), so that no row of another target, symbol or family is
//! ever lost. [`Extent`] fixes what is exported before the first row is read, so that two passes
//! see the same snapshots while others go on recording; [`Ledger::export`](crate::Ledger::export)
//! hands them out one at a time and keeps none; [`columns`] flattens one. What cannot be read is
//! handed out by its name, in its place. How rows are written is left to the faces.

pub mod columns;
mod walk;

pub use self::walk::{Extent, Found};
