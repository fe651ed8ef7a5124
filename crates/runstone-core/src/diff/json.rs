//! The JSON form of a diff: schema `runstone.diff/1`, page `docs/json.md`.
//!
//! Written whole here so that the shape can be read in one place. The invariant kept: every
//! member stands in every status; what does not exist is `null`, an empty list or an empty object.
//! Members are told in canonical order, which spares the writer of views the sorting.
//! Reading one back is not needed: a diff is worked out again from the log.

use std::collections::BTreeMap;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::environment::EnvironmentSection;
use super::factors::FactorsBlock;
use super::metrics::{MetricDelta, by_name};
use super::patch::Patch;
use super::run_diff::{Named, Row, RunDiff, SectionRows};
use crate::canon;
use crate::digest::Digest;
use crate::id::{Attempt, RunId, SnapshotSeq};

/// Names the shape; raised when a member changes its meaning.
const SCHEMA: &str = "runstone.diff/1";

impl RunDiff {
    /// Returns the stable JSON form.
    pub fn to_json(&self) -> Value {
        canon::value(&DiffMembers::of(self, &self.excluded_factors.block()))
    }
}

/// The members of a diff, lent by it.
#[derive(Debug, Serialize)]
pub(crate) struct DiffMembers<'a> {
    artifacts: &'a [Row],
    attempt: Attempt,
    changed_keys: &'a [String],
    code: &'a SectionRows,
    cohort: &'a str,
    counts: &'a BTreeMap<&'static str, Option<usize>>,
    environment: EnvironmentSection<'a>,
    excluded_factors: &'a FactorsBlock<'a>,
    identity: &'a [Row],
    labels: &'a [Row],
    metrics: BTreeMap<&'a str, &'a MetricDelta>,
    patch: &'a Patch,
    prev_attempt: Option<Attempt>,
    prev_cohort: Option<&'a str>,
    prev_run_id: Option<&'a RunId>,
    prev_sha256: Option<Digest>,
    prev_snapshot_path: Option<&'a str>,
    prev_snapshot_seq: Option<SnapshotSeq>,
    previous_same_settings: Option<&'a Named>,
    process: &'a SectionRows,
    reason: Option<&'a str>,
    reproducibility_variance: bool,
    run_id: &'a RunId,
    schema: &'static str,
    severity: &'static str,
    severity_reason: &'a str,
    sha256: Digest,
    /// Where the view of the current run lies; the views say it also where the diff does not.
    pub(crate) snapshot_path: Option<&'a str>,
    snapshot_seq: SnapshotSeq,
    status: &'static str,
    unknown_inputs: &'a [&'static str],
}

impl<'a> DiffMembers<'a> {
    /// Lends the members of a diff; `factors` is the block of what differs on purpose.
    pub(crate) fn of(diff: &'a RunDiff, factors: &'a FactorsBlock<'a>) -> Self {
        let (current, previous) = (&diff.current, diff.previous.as_ref());
        Self {
            artifacts: &diff.artifacts,
            attempt: current.attempt,
            changed_keys: &diff.changed_keys,
            code: &diff.code,
            cohort: &current.cohort,
            counts: &diff.counts,
            environment: EnvironmentSection {
                rows: &diff.environment,
                changes: diff.environment_changes.as_ref(),
            },
            excluded_factors: factors,
            identity: &diff.identity,
            labels: &diff.labels,
            metrics: by_name(&diff.metrics),
            patch: &diff.patch,
            prev_attempt: previous.map(|named| named.attempt),
            prev_cohort: previous.map(|named| named.cohort.as_str()),
            prev_run_id: previous.map(|named| &named.run_id),
            prev_sha256: previous.map(|named| named.sha256),
            prev_snapshot_path: previous.and_then(|named| named.path.as_deref()),
            prev_snapshot_seq: previous.map(|named| named.seq),
            previous_same_settings: diff.previous_same_settings.as_ref(),
            process: &diff.process,
            reason: diff.reason.as_deref(),
            reproducibility_variance: diff.reproducibility_variance,
            run_id: &current.run_id,
            schema: SCHEMA,
            severity: diff.severity.as_str(),
            severity_reason: &diff.severity_reason,
            sha256: current.sha256,
            snapshot_path: current.path.as_deref(),
            snapshot_seq: current.seq,
            status: diff.status.as_str(),
            unknown_inputs: &diff.unknown_inputs,
        }
    }
}

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("Named", 6)?;
        members.serialize_field("attempt", &self.attempt)?;
        members.serialize_field("cohort", &self.cohort)?;
        members.serialize_field("run_id", &self.run_id)?;
        members.serialize_field("sha256", &self.sha256)?;
        members.serialize_field("snapshot_path", &self.path)?;
        members.serialize_field("snapshot_seq", &self.seq)?;
        members.end()
    }
}

impl Serialize for SectionRows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let state = match self {
            Self::Compared(_) => "compared",
            Self::Unknown { .. } => "unknown",
            Self::NotCompared { .. } => "not_compared",
        };
        let mut members = serializer.serialize_struct("SectionRows", 3)?;
        members.serialize_field("reason", &self.unknown_because())?;
        members.serialize_field("rows", self.rows())?;
        members.serialize_field("state", state)?;
        members.end()
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("Row", 3)?;
        members.serialize_field("curr", &self.curr)?;
        members.serialize_field("key", &self.key)?;
        members.serialize_field("prev", &self.prev)?;
        members.end()
    }
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
