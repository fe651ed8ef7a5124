//! Mending gives back what a twin can prove, and never takes away anything true.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

mod support;

use std::fs;
use std::path::PathBuf;

use runstone_store::dir::OsFileSystem;
use runstone_store::dir::faults::{Fault, FaultyFileSystem, Moment};
use runstone_store::{
    Appended, CohortName, DirStore, Log, Mended, Seq, Slot, Store as _, SystemEntropy, decode,
    segment,
};
use support::sealed::{batch, copied, forget_the_end, lose, once_each, place_of, sealed, store_of};
use support::{COHORT, Place, claim, entry, findings, garble, key, log, record, replace, slot};

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
fn gap_is_filled_from_claims_by_one_repair_from_its_top_down() {
    let place = Place::new();
    let runs: Vec<String> = (1..=40).map(|run| format!("run-{run}")).collect();
    let runs: Vec<&str> = runs.iter().map(String::as_str).collect();
    record(&place.init(), &runs);
    for seq in (1..=20).chain(30..=39) {
        fs::remove_file(slot(&place, seq)).unwrap();
    }
    assert_eq!(place.open().mend().unwrap().restored.len(), 30);
    assert_eq!(findings(&place.open()), Vec::<String>::new());
    assert_eq!(place.open().mend().unwrap(), Mended::default());
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
    let read = place.open().read(&log(), Seq::new(7).unwrap());
    assert!(matches!(read.unwrap(), Slot::Whole(_)));
}

#[test]
fn last_copy_of_an_entry_stays_in_a_segment_that_is_broken_elsewhere() {
    let place = store_of(300);
    let whole = fs::read(slot(&place, 77)).unwrap();
    garble(&slot(&place, 77));
    garble(&claim(&place, "run-77"));
    let path = sealed(&place, 1, 256);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    replace(&path, &bytes);
    drop(place.open().mend().unwrap());
    let kept = segment::Segment::open(fs::read(&path).unwrap()).unwrap();
    assert_eq!(kept.file(Seq::new(77).unwrap()).unwrap(), Some(whole));
}

#[test]
fn last_copy_of_an_entry_stays_in_a_segment_that_follows_another_chain() {
    let place = store_of(600);
    let other = fs::read(slot(&place, 4)).unwrap();
    replace(&slot(&place, 5), &other);
    garble(&slot(&place, 300));
    garble(&claim(&place, "run-300"));
    drop(place.open().mend().unwrap());
    assert!(sealed(&place, 257, 512).exists());
}

#[test]
fn segment_that_could_not_be_read_stays() {
    let damaged = store_of(300);
    garble(&slot(&damaged, 77));
    garble(&claim(&damaged, "run-77"));
    for call in ["open_read", "read"] {
        for after_calls in 0..8 {
            let place = copied(&damaged);
            let fs = FaultyFileSystem::new(OsFileSystem).without_flushes();
            let store = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
            fs.fail(Fault {
                call: Some(call),
                after_calls,
                errno: 5,
                moment: Moment::Before,
            });
            drop(store.mend());
            assert!(sealed(&place, 1, 256).exists(), "{call} {after_calls}");
        }
    }
}

#[test]
fn lost_end_of_a_log_is_put_back_as_far_as_a_segment_has_it() {
    let place = store_of(600);
    let whole = fs::read(slot(&place, 512)).unwrap();
    for number in 201..=600 {
        fs::remove_file(slot(&place, number)).unwrap();
    }
    forget_the_end(&place);
    let mended = place.open().mend().unwrap();
    assert_eq!(mended.restored.len(), 312, "{mended:?}");
    assert_eq!(fs::read(slot(&place, 512)).unwrap(), whole);
    assert_eq!(place.open().mend().unwrap(), Mended::default());
    let again = place
        .open()
        .append(&log(), Some(&key("run-600")), &entry(b"run-600"));
    assert!(matches!(again, Ok(Appended::New(_))), "{again:?}");
}

#[test]
fn lost_entry_that_was_recorded_again_is_not_put_back_beside_itself() {
    let place = store_of(300);
    lose(&place, 100..=100);
    let again = place
        .open()
        .append(&log(), Some(&key("run-100")), &entry(b"run-100"));
    assert!(matches!(again, Ok(Appended::New(_))), "{again:?}");
    assert_eq!(place.open().mend().unwrap().restored, Vec::<String>::new());
    once_each(&place);
}

#[test]
fn lost_shard_comes_back_as_far_as_segments_have_it() {
    let place = store_of(4096 + 300);
    fs::remove_dir_all(place.path().join(format!("{COHORT}/log/0000000001"))).unwrap();
    forget_the_end(&place);
    let mended = place.open().mend().unwrap();
    assert_eq!(
        (mended.restored.len(), mended.left.len()),
        (256, 0),
        "{mended:?}"
    );
}

