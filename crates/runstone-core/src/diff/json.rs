//! The JSON form of a diff: schema `runstone.diff/1`, page `docs/json.md`.
//!
//! Written whole here so that the shape can be read in one place. The invariant kept: every
//! member stands in every status; what does not exist is `null`, an empty list or an empty object.
//! Reading one back is not needed: a diff is worked out again from the log.

use serde_json::{Map, Value, json};

use super::metrics::MetricDelta;
use super::run_diff::{Named, Row, RunDiff, SectionRows};

/// Names the shape; raised when a member changes its meaning.
const SCHEMA: &str = "runstone.diff/1";

impl RunDiff {
    /// Returns the stable JSON form.
    pub fn to_json(&self) -> Value {
        let previous = self.previous.as_ref();
        json!({
            "schema": SCHEMA,
            "status": self.status.as_str(),
            "reason": self.reason,
            "run_id": self.current.run_id,
            "attempt": self.current.attempt,
            "cohort": self.current.cohort,
            "snapshot_seq": self.current.seq,
            "sha256": self.current.sha256,
            "snapshot_path": self.current.path,
            "prev_run_id": previous.map(|named| &named.run_id),
            "prev_attempt": previous.map(|named| named.attempt),
            "prev_cohort": previous.map(|named| &named.cohort),
            "prev_snapshot_seq": previous.map(|named| named.seq),
            "prev_sha256": previous.map(|named| named.sha256),
            "prev_snapshot_path": previous.and_then(|named| named.path.as_ref()),
            "previous_same_settings": self.previous_same_settings.as_ref().map(Named::to_json),
            "changed_keys": self.changed_keys,
            "patch": self.patch.to_json(),
            "excluded_factors": self.excluded_factors.to_json(),
            "counts": self.counts,
            "identity": rows(&self.identity),
            "environment": self.environment.to_json(),
            "code": self.code.to_json(),
            "process": self.process.to_json(),
            "metrics": metrics(&self.metrics),
            "labels": rows(&self.labels),
            "artifacts": rows(&self.artifacts),
            "severity": self.severity.as_str(),
            "severity_reason": self.severity_reason,
            "reproducibility_variance": self.reproducibility_variance,
            "unknown_inputs": self.unknown_inputs,
        })
    }
}

impl Named {
    /// Returns the JSON form of a named snapshot.
    pub fn to_json(&self) -> Value {
        json!({
            "run_id": self.run_id,
            "attempt": self.attempt,
            "cohort": self.cohort,
            "snapshot_seq": self.seq,
            "sha256": self.sha256,
            "snapshot_path": self.path,
        })
    }
}

impl SectionRows {
    fn to_json(&self) -> Value {
        let state = match self {
            Self::Compared(_) => "compared",
            Self::Unknown { .. } => "unknown",
            Self::NotCompared { .. } => "not_compared",
        };
        json!({"state": state, "reason": self.unknown_because(), "rows": rows(self.rows())})
    }
}

fn rows(rows: &[Row]) -> Value {
    rows.iter()
        .map(|row| json!({"key": row.key, "prev": row.prev, "curr": row.curr}))
        .collect()
}

fn metrics(deltas: &[MetricDelta]) -> Value {
    let by_name: Map<String, Value> = deltas
        .iter()
        .map(|delta| (delta.name.clone(), delta.to_json()))
        .collect();
    Value::Object(by_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::Against;
    use crate::diff::sample::{self, at, diff};

    fn members(value: &Value) -> Vec<&String> {
        value.as_object().unwrap().keys().collect()
    }

    #[test]
    fn every_status_has_the_same_members() {
        let (prev, curr) = (sample::training(), sample::training_factors_changed());
        let (side, reason) = (at(&prev, 26), "why");
        let [first, compared, incomparable] = [
            Against::Nothing { reason },
            Against::Comparable(side),
            Against::Incomparable { side, reason },
        ]
        .map(|against| diff(against, at(&curr, 27)).to_json());
        assert_eq!(first["status"], "first_run");
        assert_eq!(incomparable["status"], "incomparable");
        assert_eq!(members(&first), members(&compared));
        assert_eq!(members(&first), members(&incomparable));
        for section in ["environment", "excluded_factors", "counts"] {
            assert_eq!(
                members(&first[section]),
                members(&compared[section]),
                "{section}"
            );
        }
    }

    #[test]
    fn a_compared_run_reads_as_documented() {
        let (mut prev, mut curr) = (sample::training(), sample::training_factors_changed());
        prev.metrics.retain(|name, _| name == "auc");
        curr.metrics.retain(|name, _| name == "auc");
        let found = diff(Against::Comparable(at(&prev, 26)), at(&curr, 27));
        insta::assert_json_snapshot!(found.to_json());
    }
}
