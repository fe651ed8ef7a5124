//! A cohort of very many snapshots beside small ones: what recording, showing and reading cost
//! there, and what it weighs.
//!
//! Each size has a store of its own, filled by the batch call, and the stores take turns, so that
//! what is busy beside them meets all of them alike. Recording goes on in them while it is
//! measured: the smallest ends with some hundred more than it began with.

use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use runstone::clock::SystemClock;
use runstone::core::json::{Limits, Stream};
use runstone::list::LogRequest;
use runstone::{BatchRequest, Handed, Ledger, RecordRequest};
use runstone_store::dir::OsFileSystem;
use runstone_store::{CohortName, DirStore, SystemEntropy};
use runstone_testkit::{Counted, bench};

use crate::cost::Cost;
use crate::sample::Sample;
use crate::{document, ledger, timed};

/// Snapshots of the cohort if nobody says how many.
pub(crate) const SNAPSHOTS: usize = 20_000;
/// Snapshots of the cohorts it stands beside.
const SMALLER: [usize; 2] = [100, 10_000];
/// Turns with an open handle.
const ROUNDS: usize = 200;
/// Turns in which each opens the store anew.
const FRESH_ROUNDS: usize = 50;
/// Rows of the list that is read from the disk.
const ROWS: usize = 1000;

/// Which figures of a store.
type Of = fn(&Measured) -> &Sample;

/// One store and what was measured in it.
struct Measured {
    snapshots: usize,
    root: PathBuf,
    cohort: CohortName,
    ledger: Ledger,
    records: Sample,
    shows: Sample,
    fresh_records: Sample,
    fresh_shows: Sample,
}

pub(crate) fn compare(root: &Path, snapshots: usize) {
    let mut sizes: Vec<usize> = SMALLER.into_iter().filter(|it| *it < snapshots).collect();
    sizes.push(snapshots);
    println!("a cohort of {snapshots} snapshots beside smaller ones, without views");
    let mut stores: Vec<Measured> = sizes
        .into_iter()
        .map(|size| fill(&root.join(size.to_string()), size))
        .collect();
    for store in &stores {
        weigh(store);
    }
    for round in 0..ROUNDS {
        for store in &mut stores {
            let reference = store.any(round);
            store.records.push(record(&store.ledger, round));
            store.shows.push(show(&store.ledger, &reference));
        }
    }
    for round in 0..FRESH_ROUNDS {
        for store in &mut stores {
            let reference = store.any(ROUNDS + round);
            let open = || Ledger::open(&store.root).unwrap();
            store.fresh_records.push(timed(|| {
                record(&open(), ROUNDS + round);
            }));
            store.fresh_shows.push(timed(|| {
                show(&open(), &reference);
            }));
        }
    }
    let samples: [(&str, Of, &str); 4] = [
        ("record, open handle", |it| &it.records, " (goal ≤ 1.2)"),
        ("show of any, open handle", |it| &it.shows, ""),
        (
            "record, store opened anew",
            |it| &it.fresh_records,
            " (goal ≤ 1.2)",
        ),
        ("show of any, opened anew", |it| &it.fresh_shows, ""),
    ];
    for (name, sample, goal) in samples {
        for store in &stores {
            println!(
                "  {name:<27}{:>9} snapshots   {}   {:.2} of the smallest at p50{goal}",
                store.snapshots,
                sample(store),
                sample(store).ratio(sample(&stores[0]), 0.5),
            );
        }
    }
    for store in &stores {
        count_calls(store);
    }
    for store in stores.iter().filter(|it| it.snapshots >= ROWS) {
        read_the_newest(store);
    }
}

/// Makes a store with one cohort of so many snapshots.
#[expect(clippy::cast_precision_loss, reason = "some millions")]
fn fill(root: &Path, snapshots: usize) -> Measured {
    let ledger = ledger(root);
    let tenth = snapshots / 10;
    let (mut count, mut tenths, mut since) = (0, Vec::new(), Instant::now());
    let cost = Cost::of(|| {
        ledger
            .commit_all(documents(snapshots), &BatchRequest::default(), |answer| {
                drop(answer.outcome.unwrap());
                count += 1;
                if count % tenth == 0 {
                    tenths.push(since.elapsed());
                    since = Instant::now();
                }
                ControlFlow::Continue(())
            })
            .unwrap();
    });
    assert_eq!(count, snapshots);
    println!(
        "  made by the batch call     {snapshots:>9} snapshots   {:.1} s, {:.0}/s; {}",
        snapshots as f64 / cost.per_second(snapshots),
        cost.per_second(snapshots),
        cost.processor_time_each(snapshots),
    );
    // Answers come a chunk at a time, so that a rate of less than a few chunks says nothing.
    if let (Some(first), Some(last), true) = (tenths.first(), tenths.last(), tenth >= 2048) {
        let rate = |took: &Duration| tenth as f64 / took.as_secs_f64();
        println!(
            "    its first tenth {:.0}/s, its last {:.0}/s",
            rate(first),
            rate(last)
        );
    }
    let cohorts = ledger.cohorts().unwrap();
    assert_eq!(cohorts[0].snapshots, u64::try_from(snapshots).ok());
    Measured {
        snapshots,
        root: root.to_path_buf(),
        cohort: cohorts[0].cohort.clone(),
        // As another process would have it.
        ledger: Ledger::open(root).unwrap(),
        records: Sample::default(),
        shows: Sample::default(),
        fresh_records: Sample::default(),
        fresh_shows: Sample::default(),
    }
}

