//! Environments that are kept by request: what is there, under which name, and what may take it.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::num::NonZeroU64;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use runstone::clock::FixedClock;
use runstone::core::input::RunInput;
use runstone::core::note::{Author, NoteText, Tag};
use runstone::environments::{
    CaptureRequest, Created, EnvironmentChoice, Keeping, KeptEnvironment, Retention, Stays,
};
use runstone::notes::{NotedAs, Signature};
use runstone::{Error, ErrorKind, Ledger, RecordRequest};
use runstone_testkit::{Files, Harm, Lab, Machine, run};

fn request(machine: &Machine) -> CaptureRequest {
    CaptureRequest {
        root: Some(machine.path().to_owned()),
        variables: [("PATH".to_owned(), "/usr/bin".to_owned())].into(),
        ..CaptureRequest::default()
    }
}

fn create(lab: &Lab, machine: &Machine, keeping: Keeping) -> Created {
    lab.ledger
        .create_environment(&request(machine), keeping)
        .unwrap()
}

/// Keeps one environment after the other, each with another version of a package.
fn created(lab: &Lab, machine: &Machine, number: u32) -> Vec<KeptEnvironment> {
    let one = |minor| {
        machine.python("numpy", &format!("1.{minor}"));
        create(lab, machine, Keeping::default()).kept
    };
    (0..number).map(one).collect()
}

/// Opens the ledger again at another time of the day on which every lab begins at 10:00.
fn at(lab: &mut Lab, time: &str) {
    let clock = FixedClock(format!("2026-11-20T{time}:00.000Z"));
    lab.ledger = Ledger::open_with(&lab.root(), Arc::new(clock)).unwrap();
}

fn ids(lab: &Lab) -> Vec<String> {
    let log = lab.ledger.kept_environments().unwrap();
    log.listed().map(KeptEnvironment::id).collect()
}

fn keep(number: u64) -> Retention {
    Retention {
        keep: NonZeroU64::new(number),
        older_than: None,
    }
}

