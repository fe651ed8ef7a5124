//! The exit codes, one documented enum: the same for every command.
//!
//! Scripts decide by these numbers, so they are an interface: a code keeps its meaning for ever.
//! Which error has which code is said by the ledger's error kinds ([`crate::error`]).

use std::process::ExitCode;

/// What the process tells its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// It failed, and no other code says it better.
    Failure = 1,
    /// Usage, configuration or an illegal document.
    Usage = 2,
    /// Not found, or nothing comparable where that was required.
    NotFound = 3,
    /// The answer is "different" or "regression".
    Different = 4,
    /// Done in part: what was left out is named.
    Partly = 5,
    /// Refused: conflicting attempt, other options of `init`.
    Refused = 6,
    /// Busy, unreachable, or outcome unknown: the same command again is safe.
    Unknown = 7,
    /// Truth is damaged.
    Damaged = 8,
    /// Our bug.
    Bug = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
