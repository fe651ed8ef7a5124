//! What can be said of a recording before the run has run.
//!
//! A run of three hours should not learn at its end that its stage is unknown, or that somebody
//! recorded it already. [`Ledger::foresee`] reads what is known beforehand by the same rules as the
//! recording will, and refuses what will certainly be refused; what the run itself may still bring
//! is named and left open. No run is written; the key of pseudonyms is made, if this is the first
//! run that needs one.

use std::sync::Arc;

use runstone_core::id::Stage;
use runstone_core::profile::Profile;
use runstone_core::record::{Problem, ProblemKind, Refused};
use runstone_store::CohortName;

use crate::attempts::Walk;
use crate::commit::{AttemptChoice, RecordRequest};
use crate::error::Error;
use crate::open::Ledger;
use crate::prepare::{Terms, prepare};
use crate::profiles::ProfileChoice;

/// A recording as far as it is known.
#[derive(Debug)]
pub struct Foreseen {
    /// What the run will join, if it brings no further identity; `None` while required fields are
    /// missing.
    pub cohort: Option<CohortName>,
    /// Which attempt it will be, as far as that was said.
    pub attempt: AttemptChoice,
    /// Required fields that the run has to bring, dotted.
    pub missing: Vec<String>,
    /// The rule it was read by.
    pub(crate) profile: Arc<Profile>,
    terms: Option<Terms>,
}

/// What a profile makes of a stage, and where a run of it says its identity and its factors: below
/// members of their own, or beside each other at the top of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The stage in the profile's spelling.
    pub stage: Stage,
    /// Whether identity stands below `identity`.
    pub identity_below: bool,
    /// Whether factors stand below `factors`.
    pub factors_below: bool,
}

impl Ledger {
    /// Returns where the profile that is chosen looks for the identity and the factors of a stage.
    ///
    /// # Errors
    /// [`Error::NoSuchProfile`] and [`Error::Profile`] if the profile cannot be used;
    /// [`Error::Usage`] if it does not know the stage.
    pub fn places(&self, profile: &ProfileChoice, stage: &str) -> Result<Places, Error> {
        let profile = self.profile(profile)?;
        let (stage, rules) = profile.stage(stage).map_err(|unknown| Error::Usage {
            what: unknown.to_string(),
            hint: format!(
                "name one with `--stage`{}",
                unknown
                    .hint()
                    .map(|hint| format!(" ({hint})"))
                    .unwrap_or_default()
            ),
        })?;
        Ok(Places {
            stage,
            identity_below: rules.looks_below("identity"),
            factors_below: rules.looks_below("factors"),
        })
    }

    /// Reads what is known of a recording before the run begins.
    ///
    /// # Errors
    /// [`Error::Refused`] with every problem that nothing the run brings can mend;
    /// [`Error::Conflict`] if this (run, stage) finished in the cohort that is foreseen, and no
    /// other attempt was asked for.
    pub fn foresee(&self, request: &RecordRequest) -> Result<Foreseen, Error> {
        let profile = self.profile(&request.profile)?;
        match prepare(self, request.clone(), Arc::clone(&profile)) {
            Ok(ready) => {
                let terms = ready.terms;
                self.is_free(&terms)?;
                Ok(Foreseen {
                    cohort: Some(terms.cohort.clone()),
                    attempt: terms.choice,
                    missing: Vec::new(),
                    profile,
                    terms: Some(terms),
                })
            }
            Err(Error::Refused { name, refused }) => match open_until_it_ran(refused) {
                Ok(missing) => Ok(Foreseen {
                    cohort: None,
                    attempt: request.attempt,
                    missing,
                    profile,
                    terms: None,
                }),
                Err(refused) => Err(Error::Refused { name, refused }),
            },
            Err(error) => Err(error),
        }
    }

    /// Refuses what was foreseen if it was recorded since.
    pub(crate) fn is_still_free(&self, foreseen: &Foreseen) -> Result<(), Error> {
        foreseen
            .terms
            .as_ref()
            .map_or(Ok(()), |terms| self.is_free(terms))
    }

    /// Refuses a run that stands in its cohort already and would be no further attempt.
    fn is_free(&self, terms: &Terms) -> Result<(), Error> {
        if terms.choice == AttemptChoice::Next {
            return Ok(());
        }
        let mut walk = Walk::begin(terms.choice);
        loop {
            let key = terms.key_text(walk.attempt());
            let Some(claim) = self.store.claim(&key)? else {
                return Ok(());
            };
            let recorded = self.store.find(&key)?;
            // Whose writer died before it was recorded stands in nobody's way but that of other
            // content, which is not known yet.
            if recorded.is_none() && terms.choice != AttemptChoice::Found {
                return Ok(());
            }
            let is_free = |next| Ok(self.store.claim(&terms.key_text(next))?.is_none());
            walk.pass(&claim, recorded.as_ref(), is_free)
                .map_err(|error| match error {
                    Error::Conflict(mut conflict) => {
                        conflict.has_content = false;
                        Error::Conflict(conflict)
                    }
                    other => other,
                })?;
        }
    }
}

/// Returns the required fields that are absent, which the run may bring; any other problem stays.
fn open_until_it_ran(found: Refused) -> Result<Vec<String>, Refused> {
    let (missing, problems): (Vec<Problem>, Vec<Problem>) = found
        .problems
        .into_iter()
        .partition(|problem| problem.kind == ProblemKind::Missing);
    if problems.is_empty() {
        let places = missing.iter().map(|problem| problem.pointer.dotted());
        Ok(places.collect())
    } else {
        Err(Refused { problems })
    }
}
