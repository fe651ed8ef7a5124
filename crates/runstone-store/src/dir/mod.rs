//! The engine on a directory: one immutable file per entry, published by `link`.
//!
//! ```text
//! open     finds or makes the store          fs, os    one name in one open directory
//! slots    answers the loop in `append`      tree      paths, flushes, temporary files
//! publish  gives entries their places        layout    names and mode bits
//! head     finds the end of a log            hint      where the end was seen last
//! read     checks what stands at a place     probe     may this file system hold a store?
//! keep     documents, profiles, objects      faults    a file system that fails on request
//! audit    reads everything              shelf     files that are replaced and removed
//! seal     puts entries into segments    segments  reads them
//! mend     gives damaged places           sweep     removes what dead writers left
//!          their entries back     reissue  gives entries their claims back
//! simulation   a disk that forgets what was not flushed, for tests
//! fans     directories held meanwhile      draft     files that wait for their names
//! weigh    counts bytes                    race      who of many gets a name
//! trash    objects that nobody names, on their way out
//! examine  asks the file system everything a store relies on
//! origin   where the store was made           traces   what claims tell of a lost log
//! whole    folders put in their place at once
//! ```
//!
//! The invariant guarded here: a file has its final name only when it is whole and flushed, and its
//! directory is flushed before anyone is told. How entries and keys hang together is left to the
//! loop in `append`.

mod audit;
mod draft;
pub mod examine;
mod fans;
#[cfg(any(test, feature = "faults"))]
pub mod faults;
mod fresh;
mod fs;
mod head;
mod hint;
mod keep;
mod layout;
mod mend;
mod open;
mod origin;
mod os;
mod probe;
mod publish;
mod race;
mod read;
mod reissue;
mod seal;
mod secret;
mod segments;
mod shelf;
#[cfg(test)]
mod simulation;
mod slots;
mod sweep;
mod traces;
mod trash;
mod tree;
mod weigh;
mod whole;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use self::draft::Nameless;
use self::fresh::Fresh;
pub use self::fs::{FileSystem, Kind};
use self::head::Heads;
pub use self::hint::{decode_hint, encode_hint};
pub use self::open::{InitOptions, Initialised};
pub use self::os::{OsDir, OsFile, OsFileSystem};
use self::seal::{LeftToSeal, SealedSoFar};
use self::segments::{Opened, Unsealed};
use self::tree::Tree;
use self::whole::Refused;
use crate::append;
use crate::damage::{Audited, Damage, Finding, Mended};
use crate::descriptor::Descriptor;
use crate::discard::{Discarded, Trashed, WhoNames};
use crate::entropy::Entropy;
use crate::envelope::Envelope;
use crate::error::{Doubt, StoreError};
use crate::hash::Hash256;
use crate::key::{KeyText, Nonce};
use crate::log::{CohortName, Log, Seq};
#[cfg(test)]
use crate::mutants::{self, Mutant};
use crate::secret::Secret;
use crate::shelf::Shelf;
use crate::store::{
    Appended, BatchItem, Committed, Entry, Instead, Meanwhile, Moved, NewEntry, OpenedCohort, Slot,
    Standing, Store, Sweep, Swept, one_by_one,
};
use crate::weight::Weighed;

/// A store in a directory.
///
/// One handle serves any number of threads. After a failed flush it records nothing more, because
/// the system reports a lost page once and a second flush would succeed without it; open the store
/// again, best in a new process.
#[derive(Debug)]
pub struct DirStore<F: FileSystem = OsFileSystem> {
    tree: Tree<F>,
    descriptor: Descriptor,
    epoch: AtomicU64,
    entropy: Box<dyn Entropy>,
    heads: Heads,
    sealed_so_far: SealedSoFar,
    left_to_seal: LeftToSeal,
    fresh: Fresh,
    nameless: Nameless,
    whole_refused: Refused,
    opened: Opened,
    unsealed: Unsealed,
    shard_slots: u64,
    is_laid_out: AtomicBool,
}

impl DirStore {
    /// Opens the store at `path`.
    ///
    /// Nothing is written: a store on a read-only medium opens and reads.
    ///
    /// # Errors
    /// [`StoreError::NotAStore`] with what stands there instead, [`StoreError::Newer`] if a later
    /// version made it.
    pub fn open(path: &Path, entropy: impl Entropy + 'static) -> Result<Self, StoreError> {
        Self::open_on(OsFileSystem, path, entropy)
    }

