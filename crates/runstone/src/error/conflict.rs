//! Two recordings that cannot both stand.
//!
//! Plain values and their sentence. Whether something is a conflict is decided by `attempts`.

use std::fmt;

use runstone_core::id::Attempt;

use super::Error;

/// A recording that stands in the way of another with other content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The run.
    pub run_id: String,
    /// The stage.
    pub stage: String,
    /// The attempt that is taken.
    pub attempt: Attempt,
    /// Where it stands; `None`: a writer claimed it and has not finished.
    pub place: Option<String>,
    /// When its writer says it was recorded.
    pub recorded_at: String,
    /// Whether the caller asked for exactly this attempt.
    pub explicit: bool,
    /// Whether the other content exists; else the run that would bring it was not started.
    pub has_content: bool,
}

impl From<Conflict> for Error {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(Box::new(conflict))
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            run_id,
            stage,
            attempt,
            place,
            recorded_at,
            explicit: _,
            has_content,
        } = self;
        let other = if *has_content {
            " with other content"
        } else {
            ""
        };
        write!(f, "run `{run_id}` stage `{stage}` ")?;
        match place {
            Some(place) => write!(
                f,
                "is already recorded{other}: attempt {attempt}, {place}, on {recorded_at}"
            ),
            None => write!(
                f,
                "attempt {attempt} was claimed on {recorded_at} by a writer that has not finished"
            ),
        }
    }
}
