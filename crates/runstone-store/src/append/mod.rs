//! The one loop by which every engine appends: once per key, at the next free place.
//!
//! An engine brings [`Slots`], a handful of calls each of which is atomic by itself; this loop
//! arranges them. The invariant guarded here: a key holds one place at most, and places are given
//! out without gaps.
//!
//! # Why once is once
//! *Claimer* is who created the claim of a key, *adopter* who found it, with equal content, and
//! finishes the work of a claimer that is done, slow or dead. Every publisher of a key
//! 1. has the claim durable before it publishes;
//! 2. knows a head that is older than any place of this key: the claimer reads the head before it
//!    claims, the adopter takes the head that the claim names;
//! 3. has read every slot above that head and below the one it takes, or may leave it out:
//!    - an adopter reads all that are taken, announces itself, and reads on to the first free one;
//!    - a claimer looks for a free slot *n* by itself, and *then* asks whether anyone has announced
//!      an adoption. Is there one, it reads all of them as well. Is there none, every adopter's
//!      announcement is later than the moment at which *n* was seen free and all below it taken;
//!      slots are taken without gaps, so an adopter's place is *n* or higher. Does the claimer not
//!      get *n*, it reads who did, looks for the next free slot, and asks again.
//!
//! Taking a slot is exclusive, so of two publishers of a key one comes second at the slot where
//! they meet or reads the other's place on its way; it then answers [`Appended::Already`].
//!
//! A slot that cannot be read may hold the key. It stops whoever has to know, unless the key turns
//! up higher; a claimer that nobody has adopted does not have to know.
//!
//! How a claim, a slot and an announcement are made durable is left to the engine.

#[cfg(test)]
mod interleavings;
mod search;

use std::io;

use serde_json::Value;

use self::search::{Search, search};
pub(crate) use self::search::{claimant, find};
use crate::damage::Damage;
use crate::descriptor::Descriptor;
use crate::envelope::{Address, Envelope, Packed, Seen};
use crate::error::{Doubt, StoreError};
use crate::key::{Key, KeyText, Nonce};
use crate::log::{Log, Seq};
use crate::store::{Appended, Committed, NewEntry};

/// How often a name may be refused as taken and then not be seen, before that is told: a cache that
/// hides it gives way long before.
const REFUSALS_MAX: u32 = 100;

/// How deep a summary may be nested: half of what readers of JSON put up with.
const SUMMARY_DEPTH_MAX: usize = 64;

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

    /// Looks at one slot: at the whole of it if it holds `key`, else at what tells whose it is.
    fn look(&self, log: &Log, seq: Seq, key: Option<&Key>) -> Result<Look, StoreError>;

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
        _ if depth(&entry.summary) > SUMMARY_DEPTH_MAX => {
            Err(misaddressed("its summary is nested too deeply"))
        }
        (Log::Cohort(cohort), Some(text)) if text.cohort == *cohort => pen.append_once(text),
        (Log::Cohort(_), Some(_)) => Err(misaddressed("its key belongs to another cohort")),
        (Log::Cohort(_), None) => Err(misaddressed("a snapshot needs a key")),
        (_, Some(_)) => Err(misaddressed("only snapshots have keys")),
        (_, None) => pen.append_note(),
    };
    appended.map_err(StoreError::before_publishing)
}

/// Returns how deep lists and objects are nested in a value.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
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
        for _ in 0..REFUSALS_MAX {
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
        Err(StoreError::Unreadable {
            path: format!("the claim of key {key}"),
            source: io::Error::other("it is taken, and cannot be seen"),
        })
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
        let mut is_announced = false;
        let mut free = from;
        loop {
            free = match search(self.slots, self.log, key, free)? {
                Search::Found(committed) => return Ok(Appended::Already(committed)),
                Search::Hidden(damage) => return Err(StoreError::Damaged(Box::new(damage))),
                Search::Nowhere { free } => free,
            };
            if is_announced {
                let written = self.write(Some((*key, text)))?;
                return self.publish(Right::Adopter(free), written);
            }
            // Only now: what is recorded already is found without writing anything.
            self.slots.adopt(key, generation)?;
            is_announced = true;
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
        let mut met_another = false;
        let mut hidden = None;
        let mut refusals = 0;
        loop {
            match self.look(seq, envelope.key.as_ref(), refusals)? {
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
                Look::Held(_) => {
                    refusals = 0;
                    seq = seq.next();
                    if !met_another && !matches!(right, Right::Adopter(_)) {
                        // Others were quicker: on to the next place that looks free, and the
                        // question whether anyone has adopted the claim is asked anew.
                        seq = self.slots.likely_free(self.log, seq)?;
                        asked = !matches!(right, Right::Claimer(..));
                    }
                }
                Look::Damaged(damage) => {
                    hidden = hidden.or(Some(damage));
                    seq = seq.next();
                }
                Look::Free => {
                    if !asked {
                        asked = true;
                        if self.may_meet_another(right)? {
                            met_another = true;
                            seq = head;
                            continue;
                        }
                    }
                    if let Some(damage) = hidden.take()
                        && self.may_meet_another(right)?
                    {
                        return Err(StoreError::Damaged(Box::new(damage)));
                    }
                    match self.slots.publish(self.log, seq, &mut draft, &envelope)? {
                        Published::Won => return Ok(Appended::New(Committed { seq, envelope })),
                        Published::Occupied => refusals += 1,
                    }
                }
            }
        }
    }

    /// Looks at a place which this entry was refused so many times. The refusal may be the late
    /// reply to a success: until the nonce there was read, the place may be this entry's.
    fn look(&self, seq: Seq, key: Option<&Key>, refusals: u32) -> Result<Look, StoreError> {
        let looked = self.slots.look(self.log, seq, key);
        if refusals == 0 {
            return looked;
        }
        let (doubt, source) = (Doubt::Publishing, None);
        match looked.map_err(|error| error.in_doubt(doubt))? {
            Look::Damaged(Damage { path, .. }) => Err(StoreError::Unknown {
                path,
                doubt,
                source,
            }),
            Look::Free if refusals >= REFUSALS_MAX => Err(StoreError::Unknown {
                path: format!("{}#{seq}", self.log),
                doubt,
                source,
            }),
            look => Ok(look),
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
