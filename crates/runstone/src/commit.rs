//! Recording one run: from a document to a durable place in its cohort's log.
//!
//! The order is the promise. Everything slow or fallible (reading, validating, hashing) is done
//! before the log is touched, by `prepare`; what the snapshot will name is made durable, or
//! demanded where its bytes are not at hand; then the
//! walk over `attempts` finds the number this recording is entitled to, and one append makes it
//! durable; the objects it names are looked at once more, since `gc` may have been at work. The
//! store answers for one explicit (run, stage, cohort, attempt). Many at once are left to `batch`,
//! which takes the same steps.

use std::sync::Arc;

use runstone_core::digest::Digest;
use runstone_core::id::{Attempt, SnapshotSeq};
use runstone_core::input::{Overrides, RunInput};
use runstone_core::record::Defaults;
use runstone_core::snapshot::{Captured, Snapshot};
use runstone_store::{
    Appended, CohortName, Committed, Envelope, Hash256, Log, NewEntry, OpenedCohort, Seq, Slot,
    Standing, StoreError,
};

use crate::attempts::Walk;
use crate::digests::{to_digest, to_hash};
use crate::environments::{EnvironmentChoice, EnvironmentObject};
use crate::error::Error;
use crate::find::{Place, Stored};
use crate::named::Attachment;
use crate::open::Ledger;
use crate::prepare::{Draft, Ready, Terms, prepare};
use crate::profiles::ProfileChoice;
use crate::recorded::{Acknowledged, FoundForNext, Recorded, RecordedAs};
use crate::{named, summary};

/// What to record.
#[derive(Debug, Clone)]
pub struct RecordRequest {
    /// What errors call the document, such as `` `run.json` ``.
    pub name: String,
    /// The document.
    pub input: RunInput,
    /// What the caller says beside it; a contradiction is refused.
    pub overrides: Overrides,
    /// Which attempt this is.
    pub attempt: AttemptChoice,
    /// The rule it is read by.
    pub profile: ProfileChoice,
    /// What is known of the process that ran. It is no content: the same results from another
    /// process are the same recording.
    pub process: Captured,
    /// Which environment it ran in. It is no content either.
    pub environment: EnvironmentChoice,
}

impl RecordRequest {
    /// Asks for `input` to be recorded as it is, by the store's own profile.
    pub fn of(input: RunInput) -> Self {
        Self {
            name: "the document".to_owned(),
            input,
            overrides: Overrides::default(),
            attempt: AttemptChoice::Found,
            profile: ProfileChoice::StoreDefault,
            process: Self::no_process(),
            environment: EnvironmentChoice::nobody_asked(),
        }
    }

    /// Says that nobody watched the process that ran.
    pub fn no_process() -> Captured {
        Captured::NotCaptured {
            reason: "the run was recorded after it ended".to_owned(),
        }
    }
}

/// Which attempt a recording is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptChoice {
    /// The one the document names; else the first, or the next after one that did not finish.
    Found,
    /// Exactly this one.
    Exactly(Attempt),
    /// The next one, also after one that finished.
    Next,
}

impl AttemptChoice {
    /// Joins what was asked for with the attempt that the document names.
    ///
    /// # Errors
    /// [`Error::Usage`] with both, if they contradict each other.
    pub(crate) fn beside(self, named: Option<Attempt>) -> Result<Self, Error> {
        let contradiction = |asked: &str, named: Attempt| Error::Usage {
            what: format!("`--attempt {asked}` contradicts the document, which says {named}"),
            hint: "leave one of the two away".to_owned(),
        };
        match (self, named) {
            (Self::Found, Some(named)) => Ok(Self::Exactly(named)),
            (Self::Next, Some(named)) => Err(contradiction("next", named)),
            (Self::Exactly(asked), Some(named)) if asked != named => {
                Err(contradiction(&asked.to_string(), named))
            }
            (choice, _) => Ok(choice),
        }
    }
}

impl Ledger {
    /// Records one stage of one run and answers what changed.
    ///
    /// # Durability
    /// On `Ok` the snapshot and everything it names survive power loss. On an error of kind
    /// [`crate::ErrorKind::Unknown`] the same call again is safe and tells; on any other error but
    /// [`Error::AttachmentLost`] nothing was recorded.
    ///
    /// # Errors
    /// Those of [`Ledger::commit`]. Once the snapshot stands nothing is an error any more: what
    /// cannot be compared is said in the answer.
    pub fn record(&self, request: RecordRequest) -> Result<Recorded, Error> {
        let mut worked_out = None;
        let acknowledged = self.commit_and(
            request,
            Some(&mut |acknowledged| {
                worked_out = Some(self.work_out(acknowledged, &|_any| true));
            }),
        )?;
        Ok(match (acknowledged, worked_out) {
            (None, Some(worked_out)) => self.finish(worked_out),
            (Some(acknowledged), _) => self.answer(acknowledged),
            (None, None) => unreachable!("what was acknowledged was handed to one of the two"),
        })
    }

