//! The contract every engine keeps, as a suite that every engine calls.
//!
//! [`all`] asks for empty stores and holds each to the promises of [`Store`]. The invariant guarded
//! here: an engine that passes can stand behind the ledger. What only a directory can do, losing
//! power or meeting other processes, is left to the tests of that engine.

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a suite of tests panics where a promise is broken"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use serde_json::json;

use crate::StoreError;
use crate::hash::Hash256;
use crate::key::KeyText;
use crate::log::{CohortName, Log, Seq};
use crate::shelf::{Exclusive, Keep, Room, ShelfPath};
use crate::store::{Appended, BatchItem, Committed, NewEntry, OpenedCohort, Slot, Standing, Store};

/// A promise in words, and the check that it is held.
type Promise = (&'static str, fn(&dyn Store));

/// Holds the stores that `make` makes, each of them empty, to every promise.
pub fn all(make: &dyn Fn() -> Box<dyn Store>) {
    let promises: [Promise; 21] = [
        ("a secret is made once", secret_is_made_once),
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
        (
            "a batch stands in its order, as if appended one by one",
            batch_stands_in_its_order,
        ),
        (
            "a batch again records nothing new",
            batch_again_records_nothing_new,
        ),
        (
            "one key twice in a batch gets one place",
            one_key_twice_in_a_batch_gets_one_place,
        ),
        (
            "an entry of a batch that is refused does not stop the others",
            refused_entry_does_not_stop_the_batch,
        ),
        (
            "batches and single writers lose nothing together",
            batches_and_single_writers_lose_nothing,
        ),
        ("notes need no key and take none", notes_need_no_key),
        ("a writer names what it saw", writer_names_what_it_saw),
        ("large payloads come back", large_payloads_come_back),
        ("what is too large is refused", too_large_is_refused),
        (
            "cohorts stand under one document",
            cohorts_stand_under_one_document,
        ),
        (
            "objects and profiles come back",
            objects_and_profiles_come_back,
        ),
        (
            "what is on the shelf is replaced and removed",
            shelf_is_replaced_and_removed,
        ),
        (
            "one at a time works on a folder of the shelf",
            one_at_a_time_works_on_a_folder,
        ),
        ("an audit counts everything", audit_counts_everything),
    ];
    for (promise, hold) in promises {
        let store = make();
        let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| hold(&*store)));
        if let Err(broken) = held {
            panic!("promise broken: {promise}: {}", text_of(&*broken));
        }
    }
}

fn text_of(broken: &(dyn std::any::Any + Send)) -> &str {
    let owned = broken.downcast_ref::<String>().map(String::as_str);
    owned
        .or(broken.downcast_ref::<&str>().copied())
        .unwrap_or("no text")
}

fn cohort(name: &str) -> CohortName {
    name.parse().unwrap()
}

fn key(run: &str, cohort: &CohortName, attempt: u32) -> KeyText {
    let (run, stage, cohort) = (run.to_owned(), "train".to_owned(), cohort.clone());
    KeyText {
        run,
        stage,
        cohort,
        attempt,
    }
}

fn entry(payload: &[u8]) -> NewEntry<'_> {
    NewEntry {
        content: Hash256::of(payload),
        payload,
        summary: json!({"status": "finished"}),
        recorded_at: "2026-11-20T10:15:00Z".to_owned(),
    }
}

fn opened(store: &dyn Store, name: &str) -> (CohortName, Log) {
    let cohort = cohort(name);
    store.open_cohort(&cohort, name.as_bytes()).unwrap();
    (cohort.clone(), Log::Cohort(cohort))
}

fn append(store: &dyn Store, run: &str, payload: &[u8]) -> Appended {
    let (cohort, log) = opened(store, "c");
    store
        .append(&log, Some(&key(run, &cohort, 0)), &entry(payload))
        .unwrap()
}

fn new(appended: Appended) -> Committed {
    match appended {
        Appended::New(committed) => committed,
        other => panic!("not new: {other:?}"),
    }
}

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

fn item(log: &Log, key: Option<KeyText>, payload: &[u8]) -> BatchItem {
    let NewEntry {
        content,
        summary,
        recorded_at,
        ..
    } = entry(payload);
    BatchItem {
        log: log.clone(),
        key,
        content,
        payload: payload.to_vec(),
        summary,
        recorded_at,
    }
}

fn append_all(store: &dyn Store, items: &[BatchItem]) -> Vec<Appended> {
    let appended = store.append_all(items, &mut |_, _, _| None);
    appended.into_iter().map(Result::unwrap).collect()
}