#[test]
fn lost_entry_whose_run_was_recorded_again_with_other_content_is_not_put_back() {
    let place = store_of(200);
    let store = place.open();
    // One by one, so that each saw the one before.
    for number in 201..=300 {
        record(&store, &[&format!("run-{number}")]);
    }
    for number in 201..=300 {
        fs::remove_file(slot(&place, number)).unwrap();
    }
    fs::remove_file(claim(&place, "run-210")).unwrap();
    forget_the_end(&place);
    let again = place
        .open()
        .append(&log(), Some(&key("run-210")), &entry(b"other content"));
    assert_eq!(place_of(again), 257);
    // The entry above comes back first, and speaks for the one below.
    for _ in 0..2 {
        drop(place.open().mend().unwrap());
    }
    assert!(!slot(&place, 210).exists());
    assert!(slot(&place, 211).exists());
}

#[test]
fn repair_beside_a_contradiction_comes_to_an_end() {
    let place = store_of(600);
    let other = fs::read(slot(&place, 4)).unwrap();
    replace(&slot(&place, 5), &other);
    drop(place.open().mend().unwrap());
    assert_eq!(place.open().mend().unwrap(), Mended::default());
}

#[test]
fn lost_entry_whose_claim_is_lost_too_is_not_put_back() {
    let place = store_of(300);
    lose(&place, 100..=100);
    assert_eq!(place.open().mend().unwrap().restored, Vec::<String>::new());
}

#[test]
fn adopters_entry_is_not_replaced_by_the_claimers() {
    let place = Place::new();
    record(&place.init(), &["first"]);
    let before = copied(&place);
    record(&before.open(), &["second"]);
    record(&place.open(), &["x", "y"]);
    // The claimer died behind its claim, the adopter has equal content, and the third saw it.
    fs::copy(claim(&before, "second"), claim(&place, "second")).unwrap();
    record(&place.open(), &["second", "third"]);
    let told = fs::read(slot(&place, 4)).unwrap();
    fs::remove_file(slot(&place, 4)).unwrap();
    drop(place.open().mend().unwrap());
    let now = fs::read(slot(&place, 4)).ok();
    assert!(now.is_none_or(|now| now == told && decode(&now).is_ok()));
}

#[test]
fn nothing_of_another_history_is_put_into_a_log() {
    let place = store_of(200);
    let other = copied(&place);
    batch(&place.open(), "ours", 201, 256);
    batch(&other.open(), "theirs", 201, 560);
    fs::create_dir_all(sealed(&place, 257, 512).parent().unwrap()).unwrap();
    fs::copy(sealed(&other, 257, 512), sealed(&place, 257, 512)).unwrap();
    garble(&slot(&place, 50));
    drop(place.open().mend().unwrap());
    assert!(!slot(&place, 257).exists());
}

#[test]
fn cohort_with_the_longest_name_is_mended_too() {
    let place = Place::new();
    let store = place.init();
    let cohort: CohortName = format!("{}.0123456789abcdef", "c".repeat(180))
        .parse()
        .unwrap();
    let log = Log::Cohort(cohort.clone());
    store.open_cohort(&cohort, b"{}").unwrap();
    for run in ["a", "b", "c"] {
        let mut key = key(run);
        key.cohort = cohort.clone();
        let appended = store.append(&log, Some(&key), &entry(run.as_bytes()));
        assert!(matches!(appended, Ok(Appended::New(_))));
    }
    garble(
        &place
            .path()
            .join(format!("cohorts/{cohort}/log/0000000000/{:020}", 2)),
    );
    assert_eq!(place.open().mend().unwrap().restored.len(), 1);
}

#[test]
fn full_disk_takes_no_word_from_what_was_mended() {
    let place = store_of(600);
    garble(&slot(&place, 77));
    fs::remove_file(sealed(&place, 257, 512)).unwrap();
    let fs = FaultyFileSystem::new(OsFileSystem).without_flushes();
    let store = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
    // The first file is the entry that is given back, the second one the segment.
    fs.fail(Fault {
        call: Some("create_new"),
        after_calls: 1,
        errno: 28,
        moment: Moment::Before,
    });
    let mended = store.mend().unwrap();
    assert_eq!((mended.restored.len(), mended.left.len()), (1, 1));
    assert!(
        mended.left[0].contains("No space left"),
        "{:?}",
        mended.left
    );
}

/// Everything recorded again, as by another process: each run has its place already.
fn all_are_recorded(place: &Place, runs: u64) {
    let store = place.open();
    for number in 1..=runs {
        let run = format!("run-{number}");
        let again = store.append(&log(), Some(&key(&run)), &entry(run.as_bytes()));
        let is_there = matches!(&again, Ok(Appended::Already(it)) if it.seq.get() == number);
        assert!(is_there, "{run}: {again:?}");
    }
}

