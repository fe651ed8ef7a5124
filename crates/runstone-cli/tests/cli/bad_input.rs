//! Bad input gets one clear error with its place and a hint, and leaves nothing behind.

use insta::assert_snapshot;

use crate::scene::{Scene, run_document};

#[test]
fn documents_that_cannot_be_read_are_refused_with_their_place() {
    let mut scene = Scene::with_store(&[]);
    let deep = format!(
        "{{\"run_id\":\"r\",\"stage\":\"s\",\"x\":{}1{}}}",
        "[".repeat(70),
        "]".repeat(70)
    );
    let large = format!(
        "{{\"run_id\":\"r\",\"stage\":\"s\",\"x\":\"{}\"}}",
        "x".repeat(17 << 20)
    );
    let with = |member: &str| format!("{{\"run_id\":\"r\",\"stage\":\"s\",{member}}}");
    let documents: [(&str, Vec<u8>); 16] = [
        ("empty.json", b"".to_vec()),
        ("blank.json", b" \n".to_vec()),
        ("noise.bin", (0..=255).collect()),
        (
            "bom.json",
            [b"\xef\xbb\xbf", run_document("r", 0.6).as_bytes()].concat(),
        ),
        (
            "utf8.json",
            b"{\"run_id\":\"r\xff\",\"stage\":\"s\"}".to_vec(),
        ),
        ("large.json", large.into_bytes()),
        ("deep.json", deep.into_bytes()),
        (
            "twice.json",
            with("\"metrics\":{\"auc\":1,\"auc\":2}").into_bytes(),
        ),
        (
            "overflow.json",
            with("\"metrics\":{\"auc\":1e400}").into_bytes(),
        ),
        (
            "underflow.json",
            with("\"metrics\":{\"auc\":1e-400}").into_bytes(),
        ),
        (
            "inexact.json",
            with("\"factors\":{\"seed\":9007199254740993}").into_bytes(),
        ),
        ("nan.json", with("\"metrics\":{\"auc\":NaN}").into_bytes()),
        (
            "infinity.json",
            with("\"metrics\":{\"auc\":-Infinity}").into_bytes(),
        ),
        ("comma.json", with("\"x\":1,").into_bytes()),
        ("list.json", b"[1]".to_vec()),
        ("surrogate.json", with("\"x\":\"\\ud800\"").into_bytes()),
    ];
    for (name, bytes) in &documents {
        scene.file(name, bytes);
        scene.run(&["record", name]);
    }
    scene
        .run(&["record", "."])
        .run(&["record", "missing.json"])
        .run(&["record"]);
    scene.run(&["record", "nan.json", "--json"]);
    scene.run(&["cohorts"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn documents_that_break_the_rules_are_refused_with_every_problem_at_once() {
    let mut scene = Scene::with_store(&["--profile", "market"]);
    scene
        .market("invalid_missing_and_null.json")
        .market("invalid_unrepresentable_number.json");
    scene.run(&["record", "invalid_missing_and_null.json"]);
    scene.run(&["record", "invalid_missing_and_null.json", "--json"]);
    scene.run(&["record", "invalid_unrepresentable_number.json"]);
    scene.file("stage.json", r#"{"run_id":"r","stage":"EVALUATION"}"#);
    scene.run(&["record", "stage.json"]);
    scene.run(&["log"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn generic_documents_with_odd_members_are_refused_or_accepted_by_the_rules() {
    let mut scene = Scene::with_store(&[]);
    let document = |members: &str| format!("{{\"run_id\":\"r\",\"stage\":\"s\",{members}}}");
    for (name, content) in [
        ("no_ids.json", "{}".to_owned()),
        ("null_run.json", r#"{"run_id":null,"stage":"s"}"#.to_owned()),
        ("empty_run.json", r#"{"run_id":"","stage":"s"}"#.to_owned()),
        ("number_run.json", r#"{"run_id":7,"stage":"s"}"#.to_owned()),
        (
            "long_run.json",
            format!("{{\"run_id\":\"{}\",\"stage\":\"s\"}}", "x".repeat(10_000)),
        ),
        (
            "long_stage.json",
            format!("{{\"run_id\":\"r\",\"stage\":\"{}\"}}", "x".repeat(300)),
        ),
        (
            "collision.json",
            document(r#""metrics":{"a.b":1,"a":{"b":2}}"#),
        ),
        ("metrics.json", document(r#""metrics":[1]"#)),
        ("status.json", document(r#""status":"done""#)),
        ("attempt.json", document(r#""attempt":-1"#)),
        ("time.json", document(r#""started_at":"yesterday""#)),
    ] {
        scene.file(name, content);
        scene.run(&["record", name]);
    }
    scene.file("none.json", r#"{"run_id":"none","stage":"s"}"#);
    scene.run(&["record", "none.json"]);
    scene.file(
        "no_metrics.json",
        r#"{"run_id":"empty","stage":"s","metrics":{}}"#,
    );
    scene.run(&["record", "no_metrics.json"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn options_that_contradict_the_document_are_refused_with_both_values() {
    let mut scene = Scene::with_store(&[]);
    scene.file("r.json", run_document("r1", 0.61));
    scene.file(
        "second.json",
        run_document("r1", 0.61).replace("\"stage\"", "\"attempt\":1,\"stage\""),
    );
    scene.run(&["record", "r.json", "--run-id", "r2"]);
    scene.run(&["record", "r.json", "--stage", "eval"]);
    scene.run_with(&["record", "r.json"], &[("RUNSTONE_RUN_ID", "r9")], b"");
    scene.run(&["record", "second.json", "--attempt", "next"]);
    scene.run(&["record", "second.json", "--attempt", "3"]);
    scene.run(&["record", "r.json", "--attempt", "soon"]);
    scene.run(&["record", "r.json", "--set", "oops"]);
    scene.run(&["record", "r.json", "--set", "a..b=1"]);
    scene.run(&["record", "r.json", "--metrics", "missing.json"]);
    scene.run(&["record", "r.json", "--profile", "nope"]);
    scene.run(&["record", "r.json", "--fail-on", "sadness"]);
    scene.run(&["cohorts"]);
    assert_snapshot!(scene.transcript());
}

#[test]
fn profiles_that_make_no_sense_are_refused_with_line_and_column() {
    let mut scene = Scene::with_store(&[]);
    let head = "schema = 1\nname = \"mine\"\n";
    for (name, text) in [
        (
            "unknown_key.toml",
            format!("{head}extends = \"generic\"\ntims = []\n"),
        ),
        (
            "bad_path.toml",
            format!("{head}extends = \"generic\"\n[default]\nrequired = [\"a..b\"]\n"),
        ),
        ("a.toml", format!("{head}extends = \"b\"\n")),
        ("b.toml", format!("{head}extends = \"a\"\n")),
        (
            "alias.toml",
            format!("{head}extends = \"generic\"\n[aliases.fields]\na = \"b\"\nb = \"a\"\n"),
        ),
        ("not_toml.toml", "schema = \n".to_owned()),
        ("newer.toml", "schema = 2\nname = \"mine\"\n".to_owned()),
        (
            "secret.toml",
            format!(
                "{head}extends = \"generic\"\n[redact]\npaths = [{{ path = \"metadata.user\", mode = \"drop\" }}]\n"
            ),
        ),
    ] {
        scene.file(name, text);
    }
    for name in [
        "unknown_key",
        "bad_path",
        "a",
        "alias",
        "not_toml",
        "newer",
        "secret",
    ] {
        scene.run(&["profile", "check", &format!("{name}.toml")]);
    }
    scene.run(&["init", "elsewhere", "--profile", "unknown_key.toml"]);
    assert!(!scene.project().join("elsewhere").exists());
    assert_snapshot!(scene.transcript());
}

#[test]
fn standard_input_is_called_so_by_every_error_about_it() {
    let mut scene = Scene::with_store(&[]);
    scene
        .run_with(&["record", "-"], &[], b"{")
        .run_with(&["profile", "explain", "-"], &[], b"[1]")
        .run_with(&["profile", "check", "-"], &[], b"schema = ")
        .run_with(&["profile", "check", "-"], &[], b"\xff");
    let folder = std::fs::File::open(scene.project()).unwrap();
    let unread = scene
        .command(&["record", "-"])
        .stdin(folder)
        .output()
        .unwrap();
    let told = String::from_utf8(unread.stderr).unwrap();
    assert!(
        told.starts_with("error: standard input cannot be read"),
        "{told}"
    );
    assert_snapshot!(scene.transcript());
}

#[test]
fn an_empty_stage_experiment_or_sweep_is_refused_before_anything_is_made_of_it() {
    let scene = Scene::empty();
    let refused = |arguments: &[&str]| {
        let output = scene.quietly(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(said.contains("it is empty; write a name"), "{said}");
    };
    refused(&["init", "--experiment", ""]);
    assert!(!scene.project().join(".runstone").exists());
    assert!(scene.quietly(&["init"]).status.success());
    for option in ["--experiment", "--sweep"] {
        refused(&["record", "--run-id", "r1", "--stage", "s", option, ""]);
        refused(&["run", option, " ", "--", "true"]);
    }
    for option in ["--stage", "--experiment", "--sweep"] {
        refused(&["log", option, ""]);
        refused(&["table", option, ""]);
    }
    assert_eq!(scene.json(&["log"])["snapshots"], serde_json::json!([]));
}
