//! What a commit costs does not depend on what was recorded before.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

mod support;

use runstone_store::dir::faults::FaultyFileSystem;
use runstone_store::dir::{Kind, OsFileSystem};
use runstone_store::{
    Appended, BatchItem, DirStore, Log, Seq, Slot, Standing, Store as _, SystemEntropy,
};
use support::{Place, item, key, log};

type Counting = FaultyFileSystem<OsFileSystem>;

fn append(store: &DirStore<Counting>, number: u64) {
    let run = format!("run-{number}");
    let payload = run.as_bytes();
    let appended = store
        .append(&log(), Some(&key(&run)), &support::entry(payload))
        .unwrap();
    assert!(matches!(appended, Appended::New(_)), "{appended:?}");
}

/// Returns the calls of a commit by an open handle, and by one that is opened for it.
fn cost_at(place: &Place, fs: &Counting, warm: &DirStore<Counting>, number: u64) -> (usize, usize) {
    fs.take_calls();
    append(warm, number);
    let by_open = fs.take_calls().len();
    append(
        &DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap(),
        number + 1,
    );
    (by_open, fs.take_calls().len())
}

#[test]
fn commit_after_thousands_makes_as_many_calls_as_after_ten() {
    let place = Place::new();
    let fs = FaultyFileSystem::new(OsFileSystem).without_flushes();
    let store = place.init_on(fs.clone());
    support::record(&store, &[]);
    for number in 0..10 {
        append(&store, number);
    }
    let (open_early, fresh_early) = cost_at(&place, &fs, &store, 10);
    // Past the border of a shard, where one commit costs more.
    for number in 12..5000 {
        append(&store, number);
    }
    let (open_late, fresh_late) = cost_at(&place, &fs, &store, 5000);
    assert!(
        open_late <= open_early,
        "{open_early} calls became {open_late}"
    );
    assert!(
        fresh_late <= fresh_early + 16,
        "{fresh_early} calls became {fresh_late}"
    );
}

/// Returns the calls that write, in their order.
fn writing(fs: &Counting) -> Vec<&'static str> {
    const WRITING: [&str; 8] = [
        "create_new",
        "create_unnamed",
        "write_all",
        "sync_file",
        "name_file",
        "link",
        "sync_dir",
        "unlink",
    ];
    fs.take_calls()
        .into_iter()
        .filter(|call| WRITING.contains(call))
        .collect()
}

/// Returns the calls that write when `commit` adds to a log with one entry.
fn writing_of(kind: Kind, commit: &dyn Fn(&DirStore<Counting>)) -> Vec<&'static str> {
    let place = Place::new();
    let fs = FaultyFileSystem::new(OsFileSystem)
        .posing_as(kind)
        .without_flushes();
    let store = place.init_on(fs.clone());
    support::record(&store, &["first"]);
    fs.take_calls();
    commit(&store);
    writing(&fs)
}

#[test]
fn commit_flushes_twice_and_names_nothing_before_its_flush() {
    let commit = |kind| writing_of(kind, &|store| append(store, 2));
    // One flush covers the data and the name of the claim, and there is no other name.
    let journal = [
        "create_unnamed",
        "write_all",
        "name_file",
        "sync_file",
        "link",
        "sync_dir",
    ];
    assert_eq!(commit(Kind::Journal), journal);
    // Here the data is flushed before the claim is named, and its directory after.
    let network = [
        "create_new",
        "write_all",
        "sync_file",
        "link",
        "sync_dir",
        "link",
        "sync_dir",
        "unlink",
    ];
    assert_eq!(commit(Kind::Network), network);
    assert_eq!(commit(Kind::CopyOnWrite), network);
}