fn prune(lab: &Lab, rule: Retention) -> (Vec<String>, Vec<(String, &'static str)>) {
    let plan = lab.ledger.plan_prune(rule).unwrap();
    let planned: Vec<String> = plan.removes.iter().map(KeptEnvironment::id).collect();
    let taken = lab.ledger.remove_planned(plan, None).unwrap();
    let removed: Vec<String> = taken.removed.iter().map(KeptEnvironment::id).collect();
    assert_eq!(removed, planned);
    let stays = taken.stays.iter();
    (removed, stays.map(|it| (it.kept.id(), it.reason)).collect())
}

fn objects(lab: &Lab) -> usize {
    let files = Files::below(&lab.root());
    files
        .paths()
        .filter(|path| path.starts_with("objects/"))
        .count()
}

fn record_on(lab: &Lab, machine: &Machine, run_id: &str) {
    let request = RecordRequest {
        environment: EnvironmentChoice::Current(Arc::new(request(machine))),
        ..RecordRequest::of(RunInput::from_document(run(run_id).build()))
    };
    lab.ledger.record(request).unwrap();
}

fn find(lab: &Lab, machine: &Machine, reference: &str) -> Result<String, Error> {
    let reference = reference.parse()?;
    let found = lab.ledger.find_environment(&reference, &request(machine))?;
    Ok(match &found.kept {
        Some(kept) => kept.id(),
        None => format!("{} not kept", found.digest().prefix(8)),
    })
}

#[test]
fn what_is_kept_is_listed_newest_first_and_found_by_each_of_its_names() {
    let (lab, machine) = (Lab::new(), Machine::new());
    machine.python("numpy", "1.26.4");
    let keeping = Keeping {
        description: Some(NoteText::new("before the upgrade").unwrap()),
        tags: [Tag::new("release").unwrap()].into(),
        by: Some(Author::new("ana").unwrap()),
        ..Keeping::default()
    };
    let first = create(&lab, &machine, keeping);
    assert_eq!(first.kept.id(), "env#1");
    machine.python("numpy", "2.0.0");
    let second = create(&lab, &machine, Keeping::default());
    assert_eq!(ids(&lab), ["env#2", "env#1"]);
    for (reference, id) in [
        ("env#1", "env#1"),
        ("@latest", "env#2"),
        (&first.kept.digest().to_string(), "env#1"),
        (&second.kept.digest().prefix(8), "env#2"),
    ] {
        assert_eq!(find(&lab, &machine, reference).unwrap(), id, "{reference}");
    }
    let current = format!("{} not kept", second.kept.digest().prefix(8));
    assert_eq!(find(&lab, &machine, "current").unwrap(), current);
    let reference = "env#1".parse().unwrap();
    let found = lab
        .ledger
        .find_environment(&reference, &request(&machine))
        .unwrap();
    assert_eq!(found.environment, first.environment);
    let shown = found.to_json(None);
    assert_eq!(shown["description"], "before the upgrade");
    assert_eq!(shown["tags"][0], "release");
    assert_eq!(shown["by"], "ana");
    assert_eq!(shown["sources"]["python"]["packages"][0]["name"], "numpy");
    let verified = lab.ledger.verify().unwrap();
    assert!(verified.is_ok(), "{:?}", verified.damage);
    assert_eq!(verified.checked.environments, 2);
}

#[test]
fn one_environment_kept_twice_is_one_document_and_two_entries() {
    let (lab, machine) = (Lab::new(), Machine::new());
    create(&lab, &machine, Keeping::default());
    create(&lab, &machine, Keeping::default());
    assert_eq!((ids(&lab).len(), objects(&lab)), (2, 1));
    let digest = create(&lab, &machine, Keeping::default()).kept.digest();
    // The newest speaks for them; to be deleted, one has to be named.
    assert_eq!(find(&lab, &machine, &digest.prefix(8)).unwrap(), "env#3");
    let reference = digest.prefix(8).parse().unwrap();
    let error = lab.ledger.find_kept_environment(&reference).unwrap_err();
    assert_eq!(error.details(), ["env#3", "env#2", "env#1"]);
}

#[test]
fn what_is_not_there_is_said_with_what_is_known_of_it() {
    let (lab, machine) = (Lab::new(), Machine::new());
    let missing = |reference: &str| {
        let error = find(&lab, &machine, reference).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        error.to_string()
    };
    assert_eq!(
        missing("@latest"),
        "no environment is named `@latest`: none is kept"
    );
    let kept = create(&lab, &machine, Keeping::default()).kept;
    assert_eq!(
        missing("env#7"),
        "no environment is named `env#7`: it is not among those that are kept"
    );
    assert_eq!(
        missing("00000000"),
        "no environment is named `00000000`: none is kept under it, and no run names it"
    );
    let by = Some(Author::new("ana").unwrap());
    let signature = Signature { why: None, by };
    lab.ledger.delete_environment(&kept, signature).unwrap();
    let gone = missing("env#1");
    assert!(
        gone.contains("it was deleted by ana on 2026-11-20"),
        "{gone}"
    );
    assert_eq!(
        find(&lab, &machine, "../x").unwrap_err().kind(),
        ErrorKind::Illegal
    );
}

#[test]
fn environment_that_only_runs_name_is_found_by_its_digest_with_its_runs() {
    let (lab, machine) = (Lab::new(), Machine::new());
    record_on(&lab, &machine, "r1");
    record_on(&lab, &machine, "r2");
    machine.python("numpy", "2.0.0");
    record_on(&lab, &machine, "r3");
    let named = lab.ledger.find("r1").unwrap().snapshot.environment;
    let digest = named.digest().unwrap().to_string();
    assert_eq!(
        find(&lab, &machine, &digest[..8]).unwrap(),
        format!("{} not kept", &digest[..8])
    );
    let runs = lab.ledger.runs_of_environment(&digest).unwrap();
    let names = runs.runs.iter();
    let names: Vec<&str> = names.map(|it| it.snapshot.run_id.as_str()).collect();
    assert_eq!((names, runs.unreadable.len()), (vec!["r1", "r2"], 0));
}

#[test]
fn rule_takes_the_oldest_and_never_what_is_pinned_tagged_or_named_by_a_run() {
    let (mut lab, machine) = (Lab::new(), Machine::new());
    let kept = created(&lab, &machine, 3);
    let pinned = lab.ledger.pin_environment(&kept[0], Signature::default());
    assert_eq!(pinned.unwrap().noted_as, NotedAs::New);
    let tagged = Keeping {
        tags: [Tag::new("release").unwrap()].into(),
        ..Keeping::default()
    };
    machine.python("numpy", "3.0");
    create(&lab, &machine, tagged);
    machine.python("numpy", "3.1");
    create(&lab, &machine, Keeping::default());
    record_on(&lab, &machine, "r1");
    machine.python("numpy", "3.2");
    create(&lab, &machine, Keeping::default());
    at(&mut lab, "11:00");
    let (removed, stays) = prune(&lab, keep(1));
    assert_eq!(removed, ["env#2", "env#3"]);
    assert_eq!(
        stays,
        [
            ("env#1".to_owned(), "it is pinned"),
            ("env#4".to_owned(), "it is tagged"),
            ("env#5".to_owned(), "a run was recorded with it"),
        ]
    );
    assert_eq!(ids(&lab), ["env#6", "env#5", "env#4", "env#1"]);
    assert_eq!(prune(&lab, keep(1)).0, [""; 0]);
    let nothing = lab.ledger.plan_prune(Retention::default()).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::Illegal);
}

