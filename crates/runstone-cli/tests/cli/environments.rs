//! Environments beside runs: what is captured by default, what is told, and what is said of what is
//! not known. The machine is a folder, so that each of these reads the same everywhere.

use std::io::{Read as _, Write as _};
use std::process::Stdio;

use runstone_testkit::Machine;
#[cfg(feature = "git")]
use runstone_testkit::Repository;

use crate::scene::{Scene, run_document};

/// Captures the machine instead of that of whoever tests.
fn on(machine: &Machine) -> [(&'static str, &str); 3] {
    [
        ("RUNSTONE_ENVIRONMENT", "auto"),
        (
            "RUNSTONE_ENVIRONMENT_ROOT",
            machine.path().to_str().unwrap(),
        ),
        ("PATH", "/usr/bin"),
    ]
}

#[test]
fn what_changed_on_the_machine_stands_beside_the_numbers() {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    let machine = Machine::new();
    machine.python("numpy", "1.26.4").python("attrs", "23.1.0");
    scene.file("r1.json", run_document("r1", 0.61));
    scene.file("r2.json", run_document("r2", 0.62));
    scene.run_with(&["record", "r1.json"], &on(&machine), b"");
    machine.python("numpy", "2.0.0").python("attrs", "23.2.0");
    machine.debian(&[("libc6", "2.36-9"), ("zlib1g", "1.2")]);
    scene.run_with(&["record", "r2.json"], &on(&machine), b"");
    scene.run(&["diff"]);
    scene.run(&["diff", "--md"]);
    insta::assert_snapshot!(scene.transcript());
    let shown = scene.json(&["show", "r2"]);
    let environment = &shown["snapshot"]["environment"];
    assert_eq!(environment["state"], "captured");
    let value = environment["value"].as_object().unwrap();
    let members: Vec<&String> = value.keys().collect();
    assert_eq!(members, ["capture", "digest", "scopes"]);
    let members: Vec<&String> = value["capture"].as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "at",
            "host",
            "observed",
            "root",
            "took_us",
            "warnings",
            "warnings_count"
        ]
    );
    let rows = scene.json(&["log"]);
    assert_eq!(
        rows["snapshots"][0]["environment"]["digest"],
        value["digest"]
    );
    let listed = &rows["snapshots"][0]["environment"];
    assert_eq!(listed["state"], "captured");
}

#[test]
#[cfg(feature = "git")]
fn which_code_ran_stands_beside_the_numbers() {
    let mut scene = Scene::with_store(&["--primary", "auc:higher"]);
    let machine = Machine::new();
    let repository = Repository::around(&scene.project());
    repository.commit(&[("train.py", "fit()\n")]);
    // Documents lie elsewhere: each would be a file that is not tracked.
    let record = |scene: &mut Scene, run: &str, auc: f64| {
        let document = format!("../{run}.json");
        scene.file(&document, run_document(run, auc));
        scene.run_with(&["record", &document], &on(&machine), b"");
    };
    record(&mut scene, "r1", 0.61);
    repository.commit(&[("train.py", "fit(2)\n")]);
    record(&mut scene, "r2", 0.62);
    repository.file("train.py", "fit(3)\n").file("new.py", "");
    record(&mut scene, "r3", 0.63);
    scene.run(&["diff"]);
    scene.run(&["explain", "r1", "r3"]);
    insta::assert_snapshot!(scene.transcript());
    let shown = String::from_utf8(scene.quietly(&["show", "r3"]).stdout).unwrap();
    assert!(
        shown.contains("  code         8ce1a5d95d3f… on main   1 modified   1 untracked\n"),
        "{shown}"
    );
    let listed = &scene.json(&["log"])["snapshots"][0]["code"];
    assert_eq!(listed["state"], "captured");
    assert_eq!(listed["work_tree"]["untracked"], 1);
    assert!(listed["commit"].is_string() && listed["patch"].is_string());
}

#[test]
fn what_is_not_captured_is_said_with_its_reason() {
    let mut scene = Scene::with_store(&[]);
    let machine = Machine::new();
    scene.file("r1.json", run_document("r1", 0.61));
    scene.run_with(
        &["record", "r1.json", "--environment", "none"],
        &on(&machine),
        b"",
    );
    scene.run_with(
        &[
            "record",
            "--run-id",
            "r2",
            "--stage",
            "train",
            "--set",
            "finished_at=2026-11-19T10:00:00Z",
        ],
        &on(&machine),
        b"",
    );
    let stream = [run_document("r3", 0.6), run_document("r4", 0.6)].join("\n");
    scene.run_with(&["record", "-"], &on(&machine), stream.as_bytes());
    for run in ["r1", "r2", "r3"] {
        scene.run(&["show", run]);
    }
    scene.run(&["record", "r1.json", "--environment", "yesterday"]);
    insta::assert_snapshot!(scene.transcript());
}

