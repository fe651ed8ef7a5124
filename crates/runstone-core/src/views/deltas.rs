//! `metric_deltas.json`: how far each metric stands from the previous run and from the baseline.

use serde_json::{Map, Value, json};

use super::VIEW_VERSION;
use super::snapshot::SnapshotViews;
use crate::diff::{MetricDelta, RunDiff};

pub(super) fn metric_deltas(views: &SnapshotViews<'_>) -> Value {
    let current = &views.previous.current;
    json!({
        "view_version": VIEW_VERSION,
        "run_id": current.run_id,
        "attempt": current.attempt,
        "cohort": current.cohort,
        "snapshot_seq": current.seq,
        "prev": side(views.previous),
        "baseline": side(views.yardstick.diff),
    })
}

fn side(diff: &RunDiff) -> Value {
    let earlier = diff.previous.as_ref();
    let deltas: Map<String, Value> = diff
        .metrics
        .iter()
        .map(|delta| (delta.name.clone(), MetricDelta::to_json(delta)))
        .collect();
    json!({
        "status": diff.status.as_str(),
        "reason": diff.reason,
        "run_id": earlier.map(|named| &named.run_id),
        "attempt": earlier.map(|named| named.attempt),
        "snapshot_seq": earlier.map(|named| named.seq),
        "snapshot_path": earlier.and_then(|named| named.path.as_ref()),
        "metrics": deltas,
    })
}
