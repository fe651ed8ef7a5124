//! Collecting takes what nothing names, and never what anything may name.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runstone::clock::Clock;
use runstone::core::input::RunInput;
use runstone::core::note::{Author, Said};
use runstone::notes::Signature;
use runstone::store::{Hash256, Keep, Room, ShelfPath, Ware};
use runstone::{BatchAnswer, BatchRequest, ErrorKind, Handed, Ledger, RecordRequest, Recorded};
use runstone_testkit::{Lab, RunBuilder, flip_a_bit, run};
use serde_json::json;

const DAY: Duration = Duration::from_hours(24);

/// Objects of a large run: its document and its settings.
const OBJECTS: usize = 2;

/// A run whose settings are so large that they are an object of their own.
fn large(run_id: &str) -> RunBuilder {
    let mut large = run(run_id);
    for number in 0..100 {
        let text = format!("layer {number} {}", "dense ".repeat(150));
        large = large.with(&format!("factors.layer_{number}"), text);
    }
    large
}

fn objects(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for fan in std::fs::read_dir(root.join("objects")).unwrap() {
        let fan = std::fs::read_dir(fan.unwrap().path()).unwrap();
        files.extend(fan.map(|entry| entry.unwrap().path()));
    }
    files.sort();
    files
}

/// Makes every object a day old.
fn age(root: &Path) {
    for object in objects(root) {
        let file = File::open(object).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        file.set_modified(modified - DAY).unwrap();
    }
}

/// Takes every object to the trash, as a collection that knows of no snapshot.
fn to_trash(root: &Path) -> Vec<String> {
    let objects = objects(root).into_iter();
    objects
        .map(|object| {
            let name = object.file_name().unwrap().to_str().unwrap().to_owned();
            let copy = format!("trash/{name}.1");
            std::fs::hard_link(&object, root.join(&copy)).unwrap();
            std::fs::remove_file(object).unwrap();
            copy
        })
        .collect()
}

fn trash(root: &Path) -> usize {
    std::fs::read_dir(root.join("trash")).unwrap().count()
}

#[test]
fn object_of_a_snapshot_stays_also_when_it_is_deleted_and_that_of_nobody_goes() {
    let lab = Lab::new();
    lab.record(large("r1")).unwrap();
    let orphan = lab.ledger.keep(b"of a recording that died").unwrap();
    let found = lab.ledger.find("r1").unwrap();
    let signature = Signature {
        why: None,
        by: Some(Author::new("ana").unwrap()),
    };
    drop(lab.ledger.note(&found, Said::Delete, signature).unwrap());
    let young = lab.ledger.collect(false, &mut |_| ()).unwrap();
    assert_eq!(
        (young.discarded.young, young.discarded.trashed.len()),
        (1, 0)
    );

    age(&lab.root());
    let looked = lab.ledger.collect(true, &mut |_| ()).unwrap();
    let of_nobody = vec![orphan.to_string()];
    assert_eq!(looked.to_json()["objects"]["trashed"], json!(of_nobody));
    assert_eq!(trash(&lab.root()), 0);
    let went = lab.ledger.collect(false, &mut |_| ()).unwrap();
    assert_eq!(went.to_json()["objects"]["trashed"], json!(of_nobody));
    assert!(!went.is_partly_done());
    assert_eq!(
        (objects(&lab.root()).len(), trash(&lab.root())),
        (OBJECTS, 1)
    );
    let stats = lab.ledger.stats(1, &mut |_weighed| ()).unwrap();
    assert_eq!(stats.kinds[&Ware::Trash].files, 1);
    assert_eq!(stats.kinds[&Ware::Objects].files, OBJECTS as u64);
    assert!(lab.ledger.find_also_deleted("r1").is_ok());
    assert!(lab.ledger.verify().unwrap().is_ok());
}

#[test]
fn file_that_a_snapshot_or_a_refused_run_names_stays() {
    let lab = Lab::new();
    let attached = lab.ledger.keep(b"attached").unwrap();
    let artifact = json!([{ "path": "m", "sha256": attached, "bytes": 8, "stored": true }]);
    lab.record(run("r1").with("artifacts", artifact)).unwrap();
    let waiting = lab.ledger.keep(b"of a refused run").unwrap();
    let refused = ShelfPath::new(Room::Refused, &["00ff.json"]).unwrap();
    let text = json!({ "document": { "artifacts": [{ "sha256": waiting }] } });
    let shelf = lab.ledger.store().shelf();
    shelf
        .put(&refused, text.to_string().as_bytes(), Keep::Durable)
        .unwrap();
    age(&lab.root());
    assert_eq!(
        lab.ledger
            .collect(false, &mut |_| ())
            .unwrap()
            .discarded
            .trashed,
        []
    );
    shelf.remove(&refused).unwrap();
    let went = lab.ledger.collect(false, &mut |_| ()).unwrap();
    assert_eq!(
        went.to_json()["objects"]["trashed"],
        json!([waiting.to_string()])
    );
}

