//! Many processes into one cohort, beside the same number of processes in the bare protocol.
//!
//! The bench starts itself again as a worker. A worker opens the store, says that it is ready,
//! waits for the others, records for a fixed time, and prints what was acknowledged; afterwards the
//! store is read again and compared with the sum.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use runstone::{Ledger, RecordRequest};
use runstone_testkit::bench::{Floor, entry_bytes};

use crate::{document, ledger};

/// How long each crowd records.
const LASTS: Duration = Duration::from_secs(3);
/// Turns per crowd size; the medians are compared.
const TURNS: usize = 3;

/// What one crowd achieved.
struct Crowd {
    acknowledged: usize,
    slowest: usize,
    fastest: usize,
    per_second: f64,
}

pub(crate) fn compare(root: &Path) {
    println!(
        "many processes, one cohort, without views ({TURNS} turns of {} s each, medians)",
        LASTS.as_secs()
    );
    for processes in [8, 32, 100] {
        let (mut floors, mut commits, mut records) = (Vec::new(), Vec::new(), Vec::new());
        for turn in 0..TURNS {
            let folder = root.join(format!("{processes}-{turn}"));
            floors.push(crowd("floor", &folder.join("floor"), processes));
            let store = folder.join("store");
            drop(ledger(&store));
            let acknowledged = crowd("commit", &store, processes);
            check(&store, acknowledged.acknowledged);
            commits.push(acknowledged);
            let store = folder.join("answered");
            drop(ledger(&store));
            let answered = crowd("record", &store, processes);
            check(&store, answered.acknowledged);
            records.push(answered);
        }
        let (floor, commit, record) = (
            median(&mut floors),
            median(&mut commits),
            median(&mut records),
        );
        println!(
            "  {processes:>3} processes  floor {:6.0}/s   acknowledged {:6.0}/s, share {:.2} (goal ≥ \
             0.70)   answered {:6.0}/s, share {:.2}   slowest/fastest {}/{}   nothing lost",
            floor.per_second,
            commit.per_second,
            commit.per_second / floor.per_second,
            record.per_second,
            record.per_second / floor.per_second,
            commit.slowest,
            commit.fastest,
        );
    }
}

fn median(crowds: &mut [Crowd]) -> &Crowd {
    crowds.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    &crowds[crowds.len() / 2]
}

fn crowd(kind: &str, root: &Path, processes: usize) -> Crowd {
    std::fs::create_dir_all(root).unwrap();
    let mut workers: Vec<Child> = (0..processes)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["worker", kind])
                .arg(root)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut answers: Vec<_> = workers
        .iter_mut()
        .map(|worker| BufReader::new(worker.stdout.take().unwrap()).lines())
        .collect();
    for answer in &mut answers {
        assert_eq!(answer.next().unwrap().unwrap(), "ready");
    }
    for worker in &mut workers {
        worker.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    let counts: Vec<usize> = answers
        .iter_mut()
        .map(|answer| answer.next().unwrap().unwrap().parse().unwrap())
        .collect();
    for mut worker in workers {
        assert!(worker.wait().unwrap().success());
    }
    let acknowledged = counts.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "some ten thousands")]
    let per_second = acknowledged as f64 / LASTS.as_secs_f64();
    Crowd {
        acknowledged,
        slowest: counts.iter().copied().min().unwrap(),
        fastest: counts.iter().copied().max().unwrap(),
        per_second,
    }
}

/// A worker: `worker floor|commit|record ROOT`.
pub(crate) fn work(arguments: &[String]) {
    let [kind, root] = arguments else {
        unreachable!("started by this bench alone")
    };
    let root = Path::new(root);
    if kind == "floor" {
        let mut floor = Floor::in_directory(root).unwrap();
        let bytes = entry_bytes();
        race(|_| {
            floor.commit(&bytes).unwrap();
        });
    } else {
        let ledger = Ledger::open(root).unwrap();
        race(|round| {
            let acknowledged = ledger.commit(RecordRequest::of(document(round))).unwrap();
            if kind == "record" {
                drop(ledger.answer(acknowledged));
            }
        });
    }
}

fn race(mut commit: impl FnMut(usize)) {
    println!("ready");
    std::io::stdin()
        .lock()
        .read_line(&mut String::new())
        .unwrap();
    let began = Instant::now();
    let mut acknowledged = 0;
    while began.elapsed() < LASTS {
        commit(acknowledged);
        acknowledged += 1;
    }
    println!("{acknowledged}");
}

/// Reads the store again: as many snapshots as were acknowledged, gapless, no run twice.
fn check(store: &Path, acknowledged: usize) {
    let ledger = Ledger::open(store).unwrap();
    let page = ledger
        .log(&runstone::list::LogRequest {
            all_attempts: true,
            ..Default::default()
        })
        .unwrap();
    let runs: BTreeSet<_> = page
        .rows
        .iter()
        .map(|row| row.stored.snapshot.run_id.to_string())
        .collect();
    assert_eq!(
        page.rows.len(),
        acknowledged,
        "what was acknowledged and what is there differ"
    );
    assert_eq!(runs.len(), acknowledged, "a run stands twice");
    let cohorts = ledger.cohorts().unwrap();
    assert_eq!(
        cohorts[0].snapshots,
        u64::try_from(acknowledged).ok(),
        "the log has gaps"
    );
}