#[test]
fn store_that_lost_all_its_claims_gets_them_back_from_its_entries() {
    let place = store_of(20);
    fs::remove_dir_all(place.path().join("keys")).unwrap();
    assert_eq!(findings(&place.open()), ["damage missing keys"]);
    let mended = place.open().mend().unwrap();
    assert_eq!((mended.restored.len(), mended.left), (20, Vec::new()));
    assert_eq!(findings(&place.open()), Vec::<String>::new());
    assert_eq!(place.open().mend().unwrap(), Mended::default());
    all_are_recorded(&place, 20);
}

#[test]
fn torn_claim_of_an_entry_is_replaced_and_what_stood_there_is_kept() {
    let place = store_of(3);
    let path = claim(&place, "run-2");
    let whole = fs::read(&path).unwrap();
    replace(&path, &whole[..whole.len() / 2]);
    let torn = fs::read(&path).unwrap();
    // A claim of a writer that died before its slot is nobody's to mend.
    let dead = claim(&place, "dead");
    replace(&dead, &torn);
    assert_eq!(place.open().mend().unwrap().restored.len(), 1);
    assert_eq!(fs::read(&path).unwrap(), whole);
    assert_eq!(quarantined(&place), std::slice::from_ref(&torn));
    assert_eq!(fs::read(&dead).unwrap(), torn);
    all_are_recorded(&place, 3);
}

#[test]
fn claim_is_not_given_back_to_a_key_that_holds_two_places() {
    let place = store_of(2);
    replace(&slot(&place, 3), &fs::read(slot(&place, 1)).unwrap());
    fs::remove_file(claim(&place, "run-1")).unwrap();
    let before = findings(&place.open());
    drop(place.open().mend().unwrap());
    assert_eq!(findings(&place.open()), before);
    assert!(!claim(&place, "run-1").exists());
}

/// The entries that a segment holds, each as it was recorded.
fn contents(path: &PathBuf) -> Vec<Option<Vec<u8>>> {
    let segment = segment::Segment::open(fs::read(path).unwrap()).unwrap();
    let last = segment.last().get();
    (last - 255..=last)
        .map(|seq| segment.file(Seq::new(seq).unwrap()).unwrap())
        .collect()
}

#[test]
fn segments_that_come_to_harm_in_any_way_are_sealed_again_with_the_same_content() {
    let place = store_of(560);
    let (first, second) = (sealed(&place, 1, 256), sealed(&place, 257, 512));
    let whole = [&first, &second].map(|path| fs::read(path).unwrap());
    let held = [&first, &second].map(contents);
    let shown = |path: &PathBuf| {
        path.strip_prefix(place.path())
            .unwrap()
            .display()
            .to_string()
    };
    let slots = || {
        let log = place.path().join(COHORT).join("log/0000000000");
        let mut slots: Vec<PathBuf> = fs::read_dir(log)
            .unwrap()
            .map(|slot| slot.unwrap().path())
            .collect();
        slots.sort();
        slots
            .iter()
            .map(|slot| fs::read(slot).unwrap())
            .collect::<Vec<_>>()
    };
    let before = slots();
    let flipped = |at: usize| {
        let mut bytes = whole[0].clone();
        bytes[at] ^= 1;
        bytes
    };
    let end = whole[0].len();
    for (way, bytes) in [
        ("flipped in the header", flipped(20)),
        ("flipped in a row", flipped(1000)),
        ("flipped in a frame", flipped(end - 5)),
        ("cut", whole[0][..end * 2 / 3].to_vec()),
        ("empty", Vec::new()),
        ("zeroed", vec![0; end]),
        ("another one", whole[1].clone()),
    ] {
        replace(&first, &bytes);
        assert_eq!(
            findings(&place.open()),
            [format!("stale segment {}", shown(&first))],
            "{way}"
        );
        let mended = place.open().mend().unwrap();
        assert_eq!((mended.removed, mended.sealed), (1, 1), "{way}");
        assert_eq!(findings(&place.open()), Vec::<String>::new(), "{way}");
        assert_eq!(contents(&first), held[0], "{way}");
    }
    // Two that were exchanged, and two that are gone: both are made again.
    replace(&first, &whole[1]);
    replace(&second, &whole[0]);
    assert_eq!(findings(&place.open()).len(), 2);
    assert_eq!(place.open().mend().unwrap().sealed, 2);
    for path in [&first, &second] {
        fs::remove_file(path).unwrap();
    }
    assert_eq!(place.open().mend().unwrap().sealed, 2);
    assert_eq!([&first, &second].map(contents), held);
    // One that stands where there is nothing yet to seal names places that it does not hold.
    let beyond = sealed(&place, 513, 768);
    replace(&beyond, &whole[0]);
    assert_eq!(
        findings(&place.open()),
        [format!("stale segment {}", shown(&beyond))]
    );
    assert_eq!(slots(), before);
}
