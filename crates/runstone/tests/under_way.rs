//! A run under way is listed until it is recorded, and lost is said only by its own host.

use runstone::core::id::Attempt;
use runstone::core::input::RunInput;
use runstone::core::snapshot::Captured;
use runstone::profiles::ProfileChoice;
use runstone::under_way::{Begun, Earlier, Host, ProcessId, Sight, Started, State};
use runstone::{AttemptChoice, Error, RecordRequest};
use runstone_testkit::{Lab, run};
use serde_json::json;

/// A host on which the watching process is there, or gone.
struct Fake {
    is_there: bool,
}

impl Host for Fake {
    fn this_process(&self) -> ProcessId {
        ProcessId {
            host: "a".to_owned(),
            boot_id: Some("b".to_owned()),
            pid_space: None,
            pid: 1,
            began: Some(1),
        }
    }

    fn began(&self, _pid: u32) -> Option<Option<u64>> {
        self.is_there.then_some(Some(1))
    }
}

const THERE: Fake = Fake { is_there: true };
const GONE: Fake = Fake { is_there: false };

fn started(nonce: &str, run_id: &str) -> Started {
    Started {
        nonce: nonce.to_owned(),
        run_id: run_id.to_owned(),
        stage: "train".to_owned(),
        cohort: None,
        attempt: None,
        process: THERE.this_process(),
        job: None,
        started_at: format!("2026-11-20T10:00:0{}.000Z", nonce.len()),
    }
}

fn request(run_id: &str) -> RecordRequest {
    RecordRequest::of(RunInput::from_document(run(run_id).build()))
}

fn begin(lab: &Lab, started: &Started, earlier: Earlier, host: &Fake) -> Result<Begun, Error> {
    let foreseen = lab.ledger.foresee(&request(&started.run_id))?;
    lab.ledger.begin(started, &foreseen, earlier, host)
}

#[test]
fn what_is_recorded_is_not_lost_though_nobody_came_to_say_so() {
    let lab = Lab::new();
    for (nonce, run_id) in [("n", "r1"), ("nn", "r2")] {
        let started = started(nonce, run_id);
        begin(&lab, &started, Earlier::MayBeAtWork, &THERE).unwrap();
    }
    let rows = |host: &Fake| -> Vec<(String, State)> {
        let rows = lab.reopened().under_way(host).unwrap().rows.into_iter();
        rows.map(|row| (row.started.run_id, row.state)).collect()
    };
    let named = |state| vec![("r2".to_owned(), state), ("r1".to_owned(), state)];
    assert_eq!(rows(&THERE), named(State::Unfinished));
    assert_eq!(rows(&GONE), named(State::Lost));
    let request = RecordRequest {
        process: Captured::Known(json!({"execution": "n"})),
        ..request("r1")
    };
    lab.ledger.record(request).unwrap();
    // The same run by hand is another execution: what became of `nn` is not known.
    lab.record(run("r2")).unwrap();
    assert_eq!(rows(&GONE), [("r2".to_owned(), State::Lost)]);
    assert!(lab.ledger.verify().unwrap().is_ok());
}

#[test]
fn what_is_recorded_behind_a_gap_or_on_another_host_is_not_listed() {
    let lab = Lab::new();
    let late = Started {
        attempt: Some(5),
        ..started("n", "r1")
    };
    let elsewhere = started("nn", "r2");
    let elsewhere = Started {
        process: ProcessId {
            host: "another".to_owned(),
            ..elsewhere.process
        },
        ..elsewhere
    };
    for (started, choice) in [
        (&late, AttemptChoice::Exactly(Attempt(5))),
        (&elsewhere, AttemptChoice::Found),
    ] {
        begin(&lab, started, Earlier::MayBeAtWork, &THERE).unwrap();
        let request = RecordRequest {
            process: Captured::Known(json!({"execution": started.nonce})),
            attempt: choice,
            ..request(&started.run_id)
        };
        assert_eq!(lab.ledger.under_way(&GONE).unwrap().rows.len(), 1);
        lab.ledger.record(request).unwrap();
        assert_eq!(lab.ledger.under_way(&GONE).unwrap().rows, []);
    }
}

#[test]
fn a_rival_is_refused_while_it_is_there_and_free_once_it_is_gone() {
    let lab = Lab::new();
    let begin = |nonce, earlier, host| begin(&lab, &started(nonce, "r1"), earlier, host);
    begin("n", Earlier::MayBeAtWork, &THERE).unwrap();
    for earlier in [
        Earlier::MayBeAtWork,
        Earlier::OfThisJobAreOver,
        Earlier::AreOver,
    ] {
        match begin("nn", earlier, &THERE) {
            Err(Error::UnderWay(rival)) => {
                assert_eq!(
                    (rival.started.nonce.as_str(), rival.sight),
                    ("n", Sight::AtWork)
                );
            }
            other => panic!("{other:?}"),
        }
    }
    begin("nnnn", Earlier::MayBeAtWork, &GONE).unwrap();
    // What was refused left no notice; the lost ones go when the run is recorded.
    let last = started("nnnn", "r1");
    assert_eq!(lab.ledger.under_way(&GONE).unwrap().rows.len(), 2);
    lab.ledger.end(&last).unwrap();
    let begun = Begun::default();
    lab.ledger.forget_over(&last, &begun, &GONE).unwrap();
    assert_eq!(lab.ledger.under_way(&GONE).unwrap().rows, []);
}

