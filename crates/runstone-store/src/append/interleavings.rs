//! Writers of one key, met in every order a seed can think of.
//!
//! A schedule lets one writer at a time make one call to a store in memory. The invariant held up
//! to scrutiny here is the one the loop argues: one key, one place. Losing power is left to a
//! simulation below the directory engine.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex};
use std::thread;

use serde_json::{Map, Value};

use super::stand_in::{Manner, StandIn};
use super::*;
use crate::entropy::SystemEntropy;
use crate::hash::Hash256;
use crate::log::Seq;
use crate::memory::MemoryStore;
use crate::mutants::{self, Mutant};
use crate::store::{BatchItem, Committed, Slot, Store as _};

const WRITERS: usize = 4;

/// Lets one writer at a time make one call, in an order that a seed decides.
struct Schedule {
    state: Mutex<Turn>,
    changed: Condvar,
}

struct Turn {
    seed: u64,
    next: usize,
    at_work: [bool; WRITERS],
}

impl Turn {
    /// Draws the next writer among those at work (xorshift64).
    fn draw(&mut self) {
        if !self.at_work.contains(&true) {
            return;
        }
        loop {
            self.seed ^= self.seed << 13;
            self.seed ^= self.seed >> 7;
            self.seed ^= self.seed << 17;
            self.next = usize::try_from(self.seed >> 33).unwrap() % WRITERS;
            if self.at_work[self.next] {
                return;
            }
        }
    }
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut turn = Turn {
            seed,
            next: 0,
            at_work: [true; WRITERS],
        };
        turn.draw();
        Self {
            state: Mutex::new(turn),
            changed: Condvar::new(),
        }
    }

    fn step<T>(&self, writer: usize, act: impl FnOnce() -> T) -> T {
        let state = self.state.lock().unwrap();
        let mut state = self
            .changed
            .wait_while(state, |turn| turn.next != writer)
            .unwrap();
        let value = act();
        state.draw();
        self.changed.notify_all();
        value
    }

    fn leave(&self, writer: usize) {
        let mut state = self.state.lock().unwrap();
        state.at_work[writer] = false;
        if state.next == writer {
            state.draw();
        }
        self.changed.notify_all();
    }
}

/// A writer each of whose calls waits for its turn.
struct Scheduled<'a> {
    schedule: &'a Schedule,
    writer: usize,
}

impl Manner for Scheduled<'_> {
    fn call<T>(&self, act: impl FnOnce() -> T) -> T {
        self.schedule.step(self.writer, act)
    }
}

/// What one writer records: the runs of one batch, or each by itself.
#[derive(Clone, Copy)]
enum Part {
    Alone(&'static [&'static str]),
    Batch(&'static [&'static str]),
}

/// Four writers, two of one run.
const TWINS: [Part; WRITERS] = [
    Part::Alone(&["twin"]),
    Part::Alone(&["twin"]),
    Part::Alone(&["other"]),
    Part::Alone(&["third"]),
];

/// Lets writers, who may all be a mutant, meet in the order that a seed decides; every run must get
/// one place. Returns what is wrong if one has none or several.
fn meet(seed: u64, parts: [Part; WRITERS], mutant: Option<Mutant>) -> Result<(), String> {
    let store = MemoryStore::new(String::new(), Map::new(), SystemEntropy);
    let cohort: crate::log::CohortName = "c".parse().unwrap();
    store.open_cohort(&cohort, b"").unwrap();
    let log = Log::Cohort(cohort.clone());
    let text = |run: &str| {
        let (run, stage) = (run.to_owned(), "train".to_owned());
        KeyText {
            run,
            stage,
            cohort: cohort.clone(),
            attempt: 0,
        }
    };
    let item = |run: &&str| BatchItem {
        log: log.clone(),
        key: Some(text(run)),
        content: Hash256::of(b"content"),
        payload: b"payload".to_vec(),
        summary: Value::Null.into(),
        recorded_at: String::new(),
    };
    let schedule = Schedule::new(seed);
    let write = |writer: usize, part: Part| -> Vec<Appended> {
        mutants::turn_into(mutant);
        let manner = Scheduled {
            schedule: &schedule,
            writer,
        };
        let store = &store;
        let slots = StandIn { store, manner };
        let entry = NewEntry {
            content: Hash256::of(b"content"),
            payload: b"payload",
            summary: Value::Null.into(),
            recorded_at: String::new(),
        };
        let appended: Vec<_> = match part {
            Part::Alone(runs) => runs
                .iter()
                .map(|run| append(&slots, &log, Some(&text(run)), &entry, None))
                .collect(),
            // One thread, so that the seed alone decides.
            Part::Batch(runs) => {
                let items: Vec<BatchItem> = runs.iter().map(item).collect();
                let ahead = 1 + usize::try_from(seed).unwrap() % items.len();
                append_by(Hands::Own { ahead }, &slots, &items, &mut |_, _, _| None)
            }
        };
        schedule.leave(writer);
        appended.into_iter().map(Result::unwrap).collect()
    };
    let write = &write;
    let appended: Vec<Appended> = thread::scope(|scope| {
        let writers: Vec<_> = parts
            .into_iter()
            .enumerate()
            .map(|(writer, part)| scope.spawn(move || write(writer, part)))
            .collect();
        writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect()
    });
    let mut places = BTreeMap::new();
    let mut news = 0;
    for appended in &appended {
        let (Appended::New(committed) | Appended::Already(committed)) = appended else {
            panic!("seed {seed}: equal content was told taken");
        };
        news += usize::from(matches!(appended, Appended::New(_)));
        let Committed { seq, envelope } = committed;
        let place = places.entry(envelope.key).or_insert(*seq);
        if place != seq {
            return Err(format!("seed {seed}: a run has two places: {appended:?}"));
        }
    }
    let head = store.head(&log).unwrap();
    if news != places.len() || head != Seq::new(news as u64) {
        return Err(format!(
            "seed {seed}: the log ends at {head:?}: {appended:?}"
        ));
    }
    for (key, seq) in places {
        let read = store.peek(&log, seq).unwrap();
        if !matches!(&read, Slot::Whole(envelope) if envelope.key == key) {
            return Err(format!("seed {seed}: at {seq} stands {read:?}"));
        }
    }
    Ok(())
}

#[test]
fn in_whatever_order_writers_of_one_key_meet_it_gets_one_place() {
    for seed in 1..=1500 {
        meet(seed, TWINS, None).unwrap();
    }
}

#[test]
fn in_whatever_order_batches_meet_single_writers_each_key_gets_one_place() {
    let parts = [
        Part::Batch(&["a", "b", "c", "b"]),
        Part::Batch(&["c", "a", "d"]),
        Part::Alone(&["b", "d"]),
        Part::Alone(&["other", "c"]),
    ];
    for seed in 1..=1500 {
        meet(seed, parts, None).unwrap();
    }
}

#[test]
fn writer_that_was_refused_a_place_and_does_not_ask_for_adopters_anew_is_noticed() {
    let mutant = Some(Mutant::AdoptionNotAskedAnew);
    let noticed = (1..=1500).find_map(|seed| meet(seed, TWINS, mutant).err());
    println!("AdoptionNotAskedAnew: {}", noticed.expect("it is noticed"));
}
