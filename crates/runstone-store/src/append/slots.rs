//! What an engine brings to the loop: slots that one writer wins, and claims that one writer makes.
//!
//! Each call is atomic by itself, and its outcome a value. The invariant guarded here: nothing but
//! these calls is assumed of an engine, so that the argument in the module above holds for all of
//! them. How a claim, a slot and an announcement are made durable is left to the engine.

use crate::damage::Damage;
use crate::descriptor::Descriptor;
use crate::envelope::{Envelope, Seen};
use crate::error::StoreError;
use crate::key::{Key, Nonce};
use crate::log::{Log, Seq};
use crate::store::Meanwhile;

/// What an engine brings: slots that one writer wins, and claims that one writer makes.
pub(crate) trait Slots {
    /// An entry that is written and waits for its names.
    type Draft;

    fn descriptor(&self) -> &Descriptor;

    /// Returns the epoch of entries written now.
    fn epoch(&self) -> u64;

    fn nonce(&self) -> Nonce;

    /// Returns the highest entry of a log whose digest can be told, as durable as what names it
    /// will be.
    fn seen(&self, log: &Log) -> Result<Option<Seen>, StoreError>;

    /// Returns the highest place known to be taken, whether or not it can be read: `seen` was asked
    /// right before.
    fn taken(&self, _log: &Log) -> Option<Seq> {
        None
    }

    /// Returns a place that is likely to be free, at or after `from`, with no free one below it.
    fn likely_free(&self, log: &Log, from: Seq) -> Result<Seq, StoreError>;

    /// Looks at one slot: at the whole of it if it holds `key`, else at what tells whose it is.
    fn look(&self, log: &Log, seq: Seq, key: Option<&Key>) -> Result<Look, StoreError>;

    /// Looks for the claim of a key.
    fn claim_of(&self, key: &Key) -> Result<Claim, StoreError>;

    /// Writes an entry without a name, where the slot `near` will be.
    fn draft(
        &self,
        log: &Log,
        near: Seq,
        file: Vec<u8>,
        first: FirstName,
    ) -> Result<Self::Draft, StoreError>;

    /// Gives a draft the name of a claim, durably, unless another one has it.
    fn claim(
        &self,
        key: &Key,
        generation: u32,
        draft: &mut Self::Draft,
    ) -> Result<Claimed, StoreError> {
        let claimed = self.name_claim(key, generation, draft)?;
        if claimed == Claimed::Made {
            self.settle_claims(&[*key])?;
        }
        Ok(claimed)
    }

    /// Gives a draft the name of a claim, unless another one has it. What is in the draft is
    /// durable afterwards, the name only where flushing a file covers it.
    fn name_claim(
        &self,
        key: &Key,
        generation: u32,
        draft: &mut Self::Draft,
    ) -> Result<Claimed, StoreError>;

    /// Returns how many entries may be written at once, each with files of its own open.
    fn writers_max(&self) -> usize {
        usize::MAX
    }

    /// Returns whether the names of claims wait for [`Slots::settle_claims`], so that many are
    /// better made durable together.
    fn settles_claims_together(&self) -> bool {
        false
    }

    /// Makes the names of claims durable.
    fn settle_claims(&self, keys: &[Key]) -> Result<(), StoreError>;

    /// Announces an adopter, then makes the claim durable.
    fn adopt(&self, key: &Key, generation: u32) -> Result<(), StoreError>;

    /// Returns whether anyone may have announced an adoption.
    fn adopted(&self, key: &Key, generation: u32) -> Result<bool, StoreError>;

    /// Gives a draft its place, durably, unless another one has it; `meanwhile` may be done while a
    /// place that is won is made durable, or left out.
    fn publish(
        &self,
        log: &Log,
        seq: Seq,
        draft: &mut Self::Draft,
        written: &Envelope,
        meanwhile: Option<&mut Meanwhile<'_>>,
    ) -> Result<Published, StoreError>;

    /// Gives a draft its place, unless another one has it. The draft is durable before, its place
    /// only once it is settled.
    fn take(
        &self,
        log: &Log,
        seq: Seq,
        draft: &mut Self::Draft,
        written: &Envelope,
    ) -> Result<Published, StoreError>;

    /// Makes places durable, of whomever the entries there are; each directory once.
    fn settle(&self, log: &Log, places: &[Seen]) -> Result<(), StoreError>;

    /// Leaves word of places that were just taken and settled, where that spares others a search.
    fn leave_word(&self, _log: &Log, _taken: &[Seen]) {}

    /// Returns the first place, at or after `from`, that may hold a key: those before are known to
    /// hold others.
    fn first_to_read(&self, _log: &Log, _key: &Key, from: Seq) -> Seq {
        from
    }

    /// Returns whether a place comes right after own ones, taken one after the other since a look
    /// that found nothing above the first of them: whether it is free, taking it tells.
    fn follows_own(&self, _log: &Log, _seq: Seq) -> bool {
        false
    }
}

/// The name that a draft is given first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstName {
    /// That of the claim of its key; its place is its second one.
    Claim,
    /// That of its place: there is no key, or its claim is another's.
    Place,
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
