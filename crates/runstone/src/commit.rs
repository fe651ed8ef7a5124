//! Recording: from a document to a durable place in its cohort's log.
//!
//! The order is the promise. Everything slow or fallible (reading, validating, hashing, storing
//! large sections) is done before the log is touched; then the walk over attempts finds the number
//! this recording is entitled to; then one append makes it durable. The store answers for one
//! explicit (run, stage, cohort, attempt); which attempt to ask for is decided here, because it
//! needs the status of the last one.

use runstone_core::canonical::{CanonicalRun, Captures};
use runstone_core::digest::Digest;
use runstone_core::id::Attempt;
use runstone_core::input::{Overrides, RunInput};
use runstone_core::profile::Profile;
use runstone_core::record::{Defaults, RunRecord};
use runstone_core::snapshot::{Captured, Snapshot, Status};
use runstone_store::{
    Appended, CohortName, Committed, Envelope, KeyText, Log, NewEntry, OpenedCohort, Slot, Standing,
};

use crate::digests::to_hash;
use crate::error::{Conflict, Error};
use crate::find::{Place, Stored};
use crate::open::Ledger;
use crate::profiles::{ProfileChoice, rules_of};
use crate::recorded::{Acknowledged, Recorded, RecordedAs};
use crate::{payload, summary};

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

/// A run that is ready to be published: everything but its attempt is settled.
struct Ready<'a> {
    run: CanonicalRun,
    profile: &'a Profile,
    cohort: CohortName,
    log: Log,
}

impl Ledger {
    /// Records one stage of one run and answers what changed.
    ///
    /// # Durability
    /// On `Ok` the snapshot and everything it names survive power loss. On an error of kind
    /// [`crate::ErrorKind::Unknown`] the same call again is safe and tells; on any other error
    /// nothing was recorded.
    ///
    /// # Errors
    /// Those of [`Ledger::commit`]. Once the snapshot stands nothing is an error any more: what
    /// cannot be compared is said in the answer.
    pub fn record(&self, request: RecordRequest) -> Result<Recorded, Error> {
        Ok(self.answer(self.commit(request)?))
    }

    /// Records one stage of one run, durably, without comparing it.
    ///
    /// # Durability
    /// On `Ok` the snapshot and everything it names survive power loss. On an error of kind
    /// [`crate::ErrorKind::Unknown`] the same call again is safe and tells; on any other error
    /// nothing was recorded.
    ///
    /// # Errors
    /// [`Error::Refused`] with every problem of the document at once; [`Error::Conflict`] if this
    /// (run, stage, cohort) is recorded with other content; [`Error::Store`] from the store.
    pub fn commit(&self, request: RecordRequest) -> Result<Acknowledged, Error> {
        let profile = self.profile(&request.profile)?;
        let refused = |refused| Error::Refused {
            name: request.name.clone(),
            refused,
        };
        let input = request
            .input
            .with(request.overrides, &profile)
            .map_err(refused)?;
        let defaults = Defaults {
            experiment: self.settings.experiment.clone(),
        };
        let record = RunRecord::validate(input, &profile, &defaults).map_err(refused)?;
        let choice = match (request.attempt, record.attempt()) {
            (AttemptChoice::Found, Some(named)) => AttemptChoice::Exactly(named),
            (AttemptChoice::Next, Some(named)) => {
                return Err(Error::Usage {
                    what: format!("`--attempt next` contradicts the document, which says {named}"),
                    hint: "leave one of the two away".to_owned(),
                });
            }
            (AttemptChoice::Exactly(asked), Some(named)) if asked != named => {
                return Err(Error::Usage {
                    what: format!(
                        "`--attempt {asked}` contradicts the document, which says {named}"
                    ),
                    hint: "leave one of the two away".to_owned(),
                });
            }
            (choice, _) => choice,
        };
        let run = CanonicalRun::of(record, &profile).map_err(refused)?;
        let warnings = run.warnings().to_vec();
        let key = run.cohort().clone();
        let id = key.id();
        let cohort: CohortName = id.as_str().parse().map_err(|_illegal| Error::Damaged {
            place: id.to_string(),
            found: "a cohort id that cannot be a name".to_owned(),
        })?;
        let log = Log::Cohort(cohort.clone());
        let ready = Ready {
            run,
            profile: &profile,
            cohort,
            log,
        };
        self.make_durable(&ready)?;
        let (recorded_as, stored) = self.walk(&ready, choice)?;
        Ok(Acknowledged {
            recorded_as,
            stored,
            profile,
            key,
            warnings,
        })
    }

