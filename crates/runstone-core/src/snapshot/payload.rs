//! The JSON form of a snapshot, which is what the store keeps.
//!
//! Members that this release does not know are kept and written again; a payload of a newer shape
//! is refused by name instead of being half understood. The invariant: reading what was written
//! gives the same snapshot. Bytes, digests and compression belong to the store.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Captured, Factors, ProfileName, SNAPSHOT_SCHEMA_VERSION, Snapshot, Status, Writer};
use crate::canon;
use crate::digest::Digest;
use crate::id::{Attempt, RunId, Stage};
use crate::metric::{MetricValue, Samples};
use crate::profile::Policy;

/// A value is not a snapshot's payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// A later release wrote it, in a shape this one does not know.
    #[error("snapshot schema {found} is newer than {known}, the newest this release reads")]
    Newer {
        /// The version found.
        found: u64,
        /// The newest version this release reads.
        known: u32,
    },
    /// The value is not an object.
    #[error("the payload is not an object")]
    NotAnObject,
    /// A member is absent, or not what it should be.
    #[error("the payload has no legal `{member}`")]
    Member {
        /// The member.
        member: &'static str,
    },
}

impl SnapshotError {
    /// Returns what to do about it, in one sentence.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Newer { .. } => Some("read it with a newer release of runstone"),
            Self::NotAnObject | Self::Member { .. } => {
                Some("`runstone verify` names everything that is damaged")
            }
        }
    }
}

impl Snapshot {
    /// Returns the payload: canonical once in bytes, complete without the log around it.
    pub fn to_payload(&self) -> Value {
        json!(self.described())
    }

    /// Returns the canonical bytes of [`Snapshot::to_payload`], written from the parts as they
    /// stand.
    pub fn payload_bytes(&self) -> Vec<u8> {
        canon::bytes(&self.described())
    }

    fn described(&self) -> Payload<'_> {
        Payload {
            artifacts: &self.artifacts,
            attempt: self.attempt,
            candidate: self.candidate,
            code: described(&self.code),
            document: &self.document,
            environment: described(&self.environment),
            factors: &self.factors,
            fingerprint_sources: &self.fingerprint_sources,
            fingerprints: &self.fingerprints,
            finished_at: self.finished_at.as_deref(),
            identity: &self.identity,
            labels: &self.labels,
            metrics: &self.metrics,
            policy: self.policy.as_str(),
            process: described(&self.process),
            profile: &self.profile,
            pseudonym_key: self.pseudonym_key.as_deref(),
            redactions: &self.redactions,
            run_id: &self.run_id,
            samples: Samples(&self.samples),
            snapshot_schema_version: SNAPSHOT_SCHEMA_VERSION,
            stage: &self.stage,
            started_at: self.started_at.as_deref(),
            status: self.status.as_str(),
            sweep: self.sweep.as_deref(),
            writer: &self.writer,
            unknown: &self.unknown,
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`SnapshotError::Newer`] if a later release wrote it in another shape; else
    /// [`SnapshotError`] with the member that is not what it should be.
    pub fn from_payload(payload: Value) -> Result<Self, SnapshotError> {
        let Value::Object(members) = canon::settle(payload) else {
            return Err(SnapshotError::NotAnObject);
        };
        let mut members = Members(members);
        members.check_version()?;
        let snapshot = Self {
            run_id: members.read("run_id", |value| RunId::new(value.as_str()?).ok())?,
            stage: members.read("stage", |value| Stage::new(value.as_str()?).ok())?,
            attempt: members.read("attempt", |value| attempt(&value))?,
            status: members.read("status", |value| Status::from_word(value.as_str()?))?,
            sweep: members.read_text("sweep")?,
            candidate: members.read("candidate", |value| value.as_bool())?,
            started_at: members.read_text("started_at")?,
            finished_at: members.read_text("finished_at")?,
            profile: members.read("profile", profile)?,
            policy: members.read("policy", |value| Policy::from_word(value.as_str()?))?,
            document: members.read("document", object)?,
            identity: members.read("identity", |value| map(value, |fields| map(fields, Some)))?,
            factors: members.read("factors", factors)?,
            metrics: members.read("metrics", |value| {
                map(value, |it| MetricValue::from_json(&it))
            })?,
            samples: members.read("samples", |value| map(value, samples))?,
            labels: members.read("labels", |value| map(value, Some))?,
            artifacts: members.read("artifacts", list)?,
            environment: members.read("environment", captured)?,
            code: members.read("code", captured)?,
            process: members.read("process", captured)?,
            fingerprints: members.read("fingerprints", |value| map(value, |it| digest(&it)))?,
            fingerprint_sources: members.read("fingerprint_sources", |value| map(value, text))?,
            redactions: members.read("redactions", list)?,
            pseudonym_key: members.optional("pseudonym_key", text)?,
            writer: members.read("writer", writer)?,
            unknown: members.0,
        };
        Ok(snapshot)
    }
}

