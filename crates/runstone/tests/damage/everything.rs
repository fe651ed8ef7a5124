//! A store with a file of every kind in it, made by the verbs that make them.
//!
//! Small, because it is verified hundreds of times. What each file is owed when it comes to harm
//! stands in `walk`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use runstone::core::input::RunInput;
use runstone::core::note::{Said, Tag};
use runstone::notes::Signature;
use runstone::profiles::ProfileChoice;
use runstone::store::dir::encode_hint;
use runstone::store::{CohortName, KeyText, Log, Seen, Seq};
use runstone::under_way::{Earlier, Host, ProcessId, Started};
use runstone::{Ledger, RecordRequest};
use runstone_testkit::{Files, Lab, RunBuilder, TickingClock, replace, run};
use tempfile::TempDir;

/// The files of the store.
pub(crate) static EVERYTHING: LazyLock<Files> = LazyLock::new(|| Files::below(&made().root()));

/// The runs of the cohort that everything happens to.
pub(crate) const RUNS: [&str; 6] = ["r1", "r2", "torn", "adopted", "r3", "r4"];
/// The runs of the cohort beside it.
pub(crate) const OTHERS: [&str; 1] = ["large"];

/// A copy of the store, to be harmed.
pub(crate) struct Copy {
    folder: TempDir,
}

impl Copy {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copy = Self { folder };
        std::fs::create_dir(copy.root()).unwrap();
        EVERYTHING.restore(&copy.root());
        copy
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub(crate) fn ledger(&self) -> Ledger {
        open(&self.root()).unwrap()
    }
}

pub(crate) fn open(root: &Path) -> Result<Ledger, runstone::Error> {
    Ledger::open_with(root, Arc::new(TickingClock::default()))
}

pub(crate) fn request(run: &RunBuilder) -> RecordRequest {
    RecordRequest::of(RunInput::from_document(run.clone().build()))
}

/// A run of the cohort beside.
pub(crate) fn other(run_id: &str) -> RunBuilder {
    run(run_id).with("identity.dataset.sha256", "d2")
}

/// The claim of a run of a cohort.
pub(crate) fn claim_of(lab: &Lab, run: &str, cohort: &CohortName) -> PathBuf {
    let key = KeyText {
        run: run.to_owned(),
        stage: "train".to_owned(),
        cohort: cohort.clone(),
        attempt: 0,
    };
    let key = key.key(lab.ledger.store().descriptor().store).to_string();
    lab.root().join("keys").join(&key[..2]).join(key)
}

struct Nobody;

impl Host for Nobody {
    fn this_process(&self) -> ProcessId {
        ProcessId {
            host: "a".to_owned(),
            boot_id: None,
            pid_space: None,
            pid: 1,
            began: None,
        }
    }

    fn began(&self, _pid: u32) -> Option<Option<u64>> {
        None
    }
}

fn made() -> Lab {
    let lab = Lab::new();
    let cohort = lab.record(run("r1")).unwrap().place.cohort;
    lab.record(run("r2").auc(0.62)).unwrap();
    // A claim that a power cut tore, and the generation after it.
    replace(&claim_of(&lab, "torn", &cohort), b"{\"format\":1,");
    lab.record(run("torn").auc(0.6)).unwrap();
    // A claim whose writer died, and somebody who took it up.
    let elsewhere = lab.copied();
    elsewhere.record(run("adopted").auc(0.6)).unwrap();
    let claim = claim_of(&elsewhere, "adopted", &cohort);
    let claimed = std::fs::read(claim).unwrap();
    replace(&claim_of(&lab, "adopted", &cohort), &claimed);
    lab.record(run("adopted").auc(0.6)).unwrap();

    let first = lab.ledger.find("r1").unwrap();
    for tag in ["one", "two"] {
        let tag = Said::Tag(Tag::new(tag).unwrap());
        lab.ledger.note(&first, tag, Signature::default()).unwrap();
    }
    // Whoever records now has seen the notes.
    lab.record(run("r3").auc(0.63)).unwrap();
    lab.record(other("large").with("metadata.text", "dense ".repeat(13_000)))
        .unwrap();

    for profile in ["market", "generic"] {
        let choice = ProfileChoice::Named(profile.to_owned());
        lab.ledger.use_profile(&choice).unwrap();
    }
    lab.ledger.adopt().unwrap();
    lab.record(run("r4").auc(0.64)).unwrap();
    let secret = run("secret").with("identity.dataset.api_key", "hunter2");
    lab.record(secret).unwrap();

    for (nonce, run_id) in [("n1", "waiting"), ("n2", "waiting too")] {
        let request = request(&run(run_id));
        let foreseen = lab.ledger.foresee(&request).unwrap();
        let started = Started {
            nonce: nonce.to_owned(),
            run_id: run_id.to_owned(),
            stage: "train".to_owned(),
            cohort: None,
            attempt: None,
            process: Nobody.this_process(),
            job: None,
            started_at: "2026-11-20T10:00:00.000Z".to_owned(),
        };
        let begun = lab
            .ledger
            .begin(&started, &foreseen, Earlier::MayBeAtWork, &Nobody);
        begun.unwrap();
        let refused = lab.ledger.refused_run(&request, nonce, "the disk was full");
        lab.ledger.keep_refused(&refused.unwrap()).unwrap();
    }
    for cohort in lab.ledger.store().cohorts("", None).unwrap() {
        hint(&lab, &cohort);
    }
    lab
}

/// Leaves the hint that a writer leaves at every 16th place.
fn hint(lab: &Lab, cohort: &CohortName) {
    let log = Log::Cohort(cohort.clone());
    let store = lab.ledger.store();
    let seq: Seq = store.head(&log).unwrap().unwrap();
    let entry = store.peek(&log, seq).unwrap().whole().unwrap();
    let sha256 = entry.sha256;
    let bytes = encode_hint(store.descriptor().store, &log, Seen { seq, sha256 });
    let path = format!("cohorts/{cohort}/view/head.json");
    replace(&lab.root().join(path), &bytes);
}
