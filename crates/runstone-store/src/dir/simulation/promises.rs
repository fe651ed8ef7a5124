//! What must hold of a store, whatever befell it.
//!
//! The invariant guarded here is the promise of the engine, as [`kept`] checks it on what survived:
//!
//! 1. what was told to have a place has it, with the same digest and nonce, and everything that its
//!    entry names is there and whole;
//! 2. what is there is whole, of the right store and log, and what it names is there too; the last
//!    is owed only to who was told where actors slept for days while others collected;
//! 3. the places of a log are 1, 2, 3 … without a gap, also where names survive in any order;
//! 4. who began after another was answered stands behind it;
//! 5. a key has one place, at all times the same one; a place has one entry, at all times the same;
//! 6. what was "not recorded" by everyone who asked for it is not there;
//! 7. where names are seen at once, readers see what was told before they asked;
//! 8. an audit finds nothing but what is stale, and no segment that is not whole or not of its log.
//!
//! That an unknown outcome is settled by the same command again is left to the life, which gives
//! all commands once more at its end.

use std::collections::BTreeMap;
use std::path::Path;

use super::actors::{Simulated, document, entropy, read_all};
use super::disk::Disk;
use super::filesystem::SimulatedFileSystem;
use super::history::{Answer, Ask, Place, Run, Told, log_of_note};
use super::world::World;
use crate::damage::{Damage, Finding, Stale, StaleKind};
use crate::dir::{DirStore, Kind};
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::log::{Log, Seq};
use crate::store::{Entry, Slot, Store as _};

/// What a broken promise is told by.
pub(super) type Broken = String;

/// A log as it was read.
type Read = Vec<Result<Entry, Damage>>;

/// Checks what is on a disk against what was told.
pub(super) fn kept(
    disk: &Disk,
    shard_slots: u64,
    told: &[Told],
    days_passed: bool,
) -> Result<(), Broken> {
    let world = World::quiet(disk.clone());
    let fs = SimulatedFileSystem::from_outside(&world);
    let store = DirStore::open_on(fs, Path::new("/"), entropy(&[0]))
        .map_err(|error| format!("the store does not open: {error}"))?
        .with_shard_slots(shard_slots);
    let mut logs = BTreeMap::new();
    for log in all_logs() {
        let read = read_all(&store, &log).map_err(|error| format!("{log}: {error}"))?;
        if let Some(damage) = read.iter().find_map(|it| it.as_ref().err()) {
            return Err(format!("{damage}"));
        }
        logs.insert(log, read);
    }
    one_place_per_key(&logs)?;
    for (log, read) in &logs {
        for entry in read.iter().flatten() {
            // Who slept for a day before its entry had a place, and died before it looked again,
            // told nobody.
            let is_owed = |it: &Told| matches!(&it.answer, Answer::At(place) if place.is_held && place.nonce == entry.envelope.nonce);
            if !days_passed || told.iter().any(is_owed) {
                names_what_is_there(&store, log, entry)?;
            }
        }
    }
    for told in told {
        if let Answer::At(place) = &told.answer {
            is_there(&logs, told, place)?;
        }
    }
    not_recorded_is_not_there(&logs, told)?;
    let mut found = Ok(());
    store
        .audit(&mut |finding| match finding {
            Finding::Damage(damage) => found = Err(format!("the audit says: {damage}")),
            Finding::Stale(Stale {
                path,
                kind: StaleKind::Segment,
            }) => found = Err(format!("the audit says: {path} is stale")),
            Finding::Stale(_) => {}
        })
        .map_err(|error| format!("the audit fails: {error}"))?;
    found
}

/// Returns whether there is a store on a disk. Until somebody was told that there is one, there may
/// be none.
pub(super) fn is_store(disk: &Disk) -> bool {
    let fs = SimulatedFileSystem::from_outside(&World::quiet(disk.clone()));
    let opened = DirStore::open_on(fs, Path::new("/"), entropy(&[0]));
    !matches!(opened, Err(StoreError::NotAStore { .. }))
}

/// Checks the answers against each other, and against when they were given.
pub(super) fn told_alike(kind: Kind, told: &[Told]) -> Result<(), Broken> {
    let mut of_place: BTreeMap<(&Log, Seq), &Place> = BTreeMap::new();
    let mut of_run: BTreeMap<usize, &Place> = BTreeMap::new();
    for it in told {
        let Answer::At(place) = &it.answer else {
            continue;
        };
        let other = of_place.entry((&place.log, place.seq)).or_insert(place);
        if other.nonce != place.nonce {
            return Err(format!("one place was given twice: {other:?} and {it:?}"));
        }
        let number = match &it.ask {
            Ask::Record(run) => run.number,
            Ask::Find(number) => *number,
            _ => continue,
        };
        let other = of_run.entry(number).or_insert(place);
        if other.seq != place.seq {
            return Err(format!(
                "run {number} was told two places: {other:?} and {it:?}"
            ));
        }
    }
    for later in told {
        if let Some(earlier) = told
            .iter()
            .find(|earlier| is_overlooked(kind, earlier, later))
        {
            return Err(format!("{later:?} came after {earlier:?}"));
        }
    }
    Ok(())
}

