//! What the notes of a store say holds: its default profile, and the epoch of what is recorded.
#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::path::Path;

use runstone::core::input::RunInput;
use runstone::init::{InitRequest, init};
use runstone::profiles::ProfileChoice;
use runstone::store::{Appended, Hash256, Log, NewEntry, Seq};
use runstone::{Error, Ledger, RecordRequest};
use serde_json::{Value, json};
use tempfile::TempDir;

fn named(name: &str) -> ProfileChoice {
    ProfileChoice::Named(name.to_owned())
}

fn record(ledger: &Ledger, run_id: &str) -> runstone::Recorded {
    let document = json!({ "run_id": run_id, "stage": "train", "metrics": { "auc": 0.5 } });
    let input = RunInput::from_document(document.as_object().unwrap().clone());
    ledger.record(RecordRequest::of(input)).unwrap()
}

fn epochs(ledger: &Ledger) -> Vec<u64> {
    let cohort = ledger.store().cohorts("", None).unwrap().remove(0);
    let log = Log::Cohort(cohort);
    let head = ledger.store().head(&log).unwrap().unwrap();
    (1..=head.get())
        .map(|seq| {
            let slot = ledger.store().peek(&log, Seq::new(seq).unwrap());
            slot.unwrap().whole().unwrap().epoch
        })
        .collect()
}

fn append_note(ledger: &Ledger, payload: &[u8]) {
    let entry = NewEntry {
        content: Hash256::of(payload),
        payload,
        summary: Value::Null.into(),
        recorded_at: String::new(),
    };
    let appended = ledger.store().append(&Log::StoreNotes, None, &entry);
    assert!(matches!(appended.unwrap(), Appended::New(_)));
}

#[test]
fn the_newest_choice_of_a_default_profile_holds_for_every_handle_opened_after_it() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("store");
    let ledger = init(&root, &InitRequest::default()).unwrap().ledger;
    assert_eq!(ledger.default_profile().unwrap().name, "generic");
    assert!(ledger.use_profile(&named("generic")).unwrap().was_default);
    assert!(!ledger.use_profile(&named("market")).unwrap().was_default);
    assert_eq!(ledger.default_profile().unwrap().name, "market");
    let other = Ledger::open(&root).unwrap();
    assert_eq!(other.default_profile().unwrap().name, "market");
    let read_by = other.profile(&ProfileChoice::StoreDefault).unwrap();
    assert_eq!(read_by.name, "market");
    // A name the store was made with still means that one.
    assert!(!other.use_profile(&named("generic")).unwrap().was_default);
    let third = Ledger::open(&root).unwrap();
    assert_eq!(third.default_profile().unwrap(), ledger.settings().profile);
    // Choosing what holds writes nothing.
    assert!(third.use_profile(&named("generic")).unwrap().was_default);
    assert_eq!(third.store().head(&Log::StoreNotes).unwrap(), Seq::new(2));
}

#[test]
fn init_compares_with_the_default_that_holds_now() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("store");
    let made = init(&root, &InitRequest::default()).unwrap();
    made.ledger.use_profile(&named("market")).unwrap();
    let with = |profile: &str| InitRequest {
        profile: Some(profile.to_owned()),
        ..InitRequest::default()
    };
    assert!(!init(&root, &with("market")).unwrap().made);
    assert!(!init(&root, &InitRequest::default()).unwrap().made);
    let refused = init(&root, &with("generic")).unwrap_err().to_string();
    assert!(refused.contains("`profile` is market"), "{refused}");
}

#[test]
fn a_default_that_may_have_been_chosen_in_a_note_nobody_can_read_is_not_guessed() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("store");
    let ledger = init(&root, &InitRequest::default()).unwrap().ledger;
    ledger.use_profile(&named("market")).unwrap();
    append_note(&ledger, br#"{"note":"later","note_schema_version":9}"#);
    let other = Ledger::open(&root).unwrap();
    let error = other.default_profile().unwrap_err();
    assert!(matches!(error, Error::DefaultUnknown { .. }), "{error}");
    assert!(error.to_string().contains("notes#2"), "{error}");
    // Naming one works, and choosing again ends the doubt.
    assert!(other.profile(&named("generic")).is_ok());
    other.use_profile(&named("generic")).unwrap();
    let third = Ledger::open(&root).unwrap();
    assert_eq!(third.default_profile().unwrap().name, "generic");
}

#[test]
fn what_an_adopted_copy_records_bears_the_next_epoch_and_what_it_brought_stays_valid() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("store");
    let adopting = InitRequest {
        adopt: true,
        ..InitRequest::default()
    };
    assert!(matches!(init(&root, &adopting), Err(Error::Store(_))));
    assert!(!Path::new(&root).exists());
    let ledger = init(&root, &InitRequest::default()).unwrap().ledger;
    record(&ledger, "r1");
    let adopted = init(&root, &adopting).unwrap();
    assert_eq!((adopted.made, adopted.adopted), (false, Some(1)));
    record(&adopted.ledger, "r2");
    let other = Ledger::open(&root).unwrap();
    assert_eq!(other.epoch(), 1);
    record(&other, "r3");
    assert_eq!(init(&root, &adopting).unwrap().adopted, Some(2));
    record(&Ledger::open(&root).unwrap(), "r4");
    assert_eq!(epochs(&other), [0, 1, 1, 2]);
    // The same content is the same recording, whatever the epoch.
    assert_eq!(record(&other, "r1").place.seq.0, 1);
    let verified = other.verify().unwrap();
    assert!(verified.damage.is_empty(), "{:?}", verified.damage);
}