    /// Records one stage of one run, durably, without comparing it.
    ///
    /// # Durability
    /// On `Ok` the snapshot and everything it names survive power loss. On an error of kind
    /// [`crate::ErrorKind::Unknown`] the same call again is safe and tells; on any other error but
    /// [`Error::AttachmentLost`] nothing was recorded.
    ///
    /// # Errors
    /// [`Error::Refused`] with every problem of the document at once; [`Error::Conflict`] if this
    /// (run, stage, cohort) is recorded with other content; [`Error::AttachmentMissing`] if a file
    /// is not in the store that the document says is; [`Error::AttachmentLost`] if it went
    /// meanwhile, the snapshot standing without it; [`Error::Store`] from the store.
    pub fn commit(&self, request: RecordRequest) -> Result<Acknowledged, Error> {
        let Some(acknowledged) = self.commit_and(request, None)? else {
            unreachable!("nobody else was there to be handed it")
        };
        Ok(acknowledged)
    }

    /// Records one stage of one run, and hands it to `meanwhile` while its place is made durable,
    /// on another thread; returns it where that was not done. What came of it may be told only
    /// once this has returned without an error.
    fn commit_and(
        &self,
        request: RecordRequest,
        mut meanwhile: Option<&mut (dyn FnMut(Acknowledged) + Send)>,
    ) -> Result<Option<Acknowledged>, Error> {
        let profile = self.profile(&request.profile)?;
        let mut ready = prepare(self, request, profile)?;
        self.make_durable(&ready.terms)?;
        self.demand_attachments(&ready.snapshot)?;
        self.keep_environment(&mut ready.snapshot, &mut ready.terms);
        let environment = ready.terms.environment.clone();
        let attachments: Vec<Attachment> = named::stored_artifacts(&ready.snapshot).collect();
        let (log, cohort) = (ready.terms.log.clone(), ready.terms.cohort.clone());
        let mut walk = Walk::begin(ready.terms.choice);
        loop {
            let attempt = walk.attempt();
            let draft = ready.draft(attempt)?;
            self.keep_sections(&draft)?;
            let entry = NewEntry {
                content: ready.terms.content,
                payload: &draft.payload,
                summary: Arc::clone(&draft.summary),
                recorded_at: self.clock.now(),
            };
            let key = ready.terms.key_text(attempt);
            let mut waiting = Some(ready);
            let appended = match &mut meanwhile {
                None => self.store.append(&log, Some(&key), &entry),
                Some(meanwhile) => {
                    let mut hand_over = |seq: Seq, envelope: &Envelope| {
                        let envelope = Box::new(envelope.clone());
                        if let Some(ready) = waiting.take() {
                            meanwhile(newly_acknowledged(ready, Committed { seq, envelope }));
                        }
                    };
                    self.store
                        .append_meanwhile(&log, Some(&key), &entry, &mut hand_over)
                }
            }?;
            if let Appended::Taken { claim, recorded } = appended {
                ready = waiting.expect("what has no place was handed to nobody");
                walk.pass(&claim, recorded.as_ref(), |next| {
                    Ok(self.store.claim(&ready.terms.key_text(next))?.is_none())
                })?;
                continue;
            }
            let attachments = attachments.into_iter();
            self.look_again(
                &draft,
                environment.as_ref(),
                attachments,
                &cohort,
                &appended,
            )?;
            return waiting
                .map(|ready| self.acknowledged(ready, appended))
                .transpose();
        }
    }

    /// Keeps bytes that a run document names by their digest, such as an artifact, and returns it.
    ///
    /// # Durability
    /// On `Ok` the bytes survive power loss.
    ///
    /// # Errors
    /// [`Error::Store`] if they could not be kept.
    pub fn keep(&self, bytes: &[u8]) -> Result<Digest, Error> {
        let sha256 = self.store.put_object(bytes, Standing::Unproven)?;
        Ok(to_digest(&sha256))
    }

    /// Returns what documents that do not say it mean.
    pub(crate) fn defaults(&self) -> Defaults {
        Defaults {
            experiment: self.settings.experiment.clone(),
        }
    }

    /// Acknowledges what was appended: made by this recording, or found.
    fn acknowledged(&self, ready: Ready, appended: Appended) -> Result<Acknowledged, Error> {
        let committed = match appended {
            Appended::New(committed) => return Ok(newly_acknowledged(ready, committed)),
            Appended::Already(committed) => committed,
            Appended::Taken { .. } => unreachable!("the walk ends at a place or with an error"),
        };
        let Ready { snapshot, terms } = ready;
        let stored = self.stored(&terms.cohort, committed.seq)?;
        let all = match snapshot.process {
            Captured::Known(_) => FoundForNext::DocumentWithoutProcess,
            Captured::NotCaptured { .. } => FoundForNext::Document,
        };
        Ok(found(terms, stored, all))
    }

    /// Makes the sections durable that moved out of a payload.
    pub(crate) fn keep_sections(&self, draft: &Draft) -> Result<(), Error> {
        for section in &draft.moved {
            self.store.put_object(section, Standing::Unproven)?;
        }
        Ok(())
    }

