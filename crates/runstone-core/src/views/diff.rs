//! `diff_prev.json` and `diff_baseline.json`: what differs from the previous run, and from the
//! yardstick.
//!
//! Both have the shape of a diff (`runstone.diff/1`) whatever they found: a first run has every
//! member. In the second, what a diff calls previous is the baseline. Neither is cut, but for the
//! changed factors, whose whole list then stands in a file beside it.

use serde::Serialize;
use serde_json::Value;

use super::VIEW_VERSION;
use super::snapshot::SnapshotViews;
use crate::canon;
use crate::diff::{DiffMembers, FactorsBlock, RunDiff};
use crate::digest::Digest;

/// A diff as a view.
#[derive(Serialize)]
struct DiffFile<'a> {
    against: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<Value>,
    #[serde(flatten)]
    diff: DiffMembers<'a>,
    view_version: u32,
}

/// Every changed factor. Members stand in canonical order.
#[derive(Serialize)]
struct WholeFactors<C> {
    changes: C,
    changes_digest: Digest,
    count: usize,
    view_version: u32,
}

/// Returns the view of the previous run; `factors` is the block of what differs on purpose.
pub(super) fn diff_prev(
    views: &SnapshotViews<'_>,
    factors: &FactorsBlock<'_>,
    path: &str,
) -> Vec<u8> {
    let mut diff = DiffMembers::of(views.previous, factors);
    diff.snapshot_path = Some(path);
    canon::bytes(&DiffFile {
        against: "previous",
        baseline: None,
        diff,
        view_version: VIEW_VERSION,
    })
}

/// Returns the view of the baseline; `factors` is the block of what differs on purpose.
pub(super) fn diff_baseline(
    views: &SnapshotViews<'_>,
    factors: &FactorsBlock<'_>,
    path: &str,
) -> Vec<u8> {
    let mut diff = DiffMembers::of(views.yardstick.diff, factors);
    diff.snapshot_path = Some(path);
    canon::bytes(&DiffFile {
        against: "baseline",
        baseline: Some(views.yardstick.baseline.to_json()),
        diff,
        view_version: VIEW_VERSION,
    })
}

/// Returns every changed factor, where not all of them are listed in the diff.
pub(super) fn whole_factors(diff: &RunDiff) -> Option<Vec<u8>> {
    let factors = &diff.excluded_factors;
    factors.is_cut().then(|| {
        canon::bytes(&WholeFactors {
            changes: factors.whole(),
            changes_digest: factors.changes_digest(),
            count: factors.count(),
            view_version: VIEW_VERSION,
        })
    })
}
