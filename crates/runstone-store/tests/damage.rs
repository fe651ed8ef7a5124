//! Damage is named, costs what it hit, and is never written over.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step should stop the test"
)]

mod support;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::symlink;
use std::process::Command;

use runstone_store::{
    Appended, DamageKind, DirStore, Hash256, Log, Seq, Slot, Standing, Store, StoreError,
};
use support::{
    COHORT, Place, claim, cohort, entry, findings, garble, item, key, log, record, replace, slot,
};

fn at(seq: u64) -> Seq {
    Seq::new(seq).unwrap()
}

fn append(store: &DirStore, run: &str) -> Result<Appended, StoreError> {
    store.append(&log(), Some(&key(run)), &entry(run.as_bytes()))
}

fn place_of(appended: Result<Appended, StoreError>) -> u64 {
    match appended.unwrap() {
        Appended::New(committed) => committed.seq.get(),
        other => panic!("not new: {other:?}"),
    }
}

fn damage_at(store: &dyn Store, seq: u64) -> DamageKind {
    match store.read(&log(), at(seq)).unwrap() {
        Slot::Damaged(damage) => {
            assert_eq!(damage.slot, Some((log(), at(seq))));
            damage.kind
        }
        other => panic!("not damaged: {other:?}"),
    }
}

#[test]
fn damaged_entry_is_named_and_its_place_stays_taken() {
    let place = Place::new();
    record(&place.init(), &["first", "second", "third"]);
    garble(&slot(&place, 3));
    let store = place.open();
    assert_eq!(damage_at(&store, 3), DamageKind::Checksum);
    assert!(store.peek(&log(), at(3)).unwrap().whole().is_some());
    assert_eq!(place_of(append(&store, "fourth")), 4);
    let path = format!("damage checksum {COHORT}/log/0000000000/00000000000000000003");
    assert_eq!(findings(&store)[0], path);
}

#[test]
fn unreadable_entry_is_the_only_finding() {
    let place = Place::new();
    record(&place.init(), &["first", "second", "third"]);
    replace(&slot(&place, 2), b"no envelope");
    let path = format!("{COHORT}/log/0000000000/00000000000000000002");
    let findings = findings(&place.open());
    assert_eq!(findings[0], format!("damage envelope {path}"));
    assert_eq!(
        findings
            .iter()
            .filter(|line| line.starts_with("damage"))
            .count(),
        1
    );
}

#[test]
fn hole_is_damage_and_is_never_filled() {
    let place = Place::new();
    record(&place.init(), &["a", "b", "c", "d", "e"]);
    for seq in [2, 3] {
        fs::remove_file(slot(&place, seq)).unwrap();
    }
    let store = place.open();
    assert_eq!(damage_at(&store, 2), DamageKind::Missing);
    assert_eq!(place_of(append(&store, "f")), 6);
    assert!(!slot(&place, 2).exists() && !slot(&place, 3).exists());
    let missing = findings(&store)
        .into_iter()
        .filter(|line| line.starts_with("damage missing"));
    assert_eq!(missing.count(), 2);
}

#[test]
fn hole_right_below_the_last_entry_is_never_filled() {
    let place = Place::new();
    record(&place.init(), &["a", "b", "c", "d"]);
    fs::remove_file(slot(&place, 3)).unwrap();
    assert_eq!(place_of(append(&place.open(), "e")), 5);
    assert!(!slot(&place, 3).exists());
}

#[test]
fn hole_is_not_filled_by_a_batch_that_begins_below_it() {
    let place = Place::new();
    record(&place.init(), &["a", "b", "c", "d", "e"]);
    for seq in [2, 3] {
        fs::remove_file(slot(&place, seq)).unwrap();
    }
    let items: Vec<_> = (0..8)
        .map(|number| item(&format!("run-{number}")))
        .collect();
    let places: Vec<u64> = place
        .open()
        .append_all(&items, &mut |_, _, _| None)
        .into_iter()
        .map(place_of)
        .collect();
    assert_eq!(places, (6..14).collect::<Vec<_>>());
    assert!(!slot(&place, 2).exists() && !slot(&place, 3).exists());
}