    /// Demands the files that a snapshot will say are stored with it, whose bytes are not at hand.
    pub(crate) fn demand_attachments(&self, snapshot: &Snapshot) -> Result<(), Error> {
        for attachment in named::stored_artifacts(snapshot) {
            let held = self.store.hold_object(&attachment.sha256, None);
            // No slot names it yet, so that there is no doubt.
            let is_held = held.map_err(|error| match error {
                StoreError::Unknown {
                    path,
                    source: Some(source),
                    ..
                } => StoreError::NotRecorded { path, source },
                error => error,
            })?;
            if !is_held {
                return Err(Error::AttachmentMissing {
                    attachment: attachment.to_string(),
                });
            }
        }
        Ok(())
    }

    /// Looks again, with the slot taken, at the objects it names: until then nobody named them, and
    /// a collection may have taken them away. A snapshot without such objects costs nothing.
    pub(crate) fn look_again(
        &self,
        draft: &Draft,
        environment: Option<&EnvironmentObject>,
        attachments: impl Iterator<Item = Attachment>,
        cohort: &CohortName,
        appended: &Appended,
    ) -> Result<(), Error> {
        for section in &draft.moved {
            self.store
                .hold_object(&Hash256::of(section), Some(section))?;
        }
        if let Some(environment) = environment {
            let bytes = Some(environment.bytes.as_ref());
            if !environment.is_named {
                self.store
                    .hold_object(&to_hash(&environment.digest), bytes)?;
            }
            self.durable.add_environment(environment.digest);
        }
        for attachment in attachments {
            if !self.store.hold_object(&attachment.sha256, None)?
                && let Appended::New(committed) | Appended::Already(committed) = appended
            {
                return Err(Error::AttachmentLost {
                    place: Place::of(cohort, committed).to_string(),
                    attachment: attachment.to_string(),
                });
            }
        }
        Ok(())
    }

    /// Makes everything a slot of this run will name durable before the slot exists. What this
    /// handle saw durable once stays so, and is not asked for again. Returns whether that opened
    /// the cohort.
    pub(crate) fn make_durable(&self, terms: &Terms) -> Result<OpenedCohort, Error> {
        let sha256 = terms.profile.sha256;
        if !self.durable.holds_profile(&sha256) {
            // A committed snapshot that names the profile proves that it is durable.
            let standing = match self.named_by_newest(&terms.log)? {
                Some(named) if named == sha256 => Standing::NamedByCommitted,
                _ => Standing::Unproven,
            };
            self.store
                .put_profile(terms.profile.text.as_bytes(), standing)?;
            self.durable.add_profile(sha256);
        }
        if self.durable.holds_cohort(&terms.cohort) {
            return Ok(OpenedCohort::Existing);
        }
        let opened = self.store.open_cohort(&terms.cohort, &terms.key.bytes());
        if let Err(StoreError::OtherCohort { .. }) = opened {
            // Another key has another id: the document is damaged.
            self.cohort_key(&terms.cohort)?;
        }
        let opened = opened?;
        self.durable.add_cohort(terms.cohort.clone());
        Ok(opened)
    }

    /// Tells whether the newest snapshot of a cohort names an environment: then its document is
    /// durable, and nothing takes it away.
    pub(crate) fn newest_names(&self, log: &Log, environment: &Digest) -> bool {
        let Log::Cohort(cohort) = log else {
            return false;
        };
        // Whatever cannot be read proves nothing, and costs a flush.
        let Ok(Some(head)) = self.store.head(log) else {
            return false;
        };
        let newest = self.recent(cohort, SnapshotSeq(head.get()));
        newest.is_ok_and(|newest| {
            let named = &newest.snapshot.environment;
            named.has_object() && named.digest() == Some(*environment)
        })
    }

    fn named_by_newest(&self, log: &Log) -> Result<Option<Digest>, Error> {
        let Some(head) = self.store.head(log)? else {
            return Ok(None);
        };
        Ok(match self.store.peek(log, head)? {
            Slot::Whole(envelope) => summary::profile(&envelope),
            Slot::Absent | Slot::Damaged(_) => None,
        })
    }
}

/// Acknowledges what this recording made.
pub(crate) fn newly_acknowledged(ready: Ready, committed: Committed) -> Acknowledged {
    let Ready { snapshot, terms } = ready;
    let stored = Stored {
        place: Place::of(&terms.cohort, &committed),
        snapshot,
        envelope: *committed.envelope,
    };
    Acknowledged {
        recorded_as: RecordedAs::New,
        stored,
        key: terms.key,
        warnings: terms.warnings,
        said: terms.said,
        found_for_next: None,
        profile: terms.profile,
    }
}

/// Acknowledges what this recording found, which holds `all` of what was sent.
pub(crate) fn found(terms: Terms, stored: Stored, all: FoundForNext) -> Acknowledged {
    Acknowledged {
        recorded_as: RecordedAs::Already,
        stored,
        found_for_next: (terms.choice == AttemptChoice::Next).then_some(all),
        key: terms.key,
        warnings: terms.warnings,
        said: terms.said,
        profile: terms.profile,
    }
}
