//! The actors of a simulation: writers, readers, collectors, menders and makers, each with handles
//! of its own.
//!
//! An actor does what a command of the ledger does with the store: it opens the cohort, keeps what
//! its entry names, and appends. The invariant guarded here: an actor learns of the store by its
//! handle alone, as a process does, and asks again with a new one after an error. What the answers
//! must be is left to `promises`.
//!
//! A batch prepares its entries one after the other here, and seals once it is answered for: threads
//! of its own would run outside of the schedule. That several prepare at once, or one seals while
//! another records, is the part of several actors.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::Map;

use super::draw::Draw;
use super::filesystem::SimulatedFileSystem;
use super::history::{Answer, Ask, History, Place, Run, Told, log_of_note, note};
use super::promises::all_logs;
use super::world::World;
use crate::append::{Hands, append_by};
use crate::descriptor::{Modes, Primitive};
use crate::dir::fs::{FileSystem as _, best_effort};
use crate::dir::layout::slot_name;
use crate::dir::{DirStore, InitOptions};
use crate::entropy::Entropy;
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::log::{Log, Seq};
use crate::mutants::{self, Mutant};
use crate::store::{Appended, Slot, Standing, Store as _, Sweep, one_by_one};

pub(super) type Simulated = DirStore<SimulatedFileSystem>;

/// What an actor does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Record(Run),
    Batch(Vec<Run>),
    Note(usize),
    Find(Run),
    Head(Log),
    Delete(Run),
    Collect,
    Mend,
    Make,
}

/// How the actors of one time between two power cuts go about it.
#[derive(Debug, Clone)]
pub(super) struct Manner {
    pub(super) seed: u64,
    pub(super) shard_slots: u64,
    /// How often a command that failed is given again at once, by a handle of its own.
    pub(super) tries: usize,
    pub(super) mutant: Option<Mutant>,
}

/// Nonces that follow from a seed.
#[derive(Debug)]
struct Numbered {
    seed: u64,
    count: AtomicU64,
}

impl Entropy for Numbered {
    fn nonce(&self) -> [u8; 16] {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut draw = Draw::of(&[self.seed, count]);
        let mut bits = [0; 16];
        bits[..8].copy_from_slice(&draw.next().to_be_bytes());
        bits[8..].copy_from_slice(&draw.next().to_be_bytes());
        bits
    }
}

/// Returns randomness that follows from seeds.
pub(super) fn entropy(seeds: &[u64]) -> impl Entropy + use<> {
    Numbered {
        seed: Draw::of(seeds).next(),
        count: AtomicU64::new(0),
    }
}

/// Makes a store, or finds the one that is there. That it may live on this file system is known: a
/// probe would race with threads of its own, outside of the schedule.
pub(super) fn make(
    fs: SimulatedFileSystem,
    world: &World,
    entropy: impl Entropy + 'static,
) -> Result<Simulated, StoreError> {
    let options = InitOptions {
        created: String::new(),
        modes: Modes::Private,
        settings: Map::new(),
    };
    let primitive = if world.has_links() {
        Primitive::Link
    } else {
        Primitive::RenameNoreplace
    };
    let made = DirStore::init_by(fs, Path::new("/"), &options, entropy, |_, _, _| {
        Ok(primitive)
    });
    Ok(made?.into_store())
}

/// Lets each actor run its script; returns what an actor panicked with, if one did.
pub(super) fn act(
    world: &Arc<World>,
    scripts: &[Vec<Command>],
    manner: &Manner,
    history: &History,
) -> Option<String> {
    let panicked = Mutex::new(None);
    thread::scope(|scope| {
        for (actor, script) in scripts.iter().enumerate() {
            let panicked = &panicked;
            scope.spawn(move || {
                mutants::turn_into(manner.mutant);
                world.enter(actor);
                let cast = Actor::new(world, actor, manner, history);
                let lived = catch_unwind(AssertUnwindSafe(|| cast.follow(script)));
                world.leave(actor);
                if let Err(panic) = lived {
                    let text = panic.downcast_ref::<String>().cloned();
                    let text =
                        text.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
                    *panicked.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(text.unwrap_or_default());
                }
            });
        }
    });
    panicked
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
}

