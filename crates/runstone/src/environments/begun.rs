//! The environment of a command that is about to start: read before, written up while it runs.
//!
//! What a machine says is read at once, and taking out secrets, ordering and hashing what it said
//! need nothing of the machine any more. The invariant: nothing is read of the machine or of the
//! code once the command may have started.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use runstone_core::profile::Profile;
use runstone_env::{Capture, survey};

use super::choice::{CaptureRequest, EnvironmentChoice};
use super::code::FoundCode;
use super::settled::{Settled, looking_at};
use crate::error::{Error, chain};
use crate::open::Ledger;
use crate::profiles::ProfileChoice;

/// An environment that is being settled.
#[derive(Debug)]
pub struct Settling(How);

#[derive(Debug)]
enum How {
    Settled(Arc<Settled>),
    WritingUp {
        capture: JoinHandle<Capture>,
        /// When it was read.
        at: String,
        request: Arc<CaptureRequest>,
        code: FoundCode,
    },
}

impl Ledger {
    /// Reads the environment now, for a recording that comes later: of a command that is about to
    /// start. One that was named says nothing of code; what runs is what `here` names. Nothing is
    /// written.
    ///
    /// # Errors
    /// As [`Ledger::profile`], whose rules say what is redacted.
    pub fn settle_environment(
        &self,
        choice: &EnvironmentChoice,
        here: &CaptureRequest,
        profile: &ProfileChoice,
    ) -> Result<Settling, Error> {
        let profile = self.profile(profile)?;
        Ok(Settling(match choice {
            EnvironmentChoice::Settled(named) => {
                let reading = self.begin_code(here, &profile);
                How::Settled(Arc::new(named.with_code(self.finish_code(reading))))
            }
            // What is about to start ends no earlier than now.
            EnvironmentChoice::IfJustNow(request) | EnvironmentChoice::Current(request) => {
                self.begin_capture(request, &profile)
            }
            EnvironmentChoice::NotCaptured { .. } => {
                How::Settled(self.settled(choice, None, &profile))
            }
        }))
    }

    /// Reads the machine and the code, and leaves the rest to a thread.
    fn begin_capture(&self, request: &Arc<CaptureRequest>, profile: &Profile) -> How {
        let reading = self.begin_code(request, profile);
        let looked = looking_at(request, profile);
        let surveyed = looked.map(|(root, options)| (survey(&root, &options), options.redaction));
        let code = self.finish_code(reading);
        let (survey, redaction) = match surveyed {
            Ok(surveyed) => surveyed,
            Err(error) => {
                let failed = Settled::failed(&chain(&error));
                return How::Settled(Arc::new(failed.with_code(code)));
            }
        };
        let at = self.clock.now();
        let beside = Builder::new().name("environment".to_owned());
        match beside.spawn(move || survey.write_up(&redaction)) {
            Ok(capture) => How::WritingUp {
                capture,
                at,
                request: Arc::clone(request),
                code,
            },
            // No further thread can be started.
            Err(_) => How::Settled(Arc::new(self.captured_now(request, profile))),
        }
    }

    /// Waits for an environment to be settled.
    pub fn settled_environment(&self, settling: Settling) -> EnvironmentChoice {
        EnvironmentChoice::Settled(match settling.0 {
            How::Settled(settled) => settled,
            How::WritingUp {
                capture,
                at,
                request,
                code,
            } => {
                let capture = capture.join().unwrap_or_else(|panic| resume_unwind(panic));
                Arc::new(self.of_capture(capture, &request, &at).with_code(code))
            }
        })
    }
}
