//! Which code ran is captured beside the run, compared by what names it, and never guessed.

#![cfg(feature = "git")]
#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::path::Path;
use std::sync::Arc;

use runstone::core::diff::{Row, RunDiff, SectionRows};
use runstone::core::input::RunInput;
use runstone::core::profile::{Direction, Severity};
use runstone::core::snapshot::Captured;
use runstone::core::verdict::Overall;
use runstone::environments::{CaptureRequest, EnvironmentChoice};
use runstone::init::{InitRequest, init_with};
use runstone::profiles::ProfileChoice;
use runstone::{Ledger, RecordRequest, Recorded};
use runstone_testkit::{Lab, Machine, Repository, RunBuilder, TickingClock, run};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A repository with a commit, in a folder of its own.
fn repository() -> (TempDir, Repository, String) {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::around(folder.path());
    let commit = repository.commit(&[("train.py", "fit()\n")]);
    (folder, repository, commit)
}

fn choice(machine: &Machine, folder: &Path) -> EnvironmentChoice {
    EnvironmentChoice::Current(Arc::new(CaptureRequest {
        root: Some(machine.path().to_owned()),
        folder: Some(folder.to_owned()),
        ..CaptureRequest::default()
    }))
}

fn record(ledger: &Ledger, run: RunBuilder, machine: &Machine, folder: &Path) -> Recorded {
    let request = RecordRequest {
        environment: choice(machine, folder),
        ..RecordRequest::of(RunInput::from_document(run.build()))
    };
    ledger.record(request).unwrap()
}

fn code(ledger: &Ledger, run: &str) -> Value {
    match ledger.find(run).unwrap().snapshot.code {
        Captured::Known(value) => value,
        Captured::NotCaptured { reason } => unreachable!("{reason}"),
    }
}

fn why_not(ledger: &Ledger, run: &str) -> String {
    match ledger.find(run).unwrap().snapshot.code {
        Captured::Known(value) => unreachable!("{value}"),
        Captured::NotCaptured { reason } => reason,
    }
}

fn keys(diff: &RunDiff) -> Vec<&str> {
    let rows = diff.code.rows().iter();
    rows.map(|row: &Row| row.key.as_str()).collect()
}

#[test]
fn runs_of_one_commit_are_of_one_code_and_another_commit_is_told() {
    let (lab, machine) = (Lab::new(), Machine::new());
    let (folder, repository, first) = repository();
    record(&lab.ledger, run("r1"), &machine, folder.path());
    let known = code(&lab.ledger, "r1");
    assert_eq!(known["commit"], json!(first));
    assert_eq!(known["branch"], "main");
    let members: Vec<&String> = known.as_object().unwrap().keys().collect();
    let expected = [
        "branch",
        "capture",
        "commit",
        "describe",
        "schema",
        "state",
        "work_tree",
    ];
    assert_eq!(members, expected);

    let same = record(&lab.ledger, run("r2"), &machine, folder.path()).answer;
    assert_eq!(same.diff.code, SectionRows::Compared(Vec::new()));
    assert!(same.diff.unknown_inputs.is_empty());
    assert_eq!(same.verdict.overall, Overall::Same);
    assert_eq!(same.diff.severity, Severity::None);

    let second = repository.commit(&[("train.py", "fit(2)\n")]);
    let other = record(&lab.ledger, run("r3"), &machine, folder.path()).answer;
    assert_eq!(other.diff.changed_keys, ["code.commit"]);
    assert_eq!(keys(&other.diff), ["commit", "describe"]);
    assert_eq!(other.diff.code.rows()[0].curr, Some(json!(second)));
    assert_eq!(other.diff.severity, Severity::Major);
    // Asked again, and in the views, it is the same.
    let again = lab
        .ledger
        .compared(&lab.ledger.find("r3").unwrap())
        .unwrap();
    assert_eq!(again.diff, other.diff);
    let verified = lab.ledger.verify().unwrap();
    assert!(
        verified.is_ok() && verified.stale.is_empty(),
        "{verified:?}"
    );
}

