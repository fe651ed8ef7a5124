//! A store that was written once is read by every later release: byte for byte the same answer.
//!
//! `fixtures/stores/v1` is an ordinary store of format 1: three trainings of the market pipeline
//! and one of the generic profile. `v1-full` beside it has a file of every kind that format 1 has,
//! but for segments and environments, which `v1-environments` keeps. None is ever edited; a later
//! format gets a fixture of its own.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runstone::clock::FixedClock;
use runstone::core::canon;
use runstone::core::digest::Digest;
use runstone::core::id::SnapshotSeq;
use runstone::core::note::Tag;
use runstone::env::SourceName;
use runstone::environments::{CaptureRequest, Keeping, KeptEnvironment, Retention};
use runstone::list::LogRequest;
use runstone::{Ledger, RecordedAs};
use runstone_testkit::{Files, Machine};

fn stores() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/stores")
}

fn fixture() -> PathBuf {
    stores().join("v1")
}

fn full_fixture() -> PathBuf {
    stores().join("v1-full")
}

fn kept_fixture() -> PathBuf {
    stores().join("v1-environments")
}

/// Copies a fixture, since a test must not write into it.
fn copy_of(fixture: &Path, to: &Path) -> Ledger {
    std::fs::create_dir(to).unwrap();
    Files::below(fixture).restore(to);
    Ledger::open(to).unwrap()
}

fn copied(to: &Path) -> Ledger {
    copy_of(&fixture(), to)
}

/// Returns one digest of all files of a store: their paths and their bytes.
fn digest_of_all(root: &Path) -> String {
    let files = Files::below(root);
    let line = |path: &str| format!("{path} {}\n", Digest::of(files.get(path).unwrap()));
    let listed: String = files.paths().map(line).collect();
    Digest::of(listed.as_bytes()).to_string()
}

#[test]
fn fixtures_are_never_edited() {
    for (fixture, digest) in [
        (
            fixture(),
            "64ff74b932ce2b3c0c932a35a2bef7bbff19046912bff80502f2eaa66154e47e",
        ),
        (
            full_fixture(),
            "2d50419d99942e76a508512b615c11e6a52da4c1e6c17bf1605b92fb6a6cb4d6",
        ),
        (
            kept_fixture(),
            "1b8da974c5785e2c080380820864f51702a768dcc9b4a21aff4499b166a1f3af",
        ),
    ] {
        let found = digest_of_all(&fixture);
        assert_eq!(found, digest, "{}", fixture.display());
    }
}

#[test]
fn a_store_of_format_1_with_every_kind_of_file_is_whole_and_means_what_it_meant() {
    let ledger = Ledger::open(&full_fixture()).unwrap();
    let verified = ledger.verify().unwrap();
    assert!(verified.is_ok(), "{:?}", verified.damage);
    let checked = &verified.checked;
    assert_eq!((checked.snapshots, checked.notes), (8, 5));
    assert_eq!((checked.audited.keys, checked.audited.objects), (9, 1));
    assert_eq!((checked.audited.profiles, checked.views), (2, 59));
    // A generation that a crash tore, and one after it.
    let stale: Vec<&str> = verified.stale.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(stale, ["torn claim"]);
    // A check-out is another directory than the one it was made in.
    assert!(verified.moved.is_some());

    assert_eq!(ledger.epoch(), 1);
    assert_eq!(ledger.default_profile().unwrap().name, "generic");
    let tag = Tag::new("two").unwrap();
    let tagged = ledger.log(&LogRequest {
        tag: Some(tag),
        ..LogRequest::default()
    });
    let tagged = tagged.unwrap().rows;
    assert_eq!(tagged.len(), 1);
    assert_eq!(tagged[0].stored.snapshot.run_id.as_str(), "r1");
    let large = ledger.find("large").unwrap().snapshot;
    assert!(large.document["metadata"]["text"].as_str().unwrap().len() > 70_000);
    let refused = ledger.refused_runs().unwrap();
    assert_eq!((refused.rows.len(), refused.unreadable.len()), (2, 0));
}

