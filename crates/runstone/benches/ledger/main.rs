//! `just bench`: what recording costs, beside what the disk alone costs, in the same run.
//!
//! Every figure is printed next to its floor, because on a shared machine only the ratio says
//! something. The floor is the bare protocol without any of our code: a temporary file, a flush, a
//! link, a flush of the directory. `cargo bench -p runstone --bench ledger -- DIR` runs on the disk
//! of `DIR`, else on that of the target directory; with `--only=one`, `prepare`, `batch`, `judge`,
//! `history` or `crowd` that part alone. `--only=million [N]` is for itself, since it takes long.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot run should stop and say so"
)]

mod batch;
mod cost;
mod crowd;
mod history;
mod judge;
mod million;
mod prepare;
mod sample;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use runstone::core::input::RunInput;
use runstone::init::{InitRequest, init};
use runstone::views::Views;
use runstone::{Ledger, RecordRequest};
use runstone_testkit::bench::{self, Floor, entry_bytes};

use self::sample::Sample;

/// The one of the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Recordings per figure.
const ROUNDS: usize = 400;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("worker", rest)) = arguments
        .split_first()
        .map(|(first, rest)| (first.as_str(), rest))
    {
        crowd::work(rest);
        return;
    }
    let only = arguments
        .iter()
        .find_map(|argument| argument.strip_prefix("--only="));
    let (numbers, places): (Vec<&String>, Vec<&String>) = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-'))
        .partition(|argument| argument.bytes().all(|byte| byte.is_ascii_digit()));
    let place = places
        .first()
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(place)
        .unwrap();
    let part = |name: &str, compare: fn(&Path)| {
        if only.is_none_or(|only| only == name) {
            compare(&folder.path().join(name));
        }
    };
    part("one", one_writer);
    part("prepare", |_| prepare::compare());
    part("batch", batch::compare);
    part("judge", judge::compare);
    part("history", history::compare);
    part("crowd", crowd::compare);
    if only == Some("million") {
        let snapshots = numbers
            .first()
            .map_or(million::SNAPSHOTS, |number| number.parse().unwrap());
        million::compare(&folder.path().join("million"), snapshots);
    }
}

/// One writer with an open handle, turn by turn with the floor.
fn one_writer(root: &Path) {
    let mut floor = Floor::in_directory(&root.join("floor")).unwrap();
    let without = ledger(&root.join("store"));
    let with = ledger_with(Views::Files, &root.join("store-with-views"));
    let bytes = entry_bytes();
    let mut floors = Sample::default();
    let (mut records, mut viewed) = (Sample::default(), Sample::default());
    let record = |ledger: &Ledger, round| {
        let input = document(round);
        timed(|| drop(ledger.record(RecordRequest::of(input)).unwrap()))
    };
    for round in 0..ROUNDS {
        floors.push(timed(|| {
            floor.commit(&bytes).unwrap();
        }));
        records.push(record(&without, round));
        viewed.push(record(&with, round));
    }
    println!("one writer, open handle, one cohort ({ROUNDS} turns each)");
    println!("  two-flush floor   {floors}");
    for (name, sample, goal) in [
        ("without views", &records, 1.10),
        ("with views", &viewed, 1.25),
    ] {
        println!("  record            {sample}  {name}");
        println!(
            "  record / floor    {:.2} at p50 (goal ≤ {goal:.2}, or floor + 1 ms: {:+.2} ms)",
            sample.ratio(&floors, 0.5),
            sample.excess_ms(&floors, 0.5),
        );
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

/// Returns a ledger without views in a new store at `root`.
fn ledger(root: &Path) -> Ledger {
    ledger_with(Views::None, root)
}

fn ledger_with(views: Views, root: &Path) -> Ledger {
    std::fs::create_dir_all(root.parent().unwrap()).unwrap();
    init(
        root,
        &InitRequest {
            experiment: Some("bench".to_owned()),
            views: Some(views),
            ..InitRequest::default()
        },
    )
    .unwrap()
    .ledger
}

/// Returns the document every figure is measured with, ready to be recorded.
fn document(round: usize) -> RunInput {
    RunInput::from_document(bench::document(round))
}
