//! `diff_prev.json` and `diff_baseline.json`: what differs from the previous run, and from the
//! yardstick.
//!
//! Both have the shape of a diff (`runstone.diff/1`) whatever they found: a first run has every
//! member. In the second, what a diff calls previous is the baseline. Neither is cut, but for the
//! changed factors, whose whole list then stands in a file beside it.

use serde_json::{Value, json};

use super::VIEW_VERSION;
use super::folder::ViewFile;
use super::snapshot::SnapshotViews;
use super::telemetry::name_whole;
use crate::diff::RunDiff;

pub(super) fn diff_prev(views: &SnapshotViews<'_>) -> Value {
    let whole = views.folder.file(ViewFile::FactorsPrev);
    let mut view = view(views, views.previous, &whole);
    view["against"] = json!("previous");
    view
}

pub(super) fn diff_baseline(views: &SnapshotViews<'_>) -> Value {
    let whole = views.folder.file(ViewFile::FactorsBaseline);
    let mut view = view(views, views.yardstick.diff, &whole);
    view["against"] = json!("baseline");
    view["baseline"] = views.yardstick.baseline.to_json();
    view
}

fn view(views: &SnapshotViews<'_>, diff: &RunDiff, whole: &str) -> Value {
    let mut view = diff.to_json();
    view["view_version"] = json!(VIEW_VERSION);
    view["snapshot_path"] = json!(views.folder.file(ViewFile::Snapshot));
    name_whole(&mut view["excluded_factors"], diff, whole);
    view
}

/// Returns every changed factor, where not all of them are listed in the diff.
pub(super) fn whole_factors(diff: &RunDiff) -> Option<Value> {
    let factors = &diff.excluded_factors;
    factors.is_cut().then(|| {
        json!({
            "view_version": VIEW_VERSION,
            "count": factors.count(),
            "changes": factors.whole(),
            "changes_digest": factors.changes_digest(),
        })
    })
}