#[test]
fn list_of_artifacts_that_is_an_object_itself_names_what_it_lists() {
    let lab = Lab::new();
    let attached = lab.ledger.keep(b"attached").unwrap();
    let entry = |number: usize| json!({ "path": format!("m{number}"), "sha256": attached, "bytes": 8, "stored": true });
    let artifacts: Vec<_> = (0..1000).map(entry).collect();
    lab.record(run("r1").with("artifacts", artifacts)).unwrap();
    assert_eq!(objects(&lab.root()).len(), 1 + OBJECTS, "the list is one");
    age(&lab.root());
    assert_eq!(
        lab.ledger
            .collect(false, &mut |_| ())
            .unwrap()
            .discarded
            .trashed,
        []
    );
}

#[test]
fn nothing_goes_while_an_entry_cannot_be_read() {
    let lab = Lab::new();
    let recorded = lab.record(large("r1")).unwrap();
    let orphan = lab.ledger.keep(b"of nobody").unwrap();
    age(&lab.root());
    let slot = format!(
        "cohorts/{}/log/0000000000/00000000000000000001",
        recorded.place.cohort
    );
    flip_a_bit(&lab.root().join(&slot));
    let undecided = lab.reopened().collect(false, &mut |_| ()).unwrap();
    assert!(undecided.discarded.trashed.is_empty() && undecided.is_partly_done());
    let why = undecided.undecided.unwrap();
    assert!(why.contains(&slot), "{why}");
    let name = orphan.to_string();
    assert!(objects(&lab.root()).iter().any(|it| it.ends_with(&name)));
}

/// A day passes for all objects, in their places and in the trash, and another; each is ended by a
/// collection. Returns what kept the last one from deciding.
fn collect_for_days(root: &Path) -> Option<String> {
    let mut undecided = None;
    for _ in 0..3 {
        age(root);
        for copy in std::fs::read_dir(root.join("trash")).unwrap() {
            let copy = copy.unwrap().path();
            let name = copy.file_name().unwrap().to_str().unwrap();
            let (digest, since) = name.split_once('.').unwrap();
            let since = since.parse::<u64>().unwrap() - DAY.as_secs();
            std::fs::hard_link(&copy, root.join(format!("trash/{digest}.{since}"))).unwrap();
            std::fs::remove_file(copy).unwrap();
        }
        undecided = Ledger::open(root)
            .unwrap()
            .collect(false, &mut |_| ())
            .unwrap()
            .undecided;
    }
    undecided
}

