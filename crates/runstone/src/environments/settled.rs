//! The environment of a recording, settled: captured, named, or not known for a reason.
//!
//! A capture reads the machine and writes nothing. Its document becomes an object of the store
//! before the snapshot that names it, once per distinct environment. The invariant: the secrets of
//! the store's rules are gone before anything is hashed. What a capture finds is left to
//! `runstone-env`.

use std::sync::Arc;

use jiff::Timestamp;
use runstone_core::digest::Digest;
use runstone_core::profile::Profile;
use runstone_core::snapshot::{CAPTURE, Captured, DIGEST, NOT_WHOLE, Snapshot};
use runstone_env::document::Digests;
use runstone_env::{Capture, Options, Root, RootError, State, Warning};
use runstone_store::Standing;
use serde_json::{Map, Value, json};

use super::choice::{CaptureRequest, EnvironmentChoice};
use super::code::FoundCode;
use crate::digests::to_hash;
use crate::error::chain;
use crate::open::Ledger;
use crate::prepare::Terms;

/// How long after its end a run is still the run of the machine as it is.
const JUST_NOW_SECONDS: i64 = 3600;
/// Most warnings of a capture that are kept; a folder of broken packages has one for each.
const WARNINGS_MAX: usize = 64;

/// The environment and the code of a recording, and what is to be durable before it.
#[derive(Debug, Clone)]
pub struct Settled {
    pub(crate) environment: Captured,
    pub(crate) code: Captured,
    pub(crate) object: Option<EnvironmentObject>,
    pub(crate) warnings: Vec<String>,
}

/// The document of an environment, on its way into the store.
#[derive(Debug, Clone)]
pub(crate) struct EnvironmentObject {
    pub(crate) digest: Digest,
    pub(crate) bytes: Arc<[u8]>,
    /// Whether a committed snapshot names it, so that it is durable and stays.
    pub(crate) is_named: bool,
}

impl Settled {
    fn not_known(reason: &str) -> Self {
        let not_captured = || Captured::NotCaptured {
            reason: reason.to_owned(),
        };
        Self {
            environment: not_captured(),
            code: not_captured(),
            object: None,
            warnings: Vec::new(),
        }
    }

    /// Returns what was kept of a run whose environment was captured before.
    pub(crate) fn as_kept(environment: Captured, code: Captured) -> Self {
        Self {
            environment,
            code,
            object: None,
            warnings: Vec::new(),
        }
    }

    /// Returns it with the code that was found beside it.
    pub(super) fn with_code(&self, found: FoundCode) -> Self {
        let mut settled = self.clone();
        settled.code = found.code;
        settled.warnings.extend(found.warning);
        settled
    }

    /// Says that a capture of the environment was wanted and there is none.
    pub(super) fn failed(reason: &str) -> Self {
        Self {
            warnings: vec![format!("the environment is not captured: {reason}")],
            ..Self::not_known(reason)
        }
    }
}

impl Ledger {
    /// Settles what is the same for every document of a stream.
    pub(crate) fn settled_once(
        &self,
        choice: &EnvironmentChoice,
        profile: &Profile,
    ) -> EnvironmentChoice {
        match choice {
            EnvironmentChoice::Current(_) => {
                EnvironmentChoice::Settled(self.settled(choice, None, profile))
            }
            other => other.clone(),
        }
    }

    /// Settles the environment of a run that ended at `finished_at`, if that is known.
    pub(crate) fn settled(
        &self,
        choice: &EnvironmentChoice,
        finished_at: Option<&str>,
        profile: &Profile,
    ) -> Arc<Settled> {
        Arc::new(match choice {
            EnvironmentChoice::NotCaptured { reason } => Settled::not_known(reason),
            EnvironmentChoice::IfJustNow(_) if !self.is_just_now(finished_at) => {
                Settled::not_known("the run ended more than an hour before it was recorded")
            }
            EnvironmentChoice::IfJustNow(request) | EnvironmentChoice::Current(request) => {
                self.captured_now(request, profile)
            }
            EnvironmentChoice::Settled(settled) => return Arc::clone(settled),
        })
    }

    /// Tells whether an instant is within the hour, by the clock of this host. No instant is now.
    fn is_just_now(&self, instant: Option<&str>) -> bool {
        let seconds = |text: &str| text.parse::<Timestamp>().ok().map(Timestamp::as_second);
        match (instant.and_then(seconds), seconds(&self.clock.now())) {
            (Some(then), Some(now)) => now.abs_diff(then) < JUST_NOW_SECONDS.unsigned_abs(),
            _ => true,
        }
    }

    /// Captures the machine as it is, and the code beside it.
    pub(super) fn captured_now(&self, request: &CaptureRequest, profile: &Profile) -> Settled {
        let reading = self.begin_code(request, profile);
        let settled = match captured_for(request, profile) {
            Ok(capture) => self.of_capture(capture, request, &self.clock.now()),
            Err(error) => Settled::failed(&chain(&error)),
        };
        settled.with_code(self.finish_code(reading))
    }

