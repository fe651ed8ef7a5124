//! What a command leaves behind joins the run document.

use insta::assert_snapshot;
use serde_json::json;

use crate::scene::Scene;
use crate::started::{newest, run};

#[test]
fn the_answer_begins_a_line_whatever_the_command_wrote_last() {
    let scene = Scene::with_store(&[]);
    let came = run(&scene, &["--json"], "printf abc >&2");
    let (before, last) = came.stderr.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(before, "abc");
    assert!(serde_json::from_str::<serde_json::Value>(last).is_ok());
}

#[test]
fn what_the_command_leaves_joins_the_document_and_the_answer_comes_at_once() {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    scene.file(
        "train.sh",
        r#"#!/bin/sh
echo "training $RUNSTONE_RUN_ID $RUNSTONE_STAGE"
printf '{"auc": %s, "logloss": {"mean": 0.66, "std": 0.03}}' "$1" > "$RUNSTONE_RUN_DIR/metrics.json"
printf '{"dataset": {"rows": 48211}}' > "$RUNSTONE_RUN_DIR/identity.json"
printf '{"learning_rate": %s, "seed": 1}' "$2" > "$RUNSTONE_RUN_DIR/factors.json"
"#,
    );
    for (run_id, auc, rate) in [("r1", "0.61", "0.05"), ("r2", "0.62", "0.01")] {
        scene.run(&[
            "run",
            "--run-id",
            run_id,
            "--factor",
            "depth=6",
            "--identity",
            "split.folds=5",
            "--",
            "sh",
            "train.sh",
            auc,
            rate,
        ]);
    }
    assert_snapshot!(scene.transcript());
    let shown = newest(&scene);
    assert_eq!(shown["stage"], "train");
    assert_eq!(
        shown["factors"]["settings"],
        json!({"depth": 6, "learning_rate": 0.01})
    );
    assert_eq!(
        shown["identity"]["split"],
        json!({"identity.split.folds": 5})
    );
}

