//! What cannot be recorded is kept, and the command that is printed finishes it.

use serde_json::{Value, json};

use crate::scene::Scene;
use crate::started::{Came, newest, run};

/// Returns the arguments of the command that finishes a run, as they were printed.
fn finish(came: &Came) -> Vec<String> {
    let line = came
        .stderr
        .lines()
        .find(|line| line.contains("runstone record --refused"));
    assert!(line.is_some(), "no such line in: {}", came.stderr);
    let (_, command) = line.unwrap().split_once("runstone ").unwrap();
    command.split(' ').map(str::to_owned).collect()
}

/// Does what the printed line says, pasted into a shell of another directory.
fn pasted(scene: &Scene, line: &str) -> Value {
    let binary = scene.command(&[]).get_program().to_owned();
    let folder = std::path::Path::new(&binary).parent().unwrap().to_owned();
    let script = format!("PATH={}:$PATH; {line} --json", folder.display());
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir("/")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{line}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns the line that finishes a run, as it was printed.
fn printed(came: &Came) -> &str {
    let mut lines = came.stderr.lines().map(str::trim);
    let line = lines.find(|line| line.starts_with("runstone record "));
    assert!(line.is_some(), "no such line in: {}", came.stderr);
    line.unwrap()
}

/// Returns where the run directory was kept.
fn folder(came: &Came) -> std::path::PathBuf {
    let (_, rest) = came.stderr.split_once("is kept in ").unwrap();
    rest.lines().next().unwrap().into()
}

/// Puts the copy of a store in its place.
fn put_back(project: &std::path::Path) {
    let back = std::process::Command::new("sh")
        .args(["-c", "rm -rf .runstone; mv copy .runstone"])
        .current_dir(project)
        .status();
    assert!(back.unwrap().success());
}

fn finished(scene: &Scene, command: &[String]) -> Value {
    let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    scene.json(&arguments)
}

fn refused_files(scene: &Scene) -> usize {
    std::fs::read_dir(scene.project().join(".runstone/refused")).map_or(0, Iterator::count)
}

fn write(path: &std::path::Path, text: &str) {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
}

#[test]
fn illegal_metrics_after_an_hour_lose_nothing() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"auc": 0.5, "loss": NaN}' > "$RUNSTONE_RUN_DIR/metrics.json"
        echo '{"rows": 7}' > "$RUNSTONE_RUN_DIR/identity.json"
        mkdir "$RUNSTONE_RUN_DIR/artifacts"; echo m > "$RUNSTONE_RUN_DIR/artifacts/m""#;
    let came = run(&scene, &["--run-id", "r1", "--factor", "lr=0.1"], script);
    assert_eq!(came.code, Some(125));
    assert!(
        came.stderr.contains("send it as the text \"NaN\""),
        "{}",
        came.stderr
    );
    assert_eq!(scene.json(&["log"])["snapshots"], json!([]));
    assert_eq!(scene.json(&["log"])["under_way"], json!([]));
    let folder = folder(&came);
    // Again before the cause is mended: the same error, and nothing is lost.
    let arguments = finish(&came);
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    assert_eq!(scene.quietly(&words).status.code(), Some(2));
    assert_eq!(refused_files(&scene), 1);
    write(
        &folder.join("metrics.json"),
        r#"{"auc": 0.5, "loss": "NaN"}"#,
    );
    assert_eq!(finished(&scene, &arguments)["recorded"], "new");
    let shown = newest(&scene);
    assert_eq!(shown["run_id"], "r1");
    assert_eq!(shown["metrics"], json!({"auc": 0.5, "loss": "NaN"}));
    assert_eq!(shown["factors"]["settings"], json!({"lr": 0.1}));
    assert_eq!(shown["artifacts"][0]["path"], "m");
    assert_eq!(shown["process"]["value"]["exit_code"], 0);
    assert_eq!(shown["finished_at"], "2026-11-20T10:00:00Z");
    assert_eq!(refused_files(&scene), 0);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_file_that_names_another_run_is_refused_with_both_names() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"run_id": "r0", "auc": 1}' > "$RUNSTONE_RUN_DIR/metrics.json""#;
    let came = run(&scene, &["--run-id", "r1"], script);
    assert_eq!(came.code, Some(125));
    assert!(
        came.stderr
            .contains("is of run_id `r0`, and this run's is `r1`"),
        "{}",
        came.stderr
    );
    // Without the file the run is recorded as it is.
    let folder = folder(&came);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(finished(&scene, &finish(&came))["recorded"], "new");
    assert_eq!(newest(&scene)["metrics"], json!({}));
}

