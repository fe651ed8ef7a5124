//! Finding an environment by what people call it, and the runs that were recorded with it.
//!
//! A reference is `env#N`, `@latest`, `current`, or the beginning of a digest. The invariant:
//! nothing from a user becomes a path; whatever is none of these is refused before anything is
//! looked up. Looking for runs reads envelopes, which have the beginning of the digest, and the few
//! snapshots that may be meant.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use runstone_core::digest::Digest;
use runstone_core::note::NamedEnvironment;
use runstone_core::snapshot::Captured;
use runstone_env::Environment;
use runstone_store::Seq;
use serde_json::{Map, Value, json};

use super::create::{captured_by_request, named, warnings_of};
use super::log::{EnvironmentLog, KeptEnvironment, id_of};
use super::retention::NamedByRuns;
use crate::environments::choice::CaptureRequest;
use crate::error::Error;
use crate::find::{Sighted, Stored};
use crate::open::Ledger;
use crate::reference::Reference;
use crate::summary::{self, EnvironmentSaid};

/// An environment as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvironmentReference {
    /// `@latest`: the newest that is kept.
    Latest,
    /// `current`: the machine as it is.
    Current,
    /// `env#N`: a place in the log of environments.
    Place(Seq),
    /// The beginning of a digest.
    Digest(String),
}

/// An environment that was found, with its document.
#[derive(Debug, Clone)]
pub struct FoundEnvironment {
    /// What is kept by request; `None`: a run alone names it, or it is the machine as it is.
    pub kept: Option<KeptEnvironment>,
    /// Its name, and what is known beside its document.
    pub named: NamedEnvironment,
    /// Its document.
    pub environment: Environment,
    /// What the caller should know and nothing failed for.
    pub warnings: Vec<String>,
}

/// The runs that were recorded with an environment.
#[derive(Debug, Clone, Default)]
pub struct RunsOfEnvironment {
    /// Their snapshots, cohort by cohort and oldest first.
    pub runs: Vec<Stored>,
    /// Places that cannot be read, and may be of others.
    pub unreadable: Vec<String>,
}

impl FromStr for EnvironmentReference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "@latest" => return Ok(Self::Latest),
            "current" => return Ok(Self::Current),
            _ => {}
        }
        let place = text.strip_prefix("env#").and_then(|number| {
            let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            number.parse().ok().filter(|_| is_plain).and_then(Seq::new)
        });
        if let Some(place) = place {
            return Ok(Self::Place(place));
        }
        if Reference::is_digest_prefix(text) {
            return Ok(Self::Digest(text.to_owned()));
        }
        Err(Error::Usage {
            what: format!("`{}` names no environment", text.escape_debug()),
            hint: "name one as `env#12`, `@latest`, `current`, or by 4 or more digits of its \
                   digest: `runstone env list`"
                .to_owned(),
        })
    }
}

impl fmt::Display for EnvironmentReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("@latest"),
            Self::Current => f.write_str("current"),
            Self::Place(seq) => f.write_str(&id_of(*seq)),
            Self::Digest(prefix) => f.write_str(prefix),
        }
    }
}

impl FoundEnvironment {
    /// Returns the name of its document.
    pub const fn digest(&self) -> Digest {
        self.named.digest()
    }

    /// Returns the stable JSON form, schema `runstone.env-show/1`; `runs` are those that were
    /// recorded with it, if that was asked.
    pub fn to_json(&self, runs: Option<&RunsOfEnvironment>) -> Value {
        let mut document = match &self.kept {
            Some(kept) => kept.to_json(),
            None => json!({
                "id": null,
                "digest": self.digest(),
                "at": self.named.captured("at"),
                "description": null,
                "tags": [],
                "pinned": false,
                "by": null,
                "host": self.named.captured("host"),
                "root": self.named.captured("root"),
            }),
        };
        document["schema"] = json!("runstone.env-show/1");
        let members: Map<String, Value> = self.named.members().clone();
        document["scopes"] = members.get("scopes").cloned().unwrap_or_default();
        document["capture"] = members.get("capture").cloned().unwrap_or_default();
        document["sources"] = self.environment.to_json()["sources"].take();
        document["runs"] = runs.map_or(Value::Null, RunsOfEnvironment::to_json);
        let unreadable = runs.map(RunsOfEnvironment::warning).unwrap_or_default();
        let warnings: Vec<&String> = self.warnings.iter().chain(&unreadable).collect();
        document["warnings"] = json!(warnings);
        document
    }
}

impl RunsOfEnvironment {
    fn to_json(&self) -> Value {
        let row = |stored: &Stored| {
            json!({
                "run_id": stored.snapshot.run_id,
                "stage": stored.snapshot.stage,
                "attempt": stored.snapshot.attempt,
                "cohort": stored.place.cohort.as_str(),
                "snapshot_seq": stored.place.seq,
                "recorded_at": stored.envelope.recorded_at,
            })
        };
        self.runs.iter().map(row).collect()
    }

