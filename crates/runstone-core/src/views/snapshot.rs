//! The views of one snapshot, and the first of them: `snapshot.json`, the payload with its place.
//!
//! Takes what the ledger has in hand and gives every file with its bytes. The invariant kept:
//! `snapshot.json` without the members of this file is the payload whose SHA-256 it names.

use serde_json::{Map, Value, json};

use super::folder::{ViewFile, ViewFolder};
use super::telemetry::{BLOCK, DIFF_TELEMETRY_SCHEMA_VERSION, Telemetry};
use super::{VIEW_VERSION, deltas, diff, metadata, metrics};
use crate::canon;
use crate::diff::RunDiff;
use crate::digest::Digest;
use crate::id::SnapshotSeq;
use crate::snapshot::Snapshot;
use crate::verdict::Baseline;

/// The members that `snapshot.json` has beside those of the payload.
const MEMBERS: [&str; 4] = ["view_version", "cohort", "snapshot_seq", "sha256"];

/// What the views of one snapshot are made of.
#[derive(Debug, Clone)]
pub struct SnapshotViews<'a> {
    /// What was recorded.
    pub snapshot: &'a Snapshot,
    /// Its payload as the store keeps it, large sections by reference.
    pub payload: Value,
    /// The id of its cohort.
    pub cohort: &'a str,
    /// The digest of its cohort's whole key.
    pub group_key: Digest,
    /// Its position in its cohort's log.
    pub seq: SnapshotSeq,
    /// SHA-256 of its canonical payload.
    pub sha256: Digest,
    /// Where its views lie.
    pub folder: &'a ViewFolder,
    /// What changed since the previous run, with paths.
    pub previous: &'a RunDiff,
    /// What differs from the baseline.
    pub yardstick: Yardstick<'a>,
}

/// The baseline with the comparison against it, which has paths.
#[derive(Debug, Clone, Copy)]
pub struct Yardstick<'a> {
    /// Which run, or why none.
    pub baseline: &'a Baseline,
    /// What differs from it.
    pub diff: &'a RunDiff,
}

impl Yardstick<'_> {
    /// Returns where the view of the baseline lies, if there is a baseline.
    pub(super) fn path(&self) -> Option<&str> {
        self.diff.previous.as_ref()?.path.as_deref()
    }
}

/// Returns every file of a snapshot's folder with its bytes, `snapshot.json` last: where it stands,
/// the others do.
pub fn snapshot_views(views: SnapshotViews<'_>) -> Vec<(ViewFile, Vec<u8>)> {
    let path = views.folder.file(ViewFile::Snapshot);
    let whole = [ViewFile::FactorsPrev, ViewFile::FactorsBaseline].map(|it| views.folder.file(it));
    let [factors_prev, factors_baseline] = [
        (views.previous, &whole[0]),
        (views.yardstick.diff, &whole[1]),
    ]
    .map(|(diff, whole)| {
        let mut factors = diff.excluded_factors.block();
        factors.changes_ref = diff.excluded_factors.is_cut().then_some(whole);
        factors
    });
    let telemetry = Telemetry::of(&views, &factors_prev);
    let whole = [
        (ViewFile::FactorsPrev, diff::whole_factors(views.previous)),
        (
            ViewFile::FactorsBaseline,
            diff::whole_factors(views.yardstick.diff),
        ),
    ];
    let always = [
        (ViewFile::Metadata, metadata::metadata(&views, &telemetry)),
        (ViewFile::Metrics, metrics::metrics(&views, &telemetry)),
        (
            ViewFile::DiffPrev,
            diff::diff_prev(&views, &factors_prev, &path),
        ),
        (
            ViewFile::DiffBaseline,
            diff::diff_baseline(&views, &factors_baseline, &path),
        ),
        (ViewFile::MetricDeltas, deltas::metric_deltas(&views)),
    ];
    let mut files: Vec<(ViewFile, Vec<u8>)> = whole
        .into_iter()
        .filter_map(|(file, view)| Some((file, view?)))
        .chain(always)
        .collect();
    files.push((ViewFile::Snapshot, snapshot(views)));
    files
}

