//! However a command ends, its code is passed on and its run is recorded as what it was.

use rustix::process::{Pid, Signal, kill_process};

use crate::scene::Scene;
use crate::started::{Started, newest, run};

#[test]
fn the_exit_code_is_the_commands_and_a_failed_run_is_recorded_as_failed() {
    let scene = Scene::with_store(&[]);
    for code in [0, 1, 3, 125, 255] {
        let came = run(&scene, &[], &format!("exit {code}"));
        assert_eq!(came.code, Some(code), "{}", came.stderr);
        let status = if code == 0 { "finished" } else { "failed" };
        assert_eq!(newest(&scene)["status"], status);
        assert_eq!(newest(&scene)["process"]["value"]["exit_code"], code);
    }
}

#[test]
fn a_command_that_was_killed_gives_128_and_the_signal() {
    let scene = Scene::with_store(&[]);
    for (signal, number, status) in [
        ("KILL", 9, "failed"),
        ("SEGV", 11, "failed"),
        ("TERM", 15, "interrupted"),
        ("INT", 2, "interrupted"),
    ] {
        let came = run(&scene, &[], &format!("kill -{signal} $$"));
        assert_eq!(came.code, Some(128 + number), "{}", came.stderr);
        let shown = newest(&scene);
        assert_eq!(shown["status"], status, "{signal}");
        assert_eq!(shown["process"]["value"]["signal"], format!("SIG{signal}"));
    }
}

#[test]
fn signals_reach_the_command_once_and_an_interrupted_run_is_recorded_as_such() {
    let scene = Scene::with_store(&[]);
    let script = r"
        trap 'echo hup' HUP; trap 'echo usr1' USR1; trap 'echo usr2' USR2
        trap 'echo int' INT; trap 'echo quit' QUIT; trap 'echo term; exit 7' TERM
        echo ready; while :; do sleep 0.02; done";
    let mut started = Started::new(&scene, &["--run-id", "r1"], script);
    assert_eq!(started.line(), "ready");
    for (signal, word) in [
        (Signal::HUP, "hup"),
        (Signal::USR1, "usr1"),
        (Signal::USR2, "usr2"),
        (Signal::INT, "int"),
        (Signal::INT, "int"),
        (Signal::QUIT, "quit"),
        (Signal::TERM, "term"),
    ] {
        started.send(signal);
        assert_eq!(started.line(), word);
    }
    let came = started.end();
    assert_eq!((came.code, came.stdout.as_str()), (Some(7), ""));
    let shown = newest(&scene);
    assert_eq!(shown["status"], "interrupted");
    let handed_on = &shown["process"]["value"]["signals_handed_on"];
    assert_eq!(handed_on.as_array().unwrap().len(), 6, "{handed_on}");
}

#[test]
fn a_command_that_saves_itself_when_asked_to_end_has_finished() {
    let scene = Scene::with_store(&[]);
    let script = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.02; done";
    let mut started = Started::new(&scene, &[], script);
    assert_eq!(started.line(), "ready");
    started.send(Signal::TERM);
    let came = started.end();
    assert_eq!(came.code, Some(0));
    assert!(came.stderr.contains("was asked to end"), "{}", came.stderr);
    assert_eq!(newest(&scene)["status"], "finished");
}

#[test]
fn what_was_ignored_when_runstone_began_stays_ignored_by_both() {
    let scene = Scene::with_store(&[]);
    let runstone = env!("CARGO_BIN_EXE_runstone");
    let script = "grep SigIgn /proc/self/status; kill -HUP $$; kill -HUP $PPID; echo alive";
    let output = std::process::Command::new("/bin/sh")
        .args([
            "-c",
            "trap '' HUP; exec \"$0\" run -- sh -c \"$1\"",
            runstone,
            script,
        ])
        .current_dir(scene.project())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.ends_with("alive\n"), "{stdout}");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(newest(&scene)["status"], "finished");
}

#[test]
fn what_was_blocked_when_runstone_began_is_blocked_for_the_command_and_keeps_no_run_waiting() {
    use nix::sys::signal::{SigSet, Signal};
    let scene = Scene::with_store(&[]);
    let arguments = ["run", "--", "grep", "SigBlk", "/proc/self/status"];
    let blocked: SigSet = [Signal::SIGCHLD, Signal::SIGTERM].into_iter().collect();
    // A child has the mask of the thread that starts it.
    let before = blocked
        .thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK)
        .unwrap();
    let output = scene.command(&arguments).output();
    before.thread_set_mask().unwrap();
    let output = output.unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "SigBlk:\t0000000000014000\n"
    );
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(newest(&scene)["status"], "finished");
}

