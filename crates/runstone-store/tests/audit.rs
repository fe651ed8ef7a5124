//! An audit names everything that cannot be believed, and stops at nothing.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step should stop the test"
)]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use runstone_store::dir::faults::{Fault, FaultyFileSystem, Moment};
use runstone_store::dir::{Kind, OsFileSystem};
use runstone_store::{
    Appended, Damage, DamageKind, DirStore, Log, Seq, Slot, Standing, Store as _, SystemEntropy,
};
use support::{COHORT, Place, claim, cohort, entry, findings, key, log, record, replace, slot};

/// EIO.
const BAD_SECTOR: i32 = 5;

fn below(place: &Place, path: &Path) -> String {
    path.strip_prefix(place.path())
        .unwrap()
        .display()
        .to_string()
}

fn put(path: &Path) {
    drop(
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .unwrap(),
    );
}

fn open_on(
    place: &Place,
    fs: &FaultyFileSystem<OsFileSystem>,
) -> DirStore<FaultyFileSystem<OsFileSystem>> {
    DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap()
}

fn lose_next(fs: &FaultyFileSystem<OsFileSystem>, call: &'static str) {
    let (call, moment) = (Some(call), Moment::Before);
    fs.fail(Fault {
        call,
        after_calls: 0,
        errno: BAD_SECTOR,
        moment,
    });
}

fn append<F: runstone_store::dir::FileSystem>(store: &DirStore<F>, run: &str) -> u64 {
    match store.append(&log(), Some(&key(run)), &entry(run.as_bytes())) {
        Ok(Appended::New(committed)) => committed.seq.get(),
        other => panic!("not new: {other:?}"),
    }
}

#[test]
fn what_stands_in_the_way_costs_itself_alone() {
    let place = Place::new();
    let store = place.init();
    record(&store, &["first", "second"]);
    let object = store
        .put_object(b"object", Standing::Unproven)
        .unwrap()
        .to_string();
    let profile = store.put_profile(b"profile", Standing::Unproven).unwrap();
    let root = place.path();
    let files = [
        format!("{COHORT}/cohort.json"),
        format!("objects/{}/{object}", &object[..2]),
        format!("profiles/{profile}.toml"),
    ];
    for file in &files {
        fs::remove_file(root.join(file)).unwrap();
        fs::create_dir(root.join(file)).unwrap();
    }
    let fan = claim(&place, "first").parent().unwrap().to_owned();
    let elsewhere = root.with_file_name("elsewhere");
    fs::remove_dir_all(&fan).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, &fan).unwrap();
    for stray in [
        "readme",
        "cohorts/readme",
        "keys/readme",
        "objects/readme",
        &format!("{COHORT}/log/readme"),
    ] {
        put(&root.join(stray));
    }
    let store = place.open();
    let mut expected: Vec<String> = files
        .iter()
        .map(|file| format!("damage file type {file}"))
        .collect();
    expected.push(format!("damage file type {}", below(&place, &fan)));
    expected.extend(
        [
            "readme",
            "cohorts/readme",
            "keys/readme",
            "objects/readme",
            &format!("{COHORT}/log/readme"),
        ]
        .map(|stray| format!("stale unknown {stray}")),
    );
    expected.sort();
    let mut found = findings(&store);
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(store.cohorts("", None).unwrap(), [cohort()]);
    let profile = store.profile(&profile).unwrap();
    assert!(matches!(
        profile,
        Slot::Damaged(Damage {
            kind: DamageKind::FileType,
            ..
        })
    ));
}

#[test]
fn entry_whose_claim_is_lost_is_named_before_its_key_gets_a_second_place() {
    let place = Place::new();
    record(&place.init(), &["first", "second"]);
    let lost = claim(&place, "second");
    fs::remove_file(&lost).unwrap();
    let path = below(&place, &lost);
    assert_eq!(findings(&place.open()), [format!("damage missing {path}")]);
}

#[test]
fn flipped_bit_of_the_format_is_damage_and_closes_nothing() {
    let place = Place::new();
    record(&place.init(), &["first", "second"]);
    let text = fs::read_to_string(slot(&place, 2)).unwrap();
    replace(
        &slot(&place, 2),
        text.replacen("\"format\":1", "\"format\":3", 1).as_bytes(),
    );
    let store = place.open();
    let peeked = store.peek(&log(), Seq::new(2).unwrap()).unwrap();
    assert!(matches!(
        peeked,
        Slot::Damaged(Damage {
            kind: DamageKind::Checksum,
            ..
        })
    ));
    assert_eq!(append(&store, "third"), 3);
    let damage = format!("damage checksum {}", below(&place, &slot(&place, 2)));
    assert!(findings(&store).contains(&damage));
}

