//! Redaction joined with the store: the key of pseudonyms, and texts that are no documents.
//!
//! What is redacted is decided by a profile, in the core. The invariant: no run goes on to the
//! store that did not pass here. Which key pseudonyms have is left to `pseudonym_key`.

use runstone_core::canonical::{CanonicalRun, NotCanonical};
use runstone_core::profile::Profile;
use runstone_core::record::{Refused, RunRecord, without_secrets};
use runstone_core::redact::Redaction;
use runstone_core::snapshot::Captured;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::open::Ledger;
use crate::profiles::ProfileChoice;

impl Ledger {
    /// Returns `text` with every secret masked, by the rules of the store's own profile: for notes,
    /// messages, command lines, and everything else that is kept or said and is no run document.
    ///
    /// # Errors
    /// As [`Ledger::profile`].
    pub fn redact_text(&self, text: &str) -> Result<String, Error> {
        let profile = self.profile(&ProfileChoice::StoreDefault)?;
        knows_names(&profile)?;
        Ok(profile.redaction.text(text).into_owned())
    }

    /// Returns the rules of `profile` for words that may quote a document or an argument.
    ///
    /// # Errors
    /// As [`Ledger::profile`].
    pub fn rules_for_words(&self, profile: &ProfileChoice) -> Result<Redaction, Error> {
        Ok(self.profile(profile)?.redaction.for_words())
    }

    /// Returns `document` with every secret masked, by the rules of `profile`: for what is shown of
    /// a document that no recording made. Nothing may be recorded of it, since a mask makes
    /// different runs equal.
    ///
    /// # Errors
    /// As [`Ledger::profile`].
    pub fn masked(&self, document: &Value, profile: &ProfileChoice) -> Result<Value, Error> {
        let profile = self.profile(profile)?;
        knows_names(&profile)?;
        Ok(profile.redaction.value(document))
    }

    /// Takes the secrets out of a document that cannot be recorded as it is, and of what is known
    /// of its process, as a recording would.
    ///
    /// # Errors
    /// [`Error::Store`] if the key of pseudonyms is wanted and cannot be had; [`Error::Usage`] if
    /// the profile redacts names that are not known.
    pub(crate) fn unjudged_without_secrets(
        &self,
        document: &Map<String, Value>,
        process: Captured,
        profile: &Profile,
    ) -> Result<(Map<String, Value>, Captured), Error> {
        knows_names(profile)?;
        let mut key = None;
        if profile.redaction.asks_for_pseudonyms() {
            key = Some(self.pseudonym_key()?);
        }
        let left = loop {
            match without_secrets(document, profile, key.as_ref()) {
                Some(left) => break left,
                None => key = Some(self.pseudonym_key()?),
            }
        };
        let process = match process {
            Captured::Known(facts) => {
                let redaction = &profile.redaction;
                Captured::Known(redaction.captured("process", facts, key.as_ref()))
            }
            unknown @ Captured::NotCaptured { .. } => unknown,
        };
        Ok((left, process))
    }

    /// Takes the secrets out of a run and brings it into normal form.
    ///
    /// # Errors
    /// What `refused` makes of a refusal; [`Error::Store`] if the key of pseudonyms is wanted and
    /// cannot be had; [`Error::Usage`] if the profile redacts names that are not known.
    pub(crate) fn canonical(
        &self,
        record: RunRecord,
        profile: &Profile,
        refused: impl Fn(Refused) -> Error,
    ) -> Result<CanonicalRun, Error> {
        knows_names(profile)?;
        let key = if profile.redaction.asks_for_pseudonyms() {
            Some(self.pseudonym_key()?)
        } else {
            None
        };
        match CanonicalRun::of(record, profile, key.as_ref()) {
            Ok(run) => Ok(run),
            Err(NotCanonical::Refused(found)) => Err(refused(found)),
            Err(NotCanonical::NeedsKey(record)) => {
                let key = self.pseudonym_key()?;
                match CanonicalRun::of(*record, profile, Some(&key)) {
                    Ok(run) => Ok(run),
                    Err(NotCanonical::Refused(found)) => Err(refused(found)),
                    Err(NotCanonical::NeedsKey(_)) => unreachable!("the key was given"),
                }
            }
        }
    }
}

/// Refuses a rule that could not do what it says.
pub(crate) fn knows_names(profile: &Profile) -> Result<(), Error> {
    if profile.redaction.lacks_names() {
        return Err(Error::Usage {
            what: format!(
                "profile `{}` redacts the names of user and host, and neither is known here",
                profile.name
            ),
            hint: "set `USER`, or leave `builtin:user-host` out of the profile".to_owned(),
        });
    }
    Ok(())
}
