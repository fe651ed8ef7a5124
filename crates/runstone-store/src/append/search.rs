//! Looking for what a key holds: its claim, and its place in the log.
//!
//! The claim names a head that is older than any place of its key, so the search begins there and
//! reads every slot up to the first free one: nothing derived from the log, such as a segment, may
//! speak for it. The invariant guarded here: "nowhere" is said only where every slot on the way
//! could be read. What follows from the answer is left to the loop.

use super::{Claim, Look, Slots};
use crate::damage::Damage;
use crate::envelope::Envelope;
use crate::error::StoreError;
use crate::key::{Key, KeyText};
use crate::log::{Log, Seq};
use crate::store::{Committed, Slot};

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

/// Makes an entry durable that is already there.
pub(crate) fn make_durable<S: Slots>(
    slots: &S,
    log: &Log,
    seq: Seq,
) -> Result<Slot<()>, StoreError> {
    Ok(match slots.look(log, seq, None)? {
        Look::Free => Slot::Absent,
        Look::Damaged(damage) => Slot::Damaged(damage),
        Look::Held(envelope) => {
            slots.settle(log, &[Committed { seq, envelope }.seen()])?;
            Slot::Whole(())
        }
    })
}

/// How far a search for a key came.
pub(super) enum Search {
    /// The key's place, made durable.
    Found(Committed),
    /// The key has no place below the first free one.
    Nowhere { free: Seq },
    /// The key has no readable place, and a slot on the way cannot be read.
    Hidden(Damage),
}

impl Search {
    pub(super) fn recorded(self) -> Result<Option<Committed>, StoreError> {
        match self {
            Self::Found(committed) => Ok(Some(committed)),
            Self::Nowhere { .. } => Ok(None),
            Self::Hidden(damage) => Err(StoreError::Damaged(Box::new(damage))),
        }
    }
}

/// Reads every slot from `from` up to the first free one.
pub(super) fn search<S: Slots>(
    slots: &S,
    log: &Log,
    key: &Key,
    from: Seq,
) -> Result<Search, StoreError> {
    let mut hidden = None;
    let mut seq = from;
    loop {
        seq = slots.first_to_read(log, key, seq);
        match slots.look(log, seq, Some(key))? {
            Look::Held(envelope) if envelope.key == Some(*key) => {
                let committed = Committed { seq, envelope };
                slots.settle(log, &[committed.seen()])?;
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
