//! The world of a simulation: one disk, and actors of which one at a time makes a call.
//!
//! Every actor is a thread with handles of its own, as a process would be. All of them wait for the
//! baton but one, and each of its calls to the file system is a point at which the seed may hand it
//! on, let the call fail, end the actor, or cut the power. The invariant guarded here: what happens
//! follows from the seed alone. What a call does is left to the file system and its disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use super::disk::{Deed, Disk, Node, ROOT};
use super::draw::Draw;
use crate::dir::Kind;

/// Calls after which a simulation is held to have no end.
const CALLS_MAX: u64 = 100_000;

/// Within how many calls a change is made whose asker was told that it failed: one of these, drawn.
const LATE_WITHIN: [usize; 3] = [5, 40, 300];

/// At one look in so many a host asks the server for a name that it remembers.
const FORGETS_ONE_IN: usize = 4;

/// One disk, and those who use it.
#[derive(Debug)]
pub(super) struct World {
    state: Mutex<State>,
    /// One for each actor, who waits for it.
    turns: Vec<Condvar>,
}

/// What befalls the actors of a world.
#[derive(Debug, Clone)]
pub(super) struct Fate {
    /// Decides all that the other fields leave open.
    pub(super) seed: u64,
    /// The host that each actor is on.
    pub(super) hosts: Vec<usize>,
    /// The baton is handed on at one call in so many.
    pub(super) switch_one_in: usize,
    /// One call in so many fails, if any does.
    pub(super) fault_one_in: Option<usize>,
    /// One change of names in so many is made late, if any is: on a network alone.
    pub(super) late_one_in: Option<usize>,
    /// The power is cut at this call.
    pub(super) cut_at: Option<u64>,
    /// The calls of its own at which an actor dies.
    pub(super) deaths: BTreeMap<usize, u64>,
    /// The moment at which this begins: later than all that was told before.
    pub(super) begins_at: u64,
    /// The day on which this begins, by the clock of the file system.
    pub(super) day: i64,
    /// Whether days pass between one call and the next: some actors sleep that long.
    pub(super) days_pass: bool,
    /// Whether every call is written down.
    pub(super) is_traced: bool,
}

#[derive(Debug)]
struct State {
    disk: Disk,
    draw: Draw,
    fate: Fate,
    actors: Vec<Actor>,
    hosts: Vec<Host>,
    locks: BTreeSet<(usize, Node)>,
    /// Changes that the server is yet to make, and at which call it does.
    late: Vec<(u64, Deed)>,
    current: usize,
    calls: u64,
    clock: u64,
    is_off: bool,
    trace: Vec<String>,
}

#[derive(Debug, Default)]
struct Actor {
    is_done: bool,
    is_dead: bool,
    calls: u64,
}

/// What a host remembers of a network file system.
#[derive(Debug, Default, Clone)]
struct Host {
    absent: BTreeSet<(Node, String)>,
    present: BTreeMap<(Node, String), Node>,
    listings: BTreeMap<Node, Vec<String>>,
}

impl Host {
    fn forget(&mut self, place: &(Node, String)) {
        self.absent.remove(place);
        self.present.remove(place);
    }
}

/// What a call may touch.
pub(super) struct Touch<'w> {
    pub(super) disk: &'w mut Disk,
    pub(super) host: usize,
    /// The day it is.
    pub(super) day: &'w mut i64,
    days_pass: bool,
    /// Whether a host sees what a change that it asked for has made.
    learns: bool,
    /// Nothing for a caller who remembers nothing.
    memory: Option<&'w mut Host>,
    draw: &'w mut Draw,
    locks: &'w mut BTreeSet<(usize, Node)>,
}

/// What a call is for, which decides how it may fail.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call<'d> {
    Reads,
    Writes,
    /// Makes a file with a name that must not be there.
    Creates,
    /// Changes names, now or, on a network, later.
    Changes(&'d Deed),
    /// Flushes this file.
    Flushes(Node),
}

impl World {
    pub(super) fn new(disk: Disk, fate: Fate) -> Arc<Self> {
        let actors = fate.hosts.len();
        let hosts = fate.hosts.iter().max().map_or(0, |host| host + 1);
        let mut draw = Draw::new(fate.seed);
        let current = if actors == 0 { 0 } else { draw.below(actors) };
        Arc::new(Self {
            state: Mutex::new(State {
                disk,
                draw,
                actors: (0..actors).map(|_| Actor::default()).collect(),
                hosts: vec![Host::default(); hosts],
                locks: BTreeSet::new(),
                late: Vec::new(),
                current,
                calls: 0,
                clock: fate.begins_at,
                is_off: false,
                trace: Vec::new(),
                fate,
            }),
            turns: (0..actors).map(|_| Condvar::new()).collect(),
        })
    }

