//! The one loop by which every engine appends: once per key, at the next free place.
//!
//! An engine brings [`Slots`], a handful of calls each of which is atomic by itself; this loop
//! arranges them. The invariant guarded here: a key holds one place at most, and places are given out
//! without gaps.
//!
//! # Why once is once
//! *Claimer* is who created the claim of a key, *adopter* who found it, with equal content, and
//! finishes the work of a claimer that is done, slow or dead. Every publisher of a key
//! 1. has the claim durable before it publishes;
//! 2. knows a head that is older than any place of this key: the claimer reads the head before it
//!    claims, the adopter takes the head that the claim names;
//! 3. has read every slot above that head and below the one it takes, or may leave it out:
//!    - an adopter announces itself first, then reads all of them;
//!    - a claimer looks for a free slot *n* by itself, and *then* asks whether anyone has announced
//!      an adoption. Is there one, it reads all of them as well. Is there none, every adopter's
//!      announcement is later than the moment at which *n* was seen free and all below it taken;
//!      slots are taken without gaps, so an adopter's place is *n* or higher, and from *n* on the
//!      claimer reads every slot that it does not get.
//!
//! Taking a slot is exclusive, so of two publishers of a key one comes second at the slot where they
//! meet or reads the other's place on its way; it then answers [`Appended::Already`].
//!
//! A slot that cannot be read may hold the key. It stops whoever has to know, unless the key turns up
//! higher; a claimer that nobody has adopted does not have to know.
//!
//! How a claim, a slot and an announcement are made durable is left to the engine.

#[cfg(test)]
mod interleavings;

use crate::damage::Damage;
use crate::descriptor::Descriptor;
use crate::envelope::{Address, Envelope, Packed, Seen};
use crate::error::StoreError;
use crate::key::{Key, KeyText, Nonce};
use crate::log::{Log, Seq};
use crate::store::{Appended, Committed, NewEntry};

/// What an engine brings: slots that one writer wins, and claims that one writer makes.
pub(crate) trait Slots {
    /// An entry that is written and waits for its names.
    type Draft;

    fn descriptor(&self) -> &Descriptor;

    fn nonce(&self) -> Nonce;

    /// Returns the highest entry of a log whose digest can be told.
    fn seen(&self, log: &Log) -> Result<Option<Seen>, StoreError>;

    /// Returns a place that is likely to be free, at or after `from`, with no free one below it.
    fn likely_free(&self, log: &Log, from: Seq) -> Result<Seq, StoreError>;

    /// Looks at one slot.
    fn look(&self, log: &Log, seq: Seq) -> Result<Look, StoreError>;

    /// Looks for the claim of a key.
    fn claim_of(&self, key: &Key) -> Result<Claim, StoreError>;

    /// Writes an entry without a name, where the slot `near` will be.
    fn draft(&self, log: &Log, near: Seq, file: Vec<u8>) -> Result<Self::Draft, StoreError>;

    /// Gives a draft the name of a claim, durably, unless another one has it.
    fn claim(
        &self,
        key: &Key,
        generation: u32,
        draft: &mut Self::Draft,
    ) -> Result<Claimed, StoreError>;

    /// Announces an adopter, then makes the claim durable.
    fn adopt(&self, key: &Key, generation: u32) -> Result<(), StoreError>;

    /// Returns whether anyone may have announced an adoption.
    fn adopted(&self, key: &Key, generation: u32) -> Result<bool, StoreError>;

    /// Gives a draft its place, durably, unless another one has it.
    fn publish(
        &self,
        log: &Log,
        seq: Seq,
        draft: &mut Self::Draft,
        written: &Envelope,
    ) -> Result<Published, StoreError>;

    /// Makes an entry durable that is already there.
    fn settle(&self, log: &Log, committed: &Committed) -> Result<(), StoreError>;
}

/// What stands at a place.
#[derive(Debug)]
pub(crate) enum Look {
    /// Nothing, and the place may be taken.
    Free,
    /// An entry.
    Held(Box<Envelope>),
    /// Something that cannot be read, or nothing where something was. The place is taken.
    Damaged(Damage),
}

/// What stands under a key.
#[derive(Debug)]
pub(crate) enum Claim {
    /// Nothing.
    Absent,
    /// The claim that counts.
    Whole {
        generation: u32,
        envelope: Box<Envelope>,
    },
    /// Claims that cannot be believed, up to this generation.
    Torn { generation: u32 },
}

/// What became of a claim.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    Made,
    Taken,
}

/// What became of a publication.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Published {
    /// The place is the draft's.
    Won,
    /// Something is there; whose it is has to be looked at.
    Occupied,
}

