//! Any number of processes may write at once, and nothing is lost.
//!
//! Each test starts copies of this test program as writers. A copy is told its part by an argument
//! of its own, which the test harness takes for one more filter.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step should stop the test"
)]
#![expect(clippy::print_stdout, reason = "a copy says what it was told")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use runstone_store::dir::Initialised;
use runstone_store::{Appended, BatchItem, DirStore, Seq, Store as _, SystemEntropy};
use support::{Place, cohort, entry, findings, item, key, log, open, options};

const PROCESSES: usize = 24;
const APPENDS: u64 = 20;

/// The part a copy of this program plays.
#[derive(Clone, Copy)]
enum Part {
    /// Appends entries of its own, every third process in batches.
    Writer,
    /// Appends what all others append.
    Twin,
    /// Makes the store.
    Maker,
}

impl Part {
    const fn test(self) -> &'static str {
        match self {
            Self::Writer => "a_writer_alone_is_given_every_place",
            Self::Twin => "a_twin_alone_records_once",
            Self::Maker => "a_maker_alone_makes_the_store",
        }
    }
}

/// Starts copies of this program and returns the lines that each of them printed after `said `.
fn play(part: Part, path: &Path) -> Vec<Vec<String>> {
    let start = |id: usize| -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([part.test(), "--exact", "--nocapture"]);
        command.arg(format!("part={id}={}", path.display()));
        command.stdout(Stdio::piped()).spawn().unwrap()
    };
    let started: Vec<Child> = (0..PROCESSES).map(start).collect();
    let said = |child: Child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "a copy failed");
        let text = String::from_utf8(output.stdout).unwrap();
        // The harness prints the name of the test without a newline before what the test says.
        text.lines()
            .filter_map(|line| Some(line.split_once("said ")?.1.to_owned()))
            .collect()
    };
    started.into_iter().map(said).collect()
}

/// Returns the part given to this process: its number and the store.
fn given() -> Option<(usize, PathBuf)> {
    std::env::args().find_map(|argument| {
        let (id, path) = argument.strip_prefix("part=")?.split_once('=')?;
        Some((id.parse().ok()?, PathBuf::from(path)))
    })
}

#[test]
fn a_writer_alone_is_given_every_place() {
    let place = Place::new();
    let (id, path) = given().unwrap_or_else(|| {
        support::record(&place.init(), &[]);
        (0, place.path())
    });
    let store = open(&path);
    if id % 3 == 2 {
        return write_in_batches(&store, &path, id);
    }
    let mut last = None;
    for number in 0..APPENDS {
        // What a fresh handle sees taken before the call began must come earlier in the log.
        let before = open(&path).head(&log()).unwrap();
        let run = format!("run-{id}-{number}");
        let appended = store
            .append(&log(), Some(&key(&run)), &entry(run.as_bytes()))
            .unwrap();
        let Appended::New(committed) = appended else {
            panic!("{appended:?}")
        };
        assert!(Some(committed.seq) > before.max(last));
        last = Some(committed.seq);
        println!("said {} {run}", committed.seq);
    }
    assert!(last.map(Seq::get) >= Some(APPENDS));
}

/// Appends entries of its own, several at once.
fn write_in_batches(store: &DirStore, path: &Path, id: usize) {
    let numbers: Vec<u64> = (0..APPENDS).collect();
    for few in numbers.chunks(7) {
        let before = open(path).head(&log()).unwrap();
        let item = |number: &u64| item(&format!("run-{id}-{number}"));
        let items: Vec<BatchItem> = few.iter().map(item).collect();
        let mut last = before;
        for (item, appended) in items
            .iter()
            .zip(store.append_all(&items, &mut |_, _, _| None))
        {
            let Ok(Appended::New(committed)) = appended else {
                panic!("{appended:?}")
            };
            assert!(Some(committed.seq) > last);
            last = Some(committed.seq);
            let run = &item.key.as_ref().unwrap().run;
            println!("said {} {run}", committed.seq);
        }
    }
}