    /// A world in which nothing happens by chance.
    pub(super) fn quiet(disk: Disk) -> Arc<Self> {
        Self::new(
            disk,
            Fate {
                seed: 0,
                hosts: Vec::new(),
                switch_one_in: 1,
                fault_one_in: None,
                late_one_in: None,
                cut_at: None,
                deaths: BTreeMap::new(),
                begins_at: 0,
                day: 0,
                days_pass: false,
                is_traced: false,
            },
        )
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a moment later than every one before.
    pub(super) fn now(&self) -> u64 {
        let mut state = self.state();
        state.clock += 1;
        state.clock
    }

    /// Returns whether an actor is dead, by itself or with the power.
    pub(super) fn is_gone(&self, actor: usize) -> bool {
        let state = self.state();
        state.is_off || state.actors[actor].is_dead
    }

    /// Returns the disk as it is, with all that is not flushed.
    pub(super) fn disk(&self) -> Disk {
        self.state().disk.clone()
    }

    pub(super) fn has_links(&self) -> bool {
        self.state().disk.has_links
    }

    pub(super) fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Returns the day it is.
    pub(super) fn day(&self) -> i64 {
        self.state().fate.day
    }

    pub(super) fn is_endless(&self) -> bool {
        self.state().calls >= CALLS_MAX
    }

    pub(super) fn trace(&self) -> Vec<String> {
        self.state().trace.clone()
    }

    /// Writes down what an actor does, where a trace is kept.
    pub(super) fn note(&self, actor: usize, what: impl FnOnce() -> String) {
        let mut state = self.state();
        if state.fate.is_traced {
            let line = format!("{:6} {actor} {}", state.calls, what());
            state.trace.push(line);
        }
    }

    /// Waits for the first turn of an actor.
    pub(super) fn enter(&self, actor: usize) {
        let state = self.state();
        drop(self.wait(state, actor));
    }

    /// Gives the baton away for good.
    pub(super) fn leave(&self, actor: usize) {
        let mut state = self.state();
        state.actors[actor].is_done = true;
        if let Some(next) = state.draw_next() {
            state.current = next;
            self.turns[next].notify_one();
        } else if !state.is_off {
            state.make_late(u64::MAX);
        }
    }

    fn wait<'s>(&'s self, state: MutexGuard<'s, State>, actor: usize) -> MutexGuard<'s, State> {
        self.turns[actor]
            .wait_while(state, |state| state.current != actor)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call on behalf of an actor, or of somebody outside to whom nothing happens.
    pub(super) fn call<T>(
        &self,
        actor: Option<usize>,
        call: Call<'_>,
        what: impl FnOnce() -> String,
        act: impl FnOnce(&mut Touch<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.state();
        let Some(actor) = actor else {
            return act(&mut state.touch(None));
        };
        state.step(actor);
        if !state.is_gone(actor) && state.hands_on() {
            let next = state.draw_next().unwrap();
            if next != actor {
                state.current = next;
                self.turns[next].notify_one();
                state = self.wait(state, actor);
            }
        }
        if state.is_gone(actor) {
            return Err(Errno::IO.into());
        }
        let line = state.fate.is_traced.then(what);
        let host = state.fate.hosts[actor];
        let fault = state.draw_fault(call);
        let day = state.fate.day;
        let result = match fault {
            None => act(&mut state.touch(Some(host))),
            Some((errno, Moment::Before)) => Err(errno.into()),
            Some((errno, Moment::Late)) => state.put_off(call, host).and(Err(errno.into())),
            Some((errno, Moment::After)) => {
                let mut touch = state.touch(Some(host));
                // Who is told that nothing was there goes on to believe what it saw before.
                touch.learns = errno != Errno::NOENT;
                act(&mut touch).and(Err(errno.into()))
            }
        };
        if state.fate.day != day {
            // Nor is anything a day late.
            state.make_late(u64::MAX);
            // No host believes for a day what it saw.
            state.hosts.fill(Host::default());
        }
        if let Some(line) = line {
            let told = match &result {
                Ok(_) => "ok".to_owned(),
                Err(error) => error.to_string(),
            };
            let fault =
                fault.map_or_else(String::new, |(_, moment)| format!(" (fault {moment:?})"));
            let line = format!("{:6} {actor} {line}: {told}{fault}", state.calls);
            state.trace.push(line);
        }
        result
    }
}

/// When a call fails that fails.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// It does nothing.
    Before,
    /// It acts, and its reply is lost.
    After,
    /// Its asker no longer waits for it when it acts.
    Late,
}

impl State {
    fn touch(&mut self, host: Option<usize>) -> Touch<'_> {
        let remembers = self.disk.kind == Kind::Network;
        Touch {
            disk: &mut self.disk,
            host: host.unwrap_or(usize::MAX),
            day: &mut self.fate.day,
            days_pass: self.fate.days_pass,
            learns: true,
            memory: host.filter(|_| remembers).map(|host| &mut self.hosts[host]),
            draw: &mut self.draw,
            locks: &mut self.locks,
        }
    }

    /// Counts a call, and lets happen what was to happen at it.
    fn step(&mut self, actor: usize) {
        self.calls += 1;
        self.clock += 1;
        self.actors[actor].calls += 1;
        if self.fate.cut_at.is_some_and(|cut| self.calls >= cut) || self.calls >= CALLS_MAX {
            self.is_off = true;
        }
        if !self.is_off {
            self.make_late(self.calls);
        }
        let dies_at = self.fate.deaths.get(&actor);
        if dies_at == Some(&self.actors[actor].calls) {
            self.actors[actor].is_dead = true;
            if self.disk.kind == Kind::Network {
                let (host, hosts) = (self.fate.hosts[actor], &self.fate.hosts);
                if hosts.iter().filter(|it| **it == host).count() == 1 {
                    self.disk.lose_host(host, &mut self.draw);
                }
            }
        }
    }

    /// Leaves a change to be made at some call to come, if its host asks for it at all.
    fn put_off(&mut self, call: Call<'_>, host: usize) -> io::Result<()> {
        let Call::Changes(deed) = call else {
            return Ok(());
        };
        let request = self.touch(Some(host)).requested(deed)?;
        let within = self.draw.pick(&LATE_WITHIN);
        let at = self.calls + 1 + self.draw.below(within) as u64;
        self.late.push((at, request));
        Ok(())
    }

    /// Makes the changes that were to be made by a call, in the order in which they were asked for.
    fn make_late(&mut self, by: u64) {
        let (now, later) = std::mem::take(&mut self.late)
            .into_iter()
            .partition(|(at, _)| *at <= by);
        self.late = later;
        for (_, deed) in now {
            let made = self.disk.perform(&deed);
            if self.fate.is_traced {
                let told = made.map_or_else(|error| error.to_string(), |()| "ok".to_owned());
                let line = format!("{:6} - {deed}, late: {told}", self.calls);
                self.trace.push(line);
            }
        }
    }

    fn is_gone(&self, actor: usize) -> bool {
        self.is_off || self.actors[actor].is_dead
    }

    fn hands_on(&mut self) -> bool {
        let chances = self.fate.switch_one_in;
        self.draw.one_in(chances)
    }

    fn draw_next(&mut self) -> Option<usize> {
        let at_work: Vec<usize> = (0..self.actors.len())
            .filter(|actor| !self.actors[*actor].is_done)
            .collect();
        (!at_work.is_empty()).then(|| self.draw.pick(&at_work))
    }

    fn draw_fault(&mut self, call: Call<'_>) -> Option<(Errno, Moment)> {
        if let (Call::Changes(_), Kind::Network) = (call, self.disk.kind)
            && let Some(chances) = self.fate.late_one_in
            && self.draw.one_in(chances)
        {
            return Some((Errno::IO, Moment::Late));
        }
        let chances = self.fate.fault_one_in?;
        if !self.draw.one_in(chances) {
            return None;
        }
        let errnos: &[Errno] = match call {
            Call::Reads => &[Errno::IO, Errno::STALE],
            // A request that is made again does not find what it moved or took away before.
            Call::Changes(Deed::Move { .. }) if self.disk.kind == Kind::Network => {
                &[Errno::IO, Errno::NOENT]
            }
            Call::Changes(Deed::Rename { .. } | Deed::Remove { .. })
                if self.disk.kind == Kind::Network =>
            {
                &[Errno::IO, Errno::NOSPC, Errno::STALE, Errno::NOENT]
            }
            Call::Changes(deed) if deed.made().is_none() => {
                &[Errno::IO, Errno::NOSPC, Errno::STALE]
            }
            Call::Writes | Call::Flushes(_) => &[Errno::IO, Errno::NOSPC, Errno::STALE],
            // A request that is made again meets what it made before.
            Call::Creates | Call::Changes(_) if self.disk.kind == Kind::Network => {
                &[Errno::IO, Errno::EXIST]
            }
            Call::Creates | Call::Changes(_) => &[Errno::IO, Errno::NOSPC],
        };
        let errno = self.draw.pick(errnos);
        let is_made_again = matches!(errno, Errno::EXIST | Errno::NOENT);
        let moment = if is_made_again || self.draw.one_in(2) {
            Moment::After
        } else {
            Moment::Before
        };
        if let (Call::Flushes(file), Moment::Before) = (call, moment)
            && !self.disk.is_dir(file)
        {
            self.disk.lose_pages(file, &mut self.draw);
        }
        Some((errno, moment))
    }
}

impl Touch<'_> {
    /// Lets a day pass, where days do.
    pub(super) fn sleep(&mut self) {
        if self.days_pass && self.draw.one_in(2) {
            *self.day += 1;
        }
    }