fn snapshot(views: SnapshotViews<'_>) -> Vec<u8> {
    let mut view = views.payload;
    view["view_version"] = json!(VIEW_VERSION);
    view["cohort"] = json!(views.cohort);
    view["snapshot_seq"] = json!(views.seq);
    view["sha256"] = json!(views.sha256);
    canon::bytes(&view)
}

/// Tells whether the bytes found for a `snapshot.json` hold the payload whose SHA-256 this is: then
/// the snapshot was recorded, whatever the log says now.
pub fn holds(bytes: &[u8], sha256: &Digest) -> bool {
    let Ok(Value::Object(mut view)) = serde_json::from_slice(bytes) else {
        return false;
    };
    for member in MEMBERS {
        view.remove(member);
    }
    canon::digest(&canon::settle(Value::Object(view))) == *sha256
}

/// Tells whether the bytes found for a view are of the version that this release writes; `None` if
/// they do not say.
pub fn version_is_ours(bytes: &[u8]) -> Option<bool> {
    let view: Value = serde_json::from_slice(bytes).ok()?;
    // The block first: beside it stands an object of the user's, who may call a field as we do.
    let (found, ours) = match view.get(BLOCK) {
        Some(block) => (
            block.get("diff_telemetry_schema_version")?,
            DIFF_TELEMETRY_SCHEMA_VERSION,
        ),
        None => (view.get("view_version")?, VIEW_VERSION),
    };
    Some(found.as_u64()? == u64::from(ours))
}

