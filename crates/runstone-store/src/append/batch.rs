//! Many entries at once, each as if appended by itself.
//!
//! ```text
//! in parallel:  pack ─▶ write file ─▶ link K ─▶ flush file           each entry by itself
//! once:         flush the directories of the claims                  where flushing a file does not
//! in order:     link slot, link slot, link slot …                    the walk of the single append
//! once:         flush the shard ─▶ answer for all
//! ```
//!
//! The invariants guarded here: no slot is linked before every claim of the batch is durable, slots
//! are linked in the order of the entries, and no entry is answered for before its shard is
//! flushed. An entry that finds its claim there, or another one of its run and stage earlier in the
//! batch, goes through the whole single append when its turn comes; so what an earlier entry
//! decided is seen by a later one, and none of them claims an attempt ahead of its turn.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{io, thread};

use super::chunk::Chunk;
use super::pen::{Heads, Page, Pen, Right, Written};
use super::slots::{Claim, Claimed, FirstName, Slots};
use crate::envelope::Envelope;
use crate::error::{Doubt, StoreError};
use crate::key::Key;
use crate::log::Log;
use crate::store::{Appended, BatchItem, Instead};

/// How many files are written and flushed at once: chosen, by measurement on ext4, where flushes
/// that wait together share one commit of the journal. Half as many acknowledge some 15 % less a
/// second, since those that prepare the next chunk keep the writers waiting for a processor.
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
        let share = of_few_logs(&items[first..]);
        outcomes.extend(append_by(
            WRITERS_MAX,
            slots,
            share,
            &mut |position, claim, recorded| instead(first + position, claim, recorded),
        ));
    }
    outcomes
}

/// Returns the first items, as many as name no more logs than may be written at once.
fn of_few_logs(items: &[BatchItem]) -> &[BatchItem] {
    let mut logs = BTreeSet::new();
    let few = items.iter().take_while(|item| {
        logs.insert(&item.log);
        logs.len() <= LOGS_MAX
    });
    &items[..few.count()]
}

/// Appends many entries, of which so many threads prepare some at once.
pub(crate) fn append_by<S>(
    writers: usize,
    slots: &S,
    items: &[BatchItem],
    instead: &mut Instead<'_>,
) -> Vec<Result<Appended, StoreError>>
where
    S: Slots + Sync,
    S::Draft: Send,
{
    let begun = begin_all(writers, slots, items);
    let claims: Vec<Key> = begun.iter().filter_map(Begun::claim).collect();
    let unclaimed = slots
        .settle_claims(&claims)
        .map_err(StoreError::before_publishing)
        .err();

    let chunk = Chunk::of(slots);
    let mut outcomes = Vec::with_capacity(items.len());
    for (position, begun) in begun.into_iter().enumerate() {
        let mut appended = match (begun, &unclaimed) {
            (Begun::Claimed(..), Some(failure)) => Err(again(failure)),
            (Begun::Claimed(page, key, written), None) => {
                Pen::of(&chunk, &page).publish(Right::Claimer(&key, 0), written)
            }
            (Begun::Met(page, key, generation, claim), _) => {
                Pen::of(&chunk, &page).meet(&key, generation, claim)
            }
            (Begun::Waiting(page), _) => Pen::of(&chunk, &page).append(),
            (Begun::Failed(failure), _) => Err(failure),
        };
        while let Ok(Appended::Taken { claim, recorded }) = &appended
            && let Some(other) = instead(position, claim, recorded.as_ref())
        {
            appended = Page::of_item(&other).and_then(|page| Pen::of(&chunk, &page).append());
        }
        outcomes.push(appended.map_err(StoreError::before_publishing));
    }

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

impl<D> Begun<'_, D> {
    fn claim(&self) -> Option<Key> {
        match self {
            Self::Claimed(_, key, _) => Some(*key),
            Self::Met(..) | Self::Waiting(_) | Self::Failed(_) => None,
        }
    }
}

/// Does what needs no turn, for all entries at once.
fn begin_all<'a, S>(writers: usize, slots: &S, items: &'a [BatchItem]) -> Vec<Begun<'a, S::Draft>>
where
    S: Slots + Sync,
    S::Draft: Send,
{
    let heads = heads_of(slots, items);
    let is_first = firsts(items);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(position) else {
                return done;
            };
            let heads = heads[&item.log].filter(|_| is_first[position]);
            let begun = begin(slots, item, heads)
                .unwrap_or_else(|failure| Begun::Failed(failure.before_publishing()));
            done.push((position, begun));
        }
    };
    let writers = items.len().min(writers);
    if writers <= 1 {
        return work().into_iter().map(|(_, begun)| begun).collect();
    }
    let mut begun: Vec<_> = thread::scope(|scope| {
        let writers: Vec<_> = (0..writers).map(|_| scope.spawn(work)).collect();
        writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    begun.sort_unstable_by_key(|(position, _)| *position);
    begun.into_iter().map(|(_, begun)| begun).collect()
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