/// `count` entries that alternate between two cohorts, with a note among them.
fn mixed_batch(store: &dyn Store, count: usize) -> Vec<BatchItem> {
    let (c, d) = (opened(store, "c"), opened(store, "d"));
    let mut items: Vec<BatchItem> = (0..count)
        .map(|number| {
            let (cohort, log) = if number % 3 == 0 { &d } else { &c };
            let run = format!("run-{number}");
            item(log, Some(key(&run, cohort, 0)), run.as_bytes())
        })
        .collect();
    items.insert(count / 2, item(&Log::CohortNotes(c.0), None, b"note"));
    items
}

fn batch_stands_in_its_order(store: &dyn Store) {
    new(append(store, "before", b"before"));
    let items = mixed_batch(store, 50);
    let mut heads = BTreeMap::from([(items[1].log.clone(), 1)]);
    for (item, appended) in items.iter().zip(append_all(store, &items)) {
        let committed = new(appended);
        let head = heads.entry(item.log.clone()).or_insert(0);
        *head += 1;
        assert_eq!(committed.seq.get(), *head, "{}", item.log);
        let read = store.read(&item.log, committed.seq).unwrap();
        let read = read.whole().unwrap();
        assert_eq!(read.payload, item.payload);
        assert_eq!(read.envelope, *committed.envelope);
        assert_eq!(read.envelope.key_text, item.key);
        if let Some(key) = &item.key {
            assert_eq!(store.find(key).unwrap(), Some(committed));
        }
    }
    assert_eq!(append_all(store, &[]), []);
}

fn batch_again_records_nothing_new(store: &dyn Store) {
    let items = mixed_batch(store, 40);
    let items: Vec<_> = items.into_iter().filter(|it| it.key.is_some()).collect();
    let first = append_all(store, &items[..25]);
    let second = append_all(store, &items);
    for (number, appended) in second.into_iter().enumerate() {
        match first.get(number) {
            Some(Appended::New(committed)) => {
                assert_eq!(appended, Appended::Already(committed.clone()));
            }
            _ => drop(new(appended)),
        }
    }
}

fn one_key_twice_in_a_batch_gets_one_place(store: &dyn Store) {
    let (c, log) = opened(store, "c");
    let run = |attempt, payload: &[u8]| item(&log, Some(key("run", &c, attempt)), payload);
    let items = [
        run(0, b"first"),
        run(0, b"first"),
        run(0, b"second"),
        run(0, b"third"),
        run(1, b"second"),
    ];
    let mut asked = Vec::new();
    let outcomes = store.append_all(&items, &mut |position, claim, recorded| {
        assert_eq!(claim.key_text, Some(key("run", &c, 0)));
        asked.push((position, recorded.map(|committed| committed.seq.get())));
        // The third is another attempt; the fourth is left as it is.
        (position == 2).then(|| run(1, b"second"))
    });
    let [first, again, second, third, named] = outcomes.try_into().unwrap();
    let first = new(first.unwrap());
    assert_eq!(again.unwrap(), Appended::Already(first.clone()));
    let second = new(second.unwrap());
    assert_eq!((first.seq.get(), second.seq.get()), (1, 2));
    let Appended::Taken { recorded, .. } = third.unwrap() else {
        panic!("other content was recorded under a key that is taken");
    };
    assert_eq!(recorded, Some(first));
    assert_eq!(named.unwrap(), Appended::Already(second));
    assert_eq!(asked, [(2, Some(1)), (3, Some(1))]);
    assert_eq!(store.head(&log).unwrap(), Seq::new(2));
}

fn refused_entry_does_not_stop_the_batch(store: &dyn Store) {
    let (c, log) = opened(store, "c");
    let never_opened = cohort("never-opened");
    let items = [
        item(&log, Some(key("first", &c, 0)), b"first"),
        item(&log, None, b"without a key"),
        item(
            &Log::Cohort(never_opened.clone()),
            Some(key("run", &never_opened, 0)),
            b"without a cohort",
        ),
        item(&log, Some(key(&"x".repeat(20_000), &c, 0)), b"long"),
        item(&log, Some(key("last", &c, 0)), b"last"),
    ];
    let outcomes = store.append_all(&items, &mut |_, _, _| None);
    let [first, keyless, lost, long, last] = outcomes.try_into().unwrap();
    assert_eq!(new(first.unwrap()).seq.get(), 1);
    let told = keyless.unwrap_err();
    assert!(matches!(told, StoreError::Misaddressed { .. }), "{told}");
    let told = lost.unwrap_err();
    assert!(matches!(told, StoreError::NoCohort { .. }), "{told}");
    let told = long.unwrap_err();
    assert!(matches!(told, StoreError::TooLarge { .. }), "{told}");
    assert_eq!(new(last.unwrap()).seq.get(), 2);
}

