//! A recording is struck at a system call of its process: the process dies there, or the call
//! fails.
//!
//! strace does the striking, so nothing of the program knows of it: the dynamic loader's calls are
//! struck as well as a `linkat`. Whatever happened, what was told stands with its digest, what was
//! said not to be recorded is not there, everything verifies, and the same command again settles
//! the rest. `cargo test` strikes a few of the calls, those that change the store among them;
//! `RUNSTONE_EVERY_CALL=1` (`just processes`) strikes each. What else is struck borrows the blows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::scene::{Scene, run_document};

/// The signal that nobody can catch.
const SIGKILL: i32 = 9;

/// The calls that change a store, or make it durable.
const WRITING: [&str; 9] = [
    "openat",
    "mkdirat",
    "write",
    "fsync",
    "linkat",
    "renameat",
    "renameat2",
    "unlinkat",
    "getdents64",
];

/// Other calls that are about files; an error of those that are about memory or threads is not
/// one a disk gives.
const READING: [&str; 15] = [
    "access",
    "close",
    "faccessat2",
    "fchmod",
    "fcntl",
    "fdatasync",
    "flock",
    "fstat",
    "fstatfs",
    "lseek",
    "newfstatat",
    "pread64",
    "read",
    "readlinkat",
    "statx",
];

/// What is recorded while it is struck.
#[derive(Debug, Clone, Copy)]
enum Work {
    /// One document, into a cohort that exists.
    One,
    /// Three documents as a stream, the first of their cohort.
    Three,
}

impl Work {
    /// Returns a store, and the document beside it.
    fn scene(self) -> Scene {
        let scene = Scene::with_store(&[]);
        if matches!(self, Self::One) {
            scene.file("before.json", run_document("before", 0.5));
            scene.json(&["record", "before.json"]);
        }
        let documents: Vec<String> = self.runs().map(|run| run_document(run, 0.6)).collect();
        scene.file("runs.json", documents.join("\n"));
        scene
    }

    fn runs(self) -> impl Iterator<Item = &'static str> {
        let runs = ["r1", "r2", "r3"];
        runs.into_iter().take(match self {
            Self::One => 1,
            Self::Three => 3,
        })
    }
}

/// Returns the command that is struck.
fn recording(scene: &Scene) -> Command {
    scene.command(&["record", "runs.json", "--json"])
}

/// What strikes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Blow {
    Kill,
    Error(&'static str),
}

impl Blow {
    fn to_injection(self) -> String {
        match self {
            Self::Kill => "signal=SIGKILL".to_owned(),
            Self::Error(errno) => format!("error={errno}"),
        }
    }

    /// Starts `command` and strikes the `number`th such call of one thread. Returns what it said,
    /// and whether there was one.
    pub(crate) fn at(self, call: &str, number: u64, command: &Command) -> (Output, bool) {
        let traced = format!("trace={call}");
        let injected = format!("inject={call}:{}:when={number}", self.to_injection());
        let mut command = under_strace(command, &["-e", &traced, "-e", &injected]);
        let output = command.output().unwrap();
        let was_struck = match self {
            Self::Kill => output.status.signal() == Some(SIGKILL),
            Self::Error(_) => trace_of(&command).contains("(INJECTED)"),
        };
        (output, was_struck)
    }
}

/// Returns the command under strace with `options`.
fn under_strace(command: &Command, options: &[&str]) -> Command {
    let mut strace = Command::new("strace");
    let envs = command.get_envs();
    strace
        .args(["-f", "-qq", "-o", TRACE])
        .args(options)
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(command.get_current_dir().unwrap())
        .env_clear()
        .envs(envs.filter_map(|(name, value)| Some((name, value?))));
    strace
}

/// Where strace writes, in the folder of the command.
const TRACE: &str = "trace";

fn trace_of(command: &Command) -> String {
    let folder = command.get_current_dir().unwrap();
    std::fs::read_to_string(folder.join(TRACE)).unwrap_or_default()
}