/// Appends an entry.
pub(crate) fn append<S: Slots>(
    slots: &S,
    log: &Log,
    key: Option<&KeyText>,
    entry: &NewEntry<'_>,
) -> Result<Appended, StoreError> {
    let pen = Pen {
        slots,
        log,
        entry,
        packed: Packed::new(entry.payload)?,
    };
    let misaddressed = |reason| StoreError::Misaddressed {
        log: log.clone(),
        reason,
    };
    let appended = match (log, key) {
        (Log::Cohort(cohort), Some(text)) if text.cohort == *cohort => pen.append_once(text),
        (Log::Cohort(_), Some(_)) => Err(misaddressed("its key belongs to another cohort")),
        (Log::Cohort(_), None) => Err(misaddressed("a snapshot needs a key")),
        (_, Some(_)) => Err(misaddressed("only snapshots have keys")),
        (_, None) => pen.append_note(),
    };
    appended.map_err(StoreError::before_publishing)
}

/// Returns the place a key holds.
pub(crate) fn find<S: Slots>(slots: &S, text: &KeyText) -> Result<Option<Committed>, StoreError> {
    let log = Log::Cohort(text.cohort.clone());
    let key = text.key(slots.descriptor().store);
    let from = match slots.claim_of(&key)? {
        Claim::Absent => return Ok(None),
        Claim::Whole { envelope, .. } => Seq::after(envelope.head_seen.map(|seen| seen.seq)),
        Claim::Torn { .. } => Seq::FIRST,
    };
    search(slots, &log, &key, from)?.recorded()
}

/// Returns the envelope that claimed a key: of the claim, or of the entry if the claim is torn.
pub(crate) fn claimant<S: Slots>(
    slots: &S,
    text: &KeyText,
) -> Result<Option<Envelope>, StoreError> {
    let key = text.key(slots.descriptor().store);
    match slots.claim_of(&key)? {
        Claim::Absent => Ok(None),
        Claim::Whole { envelope, .. } => Ok(Some(*envelope)),
        Claim::Torn { .. } => {
            let log = Log::Cohort(text.cohort.clone());
            let recorded = search(slots, &log, &key, Seq::FIRST)?.recorded()?;
            Ok(recorded.map(|committed| *committed.envelope))
        }
    }
}

/// How far a search for a key came.
enum Search {
    /// The key's place, made durable.
    Found(Committed),
    /// The key has no place below the first free one.
    Nowhere { free: Seq },
    /// The key has no readable place, and a slot on the way cannot be read.
    Hidden(Damage),
}

impl Search {
    fn recorded(self) -> Result<Option<Committed>, StoreError> {
        match self {
            Self::Found(committed) => Ok(Some(committed)),
            Self::Nowhere { .. } => Ok(None),
            Self::Hidden(damage) => Err(StoreError::Damaged(Box::new(damage))),
        }
    }
}

/// Reads every slot from `from` up to the first free one.
fn search<S: Slots>(slots: &S, log: &Log, key: &Key, from: Seq) -> Result<Search, StoreError> {
    let mut hidden = None;
    let mut seq = from;
    loop {
        match slots.look(log, seq)? {
            Look::Held(envelope) if envelope.key == Some(*key) => {
                let committed = Committed { seq, envelope };
                slots.settle(log, &committed)?;
                return Ok(Search::Found(committed));
            }
            Look::Held(_) => {}
            Look::Damaged(damage) => hidden = hidden.or(Some(damage)),
            Look::Free => {
                return Ok(match hidden {
                    Some(damage) => Search::Hidden(damage),
                    None => Search::Nowhere { free: seq },
                });
            }
        }
        seq = seq.next();
    }
}

/// One entry on its way into one log.
struct Pen<'a, S: Slots> {
    slots: &'a S,
    log: &'a Log,
    entry: &'a NewEntry<'a>,
    packed: Packed,
}

/// An entry that is written, and the envelope it was written with.
struct Written<S: Slots> {
    envelope: Box<Envelope>,
    draft: S::Draft,
}

/// Under which right an entry is published.
#[derive(Clone, Copy)]
enum Right<'k> {
    /// No key: each call is an entry of its own.
    Note,
    /// The writer made the claim of this key.
    Claimer(&'k Key, u32),
    /// The writer found the claim, announced itself, and has read every slot below this one.
    Adopter(Seq),
}

