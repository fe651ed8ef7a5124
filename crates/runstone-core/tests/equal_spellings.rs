//! Documents that say the same, in whatever spelling, are one content in one cohort; documents that
//! do not are never taken for each other.
#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use runstone_core::canonical::{CanonicalRun, Captures};
use runstone_core::id::Attempt;
use runstone_core::input::RunInput;
use runstone_core::profile::Profile;
use runstone_core::record::{Defaults, Refused, RunRecord};
use runstone_core::snapshot::{Captured, Snapshot, Writer};
use serde_json::{Value, json};

const TRAINING: &str = include_str!("../../../fixtures/records/market/training.json");

fn read_by(profile: &Profile, document: &Value) -> Result<CanonicalRun, Refused> {
    let input = RunInput::from_document(document.as_object().unwrap().clone());
    let defaults = Defaults {
        experiment: "store".to_owned(),
    };
    RunRecord::validate(input, profile, &defaults)
        .map(|record| CanonicalRun::of(record, profile, None).unwrap())
}

fn generic(members: &Value) -> CanonicalRun {
    let mut document = json!({"run_id": "a", "stage": "train"});
    let named = document.as_object_mut().unwrap();
    named.extend(members.as_object().unwrap().clone());
    read_by(&Profile::builtin("generic").unwrap(), &document).unwrap()
}

/// The training document of the market fixtures with some members replaced.
fn market(members: &Value) -> Result<CanonicalRun, Refused> {
    let mut document: Value = serde_json::from_str(TRAINING).unwrap();
    let changed = document.as_object_mut().unwrap();
    changed.extend(members.as_object().unwrap().clone());
    read_by(&Profile::builtin("market").unwrap(), &document)
}

fn snapshot(run: &CanonicalRun) -> Snapshot {
    let absent = || Captured::NotCaptured {
        reason: "not asked for".to_owned(),
    };
    let captures = Captures {
        environment: absent(),
        code: absent(),
        process: absent(),
    };
    let writer = Writer {
        name: "runstone".to_owned(),
        version: "0.1.0".to_owned(),
    };
    run.to_snapshot(Attempt(0), captures, writer)
}

#[track_caller]
fn assert_equal(one: &CanonicalRun, other: &CanonicalRun) {
    assert_eq!(one.cohort(), other.cohort());
    assert_eq!(one.content(), other.content());
    assert_eq!(snapshot(one).fingerprints, snapshot(other).fingerprints);
}

#[test]
fn composed_and_decomposed_text_is_one_text_everywhere() {
    let document = |cafe: &str| {
        json!({
            "sweep": cafe,
            "experiment": cafe,
            "identity": {cafe: {"name": cafe, "rows": [cafe]}},
            "factors": {cafe: cafe},
            "metrics": {cafe: 0.5, "label": cafe},
            "artifacts": [{"path": "b"}, {"path": cafe, cafe: cafe}],
        })
    };
    let (one, other) = (document("caf\u{e9}"), document("cafe\u{301}"));
    assert_equal(&generic(&one), &generic(&other));
    let (one, other) = (snapshot(&generic(&one)), snapshot(&generic(&other)));
    assert_eq!(one.sweep, other.sweep);
    assert_eq!(one.artifacts, other.artifacts);
    assert_eq!(other.document["sweep"], "cafe\u{301}", "kept as given");
}

#[test]
fn two_spellings_of_one_artifact_are_the_same_file_twice() {
    let artifacts = json!([{"path": "caf\u{e9}"}, {"path": "cafe\u{301}"}]);
    let document = json!({"run_id": "a", "stage": "train", "artifacts": artifacts});
    let profile = Profile::builtin("generic").unwrap();
    let refused = read_by(&profile, &document).unwrap_err();
    assert_eq!(refused.to_string(), "collision `artifacts.1`");
}

