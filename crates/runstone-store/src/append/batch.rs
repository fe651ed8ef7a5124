//! Many entries at once, each as if appended by itself.
//!
//! ```text
//! in parallel:  pack ─▶ write file ─▶ link K ─▶ flush file           each entry by itself
//! in order:     link slot, link slot, link slot …                    the walk of the single append
//! once:         flush the shard ─▶ answer for all
//! ```
//!
//! The turns are taken beside the writing: while an entry and all before it are written, those
//! after it may not be. Where flushing a file does not cover the name of its claim, the directories
//! of the claims are flushed between the two, once, and no turn begins before.
//!
//! The invariants guarded here: no slot is linked before its claim is durable, slots are linked in
//! the order of the entries, and no entry is answered for before its shard is flushed. An entry
//! that finds its claim there, or another one of its run and stage earlier in the batch, goes
//! through the whole single append when its turn comes; so what an earlier entry decided is seen by
//! a later one, and none of them claims an attempt ahead of its turn.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::{io, thread};

use super::chunk::Chunk;
use super::pen::{Heads, Page, Pen, Right, Written};
use super::slots::{Claim, Claimed, FirstName, Slots};
use crate::envelope::Envelope;
use crate::error::{Doubt, StoreError, is_want_of_files};
use crate::key::Key;
use crate::log::Log;
use crate::store::{Appended, BatchItem, Instead};

/// How many files are written and flushed at once: chosen, by measurement on ext4, where flushes
/// that wait together share one commit of the journal. A quarter as many acknowledge a third less a
/// second where a flush takes a millisecond, half as many about the same.
const WRITERS_MAX: usize = 64;

/// Logs that are written at once at most: the directory of each stays open meanwhile, and a process
/// may commonly have few files open.
const LOGS_MAX: usize = 32;

