//! Keeping an environment by request: captured or handed in, made durable, and given its place.
//!
//! The slow part, the capture, touches nothing that is shared; any number may keep at once, and
//! each takes the next place. The invariant: what was told to be kept is there until somebody's
//! own rule takes it, and a rule that rides along with a creation never takes what came since that
//! creation began or a moment before. What the rule means is left to `retention`.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::sync::Arc;

use runstone_core::canon;
use runstone_core::digest::Digest;
use runstone_core::note::{Author, EnvironmentEntry, IllegalText, NamedEnvironment, NoteText, Tag};
use runstone_core::profile::Profile;
use runstone_core::snapshot::{CAPTURE, DIGEST};
use runstone_env::{Capture, Environment, RootError, State};
use runstone_store::{Appended, Committed, Hash256, Log, NewEntry, Seq, Standing};
use serde_json::{Map, Value, json};

use super::log::KeptEnvironment;
use super::retention::{Retention, Taken};
use crate::digests::to_digest;
use crate::environments::choice::CaptureRequest;
use crate::environments::settled::{captured_for, scopes_of};
use crate::error::{Error, chain};
use crate::open::Ledger;
use crate::profiles::ProfileChoice;

/// What is said of an environment that is to be kept.
#[derive(Debug, Clone, Default)]
pub struct Keeping {
    /// What it is for.
    pub description: Option<NoteText>,
    /// The tags it bears; one that has any is never taken by a rule.
    pub tags: BTreeSet<Tag>,
    /// Whether it is pinned from the beginning.
    pub pinned: bool,
    /// Who asks.
    pub by: Option<Author>,
    /// How many of the newest are to stay, this one among them; those that are pinned, tagged or
    /// named by a run stay beside them.
    pub keep: Option<NonZeroU64>,
}

/// An environment that is kept now.
#[derive(Debug, Clone)]
pub struct Created {
    /// Where it stands, and what was said of it.
    pub kept: KeptEnvironment,
    /// Its document.
    pub environment: Environment,
    /// What the rule took that rode along.
    pub taken: Taken,
    /// What the caller should know and nothing failed for.
    pub warnings: Vec<String>,
}

impl Created {
    /// Returns the stable JSON form, schema `runstone.env-create/1`.
    pub fn to_json(&self) -> Value {
        let mut document = self.kept.to_json();
        document["schema"] = json!("runstone.env-create/1");
        document["removed"] = self.taken.to_json();
        document["stays"] = self.taken.stays_json();
        document["warnings"] = json!(self.warnings);
        document
    }
}

impl Ledger {
    /// Captures an environment and keeps it. Secrets in the words are masked before anything is
    /// written.
    ///
    /// # Durability
    /// On `Ok` the entry and its document survive power loss. On an error of kind
    /// [`crate::ErrorKind::Unknown`] it may have been kept; the same call again keeps it once more.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is no such root; [`Error::Words`] for a tag that looks like a
    /// secret; [`Error::Store`] from the store.
    pub fn create_environment(
        &self,
        request: &CaptureRequest,
        keeping: Keeping,
    ) -> Result<Created, Error> {
        let began = self.store.head(&Log::Environments)?;
        let profile = self.profile_of_environments()?;
        let capture = captured_by_request(request, &profile)?;
        let value = self.captured_value(&capture, request, &self.clock.now());
        let warnings = warnings_of(&capture);
        let named = named(value, &capture.digests.environment, &profile);
        self.keep_by_request(capture.environment, named, keeping, warnings, began)
    }

    /// Keeps an environment that was captured elsewhere. `origin` says where it comes from, for
    /// people: it stands beside the document, and is no part of it.
    ///
    /// # Durability
    /// As [`Ledger::create_environment`].
    ///
    /// # Errors
    /// As [`Ledger::create_environment`]; [`Error::Usage`] if nothing is left of the document
    /// without what the store redacts.
    pub fn import_environment(
        &self,
        environment: &Environment,
        origin: &Map<String, Value>,
        keeping: Keeping,
    ) -> Result<Created, Error> {
        let began = self.store.head(&Log::Environments)?;
        let profile = self.profile_of_environments()?;
        let document = profile
            .redaction
            .captured("environment", environment.to_json(), None);
        let environment =
            Environment::from_json(&canon::settle(document)).map_err(|error| Error::Usage {
                what: format!("nothing is left of it without what is redacted: {error}"),
                hint: "see what the profile redacts: `runstone profile show`".to_owned(),
            })?;
        let digests = environment.digests();
        let mut value = json!({ "scopes": scopes_of(&digests) });
        value[CAPTURE] = json!({ "at": null, "host": null, "root": null, "imported": origin });
        let named = named(value, &digests.environment, &profile);
        self.keep_by_request(environment, named, keeping, Vec::new(), began)
    }