#[test]
fn where_files_cannot_be_without_a_name_they_have_a_temporary_one() {
    type Without = fn(Counting) -> Counting;
    let named = [
        "create_new",
        "write_all",
        "link",
        "sync_file",
        "link",
        "sync_dir",
        "unlink",
    ];
    let cases: [(Without, &[&str]); 2] = [
        (Counting::without_unnamed_files, &["create_unnamed"]),
        (
            Counting::without_naming_of_open_files,
            &["create_unnamed", "write_all", "name_file"],
        ),
    ];
    for (without, in_vain) in cases {
        let place = Place::new();
        let fs = without(FaultyFileSystem::new(OsFileSystem).posing_as(Kind::Journal));
        let store = place.init_on(fs.clone());
        support::record(&store, &[]);
        fs.take_calls();
        append(&store, 1);
        let calls = writing(&fs);
        assert!(calls.starts_with(in_vain), "{calls:?}");
        assert!(
            calls.ends_with(&["link", "sync_dir", "unlink"]),
            "{calls:?}"
        );
        // It is found out once: the second one does not try.
        append(&store, 2);
        assert_eq!(writing(&fs), named);
        let items: Vec<BatchItem> = (3..40)
            .map(|number| item(&format!("run-{number}")))
            .collect();
        for appended in store.append_all(&items, &mut |_, _, _| None) {
            assert!(matches!(appended, Ok(Appended::New(_))), "{appended:?}");
        }
        let calls = writing(&fs);
        assert!(!calls.contains(&"create_unnamed"), "{calls:?}");
        assert!(support::findings(&store).is_empty());
    }
}

#[test]
fn batch_flushes_each_file_and_on_a_journal_each_directory_once_and_names_places_after_claims() {
    let items: Vec<BatchItem> = (0..40)
        .map(|number| item(&format!("run-{number}")))
        .collect();
    let append_all = |store: &DirStore<Counting>| {
        for appended in store.append_all(&items, &mut |_, _, _| None) {
            assert!(matches!(appended, Ok(Appended::New(_))), "{appended:?}");
        }
    };
    let commit = |kind| writing_of(kind, &append_all);
    let count = |calls: &[&str], name| calls.iter().filter(|call| **call == name).count();
    let places = |calls: &[&'static str]| {
        let last_flush = calls.iter().rposition(|call| *call == "sync_file").unwrap();
        count(&calls[last_flush..], "link")
    };
    let journal = commit(Kind::Journal);
    assert_eq!(count(&journal, "sync_file"), 40);
    // The shard, after the last place is named. (The 32nd place leaves a hint, which is not
    // flushed.)
    assert_eq!(count(&journal, "sync_dir"), 1);
    assert_eq!(count(&journal, "link"), 40);
    assert_eq!(count(&journal, "name_file"), 40);
    // Beside the writing, but no more places than files that were flushed.
    for so_far in 0..journal.len() {
        let so_far = &journal[..so_far];
        assert!(count(so_far, "link") <= count(so_far, "sync_file"));
    }
    let flushed = journal.iter().position(|call| *call == "sync_dir").unwrap();
    assert_eq!(count(&journal[flushed..], "link"), 0);

    for kind in [Kind::Network, Kind::CopyOnWrite] {
        let calls = commit(kind);
        assert_eq!(count(&calls, "sync_file"), 40);
        assert_eq!(count(&calls, "link"), 80);
        // Every place after the last file is flushed; claims may be named there as well.
        assert!(places(&calls) >= 40, "{calls:?}");
        // The directories of the claims, of which some may be shared, and the shard for each place.
        assert!(count(&calls, "sync_dir") <= 80, "{calls:?}");
    }
}