#[test]
fn whole_decimals_are_whole_numbers_also_as_an_attempt() {
    let document = |one: Value| json!({"attempt": one, "identity": {"folds": one}});
    let (decimal, whole) = (generic(&document(json!(1.0))), generic(&document(json!(1))));
    assert_eq!(decimal.attempt(), Some(Attempt(1)));
    assert_equal(&decimal, &whole);
}

#[test]
fn silence_in_any_form_is_one_identity() {
    let given = market(&json!({})).unwrap();
    let n_effective = given.cohort().groups["sample"]["n_effective"].clone();
    let under_both_names = json!({"N_effective": null, "n_effective": n_effective});
    assert_equal(&given, &market(&under_both_names).unwrap());
    let embargo = |value: Value| {
        let mut document: Value = serde_json::from_str(TRAINING).unwrap();
        document["cv_details"]["embargo_minutes"] = value;
        let members = json!({"cv_details": document["cv_details"]});
        market(&members).unwrap().cohort().id()
    };
    assert_eq!(embargo(json!({"kind": "scalar"})), embargo(Value::Null));
    assert_eq!(
        embargo(json!({"kind": "scalar", "value": 5})),
        embargo(json!(5))
    );
    assert_ne!(embargo(json!({"kind": "auto"})), embargo(Value::Null));
}

#[test]
fn a_null_under_another_name_is_told_apart_from_a_missing_field() {
    let mut document: Value = serde_json::from_str(TRAINING).unwrap();
    let members = document.as_object_mut().unwrap();
    members.remove("n_effective");
    members.insert("N_effective".to_owned(), Value::Null);
    let refused = read_by(&Profile::builtin("market").unwrap(), &document).unwrap_err();
    assert_eq!(refused.to_string(), "null `N_effective`");
}

#[test]
fn a_null_factor_is_an_absent_one_where_factors_are_identity() {
    let text = "schema = 1\nname = \"e\"\nextends = \"generic\"\n[default]\npolicy = \"exact\"\n";
    let exact = Profile::parse(text, "exact.toml", &|_| None).unwrap();
    let cohort = |factors: Value| {
        let document = json!({"run_id": "a", "stage": "train", "factors": factors});
        read_by(&exact, &document).unwrap().cohort().id()
    };
    assert_eq!(
        cohort(json!({"lr": 1, "l2": null})),
        cohort(json!({"lr": 1}))
    );
    assert_ne!(cohort(json!({"lr": 1, "l2": 0})), cohort(json!({"lr": 1})));
}

#[test]
fn an_identity_group_called_like_another_part_of_a_run_keeps_a_fingerprint_of_its_own() {
    let run = |at: i64, auc: f64| {
        let group = json!({"at": at});
        let identity = json!({
            "metrics": group, "settings": group, "factors": group, "artifacts": group,
            "identity.metrics": group,
        });
        snapshot(&generic(
            &json!({"identity": identity, "metrics": {"auc": auc}}),
        ))
        .fingerprints
    };
    let (one, other_metric, other_group) = (run(1, 0.5), run(1, 0.6), run(2, 0.5));
    assert_eq!(
        one.len(),
        5 + 4 + 1,
        "five groups, four parts, the experiment"
    );
    let differ = |other: &std::collections::BTreeMap<_, _>| {
        one.iter()
            .filter(|(name, print)| other[*name] != **print)
            .count()
    };
    assert_eq!((differ(&other_metric), differ(&other_group)), (1, 5));
}

#[test]
fn settings_are_recognised_whatever_the_identity_is_called() {
    let run = |at: i64, lr: f64| {
        let document = json!({"identity": {"settings": at}, "factors": {"lr": lr}});
        generic(&document).settings_print()
    };
    assert_eq!(run(1, 0.1), run(2, 0.1));
    assert_ne!(run(1, 0.1), run(1, 0.2));
}

#[test]
fn a_commit_stated_as_any_value_comes_back_from_the_payload_as_it_was() {
    let run = market(&json!({"git_commit": {"revision": -0.0}})).unwrap();
    let snapshot = snapshot(&run);
    assert_eq!(Snapshot::from_payload(snapshot.to_payload()), Ok(snapshot));
}
