//! The life of a store, from one seed: actors at work, a power cut, what survives, and again.
//!
//! ```text
//! store made ─▶ actors, faults, deaths ─▶ cut ─▶ several survivals, each checked
//!                   ▲                                │
//!                   └──── the same commands again ◀──┘   … at last without any mishap
//! ```
//!
//! The invariant guarded here: a life follows from its seed, kind and mutant alone, so that what it
//! found can be found again. What must hold is left to `promises`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::actors::{self, Command, Manner, act, entropy, grow, put_objects};
use super::disk::{Disk, ROOT};
use super::draw::Draw;
use super::filesystem::SimulatedFileSystem;
use super::history::{Answer, Ask, History, Run, Told};
use super::promises::{self, Broken};
use super::world::{Fate, World};
use crate::dir::hint::HINT;
use crate::dir::layout::{SEGMENTS, TEMPORARY, fan_name};
use crate::dir::{DirStore, Kind, encode_hint};
use crate::envelope::Seen as SeenPlace;
use crate::hash::Hash256;
use crate::key::StoreId;
use crate::log::{Log, Seq};
use crate::mutants::Mutant;
use crate::store::{Slot, Store as _};

/// Survivals that are looked at after each cut.
const SURVIVALS: usize = 3;

/// Runs that differ.
const RUNS_MAX: usize = 5;

/// What decides a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Birth {
    pub(super) kind: Kind,
    pub(super) seed: u64,
    pub(super) mutant: Option<Mutant>,
}

/// What was seen in a life.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Seen {
    /// Calls to the file system.
    pub(super) calls: u64,
    /// Disks that were looked at after a cut.
    pub(super) survivals: u64,
    /// Questions that were answered.
    pub(super) answers: u64,
    /// Calls up to the first cut.
    pub(super) calls_before_cut: u64,
    /// Segments by then.
    pub(super) segments: usize,
}

/// A promise that was broken, and the calls that led to it.
#[derive(Debug)]
pub(super) struct Violation {
    pub(super) broken: Broken,
    pub(super) trace: Vec<String>,
}

/// A life as far as it has been lived.
struct Life {
    birth: Birth,
    draw: Draw,
    disk: Disk,
    shard_slots: u64,
    now: u64,
    day: i64,
    /// Whether days passed while actors were at work.
    days_passed: bool,
    /// Whether the store was yet to be made when all this began.
    was_unmade: bool,
    history: History,
    seen: Seen,
    is_traced: bool,
    trace: Vec<String>,
}

/// Lives a life; returns what was seen, or the first promise that was broken.
pub(super) fn live(birth: Birth, is_traced: bool) -> Result<Seen, Violation> {
    let mut draw = Draw::of(&[birth.seed]);
    let has_links = !draw.one_in(6);
    let shard_slots = draw.pick(&[2, 3, 4, 4096]);
    let mut life = Life::begin(birth, has_links, shard_slots, is_traced);
    life.disk.has_unnamed = !draw.one_in(4);
    match life.run() {
        Ok(()) => Ok(life.seen),
        Err(broken) => Err(Violation {
            broken,
            trace: life.trace,
        }),
    }
}

impl Life {
    fn begin(birth: Birth, has_links: bool, shard_slots: u64, is_traced: bool) -> Self {
        Self {
            birth,
            draw: Draw::of(&[birth.seed, 1]),
            disk: made(birth.kind, has_links),
            shard_slots,
            now: 0,
            day: 1,
            days_passed: false,
            was_unmade: false,
            history: History::default(),
            seen: Seen::default(),
            is_traced,
            trace: Vec::new(),
        }
    }

    fn act_out(&mut self, scene: &Scene) -> Result<(), Broken> {
        let fate = Fate {
            seed: scene.seed,
            hosts: (0..scene.scripts.len()).collect(),
            switch_one_in: scene.switch_one_in,
            fault_one_in: scene.fault_one_in,
            late_one_in: scene.late_one_in,
            cut_at: scene.cut_at,
            deaths: BTreeMap::new(),
            begins_at: self.now,
            day: self.day,
            days_pass: scene.days_pass,
            is_traced: self.is_traced,
        };
        let cut = self.round(&scene.scripts, fate, 2)?;
        self.seen.calls_before_cut = self.seen.calls;
        self.seen.segments = segments(&cut).len();
        for _ in 1..scene.survivals {
            let survived = cut.survive(&mut self.draw);
            self.look(&survived)?;
        }
        let survived = cut.survive(&mut self.draw);
        self.go_on_with(survived)?;
        self.settle(&scene.scripts)
    }

