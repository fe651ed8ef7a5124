//! The run in the form in which equal runs are equal.
//!
//! From a legal [`RunRecord`] to what the ledger needs to know: which cohort the run belongs to,
//! whether it was recorded before, and the [`Snapshot`] it becomes. The invariant: two documents
//! that say the same, in whatever spelling, give one cohort, one content digest and equal
//! fingerprints. Committing belongs to the store.

mod fingerprints;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

pub(crate) use self::fingerprints::signature_name;
use self::fingerprints::{Fingerprints, SETTINGS};
use crate::canon;
use crate::cohort::{self, CohortId, CohortKey};
use crate::digest::Digest;
use crate::id::{Attempt, RunId, Stage};
use crate::metric::MetricValue;
use crate::pointer::Pointer;
use crate::profile::{Policy, Profile, StageRules};
use crate::record::{Defaults, Problem, ProblemKind, Redacting, Refused, RunRecord, Warning};
use crate::redact::{Anywhere, Mode, PseudonymKey, Redacted, Redaction};
use crate::snapshot::{
    Captured, FINGERPRINT_SCHEMA_VERSION, ProfileName, Snapshot, Status, Writer,
};

/// Fields that say when and how often, not what: a recording again may differ in them.
const NOT_CONTENT: [&str; 4] = ["attempt", "started_at", "finished_at", "created_at"];

/// A legal run, in normal form and placed in its cohort.
#[derive(Debug, Clone, PartialEq)]
pub struct CanonicalRun {
    record: RunRecord,
    profile: ProfileName,
    policy: Policy,
    cohort: CohortKey,
    cohort_id: CohortId,
    content: Digest,
    fingerprints: Fingerprints,
    redaction: Arc<Redaction>,
    key: Option<PseudonymKey>,
    redacted: Vec<Redacted>,
}

/// Why a run cannot be brought into normal form.
#[derive(Debug)]
pub enum NotCanonical {
    /// It breaks a rule.
    Refused(Refused),
    /// It needs a pseudonym, and no key was given: call again with the run and the key.
    NeedsKey(Box<RunRecord>),
}

impl From<Refused> for NotCanonical {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// A run as a snapshot, the cohort it belongs to, and what should be said beside the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The key of its cohort.
    pub cohort: CohortKey,
    /// What should be said.
    pub warnings: Vec<Warning>,
}

/// What was found beside the document.
#[derive(Debug, Clone, PartialEq)]
pub struct Captures {
    /// The software and machine underneath.
    pub environment: Captured,
    /// The state of the code.
    pub code: Captured,
    /// The process that ran.
    pub process: Captured,
}

impl CanonicalRun {
    /// Takes the secrets out of `record` and brings it into normal form, by the profile it was
    /// validated with. The key is needed where a secret gets a pseudonym.
    ///
    /// # Errors
    /// [`NotCanonical::NeedsKey`] with the run, if it needs a key that was not given;
    /// [`NotCanonical::Refused`] if `profile` is not the one it was read by, or nothing legal is
    /// left without its secrets.
    pub fn of(
        record: RunRecord,
        profile: &Profile,
        key: Option<&PseudonymKey>,
    ) -> Result<Self, NotCanonical> {
        let rules = rules_of(&record, profile)?;
        match record.redact(profile, rules, key)? {
            Redacting::NeedsKey(record) => Err(NotCanonical::NeedsKey(record)),
            Redacting::Done(record, redacted) => {
                Ok(Self::normal(*record, profile, rules, key, redacted))
            }
        }
    }

    /// Reads a snapshot's document again, which is without secrets already, as it was read when it
    /// was recorded.
    ///
    /// # Errors
    /// [`Refused`] if `profile` is not the one it was read by, or refuses the document.
    pub fn again(
        snapshot: &Snapshot,
        profile: &Profile,
        defaults: &Defaults,
    ) -> Result<Self, Refused> {
        let redacted: Vec<Redacted> = snapshot
            .redactions
            .iter()
            .filter_map(Redacted::from_json)
            .collect();
        let record = RunRecord::again(snapshot.document.clone(), &redacted, profile, defaults)?;
        let rules = rules_of(&record, profile)?;
        Ok(Self::normal(record, profile, rules, None, redacted))
    }

