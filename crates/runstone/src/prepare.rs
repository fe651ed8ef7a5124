//! Preparing: everything about a recording that needs neither the log nor its turn.
//!
//! From a request to a run that is ready to be published: joined, validated, in normal form, placed
//! in its cohort, and drafted as the snapshot that one attempt makes. All of it is a function of
//! the request, its profile and the key of pseudonyms, so that any thread may do it at any time.
//! What it names is made durable by `commit`; which attempt it gets is left to `attempts`.

use std::sync::Arc;

use runstone_core::canonical::{Captures, Placed};
use runstone_core::cohort::CohortKey;
use runstone_core::digest::Digest;
use runstone_core::id::{Attempt, Stage};
use runstone_core::profile::Profile;
use runstone_core::record::{RunRecord, Warning};
use runstone_core::snapshot::{Captured, Snapshot};
use runstone_store::{CohortName, Hash256, KeyText, Log};
use serde_json::Value;

use crate::commit::{AttemptChoice, RecordRequest};
use crate::digests::to_hash;
use crate::environments::EnvironmentObject;
use crate::error::Error;
use crate::open::Ledger;
use crate::payload::{self, Shape};
use crate::profiles::rules_of;
use crate::summary;

/// A run that is ready to be published: everything but its attempt is settled.
#[derive(Debug)]
pub(crate) struct Ready {
    /// The snapshot of the attempt that was drafted last.
    pub(crate) snapshot: Snapshot,
    pub(crate) terms: Terms,
}

/// Where a snapshot is to stand and what is said of it: all that publishing it takes but itself.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) key: CohortKey,
    pub(crate) warnings: Vec<Warning>,
    /// What should be said of its environment.
    pub(crate) said: Vec<String>,
    /// The document of its environment, to be durable before it.
    pub(crate) environment: Option<EnvironmentObject>,
    pub(crate) content: Hash256,
    pub(crate) profile: Arc<Profile>,
    pub(crate) cohort: CohortName,
    pub(crate) log: Log,
    pub(crate) choice: AttemptChoice,
    /// The run, as it is compared.
    run: String,
    stage: Stage,
    settings: Digest,
}

/// The snapshot that one attempt would make, in the form in which it is kept.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) payload: Vec<u8>,
    /// Sections too large for a payload, which names them.
    pub(crate) moved: Vec<Vec<u8>>,
    pub(crate) summary: Arc<Value>,
}

/// Reads a request by its profile.
///
/// # Errors
/// [`Error::Refused`] with every problem of the document at once; [`Error::Usage`] if the attempt
/// that was asked for contradicts the document; [`Error::Store`] if a pseudonym needs the store's
/// key and it cannot be had.
pub(crate) fn prepare(
    ledger: &Ledger,
    request: RecordRequest,
    profile: Arc<Profile>,
) -> Result<Ready, Error> {
    let refused = |refused| Error::Refused {
        name: request.name.clone(),
        refused,
    };
    let input = request
        .input
        .with(request.overrides, &profile)
        .map_err(refused)?;
    let record = RunRecord::validate(input, &profile, &ledger.defaults()).map_err(refused)?;
    let choice = request.attempt.beside(record.attempt())?;
    let run = ledger.canonical(record, &profile, refused)?;
    let id = run.cohort_id();
    let cohort: CohortName = id.as_str().parse().map_err(|_illegal| Error::Damaged {
        place: id.to_string(),
        found: "a cohort id that cannot be a name".to_owned(),
    })?;
    let settled = ledger.settled(&request.environment, run.finished_at(), &profile);
    // What the document itself names is its own affair.
    let environment = run
        .environment()
        .map_or_else(|| settled.object.clone(), |_named| None);
    let mut said = settled.warnings.clone();
    let is_known = matches!(settled.environment, Captured::Known(_));
    if is_known && run.environment().is_some() && request.environment.is_asked_for() {
        said.push(
            "the document names its own environment, and that is recorded; leave it out of the \
             document to record the one that was asked for"
                .to_owned(),
        );
    }
    let captures = Captures {
        environment: settled.environment.clone(),
        code: settled.code.clone(),
        process: request.process,
    };
    let content = to_hash(&run.content());
    let settings = run.settings_print();
    let Placed {
        snapshot,
        cohort: key,
        warnings,
    } = run.into_snapshot(Attempt(0), captures, Ledger::writer());
    let terms = Terms {
        key,
        warnings,
        said,
        environment,
        content,
        profile,
        log: Log::Cohort(cohort.clone()),
        cohort,
        choice,
        run: snapshot.run_id.compared(),
        stage: snapshot.stage.clone(),
        settings,
    };
    Ok(Ready { snapshot, terms })
}

impl Ready {
    /// Drafts the snapshot that this attempt makes.
    pub(crate) fn draft(&mut self, attempt: Attempt) -> Result<Draft, Error> {
        self.terms.draft(&mut self.snapshot, attempt)
    }
}

impl Terms {
    /// Drafts the snapshot that this attempt makes.
    pub(crate) fn draft(&self, snapshot: &mut Snapshot, attempt: Attempt) -> Result<Draft, Error> {
        snapshot.attempt = attempt;
        let rules = rules_of(&self.profile, &self.stage)?;
        let summary = Arc::new(summary::of(snapshot, self.settings, rules));
        let Shape { bytes, moved } = payload::shape(snapshot);
        Ok(Draft {
            payload: bytes,
            moved,
            summary,
        })
    }

    /// Takes the environment away, which is not known after all, and says why.
    pub(crate) fn lacks_environment(&mut self, snapshot: &mut Snapshot, reason: &str) {
        snapshot.environment = Captured::NotCaptured {
            reason: reason.to_owned(),
        };
        self.said
            .push(format!("the environment is not captured: {reason}"));
        self.environment = None;
    }

    /// Returns the key that one attempt of the run takes.
    pub(crate) fn key_text(&self, attempt: Attempt) -> KeyText {
        KeyText {
            run: self.run.clone(),
            stage: self.stage.as_str().to_owned(),
            cohort: self.cohort.clone(),
            attempt: attempt.0,
        }
    }
}
