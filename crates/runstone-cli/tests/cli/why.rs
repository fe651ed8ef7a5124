//! What changed when a metric moved, and what an answer would take where nothing did.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::scene::Scene;

/// Values that scatter by some 0.0008.
const NOISE: [f64; 14] = [
    0.7131, 0.7118, 0.7142, 0.7126, 0.7135, 0.7139, 0.7122, 0.7128, 0.7133, 0.7140, 0.7120, 0.7130,
    0.7125, 0.7136,
];

fn night(number: usize, auc: f64) -> Value {
    json!({
        "run_id": format!("night-{number:02}"),
        "stage": "train",
        "identity": { "dataset": "d1" },
        "factors": { "learning_rate": 0.05, "seed": number },
        "metrics": { "auc": auc },
    })
}

fn record(scene: &Scene, document: &Value) {
    scene.file("r.json", document.to_string());
    let output = scene.quietly(&["record", "r.json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// Fourteen nights, of which the last four are worse with another version of numpy; a library that
/// matters less changed twice before.
fn upgraded() -> Scene {
    let scene = Scene::with_store(&["--primary", "auc:higher"]);
    for (at, auc) in NOISE.into_iter().enumerate() {
        let is_upgraded = at >= 10;
        let auc = if is_upgraded { auc - 0.012 } else { auc };
        let mut document = night(at + 1, auc);
        document["factors"]["numpy_version"] = json!(if is_upgraded { "2.0.0" } else { "1.26.4" });
        document["factors"]["rich_version"] = json!(format!("13.{}", (at + 2) / 4));
        record(&scene, &document);
    }
    scene
}

#[test]
fn a_regression_is_explained_by_what_changed_at_its_onset() {
    let mut scene = upgraded();
    scene
        .run(&["why", "night-11"])
        .run(&["why"])
        .run(&["why", "night-09"])
        .run(&["why", "night-01"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_lasting_step_is_explained_from_its_onset_on() {
    let scene = upgraded();
    let stepped = (11..=14).find_map(|number| {
        let why = scene.json(&["why", &format!("night-{number}")]);
        (why["move"]["seen"] == "step").then_some(why)
    });
    let moved = &stepped.expect("one of the four shows the step")["move"];
    assert_eq!(moved["first_seq"], 11);
    assert_eq!(
        moved["suspects"][0]["key"],
        "factors.versions.numpy_version"
    );
    assert_eq!(moved["suspects"][0]["seen_before"], 0);
}

#[test]
fn a_move_with_nothing_known_behind_it_says_so() {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    for (at, auc) in NOISE.into_iter().take(9).enumerate() {
        let mut document = night(at, auc);
        document["factors"]["seed"] = json!(1);
        record(&scene, &document);
    }
    let mut document = night(10, 0.65);
    document["factors"]["seed"] = json!(1);
    record(&scene, &document);
    scene.run(&["why"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn where_nothing_is_judged_it_is_said_what_it_would_take() {
    let mut scene = Scene::with_store(&[]);
    let bare = |run_id: &str, more: Value| {
        let mut document = json!({ "run_id": run_id, "stage": "train" });
        if let (Some(members), Some(more)) = (document.as_object_mut(), more.as_object()) {
            members.extend(more.clone());
        }
        document
    };
    record(&scene, &bare("a", json!({ "metrics": { "x": 1 } })));
    record(&scene, &bare("b", json!({ "metrics": { "x": 2 } })));
    scene.run(&["why", "a:train"]).run(&["why", "b:train"]);
    record(&scene, &bare("c", json!({ "status": "failed" })));
    scene.run(&["why", "c:train"]);
    record(&scene, &bare("d", json!({ "metrics": { "auc": 0.7 } })));
    record(&scene, &bare("e", json!({ "metrics": { "auc": 0.7 } })));
    scene.run(&["why", "d:train"]).run(&["why", "e:train"]);
    record(&scene, &bare("f", json!({ "metrics": { "auc": "NaN" } })));
    scene.run(&["why", "f:train"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn what_cannot_be_explained_is_refused_with_what_to_do() {
    let mut scene = Scene::with_store(&[]);
    scene.run(&["why"]);
    record(&scene, &night(1, 0.7));
    for arguments in [
        &["why", "nothing"][..],
        &["why", "@prev"],
        &["why", "@baseline"],
        &["why", ""],
        &["why", "night-01", "night-02"],
        &["why", "../x"],
        &["why", "night-01:train:7"],
        &["why", "train#9"],
        &["why", "nothing", "--json"],
        &["why", "--format", "csv"],
        &["why", "night-01:train", "--store", "nowhere"],
    ] {
        scene.run(arguments);
    }
    assert!(
        scene
            .quietly(&["delete", "night-01", "--yes"])
            .status
            .success()
    );
    scene.run(&["why", "night-01"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn names_that_look_like_something_else_stay_what_they_are() {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    for (at, auc) in NOISE.into_iter().take(7).enumerate() {
        let mut document = night(at, if at == 6 { 0.6 } else { auc });
        document["factors"]["tool\u{1b}[31m_version"] = json!(format!("v{}\u{7}", at / 6));
        document["factors"]["lib.with.dots_version"] = json!(if at == 6 { "2" } else { "1" });
        record(&scene, &document);
    }
    scene.run(&["why"]);
    assert_snapshot!(scene.transcript());
}