#[test]
fn tail_that_only_the_hint_remembers_is_named_at_first_sight() {
    let place = Place::new();
    let runs: Vec<String> = (1..=16).map(|number| format!("run-{number}")).collect();
    record(
        &place.init(),
        &runs.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    for seq in [15, 16] {
        fs::remove_file(slot(&place, seq)).unwrap();
    }
    let found = findings(&place.open());
    for seq in [15, 16] {
        let line = format!("damage missing {}", below(&place, &slot(&place, seq)));
        assert!(found.contains(&line), "{found:?}");
    }
}

#[test]
fn hole_of_any_width_is_named_place_by_place_up_to_a_limit() {
    for (place_of_third, missing) in [(44, 41), (200, 65)] {
        let place = Place::new();
        record(&place.init(), &["first", "second", "third"]);
        fs::hard_link(slot(&place, 3), slot(&place, place_of_third)).unwrap();
        fs::remove_file(slot(&place, 3)).unwrap();
        let found = findings(&place.open());
        let named = found
            .iter()
            .filter(|line| line.starts_with("damage missing"));
        assert_eq!(named.count(), missing, "{found:?}");
    }
}

#[test]
fn entry_on_a_bad_sector_is_damage_and_closes_nothing() {
    let place = Place::new();
    record(&place.init(), &["first", "second"]);
    let fs = FaultyFileSystem::new(OsFileSystem);
    let store = open_on(&place, &fs);
    lose_next(&fs, "read");
    let read = store.read(&log(), Seq::FIRST).unwrap();
    assert!(
        matches!(
            &read,
            Slot::Damaged(Damage {
                kind: DamageKind::Unreadable,
                ..
            })
        ),
        "{read:?}"
    );
    assert_eq!(fs.heal(), Some("read"));
    // The first file that a commit reads is the newest entry.
    let store = open_on(&place, &fs);
    lose_next(&fs, "read");
    assert_eq!(append(&store, "third"), 3);
    assert_eq!(fs.heal(), Some("read"));
    let third = store
        .read(&log(), Seq::new(3).unwrap())
        .unwrap()
        .whole()
        .unwrap();
    assert_eq!(third.envelope.head_seen.unwrap().seq, Seq::FIRST);
}

#[test]
fn damaged_digest_of_the_newest_entry_is_not_passed_on() {
    let place = Place::new();
    record(&place.init(), &["first", "second"]);
    let text = fs::read_to_string(slot(&place, 2)).unwrap();
    let (head, tail) = text.split_once("\"sha256\":\"").unwrap();
    let flipped = format!(
        "{head}\"sha256\":\"{}{}",
        if tail.starts_with('0') { '1' } else { '0' },
        &tail[1..]
    );
    replace(&slot(&place, 2), flipped.as_bytes());
    // A torn claim makes the handle pass over every entry before it writes.
    put(&claim(&place, "torn"));
    let store = place.open();
    assert_eq!(store.find(&key("torn")).unwrap(), None);
    assert_eq!(append(&store, "third"), 3);
    let third = store
        .read(&log(), Seq::new(3).unwrap())
        .unwrap()
        .whole()
        .unwrap();
    assert_eq!(third.envelope.head_seen.unwrap().seq, Seq::FIRST);
}

#[test]
fn file_of_another_shard_is_nobodys_head() {
    for kind in [Kind::Journal, Kind::Network] {
        let place = Place::new();
        record(&place.init(), &["first"]);
        put(&slot(&place, u64::MAX));
        let store = open_on(&place, &FaultyFileSystem::new(OsFileSystem).posing_as(kind));
        assert_eq!(append(&store, "second"), 2, "{kind:?}");
        let stray = format!("stale unknown {}", below(&place, &slot(&place, u64::MAX)));
        assert_eq!(findings(&store), [stray], "{kind:?}");
    }
}

#[test]
fn note_that_was_copied_to_a_free_place_has_two() {
    let place = Place::new();
    let store = place.init();
    record(&store, &["first"]);
    let notes = Log::CohortNotes(cohort());
    drop(store.append(&notes, None, &entry(b"a note")).unwrap());
    let notes = place.path().join(COHORT).join("notes/0000000000");
    let first = fs::read(notes.join("00000000000000000001")).unwrap();
    replace(&notes.join("00000000000000000002"), &first);
    assert_eq!(
        findings(&place.open()),
        [format!(
            "damage twice {COHORT}/notes/0000000000/00000000000000000002"
        )]
    );
}

#[test]
fn what_does_not_belong_among_claims_and_beside_the_secret_is_named() {
    let place = Place::new();
    record(&place.init(), &["first"]);
    let claim = claim(&place, "first");
    let name = below(&place, &claim);
    let fan = claim.parent().unwrap().to_owned();
    let whole = fs::read(&claim).unwrap();
    replace(&claim.with_extension("1"), &whole);
    replace(&claim.with_extension("adopted"), b"");
    replace(&fan.join("none.adopted"), b"");
    replace(&place.path().join("secret/copy"), b"");
    let mut found = findings(&place.open());
    found.sort();
    let fan = below(&place, &fan);
    assert_eq!(
        found,
        [
            format!("stale unknown {name}.1"),
            format!("stale unknown {fan}/none.adopted"),
            "stale unknown secret/copy".to_owned(),
        ]
    );
}
