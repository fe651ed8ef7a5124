//! The documents of a market-data pipeline give what `fixtures/records/market/README.md` says.
#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use runstone_core::canonical::{CanonicalRun, Captures};
use runstone_core::cohort::{Comparability, Mismatch, compare};
use runstone_core::id::Attempt;
use runstone_core::input::RunInput;
use runstone_core::json::{Limits, ReadError};
use runstone_core::metric::MetricValue;
use runstone_core::profile::Profile;
use runstone_core::record::{Defaults, ProblemKind, Refused, RunRecord};
use runstone_core::snapshot::{Captured, Snapshot, Writer};
use serde_json::json;

macro_rules! document {
    ($name:literal) => {
        include_bytes!(concat!("../../../fixtures/records/market/", $name, ".json"))
    };
}

const EXACT: &str = "schema = 1\nname = \"market\"\nextends = \"market\"\n\
                     [default]\npolicy = \"exact\"\n";

fn read_by(profile: &Profile, bytes: &[u8]) -> Result<CanonicalRun, Refused> {
    let input = RunInput::from_json(bytes, &Limits::default()).unwrap();
    let defaults = Defaults {
        experiment: "store".to_owned(),
    };
    RunRecord::validate(input, profile, &defaults)
        .map(|record| CanonicalRun::of(record, profile, None).unwrap())
}

fn read(bytes: &[u8]) -> CanonicalRun {
    read_by(&Profile::builtin("market").unwrap(), bytes).unwrap()
}

fn snapshot(run: &CanonicalRun) -> Snapshot {
    let absent = Captured::NotCaptured {
        reason: "not asked for".to_owned(),
    };
    let captures = Captures {
        environment: absent.clone(),
        code: absent.clone(),
        process: absent,
    };
    let writer = Writer {
        name: "runstone".to_owned(),
        version: "0.1.0".to_owned(),
    };
    run.to_snapshot(Attempt(0), captures, writer)
}

fn mismatches(a: &CanonicalRun, b: &CanonicalRun) -> Vec<Mismatch> {
    match compare(a.cohort(), b.cohort()) {
        Comparability::Comparable => Vec::new(),
        Comparability::Incomparable(mismatches) => mismatches,
    }
}

fn paths(mismatches: &[Mismatch]) -> Vec<&str> {
    mismatches
        .iter()
        .map(|mismatch| mismatch.path.as_str())
        .collect()
}

#[test]
fn target_ranking_has_no_features_in_its_key_and_text_metrics_are_labels() {
    let run = read(document!("target_ranking"));
    assert_eq!(run.stage().as_str(), "TARGET_RANKING");
    assert!(!run.cohort().groups.contains_key("features"));
    assert_eq!(run.cohort().groups["routing"]["view"], "CROSS_SECTIONAL");
    let snapshot = snapshot(&run);
    let labels: Vec<&str> = snapshot.labels.keys().map(String::as_str).collect();
    assert_eq!(
        labels,
        [
            "metric_name",
            "schema.metrics",
            "schema.scoring",
            "score.signature"
        ]
    );
    assert_eq!(
        snapshot.metrics["primary_metric.mean"],
        MetricValue::new(0.5731)
    );
    assert_eq!(snapshot.factors.seeds["train_seed"], 42);
}

#[test]
fn another_target_of_the_same_run_is_another_cohort() {
    let (a, b) = (
        read(document!("target_ranking")),
        read(document!("target_ranking_other_target")),
    );
    assert_eq!(a.run_id(), b.run_id());
    assert_ne!(a.cohort().id(), b.cohort().id());
    assert_eq!(
        paths(&mismatches(&a, &b)),
        ["cv_details.horizon_minutes", "target"]
    );
}

#[test]
fn stages_of_one_run_survive_side_by_side_and_a_seed_of_zero_is_a_value() {
    let selection = read(document!("feature_selection_same_run"));
    let training = read(document!("training_same_run"));
    assert_eq!(selection.stage().as_str(), "FEATURE_SELECTION");
    assert_eq!(training.stage().as_str(), "TRAINING");
    assert_ne!(selection.cohort(), training.cohort());
    let training = snapshot(&training);
    assert_eq!(training.factors.seeds["train_seed"], 0);
    assert_eq!(
        training.document["stage"], "MODEL_TRAINING",
        "the document stays as it is"
    );
}

