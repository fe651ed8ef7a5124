//! The gate: what passes, what fails, by which reasons and with which code.

use insta::assert_snapshot;

use crate::scene::{Scene, recorded_before, run_document, seeded};

/// Twelve runs of one night each, and then one that is like them.
fn nights() -> Scene {
    let scene = Scene::with_store(&["--primary", "auc:higher"]);
    recorded_before(&scene);
    scene.file("usual.json", seeded("night-13", 0.7124, 13));
    assert!(scene.quietly(&["record", "usual.json"]).status.success());
    scene
}

fn record(scene: &Scene, document: &str) {
    scene.file("run.json", document);
    assert!(scene.quietly(&["record", "run.json"]).status.success());
}

#[test]
fn a_usual_run_passes_and_a_regression_fails() {
    let mut scene = nights();
    scene.run(&["check"]);
    record(&scene, &seeded("night-14", 0.7020, 14));
    scene
        .run(&["check"])
        .run(&["check", "--quiet", "--fail-on", "undecided"])
        .run(&["check", "--fail-on", "regression,minor,critical"])
        .run(&["check", "night-13"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn an_exact_repeat_of_a_regression_fails_as_it_does() {
    let mut scene = nights();
    record(&scene, &seeded("night-14", 0.7020, 14));
    record(&scene, &seeded("night-14-again", 0.7020, 14));
    scene
        .run(&["check"])
        .run(&["check", "--fail-on", "undecided"]);
    record(&scene, &seeded("night-14-once-more", 0.7020, 14));
    scene
        .run(&["check"])
        .run(&["check", "--against", "@baseline", "--quiet"]);
    record(&scene, &seeded("night-15", 0.7124, 15));
    record(&scene, &seeded("night-15-again", 0.7124, 15));
    scene.run(&["check"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn nothing_makes_a_gate_pass_a_repeat_of_a_regression_but_that_it_is_wanted() {
    let fails = |scene: &Scene| {
        let code = scene.quietly(&["check"]).status.code();
        assert!(matches!(code, Some(0 | 4)), "{code:?}");
        code == Some(4)
    };
    let bad = |run_id: &str| seeded(run_id, 0.7020, 14);

    let scene = nights();
    record(&scene, &bad("bad"));
    record(&scene, &bad("again"));
    let deleted = scene.quietly(&["delete", "bad", "--yes"]);
    assert!(deleted.status.success());
    record(&scene, &bad("after-it-was-deleted"));
    assert!(fails(&scene));
    assert!(
        scene
            .quietly(&["baseline", "pin", "again"])
            .status
            .success()
    );
    record(&scene, &bad("after-a-pin"));
    assert!(!fails(&scene));

    let scene = nights();
    record(&scene, &bad("bad"));
    record(&scene, &bad("again"));
    scene.file("run.json", bad("bad"));
    let retried = scene.quietly(&["record", "run.json", "--attempt", "1"]);
    assert!(retried.status.success());
    assert!(fails(&scene));

    let scene = nights();
    scene.file("run.json", bad("bad"));
    let candidate = scene.quietly(&["record", "run.json", "--candidate"]);
    assert!(candidate.status.success());
    let accepted = scene.quietly(&["accept", "bad", "--why", "merged"]);
    assert!(accepted.status.success());
    record(&scene, &bad("again"));
    assert!(!fails(&scene));
}

#[test]
fn a_repeat_of_a_run_without_a_number_is_as_undecided_as_it() {
    let scene = nights();
    let nan = |run_id: &str| seeded(run_id, 0.5, 14).replace("0.5", "\"NaN\"");
    for run_id in ["no-number", "again"] {
        record(&scene, &nan(run_id));
        let checked = scene.json(&["check", "--fail-on", "regression"]);
        assert_eq!(checked["verdict"]["overall"], "undecided", "{checked:#}");
    }
}

#[test]
fn an_undecided_run_passes_and_says_so_unless_told_otherwise() {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    record(&scene, &run_document("r1", 0.61));
    scene
        .run(&["check"])
        .run(&["check", "--require-comparable"]);
    record(&scene, &run_document("r2", 0.42));
    scene
        .run(&["check", "--require-comparable"])
        .run(&["check", "--fail-on", "undecided"])
        .run(&["check", "--fail-on", "major"])
        .run(&["check", "--fail-on", "undecided,minor,undecided"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_run_is_held_against_one_that_is_named() {
    let mut scene = nights();
    record(&scene, &seeded("night-14", 0.7081, 14));
    record(&scene, &run_document("other", 0.6).replace("48211", "1"));
    scene
        .run(&["check", "night-14"])
        .run(&["check", "night-14", "--against", "previous"])
        .run(&["check", "night-14", "--against", "baseline"])
        .run(&["check", "night-14", "--against", "night-2"])
        .run(&["check", "night-14", "--against", "night-14"])
        .run(&["check", "--against", "@latest"])
        .run(&["check", "night-14", "--against", "other"])
        .run(&[
            "check",
            "night-14",
            "--against",
            "other",
            "--require-comparable",
        ])
        .run(&["check", "night-1", "--against", "baseline"])
        .run(&["check", "night-1", "--against", "previous"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_run_that_did_not_finish_never_passes_and_is_no_yardstick() {
    let mut scene = nights();
    let ended = |run_id: &str, seed, status: &str| {
        let document = seeded(run_id, 0.7131, seed);
        document.replacen('{', &format!(r#"{{"status":"{status}","#), 1)
    };
    record(&scene, &ended("night-14", 14, "failed"));
    scene
        .run(&["check"])
        .run(&["check", "--fail-on", "regression,undecided"])
        .run(&["check", "night-13", "--against", "night-14"]);
    record(&scene, &ended("night-15", 15, "interrupted"));
    scene
        .run(&["check", "--quiet", "--fail-on", "major"])
        .run(&["check", "night-13", "--against", "night-15"])
        .run(&["check", "--against", "baseline"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_gate_that_cannot_be_asked_says_why() {
    let mut scene = Scene::empty();
    scene.run(&["check"]);
    assert!(scene.quietly(&["init"]).status.success());
    scene.run(&["check"]);
    record(&scene, &run_document("r1", 0.61));
    scene
        .run(&["check", "nothing"])
        .run(&["check", "train#99"])
        .run(&["check", "r1", "r2"])
        .run(&["check", "--fail-on", "worse"])
        .run(&["check", "--fail-on", ""])
        .run(&["check", "--fail-on", "regression,none"])
        .run(&["check", "--against", "nothing"])
        .run(&["check", "--against", "@prev"])
        .run(&["check", "--against", ""]);
    assert!(scene.quietly(&["delete", "r1", "--yes"]).status.success());
    scene.run(&["check"]).run(&["check", "r1"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_gate_names_what_was_left_out_because_it_cannot_be_read() {
    let mut scene = nights();
    let cohort = scene.json(&["show"])["cohort"].as_str().unwrap().to_owned();
    let slot = format!(".runstone/cohorts/{cohort}/log/0000000000/00000000000000000012");
    scene.flip_a_bit(&scene.project().join(slot));
    let checked = scene.quietly(&["check"]);
    let said = String::from_utf8(checked.stderr).unwrap();
    assert!(said.contains("#12 cannot be read"), "{said}");
    scene.run(&["check", "--json", "--quiet"]);
    assert!(scene.transcript().contains("\"warnings\":[\""));
}
