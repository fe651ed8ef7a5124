//! Whatever a command does to its watcher, the watcher keeps its memory, its head and the run.

use crate::scene::Scene;
use crate::started::{newest, run};

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
fn a_file_that_is_finished_by_what_the_command_left_behind_is_taken_as_it_becomes() {
    let scene = Scene::with_store(&[]);
    for (id, start) in [("r1", ""), ("r2", "setsid ")] {
        let script = format!(
            r#"cd "$RUNSTONE_RUN_DIR"; printf '{{"auc": 0.5' > metrics.json
            {start}sh -c 'sleep 0.15; echo ", \"loss\": 1}}" >> metrics.json' >/dev/null 2>&1 &"#
        );
        let came = run(&scene, &["--run-id", id], &script);
        assert_eq!(came.code, Some(0), "{start}: {}", came.stderr);
        let metrics = &scene.json(&["show", id])["snapshot"]["metrics"];
        assert_eq!(metrics, &serde_json::json!({"auc": 0.5, "loss": 1}));
    }
}

#[test]
fn a_file_that_is_written_again_and_again_is_refused_and_stays_for_its_writer() {
    let scene = Scene::with_store(&[]);
    // Each of the files is legal; only that they go on changing tells that none is the last.
    let script = r#"cd "$RUNSTONE_RUN_DIR"; echo '{"auc": 0.0}' > metrics.json
        (while sleep 0.1; do
            echo '{"auc": 0.1}' > new; mv new metrics.json
        done) >/dev/null 2>&1 & echo $!"#;
    let came = run(&scene, &["--run-id", "r1"], script);
    let left = rustix::process::Pid::from_raw(came.stdout.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(left, rustix::process::Signal::KILL).unwrap();
    assert_eq!(came.code, Some(125), "{}", came.stderr);
    for words in ["is still being written", "is kept in"] {
        assert!(came.stderr.contains(words), "{words}: {}", came.stderr);
    }
    assert_eq!(scene.quietly(&["show", "r1"]).status.code(), Some(3));
}

#[test]
fn a_command_that_removes_its_run_directory_has_cleared_up_after_itself() {
    let scene = Scene::with_store(&[]);
    let came = run(&scene, &[], r#"rm -r "$RUNSTONE_RUN_DIR""#);
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    assert!(!came.stderr.contains("removed"), "{}", came.stderr);
}
