//! Whatever call of a batch fails, each of its answers is true.
//!
//! The fault walks over every call to the file system. What was acknowledged is there, what is "not
//! recorded" is not, after "unknown" the same batch again finds out; and whatever befell one entry,
//! none is there twice, and none is acknowledged before its directory was flushed.

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
    Appended, BatchItem, CohortName, DirStore, Doubt, Hash256, KeyText, Log, Seq, Slot, Store,
    StoreError, SystemEntropy,
};
use serde_json::json;
use support::Place;

type Faulty = FaultyFileSystem<OsFileSystem>;

/// The runs of a batch: one twice, and one whose first writer died between claim and slot.
const RUNS: [&str; 5] = ["a", "b", "dead", "a", "c"];

fn item(cohort: &CohortName, run: &str) -> BatchItem {
    BatchItem {
        log: Log::Cohort(cohort.clone()),
        key: Some(KeyText {
            run: run.to_owned(),
            stage: "train".to_owned(),
            cohort: cohort.clone(),
            attempt: 0,
        }),
        content: Hash256::of(run.as_bytes()),
        payload: run.as_bytes().to_vec(),
        summary: json!(null).into(),
        recorded_at: String::new(),
    }
}

fn batch(store: &dyn Store, cohort: &CohortName) -> Vec<Result<Appended, StoreError>> {
    let items: Vec<BatchItem> = RUNS.iter().map(|run| item(cohort, run)).collect();
    store.append_all(&items, &mut |_, _, _| None)
}

/// Returns every place of each run, in the order of the runs.
fn places(store: &dyn Store, cohort: &CohortName) -> Vec<Vec<Seq>> {
    let log = Log::Cohort(cohort.clone());
    let mut places = vec![Vec::new(); RUNS.len()];
    let mut seq = Seq::FIRST;
    loop {
        match store.read(&log, seq).unwrap() {
            Slot::Whole(entry) => {
                let run = entry.envelope.key_text.unwrap().run;
                assert_eq!(entry.payload, run.as_bytes());
                for (position, name) in RUNS.iter().enumerate() {
                    if *name == run {
                        places[position].push(seq);
                    }
                }
            }
            Slot::Absent => return places,
            Slot::Damaged(damage) => panic!("{damage}"),
        }
        seq = seq.next();
    }
}

/// Commits a batch with a fault set; returns whether the fault struck.
fn strike(path: &Path, kind: Kind, cohort: &CohortName, fault: Fault) -> bool {
    let context = format!("{kind:?} {fault:?}");
    let fs = Faulty::new(OsFileSystem).posing_as(kind).without_flushes();
    let open = || DirStore::open_on(fs.clone(), path, SystemEntropy).unwrap();
    let store = open();
    store.open_cohort(cohort, b"{}").unwrap();
    leave_dead_claim(&store, &fs, kind, cohort);

    let store = open();
    fs.fail(fault);
    let outcomes = batch(&store, cohort);
    let struck = fs.heal();
    let context = format!("{context} struck {struck:?}: {outcomes:?}");

    // Another process looks at what became of it.
    let store = open();
    for (outcome, places) in outcomes.iter().zip(places(&store, cohort)) {
        match outcome {
            Ok(Appended::New(committed) | Appended::Already(committed)) => {
                assert_eq!(places, [committed.seq], "{context}");
            }
            Err(StoreError::NotRecorded { .. } | StoreError::Damaged(_)) => {
                // The same run stands there twice: the other one may have been recorded.
                assert!(places.len() <= 1, "{context}");
            }
            Err(StoreError::Unknown { .. }) => assert!(places.len() <= 1, "{context}"),
            other => panic!("{context}: {other:?}"),
        }
    }
    let refused =
        |position: usize| matches!(outcomes[position], Err(StoreError::NotRecorded { .. }));
    let after = places(&store, cohort);
    for position in [1, 2, 4] {
        assert!(
            !refused(position) || after[position].is_empty(),
            "{context}"
        );
    }
    assert!(
        !(refused(0) && refused(3)) || after[0].is_empty(),
        "{context}"
    );
    for again in batch(&store, cohort) {
        assert!(
            matches!(again, Ok(Appended::New(_) | Appended::Already(_))),
            "{context}: {again:?}"
        );
    }
    assert!(
        places(&store, cohort)
            .iter()
            .all(|places| places.len() == 1),
        "{context}"
    );
    struck.is_some()
}

