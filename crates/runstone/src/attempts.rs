//! Which attempt a recording becomes.
//!
//! The store answers for one explicit attempt; this walk says which one to ask for next. The
//! invariant: content that is recorded is found at its attempt, other content never takes the
//! number of a recording that stands, and a number is passed over only with a reason. Asking is
//! left to the caller, so that one recording and a batch of them walk alike.

use runstone_core::id::Attempt;
use runstone_core::snapshot::Status;
use runstone_store::{Committed, Envelope};

use crate::commit::AttemptChoice;
use crate::error::{Conflict, Error};
use crate::summary;

/// A walk over the attempts of one (run, stage, cohort), at the one to ask for.
#[derive(Debug)]
pub(crate) struct Walk {
    choice: AttemptChoice,
    attempt: Attempt,
    /// The last attempt that was passed and is recorded.
    last: Option<(Envelope, Committed)>,
}

impl Walk {
    /// Begins at the attempt that was chosen, else at the first.
    pub(crate) fn begin(choice: AttemptChoice) -> Self {
        let attempt = match choice {
            AttemptChoice::Exactly(attempt) => attempt,
            AttemptChoice::Found | AttemptChoice::Next => Attempt(0),
        };
        Self {
            choice,
            attempt,
            last: None,
        }
    }

    /// Returns the attempt to ask for.
    pub(crate) fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// Passes an attempt that other content holds. `is_free` tells whether nobody has claimed the
    /// attempt it is given.
    ///
    /// # Errors
    /// [`Error::Conflict`] if that attempt was asked for, or if it finished and no later one
    /// exists.
    pub(crate) fn pass(
        &mut self,
        claim: &Envelope,
        recorded: Option<&Committed>,
        is_free: impl FnOnce(Attempt) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        if let AttemptChoice::Exactly(_) = self.choice {
            return Err(conflict(claim, recorded, true).into());
        }
        // A claim without a slot is no recording: its number is skipped.
        if let Some(recorded) = recorded {
            self.last = Some((claim.clone(), recorded.clone()));
        }
        self.attempt = match self.attempt.0.checked_add(1) {
            Some(next) => Attempt(next),
            None => {
                return Err(Error::Usage {
                    what: "every attempt of this run and stage is taken".to_owned(),
                    hint: "choose another run id".to_owned(),
                });
            }
        };
        match &self.last {
            Some((claim, recorded))
                if self.choice != AttemptChoice::Next
                    && summary::status(claim) == Some(Status::Finished)
                    && is_free(self.attempt)? =>
            {
                Err(conflict(claim, Some(recorded), false).into())
            }
            _ => Ok(()),
        }
    }
}

pub(crate) fn conflict(claim: &Envelope, recorded: Option<&Committed>, explicit: bool) -> Conflict {
    let key = claim.key_text.as_ref();
    let cohort = key.map(|key| key.cohort.to_string()).unwrap_or_default();
    Conflict {
        run_id: key.map(|key| key.run.clone()).unwrap_or_default(),
        stage: key.map(|key| key.stage.clone()).unwrap_or_default(),
        attempt: Attempt(key.map(|key| key.attempt).unwrap_or_default()),
        place: recorded.map(|committed| format!("{cohort}#{}", committed.seq)),
        recorded_at: claim.recorded_at.clone(),
        explicit,
        has_content: true,
    }
}
