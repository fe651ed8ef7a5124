//! The JSON form of a snapshot, which is what the store keeps.
//!
//! Members that this release does not know are kept and written again; a payload of a newer shape
//! is refused by name instead of being half understood. The invariant: reading what was written
//! gives the same snapshot. Bytes, digests and compression belong to the store.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Captured, Factors, ProfileName, SNAPSHOT_SCHEMA_VERSION, Snapshot, Status, Writer};
use crate::canon;
use crate::digest::Digest;
use crate::id::{Attempt, RunId, Stage};
use crate::metric::MetricValue;
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
        let mut payload = self.unknown.clone();
        let mut put = |member: &str, value: Value| payload.insert(member.to_owned(), value);
        put("snapshot_schema_version", json!(SNAPSHOT_SCHEMA_VERSION));
        put("run_id", json!(self.run_id));
        put("stage", json!(self.stage));
        put("attempt", json!(self.attempt));
        put("status", json!(self.status.as_str()));
        put("sweep", json!(self.sweep));
        put("candidate", json!(self.candidate));
        put("started_at", json!(self.started_at));
        put("finished_at", json!(self.finished_at));
        put(
            "profile",
            json!({ "name": self.profile.name, "sha256": self.profile.sha256 }),
        );
        put("policy", json!(self.policy.as_str()));
        put("document", Value::Object(self.document.clone()));
        put("identity", json!(self.identity));
        put("factors", factors_to_json(&self.factors));
        put("metrics", metrics_to_json(&self.metrics));
        put("samples", samples_to_json(&self.samples));
        put("labels", json!(self.labels));
        put("artifacts", json!(self.artifacts));
        put("environment", captured_to_json(&self.environment));
        put("code", captured_to_json(&self.code));
        put("process", captured_to_json(&self.process));
        put("fingerprints", json!(self.fingerprints));
        put("fingerprint_sources", json!(self.fingerprint_sources));
        put("redactions", json!(self.redactions));
        if let Some(key) = &self.pseudonym_key {
            put("pseudonym_key", json!(key));
        }
        put(
            "writer",
            json!({ "name": self.writer.name, "version": self.writer.version }),
        );
        Value::Object(payload)
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

fn factors_to_json(factors: &Factors) -> Value {
    json!({
        "settings": factors.settings,
        "seeds": factors.seeds,
        "versions": factors.versions,
    })
}

fn metrics_to_json(metrics: &BTreeMap<String, MetricValue>) -> Value {
    let members = metrics
        .iter()
        .map(|(name, value)| (name.clone(), value.to_json()));
    Value::Object(members.collect())
}

fn samples_to_json(samples: &BTreeMap<String, Vec<f64>>) -> Value {
    let to_json = |values: &Vec<f64>| {
        values
            .iter()
            .map(|value| MetricValue::new(*value).to_json())
            .collect::<Value>()
    };
    let members = samples
        .iter()
        .map(|(name, values)| (name.clone(), to_json(values)));
    Value::Object(members.collect())
}

fn captured_to_json(captured: &Captured) -> Value {
    match captured {
        Captured::Known(value) => json!({ "state": "captured", "value": value }),
        Captured::NotCaptured { reason } => json!({ "state": "not_captured", "reason": reason }),
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