#[test]
fn command_that_starts_here_has_the_code_that_is_here_whatever_environment_is_named() {
    let (lab, machine) = (Lab::new(), Machine::new());
    let (folder, _repository, commit) = repository();
    let here = CaptureRequest {
        folder: Some(folder.path().to_owned()),
        ..CaptureRequest::default()
    };
    record(&lab.ledger, run("r1"), &machine, folder.path());
    let named = lab.ledger.find("r1").unwrap().snapshot.environment;
    let reference = named.digest().unwrap().to_string().parse().unwrap();
    let choice = lab
        .ledger
        .named_environment(&reference, Arc::default())
        .unwrap();
    let starting = lab
        .ledger
        .begin_environment(&choice, &here, &ProfileChoice::StoreDefault)
        .unwrap();
    let starting = lab.ledger.finish_environment(starting);
    for (run_id, environment) in [("elsewhere", choice), ("here", starting)] {
        let request = RecordRequest {
            environment,
            ..RecordRequest::of(RunInput::from_document(run(run_id).build()))
        };
        lab.ledger.record(request).unwrap();
        let recorded = lab.ledger.find(run_id).unwrap().snapshot.environment;
        assert_eq!(recorded.digest(), named.digest());
    }
    assert_eq!(code(&lab.ledger, "here")["commit"], json!(commit));
    assert_eq!(
        why_not(&lab.ledger, "elsewhere"),
        "the environment was named, which says nothing of code"
    );
}

#[test]
fn what_is_not_committed_is_other_code_and_untracked_files_are_not_known() {
    let (lab, machine) = (Lab::new(), Machine::new());
    let (folder, repository, _) = repository();
    record(&lab.ledger, run("r1"), &machine, folder.path());
    repository.file("train.py", "fit(seed=2)\n");
    let dirty = record(&lab.ledger, run("r2"), &machine, folder.path()).answer;
    assert_eq!(dirty.diff.changed_keys, ["code.patch"]);
    assert_eq!(
        keys(&dirty.diff),
        ["patch", "describe", "work_tree.modified"]
    );

    // A file that is not tracked changes nothing that is known, and that is said.
    repository.file("scratch.py", "");
    let untracked = record(&lab.ledger, run("r3"), &machine, folder.path()).answer;
    assert_eq!(untracked.diff.changed_keys, Vec::<String>::new());
    assert_eq!(untracked.diff.unknown_inputs, ["untracked files"]);
    assert!(
        untracked
            .verdict
            .sentence
            .ends_with("as far as known (untracked files not captured)"),
        "{}",
        untracked.verdict.sentence
    );
    assert_eq!(code(&lab.ledger, "r3")["work_tree"]["untracked"], 1);
}

#[test]
fn store_within_the_work_tree_is_no_code() {
    let machine = Machine::new();
    let (folder, _repository, _) = repository();
    let root = folder.path().join(".runstone");
    let request = InitRequest::default();
    let ledger = init_with(&root, &request, Arc::new(TickingClock::default()))
        .unwrap()
        .ledger;
    let ledger_again = Ledger::open(&root).unwrap();
    for (ledger, name) in [(&ledger, "r1"), (&ledger_again, "r2")] {
        record(ledger, run(name), &machine, folder.path());
        assert_eq!(
            code(ledger, name)["work_tree"],
            json!({"staged": 0, "modified": 0, "untracked": 0, "conflicted": 0})
        );
    }
}

#[test]
fn what_the_document_calls_its_commit_goes_before_what_is_found() {
    let market = InitRequest {
        profile: Some("market".to_owned()),
        ..InitRequest::default()
    };
    let lab = Lab::with(market);
    let machine = Machine::new();
    let (folder, _repository, commit) = repository();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/records/market");
    let text = std::fs::read_to_string(fixtures.join("training.json")).unwrap();
    let mut document = serde_json::from_str::<serde_json::Map<String, Value>>(&text).unwrap();
    document.insert("git_commit".to_owned(), json!(&commit[..8]));
    let recorded = |document: &serde_json::Map<String, Value>| {
        let request = RecordRequest {
            environment: choice(&machine, folder.path()),
            ..RecordRequest::of(RunInput::from_document(document.clone()))
        };
        lab.ledger.record(request).unwrap()
    };
    recorded(&document);
    let run_id = document["run_id"].as_str().unwrap().to_owned();
    assert_eq!(
        code(&lab.ledger, &run_id),
        json!({"commit": &commit[..8], "source": "document"})
    );
    // One that names none is captured; the commit is the same, and no more is known of the first.
    document.remove("git_commit");
    document.insert("run_id".to_owned(), json!("next"));
    let diff = recorded(&document).answer.diff;
    assert_eq!(
        diff.code.unknown_because(),
        Some("the document of the previous run names the commit alone")
    );
    assert_eq!(diff.counts["code"], None);
}

