//! One entry on its way into one log: claimed, written, and walked from slot to slot.
//!
//! The invariant guarded here is the argument of the module above, step by step. What the steps do
//! to a disk is left to [`Slots`].

use std::cell::Cell;
use std::io;
use std::sync::Arc;

use serde_json::Value;

use super::search::{Search, search};
use super::slots::{Claim, Claimed, FirstName, Look, Published, Slots};
use crate::damage::Damage;
use crate::envelope::{Address, Envelope, Packed, Seen};
use crate::error::{Doubt, StoreError};
use crate::hash::Hash256;
use crate::key::{Key, KeyText};
use crate::log::{Log, Seq};
#[cfg(test)]
use crate::mutants::{self, Mutant};
use crate::store::{Appended, BatchItem, Committed, Meanwhile, NewEntry};

/// How often a name may be refused as taken and then not be seen, before that is told: a cache that
/// hides it gives way long before.
const REFUSALS_MAX: u32 = 100;

/// How deep a summary may be nested: half of what readers of JSON put up with.
const SUMMARY_DEPTH_MAX: usize = 64;

/// What an entry says, at an address that may take it, with the slow work done.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) log: &'a Log,
    pub(super) key: Option<&'a KeyText>,
    content: Hash256,
    summary: &'a Arc<Value>,
    recorded_at: &'a str,
    packed: Packed<'a>,
}

impl<'a> Page<'a> {
    /// Checks and packs an entry. No engine is asked: any thread may do it, at any time.
    pub(super) fn of_entry(
        log: &'a Log,
        key: Option<&'a KeyText>,
        entry: &'a NewEntry<'_>,
    ) -> Result<Self, StoreError> {
        let page = Self {
            log,
            key,
            content: entry.content,
            summary: &entry.summary,
            recorded_at: &entry.recorded_at,
            packed: Packed::new(entry.payload)?,
        };
        page.checked()
    }

    /// Checks and packs an entry of a batch.
    pub(super) fn of_item(item: &'a BatchItem) -> Result<Self, StoreError> {
        let page = Self {
            log: &item.log,
            key: item.key.as_ref(),
            content: item.content,
            summary: &item.summary,
            recorded_at: &item.recorded_at,
            packed: Packed::new(&item.payload)?,
        };
        page.checked()
    }

    fn checked(self) -> Result<Self, StoreError> {
        let reason = match (self.log, self.key) {
            _ if depth(self.summary) > SUMMARY_DEPTH_MAX => "its summary is nested too deeply",
            (Log::Cohort(cohort), Some(text)) if text.cohort != *cohort => {
                "its key belongs to another cohort"
            }
            (Log::Cohort(_), None) => "a snapshot needs a key",
            (Log::Cohort(_), Some(_)) => return Ok(self),
            (_, Some(_)) => "only snapshots have keys",
            (_, None) => return Ok(self),
        };
        Err(StoreError::Misaddressed {
            log: self.log.clone(),
            reason,
        })
    }
}

/// One entry on its way into one log.
pub(super) struct Pen<'a, S: Slots> {
    slots: &'a S,
    page: &'a Page<'a>,
    /// What may be done while the place is made durable, until it was.
    meanwhile: Cell<Option<&'a mut Meanwhile<'a>>>,
}

/// An entry that is written, and the envelope it was written with.
#[derive(Debug)]
pub(super) struct Written<D> {
    /// The place above all that were taken when its writer read the heads, also by what cannot be
    /// read: no place below is one of a claim made since.
    above: Seq,
    pub(super) envelope: Box<Envelope>,
    pub(super) draft: D,
}

/// The highest entries of a log and of its notes that a writer saw before it wrote, and the highest
/// place of the log that it knew to be taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heads {
    taken: Option<Seq>,
    log: Option<Seen>,
    notes: Option<Seen>,
}

impl Heads {
    pub(super) fn seen<S: Slots>(slots: &S, log: &Log) -> Result<Self, StoreError> {
        let notes = log.notes().map(|notes| slots.seen(&notes)).transpose()?;
        let seen = slots.seen(log)?;
        Ok(Self {
            taken: slots.taken(log).max(seen.map(|seen| seen.seq)),
            log: seen,
            notes: notes.flatten(),
        })
    }
}

