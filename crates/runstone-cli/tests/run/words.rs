//! Where two say one field otherwise, the one whose word counts is told.

use serde_json::json;

use crate::scene::Scene;
use crate::started::{newest, run};

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
    assert_eq!(came.stderr.trim().lines().count(), 1, "{}", came.stderr);
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
