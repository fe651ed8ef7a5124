//! What stands at a path is told clearly, and nothing that is not ours is touched.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step should stop the test"
)]

mod support;

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use runstone_store::dir::faults::FaultyFileSystem;
use runstone_store::dir::{InitOptions, Initialised, OsFileSystem};
use runstone_store::{
    DirStore, Modes, NotAStore, Seq, Standing, Store as _, StoreError, SystemEntropy,
};
use serde_json::{Map, json};
use support::{Place, findings, log, options, record};

fn put(path: &Path, bytes: &[u8]) {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .unwrap()
        .write_all(bytes)
        .unwrap();
}

fn open(path: &Path) -> Result<DirStore, StoreError> {
    DirStore::open(path, SystemEntropy)
}

fn init(path: &Path, options: &InitOptions) -> Result<Initialised<DirStore>, StoreError> {
    DirStore::init(path, options, SystemEntropy)
}

fn reason<T: std::fmt::Debug>(result: Result<T, StoreError>) -> NotAStore {
    match result {
        Err(StoreError::NotAStore { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

/// Returns every file below a directory with its mode, sorted.
fn modes(root: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        found.push((entry.path(), metadata.permissions().mode() & 0o7777));
        if metadata.is_dir() {
            found.extend(modes(&entry.path()));
        }
    }
    found.sort();
    found
}

#[test]
fn made_store_opens_with_everything_it_was_made_with() {
    let place = Place::new();
    let settings = json!({"experiment": "churn"}).as_object().unwrap().clone();
    let options = InitOptions {
        settings: settings.clone(),
        ..options()
    };
    let Initialised::Made(made) = init(&place.path(), &options).unwrap() else {
        panic!("the store was there");
    };
    assert_eq!(place.open().descriptor(), made.descriptor());
    assert_eq!(made.descriptor().settings, settings);
    let Initialised::Found(found) = init(&place.path(), &options).unwrap() else {
        panic!("the store was made twice");
    };
    assert_eq!(found.descriptor(), made.descriptor());
    assert_eq!(findings(&found), Vec::<String>::new());
}

#[test]
fn other_options_are_refused_and_both_values_named() {
    let place = Place::new();
    drop(place.init());
    let settings = json!({"views": "files"}).as_object().unwrap().clone();
    let other = InitOptions {
        modes: Modes::Shared,
        settings,
        ..options()
    };
    let told = init(&place.path(), &other).unwrap_err().to_string();
    assert!(
        told.contains("`modes` is \"private\", not \"shared\""),
        "{told}"
    );
    assert!(told.contains("`views` is absent, not \"files\""), "{told}");
}

#[test]
fn directories_above_a_store_are_made() {
    let place = Place::new();
    let path = place.path().join("deep/down");
    assert!(matches!(init(&path, &options()), Ok(Initialised::Made(_))));
    assert!(open(&path).is_ok());
}

#[test]
fn what_is_no_store_is_told_by_what_it_is() {
    let place = Place::new();
    assert_eq!(reason(open(&place.path())), NotAStore::Missing);
    put(&place.path(), b"a file");
    assert_eq!(reason(open(&place.path())), NotAStore::File);
    assert_eq!(reason(init(&place.path(), &options())), NotAStore::File);
    fs::remove_file(place.path()).unwrap();
    fs::create_dir(place.path()).unwrap();
    assert_eq!(reason(open(&place.path())), NotAStore::Foreign);
    put(&place.path().join("thesis.tex"), b"not ours");
    assert_eq!(reason(init(&place.path(), &options())), NotAStore::NotEmpty);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    put(&place.path().join("runstone.json"), b"{\"format\": 1");
    assert_eq!(reason(open(&place.path())), NotAStore::Garbled);
}

#[test]
fn leftovers_of_a_maker_that_died_do_not_stop_the_next_one() {
    let place = Place::new();
    fs::create_dir(place.path()).unwrap();
    put(&place.path().join(".t-00"), b"half a descriptor");
    fs::create_dir(place.path().join(".probe-00")).unwrap();
    assert!(matches!(
        init(&place.path(), &options()),
        Ok(Initialised::Made(_))
    ));
}

#[test]
fn store_whose_maker_died_before_the_directories_is_finished_by_its_users() {
    let place = Place::new();
    drop(place.init());
    for directory in ["keys", "cohorts", "profiles", "objects", "trash"] {
        fs::remove_dir_all(place.path().join(directory)).unwrap();
    }
    let store = place.open();
    record(&store, &["first"]);
    store.put_object(b"object", Standing::Unproven).unwrap();
    assert_eq!(findings(&store), Vec::<String>::new());
}

#[test]
fn shared_store_whose_maker_died_before_it_was_opened_to_the_group_is_opened_by_the_next() {
    let place = Place::new();
    let shared = InitOptions {
        modes: Modes::Shared,
        ..options()
    };
    drop(init(&place.path(), &shared).unwrap());
    fs::remove_dir(place.path().join("trash")).unwrap();
    fs::set_permissions(place.path(), Permissions::from_mode(0o700)).unwrap();
    record(&place.open(), &["first"]);
    let mode = fs::metadata(place.path()).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o3770);
}

#[test]
fn newer_store_is_told_and_left_alone() {
    let place = Place::new();
    drop(place.init());
    let path = place.path().join("runstone.json");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    put(&path, b"{\"format\": 2}");
    for told in [
        open(&place.path()).unwrap_err(),
        init(&place.path(), &options()).unwrap_err(),
    ] {
        assert!(
            matches!(
                told,
                StoreError::Newer {
                    found: 2,
                    known: 1,
                    ..
                }
            ),
            "{told:?}"
        );
        assert!(told.hint().is_some());
    }
    assert_eq!(fs::read(&path).unwrap(), b"{\"format\": 2}");
}

#[test]
fn store_opens_through_a_symbolic_link_to_its_root() {
    let place = Place::new();
    record(&place.init(), &["first"]);
    let link = place.path().with_file_name("link");
    symlink(place.path(), &link).unwrap();
    let store = open(&link).unwrap();
    assert_eq!(store.head(&log()).unwrap(), Some(Seq::FIRST));
}

#[test]
fn symbolic_link_below_the_root_is_never_followed() {
    let place = Place::new();
    record(&place.init(), &["first"]);
    let directory = place
        .path()
        .join("cohorts/train.churn.0123456789abcdef/log");
    let elsewhere = place.path().with_file_name("elsewhere");
    assert!(
        Command::new("mv")
            .args([&directory, &elsewhere])
            .status()
            .unwrap()
            .success()
    );
    symlink(&elsewhere, &directory).unwrap();
    let store = place.open();
    let told = store.head(&log()).unwrap_err();
    assert!(matches!(told, StoreError::Damaged(_)), "{told:?}");
    let key = support::key("second");
    let told = store
        .append(&log(), Some(&key), &support::entry(b"second"))
        .unwrap_err();
    assert!(matches!(told, StoreError::NotRecorded { .. }), "{told:?}");
    assert_eq!(
        fs::read_dir(elsewhere.join("0000000000")).unwrap().count(),
        1
    );
}

#[test]
fn private_store_is_closed_to_everyone_else_whatever_the_umask() {
    let place = Place::new();
    let store = place.init();
    record(&store, &["first"]);
    store.put_profile(b"profile", Standing::Unproven).unwrap();
    for (path, mode) in modes(&place.path()) {
        let expected = match (path.is_dir(), path.ends_with("origin.json")) {
            (true, _) => 0o700,
            // A hint, which is replaced.
            (false, true) => 0o600,
            (false, false) => 0o400,
        };
        assert_eq!(mode, expected, "{}", path.display());
    }
}

#[test]
fn shared_store_is_open_to_its_group_and_nobody_else() {
    let place = Place::new();
    let shared = InitOptions {
        modes: Modes::Shared,
        settings: Map::new(),
        ..options()
    };
    let store = init(&place.path(), &shared).unwrap().into_store();
    record(&store, &["first"]);
    let passing = ["started", "refused", "runs", "trash", "view"];
    let root = fs::metadata(place.path()).unwrap().permissions().mode() & 0o7777;
    assert_eq!(root, 0o3770);
    for (path, mode) in modes(&place.path()) {
        let is_passing = passing.iter().any(|name| path.ends_with(name));
        let expected = match (path.is_dir(), is_passing) {
            (true, true) => 0o2770,
            (true, false) => 0o3770,
            (false, _) if path.ends_with("origin.json") => 0o660,
            (false, _) => 0o440,
        };
        assert_eq!(mode, expected, "{} has {mode:o}", path.display());
    }
}

#[test]
fn reading_writes_nothing() {
    let place = Place::new();
    let store = place.init();
    record(&store, &["first", "second"]);
    let object = store.put_object(b"object", Standing::Unproven).unwrap();
    let fs = FaultyFileSystem::new(OsFileSystem);
    let store = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
    assert_eq!(store.head(&log()).unwrap(), Seq::new(2));
    assert!(store.read(&log(), Seq::FIRST).unwrap().whole().is_some());
    assert!(store.peek(&log(), Seq::FIRST).unwrap().whole().is_some());
    assert!(store.claim(&support::key("first")).unwrap().is_some());
    assert!(store.object(&object).unwrap().whole().is_some());
    assert_eq!(store.cohorts("", None).unwrap().len(), 1);
    assert_eq!(findings(&store), Vec::<String>::new());
    for call in [
        "make_dir",
        "set_dir_mode",
        "create_new",
        "write_all",
        "sync_file",
        "sync_dir",
        "link",
        "rename_noreplace",
        "rename",
        "unlink",
        "remove_dir",
    ] {
        assert_eq!(fs.calls_of(call), 0, "{call}");
    }
}
