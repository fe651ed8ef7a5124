//! A snapshot comes back from its bytes as it was, and a newer one is not half understood.
#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use proptest::prelude::*;
use runstone_core::canon;
use runstone_core::canonical::{CanonicalRun, Captures};
use runstone_core::id::Attempt;
use runstone_core::input::RunInput;
use runstone_core::profile::Profile;
use runstone_core::record::{Defaults, RunRecord};
use runstone_core::snapshot::{Captured, Snapshot, SnapshotError, Writer};
use serde_json::{Map, Value, json};

fn snapshot(members: Map<String, Value>) -> Option<Snapshot> {
    let mut document = members;
    document.insert("run_id".to_owned(), json!("churn-0412"));
    document.insert("stage".to_owned(), json!("train"));
    let profile = Profile::builtin("generic").unwrap();
    let defaults = Defaults {
        experiment: "churn".to_owned(),
    };
    let record =
        RunRecord::validate(RunInput::from_document(document), &profile, &defaults).ok()?;
    let run = CanonicalRun::of(record, &profile, None).unwrap();
    let captures = Captures {
        environment: Captured::NotCaptured {
            reason: "not asked for".to_owned(),
        },
        code: Captured::Known(json!({"commit": "c0ffee", "dirty": 2})),
        process: Captured::Known(Value::Null),
    };
    let writer = Writer {
        name: "runstone".to_owned(),
        version: "0.1.0".to_owned(),
    };
    Some(run.to_snapshot(Attempt(7), captures, writer))
}

fn full() -> Snapshot {
    let members = json!({
        "started_at": "2026-11-20T11:15:00+01:00", "sweep": "lr", "candidate": true, "status": "failed",
        "identity": {"dataset": {"rows": 18_446_744_073_709_549_568_u64, "tags": ["b", "a"]}},
        "factors": {"lr": 0.05, "seed": 0, "numpy_version": "2.1", "opt": null},
        "metrics": {"auc": 1e-300, "loss": {"mean": "NaN", "values": [1, "Infinity"]}, "kind": "x"},
        "artifacts": [{"path": "b"}, {"path": "a", "bytes": 1}], "extra": {"kept": [1.5]},
    });
    snapshot(members.as_object().unwrap().clone()).unwrap()
}

/// Through the bytes that a store keeps.
fn stored(snapshot: &Snapshot) -> Value {
    serde_json::from_slice(&canon::bytes(&snapshot.to_payload())).unwrap()
}

#[test]
fn every_member_comes_back_from_the_stored_bytes() {
    let snapshot = full();
    assert_eq!(
        Snapshot::from_payload(stored(&snapshot)),
        Ok(snapshot.clone())
    );
    assert_eq!(snapshot.started_at.as_deref(), Some("2026-11-20T10:15:00Z"));
    assert_eq!(snapshot.factors.seeds["seed"], 0);
    assert_eq!(snapshot.factors.versions["numpy_version"], "2.1");
    assert_eq!(snapshot.factors.settings["opt"], Value::Null);
    assert_eq!(snapshot.artifacts[0]["path"], "a");
    assert_eq!(
        snapshot.document["identity"]["dataset"]["tags"],
        json!(["b", "a"])
    );
}

#[test]
fn payload_written_from_its_parts_has_the_bytes_of_its_value() {
    let mut snapshot = full();
    for _ in 0..2 {
        assert_eq!(
            snapshot.payload_bytes(),
            canon::bytes(&snapshot.to_payload())
        );
        // A member of a later release, between those of this one.
        snapshot.unknown.insert("horizon".to_owned(), json!([1]));
        snapshot.pseudonym_key = Some("k1".to_owned());
    }
}

#[test]
fn members_of_a_later_release_are_kept() {
    let mut payload = stored(&full());
    payload["later"] = json!({"a": 1});
    let snapshot = Snapshot::from_payload(payload.clone()).unwrap();
    assert_eq!(canon::bytes(&snapshot.to_payload()), canon::bytes(&payload));
}

#[test]
fn a_newer_shape_is_refused_by_name_and_a_damaged_member_is_named() {
    let mut newer = stored(&full());
    newer["snapshot_schema_version"] = json!(2);
    assert_eq!(
        Snapshot::from_payload(newer),
        Err(SnapshotError::Newer { found: 2, known: 1 })
    );
    let members: Vec<String> = stored(&full())
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    for member in members {
        let mut damaged = stored(&full());
        damaged[&member] = json!([[1]]);
        let read = Snapshot::from_payload(damaged);
        if member == "artifacts" || member == "redactions" {
            assert!(read.is_ok(), "{member} may hold any list");
        } else {
            assert!(
                matches!(&read, Err(SnapshotError::Member { member: named }) if *named == member),
                "{member}: {read:?}"
            );
        }
    }
    assert_eq!(
        Snapshot::from_payload(json!([])),
        Err(SnapshotError::NotAnObject)
    );
}

proptest! {
    #[test]
    fn any_legal_document_comes_back_from_the_stored_bytes(
        numbers in prop::collection::btree_map("[a-z.é]{1,4}", any::<f64>(), 0..6),
        texts in prop::collection::btree_map("\\PC{0,5}", "\\PC{0,8}", 0..6),
    ) {
        let numbers: Map<String, Value> = numbers
            .into_iter()
            .filter_map(|(name, value)| Some((name, Value::Number(canon::number(value)?))))
            .collect();
        let texts: Map<String, Value> =
            texts.into_iter().map(|(name, text)| (name, Value::from(text))).collect();
        let members = json!({
            "identity": {"numbers": numbers, "texts": texts},
            "factors": texts,
            "metrics": numbers,
        });
        if let Some(snapshot) = snapshot(members.as_object().unwrap().clone()) {
            let read = Snapshot::from_payload(stored(&snapshot)).unwrap();
            prop_assert_eq!(read, snapshot);
        }
    }
}