#[test]
fn a_twin_alone_records_once() {
    let place = Place::new();
    let (id, path) = given().unwrap_or_else(|| {
        support::record(&place.init(), &[]);
        (0, place.path())
    });
    if id % 2 == 1 {
        return record_twins_in_batches(&path);
    }
    for number in 0..APPENDS {
        let run = format!("run-{number}");
        let appended = open(&path).append(&log(), Some(&key(&run)), &entry(run.as_bytes()));
        match appended.unwrap() {
            Appended::New(committed) => println!("said {run} new {}", committed.seq),
            Appended::Already(committed) => println!("said {run} already {}", committed.seq),
            Appended::Taken { .. } => panic!("equal content was told taken"),
        }
    }
    assert!(open(&path).head(&log()).unwrap().map(Seq::get) >= Some(APPENDS));
}

/// Appends what all others append, several at once.
fn record_twins_in_batches(path: &Path) {
    let numbers: Vec<u64> = (0..APPENDS).collect();
    for few in numbers.chunks(7) {
        let runs: Vec<String> = few.iter().map(|number| format!("run-{number}")).collect();
        let items: Vec<BatchItem> = runs.iter().map(|run| item(run)).collect();
        let appended = open(path).append_all(&items, &mut |_, _, _| None);
        for (run, appended) in runs.iter().zip(appended) {
            match appended.unwrap() {
                Appended::New(committed) => println!("said {run} new {}", committed.seq),
                Appended::Already(committed) => println!("said {run} already {}", committed.seq),
                Appended::Taken { .. } => panic!("equal content was told taken"),
            }
        }
    }
}

#[test]
fn a_maker_alone_makes_the_store() {
    let place = Place::new();
    let (_, path) = given().unwrap_or_else(|| (0, place.path()));
    let (word, store) = match DirStore::init(&path, &options(), SystemEntropy).unwrap() {
        Initialised::Made(store) => ("made", store),
        Initialised::Found(store) => ("found", store),
    };
    store.open_cohort(&cohort(), b"{}").unwrap();
    println!("said {word} {}", store.descriptor().store);
    assert_eq!(open(&path).descriptor(), store.descriptor());
}

#[test]
fn many_writers_lose_nothing_and_leave_no_gap() {
    let place = Place::new();
    support::record(&place.init(), &[]);
    let mut told = BTreeMap::new();
    for line in play(Part::Writer, &place.path()).into_iter().flatten() {
        let (seq, run) = line.split_once(' ').unwrap();
        assert_eq!(
            told.insert(seq.parse::<u64>().unwrap(), run.to_owned()),
            None,
            "{line}"
        );
    }
    let store = place.open();
    let all = PROCESSES as u64 * APPENDS;
    assert_eq!(
        told.keys().copied().collect::<Vec<_>>(),
        (1..=all).collect::<Vec<_>>()
    );
    assert_eq!(store.head(&log()).unwrap(), Seq::new(all));
    for (seq, run) in told {
        let entry = store
            .read(&log(), Seq::new(seq).unwrap())
            .unwrap()
            .whole()
            .unwrap();
        assert_eq!(entry.payload, run.as_bytes());
    }
    assert_eq!(findings(&store), Vec::<String>::new());
}

#[test]
fn many_processes_with_one_key_get_one_place() {
    let place = Place::new();
    support::record(&place.init(), &[]);
    let mut news = BTreeMap::new();
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in play(Part::Twin, &place.path()).into_iter().flatten() {
        let words: Vec<&str> = line.split(' ').collect();
        *news.entry(words[0].to_owned()).or_insert(0) += usize::from(words[1] == "new");
        places
            .entry(words[0].to_owned())
            .or_default()
            .insert(words[2].to_owned());
    }
    assert_eq!(news.len() as u64, APPENDS);
    assert!(news.values().all(|news| *news == 1), "{news:?}");
    assert!(
        places.values().all(|places| places.len() == 1),
        "{places:?}"
    );
    let store = place.open();
    assert_eq!(store.head(&log()).unwrap(), Seq::new(APPENDS));
    assert_eq!(findings(&store), Vec::<String>::new());
}

#[test]
fn of_many_makers_one_makes_the_store_and_the_others_find_it() {
    let place = Place::new();
    let said: Vec<String> = play(Part::Maker, &place.path())
        .into_iter()
        .flatten()
        .collect();
    let made = said.iter().filter(|line| line.starts_with("made")).count();
    let stores: BTreeSet<&str> = said
        .iter()
        .map(|line| line.split_once(' ').unwrap().1)
        .collect();
    assert_eq!(
        (said.len(), made, stores.len()),
        (PROCESSES, 1, 1),
        "{said:?}"
    );
    assert_eq!(findings(&place.open()), Vec::<String>::new());
}
