//! What is promised of entries, appended one by one.

use std::collections::BTreeSet;
use std::thread;

use serde_json::json;

use super::{Promise, append, cohort, entry, key, new, opened};
use crate::StoreError;
use crate::envelope::Envelope;
use crate::hash::Hash256;
use crate::log::{Log, Seq};
use crate::store::{Appended, Slot, Store};

/// What an engine promises of entries.
pub(super) const PROMISES: [Promise; 11] = [
    (
        "appended entries are gapless and read back",
        appended_entries_are_gapless,
    ),
    (
        "the same content is recorded once",
        same_content_is_recorded_once,
    ),
    (
        "other content is told who holds the key",
        other_content_is_told_taken,
    ),
    (
        "attempts and cohorts are apart",
        attempts_and_cohorts_are_apart,
    ),
    ("many threads lose nothing", many_threads_lose_nothing),
    (
        "many threads with one key get one place",
        many_threads_with_one_key_get_one_place,
    ),
    ("notes need no key and take none", notes_need_no_key),
    ("a writer names what it saw", writer_names_what_it_saw),
    (
        "what is done meanwhile is done once and for a place of its own",
        meanwhile_is_once_and_for_its_own_place,
    ),
    ("large payloads come back", large_payloads_come_back),
    ("what is too large is refused", too_large_is_refused),
];

fn appended_entries_are_gapless(store: &dyn Store) {
    let (_, log) = opened(store, "c");
    assert_eq!(store.head(&log).unwrap(), None);
    assert_eq!(store.read(&log, Seq::FIRST).unwrap(), Slot::Absent);
    for number in 1..=20 {
        let payload = format!("payload {number}");
        let committed = new(append(store, &format!("run-{number}"), payload.as_bytes()));
        assert_eq!(committed.seq.get(), number);
        let read = store.read(&log, committed.seq).unwrap().whole().unwrap();
        assert_eq!(read.payload, payload.as_bytes());
        assert_eq!(read.seq, committed.seq);
        assert_eq!(read.envelope, *committed.envelope);
        assert_eq!(read.envelope.sha256, Hash256::of(payload.as_bytes()));
        assert_eq!(
            store.peek(&log, committed.seq).unwrap(),
            Slot::Whole(read.envelope)
        );
    }
    assert_eq!(store.head(&log).unwrap(), Seq::new(20));
    assert_eq!(
        store.peek(&log, Seq::new(21).unwrap()).unwrap(),
        Slot::Absent
    );
}

fn same_content_is_recorded_once(store: &dyn Store) {
    let first = new(append(store, "run", b"same"));
    new(append(store, "another", b"in between"));
    assert_eq!(
        append(store, "run", b"same"),
        Appended::Already(first.clone())
    );
    let (cohort, log) = opened(store, "c");
    assert_eq!(store.head(&log).unwrap(), Seq::new(2));
    assert_eq!(store.find(&key("run", &cohort, 0)).unwrap(), Some(first));
    assert_eq!(store.find(&key("never", &cohort, 0)).unwrap(), None);
}

fn other_content_is_told_taken(store: &dyn Store) {
    let (cohort, _) = opened(store, "c");
    assert_eq!(store.claim(&key("run", &cohort, 0)).unwrap(), None);
    let first = new(append(store, "run", b"first"));
    let Appended::Taken { claim, recorded } = append(store, "run", b"second") else {
        panic!("other content was recorded under a key that is taken");
    };
    assert_eq!(claim.content, Hash256::of(b"first"));
    assert_eq!(recorded, Some(first));
    let claim = store.claim(&key("run", &cohort, 0)).unwrap().unwrap();
    assert_eq!(claim.key_text, Some(key("run", &cohort, 0)));
}

fn attempts_and_cohorts_are_apart(store: &dyn Store) {
    let (c, c_log) = opened(store, "c");
    let (d, d_log) = opened(store, "d");
    for (log, key, place) in [
        (&c_log, key("run", &c, 0), 1),
        (&c_log, key("run", &c, 1), 2),
        (&d_log, key("run", &d, 0), 1),
    ] {
        let committed = new(store.append(log, Some(&key), &entry(b"same")).unwrap());
        assert_eq!(committed.seq.get(), place);
    }
}