#[test]
fn where_names_survive_in_no_order_nothing_builds_on_a_place_that_is_not_flushed() {
    for kind in [Kind::Network, Kind::CopyOnWrite, Kind::Other] {
        let place = Place::new();
        let fs = FaultyFileSystem::new(OsFileSystem)
            .posing_as(kind)
            .without_flushes();
        let store = place.init_on(fs.clone());
        support::record(&store, &["first", "second"]);
        // A writer that does not know whether the second place was flushed, and will name it.
        let other = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
        fs.take_calls();
        append(&other, 3);
        let calls = writing(&fs);
        assert_eq!(calls[..2], ["sync_dir", "create_new"], "{kind:?}");
        // One that flushed all there is by itself.
        append(&other, 4);
        assert_eq!(writing(&fs)[0], "create_new", "{kind:?}");
        // The places of a batch, none of which is told yet.
        let items: Vec<BatchItem> = (5..9)
            .map(|number| item(&format!("run-{number}")))
            .collect();
        for appended in other.append_all(&items, &mut |_, _, _| None) {
            assert!(matches!(appended, Ok(Appended::New(_))), "{appended:?}");
        }
        let calls = writing(&fs);
        let last_flush = calls.iter().rposition(|call| *call == "sync_file").unwrap();
        let places: Vec<&str> = calls[last_flush..]
            .iter()
            .copied()
            .skip_while(|call| *call != "link")
            .filter(|call| ["link", "sync_dir"].contains(call))
            .collect();
        assert_eq!(places[places.len() - 8..], ["link", "sync_dir"].repeat(4));
    }
}

/// Returns the calls of a batch of so many entries by a handle that has recorded before.
fn calls_of_batch(kind: Kind, entries: usize) -> Vec<&'static str> {
    let place = Place::new();
    let fs = FaultyFileSystem::new(OsFileSystem)
        .posing_as(kind)
        .without_flushes();
    let store = place.init_on(fs.clone());
    support::record(&store, &["first"]);
    let items: Vec<BatchItem> = (0..entries)
        .map(|number| item(&format!("run-{number}")))
        .collect();
    fs.take_calls();
    for appended in store.append_all(&items, &mut |_, _, _| None) {
        assert!(matches!(appended, Ok(Appended::New(_))), "{appended:?}");
    }
    fs.take_calls()
}

#[test]
fn entry_of_a_batch_costs_the_calls_that_write_it_and_one_look_for_its_claim() {
    // Fewer than a segment, so that none is sealed.
    const ENTRIES: usize = 250;
    for kind in [Kind::Journal, Kind::Network] {
        let calls = calls_of_batch(kind, ENTRIES);
        let count = |name: &str| calls.iter().filter(|call| **call == name).count();
        // Created, written, named twice and flushed; a temporary name has to be taken away. At most
        // one hint is left meanwhile.
        let writing = ["create_new", "create_unnamed", "write_all", "sync_file"];
        let naming = ["name_file", "link", "unlink"];
        let written: usize = writing.iter().chain(&naming).map(|name| count(name)).sum();
        let each = if kind == Kind::Journal { 5 } else { 6 };
        assert!(written <= each * ENTRIES + 10, "{kind:?}: {written}");
        let opened = count("open_read");
        assert!(opened <= ENTRIES + 10, "{kind:?}: {opened}");
        // What is above the free place is looked at once, and nobody is asked for an adoption.
        let (looks, lists) = (count("exists"), count("list"));
        assert!(looks <= 40, "{kind:?}: {looks}");
        assert!(lists <= 20, "{kind:?}: {lists}");
        // Directories of claims: opened once, not for each step.
        let directories = count("open_dir");
        assert!(directories <= ENTRIES + 20, "{kind:?}: {directories}");
    }
}

#[test]
fn batch_again_writes_nothing_and_flushes_once() {
    let place = Place::new();
    let fs = FaultyFileSystem::new(OsFileSystem).without_flushes();
    let store = place.init_on(fs.clone());
    support::record(&store, &[]);
    let items: Vec<BatchItem> = (0..40)
        .map(|number| item(&format!("run-{number}")))
        .collect();
    for appended in store.append_all(&items, &mut |_, _, _| None) {
        assert!(matches!(appended, Ok(Appended::New(_))), "{appended:?}");
    }
    // A handle that knows nothing from before.
    let again = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
    fs.take_calls();
    for appended in again.append_all(&items, &mut |_, _, _| None) {
        assert!(matches!(appended, Ok(Appended::Already(_))), "{appended:?}");
    }
    let opened = fs.calls_of("open_read");
    // The first of a shard brings the directories above it: root, `cohorts`, cohort, `log`.
    assert_eq!(writing(&fs), ["sync_dir"; 5]);
    // Each claim and each place is read, and not each place for each claim.
    assert!(opened < 5 * 40, "{opened}");
}