struct Actor<'w> {
    world: &'w Arc<World>,
    number: usize,
    manner: &'w Manner,
    history: &'w History,
    draw: Draw,
    handles: u64,
}

impl<'w> Actor<'w> {
    fn new(world: &'w Arc<World>, number: usize, manner: &'w Manner, history: &'w History) -> Self {
        Self {
            world,
            number,
            manner,
            history,
            draw: Draw::of(&[manner.seed, number as u64]),
            handles: 0,
        }
    }

    fn follow(mut self, script: &[Command]) {
        let mut kept = None;
        for command in script {
            for _ in 0..self.manner.tries {
                // Each command may be a process of its own, or of one that goes on.
                let store = match kept.take() {
                    Some(store) => Ok(store),
                    None => self.open(*command == Command::Make),
                };
                let is_well = self.give(command, store.as_ref());
                if self.world.is_gone(self.number) {
                    return;
                }
                if is_well || self.draw.one_in(4) {
                    kept = store.ok().filter(|_| self.draw.one_in(2));
                }
                if is_well {
                    break;
                }
            }
        }
    }

    fn open(&mut self, is_made: bool) -> Result<Simulated, StoreError> {
        self.handles += 1;
        let seeds = [self.manner.seed, self.number as u64, self.handles];
        let fs = SimulatedFileSystem::of(self.world, self.number);
        let store = if is_made {
            make(fs, self.world, entropy(&seeds))?
        } else {
            DirStore::open_on(fs, Path::new("/"), entropy(&seeds))?
        };
        Ok(store.with_shard_slots(self.manner.shard_slots))
    }

    /// Gives a command and writes down what is told; returns whether all of it was answered.
    fn give(&self, command: &Command, store: Result<&Simulated, &StoreError>) -> bool {
        self.world
            .note(self.number, || format!("begins {command:?}"));
        let began = self.world.now();
        let told = match store {
            Ok(store) => perform(store, command),
            Err(error) => {
                let refused = |ask| (ask, Answer::Refused(error.to_string()));
                asks(command).into_iter().map(refused).collect()
            }
        };
        let is_gone = self.world.is_gone(self.number);
        let ended = self.world.now();
        let mut is_well = true;
        for (ask, mut answer) in told {
            if is_gone {
                answer = Answer::Silence;
            }
            self.world
                .note(self.number, || format!("is told {ask:?}: {answer:?}"));
            is_well &= matches!(
                answer,
                Answer::At(_)
                    | Answer::Claimed
                    | Answer::Nowhere
                    | Answer::Highest(_)
                    | Answer::Done
            );
            self.history.add(Told {
                began,
                ended,
                ask,
                answer,
            });
        }
        // As whoever records a stream does, once what it recorded is answered for.
        if let (Command::Batch(_), Ok(store)) = (command, store) {
            store.seal_pending();
        }
        is_well
    }
}

/// Returns what a command asks for.
fn asks(command: &Command) -> Vec<Ask> {
    match command {
        Command::Record(run) => vec![Ask::Record(*run)],
        Command::Batch(runs) => runs.iter().copied().map(Ask::Record).collect(),
        Command::Note(number) => vec![Ask::Note(*number)],
        Command::Find(run) => vec![Ask::Find(run.number)],
        Command::Head(log) => vec![Ask::Head(log.clone())],
        Command::Delete(run) => vec![Ask::Delete(*run)],
        Command::Collect => vec![Ask::Collect],
        Command::Mend => vec![Ask::Mend],
        Command::Make => vec![Ask::Make],
    }
}

