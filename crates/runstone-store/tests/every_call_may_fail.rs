//! Whatever call of a commit fails, the answer is true.
//!
//! The fault walks over every call to the file system, before it acts and after: an acknowledged
//! entry is there, one that is "not recorded" is not, and after "unknown" the same call finds out.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step should stop the test"
)]

mod support;

use std::path::Path;

use runstone_store::dir::faults::{Fault, FaultyFileSystem, Moment};
use runstone_store::dir::{Kind, OsFileSystem};
use runstone_store::{
    Appended, CohortName, DirStore, KeyText, Log, Seq, Slot, Store, StoreError, SystemEntropy,
};
use support::{Place, entry};

/// EIO, ENOSPC, EROFS, ESTALE: two that leave everything open, and two that say what they mean.
const ERRNOS: [i32; 4] = [5, 28, 30, 116];

/// What the cohort holds before the commit that is to fail.
#[derive(Debug, Clone, Copy)]
enum Before {
    /// Nothing: the commit begins the log.
    Nothing,
    /// As many entries as make the commit the one that leaves a hint.
    FifteenEntries,
    /// A claim of the key by a writer that died before it had a slot.
    DeadClaim,
}

#[test]
fn no_failing_call_makes_an_answer_untrue_on_a_journal() {
    walk(Kind::Journal);
}

#[test]
fn no_failing_call_makes_an_answer_untrue_on_copy_on_write() {
    walk(Kind::CopyOnWrite);
}

#[test]
fn no_failing_call_makes_an_answer_untrue_on_a_network() {
    walk(Kind::Network);
}

#[test]
fn link_whose_late_reply_says_taken_is_known_by_its_nonce() {
    let place = Place::new();
    drop(place.init());
    let fs = FaultyFileSystem::new(OsFileSystem).posing_as(Kind::Network);
    let store = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
    let (call, errno, moment) = (Some("link"), 17, Moment::After);

    fs.fail(Fault {
        call,
        after_calls: 0,
        errno,
        moment,
    });
    let appended = store
        .append(&Log::StoreNotes, None, &entry(b"note"))
        .unwrap();
    assert!(matches!(appended, Appended::New(_)), "{appended:?}");
    assert_eq!(fs.heal(), call);
    assert_eq!(store.head(&Log::StoreNotes).unwrap(), Some(Seq::FIRST));

    let cohort = "c".parse().unwrap();
    store.open_cohort(&cohort, b"{}").unwrap();
    fs.fail(Fault {
        call,
        after_calls: 1,
        errno,
        moment,
    });
    let appended = append(&store, &cohort, "run").unwrap();
    assert!(matches!(appended, Appended::New(_)), "{appended:?}");
    assert_eq!(fs.heal(), call);
}

#[test]
fn refused_link_is_not_a_loss_until_the_nonce_was_read() {
    let place = Place::new();
    drop(place.init());
    let fs = FaultyFileSystem::new(OsFileSystem).posing_as(Kind::Network);
    let store = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
    let late_reply = Fault {
        call: Some("link"),
        after_calls: 0,
        errno: 17,
        moment: Moment::After,
    };
    fs.fail(late_reply);
    fs.then_fail(Fault {
        call: Some("read"),
        after_calls: 0,
        errno: 5,
        moment: Moment::Before,
    });
    let told = store.append(&Log::StoreNotes, None, &entry(b"note"));
    assert!(matches!(told, Err(StoreError::Unknown { .. })), "{told:?}");
    assert_eq!(fs.heal(), Some("read"));
    assert_eq!(store.head(&Log::StoreNotes).unwrap(), Some(Seq::FIRST));
}

#[test]
fn what_was_done_meanwhile_makes_no_place_durable() {
    let place = Place::new();
    drop(place.init());
    let fs = FaultyFileSystem::new(OsFileSystem).posing_as(Kind::Journal);
    let store = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
    let cohort: CohortName = "c".parse().unwrap();
    store.open_cohort(&cohort, b"{}").unwrap();
    let first = append(&store, &cohort, "first").unwrap();
    assert!(matches!(first, Appended::New(_)), "{first:?}");
    for (call, is_done) in [("sync_file", false), ("link", false), ("sync_dir", true)] {
        let store = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
        fs.fail(Fault {
            call: Some(call),
            after_calls: 0,
            errno: 5,
            moment: Moment::Before,
        });
        let mut done = None;
        let (key, log) = (key(&cohort, call), Log::Cohort(cohort.clone()));
        let told = store.append_meanwhile(&log, Some(&key), &entry(b"x"), &mut |seq, _| {
            done = Some(seq);
        });
        assert_eq!(fs.heal(), Some(call));
        if is_done {
            assert!(matches!(told, Err(StoreError::Unknown { .. })), "{told:?}");
            assert_eq!(done, store.head(&log).unwrap());
        } else {
            assert_eq!(done.is_some(), told.is_ok(), "{call}: {told:?}");
        }
    }
}

