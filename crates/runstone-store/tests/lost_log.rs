//! Where a whole log is lost, and nothing beside it tells, the claims of its entries do: no place
//! is given out again, and a repair gives the entries back that somebody saw.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

mod support;

use std::fs;

use runstone_store::dir::faults::FaultyFileSystem;
use runstone_store::dir::{Kind, OsFileSystem};
use runstone_store::{Appended, DamageKind, DirStore, Seq, Slot, Store, StoreError, SystemEntropy};
use support::sealed::{batch, copied, place_of};
use support::{
    COHORT, Place, claim, cohort, entry, findings, garble, key, log, record, replace, slot,
};

/// A store into which these runs were recorded one after the other, each having seen the one
/// before.
fn recorded(runs: &[&str]) -> Place {
    let place = Place::new();
    record(&place.init(), runs);
    place
}

/// Removes a log with its directory, its shards alone, or its entries alone.
const LOSSES: [&str; 3] = ["", "0000000000", "0000000000/*"];

fn lose(place: &Place, what: &str) {
    let log = place.path().join(format!("{COHORT}/log"));
    match what.strip_suffix("/*") {
        None => fs::remove_dir_all(log.join(what)).unwrap(),
        Some(shard) => {
            for file in fs::read_dir(log.join(shard)).unwrap() {
                fs::remove_file(file.unwrap().path()).unwrap();
            }
        }
    }
}

fn next(store: &dyn Store, run: &str) -> u64 {
    store.open_cohort(&cohort(), b"{}").unwrap();
    place_of(store.append(&log(), Some(&key(run)), &entry(run.as_bytes())))
}

#[test]
fn log_that_is_lost_gets_no_first_entry_again() {
    for what in LOSSES {
        for kind in [Kind::Journal, Kind::CopyOnWrite, Kind::Other] {
            let place = recorded(&["a", "b", "c"]);
            lose(&place, what);
            let fs = FaultyFileSystem::new(OsFileSystem).posing_as(kind);
            let store = DirStore::open_on(fs, &place.path(), SystemEntropy).unwrap();
            let refused = store.open_cohort(&cohort(), b"{}").unwrap_err();
            let StoreError::Damaged(damage) = refused else {
                panic!("{what} {kind:?}: {refused}");
            };
            assert_eq!(damage.kind, DamageKind::Missing, "{what} {kind:?}");
            assert!(damage.path.starts_with(COHORT), "{damage}");
        }
    }
}

#[test]
fn host_that_remembers_what_was_not_there_takes_no_log_for_lost() {
    let place = recorded(&["a", "b", "c"]);
    lose(&place, "");
    let fs = FaultyFileSystem::new(OsFileSystem).posing_as(Kind::Network);
    let store = DirStore::open_on(fs, &place.path(), SystemEntropy).unwrap();
    assert!(store.open_cohort(&cohort(), b"{}").is_ok());
}

#[test]
fn lost_log_gets_its_entries_back() {
    for what in LOSSES {
        let place = recorded(&["a", "b", "c", "d"]);
        let before = [1, 2, 3, 4].map(|seq| fs::read(slot(&place, seq)).unwrap());
        lose(&place, what);
        let mended = place.open().mend().unwrap();
        assert_eq!(mended.restored.len(), 4, "{what}: {mended:?}");
        let after = [1, 2, 3, 4].map(|seq| fs::read(slot(&place, seq)).unwrap());
        assert_eq!(before, after, "{what}");
        assert_eq!(findings(&place.open()), Vec::<String>::new(), "{what}");
        assert_eq!(next(&place.open(), "e"), 5, "{what}");
    }
}