    /// Returns the profile whose rules say what is redacted of environments.
    pub(super) fn profile_of_environments(&self) -> Result<Arc<Profile>, Error> {
        let profile = self.profile(&ProfileChoice::StoreDefault)?;
        crate::redact::knows_names(&profile)?;
        Ok(profile)
    }

    fn keep_by_request(
        &self,
        environment: Environment,
        named: NamedEnvironment,
        keeping: Keeping,
        mut warnings: Vec<String>,
        began: Option<Seq>,
    ) -> Result<Created, Error> {
        let Keeping { keep, .. } = keeping;
        let entry = self.entry_of(named, keeping)?;
        let bytes = canon::bytes(&environment.to_json());
        let kept = self.append_environment(entry, &bytes)?;
        let mut taken = Taken::default();
        if let Some(keep) = keep {
            // It is kept: whatever the rule meets is no reason to say otherwise.
            let rule = Retention {
                keep: Some(keep),
                older_than: None,
            };
            let plan = self.plan_removal(rule, began);
            match plan.and_then(|plan| self.remove_planned(plan, kept.entry.by.clone())) {
                Ok(removed) => taken = removed,
                Err(error) => warnings.push(format!(
                    "{} is kept, but nothing older was removed: {}",
                    kept.id(),
                    chain(&error)
                )),
            }
        }
        warnings.extend(taken.warnings.iter().cloned());
        Ok(Created {
            kept,
            environment,
            taken,
            warnings,
        })
    }

    /// Makes an entry of what is said, without its secrets.
    fn entry_of(
        &self,
        environment: NamedEnvironment,
        keeping: Keeping,
    ) -> Result<EnvironmentEntry, Error> {
        let description = match &keeping.description {
            Some(text) => Some(NoteText::new(self.redact_text(text.as_str())?)?),
            None => None,
        };
        for tag in &keeping.tags {
            // Masked, it would be another.
            if self.redact_text(tag.as_str())? != tag.as_str() {
                return Err(IllegalText::Secret { what: Tag::WHAT }.into());
            }
        }
        Ok(EnvironmentEntry {
            environment,
            description,
            tags: keeping.tags,
            pinned: keeping.pinned,
            by: self.author_without_secrets(keeping.by)?,
            writer: Self::writer(),
        })
    }

    /// Makes the document durable, then the entry that names it.
    fn append_environment(
        &self,
        entry: EnvironmentEntry,
        document: &[u8],
    ) -> Result<KeptEnvironment, Error> {
        let object = self.store.put_object(document, Standing::Unproven)?;
        let payload = entry.to_payload();
        let new = NewEntry {
            content: Hash256::of(&payload),
            payload: &payload,
            summary: json!({ "environment": object.to_string() }).into(),
            recorded_at: self.clock.now(),
        };
        let Committed { seq, envelope } = match self.store.append(&Log::Environments, None, &new)? {
            Appended::New(committed) | Appended::Already(committed) => committed,
            Appended::Taken { .. } => unreachable!("an entry without a key meets no other"),
        };
        // Until it had its place nobody named the document.
        self.store.hold_object(&object, Some(document))?;
        let at = envelope.recorded_at.clone();
        Ok(KeptEnvironment::new(
            seq,
            to_digest(&envelope.sha256),
            at,
            entry,
        ))
    }
}

/// Captures an environment that somebody asked for.
pub(super) fn captured_by_request(
    request: &CaptureRequest,
    profile: &Profile,
) -> Result<Capture, Error> {
    captured_for(request, profile).map_err(|error| no_root(&error))
}

/// Says that there is nothing to capture.
pub(super) fn no_root(error: &RootError) -> Error {
    Error::Usage {
        what: format!("nothing was captured: {}", chain(error)),
        hint: "name a folder that looks like the root of a machine: `--root DIR`".to_owned(),
    }
}

/// Names an environment, without the secrets of what is known beside its document. Its name is no
/// secret, whatever a rule by place says.
pub(super) fn named(value: Value, digest: &Digest, profile: &Profile) -> NamedEnvironment {
    let redacted = profile.redaction.captured("environment", value, None);
    let mut value = match canon::settle(redacted) {
        Value::Object(members) => Value::Object(members),
        _masked_as_a_whole => json!({}),
    };
    value[DIGEST] = json!(digest);
    NamedEnvironment::of(value).expect("it was named just now")
}

/// Returns what a capture warned of. That a source was not looked for is said by its state.
pub(super) fn warnings_of(capture: &Capture) -> Vec<String> {
    let state = |name| capture.environment.sources.get(name).map(|it| it.state);
    let warnings = capture.record.warnings.iter();
    let warnings = warnings.filter(|warning| state(&warning.source) != Some(State::Skipped));
    warnings
        .map(|warning| format!("{}: {}", warning.source.as_str(), warning.text))
        .collect()
}