#[test]
fn recording_again_writes_nothing_and_flushes_what_it_found() {
    let place = Place::new();
    let fs = FaultyFileSystem::new(OsFileSystem).without_flushes();
    let store = place.init_on(fs.clone());
    support::record(&store, &["first", "second"]);
    fs.take_calls();
    let again = store.append(&log(), Some(&key("second")), &support::entry(b"second"));
    assert!(matches!(again, Ok(Appended::Already(_))), "{again:?}");
    assert_eq!(writing(&fs), ["sync_dir"]);
}

#[test]
fn note_is_flushed_before_it_is_named_and_told() {
    let place = Place::new();
    let fs = FaultyFileSystem::new(OsFileSystem).without_flushes();
    let store = place.init_on(fs.clone());
    let note = support::entry(b"note");
    for _ in 0..2 {
        fs.take_calls();
        let appended = store.append(&Log::StoreNotes, None, &note).unwrap();
        assert!(matches!(appended, Appended::New(_)), "{appended:?}");
    }
    let order = [
        "create_new",
        "write_all",
        "sync_file",
        "link",
        "sync_dir",
        "unlink",
    ];
    assert_eq!(writing(&fs), order);
}

#[test]
fn note_that_stands_is_made_durable_by_one_flush_and_nothing_written() {
    let place = Place::new();
    let fs = FaultyFileSystem::new(OsFileSystem).without_flushes();
    let store = place.init_on(fs.clone());
    let note = support::entry(b"note");
    for _ in 0..2 {
        let appended = store.append(&Log::StoreNotes, None, &note).unwrap();
        assert!(matches!(appended, Appended::New(_)), "{appended:?}");
    }
    fs.take_calls();
    let second = Seq::FIRST.next();
    let durable = store.make_durable(&Log::StoreNotes, second).unwrap();
    assert_eq!(durable, Slot::Whole(()));
    assert_eq!(writing(&fs), ["sync_dir"]);
    let absent = store.make_durable(&Log::StoreNotes, second.next());
    assert_eq!(absent.unwrap(), Slot::Absent);
    assert!(writing(&fs).is_empty());
}

#[test]
fn what_is_found_is_flushed_unless_a_committed_entry_names_it() {
    let place = Place::new();
    let fs = FaultyFileSystem::new(OsFileSystem).without_flushes();
    let store = place.init_on(fs.clone());
    let flushes = |put: &dyn Fn()| {
        fs.take_calls();
        put();
        (fs.calls_of("sync_file"), fs.calls_of("sync_dir") > 0)
    };
    let object = |standing| {
        store.put_object(b"object", standing).unwrap();
    };
    let profile = |standing| {
        store.put_profile(b"profile", standing).unwrap();
    };
    let cohort = || {
        store.open_cohort(&support::cohort(), b"{}").unwrap();
    };
    for _ in 0..2 {
        assert_eq!(flushes(&|| object(Standing::Unproven)), (1, true));
        assert_eq!(flushes(&|| profile(Standing::Unproven)), (1, true));
        assert_eq!(flushes(&cohort), (1, true));
    }
    append(&store, 1);
    assert_eq!(flushes(&|| object(Standing::NamedByCommitted)), (0, false));
    assert_eq!(flushes(&|| profile(Standing::NamedByCommitted)), (0, false));
    assert_eq!(flushes(&cohort), (0, false));
}
