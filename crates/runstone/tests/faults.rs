//! Recorded means recorded, and not recorded means nothing half-written: whatever call fails.
//!
//! A fault is walked over every call of one `record`. Whatever the answer was, a clean handle must
//! find either the whole snapshot or none, and the same command again must end in exactly one.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::path::PathBuf;
use std::sync::Arc;

use runstone::core::input::RunInput;
use runstone::profiles::ProfileChoice;
use runstone::refused::RefusedRun;
use runstone::views::Views;
use runstone::{AttemptChoice, Error, ErrorKind, Ledger, RecordRequest, Recorded, RecordedAs};
use runstone_store::dir::OsFileSystem;
use runstone_store::dir::faults::{Fault, Moment};
use runstone_store::{DirStore, SystemEntropy};
use runstone_testkit::{Counted, TickingClock, ledger_over, ledger_with, run};

/// The numbers Linux gives to these errors.
const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;

fn record(ledger: &Ledger, run_id: &str) -> Result<Recorded, Error> {
    let document = run(run_id).build();
    ledger.record(RecordRequest::of(RunInput::from_document(document)))
}

/// A store, and a file system that fails on request below it.
struct Bench {
    fs: Counted,
    root: PathBuf,
    recorded: u64,
}

impl Bench {
    /// Fails the call number `after_calls` of one record by a fresh handle; returns whether any
    /// call was left to fail.
    fn record_with(&mut self, errno: i32, moment: Moment, after_calls: u64) -> bool {
        let store = DirStore::open_on(self.fs.clone(), &self.root, SystemEntropy).unwrap();
        let ledger = Ledger::over(Arc::new(store), Arc::new(TickingClock::default())).unwrap();
        let run_id = format!("struck-{after_calls}");
        self.fs.fail(Fault {
            call: None,
            after_calls,
            errno,
            moment,
        });
        let answer = record(&ledger, &run_id);
        let Some(struck) = self.fs.heal() else {
            assert!(
                answer.is_ok(),
                "nothing failed, and yet: {:?}",
                answer.err()
            );
            return false;
        };
        let at = format!("errno {errno} {moment:?} at call {after_calls} ({struck})");

        let clean = ledger_over(&self.fs, &self.root);
        let found = clean.find(&run_id);
        match &answer {
            Ok(recorded) => assert_eq!(found.unwrap().place, recorded.place, "{at}"),
            Err(error) if error.kind() == ErrorKind::Unknown => {}
            // Any other error says that nothing was recorded, and that has to be true.
            Err(error) => {
                let none = found.expect_err(&format!("{at}: {error}, and yet it stands"));
                assert_eq!(none.kind(), ErrorKind::NotFound, "{at}: {none}");
            }
        }
        record(&clean, &run_id).unwrap();
        self.recorded += 1;
        let cohort = &clean.cohorts().unwrap()[0];
        assert_eq!(cohort.snapshots, Some(self.recorded), "{at}");
        true
    }
}

#[test]
fn repairing_views_on_a_full_disk_still_names_what_is_damaged() {
    for errno in [ENOSPC, EROFS] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("store");
        let fs = Counted::new(OsFileSystem).without_flushes();
        let ledger = ledger_with(Views::Files, &fs, &root);
        let cohort = record(&ledger, "r1").unwrap().place.cohort;
        record(&ledger, "r2").unwrap();
        record(&ledger, "r3").unwrap();
        let cohort = format!("cohorts/{cohort}");
        let slot = root
            .join(&cohort)
            .join("log/0000000000/00000000000000000002");
        std::fs::remove_file(slot).unwrap();
        std::fs::remove_dir_all(root.join("runs/r1")).unwrap();
        let latest = format!("{cohort}/view/LATEST.json");
        std::fs::remove_file(root.join(&latest)).unwrap();
        let strike = Fault {
            call: Some("create_new"),
            after_calls: 0,
            errno,
            moment: Moment::Before,
        };
        let ledger = ledger_with(Views::Files, &fs, &root);
        fs.fail(strike);
        for _ in 0..40 {
            fs.then_fail(strike);
        }
        let verified = ledger.verify_and_repair().unwrap();
        fs.heal();
        assert!(!verified.is_ok());
        assert_eq!(verified.repaired.unwrap().written, 0);
        let left = verified.stale.iter().filter(|it| it.kind == "not written");
        let left: Vec<_> = left.collect();
        let said = std::io::Error::from_raw_os_error(errno).to_string();
        let is_said = left.iter().all(|it| it.why.as_ref() == Some(&said));
        assert!(is_said, "{left:?}");
        let left: Vec<&str> = left.iter().map(|it| it.path.as_str()).collect();
        assert!(left.contains(&latest.as_str()), "{left:?}");
        assert!(
            left.iter().any(|it| it.ends_with("/snapshot.json")),
            "{left:?}"
        );
        let repaired = ledger.verify_and_repair().unwrap().repaired.unwrap();
        assert_eq!(
            repaired.written,
            6 + 1 + 1,
            "its views, their index, and the newest"
        );
    }
}

