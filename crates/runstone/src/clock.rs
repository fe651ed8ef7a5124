//! Where the time comes from.
//!
//! Time is an argument: the ledger asks a [`Clock`] when it writes down `recorded_at`, and nothing
//! else. That time is for lists and for talk; it orders nothing inside a cohort.

use std::fmt::Debug;

/// Tells the time as the ledger writes it down.
pub trait Clock: Send + Sync + Debug {
    /// Returns now as UTC RFC 3339 with milliseconds, such as `2026-11-20T10:17:31.042Z`.
    fn now(&self) -> String;
}

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> String {
        format!("{:.3}", jiff::Timestamp::now())
    }
}

/// A clock that stands still, for tests and for output that must not change.
#[derive(Debug, Clone)]
pub struct FixedClock(pub String);

impl Clock for FixedClock {
    fn now(&self) -> String {
        self.0.clone()
    }
}
