//! Lists, filters, formats and references.

use insta::assert_snapshot;

use crate::scene::{Scene, run_document};

fn scene_with_runs() -> Scene {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    for (run_id, auc, at) in [
        ("r1", 0.61, "2026-11-18T10:00:00.000Z"),
        ("r2", 0.64, "2026-11-19T10:00:00.000Z"),
        ("r:3", 0.62, "2026-11-20T09:00:00.000Z"),
    ] {
        scene.file("r.json", run_document(run_id, auc));
        scene.at(at);
        assert!(scene.quietly(&["record", "r.json"]).status.success());
    }
    let eval = run_document("r1", 0.5).replace("\"train\"", "\"eval\"");
    scene.file("eval.json", eval);
    scene.at("2026-11-20T10:00:00.000Z");
    assert!(scene.quietly(&["record", "eval.json"]).status.success());
    scene
}

#[test]
fn log_filters_sorts_and_shows_columns() {
    let mut scene = scene_with_runs();
    scene.run(&["log"]);
    scene.run(&["log", "--stage", "train", "-n", "1"]);
    scene.run(&[
        "log",
        "--where",
        "metrics.auc > 0.6 and stage = \"train\"",
        "--sort",
        "-metrics.auc",
    ]);
    scene.run(&[
        "log",
        "--since",
        "2h",
        "--columns",
        "run_id,stage,settings.num_leaves",
    ]);
    scene.run(&["log", "--columns", "run_id,metrics.auc", "--format", "csv"]);
    scene.run(&["log", "--columns", "run_id,metrics.auc", "--format", "md"]);
    scene.run(&["log", "--where", "metrics.auc > 5"]);
    scene.run(&["log", "--where", "metric.auc > 0.6"]);
    scene.run(&["log", "--where", "metrics.auc >> 0.6"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn references_of_every_kind_find_the_snapshot() {
    let mut scene = scene_with_runs();
    let shown = scene.json(&["show", "r2"]);
    let cohort = shown["cohort"].as_str().unwrap().to_owned();
    let sha256 = shown["sha256"].as_str().unwrap().to_owned();
    let digits = cohort.rsplit('.').next().unwrap();
    for reference in [
        "r2".to_owned(),
        "r2:train".to_owned(),
        "r2:train:0".to_owned(),
        format!("r2:train@{cohort}"),
        format!("{cohort}#2"),
        format!("{}#2", &digits[..6]),
        sha256[..10].to_owned(),
    ] {
        assert_eq!(
            scene.json(&["show", &reference])["sha256"],
            sha256.as_str(),
            "{reference}"
        );
    }
    assert_eq!(scene.json(&["show", "r:3"])["snapshot"]["run_id"], "r:3");
    assert_eq!(
        scene.json(&["show", "@latest"])["snapshot"]["stage"],
        "eval"
    );
    scene
        .run(&["show", "r1"])
        .run(&["show", "nothing"])
        .run(&["show", "train#99"]);
    scene
        .run(&["show", "@baseline"])
        .run(&["show", "@prev"])
        .run(&["baseline", "show", "nowhere"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn stored_text_is_no_markup_of_a_diff_as_markdown() {
    let scene = Scene::with_store(&["--primary", "auc:higher"]);
    for (run_id, seed) in [("r1", 1), ("r2", 2)] {
        let key = format!(r#""<img src=x>[y](javascript:1)&amp;*z*":{seed},"seed""#);
        let document = run_document(run_id, 0.6).replace(r#""seed""#, &key);
        scene.file("r.json", document);
        assert!(scene.quietly(&["record", "r.json"]).status.success());
    }
    let page = String::from_utf8(scene.quietly(&["diff", "--md"]).stdout).unwrap();
    let severity = page.lines().find(|line| line.starts_with("Severity"));
    let severity = severity.unwrap();
    assert!(severity.contains("img src"), "{severity}");
    for markup in ["<img", "[y](", "&amp;", "*z*"] {
        let is_escaped = |line: &str| {
            let mut found = line.match_indices(markup);
            found.all(|(at, _)| line[..at].ends_with('\\'))
        };
        assert!(page.lines().all(is_escaped), "{markup}: {page}");
    }
}

#[test]
fn stored_text_never_reaches_the_terminal_as_control_characters() {
    let mut scene = Scene::with_store(&[]);
    scene.file("r.json", run_document("evil\u{1b}[31m\nrun", 0.6));
    scene
        .run(&["record", "r.json"])
        .run(&["log"])
        .run(&["show"])
        .run(&["diff", "--md"]);
    assert!(!scene.transcript().contains('\u{1b}'));
    assert_eq!(
        scene.json(&["show"])["snapshot"]["run_id"],
        "evil\u{1b}[31m\nrun"
    );
    assert_snapshot!(scene.transcript());
}

#[test]
fn an_empty_store_says_what_to_do() {
    let mut scene = Scene::with_store(&[]);
    scene
        .run(&["log"])
        .run(&["cohorts"])
        .run(&["show"])
        .run(&["diff"])
        .run(&["verify"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn profiles_are_shown_checked_and_explained() {
    let mut scene = Scene::with_store(&[]);
    scene.market("training.json");
    scene.file(
        "good.toml",
        "schema = 1\nname = \"mine\"\nextends = \"generic\"\n\n[baseline]\nrule = \"median\"\n",
    );
    scene.file(
        "bad.toml",
        "schema = 1\nname = \"mine\"\nextends = \"generic\"\n\n[default]\nrequird = [\"x\"]\n",
    );
    scene
        .run(&["profile", "check", "good.toml"])
        .run(&["profile", "check", "bad.toml"]);
    scene
        .run(&["profile", "show", "nope"])
        .run(&["profile", "show", "good.toml"]);
    scene.run(&["profile", "explain", "training.json", "--profile", "market"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn programs_get_values_in_full_and_people_get_words() {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    scene.file("r.json", run_document("r1", 0.1 + 0.2));
    assert!(scene.quietly(&["record", "r.json"]).status.success());
    scene.file(
        "r.json",
        run_document("r2", 0.61).replace("0.05", "\"-O3\""),
    );
    assert!(scene.quietly(&["record", "r.json"]).status.success());
    scene
        .run(&["log", "--format", "csv"])
        .run(&[
            "log",
            "--format",
            "csv",
            "--columns",
            "run_id,metrics.auc,recorded_at",
        ])
        .run(&["log", "--format", "jsonl", "--columns", "metrics.auc,sweep"])
        .run(&["log", "--format", "csv", "--stage", "none"])
        .run(&["log", "--format", "md"])
        .run(&["cohorts", "--format", "csv"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_store_is_given_another_default_profile() {
    let mut scene = Scene::with_store(&[]);
    scene.file(
        "mine.toml",
        "schema = 1\nname = \"mine\"\nextends = \"generic\"\n",
    );
    scene.file("broken.toml", "schema = 1\nname = \n");
    scene
        .run(&["profile", "use", "mine.toml"])
        .run(&["profile", "use", "mine"])
        .run(&["profile", "use", "broken.toml"])
        .run(&["profile", "use", "nobody"])
        .run(&["config", "show", "--origin", "--store", ".runstone"])
        .run(&["init"])
        .run(&["init", "--profile", "generic"]);
    scene.file("r.json", run_document("r1", 0.6));
    scene
        .run(&["record", "r.json", "--quiet"])
        .run(&["log", "--columns", "run_id,profile"])
        .run(&["init", "--adopt"])
        .run(&["init", "--adopt", "gone"])
        .run(&["verify"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_name_means_the_same_profile_to_those_who_look_and_to_those_who_record() {
    let scene = Scene::empty();
    scene.file(
        "market.toml",
        "schema = 1\nname = \"market\"\nextends = \"generic\"\n",
    );
    let digest = |arguments: &[&str]| scene.json(arguments)["sha256"].clone();
    // Without a store the built-in one is all there is.
    let built_in = digest(&["profile", "show", "market"]);
    let made = scene.quietly(&["init", "--profile", "market.toml"]);
    assert!(made.status.success(), "{made:?}");
    let own = digest(&["profile", "show"]);
    assert_ne!(own, built_in);
    assert_eq!(digest(&["profile", "show", "market"]), own);
    assert_eq!(digest(&["profile", "use", "market"]), own);
    scene.file("r.json", run_document("r1", 0.5));
    let explained = scene.json(&["profile", "explain", "r.json", "--profile", "market"]);
    assert_eq!(explained["profile"]["sha256"], own);
    let recorded = scene.quietly(&["record", "r.json", "--profile", "market"]);
    assert!(recorded.status.success(), "{recorded:?}");
    let shown = scene.json(&["show", "@latest"]);
    assert_eq!(shown["snapshot"]["profile"]["sha256"], own);
    let told = scene.quietly(&["profile", "show", "market"]).stderr;
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains(&own.as_str().unwrap()[..12]), "{told}");
}

#[test]
fn a_column_without_values_is_said() {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    scene.file("r.json", run_document("r1", 0.6));
    scene
        .run(&["log", "--columns", "metrics.auk"])
        .run(&["record", "r.json"])
        .run(&[
            "log",
            "--columns",
            "run_id,metrics.auk",
            "--sort",
            "-metrics.acu",
        ]);
    assert_snapshot!(scene.transcript());
}
