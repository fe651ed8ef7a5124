//! Segments are derived: whole they spare opening files, and otherwise they cost nothing but time.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use runstone_store::dir::faults::{Fault, FaultyFileSystem, Moment};
use runstone_store::dir::{Kind, OsFileSystem};
use runstone_store::{
    Appended, BatchItem, DirStore, Entry, Seq, Slot, Store, SystemEntropy, segment,
};
use support::{COHORT, Place, findings, garble, item, key, log, record, replace, slot};

type Counting = FaultyFileSystem<OsFileSystem>;

/// Returns the path of a segment.
fn sealed(place: &Place, first: u64, last: u64) -> PathBuf {
    let name = format!("{COHORT}/seg/{first:020}-{last:020}");
    place.path().join(name)
}

/// A store on a file system that counts, with so many entries recorded in batches.
fn store_of(entries: u64) -> (Place, Counting, DirStore<Counting>) {
    let place = Place::new();
    let fs = FaultyFileSystem::new(OsFileSystem).without_flushes();
    let store = place.init_on(fs.clone());
    record(&store, &[]);
    append(&store, 1..=entries);
    (place, fs, store)
}

fn run(number: u64) -> String {
    format!("run-{number}")
}

/// Records in batches as large as those of a stream, and seals after each as a stream does.
fn append(store: &dyn Store, numbers: std::ops::RangeInclusive<u64>) {
    let numbers: Vec<u64> = numbers.collect();
    for chunk in numbers.chunks(1024) {
        append_batch(store, chunk.iter().copied());
        store.seal_pending();
    }
}

/// Records in one batch, and leaves it to be sealed.
fn append_batch(store: &dyn Store, numbers: impl IntoIterator<Item = u64>) {
    let items: Vec<BatchItem> = numbers.into_iter().map(|it| item(&run(it))).collect();
    for appended in store.append_all(&items, &mut |_, _, _| None) {
        assert!(matches!(appended, Ok(Appended::New(_))), "{appended:?}");
    }
}

fn append_one(store: &dyn Store, number: u64) {
    let run = run(number);
    let entry = support::entry(run.as_bytes());
    let appended = store.append(&log(), Some(&key(&run)), &entry).unwrap();
    assert!(matches!(appended, Appended::New(_)), "{appended:?}");
}

fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

/// Returns the entries that a handle which knows nothing yet shows to whoever reads many.
fn copied(store: &dyn Store, places: std::ops::RangeInclusive<u64>) -> Vec<Slot<Entry>> {
    places
        .map(|place| store.read_copy(&log(), seq(place)).unwrap())
        .collect()
}

fn read(store: &dyn Store, places: std::ops::RangeInclusive<u64>) -> Vec<Slot<Entry>> {
    places
        .map(|place| store.read(&log(), seq(place)).unwrap())
        .collect()
}

#[test]
fn segment_is_sealed_by_one_writer_some_places_into_the_next() {
    let (place, fs, store) = store_of(287);
    assert!(!sealed(&place, 1, 256).exists());
    append_one(&store, 288);
    assert!(sealed(&place, 1, 256).exists());
    // Whoever comes after looks at nothing.
    let again = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
    for number in 289..=320 {
        append_one(&again, number);
    }
    fs.take_calls();
    for number in 321..=335 {
        append_one(&store, number);
    }
    // Both places leave a hint.
    fs.take_calls();
    append_one(&store, 336);
    let quiet = fs.take_calls().len();
    for number in 337..=367 {
        append_one(&store, number);
    }
    fs.take_calls();
    append_one(&store, 368);
    assert_eq!(fs.take_calls().len(), quiet);
}

#[test]
fn sealing_reads_each_slot_once_and_flushes_twice() {
    let (place, fs, _) = store_of(542);
    // The one who wrote them holds them still.
    let other = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
    append_one(&other, 543);
    fs.take_calls();
    append_one(&other, 544);
    assert!(sealed(&place, 257, 512).exists());
    // Of the commit itself: claim and slot, two flushes, and the hint.
    assert_eq!(fs.calls_of("name_file") + fs.calls_of("link"), 2 + 1);
    assert_eq!(fs.calls_of("sync_file") + fs.calls_of("sync_dir"), 2 + 2);
    // One in 256 commits pays this: one file and two and a half calls more for each.
    let opened = fs.calls_of("open_read");
    assert!((256..=256 + 8).contains(&opened), "{opened} files opened");
    let calls = fs.take_calls().len();
    assert!(calls < 256 * 5 / 2, "{calls} calls");
}

