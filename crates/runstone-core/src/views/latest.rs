//! `LATEST.json` of a cohort: its newest snapshot.

use serde_json::json;

use super::VIEW_VERSION;
use super::folder::{ViewFile, ViewFolder};
use super::index::IndexEntry;
use crate::canon;

/// Its name, in the cohort's folder `view`.
pub const LATEST_FILE: &str = "LATEST.json";

/// Returns the bytes of the view of a cohort's newest snapshot.
pub fn latest(newest: &IndexEntry) -> Vec<u8> {
    let IndexEntry {
        run_id,
        stage,
        cohort,
        attempt,
        seq,
        sha256,
    } = newest;
    let folder = ViewFolder::of(run_id, stage, cohort, *attempt);
    canon::bytes(&json!({
        "view_version": VIEW_VERSION,
        "cohort": cohort,
        "run_id": run_id,
        "stage": stage,
        "attempt": attempt,
        "snapshot_seq": seq,
        "sha256": sha256,
        "path": folder.file(ViewFile::Snapshot),
    }))
}
