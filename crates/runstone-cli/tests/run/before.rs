//! What can be checked is checked before the command starts, and nothing is started or recorded
//! when it does not hold.

use insta::assert_snapshot;

use crate::scene::Scene;
use crate::started::{Started, newest, run};

/// A command that shows that it was started.
const TOUCH: [&str; 4] = ["--", "sh", "-c", "echo STARTED"];

fn try_all(scene: &mut Scene, cases: &[&[&str]]) {
    for options in cases {
        let arguments = [&["run"], *options, &TOUCH].concat();
        scene.run(&arguments);
    }
}

#[test]
fn commands_that_cannot_be_started_have_the_exit_codes_of_env() {
    let mut scene = Scene::with_store(&[]);
    scene.file("plain.txt", "no program");
    for command in ["no-such-command", "./no/such/file", "./plain.txt", ".", ""] {
        scene.run(&["run", "--", command]);
    }
    scene.run(&["run"]);
    scene.run(&["run", "--"]);
    scene.run(&["run", "--json", "--", "no-such-command"]);
    scene.run(&["log"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_script_without_a_first_line_is_refused_with_what_it_lacks() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::with_store(&[]);
    scene.file("garbage", [0x7f, b'E', b'L', b'F', 0, 0]);
    let path = scene.project().join("garbage");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = scene.quietly(&["run", "--", "./garbage"]);
    assert_eq!(output.status.code(), Some(126));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("`./garbage` could not be run"), "{stderr}");
    assert_eq!(scene.json(&["cohorts"])["cohorts"], serde_json::json!([]));
}

#[test]
fn options_that_cannot_be_meant_are_refused_before_anything_starts() {
    let mut scene = Scene::with_store(&[]);
    scene
        .file("list.json", "[1]")
        .file("nan.json", "{\"a\": NaN}");
    let long = "x".repeat(2000);
    try_all(
        &mut scene,
        &[
            &["--identity", "rows"],
            &["--identity", "@missing.json"],
            &["--identity", "@list.json"],
            &["--factor", "@nan.json"],
            &["--factor", "a=1", "--factor", "a.b=2"],
            &["--set", "metrics.auc=.9"],
            &["--set", "status=done"],
            &["--attempt", "soon"],
            &["--stage", ""],
            &["--run-id", &long],
            &["--profile", "nope"],
            &["--nope"],
        ],
    );
    scene.run(&["log"]);
    assert_snapshot!(scene.transcript().replace(&long, "$LONG"));
}

#[test]
fn standard_input_is_left_to_the_command() {
    let mut scene = Scene::with_store(&[]);
    try_all(
        &mut scene,
        &[
            &["--identity", "@-"],
            &["--factor", "a=@-"],
            &["--set", "metrics.auc=@-"],
            &["--metrics", "-"],
        ],
    );
    scene.run_with(
        &["run", "--stage", "s", "--", "cat"],
        &[],
        b"for the command\n",
    );
    assert_snapshot!(scene.transcript().replace(&own_name(&scene), "$RUN"));
}

/// The name that the newest run made for itself.
fn own_name(scene: &Scene) -> String {
    newest(scene)["run_id"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_measured_cannot_be_given_beside_it() {
    let flat: &[&str] = &["--profile", "market"];
    for (profile, options, fields) in [
        (&[][..], &["--set", "status=finished"][..], "`status` is"),
        (
            &[],
            &[
                "--set",
                "started_at=2026-01-01T00:00:00Z",
                "--set",
                "finished_at=@end.json",
            ],
            "`finished_at`, `started_at` are",
        ),
        (&[], &["--set", "exit_code=0"], "`exit_code` is"),
        (&[], &["--set", "process.exit_code=0"], "`process` is"),
        (
            flat,
            &["--stage", "TRAINING", "--identity", "status=finished"],
            "`status` is",
        ),
        (
            flat,
            &["--stage", "TRAINING", "--factor", "@factors.json"],
            "`started_at` is",
        ),
    ] {
        let scene = Scene::with_store(profile);
        scene
            .file("end.json", "\"2026-01-01T00:00:00Z\"")
            .file("factors.json", r#"{"started_at": "2026-01-01"}"#);
        let came = run(&scene, options, "echo STARTED; exit 1");
        assert_eq!((came.code, came.stdout.as_str()), (Some(125), ""));
        let said = format!("error: {fields} taken from the command and cannot be given");
        assert!(came.stderr.contains(&said), "{options:?}: {}", came.stderr);
        assert_eq!(scene.json(&["cohorts"])["cohorts"], serde_json::json!([]));
    }
    // Below a member of its own it is a field as any other.
    let scene = Scene::with_store(&[]);
    let options = ["--identity", "status=a", "--set", "metrics.exit_code=0"];
    let came = run(&scene, &options, "true");
    assert_eq!(came.code, Some(0), "{}", came.stderr);
}

#[test]
fn a_stage_the_profile_does_not_know_is_refused_with_the_option_that_names_one() {
    let mut scene = Scene::with_store(&["--profile", "market"]);
    try_all(&mut scene, &[&[], &["--stage", "EVALUATION"]]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn without_a_store_nothing_is_started() {
    let mut scene = Scene::empty();
    try_all(&mut scene, &[&[]]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_run_that_finished_is_not_run_again_by_accident_and_a_failed_one_is() {
    let mut scene = Scene::with_store(&[]);
    let code = |id: &str, script: &str| run(&scene, &["--run-id", id], script).code;
    assert_eq!(code("r1", "exit 0"), Some(0));
    assert_eq!(code("r2", "exit 1"), Some(1));
    assert_eq!(code("r2", "exit 0"), Some(0));
    try_all(
        &mut scene,
        &[
            &["--run-id", "r1"],
            &["--run-id", "r1", "--attempt", "0"],
            &[
                "--run-id",
                "r1",
                "--attempt",
                "next",
                "--set",
                "metrics.a=1",
            ],
        ],
    );
    assert_snapshot!(scene.transcript());
}

#[test]
fn a_scheduler_names_the_run_its_sweep_and_its_retries() {
    let mut scene = Scene::with_store(&[]);
    let job = |restarts| {
        [
            ("SLURM_JOB_ID", "4719"),
            ("SLURM_ARRAY_JOB_ID", "4711"),
            ("SLURM_ARRAY_TASK_ID", "8"),
            ("SLURM_RESTART_COUNT", restarts),
        ]
    };
    for (restarts, metric) in [("0", "metrics.a=1"), ("1", "metrics.a=2")] {
        let arguments = ["run", "--stage", "s", "--set", metric, "--", "true"];
        scene.run_with(&arguments, &job(restarts), b"");
    }
    let log = scene.json(&["log", "--all-attempts"]);
    for (row, attempt) in [(0, 1), (1, 0)] {
        assert_eq!(log["snapshots"][row]["run_id"], "slurm-4711_8");
        assert_eq!(log["snapshots"][row]["sweep"], "slurm-4711");
        assert_eq!(log["snapshots"][row]["attempt"], attempt);
    }
}

#[test]
fn what_a_scheduler_says_yields_to_what_somebody_said() {
    let scene = Scene::with_store(&[]);
    let array = [
        ("SLURM_JOB_ID", "4719"),
        ("SLURM_ARRAY_JOB_ID", "4711"),
        ("SLURM_ARRAY_TASK_ID", "8"),
    ];
    let proposal = [
        ("GITHUB_RUN_ID", "77"),
        ("GITHUB_EVENT_NAME", "pull_request"),
    ];
    for (job, said, field, value) in [
        (&array[..], "sweep=own", "sweep", "own".into()),
        (&array, "note=x", "sweep", "slurm-4711".into()),
        (&proposal, "candidate=false", "candidate", false.into()),
        (
            &proposal,
            "note=y",
            "candidate",
            serde_json::Value::from(true),
        ),
    ] {
        let options = ["--run-id", said, "--set", said];
        let came = Started::within(&scene, job, &options, "true").end();
        assert_eq!(came.code, Some(0), "{said}: {}", came.stderr);
        let shown = scene.json(&["show", &format!("{said}:sh")]);
        assert_eq!(shown["snapshot"][field], value, "{said}");
    }
}

#[test]
fn a_run_nobody_named_gets_a_name_of_its_own() {
    let scene = Scene::with_store(&[]);
    let name = || run(&scene, &[], "echo $RUNSTONE_RUN_ID $RUNSTONE_STAGE").stdout;
    let (first, second) = (name(), name());
    assert!(first.starts_with("20261120-100000-"), "{first}");
    assert!(first.ends_with(" sh\n"), "{first}");
    assert_ne!(first, second);
}

#[test]
fn a_run_within_a_run_is_another_stage_of_it() {
    let scene = Scene::with_store(&[]);
    let runstone = env!("CARGO_BIN_EXE_runstone");
    let script = format!(
        "{runstone} run -- true && RUNSTONE_STAGE=said {runstone} run -- true \\
         && {runstone} run --stage named -- true"
    );
    let came = run(&scene, &["--run-id", "r1", "--stage", "outer"], &script);
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    let log = scene.json(&["log"]);
    let mut found: Vec<_> = log["snapshots"].as_array().unwrap().iter().collect();
    found.sort_by_key(|each| each["stage"].as_str());
    let stages: Vec<_> = found.iter().map(|each| &each["stage"]).collect();
    assert_eq!(stages, ["named", "outer", "said", "true"]);
    assert!(found.iter().all(|each| each["run_id"] == "r1"), "{log}");
    // Of the same name it would be the very run that waits for it.
    let same = format!("{runstone} run -- echo STARTED");
    let refused = run(&scene, &["--run-id", "r2", "--stage", "echo"], &same);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(125), ""));
    assert!(
        refused
            .stderr
            .contains("another stage of it with `--stage`"),
        "{}",
        refused.stderr
    );
}
