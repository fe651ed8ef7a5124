//! The answer comes with the record: what it is compared with, what changed, and what it does not
//! claim to know.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use runstone::core::diff::DiffStatus;
use runstone::core::id::SnapshotSeq;
use runstone::core::input::RunInput;
use runstone::core::json::Limits;
use runstone::core::profile::{Direction, Severity};
use runstone::core::verdict::{Baseline, Overall};
use runstone::init::InitRequest;
use runstone::{AttemptChoice, Error, RecordRequest, Recorded, RecordedAs};
use runstone_testkit::{Lab, run};

fn market(lab: &Lab, name: &str) -> Result<Recorded, Error> {
    let path = format!(
        "{}/../../fixtures/records/market/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let bytes = std::fs::read(path).unwrap();
    let input =
        RunInput::from_json(&bytes, &Limits::default()).map_err(|source| Error::Document {
            name: name.to_owned(),
            source,
        })?;
    lab.ledger.record(RecordRequest::of(input))
}

fn market_lab() -> Lab {
    Lab::with(InitRequest {
        profile: Some("market".to_owned()),
        ..InitRequest::default()
    })
}

#[test]
fn a_first_run_says_so_and_is_no_change() {
    let lab = Lab::new();
    let first = lab.record(run("r1")).unwrap();
    assert_eq!(first.answer.diff.status, DiffStatus::FirstRun);
    assert_eq!(first.answer.diff.severity, Severity::None);
    assert_eq!(first.answer.verdict.overall, Overall::Undecided);
}

#[test]
fn a_market_training_is_compared_with_the_one_before_and_its_numbers_are_right() {
    let lab = market_lab();
    market(&lab, "training").unwrap();
    let second = market(&lab, "training_factors_changed").unwrap();
    let diff = &second.answer.diff;
    assert_eq!(diff.previous.as_ref().unwrap().seq, SnapshotSeq(1));
    assert_eq!(diff.excluded_factors.count(), 3);
    assert_eq!(
        diff.excluded_factors.summary(),
        "learning_rate: 0.05→0.01, train_seed: 1337→42, python_version: 3.11.7→3.12.1"
    );
    let delta = |name: &str| {
        let delta = diff
            .metrics
            .iter()
            .find(|delta| delta.name == name)
            .unwrap();
        (
            format!("{:+.4}", delta.delta_abs.unwrap()),
            delta.status.as_str(),
        )
    };
    assert_eq!(delta("auc"), ("+0.0107".to_owned(), "better"));
    assert_eq!(delta("composite_score"), ("+0.0079".to_owned(), "better"));
    assert_eq!(delta("logloss"), ("-0.0092".to_owned(), "better"));
    assert_eq!(delta("train_time_sec"), ("+4.5000".to_owned(), "worse"));
}

#[test]
fn one_run_with_many_stages_and_targets_survives_side_by_side() {
    let lab = market_lab();
    let names = [
        "target_ranking",
        "target_ranking_other_target",
        "feature_selection_same_run",
        "training_same_run",
    ];
    for name in names {
        let recorded = market(&lab, name).unwrap();
        assert_eq!(recorded.place.seq, SnapshotSeq(1), "{name}");
        assert!(recorded.answer.diff.previous.is_none(), "{name}");
        assert_eq!(recorded.attempt.0, 0, "{name}");
    }
    assert_eq!(lab.ledger.cohorts().unwrap().len(), names.len());
}

#[test]
fn another_spelling_is_the_same_cohort_and_another_symbol_is_explained() {
    let lab = market_lab();
    let first = market(&lab, "training").unwrap();
    let spelled = market(&lab, "training_same_cohort_other_spelling").unwrap();
    assert_eq!(spelled.place.cohort, first.place.cohort);
    let other = market(&lab, "training_other_symbol").unwrap();
    let nearest = other.nearest.unwrap();
    assert_eq!(nearest.cohort, first.place.cohort);
    let mut paths: Vec<&str> = nearest
        .mismatches
        .iter()
        .map(|mismatch| mismatch.path.as_str())
        .collect();
    paths.sort_unstable();
    assert_eq!(paths, ["symbol", "symbols"]);
}

#[test]
fn a_refused_document_leaves_nothing_behind() {
    let lab = market_lab();
    let error = market(&lab, "invalid_missing_and_null").unwrap_err();
    let Error::Refused { refused, .. } = &error else {
        panic!("not refused: {error}")
    };
    let text: Vec<String> = refused.problems.iter().map(ToString::to_string).collect();
    let text = text.join("\n");
    for named in ["max_cs_samples", "model_family", "date_end", "n_symbols"] {
        assert!(text.contains(named), "{named} is not named in:\n{text}");
    }
    assert!(
        market(&lab, "invalid_unrepresentable_number")
            .unwrap_err()
            .to_json()
            .to_string()
            .contains("/training/big_seed")
    );
    assert!(lab.ledger.cohorts().unwrap().is_empty());
    let folders = std::fs::read_dir(lab.root().join("cohorts"))
        .unwrap()
        .count();
    assert_eq!(folders, 0);
}

#[test]
fn failed_runs_and_candidates_are_recorded_but_are_no_yardstick() {
    let lab = Lab::new();
    lab.record(run("good")).unwrap();
    lab.record(run("broken").with("status", "failed").auc(0.1))
        .unwrap();
    lab.record(run("tried").with("candidate", true).auc(0.9))
        .unwrap();
    let next = lab.record(run("next").auc(0.62)).unwrap();
    assert_eq!(next.answer.diff.previous.unwrap().run_id.as_str(), "good");
}

#[test]
fn identical_runs_are_the_same_and_nothing_differs() {
    let lab = Lab::new();
    lab.record(run("r1")).unwrap();
    let twin = lab.record(run("r2")).unwrap();
    assert!(
        twin.answer.diff.changed_keys.is_empty(),
        "{:?}",
        twin.answer.diff.changed_keys
    );
    assert_eq!(twin.answer.diff.severity, Severity::None);
    assert_eq!(twin.answer.verdict.overall, Overall::Same);
}

#[test]
fn same_inputs_with_other_outputs_are_reproducibility_variance() {
    let lab = Lab::new();
    lab.record(run("r1")).unwrap();
    let other = lab.record(run("r2").auc(0.65)).unwrap();
    assert!(other.answer.diff.reproducibility_variance);
    assert_eq!(other.answer.diff.severity, Severity::Minor);
}

#[test]
fn a_baseline_appears_on_the_sixth_run() {
    let lab = Lab::with(InitRequest {
        primary: Some(("auc".to_owned(), Direction::Higher)),
        ..InitRequest::default()
    });
    for number in 1..=5_u32 {
        let recorded = lab
            .record(run(&format!("r{number}")).auc(0.6 + f64::from(number) / 100.0))
            .unwrap();
        let have = usize::try_from(number - 1).unwrap();
        assert!(
            matches!(recorded.answer.baseline, Baseline::NotYet { have: found, need: 5 } if found == have),
            "run {number}: {:?}",
            recorded.answer.baseline
        );
    }
    let sixth = lab.record(run("r6").auc(0.6)).unwrap();
    assert_eq!(sixth.answer.baseline.seq(), Some(SnapshotSeq(5)));
}

#[test]
fn the_answer_of_yesterday_is_given_again_today() {
    let lab = Lab::new();
    lab.record(run("r1")).unwrap();
    let second = lab.record(run("r2").auc(0.7)).unwrap();
    lab.record(run("r3").auc(0.8)).unwrap();
    let stored = lab.reopened().find("r2").unwrap();
    let again = lab.reopened().compared(&stored).unwrap();
    assert_eq!(again.diff.to_json(), second.answer.diff.to_json());
    assert_eq!(again.verdict.to_json(), second.answer.verdict.to_json());
}

#[test]
fn a_path_that_moves_on_with_every_run_is_named() {
    let lab = Lab::new();
    for (run_id, day) in [
        ("r1", "2026-11-18"),
        ("r2", "2026-11-19"),
        ("r3", "2026-11-20"),
    ] {
        let recorded = lab
            .record(run(run_id).with("identity.dataset.date_end", day))
            .unwrap();
        let drifting = recorded.nearest.and_then(|nearest| nearest.drifting);
        assert_eq!(drifting.is_some(), run_id == "r3", "{run_id}");
        if let Some(path) = drifting {
            assert!(path.ends_with("date_end"), "{path}");
        }
    }
}

#[test]
fn large_sections_come_back_unseen_and_are_stored_once() {
    let lab = Lab::new();
    let mut large = run("r1");
    for number in 0..6000 {
        large = large.with(&format!("factors.weight_{number}"), number);
    }
    let recorded = lab.record(large.clone()).unwrap();
    let found = lab.reopened().find("r1").unwrap();
    assert_eq!(found.snapshot.factors.settings.len(), 6001);
    assert_eq!(
        serde_json::Value::from(found.snapshot.document),
        serde_json::Value::from(large.build())
    );
    assert_eq!(found.place, recorded.place);
    assert!(lab.ledger.verify().unwrap().is_ok());
}

#[test]
fn a_failed_newest_run_does_not_hide_the_baseline_of_its_cohort() {
    let lab = Lab::with(InitRequest {
        primary: Some(("auc".to_owned(), Direction::Higher)),
        ..InitRequest::default()
    });
    for at in 0..6 {
        lab.record(run(&format!("r{at}")).auc(0.6 + f64::from(at) / 100.0))
            .unwrap();
    }
    let failed = run("failed")
        .with("status", "failed")
        .with("metrics", serde_json::json!({}));
    let failed = lab.record(failed).unwrap();
    let shown = lab.ledger.baseline_show(&failed.place.cohort).unwrap();
    assert_eq!(shown.primary, Some(("auc".to_owned(), Direction::Higher)));
    assert_eq!(shown.baseline.seq(), Some(SnapshotSeq(6)));
    assert!(!shown.moves.is_empty());
    let listed = lab.ledger.cohorts().unwrap();
    assert_eq!(
        listed[0].baseline.as_ref().unwrap().seq(),
        Some(SnapshotSeq(6))
    );
}

#[test]
fn a_run_and_stage_in_a_second_cohort_is_a_warning_that_names_what_differs() {
    let lab = Lab::new();
    let first = lab.record(run("r1")).unwrap();
    assert!(first.warnings.is_empty(), "{:?}", first.warnings);
    let typo = lab
        .record(run("r1").with("identity.dataset.rows", 1001))
        .unwrap();
    let said = format!(
        "r1:train is recorded in another cohort too, {}: ",
        first.place.cohort
    );
    let warning = typo
        .warnings
        .iter()
        .find(|said_of| said_of.starts_with(&said));
    assert!(
        warning.is_some_and(|words| words.contains("dataset.rows") && words.contains("1001")),
        "{:?}",
        typo.warnings
    );
    // Another run, and the same recording again, are none.
    let other = lab.record(run("r2")).unwrap();
    assert!(other.warnings.is_empty(), "{:?}", other.warnings);
    let again = lab.record(run("r1")).unwrap();
    assert!(again.warnings.is_empty(), "{:?}", again.warnings);
}

#[test]
fn where_no_views_are_kept_other_cohorts_of_a_run_are_not_looked_for() {
    let lab = Lab::with(InitRequest {
        views: Some(runstone::views::Views::None),
        ..InitRequest::default()
    });
    lab.record(run("r1")).unwrap();
    let typo = lab.record(run("r1").with("identity.dataset.rows", 1001));
    assert!(typo.unwrap().warnings.is_empty());
}

#[test]
fn a_next_attempt_with_equal_content_is_found_and_said_to_be() {
    let lab = Lab::new();
    lab.record(run("r1")).unwrap();
    let again = lab.record_as(run("r1"), AttemptChoice::Next).unwrap();
    assert_eq!(again.recorded_as, RecordedAs::Already);
    assert_eq!(
        again.warnings,
        ["attempt 0 has the same content: not recorded again"]
    );
    let other = lab.record_as(run("r1").auc(0.7), AttemptChoice::Next);
    assert!(other.unwrap().warnings.is_empty());
}

#[test]
fn a_run_is_found_by_the_beginning_of_its_id_when_nothing_else_matches() {
    let lab = Lab::new();
    for run_id in ["20251217-night", "20251218-night", "2025"] {
        lab.record(run(run_id)).unwrap();
    }
    let found = |reference: &str| {
        let found = lab.ledger.find(reference);
        found.map(|stored| stored.snapshot.run_id.to_string())
    };
    assert_eq!(found("20251218").unwrap(), "20251218-night");
    assert_eq!(found("20251217:train").unwrap(), "20251217-night");
    // A whole name comes first, and a beginning that several share names them all.
    assert_eq!(found("2025").unwrap(), "2025");
    assert!(matches!(
        found("202512"),
        Err(Error::Ambiguous { candidates, .. }) if candidates.len() == 2
    ));
    let short = found("202");
    assert!(matches!(short, Err(Error::NotFound { .. })), "{short:?}");
    let digits = found("ffff").unwrap_err().hint().unwrap();
    assert!(digits.contains("`ffff#1`"), "{digits}");
}

#[test]
fn a_stage_is_found_in_any_case_and_one_that_is_spelled_so_comes_first() {
    let lab = Lab::new();
    let stage = |reference: &str| {
        let found = lab.ledger.find(reference);
        found.map(|stored| stored.snapshot.stage.to_string())
    };
    lab.record(run("r1").with("stage", "train")).unwrap();
    assert_eq!(stage("r1:TRAIN").unwrap(), "train");
    lab.record(run("r1").with("stage", "TRAIN")).unwrap();
    assert_eq!(stage("r1:train").unwrap(), "train");
    assert_eq!(stage("r1:TRAIN").unwrap(), "TRAIN");
    let neither = stage("r1:Train");
    assert!(matches!(neither, Err(Error::Ambiguous { .. })));
}