    /// Makes a change of names.
    pub(super) fn perform(&mut self, deed: &Deed) -> io::Result<()> {
        let made = match self.requested(deed) {
            Ok(request) => self.disk.perform(&request),
            Err(error) => return Err(error),
        };
        // Refused or not, a directory is there.
        if self.learns && (made.is_ok() || matches!(deed, Deed::MakeDir { .. })) {
            for (dir, name) in deed.names() {
                self.learn(dir, name);
            }
        }
        made
    }

    /// Returns what a server is asked for: a host that does not see what is to be changed, or sees
    /// what is to be made, does not ask; and a file that is to be linked is asked for by itself, not
    /// by its name.
    fn requested(&mut self, deed: &Deed) -> io::Result<Deed> {
        if self.memory.is_none() {
            return Ok(deed.clone());
        }
        if let Some((dir, name)) = deed.made()
            && let Some(memory) = &self.memory
            && memory.present.contains_key(&(dir, name.to_owned()))
            && !self.draw.one_in(FORGETS_ONE_IN)
        {
            return Err(Errno::EXIST.into());
        }
        let mut seen = ROOT;
        for (dir, name) in deed.needed() {
            seen = self.find(dir, name).ok_or(Errno::NOENT)?;
        }
        Ok(match deed {
            Deed::Link { to, new, .. } if self.disk.has_links => Deed::LinkNode {
                node: seen,
                to: *to,
                new: new.clone(),
            },
            other => other.clone(),
        })
    }