/// What the parallel part made of an entry.
enum Begun<'a, D> {
    /// The entry is written and its key claimed.
    Claimed(Page<'a>, Key, Written<D>),
    /// Somebody has claimed its key, and for good: a claim that is whole is never replaced.
    Met(Page<'a>, Key, u32, Box<Envelope>),
    /// Everything is left for its turn.
    Waiting(Page<'a>),
    /// It cannot be appended.
    Failed(StoreError),
}

/// Appends many entries, as if one after the other.
pub(crate) fn append_all<S>(
    slots: &S,
    items: &[BatchItem],
    instead: &mut Instead<'_>,
) -> Vec<Result<Appended, StoreError>>
where
    S: Slots + Sync,
    S::Draft: Send,
{
    let mut outcomes = Vec::with_capacity(items.len());
    while outcomes.len() < items.len() {
        let first = outcomes.len();
        let writers_max = WRITERS_MAX.min(slots.writers_max());
        let share = of_few_logs(&items[first..], LOGS_MAX.min(writers_max));
        let hands = match share.len().min(writers_max) {
            0 | 1 => Hands::Own { ahead: 1 },
            writers => Hands::Others(writers),
        };
        outcomes.extend(append_by(
            hands,
            slots,
            share,
            &mut |position, claim, recorded| instead(first + position, claim, recorded),
        ));
    }
    outcomes
}

/// Returns the first items, as many as name so few logs.
fn of_few_logs(items: &[BatchItem], logs_max: usize) -> &[BatchItem] {
    let mut logs = BTreeSet::new();
    let few = items.iter().take_while(|item| {
        logs.insert(&item.log);
        logs.len() <= logs_max
    });
    &items[..few.count()]
}

/// Who begins the entries of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hands {
    /// So many threads, beside the one that takes the turns.
    Others(usize),
    /// The one that takes the turns. The turn of an entry comes when so many are begun and wait,
    /// at least one: it goes first.
    Own { ahead: usize },
}

/// Appends many entries, which these hands begin.
pub(crate) fn append_by<S>(
    hands: Hands,
    slots: &S,
    items: &[BatchItem],
    instead: &mut Instead<'_>,
) -> Vec<Result<Appended, StoreError>>
where
    S: Slots + Sync,
    S::Draft: Send,
{
    let chunk = Chunk::of(slots);
    let mut turns = Turns {
        chunk: &chunk,
        instead,
        unclaimed: None,
        early: BTreeMap::new(),
        outcomes: Vec::with_capacity(items.len()),
    };
    if slots.settles_claims_together() {
        let mut begun = Vec::with_capacity(items.len());
        begin_all(hands, slots, items, |position, entry| {
            begun.push((position, entry));
        });
        let claims: Vec<Key> = begun
            .iter()
            .filter_map(|(_, entry)| entry.claim())
            .collect();
        let settled = slots.settle_claims(&claims);
        turns.unclaimed = settled.map_err(StoreError::before_publishing).err();
        for (position, entry) in begun {
            turns.come(position, entry);
        }
    } else {
        begin_all(hands, slots, items, |position, entry| {
            turns.come(position, entry);
        });
    }
    let mut outcomes = turns.outcomes;

    let unsettled = chunk.settle_all();
    for (outcome, item) in outcomes.iter_mut().zip(items) {
        if names_a_place(outcome)
            && let Some(failure) = unsettled.get(&item.log)
        {
            *outcome = Err(again(failure).in_doubt(Doubt::Flush));
        }
    }
    outcomes
}

/// The turns of the entries of a batch: each is taken as soon as those before it were.
struct Turns<'t, 's, 'i, 'f, S: Slots> {
    chunk: &'t Chunk<'s, S>,
    instead: &'t mut Instead<'f>,
    /// Why the claims could not be made durable.
    unclaimed: Option<StoreError>,
    /// Entries that were begun before one that goes first.
    early: BTreeMap<usize, Begun<'i, S::Draft>>,
    outcomes: Vec<Result<Appended, StoreError>>,
}

impl<'i, S: Slots> Turns<'_, '_, 'i, '_, S> {
    /// Takes an entry that was begun, and every turn that may be taken now.
    fn come(&mut self, position: usize, begun: Begun<'i, S::Draft>) {
        self.early.insert(position, begun);
        while let Some(begun) = self.early.remove(&self.outcomes.len()) {
            let appended = self.turn(self.outcomes.len(), begun);
            self.outcomes
                .push(appended.map_err(StoreError::before_publishing));
        }
    }

    fn turn(
        &mut self,
        position: usize,
        begun: Begun<'_, S::Draft>,
    ) -> Result<Appended, StoreError> {
        let mut appended = match (begun, &self.unclaimed) {
            (Begun::Claimed(..), Some(failure)) => Err(again(failure)),
            (Begun::Claimed(page, key, written), None) => {
                Pen::of(self.chunk, &page).publish(Right::Claimer(&key, 0), written)
            }
            (Begun::Met(page, key, generation, claim), _) => {
                Pen::of(self.chunk, &page).meet(&key, generation, claim)
            }
            (Begun::Waiting(page), _) => Pen::of(self.chunk, &page).append(),
            (Begun::Failed(failure), _) => Err(failure),
        };
        while let Ok(Appended::Taken { claim, recorded }) = &appended
            && let Some(other) = (self.instead)(position, claim, recorded.as_ref())
        {
            appended = Page::of_item(&other).and_then(|page| Pen::of(self.chunk, &page).append());
        }
        appended
    }
}

impl<D> Begun<'_, D> {
    fn claim(&self) -> Option<Key> {
        match self {
            Self::Claimed(_, key, _) => Some(*key),
            Self::Met(..) | Self::Waiting(_) | Self::Failed(_) => None,
        }
    }
}

/// Does what needs no turn, for all entries, and hands on what came of each, by its position: in
/// any order, each once.
fn begin_all<'i, S>(
    hands: Hands,
    slots: &S,
    items: &'i [BatchItem],
    mut hand_on: impl FnMut(usize, Begun<'i, S::Draft>),
) where
    S: Slots + Sync,
    S::Draft: Send,
{
    let heads = heads_of(slots, items);
    let is_first = firsts(items);
    let next = AtomicUsize::new(0);
    let begin_next = || {
        let position = next.fetch_add(1, Ordering::Relaxed);
        let item = items.get(position)?;
        let heads = heads[&item.log].filter(|_| is_first[position]);
        let begun = begin(slots, item, heads).or_else(|failure| match failure {
            StoreError::Unreadable { source, .. } if is_want_of_files(&source) => {
                Page::of_item(item).map(Begun::Waiting)
            }
            failure => Err(failure),
        });
        let begun = begun.unwrap_or_else(|failure| Begun::Failed(failure.before_publishing()));
        Some((position, begun))
    };
    match hands {
        Hands::Own { ahead } => {
            let mut waiting = VecDeque::new();
            while let Some(begun) = begin_next() {
                waiting.push_back(begun);
                if waiting.len() >= ahead
                    && let Some((position, begun)) = waiting.pop_front()
                {
                    hand_on(position, begun);
                }
            }
            for (position, begun) in waiting {
                hand_on(position, begun);
            }
        }
        // One that panics hands nothing on, and the scope panics for it.
        Hands::Others(writers) => thread::scope(|scope| {
            let (written, begun) = mpsc::channel();
            for _ in 0..writers {
                let (written, begin_next) = (written.clone(), &begin_next);
                scope.spawn(move || {
                    while let Some(begun) = begin_next()
                        && written.send(begun).is_ok()
                    {}
                });
            }
            drop(written);
            for (position, begun) in begun {
                hand_on(position, begun);
            }
        }),
    }
}

