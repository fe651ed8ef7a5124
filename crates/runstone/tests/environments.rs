//! The environment of a run is captured beside it, kept once, and told where it differs.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::sync::Arc;

use runstone::core::diff::{EnvironmentChanges, RunDiff, SectionRows};
use runstone::core::input::RunInput;
use runstone::core::snapshot::Captured;
use runstone::environments::{CaptureRequest, EnvironmentChoice};
use runstone::{BatchAnswer, BatchRequest, Handed, RecordRequest, Recorded, RecordedAs};
use runstone_testkit::{Files, Harm, Lab, Machine, RunBuilder, run};
use serde_json::json;

fn request(machine: &Machine) -> Arc<CaptureRequest> {
    Arc::new(CaptureRequest {
        root: Some(machine.path().to_owned()),
        variables: [("PATH".to_owned(), "/usr/bin".to_owned())].into(),
        ..CaptureRequest::default()
    })
}

fn record_with(lab: &Lab, run: RunBuilder, environment: EnvironmentChoice) -> Recorded {
    let request = RecordRequest {
        environment,
        ..RecordRequest::of(RunInput::from_document(run.build()))
    };
    lab.ledger.record(request).unwrap()
}

/// Records a run that ended just now on a machine.
fn record_on(lab: &Lab, run: RunBuilder, machine: &Machine) -> Recorded {
    record_with(lab, run, EnvironmentChoice::IfJustNow(request(machine)))
}

fn objects(lab: &Lab) -> Vec<String> {
    let files = Files::below(&lab.root());
    let objects = files.paths().filter(|path| path.starts_with("objects/"));
    objects.map(str::to_owned).collect()
}

fn environment(lab: &Lab, run: &str) -> Captured {
    lab.ledger.find(run).unwrap().snapshot.environment
}

fn told(diff: &RunDiff) -> Vec<(&str, Option<&str>, Option<&str>)> {
    let changes = diff.environment_changes.as_ref();
    let Some(EnvironmentChanges::Told { rows, total, .. }) = changes else {
        unreachable!("{changes:?}");
    };
    assert_eq!(*total, rows.len());
    let row = rows.iter();
    row.map(|row| (row.key.as_str(), row.prev.as_deref(), row.curr.as_deref()))
        .collect()
}

#[test]
fn runs_of_one_machine_name_one_document_and_nothing_differs() {
    let (lab, machine) = (Lab::new(), Machine::new());
    machine.python("numpy", "1.26.4");
    record_on(&lab, run("r1"), &machine);
    let second = record_on(&lab, run("r2"), &machine);
    assert_eq!(objects(&lab).len(), 1);
    assert_eq!(
        environment(&lab, "r1").digest(),
        environment(&lab, "r2").digest()
    );
    let diff = second.answer.diff;
    assert_eq!(diff.environment, SectionRows::Compared(Vec::new()));
    assert_eq!(diff.environment_changes, None);
    assert!(!diff.unknown_inputs.contains(&"environment"));
    assert!(lab.ledger.verify().unwrap().is_ok());
}

#[test]
fn what_changed_on_the_machine_is_told_beside_the_numbers_those_that_move_them_first() {
    let (lab, machine) = (Lab::new(), Machine::new());
    machine.python("numpy", "1.26.4").python("attrs", "23.1.0");
    record_on(&lab, run("r1"), &machine);
    machine.python("numpy", "2.0.0").python("attrs", "23.2.0");
    machine.debian(&[("libc6", "2.36-9"), ("zlib1g", "1.2")]);
    let diff = record_on(&lab, run("r2"), &machine).answer.diff;
    assert_eq!(
        told(&diff),
        [
            ("python.numpy", Some("1.26.4"), Some("2.0.0")),
            ("dpkg.zlib1g:amd64", None, Some("1.2")),
            ("python.attrs", Some("23.1.0"), Some("23.2.0")),
        ]
    );
    assert!(diff.changed_keys.contains(&"environment.digest".to_owned()));
    let json = diff.to_json();
    assert_eq!(json["environment"]["state"], "compared");
    assert_eq!(json["environment"]["total"], 3);
    assert_eq!(
        json["environment"]["rows"][0],
        json!({
            "change": "upgraded",
            "curr": "2.0.0",
            "key": "python.numpy",
            "numeric": true,
            "prev": "1.26.4",
        })
    );
    // Asked again, and in the views, it is the same.
    let again = lab
        .ledger
        .compared(&lab.ledger.find("r2").unwrap())
        .unwrap();
    assert_eq!(again.diff, diff);
    let verified = lab.ledger.verify().unwrap();
    assert!(
        verified.is_ok() && verified.stale.is_empty(),
        "{verified:?}"
    );
}

