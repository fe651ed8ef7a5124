//! Views are derived: delete them all, and the same bytes come back; and none is ever needed.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use runstone::core::id::Attempt;
use runstone::core::input::RunInput;
use runstone::core::json::Limits;
use runstone::core::note::Said;
use runstone::init::InitRequest;
use runstone::notes::Signature;
use runstone::views::Views;
use runstone::{AttemptChoice, Ledger, RecordRequest, Recorded, RecordedAs};
use runstone_store::{Keep, MemoryStore, Room, ShelfPath, Standing, Store, SystemEntropy};
use runstone_testkit::{Lab, TickingClock, flip_a_bit, run};
use serde_json::{Value, json};

/// Every file of the views, by its path below the store.
type Tree = BTreeMap<String, Vec<u8>>;

fn tree(store: &dyn Store) -> Tree {
    fn walk(store: &dyn Store, folder: &ShelfPath, found: &mut Tree) {
        for shelved in store.shelf().list(folder).unwrap() {
            let path = folder.below(&shelved.name).unwrap();
            if shelved.is_folder {
                walk(store, &path, found);
            } else if shelved.name != "head.json" {
                let bytes = store.shelf().get(&path).unwrap().unwrap();
                found.insert(path.to_string(), bytes);
            }
        }
    }
    let mut found = Tree::new();
    walk(store, &ShelfPath::of(Room::Runs), &mut found);
    for cohort in store.cohorts("", None).unwrap() {
        walk(store, &ShelfPath::of(Room::CohortView(cohort)), &mut found);
    }
    found
}

/// Removes every view, and leaves the folders.
fn delete(store: &dyn Store) {
    for path in tree(store).keys() {
        store.shelf().remove(&on_shelf(path)).unwrap();
    }
}

fn on_shelf(path: &str) -> ShelfPath {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["runs", below @ ..] => ShelfPath::new(Room::Runs, below),
        ["cohorts", cohort, "view", below @ ..] => {
            ShelfPath::new(Room::CohortView(cohort.parse().unwrap()), below)
        }
        _ => unreachable!("{path} is no view"),
    }
    .unwrap()
}

fn view(tree: &Tree, path: &str) -> Value {
    serde_json::from_slice(&tree[path]).unwrap()
}

fn rebuild(ledger: &Ledger) -> runstone::views::Rebuilt {
    ledger.rebuild_views(None, &mut |_, _| ()).unwrap()
}

