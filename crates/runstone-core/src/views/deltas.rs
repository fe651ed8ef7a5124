//! `metric_deltas.json`: how far each metric stands from the previous run and from the baseline.

use std::collections::BTreeMap;

use serde::Serialize;

use super::VIEW_VERSION;
use super::snapshot::SnapshotViews;
use crate::canon;
use crate::diff::{MetricDelta, RunDiff, by_name};
use crate::id::{Attempt, RunId, SnapshotSeq};

/// The view. Members stand in canonical order.
#[derive(Serialize)]
struct Deltas<'a> {
    attempt: Attempt,
    baseline: Side<'a>,
    cohort: &'a str,
    prev: Side<'a>,
    run_id: &'a RunId,
    snapshot_seq: SnapshotSeq,
    view_version: u32,
}

/// What was found on one side. Members stand in canonical order.
#[derive(Serialize)]
struct Side<'a> {
    attempt: Option<Attempt>,
    metrics: BTreeMap<&'a str, &'a MetricDelta>,
    reason: Option<&'a str>,
    run_id: Option<&'a RunId>,
    snapshot_path: Option<&'a str>,
    snapshot_seq: Option<SnapshotSeq>,
    status: &'static str,
}

pub(super) fn metric_deltas(views: &SnapshotViews<'_>) -> Vec<u8> {
    let current = &views.previous.current;
    canon::bytes(&Deltas {
        attempt: current.attempt,
        baseline: Side::of(views.yardstick.diff),
        cohort: &current.cohort,
        prev: Side::of(views.previous),
        run_id: &current.run_id,
        snapshot_seq: current.seq,
        view_version: VIEW_VERSION,
    })
}

impl<'a> Side<'a> {
    fn of(diff: &'a RunDiff) -> Self {
        let earlier = diff.previous.as_ref();
        Self {
            attempt: earlier.map(|named| named.attempt),
            metrics: by_name(&diff.metrics),
            reason: diff.reason.as_deref(),
            run_id: earlier.map(|named| &named.run_id),
            snapshot_path: earlier.and_then(|named| named.path.as_deref()),
            snapshot_seq: earlier.map(|named| named.seq),
            status: diff.status.as_str(),
        }
    }
}