#[test]
fn sealing_what_a_batch_just_wrote_opens_none_of_its_slots() {
    let (place, fs, store) = store_of(200);
    append_batch(&store, 201..=600);
    fs.take_calls();
    store.seal_pending();
    assert!(sealed(&place, 257, 512).exists());
    let opened = fs.calls_of("open_read");
    assert!(opened <= 8, "{opened} files opened");
}

#[test]
fn sealing_on_a_network_file_system_reads_what_a_batch_just_wrote() {
    let place = Place::new();
    let fs = FaultyFileSystem::new(OsFileSystem)
        .without_flushes()
        .posing_as(Kind::Network);
    let store = place.init_on(fs.clone());
    record(&store, &[]);
    append_batch(&store, 1..=300);
    fs.take_calls();
    store.seal_pending();
    assert!(sealed(&place, 1, 256).exists());
    assert!(fs.calls_of("open_read") >= 256);
}

#[test]
fn log_that_was_put_back_under_its_writer_is_sealed_as_it_is_now() {
    let (place, _fs, store) = store_of(200);
    forget(&place, 101..=200);
    let mut numbers: Vec<u64> = (101..=300).collect();
    numbers.swap(9, 10);
    append_batch(&place.open(), numbers);
    append(&store, 301..=600);
    assert!(sealed(&place, 1, 256).exists());
    let found = findings(&place.open());
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn sealing_that_failed_costs_nobody_an_entry_and_is_made_up_for() {
    for call in ["create_new", "write_all", "sync_file", "link"] {
        let (place, fs, store) = store_of(287);
        // The calls of the commit come first.
        fs.take_calls();
        append_one(&store, 288);
        let calls = fs.take_calls();
        let of_commit = calls.iter().filter(|it| **it == call).count() - 1;
        fs::remove_file(sealed(&place, 1, 256)).unwrap();

        let (place, fs, store) = store_of(287);
        fs.fail(Fault {
            call: Some(call),
            after_calls: of_commit as u64,
            errno: 28,
            moment: Moment::Before,
        });
        append_one(&store, 288);
        assert_eq!(fs.heal(), Some(call));
        assert!(!sealed(&place, 1, 256).exists(), "{call}");
        let next = place.open();
        for number in 289..=543 {
            append_one(&next, number);
        }
        // Nobody looks in between, so that a crowd does not seal the same.
        assert!(!sealed(&place, 1, 256).exists(), "{call}");
        append_one(&next, 544);
        assert!(sealed(&place, 1, 256).exists(), "{call}");
        assert!(sealed(&place, 257, 512).exists(), "{call}");
    }
}

#[test]
fn look_over_many_entries_shows_what_the_slots_hold_and_opens_few_files() {
    let (_place, fs, store) = store_of(1400);
    let slots = read(&store, 1..=1400);
    fs.take_calls();
    assert_eq!(copied(&store, 1..=1400), slots);
    // Five segments, the last place of each, and the slots that are in none.
    let opened = fs.calls_of("open_read");
    assert!(opened <= 2 * 5 + (1400 - 1280), "{opened}");
    for place in (1..=1400).rev() {
        let Slot::Whole(envelope) = store.peek_copy(&log(), seq(place)).unwrap() else {
            panic!("{place}");
        };
        assert_eq!(envelope.key, Some(key(&run(place)).key(envelope.store)));
    }
}

#[test]
fn look_goes_to_the_slots_where_a_segment_is_lost_or_garbled_or_foreign() {
    let (place, _fs, store) = store_of(600);
    let slots = read(&store, 1..=600);
    let path = sealed(&place, 1, 256);
    let whole = fs::read(&path).unwrap();
    for position in [3, 300, 20_000, whole.len() - 9] {
        let mut garbled = whole.clone();
        garbled[position] ^= 0x10;
        replace(&path, &garbled);
        assert_eq!(copied(&place.open(), 1..=600), slots, "byte {position}");
    }
    replace(&path, &fs::read(sealed(&place, 257, 512)).unwrap());
    assert_eq!(copied(&place.open(), 1..=600), slots);
    fs::remove_file(&path).unwrap();
    assert_eq!(copied(&place.open(), 1..=600), slots);
    fs::create_dir(&path).unwrap();
    assert_eq!(copied(&place.open(), 1..=600), slots);
}

#[test]
fn nothing_is_sealed_over_a_slot_that_is_damaged_or_missing() {
    for damage in [
        |path: &PathBuf| garble(path),
        |path: &PathBuf| {
            fs::remove_file(path).unwrap();
        },
    ] {
        let (place, _fs, _) = store_of(200);
        damage(&slot(&place, 77));
        // Who wrote it would seal what it wrote.
        let store = place.open();
        append(&store, 201..=900);
        assert!(!sealed(&place, 1, 256).exists());
        // Nor anything above it: the chain would have a hole.
        assert!(!sealed(&place, 257, 512).exists());
        let found = findings(&store);
        assert!(found.iter().all(|line| !line.contains("seg/")), "{found:?}");
    }
}

#[test]
fn what_its_writer_sealed_over_a_damaged_slot_gives_the_slot_back() {
    let (place, _fs, store) = store_of(200);
    let whole = fs::read(slot(&place, 77)).unwrap();
    garble(&slot(&place, 77));
    fs::remove_file(support::claim(&place, &run(77))).unwrap();
    append(&store, 201..=600);
    assert!(sealed(&place, 1, 256).exists());
    let found = findings(&store);
    let is_named = |line: &String| line.starts_with("damage") && line.contains("077");
    assert!(found.iter().any(is_named), "{found:?}");
    place.open().mend().unwrap();
    assert_eq!(fs::read(slot(&place, 77)).unwrap(), whole);
}

/// Takes the places from `first` up to `last` away, and the hint, as a restore of the log and its
/// keys does that leaves alone what is derived.
fn forget(place: &Place, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        fs::remove_file(slot(place, number)).unwrap();
        fs::remove_file(support::claim(place, &run(number))).unwrap();
    }
    fs::remove_file(place.path().join(format!("{COHORT}/view/head.json"))).unwrap();
}

