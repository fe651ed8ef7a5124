//! Stores long enough to have segments, and what may be lost of them.

use std::fs;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use runstone_store::dir::OsFileSystem;
use runstone_store::dir::faults::FaultyFileSystem;
use runstone_store::{Appended, BatchItem, Store, StoreError};

use super::{COHORT, Place, claim, findings, item, record, slot};

/// A store with so many entries, recorded together.
pub(crate) fn store_of(entries: u64) -> Place {
    let place = Place::new();
    let store = place.init_on(FaultyFileSystem::new(OsFileSystem).without_flushes());
    record(&store, &[]);
    batch(&store, "run", 1, entries);
    place
}

pub(crate) fn batch(store: &dyn Store, name: &str, first: u64, last: u64) {
    let items: Vec<BatchItem> = (first..=last)
        .map(|number| item(&format!("{name}-{number}")))
        .collect();
    for appended in store.append_all(&items, &mut |_, _, _| None) {
        assert!(matches!(appended, Ok(Appended::New(_))), "{appended:?}");
    }
    store.seal_pending();
}

/// Another store of the same name that goes on from here by itself.
pub(crate) fn copied(place: &Place) -> Place {
    let other = Place::new();
    let from = place.path();
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([&from, &other.path()])
        .status();
    assert!(copied.unwrap().success());
    other
}

/// Loses entries and their claims.
pub(crate) fn lose(place: &Place, places: RangeInclusive<u64>) {
    for number in places {
        fs::remove_file(slot(place, number)).unwrap();
        fs::remove_file(claim(place, &format!("run-{number}"))).unwrap();
    }
}

pub(crate) fn forget_the_end(place: &Place) {
    fs::remove_file(place.path().join(format!("{COHORT}/view/head.json"))).unwrap();
}

pub(crate) fn sealed(place: &Place, first: u64, last: u64) -> PathBuf {
    let name = format!("{COHORT}/seg/{first:020}-{last:020}");
    place.path().join(name)
}

/// Returns the place that a recording took.
pub(crate) fn place_of(appended: Result<Appended, StoreError>) -> u64 {
    let appended = appended.unwrap();
    assert!(matches!(appended, Appended::New(_)), "{appended:?}");
    let Appended::New(committed) = appended else {
        return 0;
    };
    committed.seq.get()
}

/// Checks that no key has two places.
pub(crate) fn once_each(place: &Place) {
    let found = findings(&place.open());
    assert!(!found.iter().any(|it| it.contains("twice")), "{found:?}");
}