#[test]
fn thousand_differences_are_counted_and_the_first_are_told() {
    let (lab, machine) = (Lab::new(), Machine::new());
    record_on(&lab, run("r1"), &machine);
    let names: Vec<String> = (0..1000).map(|number| format!("lib{number:04}")).collect();
    let packages: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    machine.debian(&packages);
    let diff = record_on(&lab, run("r2"), &machine).answer.diff;
    match &diff.environment_changes {
        Some(EnvironmentChanges::Told { rows, total, .. }) => {
            assert_eq!((rows.len(), *total), (50, 1001));
            assert_eq!(rows[0].key, "dpkg.libc6:amd64");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn same_results_from_another_machine_are_the_same_recording() {
    let (lab, one, other) = (Lab::new(), Machine::new(), Machine::new());
    other.python("numpy", "2.0.0");
    let first = record_on(&lab, run("r1"), &one);
    let again = record_on(&lab, run("r1"), &other);
    assert_eq!(again.recorded_as, RecordedAs::Already);
    assert_eq!(again.place, first.place);
}

#[test]
fn run_that_ended_long_ago_says_nothing_of_the_machine_as_it_is() {
    let (lab, machine) = (Lab::new(), Machine::new());
    let old = run("old").with("finished_at", "2026-11-19T10:00:00Z");
    record_on(&lab, old, &machine);
    let reason = "the run ended more than an hour before it was recorded";
    let not_captured = Captured::NotCaptured {
        reason: reason.to_owned(),
    };
    assert_eq!(environment(&lab, "old"), not_captured);
    assert!(objects(&lab).is_empty());

    let recent = run("recent").with("finished_at", "2026-11-20T09:30:00Z");
    let diff = record_on(&lab, recent, &machine).answer.diff;
    assert!(environment(&lab, "recent").digest().is_some());
    let unknown = diff.environment.unknown_because().unwrap();
    assert!(unknown.contains(reason), "{unknown}");

    // Whoever says that it is meant knows better.
    let asked = run("asked").with("finished_at", "2026-11-19T10:00:00Z");
    record_with(&lab, asked, EnvironmentChoice::Current(request(&machine)));
    assert!(environment(&lab, "asked").digest().is_some());
}

#[test]
fn what_the_document_calls_its_environment_is_kept_as_it_says() {
    let (lab, machine) = (Lab::new(), Machine::new());
    let own = "ab".repeat(32);
    record_on(&lab, run("r1").with("environment", own.clone()), &machine);
    assert_eq!(
        environment(&lab, "r1"),
        Captured::Known(json!({ "digest": own }))
    );
    assert!(objects(&lab).is_empty());
    let diff = record_on(&lab, run("r2"), &machine).answer.diff;
    match &diff.environment_changes {
        Some(EnvironmentChanges::Unknown { reason }) => {
            assert!(reason.contains("is not in the store"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert!(lab.ledger.verify().unwrap().is_ok());

    // One that was asked for is not passed over in silence.
    let asked = EnvironmentChoice::Current(request(&machine));
    let both = record_with(&lab, run("r3").with("environment", own), asked);
    assert_eq!(
        both.warnings,
        [
            "the document names its own environment, and that is recorded; leave it out of the \
             document to record the one that was asked for"
        ]
    );
    let unasked = record_on(
        &lab,
        run("r4").with("environment", "ef".repeat(32)),
        &machine,
    );
    assert_eq!(unasked.warnings, [] as [&str; 0]);
}

#[test]
fn document_of_an_environment_that_is_lost_is_named_and_nothing_is_called_equal() {
    let (lab, machine) = (Lab::new(), Machine::new());
    record_on(&lab, run("r1"), &machine);
    let lost = objects(&lab).remove(0);
    machine.python("numpy", "2.0.0");
    record_on(&lab, run("r2"), &machine);
    Harm::Delete.strike(&lab.root(), &lost);

    let diff = lab
        .ledger
        .compared(&lab.ledger.find("r2").unwrap())
        .unwrap()
        .diff;
    assert!(diff.differs());
    match &diff.environment_changes {
        Some(EnvironmentChanges::Unknown { reason }) => {
            assert!(
                reason.starts_with("of the previous run environment"),
                "{reason}"
            );
        }
        other => panic!("{other:?}"),
    }
    let verified = lab.ledger.verify().unwrap();
    let damage: Vec<&str> = verified.damage.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(damage, [lost.as_str()]);
    assert!(
        verified.damage[0].expected.contains("#1"),
        "{:?}",
        verified.damage[0]
    );
}

#[test]
fn source_that_could_not_be_read_twice_is_not_called_the_same() {
    let (lab, machine) = (Lab::new(), Machine::new());
    machine.file("var/lib/rpm/Packages.db", "of another release");
    record_on(&lab, run("r1"), &machine);
    let diff = record_on(&lab, run("r2"), &machine).answer.diff;
    assert_eq!(diff.environment, SectionRows::Compared(Vec::new()));
    assert!(
        diff.unknown_inputs.contains(&"parts of the environment"),
        "{:?}",
        diff.unknown_inputs
    );
    match environment(&lab, "r2") {
        Captured::Known(value) => assert_eq!(value["not_whole"], json!(["rpm"])),
        Captured::NotCaptured { reason } => unreachable!("{reason}"),
    }
}

#[test]
fn capture_that_fails_is_told_and_the_run_is_recorded() {
    let lab = Lab::new();
    let nowhere = CaptureRequest {
        root: Some(lab.folder().join("nowhere")),
        ..CaptureRequest::default()
    };
    let nowhere = EnvironmentChoice::Current(Arc::new(nowhere));
    let recorded = record_with(&lab, run("r1"), nowhere);
    assert_eq!(recorded.recorded_as, RecordedAs::New);
    let said = |warning: &String| warning.starts_with("the environment is not captured: ");
    assert!(
        recorded.warnings.iter().any(said),
        "{:?}",
        recorded.warnings
    );
    match environment(&lab, "r1") {
        Captured::NotCaptured { reason } => assert!(reason.contains("nowhere"), "{reason}"),
        Captured::Known(known) => panic!("{known}"),
    }
}

#[test]
fn document_that_cannot_be_stored_costs_the_environment_and_not_the_recording() {
    let (lab, machine) = (Lab::new(), Machine::new());
    // Something that is no folder stands where objects belong.
    let objects = lab.root().join("objects");
    if objects.is_dir() {
        std::fs::remove_dir_all(&objects).unwrap();
    }
    std::os::unix::fs::symlink("/dev/null", &objects).unwrap();
    let recorded = record_on(&lab, run("r1"), &machine);
    assert_eq!(recorded.recorded_as, RecordedAs::New);
    match environment(&lab, "r1") {
        Captured::NotCaptured { reason } => {
            assert!(
                reason.starts_with("its document could not be stored"),
                "{reason}"
            );
        }
        Captured::Known(known) => panic!("{known}"),
    }
}

#[test]
fn stream_says_nothing_of_the_machine_unless_it_is_told_to() {
    let machine = Machine::new();
    for (choice, captured) in [
        (EnvironmentChoice::IfJustNow(request(&machine)), 0),
        (EnvironmentChoice::Current(request(&machine)), 2),
    ] {
        let lab = Lab::new();
        let batch = BatchRequest {
            environment: choice,
            ..BatchRequest::default()
        };
        let documents = ["r1", "r2"].map(|name| RunInput::from_document(run(name).build()));
        let documents = documents.map(Handed::from);
        let mut outcomes = 0;
        lab.ledger
            .record_all(
                documents.into_iter(),
                &batch,
                |answer: BatchAnswer<Recorded>| {
                    answer.outcome.unwrap();
                    outcomes += 1;
                    std::ops::ControlFlow::Continue(())
                },
            )
            .unwrap();
        assert_eq!(outcomes, 2);
        let known = ["r1", "r2"].map(|name| environment(&lab, name).digest().is_some());
        assert_eq!(known.into_iter().filter(|it| *it).count(), captured);
        assert!(lab.ledger.verify().unwrap().is_ok());
    }
}

#[test]
fn single_document_of_a_batch_is_captured() {
    let (lab, machine) = (Lab::new(), Machine::new());
    let batch = BatchRequest {
        environment: EnvironmentChoice::IfJustNow(request(&machine)),
        ..BatchRequest::default()
    };
    let only = [Handed::from(RunInput::from_document(run("r1").build()))];
    lab.ledger
        .record_all(only.into_iter(), &batch, |_| {
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert!(environment(&lab, "r1").has_object());
}

#[test]
fn packages_that_changed_with_a_move_are_suspects_with_the_evidence_of_other_runs() {
    use runstone::core::profile::Direction;
    use runstone::why::Explained;
    let lab = Lab::with(runstone::init::InitRequest {
        primary: Some(("auc".to_owned(), Direction::Higher)),
        ..runstone::init::InitRequest::default()
    });
    let machine = Machine::new();
    machine.python("numpy", "1.26.4").python("attrs", "23.1.0");
    let record = |seed: u32, auc: f64| {
        let run = run(&format!("r{seed}")).with("factors.seed", seed).auc(auc);
        record_on(&lab, run, &machine);
    };
    for seed in 0..12 {
        // The other package was there once before, without harm.
        let attrs = if seed == 5 { "23.2.0" } else { "23.1.0" };
        machine.python("attrs", attrs);
        record(seed, 0.6 + f64::from(seed % 4) * 0.002);
    }
    machine.python("numpy", "2.0.0").python("attrs", "23.2.0");
    record(12, 0.5);
    let why = lab.ledger.why(&lab.ledger.find("r12").unwrap()).unwrap();
    let Explained::Moved(moved) = &why.found else {
        unreachable!("{:?}", why.answered.verdict);
    };
    let suspects: Vec<(&str, usize)> = moved
        .suspects
        .iter()
        .map(|it| (it.changed.key.as_str(), it.seen_before))
        .filter(|(key, _)| key.starts_with("environment."))
        .collect();
    assert_eq!(
        suspects,
        [
            ("environment.python.numpy", 0),
            ("environment.python.attrs", 1)
        ]
    );
    assert_eq!(moved.suspects[0].changed.key, "environment.python.numpy");
}
