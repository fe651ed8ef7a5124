//! What cannot be recorded is kept, whatever stands in the way, and without its secrets.

use serde_json::{Value, json};

use super::{finish, finished, folder, pasted, printed, put_back, refused_files, write};
use crate::scene::Scene;
use crate::started::{newest, run};

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
fn attachment_that_was_collected_meanwhile_is_named_and_asked_for() {
    let scene = Scene::with_store(&[]);
    // Where no store keeps it, `gc` does not know what it names.
    let script = r#"echo '{"auc": NaN}' > "$RUNSTONE_RUN_DIR/metrics.json"
        mkdir "$RUNSTONE_RUN_DIR/artifacts"; echo m > "$RUNSTONE_RUN_DIR/artifacts/m"
        rmdir .runstone/refused; touch .runstone/refused"#;
    let attached = ["--run-id", "r1", "--attach", "artifacts/m"];
    let came = run(&scene, &attached, script);
    assert_eq!(came.code, Some(125), "{}", came.stderr);
    let folder = folder(&came);
    let arguments = finish(&came);
    assert_eq!(arguments[2], folder.join("refused.json").to_str().unwrap());
    write(&folder.join("metrics.json"), r#"{"auc": 0.5}"#);
    let store = scene.project().join(".runstone");
    std::fs::remove_file(store.join("refused")).unwrap();
    std::fs::create_dir(store.join("refused")).unwrap();
    std::fs::remove_dir_all(store.join("objects")).unwrap();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let refused = scene.quietly(&words);
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(
        told.contains("attachment `m`") && told.contains("--attach"),
        "{told}"
    );
    assert!(folder.join("refused.json").exists());
    // Another run stores it, as the hint says.
    let file = folder.join("artifacts/m");
    let other = ["--run-id", "r2", "--attach", file.to_str().unwrap()];
    assert_eq!(run(&scene, &other, "true").code, Some(0));
    assert_eq!(finished(&scene, &arguments)["recorded"], "new");
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
