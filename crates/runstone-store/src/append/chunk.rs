//! The slots of an engine, as a batch sees them: places are taken now and made durable together.
//!
//! [`Chunk`] stands between the loop and an engine. It hands every step on, except that it keeps
//! the places to be settled until the end, and remembers what it saw in the logs, since an entry
//! never changes. The invariants guarded here: every place that the loop believes to be settled is
//! among those that [`Chunk::settle_all`] settles; and a place is remembered only after its entry
//! was there. Who may be told what, and when, is left to the batch.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::slots::{Claim, Claimed, FirstName, Look, Published, Slots};
use crate::descriptor::Descriptor;
use crate::envelope::{Envelope, Seen};
use crate::error::StoreError;
use crate::key::{Key, Nonce};
use crate::log::{Log, Seq};
use crate::store::Meanwhile;

/// An engine whose places are settled together.
#[derive(Debug)]
pub(super) struct Chunk<'s, S: Slots> {
    slots: &'s S,
    logs: RefCell<BTreeMap<Log, Passage>>,
}

/// Places that are taken at most without another look above them: half of the distance to which
/// the directory engine looks.
const RUN_MAX: u32 = 1024;

/// Own places, one after the other, above the first of which nothing was seen.
#[derive(Debug, Clone, Copy)]
struct Run {
    next: Seq,
    length: u32,
}

/// What a chunk has done in one log, and seen of it.
#[derive(Debug, Default)]
struct Passage {
    /// Places to be settled before anyone is told.
    unsettled: Vec<Seen>,
    /// Those of them that this chunk took itself, in ascending order.
    taken: Vec<Seen>,
    /// The places that were read or taken, without one left out, and who is there.
    read: Option<(Seq, Seq)>,
    keys: BTreeMap<Key, Seq>,
    run: Option<Run>,
}

impl Passage {
    /// Remembers who has a place.
    fn remember(&mut self, seq: Seq, key: Option<Key>) {
        self.read = Some(match self.read {
            Some((first, last)) if first <= seq && seq <= last => (first, last),
            Some((first, last)) if last.next() == seq => (first, seq),
            _ => {
                self.keys.clear();
                (seq, seq)
            }
        });
        if let Some(key) = key {
            self.keys.insert(key, seq);
        }
    }

    /// Returns the place after a run of own ones.
    fn next_of_run(&self) -> Option<Seq> {
        self.run
            .filter(|run| (1..RUN_MAX).contains(&run.length))
            .map(|run| run.next)
    }

    /// Lengthens the run by a place that was taken; one that was taken elsewhere breaks it.
    fn run_on(&mut self, seq: Seq) {
        self.run = self.run.filter(|run| run.next == seq).map(|run| Run {
            next: seq.next(),
            length: run.length + 1,
        });
    }
}

impl<'s, S: Slots> Chunk<'s, S> {
    pub(super) fn of(slots: &'s S) -> Self {
        Self {
            slots,
            logs: RefCell::default(),
        }
    }

    /// Makes every place durable that was taken or found; returns why not, by log.
    pub(super) fn settle_all(self) -> BTreeMap<Log, StoreError> {
        let mut failed = BTreeMap::new();
        let mut settled = Vec::new();
        for (log, passage) in self.logs.into_inner() {
            match self.slots.settle(&log, &passage.unsettled) {
                Ok(()) => settled.push((log, passage.taken)),
                Err(error) => drop(failed.insert(log, error)),
            }
        }
        // Only now: a flush that fails here would leave in doubt what is not settled yet.
        for (log, taken) in settled {
            self.slots.leave_word(&log, &taken);
        }
        failed
    }

    fn passage<T>(&self, log: &Log, act: impl FnOnce(&mut Passage) -> T) -> T {
        let mut logs = self.logs.borrow_mut();
        if !logs.contains_key(log) {
            logs.insert(log.clone(), Passage::default());
        }
        act(logs.get_mut(log).expect("it was just put there"))
    }
}