/// The members of a payload, in their order there.
#[derive(Serialize)]
struct Payload<'s> {
    artifacts: &'s [Value],
    attempt: Attempt,
    candidate: bool,
    code: CapturedPayload<'s>,
    document: &'s Map<String, Value>,
    environment: CapturedPayload<'s>,
    factors: &'s Factors,
    fingerprint_sources: &'s BTreeMap<String, String>,
    fingerprints: &'s BTreeMap<String, Digest>,
    finished_at: Option<&'s str>,
    identity: &'s BTreeMap<String, BTreeMap<String, Value>>,
    labels: &'s BTreeMap<String, Value>,
    metrics: &'s BTreeMap<String, MetricValue>,
    policy: &'static str,
    process: CapturedPayload<'s>,
    profile: &'s ProfileName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pseudonym_key: Option<&'s str>,
    redactions: &'s [Value],
    run_id: &'s RunId,
    samples: Samples<'s>,
    snapshot_schema_version: u32,
    stage: &'s Stage,
    started_at: Option<&'s str>,
    status: &'static str,
    sweep: Option<&'s str>,
    writer: &'s Writer,
    #[serde(flatten)]
    unknown: &'s Map<String, Value>,
}

#[derive(Serialize)]
struct CapturedPayload<'s> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'s str>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'s Value>,
}

/// The members of a payload that were not read yet.
struct Members(Map<String, Value>);

impl Members {
    fn check_version(&mut self) -> Result<(), SnapshotError> {
        let version = self.read("snapshot_schema_version", |value| value.as_u64())?;
        if version > u64::from(SNAPSHOT_SCHEMA_VERSION) {
            return Err(SnapshotError::Newer {
                found: version,
                known: SNAPSHOT_SCHEMA_VERSION,
            });
        }
        Ok(())
    }

    fn read<T>(
        &mut self,
        member: &'static str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<T, SnapshotError> {
        self.0
            .remove(member)
            .and_then(read)
            .ok_or(SnapshotError::Member { member })
    }

    /// Reads a member that not every snapshot has.
    fn optional<T>(
        &mut self,
        member: &'static str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, SnapshotError> {
        match self.0.remove(member) {
            None => Ok(None),
            Some(value) => read(value)
                .map(Some)
                .ok_or(SnapshotError::Member { member }),
        }
    }

    fn read_text(&mut self, member: &'static str) -> Result<Option<String>, SnapshotError> {
        match self.0.remove(member) {
            Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            _ => Err(SnapshotError::Member { member }),
        }
    }
}

fn described(captured: &Captured) -> CapturedPayload<'_> {
    match captured {
        Captured::Known(value) => CapturedPayload {
            reason: None,
            state: "captured",
            value: Some(value),
        },
        Captured::NotCaptured { reason } => CapturedPayload {
            reason: Some(reason),
            state: "not_captured",
            value: None,
        },
    }
}

fn captured(value: Value) -> Option<Captured> {
    let mut members = object(value)?;
    match members.get("state")?.as_str()? {
        "captured" => members.remove("value").map(Captured::Known),
        "not_captured" => Some(Captured::NotCaptured {
            reason: text(members.remove("reason")?)?,
        }),
        _ => None,
    }
}

fn attempt(value: &Value) -> Option<Attempt> {
    u32::try_from(value.as_u64()?).ok().map(Attempt)
}

fn profile(value: Value) -> Option<ProfileName> {
    let mut members = object(value)?;
    let name = text(members.remove("name")?)?;
    Some(ProfileName {
        name,
        sha256: digest(&members.remove("sha256")?)?,
    })
}

fn writer(value: Value) -> Option<Writer> {
    let mut members = object(value)?;
    let name = text(members.remove("name")?)?;
    Some(Writer {
        name,
        version: text(members.remove("version")?)?,
    })
}

fn factors(value: Value) -> Option<Factors> {
    let mut members = object(value)?;
    let mut class = |name: &str| map(members.remove(name)?, Some);
    Some(Factors {
        settings: class("settings")?,
        seeds: class("seeds")?,
        versions: class("versions")?,
    })
}

fn samples(value: Value) -> Option<Vec<f64>> {
    let values = list(value)?;
    values
        .iter()
        .map(|value| MetricValue::from_json(value).map(MetricValue::get))
        .collect()
}

fn map<T>(value: Value, read: impl Fn(Value) -> Option<T>) -> Option<BTreeMap<String, T>> {
    object(value)?
        .into_iter()
        .map(|(key, value)| Some((key, read(value)?)))
        .collect()
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

fn list(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn digest(value: &Value) -> Option<Digest> {
    value.as_str()?.parse().ok()
}