    fn normal(
        record: RunRecord,
        profile: &Profile,
        rules: &StageRules,
        key: Option<&PseudonymKey>,
        redacted: Vec<Redacted>,
    ) -> Self {
        let cohort = cohort_key(&record, profile, rules);
        let digest = cohort.digest();
        let content = content(&record, digest);
        let contents = record.contents();
        let fingerprints = Fingerprints::of(
            &contents.identity,
            &contents.factors,
            record.measured(),
            record.artifacts(),
        );
        Self {
            profile: ProfileName {
                name: profile.name.clone(),
                sha256: profile.sha256,
            },
            policy: rules.policy,
            cohort_id: cohort.id_with(&digest),
            cohort,
            content,
            fingerprints,
            redaction: Arc::clone(&profile.redaction),
            key: key.cloned(),
            redacted,
            record,
        }
    }

    /// Returns where the document was redacted, and by which rule.
    pub fn redacted(&self) -> &[Redacted] {
        &self.redacted
    }

    /// Returns the key of the cohort it belongs to.
    pub fn cohort(&self) -> &CohortKey {
        &self.cohort
    }

    /// Returns the name of the cohort it belongs to.
    pub fn cohort_id(&self) -> &CohortId {
        &self.cohort_id
    }

    /// Returns the digest of what was recorded, by which a recording again is recognised: cohort
    /// and normalized document, without attempt and clocks.
    pub fn content(&self) -> Digest {
        self.content
    }

    /// Returns the digest of the settings: equal settings, equal digest.
    pub fn settings_print(&self) -> Digest {
        self.fingerprints.digests[SETTINGS]
    }

    /// Returns the environment that the document itself names.
    pub fn environment(&self) -> Option<Digest> {
        self.record.environment()
    }

    /// Returns the flat metrics by dotted name.
    pub fn metrics(&self) -> &BTreeMap<String, MetricValue> {
        &self.record.measured().metrics
    }

    /// Returns the run.
    pub fn run_id(&self) -> &RunId {
        self.record.run_id()
    }

    /// Returns the stage in the profile's spelling.
    pub fn stage(&self) -> &Stage {
        self.record.stage()
    }

    /// Returns the attempt if the document states one.
    pub fn attempt(&self) -> Option<Attempt> {
        self.record.attempt()
    }

    /// Returns how the stage ended.
    pub fn status(&self) -> Status {
        self.record.status()
    }

    /// Returns when the stage ended, UTC RFC 3339, if the document says so.
    pub fn finished_at(&self) -> Option<&str> {
        self.record.normal().get("finished_at")?.as_str()
    }

    /// Returns the search this run is a point of.
    pub fn sweep(&self) -> Option<&str> {
        self.record.sweep()
    }

    /// Tells whether the run is judged without being a yardstick for others.
    pub fn candidate(&self) -> bool {
        self.record.candidate()
    }

    /// Returns what should be said beside the answer.
    pub fn warnings(&self) -> &[Warning] {
        self.record.warnings()
    }

    /// Makes the snapshot, as [`CanonicalRun::into_snapshot`] does, and keeps the run.
    pub fn to_snapshot(&self, attempt: Attempt, captures: Captures, writer: Writer) -> Snapshot {
        self.clone()
            .into_snapshot(attempt, captures, writer)
            .snapshot
    }

    /// Turns the run into its snapshot. Captures lose their secrets here. What the document itself
    /// states about environment and code goes before what was captured: it speaks of the run, a
    /// capture of the place it is recorded from.
    pub fn into_snapshot(self, attempt: Attempt, captures: Captures, writer: Writer) -> Placed {
        let record = self.record;
        let clock = |name: &str| {
            record
                .normal()
                .get(name)
                .and_then(Value::as_str)
                .map(ToOwned::to_owned)
        };
        let environment = record
            .environment()
            .map(|digest| json!({ "digest": digest }));
        let code = record
            .code()
            .map(|commit| json!({ "commit": commit, "source": "document" }));
        let mut redacted = self.redacted;
        let mut without = |name: &str, captured: Captured| {
            captured.without_secrets(name, &self.redaction, self.key.as_ref(), &mut redacted)
        };
        let environment = environment.map_or_else(
            || without("environment", captures.environment),
            Captured::Known,
        );
        let code = code.map_or_else(|| without("code", captures.code), Captured::Known);
        let process = without("process", captures.process);
        redacted.sort();
        redacted.dedup();
        let has_pseudonym = redacted.iter().any(|it| it.mode == Mode::Pseudonym);
        let (status, candidate) = (record.status(), record.candidate());
        let (started_at, finished_at) = (clock("started_at"), clock("finished_at"));
        let snapshot = Snapshot {
            run_id: record.run_id,
            stage: record.stage,
            attempt,
            status,
            sweep: record.sweep,
            candidate,
            started_at,
            finished_at,
            profile: self.profile,
            policy: self.policy,
            document: record.document,
            identity: record.contents.identity,
            factors: record.contents.factors,
            metrics: record.measured.metrics,
            samples: record.measured.samples,
            labels: record.measured.labels,
            artifacts: record.artifacts,
            environment,
            code,
            process,
            fingerprints: self.fingerprints.digests,
            fingerprint_sources: self.fingerprints.sources,
            redactions: redacted.iter().map(Redacted::to_json).collect(),
            pseudonym_key: self
                .key
                .as_ref()
                .filter(|_| has_pseudonym)
                .map(|key| key.id().to_owned()),
            writer,
            unknown: Map::new(),
        };
        Placed {
            snapshot,
            cohort: self.cohort,
            warnings: record.warnings,
        }
    }
}