    fn run(&mut self) -> Result<(), Broken> {
        let mut scripts: Vec<Vec<Command>> =
            (0..=1 + self.draw.below(3)).map(|_| Vec::new()).collect();
        for _ in 0..=self.draw.below(3) {
            self.extend(&mut scripts);
            let fate = self.fate(scripts.len());
            let cut = self.round(&scripts, fate, 2)?;
            for _ in 1..SURVIVALS {
                let survived = cut.survive(&mut self.draw);
                self.look(&survived)?;
            }
            let survived = cut.survive(&mut self.draw);
            self.go_on_with(survived)?;
        }
        self.settle(&scripts)
    }

    /// Gives every actor more to do, after what it was to do already.
    fn extend(&mut self, scripts: &mut [Vec<Command>]) {
        let runs = 1 + self.draw.below(RUNS_MAX);
        for script in scripts {
            for _ in 0..=self.draw.below(2) {
                script.push(self.command(runs));
            }
        }
    }

    fn command(&mut self, runs: usize) -> Command {
        let run = self.a_run(runs);
        match self.draw.below(15) {
            0..5 => Command::Record(run),
            5..7 => {
                let count = 2 + self.draw.below(3);
                Command::Batch((0..count).map(|_| self.a_run(runs)).collect())
            }
            7..9 => Command::Note(self.draw.below(3)),
            9 => Command::Find(run),
            10 => Command::Head(run.log()),
            11 => Command::Delete(run),
            12 => Command::Mend,
            _ => Command::Collect,
        }
    }

    fn a_run(&mut self, runs: usize) -> Run {
        Run {
            number: self.draw.below(runs),
            content: usize::from(self.draw.one_in(8)),
        }
    }

    fn fate(&mut self, actors: usize) -> Fate {
        let longest = self.draw.pick(&[60, 250, 1000]);
        let share_a_host = self.draw.one_in(3);
        Fate {
            seed: self.draw.next(),
            hosts: (0..actors)
                .map(|actor| if share_a_host { actor / 2 } else { actor })
                .collect(),
            switch_one_in: self.draw.pick(&[1, 2, 4, 10, 30]),
            fault_one_in: self.draw.pick(&[None, None, Some(20), Some(100)]),
            late_one_in: match self.birth.kind {
                Kind::Network => self.draw.pick(&[None, None, Some(10), Some(50)]),
                _ => None,
            },
            cut_at: Some(1 + self.draw.below(longest) as u64),
            deaths: (0..actors)
                .filter_map(|actor| {
                    let at = 1 + self.draw.below(longest) as u64;
                    self.draw.one_in(6).then_some((actor, at))
                })
                .collect(),
            begins_at: self.now,
            day: self.day,
            days_pass: self.draw.one_in(4),
            is_traced: self.is_traced,
        }
    }

    /// Lets the actors work until they are done or the power is cut; returns the disk as it was.
    fn round(
        &mut self,
        scripts: &[Vec<Command>],
        fate: Fate,
        tries: usize,
    ) -> Result<Disk, Broken> {
        let manner = Manner {
            seed: self.draw.next(),
            shard_slots: self.shard_slots,
            tries,
            mutant: self.birth.mutant,
        };
        self.days_passed |= fate.days_pass;
        let world = World::new(self.disk.clone(), fate);
        let panicked = act(&world, scripts, &manner, &self.history);
        self.seen.calls += world.calls();
        self.now = world.now();
        // A power cut takes its time, and what was made before it is old after it.
        self.day = world.day() + 1;
        self.trace.extend(world.trace());
        self.trace.push("       the power is cut".to_owned());
        if let Some(panic) = panicked {
            return Err(format!("an actor panicked: {panic}"));
        }
        if world.is_endless() {
            return Err("it has no end".to_owned());
        }
        promises::told_alike(self.birth.kind, &self.history.all())?;
        Ok(world.disk())
    }

    /// Looks at what survived, and goes on with it.
    fn go_on_with(&mut self, mut survived: Disk) -> Result<(), Broken> {
        if self.draw.one_in(3) {
            self.garble_hints(&mut survived);
        }
        self.look(&survived)?;
        self.disk = survived;
        Ok(())
    }

