//! The contract of every engine.
//!
//! A [`Store`] keeps append-only logs, and beside them the documents, profiles and objects that
//! entries name. One verb matters, [`Store::append`]; the others read. The invariant guarded here:
//! what `append` acknowledged stays, at its place, under its key, whole, and a key holds one place
//! at most. What an entry says is left to the ledger: payloads and summaries are opaque.

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::Value;

use crate::damage::{Audited, Damage, Finding, Mended};
use crate::descriptor::Descriptor;
use crate::discard::{Discarded, Trashed, WhoNames};
use crate::envelope::{Envelope, Seen};
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::key::KeyText;
use crate::log::{CohortName, Log, Seq};
use crate::secret::Secret;
use crate::shelf::Shelf;
use crate::weight::Weighed;

/// A durable ledger of entries that knows nothing of runs.
pub trait Store: Send + Sync + Debug {
    /// Returns what the store says about itself.
    fn descriptor(&self) -> &Descriptor;

    /// Writes later entries of this handle in another epoch than the store was made in.
    ///
    /// The epoch tells a copy that lives on from the store it was copied from. Entries of every
    /// epoch are read.
    fn enter_epoch(&self, epoch: u64);

    /// Appends an entry to a log: at the next place, once per key.
    ///
    /// A log of snapshots demands a key of its own cohort, every other log demands none. The caller
    /// has made durable whatever the entry names, through [`open_cohort`](Self::open_cohort),
    /// [`put_profile`](Self::put_profile) and [`put_object`](Self::put_object), and looks again at
    /// the objects among it before it tells anybody, through [`hold_object`](Self::hold_object).
    ///
    /// # Durability
    /// An acknowledged entry survives power loss. On an error other than [`StoreError::Unknown`]
    /// this call published nothing; after `Unknown` the entry is wholly there or wholly not, and
    /// the same call, best made by a new process, finds out.
    ///
    /// # Errors
    /// [`StoreError::NotRecorded`] and [`StoreError::Unknown`] as above; [`StoreError::Damaged`] if
    /// damage hides whether the key was recorded before; [`StoreError::NoCohort`] if the cohort was
    /// never opened; [`StoreError::Misaddressed`] and [`StoreError::TooLarge`] for an illegal
    /// entry.
    fn append(
        &self,
        log: &Log,
        key: Option<&KeyText>,
        entry: &NewEntry<'_>,
    ) -> Result<Appended, StoreError>;

    /// Appends an entry as [`append`](Self::append) does, and does `meanwhile` while its place is
    /// made durable, on another thread.
    ///
    /// It is handed the place and the envelope there. It is done once at most, before this returns,
    /// and only if the answer will be [`Appended::New`] or an error, after which what came of it
    /// means nothing; an engine that has nothing to wait for may leave it out.
    ///
    /// # Durability
    /// As [`append`](Self::append): what is done meanwhile is done for an entry that a power cut
    /// may still take, so that nobody may be told of it before this returns.
    ///
    /// # Errors
    /// The same as [`append`](Self::append).
    fn append_meanwhile(
        &self,
        log: &Log,
        key: Option<&KeyText>,
        entry: &NewEntry<'_>,
        _meanwhile: &mut Meanwhile<'_>,
    ) -> Result<Appended, StoreError> {
        self.append(log, key, entry)
    }

    /// Appends many entries, as if one after the other in their order, and answers for each.
    ///
    /// Where other content holds the key of an entry, `instead` is asked, with the position of the
    /// entry, for what to append in its place; with nothing, the answer is [`Appended::Taken`]. It
    /// is asked before any later entry has its place.
    ///
    /// # Durability
    /// Nothing is answered before all of it is durable. A batch that is cut short left a part of
    /// its entries, none of them acknowledged; the same batch again records each of them once.
    ///
    /// # Errors
    /// Each entry has an outcome of its own, as by [`append`](Self::append); one that fails does
    /// not stop the others. If a directory cannot be flushed, every entry in it that would have
    /// been acknowledged is [`StoreError::Unknown`].
    fn append_all(
        &self,
        items: &[BatchItem],
        instead: &mut Instead<'_>,
    ) -> Vec<Result<Appended, StoreError>> {
        one_by_one(self, items, instead)
    }

