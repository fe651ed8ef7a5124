//! What a command leaves behind joins the run document.

use insta::assert_snapshot;
use serde_json::json;

use crate::scene::Scene;
use crate::started::{newest, run};

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

/// Returns the most memory a process ever had at once.
fn peak_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.unwrap().split_ascii_whitespace().nth(1).unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

#[test]
fn gigabytes_on_stdout_and_stderr_pass_by_and_cost_no_memory() {
    let scene = Scene::with_store(&[]);
    let [written, looked] = ["written", "looked"].map(|name| {
        let fifo = scene.project().join(name);
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.unwrap().success());
        fifo
    });
    let script = "head -c 2147483648 /dev/zero; head -c 1073741824 /dev/zero >&2
        : > written; : > looked";
    let mut child = scene
        .command(&["run", "--run-id", "long", "--", "sh", "-c", script])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // Each pipe opens when both have come to it.
    std::fs::read(written).unwrap();
    let peak = peak_bytes(child.id());
    std::fs::read(looked).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(peak < 64 << 20, "{peak}");
    assert_eq!(newest(&scene)["status"], "finished");
}

#[test]
fn a_reader_that_leaves_and_a_closed_stdout_are_the_commands_business() {
    let scene = Scene::with_store(&[]);
    // `yes` is killed by the pipe that nobody reads; the shell passes that on as its exit code.
    for (id, script) in [
        ("pipe", "yes | head -n 1 >/dev/null"),
        ("closed", "exec 1>&-; echo into nothing"),
        ("all", "exec 0<&- 1>&- 2>&-"),
    ] {
        let came = run(&scene, &["--run-id", id], script);
        assert_ne!(came.code, Some(125), "{}", came.stderr);
        assert_eq!(scene.json(&["show", id])["snapshot"]["run_id"], id);
    }
}

#[test]
fn a_result_of_gigabytes_is_refused_by_its_size_and_not_lost() {
    let scene = Scene::with_store(&[]);
    let script = r#"truncate -s 8G "$RUNSTONE_RUN_DIR/metrics.json""#;
    let came = run(&scene, &["--run-id", "r1"], script);
    assert_eq!(came.code, Some(125));
    for words in [
        "metrics.json` cannot be read",
        "the document has 8589934592 bytes, the limit is 16777216",
        "record --refused",
    ] {
        assert!(came.stderr.contains(words), "{words}: {}", came.stderr);
    }
}

#[test]
fn what_is_written_while_it_is_read_is_taken_whole_or_refused() {
    let scene = Scene::with_store(&[]);
    let script = r#"cd "$RUNSTONE_RUN_DIR"; echo '{"a": 1, "b": 1}' > metrics.json
        (while :; do
            echo '{"a": 1, "b": 1}' > metrics.json; printf '{"a": 2, ' > metrics.json
            echo '"b": 2}' >> metrics.json
        done) >/dev/null 2>&1 & echo $!"#;
    let mut refused = 0;
    for id in ["r1", "r2", "r3", "r4", "r5", "r6"] {
        let came = run(&scene, &["--run-id", id], script);
        let left = rustix::process::Pid::from_raw(came.stdout.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(left, rustix::process::Signal::KILL).unwrap();
        match came.code {
            Some(0) => {
                let metrics = scene.json(&["show", id])["snapshot"]["metrics"].clone();
                assert_eq!(metrics["a"], metrics["b"], "{metrics}");
            }
            Some(125) => {
                let is_said = ["is still being written", "cannot be read"]
                    .iter()
                    .any(|words| came.stderr.contains(words));
                assert!(is_said, "{}", came.stderr);
                assert_eq!(scene.quietly(&["show", id]).status.code(), Some(3));
                refused += 1;
            }
            code => panic!("{code:?}: {}", came.stderr),
        }
    }
    let kept = std::fs::read_dir(scene.project().join(".runstone/refused"));
    assert_eq!(kept.map_or(0, Iterator::count), refused);
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
fn what_is_given_goes_before_what_is_left_and_the_difference_is_said() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"lr": 1, "depth": 3}' > "$RUNSTONE_RUN_DIR/factors.json""#;
    let came = run(&scene, &["--factor", "lr=2"], script);
    assert!(
        came.stderr
            .contains("`factors.lr` is `1` in factors.json and `2` given"),
        "{}",
        came.stderr
    );
    assert_eq!(
        newest(&scene)["factors"]["settings"],
        json!({"depth": 3, "lr": 2})
    );
}

/// A command that leaves other words than those of [`GIVEN`].
const LEAVES: &str = r#"cd "$RUNSTONE_RUN_DIR"
    echo '{"auc": 1, "loss": {"mean": 1, "std": 2}, "f1": 1, "same": 2.0}' > metrics.json
    echo '{"a": {"b": 1, "c": 2}, "d": 4}' > identity.json; echo '{"lr": 1}' > factors.json
    cd - >/dev/null; echo '{"auc": 2, "f1": 2}' > m.json"#;
