//! Which environment a recording is of, as whoever records says it.
//!
//! Plain values. The variables of a session and its folder are handed in: nothing here finds out by
//! itself where it runs. What becomes of a choice is decided beside.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::settled::Settled;

/// Which environment a recording is of. What a document itself says about its environment goes
/// before each of them.
#[derive(Debug, Clone)]
pub enum EnvironmentChoice {
    /// None is known.
    NotCaptured {
        /// Why, as a sentence fragment for people.
        reason: String,
    },
    /// The machine as it is, if the run ended just now: the document says no other time, and is no
    /// part of a stream.
    IfJustNow(Arc<CaptureRequest>),
    /// The machine as it is.
    Current(Arc<CaptureRequest>),
    /// One that was settled before, by [`Ledger::finish_environment`].
    ///
    /// [`Ledger::finish_environment`]: crate::Ledger::finish_environment
    Settled(Arc<Settled>),
}

/// What a capture has to know about who asks for it.
#[derive(Debug, Clone, Default)]
pub struct CaptureRequest {
    /// The folder that is captured as if it were the root of a machine; `None`: this machine.
    pub root: Option<PathBuf>,
    /// The interpreter, or the folder of the virtual environment; `None`: what `python3` would be.
    pub python: Option<PathBuf>,
    /// The folder in which a virtual environment is looked for, and a git repository around it.
    pub folder: Option<PathBuf>,
    /// The environment variables of the session.
    pub variables: BTreeMap<String, String>,
}

impl EnvironmentChoice {
    /// Says that nobody asked for a capture.
    pub fn nobody_asked() -> Self {
        Self::NotCaptured {
            reason: "nobody asked for it".to_owned(),
        }
    }

    /// Says that whoever records asked for none.
    pub fn left_out() -> Self {
        Self::NotCaptured {
            reason: "left out as asked".to_owned(),
        }
    }

    /// Tells whether an environment is meant whatever the document says of its times.
    pub(crate) const fn is_asked_for(&self) -> bool {
        matches!(self, Self::Current(_) | Self::Settled(_))
    }

    /// Returns the choice for one document of a stream: what only holds of a run that ended just
    /// now cannot be said of it.
    #[must_use]
    pub fn within_a_stream(&self) -> Self {
        match self {
            Self::IfJustNow(_) => Self::NotCaptured {
                reason: "it was recorded in a stream".to_owned(),
            },
            other => other.clone(),
        }
    }
}