    /// Puts the entries that batches of this handle left behind into segments, which are for
    /// reading many: best when what they were told is handed on, since no answer depends on it.
    ///
    /// Whatever fails is left to a later entry. Where nobody calls it, so is all of it.
    fn seal_pending(&self) {}

    /// Returns the highest place of a log, or nothing for a log without entries.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if this log cannot be looked at while others may, such as where
    /// something else stands in its place; [`StoreError::Unreadable`] if the store cannot.
    fn head(&self, log: &Log) -> Result<Option<Seq>, StoreError>;

    /// Returns the entry at a place, checked against its checksum, its digest and its place.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if it cannot be read, [`StoreError::Newer`] if a later format
    /// wrote it. Damage is a value.
    fn read(&self, log: &Log, seq: Seq) -> Result<Slot<Entry>, StoreError>;

    /// Returns the envelope at a place without reading, and so without checking, what follows it.
    ///
    /// # Errors
    /// The same as [`read`](Self::read).
    fn peek(&self, log: &Log, seq: Seq) -> Result<Slot<Envelope>, StoreError>;

    /// Returns the entry at a place, or a copy of it that stands together with many others: for
    /// whoever reads many of them.
    ///
    /// A copy was checked as [`read`](Self::read) checks the entry, and the last of those it stands
    /// with was compared with its place; that its own place is damaged, or holds another entry
    /// since, is not noticed.
    ///
    /// # Errors
    /// The same as [`read`](Self::read).
    fn read_copy(&self, log: &Log, seq: Seq) -> Result<Slot<Entry>, StoreError> {
        self.read(log, seq)
    }

    /// Returns the envelope at a place, or a copy of it, as [`read_copy`](Self::read_copy) does.
    ///
    /// # Errors
    /// The same as [`read`](Self::read).
    fn peek_copy(&self, log: &Log, seq: Seq) -> Result<Slot<Envelope>, StoreError> {
        self.peek(log, seq)
    }

    /// Makes an entry durable that is already there, whoever appended it.
    ///
    /// For what has no key to ask [`find`](Self::find) by: finding an entry proves nothing, since
    /// its writer may not have flushed it.
    ///
    /// # Durability
    /// On [`Slot::Whole`] the entry survives power loss.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if the entry is there but could not be made durable; else the same
    /// as [`peek`](Self::peek).
    fn make_durable(&self, log: &Log, seq: Seq) -> Result<Slot<()>, StoreError>;

    /// Returns the envelope that claimed a key, whether or not it was recorded afterwards.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if the claim cannot be read; [`StoreError::Damaged`] if neither
    /// the claim nor the log can tell.
    fn claim(&self, key: &KeyText) -> Result<Option<Envelope>, StoreError>;

    /// Returns the place that a key holds, or nothing if the key was never recorded.
    ///
    /// # Durability
    /// The entry survives power loss once this has answered.
    ///
    /// # Errors
    /// The same as [`claim`](Self::claim), and [`StoreError::Unknown`] if the entry is there but
    /// could not be made durable.
    fn find(&self, key: &KeyText) -> Result<Option<Committed>, StoreError>;

    /// Opens a cohort under its document, which says what the cohort is.
    ///
    /// # Durability
    /// On `Ok` the cohort and its document survive power loss.
    ///
    /// # Errors
    /// [`StoreError::OtherCohort`] if the cohort exists under other bytes;
    /// [`StoreError::NotRecorded`] if it could not be made or made durable.
    fn open_cohort(&self, cohort: &CohortName, document: &[u8])
    -> Result<OpenedCohort, StoreError>;

    /// Returns the document of a cohort, or nothing if it was never opened.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if it cannot be read.
    fn cohort_document(&self, cohort: &CohortName) -> Result<Option<Vec<u8>>, StoreError>;

