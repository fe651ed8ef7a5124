//! Runs side by side: what differs, what is best, what cannot be told from it.

use insta::assert_snapshot;
use serde_json::json;

use crate::scene::Scene;

/// A document of a sweep over rates and depths.
fn point(run_id: &str, rate: f64, depth: u32, seed: u32, auc: f64) -> serde_json::Value {
    json!({
        "run_id": run_id,
        "stage": "train",
        "sweep": "rates",
        "identity": { "dataset": "d1" },
        "factors": { "learning_rate": rate, "depth": depth, "leaves": 63, "seed": seed },
        "metrics": { "auc": auc, "train_seconds": 100.0 * rate + f64::from(depth) },
    })
}

fn record(scene: &Scene, document: &serde_json::Value) {
    scene.file("r.json", document.to_string());
    let output = scene.quietly(&["record", "r.json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// Three rates by two depths, two seeds each and a third at the best two.
fn swept() -> Scene {
    let scene = Scene::with_store(&["--primary", "auc:higher"]);
    let noise = [
        0.001, -0.002, 0.0015, -0.001, 0.002, -0.0005, 0.001, -0.0015, 0.0005, 0.0012, -0.0008,
        0.0003, 0.0007, -0.0011,
    ];
    let mut number = 0;
    for (rate, good) in [(0.1, 0.70), (0.05, 0.72), (0.01, 0.66)] {
        for depth in [4_u32, 8] {
            let seeds = if rate > 0.04 && rate < 0.06 { 3 } else { 2 };
            for seed in 1..=seeds {
                let auc = good + f64::from(depth) / 2000.0 + noise[number];
                number += 1;
                record(
                    &scene,
                    &point(&format!("scan-{number:02}"), rate, depth, seed, auc),
                );
            }
        }
    }
    scene
}

#[test]
fn the_best_of_a_sweep_stand_first_with_those_that_cannot_be_told_from_them() {
    let mut scene = swept();
    let mut failed = point("scan-99", 0.5, 8, 1, 0.99);
    failed["status"] = "failed".into();
    record(&scene, &failed);
    scene
        .run(&["table", "--sweep", "rates"])
        .run(&["table", "--by", "train_seconds", "-n", "3"])
        .run(&[
            "table",
            "--where",
            "settings.depth = 4 and status = \"finished\"",
        ])
        .run(&["table", "-n", "2", "--format", "csv"])
        .run(&["table", "-n", "2", "--format", "md"])
        .run(&["table", "-n", "1", "--format", "jsonl"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn without_any_noise_nothing_is_claimed() {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    for (number, rate) in [0.1, 0.05, 0.01].into_iter().enumerate() {
        record(
            &scene,
            &point(&format!("scan-{number}"), rate, 4, 1, 0.7 + rate / 10.0),
        );
    }
    scene.run(&["table"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn deviations_that_runs_carry_are_said_to_miss_what_seeds_change() {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    for (number, rate) in [0.1, 0.05, 0.01].into_iter().enumerate() {
        let mut document = point(&format!("scan-{number}"), rate, 4, 1, 0.0);
        document["metrics"]["auc"] = json!({ "mean": 0.7 + rate / 10.0, "std": 0.004, "n": 5 });
        record(&scene, &document);
    }
    scene
        .run(&["table"])
        .run(&["table", "--by", "auc", "-n", "1"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn of_many_columns_the_most_telling_stand_first_and_the_rest_are_counted() {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    for number in 0..12_u32 {
        let mut document = point(
            &format!("20261120-{number:06}-6c23bf"),
            0.1,
            4 + number % 2,
            number,
            0.7 + f64::from(number % 2) / 100.0 + f64::from(number) / 10_000.0,
        );
        for extra in 0..9_u32 {
            let value = (number * (extra + 3) + extra) % 11;
            document["factors"][format!("a_rather_long_factor_{extra}")] = value.into();
        }
        record(&scene, &document);
    }
    scene.run(&["table", "-n", "4"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn runs_that_cannot_be_ranked_together_are_refused_with_what_to_do() {
    let mut scene = swept();
    let mut other = point("other-1", 0.1, 4, 1, 0.5);
    other["identity"]["dataset"] = "d2".into();
    record(&scene, &other);
    let mut eval = point("scan-01", 0.1, 4, 1, 0.5);
    eval["stage"] = "eval".into();
    eval["metrics"] = json!({ "a": 1, "b": 2, "note": "text" });
    record(&scene, &eval);
    for arguments in [
        &["table", "--sweep", "rates"][..],
        &["table", "--sweep", "rates", "--json"],
        &["table", "--sweep", "nothing"],
        &["table", "--cohort", "nothing"],
        &["table", "--cohort", "train"],
        &["table", "--stage", "eval"],
        &["table", "--stage", "eval", "--by", "b"],
        &["table", "--stage", "eval", "--by", "c"],
        &["table", "--stage", "eval", "--by", "note"],
        &["table", "--stage", "eval", "--by", ""],
        &["table", "--where", "settings.depth >"],
        &["table", "--status", "done"],
        &["table", "-n", "many"],
        &["table", "--json", "--format", "csv"],
        &["table", "scan-01"],
    ] {
        scene.run(arguments);
    }
    assert_snapshot!(scene.transcript());
}

#[test]
fn an_empty_store_has_no_table() {
    let mut scene = Scene::with_store(&[]);
    scene.run(&["table"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn names_that_look_like_something_else_stay_what_they_are() {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    for (number, run_id) in ["=cmd|\u{1b}[31m", "a|b<script>", "x\ny"]
        .into_iter()
        .enumerate()
    {
        let mut document = point(run_id, 0.1, 4, 1, [0.7, 0.6, 0.5][number]);
        document["factors"]["opt\u{1b}]imizer"] = json!(format!("ad|am{number}\u{7}"));
        record(&scene, &document);
    }
    scene
        .run(&["table"])
        .run(&["table", "--format", "md"])
        .run(&["table", "--format", "csv"]);
    assert_snapshot!(scene.transcript());
}