/// Returns whether an answer takes no account of one that was given before it was asked for.
fn is_overlooked(kind: Kind, earlier: &Told, later: &Told) -> bool {
    let Answer::At(place) = &earlier.answer else {
        return false;
    };
    if earlier.ended >= later.began {
        return false;
    }
    let is_seen_at_once = kind != Kind::Network;
    match (&later.ask, &later.answer) {
        (_, Answer::At(new)) if new.is_new => new.log == place.log && new.seq <= place.seq,
        (Ask::Head(log), Answer::Highest(head)) => {
            is_seen_at_once && *log == place.log && *head < Some(place.seq)
        }
        (Ask::Find(number), Answer::Nowhere) => {
            let run = match &earlier.ask {
                Ask::Record(run) => run.number,
                Ask::Find(number) => *number,
                _ => return false,
            };
            is_seen_at_once && run == *number
        }
        _ => false,
    }
}

pub(super) fn all_logs() -> Vec<Log> {
    let mut logs: Vec<Log> = (0..3).map(log_of_note).collect();
    logs.extend((2..4).map(|number| Run { number, content: 0 }.log()));
    logs
}

fn one_place_per_key(logs: &BTreeMap<Log, Read>) -> Result<(), Broken> {
    let mut places = BTreeMap::new();
    for entry in logs.values().flatten().flatten() {
        if let Some(key) = entry.envelope.key
            && let Some(other) = places.insert(key, entry.seq)
        {
            let run = &entry.envelope.key_text;
            return Err(format!("{run:?} has the places {other} and {}", entry.seq));
        }
    }
    Ok(())
}

/// Checks what an entry names: its cohort, its bytes.
fn names_what_is_there(store: &Simulated, log: &Log, entry: &Entry) -> Result<(), Broken> {
    let place = format!("{log}#{}", entry.seq);
    if let Some(cohort) = log.cohort() {
        let found = store.cohort_document(cohort);
        let found = found.map_err(|error| format!("{place}: {error}"))?;
        if found.as_deref() != Some(document(cohort.as_str())) {
            return Err(format!(
                "{place} is of a cohort whose document is {found:?}"
            ));
        }
    }
    if entry.envelope.key.is_none() {
        return Ok(());
    }
    let Some(run) = Run::of_payload(&entry.payload) else {
        return Err(format!("{place} holds no payload of a run"));
    };
    match store.object(&Hash256::of(&run.object())) {
        Ok(Slot::Whole(bytes)) if bytes == run.object() => Ok(()),
        found => Err(format!("what {place} names is not there: {found:?}")),
    }
}

/// Checks that what was told to have a place has it.
fn is_there(logs: &BTreeMap<Log, Read>, told: &Told, place: &Place) -> Result<(), Broken> {
    let index = usize::try_from(place.seq.get() - 1).unwrap();
    let found = logs.get(&place.log).and_then(|read| read.get(index));
    match found {
        Some(Ok(entry))
            if entry.envelope.nonce == place.nonce && entry.envelope.sha256 == place.sha256 =>
        {
            Ok(())
        }
        found => Err(format!("{told:?} is not so: {found:?}")),
    }
}

/// Checks that nobody is told "not recorded" of what is there, unless another may have recorded it.
fn not_recorded_is_not_there(logs: &BTreeMap<Log, Read>, told: &[Told]) -> Result<(), Broken> {
    let is_of = |ask: &Ask, entry: &Entry| match ask {
        Ask::Record(run) => Run::of_payload(&entry.payload) == Some(*run),
        Ask::Note(number) => entry.payload == format!("note {number}").as_bytes(),
        _ => false,
    };
    let is_false_alarm =
        |it: &&Told| matches!(&it.answer, Answer::Damaged(text) if text.contains("saw it there"));
    if let Some(told) = told.iter().find(is_false_alarm) {
        return Err(format!(
            "{told:?} takes a log for lost that nothing was taken from"
        ));
    }
    for entry in logs.values().flatten().flatten() {
        let mut asked = told.iter().filter(|it| is_of(&it.ask, entry)).peekable();
        let is_asked = asked.peek().is_some();
        let is_refused =
            |it: &Told| matches!(it.answer, Answer::NotRecorded(_) | Answer::Damaged(_));
        if is_asked && asked.all(is_refused) {
            let place = format!("{}#{}", entry.envelope.log, entry.seq);
            return Err(format!("{place} was recorded, and nobody was told so"));
        }
    }
    Ok(())
}
