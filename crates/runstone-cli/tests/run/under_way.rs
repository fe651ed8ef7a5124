//! A run says that it is under way, and is never taken for something else when it vanishes.

use std::os::unix::process::ExitStatusExt as _;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::started::{Started, newest, run};

/// A script that waits for a line in the pipe `go`, started and at work.
fn at_work(scene: &Scene, options: &[&str]) -> Started {
    let fifo = scene.project().join("go");
    if !fifo.exists() {
        let made = std::process::Command::new("mkfifo").arg(fifo).status();
        assert!(made.unwrap().success());
    }
    let mut started = Started::new(scene, options, "echo at work; read word < go; echo $word");
    assert_eq!(started.line(), "at work");
    started
}

fn under_way(scene: &Scene) -> Value {
    scene.json(&["log"])["under_way"].clone()
}

#[test]
fn a_run_is_under_way_until_it_is_recorded() {
    let scene = Scene::with_store(&[]);
    let started = at_work(&scene, &["--run-id", "r1", "--stage", "train"]);
    let row = under_way(&scene)[0].clone();
    assert_eq!(row["run_id"], "r1");
    assert_eq!(row["stage"], "train");
    assert_eq!(row["state"], "unfinished");
    assert_eq!(row["started_at"], "2026-11-20T10:00:00.000Z");
    assert!(row["host"].is_string());
    let text = String::from_utf8(scene.quietly(&["log"]).stderr).unwrap();
    assert!(text.contains("under way: r1:train on "), "{text}");
    assert_eq!(
        scene.json(&["log", "--stage", "eval"])["under_way"],
        json!([])
    );
    scene.file("go", "done\n");
    assert_eq!(started.end().code, Some(0));
    assert_eq!(under_way(&scene), json!([]));
    let left = std::fs::read_dir(scene.project().join(".runstone/started"));
    assert_eq!(left.map_or(0, Iterator::count), 0);
}

#[test]
fn a_run_whose_wrapper_was_killed_is_lost_and_is_recorded_by_nobody_else() {
    let scene = Scene::with_store(&[]);
    let started = at_work(&scene, &["--run-id", "r1", "--stage", "train"]);
    let status = started.killed();
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()));
    let row = under_way(&scene)[0].clone();
    assert_eq!(
        (row["run_id"].as_str(), row["state"].as_str()),
        (Some("r1"), Some("lost"))
    );
    assert_eq!(scene.json(&["log"])["snapshots"], json!([]));
    // The command itself goes on, as it would without its wrapper.
    scene.file("go", "done\n");
    // The same run again is free to begin, and then nobody asks for the lost one any more.
    let came = run(&scene, &["--run-id", "r1", "--stage", "train"], "true");
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    assert_eq!(under_way(&scene), json!([]));
}

#[test]
fn the_second_of_two_wrappers_with_one_run_id_is_refused_before_it_starts() {
    let scene = Scene::with_store(&[]);
    let first = at_work(&scene, &["--run-id", "r1", "--stage", "train"]);
    let own = ["--run-id", "r1", "--stage", "train"];
    // It is seen at work, so nobody is believed who says that it is gone.
    for more in [&[][..], &["--attempt", "next", "--set", "metrics.a=1"]] {
        let second = run(&scene, &[&own, more].concat(), "echo STARTED");
        assert_eq!((second.code, second.stdout.as_str()), (Some(125), ""));
        let pid = first.pid().as_raw_nonzero();
        for words in [
            "error: run `r1` stage `train` is under way on `",
            &format!("` (process {pid}) since 2026-11-20T10:00:00.000Z"),
            "hint: wait for it (`runstone log` lists it), or name another run with `--run-id`",
        ] {
            assert!(second.stderr.contains(words), "{}", second.stderr);
        }
    }
    for (options, what) in [
        (&["--run-id", "r1", "--stage", "eval"][..], "another stage"),
        (&["--run-id", "r2", "--stage", "train"], "another run"),
        (
            &[&own[..], &["--identity", "symbol=X"]].concat(),
            "another identity",
        ),
    ] {
        let other = run(&scene, options, "true");
        assert_eq!(other.code, Some(0), "{what}: {}", other.stderr);
    }
    scene.file("go", "done\n");
    let first = first.end();
    assert_eq!(first.code, Some(0), "{}", first.stderr);
}

#[test]
fn of_two_wrappers_in_one_job_that_are_at_work_at_once_one_goes_on() {
    for job in [
        &[("SLURM_JOB_ID", "4711")][..],
        &[("SLURM_JOB_ID", "4711"), ("SLURM_RESTART_COUNT", "1")],
        &[("PBS_JOBID", "4711.head")],
        &[("CI_PIPELINE_ID", "4711"), ("CI_JOB_NAME", "fit")],
    ] {
        let scene = Scene::with_store(&[]);
        let fifo = scene.project().join("go");
        let made = std::process::Command::new("mkfifo").arg(fifo).status();
        assert!(made.unwrap().success());
        let script = "echo STARTED; read word < go";
        let options = ["--stage", "train"];
        let mut first = Started::within(&scene, job, &options, script);
        assert_eq!(first.line(), "STARTED");
        let second = Started::within(&scene, job, &options, "echo STARTED").end();
        assert_eq!(
            (second.code, second.stdout.as_str()),
            (Some(125), ""),
            "{job:?}"
        );
        assert!(
            second.stderr.contains("is under way on"),
            "{}",
            second.stderr
        );
        // A wrapper that was killed is out of the way, and the job may try again.
        first.killed();
        let third = Started::within(&scene, job, &options, "true").end();
        assert_eq!(third.code, Some(0), "{job:?}: {}", third.stderr);
        scene.file("go", "done\n");
    }
}