    /// Makes a store at `path`, or finds the one that is there.
    ///
    /// Any number of processes may do this at once on one place: one makes it, the others find it.
    ///
    /// # Durability
    /// On `Ok` the store survives power loss.
    ///
    /// # Errors
    /// [`StoreError::OtherOptions`] if the store that is there was made with others,
    /// [`StoreError::Unfit`] if two writers could win a place on this file system,
    /// [`StoreError::NotAStore`] if the directory belongs to something else.
    pub fn init(
        path: &Path,
        options: &InitOptions,
        entropy: impl Entropy + 'static,
    ) -> Result<Initialised<Self>, StoreError> {
        Self::init_on(OsFileSystem, path, options, entropy)
    }
}

impl<F: FileSystem> DirStore<F> {
    fn nonce(&self) -> Nonce {
        Nonce::from_bytes(self.entropy.nonce())
    }

    fn append_and(
        &self,
        log: &Log,
        key: Option<&KeyText>,
        entry: &NewEntry<'_>,
        meanwhile: Option<&mut Meanwhile<'_>>,
    ) -> Result<Appended, StoreError> {
        if self.tree.is_poisoned() {
            let path = log.to_string();
            return Err(StoreError::Unknown {
                path,
                doubt: Doubt::Poisoned,
                source: None,
            });
        }
        self.demand_layout()
            .map_err(StoreError::before_publishing)?;
        // The directory of the claim is needed when it is looked for, made and given its place.
        let _needed = key.map(|_| self.tree.fans.need());
        append::append(self, log, key, entry, meanwhile)
    }
}

impl<F: FileSystem> Store for DirStore<F> {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn enter_epoch(&self, epoch: u64) {
        self.epoch.store(epoch, Ordering::Relaxed);
    }

    fn append(
        &self,
        log: &Log,
        key: Option<&KeyText>,
        entry: &NewEntry<'_>,
    ) -> Result<Appended, StoreError> {
        self.append_and(log, key, entry, None)
    }

    fn append_meanwhile(
        &self,
        log: &Log,
        key: Option<&KeyText>,
        entry: &NewEntry<'_>,
        meanwhile: &mut Meanwhile<'_>,
    ) -> Result<Appended, StoreError> {
        self.append_and(log, key, entry, Some(meanwhile))
    }

    fn append_all(
        &self,
        items: &[BatchItem],
        instead: &mut Instead<'_>,
    ) -> Vec<Result<Appended, StoreError>> {
        if self.tree.is_poisoned() || self.demand_layout().is_err() {
            // Each of them is told the reason.
            return one_by_one(self, items, instead);
        }
        let _needed = self.tree.fans.need();
        append::append_all(self, items, instead)
    }

    fn seal_pending(&self) {
        self.seal_left();
    }

    fn head(&self, log: &Log) -> Result<Option<Seq>, StoreError> {
        self.highest(log).map_err(Damage::or_failure)
    }

    fn read(&self, log: &Log, seq: Seq) -> Result<Slot<Entry>, StoreError> {
        Damage::as_slot(self.read_slot(log, seq), log, seq)
    }

    fn peek(&self, log: &Log, seq: Seq) -> Result<Slot<Envelope>, StoreError> {
        Damage::as_slot(self.peek_slot(log, seq), log, seq)
    }

    fn read_copy(&self, log: &Log, seq: Seq) -> Result<Slot<Entry>, StoreError> {
        match self.copy_of_entry(log, seq) {
            Some(entry) => Ok(Slot::Whole(entry)),
            None => self.read(log, seq),
        }
    }

    fn peek_copy(&self, log: &Log, seq: Seq) -> Result<Slot<Envelope>, StoreError> {
        match self.copy_of_envelope(log, seq) {
            Some(envelope) => Ok(Slot::Whole(envelope)),
            None => self.peek(log, seq),
        }
    }

    fn make_durable(&self, log: &Log, seq: Seq) -> Result<Slot<()>, StoreError> {
        append::make_durable(self, log, seq)
    }

    fn claim(&self, key: &KeyText) -> Result<Option<Envelope>, StoreError> {
        append::claimant(self, key)
    }