/// Leaves the claim of a writer that died before it had a slot.
fn leave_dead_claim(store: &DirStore<Faulty>, fs: &Faulty, kind: Kind, cohort: &CohortName) {
    fs.fail(Fault {
        call: Some("link"),
        // On a journal the claim is the first name of its file, which is given otherwise.
        after_calls: u64::from(kind != Kind::Journal),
        errno: 28,
        moment: Moment::Before,
    });
    let dead = store.append_all(&[item(cohort, "dead")], &mut |_, _, _| None);
    assert!(
        matches!(dead[0], Err(StoreError::NotRecorded { .. })),
        "{dead:?}"
    );
    assert_eq!(fs.heal(), Some("link"));
}

fn walk(kind: Kind) {
    support::at_every_call(&[5, 28], 100, &mut |path, cohort, fault| {
        strike(path, kind, cohort, fault)
    });
}

#[test]
fn no_failing_call_makes_an_answer_of_a_batch_untrue_on_a_journal() {
    walk(Kind::Journal);
}

#[test]
fn no_failing_call_makes_an_answer_of_a_batch_untrue_on_a_network() {
    walk(Kind::Network);
}

/// Makes a store on a journal, with one entry.
fn journal_with_an_entry() -> (Place, Faulty) {
    let place = Place::new();
    let fs = FaultyFileSystem::new(OsFileSystem)
        .posing_as(Kind::Journal)
        .without_flushes();
    support::record(&place.init_on(fs.clone()), &["first"]);
    (place, fs)
}

#[test]
fn batch_goes_on_where_the_process_has_too_many_files_open() {
    let emfile = 24;
    let (place, fs) = journal_with_an_entry();
    let calls = ["open_dir", "open_read", "create_unnamed", "create_new"];
    // The first of them come before any directory is held that could be let go.
    for (call, after_calls) in calls
        .into_iter()
        .flat_map(|call| (0..20).map(move |after_calls| (call, after_calls)))
    {
        let fs = fs.clone();
        let store = match call {
            "create_new" => {
                let fs = fs.clone().without_unnamed_files();
                DirStore::open_on(fs, &place.path(), SystemEntropy).unwrap()
            }
            _ => DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap(),
        };
        let items: Vec<BatchItem> = (0..60)
            .map(|number| support::item(&format!("{call}-{after_calls}-{number}")))
            .collect();
        fs.fail(Fault {
            call: Some(call),
            after_calls,
            errno: emfile,
            moment: Moment::Before,
        });
        for appended in store.append_all(&items, &mut |_, _, _| None) {
            assert!(
                matches!(appended, Ok(Appended::New(_))),
                "{call} after {after_calls}: {appended:?}"
            );
        }
        assert_eq!(fs.heal(), Some(call));
    }
}

#[test]
fn place_that_was_not_asked_for_since_nothing_could_be_opened_is_not_in_doubt() {
    let (place, fs) = journal_with_an_entry();
    let mut refused = 0;
    for after_calls in 0..15 {
        let store = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
        let strike = |call, after_calls| Fault {
            call: Some(call),
            after_calls,
            errno: 24,
            moment: Moment::Before,
        };
        // From here on the directory of the claim is not held, and is opened for each name.
        fs.fail(strike("create_unnamed", 0));
        fs.then_fail(strike("open_dir", after_calls));
        for call in ["open_dir", "open_read", "open_read"] {
            fs.then_fail(strike(call, 0));
        }
        let run = format!("run-{after_calls}");
        let told = store.append(
            &support::log(),
            Some(&support::key(&run)),
            &support::entry(b"bytes"),
        );
        fs.heal();
        match told {
            Ok(Appended::New(_)) => {}
            Err(StoreError::NotRecorded { .. }) => refused += 1,
            other => panic!("after {after_calls}: {other:?}"),
        }
    }
    assert!(refused > 0, "nothing was refused");
}

