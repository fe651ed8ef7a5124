//! Equal values share a pseudonym for as long as the store lives: there is one key, or none.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use runstone::core::input::RunInput;
use runstone::{Error, RecordRequest, Recorded};
use runstone_store::StoreError;
use runstone_testkit::{Lab, RunBuilder, run};

const KEY: &str = "secret/key";
const MARK: &str = "secret.json";

/// A lab with a run whose identity holds a secret.
fn lab() -> Lab {
    let lab = Lab::new();
    lab.record(run("plain")).unwrap();
    lab.record(secret("r1")).unwrap();
    lab
}

fn secret(run_id: &str) -> RunBuilder {
    run(run_id).with("identity.dataset.api_key", "hunter2")
}

fn remove(lab: &Lab, name: &str) {
    std::fs::remove_file(lab.root().join(name)).unwrap();
}

/// Records as another process would.
fn record(lab: &Lab, run: RunBuilder) -> Result<Recorded, Error> {
    let input = RunInput::from_document(run.build());
    lab.reopened().record(RecordRequest::of(input))
}

#[test]
fn a_key_that_was_lost_with_its_id_is_not_made_a_second_time() {
    let lab = lab();
    assert!(lab.reopened().verify().unwrap().is_ok());
    remove(&lab, KEY);
    remove(&lab, MARK);
    let refused = record(&lab, secret("r2")).unwrap_err();
    let is_lost = matches!(refused, Error::Store(StoreError::SecretLost { .. }));
    assert!(is_lost, "{refused}");
    assert!(!lab.root().join(KEY).exists());
    // What needs no key is recorded.
    record(&lab, run("r3")).unwrap();
}

#[test]
fn verify_holds_the_ids_that_snapshots_bear_against_the_key() {
    let lab = lab();
    let id = lab.ledger.find("r1").unwrap().snapshot.pseudonym_key;
    let id = id.unwrap();
    remove(&lab, MARK);
    assert!(lab.reopened().verify().unwrap().is_ok());
    remove(&lab, KEY);
    let lost = lab.reopened().verify().unwrap().damage;
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(
        (lost[0].path.as_str(), lost[0].found.as_str()),
        (KEY, "nothing")
    );
    assert!(lost[0].expected.contains(&id));
    let other = self::lab();
    for name in [KEY, MARK] {
        std::fs::copy(other.root().join(name), lab.root().join(name)).unwrap();
    }
    let split = lab.reopened().verify().unwrap().damage;
    assert_eq!(split.len(), 1, "{split:?}");
    assert_eq!(split[0].kind, "pseudonym key");
    assert!(split[0].expected.contains(&id) && !split[0].found.contains(&id));
}

#[test]
fn a_lost_key_whose_id_is_remembered_is_named_once() {
    let lab = lab();
    remove(&lab, KEY);
    let lost = lab.reopened().verify().unwrap().damage;
    assert_eq!(lost.len(), 1, "{lost:?}");
}