#[test]
fn of_many_wrappers_with_one_run_id_at_once_one_starts() {
    let scene = Scene::with_store(&[]);
    let fifo = scene.project().join("go");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let options = ["--run-id", "r1", "--stage", "train"];
    let script = "echo STARTED; read word < go";
    let mut started: Vec<Started> = (0..8)
        .map(|_| Started::new(&scene, &options, script))
        .collect();
    // Those that were refused have closed their stdout; the one that runs says so.
    let lines: Vec<String> = started.iter_mut().map(Started::line).collect();
    assert_eq!(
        lines.iter().filter(|line| *line == "STARTED").count(),
        1,
        "{lines:?}"
    );
    scene.file("go", "done\n");
    let codes: Vec<Option<i32>> = started.into_iter().map(|one| one.end().code).collect();
    assert_eq!(
        codes.iter().filter(|code| **code == Some(0)).count(),
        1,
        "{codes:?}"
    );
    assert_eq!(
        codes.iter().filter(|code| **code == Some(125)).count(),
        7,
        "{codes:?}"
    );
    assert_eq!(newest(&scene)["run_id"], "r1");
}

#[test]
fn what_a_scheduler_calls_its_job_is_redacted_in_the_notice_as_in_the_snapshot() {
    let scene = Scene::with_store(&[]);
    let token = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    let job = [("SLURM_JOB_ID", token.as_str())];
    let script = "cat .runstone/started/*/*.json";
    let came = Started::within(&scene, &job, &["--run-id", "r1"], script).end();
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    assert!(
        came.stdout.contains(r#""job":"[redacted]""#),
        "{}",
        came.stdout
    );
    assert!(!came.stdout.contains(&token), "{}", came.stdout);
    let process = newest(&scene)["process"]["value"].clone();
    assert_eq!(process["scheduler"]["job"], "[redacted]");
    // A name of a run is never changed, so one that holds a secret is refused before anything is
    // written.
    let came = Started::within(&scene, &job, &[], "echo STARTED").end();
    assert_eq!((came.code, came.stdout.as_str()), (Some(125), ""));
    assert!(!came.stderr.contains(&token), "{}", came.stderr);
    let found = std::process::Command::new("grep")
        .args(["-r", "-a", "-l", &token, ".runstone"])
        .current_dir(scene.project())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}

#[test]
fn a_notice_that_is_torn_or_of_a_later_release_is_named_by_the_log_and_before_a_start() {
    let scene = Scene::with_store(&[]);
    let script = r#"cd .runstone/started/*/; echo '{"schema"' > torn.json
        echo '{"schema":"runstone.started/2"}' > later.json"#;
    let own = ["--run-id", "r1", "--stage", "train"];
    let came = run(&scene, &own, script);
    assert_eq!(came.code, Some(0), "{}", came.stderr);
    assert_eq!(under_way(&scene), json!([]));
    let listed = scene.json(&["log"])["warnings"].to_string();
    let own = [&own[..], &["--attempt", "next"]].concat();
    let came = run(&scene, &own, "exit 3");
    assert_eq!(came.code, Some(3), "{}", came.stderr);
    for said in [&listed, &came.stderr] {
        assert!(said.contains("/torn.json` is torn"), "{said}");
        let of_another = "/later.json` is of the shape `runstone.started/2`";
        assert!(said.contains(of_another), "{said}");
    }
    assert!(
        came.stderr.contains("may be under way too"),
        "{}",
        came.stderr
    );
}

#[test]
fn a_lost_run_is_listed_until_its_command_has_run_again() {
    let scene = Scene::with_store(&[]);
    at_work(&scene, &["--run-id", "r1", "--stage", "train"]).killed();
    let words = ["run", "--run-id", "r1", "--stage", "train", "--"];
    // What could not be executed is no other run.
    let nothing = scene.file("nothing", "#!/nonexistent/shell\n");
    let made = std::process::Command::new("chmod")
        .args(["+x", "nothing"])
        .current_dir(nothing.project())
        .status();
    assert!(made.unwrap().success());
    let not_run = scene.quietly(&[&words[..], &["./nothing"]].concat());
    assert!(
        matches!(not_run.status.code(), Some(126 | 127)),
        "{not_run:?}"
    );
    assert_eq!(under_way(&scene)[0]["state"], "lost");
    scene.file("go", "done\n");
    let again = scene.quietly(&[&words[..], &["true"]].concat());
    assert_eq!(again.status.code(), Some(0));
    assert_eq!(under_way(&scene), json!([]));
}

#[test]
fn what_cannot_be_read_below_started_is_named_and_the_rest_is_listed() {
    let scene = Scene::with_store(&[]);
    let started = at_work(&scene, &["--run-id", "r1", "--stage", "train"]);
    let folder = scene.project().join(".runstone/started/0123");
    std::fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.join("l.json")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(folder.join("n.json"))
        .status();
    assert!(made.unwrap().success());
    let output = scene.quietly(&["log"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("under way: r1:train"), "{text}");
    let warned = text.matches("may be under way that is not listed").count();
    assert!(warned > 0 && text.contains("n.json"), "{text}");
    scene.file("go", "done\n");
    assert_eq!(started.end().code, Some(0));
}