    /// Leaves hints that cannot be believed, or are old: of another store, of another log, torn,
    /// of a place that was the last one once.
    fn garble_hints(&mut self, disk: &mut Disk) {
        let world = World::quiet(disk.clone());
        let fs = SimulatedFileSystem::from_outside(&world);
        let Ok(store) = DirStore::open_on(fs, Path::new("/"), entropy(&[0])) else {
            return;
        };
        let store = store.with_shard_slots(self.shard_slots);
        for number in [2, 3] {
            let run = Run { number, content: 0 };
            let (log, cohort) = (run.log(), run.cohort());
            let within = |dir, name| disk.find(dir, name);
            let view = within(ROOT, "cohorts")
                .and_then(|dir| within(dir, cohort.as_str()))
                .and_then(|dir| within(dir, "view"));
            let Some(view) = view else {
                continue;
            };
            let beyond = SeenPlace {
                seq: Seq::new(1 + self.draw.next() % 5000).unwrap(),
                sha256: Hash256::of(b"nothing"),
            };
            let own = store.descriptor().store;
            let bytes = match self.draw.below(5) {
                0 => Vec::new(),
                1 => encode_hint(StoreId::from_random([7; 16]), &log, beyond),
                2 => encode_hint(own, &Log::StoreNotes, beyond),
                3 => {
                    let mut torn = encode_hint(own, &log, beyond);
                    torn.truncate(self.draw.below(torn.len()));
                    torn
                }
                _ => match store.peek(&log, Seq::FIRST).map(Slot::whole) {
                    Ok(Some(first)) => {
                        let (seq, sha256) = (Seq::FIRST, first.sha256);
                        encode_hint(own, &log, SeenPlace { seq, sha256 })
                    }
                    _ => b"{}".to_vec(),
                },
            };
            disk.plant(view, HINT, &bytes);
        }
    }

    fn look(&mut self, survived: &Disk) -> Result<(), Broken> {
        self.seen.survivals += 1;
        let mut told = self.history.all();
        if self.birth.mutant == Some(Mutant::SlotReuseAfterDelete) {
            // That what was deleted is gone is what was asked for; that its place is given out
            // again was not.
            told.retain(|it| !matches!(it.ask, Ask::Record(_) | Ask::Find(_)));
        }
        let is_made = |it: &Told| it.ask == Ask::Make && it.answer == Answer::Done;
        if self.was_unmade && !told.iter().any(is_made) && !promises::is_store(survived) {
            return Ok(());
        }
        promises::kept(survived, self.shard_slots, &told, self.days_passed)
    }

    /// Gives all commands once more, and this time everything goes well.
    fn settle(&mut self, scripts: &[Vec<Command>]) -> Result<(), Broken> {
        let before = self.history.all().len();
        let fate = Fate {
            fault_one_in: None,
            late_one_in: None,
            cut_at: None,
            deaths: BTreeMap::new(),
            days_pass: false,
            ..self.fate(scripts.len())
        };
        // What a host believes to be absent it learns to be there, sooner or later.
        let tries = if self.birth.kind == Kind::Network {
            8
        } else {
            1
        };
        self.disk = self.round(scripts, fate, tries)?;
        let told = self.history.all();
        self.seen.answers = told.len() as u64;
        let mut settled: BTreeMap<String, (Ask, bool, Answer)> = BTreeMap::new();
        for it in &told[before..] {
            let is_settled = matches!(
                it.answer,
                Answer::At(_)
                    | Answer::Claimed
                    | Answer::Nowhere
                    | Answer::Highest(_)
                    | Answer::Done
            );
            let ask = settled.entry(format!("{:?}", it.ask)).or_insert((
                it.ask.clone(),
                false,
                it.answer.clone(),
            ));
            ask.1 |= is_settled;
        }
        if let Some((ask, _, answer)) = settled.into_values().find(|it| !it.1) {
            return Err(format!("{ask:?} is not settled: {answer:?}"));
        }
        let survived = self.disk.survive(&mut self.draw);
        self.go_on_with(self.disk.clone())?;
        self.go_on_with(survived)
    }
}

/// Something that is played and cut at a call of choice, or not at all.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) kind: Kind,
    pub(super) has_links: bool,
    /// Decides who is next at each call.
    pub(super) seed: u64,
    pub(super) scripts: Vec<Vec<Command>>,
    pub(super) cut_at: Option<u64>,
    pub(super) survivals: usize,
    pub(super) shard_slots: u64,
    /// Entries that the log of the first cohort has before.
    pub(super) entries_before: usize,
    /// Whether the store is yet to be made.
    pub(super) is_unmade: bool,
    /// Whether what runs name is there, from recordings that died long ago.
    pub(super) objects_before: bool,
    pub(super) days_pass: bool,
    /// One call in so many fails, if any does.
    pub(super) fault_one_in: Option<usize>,
    /// One change of names in so many is made late, if any is: on a network alone.
    pub(super) late_one_in: Option<usize>,
    /// The baton is handed on at one call in so many.
    pub(super) switch_one_in: usize,
    pub(super) mutant: Option<Mutant>,
}

