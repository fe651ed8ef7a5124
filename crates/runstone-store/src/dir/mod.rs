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
//! fans     directories held for a batch    draft     files that wait for their names
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
mod tests {
    use std::sync::Mutex;

    use serde_json::Map;
    use tempfile::TempDir;

    use super::faults::FaultyFileSystem;
    use super::*;
    use crate::contract;
    use crate::descriptor::Modes;
    use crate::entropy::SystemEntropy;

    fn options() -> InitOptions {
        let created = "2026-11-20T10:15:00Z".to_owned();
        InitOptions {
            created,
            modes: Modes::Private,
            settings: Map::new(),
        }
    }

    fn note() -> NewEntry<'static> {
        NewEntry {
            content: Hash256::of(b"note"),
            payload: b"note",
            summary: serde_json::Value::Null,
            recorded_at: String::new(),
        }
    }

    /// Runs the contract on stores made by `make` in fresh directories.
    fn keeps_the_contract(make: impl Fn(&Path) -> Box<dyn Store>) {
        let roots = Mutex::new(Vec::new());
        contract::all(&|| {
            let root = TempDir::new().unwrap();
            let store = make(&root.path().join("store"));
            roots.lock().unwrap().push(root);
            store
        });
    }

    #[test]
    fn directory_keeps_the_contract() {
        keeps_the_contract(|path| {
            Box::new(
                DirStore::init(path, &options(), SystemEntropy)
                    .unwrap()
                    .into_store(),
            )
        });
    }

    #[test]
    fn directory_keeps_the_contract_across_small_shards() {
        keeps_the_contract(|path| {
            let store = DirStore::init(path, &options(), SystemEntropy)
                .unwrap()
                .into_store();
            Box::new(store.with_shard_slots(4))
        });
    }

    #[test]
    fn directory_keeps_the_contract_on_every_kind_of_file_system() {
        for kind in [Kind::CopyOnWrite, Kind::Network, Kind::Other] {
            keeps_the_contract(|path| {
                let fs = FaultyFileSystem::new(OsFileSystem).posing_as(kind);
                Box::new(
                    DirStore::init_on(fs, path, &options(), SystemEntropy)
                        .unwrap()
                        .into_store(),
                )
            });
        }
    }

    #[test]
    fn shard_is_begun_only_after_the_one_before_it_is_flushed() {
        let root = TempDir::new().unwrap();
        let fs = FaultyFileSystem::new(OsFileSystem).posing_as(Kind::Journal);
        let path = root.path().join("store");
        let store = DirStore::init_on(fs.clone(), &path, &options(), SystemEntropy).unwrap();
        let store = store.into_store().with_shard_slots(4);
        let flushes: Vec<usize> = (1..=9)
            .map(|place| {
                fs.take_calls();
                let appended = store.append(&Log::StoreNotes, None, &note()).unwrap();
                assert!(matches!(appended, Appended::New(it) if it.seq.get() == place));
                fs.calls_of("sync_dir")
            })
            .collect();
        // The first of a shard flushes root and log, then the shard before, then its own.
        assert_eq!(flushes, [3, 1, 1, 1, 4, 1, 1, 1, 4]);
        assert_eq!(store.head(&Log::StoreNotes).unwrap(), Seq::new(9));
    }

    #[test]
    fn places_of_a_batch_are_taken_beside_the_writing_where_flushing_a_file_covers_its_claim() {
        let cohort: CohortName = "train.c.0123456789abcdef".parse().unwrap();
        let item = |run: &str| BatchItem {
            log: Log::Cohort(cohort.clone()),
            key: Some(KeyText {
                run: run.to_owned(),
                stage: "train".to_owned(),
                cohort: cohort.clone(),
                attempt: 0,
            }),
            content: Hash256::of(b"content"),
            payload: b"payload".to_vec(),
            summary: serde_json::Value::Null,
            recorded_at: String::new(),
        };
        for (kind, ahead, places_before_the_last_file) in [
            (Kind::Journal, 1, 2),
            (Kind::Journal, 2, 1),
            (Kind::Journal, 3, 0),
            (Kind::CopyOnWrite, 1, 0),
        ] {
            let root = TempDir::new().unwrap();
            let fs = FaultyFileSystem::new(OsFileSystem).posing_as(kind);
            let path = root.path().join("store");
            let made = DirStore::init_on(fs.clone(), &path, &options(), SystemEntropy).unwrap();
            let store = made.into_store();
            store.open_cohort(&cohort, b"{}").unwrap();
            let items = ["a", "b", "c"].map(item);
            fs.take_calls();
            let hands = append::Hands::Own { ahead };
            let appended = append::append_by(hands, &store, &items, &mut |_, _, _| None);
            assert!(appended.iter().all(|it| matches!(it, Ok(Appended::New(_)))));
            let calls = fs.take_calls();
            let last_file = calls.iter().rposition(|it| *it == "sync_file").unwrap();
            // On a journal a claim is named from the open handle, and places alone are linked.
            let links = calls[..last_file].iter().filter(|it| **it == "link");
            let claims = if kind == Kind::Journal { 0 } else { 2 };
            assert_eq!(
                links.count() - claims,
                places_before_the_last_file,
                "{kind:?} {ahead}: {calls:?}"
            );
        }
    }

    #[test]
    fn head_is_above_a_gap_that_a_power_cut_left() {
        for kind in [Kind::CopyOnWrite, Kind::Other] {
            let root = TempDir::new().unwrap();
            let fs = FaultyFileSystem::new(OsFileSystem).posing_as(kind);
            let path = root.path().join("store");
            let made = DirStore::init_on(fs.clone(), &path, &options(), SystemEntropy).unwrap();
            let store = made.into_store();
            for _ in 0..5 {
                let appended = store.append(&Log::StoreNotes, None, &note()).unwrap();
                assert!(matches!(appended, Appended::New(_)), "{appended:?}");
            }
            for lost in [1, 2, 4] {
                let slot = format!("notes/0000000000/{lost:020}");
                std::fs::remove_file(path.join(slot)).unwrap();
            }
            let again = DirStore::open_on(fs, &path, SystemEntropy).unwrap();
            assert_eq!(
                again.head(&Log::StoreNotes).unwrap(),
                Seq::new(5),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn head_of_another_writer_is_flushed_before_an_entry_names_it() {
        for (kind, more) in [(Kind::Journal, 0), (Kind::CopyOnWrite, 1)] {
            let root = TempDir::new().unwrap();
            let fs = FaultyFileSystem::new(OsFileSystem).posing_as(kind);
            let path = root.path().join("store");
            let made = DirStore::init_on(fs.clone(), &path, &options(), SystemEntropy).unwrap();
            let append = |store: &DirStore<_>| {
                let appended = store.append(&Log::StoreNotes, None, &note()).unwrap();
                assert!(matches!(appended, Appended::New(_)), "{appended:?}");
            };
            let store = made.into_store();
            append(&store);
            let flushes = |store: &DirStore<_>| {
                fs.take_calls();
                append(store);
                fs.calls_of("sync_dir")
            };
            let own = flushes(&store);
            let other = DirStore::open_on(fs.clone(), &path, SystemEntropy).unwrap();
            assert_eq!(flushes(&other), own + more, "{kind:?}");
            // What it flushed itself is known to last.
            assert_eq!(flushes(&other), own, "{kind:?}");
            assert_eq!(flushes(&store), own + more, "{kind:?}");
        }
    }

    #[test]
    fn handle_whose_flush_failed_records_nothing_more() {
        let root = TempDir::new().unwrap();
        let fs = FaultyFileSystem::new(OsFileSystem);
        let path = root.path().join("store");
        let store = DirStore::init_on(fs.clone(), &path, &options(), SystemEntropy).unwrap();
        let store = store.into_store();
        let (call, moment) = (Some("sync_file"), faults::Moment::Before);
        fs.fail(faults::Fault {
            call,
            after_calls: 0,
            errno: 5,
            moment,
        });
        let told = store.append(&Log::StoreNotes, None, &note()).unwrap_err();
        assert!(matches!(told, StoreError::NotRecorded { .. }), "{told:?}");
        assert_eq!(fs.heal(), Some("sync_file"));
        let told = store.append(&Log::StoreNotes, None, &note()).unwrap_err();
        assert!(
            matches!(
                told,
                StoreError::Unknown {
                    doubt: Doubt::Poisoned,
                    ..
                }
            ),
            "{told:?}"
        );
        assert_eq!(store.head(&Log::StoreNotes).unwrap(), None);
        let again = DirStore::open(&path, SystemEntropy).unwrap();
        let appended = again.append(&Log::StoreNotes, None, &note()).unwrap();
        assert!(matches!(appended, Appended::New(_)), "{appended:?}");
    }

    #[test]
    fn entry_whose_directory_could_not_be_flushed_is_not_acknowledged() {
        let root = TempDir::new().unwrap();
        let fs = FaultyFileSystem::new(OsFileSystem);
        let path = root.path().join("store");
        let store = DirStore::init_on(fs.clone(), &path, &options(), SystemEntropy).unwrap();
        let store = store.into_store();
        let first = store.append(&Log::StoreNotes, None, &note()).unwrap();
        assert!(matches!(first, Appended::New(_)), "{first:?}");
        let (call, moment) = (Some("sync_dir"), faults::Moment::Before);
        fs.fail(faults::Fault {
            call,
            after_calls: 0,
            errno: 5,
            moment,
        });
        let told = store.append(&Log::StoreNotes, None, &note()).unwrap_err();
        assert!(
            matches!(
                told,
                StoreError::Unknown {
                    doubt: Doubt::Flush,
                    ..
                }
            ),
            "{told:?}"
        );
        assert_eq!(store.head(&Log::StoreNotes).unwrap(), Seq::new(2));
    }
}