/// Returns documents one after another as a stream of bytes brings them, in little memory.
fn documents(count: usize) -> impl Iterator<Item = Handed> + Send + 'static {
    let mut stream = Stream::new(Limits::default());
    (0..count).map(move |round| {
        let document = serde_json::Value::from(bench::document(round));
        stream.feed(format!("{document}\n").as_bytes());
        stream.take().unwrap().into()
    })
}

impl Measured {
    /// Returns a reference to a snapshot anywhere in the cohort, another one each round.
    fn any(&self, round: usize) -> String {
        // Fibonacci hashing: consecutive rounds fall far from each other.
        let place = (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
        format!("{}#{}", self.cohort, 1 + place % self.snapshots)
    }
}

fn record(ledger: &Ledger, round: usize) -> Duration {
    // Beyond every document that a store was filled with.
    let input = document(1_000_000_000 + round);
    timed(|| drop(ledger.record(RecordRequest::of(input)).unwrap()))
}

/// What `runstone show` asks for.
fn show(ledger: &Ledger, reference: &str) -> Duration {
    timed(|| {
        let stored = ledger.find(reference).unwrap();
        drop(ledger.compared(&stored).unwrap());
        drop(ledger.notes_about(&stored.place).unwrap());
    })
}

#[expect(clippy::cast_precision_loss, reason = "some billions")]
fn weigh(store: &Measured) {
    let stats = store.ledger.stats(1, &mut |_| {}).unwrap();
    assert!(stats.unread.is_empty(), "{:?}", stats.unread);
    let each = |bytes: u64| bytes as f64 / store.snapshots as f64;
    println!(
        "  weight of each             {:>9} snapshots   {:.0} bytes, {:.0} on the disk, {:.2} files",
        store.snapshots,
        each(stats.total.bytes),
        each(stats.total.disk),
        each(stats.total.files),
    );
    for (ware, sum) in &stats.kinds {
        println!("    {ware:<40?}{:>9.0} bytes on the disk", each(sum.disk));
    }
}

fn count_calls(store: &Measured) {
    let fs = Counted::new(OsFileSystem);
    let open = || {
        let store = DirStore::open_on(fs.clone(), &store.root, SystemEntropy).unwrap();
        Ledger::over(Arc::new(store), Arc::new(SystemClock)).unwrap()
    };
    let opens_and_calls = |work: &dyn Fn() -> Duration| {
        fs.take_calls();
        work();
        let opens = fs.calls_of("open_read") + fs.calls_of("create_new");
        format!("{opens} and {}", fs.take_calls().len())
    };
    let (again, reference) = (open(), store.any(0));
    record(&again, ROUNDS + FRESH_ROUNDS);
    let round = ROUNDS + FRESH_ROUNDS + 1;
    println!(
        "  files opened and calls     {:>9} snapshots   record {}, opened anew {}; show {}, anew {}",
        store.snapshots,
        opens_and_calls(&|| record(&again, round)),
        opens_and_calls(&|| record(&open(), round + 1)),
        opens_and_calls(&|| show(&again, &reference)),
        opens_and_calls(&|| show(&open(), &reference)),
    );
}

/// Reads a list of the newest, first from the disk itself where that may be asked for.
fn read_the_newest(store: &Measured) {
    let request = LogRequest {
        at_most: ROWS,
        ..LogRequest::default()
    };
    let read = || {
        timed(|| {
            let page = Ledger::open(&store.root).unwrap().log(&request).unwrap();
            assert_eq!(page.rows.len(), ROWS);
        })
    };
    let cold = match drop_caches() {
        Ok(()) => format!("{:.1} ms from the disk", read().as_secs_f64() * 1e3),
        Err(error) => format!("not measured from the disk (caches are kept: {error})"),
    };
    println!(
        "  the newest {ROWS}            {:>9} snapshots   {cold}, {:.1} ms from memory",
        store.snapshots,
        read().as_secs_f64() * 1e3,
    );
}

/// Makes the kernel forget what it read from the disk; for root alone.
fn drop_caches() -> io::Result<()> {
    rustix::fs::sync();
    std::fs::OpenOptions::new()
        .write(true)
        .open("/proc/sys/vm/drop_caches")?
        .write_all(b"3")
}
