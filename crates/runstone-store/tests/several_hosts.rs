//! What one host recorded is there for another that remembers that it was not.
//!
//! Two handles on one directory stand for two hosts on a network file system: each goes on not to
//! see a name that it asked for too early, until it lists the directory.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

mod support;

use std::fs::create_dir_all;

use runstone_store::dir::faults::{Fault, FaultyFileSystem, Moment};
use runstone_store::dir::{Kind, OsFileSystem};
use runstone_store::{
    Appended, DirStore, Hash256, OpenedCohort, Seq, Slot, Standing, Store as _, StoreError,
    SystemEntropy,
};
use support::{Place, cohort, entry, key, log, record};

type Host = DirStore<FaultyFileSystem<OsFileSystem>>;

/// A host that mounts the store.
fn host(place: &Place) -> Host {
    let fs = FaultyFileSystem::new(OsFileSystem)
        .posing_as(Kind::Network)
        .remembering_absence();
    DirStore::open_on(fs, &place.path(), SystemEntropy).unwrap()
}

fn two_hosts() -> (Place, Host, Host) {
    let place = Place::new();
    drop(place.init());
    let (here, there) = (host(&place), host(&place));
    (place, here, there)
}

#[test]
fn place_that_was_free_is_read_after_another_host_took_it() {
    let (_place, here, there) = two_hosts();
    record(&here, &["first"]);
    assert_eq!(here.head(&log()).unwrap(), Some(Seq::FIRST));
    record(&there, &["second"]);
    let second = Seq::FIRST.next();
    let read = here.read(&log(), second).unwrap();
    assert_eq!(read.whole().unwrap().payload, b"second");
    assert_eq!(here.head(&log()).unwrap(), Some(second));
}

#[test]
fn place_that_was_free_is_no_damage_to_who_knows_that_a_higher_one_is_taken() {
    let (_place, here, there) = two_hosts();
    record(&here, &["first"]);
    assert_eq!(here.head(&log()).unwrap(), Some(Seq::FIRST));
    record(&there, &["second", "third"]);
    let second = Seq::FIRST.next();
    let third = here.read(&log(), second.next()).unwrap();
    assert_eq!(third.whole().unwrap().payload, b"third");
    let read = here.read(&log(), second).unwrap();
    assert_eq!(read.whole().unwrap().payload, b"second");
}

#[test]
fn run_of_another_host_is_found_and_holds_its_attempt() {
    let (_place, here, there) = two_hosts();
    record(&here, &["first"]);
    assert_eq!(here.head(&log()).unwrap(), Some(Seq::FIRST));
    record(&there, &["second"]);
    let told = here.append(&log(), Some(&key("second")), &entry(b"other content"));
    let Appended::Taken { recorded, .. } = told.unwrap() else {
        panic!("one key has two contents");
    };
    assert_eq!(recorded.unwrap().seq, Seq::FIRST.next());
}

#[test]
fn run_of_another_host_is_found_by_its_key() {
    let (_place, here, there) = two_hosts();
    record(&here, &["first"]);
    assert_eq!(here.head(&log()).unwrap(), Some(Seq::FIRST));
    record(&there, &["second"]);
    let found = here.find(&key("second")).unwrap();
    assert_eq!(found.unwrap().seq, Seq::FIRST.next());
}

#[test]
fn cohort_that_was_not_there_is_read_after_another_host_made_it() {
    let (_place, here, there) = two_hosts();
    assert_eq!(here.head(&log()).unwrap(), None);
    assert_eq!(here.cohort_document(&cohort()).unwrap(), None);
    record(&there, &["first"]);
    assert_eq!(here.find(&key("first")).unwrap().unwrap().seq, Seq::FIRST);
    assert_eq!(here.head(&log()).unwrap(), Some(Seq::FIRST));
    assert_eq!(here.cohort_document(&cohort()).unwrap().unwrap(), b"{}");
    let opened = here.open_cohort(&cohort(), b"{}").unwrap();
    assert_eq!(opened, OpenedCohort::Existing);
}

#[test]
fn cohort_that_another_host_made_takes_the_first_note_of_who_asked_too_early() {
    let (place, here, there) = two_hosts();
    let notes = log().notes().unwrap();
    // The other host is at it: its directories are there, and the document is not.
    let half_made = place.path().join(format!("cohorts/{}/notes", cohort()));
    create_dir_all(half_made).unwrap();
    let early = here.append(&notes, None, &entry(b"early"));
    assert!(
        matches!(early, Err(StoreError::NoCohort { .. })),
        "{early:?}"
    );
    there.open_cohort(&cohort(), b"{}").unwrap();
    let noted = here.append(&notes, None, &entry(b"noted"));
    assert!(matches!(noted, Ok(Appended::New(_))), "{noted:?}");
}

#[test]
fn what_another_host_keeps_is_read_by_who_asked_too_early() {
    let (_place, here, there) = two_hosts();
    let text = b"[profile]";
    let digest = Hash256::of(text);
    assert_eq!(here.profile(&digest).unwrap(), Slot::Absent);
    assert_eq!(here.object(&digest).unwrap(), Slot::Absent);
    there.put_profile(text, Standing::Unproven).unwrap();
    there.put_object(text, Standing::Unproven).unwrap();
    assert_eq!(here.profile(&digest).unwrap(), Slot::Whole(text.to_vec()));
    assert_eq!(here.object(&digest).unwrap(), Slot::Whole(text.to_vec()));
}

#[test]
fn cohort_that_another_host_made_is_listed_by_who_looked_too_early() {
    let (place, here, there) = two_hosts();
    let half_made = place.path().join(format!("cohorts/{}/log", cohort()));
    create_dir_all(half_made).unwrap();
    assert_eq!(here.cohorts("", None).unwrap(), []);
    there.open_cohort(&cohort(), b"{}").unwrap();
    assert_eq!(here.cohorts("", None).unwrap(), [cohort()]);
}

#[test]
fn secret_that_another_host_made_is_not_lost() {
    let (_place, here, there) = two_hosts();
    assert_eq!(here.secret().unwrap(), Slot::Absent);
    let made = there.make_secret().unwrap();
    assert_eq!(here.make_secret().unwrap().id(), made.id());
}

#[test]
fn store_that_the_server_does_not_give_is_no_question_of_permission() {
    let place = Place::new();
    drop(place.init());
    let fs = FaultyFileSystem::new(OsFileSystem).posing_as(Kind::Network);
    for (errno, hint) in [
        (
            5,
            "mend the cause; `runstone verify` then names what else cannot be read",
        ),
        (13, "ask the owner of the store for permission to read it"),
    ] {
        fs.fail(Fault {
            call: Some("open_read"),
            after_calls: 0,
            errno,
            moment: Moment::Before,
        });
        let error = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap_err();
        assert_eq!(error.hint().unwrap(), hint, "{error}");
    }
}