#[test]
fn what_cannot_be_read_costs_no_recording_and_is_told_with_its_reason() {
    let (lab, machine) = (Lab::new(), Machine::new());
    let nowhere = tempfile::tempdir().unwrap();
    let recorded = record(&lab.ledger, run("absent"), &machine, nowhere.path());
    assert_eq!(
        why_not(&lab.ledger, "absent"),
        "the folder is in no git repository"
    );
    assert_eq!(recorded.warnings, Vec::<String>::new());

    let (folder, repository, _) = repository();
    repository.file(".git/HEAD", "nonsense\n");
    let recorded = record(&lab.ledger, run("damaged"), &machine, folder.path());
    let reason = why_not(&lab.ledger, "damaged");
    assert!(reason.starts_with("`HEAD` cannot be read: "), "{reason}");
    assert_eq!(
        recorded.warnings,
        [format!("the code is not captured: {reason}")]
    );
    let diff = recorded.answer.diff;
    assert!(diff.code.unknown_because().is_some());
    assert!(diff.unknown_inputs.contains(&"code"));

    repository.file(".git/HEAD", "ref: refs/heads/main\n");
    repository.file(".git/index", "DIRC nonsense");
    let recorded = record(&lab.ledger, run("partial"), &machine, folder.path());
    assert_eq!(code(&lab.ledger, "partial")["state"], "partial");
    assert!(
        recorded.warnings[0].starts_with("the code is known in part: the index cannot be read"),
        "{:?}",
        recorded.warnings
    );
    let again = record(&lab.ledger, run("again"), &machine, folder.path());
    let unknown = again.answer.diff.code.unknown_because().unwrap().to_owned();
    assert!(
        unknown.starts_with("read in part for the previous run"),
        "{unknown}"
    );
}

#[test]
fn environment_that_cannot_be_captured_leaves_the_code_known() {
    let lab = Lab::new();
    let (folder, _repository, commit) = repository();
    let request = CaptureRequest {
        root: Some(folder.path().join("nowhere")),
        folder: Some(folder.path().to_owned()),
        ..CaptureRequest::default()
    };
    let request = RecordRequest {
        environment: EnvironmentChoice::Current(Arc::new(request)),
        ..RecordRequest::of(RunInput::from_document(run("r1").build()))
    };
    let recorded = lab.ledger.record(request).unwrap();
    assert!(recorded.warnings[0].starts_with("the environment is not captured: "));
    assert_eq!(code(&lab.ledger, "r1")["commit"], json!(commit));
}

#[test]
fn several_runs_since_the_code_changed_are_judged_by_their_median() {
    let lab = Lab::with(InitRequest {
        primary: Some(("auc".to_owned(), Direction::Higher)),
        ..InitRequest::default()
    });
    let machine = Machine::new();
    let (folder, repository, _) = repository();
    let numbered = |name: &str, seed: u64, auc: f64| {
        run(&format!("{name}{seed}"))
            .with("factors.seed", seed)
            .auc(auc)
    };
    for seed in 0..12_u32 {
        let auc = 0.6 + f64::from(seed % 4) * 0.002;
        let run = numbered("old", u64::from(seed), auc);
        record(&lab.ledger, run, &machine, folder.path());
    }
    repository.commit(&[("train.py", "fit(2)\n")]);
    let mut answers = Vec::new();
    for (seed, auc) in [(20, 0.585), (21, 0.584), (22, 0.586)] {
        let run = numbered("new", seed, auc);
        answers.push(
            record(&lab.ledger, run, &machine, folder.path())
                .answer
                .verdict,
        );
    }
    let repeats: Vec<usize> = answers.iter().map(|it| it.metrics[0].repeats).collect();
    assert_eq!(repeats, [1, 2, 3]);
    let sentence = &answers[2].sentence;
    assert!(sentence.contains("median of 3 repeats"), "{sentence}");

    // A file that is not tracked may be other code: who adds one repeats nothing.
    repository.file("scratch.py", "");
    let alone = record(
        &lab.ledger,
        numbered("new", 23, 0.585),
        &machine,
        folder.path(),
    );
    assert_eq!(alone.answer.verdict.metrics[0].repeats, 1);
}