impl<S: Slots> Slots for Chunk<'_, S> {
    type Draft = S::Draft;

    fn descriptor(&self) -> &Descriptor {
        self.slots.descriptor()
    }

    fn epoch(&self) -> u64 {
        self.slots.epoch()
    }

    fn nonce(&self) -> Nonce {
        self.slots.nonce()
    }

    fn seen(&self, log: &Log) -> Result<Option<Seen>, StoreError> {
        self.slots.seen(log)
    }

    fn taken(&self, log: &Log) -> Option<Seq> {
        self.slots.taken(log)
    }

    fn likely_free(&self, log: &Log, from: Seq) -> Result<Seq, StoreError> {
        let (run, after_own) = self.passage(log, |passage| {
            let last = passage.taken.last().map(|seen| seen.seq);
            (passage.next_of_run(), Seq::after(last))
        });
        match run {
            Some(next) if next >= from => Ok(next),
            _ => self.slots.likely_free(log, from.max(after_own)),
        }
    }

    fn look(&self, log: &Log, seq: Seq, key: Option<&Key>) -> Result<Look, StoreError> {
        let look = self.slots.look(log, seq, key)?;
        self.passage(log, |passage| match &look {
            Look::Held(envelope) => passage.remember(seq, envelope.key),
            Look::Free => {
                let (next, length) = (seq, 0);
                passage.run = Some(Run { next, length });
            }
            Look::Damaged(_) => {}
        });
        Ok(look)
    }

    fn claim_of(&self, key: &Key) -> Result<Claim, StoreError> {
        self.slots.claim_of(key)
    }

    fn draft(
        &self,
        log: &Log,
        near: Seq,
        file: Vec<u8>,
        first: FirstName,
    ) -> Result<Self::Draft, StoreError> {
        self.slots.draft(log, near, file, first)
    }

    fn name_claim(
        &self,
        key: &Key,
        generation: u32,
        draft: &mut Self::Draft,
    ) -> Result<Claimed, StoreError> {
        self.slots.name_claim(key, generation, draft)
    }

    fn settles_claims_together(&self) -> bool {
        self.slots.settles_claims_together()
    }

    fn settle_claims(&self, keys: &[Key]) -> Result<(), StoreError> {
        self.slots.settle_claims(keys)
    }

    fn adopt(&self, key: &Key, generation: u32) -> Result<(), StoreError> {
        self.slots.adopt(key, generation)
    }

    fn adopted(&self, key: &Key, generation: u32) -> Result<bool, StoreError> {
        self.slots.adopted(key, generation)
    }

    fn publish(
        &self,
        log: &Log,
        seq: Seq,
        draft: &mut Self::Draft,
        written: &Envelope,
        _: Option<&mut Meanwhile<'_>>,
    ) -> Result<Published, StoreError> {
        self.take(log, seq, draft, written)
    }

    fn take(
        &self,
        log: &Log,
        seq: Seq,
        draft: &mut Self::Draft,
        written: &Envelope,
    ) -> Result<Published, StoreError> {
        let published = self.slots.take(log, seq, draft, written);
        self.passage(log, |passage| {
            if matches!(published, Ok(Published::Won)) {
                let sha256 = written.sha256;
                passage.unsettled.push(Seen { seq, sha256 });
                passage.taken.push(Seen { seq, sha256 });
                passage.remember(seq, written.key);
                passage.run_on(seq);
            } else {
                passage.run = None;
            }
        });
        published
    }

    fn settle(&self, log: &Log, places: &[Seen]) -> Result<(), StoreError> {
        self.passage(log, |passage| passage.unsettled.extend_from_slice(places));
        Ok(())
    }

    fn first_to_read(&self, log: &Log, key: &Key, from: Seq) -> Seq {
        self.passage(log, |passage| match passage.read {
            Some((first, last)) if first <= from && from <= last => match passage.keys.get(key) {
                Some(seq) if *seq >= from => *seq,
                _ => last.next(),
            },
            _ => from,
        })
    }

    fn follows_own(&self, log: &Log, seq: Seq) -> bool {
        self.passage(log, |passage| passage.next_of_run() == Some(seq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{KeyText, StoreId};

    fn key(number: u64) -> Key {
        let (run, stage) = (number.to_string(), "train".to_owned());
        let cohort = "c".parse().unwrap();
        KeyText {
            run,
            stage,
            cohort,
            attempt: 0,
        }
        .key(StoreId::from_random([0; 16]))
    }

    fn seq(number: u64) -> Seq {
        Seq::new(number).unwrap()
    }

    #[test]
    fn only_an_unbroken_passage_is_remembered() {
        let mut passage = Passage::default();
        for number in [5, 6, 7] {
            passage.remember(seq(number), Some(key(number)));
        }
        assert_eq!(passage.read, Some((seq(5), seq(7))));
        passage.remember(seq(6), Some(key(6)));
        assert_eq!(passage.read, Some((seq(5), seq(7))));
        // Place 8 was not read: what is known begins anew after it.
        passage.remember(seq(9), Some(key(9)));
        assert_eq!(passage.read, Some((seq(9), seq(9))));
        assert_eq!(passage.keys.len(), 1);
    }

    #[test]
    fn run_of_own_places_is_broken_by_any_other_and_ends_by_itself() {
        let mut passage = Passage::default();
        passage.run_on(seq(3));
        assert_eq!(passage.next_of_run(), None, "nobody looked above place 3");
        passage.run = Some(Run {
            next: seq(3),
            length: 0,
        });
        assert_eq!(passage.next_of_run(), None, "place 3 itself was looked at");
        passage.run_on(seq(3));
        assert_eq!(passage.next_of_run(), Some(seq(4)));
        let whole = passage.run;
        passage.run_on(seq(5));
        assert_eq!(passage.next_of_run(), None);
        passage.run = whole;
        for number in 4.. {
            let Some(next) = passage.next_of_run() else {
                assert_eq!(number, 3 + u64::from(RUN_MAX));
                break;
            };
            assert_eq!(next, seq(number));
            passage.run_on(next);
        }
    }
}