fn rules_of<'p>(record: &RunRecord, profile: &'p Profile) -> Result<&'p StageRules, Refused> {
    match profile.stage(record.stage().as_str()) {
        Ok((_, rules)) if record.profile() == profile.sha256 => Ok(rules),
        _ => {
            let text = format!("the record was not read by profile `{}`", profile.name);
            Err(Problem::new(ProblemKind::Contradiction, Pointer::root(), text).into())
        }
    }
}

impl Captured {
    /// Returns what was captured without its secrets, and adds to what was redacted. A capture
    /// tells no runs apart, so that what lacks a key for a pseudonym is masked.
    fn without_secrets(
        self,
        name: &str,
        redaction: &Redaction,
        key: Option<&PseudonymKey>,
        redacted: &mut Vec<Redacted>,
    ) -> Self {
        let value = match self {
            Self::Known(value) => value,
            Self::NotCaptured { reason } => {
                let reason = redaction.text(&reason).into_owned();
                return Self::NotCaptured { reason };
            }
        };
        let at = format!("/{name}/value");
        let masking = key.is_none().then(|| redaction.masking());
        let redaction = masking.as_ref().unwrap_or(redaction);
        let walked = redaction.walk(&at, &[name], &value, &Anywhere, key);
        redacted.extend(walked.redacted);
        Self::Known(walked.change.of(value))
    }
}

fn cohort_key(record: &RunRecord, profile: &Profile, rules: &StageRules) -> CohortKey {
    let groups = record.contents().identity.clone();
    let named = rules.cohort_name.iter().filter_map(|path| {
        let path = path.to_string();
        let value = groups.values().find_map(|fields| fields.get(&path))?;
        Some(cohort::part(
            &value
                .as_str()
                .map_or_else(|| canon::text(value), ToOwned::to_owned),
        ))
    });
    CohortKey {
        schema: FINGERPRINT_SCHEMA_VERSION,
        profile: profile.name.clone(),
        rules: rules.identity_digest(),
        policy: rules.policy,
        stage: record.stage().clone(),
        name: named.collect(),
        groups,
    }
}

fn content(record: &RunRecord, cohort: Digest) -> Digest {
    let normal = record.normal().iter();
    let mut document: BTreeMap<&str, Part<'_>> = normal
        .map(|(key, value)| (key.as_str(), Part::Value(value)))
        .filter(|(key, _)| !NOT_CONTENT.contains(key))
        .collect();
    document.insert("stage", Part::Text(record.stage().as_str()));
    document.insert("status", Part::Text(record.status().as_str()));
    document.insert("candidate", Part::Flag(record.candidate()));
    document.insert("artifacts", Part::List(record.artifacts()));
    let content = Content { cohort, document };
    Digest::of_named("content", &canon::bytes(&content))
}

/// What the digest of the content covers.
#[derive(Serialize)]
struct Content<'r> {
    cohort: Digest,
    document: BTreeMap<&'r str, Part<'r>>,
}

/// A part of a document, in its place or worked out.
#[derive(Serialize)]
#[serde(untagged)]
enum Part<'r> {
    Value(&'r Value),
    Text(&'r str),
    Flag(bool),
    List(&'r [Value]),
}