fn perform(store: &Simulated, command: &Command) -> Vec<(Ask, Answer)> {
    let mut asks = asks(command).into_iter();
    let mut ask = || asks.next().expect("every answer has its question");
    match command {
        Command::Record(run) => {
            let item = run.item();
            let appended = prepare(store, *run).and_then(|()| {
                let entry = note(&item.payload);
                store.append(&item.log, item.key.as_ref(), &entry)
            });
            vec![(ask(), held(store, *run, answer(&item.log, appended)))]
        }
        Command::Batch(runs) => batch(store, runs),
        Command::Note(number) => {
            let log = log_of_note(*number);
            let opened = match log.cohort() {
                Some(cohort) => store
                    .open_cohort(cohort, document(cohort.as_str()))
                    .map(drop),
                None => Ok(()),
            };
            let payload = format!("note {number}");
            let appended =
                opened.and_then(|()| store.append(&log, None, &note(payload.as_bytes())));
            vec![(ask(), answer(&log, appended))]
        }
        Command::Find(run) => {
            let answer = match store.find(&run.key()) {
                Ok(Some(committed)) => Answer::At(Place::of(run.log(), &committed, false)),
                Ok(None) => Answer::Nowhere,
                Err(error) => failed(&error),
            };
            vec![(ask(), answer)]
        }
        Command::Head(log) => {
            let answer = match store.head(log) {
                Ok(head) => Answer::Highest(head),
                Err(error) => failed(&error),
            };
            vec![(ask(), answer)]
        }
        Command::Delete(run) => {
            let answer = match delete(store, *run) {
                Ok(true) => Answer::Done,
                Ok(false) => Answer::Nowhere,
                Err(error) => failed(&error),
            };
            vec![(ask(), answer)]
        }
        Command::Collect => vec![(ask(), done(collect(store)))],
        Command::Mend => vec![(ask(), done(store.mend()))],
        // It was made or found when it was opened.
        Command::Make => vec![(ask(), Answer::Done)],
    }
}

fn done<T>(result: Result<T, StoreError>) -> Answer {
    match result {
        Ok(_) => Answer::Done,
        Err(error) => failed(&error),
    }
}

/// Looks again at what the entry of a run names, before its place is told.
fn held(store: &Simulated, run: Run, answer: Answer) -> Answer {
    let Answer::At(place) = answer else {
        return answer;
    };
    let object = run.object();
    match store.hold_object(&Hash256::of(&object), Some(&object)) {
        Ok(_is_there) => Answer::At(Place {
            is_held: true,
            ..place
        }),
        Err(error) => failed(&error),
    }
}

/// Collects what nobody needs, as the ledger does.
fn collect(store: &Simulated) -> Result<(), StoreError> {
    store.sweep(Sweep::Remove)?;
    let mut who_names = || {
        let mut named = BTreeSet::new();
        for log in all_logs() {
            let head = store.head(&log).ok()?;
            let mut seq = Seq::FIRST;
            while Some(seq) <= head {
                let entry = store.read(&log, seq).ok()?.whole()?;
                if let Some(run) = Run::of_payload(&entry.payload) {
                    named.insert(Hash256::of(&run.object()));
                }
                seq = seq.next();
            }
        }
        Some(named)
    };
    store.discard(Sweep::Remove, &mut who_names).map(drop)
}

/// Returns the document of a cohort.
pub(super) fn document(cohort: &str) -> &'static [u8] {
    if cohort == "a" {
        b"{\"a\":1}"
    } else {
        b"{\"b\":1}"
    }
}

/// Makes durable what the entry of a run names.
fn prepare(store: &Simulated, run: Run) -> Result<(), StoreError> {
    let cohort = run.cohort();
    store.open_cohort(&cohort, document(cohort.as_str()))?;
    // What the last entry names was durable before that entry.
    let last = match store.head(&run.log())? {
        Some(head) => store.read(&run.log(), head)?.whole(),
        None => None,
    };
    let named = last.and_then(|last| Run::of_payload(&last.payload));
    let standing = match named {
        Some(named) if named.object() == run.object() => Standing::NamedByCommitted,
        _ => Standing::Unproven,
    };
    store.put_object(&run.object(), standing).map(drop)
}

/// Puts what runs name, on behalf of nobody in the world.
pub(super) fn put_objects(world: &Arc<World>, numbers: &[usize]) {
    let fs = SimulatedFileSystem::from_outside(world);
    let store = DirStore::open_on(fs, Path::new("/"), entropy(&[3])).unwrap();
    for number in numbers {
        let run = Run {
            number: *number,
            content: 0,
        };
        store.put_object(&run.object(), Standing::Unproven).unwrap();
    }
}