#[test]
fn several_unreadable_files_are_all_named_and_join_where_they_belong() {
    let scene = Scene::with_store(&[]);
    let script = r#"cd "$RUNSTONE_RUN_DIR"; echo '[1]' > metrics.json
        ln -s metrics.json identity.json; mkdir factors.json; exit 4"#;
    let came = run(&scene, &["--identity", "a.b=1", "--stage", "s"], script);
    assert_eq!(came.code, Some(4), "{}", came.stderr);
    for words in [
        "metrics.json` holds a list, an object is wanted",
        "hint: write one JSON object there",
        "identity.json` is a symbolic link",
        "factors.json` is no ordinary file",
    ] {
        assert!(came.stderr.contains(words), "{words}: {}", came.stderr);
    }
    let folder = folder(&came);
    std::fs::remove_file(folder.join("identity.json")).unwrap();
    std::fs::remove_dir(folder.join("factors.json")).unwrap();
    write(&folder.join("metrics.json"), r#"{"auc": 1}"#);
    write(&folder.join("identity.json"), r#"{"a": {"b": 2, "c": 3}}"#);
    write(&folder.join("factors.json"), r#"{"lr": 1}"#);
    assert_eq!(finished(&scene, &finish(&came))["recorded"], "new");
    let document = newest(&scene)["document"].clone();
    assert_eq!(document["identity"], json!({"a": {"b": 1, "c": 3}}));
    assert_eq!(document["factors"], json!({"lr": 1}));
    assert_eq!(document["status"], "failed");
    std::fs::remove_dir_all(folder).unwrap();
}

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
fn a_store_that_takes_nothing_more_costs_nothing_either() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"auc": 1}' > "$RUNSTONE_RUN_DIR/metrics.json"
        cp -a .runstone copy; rm -rf .runstone/*; touch .runstone/refused"#;
    let came = run(&scene, &["--run-id", "r1"], script);
    assert_eq!(came.code, Some(125), "{}", came.stderr);
    let folder = folder(&came);
    let arguments = finish(&came);
    assert_eq!(arguments[2], folder.join("refused.json").to_str().unwrap());
    let project = scene.project();
    std::fs::remove_dir_all(project.join(".runstone")).unwrap();
    let back = std::process::Command::new("mv")
        .args(["copy", ".runstone"])
        .current_dir(&project)
        .status();
    assert!(back.unwrap().success());
    assert_eq!(finished(&scene, &arguments)["recorded"], "new");
    assert_eq!(newest(&scene)["metrics"], json!({"auc": 1}));
    assert!(!folder.join("refused.json").exists());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_store_that_was_moved_while_the_command_ran_takes_the_run_where_it_is() {
    let scene = Scene::with_store(&[]);
    let came = run(&scene, &["--run-id", "r1"], "mv .runstone elsewhere");
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    let moved = scene.project().join("elsewhere");
    let shown = scene.json(&["--store", moved.to_str().unwrap(), "show", "r1"]);
    assert_eq!(shown["snapshot"]["status"], "finished");
    // What cannot be recorded is finished where it is, too.
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"auc": NaN}' >"$RUNSTONE_RUN_DIR/metrics.json"; mv .runstone elsewhere"#;
    let came = run(&scene, &["--run-id", "r2"], script);
    std::fs::remove_file(folder(&came).join("metrics.json")).unwrap();
    assert_eq!(pasted(&scene, printed(&came))["recorded"], "new");
}

#[test]
fn secrets_are_kept_neither_in_a_snapshot_nor_in_what_was_refused() {
    let scene = Scene::with_store(&[]);
    let secret = "hunter2hunter2";
    let url = format!("https://me:{secret}@host/x");
    for (id, script) in [
        ("recorded", "true".to_owned()),
        (
            "refused",
            r#"echo NaN > "$RUNSTONE_RUN_DIR/metrics.json""#.to_owned(),
        ),
    ] {
        let script = format!("{script}; : {url} --password={secret}");
        let options = ["--run-id", id, "--factor", &format!("source={url}")];
        run(&scene, &options, &script);
    }
    assert_eq!(refused_files(&scene), 1);
    let found = std::process::Command::new("grep")
        .args(["-r", "-a", secret, ".runstone"])
        .current_dir(scene.project())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    let shown = scene.json(&["show", "recorded"]).to_string();
    assert!(!shown.contains(secret), "{shown}");
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
fn what_was_refused_is_kept_by_the_rules_of_its_own_profile() {
    let scene = Scene::with_store(&[]);
    scene.file(
        "own.toml",
        "schema = 1\nname = \"own\"\nextends = \"generic\"\n\
         [redact]\npaths = [{ path = \"process.host\", mode = \"drop\" }]\n\
         values = [\"corp_[a-z]{8}\"]\n",
    );
    let script = r#": corp_argument; echo NaN > "$RUNSTONE_RUN_DIR/metrics.json""#;
    let options = ["--profile", "own.toml", "--factor", "who=corp_settings"];
    let came = run(&scene, &options, script);
    assert_eq!(came.code, Some(125), "{}", came.stderr);
    assert_eq!(refused_files(&scene), 1, "{}", came.stderr);
    let kept = std::process::Command::new("sh")
        .args(["-c", "cat .runstone/refused/*.json"])
        .current_dir(scene.project())
        .output()
        .unwrap();
    let kept = String::from_utf8(kept.stdout).unwrap();
    for secret in ["corp_settings", "corp_argument"] {
        assert!(!kept.contains(secret), "{kept}");
    }
    assert!(!kept.contains("\"host\""), "{kept}");
    std::fs::remove_dir_all(folder(&came)).unwrap();
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
fn a_name_that_is_no_refused_run_is_told_so() {
    let scene = Scene::with_store(&[]);
    scene
        .file("other.json", "{}")
        .file("torn.json", r#"{"schema":"runstone.refused/1","nonce":"#)
        .file("later.json", r#"{"schema":"runstone.refused/2"}"#);
    for (name, code) in [
        ("0123", 3),
        ("./missing.json", 2),
        ("./other.json", 2),
        ("./torn.json", 8),
        ("./later.json", 6),
    ] {
        let output = scene.quietly(&["record", "--refused", name]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}: {stderr}");
    }
    let output = scene.quietly(&["record", "other.json", "--refused", "x"]);
    assert_eq!(output.status.code(), Some(2));
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
fn a_run_that_can_be_kept_nowhere_is_printed_and_can_be_recorded_of_that() {
    let scene = Scene::with_store(&[]);
    let secret = "hunter2hunter2";
    let script = r#"echo '{"auc": 1}' > "$RUNSTONE_RUN_DIR/metrics.json"
        cp -a .runstone copy; rm -rf .runstone/*; touch .runstone/refused
        rm -rf "$RUNSTONE_RUN_DIR""#;
    let source = format!("source=https://me:{secret}@host/x");
    let options = ["--run-id", "r1", "--attempt", "next", "--factor", &source];
    let came = run(&scene, &options, script);
    assert_eq!(came.code, Some(125), "{}", came.stderr);
    assert!(!came.stderr.contains("is kept in"), "{}", came.stderr);
    assert!(!came.stderr.contains(secret), "{}", came.stderr);
    assert!(
        came.stderr
            .contains("could be kept neither in the store nor in")
    );
    let last = came.stderr.lines().last().unwrap();
    let kept: Value = serde_json::from_str(last).unwrap();
    assert_eq!(kept["document"]["run_id"], "r1");
    let project = scene.project();
    put_back(&project);
    scene.file("kept", last);
    let file = project.join("kept");
    let recorded = pasted(&scene, &format!("<{} {}", file.display(), printed(&came)));
    assert_eq!(recorded["recorded"], "new");
    let shown = newest(&scene);
    assert_eq!(shown["finished_at"], "2026-11-20T10:00:00Z");
    assert_eq!(shown["process"]["value"]["exit_code"], 0);
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
fn what_is_kept_beside_the_store_is_finished_however_large_it_is() {
    let scene = Scene::with_store(&[]);
    // Two files that are legal each, and more than one document may have together.
    let script = r#"cd "$RUNSTONE_RUN_DIR"; text=$(head -c 9000000 /dev/zero | tr '\0' x)
        printf '{"text": "%s"}' "$text" > factors.json
        printf '{"text": "%s"}' "$text" > identity.json; echo '{"auc": NaN}' > metrics.json
        cd - >/dev/null; cp -a .runstone copy; rm -rf .runstone/*; touch .runstone/refused"#;
    let came = run(&scene, &["--run-id", "r1"], script);
    assert_eq!(came.code, Some(125), "{}", came.stderr);
    put_back(&scene.project());
    write(&folder(&came).join("metrics.json"), r#"{"auc": 0.5}"#);
    let recorded = pasted(&scene, printed(&came));
    assert_eq!(recorded["recorded"], "new");
    assert_eq!(newest(&scene)["metrics"], json!({"auc": 0.5}));
}

#[test]
fn a_run_directory_whose_path_is_no_text_costs_its_files_nothing() {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let runstone = env!("CARGO_BIN_EXE_runstone");
    for breaks in ["", "rm -rf .runstone/*; touch .runstone/refused"] {
        let scene = Scene::with_store(&[]);
        let project = scene.project();
        let folder = std::ffi::OsString::from_vec(b"tmp-\xff".to_vec());
        let temporary = project.join(&folder);
        std::fs::create_dir(&temporary).unwrap();
        let script = format!(
            r#"echo '{{"auc": NaN}}' >"$RUNSTONE_RUN_DIR/metrics.json"; cp -a .runstone copy; {breaks}"#
        );
        let output = std::process::Command::new(runstone)
            .args(["run", "--run-id", "r1", "--", "sh", "-c", &script])
            .env("TMPDIR", &temporary)
            .current_dir(&project)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(125), "{stderr}");
        if !breaks.is_empty() {
            put_back(&project);
        }
        let mend = "echo '{\"auc\": 0.5}' >tmp-*/runstone-run-*/metrics.json";
        let mut lines = stderr.lines().map(str::trim);
        let line = lines.find(|it| it.starts_with("runstone record"));
        let bin = std::path::Path::new(runstone).parent().unwrap();
        let script = format!("{mend}; PATH={}:$PATH; {}", bin.display(), line.unwrap());
        // What is quoted as `$'…'` takes bash.
        let output = std::process::Command::new("bash")
            .args([
                std::ffi::OsStr::new("-c"),
                std::ffi::OsStr::from_bytes(script.as_bytes()),
            ])
            .current_dir(&project)
            .output()
            .unwrap();
        assert!(output.status.success(), "{script}: {output:?}");
        assert_eq!(newest(&scene)["metrics"], json!({"auc": 0.5}));
    }
}