#[test]
fn whatever_call_of_writing_views_fails_the_snapshot_stands_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let fs = Counted::new(OsFileSystem).without_flushes();
    let mut ledger = ledger_with(Views::Files, &fs, &root);
    record(&ledger, "before").unwrap();
    let calls_without = {
        let beside = folder.path().join("beside");
        let ledger = ledger_with(Views::None, &fs, &beside);
        record(&ledger, "before").unwrap();
        fs.take_calls();
        record(&ledger, "after").unwrap();
        fs.take_calls().len() as u64
    };
    let mut struck_views = 0;
    for errno in [EIO, ENOSPC] {
        for after_calls in calls_without.. {
            let run_id = format!("struck-{errno}-{after_calls}");
            fs.fail(Fault {
                call: None,
                after_calls,
                errno,
                moment: Moment::Before,
            });
            let recorded = record(&ledger, &run_id);
            let struck = fs.heal();
            let recorded = match recorded {
                Ok(recorded) => recorded,
                // Views are written beside the last flush, which may come after the first of them.
                Err(error) if struck == Some("sync_dir") && error.to_string().contains("/log/") => {
                    // No answer of that handle is certain any more.
                    ledger = ledger_with(Views::Files, &fs, &root);
                    record(&ledger, &run_id).unwrap();
                    continue;
                }
                Err(error) => panic!("{struck:?}: {error}"),
            };
            if struck.is_none() {
                assert!(recorded.views.is_some() && recorded.warnings.is_empty());
                break;
            }
            struck_views += usize::from(recorded.views.is_none());
            let warned = recorded
                .warnings
                .iter()
                .any(|it| it.contains("views rebuild"));
            assert_eq!(recorded.views.is_none(), warned, "{struck:?}");
        }
    }
    assert!(
        struck_views > 40,
        "only {struck_views} recordings lost a view"
    );
    ledger.rebuild_views(None, &mut |_, _| ()).unwrap();
    // A temporary file whose removal failed stays, named; nothing else may be left of the failures.
    let verified = ledger.verify().unwrap();
    let is_swept_later = verified.stale.iter().all(|it| it.kind == "temporary");
    assert!(verified.is_ok() && is_swept_later, "{verified:?}");
}

#[test]
fn whatever_call_of_a_record_fails_the_same_command_again_ends_in_one_snapshot() {
    for errno in [EIO, ENOSPC, EROFS] {
        for moment in [Moment::Before, Moment::After] {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("store");
            let fs = Counted::new(OsFileSystem).without_flushes();
            record(&ledger_over(&fs, &root), "before").unwrap();
            let mut bench = Bench {
                fs,
                root,
                recorded: 1,
            };
            let mut call = 0;
            while bench.record_with(errno, moment, call) {
                call += 1;
            }
            assert!(call > 20, "only {call} calls were made");
            let verified = Ledger::open(&bench.root).unwrap().verify().unwrap();
            assert!(
                verified.is_ok(),
                "{errno} {moment:?}: {:?}",
                verified.damage
            );
        }
    }
}

#[test]
fn a_recording_that_may_have_happened_is_finished_once_by_what_was_kept_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let fs = Counted::new(OsFileSystem).without_flushes();
    record(&ledger_over(&fs, &root), "before").unwrap();
    let mut recorded = 1;
    let mut found = Vec::new();
    let choices = [AttemptChoice::Found, AttemptChoice::Next];
    // A link that failed once is tried once more.
    for (call, times) in [("sync_file", 1), ("sync_dir", 1), ("link", 2)] {
        for (choice, after_calls) in choices
            .into_iter()
            .flat_map(|it| (0..4).map(move |n| (it, n)))
        {
            let ledger = ledger_over(&fs, &root);
            recorded += 1;
            let nonce = format!("n{recorded}");
            let document = run(&format!("struck-{nonce}")).build();
            let request = RecordRequest {
                attempt: choice,
                ..RecordRequest::of(RunInput::from_document(document))
            };
            let failing = |after_calls| Fault {
                call: Some(call),
                after_calls,
                errno: EIO,
                moment: Moment::Before,
            };
            fs.fail(failing(after_calls));
            (1..times).for_each(|_| fs.then_fail(failing(0)));
            let answer = ledger.commit(request.clone());
            fs.heal();
            let Err(error) = answer else { continue };
            let kept = ledger.refused_run(&request, &nonce, &error.to_string());
            // A handle that saw a flush fail may not be able to keep it in the store itself.
            let kept = RefusedRun::from_bytes(&kept.unwrap().to_bytes(), "it").unwrap();
            let clean = ledger_over(&fs, &root);
            let request = kept.request(None, ProfileChoice::StoreDefault);
            let finished = clean.record(request).unwrap().recorded_as;
            let at = format!("{choice:?} at {call} {after_calls}: {error}");
            if error.kind() == ErrorKind::Unknown {
                assert!(error.to_string().contains("it is not known"), "{at}");
                found.push(finished);
            } else {
                assert_eq!(finished, RecordedAs::New, "{at}");
            }
            let cohort = &clean.cohorts().unwrap()[0];
            assert_eq!(cohort.snapshots, Some(recorded), "{at}");
        }
    }
    for ending in [RecordedAs::New, RecordedAs::Already] {
        assert!(found.contains(&ending), "never {ending:?}: {found:?}");
    }
}
