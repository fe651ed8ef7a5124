//! What is promised of many entries at once.

use std::collections::BTreeMap;
use std::thread;

use super::{Promise, append, cohort, entry, key, new, opened};
use crate::StoreError;
use crate::key::KeyText;
use crate::log::{Log, Seq};
use crate::store::{Appended, BatchItem, NewEntry, Store};

/// What an engine promises of batches.
pub(super) const PROMISES: [Promise; 5] = [
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
];

pub(crate) fn item(log: &Log, key: Option<KeyText>, payload: &[u8]) -> BatchItem {
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
