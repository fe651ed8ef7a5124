//! The command that is printed finishes a run as it would have been recorded.

use serde_json::json;

use super::{finish, finished, folder, pasted, printed, put_back, refused_files, write};
use crate::scene::Scene;
use crate::started::{newest, run};

#[test]
fn what_the_profile_refuses_is_kept_and_finished_with_the_field_it_lacked() {
    let scene = Scene::with_store(&["--profile", "market"]);
    let came = run(&scene, &["--stage", "TRAINING"], "true");
    assert_eq!(came.code, Some(125));
    assert!(came.stderr.contains("missing"), "{}", came.stderr);
    let mut arguments = finish(&came);
    for field in [
        "cohort_id=c",
        "date_start=2026-01-01",
        "date_end=2026-02-01",
        "n_symbols=1",
        "n_effective=10",
        "target=t",
        "view=CROSS_SECTIONAL",
        "min_cs=1",
        "max_cs_samples=5",
        "model_family=m",
    ] {
        arguments.extend(["--set".to_owned(), field.to_owned()]);
    }
    assert_eq!(finished(&scene, &arguments)["recorded"], "new");
    assert_eq!(refused_files(&scene), 0);
    std::fs::remove_dir_all(folder(&came)).unwrap();
}

#[test]
fn runs_that_a_secret_tells_apart_are_apart_when_they_are_finished() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"auc": NaN}' > "$RUNSTONE_RUN_DIR/metrics.json""#;
    let token = |last| format!("k=ghp_{}{last}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R");
    let mut keys = Vec::new();
    for last in ["8", "9"] {
        let identity = token(last);
        let options = ["--run-id", last, "--stage", "s", "--identity", &identity];
        let came = run(&scene, &options, script);
        let folder = folder(&came);
        write(&folder.join("metrics.json"), r#"{"auc": 1}"#);
        let recorded = finished(&scene, &finish(&came));
        assert_eq!(recorded["recorded"], "new", "{recorded}");
        let shown = scene.json(&["show", last])["snapshot"].clone();
        keys.push(shown["document"]["identity"]["k"].clone());
        std::fs::remove_dir_all(folder).unwrap();
        // What is recorded without a detour is the same.
        let identity = format!("identity.{identity}");
        let words = ["--run-id", "direct", "--stage", "s", "--set", &identity];
        let words = [&["record"], &words[..], &["--attempt", "next"]].concat();
        assert_eq!(scene.json(&words)["cohort"], recorded["cohort"]);
    }
    assert_ne!(keys[0], keys[1]);
    assert!(keys[0].as_str().unwrap().starts_with("pseudonym:"));
}

#[test]
fn a_profile_that_changes_while_the_command_runs_costs_nothing() {
    let scene = Scene::with_store(&[]);
    let rules = "schema = 1\nname = \"own\"\nextends = \"generic\"\n";
    for (id, script) in [
        ("gone", "rm own.toml"),
        ("torn", "echo [ > own.toml"),
        (
            "kept",
            r#"rm own.toml; echo NaN > "$RUNSTONE_RUN_DIR/metrics.json""#,
        ),
    ] {
        scene.file("own.toml", rules);
        let came = run(&scene, &["--profile", "own.toml", "--run-id", id], script);
        if id == "kept" {
            assert_eq!(came.code, Some(125), "{}", came.stderr);
            std::fs::remove_dir_all(folder(&came)).unwrap();
            assert_eq!(finished(&scene, &finish(&came))["recorded"], "new");
        } else {
            assert_eq!(came.code, Some(0), "{id}: {}", came.stderr);
        }
        assert_eq!(newest(&scene)["profile"]["name"], "own", "{id}");
    }
}

#[test]
fn a_file_that_could_not_be_read_and_is_gone_is_named_in_a_warning() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"auc": NaN}' > "$RUNSTONE_RUN_DIR/metrics.json""#;
    let came = run(&scene, &["--run-id", "r1"], script);
    assert_eq!(came.code, Some(125));
    let folder = folder(&came);
    std::fs::remove_dir_all(&folder).unwrap();
    let recorded = finished(&scene, &finish(&came));
    assert_eq!(recorded["recorded"], "new");
    let said = format!(
        "recorded without `{}`, which could not be read and is gone",
        folder.join("metrics.json").display()
    );
    let warnings = recorded["warnings"].as_array().unwrap();
    assert!(warnings.contains(&json!(said)), "{warnings:?}");
}