#[test]
fn a_file_that_the_command_left_is_not_overwritten_by_what_is_kept() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo mine > "$RUNSTONE_RUN_DIR/refused.json"
        cp -a .runstone copy; rm -rf .runstone/*; touch .runstone/refused"#;
    let came = run(&scene, &["--run-id", "r1"], script);
    let folder = folder(&came);
    assert_eq!(
        std::fs::read_to_string(folder.join("refused.json")).unwrap(),
        "mine\n"
    );
    let arguments = finish(&came);
    assert!(arguments[2].starts_with(folder.join("refused-").to_str().unwrap()));
    assert!(std::path::Path::new(&arguments[2]).is_file());
    let names = std::fs::read_dir(&folder).unwrap();
    assert_eq!(names.count(), 2, "a temporary file stays");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn no_name_names_the_only_refused_run_and_an_unknown_one_says_where_to_look() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"auc": NaN}' > "$RUNSTONE_RUN_DIR/metrics.json""#;
    let came = run(&scene, &[], script);
    std::fs::remove_dir_all(folder(&came)).unwrap();
    for (name, code) in [("", 2), ("zz", 3)] {
        let output = scene.quietly(&["record", "--refused", name]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}: {stderr}");
        assert!(
            stderr.contains("`runstone log` lists the refused runs"),
            "{stderr}"
        );
        assert!(stderr.contains("refused/"), "{stderr}");
    }
    assert_eq!(refused_files(&scene), 1);
}

#[test]
fn the_json_answer_says_where_a_refused_run_is_and_what_finishes_it() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"auc": NaN}' > "$RUNSTONE_RUN_DIR/metrics.json"
        echo '[]' > "$RUNSTONE_RUN_DIR/factors.json""#;
    let came = run(&scene, &["--json"], script);
    assert_eq!(came.code, Some(125));
    assert_eq!(came.stderr.trim().lines().count(), 1, "{}", came.stderr);
    let answer: Value = serde_json::from_str(&came.stderr).unwrap();
    assert_eq!(answer["schema"], "runstone.run/1");
    assert_eq!(answer["recorded"], "refused");
    let error = &answer["error"];
    assert_eq!(error["code"], "document_unreadable");
    let details = error["details"].to_string();
    assert!(details.contains("factors.json"), "{details}");
    let refused = &error["refused"];
    let kept = std::fs::read(refused["path"].as_str().unwrap()).unwrap();
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(kept["schema"], "runstone.refused/1");
    assert_eq!(refused["document"], Value::Null);
    std::fs::remove_dir_all(refused["run_directory"].as_str().unwrap()).unwrap();
    let recorded = pasted(&scene, refused["command"].as_str().unwrap());
    assert_eq!(recorded["recorded"], "new");
}

#[test]
fn the_log_lists_refused_runs_with_what_finishes_them() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"auc": NaN}' > "$RUNSTONE_RUN_DIR/metrics.json"; exit 3"#;
    for id in ["r1", "r2"] {
        let came = run(&scene, &["--run-id", id, "--stage", "train"], script);
        std::fs::remove_dir_all(folder(&came)).unwrap();
    }
    scene.file(".runstone/refused/torn.json", "{");
    let page = scene.json(&["log"]);
    let rows = page["refused"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    let row = rows.iter().find(|row| row["run_id"] == "r1").unwrap();
    assert_eq!(
        (&row["stage"], &row["status"]),
        (&json!("train"), &json!("failed"))
    );
    assert_eq!(row["finished_at"], "2026-11-20T10:00:00.000Z");
    assert!(
        row["reason"]
            .as_str()
            .unwrap()
            .contains("metrics.json` cannot be read")
    );
    let warnings = page["warnings"].to_string();
    assert!(warnings.contains("`refused/torn.json`"), "{warnings}");
    let said = scene.quietly(&["log"]).stderr;
    let said = String::from_utf8(said).unwrap();
    let name = row["name"].as_str().unwrap();
    for words in [
        "refused: r1:train, ended",
        &format!("runstone record --refused {name}\n"),
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    for other in [&["--stage", "eval"][..], &["--status", "failed"]] {
        let page = scene.json(&[&["log"], other].concat());
        assert_eq!(page["refused"], json!([]), "{other:?}");
    }
    assert_eq!(
        scene.json(&["record", "--refused", name])["recorded"],
        "new"
    );
    let left = scene.json(&["log"])["refused"].clone();
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["run_id"], "r2");
}

#[test]
fn a_copy_of_a_refused_run_is_listed_found_and_removed_by_its_own_name() {
    let scene = Scene::with_store(&[]);
    let script = r#"echo '{"auc": NaN}' > "$RUNSTONE_RUN_DIR/metrics.json""#;
    let came = run(&scene, &["--run-id", "r1"], script);
    std::fs::remove_dir_all(folder(&came)).unwrap();
    let original = finish(&came)[2].clone();
    let kept = scene.project().join(".runstone/refused");
    let copied = std::process::Command::new("sh")
        .args([
            "-c",
            "cp *.json zz.json; for f in [0-9a-f]*.json; do cp $f ${f%.json}-b.json; done",
        ])
        .current_dir(&kept)
        .status();
    assert!(copied.unwrap().success());
    let names = || -> Vec<String> {
        let rows = scene.json(&["log"])["refused"].as_array().unwrap().clone();
        let mut names: Vec<String> = rows
            .iter()
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let listed = names();
    assert_eq!(listed.len(), 3, "{listed:?}");
    // Each name leads to its own file, though one begins as another does.
    for (left, name) in listed.iter().enumerate().rev() {
        scene.json(&["record", "--refused", name]);
        assert_eq!(names().len(), left, "{name}");
        assert!(!kept.join(format!("{name}.json")).exists(), "{name}");
    }
    assert!(listed.iter().any(|name| name.starts_with(&original)));
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

#[test]
fn the_json_answer_names_paths_that_a_rule_of_redaction_finds_elsewhere() {
    let scene = Scene::with_store(&[]);
    scene.file(
        "own.toml",
        "schema = 1\nname = \"own\"\nextends = \"generic\"\n[redact]\nvalues = [\"project/[.]runstone\", \"runstone-run-[a-zA-Z0-9]{6}\"]\n",
    );
    let script = r#"echo '{"auc": NaN}' > "$RUNSTONE_RUN_DIR/metrics.json""#;
    let came = run(&scene, &["--json", "--profile", "own.toml"], script);
    let answer: Value = serde_json::from_str(&came.stderr).unwrap();
    let error = &answer["error"];
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("[redacted]"), "{message}");
    let refused = &error["refused"];
    assert!(std::path::Path::new(refused["path"].as_str().unwrap()).is_file());
    std::fs::remove_dir_all(refused["run_directory"].as_str().unwrap()).unwrap();
    let recorded = pasted(&scene, refused["command"].as_str().unwrap());
    assert_eq!(recorded["recorded"], "new");
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

#[test]
fn what_names_another_run_at_length_and_what_is_empty_are_refused_in_a_few_lines() {
    let scene = Scene::with_store(&[]);
    let script = r#"cd "$RUNSTONE_RUN_DIR"; : > identity.json
        { printf '{"run_id": "'; head -c 300000 /dev/zero | tr '\0' x; echo '"}'; } > metrics.json"#;
    let came = run(&scene, &["--run-id", "r1"], script);
    assert_eq!(came.code, Some(125));
    assert!(
        came.stderr.contains("identity.json` is empty"),
        "{}",
        came.stderr
    );
    assert!(!came.stderr.contains("and `stage`"), "{}", came.stderr);
    assert!(came.stderr.len() < 2000, "{}", came.stderr.len());
    assert!(came.stderr.contains("xx…xx"), "{}", came.stderr);
    let listed = scene.quietly(&["log"]).stderr;
    assert!(listed.len() < 2000, "{}", listed.len());
    std::fs::remove_dir_all(folder(&came)).unwrap();
}

#[test]
fn a_refused_file_that_two_finish_at_once_is_not_said_to_stay() {
    let scene = Scene::with_store(&[]);
    let script = "cp -a .runstone copy; rm -rf .runstone/*; touch .runstone/refused";
    let came = run(&scene, &["--run-id", "r1"], script);
    let folder = folder(&came);
    let back = std::process::Command::new("sh")
        .args(["-c", "rm -rf .runstone; mv copy .runstone"])
        .current_dir(scene.project())
        .status();
    assert!(back.unwrap().success());
    // The profile that is named is a pipe: its reader has the refused file by then, and the other
    // removes it before the rules come.
    let made = std::process::Command::new("mkfifo")
        .arg(scene.project().join("rules.toml"))
        .status();
    assert!(made.unwrap().success());
    let mut arguments = finish(&came);
    arguments.extend(["--profile".to_owned(), "./rules.toml".to_owned()]);
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let first = scene
        .command(&words)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Opening it waits for the reader.
    let mut options = std::fs::OpenOptions::new();
    let pipe = options.write(true).open(scene.project().join("rules.toml"));
    let mut pipe = pipe.unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let rules = b"schema = 1\nname = \"own\"\nextends = \"generic\"\n";
    std::io::Write::write_all(&mut pipe, rules).unwrap();
    drop(pipe);
    let first = first.wait_with_output().unwrap();
    let said = String::from_utf8(first.stderr).unwrap();
    assert_eq!(first.status.code(), Some(0), "{said}");
    assert!(!said.contains("stays"), "{said}");
}

#[test]
fn a_link_in_the_place_of_the_run_directory_is_followed_by_nobody_unasked() {
    let scene = Scene::with_store(&[]);
    let script = r#"mkdir -p out/artifacts; echo '{"auc": 1}' > out/metrics.json
        echo m > out/artifacts/m; rm -r "$RUNSTONE_RUN_DIR"; ln -s "$PWD/out" "$RUNSTONE_RUN_DIR""#;
    let came = run(
        &scene,
        &["--run-id", "r1", "--attach", "artifacts/m"],
        script,
    );
    assert_eq!(came.code, Some(125), "{}", came.stderr);
    for words in [
        "metrics.json` lies behind a link in the place of the run directory",
        "is a link and is not followed: no artifact is listed",
        "`--attach artifacts/m` is left out: it leads through a link",
        "hint: see where the link leads",
    ] {
        assert!(came.stderr.contains(words), "{words}: {}", came.stderr);
    }
    assert!(!came.stderr.contains("factors.json"), "{}", came.stderr);
    // Whoever finishes it has seen where it leads.
    assert_eq!(finished(&scene, &finish(&came))["recorded"], "new");
    assert_eq!(newest(&scene)["metrics"], json!({"auc": 1}));
    assert_eq!(newest(&scene)["artifacts"], json!([]));
    // Without a file to be read there is nothing to refuse, and what it leads to is left alone.
    let script = r#"rm -r "$RUNSTONE_RUN_DIR"; ln -s "$PWD/kept" "$RUNSTONE_RUN_DIR""#;
    std::fs::create_dir(scene.project().join("kept")).unwrap();
    scene.file("kept/f", "");
    let came = run(&scene, &["--run-id", "r2"], script);
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    assert!(scene.project().join("kept/f").exists());
}