#[test]
fn age_is_told_by_the_clock_of_whoever_kept_it() {
    let (mut lab, machine) = (Lab::new(), Machine::new());
    created(&lab, &machine, 2);
    at(&mut lab, "10:30");
    let old = |seconds| Retention {
        keep: None,
        older_than: Some(Duration::from_secs(seconds)),
    };
    assert_eq!(prune(&lab, old(3600)).0, [""; 0]);
    assert_eq!(prune(&lab, old(1)).0, ["env#1", "env#2"]);
}

#[test]
fn rule_that_rides_along_names_what_it_took_and_leaves_what_came_since_it_began() {
    let (mut lab, machine) = (Lab::new(), Machine::new());
    created(&lab, &machine, 3);
    at(&mut lab, "11:00");
    let keeping = Keeping {
        keep: NonZeroU64::new(2),
        ..Keeping::default()
    };
    let last = create(&lab, &machine, keeping);
    let removed: Vec<String> = last.taken.removed.iter().map(KeptEnvironment::id).collect();
    assert_eq!(removed, ["env#1", "env#2"]);
    assert_eq!(ids(&lab), ["env#4", "env#3"]);
    assert_eq!(last.to_json()["removed"][1]["id"], "env#2");
}

#[test]
fn what_was_created_a_moment_ago_is_taken_by_no_rule_and_by_whoever_names_it() {
    let (mut lab, machine) = (Lab::new(), Machine::new());
    let kept = created(&lab, &machine, 4);
    let reason = "it was created less than ten minutes ago";
    // By the second clock they are yet to come.
    for time in ["10:09", "09:00"] {
        at(&mut lab, time);
        let (removed, stays) = prune(&lab, keep(3));
        assert_eq!(removed, [""; 0]);
        assert_eq!(stays, [("env#1".to_owned(), reason)]);
        let every = Retention {
            keep: None,
            older_than: Some(Duration::from_secs(1)),
        };
        assert_eq!(prune(&lab, every).0, [""; 0]);
    }
    at(&mut lab, "10:09");
    let keeping = Keeping {
        keep: NonZeroU64::new(1),
        ..Keeping::default()
    };
    let last = create(&lab, &machine, keeping);
    assert!(last.taken.removed.is_empty());
    assert_eq!(last.taken.stays.len(), 4);
    assert!(last.taken.stays.iter().all(Stays::is_just_created));
    assert_eq!(last.to_json()["stays"][0]["reason"], reason);
    let deleted = lab
        .ledger
        .delete_environment(&kept[1], Signature::default());
    assert!(deleted.unwrap().kept.deleted.is_some());
    at(&mut lab, "10:11");
    assert_eq!(prune(&lab, keep(1)).0, ["env#1", "env#3", "env#4"]);
}

