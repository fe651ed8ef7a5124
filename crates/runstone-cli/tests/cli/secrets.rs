//! No secret that was planted is found again: in no byte of a store, in no word that was said.
//!
//! Secrets are planted wherever a document, an option or a file can carry one, recorded, refused,
//! shown and compared; then everything is read: each file of the store, each payload within, each
//! answer and each error. What is planted, where, and what is then done is data, so that a new
//! place or a new command is one line more.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::scene::Scene;

/// A secret, and a text in which it is one.
struct Planted {
    /// The part that must never be found again.
    secret: String,
    /// The text it is planted as.
    text: String,
    /// The field that says so; without one the text says it by itself.
    field: Option<&'static str>,
}

/// The secrets, put together here so that no scanner takes this file for a leak.
fn planted() -> Vec<Planted> {
    let word = |seed: usize, length: usize| -> String {
        let alphabet = b"Ab1Cd2Ef3Gh4Jk5Mn6Pq7Rs8Tu9Vw0Xy1Za";
        (0..length)
            .map(|at| alphabet[(at * 7 + seed * 13 + at / 5) % alphabet.len()] as char)
            .collect()
    };
    let base32: String = word(3, 40)
        .to_uppercase()
        .replace(['0', '1', '8', '9'], "Q");
    let bare = |text: String| Planted {
        secret: text.clone(),
        text,
        field: None,
    };
    let within = |secret: &str, text: String| Planted {
        secret: secret.to_owned(),
        text,
        field: None,
    };
    let named = |field: &'static str, text: &str| Planted {
        secret: text.to_owned(),
        text: text.to_owned(),
        field: Some(field),
    };
    let key_lines = format!("{}\n{}", word(31, 64), word(32, 64));
    vec![
        bare(format!("ghp_{}", word(1, 36))),
        bare(format!("github_pat_{}_{}", word(2, 22), word(3, 59))),
        bare(format!("glpat-{}", word(4, 20))),
        bare(format!("AKIA{}", &base32[..16])),
        bare(format!("xoxb-{}-{}", "123456789012", word(5, 24))),
        bare(format!("sk-{}", word(6, 48))),
        bare(format!("sk-proj-{}", word(7, 74))),
        bare(format!("sk-ant-api03-{}AA", word(8, 93))),
        bare(format!("hf_{}", word(9, 34))),
        bare(format!("AIza{}", word(10, 35))),
        bare(format!(
            "eyJhbGciOiJIUzI1NiJ9.eyJ{}.{}",
            word(11, 30),
            word(12, 43)
        )),
        bare(format!("sk_live_{}", word(13, 24))),
        bare(format!("npm_{}", word(14, 36))),
        bare(format!("pypi-AgEIcHlwaS5vcmc{}", word(15, 80))),
        bare(format!("wandb_v1_{}", word(16, 77))),
        within(
            &key_lines,
            format!("-----BEGIN RSA PRIVATE KEY-----\n{key_lines}\n-----END RSA PRIVATE KEY-----"),
        ),
        within(
            "Zwiebel-17",
            "postgres://ann:Zwiebel-17@db:5432/runs".to_owned(),
        ),
        within(
            "Zwiebel-18",
            "https://h/x?a=1&token=Zwiebel-18&b=2".to_owned(),
        ),
        within(
            "Zwiebel%2B19",
            "https://h/x?sv=1&sig=Zwiebel%2B19".to_owned(),
        ),
        within(
            "Zwiebel20",
            "https://h/x?X-Amz-Signature=Zwiebel20&d=1".to_owned(),
        ),
        within(
            "Zwiebel-21",
            "train.py --password Zwiebel-21 --lr 0.1".to_owned(),
        ),
        within(
            "Zwiebel-22",
            "host=db password=Zwiebel-22 port=1".to_owned(),
        ),
        within(
            "Zwiebel-23-abcdef",
            "Authorization: Bearer Zwiebel-23-abcdef".to_owned(),
        ),
        within("Zwiebel-24", "{\"api_key\": \"Zwiebel-24\"}".to_owned()),
        within("corp_zwiebelx", "see corp_zwiebelx there".to_owned()),
        named("password", "Zwiebel-25"),
        named("DB_PASSWORD", "Zwiebel-26"),
        named("aws_secret_access_key", "Zwiebel/27+wJalrXUtnFEMI/K7MDENG"),
        named("wandb_api_key", "0123456789abcdef0123456789abcdef01234567"),
        named("who", "Annabel-Zwiebel-28"),
    ]
}