#[test]
fn what_a_store_of_format_1_recorded_is_recorded_by_every_release() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = copy_of(&full_fixture(), &folder.path().join("store"));
    let request = |document: &serde_json::Map<String, serde_json::Value>| {
        let input = runstone::core::input::RunInput::from_document(document.clone());
        runstone::RecordRequest::of(input)
    };
    // Through a claim of its own, a second generation, one that was adopted, and with a pseudonym.
    for run_id in ["r1", "torn", "adopted"] {
        let stored = ledger.find(run_id).unwrap();
        let again = ledger.record(request(&stored.snapshot.document)).unwrap();
        assert_eq!(again.recorded_as, RecordedAs::Already, "{run_id}");
        assert_eq!(again.place.seq, stored.place.seq, "{run_id}");
    }
    let secret = ledger.find("secret").unwrap();
    let document = runstone_testkit::run("secret")
        .with("identity.dataset.api_key", "hunter2")
        .build();
    let again = ledger.record(request(&document)).unwrap();
    assert_eq!(again.recorded_as, RecordedAs::Already);
    assert_eq!(again.place.cohort, secret.place.cohort);

    let next = runstone_testkit::run("next").build();
    let recorded = ledger.record(request(&next)).unwrap();
    assert_eq!(recorded.place.seq, SnapshotSeq(7));
    assert!(ledger.verify().unwrap().is_ok());
    let lost = folder.path().join("store/keys");
    std::fs::remove_dir_all(lost).unwrap();
    let repaired = ledger.verify_and_repair().unwrap();
    assert!(repaired.is_ok(), "{:?}", repaired.damage);
}

#[test]
fn environments_of_a_store_of_format_1_are_whole_and_mean_what_they_meant() {
    let ledger = Ledger::open(&kept_fixture()).unwrap();
    let verified = ledger.verify().unwrap();
    assert!(verified.is_ok(), "{:?}", verified.damage);
    let checked = &verified.checked;
    assert_eq!((checked.environments, checked.notes), (5, 3));
    let log = ledger.kept_environments().unwrap();
    assert_eq!(log.warnings(), [""; 0]);
    let told: Vec<String> = log
        .listed()
        .map(|kept| {
            let tags: Vec<&str> = kept.tags.iter().map(Tag::as_str).collect();
            let pinned = if kept.pinned { " pinned" } else { "" };
            let said = kept.entry.description.as_ref();
            let said = said.map_or("", |it| it.as_str());
            format!(
                "{} {}{pinned} {said} {}",
                kept.id(),
                kept.digest().prefix(8),
                tags.join(" ")
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "env#4 7883fd70 of the paper ",
            "env#3 1c46dbbf the same again ",
            "env#2 1c46dbbf pinned  ",
            "env#1 67443a42 before the upgrade paper",
        ]
    );
    let numpy = |digest: &Digest| {
        let environment = ledger.environment(digest).unwrap();
        assert_eq!(environment.digests().environment, *digest);
        let mut packages = environment.sources[&SourceName::Python].packages.iter();
        packages
            .find(|it| it.name == "numpy")
            .unwrap()
            .version
            .clone()
    };
    let versions: Vec<String> = log.entries.iter().map(|it| numpy(&it.digest())).collect();
    assert_eq!(versions, ["1.26.4", "2.0.0", "2.0.0", "1.25.0", "2.0.0"]);
    let ran = ledger.find("r1").unwrap().snapshot.environment;
    assert_eq!(ran.digest(), Some(log.entries[0].digest()));
}

#[test]
fn environments_are_kept_on_in_a_store_of_format_1() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    drop(copy_of(&kept_fixture(), &root));
    let clock = FixedClock("2026-11-21T10:00:00.000Z".to_owned());
    let ledger = Ledger::open_with(&root, Arc::new(clock)).unwrap();
    let machine = Machine::new();
    let request = CaptureRequest {
        root: Some(machine.path().to_owned()),
        ..CaptureRequest::default()
    };
    let created = ledger.create_environment(&request, Keeping::default());
    assert_eq!(created.unwrap().kept.id(), "env#6");
    // Old enough for any rule: what is neither pinned, tagged nor a run's goes.
    let rule = Retention {
        keep: NonZeroU64::new(1),
        older_than: None,
    };
    let plan = ledger.plan_prune(rule).unwrap();
    let removes: Vec<String> = plan.removes.iter().map(KeptEnvironment::id).collect();
    assert_eq!(removes, ["env#3", "env#4"]);
    ledger.remove_planned(plan, None).unwrap();
    assert_eq!(ledger.kept_environments().unwrap().listed().count(), 3);
    let verified = ledger.verify().unwrap();
    assert!(verified.is_ok(), "{:?}", verified.damage);
}