/// Does what needs no turn for one entry: its key is claimed if nobody has claimed it yet and
/// `heads`, seen before, are given.
fn begin<'a, S: Slots>(
    slots: &S,
    item: &'a BatchItem,
    heads: Option<Heads>,
) -> Result<Begun<'a, S::Draft>, StoreError> {
    let page = Page::of_item(item)?;
    let Some(text) = page.key else {
        return Ok(Begun::Waiting(page));
    };
    let key = text.key(slots.descriptor().store);
    match (slots.claim_of(&key)?, heads) {
        (Claim::Absent, Some(heads)) => claim(slots, page, key, heads),
        (Claim::Absent, None) | (Claim::Torn { .. }, _) => Ok(Begun::Waiting(page)),
        (
            Claim::Whole {
                generation,
                envelope,
            },
            _,
        ) => Ok(Begun::Met(page, key, generation, envelope)),
    }
}

fn claim<'a, S: Slots>(
    slots: &S,
    page: Page<'a>,
    key: Key,
    heads: Heads,
) -> Result<Begun<'a, S::Draft>, StoreError> {
    let key_text = page.key.map(|text| (key, text));
    let mut written = Pen::of(slots, &page).write(key_text, heads, FirstName::Claim)?;
    Ok(match slots.name_claim(&key, 0, &mut written.draft)? {
        Claimed::Made => Begun::Claimed(page, key, written),
        Claimed::Taken => Begun::Waiting(page),
    })
}

/// Reads the heads of all logs, before any claim is made. A log whose heads cannot be read is left
/// to each of its entries.
fn heads_of<'a, S: Slots>(slots: &S, items: &'a [BatchItem]) -> BTreeMap<&'a Log, Option<Heads>> {
    let mut heads = BTreeMap::new();
    for item in items {
        heads
            .entry(&item.log)
            .or_insert_with(|| Heads::seen(slots, &item.log).ok());
    }
    heads
}

/// Returns of each entry whether it is the first of its run and stage in its log. Which attempt is
/// free for a later one depends on what becomes of the first, so that none is claimed for it ahead.
fn firsts(items: &[BatchItem]) -> Vec<bool> {
    let mut met = BTreeSet::new();
    items
        .iter()
        .map(|item| match &item.key {
            Some(key) => met.insert((&item.log, key.run.as_str(), key.stage.as_str())),
            None => false,
        })
        .collect()
}

/// Returns whether an outcome says that something has a place.
fn names_a_place(outcome: &Result<Appended, StoreError>) -> bool {
    match outcome {
        Ok(Appended::New(_) | Appended::Already(_)) => true,
        Ok(Appended::Taken { recorded, .. }) => recorded.is_some(),
        Err(_) => false,
    }
}

/// Says a failure once more, for another entry that it hits.
fn again(failure: &StoreError) -> StoreError {
    let source = |source: &io::Error| match source.raw_os_error() {
        Some(errno) => io::Error::from_raw_os_error(errno),
        None => io::Error::new(source.kind(), source.to_string()),
    };
    match failure {
        StoreError::NotRecorded { path, source: why } => StoreError::NotRecorded {
            path: path.clone(),
            source: source(why),
        },
        StoreError::Unreadable { path, source: why } => StoreError::Unreadable {
            path: path.clone(),
            source: source(why),
        },
        StoreError::Unknown {
            path,
            doubt,
            source: why,
        } => StoreError::Unknown {
            path: path.clone(),
            doubt: *doubt,
            source: why.as_ref().map(source),
        },
        other => StoreError::Unknown {
            path: "the batch".to_owned(),
            doubt: Doubt::Flush,
            source: Some(io::Error::other(other.to_string())),
        },
    }
}