    pub(super) fn of_capture(
        &self,
        capture: Capture,
        request: &CaptureRequest,
        at: &str,
    ) -> Settled {
        let mut value = self.captured_value(&capture, request, at);
        let sources = capture.environment.sources.iter();
        let unread =
            sources.filter(|(_, it)| matches!(it.state, State::Partial | State::Unreadable));
        let unread: Vec<&str> = unread.map(|(name, _)| name.as_str()).collect();
        if !unread.is_empty() {
            value[NOT_WHOLE] = json!(unread);
        }
        Settled {
            environment: Captured::Known(value),
            object: Some(EnvironmentObject {
                digest: capture.digests.environment,
                bytes: capture.document.into(),
                is_named: false,
            }),
            ..Settled::not_known("it is read beside")
        }
    }

    /// Returns what is kept of a capture beside its document: names, and how it went.
    pub(crate) fn captured_value(
        &self,
        capture: &Capture,
        request: &CaptureRequest,
        at: &str,
    ) -> Value {
        let digests = &capture.digests;
        let record = &capture.record;
        let observed: Map<String, Value> = record
            .observed
            .iter()
            .map(|(source, observed)| (source.as_str().to_owned(), observed.clone()))
            .collect();
        let warning =
            |warning: &Warning| json!({ "source": warning.source.as_str(), "text": warning.text });
        let warnings = record.warnings.iter().take(WARNINGS_MAX);
        let mut value = json!({ "scopes": scopes_of(digests) });
        value[DIGEST] = json!(digests.environment);
        value[CAPTURE] = json!({
            "at": at,
            "host": self.names.host,
            "root": request.root.as_ref().map(|root| root.to_string_lossy()),
            "took_us": record.took_us,
            "warnings": warnings.map(warning).collect::<Vec<_>>(),
            "warnings_count": record.warnings.len(),
            "observed": observed,
        });
        value
    }

    /// Makes the document of an environment durable before the snapshot that will name it; one that
    /// cannot be stored is not known, and the recording goes on. Returns whether that changed the
    /// snapshot.
    pub(crate) fn keep_environment(&self, snapshot: &mut Snapshot, terms: &mut Terms) -> bool {
        let Some(object) = &mut terms.environment else {
            return self.demand_environment(snapshot, terms);
        };
        if self.durable.holds_environment(&object.digest) {
            object.is_named = true;
            return false;
        }
        object.is_named = self.newest_names(&terms.log, &object.digest);
        let standing = if object.is_named {
            Standing::NamedByCommitted
        } else {
            Standing::Unproven
        };
        match self.store.put_object(&object.bytes, standing) {
            Ok(_) => false,
            Err(error) => {
                let reason = format!("its document could not be stored: {}", chain(&error));
                terms.lacks_environment(snapshot, &reason);
                true
            }
        }
    }

    /// Looks for the document of an environment whose bytes are not at hand. Returns whether its
    /// absence changed the snapshot.
    fn demand_environment(&self, snapshot: &mut Snapshot, terms: &mut Terms) -> bool {
        let named = &snapshot.environment;
        let Some(digest) = named.digest().filter(|_| named.has_object()) else {
            return false;
        };
        match self.store.hold_object(&to_hash(&digest), None) {
            Ok(true) => false,
            Ok(false) => {
                terms.lacks_environment(snapshot, "its document is not in the store");
                true
            }
            Err(error) => {
                let reason = format!("its document cannot be read: {}", chain(&error));
                terms.lacks_environment(snapshot, &reason);
                true
            }
        }
    }
}

/// Returns the names of the parts of an environment.
pub(super) fn scopes_of(digests: &Digests) -> Map<String, Value> {
    let scopes = digests.scopes.iter();
    let named = scopes.map(|(scope, digest)| (scope.as_str().to_owned(), json!(digest)));
    named.collect()
}

/// Captures an environment, without the secrets that `profile` names.
pub(crate) fn captured_for(
    request: &CaptureRequest,
    profile: &Profile,
) -> Result<Capture, RootError> {
    let (root, options) = looking_at(request, profile)?;
    Ok(runstone_env::capture(&root, &options))
}

/// Opens the machine that a request means, and says how to look at it.
pub(super) fn looking_at(
    request: &CaptureRequest,
    profile: &Profile,
) -> Result<(Root, Options), RootError> {
    let root = match &request.root {
        Some(path) => Root::at(path)?,
        None => Root::host()?,
    };
    let options = Options {
        python: request.python.clone(),
        folder: request.folder.clone(),
        variables: request.variables.clone(),
        redaction: profile.redaction.as_ref().clone(),
        ..Options::default()
    };
    Ok((root, options))
}