/// Plays a scene, and then again to the end on what survived.
pub(super) fn play(scene: &Scene, is_traced: bool) -> Result<Seen, Violation> {
    let birth = Birth {
        kind: scene.kind,
        seed: scene.seed,
        mutant: scene.mutant,
    };
    let mut life = Life::begin(birth, scene.has_links, scene.shard_slots, is_traced);
    if scene.entries_before > 0 {
        life.disk = with_entries(&life.disk, scene);
    }
    if scene.is_unmade {
        life.disk = Disk::new(scene.kind, scene.has_links);
        life.was_unmade = true;
    }
    if scene.objects_before {
        let world = World::quiet(life.disk.clone());
        put_objects(&world, &[0, 1]);
        life.disk = world.disk().copied();
    }
    life.act_out(scene).map_err(|broken| Violation {
        broken,
        trace: std::mem::take(&mut life.trace),
    })?;
    Ok(life.seen)
}

/// Returns runs of the first cohort that no life comes to.
pub(super) fn others(numbers: Range<usize>) -> Vec<Run> {
    numbers
        .map(|number| Run {
            number: 4 * (RUNS_MAX + number),
            content: 0,
        })
        .collect()
}

/// Returns a disk with as many entries of other runs as a scene begins with, all of them durable.
fn with_entries(disk: &Disk, scene: &Scene) -> Disk {
    static GROWN: Mutex<BTreeMap<(String, usize), Disk>> = Mutex::new(BTreeMap::new());
    let mut grown = GROWN.lock().unwrap_or_else(PoisonError::into_inner);
    let count = scene.entries_before;
    let disk = grown
        .entry((format!("{:?}", scene.kind), count))
        .or_insert_with(|| {
            let world = World::quiet(disk.clone());
            grow(&world, scene.shard_slots, &others(0..count));
            world.disk().copied()
        });
    disk.clone()
}

/// Returns the names of the segments of the first cohort.
fn segments(disk: &Disk) -> Vec<String> {
    let within = |dir, name| disk.find(dir, name);
    let dir = within(ROOT, "cohorts")
        .and_then(|dir| within(dir, "a"))
        .and_then(|dir| within(dir, SEGMENTS));
    let mut names = dir.map_or_else(Vec::new, |dir| disk.list(dir));
    names.retain(|name| !name.starts_with(TEMPORARY));
    names
}

/// Returns the disk of a store that was just made, as its maker left it.
pub(super) fn made_unflushed(kind: Kind) -> Disk {
    let world = World::quiet(Disk::new(kind, true));
    make(&world);
    world.disk()
}

/// Returns the disk of a store that was made some time ago.
fn made(kind: Kind, has_links: bool) -> Disk {
    static MADE: Mutex<BTreeMap<(String, bool), Disk>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let disk = made
        .entry((format!("{kind:?}"), has_links))
        .or_insert_with(|| {
            let world = World::quiet(Disk::new(kind, has_links));
            make(&world);
            let mut disk = world.disk();
            leave_out_fans(&mut disk);
            disk.copied()
        });
    disk.clone()
}

/// Removes the directories of claims that no run of a simulation comes to: looking through them
/// takes more time than all the rest.
fn leave_out_fans(disk: &mut Disk) {
    let world = World::quiet(disk.clone());
    let fs = SimulatedFileSystem::from_outside(&world);
    let store = DirStore::open_on(fs, Path::new("/"), entropy(&[0])).unwrap();
    let is_used = |fan: &str| {
        (0..RUNS_MAX).any(|number| {
            let key = Run { number, content: 0 }.key();
            fan_name(key.key(store.descriptor().store).digest()) == fan
        })
    };
    let keys = disk.find(ROOT, "keys").unwrap();
    for fan in disk.list(keys).iter().filter(|fan| !is_used(fan)) {
        disk.remove(keys, fan, true).unwrap();
    }
}

/// Makes a store.
fn make(world: &Arc<World>) {
    let fs = SimulatedFileSystem::from_outside(world);
    drop(actors::make(fs, world, entropy(&[1])).unwrap());
}