/// What `show` knows of the environment of a run.
fn environment_of(scene: &Scene, run_id: &str) -> String {
    let shown = scene.quietly(&["show", run_id]);
    let text = String::from_utf8(shown.stdout).unwrap();
    let line = text
        .lines()
        .find(|line| line.contains("environment"))
        .unwrap();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn one_document_on_standard_input_is_captured_for_like_one_in_a_file() {
    let mut scene = Scene::with_store(&[]);
    let machine = Machine::new();
    let one = run_document("r1", 0.61);
    scene.run_with(&["record", "-"], &on(&machine), one.as_bytes());
    assert!(!environment_of(&scene, "r1").contains("not captured"));
    assert!(
        !scene.transcript().contains("captured"),
        "{}",
        scene.transcript()
    );

    // Its writer goes on, so that nobody knows whether another one follows.
    let mut command = scene.command(&["record", "-"]);
    let mut child = command
        .envs(on(&machine))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(run_document("r2", 0.62).as_bytes())
        .unwrap();
    input.write_all(b"\n").unwrap();
    let mut answer = [0];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut answer)
        .unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("environment and code were not captured"),
        "{told}"
    );
    assert!(told.contains("`--environment current`"), "{told}");
    assert!(environment_of(&scene, "r2").contains("not captured: it was recorded in a stream"));

    let several = [run_document("r3", 0.6), run_document("r4", 0.6)].join("\n");
    let current = ["record", "-", "--environment", "current"];
    scene.run_with(&current, &on(&machine), several.as_bytes());
    assert!(!environment_of(&scene, "r3").contains("not captured"));
}

#[test]
fn root_that_is_not_there_costs_a_warning_and_no_recording() {
    let mut scene = Scene::with_store(&[]);
    scene.file("r1.json", run_document("r1", 0.61));
    // A path of its own: what is stored and how lines break follow from its length.
    let nowhere = [
        ("RUNSTONE_ENVIRONMENT", "auto"),
        ("RUNSTONE_ENVIRONMENT_ROOT", "/nowhere/at/all"),
    ];
    scene.run_with(&["record", "r1.json"], &nowhere, b"");
    scene.run(&["show", "r1"]);
    insta::assert_snapshot!(scene.transcript());
}

#[test]
fn run_is_captured_as_the_machine_was_before_its_command() {
    let scene = Scene::with_store(&[]);
    let machine = Machine::new();
    machine.python("numpy", "1.26.4");
    let change = format!(
        "rm -r {0}/usr/lib/python3/dist-packages/numpy-1.26.4.dist-info",
        machine.path().display()
    );
    let run = |id: &str, command: &str| {
        let status = scene
            .command(&[
                "run", "--run-id", id, "--stage", "fit", "--", "/bin/sh", "-c", command,
            ])
            .envs(on(&machine))
            .env("PATH", "/usr/bin:/bin")
            .output()
            .unwrap();
        assert!(
            status.status.success(),
            "{}",
            String::from_utf8_lossy(&status.stderr)
        );
    };
    run("r1", "true");
    run("r2", &change);
    run("r3", "true");
    let digest = |run: &str| {
        let shown = scene.json(&["show", run]);
        shown["snapshot"]["environment"]["value"]["digest"].clone()
    };
    assert!(digest("r1").is_string());
    assert_eq!(digest("r1"), digest("r2"));
    assert_ne!(digest("r2"), digest("r3"));
}

#[test]
fn refused_run_keeps_the_environment_it_ran_in() {
    let scene = Scene::with_store(&[]);
    let machine = Machine::new();
    let run = scene
        .command(&[
            "run",
            "--run-id",
            "r1",
            "--stage",
            "fit",
            "--",
            "/bin/sh",
            "-c",
            "echo '{' > $RUNSTONE_RUN_DIR/metrics.json",
        ])
        .envs(on(&machine))
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    assert_eq!(
        run.status.code(),
        Some(125),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let refused = scene.json(&["log"])["refused"][0]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut files = std::fs::read_dir(scene.project().join(".runstone/refused")).unwrap();
    let file = files.next().unwrap().unwrap().path();
    let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let named = kept["environment"]["value"]["digest"].as_str().unwrap();
    let object = scene
        .project()
        .join(".runstone/objects")
        .join(&named[..2])
        .join(named);
    assert!(object.is_file());
    let unread = kept["unread"][0]["path"].as_str().unwrap().to_owned();
    scene.file(&unread, "{\"auc\":0.6}");
    let recorded = scene.json(&["record", "--refused", &refused]);
    assert_eq!(recorded["recorded"], "new");
    let shown = scene.json(&["show", "r1"]);
    assert_eq!(shown["snapshot"]["environment"]["value"]["digest"], named);
    assert_eq!(scene.json(&["verify"])["ok"], true);
}