    /// Looks a name up as this host sees it.
    pub(super) fn find(&mut self, dir: Node, name: &str) -> Option<Node> {
        let Some(memory) = &mut self.memory else {
            return self.disk.find(dir, name);
        };
        let place = (dir, name.to_owned());
        let remembered = match memory.present.get(&place) {
            Some(node) => Some(Some(*node)),
            None => memory.absent.contains(&place).then_some(None),
        };
        if let Some(remembered) = remembered
            && !self.draw.one_in(FORGETS_ONE_IN)
        {
            return remembered;
        }
        memory.forget(&place);
        let found = self.disk.find(dir, name);
        match found {
            Some(node) => drop(memory.present.insert(place, node)),
            None => drop(memory.absent.insert(place)),
        }
        found
    }

    /// Looks up what is to be opened: the server knows no file that has lost its last name, and
    /// one that has another it opens by whichever the host remembers.
    pub(super) fn find_to_open(&mut self, dir: Node, name: &str) -> Option<Node> {
        let found = self.find(dir, name)?;
        let Some(memory) = &mut self.memory else {
            return Some(found);
        };
        if self.disk.names(found) > 0 {
            return Some(found);
        }
        memory.forget(&(dir, name.to_owned()));
        self.find(dir, name)
    }

    /// Notes that this host changed a name.
    pub(super) fn learn(&mut self, dir: Node, name: &str) {
        if let Some(memory) = &mut self.memory {
            memory.forget(&(dir, name.to_owned()));
            memory.listings.remove(&dir);
        }
    }

    /// Lists a directory as this host sees it: as it is now, or as it was when it was listed last.
    /// Of what is listed now nothing is remembered any more.
    pub(super) fn list(&mut self, dir: Node) -> Vec<String> {
        let Some(memory) = &mut self.memory else {
            return self.disk.list(dir);
        };
        if let Some(listed) = memory.listings.get(&dir)
            && self.draw.one_in(3)
        {
            return listed.clone();
        }
        let listed = self.disk.list(dir);
        memory.listings.insert(dir, listed.clone());
        memory.absent.retain(|(absent_in, _)| *absent_in != dir);
        memory
            .present
            .retain(|(present_in, _), _| *present_in != dir);
        listed
    }

    /// Locks a directory against others on this host; where hosts are several, they do not see it.
    pub(super) fn try_lock(&mut self, dir: Node) -> Option<(usize, Node)> {
        let host = if self.memory.is_some() { self.host } else { 0 };
        self.locks.insert((host, dir)).then_some((host, dir))
    }

    pub(super) fn unlock(&mut self, lock: (usize, Node)) {
        self.locks.remove(&lock);
    }
}
