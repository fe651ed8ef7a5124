//! `just bench`: the command as a whole process, beside the two flushes the disk alone needs.
//!
//! With `--check=N` a gate in a cohort of so many snapshots, and nothing else.

#![expect(
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot run should stop and say so"
)]

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_runstone");
const ROUNDS: usize = 100;

fn main() {
    let place = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'))
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(place)
        .unwrap();
    let checked = std::env::args().find_map(|it| it.strip_prefix("--check=").map(str::to_owned));
    if let Some(snapshots) = checked {
        gate(folder.path(), snapshots.parse().unwrap());
        return;
    }
    // First, because the peak of all children is what the system tells.
    memory(folder.path());
    processes(folder.path());
    let size = std::fs::metadata(PROGRAM).unwrap().len();
    println!(
        "binary               {:.1} MB (goal ≤ 15 MB)",
        size as f64 / 1e6
    );
}

fn memory(folder: &Path) {
    let store = folder.join("memory");
    run(&["init", store.to_str().unwrap()]);
    let file = folder.join("large.json");
    write(&file, &document(0, 20 * 1024));
    run(&[
        "--store",
        store.to_str().unwrap(),
        "record",
        file.to_str().unwrap(),
    ]);
    let peak_kib = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    println!(
        "record of 20 KiB     {:.1} MB peak memory (goal ≤ 20 MB)",
        peak_kib as f64 * 1024.0 / 1e6
    );
}

fn processes(folder: &Path) {
    let store = folder.join("store");
    run(&["init", store.to_str().unwrap()]);
    let floor_folder = folder.join("floor");
    std::fs::create_dir(&floor_folder).unwrap();
    let handle = File::open(&floor_folder).unwrap();
    let (mut floors, mut records, mut versions) = (Vec::new(), Vec::new(), Vec::new());
    let (mut commands, mut wrapped) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let file = folder.join("run.json");
        write(&file, &document(round, 0));
        floors.push(timed(|| flush_twice(&floor_folder, &handle, round)));
        records.push(timed(|| {
            run(&[
                "--store",
                store.to_str().unwrap(),
                "record",
                file.to_str().unwrap(),
            ]);
        }));
        versions.push(timed(|| run(&["--version"])));
        commands.push(timed(|| {
            assert!(Command::new("true").status().unwrap().success());
        }));
        wrapped.push(timed(|| {
            let store = store.to_str().unwrap();
            run(&["--store", store, "--quiet", "run", "--", "true"]);
        }));
    }
    let (floor, record, version) = (p50(floors), p50(records), p50(versions));
    println!("two-flush floor      {:.2} ms p50 of {ROUNDS}", ms(floor));
    println!(
        "runstone record      {:.2} ms p50, {:+.2} ms over the floor (goal ≤ +10 ms)",
        ms(record),
        ms(record) - ms(floor),
    );
    let (command, wrapped) = (p50(commands), p50(wrapped));
    println!(
        "runstone run true    {:.2} ms p50, {:+.2} ms over the floor and `true` (goal ≤ +15 ms)",
        ms(wrapped),
        ms(wrapped) - ms(floor) - ms(command),
    );
    println!(
        "runstone --version   {:.2} ms p50 (goal ≤ 5 ms)",
        ms(version)
    );
}

/// A gate over the newest snapshot of a cohort.
fn gate(folder: &Path, snapshots: usize) {
    let store = folder.join("gate");
    let store = store.to_str().unwrap();
    run(&[
        "init",
        store,
        "--views",
        "none",
        "--primary",
        "metric_0:higher",
    ]);
    let file = folder.join("runs.jsonl");
    let mut lines = std::io::BufWriter::new(
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&file)
            .unwrap(),
    );
    for round in 0..snapshots {
        writeln!(lines, "{}", document(round * 37 % 1000 + round * 1000, 0)).unwrap();
    }
    drop(lines);
    run(&["--store", store, "record", file.to_str().unwrap()]);
    let check = || {
        let status = Command::new(PROGRAM)
            .args(["--store", store, "check"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        // 4: it is a regression, which is an answer too.
        assert!(matches!(status.code(), Some(0 | 4)), "{status}");
    };
    check();
    let (mut checks, mut versions) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        checks.push(timed(check));
        versions.push(timed(|| run(&["--version"])));
    }
    println!(
        "runstone check       {:.2} ms p50 of {ROUNDS}, {snapshots} snapshots in the cohort (goal ≤ 15 ms)",
        ms(p50(checks)),
    );
    println!("runstone --version   {:.2} ms p50", ms(p50(versions)));
}

fn flush_twice(folder: &Path, handle: &File, round: usize) {
    let temporary = folder.join(".t");
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&temporary)
        .unwrap();
    file.write_all(&[b'x'; 4096]).unwrap();
    file.sync_all().unwrap();
    std::fs::hard_link(&temporary, folder.join(round.to_string())).unwrap();
    handle.sync_all().unwrap();
    std::fs::remove_file(&temporary).unwrap();
}

fn run(arguments: &[&str]) {
    let status = Command::new(PROGRAM)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{arguments:?}");
}

fn write(path: &Path, document: &Value) {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .unwrap();
    file.write_all(document.to_string().as_bytes()).unwrap();
}

fn document(round: usize, padding_bytes: usize) -> Value {
    let factors: Value = (0..20)
        .map(|at| (format!("parameter_{at}"), json!(at)))
        .collect();
    let metrics: Value = (0..20)
        .map(|at| (format!("metric_{at}"), json!(round + at)))
        .collect();
    json!({
        "run_id": format!("run-{round}"),
        "stage": "train",
        "identity": { "dataset": { "rows": 48211 } },
        "factors": factors,
        "metrics": metrics,
        "metadata": { "padding": "x".repeat(padding_bytes) },
    })
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn p50(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations[durations.len() / 2]
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
