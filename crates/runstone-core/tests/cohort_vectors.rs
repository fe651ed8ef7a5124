//! Canonical bytes, cohort ids and run directories last as long as a store: golden vectors.
#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use runstone_core::canon;
use runstone_core::canonical::CanonicalRun;
use runstone_core::cohort::{CohortKey, CohortKeyError, run_directory, stage_directory};
use runstone_core::id::{RunId, Stage};
use runstone_core::input::RunInput;
use runstone_core::json::{Limits, LiteralError, ReadError, read_value};
use runstone_core::profile::Profile;
use runstone_core::record::{Defaults, RunRecord};
use serde_json::Value;

const NUMBERS: &str = include_str!("../../../fixtures/canon/numbers.json");
const DOCUMENTS: &str = include_str!("../../../fixtures/canon/documents.json");
const COHORT_IDS: &str = include_str!("../../../fixtures/canon/cohort_ids.json");
const RUN_DIRECTORIES: &str = include_str!("../../../fixtures/canon/run_directories.json");
const STAGE_DIRECTORIES: &str = include_str!("../../../fixtures/canon/stage_directories.json");
const MARKET_COHORTS: &str = include_str!("../../../fixtures/canon/market_cohorts.json");

macro_rules! market {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../../../fixtures/records/market/", $name, ".json")).as_slice())),*]
    };
}

fn vectors(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

fn read(text: &str) -> Result<Value, ReadError> {
    read_value(text.as_bytes(), &Limits::default())
}

fn text<'v>(vector: &'v Value, member: &str) -> &'v str {
    vector[member].as_str().unwrap()
}

#[test]
fn every_spelling_of_a_number_has_its_canonical_text() {
    let vectors: Value = serde_json::from_str(NUMBERS).unwrap();
    for vector in vectors["accepted"].as_array().unwrap() {
        let value = read(text(vector, "literal")).unwrap();
        assert_eq!(canon::text(&value), text(vector, "canonical"), "{vector}");
        let again = read(&canon::text(&value));
        if let Ok(again) = again {
            assert_eq!(again, value, "{vector}");
        }
    }
    for vector in vectors["refused"].as_array().unwrap() {
        let ReadError::Number { source, .. } = read(text(vector, "literal")).unwrap_err() else {
            panic!("{vector} is refused for another reason");
        };
        let reason = match source {
            LiteralError::Inexact { .. } => "inexact",
            LiteralError::Overflow { .. } => "overflow",
            LiteralError::Underflow { .. } => "underflow",
            LiteralError::NotFinite { .. } => "not_finite",
        };
        assert_eq!(reason, text(vector, "as"), "{vector}");
    }
}

#[test]
fn every_spelling_of_a_document_has_its_canonical_bytes() {
    for vector in vectors(DOCUMENTS) {
        for spelling in vector["spellings"].as_array().unwrap() {
            let value = read(spelling.as_str().unwrap()).unwrap();
            assert_eq!(canon::text(&value), text(&vector, "canonical"));
        }
    }
}

#[test]
fn cohort_ids_are_those_of_the_vectors_and_safe_file_names() {
    let mut seen = BTreeSet::new();
    for vector in vectors(COHORT_IDS) {
        let bytes = canon::bytes(&vector["key"]);
        let key = CohortKey::from_bytes(&bytes).unwrap();
        assert_eq!(key.bytes(), bytes);
        let id = key.id();
        assert_eq!(id.as_str(), text(&vector, "id"));
        assert!(id.as_str().len() <= 128, "{id}");
        assert!(id.as_str().bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
        }));
        assert!(!id.as_str().starts_with(['.', '-']), "{id}");
        assert!(seen.insert(id));
    }
}

#[test]
fn a_cohort_key_with_a_member_this_release_does_not_know_is_not_taken_for_another() {
    let mut key = vectors(COHORT_IDS)[0]["key"].clone();
    key["later"] = Value::from(1);
    let refused = CohortKey::from_bytes(&canon::bytes(&key));
    assert!(matches!(refused, Err(CohortKeyError::NotCanonical)));
}

#[test]
fn run_directories_are_those_of_the_vectors_and_unique_without_letter_case() {
    let mut seen = BTreeSet::new();
    for vector in vectors(RUN_DIRECTORIES) {
        let run_id = RunId::new(text(&vector, "run_id")).unwrap();
        let directory = run_directory(&run_id);
        assert_eq!(directory, text(&vector, "directory"));
        if seen.insert(run_id.compared()) {
            assert!(
                seen.insert(format!("directory {}", directory.to_lowercase())),
                "{directory}"
            );
        }
    }
}

#[test]
fn stage_directories_are_those_of_the_vectors_and_each_its_own() {
    let mut seen = BTreeSet::new();
    for vector in vectors(STAGE_DIRECTORIES) {
        let stage = Stage::new(text(&vector, "stage")).unwrap();
        let directory = stage_directory(&stage);
        assert_eq!(directory, text(&vector, "directory"));
        assert_ne!(directory.to_lowercase(), "snapshot_index.json");
        assert!(seen.insert(directory));
    }
}

#[test]
fn market_documents_stay_in_their_cohorts() {
    let expected: Value = serde_json::from_str(MARKET_COHORTS).unwrap();
    let profile = Profile::builtin("market").unwrap();
    let defaults = Defaults {
        experiment: "store".to_owned(),
    };
    let documents = market![
        "feature_selection_same_run",
        "target_ranking",
        "target_ranking_other_target",
        "training",
        "training_factors_changed",
        "training_other_symbol",
        "training_same_cohort_other_spelling",
        "training_same_run",
    ];
    for (name, bytes) in documents {
        let input = RunInput::from_json(bytes, &Limits::default()).unwrap();
        let record = RunRecord::validate(input, &profile, &defaults).unwrap();
        let run = CanonicalRun::of(record, &profile, None).unwrap();
        assert_eq!(
            run.cohort().id().as_str(),
            expected[name].as_str().unwrap(),
            "{name}"
        );
    }
}

proptest! {
    #[test]
    fn every_run_id_gives_a_safe_directory(id in "\\PC{1,200}|[\\x00-\\x7f]{1,40}") {
        let directory = run_directory(&RunId::new(id).unwrap());
        prop_assert!(directory.len() <= 80 && !directory.starts_with(['.', '-']));
        let is_safe = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9') || b"._-~".contains(&byte);
        prop_assert!(directory.bytes().all(is_safe));
    }

    #[test]
    fn every_stage_gives_a_safe_directory(stage in "\\PC{1,60}|[\\x00-\\x7f]{1,40}") {
        let directory = stage_directory(&Stage::new(stage).unwrap());
        prop_assert!(directory.len() <= 80 && !directory.starts_with(['.', '-']));
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._-~".contains(&byte);
        prop_assert!(directory.bytes().all(is_safe));
    }

    #[test]
    fn different_ids_have_different_directories(a in "[aA.:/é~-]{1,6}", b in "[aA.:/é~-]{1,6}") {
        prop_assume!(a != b);
        let directory = |id: String| run_directory(&RunId::new(id).unwrap());
        prop_assert_ne!(directory(a), directory(b));
    }
}