const GIVEN: &[&str] = &[
    "--metrics",
    "m.json",
    "--identity",
    "a.b=2",
    "--identity",
    "d=4",
    "--set",
    "identity.a.c=3",
    "--set",
    "factors.lr=2",
    "--set",
    "metrics.f1=3",
    "--set",
    "metrics.same=2",
    "--set",
    "metrics.loss.std=3",
];
const OVERRULED: [&str; 7] = [
    "`identity.a.b` is `1` in identity.json and `2` given: the latter is recorded",
    "`metrics.auc` is `1` in metrics.json and `2` in `m.json`: the latter is recorded",
    "`metrics.f1` is `1` in metrics.json and `2` in `m.json`: the latter is recorded",
    "`metrics.f1` is `2` in `m.json` and `3` by `--set`: the latter is recorded",
    "`metrics.loss.std` is `2` in metrics.json and `3` by `--set`: the latter is recorded",
    "`factors.lr` is `1` in factors.json and `2` by `--set`: the latter is recorded",
    "`identity.a.c` is `2` in identity.json and `3` by `--set`: the latter is recorded",
];

#[test]
fn every_word_that_does_not_count_is_told_wherever_it_was_said() {
    let scene = Scene::with_store(&[]);
    let came = run(&scene, GIVEN, LEAVES);
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    for words in OVERRULED {
        assert!(came.stderr.contains(words), "{words}: {}", came.stderr);
    }
    let told = came.stderr.matches("the latter is recorded").count();
    assert_eq!(told, OVERRULED.len(), "{}", came.stderr);
    let document = newest(&scene)["document"].clone();
    assert_eq!(document["identity"], json!({"a": {"b": 2, "c": 3}, "d": 4}));
    assert_eq!(document["factors"], json!({"lr": 2}));
    assert_eq!(
        document["metrics"],
        json!({"auc": 2, "f1": 3, "loss": {"mean": 1, "std": 3}, "same": 2})
    );
}

#[test]
fn as_json_every_warning_is_in_the_answer_and_nothing_is_beside_it() {
    let scene = Scene::with_store(&[]);
    scene.file("d", "1");
    let options = [
        GIVEN,
        &[
            "--json",
            "--data",
            "d=d",
            "--attach",
            "nothing",
            "--metrics",
            "m.json",
        ],
    ]
    .concat();
    let options = [&options[2..], &["--run-id", "r1"]].concat();
    let script = format!("{LEAVES}\necho 2 > d; sleep 600 >/dev/null 2>&1 & echo $!; exit 3");
    let came = run(&scene, &options, &script);
    assert_eq!(came.code, Some(3), "{}", came.stderr);
    assert_eq!(came.stderr.lines().count(), 1, "{}", came.stderr);
    let answer: serde_json::Value = serde_json::from_str(&came.stderr).unwrap();
    let warnings: Vec<&str> = answer["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| warning.as_str().unwrap())
        .collect();
    let others = [
        "the data `d` changed while the command ran (`d` is another): what it read is not certain",
        "`--attach nothing` is left out: the command left nothing there",
        "`sh` exited with 3: the run is recorded as failed",
        "`sh` left 1 of its processes running; what they do is not recorded",
    ];
    for words in OVERRULED.iter().chain(&others) {
        let times = warnings.iter().filter(|warning| *warning == words).count();
        assert_eq!(times, 1, "{words}: {warnings:?}");
    }
    let left: i32 = came.stdout.trim().parse().unwrap();
    let left = rustix::process::Pid::from_raw(left).unwrap();
    rustix::process::kill_process(left, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn where_no_answer_comes_warnings_are_said_beside_the_error() {
    let scene = Scene::with_store(&[]);
    let options = ["--json", "--attach", "nothing"];
    let came = run(
        &scene,
        &options,
        r#"echo NaN > "$RUNSTONE_RUN_DIR/metrics.json""#,
    );
    assert_eq!(came.code, Some(125));
    let said = "warning: `--attach nothing` is left out";
    assert_eq!(came.stderr.matches(said).count(), 1, "{}", came.stderr);
}

#[test]
fn identity_and_factors_at_the_top_are_joined_and_never_lose_each_other() {
    let scene = Scene::with_store(&["--profile", "market"]);
    scene.market("training.json");
    let script = r#"sed 's/"stage"/"status": "failed", "stage"/' training.json \
        > "$RUNSTONE_RUN_DIR/identity.json"; echo '{"seed": 8}' > "$RUNSTONE_RUN_DIR/factors.json""#;
    let options = [
        "--run-id",
        "intelligent_output_20251217_093012",
        "--stage",
        "TRAINING",
        "--identity",
        "training.objective=binary",
        "--factor",
        "training.learning_rate=0.25",
    ];
    let came = run(&scene, &options, script);
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    for words in [
        "`seed` is `7` in identity.json and `8` in factors.json: the latter is recorded",
        "`status` is `failed` in identity.json and `finished` as `runstone` saw it",
    ] {
        assert!(came.stderr.contains(words), "{words}: {}", came.stderr);
    }
    let document = newest(&scene)["document"].clone();
    assert_eq!(document["status"], "finished");
    assert_eq!(document["seed"], 8);
    assert_eq!(document["training"]["objective"], "binary");
    assert_eq!(document["training"]["learning_rate"], 0.25);
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
fn a_command_that_removes_its_run_directory_has_cleared_up_after_itself() {
    let scene = Scene::with_store(&[]);
    let came = run(&scene, &[], r#"rm -r "$RUNSTONE_RUN_DIR""#);
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    assert!(!came.stderr.contains("removed"), "{}", came.stderr);
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