const PROFILE: &str = "schema = 1\nname = \"p\"\nextends = \"generic\"\n[redact]\n\
    paths = [{ path = \"**.who\", mode = \"pseudonym\" }]\nvalues = [\"corp_[a-z]{8}\"]\n";

/// A document with the secret wherever it can stand.
fn document(run_id: &str, planted: &Planted, padding: usize) -> Value {
    let text = &planted.text;
    let field = planted.field.unwrap_or("note");
    let mut metadata = json!({
        "argv": ["train", format!("--x={text}")], "deep": [[{field: text}]], "padding": "x ".repeat(padding),
        "many": (0..padding).map(|at| format!("{at}")).collect::<Vec<_>>(),
    });
    let mut metrics = json!({"auc": 0.5, "detail": {field: text}});
    let mut artifacts = json!([{"path": "m.bin", field: text}]);
    let mut document = json!({"run_id": run_id, "stage": "train"});
    if planted.field.is_none() {
        metadata[text] = json!({"below": 1});
        metrics[text] = json!(0.25);
        artifacts[0]["path"] = json!(text);
        document["sweep"] = json!(text.chars().take(250).collect::<String>());
        document["experiment"] = json!(text);
    } else {
        metadata["argv"] = json!(["train"]);
    }
    document["identity"] = json!({"data": {field: text, "rows": 5}});
    document["factors"] = json!({"loader": {field: text}, "lr": 0.1});
    document["metadata"] = metadata;
    document["metrics"] = metrics;
    document["artifacts"] = artifacts;
    document
}

/// Everything a session said and left behind.
#[derive(Default)]
struct Found {
    heaps: Vec<(String, String)>,
}

impl Found {
    /// Runs a command and keeps what it said.
    fn hear(&mut self, scene: &Scene, arguments: &[&str]) -> i32 {
        let output = scene.quietly(arguments);
        let what = arguments.join(" ");
        self.keep(format!("stdout of {what}"), &output.stdout);
        self.keep(format!("stderr of {what}"), &output.stderr);
        output.status.code().unwrap()
    }

    /// Keeps what is to be searched, in lower case: names of cohorts are.
    fn keep(&mut self, place: String, heap: &[u8]) {
        let heap = String::from_utf8_lossy(heap).to_lowercase();
        self.heaps.push((place, heap));
    }

    /// Reads every file below a folder, as it lies there and as what is within.
    fn dig(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.dig(&path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            if let Ok((_, payload)) = runstone::store::decode(&bytes) {
                self.keep(format!("payload of {}", path.display()), &payload);
            }
            self.keep(path.display().to_string(), &bytes);
        }
    }

    /// Asserts that a secret is nowhere, in whatever case, as it is or as JSON spells it.
    fn has_no(&self, secret: &str) {
        let spelled = Value::from(secret).to_string();
        let spelled = &spelled[1..spelled.len() - 1];
        // A name made safe for files keeps its letters, and not the rest.
        let safe: String = secret
            .chars()
            .map(|it| {
                if it.is_ascii_alphanumeric() || it == '_' {
                    it
                } else {
                    '-'
                }
            })
            .take(20)
            .collect();
        for needle in [secret, spelled, safe.as_str()] {
            let needle = needle.to_lowercase();
            for (place, heap) in &self.heaps {
                assert!(!heap.contains(&needle), "`{needle}` is in {place}");
            }
        }
    }
}

#[test]
fn a_planted_secret_is_in_no_file_and_in_no_answer() {
    let mut scene = Scene::empty();
    scene.file("p.toml", PROFILE);
    assert!(
        scene
            .quietly(&["init", "--profile", "p.toml"])
            .status
            .success()
    );
    scene.at("2026-11-20T10:15:00.000Z");
    let mut found = Found::default();
    let planted = planted();
    for (number, planted) in planted.iter().enumerate() {
        // Small, compressed, and large enough for objects of its own.
        let padding = [0, 3_000, 10_000][number % 3];
        let run = format!("run-{number}");
        scene.file("run.json", document(&run, planted, padding).to_string());
        assert_eq!(found.hear(&scene, &["record", "run.json"]), 0, "{run}");
        for command in [
            vec!["record", "run.json", "--json"],
            vec!["show", "@latest"],
            vec!["show", "@latest", "--json"],
            vec!["diff"],
            vec!["diff", "--json"],
            vec!["explain"],
            vec!["explain", "--json"],
            vec!["profile", "explain", "run.json"],
            vec!["profile", "explain", "run.json", "--json"],
        ] {
            found.hear(&scene, &command);
        }
    }
    for command in [
        vec!["log"],
        vec!["log", "--json"],
        vec!["cohorts"],
        vec!["cohorts", "--json"],
        vec!["diff", "run-1", "run-2"],
        vec!["diff", "run-1", "run-2", "--json"],
        vec!["explain", "run-1", "run-2"],
        vec!["explain", "run-1", "run-2", "--json"],
        vec!["baseline"],
        vec!["verify", "--json"],
    ] {
        found.hear(&scene, &command);
    }
    assert_eq!(found.hear(&scene, &["verify"]), 0);
    found.dig(&scene.project().join(".runstone"));
    assert!(found.heaps.len() > 400);
    for planted in &planted {
        found.has_no(&planted.secret);
    }
    // The search itself finds what is there.
    let is_found = |needle: &str| found.heaps.iter().any(|(_, heap)| heap.contains(needle));
    assert!(is_found("--lr 0.1") && is_found("run-17") && is_found("[redacted]"));
}

