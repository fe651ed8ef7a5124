//! What is promised of everything beside the logs: cohort documents, objects, profiles, the secret,
//! the shelf; and of an audit, which reads all of it.

use super::{Promise, append, cohort, entry, key, new, opened};
use crate::StoreError;
use crate::hash::Hash256;
use crate::log::Log;
use crate::shelf::{Exclusive, Keep, Room, ShelfPath};
use crate::store::{OpenedCohort, Slot, Standing, Store};

/// What an engine promises beside the logs.
pub(super) const PROMISES: [Promise; 6] = [
    ("a secret is made once", secret_is_made_once),
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
    // What is looked at again is there, or comes from who has its bytes.
    assert!(!store.hold_object(&absent, None).unwrap());
    assert!(store.hold_object(&Hash256::of(b"object"), None).unwrap());
    assert!(store.hold_object(&absent, Some(b"absent")).unwrap());
    assert_eq!(
        store.object(&absent).unwrap(),
        Slot::Whole(b"absent".to_vec())
    );
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