/// A store that was restored to its first 100 entries, into which the other 200 were recorded
/// again: two of them in another order, the one at 256 where it was; and to which the segment came
/// back.
fn recorded_again_under_an_old_segment() -> Place {
    let (place, _fs, store) = store_of(300);
    let old = fs::read(sealed(&place, 1, 256)).unwrap();
    drop(store);
    forget(&place, 101..=300);
    fs::remove_file(sealed(&place, 1, 256)).unwrap();
    let mut numbers: Vec<u64> = (101..=300).collect();
    numbers.swap(109, 110);
    append_batch(&place.open(), numbers);
    replace(&sealed(&place, 1, 256), &old);
    place
}

#[test]
fn segment_from_before_a_restore_does_not_hide_the_place_of_a_key() {
    let place = recorded_again_under_an_old_segment();
    let found = place.open().find(&key(&run(211))).unwrap().unwrap();
    assert_eq!(found.seq, seq(210));
    let (run, store) = (run(211), place.open());
    let again = store.append(&log(), Some(&key(&run)), &support::entry(run.as_bytes()));
    assert!(
        matches!(&again, Ok(Appended::Already(it)) if it.seq == seq(210)),
        "{again:?}"
    );
}

#[test]
fn segment_from_before_a_restore_is_not_shown_in_place_of_the_slots() {
    let place = recorded_again_under_an_old_segment();
    let store = place.open();
    let slots = read(&store, 1..=300);
    for store in [store, place.open()] {
        // As a list begins, and without knowing the end.
        assert_eq!(copied(&store, 1..=300), slots);
    }
}

