//! Writers of one key, met in every order a seed can think of.
//!
//! A schedule lets one writer at a time make one call to a store in memory. The invariant held up
//! to scrutiny here is the one the loop argues: one key, one place. Losing power is left to a
//! simulation below the directory engine.

use std::sync::{Condvar, Mutex};
use std::thread;

use serde_json::Map;

use super::*;
use crate::entropy::SystemEntropy;
use crate::hash::Hash256;
use crate::memory::MemoryStore;
use crate::store::{Slot, Store as _};

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

/// One writer's view of a store, each of whose calls waits for its turn.
struct Scheduled<'a> {
    store: &'a MemoryStore,
    schedule: &'a Schedule,
    writer: usize,
}

impl Scheduled<'_> {
    fn step<T>(&self, act: impl FnOnce(&MemoryStore) -> T) -> T {
        self.schedule.step(self.writer, || act(self.store))
    }
}

impl Slots for Scheduled<'_> {
    type Draft = Vec<u8>;

    fn descriptor(&self) -> &Descriptor {
        Slots::descriptor(self.store)
    }

    fn nonce(&self) -> Nonce {
        self.store.nonce()
    }

    fn seen(&self, log: &Log) -> Result<Option<Seen>, StoreError> {
        self.step(|store| store.seen(log))
    }

    fn likely_free(&self, log: &Log, from: Seq) -> Result<Seq, StoreError> {
        self.step(|store| store.likely_free(log, from))
    }

    fn look(&self, log: &Log, seq: Seq, key: Option<&Key>) -> Result<Look, StoreError> {
        self.step(|store| store.look(log, seq, key))
    }

    fn claim_of(&self, key: &Key) -> Result<Claim, StoreError> {
        self.step(|store| store.claim_of(key))
    }

    fn draft(&self, log: &Log, near: Seq, file: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        self.step(|store| store.draft(log, near, file))
    }

    fn claim(
        &self,
        key: &Key,
        generation: u32,
        draft: &mut Vec<u8>,
    ) -> Result<Claimed, StoreError> {
        self.step(|store| Slots::claim(store, key, generation, draft))
    }

    fn adopt(&self, key: &Key, generation: u32) -> Result<(), StoreError> {
        self.step(|store| store.adopt(key, generation))
    }

    fn adopted(&self, key: &Key, generation: u32) -> Result<bool, StoreError> {
        self.step(|store| store.adopted(key, generation))
    }

    fn publish(
        &self,
        log: &Log,
        seq: Seq,
        draft: &mut Vec<u8>,
        written: &Envelope,
    ) -> Result<Published, StoreError> {
        self.step(|store| store.publish(log, seq, draft, written))
    }

    fn settle(&self, log: &Log, committed: &Committed) -> Result<(), StoreError> {
        self.step(|store| store.settle(log, committed))
    }
}

/// Two writers of one key and two of keys of their own, in the order that a seed decides.
fn meet(seed: u64) {
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
    let entry = NewEntry {
        content: Hash256::of(b"content"),
        payload: b"payload",
        summary: Value::Null,
        recorded_at: String::new(),
    };
    let schedule = Schedule::new(seed);
    let write = |writer: usize, run: &'static str| {
        let slots = Scheduled {
            store: &store,
            schedule: &schedule,
            writer,
        };
        let appended = append(&slots, &log, Some(&text(run)), &entry);
        schedule.leave(writer);
        appended.unwrap()
    };
    let write = &write;
    let appended: Vec<Appended> = thread::scope(|scope| {
        let runs = ["twin", "twin", "other", "third"].into_iter().enumerate();
        let writers: Vec<_> = runs
            .map(|(writer, run)| scope.spawn(move || write(writer, run)))
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect()
    });
    let news = appended
        .iter()
        .filter(|it| matches!(it, Appended::New(_)))
        .count();
    assert_eq!(news, 3, "seed {seed}: {appended:?}");
    assert_eq!(store.head(&log).unwrap(), Seq::new(3), "seed {seed}");
    let twin = text("twin").key(Slots::descriptor(&store).store);
    let is_twin = |place: &u64| {
        let read = store.peek(&log, Seq::new(*place).unwrap()).unwrap();
        matches!(read, Slot::Whole(envelope) if envelope.key == Some(twin))
    };
    assert_eq!((1..=3).filter(is_twin).count(), 1, "seed {seed}");
}

#[test]
fn in_whatever_order_writers_of_one_key_meet_it_gets_one_place() {
    for seed in 1..=1500 {
        meet(seed);
    }
}