/// Under which right an entry is published.
#[derive(Debug, Clone, Copy)]
pub(super) enum Right<'k> {
    /// No key: each call is an entry of its own.
    Note,
    /// The writer made the claim of this key.
    Claimer(&'k Key, u32),
    /// The writer found the claim, announced itself, and has read every slot below this one.
    Adopter(Seq),
}

impl<'a, S: Slots> Pen<'a, S> {
    pub(super) fn of(slots: &'a S, page: &'a Page<'a>) -> Self {
        Self::meanwhile(slots, page, None)
    }

    pub(super) fn meanwhile(
        slots: &'a S,
        page: &'a Page<'a>,
        meanwhile: Option<&'a mut Meanwhile<'a>>,
    ) -> Self {
        Self {
            slots,
            page,
            meanwhile: Cell::new(meanwhile),
        }
    }
}

impl<S: Slots> Pen<'_, S> {
    /// Appends the entry.
    pub(super) fn append(&self) -> Result<Appended, StoreError> {
        match self.page.key {
            Some(text) => self.append_once(text),
            None => self.append_note(),
        }
    }

    fn append_note(&self) -> Result<Appended, StoreError> {
        let heads = Heads::seen(self.slots, self.page.log)?;
        let written = self.write(None, heads, FirstName::Place)?;
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
                    return self.meet(&key, generation, envelope);
                }
                Claim::Torn { generation } => {
                    match search(self.slots, self.page.log, &key, Seq::FIRST)?.recorded()? {
                        Some(committed) => return Ok(self.judge(committed)),
                        None => generation + 1,
                    }
                }
            };
            let heads = Heads::seen(self.slots, self.page.log)?;
            let mut written = self.write(Some((key, text)), heads, FirstName::Claim)?;
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
    pub(super) fn meet(
        &self,
        key: &Key,
        generation: u32,
        claim: Box<Envelope>,
    ) -> Result<Appended, StoreError> {
        let from = Seq::after(claim.head_seen.map(|seen| seen.seq));
        if claim.content != self.page.content {
            let recorded = search(self.slots, self.page.log, key, from)?.recorded()?;
            return Ok(Appended::Taken { claim, recorded });
        }
        let mut is_announced = false;
        let mut free = from;
        loop {
            free = match search(self.slots, self.page.log, key, free)? {
                Search::Found(committed) => return Ok(Appended::Already(committed)),
                Search::Hidden(damage) => return Err(StoreError::Damaged(Box::new(damage))),
                Search::Nowhere { free } => free,
            };
            if is_announced {
                let heads = Heads::seen(self.slots, self.page.log)?;
                let key = self.page.key.map(|text| (*key, text));
                let written = self.write(key, heads, FirstName::Place)?;
                return self.publish(Right::Adopter(free), written);
            }
            // Only now: what is recorded already is found without writing anything.
            self.slots.adopt(key, generation)?;
            is_announced = true;
        }
    }

    /// Answers where only the entry itself is left to tell what was claimed.
    fn judge(&self, committed: Committed) -> Appended {
        if committed.envelope.content == self.page.content {
            return Appended::Already(committed);
        }
        Appended::Taken {
            claim: committed.envelope.clone(),
            recorded: Some(committed),
        }
    }

    /// Writes the entry without a name, for a writer who saw these heads.
    pub(super) fn write(
        &self,
        key: Option<(Key, &KeyText)>,
        heads: Heads,
        first: FirstName,
    ) -> Result<Written<S::Draft>, StoreError> {
        let descriptor = self.slots.descriptor();
        let (envelope, file) = self.page.packed.seal(Address {
            store: descriptor.store,
            epoch: self.slots.epoch(),
            log: self.page.log.to_string(),
            nonce: self.slots.nonce(),
            key,
            content: self.page.content,
            head_seen: heads.log,
            notes_head_seen: heads.notes,
            summary: self.page.summary,
            recorded_at: self.page.recorded_at,
        })?;
        let above = Seq::after(heads.taken);
        let draft = self.slots.draft(self.page.log, above, file, first)?;
        Ok(Written {
            above,
            envelope: Box::new(envelope),
            draft,
        })
    }

    /// Walks from slot to slot until one is won, or turns out to hold the key already.
    pub(super) fn publish(
        &self,
        right: Right<'_>,
        written: Written<S::Draft>,
    ) -> Result<Appended, StoreError> {
        let Written {
            above: head,
            envelope,
            mut draft,
        } = written;
        let mut meanwhile = self.meanwhile.take();
        let mut seq = match right {
            Right::Note | Right::Claimer(..) => self.slots.likely_free(self.page.log, head)?,
            Right::Adopter(free) => free,
        };
        let mut asked = !matches!(right, Right::Claimer(..));
        let mut met_another = false;
        let mut hidden = None;
        let mut refusals = 0;
        loop {
            if met_another && let Some(key) = &envelope.key {
                seq = self.slots.first_to_read(self.page.log, key, seq);
            }
            match self.look(seq, envelope.key.as_ref(), refusals)? {
                Look::Held(held) if held.nonce == envelope.nonce => {
                    // The call that won this place reported something else.
                    let committed = Committed { seq, envelope };
                    self.slots.settle(self.page.log, &[committed.seen()])?;
                    return Ok(Appended::New(committed));
                }
                Look::Held(held) if held.key.is_some() && held.key == envelope.key => {
                    let committed = Committed {
                        seq,
                        envelope: held,
                    };
                    self.slots.settle(self.page.log, &[committed.seen()])?;
                    return Ok(Appended::Already(committed));
                }
                Look::Held(_) => {
                    refusals = 0;
                    seq = seq.next();
                    if !met_another && !matches!(right, Right::Adopter(_)) {
                        // Others were quicker: on to the next place that looks free, and the
                        // question whether anyone has adopted the claim is asked anew.
                        seq = self.slots.likely_free(self.page.log, seq)?;
                        asked = !matches!(right, Right::Claimer(..));
                        #[cfg(test)]
                        if mutants::is(Mutant::AdoptionNotAskedAnew) {
                            asked = true;
                        }
                    }
                }
                Look::Damaged(damage) => {
                    hidden = hidden.or(Some(damage));
                    seq = seq.next();
                }
                Look::Free => {
                    if !asked {
                        asked = true;
                        if !self.has_read_up_to(seq, head, &envelope)
                            && self.may_meet_another(right)?
                        {
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
                    let meanwhile = meanwhile.as_deref_mut();
                    let (log, draft) = (self.page.log, &mut draft);
                    let published = self.slots.publish(log, seq, draft, &envelope, meanwhile);
                    match published.map_err(|error| after_refusals(error, refusals))? {
                        Published::Won => return Ok(Appended::New(Committed { seq, envelope })),
                        #[cfg(test)]
                        Published::Occupied if mutants::is(Mutant::ExistsIsALoss) => {
                            seq = seq.next();
                        }
                        Published::Occupied => refusals += 1,
                    }
                }
            }
        }
    }

    /// Looks at a place which this entry was refused so many times. The refusal may be the late
    /// reply to a success: until the nonce there was read, the place may be this entry's.
    fn look(&self, seq: Seq, key: Option<&Key>, refusals: u32) -> Result<Look, StoreError> {
        if refusals == 0 && self.slots.follows_own(self.page.log, seq) {
            return Ok(Look::Free);
        }
        let looked = self.slots.look(self.page.log, seq, key);
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
                path: format!("{}#{seq}", self.page.log),
                doubt,
                source,
            }),
            look => Ok(look),
        }
    }

    /// Returns whether every place from `head` to the one before `seq` is known to hold another
    /// key: then nothing was left out, and nobody has to be asked for.
    fn has_read_up_to(&self, seq: Seq, head: Seq, envelope: &Envelope) -> bool {
        envelope
            .key
            .as_ref()
            .is_some_and(|key| self.slots.first_to_read(self.page.log, key, head) >= seq)
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

/// Turns a failure to take a place which an entry was refused before into an unknown outcome, also
/// if it came before the link was tried: the place may be the entry's.
fn after_refusals(error: StoreError, refusals: u32) -> StoreError {
    match refusals {
        0 => error,
        _ => error.in_doubt(Doubt::Publishing),
    }
}

/// Returns how deep lists and objects are nested in a value.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