#[test]
fn what_is_pinned_is_deleted_only_after_it_was_unpinned() {
    let (lab, machine) = (Lab::new(), Machine::new());
    let keeping = Keeping {
        pinned: true,
        ..Keeping::default()
    };
    let kept = create(&lab, &machine, keeping).kept;
    let refused = lab.ledger.delete_environment(&kept, Signature::default());
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Refused);
    // Whoever saw it before it was pinned is told as well.
    let unpinned = KeptEnvironment {
        pinned: false,
        ..kept.clone()
    };
    let refused = lab
        .ledger
        .delete_environment(&unpinned, Signature::default());
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Refused);
    let unpin = || lab.ledger.unpin_environment(&kept, Signature::default());
    let noted = unpin().unwrap();
    assert_eq!(noted.noted_as, NotedAs::New);
    let deleted = lab
        .ledger
        .delete_environment(&noted.kept, Signature::default());
    assert!(deleted.unwrap().kept.deleted.is_some());
    assert_eq!(ids(&lab), [""; 0]);
    assert_eq!(unpin().unwrap_err().kind(), ErrorKind::NotFound);
    assert!(lab.ledger.verify().unwrap().is_ok());
}

#[test]
fn secrets_in_words_are_masked_and_a_tag_with_one_is_refused() {
    let (lab, machine) = (Lab::new(), Machine::new());
    let secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let keeping = Keeping {
        description: Some(NoteText::new(format!("with {secret}")).unwrap()),
        ..Keeping::default()
    };
    create(&lab, &machine, keeping);
    let tagged = Keeping {
        tags: [Tag::new(secret).unwrap()].into(),
        ..Keeping::default()
    };
    let refused = lab.ledger.create_environment(&request(&machine), tagged);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Illegal);
    let files = Files::below(&lab.root());
    let holds = |path: &str| {
        let bytes = files.get(path).unwrap();
        bytes
            .windows(secret.len())
            .any(|it| it == secret.as_bytes())
    };
    assert_eq!(files.paths().find(|path| holds(path)), None);
}

#[test]
fn document_of_a_deleted_environment_goes_unless_a_run_or_another_entry_names_it() {
    let (lab, machine) = (Lab::new(), Machine::new());
    let kept = created(&lab, &machine, 3);
    record_on(&lab, &machine, "r1");
    machine.python("numpy", "1.1");
    create(&lab, &machine, Keeping::default());
    for one in &kept {
        lab.ledger
            .delete_environment(one, Signature::default())
            .unwrap();
    }
    // The first is named by nothing, the second by a later entry, the third by a run.
    let files = Files::below(&lab.root());
    for path in files.paths().filter(|path| path.starts_with("objects/")) {
        let days = std::time::SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        let file = std::fs::File::open(lab.root().join(path)).unwrap();
        file.set_modified(days).unwrap();
    }
    let collected = lab.ledger.collect(false, &mut |_| ()).unwrap();
    assert_eq!(collected.undecided, None);
    let trashed = collected.discarded.trashed.iter();
    let trashed: Vec<String> = trashed.map(ToString::to_string).collect();
    assert_eq!(trashed, [kept[0].digest().to_string()]);
    let verified = lab.ledger.verify().unwrap();
    assert!(verified.is_ok(), "{:?}", verified.damage);
}