#[test]
fn a_refusal_does_not_repeat_the_secret_it_is_about() {
    let mut scene = Scene::empty();
    scene.file("p.toml", PROFILE);
    assert!(
        scene
            .quietly(&["init", "--profile", "p.toml"])
            .status
            .success()
    );
    scene.at("2026-11-20T10:15:00.000Z");
    let mut found = Found::default();
    let base = json!({"run_id": "r", "stage": "train", "metrics": {"auc": 0.5}});
    scene.file("base.json", base.to_string());
    assert_eq!(found.hear(&scene, &["record", "base.json"]), 0);
    let planted = planted();
    for planted in &planted {
        let text = planted.text.as_str();
        let field = planted.field.unwrap_or("note");
        let with = |pointer: &str, value: Value| {
            let mut document = base.clone();
            document[pointer] = value;
            document.to_string()
        };
        scene
            .file("status.json", with("status", json!({field: text})))
            .file("list.json", with("metrics", json!([{field: text}])))
            .file("time.json", with("started_at", json!([{field: text}])))
            .file(
                "samples.json",
                with(
                    "metrics",
                    json!({"l": {"mean": 1, "values": [{field: text}]}}),
                ),
            )
            .file("artifacts.json", with("artifacts", json!([{field: text}])))
            .file("torn.json", format!("{{\"{field}\": {}, oops", json!(text)))
            .file("conflict.json", with("metadata2", json!({field: text})))
            .file("metrics.json", json!({field: text}).to_string());
        let set = format!("metadata.{field}={text}");
        let mut commands = vec![
            vec!["record", "status.json"],
            vec!["record", "status.json", "--json"],
            vec!["record", "list.json"],
            vec!["record", "time.json"],
            vec!["record", "samples.json"],
            vec!["record", "artifacts.json"],
            vec!["record", "torn.json", "--json"],
            vec!["record", "conflict.json"],
            vec!["record", "base.json", "--set", &set],
            vec!["record", "base.json", "--metrics", "metrics.json"],
        ];
        let name = format!("{{{}: 1, {}: 2, }}", json!(text), json!(text));
        if planted.field.is_none() {
            scene
                .file("run.json", with("run_id", json!(format!("r-{text}"))))
                .file("stage.json", with("stage", json!(text)))
                .file("word.json", with("status", json!(text)))
                .file("name.json", name)
                .file("experiment.json", with("experiment", json!(text)))
                .file("sweep.json", with("sweep", json!(text)));
            commands.extend([
                vec!["record", "run.json"],
                vec!["record", "run.json", "--json"],
                vec!["record", "stage.json"],
                vec!["record", "word.json"],
                vec!["record", "base.json", "--run-id", text],
                vec!["record", "base.json", "--stage", text],
                vec!["record", "experiment.json", "--experiment", "other"],
                vec!["record", "sweep.json", "--sweep", "other"],
                vec!["record", "base.json", "--set", text],
            ]);
        }
        for command in &commands {
            // A text without a secret name stays a text: `--set` alone may be recorded as a
            // conflict.
            assert_ne!(found.hear(&scene, command), 0, "{command:?}");
        }
        if planted.field.is_none() {
            // Before a document was read, and beside one, the rules of the profile are known.
            for command in [
                vec!["record", "name.json"],
                vec!["record", "name.json", "--json"],
                vec!["show", text],
                vec!["show", text, "--json"],
                vec!["log", "--cohort", text],
                vec!["log", "--filter", text],
            ] {
                found.hear(&scene, &command);
            }
            // Before the arguments are understood only those are known that are always on.
            if !planted.secret.starts_with("corp_") {
                found.hear(&scene, &["record", "base.json", "--attempt", text]);
            }
        }
    }
    found.dig(&scene.project().join(".runstone"));
    // What was typed stands in the names of the heaps, which are not searched.
    for planted in &planted {
        found.has_no(&planted.secret);
    }
}