#[test]
fn a_file_that_may_not_grow_costs_neither_the_run_nor_the_wrapper() {
    let scene = Scene::with_store(&[]);
    let runstone = env!("CARGO_BIN_EXE_runstone");
    // The notice of the start has room; a document has not whose 13 kB nothing makes shorter.
    let long: Vec<String> = (1..1500_u32)
        .map(|each| format!("{:08x}", each.wrapping_mul(2_654_435_761)))
        .collect();
    let script = format!(
        "ulimit -f 2; exec \"$0\" run --run-id r1 --stage t --factor 'long={}' -- \
         sh -c 'head -c 3000 /dev/zero >big; echo $? >code'",
        long.join(" ")
    );
    let output = std::process::Command::new("bash")
        .args(["-c", &script, runstone])
        .current_dir(scene.project())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    // The command has the signal as ever.
    let code = std::fs::read_to_string(scene.project().join("code")).unwrap();
    assert_eq!(code.trim(), "153", "{stderr}");
    assert_eq!(output.status.code(), Some(125), "{stderr}");
    assert!(stderr.contains("could be kept neither in"), "{stderr}");
    assert_eq!(scene.json(&["log"])["under_way"], serde_json::json!([]));
    scene.file("kept", stderr.lines().last().unwrap());
    let finish = "\"$0\" record --json --refused - <kept";
    let output = std::process::Command::new("bash")
        .args(["-c", finish, runstone])
        .current_dir(scene.project())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(newest(&scene)["run_id"], "r1");
}

#[test]
fn a_stopped_command_goes_on_when_runstone_is_told_to() {
    let scene = Scene::with_store(&[]);
    let fifo = scene.project().join("go");
    let made = std::process::Command::new("mkfifo").arg(fifo).status();
    assert!(made.unwrap().success());
    let script = "echo $$; read word < go; echo went on";
    let mut started = Started::new(&scene, &[], script);
    let pid = started.line();
    let state = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
    };
    let until = |wanted: bool| {
        while (state() == 'T') != wanted {
            std::thread::yield_now();
        }
    };
    started.send(Signal::TSTP);
    until(true);
    started.send(Signal::CONT);
    until(false);
    scene.file("go", "word\n");
    assert_eq!(started.line(), "went on");
    assert_eq!(started.end().code, Some(0));
}

#[test]
fn a_stopped_command_ends_when_it_is_asked_to() {
    for (stop, end, code) in [
        // Stopped behind `runstone`'s back, and by way of it.
        (None, Signal::TERM, 143),
        (None, Signal::HUP, 129),
        (Some(Signal::TSTP), Signal::TERM, 143),
        (Some(Signal::TSTP), Signal::INT, 130),
    ] {
        let scene = Scene::with_store(&[]);
        let fifo = scene.project().join("go");
        let made = std::process::Command::new("mkfifo").arg(fifo).status();
        assert!(made.unwrap().success());
        let mut started = Started::new(&scene, &[], "echo $$; read word < go");
        let pid: i32 = started.line().parse().unwrap();
        match stop {
            Some(signal) => {
                started.send(signal);
            }
            None => kill_process(Pid::from_raw(pid).unwrap(), Signal::STOP).unwrap(),
        }
        let state = || {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
        };
        while state() != 'T' {
            std::thread::yield_now();
        }
        started.send(end);
        let came = started.end();
        assert_eq!(came.code, Some(code), "{}", came.stderr);
        let shown = newest(&scene);
        assert_eq!(shown["status"], "interrupted");
        let process = &shown["process"]["value"];
        assert_eq!(process["signal"], format!("SIG{}", name(end)));
        let handed_on = process["signals_handed_on"].as_array().unwrap();
        assert!(!handed_on.contains(&"SIGCONT".into()), "{handed_on:?}");
    }
}

fn name(signal: Signal) -> &'static str {
    match signal {
        Signal::TERM => "TERM",
        Signal::HUP => "HUP",
        Signal::INT => "INT",
        _ => unreachable!("no other signal is sent"),
    }
}

#[test]
fn children_left_behind_are_counted_left_alone_and_not_waited_for() {
    let scene = Scene::with_store(&[]);
    let script = "sleep 600 >/dev/null 2>&1 & echo $!";
    let mut started = Started::new(&scene, &[], script);
    let left: i32 = started.line().parse().unwrap();
    let came = started.end();
    assert_eq!(came.code, Some(0));
    assert!(
        came.stderr.contains("left 1 of its processes running"),
        "{}",
        came.stderr
    );
    assert_eq!(newest(&scene)["process"]["value"]["left_behind"], 1);
    let left = Pid::from_raw(left).unwrap();
    kill_process(left, Signal::KILL).unwrap();
}