#[test]
fn a_run_that_cannot_be_seen_is_over_for_those_who_were_told_so_alone() {
    let job = |id: &str| Some(("pbs".to_owned(), id.to_owned()));
    for (own, earlier, goes_on) in [
        (job("7"), Earlier::MayBeAtWork, false),
        (job("7"), Earlier::OfThisJobAreOver, true),
        (job("8"), Earlier::OfThisJobAreOver, false),
        (None, Earlier::OfThisJobAreOver, false),
        (None, Earlier::AreOver, true),
    ] {
        let lab = Lab::new();
        let elsewhere = Started {
            process: ProcessId {
                host: "another".to_owned(),
                ..THERE.this_process()
            },
            job: job("7"),
            ..started("n", "r1")
        };
        begin(&lab, &elsewhere, Earlier::MayBeAtWork, &THERE).unwrap();
        let own = Started {
            job: own,
            ..started("nn", "r1")
        };
        match begin(&lab, &own, earlier, &THERE) {
            Ok(begun) => {
                assert!(goes_on, "{own:?} {earlier:?}");
                // Whoever said that it is over has run in its place: nobody lists it any more.
                lab.ledger.end(&own).unwrap();
                assert_eq!(lab.ledger.under_way(&THERE).unwrap().rows.len(), 1);
                lab.ledger.forget_over(&own, &begun, &THERE).unwrap();
                assert_eq!(lab.ledger.under_way(&THERE).unwrap().rows, []);
            }
            Err(Error::UnderWay(rival)) => {
                assert!(!goes_on, "{own:?} {earlier:?}");
                assert_eq!(rival.sight, Sight::Unknown);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_was_recorded_since_it_was_foreseen_is_refused_and_leaves_no_notice() {
    let lab = Lab::new();
    let foreseen = lab.ledger.foresee(&request("r1")).unwrap();
    lab.record(run("r1")).unwrap();
    let started = started("n", "r1");
    let begun = lab
        .ledger
        .begin(&started, &foreseen, Earlier::MayBeAtWork, &THERE);
    assert!(matches!(begun, Err(Error::Conflict(_))), "{begun:?}");
    let left = std::fs::read_dir(lab.root().join("started"));
    assert_eq!(left.map_or(0, Iterator::count), 0);
}

#[test]
fn a_notice_holds_no_secret_of_its_job_or_its_host() {
    let lab = Lab::new();
    let profile = lab.folder().join("own.toml");
    let rules = "schema = 1\nname = \"own\"\nextends = \"generic\"\n\
        [redact]\npaths = [{ path = \"process.host\", mode = \"drop\" }]\n";
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).open(&profile).unwrap();
    std::io::Write::write_all(&mut file, rules.as_bytes()).unwrap();
    let request = RecordRequest {
        profile: ProfileChoice::Named(profile.to_str().unwrap().to_owned()),
        ..request("r1")
    };
    let token = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    let started = Started {
        process: ProcessId {
            host: "secret-host".to_owned(),
            ..THERE.this_process()
        },
        job: Some(("slurm".to_owned(), token.clone())),
        ..started("n", "r1")
    };
    let foreseen = lab.ledger.foresee(&request).unwrap();
    lab.ledger
        .begin(&started, &foreseen, Earlier::MayBeAtWork, &THERE)
        .unwrap();
    let mut notices = Vec::new();
    for folder in std::fs::read_dir(lab.root().join("started")).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            notices.push(std::fs::read_to_string(file.unwrap().path()).unwrap());
        }
    }
    assert_eq!(notices.len(), 1);
    assert!(notices[0].contains("[redacted]"), "{}", notices[0]);
    assert!(!notices[0].contains(&token), "{}", notices[0]);
    assert!(!notices[0].contains("secret-host"), "{}", notices[0]);
    // It is this boot, so it is still known to be here.
    assert_eq!(
        lab.ledger.under_way(&GONE).unwrap().rows[0].state,
        State::Lost
    );
}

#[test]
fn a_start_that_cannot_be_seen_and_was_not_passed_as_over_stays() {
    let lab = Lab::new();
    let first = started("n", "r1");
    let begun = begin(&lab, &first, Earlier::AreOver, &THERE).unwrap();
    let elsewhere = Started {
        process: ProcessId {
            host: "another".to_owned(),
            ..THERE.this_process()
        },
        ..started("nn", "r1")
    };
    // It began after the first had looked around.
    let other = Fake { is_there: false };
    begin(&lab, &elsewhere, Earlier::AreOver, &other).unwrap();
    lab.ledger.forget_over(&first, &begun, &THERE).unwrap();
    assert_eq!(lab.ledger.under_way(&THERE).unwrap().rows.len(), 2);
}