/// Returns whether strace can strike here, and says on standard error if not: a test that was not
/// made did not pass unseen.
pub(crate) fn strace_is_here(promise: &str) -> bool {
    let asked = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status();
    if asked.is_ok_and(|status| status.success()) {
        return true;
    }
    // Past the harness, which keeps what a passing test prints to itself.
    let skipped = format!("skipped: strace is not installed, or may not trace: {promise}\n");
    std::io::stderr().write_all(skipped.as_bytes()).unwrap();
    let required = asked_for("RUNSTONE_TEST_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|it| it == "strace"),
        "RUNSTONE_TEST_REQUIRE names `strace`"
    );
    false
}

#[expect(
    clippy::disallowed_methods,
    reason = "how much a test tries is asked for where it is run"
)]
fn asked_for(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns the system calls that a command makes.
pub(crate) fn calls_of(command: &Command) -> BTreeSet<String> {
    let mut command = under_strace(command, &[]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let trace = trace_of(&command);
    let name = |line: &str| {
        let (_, call) = line.split_once(' ')?;
        let (name, _) = call.trim_start().split_once('(')?;
        let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
        name.chars().all(is_name).then(|| name.to_owned())
    };
    trace.lines().filter_map(name).collect()
}

/// What the answers of a recording said.
#[derive(Debug, Default)]
struct Answers {
    /// The places and digests of runs that were said to be recorded.
    recorded: BTreeMap<String, (u64, String)>,
    /// Whether it was said that nothing, or not all, was recorded, and that this is certain.
    refused: u64,
}

impl Answers {
    fn of(output: &Output) -> Self {
        let mut answers = Self::default();
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        // A death may cut the last line; a line that is whole is JSON. An answer of one document is
        // written over several lines.
        let values = serde_json::Deserializer::from_str(&stdout).into_iter::<Value>();
        for value in values.map_while(Result::ok) {
            match value["recorded"].as_str() {
                Some("new" | "already") => {
                    let run = value["run_id"].as_str().unwrap().to_owned();
                    let place = value["snapshot_seq"].as_u64().unwrap();
                    let sha256 = value["sha256"].as_str().unwrap().to_owned();
                    answers.recorded.insert(run, (place, sha256));
                }
                Some("refused") => answers.refused += 1,
                _ => {}
            }
        }
        let told = stderr
            .lines()
            .filter_map(|it| serde_json::from_str(it).ok());
        if told
            .map(|it: Value| it["error"]["code"].clone())
            .any(|code| code == "not_recorded")
        {
            answers.refused += 1;
        }
        answers
    }
}

/// Returns the place and digest of each run in the log, after holding the log against itself.
fn standing(scene: &Scene, at: &str) -> BTreeMap<String, (u64, String)> {
    assert_eq!(scene.json(&["verify"])["ok"], true, "{at}");
    let log = scene.json(&["log", "--all-attempts"]);
    let rows = log["snapshots"].as_array().unwrap();
    let standing: BTreeMap<String, (u64, String)> = rows
        .iter()
        .map(|row| {
            let place = row["snapshot_seq"].as_u64().unwrap();
            let sha256 = row["sha256"].as_str().unwrap().to_owned();
            (row["run_id"].as_str().unwrap().to_owned(), (place, sha256))
        })
        .collect();
    assert_eq!(
        standing.len(),
        rows.len(),
        "a run stands twice {at}: {rows:?}"
    );
    let places: BTreeSet<u64> = standing.values().map(|(place, _)| *place).collect();
    let gapless: BTreeSet<u64> = (1..=rows.len() as u64).collect();
    assert_eq!(places, gapless, "{at}");
    standing
}

/// Strikes the `number`th such call of one thread; returns whether there was one.
fn strike(work: Work, call: &str, number: u64, blow: Blow) -> bool {
    let at = format!("{blow:?} at {call} {number} of {work:?}");
    let scene = work.scene();
    let (output, was_struck) = blow.at(call, number, &recording(&scene));
    let answers = Answers::of(&output);
    let told_all = work.runs().all(|run| answers.recorded.contains_key(run));
    // Reading opens the store as any later process would.
    let stand = standing(&scene, &at);
    for (run, told) in &answers.recorded {
        assert_eq!(stand.get(run), Some(told), "{run} {at}");
    }
    let here = work.runs().filter(|run| stand.contains_key(*run)).count() as u64;
    let all = work.runs().count() as u64;
    assert!(
        here + answers.refused <= all,
        "said not to be recorded, and stands {at}: {output:?}"
    );
    if output.status.success() {
        assert!(told_all, "ended well and told too little {at}: {output:?}");
    } else {
        assert!(was_struck, "failed by itself {at}: {output:?}");
    }

    let again = scene.quietly(&["record", "runs.json", "--json"]);
    assert!(again.status.success(), "the same again {at}: {again:?}");
    let settled = Answers::of(&again).recorded;
    assert_eq!(settled.len() as u64, all, "{at}: {again:?}");
    let finally = standing(&scene, &at);
    for (run, told) in stand.iter().chain(&settled) {
        assert_eq!(finally.get(run), Some(told), "{run} moved {at}");
    }
    let before = u64::from(matches!(work, Work::One));
    assert_eq!(finally.len() as u64, all + before, "{at}");
    was_struck
}

/// Strikes one call after the other: each of them where all are asked for, else the first two and
/// then fewer and fewer.
#[expect(clippy::print_stdout, reason = "how much was tried is the answer")]
fn walk<'a>(
    what: &str,
    calls: impl IntoIterator<Item = &'a str>,
    blows: &[Blow],
    strike: &dyn Fn(&str, u64, Blow) -> bool,
) {
    let every = asked_for("RUNSTONE_EVERY_CALL").is_some();
    let (mut struck, mut names) = (0_u64, 0_u64);
    for call in calls {
        names += 1;
        for blow in blows {
            let (mut number, mut step) = (1, 1);
            while strike(call, number, *blow) {
                struck += 1;
                number += step;
                step += u64::from(!every);
            }
        }
    }
    assert!(
        struck >= names,
        "{struck} blows at {names} calls: some hit nothing"
    );
    println!("{what}: {struck} blows at {names} system calls: {blows:?}");
}

/// Kills at every call that is made where all are asked for, else at some of those that change a
/// store.
pub(crate) fn killed_anywhere(
    what: &str,
    made: &BTreeSet<String>,
    strike: &dyn Fn(&str, u64, Blow) -> bool,
) {
    if asked_for("RUNSTONE_EVERY_CALL").is_some() {
        walk(what, made.iter().map(String::as_str), &[Blow::Kill], strike);
    } else {
        let names = ["fsync", "linkat", "mkdirat"];
        let names = names.into_iter().filter(|it| made.contains(*it));
        walk(what, names, &[Blow::Kill], strike);
    }
}

/// Lets calls about files fail, all of them or some, by the errors that a disk gives.
pub(crate) fn failing_anywhere(
    what: &str,
    made: &BTreeSet<String>,
    strike: &dyn Fn(&str, u64, Blow) -> bool,
) {
    if asked_for("RUNSTONE_EVERY_CALL").is_some() {
        let names = WRITING.into_iter().chain(READING);
        let errors = ["EIO", "ENOSPC", "ESTALE", "EINTR"].map(Blow::Error);
        let names = names.filter(|it| made.contains(*it));
        walk(what, names, &errors, strike);
    } else {
        walk(what, ["fsync", "linkat"], &[Blow::Error("EIO")], strike);
    }
}

fn killed(work: Work) {
    if strace_is_here("a recording that is killed at a system call") {
        let made = calls_of(&recording(&work.scene()));
        killed_anywhere(&format!("{work:?}"), &made, &|call, number, blow| {
            strike(work, call, number, blow)
        });
    }
}

fn failing(work: Work) {
    if strace_is_here("a recording of which a system call fails") {
        let made = calls_of(&recording(&work.scene()));
        failing_anywhere(&format!("{work:?}"), &made, &|call, number, blow| {
            strike(work, call, number, blow)
        });
    }
}

#[test]
fn one_recording_killed_at_any_system_call_is_settled_by_the_same_again() {
    killed(Work::One);
}

#[test]
fn three_recordings_killed_at_any_system_call_are_settled_by_the_same_again() {
    killed(Work::Three);
}

#[test]
fn one_recording_answers_truly_whatever_system_call_fails() {
    failing(Work::One);
}

#[test]
fn three_recordings_answer_truly_whatever_system_call_fails() {
    failing(Work::Three);
}
