//! What stands in the way of views costs those views alone, and what may be all that is left of a
//! snapshot is kept.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a failed step should stop the test, and what it puts there needs no durability"
)]

use std::collections::BTreeMap;
use std::path::Path;

use runstone::Ledger;
use runstone::verify::Leftover;
use runstone_testkit::{Lab, run};

/// Two runs of one cohort.
fn lab_of_two() -> Lab {
    let lab = Lab::new();
    for name in ["r1", "r2"] {
        drop(lab.record(run(name)).unwrap());
    }
    lab
}

fn rebuild(ledger: &Ledger) -> runstone::views::Rebuilt {
    ledger.rebuild_views(None, &mut |_, _| ()).unwrap()
}

/// Every file below a folder of the store, by its path.
fn files(root: &Path, below: &str) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, &root.join(below), &mut found);
    found
}

#[test]
fn folders_of_others_among_the_runs_are_left_alone() {
    let lab = lab_of_two();
    let written = files(&lab.root(), "runs");
    for name in ["x y", ".hidden", "ünï"] {
        std::fs::create_dir(lab.root().join("runs").join(name)).unwrap();
    }
    let verified = lab.reopened().verify().unwrap();
    assert!(verified.is_ok() && verified.stale.is_empty());
    assert_eq!(rebuild(&lab.reopened()).removed, 0);
    for name in ["x y", ".hidden", "ünï"] {
        std::fs::remove_dir(lab.root().join("runs").join(name)).unwrap();
    }
    assert_eq!(files(&lab.root(), "runs"), written);
}