fn many_threads_lose_nothing(store: &dyn Store) {
    const THREADS: u64 = 8;
    const EACH: u64 = 12;
    let places: Vec<u64> = thread::scope(|scope| {
        let work = |thread: u64| {
            move || -> Vec<u64> {
                let run = |n| format!("run-{thread}-{n}");
                let places = (0..EACH).map(|n| new(append(store, &run(n), run(n).as_bytes())).seq);
                places.map(Seq::get).collect()
            }
        };
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(work(thread)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let told: BTreeSet<u64> = places.iter().copied().collect();
    assert_eq!(told, (1..=THREADS * EACH).collect());
    let (cohort, log) = opened(store, "c");
    for (position, place) in places.iter().enumerate() {
        let position = position as u64;
        let run = format!("run-{}-{}", position / EACH, position % EACH);
        let read = store
            .read(&log, Seq::new(*place).unwrap())
            .unwrap()
            .whole()
            .unwrap();
        assert_eq!(read.payload, run.as_bytes());
        assert_eq!(read.envelope.key_text, Some(key(&run, &cohort, 0)));
    }
}

fn many_threads_with_one_key_get_one_place(store: &dyn Store) {
    opened(store, "c");
    for round in 0..8 {
        let run = format!("run-{round}");
        let appended: Vec<Appended> = thread::scope(|scope| {
            let work = || append(store, &run, b"same");
            let threads: Vec<_> = (0..6).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let mut places = BTreeSet::new();
        let mut news = 0;
        for appended in appended {
            match appended {
                Appended::New(committed) => {
                    news += 1;
                    places.insert(committed.seq);
                }
                Appended::Already(committed) => {
                    places.insert(committed.seq);
                }
                Appended::Taken { .. } => panic!("equal content was told taken"),
            }
        }
        assert_eq!((places.len(), news), (1, 1), "round {round}");
    }
    let (_, log) = opened(store, "c");
    assert_eq!(store.head(&log).unwrap(), Seq::new(8));
}

fn notes_need_no_key(store: &dyn Store) {
    let (c, c_log) = opened(store, "c");
    let note = entry(b"note");
    for log in [
        Log::CohortNotes(c.clone()),
        Log::Environments,
        Log::EnvironmentNotes,
        Log::StoreNotes,
    ] {
        for place in 1..=3 {
            let committed = new(store.append(&log, None, &note).unwrap());
            assert_eq!(committed.seq.get(), place, "{log}");
            assert_eq!(committed.envelope.key, None);
            let durable = store.make_durable(&log, committed.seq).unwrap();
            assert_eq!(durable, Slot::Whole(()), "{log}");
        }
        let told = store
            .append(&log, Some(&key("run", &c, 0)), &note)
            .unwrap_err();
        assert!(matches!(told, StoreError::Misaddressed { .. }), "{told}");
    }
    let told = store.append(&c_log, None, &note).unwrap_err();
    assert!(matches!(told, StoreError::Misaddressed { .. }), "{told}");
    let elsewhere = key("run", &cohort("elsewhere"), 0);
    let told = store.append(&c_log, Some(&elsewhere), &note).unwrap_err();
    assert!(matches!(told, StoreError::Misaddressed { .. }), "{told}");
}

fn writer_names_what_it_saw(store: &dyn Store) {
    let first = new(append(store, "first", b"first"));
    assert_eq!(
        (first.envelope.head_seen, first.envelope.notes_head_seen),
        (None, None)
    );
    let notes = Log::CohortNotes(cohort("c"));
    let note = new(store.append(&notes, None, &entry(b"note")).unwrap());
    let second = new(append(store, "second", b"second"));
    let seen = second.envelope.head_seen.unwrap();
    assert_eq!((seen.seq, seen.sha256), (first.seq, first.envelope.sha256));
    let seen = second.envelope.notes_head_seen.unwrap();
    assert_eq!((seen.seq, seen.sha256), (note.seq, note.envelope.sha256));
}

fn meanwhile_is_once_and_for_its_own_place(store: &dyn Store) {
    let (cohort, log) = opened(store, "c");
    let append = |run: &str, payload: &[u8]| {
        let mut done = Vec::new();
        let mut meanwhile = |seq: Seq, envelope: &Envelope| done.push((seq, envelope.clone()));
        let key = key(run, &cohort, 0);
        let entry = entry(payload);
        let appended = store.append_meanwhile(&log, Some(&key), &entry, &mut meanwhile);
        (appended.unwrap(), done)
    };
    for run in ["a", "b"] {
        let (appended, done) = append(run, b"same");
        let committed = new(appended);
        // Where no further thread can be started it is left out.
        assert!(done.len() <= 1, "{done:?}");
        for (seq, envelope) in done {
            assert_eq!(
                (seq, envelope),
                (committed.seq, *committed.envelope.clone())
            );
        }
    }
    let (already, done) = append("a", b"same");
    assert!(matches!(already, Appended::Already(_)), "{already:?}");
    assert_eq!(done, []);
    let (taken, done) = append("a", b"other");
    assert!(matches!(taken, Appended::Taken { .. }), "{taken:?}");
    assert_eq!(done, []);
}

fn large_payloads_come_back(store: &dyn Store) {
    let plain = vec![b'a'; 200_000];
    let mixed: Vec<u8> = (0..100_000_u32)
        .flat_map(|n| Hash256::of(&n.to_be_bytes()).as_bytes()[..1].to_vec())
        .collect();
    for (run, payload) in [("empty", Vec::new()), ("plain", plain), ("mixed", mixed)] {
        let committed = new(append(store, run, &payload));
        let (_, log) = opened(store, "c");
        let read = store.read(&log, committed.seq).unwrap().whole().unwrap();
        assert!(read.payload == payload, "{run}");
    }
}

fn too_large_is_refused(store: &dyn Store) {
    let (cohort, log) = opened(store, "c");
    let mut large = entry(b"small");
    large.summary = json!("x".repeat(3000)).into();
    let told = store
        .append(&log, Some(&key("run", &cohort, 0)), &large)
        .unwrap_err();
    assert!(matches!(told, StoreError::TooLarge { .. }), "{told}");
    let long = key(&"x".repeat(20_000), &cohort, 0);
    let told = store
        .append(&log, Some(&long), &entry(b"small"))
        .unwrap_err();
    assert!(matches!(told, StoreError::TooLarge { .. }), "{told}");
    let mut deep = entry(b"small");
    deep.summary = (0..200).fold(json!(null), |inner, _| json!([inner])).into();
    let told = store
        .append(&log, Some(&key("run", &cohort, 0)), &deep)
        .unwrap_err();
    assert!(matches!(told, StoreError::Misaddressed { .. }), "{told}");
    assert_eq!(store.head(&log).unwrap(), None);
}