#[test]
fn a_store_of_format_1_is_whole_and_recomputes() {
    let verified = Ledger::open(&fixture()).unwrap().verify().unwrap();
    assert!(verified.is_ok(), "{:?}", verified.damage);
    assert_eq!(verified.checked.snapshots, 4);
}

#[test]
fn a_payload_of_format_1_reads_and_writes_the_same_bytes() {
    let ledger = Ledger::open(&fixture()).unwrap();
    let page = ledger
        .log(&LogRequest {
            all_attempts: true,
            ..LogRequest::default()
        })
        .unwrap();
    assert_eq!(page.rows.len(), 4);
    for row in &page.rows {
        let written = canon::digest(&row.stored.snapshot.to_payload());
        assert_eq!(written, row.stored.place.sha256, "{}", row.stored.place);
    }
}

#[test]
fn the_answer_about_a_store_of_format_1_is_the_one_of_then() {
    let ledger = Ledger::open(&fixture()).unwrap();
    let changed = ledger.find("intelligent_output_20251218_093012").unwrap();
    assert_eq!(changed.place.seq, SnapshotSeq(2));
    let diff = ledger.compared(&changed).unwrap().diff;
    assert_eq!(
        diff.excluded_factors.summary(),
        "learning_rate: 0.05→0.01, train_seed: 1337→42, python_version: 3.11.7→3.12.1"
    );
}

#[test]
fn recording_goes_on_in_a_store_of_format_1() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = copied(&folder.path().join("store"));
    let newest = ledger.find("churn-0412").unwrap();
    let mut document = newest.snapshot.document.clone();
    document.insert("run_id".to_owned(), "churn-0413".into());
    let input = runstone::core::input::RunInput::from_document(document);
    let recorded = ledger.record(runstone::RecordRequest {
        profile: runstone::profiles::ProfileChoice::Named("generic".to_owned()),
        ..runstone::RecordRequest::of(input)
    });
    let recorded = recorded.unwrap();
    assert_eq!(recorded.place.cohort, newest.place.cohort);
    assert_eq!(recorded.place.seq, SnapshotSeq(2));
    assert!(ledger.verify().unwrap().is_ok());
}

/// Every file below `folder` that is a view, by its path.
fn views_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_string_lossy();
            if path.is_dir() {
                folders.push(path);
            } else if name.starts_with("runs/") || name.ends_with("/view/LATEST.json") {
                found.insert(name.into_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn views_of_version_1_are_made_the_same_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    drop(copied(&root));
    let descriptor = root.join("runstone.json");
    let settings = std::fs::read_to_string(&descriptor).unwrap();
    let with_views = settings.replace("\"views\": \"none\"", "\"views\": \"files\"");
    assert_ne!(with_views, settings);
    std::fs::remove_file(&descriptor).unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "the fixture was made without views"
    )]
    std::fs::write(&descriptor, with_views).unwrap();
    let ledger = Ledger::open(&root).unwrap();
    let rebuilt = ledger.rebuild_views(None, &mut |_, _| ()).unwrap();
    let made = views_below(&root);
    assert_eq!(rebuilt.written, made.len() as u64);
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/views/v1");
    let expected = views_below(&fixture);
    let names = |views: &BTreeMap<String, Vec<u8>>| views.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&made), names(&expected));
    for (path, bytes) in &expected {
        let (made, then) = [&made[path], bytes]
            .map(|it| String::from_utf8_lossy(it))
            .into();
        assert_eq!(
            made, then,
            "{path} changed: views of another shape have another version"
        );
    }
}