    /// Puts the document of a cohort in its place again, where it is lost or says something else,
    /// which is kept apart: for whoever can prove what it was.
    ///
    /// # Durability
    /// On `Ok` the document survives power loss.
    ///
    /// # Errors
    /// [`StoreError::Unwritten`] if it could not be put there or made durable;
    /// [`StoreError::Damaged`] if what stands there is no file.
    fn restore_cohort(&self, cohort: &CohortName, document: &[u8]) -> Result<(), StoreError>;

    /// Returns the cohorts whose name starts with `prefix`.
    ///
    /// Without `at_most` all of them, sorted; with it no more than that many, from a bounded look
    /// at the store, in an order that means nothing.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if the cohorts cannot be listed.
    fn cohorts(&self, prefix: &str, at_most: Option<usize>) -> Result<Vec<CohortName>, StoreError>;

    /// Keeps bytes under their digest. Damaged ones that stand there give them their place, and are
    /// put aside.
    ///
    /// # Durability
    /// On `Ok` the object survives power loss, whoever brought it first.
    ///
    /// # Errors
    /// [`StoreError::NotRecorded`] if it could not be kept, [`StoreError::Damaged`] if what stands
    /// under its digest is no file.
    fn put_object(&self, bytes: &[u8], standing: Standing) -> Result<Hash256, StoreError>;

    /// Looks again at an object that an entry names which has its place by now: until then nobody
    /// named it, and a collection may have taken it away. One that is in the trash goes back, one
    /// that is gone is put again if the caller has its bytes. Returns whether it is there.
    ///
    /// # Durability
    /// On `Ok(true)` the object survives power loss.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if it could not be looked at or made durable;
    /// [`StoreError::Damaged`] if what stands under its digest is no file.
    fn hold_object(&self, digest: &Hash256, bytes: Option<&[u8]>) -> Result<bool, StoreError>;

    /// Returns the bytes under a digest, also if they are on their way out.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if they cannot be read.
    fn object(&self, digest: &Hash256) -> Result<Slot<Vec<u8>>, StoreError>;

    /// Keeps the text of a profile under its digest.
    ///
    /// # Durability
    /// The same as [`put_object`](Self::put_object).
    ///
    /// # Errors
    /// The same as [`put_object`](Self::put_object).
    fn put_profile(&self, text: &[u8], standing: Standing) -> Result<Hash256, StoreError>;

    /// Returns the text of a profile.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if it cannot be read.
    fn profile(&self, digest: &Hash256) -> Result<Slot<Vec<u8>>, StoreError>;

    /// Returns the digests of all profiles, sorted.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if they cannot be listed.
    fn profiles(&self) -> Result<Vec<Hash256>, StoreError>;

    /// Returns the files beside the logs, none of which is truth.
    fn shelf(&self) -> &dyn Shelf;

    /// Returns the store's secret, which is made by [`make_secret`](Self::make_secret) alone.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if it cannot be read. Damage is a value.
    fn secret(&self) -> Result<Slot<Secret>, StoreError>;

    /// Returns the store's secret, and makes it if the store never had one.
    ///
    /// # Durability
    /// On `Ok` the secret survives power loss.
    ///
    /// # Errors
    /// [`StoreError::SecretLost`] if the store had a secret and it is gone, [`StoreError::Damaged`]
    /// if it is another; [`StoreError::NotRecorded`] if it could not be made.
    fn make_secret(&self) -> Result<Secret, StoreError>;

    /// Reads everything, recomputes every checksum and digest, and reports what does not hold.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if the store cannot be listed. Damage is reported, not returned.
    fn audit(&self, report: &mut dyn FnMut(Finding)) -> Result<Audited, StoreError>;

    /// Removes what writers that died left behind, once it is a day older than a file made just
    /// now.
    ///
    /// # Errors
    /// [`StoreError::Unwritten`] if no file can be made. What cannot be removed is counted.
    fn sweep(&self, _how: Sweep) -> Result<Swept, StoreError> {
        Ok(Swept::default())
    }