    /// Returns what the caller should know of what could not be read.
    pub fn warning(&self) -> Option<String> {
        let first = self.unreadable.first()?;
        let others = match self.unreadable.len() {
            1 => String::new(),
            all => format!(" and {} more", all - 1),
        };
        Some(format!(
            "{first}{others} cannot be read, and may be of this environment"
        ))
    }
}

impl Ledger {
    /// Finds the environment that `reference` names; `current` is captured as `request` says.
    ///
    /// # Errors
    /// [`Error::NoEnvironment`], or [`Error::Ambiguous`] with the candidates; [`Error::Damaged`] if
    /// its document is lost; [`Error::Usage`] if there is nothing to capture.
    pub fn find_environment(
        &self,
        reference: &EnvironmentReference,
        request: &CaptureRequest,
    ) -> Result<FoundEnvironment, Error> {
        match reference {
            EnvironmentReference::Current => self.current_environment(request),
            EnvironmentReference::Digest(prefix) => self.environment_by_digest(prefix),
            EnvironmentReference::Latest | EnvironmentReference::Place(_) => {
                self.with_document(self.find_kept_environment(reference)?)
            }
        }
    }

    /// Finds the kept environment that `reference` names: one that can be pinned or deleted.
    ///
    /// # Errors
    /// As [`Ledger::find_environment`]; a digest that several were kept under is ambiguous, and
    /// `current` is not kept.
    pub fn find_kept_environment(
        &self,
        reference: &EnvironmentReference,
    ) -> Result<KeptEnvironment, Error> {
        let log = self.kept_environments()?;
        let name = reference.to_string();
        match reference {
            EnvironmentReference::Current => Err(Error::Usage {
                what: "`current` is the machine as it is, and not kept".to_owned(),
                hint: "keep it with `runstone env create`, or name one of `runstone env list`"
                    .to_owned(),
            }),
            EnvironmentReference::Latest => match log.listed().next() {
                Some(newest) => Ok(newest.clone()),
                None => Err(log.no_environment(&name, None)),
            },
            EnvironmentReference::Place(place) => match log.at(*place) {
                Some(kept) if kept.deleted.is_none() => Ok(kept.clone()),
                _ => match log.unreadable.get(place) {
                    Some(found) => Err(Error::Damaged {
                        place: name,
                        found: found.clone(),
                    }),
                    None => Err(log.no_environment(&name, Some(*place))),
                },
            },
            EnvironmentReference::Digest(prefix) => {
                let mut found = log.by_digest(prefix);
                match (found.next(), found.next()) {
                    (Some(only), None) => Ok(only.clone()),
                    (None, _) => Err(log.no_environment(&name, None)),
                    (Some(_), Some(_)) => Err(Error::Ambiguous {
                        reference: name,
                        candidates: log.by_digest(prefix).map(KeptEnvironment::id).collect(),
                    }),
                }
            }
        }
    }

    fn current_environment(&self, request: &CaptureRequest) -> Result<FoundEnvironment, Error> {
        let profile = self.profile_of_environments()?;
        let capture = captured_by_request(request, &profile)?;
        let value = self.captured_value(&capture, request, &self.clock.now());
        Ok(FoundEnvironment {
            kept: None,
            named: named(value, &capture.digests.environment, &profile),
            warnings: warnings_of(&capture),
            environment: capture.environment,
        })
    }

    /// Looks among what is kept, and among what runs name.
    fn environment_by_digest(&self, prefix: &str) -> Result<FoundEnvironment, Error> {
        let log = self.kept_environments()?;
        let mut found: BTreeMap<Digest, (Option<KeptEnvironment>, NamedEnvironment)> =
            BTreeMap::new();
        for kept in log.by_digest(prefix) {
            // Of several that were kept of one environment the newest speaks.
            let named = kept.entry.environment.clone();
            found
                .entry(kept.digest())
                .or_insert_with(|| (Some(kept.clone()), named));
        }
        let is_whole = prefix.len() == Digest::of(b"").to_string().len();
        let mut unreadable = None;
        if found.is_empty() || !is_whole {
            let runs = self.runs_of_environment(prefix)?;
            unreadable = runs.warning();
            for stored in runs.runs {
                if let Captured::Known(value) = stored.snapshot.environment
                    && let Some(named) = NamedEnvironment::of(value)
                {
                    found.entry(named.digest()).or_insert((None, named));
                }
            }
        }
        let candidates: Vec<String> = found.keys().map(ToString::to_string).collect();
        match (found.pop_first(), candidates.len()) {
            (Some((_, (kept, named))), 1) => Ok(FoundEnvironment {
                environment: self.whole_environment(&named.digest())?,
                kept,
                named,
                warnings: Vec::new(),
            }),
            (Some(_), _) => Err(Error::Ambiguous {
                reference: prefix.to_owned(),
                candidates,
            }),
            (None, _) => Err(Error::NoEnvironment {
                reference: prefix.to_owned(),
                why: unreadable
                    .unwrap_or_else(|| "none is kept under it, and no run names it".to_owned()),
            }),
        }
    }