#[test]
fn segment_of_a_copy_that_lived_on_by_itself_is_not_shown_in_place_of_the_slots() {
    let (place, _fs, store) = store_of(200);
    drop(store);
    let other = Place::new();
    copy(&place.path(), &other.path());
    append(&place.open(), 201..=300);
    append(&other.open(), 1201..=1300);
    replace(
        &sealed(&place, 1, 256),
        &fs::read(sealed(&other, 1, 256)).unwrap(),
    );
    let store = place.open();
    assert_eq!(store.head(&log()).unwrap(), Some(seq(300)));
    assert_eq!(copied(&store, 1..=300), read(&store, 1..=300));
    for number in 1..=300 {
        let (copied, peeked) = (store.peek_copy(&log(), seq(number)), seq(number));
        assert_eq!(copied.unwrap(), store.peek(&log(), peeked).unwrap());
    }
}

fn copy(from: &Path, to: &Path) {
    let mut cp = std::process::Command::new("cp");
    assert!(cp.arg("-a").arg(from).arg(to).status().unwrap().success());
}

#[test]
fn sixteen_segments_are_joined_in_one_of_their_rows() {
    let (place, _fs, _store) = store_of(4128);
    let of =
        |first, last| segment::decode(&fs::read(sealed(&place, first, last)).unwrap()).unwrap();
    let (wide, last) = (of(1, 4096), of(3841, 4096));
    assert!(!wide.has_files());
    assert_eq!(wide.chain(), last.chain());
    assert_eq!(wide.rows()[3840..], *last.rows());
    assert_eq!(wide.rows().len(), 4096);
}

#[test]
fn segment_is_the_same_whoever_seals_it() {
    let (place, _fs, store) = store_of(600);
    let paths = [sealed(&place, 1, 256), sealed(&place, 257, 512)];
    let of = |path: &PathBuf| segment::decode(&fs::read(path).unwrap()).unwrap();
    let before = paths.each_ref().map(of);
    assert_eq!(before[1].previous(), before[0].chain());
    fs::remove_dir_all(paths[0].parent().unwrap()).unwrap();
    let again = place.open();
    append(&again, 601..=900);
    for (path, before) in paths.iter().zip(&before) {
        assert!(of(path).is_same_as(before).unwrap());
    }
    drop(store);
}

#[test]
fn segment_that_is_not_whole_is_stale_and_no_damage() {
    let (place, _fs, store) = store_of(600);
    assert_eq!(findings(&store), Vec::<String>::new());
    let path = sealed(&place, 1, 256);
    let whole = fs::read(&path).unwrap();
    let second = fs::read(sealed(&place, 257, 512)).unwrap();
    let name = path
        .strip_prefix(place.path())
        .unwrap()
        .display()
        .to_string();
    for bytes in [&whole[..whole.len() - 1], &whole[..40], b"", &second] {
        replace(&path, bytes);
        assert_eq!(findings(&store), [format!("stale segment {name}")]);
    }
    let mut flipped = whole;
    let last = flipped.len() - 5;
    flipped[last] ^= 1;
    replace(&path, &flipped);
    assert_eq!(findings(&store), [format!("stale segment {name}")]);
    fs::remove_file(&path).unwrap();
    assert_eq!(findings(&store), Vec::<String>::new());
    fs::create_dir(path.with_file_name("stray")).unwrap();
    assert_eq!(
        findings(&store),
        [format!("stale unknown {COHORT}/seg/stray")]
    );
}

#[test]
fn whole_segment_that_names_another_digest_is_evidence_of_damage() {
    let (place, _fs, store) = store_of(300);
    // Another history of the same store: an entry replaced by one that is whole in itself.
    let (foreign, mine) = (slot(&place, 5), slot(&place, 7));
    let other = fs::read(&foreign).unwrap();
    replace(&mine, &other);
    let found = findings(&store);
    let fork = format!("damage fork {COHORT}/seg/{:020}-{:020}", 1, 256);
    assert!(found.contains(&fork), "{found:#?}");
}

#[test]
fn lost_end_of_a_log_is_named_by_the_segment_that_has_it() {
    let (place, _fs, store) = store_of(300);
    drop(store);
    fs::remove_file(place.path().join(COHORT).join("view/head.json")).unwrap();
    for number in 250..=300 {
        fs::remove_file(slot(&place, number)).unwrap();
    }
    let found = findings(&place.open());
    for number in 250..=256 {
        let missing = format!("damage missing {COHORT}/log/0000000000/{number:020}");
        assert!(found.contains(&missing), "{number}: {found:#?}");
    }
}
