//! The environment of a command that is about to start: read before, written up while it runs.
//!
//! What a machine says is read at once, and taking out secrets, ordering and hashing what it said
//! need nothing of the machine any more. The invariant: nothing is recorded that was read once the
//! command may have started; and whatever becomes of the writing up, the recording goes on.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::{Builder, JoinHandle};

use runstone_core::profile::Profile;
use runstone_core::redact::Redaction;
use runstone_env::{Capture, Survey, survey};

use super::choice::{CaptureRequest, EnvironmentChoice};
use super::code::FoundCode;
use super::settled::{Settled, looking_at};
use crate::error::{Error, chain};
use crate::open::Ledger;
use crate::profiles::ProfileChoice;

/// An environment that was read and is being written up.
#[derive(Debug)]
pub struct BegunEnvironment(Begun);

#[derive(Debug)]
enum Begun {
    Settled(Arc<Settled>),
    WritingUp {
        /// Nothing where there was nothing to write up.
        capture: JoinHandle<Option<Capture>>,
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
    pub fn begin_environment(
        &self,
        choice: &EnvironmentChoice,
        here: &CaptureRequest,
        profile: &ProfileChoice,
    ) -> Result<BegunEnvironment, Error> {
        let profile = self.profile(profile)?;
        Ok(BegunEnvironment(match choice {
            EnvironmentChoice::Settled(named) => {
                let reading = self.begin_code(here, &profile);
                Begun::Settled(Arc::new(named.with_code(self.finish_code(reading))))
            }
            // What is about to start ends no earlier than now.
            EnvironmentChoice::IfJustNow(request) | EnvironmentChoice::Current(request) => {
                self.begin_capture(request, &profile)
            }
            EnvironmentChoice::NotCaptured { .. } => {
                Begun::Settled(self.settled(choice, None, &profile))
            }
        }))
    }

    /// Reads the machine and the code, and leaves the rest to a thread.
    fn begin_capture(&self, request: &Arc<CaptureRequest>, profile: &Profile) -> Begun {
        let reading = self.begin_code(request, profile);
        let looked = looking_at(request, profile);
        let surveyed = looked.map(|(root, options)| (survey(&root, &options), options.redaction));
        let at = self.clock.now();
        let code = self.finish_code(reading);
        let (survey, redaction) = match surveyed {
            Ok(surveyed) => surveyed,
            Err(error) => {
                let failed = Settled::failed(&chain(&error));
                return Begun::Settled(Arc::new(failed.with_code(code)));
            }
        };
        // Handed over, so that it is still here where no further thread can be started.
        let (hand_over, handed_over) = channel::<(Survey, Redaction)>();
        let beside = Builder::new().name("environment".to_owned());
        let started = beside.spawn(move || {
            let (survey, redaction) = handed_over.recv().ok()?;
            Some(survey.write_up(&redaction))
        });
        match started {
            Ok(capture) => {
                // A thread that does not take it ends without a capture.
                drop(hand_over.send((survey, redaction)));
                Begun::WritingUp {
                    capture,
                    at,
                    request: Arc::clone(request),
                    code,
                }
            }
            Err(_no_thread) => {
                let written = self.of_capture(survey.write_up(&redaction), request, &at);
                Begun::Settled(Arc::new(written.with_code(code)))
            }
        }
    }

    /// Waits for an environment to be written up. One whose writing up broke off is not captured:
    /// that is its reason, and the recording warns of it.
    pub fn finish_environment(&self, begun: BegunEnvironment) -> EnvironmentChoice {
        EnvironmentChoice::Settled(match begun.0 {
            Begun::Settled(settled) => settled,
            Begun::WritingUp {
                capture,
                at,
                request,
                code,
            } => {
                let settled = match capture.join() {
                    Ok(Some(capture)) => self.of_capture(capture, &request, &at),
                    Ok(None) | Err(_) => Settled::failed("writing up what was read broke off"),
                };
                Arc::new(settled.with_code(code))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::{InitRequest, init};

    #[test]
    fn writing_up_that_breaks_off_costs_the_environment_and_not_the_recording() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = init(&folder.path().join("store"), &InitRequest::default())
            .unwrap()
            .ledger;
        let begun = BegunEnvironment(Begun::WritingUp {
            capture: std::thread::spawn(|| panic!("as asked")),
            at: "2026-01-01T00:00:00Z".to_owned(),
            request: Arc::default(),
            code: ledger.finish_code(None),
        });
        let EnvironmentChoice::Settled(settled) = ledger.finish_environment(begun) else {
            panic!("it is settled");
        };
        assert_eq!(
            settled.warnings,
            ["the environment is not captured: writing up what was read broke off"]
        );
    }
}