#[test]
fn batch_writes_over_nothing_that_turns_up_in_its_way() {
    let place = Place::new();
    let store = place.init();
    record(&store, &["a"]);
    // Beyond a gap, at a place that no look from the one below meets: 2 + 1, 2, 4, 8 …
    fs::copy(slot(&place, 1), slot(&place, 5)).unwrap();
    let items: Vec<_> = (0..8)
        .map(|number| item(&format!("run-{number}")))
        .collect();
    let places: Vec<u64> = store
        .append_all(&items, &mut |_, _, _| None)
        .into_iter()
        .map(place_of)
        .collect();
    assert_eq!(places, [2, 3, 4, 6, 7, 8, 9, 10]);
    let (first, fifth) = (slot(&place, 1), slot(&place, 5));
    assert_eq!(fs::read(first).unwrap(), fs::read(fifth).unwrap());
}

#[test]
fn tail_that_only_the_hint_remembers_is_lost_and_not_given_out_again() {
    let place = Place::new();
    let runs: Vec<String> = (1..=16).map(|number| format!("run-{number}")).collect();
    record(
        &place.init(),
        &runs.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    for seq in [15, 16] {
        fs::remove_file(slot(&place, seq)).unwrap();
    }
    let store = place.open();
    assert_eq!(place_of(append(&store, "after")), 17);
    let lost: Vec<_> = findings(&store)
        .into_iter()
        .filter(|line| line.starts_with("damage missing"))
        .collect();
    assert_eq!(lost.len(), 2, "{lost:?}");
}

#[test]
fn garbled_stale_and_foreign_hints_cost_nothing_but_time() {
    let place = Place::new();
    let runs: Vec<String> = (1..=16).map(|number| format!("run-{number}")).collect();
    record(
        &place.init(),
        &runs.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let hint = place.path().join(format!("{COHORT}/view/head.json"));
    let whole = fs::read_to_string(&hint).unwrap();
    let beyond = whole.replace("\"seq\":16", "\"seq\":900");
    assert_ne!(whole, beyond);
    for (next, garbage) in (17..).zip(["", "{}", "null", "\u{0}\u{0}", &whole[..40], &beyond]) {
        replace(&hint, garbage.as_bytes());
        let store = place.open();
        let stale = format!("stale hint {COHORT}/view/head.json");
        assert_eq!(findings(&store), [stale], "{garbage:?}");
        assert_eq!(
            place_of(append(&store, &format!("run-{next}"))),
            next,
            "{garbage:?}"
        );
    }
    replace(&hint, whole.as_bytes());
    assert_eq!(place_of(append(&place.open(), "last")), 23);
}

#[test]
fn entry_of_another_place_is_not_believed() {
    let place = Place::new();
    record(&place.init(), &["first", "second", "third"]);
    let third = fs::read(slot(&place, 3)).unwrap();
    replace(&slot(&place, 1), &third);
    assert_eq!(damage_at(&place.open(), 1), DamageKind::Place);
    let other = Place::new();
    record(&other.init(), &["first"]);
    let foreign = fs::read(slot(&other, 1)).unwrap();
    replace(&slot(&place, 1), &foreign);
    assert_eq!(damage_at(&place.open(), 1), DamageKind::Place);
}

#[test]
fn history_that_was_replaced_is_a_fork() {
    let place = Place::new();
    let store = place.init();
    record(&store, &["first", "second"]);
    // A rival of the same store records something else at the same place.
    let rival = Place::new();
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(place.path()).arg(rival.path());
    assert!(copy.status().unwrap().success());
    record(&store, &["third", "fourth"]);
    record(&rival.open(), &["another"]);
    replace(&slot(&place, 3), &fs::read(slot(&rival, 3)).unwrap());
    let forks = findings(&place.open());
    let fourth = format!("damage fork {COHORT}/log/0000000000/00000000000000000004");
    assert!(forks.contains(&fourth), "{forks:?}");
}

#[test]
fn key_with_two_places_is_named() {
    let place = Place::new();
    record(&place.init(), &["first", "second"]);
    fs::hard_link(slot(&place, 2), slot(&place, 3)).unwrap();
    let path = format!("damage twice {COHORT}/log/0000000000/00000000000000000003");
    assert_eq!(findings(&place.open()), [path]);
}

#[test]
fn claim_torn_by_a_crash_before_its_slot_is_made_again_in_the_next_generation() {
    let place = Place::new();
    record(&place.init(), &["first"]);
    let torn = claim(&place, "second");
    let whole = fs::read(claim(&place, "first")).unwrap();
    fs::copy(claim(&place, "first"), &torn).unwrap();
    replace(&torn, &whole[..whole.len() / 2]);
    let store = place.open();
    assert_eq!(place_of(append(&store, "second")), 2);
    assert!(torn.with_extension("1").exists());
    assert!(matches!(append(&store, "second"), Ok(Appended::Already(_))));
    let path = torn
        .strip_prefix(place.path())
        .unwrap()
        .display()
        .to_string();
    assert_eq!(findings(&store), [format!("stale torn claim {path}")]);
}

#[test]
fn newest_generation_of_a_claim_counts() {
    let place = Place::new();
    record(&place.init(), &["first"]);
    let rival = Place::new();
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(place.path()).arg(rival.path());
    assert!(copy.status().unwrap().success());
    record(&rival.open(), &["second"]);
    let earlier = fs::read(claim(&rival, "second")).unwrap();
    let torn = claim(&place, "second");
    fs::copy(claim(&place, "first"), &torn).unwrap();
    replace(&torn, b"");
    let store = place.open();
    let other = entry(b"other");
    assert_eq!(
        place_of(store.append(&log(), Some(&key("second")), &other)),
        2
    );
    // The torn claim turns out to be readable after all.
    replace(&torn, &earlier);
    let claimed = store.claim(&key("second")).unwrap().unwrap();
    assert_eq!(claimed.content, other.content);
    let again = store.append(&log(), Some(&key("second")), &other);
    assert!(matches!(again, Ok(Appended::Already(_))), "{again:?}");
}

#[test]
fn torn_claim_whose_entry_stands_is_answered_by_the_entry() {
    let place = Place::new();
    record(&place.init(), &["first", "second"]);
    replace(&claim(&place, "first"), b"");
    let store = place.open();
    let appended = append(&store, "first").unwrap();
    assert!(
        matches!(&appended, Appended::Already(it) if it.seq == at(1)),
        "{appended:?}"
    );
    let other = store
        .append(&log(), Some(&key("first")), &entry(b"other"))
        .unwrap();
    assert!(
        matches!(
            other,
            Appended::Taken {
                recorded: Some(_),
                ..
            }
        ),
        "{other:?}"
    );
    assert_eq!(
        store.claim(&key("first")).unwrap().unwrap().content,
        Hash256::of(b"first")
    );
}

#[test]
fn torn_claim_behind_a_damaged_entry_is_not_decided() {
    let place = Place::new();
    record(&place.init(), &["first", "second"]);
    replace(&claim(&place, "first"), b"");
    garble(&slot(&place, 1));
    let told = append(&place.open(), "first").unwrap_err();
    let StoreError::Damaged(damage) = told else {
        panic!("{told:?}")
    };
    assert_eq!(
        (damage.slot.clone(), damage.kind),
        (Some((log(), at(1))), DamageKind::Checksum)
    );
}

#[test]
fn claim_of_a_writer_that_died_is_stale_and_its_content_is_recorded_by_the_next() {
    let place = Place::new();
    record(&place.init(), &["first", "second"]);
    fs::remove_file(slot(&place, 2)).unwrap();
    let store = place.open();
    let other = store
        .append(&log(), Some(&key("second")), &entry(b"other"))
        .unwrap();
    assert!(
        matches!(other, Appended::Taken { recorded: None, .. }),
        "{other:?}"
    );
    assert!(findings(&store)[0].starts_with("stale claim keys/"));
    assert_eq!(place_of(append(&store, "second")), 2);
    assert_eq!(findings(&store), Vec::<String>::new());
}

#[test]
fn claim_that_has_seen_more_than_the_log_shows_names_the_lost_tail() {
    let place = Place::new();
    record(&place.init(), &["first", "second", "third"]);
    for seq in [2, 3] {
        fs::remove_file(slot(&place, seq)).unwrap();
    }
    let forks = findings(&place.open());
    assert!(
        forks
            .iter()
            .any(|line| line.starts_with("damage fork keys/")),
        "{forks:?}"
    );
}

#[test]
fn what_is_no_regular_file_is_damage_and_not_followed() {
    let place = Place::new();
    record(&place.init(), &["first", "second"]);
    let elsewhere = place.path().with_file_name("elsewhere");
    fs::copy(slot(&place, 2), &elsewhere).unwrap();
    fs::remove_file(slot(&place, 2)).unwrap();
    symlink(&elsewhere, slot(&place, 2)).unwrap();
    assert_eq!(damage_at(&place.open(), 2), DamageKind::FileType);
}

#[test]
fn objects_profiles_and_documents_are_checked_by_their_names() {
    let place = Place::new();
    let store = place.init();
    record(&store, &["first"]);
    let object = store
        .put_object(b"object", Standing::Unproven)
        .unwrap()
        .to_string();
    let profile = store.put_profile(b"profile", Standing::Unproven).unwrap();
    let object_path = format!("objects/{}/{object}", &object[..2]);
    let profile_path = format!("profiles/{profile}.toml");
    replace(&place.path().join(&object_path), b"other");
    replace(&place.path().join(&profile_path), b"other");
    fs::remove_file(place.path().join(format!("{COHORT}/cohort.json"))).unwrap();
    let expected = [
        format!("damage document {COHORT}/cohort.json"),
        format!("damage digest {object_path}"),
        format!("damage digest {profile_path}"),
    ];
    assert_eq!(findings(&store), expected);
    assert!(matches!(
        store.object(&object.parse().unwrap()).unwrap(),
        Slot::Damaged(_)
    ));
}

#[test]
fn damaged_bytes_give_their_place_to_whoever_brings_the_whole_ones() {
    for standing in [Standing::Unproven, Standing::NamedByCommitted] {
        let place = Place::new();
        let store = place.init();
        record(&store, &["first"]);
        let object = store.put_object(b"object", Standing::Unproven).unwrap();
        let profile = store.put_profile(b"profile", Standing::Unproven).unwrap();
        let named = object.to_string();
        let path = format!("objects/{}/{named}", &named[..2]);
        replace(&place.path().join(&path), b"other");
        replace(&place.path().join(format!("profiles/{profile}.toml")), b"");
        assert_eq!(findings(&store).len(), 2);
        assert_eq!(store.put_object(b"object", standing).unwrap(), object);
        assert_eq!(store.put_profile(b"profile", standing).unwrap(), profile);
        assert_eq!(findings(&store), Vec::<String>::new());
        let whole = Slot::Whole(b"object".to_vec());
        assert_eq!(store.object(&object).unwrap(), whole);
        let quarantine = place.path().join("quarantine");
        let mut kept: Vec<Vec<u8>> = fs::read_dir(quarantine)
            .unwrap()
            .map(|entry| fs::read(entry.unwrap().path()).unwrap())
            .collect();
        kept.sort_unstable();
        assert_eq!(kept, [b"".to_vec(), b"other".to_vec()]);
    }
}

#[test]
fn what_is_no_file_is_nobodys_to_replace() {
    let place = Place::new();
    let store = place.init();
    let object = store.put_object(b"object", Standing::Unproven).unwrap();
    let named = object.to_string();
    let path = place
        .path()
        .join(format!("objects/{}/{named}", &named[..2]));
    fs::remove_file(&path).unwrap();
    symlink("/dev/null", &path).unwrap();
    for standing in [Standing::Unproven, Standing::NamedByCommitted] {
        let told = store.put_object(b"object", standing).unwrap_err();
        assert!(matches!(told, StoreError::Damaged(_)), "{told:?}");
    }
    assert!(path.is_symlink());
}

#[test]
fn leftovers_are_stale_and_in_nobodys_way() {
    let place = Place::new();
    let store = place.init();
    record(&store, &["first"]);
    for directory in ["", "keys/00", COHORT, &format!("{COHORT}/log/0000000000")] {
        let path = place.path().join(directory).join(".t-0123");
        drop(
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(path)
                .unwrap(),
        );
    }
    let lines = findings(&store);
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(
        lines
            .iter()
            .all(|line| line.starts_with("stale temporary ")),
        "{lines:?}"
    );
    assert_eq!(place_of(append(&store, "second")), 2);
    assert_eq!(store.cohorts("", None).unwrap(), [cohort()]);
    assert_eq!(store.head(&Log::StoreNotes).unwrap(), None);
}
