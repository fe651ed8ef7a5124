//! `LATEST.json` of a cohort: its newest snapshot.

use serde::Serialize;

use super::VIEW_VERSION;
use super::folder::{ViewFile, ViewFolder};
use super::index::IndexEntry;
use crate::canon;
use crate::digest::Digest;
use crate::id::{Attempt, RunId, SnapshotSeq, Stage};

/// Its name, in the cohort's folder `view`.
pub const LATEST_FILE: &str = "LATEST.json";

/// The view. Members stand in canonical order.
#[derive(Serialize)]
struct Newest<'a> {
    attempt: Attempt,
    cohort: &'a str,
    path: String,
    run_id: &'a RunId,
    sha256: Digest,
    snapshot_seq: SnapshotSeq,
    stage: &'a Stage,
    view_version: u32,
}

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
    canon::bytes(&Newest {
        attempt: *attempt,
        cohort,
        path: folder.file(ViewFile::Snapshot),
        run_id,
        sha256: *sha256,
        snapshot_seq: *seq,
        stage,
        view_version: VIEW_VERSION,
    })
}
