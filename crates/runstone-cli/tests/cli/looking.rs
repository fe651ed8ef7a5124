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

/// Records a run with these metrics.
fn measured(scene: &Scene, run_id: &str, metrics: serde_json::Value) {
    let mut document: serde_json::Value = serde_json::from_str(&run_document(run_id, 0.5)).unwrap();
    document["metrics"] = metrics;
    scene.file("r.json", document.to_string());
    let output = scene.quietly(&["record", "r.json"]);
    assert!(output.status.success(), "{output:?}");
}

fn runs_in_order(scene: &Scene, sort: &str) -> Vec<String> {
    let listed = scene.json(&["log", "--sort", sort]);
    let rows = listed["snapshots"].as_array().unwrap().iter();
    rows.map(|row| row["run_id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn an_odd_name_in_backticks_orders_rows_and_is_a_column() {
    let scene = Scene::with_store(&["--primary", "auc:higher"]);
    for (run_id, value) in [("r1", 0.7), ("r2", 0.9), ("r3", 0.8)] {
        let metrics = serde_json::json!({ "auc": 0.5, "val/auc@10": value });
        measured(&scene, run_id, metrics);
    }
    let key = "metrics.`val/auc@10`";
    assert_eq!(
        runs_in_order(&scene, &format!("-{key}")),
        ["r2", "r3", "r1"]
    );
    assert_eq!(runs_in_order(&scene, key), ["r1", "r3", "r2"]);
    let listed = scene.json(&["log", "--columns", key]);
    assert_eq!(listed["snapshots"][0]["columns"][key], 0.8);
    let output = scene.quietly(&["log", "--sort", key, "--columns", key]);
    assert!(output.stderr.is_empty(), "{output:?}");

    let output = scene.quietly(&["log", "--sort", "-metrics.val/auc@10"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("'metrics.`val/auc@10`'"), "{told}");
    let output = scene.quietly(&["log", "--sort", "metrics.auc and has stage"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn what_is_no_number_is_best_in_neither_direction() {
    let scene = Scene::with_store(&["--primary", "auc:higher"]);
    for (run_id, auc) in [
        ("r1", serde_json::json!(0.7)),
        ("nan", serde_json::json!("NaN")),
        ("r2", serde_json::json!(0.9)),
        ("most", serde_json::json!("Infinity")),
        ("least", serde_json::json!("-Infinity")),
    ] {
        measured(&scene, run_id, serde_json::json!({ "auc": auc, "rows": 1 }));
    }
    measured(&scene, "none", serde_json::json!({ "rows": 1 }));
    for (sort, first) in [
        ("metrics.auc", ["r1", "r2"]),
        ("-metrics.auc", ["r2", "r1"]),
    ] {
        let runs = runs_in_order(&scene, sort);
        assert_eq!(runs[..2], first, "{sort}: {runs:?}");
        assert_eq!(runs[5], "none", "{sort}: {runs:?}");
    }
    assert_eq!(runs_in_order(&scene, "-run_id")[0], "r2");
}

#[test]
fn an_empty_name_names_no_cohort() {
    let scene = scene_with_runs();
    for arguments in [
        &["log", "--cohort", ""][..],
        &["table", "--cohort", ""],
        &["baseline", "show", ""],
    ] {
        let output = scene.quietly(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("an empty name names no cohort"), "{told}");
    }
}

#[test]
fn the_newest_finished_run_that_has_the_metric_says_what_decides() {
    let scene = Scene::with_store(&["--primary", "auc:higher"]);
    for at in 0..5 {
        let metrics = serde_json::json!({ "auc": 0.7 + f64::from(at) / 100.0, "rows": 1 });
        measured(&scene, &format!("r{at}"), metrics);
    }
    measured(&scene, "without", serde_json::json!({ "rows": 1 }));
    let shown = scene.json(&["baseline", "show"]);
    assert_eq!(shown["primary"]["name"], "auc", "{shown:#}");
    assert_eq!(shown["baseline"]["status"], "chosen", "{shown:#}");
    let cohorts = scene.json(&["cohorts"]);
    assert_eq!(
        cohorts["cohorts"][0]["baseline"]["status"], "chosen",
        "{cohorts:#}"
    );
    let table = scene.json(&["table"]);
    assert_eq!(table["metric"]["name"], "auc", "{table:#}");

    let scene = Scene::with_store(&["--primary", "auc:higher"]);
    measured(&scene, "without", serde_json::json!({ "rows": 1 }));
    let shown = scene.json(&["baseline", "show"]);
    let reason = shown["baseline"]["reason"].as_str().unwrap();
    assert!(reason.contains("#1 without"), "{reason}");
}

#[test]
fn a_run_without_a_number_that_decides_is_not_pinned() {
    let scene = Scene::with_store(&["--primary", "auc:higher"]);
    measured(&scene, "good", serde_json::json!({ "auc": 0.7, "rows": 1 }));
    measured(
        &scene,
        "nan",
        serde_json::json!({ "auc": "NaN", "rows": 1 }),
    );
    measured(&scene, "without", serde_json::json!({ "rows": 1 }));
    for (run_id, why) in [("nan", "`auc` is NaN"), ("without", "it has no `auc`")] {
        let output = scene.quietly(&["baseline", "pin", run_id]);
        assert_eq!(output.status.code(), Some(6), "{output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(why) && told.contains("hint:"), "{told}");
    }
    assert!(scene.quietly(&["baseline", "pin", "good"]).status.success());
}

#[test]
fn a_name_that_no_run_bears_is_said_with_those_there_are() {
    let mut scene = scene_with_runs();
    scene.file("s.json", run_document("s1", 0.7));
    let recorded = scene.quietly(&["record", "s.json", "--sweep", "lr-scan"]);
    assert!(recorded.status.success(), "{recorded:?}");
    assert!(scene.quietly(&["tag", "s1", "golden"]).status.success());
    scene
        .run(&["log", "--sweep", "lr-scna"])
        .run(&["log", "--sweep", "other"])
        .run(&["log", "--tag", "best"])
        .run(&["log", "--experiment", "elsewhere"])
        .run(&["log", "--stage", "trian"])
        .run(&["log", "--sweep", "lr-scan", "--status", "failed"]);
    assert_snapshot!(scene.transcript());
}