    fn find(&self, key: &KeyText) -> Result<Option<Committed>, StoreError> {
        append::find(self, key)
    }

    fn open_cohort(
        &self,
        cohort: &CohortName,
        document: &[u8],
    ) -> Result<OpenedCohort, StoreError> {
        self.demand_layout()
            .and_then(|()| self.keep_cohort(cohort, document))
            .map_err(StoreError::before_publishing)
    }

    fn restore_cohort(&self, cohort: &CohortName, document: &[u8]) -> Result<(), StoreError> {
        self.demand_layout()
            .and_then(|()| self.put_cohort_back(cohort, document))
            .map_err(StoreError::beside_the_logs)
    }

    fn cohort_document(&self, cohort: &CohortName) -> Result<Option<Vec<u8>>, StoreError> {
        self.kept_cohort(cohort)
    }

    fn cohorts(&self, prefix: &str, at_most: Option<usize>) -> Result<Vec<CohortName>, StoreError> {
        self.list_cohorts(prefix, at_most)
    }

    fn put_object(&self, bytes: &[u8], standing: Standing) -> Result<Hash256, StoreError> {
        self.demand_layout()
            .and_then(|()| self.keep_object(bytes, standing))
            .map_err(StoreError::before_publishing)
    }

    fn object(&self, digest: &Hash256) -> Result<Slot<Vec<u8>>, StoreError> {
        self.kept_object(*digest)
    }

    fn hold_object(&self, digest: &Hash256, bytes: Option<&[u8]>) -> Result<bool, StoreError> {
        #[cfg(test)]
        if mutants::is(Mutant::ObjectNotLookedAtAgain) {
            return Ok(true);
        }
        let held = match (self.hold(*digest), bytes) {
            (Ok(true), _) => Ok(true),
            (_absent_or_refused, Some(bytes)) => {
                self.keep_object(bytes, Standing::Unproven).map(|_| true)
            }
            (held, None) => held,
        };
        held.map_err(|error| error.in_doubt(Doubt::Flush))
    }

    fn unrecorded(&self, tell: &mut dyn FnMut(&str, &[u8])) -> Result<(), StoreError> {
        self.tell_unrecorded(tell)
    }

    fn discard(&self, how: Sweep, who_names: &mut WhoNames<'_>) -> Result<Discarded, StoreError> {
        self.discard_all(how, who_names)
            .map_err(StoreError::beside_the_logs)
    }

    fn trashed(&self) -> Result<Vec<Trashed>, StoreError> {
        self.all_trashed()
    }

    fn put_profile(&self, text: &[u8], standing: Standing) -> Result<Hash256, StoreError> {
        self.demand_layout()
            .and_then(|()| self.keep_profile(text, standing))
            .map_err(StoreError::before_publishing)
    }

    fn profile(&self, digest: &Hash256) -> Result<Slot<Vec<u8>>, StoreError> {
        self.kept_profile(*digest)
    }

    fn profiles(&self) -> Result<Vec<Hash256>, StoreError> {
        self.list_profiles()
    }

    fn shelf(&self) -> &dyn Shelf {
        self
    }

    fn secret(&self) -> Result<Slot<Secret>, StoreError> {
        self.kept_secret()
    }

    fn make_secret(&self) -> Result<Secret, StoreError> {
        self.demand_layout()
            .and_then(|()| self.made_secret())
            .map_err(StoreError::before_publishing)
    }

    fn sweep(&self, how: Sweep) -> Result<Swept, StoreError> {
        self.sweep_all(how).map_err(StoreError::beside_the_logs)
    }

    fn moved(&self) -> Option<Moved> {
        self.moved_since()
    }

    fn settle_here(&self) {
        self.leave_origin();
    }

    fn mend(&self) -> Result<Mended, StoreError> {
        self.mend_all().map_err(StoreError::beside_the_logs)
    }

    fn audit(&self, report: &mut dyn FnMut(Finding)) -> Result<Audited, StoreError> {
        self.audit_all(report)
    }

    fn weigh(&self, report: &mut dyn FnMut(Weighed<'_>)) -> Result<(), StoreError> {
        self.weigh_all(report)
    }
}

#[cfg(test)]
mod tests;