#[test]
fn damage_costs_the_damaged_environment_and_is_named() {
    let (lab, machine) = (Lab::new(), Machine::new());
    let kept = created(&lab, &machine, 2);
    let slot = "environments/log/0000000000/00000000000000000001";
    let harmed = lab.copied();
    Harm::Flip.strike(&harmed.root(), slot);
    assert_eq!(ids(&harmed), ["env#2"]);
    let log = harmed.ledger.kept_environments().unwrap();
    assert_eq!(log.warnings().len(), 1, "{log:?}");
    let error = find(&harmed, &machine, "env#1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
    let verified = harmed.ledger.verify().unwrap();
    assert!(
        verified.damage.iter().any(|it| it.path.contains(slot)),
        "{:?}",
        verified.damage
    );
    // While an entry cannot be read, it may name any document.
    let collected = harmed.ledger.collect(true, &mut |_| ()).unwrap();
    assert!(collected.undecided.is_some());
    let lost = lab.copied();
    let digest = kept[0].digest().to_string();
    Harm::Delete.strike(&lost.root(), &format!("objects/{}/{digest}", &digest[..2]));
    let error = find(&lost, &machine, "env#1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
    let damage = lost.ledger.verify().unwrap().damage;
    assert_eq!(damage.len(), 1, "{damage:?}");
    assert_eq!(damage[0].expected, "the environment that env#1 names");
}

#[test]
fn damaged_document_is_written_again_by_whoever_has_its_bytes() {
    let (lab, machine) = (Lab::new(), Machine::new());
    let kept = created(&lab, &machine, 1);
    record_on(&lab, &machine, "r1");
    let digest = kept[0].digest().to_string();
    let object = format!("objects/{}/{digest}", &digest[..2]);
    let whole = std::fs::read(lab.root().join(&object)).unwrap();
    for act in [
        (|lab: &Lab, machine: &Machine| {
            create(lab, machine, Keeping::default());
        }) as fn(&Lab, &Machine),
        // The newest run of its cohort names the document already.
        |lab, machine| {
            record_on(lab, machine, "r2");
        },
    ] {
        let lab = lab.copied();
        Harm::Flip.strike(&lab.root(), &object);
        assert!(!lab.ledger.verify().unwrap().is_ok());
        act(&lab, &machine);
        assert_eq!(std::fs::read(lab.root().join(&object)).unwrap(), whole);
        let verified = lab.ledger.verify().unwrap();
        assert!(verified.is_ok(), "{:?}", verified.damage);
        let files = Files::below(&lab.root());
        let aside = files.paths().filter(|path| path.starts_with("quarantine/"));
        assert_eq!(aside.count(), 1);
    }
}

#[test]
fn what_several_rules_meet_at_once_is_told_as_removed_by_one() {
    let (mut lab, machine) = (Lab::new(), Machine::new());
    created(&lab, &machine, 4);
    at(&mut lab, "11:00");
    let together = Barrier::new(4);
    let told: Vec<String> = std::thread::scope(|scope| {
        let prune = || {
            let plan = lab.ledger.plan_prune(keep(1)).unwrap();
            together.wait();
            let taken = lab.ledger.remove_planned(plan, None).unwrap();
            assert!(taken.stays.is_empty() && taken.unknown.is_empty());
            let removed: Vec<String> = taken.removed.iter().map(KeptEnvironment::id).collect();
            removed
        };
        let rules: Vec<_> = (0..4).map(|_| scope.spawn(prune)).collect();
        let told = rules.into_iter().flat_map(|it| it.join().unwrap());
        told.collect()
    });
    let mut each = told.clone();
    each.sort();
    assert_eq!(each, ["env#1", "env#2", "env#3"], "{told:?}");
    assert_eq!(ids(&lab), ["env#4"]);
}

#[test]
fn note_that_cannot_be_read_keeps_everything() {
    let (mut lab, machine) = (Lab::new(), Machine::new());
    let kept = created(&lab, &machine, 2);
    lab.ledger
        .pin_environment(&kept[0], Signature::default())
        .unwrap();
    let note = "environments/notes/0000000000/00000000000000000001";
    Harm::Flip.strike(&lab.root(), note);
    at(&mut lab, "11:00");
    let (removed, stays) = prune(&lab, keep(1));
    assert_eq!(removed, [""; 0]);
    let reason = "a note that cannot be read may pin it";
    assert_eq!(stays, [("env#1".to_owned(), reason)]);
    let collected = lab.ledger.collect(true, &mut |_| ()).unwrap();
    assert!(collected.undecided.is_some());
    assert!(!lab.ledger.verify().unwrap().is_ok());
}

#[test]
fn run_that_cannot_be_read_may_name_anything() {
    let (mut lab, machine) = (Lab::new(), Machine::new());
    record_on(&lab, &machine, "r1");
    created(&lab, &machine, 2);
    let files = Files::below(&lab.root());
    let mut slots = files.paths().filter(|path| {
        path.starts_with("cohorts/") && path.contains("/log/") && path.ends_with("0001")
    });
    let slot = slots.next().unwrap();
    Harm::Zero.strike(&lab.root(), slot);
    at(&mut lab, "11:00");
    let (removed, stays) = prune(&lab, keep(1));
    assert_eq!(removed, [""; 0]);
    assert_eq!(stays.len(), 1);
    assert_eq!(stays[0].1, "a run that cannot be read may name it");
}