#[test]
fn batch_whose_directory_could_not_be_flushed_acknowledges_nothing() {
    let place = Place::new();
    let fs = Faulty::new(OsFileSystem).posing_as(Kind::Journal);
    let store = place.init_on(fs.clone());
    let cohort = support::cohort();
    support::record(&store, &["before"]);
    fs.fail(Fault {
        call: Some("sync_dir"),
        after_calls: 0,
        errno: 5,
        moment: Moment::Before,
    });
    for run in ["one", "two"] {
        assert_eq!(store.find(&support::key(run)).unwrap(), None);
    }
    let items = ["one", "two"].map(|run| item(&cohort, run));
    for outcome in store.append_all(&items, &mut |_, _, _| None) {
        let told = outcome.unwrap_err();
        let is_unknown = |told: &StoreError| matches!(told, StoreError::Unknown { doubt, .. } if *doubt == Doubt::Flush);
        assert!(is_unknown(&told), "{told:?}");
    }
    // They are there, and from now on this handle says nothing for certain.
    assert_eq!(store.head(&support::log()).unwrap(), Seq::new(3));
    for outcome in store.append_all(&items, &mut |_, _, _| None) {
        assert!(matches!(outcome, Err(StoreError::Unknown { .. })));
    }
    for outcome in place.open().append_all(&items, &mut |_, _, _| None) {
        assert!(matches!(outcome, Ok(Appended::Already(_))), "{outcome:?}");
    }
}

#[test]
fn batch_is_answered_before_it_is_sealed_and_whatever_becomes_of_that() {
    let place = Place::new();
    let fs = Faulty::new(OsFileSystem).without_flushes();
    let store = place.init_on(fs.clone());
    support::record(&store, &[]);
    let items: Vec<BatchItem> = (1..=287)
        .map(|number| support::item(&format!("run-{number}")))
        .collect();
    for appended in store.append_all(&items, &mut |_, _, _| None) {
        assert!(matches!(appended, Ok(Appended::New(_))), "{appended:?}");
    }
    let other: CohortName = "zzz.churn.0123456789abcdef".parse().unwrap();
    store.open_cohort(&other, b"{}").unwrap();
    // Of the files that are flushed two are entries, and the third is the segment.
    fs.fail(Fault {
        call: Some("sync_file"),
        after_calls: 2,
        errno: 5,
        moment: Moment::Before,
    });
    let told = store.append_all(
        &[support::item("run-288"), item(&other, "elsewhere")],
        &mut |_, _, _| None,
    );
    for appended in told {
        assert!(matches!(appended, Ok(Appended::New(_))), "{appended:?}");
    }
    store.seal_pending();
    assert_eq!(fs.heal(), Some("sync_file"));
    // It is left to a handle whose flushes can be believed.
    let fresh = place.open();
    let items: Vec<BatchItem> = (289..=544)
        .map(|number| support::item(&format!("run-{number}")))
        .collect();
    for appended in fresh.append_all(&items, &mut |_, _, _| None) {
        assert!(matches!(appended, Ok(Appended::New(_))), "{appended:?}");
    }
    let segments = || {
        let folder = place
            .path()
            .join("cohorts")
            .join(support::cohort().as_str());
        std::fs::read_dir(folder.join("seg")).map_or(0, Iterator::count)
    };
    assert_eq!(segments(), 0);
    fresh.seal_pending();
    assert_eq!(segments(), 2);
}

#[test]
fn claims_of_a_batch_that_may_not_outlast_a_power_cut_get_no_place() {
    let place = Place::new();
    let fs = Faulty::new(OsFileSystem).posing_as(Kind::CopyOnWrite);
    let store = place.init_on(fs.clone());
    let cohort = support::cohort();
    support::record(&store, &[]);
    fs.fail(Fault {
        call: Some("sync_dir"),
        after_calls: 0,
        errno: 5,
        moment: Moment::Before,
    });
    let items = ["one", "two"].map(|run| item(&cohort, run));
    for outcome in store.append_all(&items, &mut |_, _, _| None) {
        let told = outcome.unwrap_err();
        assert!(matches!(told, StoreError::NotRecorded { .. }), "{told:?}");
    }
    assert_eq!(store.head(&support::log()).unwrap(), None);
}