fn batches_and_single_writers_lose_nothing(store: &dyn Store) {
    const WRITERS: usize = 6;
    const EACH: usize = 24;
    let (c, log) = opened(store, "c");
    // Every writer records its own runs and half of the next one's, some in batches.
    let runs = |writer: usize| -> Vec<String> {
        let own = (0..EACH).map(move |n| format!("run-{writer}-{n}"));
        let next = (0..EACH / 2).map(move |n| format!("run-{}-{n}", (writer + 1) % WRITERS));
        own.chain(next).collect()
    };
    let write = |writer: usize| -> Vec<Appended> {
        if writer % 3 == 2 {
            return runs(writer)
                .iter()
                .map(|run| append(store, run, run.as_bytes()))
                .collect();
        }
        let item = |run: &String| item(&log, Some(key(run, &c, 0)), run.as_bytes());
        let items: Vec<BatchItem> = runs(writer).iter().map(item).collect();
        items
            .chunks(10)
            .flat_map(|few| append_all(store, few))
            .collect()
    };
    let write = &write;
    let told: Vec<Appended> = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| scope.spawn(move || write(writer)))
            .collect();
        writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect()
    });
    let mut places = BTreeMap::new();
    let mut news = 0;
    for appended in told {
        let committed = match appended {
            Appended::New(committed) => {
                news += 1;
                committed
            }
            Appended::Already(committed) => committed,
            Appended::Taken { .. } => panic!("equal content was told taken"),
        };
        let text = committed.envelope.key_text.clone().unwrap();
        let place = places.entry(text.run).or_insert(committed.seq);
        assert_eq!(*place, committed.seq);
    }
    assert_eq!((news, places.len()), (WRITERS * EACH, WRITERS * EACH));
    let head = store.head(&log).unwrap().unwrap();
    assert_eq!(head.get(), (WRITERS * EACH) as u64);
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
    large.summary = json!("x".repeat(3000));
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
    deep.summary = (0..200).fold(json!(null), |inner, _| json!([inner]));
    let told = store
        .append(&log, Some(&key("run", &cohort, 0)), &deep)
        .unwrap_err();
    assert!(matches!(told, StoreError::Misaddressed { .. }), "{told}");
    assert_eq!(store.head(&log).unwrap(), None);
}

fn cohorts_stand_under_one_document(store: &dyn Store) {
    let c = cohort("train.c");
    let told = store.append(
        &Log::Cohort(c.clone()),
        Some(&key("run", &c, 0)),
        &entry(b"x"),
    );
    assert!(matches!(told, Err(StoreError::NoCohort { .. })), "{told:?}");
    assert_eq!(store.cohort_document(&c).unwrap(), None);
    assert_eq!(
        store.open_cohort(&c, b"document").unwrap(),
        OpenedCohort::New
    );
    assert_eq!(
        store.open_cohort(&c, b"document").unwrap(),
        OpenedCohort::Existing
    );
    let told = store.open_cohort(&c, b"another").unwrap_err();
    let StoreError::OtherCohort { asked, found, .. } = told else {
        panic!("{told}")
    };
    assert_eq!(
        (asked, found),
        (Hash256::of(b"another"), Hash256::of(b"document"))
    );
    assert_eq!(store.cohort_document(&c).unwrap().unwrap(), b"document");
    for other in ["train.b", "eval.a", "train.a"] {
        opened(store, other);
    }
    let names = |prefix: &str, at_most| -> Vec<String> {
        let cohorts = store.cohorts(prefix, at_most).unwrap();
        cohorts.iter().map(ToString::to_string).collect()
    };
    assert_eq!(names("", None), ["eval.a", "train.a", "train.b", "train.c"]);
    assert_eq!(names("train.", None), ["train.a", "train.b", "train.c"]);
    assert_eq!(names("train.", Some(2)).len(), 2);
}

fn objects_and_profiles_come_back(store: &dyn Store) {
    let absent = Hash256::of(b"absent");
    assert_eq!(store.object(&absent).unwrap(), Slot::Absent);
    assert_eq!(store.profile(&absent).unwrap(), Slot::Absent);
    for standing in [
        Standing::Unproven,
        Standing::NamedByCommitted,
        Standing::Unproven,
    ] {
        let object = store.put_object(b"object", standing).unwrap();
        assert_eq!(object, Hash256::of(b"object"));
        assert_eq!(
            store.object(&object).unwrap(),
            Slot::Whole(b"object".to_vec())
        );
        let profile = store.put_profile(b"profile", standing).unwrap();
        assert_eq!(
            store.profile(&profile).unwrap(),
            Slot::Whole(b"profile".to_vec())
        );
    }
    assert_eq!(store.profiles().unwrap(), [Hash256::of(b"profile")]);
}