fn record_many(lab: &Lab, runs: std::ops::RangeInclusive<u64>) {
    let document = |number| RunInput::from_document(run(&format!("r{number}")).build());
    let documents: Vec<Handed> = runs.map(|number| document(number).into()).collect();
    lab.ledger
        .record_all(documents.into_iter(), &BatchRequest::default(), |answer| {
            drop(answer.outcome.unwrap());
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
}

#[test]
fn objects_of_a_lost_end_that_a_segment_brings_back_are_there_with_it() {
    let lab = Lab::new();
    record_many(&lab, 1..=220);
    let cohort = lab.record(large("big")).unwrap().place.cohort;
    record_many(&lab, 222..=300);
    let root = lab.root();
    for number in 201..=300 {
        let slot = format!("cohorts/{cohort}/log/0000000000/{number:020}");
        std::fs::remove_file(root.join(slot)).unwrap();
    }
    let hint = root.join(format!("cohorts/{cohort}/view/head.json"));
    std::fs::remove_file(hint).unwrap();
    let why = collect_for_days(&root).unwrap();
    assert!(why.contains("00000000000000000201"), "{why}");
    drop(lab.reopened().verify_and_repair().unwrap());
    assert!(lab.reopened().find("big").is_ok());
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is moved by hand is of a test, and need not last"
)]
fn move_to(from: &Path, to: &Path) {
    std::fs::rename(from, to).unwrap();
}

#[test]
fn objects_stay_while_the_entries_that_name_them_are_away() {
    let lab = Lab::new();
    let cohort = lab.record(large("big")).unwrap().place.cohort;
    let root = lab.root();
    let log = format!("cohorts/{cohort}/log");
    let document = format!("cohorts/{cohort}/cohort.json");
    let away = lab.folder().join("away");
    // As in a restore that has not come so far. Without the claims nothing says what was there.
    for part in [
        "cohorts",
        log.as_str(),
        document.as_str(),
        "keys",
        "refused",
    ] {
        move_to(&root.join(part), &away);
        let why = collect_for_days(&root).unwrap();
        assert!(why.contains(part), "{part}: {why}");
        move_to(&away, &root.join(part));
        assert!(lab.reopened().find("big").is_ok(), "{part}");
    }
    assert_eq!(collect_for_days(&root), None);
    assert_eq!(objects(&root).len(), OBJECTS);
}

#[test]
fn claim_whose_entry_is_lost_names_what_the_entry_named() {
    let lab = Lab::new();
    let attached = lab.ledger.keep(b"attached").unwrap();
    let artifact = json!([{ "path": "m", "sha256": attached, "bytes": 8, "stored": true }]);
    let document = large("r1").with("artifacts", artifact);
    let cohort = lab.record(document.clone()).unwrap().place.cohort;
    let root = lab.root();
    let slot = format!("cohorts/{cohort}/log/0000000000/{:020}", 1);
    std::fs::remove_file(root.join(slot)).unwrap();
    assert_eq!(
        collect_for_days(&root),
        None,
        "a claim is no sign of a loss"
    );
    assert_eq!(objects(&root).len(), 1 + OBJECTS);
    let request = RecordRequest::of(RunInput::from_document(document.build()));
    drop(lab.reopened().record(request).unwrap());
    let verified = lab.reopened().verify().unwrap();
    assert!(verified.is_ok(), "{:?}", verified.damage);
}

#[test]
fn named_object_in_the_trash_is_read_and_told_and_comes_back() {
    for collects in [true, false] {
        let lab = Lab::new();
        lab.record(large("r1")).unwrap();
        let copies = to_trash(&lab.root());
        let ledger = lab.reopened();
        assert!(ledger.find("r1").is_ok());
        let verified = ledger.verify().unwrap();
        assert!(verified.is_ok(), "{:?}", verified.damage);
        let stale: Vec<_> = verified
            .stale
            .iter()
            .map(|it| (&it.path, it.kind.as_str()))
            .collect();
        let expected: Vec<_> = copies.iter().map(|copy| (copy, "trashed")).collect();
        assert_eq!(stale, expected);
        if collects {
            let collected = ledger.collect(false, &mut |_| ()).unwrap();
            assert_eq!(collected.discarded.put_back.len(), OBJECTS);
            assert_eq!(trash(&lab.root()), 0);
        } else {
            let repaired = ledger.verify_and_repair().unwrap();
            assert!(repaired.stale.is_empty(), "{:?}", repaired.stale);
            let restored = repaired.repaired.unwrap().restored;
            assert_eq!(restored.len(), OBJECTS);
            assert!(restored.iter().all(|path| lab.root().join(path).exists()));
        }
        assert_eq!(objects(&lab.root()).len(), OBJECTS);
        assert!(ledger.verify().unwrap().stale.is_empty());
    }
}

/// A clock that lets something happen whenever a recording asks for the time: between keeping what
/// a snapshot names and giving it its place.
struct Between<A>(Mutex<A>);

impl<A> std::fmt::Debug for Between<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Between")
    }
}

impl<A: FnMut() + Send> Clock for Between<A> {
    fn now(&self) -> String {
        (self.0.lock().unwrap())();
        "2026-11-20T10:00:00.000Z".to_owned()
    }
}

