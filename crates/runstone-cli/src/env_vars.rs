//! The environment variables Runstone reads, all of them, in one place.
//!
//! No other file of the workspace may ask the environment (`clippy.toml` says so). A variable that
//! is set but empty counts as not set.

use std::sync::Arc;

use runstone::clock::{Clock, FixedClock, SystemClock};

/// Where the store is, when `--store` does not say so.
pub(crate) const STORE: &str = "RUNSTONE_STORE";
/// The run id for documents that have none.
pub(crate) const RUN_ID: &str = "RUNSTONE_RUN_ID";
/// The stage for documents that have none.
pub(crate) const STAGE: &str = "RUNSTONE_STAGE";

/// The time, standing still, for tests and for output that must not change.
pub(crate) const CLOCK: &str = "RUNSTONE_CLOCK";

/// Returns the clock of this process.
pub(crate) fn clock() -> Arc<dyn Clock> {
    match read(CLOCK) {
        Some(instant) => Arc::new(FixedClock(instant)),
        None => Arc::new(SystemClock),
    }
}

/// Returns the value of a variable, `None` if it is unset, empty or not UTF-8.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that may ask"
)]
pub(crate) fn read(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