#[test]
fn changed_factors_stay_in_the_cohort_under_the_policy_controlled() {
    let (a, b) = (
        read(document!("training")),
        read(document!("training_factors_changed")),
    );
    assert_eq!(a.cohort(), b.cohort());
    assert_ne!(a.content(), b.content());
    assert_ne!(a.settings_print(), b.settings_print());
    let (a, b) = (snapshot(&a), snapshot(&b));
    assert_eq!(a.factors.settings["learning_rate"], 0.05);
    assert_eq!(b.factors.settings["learning_rate"], 0.01);
    assert_eq!(
        (
            &a.factors.seeds["train_seed"],
            &b.factors.seeds["train_seed"]
        ),
        (&json!(1337), &json!(42))
    );
    assert_eq!(b.factors.versions["python_version"], "3.12.1");
    let settings: Vec<&str> = a.factors.settings.keys().map(String::as_str).collect();
    assert_eq!(
        settings,
        [
            "feature_fraction",
            "learning_rate",
            "min_gain",
            "num_leaves",
            "strategy"
        ],
        "the model family is identity"
    );
}

#[test]
fn changed_factors_open_a_cohort_under_the_policy_exact_and_the_three_are_named() {
    let profile = Profile::parse(EXACT, "exact.toml", &|_| None).unwrap();
    let a = read_by(&profile, document!("training")).unwrap();
    let b = read_by(&profile, document!("training_factors_changed")).unwrap();
    let found = mismatches(&a, &b);
    let named: Vec<(&str, &str)> = found
        .iter()
        .map(|it| (it.group.as_str(), it.path.as_str()))
        .collect();
    assert_eq!(
        named,
        [
            ("seeds", "train_seed"),
            ("settings", "learning_rate"),
            ("versions", "python_version")
        ]
    );
}

#[test]
fn another_spelling_of_the_same_training_is_the_same_cohort() {
    let a = read(document!("training"));
    let b = read(document!("training_same_cohort_other_spelling"));
    assert_eq!(mismatches(&a, &b), []);
    assert_eq!(a.cohort().id(), b.cohort().id());
    assert_eq!(b.run_id().as_str(), "2025-12-19T10:30:00Z");
}

#[test]
fn another_symbol_is_another_cohort_and_the_explanation_names_it() {
    let (a, b) = (
        read(document!("training")),
        read(document!("training_other_symbol")),
    );
    assert_eq!(paths(&mismatches(&a, &b)), ["symbols", "symbol"]);
    assert!(
        b.cohort()
            .id()
            .as_str()
            .starts_with("training.aapl.y_break_up_30m.lightgbm.")
    );
}

#[test]
fn missing_null_and_not_whole_are_reported_separately_and_at_once() {
    let profile = Profile::builtin("market").unwrap();
    let refused = read_by(&profile, document!("invalid_missing_and_null")).unwrap_err();
    let places = |kind| {
        refused
            .places(kind)
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        places(ProblemKind::Missing),
        ["/max_cs_samples", "/model_family"]
    );
    assert_eq!(places(ProblemKind::Null), ["/date_end"]);
    assert_eq!(places(ProblemKind::NotWhole), ["/n_symbols"]);
    assert_eq!(refused.problems.len(), 4);
    assert_eq!(
        refused.to_string(),
        "missing `max_cs_samples`, `model_family`; null `date_end`; \
         not a whole number `n_symbols`"
    );
}

#[test]
fn a_number_that_no_binary64_equals_is_refused_with_its_pointer() {
    let bytes = document!("invalid_unrepresentable_number");
    let error = RunInput::from_json(bytes, &Limits::default()).unwrap_err();
    assert!(matches!(error, ReadError::Number { .. }));
    assert_eq!(error.pointer().unwrap().to_string(), "/training/big_seed");
}

#[test]
fn a_snapshot_comes_back_from_its_payload_unchanged() {
    let documents: [&[u8]; 4] = [
        document!("training"),
        document!("target_ranking"),
        document!("feature_selection_same_run"),
        document!("training_same_run"),
    ];
    for bytes in documents {
        let snapshot = snapshot(&read(bytes));
        assert_eq!(Snapshot::from_payload(snapshot.to_payload()), Ok(snapshot));
    }
}