    /// Tells the payload of every claim whose entry is in no log, with its path: of a writer that
    /// died or is at work, or of an entry that is lost. For who draws a conclusion from what no
    /// entry says.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first sign that the logs do not hold all that was recorded;
    /// [`StoreError::Unreadable`] and [`StoreError::Newer`] if they, or a claim, cannot be read.
    fn unrecorded(&self, _tell: &mut dyn FnMut(&str, &[u8])) -> Result<(), StoreError> {
        Ok(())
    }

    /// Takes objects that nobody names and that are a day old to the trash, and those that were
    /// there for a day out of the store; what is in the trash and named goes back.
    ///
    /// `who_names` is asked before anything goes, and once more after it went: what is named then
    /// goes back as well.
    ///
    /// # Errors
    /// [`StoreError::Unwritten`] if no file can be made, or the trash not be made durable. What
    /// cannot be moved or removed is counted.
    fn discard(&self, _how: Sweep, _who_names: &mut WhoNames<'_>) -> Result<Discarded, StoreError> {
        Ok(Discarded::default())
    }

    /// Returns the objects in the trash, sorted.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if the trash cannot be listed.
    fn trashed(&self) -> Result<Vec<Trashed>, StoreError> {
        Ok(Vec::new())
    }

    /// Gives damaged places their entries back where a twin of them is known to be true, and makes
    /// again what the store itself derives from its logs.
    ///
    /// What cannot be mended stays as it is, for [`audit`](Self::audit) to name.
    ///
    /// # Durability
    /// On `Ok` what was restored survives power loss, and so do the damaged bytes that stood there.
    ///
    /// # Errors
    /// [`StoreError::Unwritten`] if the store cannot be written.
    fn mend(&self) -> Result<Mended, StoreError> {
        Ok(Mended::default())
    }

    /// Returns how the store is in another place than it was made in, or last
    /// [settled](Self::settle_here), where that is known: it was moved, or is a copy.
    fn moved(&self) -> Option<Moved> {
        None
    }

    /// Leaves word that the store belongs where it is now. Nothing depends on it.
    fn settle_here(&self) {}

    /// Tells of everything the store keeps what it weighs, one after the other.
    ///
    /// What cannot be looked at is told as well and costs itself alone.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if the store as a whole cannot be looked at.
    fn weigh(&self, report: &mut dyn FnMut(Weighed<'_>)) -> Result<(), StoreError>;
}

/// The numbers by which a system tells a directory from every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whereabouts {
    /// Of the device; another one may come with the next mount.
    pub device: u64,
    /// Of the directory on it.
    pub inode: u64,
}

/// A store in another place than it was made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Where it was made.
    pub made: Whereabouts,
    /// Where it is.
    pub here: Whereabouts,
}

/// Whether leftovers are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// They are only looked for.
    Look,
    /// They are removed.
    Remove,
}

/// What sweeping a store found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Swept {
    /// Leftovers that were removed, or would be, by path and sorted.
    pub leftovers: Vec<String>,
    /// Temporary files that are too young to be called left over.
    pub young: u64,
    /// Places that could not be looked at, and leftovers that could not be removed.
    pub left: u64,
}

/// What a caller hands to [`Store::append`].
#[derive(Debug, Clone)]
pub struct NewEntry<'a> {
    /// The digest of what the caller calls its content: two entries of one key are the same
    /// recording if and only if this is equal.
    pub content: Hash256,
    /// The canonical bytes to keep.
    pub payload: &'a [u8],
    /// What to show of the entry without parsing its payload; at most 2 KiB of JSON.
    pub summary: Arc<Value>,
    /// The writer's clock, for listing and talk. It orders nothing.
    pub recorded_at: String,
}