    /// Makes everything a slot of this run will name durable before the slot exists. What this
    /// handle saw durable once stays so, and is not asked for again.
    fn make_durable(&self, ready: &Ready<'_>) -> Result<(), Error> {
        let sha256 = ready.profile.sha256;
        if !self.durable.holds_profile(&sha256) {
            // A committed snapshot that names the profile proves that it is durable.
            let standing = match self.named_by_newest(&ready.log)? {
                Some(named) if named == sha256 => Standing::NamedByCommitted,
                _ => Standing::Unproven,
            };
            self.store
                .put_profile(ready.profile.text.as_bytes(), standing)?;
            self.durable.add_profile(sha256);
        }
        if !self.durable.holds_cohort(&ready.cohort) {
            match self
                .store
                .open_cohort(&ready.cohort, &ready.run.cohort().bytes())?
            {
                OpenedCohort::New | OpenedCohort::Existing => {}
            }
            self.durable.add_cohort(ready.cohort.clone());
        }
        Ok(())
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

    /// Walks over the attempts until one takes this content, holds it, or refuses it.
    fn walk(
        &self,
        ready: &Ready<'_>,
        choice: AttemptChoice,
    ) -> Result<(RecordedAs, Stored), Error> {
        if let AttemptChoice::Exactly(attempt) = choice {
            return match self.append(ready, attempt)? {
                Walked::Done(recorded_as, stored) => Ok((recorded_as, *stored)),
                Walked::Taken { claim, recorded } => Err(conflict(&claim, recorded.as_ref(), true)),
            };
        }
        let mut last: Option<(Box<Envelope>, Committed)> = None;
        for attempt in (0..=u32::MAX).map(Attempt) {
            if let Some((claim, recorded)) = &last
                && choice != AttemptChoice::Next
                && summary::status(claim) == Some(Status::Finished)
                && self.store.claim(&key_text(ready, attempt))?.is_none()
            {
                return Err(conflict(claim, Some(recorded), false));
            }
            match self.append(ready, attempt)? {
                Walked::Done(recorded_as, stored) => return Ok((recorded_as, *stored)),
                Walked::Taken {
                    claim,
                    recorded: Some(recorded),
                } => last = Some((claim, recorded)),
                // A claim without a slot is no recording: its number is skipped.
                Walked::Taken { recorded: None, .. } => {}
            }
        }
        Err(Error::Usage {
            what: "every attempt of this run and stage is taken".to_owned(),
            hint: "choose another run id".to_owned(),
        })
    }

    fn append(&self, ready: &Ready<'_>, attempt: Attempt) -> Result<Walked, Error> {
        let snapshot = snapshot_of(ready, attempt);
        let rules = rules_of(ready.profile, &snapshot.stage)?;
        let entry_payload = payload::write(self.store.as_ref(), &snapshot)?;
        let entry = NewEntry {
            content: to_hash(&ready.run.content()),
            payload: &entry_payload,
            summary: summary::of(&snapshot, ready.run.settings_print(), rules),
            recorded_at: self.clock.now(),
        };
        let appended = self
            .store
            .append(&ready.log, Some(&key_text(ready, attempt)), &entry)?;
        Ok(match appended {
            Appended::New(committed) => {
                let place = Place::of(&ready.cohort, &committed);
                let stored = Stored {
                    place,
                    snapshot,
                    envelope: *committed.envelope,
                };
                Walked::Done(RecordedAs::New, Box::new(stored))
            }
            Appended::Already(committed) => {
                let stored = self.stored(&ready.cohort, committed.seq)?;
                Walked::Done(RecordedAs::Already, Box::new(stored))
            }
            Appended::Taken { claim, recorded } => Walked::Taken { claim, recorded },
        })
    }
}

/// What became of one attempt.
enum Walked {
    Done(RecordedAs, Box<Stored>),
    Taken {
        claim: Box<Envelope>,
        recorded: Option<Committed>,
    },
}

fn snapshot_of(ready: &Ready<'_>, attempt: Attempt) -> Snapshot {
    let not_built = || Captured::NotCaptured {
        reason: "this release has no capture".to_owned(),
    };
    let captures = Captures {
        environment: not_built(),
        code: not_built(),
        process: Captured::NotCaptured {
            reason: "the run was recorded after it ended".to_owned(),
        },
    };
    ready
        .run
        .clone()
        .into_snapshot(attempt, captures, Ledger::writer())
}

fn key_text(ready: &Ready<'_>, attempt: Attempt) -> KeyText {
    KeyText {
        run: ready.run.run_id().compared(),
        stage: ready.run.stage().as_str().to_owned(),
        cohort: ready.cohort.clone(),
        attempt: attempt.0,
    }
}

fn conflict(claim: &Envelope, recorded: Option<&Committed>, explicit: bool) -> Error {
    let key = claim.key_text.as_ref();
    let cohort = key.map(|key| key.cohort.to_string()).unwrap_or_default();
    Error::Conflict(Box::new(Conflict {
        run_id: key.map(|key| key.run.clone()).unwrap_or_default(),
        stage: key.map(|key| key.stage.clone()).unwrap_or_default(),
        attempt: Attempt(key.map(|key| key.attempt).unwrap_or_default()),
        place: recorded.map(|committed| format!("{cohort}#{}", committed.seq)),
        recorded_at: claim.recorded_at.clone(),
        explicit,
    }))
}
