//! A long history beside a short one: recording must cost the same.

use std::path::Path;
use std::sync::Arc;

use runstone::{Ledger, RecordRequest};

use crate::sample::Sample;
use crate::{document, ledger, timed};

/// Snapshots in the short history.
const SHORT: usize = 10;
/// Snapshots in the long one.
const LONG: usize = 20_000;
/// Threads that fill the long one.
const THREADS: usize = 16;
/// Recordings per figure.
const ROUNDS: usize = 200;

pub(crate) fn compare(root: &Path) {
    let (short, long) = (root.join("short"), root.join("long"));
    fill(&short, SHORT);
    fill(&long, LONG);
    // Handles opened anew, as another process would have them.
    let (short, long) = (Ledger::open(&short).unwrap(), Ledger::open(&long).unwrap());
    let (mut shorts, mut longs) = (Sample::default(), Sample::default());
    for round in 0..ROUNDS {
        let (a, b) = (document(LONG + round), document(LONG + round));
        shorts.push(timed(|| drop(short.record(RecordRequest::of(a)).unwrap())));
        longs.push(timed(|| drop(long.record(RecordRequest::of(b)).unwrap())));
    }
    println!("history ({ROUNDS} turns each)");
    println!("  {SHORT:>6} snapshots  {shorts}");
    println!("  {LONG:>6} snapshots  {longs}");
    println!(
        "  long / short      {:.2} at p50 (goal ≤ 1.2)",
        longs.ratio(&shorts, 0.5)
    );
}

fn fill(root: &Path, snapshots: usize) {
    let ledger = Arc::new(ledger(root));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let ledger = Arc::clone(&ledger);
            scope.spawn(move || {
                for round in (thread..snapshots).step_by(THREADS) {
                    drop(ledger.record(RecordRequest::of(document(round))).unwrap());
                }
            });
        }
    });
}
