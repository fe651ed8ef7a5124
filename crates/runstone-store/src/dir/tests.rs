//! The directory engine as a whole: the contract, and the order in which it makes its calls.

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
        summary: serde_json::Value::Null.into(),
        recorded_at: String::new(),
    }
}

/// Makes a store whose calls can be made to fail.
fn on_a_failing_disk(
    root: &TempDir,
) -> (
    FaultyFileSystem<OsFileSystem>,
    DirStore<FaultyFileSystem<OsFileSystem>>,
) {
    let fs = FaultyFileSystem::new(OsFileSystem);
    let path = root.path().join("store");
    let made = DirStore::init_on(fs.clone(), &path, &options(), SystemEntropy).unwrap();
    (fs, made.into_store())
}

/// A disk that breaks at this call, before it acts.
fn broken(call: &'static str) -> faults::Fault {
    faults::Fault {
        call: Some(call),
        after_calls: 0,
        errno: 5,
        moment: faults::Moment::Before,
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
    let item = |run| {
        let key = contract::key(run, &cohort, 0);
        contract::item(&Log::Cohort(cohort.clone()), Some(key), b"payload")
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
fn last_place_of_a_shard_that_another_host_took_is_found_once_the_next_shard_is_begun() {
    let cohort: CohortName = "train.c.0123456789abcdef".parse().unwrap();
    let log = Log::Cohort(cohort.clone());
    let record = |store: &DirStore<_>, run| {
        let key = contract::key(run, &cohort, 0);
        drop(store.append(&log, Some(&key), &note()).unwrap());
    };
    let root = TempDir::new().unwrap();
    let path = root.path().join("store");
    drop(DirStore::init_on(OsFileSystem, &path, &options(), SystemEntropy).unwrap());
    let host = || {
        let fs = FaultyFileSystem::new(OsFileSystem).posing_as(Kind::Network);
        let store = DirStore::open_on(fs.remembering_absence(), &path, SystemEntropy).unwrap();
        store.with_shard_slots(2)
    };
    let (here, there) = (host(), host());
    here.open_cohort(&cohort, b"{}").unwrap();
    record(&here, "a");
    // Looks above the first place, and remembers that nothing was there.
    assert_eq!(here.head(&log).unwrap(), Some(Seq::FIRST));
    for run in ["b", "c"] {
        record(&there, run);
    }
    let found = here.find(&contract::key("b", &cohort, 0)).unwrap();
    assert_eq!(found.unwrap().seq, Seq::FIRST.next());
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
    let (fs, store) = on_a_failing_disk(&root);
    fs.fail(broken("sync_file"));
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
    let again = DirStore::open(&root.path().join("store"), SystemEntropy).unwrap();
    let appended = again.append(&Log::StoreNotes, None, &note()).unwrap();
    assert!(matches!(appended, Appended::New(_)), "{appended:?}");
}

#[test]
fn entry_whose_directory_could_not_be_flushed_is_not_acknowledged() {
    let root = TempDir::new().unwrap();
    let (fs, store) = on_a_failing_disk(&root);
    let first = store.append(&Log::StoreNotes, None, &note()).unwrap();
    assert!(matches!(first, Appended::New(_)), "{first:?}");
    fs.fail(broken("sync_dir"));
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