#[test]
fn places_that_two_claims_may_have_had_stay_lost() {
    let place = recorded(&["a", "b"]);
    // Both saw the second entry: which of them got the third place, no claim says.
    batch(&place.open(), "c", 1, 2);
    lose(&place, "");
    let restored = place.open().mend().unwrap().restored;
    assert_eq!(restored.len(), 2, "{restored:?}");
    let left = findings(&place.open());
    assert!(
        left.iter().all(|it| it.starts_with("stale claim")),
        "{left:?}"
    );
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn handle_that_gave_a_log_back_knows_its_end() {
    let place = recorded(&["a", "b", "c", "d"]);
    lose(&place, "");
    let store = place.open();
    assert!(store.open_cohort(&cohort(), b"{}").is_err());
    assert_eq!(store.mend().unwrap().restored.len(), 4);
    assert_eq!(store.head(&log()).unwrap(), Seq::new(4));
    assert_eq!(next(&store, "e"), 5);
}

#[test]
fn claims_of_writers_that_died_before_the_first_entry_stop_nobody() {
    let place = recorded(&["a"]);
    // As one leaves it that dies between claim and place.
    fs::remove_file(slot(&place, 1)).unwrap();
    assert_eq!(next(&place.open(), "b"), 1);
}

#[test]
fn claim_that_saw_an_entry_of_another_cohort_stops_nobody() {
    let place = recorded(&["a", "b", "c"]);
    let store = place.open();
    let other: runstone_store::CohortName = "other".parse().unwrap();
    store.open_cohort(&other, b"{}").unwrap();
    let opened = place.open().open_cohort(&other, b"{}");
    assert!(opened.is_ok(), "{opened:?}");
}

#[test]
fn claim_that_fails_its_checksum_tells_nothing() {
    let place = recorded(&["a", "b"]);
    lose(&place, "");
    garble(&claim(&place, "b"));
    assert_eq!(next(&place.open(), "c"), 1);
}

#[test]
fn entries_that_two_histories_claim_stay_lost() {
    let place = recorded(&["a", "b"]);
    let other = copied(&place);
    next(&place.open(), "ours");
    next(&place.open(), "ours too");
    next(&other.open(), "theirs");
    next(&other.open(), "theirs too");
    for run in ["theirs", "theirs too"] {
        fs::copy(claim(&other, run), claim(&place, run)).unwrap();
    }
    lose(&place, "");
    drop(place.open().mend().unwrap());
    let store = place.open();
    let whole = |seq| {
        let read = store.read(&log(), Seq::new(seq).unwrap()).unwrap();
        matches!(read, Slot::Whole(_))
    };
    assert_eq!([1, 2, 3].map(whole), [true, true, false]);
    assert!(place.open().open_cohort(&cohort(), b"{}").is_ok());
}

#[test]
fn first_entry_of_a_cohort_that_another_has_just_opened_costs_a_bounded_look() {
    let calls = [600, 2400].map(|entries| {
        let place = Place::new();
        let store = place.init_on(FaultyFileSystem::new(OsFileSystem).without_flushes());
        record(&store, &[]);
        batch(&store, "run", 1, entries);
        let other: runstone_store::CohortName = "other".parse().unwrap();
        store.open_cohort(&other, b"{}").unwrap();
        let fs = FaultyFileSystem::new(OsFileSystem).without_flushes();
        let store = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
        drop(fs.take_calls());
        store.open_cohort(&other, b"{}").unwrap();
        fs.calls_of("read")
    });
    assert!(calls[1] <= 4 * 256 + 10, "{calls:?}");
}

#[test]
fn adopted_claim_gives_no_entry_back() {
    let place = recorded(&["a", "b", "c"]);
    let claim = claim(&place, "a");
    let marker = claim.with_file_name(format!("{}.adopted", claim.file_name().unwrap().display()));
    replace(&marker, b"");
    lose(&place, "");
    let restored = place.open().mend().unwrap().restored;
    assert_eq!(restored.len(), 2, "{restored:?}");
    assert!(
        restored[1].ends_with("00000000000000000002"),
        "{restored:?}"
    );
    // The place below is lost, and nobody takes it.
    assert_eq!(next(&place.open(), "d"), 4);
}

#[test]
fn lost_beginning_of_a_log_is_not_begun_anew() {
    let place = support::sealed::store_of(100);
    for number in 1..=90 {
        fs::remove_file(slot(&place, number)).unwrap();
    }
    support::sealed::forget_the_end(&place);
    let store = place.open();
    store.open_cohort(&cohort(), b"{}").unwrap();
    let appended = store.append(&log(), Some(&key("next")), &entry(b"next"));
    assert!(
        matches!(&appended, Ok(Appended::New(it)) if it.seq.get() == 101),
        "{appended:?}"
    );
}
