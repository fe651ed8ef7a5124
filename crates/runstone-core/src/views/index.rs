//! `snapshot_index.json` of a run: every snapshot of it, in whatever stage and cohort.
//!
//! Keys are `run_id:stage:cohort:attempt`, with the run id as it was given, whatever its folder is
//! called. The invariant kept: a function of the entries alone, whatever order they came in.
//! Finding them belongs to the ledger.

use std::collections::BTreeMap;

use serde::Serialize;

use super::VIEW_VERSION;
use super::folder::{ViewFile, ViewFolder};
use crate::canon;
use crate::digest::Digest;
use crate::id::{Attempt, RunId, SnapshotSeq, Stage};

/// Its name, in the run's folder.
pub const INDEX_FILE: &str = "snapshot_index.json";

/// One snapshot by everything that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// The run.
    pub run_id: RunId,
    /// The stage.
    pub stage: Stage,
    /// The id of its cohort.
    pub cohort: String,
    /// Which retry.
    pub attempt: Attempt,
    /// Its position in its cohort's log.
    pub seq: SnapshotSeq,
    /// SHA-256 of its canonical payload.
    pub sha256: Digest,
}

impl IndexEntry {
    /// Reads the entry that a `snapshot.json` proves; `None` if it is none, or torn.
    pub fn from_snapshot_view(bytes: &[u8]) -> Option<Self> {
        let read: ReadBack = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            run_id: read.run_id,
            stage: read.stage,
            cohort: read.cohort,
            attempt: read.attempt,
            seq: read.snapshot_seq,
            sha256: read.sha256,
        })
    }

    /// Returns the folder of its views.
    pub fn folder(&self) -> ViewFolder {
        ViewFolder::of(&self.run_id, &self.stage, &self.cohort, self.attempt)
    }

    fn key(&self) -> String {
        let Self {
            run_id,
            stage,
            cohort,
            attempt,
            ..
        } = self;
        format!("{run_id}:{stage}:{cohort}:{attempt}")
    }
}

/// What the index needs of a `snapshot.json`; the rest is passed over.
#[derive(serde::Deserialize)]
struct ReadBack {
    run_id: RunId,
    stage: Stage,
    cohort: String,
    attempt: Attempt,
    snapshot_seq: SnapshotSeq,
    sha256: Digest,
}

/// The view. Members stand in canonical order.
#[derive(Serialize)]
struct Index<'a> {
    snapshots: BTreeMap<String, Row<'a>>,
    view_version: u32,
}

/// One snapshot in it. Members stand in canonical order.
#[derive(Serialize)]
struct Row<'a> {
    attempt: Attempt,
    cohort: &'a str,
    paths: BTreeMap<&'static str, String>,
    run_id: &'a RunId,
    sha256: Digest,
    snapshot_seq: SnapshotSeq,
    stage: &'a Stage,
}

/// Returns the bytes of the view of one run's snapshots.
pub fn index(entries: &[IndexEntry]) -> Vec<u8> {
    let snapshots = entries.iter().map(|entry| (entry.key(), Row::of(entry)));
    canon::bytes(&Index {
        snapshots: snapshots.collect(),
        view_version: VIEW_VERSION,
    })
}

impl<'a> Row<'a> {
    fn of(entry: &'a IndexEntry) -> Self {
        let folder = entry.folder();
        let paths = ViewFile::ALWAYS
            .into_iter()
            .map(|file| (file.word(), folder.file(file)));
        Self {
            attempt: entry.attempt,
            cohort: &entry.cohort,
            paths: paths.collect(),
            run_id: &entry.run_id,
            sha256: entry.sha256,
            snapshot_seq: entry.seq,
            stage: &entry.stage,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn entry(run_id: &str, attempt: u32) -> IndexEntry {
        IndexEntry {
            run_id: RunId::new(run_id).unwrap(),
            stage: Stage::new("train").unwrap(),
            cohort: "train.lab.0123456789abcdef".to_owned(),
            attempt: Attempt(attempt),
            seq: SnapshotSeq(7),
            sha256: Digest::of(b"payload"),
        }
    }

    #[test]
    fn run_ids_come_back_unchanged_and_order_means_nothing() {
        let odd = "2025:12/19 \u{0}\n..\u{1f680}";
        let bytes = index(&[entry(odd, 1), entry(odd, 0)]);
        assert_eq!(bytes, index(&[entry(odd, 0), entry(odd, 1)]));
        let view: Value = serde_json::from_slice(&bytes).unwrap();
        let key = format!("{odd}:train:train.lab.0123456789abcdef:1");
        assert_eq!(view["snapshots"][&key]["run_id"], odd);
        assert_eq!(view["snapshots"].as_object().unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_whole_snapshot_view_proves_nothing() {
        let whole = br#"{"run_id":"r","stage":"s","cohort":"c","attempt":0,"snapshot_seq":1}"#;
        assert_eq!(IndexEntry::from_snapshot_view(whole), None);
        assert_eq!(IndexEntry::from_snapshot_view(b"{\"run_id\":\"r\""), None);
        assert_eq!(IndexEntry::from_snapshot_view(b""), None);
    }
}