fn record_among(lab: &Lab, act: impl FnMut() + Send + 'static, in_batch: bool) {
    let clock = Arc::new(Between(Mutex::new(act)));
    let ledger = Ledger::open_with(&lab.root(), clock).unwrap();
    let input = RunInput::from_document(large("r1").build());
    if in_batch {
        let documents: Vec<Handed> = vec![input.into()];
        ledger
            .record_all(documents.into_iter(), &BatchRequest::default(), |answer| {
                drop(answer.outcome.unwrap());
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
    } else {
        drop(ledger.record(RecordRequest::of(input)).unwrap());
    }
}

#[test]
fn object_that_is_collected_under_a_recording_is_back_before_it_is_acknowledged() {
    for in_batch in [false, true] {
        for is_emptied in [false, true] {
            let lab = Lab::new();
            let root = lab.root();
            let act = move || {
                for copy in to_trash(&root) {
                    if is_emptied {
                        std::fs::remove_file(root.join(copy)).unwrap();
                    }
                }
            };
            record_among(&lab, act, in_batch);
            assert_eq!(objects(&lab.root()).len(), OBJECTS, "emptied: {is_emptied}");
            let verified = lab.reopened().verify().unwrap();
            assert!(verified.is_ok() && verified.stale.is_empty());
        }
    }
}

#[test]
fn file_that_is_collected_under_the_recording_that_names_it_is_back() {
    let lab = Lab::new();
    let attached = lab.ledger.keep(b"attached").unwrap();
    let root = lab.root();
    let clock = Arc::new(Between(Mutex::new(move || drop(to_trash(&root)))));
    let ledger = Ledger::open_with(&lab.root(), clock).unwrap();
    let artifact = json!([{ "path": "m", "sha256": attached, "bytes": 8, "stored": true }]);
    let document = run("r1").with("artifacts", artifact).build();
    drop(
        ledger
            .record(RecordRequest::of(RunInput::from_document(document)))
            .unwrap(),
    );
    assert_eq!(objects(&lab.root()).len(), 1);
    let digest: Hash256 = attached.to_string().parse().unwrap();
    assert!(objects(&lab.root())[0].ends_with(digest.to_string()));
}

#[test]
fn run_whose_attachment_was_collected_is_not_told_as_recorded() {
    for in_batch in [false, true] {
        let lab = Lab::new();
        let attached = lab.ledger.keep(b"a model of the best epoch").unwrap();
        assert_eq!(collect_for_days(&lab.root()), None);
        let artifact = json!([{ "path": "m", "sha256": attached, "bytes": 8, "stored": true }]);
        let input = RunInput::from_document(run("r1").with("artifacts", artifact).build());
        let record = || {
            if !in_batch {
                return lab
                    .ledger
                    .record(RecordRequest::of(input.clone()))
                    .map(drop);
            }
            let mut told = None;
            let documents: Vec<Handed> = vec![input.clone().into()];
            let each = |answer: BatchAnswer<Recorded>| {
                told = Some(answer.outcome.map(drop));
                std::ops::ControlFlow::Continue(())
            };
            lab.ledger
                .record_all(documents.into_iter(), &BatchRequest::default(), each)
                .unwrap();
            told.unwrap()
        };
        let refused = record().unwrap_err();
        assert_eq!(refused.code(), "attachment_missing");
        let (text, hint) = (refused.to_string(), refused.hint().unwrap());
        assert!(
            text.contains("`m`") && text.contains(&attached.to_string()),
            "{text}"
        );
        assert!(hint.contains("--attach"), "{hint}");
        assert!(lab.ledger.find("r1").is_err());
        // Once the file is there again, the same document is recorded.
        assert_eq!(
            lab.ledger.keep(b"a model of the best epoch").unwrap(),
            attached
        );
        record().unwrap();
        assert!(lab.reopened().verify().unwrap().is_ok());
    }
}

#[test]
fn attachment_that_goes_while_its_run_is_recorded_is_told_with_the_place() {
    let lab = Lab::new();
    let attached = lab.ledger.keep(b"attached").unwrap();
    let root = lab.root();
    let lose = move || {
        for copy in to_trash(&root) {
            std::fs::remove_file(root.join(copy)).unwrap();
        }
    };
    let ledger = Ledger::open_with(&lab.root(), Arc::new(Between(Mutex::new(lose)))).unwrap();
    let artifact = json!([{ "path": "m", "sha256": attached, "bytes": 8, "stored": true }]);
    let input = RunInput::from_document(run("r1").with("artifacts", artifact).build());
    let told = ledger.record(RecordRequest::of(input)).unwrap_err();
    assert_eq!(
        (told.code(), told.kind()),
        ("attachment_lost", ErrorKind::Damaged)
    );
    let found = lab.reopened().find("r1").unwrap();
    assert!(
        told.to_string().starts_with(&found.place.to_string()),
        "{told}"
    );
    let verified = lab.reopened().verify().unwrap();
    let [damage] = verified.damage.as_slice() else {
        panic!("{:?}", verified.damage);
    };
    assert!(damage.path.ends_with(&attached.to_string()) && damage.kind == "missing");
    assert!(
        damage.expected.contains(&found.place.to_string()),
        "{damage:?}"
    );
}