#[test]
fn another_command_line_with_equal_numbers_is_shown_and_not_called_the_same() {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    scene.file(
        "same.sh",
        r#"printf '{"auc": 0.8}' > "$RUNSTONE_RUN_DIR/metrics.json""#,
    );
    for (run_id, model) in [("r1", "linear"), ("r2", "forest"), ("r3", "forest")] {
        scene.run(&[
            "run", "--run-id", run_id, "--", "sh", "same.sh", "--model", model, "--quiet",
        ]);
    }
    scene.run(&["diff", "r2"]).run(&["diff", "r2", "--md"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn the_facts_of_the_process_are_kept_and_are_no_content() {
    let scene = Scene::with_store(&[]);
    let came = run(&scene, &["--run-id", "r1", "--attempt", "0"], "exit 0");
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    let process = newest(&scene)["process"].clone();
    assert_eq!(process["state"], "captured");
    let facts = &process["value"];
    assert_eq!(facts["command"], json!(["sh", "-c", "exit 0"]));
    assert_eq!(facts["exit_code"], 0);
    assert_eq!(facts["signal"], json!(null));
    assert!(facts["elapsed_seconds"].as_f64().unwrap() > 0.0);
    assert!(facts["user_seconds"].as_f64().unwrap() >= 0.0);
    let document = r#"{"run_id":"r1","stage":"sh","status":"finished","attempt":0}"#;
    scene.file("same.json", document);
    assert_eq!(scene.json(&["record", "same.json"])["recorded"], "already");
}

#[test]
fn peak_memory_is_that_of_the_largest_process_and_unknown_when_it_is_runstones_own() {
    let scene = Scene::with_store(&[]);
    let peak = |script: &str| {
        let came = run(&scene, &[], script);
        assert_eq!(came.code, Some(0), "{}", came.stderr);
        newest(&scene)["process"]["value"]["peak_rss_largest_process_bytes"].clone()
    };
    // A shell that holds 64 MiB in a variable, below a shell that holds nothing.
    let large = peak("sh -c 'x=$(head -c 67108864 /dev/zero | tr \"\\0\" x); : \"$x\"'; :");
    assert!(large.as_u64().unwrap() > 64 << 20, "{large}");
    let small = peak("exit 0");
    assert!(
        small.is_null() || small.as_u64().unwrap() < 64 << 20,
        "{small}"
    );
}

#[test]
fn metrics_may_come_from_a_file_of_the_commands_own_but_never_from_an_earlier_run() {
    let scene = Scene::with_store(&[]);
    scene.file("m.json", r#"{"auc": 0.1}"#);
    let came = run(&scene, &["--run-id", "old", "--metrics", "m.json"], "true");
    assert_eq!(came.code, Some(0));
    assert!(
        came.stderr.contains("its metrics are not taken"),
        "{}",
        came.stderr
    );
    assert_eq!(newest(&scene)["metrics"], json!({}));
    let script = r#"echo '{"auc": 0.2}' > m.json"#;
    let came = run(&scene, &["--run-id", "new", "--metrics", "m.json"], script);
    assert_eq!(came.code, Some(0));
    assert_eq!(newest(&scene)["metrics"], json!({"auc": 0.2}));
}

#[test]
fn flat_profiles_take_identity_and_factors_at_the_top_of_the_document() {
    let scene = Scene::with_store(&["--profile", "market"]);
    scene.market("training.json");
    let script = r#"cp training.json "$RUNSTONE_RUN_DIR/identity.json""#;
    let came = run(
        &scene,
        &[
            "--run-id",
            "intelligent_output_20251217_093012",
            "--stage",
            "TRAINING",
        ],
        script,
    );
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    let required = "the profile requires";
    assert!(came.stderr.contains(required), "{}", came.stderr);
    assert_eq!(newest(&scene)["stage"], "TRAINING");
    // What was said before the command started is in the answer of scripts too, and there alone.
    let again = run(
        &scene,
        &[
            "--run-id",
            "intelligent_output_20251217_093012",
            "--stage",
            "TRAINING",
            "--attempt",
            "next",
            "--json",
        ],
        &format!("{script}; exit 1"),
    );
    assert_eq!(
        again.stderr.matches(required).count(),
        1,
        "{}",
        again.stderr
    );
    let answer: serde_json::Value = serde_json::from_str(&again.stderr).unwrap();
    let first = answer["warnings"][0].as_str().unwrap();
    assert!(first.contains(required), "{answer}");
}

#[test]
fn the_run_directory_is_private_lies_outside_the_store_and_is_gone_afterwards() {
    let scene = Scene::with_store(&[]);
    let script = r#"stat -c %a "$RUNSTONE_RUN_DIR"; echo "$RUNSTONE_RUN_DIR""#;
    let came = run(&scene, &[], script);
    let lines: Vec<&str> = came.stdout.lines().collect();
    assert_eq!(lines[0], "700");
    let folder = std::path::Path::new(lines[1]);
    assert!(!folder.starts_with(scene.project()));
    assert!(!folder.exists());
}

#[test]
fn as_json_the_answer_is_the_last_line_of_stderr_and_stdout_is_the_commands() {
    let scene = Scene::with_store(&[]);
    let came = run(
        &scene,
        &["--json", "--run-id", "r1"],
        "echo out; echo err >&2; exit 3",
    );
    assert_eq!(came.code, Some(3));
    assert_eq!(came.stdout, "out\n");
    let answer: serde_json::Value =
        serde_json::from_str(came.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(answer["schema"], "runstone.run/1");
    assert_eq!(answer["run_id"], "r1");
    assert_eq!(answer["process"]["exit_code"], 3);
}

#[test]
fn no_secret_is_said_in_an_answer_or_a_warning() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"api_key": "hunter3hunter3", "lr": 2}' > "$RUNSTONE_RUN_DIR/factors.json"
        : --password=hunter4hunter4"#;
    let options = ["--factor", "api_key=hunter2hunter2", "--factor", "lr=1"];
    for face in [&["--json"], &[][..]] {
        let came = run(&scene, &[face, &options].concat(), script);
        assert_eq!(came.code, Some(0), "{}", came.stderr);
        assert!(!came.stderr.contains("hunter"), "{}", came.stderr);
        assert!(
            came.stderr
                .contains("`factors.lr` is `2` in factors.json and `1` given")
        );
        assert!(
            came.stderr
                .contains("`factors.api_key` is one thing in factors.json")
        );
    }
}

#[test]
fn a_file_that_nobody_read_stays_and_is_named_with_what_it_was_probably_meant_to_be() {
    let scene = Scene::with_store(&[]);
    let script = r#"cd "$RUNSTONE_RUN_DIR"; mkdir -p plots artifacts; pwd
        echo '{"auc": 1}' > mterics.json; echo w > model.bin; echo p > plots/a.png
        echo a > artifacts/a; : > empty; ln -s /etc/passwd link"#;
    let came = run(&scene, &["--run-id", "r1"], script);
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    let folder = came.stdout.lines().next().unwrap();
    let said = format!(
        "warning: 3 files in the run directory not read: `model.bin`, `mterics.json`, \
         `plots/a.png`; they stay in {folder}; `mterics.json` was probably meant to be \
         `metrics.json`; "
    );
    assert!(came.stderr.contains(&said), "{}", came.stderr);
    assert!(came.stderr.contains("`--attach`"), "{}", came.stderr);
    let kept = std::path::Path::new(folder);
    assert_eq!(std::fs::read(kept.join("model.bin")).unwrap(), b"w\n");
    std::fs::remove_dir_all(kept).unwrap();

    let read = r#"cd "$RUNSTONE_RUN_DIR"; mkdir artifacts; pwd; echo a > artifacts/a; echo b > b
        echo '{"auc": 1}' > metrics.json"#;
    let came = run(&scene, &["--run-id", "r2", "--attach", "b"], read);
    assert!(!came.stderr.contains("not read"), "{}", came.stderr);
    assert!(!std::path::Path::new(came.stdout.trim_end()).exists());
}

#[test]
fn two_runs_that_differ_in_times_alone_are_no_change_to_a_script() {
    let mut scene = Scene::with_store(&[]);
    let command = ["--", "sh", "-c", "mkdir $RUNSTONE_RUN_DIR/artifacts"];
    for run_id in ["r1", "r2"] {
        scene.quietly(&[&["run", "--run-id", run_id][..], &command].concat());
    }
    scene.run(&["diff", "r1", "r2", "--exit-code"]).run(&[
        "diff",
        "r1",
        "r2",
        "--exit-code",
        "--md",
    ]);
    let transcript = scene.transcript();
    assert!(transcript.contains("nothing differs but times and sizes"));
    assert!(!transcript.contains("exit 4"), "{transcript}");
    assert_eq!(
        scene
            .quietly(&["diff", "r1", "r2", "--all", "--exit-code"])
            .status
            .code(),
        Some(0)
    );
}

#[test]
fn other_artifacts_of_the_same_inputs_are_named_beside_the_verdict() {
    let scene = Scene::with_store(&[]);
    let script =
        r#"cd "$RUNSTONE_RUN_DIR"; mkdir artifacts; echo "$RUNSTONE_RUN_ID" > artifacts/a"#;
    let mut said = String::new();
    for run_id in ["r1", "r2"] {
        said = run(&scene, &["--run-id", run_id], script).stderr;
    }
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("gave other artifacts: not reproducible"),
        "{said}"
    );
    assert!(
        said.contains("verdict same: equals #1 in settings"),
        "{said}"
    );
}

#[test]
fn a_link_in_the_place_of_the_run_directory_is_removed_and_nothing_behind_it() {
    let scene = Scene::with_store(&[]);
    std::fs::create_dir(scene.project().join("elsewhere")).unwrap();
    scene.file("elsewhere/mine", "mine");
    let script = r#"echo "$RUNSTONE_RUN_DIR"; rmdir "$RUNSTONE_RUN_DIR"
        ln -s "$PWD/elsewhere" "$RUNSTONE_RUN_DIR""#;
    let came = run(&scene, &[], script);
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    assert!(!came.stderr.contains("not read"), "{}", came.stderr);
    let link = std::path::Path::new(came.stdout.trim_end());
    assert!(link.symlink_metadata().is_err());
    let mine = scene.project().join("elsewhere/mine");
    assert_eq!(std::fs::read(mine).unwrap(), b"mine");
}
