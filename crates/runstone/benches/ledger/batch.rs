//! Many documents at once, beside the same number of bare files.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use runstone::core::json::{Limits, Stream};
use runstone::views::Views;
use runstone::{BatchRequest, Handed, Ledger};
use runstone_testkit::bench::entry_bytes;

use crate::cost::{Cost, Costs};
use crate::{document, ledger, ledger_with};

/// Documents of a batch.
const DOCUMENTS: usize = 10_000;
/// Files that the bare batch flushes before it links them.
const CHUNK: usize = 1024;
/// Threads that write and flush for the bare batch.
const WRITERS: usize = 32;
/// Turns; the medians are compared.
const TURNS: usize = 5;

pub(crate) fn compare(root: &Path) {
    let bytes: Vec<u8> = (0..DOCUMENTS)
        .flat_map(|round| {
            let document = serde_json::Value::from(document(round).document().clone());
            format!("{document}\n").into_bytes()
        })
        .collect();
    let [
        mut floors,
        mut twices,
        mut commits,
        mut records,
        mut again,
        mut viewed,
    ] = <[Costs; 6]>::default();
    for turn in 0..TURNS {
        let folder = root.join(turn.to_string());
        floors.push(Cost::of(|| bare(&folder.join("floor"), 1)));
        let store = folder.join("store");
        let committing = ledger(&store);
        commits.push(Cost::of(|| commit(&committing, &bytes)));
        twices.push(Cost::of(|| bare(&folder.join("twice"), 2)));
        let answering = ledger(&folder.join("answered"));
        records.push(Cost::of(|| record(&answering, &bytes)));
        let viewing = ledger_with(Views::Files, &folder.join("viewed"));
        viewed.push(Cost::of(|| record(&viewing, &bytes)));
        let fresh = Ledger::open(&store).unwrap();
        again.push(Cost::of(|| commit(&fresh, &bytes)));
        assert_eq!(
            fresh.cohorts().unwrap()[0].snapshots,
            Some(DOCUMENTS as u64)
        );
    }
    let (floor, twice) = (floors.median(), twices.median());
    println!(
        "batch of {DOCUMENTS} documents of {} bytes, one cohort ({TURNS} turns, medians)",
        bytes.len() / DOCUMENTS
    );
    let line = |name: &str, cost: Cost| {
        println!(
            "  {name:<50}{:8.0}/s   {:.2} of one link   {:.2} of two   {}",
            cost.per_second(DOCUMENTS),
            cost.ratio(floor),
            cost.ratio(twice),
            cost.processor_time_each(DOCUMENTS),
        );
    };
    line("bare: file, flush, one link, one flush a chunk", floor);
    line("bare: the same with two links", twice);
    line(
        "acknowledged, no views (goal ≥ 0.70 of the bare)",
        commits.median(),
    );
    line("answered, no views", records.median());
    line("answered, with views", viewed.median());
    line("the same stream again", again.median());
}

fn documents(bytes: &[u8]) -> impl Iterator<Item = Handed> + Send + 'static {
    let mut stream = Stream::new(Limits::default());
    let mut pieces = bytes
        .chunks(64 * 1024)
        .map(<[u8]>::to_vec)
        .collect::<Vec<_>>()
        .into_iter();
    std::iter::from_fn(move || {
        loop {
            if let Some(framed) = stream.take() {
                return Some(framed.into());
            }
            stream.feed(&pieces.next()?);
        }
    })
}

fn commit(ledger: &Ledger, bytes: &[u8]) {
    let mut count = 0;
    ledger
        .commit_all(documents(bytes), &BatchRequest::default(), |answer| {
            drop(answer.outcome.unwrap());
            count += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(count, DOCUMENTS);
}

fn record(ledger: &Ledger, bytes: &[u8]) {
    ledger
        .record_all(documents(bytes), &BatchRequest::default(), |answer| {
            drop(answer.outcome.unwrap());
            ControlFlow::Continue(())
        })
        .unwrap();
}

/// The bare batch: temporary files written and flushed by several threads, then a link each in
/// order and one flush of the directory a chunk. With two links each file gets a name in one of 256
/// directories before it is flushed, as a claim has.
fn bare(folder: &Path, links: usize) {
    std::fs::create_dir_all(folder).unwrap();
    for fan in 0..256 {
        std::fs::create_dir_all(folder.join(format!("keys/{fan:02x}"))).unwrap();
    }
    let handle = File::open(folder).unwrap();
    let bytes = entry_bytes();
    for begin in (0..DOCUMENTS).step_by(CHUNK) {
        let end = (begin + CHUNK).min(DOCUMENTS);
        let next = AtomicUsize::new(begin);
        std::thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= end {
                            return;
                        }
                        let mut file = OpenOptions::new()
                            .write(true)
                            .create_new(true)
                            .open(temporary(folder, number))
                            .unwrap();
                        file.write_all(&bytes).unwrap();
                        if links == 2 {
                            let fan = (number.wrapping_mul(2_654_435_761) >> 8) & 0xff;
                            let key = folder.join(format!("keys/{fan:02x}/{number:064}"));
                            std::fs::hard_link(temporary(folder, number), key).unwrap();
                        }
                        file.sync_all().unwrap();
                    }
                });
            }
        });
        for number in begin..end {
            let slot = folder.join(format!("{number:020}"));
            std::fs::hard_link(temporary(folder, number), slot).unwrap();
        }
        handle.sync_all().unwrap();
        for number in begin..end {
            std::fs::remove_file(temporary(folder, number)).unwrap();
        }
    }
}

fn temporary(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!(".t-{number}"))
}