/// The secret as a text that says so by itself; none where only a place says it.
fn said(planted: &Planted) -> Option<String> {
    match planted.field {
        None => Some(planted.text.clone()),
        Some("who") => None,
        Some(field) => Some(format!("{field}={}", planted.text)),
    }
}

#[test]
fn what_a_command_a_stream_and_a_note_bring_is_clean_and_so_is_an_export() {
    let mut scene = Scene::empty();
    scene.file("p.toml", PROFILE);
    let init = scene.quietly(&["init", "--profile", "p.toml"]);
    assert!(init.status.success());
    scene.at("2026-11-20T10:15:00.000Z");
    let mut found = Found::default();
    let planted = planted();
    // A stream, in which some are refused.
    let mut stream = String::new();
    for (number, planted) in planted.iter().enumerate() {
        let mut document = document(&format!("streamed-{number}"), planted, 0);
        writeln!(stream, "{document}").unwrap();
        document["status"] = json!({planted.field.unwrap_or("note"): planted.text});
        writeln!(stream, "{document}").unwrap();
    }
    scene.file("all.jsonl", stream);
    assert_eq!(found.hear(&scene, &["record", "all.jsonl"]), 5);
    assert_eq!(found.hear(&scene, &["record", "all.jsonl", "--json"]), 5);
    for (number, planted) in planted.iter().enumerate() {
        let field = planted.field.unwrap_or("note");
        let left = json!({field: planted.text, "rows": 5});
        scene
            .file("left.json", left.to_string())
            .file(
                "metrics.json",
                json!({"auc": 0.5, field: planted.text}).to_string(),
            )
            .file(
                "bad.json",
                json!({"l": {"mean": 1, "values": [left]}}).to_string(),
            );
        let said = said(planted);
        let copy = "/bin/cp left.json $RUNSTONE_RUN_DIR/identity.json; \
            /bin/cp left.json $RUNSTONE_RUN_DIR/factors.json; \
            /bin/cp $0 $RUNSTONE_RUN_DIR/metrics.json";
        // What can be recorded, and what is refused and kept.
        for (metrics, code) in [("metrics.json", 0), ("bad.json", 125)] {
            let run = format!("run-{number}-{code}");
            let mut command = vec!["run", "--run-id", &run, "--stage", "train"];
            let set = said.as_ref().map(|said| format!("metadata.note={said}"));
            if let Some(set) = &set {
                command.extend(["--set", set]);
            }
            command.extend(["--", "/bin/sh", "-c", copy, metrics]);
            command.extend(said.as_deref());
            assert_eq!(found.hear(&scene, &command), code, "{command:?}");
        }
        let Some(said) = &said else { continue };
        let run = format!("run-{number}-0");
        // A text of several lines is no note, and what is wrong with it is said.
        for command in [
            vec!["note", &run, said],
            vec!["tag", &run, said],
            vec!["baseline", "pin", &run, "--why", said],
        ] {
            found.hear(&scene, &command);
        }
    }
    for command in [
        vec!["export", "--jsonl", "-"],
        vec!["export", "--csv", "-"],
        vec!["log", "-n", "0", "--format", "csv"],
        vec!["show", "run-1-0"],
        vec!["baseline", "show", "--json"],
        vec!["verify"],
    ] {
        assert_eq!(found.hear(&scene, &command), 0, "{command:?}");
    }
    let store = scene.project().join(".runstone");
    found.dig(&store);
    for planted in &planted {
        found.has_no(&planted.secret);
    }
    // Everything that was to be searched is there.
    for (room, needle) in [
        ("/.runstone/runs/", "run-17-0"),
        ("/.runstone/refused/", "run-17-125"),
        ("/log/", "streamed-17"),
        ("/notes/", "[redacted]"),
        ("stdout of export --csv", "streamed-17"),
    ] {
        let mut searched = found.heaps.iter().filter(|(place, _)| place.contains(room));
        let is_there = searched.any(|(_, heap)| heap.contains(needle));
        assert!(is_there, "{needle} is not in {room}");
    }
}
