//! Where the end of a log is lost, recording goes on above it: no place is given out twice,
//! whatever is left to tell of it.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

mod support;

use std::fs;

use runstone_store::dir::faults::{Fault, FaultyFileSystem, Moment};
use runstone_store::dir::{Kind, OsFileSystem};
use runstone_store::{DirStore, Seq, Store, SystemEntropy};
use support::sealed::{batch, copied, forget_the_end, lose, once_each, place_of, sealed, store_of};
use support::{COHORT, Place, entry, garble, key, log, record, slot};

fn open_as(place: &Place, kind: Kind) -> DirStore<FaultyFileSystem<OsFileSystem>> {
    let fs = FaultyFileSystem::new(OsFileSystem).without_flushes();
    DirStore::open_on(fs.posing_as(kind), &place.path(), SystemEntropy).unwrap()
}

/// Records a run, and returns its place.
fn next(store: &dyn Store, run: &str) -> u64 {
    place_of(store.append(&log(), Some(&key(run)), &entry(run.as_bytes())))
}

#[test]
fn place_that_a_segment_names_is_never_given_out_again() {
    let place = store_of(300);
    lose(&place, 201..=300);
    forget_the_end(&place);
    assert_eq!(place.open().mend().unwrap().restored, Vec::<String>::new());
    assert_eq!(next(&place.open(), "run-210"), 257);
    assert_eq!(place.open().mend().unwrap().restored, Vec::<String>::new());
    once_each(&place);
}

#[test]
fn place_that_a_segment_of_another_history_names_is_free() {
    let place = store_of(200);
    let other = copied(&place);
    batch(&place.open(), "ours", 201, 220);
    batch(&other.open(), "theirs", 201, 300);
    fs::create_dir_all(sealed(&place, 1, 256).parent().unwrap()).unwrap();
    fs::copy(sealed(&other, 1, 256), sealed(&place, 1, 256)).unwrap();
    assert_eq!(next(&place.open(), "next"), 221);
}

#[test]
fn lost_end_stops_recording_on_no_file_system() {
    for kind in [Kind::Journal, Kind::CopyOnWrite, Kind::Other, Kind::Network] {
        let place = store_of(300);
        lose(&place, 201..=300);
        forget_the_end(&place);
        let store = open_as(&place, kind);
        assert_eq!(next(&store, "first"), 257, "{kind:?}");
        assert_eq!(next(&store, "second"), 258, "{kind:?}");
    }
}

#[test]
fn lost_beginning_hides_nothing_that_is_left() {
    for lost in [1..=1, 1..=8, 1..=90] {
        let place = store_of(100);
        for number in lost.clone() {
            fs::remove_file(slot(&place, number)).unwrap();
        }
        drop(fs::remove_file(
            place.path().join(format!("{COHORT}/view/head.json")),
        ));
        let head = place.open().head(&log()).unwrap();
        assert_eq!(head.map(Seq::get), Some(100), "{lost:?}");
    }
}

#[test]
fn damaged_last_entry_stops_recording_on_no_file_system() {
    for kind in [Kind::Journal, Kind::Other, Kind::Network] {
        let place = Place::new();
        record(&place.init(), &["a", "b", "c"]);
        garble(&slot(&place, 3));
        let store = open_as(&place, kind);
        assert_eq!(next(&store, "first"), 4, "{kind:?}");
        assert_eq!(next(&store, "second"), 5, "{kind:?}");
    }
}

#[test]
fn wide_segment_alone_names_its_places_too() {
    let place = store_of(4096 + 40);
    let wide = sealed(&place, 1, 4096);
    for file in fs::read_dir(wide.parent().unwrap()).unwrap() {
        let file = file.unwrap().path();
        if file != wide {
            fs::remove_file(file).unwrap();
        }
    }
    fs::remove_dir_all(place.path().join(format!("{COHORT}/log/0000000001"))).unwrap();
    for number in 4001..=4096 {
        fs::remove_file(slot(&place, number)).unwrap();
    }
    forget_the_end(&place);
    assert_eq!(next(&place.open(), "next"), 4097);
}

#[test]
fn segment_that_cannot_be_read_for_a_moment_gives_no_place_away() {
    let place = store_of(300);
    lose(&place, 201..=300);
    forget_the_end(&place);
    let mut refused = 0;
    for call in ["open_read", "open_dir", "exists", "read"] {
        for after_calls in 0..30 {
            let copy = copied(&place);
            let fs = FaultyFileSystem::new(OsFileSystem).without_flushes();
            let store = DirStore::open_on(fs.clone(), &copy.path(), SystemEntropy).unwrap();
            // Too many open files.
            fs.fail(Fault {
                call: Some(call),
                after_calls,
                errno: 24,
                moment: Moment::Before,
            });
            match store.append(&log(), Some(&key("next")), &entry(b"next")) {
                Err(_) => refused += 1,
                taken => assert_eq!(place_of(taken), 257, "{call} {after_calls}"),
            }
        }
    }
    assert!(refused > 0);
}

#[test]
fn recording_over_a_lost_end_costs_what_its_segments_do() {
    let calls = [200, 1000].map(|more| {
        let place = store_of(256 + more + 32);
        for number in 57..=256 + more + 32 {
            fs::remove_file(slot(&place, number)).unwrap();
        }
        forget_the_end(&place);
        let fs = FaultyFileSystem::new(OsFileSystem).without_flushes();
        let store = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
        drop(fs.take_calls());
        next(&store, "next");
        fs.take_calls().len()
    });
    assert!(calls[1] < calls[0] + 100, "{calls:?}");
}

#[test]
fn place_that_a_segment_above_a_lost_one_names_is_never_given_out_again() {
    for (entries, lost, next_place) in [(600, 1..=1, 513), (900, 1..=2, 769)] {
        let place = store_of(entries);
        for number in 201..=entries {
            fs::remove_file(slot(&place, number)).unwrap();
        }
        forget_the_end(&place);
        for number in lost.clone() {
            fs::remove_file(sealed(&place, (number - 1) * 256 + 1, number * 256)).unwrap();
        }
        assert_eq!(next(&place.open(), "next"), next_place, "{lost:?}");
        once_each(&place);
    }
}

#[test]
fn segment_above_a_lost_one_that_no_claim_vouches_for_says_nothing() {
    let place = store_of(200);
    let other = copied(&place);
    batch(&place.open(), "ours", 201, 220);
    batch(&other.open(), "theirs", 201, 600);
    fs::create_dir_all(sealed(&place, 257, 512).parent().unwrap()).unwrap();
    fs::copy(sealed(&other, 257, 512), sealed(&place, 257, 512)).unwrap();
    assert_eq!(next(&place.open(), "next"), 221);
}

#[test]
fn loss_under_a_handle_at_work_gives_no_place_away() {
    for by_batch in [false, true] {
        let place = store_of(300);
        let store = place.open();
        assert_eq!(next(&store, "before"), 301);
        for number in 6..=301 {
            fs::remove_file(slot(&place, number)).unwrap();
        }
        forget_the_end(&place);
        fs::remove_dir_all(sealed(&place, 1, 256).parent().unwrap()).unwrap();
        if by_batch {
            batch(&store, "after", 302, 303);
        } else {
            assert_eq!(next(&store, "after-302"), 302);
            assert_eq!(next(&store, "after-303"), 303);
        }
        assert_eq!(next(&place.open(), "next"), 304, "{by_batch}");
    }
}
