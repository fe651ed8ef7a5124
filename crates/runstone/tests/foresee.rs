//! What will certainly be refused is refused before a run begins, and nothing else is.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use runstone::core::id::Attempt;
use runstone::core::input::RunInput;
use runstone::init::InitRequest;
use runstone::profiles::ProfileChoice;
use runstone::{AttemptChoice, Error, Places, RecordRequest};
use runstone_testkit::{Lab, run};
use serde_json::{Value, json};

fn request(document: &Value) -> RecordRequest {
    RecordRequest::of(RunInput::from_document(
        document.as_object().unwrap().clone(),
    ))
}

#[test]
fn what_the_run_may_still_bring_is_left_open_and_named() {
    let lab = Lab::with(InitRequest {
        profile: Some("market".to_owned()),
        ..InitRequest::default()
    });
    let known = request(&json!({"run_id": "r1", "stage": "TRAINING", "target": "t"}));
    let foreseen = lab.ledger.foresee(&known).unwrap();
    assert_eq!(foreseen.cohort, None);
    assert!(foreseen.missing.contains(&"model_family".to_owned()));
    assert!(!foreseen.missing.contains(&"target".to_owned()));
    let illegal = request(&json!({"run_id": "r1", "stage": "TRAINING", "n_symbols": "many"}));
    match lab.ledger.foresee(&illegal) {
        Err(Error::Refused { refused, .. }) => assert_eq!(refused.problems.len(), 1),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_that_finished_is_refused_and_one_that_did_not_is_free() {
    let lab = Lab::new();
    let ended = |status: &str| run(status).with("status", status);
    for status in ["finished", "failed"] {
        lab.record(ended(status)).unwrap();
    }
    let known = |status: &str| {
        let mut document = ended(status).build();
        document.remove("metrics");
        request(&Value::Object(document))
    };
    let finished = known("finished");
    match lab.ledger.foresee(&finished) {
        Err(Error::Conflict(conflict)) => assert!(!conflict.to_string().contains("content")),
        other => panic!("{other:?}"),
    }
    for attempt in [AttemptChoice::Next, AttemptChoice::Exactly(Attempt(1))] {
        let again = RecordRequest {
            attempt,
            ..finished.clone()
        };
        assert!(lab.ledger.foresee(&again).unwrap().cohort.is_some());
    }
    assert!(lab.ledger.foresee(&known("failed")).is_ok());
}

#[test]
fn a_profile_says_whether_identity_and_factors_have_places_of_their_own() {
    let lab = Lab::new();
    let places = |profile: &str, stage| {
        let profile = ProfileChoice::Named(profile.to_owned());
        let Places {
            stage,
            identity_below,
            factors_below,
        } = lab.ledger.places(&profile, stage).unwrap();
        (stage.to_string(), identity_below, factors_below)
    };
    assert_eq!(places("generic", "train"), ("train".to_owned(), true, true));
    assert_eq!(
        places("market", "model training"),
        ("TRAINING".to_owned(), false, false)
    );
}