    fn with_document(&self, kept: KeptEnvironment) -> Result<FoundEnvironment, Error> {
        Ok(FoundEnvironment {
            environment: self.whole_environment(&kept.digest())?,
            named: kept.entry.environment.clone(),
            kept: Some(kept),
            warnings: Vec::new(),
        })
    }

    fn whole_environment(&self, digest: &Digest) -> Result<Environment, Error> {
        self.read_environment(digest)
            .map_err(|found| Error::Damaged {
                place: format!("environment {}", digest.prefix(12)),
                found: found.to_string(),
            })
    }

    /// Returns the snapshots whose environment has a digest that begins so.
    ///
    /// # Errors
    /// [`Error::Store`] if the runs cannot be looked at.
    pub fn runs_of_environment(&self, prefix: &str) -> Result<RunsOfEnvironment, Error> {
        let mut candidates = Vec::new();
        let unreadable = self.scan(|sighted| {
            let may_be = match summary::environment(&sighted.envelope) {
                EnvironmentSaid::None => false,
                EnvironmentSaid::Beginning(it) => it.starts_with(prefix) || prefix.starts_with(it),
                EnvironmentSaid::Unsaid => true,
            };
            if may_be {
                candidates.push(sighted);
            }
        })?;
        let mut found = RunsOfEnvironment {
            runs: Vec::new(),
            unreadable,
        };
        for sighted in candidates {
            match self.stored_copy(&sighted.cohort, sighted.seq) {
                Ok(stored) => {
                    let digest = stored.snapshot.environment.digest();
                    if digest.is_some_and(|digest| digest.to_string().starts_with(prefix)) {
                        found.runs.push(stored);
                    }
                }
                Err(_unread) => found.unreadable.push(sighted.place().to_string()),
            }
        }
        Ok(found)
    }

    /// Returns what snapshots name, as far as envelopes say it.
    pub(super) fn environments_of_runs(&self) -> Result<NamedByRuns, Error> {
        let mut named = NamedByRuns::default();
        let mut unsaid: Vec<Sighted> = Vec::new();
        let unreadable = self.scan(|sighted| match summary::environment(&sighted.envelope) {
            EnvironmentSaid::None => {}
            EnvironmentSaid::Beginning(beginning) => named.add(beginning),
            EnvironmentSaid::Unsaid => unsaid.push(sighted),
        })?;
        named.unread = unreadable.into_iter().next();
        for sighted in unsaid {
            match self.stored_copy(&sighted.cohort, sighted.seq) {
                Ok(stored) => {
                    if let Some(digest) = stored.snapshot.environment.digest() {
                        named.add(&digest.to_string());
                    }
                }
                Err(_unread) => named.unread = Some(sighted.place().to_string()),
            }
        }
        Ok(named)
    }
}

impl EnvironmentLog {
    /// Returns the entries whose document has a digest that begins so, newest first.
    fn by_digest(&self, prefix: &str) -> impl Iterator<Item = &KeptEnvironment> {
        self.listed()
            .filter(move |kept| kept.digest().to_string().starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_could_be_a_path_or_an_option_is_a_reference() {
        for hostile in [
            "",
            " ",
            ".",
            "..",
            "../x",
            "/etc/passwd",
            "-rf",
            "--index-url=x",
            "env#",
            "env#0",
            "env#-1",
            "env#+1",
            "env# 1",
            "env#1/../2",
            "env#1\0",
            "env#99999999999999999999",
            "env1",
            "abc",
            "ABCD",
            "objects/ab",
            "a\0bc",
            "abcd\n",
            "current/..",
            "@prev",
            "latest",
            "~",
            "*",
            "12345g",
        ] {
            let refused = hostile.parse::<EnvironmentReference>();
            let hint = refused.as_ref().err().and_then(Error::hint);
            assert!(hint.is_some(), "{hostile:?}: {refused:?}");
        }
    }

    #[test]
    fn what_names_an_environment_is_read_as_it_is_written() {
        for text in ["@latest", "current", "env#12", "12ab", &"a".repeat(64)] {
            let read: EnvironmentReference = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
        }
        let place: EnvironmentReference = "env#012".parse().unwrap();
        assert_eq!(place, EnvironmentReference::Place(Seq::new(12).unwrap()));
    }
}