/// Returns the object that stands for a section which the payload keeps by reference; `None` where
/// it does not.
pub(super) fn reference(payload: &Value, section: &str) -> Option<Map<String, Value>> {
    let named = payload.get("references")?.get(section)?;
    let mut members = Map::new();
    members.insert("references".to_owned(), json!({ section: named }));
    Some(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::sample::{self, at, diff};
    use crate::diff::{Against, Named};

    /// The views of `curr` held against `prev`, by file.
    fn made(prev: Option<&Snapshot>, curr: &Snapshot, payload: &Value) -> Vec<(ViewFile, Value)> {
        let side = at(curr, 27);
        let against = match prev {
            Some(prev) => Against::Comparable(at(prev, 26)),
            None => Against::Nothing { reason: "why not" },
        };
        let mut previous = diff(against, side);
        if let Some(named) = &mut previous.previous {
            let of = |named: &Named| {
                ViewFolder::of(&named.run_id, &curr.stage, &named.cohort, named.attempt)
            };
            named.path = Some(of(named).file(ViewFile::Snapshot));
        }
        let baseline = Baseline::NotYet { have: 1, need: 5 };
        let reason = baseline.to_string();
        let from_baseline = diff(Against::Nothing { reason: &reason }, side);
        let folder = ViewFolder::of(&curr.run_id, &curr.stage, side.cohort, curr.attempt);
        let views = SnapshotViews {
            snapshot: curr,
            payload: payload.clone(),
            cohort: side.cohort,
            group_key: Digest::of(b"key"),
            seq: side.seq,
            sha256: canon::digest(payload),
            folder: &folder,
            previous: &previous,
            yardstick: Yardstick {
                baseline: &baseline,
                diff: &from_baseline,
            },
        };
        snapshot_views(views)
            .into_iter()
            .map(|(file, bytes)| {
                let view: Value = serde_json::from_slice(&bytes).unwrap();
                assert_eq!(
                    canon::bytes(&canon::settle(view.clone())),
                    bytes,
                    "{file:?}"
                );
                assert_eq!(version_is_ours(&bytes), Some(true), "{file:?}");
                (file, view)
            })
            .collect()
    }

    fn of(curr: &Snapshot, prev: Option<&Snapshot>) -> Vec<(ViewFile, Value)> {
        made(prev, curr, &curr.to_payload())
    }

    fn file(views: &[(ViewFile, Value)], file: ViewFile) -> &Value {
        let found = views.iter().find(|(name, _)| *name == file);
        &found.unwrap_or_else(|| panic!("no {}", file.name())).1
    }

    /// Every path of an object's members, whatever their values.
    fn shape(value: &Value) -> Vec<&String> {
        value
            .as_object()
            .map_or(Vec::new(), |it| it.keys().collect())
    }

    #[test]
    fn snapshot_without_its_place_is_the_payload_whose_digest_it_names() {
        let views = of(&sample::training(), None);
        let mut view = file(&views, ViewFile::Snapshot).clone();
        let members = view.as_object_mut().unwrap();
        let sha256 = members.remove("sha256").unwrap();
        for member in ["cohort", "snapshot_seq", "view_version"] {
            assert!(members.remove(member).is_some(), "{member}");
        }
        assert_eq!(json!(canon::digest(&canon::settle(view))), sha256);
    }

    #[test]
    fn only_a_whole_snapshot_view_holds_the_payload_it_names() {
        let bytes = canon::bytes(file(&of(&sample::training(), None), ViewFile::Snapshot));
        let named = crate::views::IndexEntry::from_snapshot_view(&bytes)
            .unwrap()
            .sha256;
        assert!(holds(&bytes, &named));
        assert!(!holds(&bytes, &Digest::of(b"another")));
        assert!(!holds(&bytes[..bytes.len() - 1], &named));
        let edited = String::from_utf8(bytes).unwrap();
        let edited = edited.replacen("\"finished\"", "\"failed\"", 1);
        assert!(!holds(edited.as_bytes(), &named));
    }

    #[test]
    fn the_block_has_every_member_of_the_contract_and_a_digest_over_the_others() {
        let (prev, curr) = (sample::training(), sample::training_factors_changed());
        let views = of(&curr, Some(&prev));
        let mut block = file(&views, ViewFile::Metadata)["diff_telemetry"].clone();
        assert_eq!(
            shape(&block),
            [
                "baseline_snapshot_path",
                "comparability",
                "comparison_group",
                "comparison_group_key",
                "diff_telemetry_digest",
                "diff_telemetry_schema_version",
                "excluded_factors",
                "fingerprint_schema_version",
                "fingerprint_sources",
                "fingerprints",
                "prev_snapshot_path",
            ]
        );
        assert_eq!(
            shape(&block["comparability"]),
            [
                "comparability_reason",
                "comparable",
                "prev_run_id",
                "prev_snapshot_seq"
            ]
        );
        assert_eq!(
            shape(&block["excluded_factors"]),
            [
                "changed",
                "changes",
                "changes_digest",
                "changes_ref",
                "count",
                "summary"
            ]
        );
        assert_eq!(
            block["prev_snapshot_path"],
            "runs/intelligent_output_20251217_093012/TRAINING/training.3f9a0c1e7b42d001/snapshot.json"
        );
        let small = &file(&views, ViewFile::Metrics)["diff_telemetry"];
        let digest = block
            .as_object_mut()
            .unwrap()
            .remove("diff_telemetry_digest");
        assert_eq!(digest, Some(json!(canon::digest(&canon::settle(block)))));
        assert_eq!(
            *small,
            json!({
                "comparable": 1,
                "diff_telemetry_digest": digest,
                "diff_telemetry_schema_version": 1,
                "excluded_factors_changed": 1,
                "excluded_factors_changed_count": 3,
                "excluded_factors_summary":
                    "learning_rate: 0.05→0.01, train_seed: 1337→42, python_version: 3.11.7→3.12.1",
            })
        );
    }

    #[test]
    fn a_first_run_has_the_shape_of_every_other() {
        let (prev, curr) = (sample::training(), sample::training_factors_changed());
        let (first, later) = (of(&curr, None), of(&curr, Some(&prev)));
        for (name, view) in &later {
            assert_eq!(shape(view), shape(file(&first, *name)), "{name:?}");
        }
        let block =
            |views: &[(ViewFile, Value)]| file(views, ViewFile::Metadata)["diff_telemetry"].clone();
        assert_eq!(shape(&block(&first)), shape(&block(&later)));
        assert_eq!(file(&first, ViewFile::DiffPrev)["status"], "first_run");
        assert_eq!(
            file(&first, ViewFile::MetricDeltas)["prev"]["status"],
            "first_run"
        );
        assert_eq!(
            block(&first)["comparability"]["comparability_reason"],
            "why not"
        );
    }

    #[test]
    fn a_document_and_metrics_with_a_member_called_like_the_block_lose_nothing() {
        let mut run = sample::training();
        run.document
            .insert("diff_telemetry".to_owned(), json!({"mine": 1}));
        let auc = run.metrics["auc"];
        run.metrics.insert("diff_telemetry".to_owned(), auc);
        let views = of(&run, None);
        let metadata = file(&views, ViewFile::Metadata);
        assert_eq!(metadata["own_diff_telemetry"], json!({"mine": 1}));
        assert!(metadata["diff_telemetry"]["diff_telemetry_digest"].is_string());
        let metrics = file(&views, ViewFile::Metrics);
        assert_eq!(metrics["own_diff_telemetry"], auc.to_json());
    }

    #[test]
    fn what_the_payload_keeps_by_reference_the_views_do_too() {
        let mut run = sample::training();
        run.document.insert("run_id".to_owned(), json!("r"));
        let mut payload = run.to_payload();
        let reference = json!({"sha256": Digest::of(b"document"), "bytes": 70000, "count": 1});
        payload.as_object_mut().unwrap().remove("document");
        payload["references"] = json!({"/document": reference});
        let views = made(None, &run, &payload);
        let metadata = file(&views, ViewFile::Metadata);
        assert_eq!(shape(metadata), ["diff_telemetry", "references"]);
        assert_eq!(metadata["references"]["/document"], reference);
        assert_eq!(
            file(&views, ViewFile::Metrics)["auc"],
            run.metrics["auc"].to_json()
        );
    }

    #[test]
    fn more_factors_than_are_listed_stand_whole_in_a_file_of_their_own() {
        let prev = sample::run("a");
        let mut curr = sample::run("b");
        curr.factors.settings = (0..150).map(|k| (format!("k{k:03}"), json!(k))).collect();
        let views = of(&curr, Some(&prev));
        let whole = file(&views, ViewFile::FactorsPrev);
        assert_eq!(
            whole["changes"]["hyperparameters"]
                .as_object()
                .unwrap()
                .len(),
            150
        );
        let listed = &file(&views, ViewFile::Metadata)["diff_telemetry"]["excluded_factors"];
        assert_eq!(listed["changes_digest"], whole["changes_digest"]);
        assert_eq!(
            listed["changes_ref"],
            "runs/b/TRAINING/training.3f9a0c1e7b42d001/excluded_factors_prev.json"
        );
        assert_eq!(views.last().unwrap().0, ViewFile::Snapshot);
    }

    #[test]
    fn a_view_of_another_version_is_told_from_one_that_says_nothing() {
        let other = json!({"view_version": VIEW_VERSION + 1});
        let block =
            json!({"view_version": 1, "diff_telemetry": {"diff_telemetry_schema_version": 2}});
        for (view, ours) in [
            (other, Some(false)),
            (block, Some(false)),
            (json!({"view_version": "1"}), None),
            (json!({}), None),
        ] {
            assert_eq!(version_is_ours(&canon::bytes(&view)), ours, "{view}");
        }
        assert_eq!(version_is_ours(b"{\"view_ver"), None);
    }
}