#[test]
fn what_stands_in_the_way_of_a_view_costs_that_view_alone() {
    let whole = lab_of_two();
    let cohort = whole.ledger.cohorts().unwrap()[0].cohort.to_string();
    let folders = [
        "runs",
        "runs/r1",
        "runs/r1/train",
        "runs/r1/train/COHORT",
        "cohorts/COHORT/view",
    ];
    let files = [
        "runs/r1/train/COHORT/snapshot.json",
        "runs/r1/snapshot_index.json",
        "cohorts/COHORT/view/LATEST.json",
    ];
    let in_place_of =
        |puts: [&'static str; 2]| move |place: &'static str| puts.map(|put| (place, put));
    let folders = folders.into_iter().flat_map(in_place_of(["link", "file"]));
    let files = files.into_iter().flat_map(in_place_of(["link", "folder"]));
    for (place, put) in folders.chain(files) {
        let lab = whole.copied();
        let place = place.replace("COHORT", &cohort);
        let path = lab.root().join(&place);
        let aside = lab.folder().join("aside");
        std::fs::rename(&path, &aside).unwrap();
        match put {
            "link" => std::os::unix::fs::symlink(&aside, &path).unwrap(),
            "file" => std::fs::write(&path, b"x").unwrap(),
            _ => std::fs::create_dir(&path).unwrap(),
        }
        let verified = lab.reopened().verify().unwrap();
        assert!(verified.is_ok(), "{place} {put}: {:?}", verified.damage);
        let is_named = verified
            .stale
            .iter()
            .any(|it| Path::new(&it.path).starts_with(&place));
        assert!(is_named, "{place} {put}: {:?}", verified.stale);
        // Nothing is said of files that are not there.
        let told = |it: &&Leftover| it.path == place;
        let kinds: Vec<&str> = (verified.stale.iter().filter(told))
            .map(|it| it.kind.as_str())
            .collect();
        let is_right = matches!(kinds[..], ["in the way" | "unknown"]);
        assert!(is_right, "{place} {put}: {:?}", verified.stale);
        let invented = (verified.stale.iter()).find(|it| it.kind == "stray view");
        assert!(invented.is_none(), "{place} {put}: {:?}", verified.stale);
        assert!(rebuild(&lab.reopened()).unreadable.is_empty());
        assert!(lab.reopened().verify_and_repair().unwrap().is_ok());
    }
}

#[test]
fn what_stands_in_the_way_of_a_snapshot_view_does_not_cost_the_index() {
    let lab = lab_of_two();
    let cohort = lab.ledger.cohorts().unwrap()[0].cohort.to_string();
    let index = lab.root().join("runs/r1/snapshot_index.json");
    let written = std::fs::read(&index).unwrap();
    let view = format!("runs/r1/train/{cohort}/snapshot.json");
    std::fs::remove_file(lab.root().join(&view)).unwrap();
    std::fs::create_dir_all(lab.root().join(&view).join("x")).unwrap();
    let rebuilt = rebuild(&lab.reopened());
    assert_eq!((rebuilt.written, rebuilt.removed), (0, 0));
    let left: Vec<&str> = rebuilt.left.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(left, [view.as_str()]);
    assert_eq!(std::fs::read(&index).unwrap(), written);
    std::fs::remove_file(&index).unwrap();
    assert_eq!(rebuild(&lab.reopened()).written, 1);
    assert_eq!(std::fs::read(&index).unwrap(), written);
}

#[test]
fn a_link_among_the_views_hides_no_damage_of_truth() {
    let lab = lab_of_two();
    let cohort = lab.ledger.cohorts().unwrap()[0].cohort.clone();
    // An entry with its claim: nothing proves what it was.
    let entry = format!("cohorts/{cohort}/log/0000000000/00000000000000000001");
    std::fs::remove_file(lab.root().join(entry)).unwrap();
    std::fs::remove_dir_all(lab.root().join("keys")).unwrap();
    std::fs::rename(lab.root().join("runs"), lab.root().join("aside")).unwrap();
    std::os::unix::fs::symlink(lab.root().join("aside"), lab.root().join("runs")).unwrap();
    assert!(!lab.reopened().verify().unwrap().is_ok());
    assert!(!lab.reopened().verify_and_repair().unwrap().is_ok());
}

#[test]
fn views_of_a_lost_tail_are_kept_and_say_that_it_is_lost() {
    for lost in ["log", "."] {
        let lab = lab_of_two();
        let place = lab.ledger.find("r2").unwrap().place;
        let written = files(&lab.root(), "runs");
        let path = format!("cohorts/{}/{lost}", place.cohort);
        let path = lab.root().join(path.trim_end_matches("/."));
        std::fs::rename(path, lab.root().join("aside")).unwrap();
        let verified = lab.reopened().verify().unwrap();
        assert!(!verified.is_ok(), "{lost}");
        let is_named = |it: &runstone::verify::Damaged| {
            it.kind == "missing" && it.expected.contains(&place.to_string())
        };
        assert!(
            verified.damage.iter().any(is_named),
            "{:?}",
            verified.damage
        );
        let rebuilt = rebuild(&lab.reopened());
        assert_eq!((rebuilt.removed, rebuilt.written), (0, 0), "{lost}");
        assert!(rebuilt.unreadable.contains(&place.to_string()));
        assert_eq!(files(&lab.root(), "runs"), written, "{lost}");
        let latest = lab
            .root()
            .join(format!("cohorts/{}/view/LATEST.json", place.cohort));
        assert_eq!(latest.exists(), lost == "log");
    }
}

#[test]
fn views_of_a_tail_that_was_lost_and_overwritten_are_kept_and_say_so() {
    let lab = lab_of_two();
    let restored = lab.copied();
    let cohort = lab.ledger.cohorts().unwrap()[0].cohort.to_string();
    let lost: Vec<String> = ["r3", "r4"]
        .map(|name| lab.record(run(name)).unwrap().place.to_string())
        .into();
    // The log and the keys of a copy made before, beside the views of now.
    std::fs::remove_dir_all(restored.root().join("runs")).unwrap();
    std::fs::rename(lab.root().join("runs"), restored.root().join("runs")).unwrap();
    let lab = restored;
    let found = lab.reopened().verify().unwrap();
    assert_eq!(found.damage.len(), 2, "{:?}", found.damage);
    // Recording goes on, so that the log is as long as it was.
    for name in ["s3", "s4", "s5"] {
        drop(lab.record(run(name)).unwrap());
    }
    let written = files(&lab.root(), "runs");
    let found = lab.reopened().verify().unwrap();
    let damage: Vec<(&str, &str)> = (found.damage.iter())
        .map(|it| (it.path.as_str(), it.kind.as_str()))
        .collect();
    let path = |name: &str| format!("runs/{name}/train/{cohort}/snapshot.json");
    let (third, fourth) = (path("r3"), path("r4"));
    assert_eq!(damage, [(&*third, "fork"), (&*fourth, "fork")]);
    assert!(found.stale.is_empty(), "{:?}", found.stale);
    let rebuilt = rebuild(&lab.reopened());
    assert_eq!((rebuilt.removed, rebuilt.written), (0, 0));
    assert_eq!(rebuilt.unreadable, lost);
    assert_eq!(files(&lab.root(), "runs"), written);
    // What only says that it is a view of that place proves nothing.
    let edited = String::from_utf8(written[&third].clone()).unwrap();
    let edited = edited.replacen("finished", "failed", 1);
    std::fs::write(lab.root().join(&third), edited).unwrap();
    assert_eq!(lab.reopened().verify().unwrap().damage.len(), 1);
}

#[test]
fn cohort_whose_directory_is_gone_comes_back_from_its_claims() {
    let lab = lab_of_two();
    let cohort = lab.ledger.cohorts().unwrap()[0].cohort.clone();
    let document = lab.root().join(format!("cohorts/{cohort}/cohort.json"));
    let before = std::fs::read(&document).unwrap();
    std::fs::rename(lab.root().join("cohorts"), lab.root().join("aside")).unwrap();
    std::fs::create_dir(lab.root().join("cohorts")).unwrap();
    assert!(lab.reopened().verify_and_repair().unwrap().is_ok());
    assert_eq!(std::fs::read(&document).unwrap(), before);
    assert_eq!(lab.reopened().cohorts().unwrap()[0].snapshots, Some(2));
}

#[test]
fn views_without_proof_stay_where_their_log_is_gone() {
    let lab = lab_of_two();
    let cohort = lab.ledger.cohorts().unwrap()[0].cohort.clone();
    let folder = lab.root().join(format!("runs/r1/train/{cohort}"));
    std::fs::remove_file(folder.join("snapshot.json")).unwrap();
    std::fs::rename(lab.root().join("cohorts"), lab.root().join("aside")).unwrap();
    std::fs::create_dir(lab.root().join("cohorts")).unwrap();
    // The claims would give the log back.
    std::fs::remove_dir_all(lab.root().join("keys")).unwrap();
    rebuild(&lab.reopened());
    let repaired = lab.reopened().verify_and_repair().unwrap();
    assert!(folder.join("metadata.json").exists());
    let named = repaired
        .stale
        .iter()
        .any(|it| it.kind == "stray views" && it.path == format!("runs/r1/train/{cohort}"));
    assert!(named, "{:?}", repaired.stale);
}

#[test]
fn what_writers_of_views_left_behind_is_named() {
    let lab = lab_of_two();
    let cohort = lab.ledger.cohorts().unwrap()[0].cohort.clone();
    let folders = [
        "runs".to_owned(),
        "runs/r1".to_owned(),
        format!("runs/r1/train/{cohort}"),
        format!("cohorts/{cohort}/view"),
        "started".to_owned(),
        "refused".to_owned(),
    ];
    let left = folders.map(|folder| format!("{folder}/.t-0123456789abcdef0123456789abcdef"));
    for path in &left {
        std::fs::write(lab.root().join(path), b"half").unwrap();
    }
    let verified = lab.reopened().verify().unwrap();
    assert!(verified.is_ok());
    let mut named: Vec<&str> = verified.stale.iter().map(|it| it.path.as_str()).collect();
    let mut left = left.each_ref().map(String::as_str);
    named.sort_unstable();
    left.sort_unstable();
    assert_eq!(named, left);
    assert!(verified.stale.iter().all(|it| it.kind == "temporary"));
}