fn secret_is_made_once(store: &dyn Store) {
    assert_eq!(store.secret().unwrap(), Slot::Absent);
    let secret = store.make_secret().unwrap();
    assert_eq!(store.make_secret().unwrap(), secret);
    assert_eq!(store.secret().unwrap(), Slot::Whole(secret));
}

fn shelf_is_replaced_and_removed(store: &dyn Store) {
    let shelf = store.shelf();
    let run = ShelfPath::new(Room::Runs, &["r1"]).unwrap();
    let file = run.below("train").unwrap().below("metrics.json").unwrap();
    assert_eq!(shelf.get(&file).unwrap(), None);
    assert_eq!(shelf.list(&run).unwrap(), []);
    for keep in [Keep::BestEffort, Keep::Durable] {
        let bytes = format!("{keep:?}");
        shelf.put(&file, bytes.as_bytes(), keep).unwrap();
        assert_eq!(shelf.get(&file).unwrap().unwrap(), bytes.as_bytes());
    }
    let index = run.below("snapshot_index.json").unwrap();
    shelf.put(&index, b"{}", Keep::BestEffort).unwrap();
    let listed: Vec<(String, bool)> = shelf
        .list(&run)
        .unwrap()
        .into_iter()
        .map(|shelved| (shelved.name, shelved.is_folder))
        .collect();
    let expected = [("snapshot_index.json", false), ("train", true)];
    assert_eq!(listed, expected.map(|(name, is)| (name.to_owned(), is)));
    shelf.remove_folder(&run.below("train").unwrap()).unwrap();
    assert!(shelf.get(&file).unwrap().is_some());
    for _ in 0..2 {
        shelf.remove(&file).unwrap();
        shelf.remove_folder(&run.below("train").unwrap()).unwrap();
    }
    assert_eq!(shelf.list(&run).unwrap().len(), 1);

    let latest = |name| {
        let room = Room::CohortView(cohort(name));
        ShelfPath::new(room, &["LATEST.json"]).unwrap()
    };
    let told = shelf
        .put(&latest("c"), b"{}", Keep::BestEffort)
        .unwrap_err();
    assert!(matches!(told, StoreError::NoCohort { .. }), "{told}");
    opened(store, "c");
    shelf.put(&latest("c"), b"{}", Keep::BestEffort).unwrap();
    let room = ShelfPath::of(Room::Refused);
    assert!(shelf.put(&room, b"", Keep::Durable).is_err());
    let files = [
        ("a.json", b"1".as_slice()),
        ("b.json", b"2"),
        ("a.json", b"3"),
    ];
    shelf.put_all(&room, &files, Keep::BestEffort).unwrap();
    let got = |name| shelf.get(&room.below(name).unwrap()).unwrap().unwrap();
    assert_eq!(
        (got("a.json"), got("b.json")),
        (b"3".to_vec(), b"2".to_vec())
    );
    let outside = [("c.json", b"1".as_slice()), ("../d", b"2")];
    assert!(shelf.put_all(&room, &outside, Keep::BestEffort).is_err());
    assert_eq!(shelf.list(&room).unwrap().len(), 2);
}

fn one_at_a_time_works_on_a_folder(store: &dyn Store) {
    let shelf = store.shelf();
    let folder = ShelfPath::new(Room::Runs, &["r1"]).unwrap();
    let mut inner = None;
    let outer = shelf.exclusively(&folder, &mut || {
        inner = Some(shelf.exclusively(&folder, &mut || Ok(()))?);
        Ok(())
    });
    let both = (outer.unwrap(), inner);
    assert_eq!(both, (Exclusive::Done, Some(Exclusive::Busy)));
    let after = shelf.exclusively(&folder, &mut || Ok(())).unwrap();
    assert_eq!(after, Exclusive::Done);
}

fn audit_counts_everything(store: &dyn Store) {
    new(append(store, "first", b"first"));
    new(append(store, "second", b"second"));
    new(store
        .append(&Log::StoreNotes, None, &entry(b"note"))
        .unwrap());
    store.put_object(b"object", Standing::Unproven).unwrap();
    store.put_profile(b"profile", Standing::Unproven).unwrap();
    let mut findings = Vec::new();
    let audited = store.audit(&mut |finding| findings.push(finding)).unwrap();
    assert_eq!(findings, []);
    let counts = (audited.logs, audited.slots, audited.keys, audited.cohorts);
    assert_eq!(counts, (2, 3, 2, 1));
    assert_eq!((audited.objects, audited.profiles), (1, 1));
    assert_eq!((audited.damaged, audited.stale), (0, 0));
}
