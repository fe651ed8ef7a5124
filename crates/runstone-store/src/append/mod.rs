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
//!      get *n*, it reads who did, looks for the next free slot, and asks again;
//!    - a claimer that left none out, because every slot since its head is known to hold another
//!      key, need not ask.
//!
//! Taking a slot is exclusive, so of two publishers of a key one comes second at the slot where
//! they meet or reads the other's place on its way; it then answers [`Appended::Already`].
//!
//! # Many at once
//! A batch makes its claims side by side and takes its places one after the other, each by the same
//! walk ([`append_all`]). Nothing of the argument speaks of time between a claim and a slot, nor of
//! other keys, so three things alone have to be seen:
//! 1. the claim of each entry is durable before its slot is linked, and all heads are read before
//!    the first claim;
//! 2. the question for an adoption is asked for each entry that left slots out by itself, after the
//!    look at a free slot. What the batch took from there on, one slot after the other, is of other
//!    keys and needs no further look: whether the next one is free, its link tells. Taken is taken,
//!    durable or not;
//! 3. a place that is taken and not yet flushed is told to nobody: neither as new nor, to another
//!    entry of the same key, as there already.
//!
//! A claim that is made ahead of its turn must not bar an attempt that an earlier entry would take:
//! only the first of each run and stage claims ahead.
//!
//! A slot that cannot be read may hold the key. It stops whoever has to know, unless the key turns
//! up higher; a claimer that nobody has adopted does not have to know.
//!
//! How a claim, a slot and an announcement are made durable is left to the engine.

mod batch;
mod chunk;
#[cfg(test)]
mod interleavings;
mod pen;
#[cfg(test)]
mod refused;
mod search;
mod slots;
#[cfg(test)]
mod stand_in;

pub(crate) use self::batch::append_all;
#[cfg(test)]
pub(crate) use self::batch::{Hands, append_by};
use self::pen::{Page, Pen};
pub(crate) use self::search::{claimant, find, make_durable};
pub(crate) use self::slots::{Claim, Claimed, FirstName, Look, Published, Slots};
use crate::error::StoreError;
use crate::key::KeyText;
use crate::log::Log;
use crate::store::{Appended, Meanwhile, NewEntry};

/// Appends an entry; what may be done while its place is made durable is done then, or left out.
pub(crate) fn append<S: Slots>(
    slots: &S,
    log: &Log,
    key: Option<&KeyText>,
    entry: &NewEntry<'_>,
    meanwhile: Option<&mut Meanwhile<'_>>,
) -> Result<Appended, StoreError> {
    let page = Page::of_entry(log, key, entry)?;
    let meanwhile = meanwhile.map(|meanwhile| -> &mut Meanwhile<'_> { meanwhile });
    let pen = Pen::meanwhile(slots, &page, meanwhile);
    pen.append().map_err(StoreError::before_publishing)
}
