//! What is left of a secret still tells runs apart, and equal ones together.

use runstone_core::canonical::{CanonicalRun, NotCanonical};
use runstone_core::record::without_secrets;
use runstone_core::redact::is_mark;
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn a_document_that_cannot_be_recorded_yet_becomes_the_same_run_without_its_secrets() {
    let profile = generic_with("[redact]\npaths = [{ path = \"note\", mode = \"drop\" }]\n");
    let document = json!({
        "run_id": "r", "stage": "train", "note": "n", "metrics": {"auc": 1},
        "identity": {"k": token(), "at": format!("https://u:{PASSWORD}@host/x")},
        "factors": {"api_key": PASSWORD},
    });
    let strip = |document: &Value| {
        let document = document.as_object().unwrap();
        assert_eq!(without_secrets(document, &profile, None), None);
        Value::Object(without_secrets(document, &profile, Some(&key())).unwrap())
    };
    let left = strip(&document);
    assert!(!left.to_string().contains(PASSWORD) && !left.to_string().contains(&token()));
    let again = without_secrets(left.as_object().unwrap(), &profile, None);
    assert_eq!(again.map(Value::Object), Some(left.clone()));
    let (direct, finished) = (canonical(&document, &profile), canonical(&left, &profile));
    assert_eq!(direct.cohort(), finished.cohort());
    assert_eq!(direct.content(), finished.content());
    // A stage that is not known yet: any field may tell runs apart, and names hold no secret.
    let market = market_with("");
    let unknown = json!({"stage": "no such stage", "run_id": token(), "x": token()});
    let left = without_secrets(unknown.as_object().unwrap(), &market, Some(&key())).unwrap();
    assert_eq!(left["run_id"], "[redacted]");
    assert!(is_mark(left["x"].as_str().unwrap()) && left["x"] != "[redacted]");
}

#[test]
fn a_secret_in_an_identity_gets_a_pseudonym_so_that_runs_stay_apart() {
    let generic = generic_with("");
    let of = |secret: &str| {
        canonical(
            &run(&json!({"identity": {"data": {"api_key": secret}}})),
            &generic,
        )
    };
    assert_eq!(of("aaaa").cohort().id(), of("aaaa").cohort().id());
    assert_ne!(of("aaaa").cohort().id(), of("bbbb").cohort().id());
    let record = validated(
        &run(&json!({"identity": {"data": {"api_key": "aaaa"}}})),
        &generic,
    )
    .unwrap();
    let lacking = CanonicalRun::of(record, &generic, None).unwrap_err();
    let NotCanonical::NeedsKey(record) = lacking else {
        panic!("{lacking:?}");
    };
    assert_eq!(
        CanonicalRun::of(*record, &generic, Some(&key())).unwrap(),
        of("aaaa")
    );
}

#[test]
fn a_secret_that_was_renewed_is_the_same_content() {
    let generic = generic_with("");
    let of = |password: &str| {
        let url = format!("postgres://ann:{password}@db/runs");
        canonical(&run(&json!({"metadata": {"db": url}})), &generic).content()
    };
    assert_eq!(of("old"), of("new"));
    let document = run(&json!({"metadata": {"db": "postgres://ann:old@db/runs"}}));
    let payload = recorded(&document, &generic);
    assert_eq!(
        canonical(&payload["document"], &generic).content(),
        of("old")
    );
}

#[test]
fn equal_values_in_two_spellings_share_a_pseudonym() {
    let market = market_with(
        "[redact]\npaths = [{ path = \"date_end\", mode = \"pseudonym\" }, { path = \"symbols\", mode = \"pseudonym\" }, \
         { path = \"cv_details.folds\", mode = \"pseudonym\" }, { path = \"n_effective\", mode = \"pseudonym\" }]\n",
    );
    let document = |end: &str, symbols: Value, folds: Value, effective: &str| {
        json!({
            "run_id": "r", "stage": "target ranking", "cohort_id": "c", "date_start": "2026-01-01", "date_end": end,
            "n_symbols": 2, "symbols": symbols, effective: 9, "target": "y", "view": "cross_sectional",
            "min_cs": 1, "max_cs_samples": 2, "cv_details": {"folds": folds}, "auc": 0.5,
        })
    };
    let one = document("2026-02-01", json!(["B", "A"]), json!(5), "n_effective");
    let other = document(
        "2026-02-01T00:00:00Z",
        json!(["A", "B", "A"]),
        json!({"kind": "scalar", "value": 5}),
        "N_effective",
    );
    let (a, b) = (canonical(&one, &market), canonical(&other, &market));
    assert_eq!(a.cohort().id(), b.cohort().id());
    let payload = recorded(&other, &market);
    assert!(is_mark(
        payload["identity"]["dataset"]["date_end"].as_str().unwrap()
    ));
    assert!(is_mark(
        payload["identity"]["sample"]["n_effective"]
            .as_str()
            .unwrap()
    ));
    assert!(is_mark(
        payload["identity"]["split"]["cv_details.folds"]
            .as_str()
            .unwrap()
    ));
    let symbols = payload["identity"]["dataset"]["symbols"]
        .as_array()
        .unwrap();
    assert!(symbols.len() == 2 && symbols.iter().all(|it| is_mark(it.as_str().unwrap())));
    for document in [one, other] {
        assert_reads_again(&document, &market);
    }
}

#[test]
fn two_secret_names_that_would_become_one_stay_two() {
    let other = format!("ghp_{}", "Cd2".repeat(12));
    let document = run(&json!({"metadata": {token(): 1, other: 2, "[redacted]": 3}}));
    let payload = recorded(&document, &generic_with(""));
    assert_eq!(
        payload["document"]["metadata"],
        json!({"[redacted]": 3, "[redacted]~2": 1, "[redacted]~3": 2})
    );
    assert_reads_again(&document, &generic_with(""));
}
