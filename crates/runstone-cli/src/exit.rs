//! The exit codes, one documented enum: the same for every command.
//!
//! Scripts decide by these numbers, so they are an interface: a code keeps its meaning for ever.
//! Which error has which code is said by the ledger's error kinds ([`crate::error`]).

/// What the process tells its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// It failed, and no other code says it better.
    Failure,
    /// Usage, configuration or an illegal document.
    Usage,
    /// Not found, or nothing comparable where that was required.
    NotFound,
    /// The answer is "different" or "regression".
    Different,
    /// Done in part: what was left out is named.
    Partly,
    /// Refused: conflicting attempt, other options of `init`.
    Refused,
    /// Busy, unreachable, or outcome unknown: the same command again is safe.
    Unknown,
    /// Truth is damaged.
    Damaged,
    /// Our bug.
    Bug,
    /// `run` failed where its command did not.
    Wrapper,
    /// The code of a command that was run: its own, 126 or 127 if it could not be started, 128 and
    /// the signal that killed it.
    Command(u8),
}

impl Exit {
    /// Returns the number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Different => 4,
            Self::Partly => 5,
            Self::Refused => 6,
            Self::Unknown => 7,
            Self::Damaged => 8,
            Self::Bug => 70,
            Self::Wrapper => 125,
            Self::Command(code) => code,
        }
    }
}