#[test]
fn name_that_is_taken_and_never_seen_ends_in_an_answer() {
    let place = Place::new();
    drop(place.init());
    let fs = FaultyFileSystem::new(OsFileSystem).posing_as(Kind::Journal);
    let store = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
    let cohort = "c".parse().unwrap();
    store.open_cohort(&cohort, b"{}").unwrap();
    let refuse_every = |call| {
        for _ in 0..1000 {
            fs.then_fail(Fault {
                call: Some(call),
                after_calls: 0,
                errno: 17,
                moment: Moment::Before,
            });
        }
    };
    refuse_every("link");
    let told = store.append(&Log::StoreNotes, None, &entry(b"note"));
    assert!(matches!(told, Err(StoreError::Unknown { .. })), "{told:?}");
    fs.heal();
    refuse_every("name_file");
    let told = append(&store, &cohort, "run");
    assert!(
        matches!(told, Err(StoreError::NotRecorded { .. })),
        "{told:?}"
    );
}

fn walk(kind: Kind) {
    for before in [Before::Nothing, Before::FifteenEntries, Before::DeadClaim] {
        // The hint is a matter of its own and the same for every errno.
        let errnos = match before {
            Before::FifteenEntries => &ERRNOS[..1],
            Before::Nothing | Before::DeadClaim => &ERRNOS[..],
        };
        support::at_every_call(errnos, 30, &mut |path, cohort, fault| {
            strike(path, kind, before, cohort, fault)
        });
    }
}

/// Commits with a fault set; returns whether the fault struck.
fn strike(path: &Path, kind: Kind, before: Before, cohort: &CohortName, fault: Fault) -> bool {
    let context = format!("{kind:?} {before:?} {fault:?}");
    let fs = FaultyFileSystem::new(OsFileSystem)
        .posing_as(kind)
        .without_flushes();
    let open = || DirStore::open_on(fs.clone(), path, SystemEntropy).unwrap();
    prepare(&open(), &fs, kind, before, cohort);

    let store = open();
    fs.fail(fault);
    let outcome = append(&store, cohort, "run");
    let Some(call) = fs.heal() else {
        assert!(
            matches!(outcome, Ok(Appended::New(_))),
            "{context}: {outcome:?}"
        );
        return false;
    };
    let context = format!("{context} struck {call}: {outcome:?}");

    // Another process looks at what became of it.
    let store = open();
    let holders = places_of(&store, cohort, "run");
    match outcome {
        Ok(Appended::New(committed)) => assert_eq!(holders, [committed.seq], "{context}"),
        Ok(_) => panic!("{context}"),
        Err(StoreError::NotRecorded { .. } | StoreError::Damaged(_)) => {
            assert_eq!(holders, [], "{context}");
        }
        Err(StoreError::Unknown { .. }) => assert!(holders.len() <= 1, "{context}"),
        Err(other) => panic!("{context}: {other:?}"),
    }
    let again = append(&store, cohort, "run").unwrap();
    assert!(
        matches!(again, Appended::New(_) | Appended::Already(_)),
        "{context}: {again:?}"
    );
    assert_eq!(places_of(&store, cohort, "run").len(), 1, "{context}");
    true
}

fn prepare(
    store: &DirStore<FaultyFileSystem<OsFileSystem>>,
    fs: &FaultyFileSystem<OsFileSystem>,
    kind: Kind,
    before: Before,
    cohort: &CohortName,
) {
    store.open_cohort(cohort, b"{}").unwrap();
    match before {
        Before::Nothing => {}
        Before::FifteenEntries => {
            for number in 1..=15 {
                let appended = append(store, cohort, &format!("run-{number}")).unwrap();
                assert!(matches!(appended, Appended::New(_)), "{appended:?}");
            }
        }
        Before::DeadClaim => {
            let errno = 28;
            let moment = Moment::Before;
            fs.fail(Fault {
                call: Some("link"),
                // On a journal the claim is the first name of its file, which is given otherwise.
                after_calls: u64::from(kind != Kind::Journal),
                errno,
                moment,
            });
            let told = append(store, cohort, "run").unwrap_err();
            assert!(matches!(told, StoreError::NotRecorded { .. }), "{told:?}");
            assert_eq!(fs.heal(), Some("link"));
        }
    }
}

fn append(store: &dyn Store, cohort: &CohortName, run: &str) -> Result<Appended, StoreError> {
    let log = Log::Cohort(cohort.clone());
    store.append(&log, Some(&key(cohort, run)), &entry(run.as_bytes()))
}

fn key(cohort: &CohortName, run: &str) -> KeyText {
    let (run, stage, cohort) = (run.to_owned(), "train".to_owned(), cohort.clone());
    KeyText {
        run,
        stage,
        cohort,
        attempt: 0,
    }
}

/// Returns every place of the log that holds the run's entry; all places must be whole.
fn places_of(store: &dyn Store, cohort: &CohortName, run: &str) -> Vec<Seq> {
    let log = Log::Cohort(cohort.clone());
    let key = key(cohort, run).key(store.descriptor().store);
    let mut places = Vec::new();
    let mut seq = Seq::FIRST;
    loop {
        match store.read(&log, seq).unwrap() {
            Slot::Whole(entry) if entry.envelope.key == Some(key) => {
                assert_eq!(entry.payload, run.as_bytes());
                places.push(seq);
            }
            Slot::Whole(_) => {}
            Slot::Absent => return places,
            Slot::Damaged(damage) => panic!("{damage}"),
        }
        seq = seq.next();
    }
}