fn market(ledger: &Ledger, name: &str) -> Recorded {
    let path = format!(
        "{}/../../fixtures/records/market/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let input = RunInput::from_json(&std::fs::read(path).unwrap(), &Limits::default()).unwrap();
    ledger.record(RecordRequest::of(input)).unwrap()
}

/// Records runs of every kind that a view tells apart.
fn record_all(ledger: &Ledger) {
    for name in [
        "training",
        "training_factors_changed",
        "training_same_cohort_other_spelling",
        "training_other_symbol",
        "target_ranking",
        "target_ranking_other_target",
        "feature_selection_same_run",
        "training_same_run",
    ] {
        drop(market(ledger, name));
    }
}

/// Records generic runs: a baseline, a retry, odd names, a large document, many changed factors.
fn record_generic(ledger: &Ledger) {
    let record = |document, attempt| {
        let request = RecordRequest::of(RunInput::from_document(document));
        let recorded = ledger.record(RecordRequest { attempt, ..request }).unwrap();
        assert!(recorded.views.is_some(), "{:?}", recorded.warnings);
    };
    for number in 0..8 {
        let run = run(&format!("r{number}")).auc(0.6 + f64::from(number % 3) / 100.0);
        record(run.build(), AttemptChoice::Found);
    }
    record(
        run("r7").with("status", "failed").build(),
        AttemptChoice::Next,
    );
    for odd in ["a:b/../\u{0}\n\u{1f680}", "Run", "run", ".."] {
        let odd = run(odd).with("stage", "snapshot_index.json").build();
        record(odd, AttemptChoice::Found);
    }
    let mut many = run("many").with("diff_telemetry", json!({"mine": true}));
    let mut large = run("large");
    for number in 0..6000 {
        if number < 150 {
            many = many.with(&format!("factors.weight_{number}"), number);
        }
        large = large.with(&format!("factors.weight_{number}"), number);
    }
    record(many.build(), AttemptChoice::Found);
    record(large.build(), AttemptChoice::Found);
}

fn generic() -> InitRequest {
    InitRequest {
        primary: Some(("auc".to_owned(), runstone::core::profile::Direction::Higher)),
        ..InitRequest::default()
    }
}

fn profile(name: &str) -> InitRequest {
    InitRequest {
        profile: Some(name.to_owned()),
        ..InitRequest::default()
    }
}

#[test]
fn views_that_were_deleted_come_back_byte_for_byte() {
    for (request, record) in [
        (profile("market"), record_all as fn(&Ledger)),
        (generic(), record_generic),
    ] {
        let lab = Lab::with(request);
        record(&lab.ledger);
        let store = lab.ledger.store();
        let written = tree(store);
        let again = lab.reopened();
        let rebuilt = rebuild(&again);
        assert_eq!(tree(store), written);
        assert_eq!((rebuilt.written, rebuilt.removed), (0, 0));
        assert_eq!(rebuilt.equal, written.len() as u64);
        delete(store);
        std::fs::remove_dir_all(lab.root().join("runs")).unwrap();
        let rebuilt = rebuild(&again);
        assert_eq!(tree(store), written);
        assert_eq!((rebuilt.written, rebuilt.equal), (written.len() as u64, 0));
        let verified = again.verify().unwrap();
        assert!(
            verified.is_ok() && verified.stale.is_empty(),
            "{:?}",
            verified.stale
        );
        assert_eq!(verified.checked.views, written.len() as u64);
    }
}

/// The same verbs over the engine in memory, where no file system helps.
fn in_memory(request: &InitRequest) -> Ledger {
    let lab = Lab::with(request.clone());
    let settings = lab.ledger.settings().to_map();
    let store = MemoryStore::new(String::new(), settings, SystemEntropy);
    let kept = lab.ledger.store();
    for sha256 in kept.profiles().unwrap() {
        let text = kept.profile(&sha256).unwrap().whole().unwrap();
        store.put_profile(&text, Standing::Unproven).unwrap();
    }
    Ledger::over(Arc::new(store), Arc::new(TickingClock::default())).unwrap()
}

#[test]
fn an_engine_in_memory_keeps_the_same_views_as_a_directory() {
    let lab = Lab::with(generic());
    let memory = in_memory(&generic());
    record_generic(&lab.ledger);
    record_generic(&memory);
    let written = tree(lab.ledger.store());
    assert_eq!(tree(memory.store()), written);
    delete(memory.store());
    drop(rebuild(&memory));
    assert_eq!(tree(memory.store()), written);
}

#[test]
fn answers_name_the_files_and_the_files_are_there() {
    let lab = Lab::new();
    drop(lab.record(run("r1")).unwrap());
    let second = lab.record(run("r2").auc(0.7)).unwrap();
    let tree = tree(lab.ledger.store());
    let paths = second.to_json()["views"].clone();
    let names: Vec<&String> = paths.as_object().unwrap().keys().collect();
    let all =
        "diff_baseline diff_prev latest metadata metric_deltas metrics snapshot snapshot_index";
    assert_eq!(names, all.split(' ').collect::<Vec<_>>());
    for path in paths.as_object().unwrap().values() {
        assert!(tree.contains_key(path.as_str().unwrap()), "{path}");
    }
    let metadata = view(&tree, paths["metadata"].as_str().unwrap());
    let earlier = metadata["diff_telemetry"]["prev_snapshot_path"]
        .as_str()
        .unwrap();
    assert_eq!(view(&tree, earlier)["run_id"], "r1");
    assert_eq!(second.to_json()["diff"]["prev_snapshot_path"], earlier);
    assert_eq!(second.to_json()["diff"]["snapshot_path"], paths["snapshot"]);
    let latest = view(&tree, paths["latest"].as_str().unwrap());
    assert_eq!(latest["path"], paths["snapshot"]);
}

#[test]
fn a_run_id_of_any_text_comes_back_unchanged_from_the_index() {
    let lab = Lab::new();
    for odd in [
        "2025-12-19T10:30:00Z",
        "../../etc",
        "a\u{0}b\n",
        "\u{1f680}",
        "RUN",
        "run",
    ] {
        let recorded = lab.record(run(odd)).unwrap();
        let tree = tree(lab.ledger.store());
        let path = recorded.to_json()["views"]["snapshot_index"].clone();
        let index = view(&tree, path.as_str().unwrap());
        let key = format!("{odd}:train:{}:0", recorded.place.cohort);
        assert_eq!(index["snapshots"][&key]["run_id"], odd);
        assert_eq!(
            index["snapshots"][&key]["sha256"],
            recorded.place.sha256.to_string()
        );
    }
    assert_eq!(
        std::fs::read_dir(lab.root().join("runs")).unwrap().count(),
        6
    );
}

#[test]
fn an_index_that_was_deleted_has_every_snapshot_again_after_the_next_recording() {
    let lab = Lab::new();
    let record = |stage: &str| {
        let document = run("r").with("stage", stage).build();
        let request = RecordRequest::of(RunInput::from_document(document));
        lab.ledger.record(request).unwrap();
    };
    let index = lab.root().join("runs/r/snapshot_index.json");
    record("prepare");
    record("train");
    std::fs::remove_file(&index).unwrap();
    record("eval");
    let index: Value = serde_json::from_slice(&std::fs::read(&index).unwrap()).unwrap();
    assert_eq!(index["snapshots"].as_object().unwrap().len(), 3);
}

#[test]
fn a_retry_stands_beside_what_it_retries() {
    let lab = Lab::new();
    drop(lab.record(run("r1").with("status", "failed")).unwrap());
    let retry = lab.record(run("r1").auc(0.7)).unwrap();
    assert_eq!(retry.attempt, Attempt(1));
    let folder = retry.views.unwrap().folder();
    assert!(folder.ends_with("/attempt-1"), "{folder}");
    let index = view(&tree(lab.ledger.store()), "runs/r1/snapshot_index.json");
    assert_eq!(index["snapshots"].as_object().unwrap().len(), 2);
}

#[test]
fn recording_again_writes_the_views_that_are_missing_or_torn() {
    let lab = Lab::new();
    let first = lab.record(run("r1")).unwrap();
    let written = tree(lab.ledger.store());
    let folder = first.views.unwrap().folder();
    let store = lab.ledger.store();
    store
        .shelf()
        .remove(&on_shelf(&format!("{folder}/metrics.json")))
        .unwrap();
    let torn = on_shelf(&format!("{folder}/snapshot.json"));
    store
        .shelf()
        .put(&torn, b"{\"run_id\":", Keep::BestEffort)
        .unwrap();
    store
        .shelf()
        .remove(&on_shelf("runs/r1/snapshot_index.json"))
        .unwrap();
    drop(
        lab.reopened()
            .record(RecordRequest::of(RunInput::from_document(
                run("r1").build(),
            )))
            .unwrap(),
    );
    assert_eq!(tree(store), written);
}

#[test]
fn verify_tells_views_that_are_missing_torn_outdated_or_strays_and_repairs_them() {
    let lab = Lab::new();
    for number in 0..3 {
        drop(lab.record(run(&format!("r{number}"))).unwrap());
    }
    let store = lab.ledger.store();
    let written = tree(store);
    let cohort = lab.ledger.cohorts().unwrap()[0].cohort.clone();
    let below = |file: &str| format!("runs/r1/train/{cohort}/{file}");
    let put = |path: &str, bytes: &[u8]| {
        let keep = Keep::BestEffort;
        store.shelf().put(&on_shelf(path), bytes, keep).unwrap();
    };
    for file in written
        .keys()
        .filter(|path| path.starts_with("runs/r0/train/"))
    {
        store.shelf().remove(&on_shelf(file)).unwrap();
    }
    put(&below("metrics.json"), b"");
    let older = String::from_utf8(written[&below("diff_prev.json")].clone()).unwrap();
    let older = older.replace("\"view_version\":1", "\"view_version\":0");
    put(&below("diff_prev.json"), older.as_bytes());
    put("runs/r2/snapshot_index.json", b"{}");
    put(&format!("runs/gone/train/{cohort}/metadata.json"), b"{}");
    put(&format!("cohorts/{cohort}/view/LATEST.json"), b"{}");
    let found = lab.reopened().verify().unwrap();
    assert!(found.is_ok());
    let told: Vec<String> = found
        .stale
        .iter()
        .map(|it| format!("{} {}", it.kind, it.path))
        .collect();
    assert_eq!(
        told,
        [
            format!("stray views runs/gone/train/{cohort}"),
            format!("missing views runs/r0/train/{cohort}"),
            format!("outdated view {}", below("diff_prev.json")),
            format!("stale view {}", below("metrics.json")),
            format!("stale view cohorts/{cohort}/view/LATEST.json"),
            "stale view runs/r2/snapshot_index.json".to_owned(),
        ]
    );
    let repaired = lab.reopened().verify_and_repair().unwrap();
    let counts = repaired.repaired.unwrap();
    assert_eq!((counts.written, counts.removed), (6 + 2 + 1 + 1, 1));
    assert_eq!(tree(store), written);
    let clean = lab.reopened().verify().unwrap();
    assert!(clean.stale.is_empty(), "{:?}", clean.stale);
    assert!(!lab.root().join("runs/gone").exists());
}

#[test]
fn damage_costs_the_damaged_snapshot_and_its_views_are_kept() {
    let lab = Lab::new();
    for number in 0..3 {
        drop(
            lab.record(run(&format!("r{number}")).auc(0.6 + f64::from(number)))
                .unwrap(),
        );
    }
    let store = lab.ledger.store();
    let written = tree(store);
    let cohort = lab.ledger.cohorts().unwrap()[0].cohort.clone();
    let slot = lab.root().join(format!(
        "cohorts/{cohort}/log/0000000000/00000000000000000002"
    ));
    flip_a_bit(&slot);
    let metrics = format!("runs/r0/train/{cohort}/metrics.json");
    store.shelf().remove(&on_shelf(&metrics)).unwrap();
    let repaired = lab.reopened().verify_and_repair().unwrap();
    assert!(!repaired.is_ok());
    let put_right = repaired.repaired.unwrap();
    assert_eq!((put_right.written, put_right.removed), (1, 0));
    // The third was compared with the second, which cannot be read any more: what stands stays.
    assert_eq!(tree(store), written);
    let unavailable: Vec<&str> = repaired.stale.iter().map(|it| it.path.as_str()).collect();
    assert!(
        unavailable.contains(&format!("runs/r2/train/{cohort}").as_str()),
        "{unavailable:?}"
    );
    let rebuilt = rebuild(&lab.reopened());
    assert_eq!(rebuilt.unreadable, [format!("{cohort}#2")]);
    assert_eq!(tree(store), written);
}

#[test]
fn what_lies_among_the_views_and_is_not_ours_stays() {
    let lab = Lab::new();
    drop(lab.record(run("r1")).unwrap());
    let cohort = lab.ledger.cohorts().unwrap()[0].cohort.clone();
    for path in [
        format!("runs/r1/train/{cohort}/notes.txt"),
        "runs/mine/plot.png".to_owned(),
        "runs/r1/plots/a.png".to_owned(),
    ] {
        let keep = Keep::BestEffort;
        lab.ledger
            .store()
            .shelf()
            .put(&on_shelf(&path), b"mine", keep)
            .unwrap();
    }
    let before = tree(lab.ledger.store());
    let rebuilt = rebuild(&lab.ledger);
    assert_eq!((rebuilt.written, rebuilt.removed), (0, 0));
    assert_eq!(tree(lab.ledger.store()), before);
}

#[test]
fn a_view_of_a_place_beyond_the_log_is_kept_because_it_may_be_all_that_is_left() {
    let lab = Lab::new();
    for number in 0..2 {
        drop(lab.record(run(&format!("r{number}"))).unwrap());
    }
    let cohort = lab.ledger.cohorts().unwrap()[0].cohort.clone();
    let slot = lab.root().join(format!(
        "cohorts/{cohort}/log/0000000000/00000000000000000002"
    ));
    std::fs::remove_file(slot).unwrap();
    drop(rebuild(&lab.reopened()));
    let kept = tree(lab.ledger.store());
    assert_eq!(
        view(&kept, &format!("runs/r1/train/{cohort}/snapshot.json"))["run_id"],
        "r1"
    );
}

#[test]
fn a_store_without_views_writes_none_and_says_so() {
    let lab = Lab::with(InitRequest {
        views: Some(Views::None),
        ..InitRequest::default()
    });
    drop(lab.record(run("r1")).unwrap());
    let second = lab.record(run("r2")).unwrap();
    assert_eq!(second.to_json()["views"], Value::Null);
    assert_eq!(second.to_json()["diff"]["prev_snapshot_path"], Value::Null);
    assert!(tree(lab.ledger.store()).is_empty());
    assert!(lab.ledger.verify().unwrap().stale.is_empty());
    let refused = lab.ledger.rebuild_views(None, &mut |_, _| ()).unwrap_err();
    assert_eq!(refused.kind(), runstone::ErrorKind::Illegal);
}

#[test]
fn only_the_views_of_the_cohort_that_was_named_are_made_again() {
    let lab = Lab::new();
    let one = lab.record(run("r1")).unwrap();
    drop(
        lab.record(run("r1").with("identity.dataset.rows", 5))
            .unwrap(),
    );
    let written = tree(lab.ledger.store());
    delete(lab.ledger.store());
    let rebuilt = lab
        .reopened()
        .rebuild_views(Some(&one.place.cohort), &mut |_, _| ())
        .unwrap();
    // Six files, the newest of the cohort, and the index of the run as far as folders prove it.
    assert_eq!(rebuilt.written, 8);
    let other = |path: &&String| !path.contains(one.place.cohort.as_str());
    let made = tree(lab.ledger.store());
    assert_eq!(made.keys().filter(other).count(), 1);
    drop(rebuild(&lab.reopened()));
    assert_eq!(tree(lab.ledger.store()), written);
}

#[test]
fn a_deleted_snapshot_is_in_no_view_and_comes_back_by_no_rebuild() {
    let lab = lab_of_two();
    let second = lab.ledger.find("r2").unwrap();
    let before = tree(lab.ledger.store());
    let of_second: Vec<&String> = before.keys().filter(|it| it.contains("/r2/")).collect();
    assert!(of_second.len() > 3, "{of_second:?}");
    let noting = lab.ledger.note(&second, Said::Delete, Signature::default());
    assert!(noting.unwrap().warnings.is_empty());
    let after = tree(lab.ledger.store());
    assert!(!after.keys().any(|it| it.contains("/r2/")), "{after:?}");
    let latest = format!("cohorts/{}/view/LATEST.json", second.place.cohort);
    assert_eq!(view(&after, &latest)["run_id"], "r1");
    let again = lab.record(run("r2")).unwrap();
    assert_eq!(again.recorded_as, RecordedAs::Already);
    assert_eq!(
        tree(lab.ledger.store()),
        after,
        "already recorded, and deleted"
    );
    // As if the one who deleted it had died before the files were gone.
    for (path, bytes) in &before {
        let shelf = lab.ledger.store().shelf();
        shelf.put(&on_shelf(path), bytes, Keep::BestEffort).unwrap();
    }
    let verified = lab.reopened().verify().unwrap();
    assert!(verified.is_ok(), "{:?}", verified.damage);
    let mut kinds: Vec<&str> = verified.stale.iter().map(|it| it.kind.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["stale view", "stale view", "stray views"]);
    assert!(rebuild(&lab.reopened()).removed > 3);
    assert_eq!(tree(lab.ledger.store()), after);
    assert!(lab.reopened().verify().unwrap().stale.is_empty());
}

#[test]
fn views_follow_the_notes_that_the_envelope_saw() {
    let lab = lab_of_two();
    let first = lab.ledger.find("r1").unwrap();
    lab.ledger
        .note(&first, Said::Pin, Signature::default())
        .unwrap();
    drop(lab.record(run("r3")).unwrap());
    let made = tree(lab.ledger.store());
    delete(lab.ledger.store());
    rebuild(&lab.reopened());
    assert_eq!(tree(lab.ledger.store()), made);
    let beside = |run: &str| {
        let path = made
            .keys()
            .find(|it| it.contains(&format!("/{run}/")) && it.ends_with("/diff_baseline.json"));
        view(&made, path.unwrap())["prev_snapshot_seq"].clone()
    };
    assert_eq!(beside("r3"), 1);
    assert_eq!(beside("r2"), Value::Null, "recorded before the pin");
}

fn lab_of_two() -> Lab {
    let lab = Lab::new();
    for run_id in ["r1", "r2"] {
        drop(lab.record(run(run_id)).unwrap());
    }
    lab
}