#[test]
fn the_printed_line_finishes_a_run_from_any_directory_whatever_its_paths_are_called() {
    let scene = Scene::empty();
    let made = scene.quietly(&["init", "the team's store"]);
    assert!(made.status.success());
    let rules = "schema = 1\nname = \"own\"\nextends = \"generic\"\n";
    scene.file("own rules.toml", rules);
    let options = [
        "--store",
        "the team's store",
        "--profile",
        "own rules.toml",
        "--metrics",
        "my metrics.json",
        "--set",
        "metrics.auc=0.9",
        "--run-id",
        "r1",
    ];
    let script = r#"echo '{"auc": 0.1, "f1": 0.1}' > "$RUNSTONE_RUN_DIR/metrics.json"
        echo '{"auc": NaN}' > 'my metrics.json'"#;
    let came = run(&scene, &options, script);
    assert_eq!(came.code, Some(125), "{}", came.stderr);
    scene.file("my metrics.json", r#"{"auc": 0.2, "f1": 0.2}"#);
    assert!(!printed(&came).contains("--profile"), "{}", printed(&came));
    let recorded = pasted(&scene, printed(&came));
    assert_eq!(recorded["recorded"], "new");
    let shown = scene.json(&["--store", "the team's store", "show", "r1"])["snapshot"].clone();
    // As it would have been recorded at once: the file goes before what lies in the run directory.
    assert_eq!(shown["metrics"], json!({"auc": 0.9, "f1": 0.2}));
    assert_eq!(shown["profile"]["name"], "own");
    std::fs::remove_dir_all(folder(&came)).unwrap();
}

#[test]
fn metrics_that_are_named_on_finishing_stand_in_the_place_of_those_that_were_illegal() {
    let scene = Scene::with_store(&[]);
    let script = r#"cd "$RUNSTONE_RUN_DIR"; echo '{"auc": NaN, "loss": 1}' > metrics.json
        echo '[]' > identity.json"#;
    let came = run(&scene, &["--run-id", "r1", "--set", "metrics.n=3"], script);
    let folder = folder(&came);
    scene.file("mended.json", r#"{"auc": 0.5}"#);
    scene.file("identity.json", r#"{"rows": 7}"#);
    let mut command = finish(&came);
    for word in [
        "--metrics",
        "mended.json",
        "--set",
        "identity=@identity.json",
    ] {
        command.push(word.to_owned());
    }
    let recorded = finished(&scene, &command);
    assert_eq!(recorded["recorded"], "new", "{recorded}");
    let said = |file: &str, option: &str| {
        let path = folder.join(file);
        json!(format!(
            "`{}` is not read: `{option}` stands in its place",
            path.display()
        ))
    };
    let warnings = recorded["warnings"].as_array().unwrap();
    assert!(
        warnings.contains(&said("metrics.json", "--metrics")),
        "{warnings:?}"
    );
    assert!(
        warnings.contains(&said("identity.json", "--set identity=…")),
        "{warnings:?}"
    );
    let shown = newest(&scene);
    assert_eq!(shown["metrics"], json!({"auc": 0.5, "n": 3}));
    assert_eq!(shown["document"]["identity"], json!({"rows": 7}));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_run_that_can_be_kept_nowhere_has_its_mended_files_when_it_is_recorded_of_what_was_printed() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"auc": NaN}' > m.json; cp -a .runstone copy; rm -rf .runstone/*
        touch .runstone/refused; rm -rf "$RUNSTONE_RUN_DIR""#;
    let came = run(&scene, &["--run-id", "r1", "--metrics", "m.json"], script);
    assert_eq!(came.code, Some(125), "{}", came.stderr);
    let project = scene.project();
    put_back(&project);
    scene.file("kept", came.stderr.lines().last().unwrap());
    scene.file("m.json", r#"{"auc": 0.5}"#);
    let file = project.join("kept");
    let recorded = pasted(&scene, &format!("<{} {}", file.display(), printed(&came)));
    assert_eq!(recorded["recorded"], "new");
    assert_eq!(newest(&scene)["metrics"], json!({"auc": 0.5}));
}

#[test]
fn a_refused_run_is_judged_by_the_default_of_its_day_though_the_store_has_another_now() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"auc": NaN}' > "$RUNSTONE_RUN_DIR/metrics.json""#;
    let came = run(&scene, &["--run-id", "r1"], script);
    std::fs::remove_dir_all(folder(&came)).unwrap();
    let used = scene.quietly(&["profile", "use", "market"]);
    assert_eq!(used.status.code(), Some(0));
    assert_eq!(finished(&scene, &finish(&came))["recorded"], "new");
    assert_eq!(newest(&scene)["profile"]["name"], "generic");
}

/// A script that records the run of `options` with other content while it is under way.
fn recorded_meanwhile(scene: &Scene) -> String {
    let binary = scene.command(&[]).get_program().to_owned();
    let binary = binary.to_str().unwrap();
    format!("{binary} -q record --run-id r1 --stage s --set metrics.other=1 >/dev/null || exit 9")
}

#[test]
fn a_run_whose_attempt_was_named_and_is_taken_is_finished_as_the_next_by_the_printed_line() {
    let scene = Scene::with_store(&[]);
    let script = recorded_meanwhile(&scene);
    let options = ["--run-id", "r1", "--stage", "s", "--set", "attempt=0"];
    let came = run(&scene, &options, &script);
    assert_eq!(came.code, Some(125), "{}", came.stderr);
    assert!(printed(&came).contains("--attempt next"), "{}", came.stderr);
    std::fs::remove_dir_all(folder(&came)).unwrap();
    let recorded = pasted(&scene, printed(&came));
    assert_eq!(
        (&recorded["recorded"], &recorded["attempt"]),
        (&json!("new"), &json!(1))
    );
}

#[test]
fn a_run_that_turns_out_to_be_taken_when_it_is_finished_is_led_to_its_next_attempt() {
    let scene = Scene::with_store(&[]);
    let script = format!(
        r#"{}; echo '{{"auc": NaN}}' > "$RUNSTONE_RUN_DIR/metrics.json""#,
        recorded_meanwhile(&scene)
    );
    let came = run(&scene, &["--run-id", "r1", "--stage", "s"], &script);
    assert_eq!(came.code, Some(125), "{}", came.stderr);
    let folder = folder(&came);
    write(&folder.join("metrics.json"), r#"{"auc": 1}"#);
    let mut arguments = finish(&came);
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let taken = scene.quietly(&words);
    let said = String::from_utf8_lossy(&taken.stderr);
    assert_eq!(taken.status.code(), Some(6), "{said}");
    assert!(
        said.contains("the same command with `--attempt next`"),
        "{said}"
    );
    assert!(!said.contains("another run id"), "{said}");
    arguments.extend(["--attempt".to_owned(), "next".to_owned()]);
    assert_eq!(finished(&scene, &arguments)["attempt"], 1);
    std::fs::remove_dir_all(folder).unwrap();
}
