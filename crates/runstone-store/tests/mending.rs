//! Mending gives back what a twin can prove, and never takes away anything true.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

mod support;

use std::fs;
use std::path::PathBuf;

use runstone_store::dir::OsFileSystem;
use runstone_store::dir::faults::FaultyFileSystem;
use runstone_store::{Appended, BatchItem, Mended, Slot, Store as _, segment};
use support::{COHORT, Place, claim, findings, garble, item, log, record, replace, slot};

/// A store with so many entries, recorded together.
fn store_of(entries: u64) -> Place {
    let place = Place::new();
    let store = place.init_on(FaultyFileSystem::new(OsFileSystem).without_flushes());
    record(&store, &[]);
    let items: Vec<BatchItem> = (1..=entries)
        .map(|number| item(&format!("run-{number}")))
        .collect();
    for appended in store.append_all(&items, &mut |_, _, _| None) {
        assert!(matches!(appended, Ok(Appended::New(_))), "{appended:?}");
    }
    place
}

fn sealed(place: &Place, first: u64, last: u64) -> PathBuf {
    let name = format!("{COHORT}/seg/{first:020}-{last:020}");
    place.path().join(name)
}

fn quarantined(place: &Place) -> Vec<Vec<u8>> {
    let kept = fs::read_dir(place.path().join("quarantine")).unwrap();
    kept.map(|file| fs::read(file.unwrap().path()).unwrap())
        .collect()
}

#[test]
fn damaged_entry_gets_its_bytes_back_from_a_segment_and_the_damaged_ones_are_kept() {
    let place = store_of(300);
    let path = slot(&place, 77);
    let whole = fs::read(&path).unwrap();
    garble(&path);
    let damaged = fs::read(&path).unwrap();
    let mended = place.open().mend().unwrap();
    let shown = path.strip_prefix(place.path()).unwrap();
    assert_eq!(mended.restored, [shown.display().to_string()]);
    assert_eq!(fs::read(&path).unwrap(), whole);
    assert_eq!(quarantined(&place), [damaged]);
    assert_eq!(findings(&place.open()), Vec::<String>::new());
    assert_eq!(place.open().mend().unwrap(), Mended::default());
}

#[test]
fn lost_entry_is_put_back_from_a_segment() {
    let place = store_of(300);
    let path = slot(&place, 256);
    let whole = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(place.open().mend().unwrap().restored.len(), 1);
    assert_eq!(fs::read(&path).unwrap(), whole);
    assert_eq!(quarantined(&place), Vec::<Vec<u8>>::new());
    assert_eq!(findings(&place.open()), Vec::<String>::new());
}

#[test]
fn lost_entry_is_put_back_from_its_claim_if_a_later_one_has_seen_it() {
    let place = Place::new();
    record(&place.init(), &["first", "second", "third"]);
    // Nobody has seen the third: its claim alone proves nothing.
    fs::remove_file(slot(&place, 3)).unwrap();
    assert_eq!(place.open().mend().unwrap(), Mended::default());

    let place = Place::new();
    record(&place.init(), &["first", "second", "third"]);
    let whole = fs::read(slot(&place, 2)).unwrap();
    fs::remove_file(slot(&place, 2)).unwrap();
    assert_eq!(place.open().mend().unwrap().restored.len(), 1);
    assert_eq!(fs::read(slot(&place, 2)).unwrap(), whole);
    assert_eq!(findings(&place.open()), Vec::<String>::new());
}

#[test]
fn without_a_twin_everything_stays_as_it_is() {
    let place = Place::new();
    record(&place.init(), &["first", "second", "third"]);
    // The entry and its claim are one file: both are damaged.
    garble(&slot(&place, 2));
    garble(&claim(&place, "second"));
    let (damaged, before) = (fs::read(slot(&place, 2)).unwrap(), findings(&place.open()));
    assert_eq!(place.open().mend().unwrap(), Mended::default());
    assert_eq!(fs::read(slot(&place, 2)).unwrap(), damaged);
    assert_eq!(quarantined(&place), Vec::<Vec<u8>>::new());
    assert_eq!(findings(&place.open()), before);
}

#[test]
fn segments_are_sealed_again_with_the_same_content() {
    let place = store_of(800);
    let paths = [(1, 256), (257, 512), (513, 768)].map(|(first, last)| sealed(&place, first, last));
    let of = |path: &PathBuf| segment::decode(&fs::read(path).unwrap()).unwrap();
    let before = paths.each_ref().map(of);
    fs::remove_file(&paths[0]).unwrap();
    let torn = fs::read(&paths[1]).unwrap();
    replace(&paths[1], &torn[..torn.len() / 2]);
    let mended = place.open().mend().unwrap();
    assert_eq!((mended.sealed, mended.removed), (2, 1));
    for (path, before) in paths.iter().zip(&before) {
        assert!(of(path).is_same_as(before).unwrap());
    }
    assert_eq!(findings(&place.open()), Vec::<String>::new());
}

#[test]
fn slot_that_contradicts_its_segment_is_left_alone_and_so_is_the_segment() {
    let place = store_of(300);
    let other = fs::read(slot(&place, 5)).unwrap();
    replace(&slot(&place, 7), &other);
    let before = findings(&place.open());
    assert!(before.iter().any(|line| line.starts_with("damage fork")));
    assert_eq!(place.open().mend().unwrap(), Mended::default());
    assert_eq!(fs::read(slot(&place, 7)).unwrap(), other);
    assert_eq!(findings(&place.open()), before);
    let read = place
        .open()
        .read(&log(), runstone_store::Seq::new(7).unwrap());
    assert!(matches!(read.unwrap(), Slot::Whole(_)));
}