impl<S: Slots> Pen<'_, S> {
    fn append_note(&self) -> Result<Appended, StoreError> {
        let written = self.write(None)?;
        self.publish(Right::Note, written)
    }

    fn append_once(&self, text: &KeyText) -> Result<Appended, StoreError> {
        let key = text.key(self.slots.descriptor().store);
        loop {
            let generation = match self.slots.claim_of(&key)? {
                Claim::Absent => 0,
                Claim::Whole {
                    generation,
                    envelope,
                } => {
                    return self.meet(text, &key, generation, envelope);
                }
                Claim::Torn { generation } => {
                    match search(self.slots, self.log, &key, Seq::FIRST)?.recorded()? {
                        Some(committed) => return Ok(self.judge(committed)),
                        None => generation + 1,
                    }
                }
            };
            let mut written = self.write(Some((key, text)))?;
            match self.slots.claim(&key, generation, &mut written.draft)? {
                Claimed::Made => return self.publish(Right::Claimer(&key, generation), written),
                Claimed::Taken => {}
            }
        }
    }

    /// Answers where the claim was there before: adopts equal content, reports other content.
    fn meet(
        &self,
        text: &KeyText,
        key: &Key,
        generation: u32,
        claim: Box<Envelope>,
    ) -> Result<Appended, StoreError> {
        let from = Seq::after(claim.head_seen.map(|seen| seen.seq));
        if claim.content != self.entry.content {
            let recorded = search(self.slots, self.log, key, from)?.recorded()?;
            return Ok(Appended::Taken { claim, recorded });
        }
        self.slots.adopt(key, generation)?;
        match search(self.slots, self.log, key, from)? {
            Search::Found(committed) => Ok(Appended::Already(committed)),
            Search::Hidden(damage) => Err(StoreError::Damaged(Box::new(damage))),
            Search::Nowhere { free } => {
                let written = self.write(Some((*key, text)))?;
                self.publish(Right::Adopter(free), written)
            }
        }
    }

    /// Answers where only the entry itself is left to tell what was claimed.
    fn judge(&self, committed: Committed) -> Appended {
        if committed.envelope.content == self.entry.content {
            return Appended::Already(committed);
        }
        Appended::Taken {
            claim: committed.envelope.clone(),
            recorded: Some(committed),
        }
    }

    fn write(&self, key: Option<(Key, &KeyText)>) -> Result<Written<S>, StoreError> {
        let descriptor = self.slots.descriptor();
        let head_seen = self.slots.seen(self.log)?;
        let notes = self
            .log
            .notes()
            .map(|notes| self.slots.seen(&notes))
            .transpose()?;
        let (envelope, file) = self.packed.seal(Address {
            store: descriptor.store,
            epoch: descriptor.epoch,
            log: self.log.to_string(),
            nonce: self.slots.nonce(),
            key,
            content: self.entry.content,
            head_seen,
            notes_head_seen: notes.flatten(),
            summary: &self.entry.summary,
            recorded_at: &self.entry.recorded_at,
        })?;
        let near = Seq::after(head_seen.map(|seen| seen.seq));
        let draft = self.slots.draft(self.log, near, file)?;
        Ok(Written {
            envelope: Box::new(envelope),
            draft,
        })
    }

    /// Walks from slot to slot until one is won, or turns out to hold the key already.
    fn publish(&self, right: Right<'_>, written: Written<S>) -> Result<Appended, StoreError> {
        let Written {
            envelope,
            mut draft,
        } = written;
        let head = Seq::after(envelope.head_seen.map(|seen| seen.seq));
        let mut seq = match right {
            Right::Note | Right::Claimer(..) => self.slots.likely_free(self.log, head)?,
            Right::Adopter(free) => free,
        };
        let mut asked = !matches!(right, Right::Claimer(..));
        let mut hidden = None;
        loop {
            match self.slots.look(self.log, seq)? {
                Look::Held(held) if held.nonce == envelope.nonce => {
                    // The call that won this place reported something else.
                    let committed = Committed { seq, envelope };
                    self.slots.settle(self.log, &committed)?;
                    return Ok(Appended::New(committed));
                }
                Look::Held(held) if held.key.is_some() && held.key == envelope.key => {
                    let committed = Committed {
                        seq,
                        envelope: held,
                    };
                    self.slots.settle(self.log, &committed)?;
                    return Ok(Appended::Already(committed));
                }
                Look::Held(_) => seq = seq.next(),
                Look::Damaged(damage) => {
                    hidden = hidden.or(Some(damage));
                    seq = seq.next();
                }
                Look::Free if !asked => {
                    asked = true;
                    if self.may_meet_another(right)? {
                        seq = head;
                    }
                }
                Look::Free => {
                    if let Some(damage) = hidden.take()
                        && self.may_meet_another(right)?
                    {
                        return Err(StoreError::Damaged(Box::new(damage)));
                    }
                    match self.slots.publish(self.log, seq, &mut draft, &envelope)? {
                        Published::Won => return Ok(Appended::New(Committed { seq, envelope })),
                        Published::Occupied => {}
                    }
                }
            }
        }
    }

    /// Returns whether another publisher of the same key may be at work, or have been.
    fn may_meet_another(&self, right: Right<'_>) -> Result<bool, StoreError> {
        match right {
            Right::Note => Ok(false),
            Right::Claimer(key, generation) => self.slots.adopted(key, generation),
            Right::Adopter(..) => Ok(true),
        }
    }
}