/// One of many entries handed to [`Store::append_all`].
#[derive(Debug, Clone)]
pub struct BatchItem {
    /// The log it is for.
    pub log: Log,
    /// Its key, in a log of snapshots.
    pub key: Option<KeyText>,
    /// The digest of what the caller calls its content.
    pub content: Hash256,
    /// The canonical bytes to keep.
    pub payload: Vec<u8>,
    /// What to show of the entry without parsing its payload; at most 2 KiB of JSON.
    pub summary: Arc<Value>,
    /// The writer's clock, for listing and talk. It orders nothing.
    pub recorded_at: String,
}

/// Appends the entries of a batch by themselves, one after the other.
pub(crate) fn one_by_one<S: Store + ?Sized>(
    store: &S,
    items: &[BatchItem],
    instead: &mut Instead<'_>,
) -> Vec<Result<Appended, StoreError>> {
    let append = |item: &BatchItem| {
        let entry = NewEntry {
            content: item.content,
            payload: &item.payload,
            summary: Arc::clone(&item.summary),
            recorded_at: item.recorded_at.clone(),
        };
        store.append(&item.log, item.key.as_ref(), &entry)
    };
    let one = |(position, item)| {
        let mut appended = append(item);
        while let Ok(Appended::Taken { claim, recorded }) = &appended
            && let Some(other) = instead(position, claim, recorded.as_ref())
        {
            appended = append(&other);
        }
        appended
    };
    items.iter().enumerate().map(one).collect()
}

/// What is done with an entry that has its place, while that is made durable.
pub type Meanwhile<'a> = dyn FnMut(Seq, &Envelope) + Send + 'a;

/// Says what to append instead of an entry whose key is held by other content: asked with the
/// position of the entry, who claimed the key, and where that is recorded.
pub type Instead<'a> = dyn FnMut(usize, &Envelope, Option<&Committed>) -> Option<BatchItem> + 'a;

/// What became of an append.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an entry that was not taken has to be told"]
pub enum Appended {
    /// The entry is recorded, by this call.
    New(Committed),
    /// The same content was recorded under this key before, or by another writer just now.
    Already(Committed),
    /// Other content holds the key.
    Taken {
        /// Who claimed it.
        claim: Box<Envelope>,
        /// Where it is recorded; nothing if its writer died between claim and slot.
        recorded: Option<Committed>,
    },
}

/// An entry that has its place for good.
#[derive(Debug, Clone, PartialEq)]
pub struct Committed {
    /// The place.
    pub seq: Seq,
    /// The envelope at that place.
    pub envelope: Box<Envelope>,
}

impl Committed {
    /// Returns the place with the digest of its payload.
    pub(crate) fn seen(&self) -> Seen {
        Seen {
            seq: self.seq,
            sha256: self.envelope.sha256,
        }
    }
}

/// What stands at a place or under a name.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Slot<T> {
    /// Something whole.
    Whole(T),
    /// Nothing, and nothing ever did.
    Absent,
    /// Something that cannot be believed. The place is taken all the same.
    Damaged(Damage),
}

impl<T> Slot<T> {
    /// Returns what is whole, or nothing.
    pub fn whole(self) -> Option<T> {
        match self {
            Self::Whole(value) => Some(value),
            Self::Absent | Self::Damaged(_) => None,
        }
    }

    /// Applies `change` to what is whole.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Slot<U> {
        match self {
            Self::Whole(value) => Slot::Whole(change(value)),
            Self::Absent => Slot::Absent,
            Self::Damaged(damage) => Slot::Damaged(damage),
        }
    }
}

/// An entry as it is read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its place.
    pub seq: Seq,
    /// What its writer said about it.
    pub envelope: Envelope,
    /// The canonical bytes, uncompressed.
    pub payload: Vec<u8>,
}

/// Whether a cohort was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenedCohort {
    /// This call made it.
    New,
    /// It was there, under the same document.
    Existing,
}

/// What a caller knows about bytes it asks the store to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: found or not, they are flushed to the disk.
    Unproven,
    /// A committed entry names them, so they were durable before it: finding them whole is enough.
    NamedByCommitted,
}
