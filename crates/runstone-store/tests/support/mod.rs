//! What the tests of this crate share: a store in a directory of its own, and things to put in it.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test file is a crate of its own and uses a part of this"
)]
#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

pub(crate) mod sealed;

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use runstone_store::dir::faults::{Fault, Moment};
use runstone_store::dir::{FileSystem, InitOptions};
use runstone_store::{
    BatchItem, CohortName, DirStore, Finding, Hash256, KeyText, Log, Modes, NewEntry, Store,
    SystemEntropy,
};
use serde_json::{Map, json};
use tempfile::TempDir;

/// A directory that is gone after the test, and the path of a store in it.
pub(crate) struct Place {
    root: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            root: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.root.path().join("store")
    }

    pub(crate) fn init(&self) -> DirStore {
        DirStore::init(&self.path(), &options(), SystemEntropy)
            .unwrap()
            .into_store()
    }

    pub(crate) fn init_on<F: FileSystem>(&self, fs: F) -> DirStore<F> {
        DirStore::init_on(fs, &self.path(), &options(), SystemEntropy)
            .unwrap()
            .into_store()
    }

    pub(crate) fn open(&self) -> DirStore {
        open(&self.path())
    }
}

pub(crate) fn open(path: &Path) -> DirStore {
    DirStore::open(path, SystemEntropy).unwrap()
}

pub(crate) fn options() -> InitOptions {
    let created = "2026-11-20T10:15:00Z".to_owned();
    InitOptions {
        created,
        modes: Modes::Private,
        settings: Map::new(),
    }
}

pub(crate) fn cohort() -> CohortName {
    "train.churn.0123456789abcdef".parse().unwrap()
}

pub(crate) fn log() -> Log {
    Log::Cohort(cohort())
}

pub(crate) fn key(run: &str) -> KeyText {
    KeyText {
        run: run.to_owned(),
        stage: "train".to_owned(),
        cohort: cohort(),
        attempt: 0,
    }
}

pub(crate) fn entry(payload: &[u8]) -> NewEntry<'_> {
    NewEntry {
        content: Hash256::of(payload),
        payload,
        summary: json!({"status": "finished"}).into(),
        recorded_at: "2026-11-20T10:15:00Z".to_owned(),
    }
}

/// An entry of a batch, with the name of its run for a payload.
pub(crate) fn item(run: &str) -> BatchItem {
    let entry = entry(run.as_bytes());
    BatchItem {
        log: log(),
        key: Some(key(run)),
        content: entry.content,
        payload: run.as_bytes().to_vec(),
        summary: entry.summary,
        recorded_at: entry.recorded_at,
    }
}

/// Records one entry per run, with the run's name for a payload.
pub(crate) fn record(store: &dyn Store, runs: &[&str]) {
    store.open_cohort(&cohort(), b"{}").unwrap();
    for run in runs {
        let appended = store
            .append(&log(), Some(&key(run)), &entry(run.as_bytes()))
            .unwrap();
        assert!(
            matches!(appended, runstone_store::Appended::New(_)),
            "{appended:?}"
        );
    }
}

/// The path of the cohort that everything is recorded into.
pub(crate) const COHORT: &str = "cohorts/train.churn.0123456789abcdef";

/// Returns the path of a place.
pub(crate) fn slot(place: &Place, seq: u64) -> PathBuf {
    place
        .path()
        .join(format!("{COHORT}/log/0000000000/{seq:020}"))
}

/// Returns the path of the claim of a run.
pub(crate) fn claim(place: &Place, run: &str) -> PathBuf {
    let key = key(run).key(place.open().descriptor().store).to_string();
    place.path().join("keys").join(&key[..2]).join(key)
}

/// Puts a file of these bytes in a place, whatever stands there: the old one may have more names.
pub(crate) fn replace(path: &Path, bytes: &[u8]) {
    if path.exists() {
        fs::remove_file(path).unwrap();
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .unwrap();
    file.write_all(bytes).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o400)).unwrap();
}

/// Flips a bit of a payload.
pub(crate) fn garble(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() - 12;
    bytes[middle] ^= 1;
    replace(path, &bytes);
}

/// Lets every call of a commit fail, with each of `errnos`, before it acts and after: `strike` is
/// told at which call, has a cohort of its own for it, and returns whether the fault struck. A
/// commit has more than `calls_min` calls, and nothing is damaged afterwards.
pub(crate) fn at_every_call(
    errnos: &[i32],
    calls_min: u64,
    strike: &mut dyn FnMut(&Path, &CohortName, Fault) -> bool,
) {
    let place = Place::new();
    drop(place.init());
    let mut cohorts = 0;
    for errno in errnos {
        for moment in [Moment::Before, Moment::After] {
            let mut after_calls = 0;
            loop {
                cohorts += 1;
                let fault = Fault {
                    call: None,
                    after_calls,
                    errno: *errno,
                    moment,
                };
                let cohort = format!("c{cohorts}").parse().unwrap();
                if !strike(&place.path(), &cohort, fault) {
                    break;
                }
                after_calls += 1;
            }
            assert!(after_calls > calls_min, "{after_calls} calls were found");
        }
    }
    let lines = findings(&place.open());
    let damage: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("damage"))
        .collect();
    assert!(damage.is_empty(), "{damage:#?}");
}

/// Returns every finding of an audit as one line: `damage kind path` or `stale kind path`.
pub(crate) fn findings(store: &dyn Store) -> Vec<String> {
    let mut lines = Vec::new();
    let mut report = |finding: Finding| {
        lines.push(match finding {
            Finding::Damage(damage) => format!("damage {} {}", damage.kind, damage.path),
            Finding::Stale(stale) => format!("stale {} {}", stale.kind, stale.path),
        });
    };
    store.audit(&mut report).unwrap();
    lines
}