/// Records runs on behalf of nobody in the world.
pub(super) fn grow(world: &Arc<World>, shard_slots: u64, runs: &[Run]) {
    let fs = SimulatedFileSystem::from_outside(world);
    let store = DirStore::open_on(fs, Path::new("/"), entropy(&[2])).unwrap();
    for (_, answer) in batch(&store.with_shard_slots(shard_slots), runs) {
        assert!(matches!(answer, Answer::At(_)), "{answer:?}");
    }
}

fn batch(store: &Simulated, runs: &[Run]) -> Vec<(Ask, Answer)> {
    let mut ready = Vec::new();
    let mut told = Vec::new();
    for run in runs {
        match prepare(store, *run) {
            Ok(()) => ready.push(*run),
            Err(error) => told.push((Ask::Record(*run), failed(&error))),
        }
    }
    let items: Vec<_> = ready.iter().map(|run| run.item()).collect();
    let mut instead = |_, _: &_, _: Option<&_>| None;
    let appended = if store.tree.is_poisoned() || store.demand_layout().is_err() {
        one_by_one(store, &items, &mut instead)
    } else {
        // Begun right before its turn, or before the turn of the first, or between: by the runs,
        // so that the same command is always the same.
        let numbers: usize = runs.iter().map(|run| run.number + run.content).sum();
        let ahead = 1 + numbers % runs.len();
        append_by(Hands::Own { ahead }, store, &items, &mut instead)
    };
    let answers = ready.iter().zip(appended);
    told.extend(answers.map(|(run, appended)| {
        let answer = held(store, *run, answer(&run.log(), appended));
        (Ask::Record(*run), answer)
    }));
    told
}

/// Deletes the entry of a run as the ledger does, by a note; returns whether there was one.
fn delete(store: &Simulated, run: Run) -> Result<bool, StoreError> {
    let Some(committed) = store.find(&run.key())? else {
        return Ok(false);
    };
    let notes = Log::CohortNotes(run.cohort());
    let text = format!("deleted {}", committed.seq);
    store
        .append(&notes, None, &note(text.as_bytes()))
        .map(drop)?;
    if mutants::is(Mutant::SlotReuseAfterDelete) {
        free_slot(store, &run.log(), committed.seq)?;
    }
    Ok(true)
}

/// Removes an entry from the end of its log, as if its place could be given out again.
fn free_slot(store: &Simulated, log: &Log, seq: Seq) -> Result<(), StoreError> {
    if store.find_head(log, None)? == Some(seq)
        && let Some(mut log_dir) = store.open_log(log)?
        && let Some(shard) = log_dir.shard(store.shard_of(seq))?
    {
        best_effort(store.tree.fs.unlink(&shard.dir, &slot_name(seq)));
        store.tree.sync(shard)?;
    }
    Ok(())
}

fn answer(log: &Log, appended: Result<Appended, StoreError>) -> Answer {
    match appended {
        Ok(Appended::New(committed)) => Answer::At(Place::of(log.clone(), &committed, true)),
        Ok(Appended::Already(committed)) => Answer::At(Place::of(log.clone(), &committed, false)),
        Ok(Appended::Taken { recorded: None, .. }) => Answer::Claimed,
        Ok(Appended::Taken {
            recorded: Some(committed),
            ..
        }) => Answer::At(Place::of(log.clone(), &committed, false)),
        Err(error) => failed(&error),
    }
}

fn failed(error: &StoreError) -> Answer {
    let text = error.to_string();
    match error {
        StoreError::NotRecorded { .. } => Answer::NotRecorded(text),
        StoreError::Unknown { .. } => Answer::Unknown(text),
        StoreError::Damaged(_) => Answer::Damaged(text),
        _ => Answer::Refused(text),
    }
}

/// Reads a log from its beginning; what is damaged is nothing.
pub(super) fn read_all(
    store: &Simulated,
    log: &Log,
) -> Result<Vec<Result<crate::store::Entry, crate::damage::Damage>>, StoreError> {
    let mut entries = Vec::new();
    let mut seq = Seq::FIRST;
    loop {
        match store.read(log, seq)? {
            Slot::Whole(entry) => entries.push(Ok(entry)),
            Slot::Damaged(damage) => entries.push(Err(damage)),
            Slot::Absent => return Ok(entries),
        }
        seq = seq.next();
    }
}
