//! Snapshots and JSON for the tests of this crate's comparisons.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Against, RunDiff, Side, compare};
use crate::digest::Digest;
use crate::id::{Attempt, RunId, SnapshotSeq, Stage};
use crate::metric::MetricValue;
use crate::profile::{MetricRules, NamePattern, Policy, Severity, SeverityRule, ToleranceRule};
use crate::snapshot::{Captured, Factors, ProfileName, Snapshot, Status, Writer};

/// A finished run without identity, factors, metrics or captures.
pub(crate) fn run(run_id: &str) -> Snapshot {
    let not_captured = || Captured::NotCaptured {
        reason: "not asked for".to_owned(),
    };
    Snapshot {
        run_id: RunId::new(run_id).unwrap(),
        stage: Stage::new("TRAINING").unwrap(),
        attempt: Attempt(0),
        status: Status::Finished,
        sweep: None,
        candidate: false,
        started_at: None,
        finished_at: None,
        profile: ProfileName {
            name: "generic".to_owned(),
            sha256: Digest::of(b"profile"),
        },
        policy: Policy::Controlled,
        document: serde_json::Map::new(),
        identity: BTreeMap::new(),
        factors: Factors::default(),
        metrics: BTreeMap::new(),
        samples: BTreeMap::new(),
        labels: BTreeMap::new(),
        artifacts: Vec::new(),
        environment: not_captured(),
        code: not_captured(),
        process: not_captured(),
        fingerprints: BTreeMap::new(),
        fingerprint_sources: BTreeMap::new(),
        redactions: Vec::new(),
        pseudonym_key: None,
        writer: Writer {
            name: "runstone".to_owned(),
            version: "0.1.0".to_owned(),
        },
        unknown: serde_json::Map::new(),
    }
}

/// The training run of the market fixtures.
pub(crate) fn training() -> Snapshot {
    let mut run = run("intelligent_output_20251217_093012");
    run.identity.insert(
        "task".into(),
        values(&[("target", json!("y_break_up_30m"))]),
    );
    run.factors = Factors {
        settings: values(&[("learning_rate", json!(0.05)), ("num_leaves", json!(63))]),
        seeds: values(&[("train_seed", json!(1337))]),
        versions: values(&[("python_version", json!("3.11.7"))]),
    };
    run.metrics = metrics(&[
        ("auc", 0.6118),
        ("composite_score", 0.5022),
        ("logloss", 0.6604),
        ("train_time_sec", 18.4),
    ]);
    run
}

/// The one after it, with three factors changed.
pub(crate) fn training_factors_changed() -> Snapshot {
    let mut run = training();
    run.run_id = RunId::new("intelligent_output_20251218_093012").unwrap();
    run.factors
        .settings
        .insert("learning_rate".into(), json!(0.01));
    run.factors.seeds.insert("train_seed".into(), json!(42));
    run.factors
        .versions
        .insert("python_version".into(), json!("3.12.1"));
    run.metrics = metrics(&[
        ("auc", 0.6225),
        ("composite_score", 0.5101),
        ("logloss", 0.6512),
        ("train_time_sec", 22.9),
    ]);
    run
}

/// The snapshot with its place in one cohort.
pub(crate) fn at(snapshot: &Snapshot, seq: u64) -> Side<'_> {
    let sha256 = Digest::of(format!("{} {}", snapshot.run_id, snapshot.attempt).as_bytes());
    Side {
        snapshot,
        seq: SnapshotSeq(seq),
        cohort: "training.3f9a0c1e7b42d001",
        sha256,
    }
}

/// The comparison by a market-like training stage's rules.
pub(crate) fn diff(against: Against<'_>, current: Side<'_>) -> RunDiff {
    compare::by_rules(against, current, &severity_rules(), &metric_rules())
}

/// What such a stage says about paths.
pub(crate) fn severity_rules() -> Vec<SeverityRule> {
    let level = |level, paths: &[&str]| SeverityRule {
        level,
        paths: texts(paths),
    };
    vec![
        level(Severity::Critical, &["identity.split", "identity.task"]),
        level(Severity::Major, &["versions", "code", "environment"]),
        level(Severity::Minor, &["settings", "seeds", "metrics"]),
    ]
}

/// What such a stage says about metrics.
pub(crate) fn metric_rules() -> MetricRules {
    MetricRules {
        primary: texts(&["auc"]),
        judged: Vec::new(),
        higher: patterns(&["auc", "composite_score"]),
        lower: patterns(&["logloss", "train_time_sec"]),
        tolerance: vec![ToleranceRule {
            names: patterns(&["*"]),
            absolute: 1e-4,
            relative: 1e-4,
            log: false,
        }],
    }
}

fn patterns(entries: &[&str]) -> Vec<NamePattern> {
    texts(entries).into_iter().map(NamePattern::from).collect()
}

fn texts(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|&entry| entry.to_owned()).collect()
}

/// Ordered values by name.
pub(crate) fn values(entries: &[(&str, Value)]) -> BTreeMap<String, Value> {
    entries
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect()
}

/// Metrics by name.
pub(crate) fn metrics(entries: &[(&str, f64)]) -> BTreeMap<String, MetricValue> {
    entries
        .iter()
        .map(|(name, value)| ((*name).to_owned(), MetricValue::new(*value)))
        .collect()
}

/// Small JSON values with few keys, so that two of them often share some.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..3).prop_map(Value::from),
        "[ab~/.]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[ab~/]{0,2}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Runs that differ from each other in a few places of every section.
pub(crate) fn any_run() -> impl Strategy<Value = Snapshot> {
    let few = || prop::collection::btree_map("[a-c](\\.[xy])?", any_json(), 0..3);
    let numbers = || prop_oneof![Just(f64::NAN), Just(0.0), Just(0.5), -1.0..1.0];
    let captured = || {
        prop_oneof![
            any_json().prop_map(Captured::Known),
            Just(Captured::NotCaptured {
                reason: "not asked for".to_owned()
            }),
        ]
    };
    let factors = (few(), few(), few()).prop_map(|(settings, seeds, versions)| Factors {
        seeds,
        settings,
        versions,
    });
    let measured = prop::collection::btree_map("(auc|loss|n)", numbers(), 0..3);
    let artifacts = prop::collection::vec(any_json(), 0..3);
    (
        factors,
        measured,
        few(),
        artifacts,
        captured(),
        captured(),
        captured(),
    )
        .prop_map(
            |(factors, measured, labels, artifacts, environment, code, process)| Snapshot {
                factors,
                metrics: measured
                    .into_iter()
                    .map(|(name, value)| (name, MetricValue::new(value)))
                    .collect(),
                labels,
                artifacts,
                environment,
                code,
                process,
                ..run("any")
            },
        )
}
