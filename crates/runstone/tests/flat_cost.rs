//! Cost stays flat: recording into a long history makes as many calls as recording into a short
//! one.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::ops::ControlFlow;
use std::path::Path;

use runstone::core::input::RunInput;
use runstone::list::LogRequest;
use runstone::views::Views;
use runstone::{BatchRequest, Handed, Ledger, RecordRequest};
use runstone_store::CohortName;
use runstone_store::dir::OsFileSystem;
use runstone_testkit::{Counted, ledger_over, ledger_with, run};

fn record(ledger: &Ledger, number: u64) {
    let document = run(&format!("r{number}")).build();
    drop(
        ledger
            .record(RecordRequest::of(RunInput::from_document(document)))
            .unwrap(),
    );
}

/// Returns how many files a process opens that lists the newest thousand.
fn opened_for_a_thousand_rows(fs: &Counted, root: &Path) -> usize {
    let ledger = ledger_over(fs, root);
    fs.take_calls();
    let page = ledger.log(&LogRequest {
        at_most: 1000,
        ..LogRequest::default()
    });
    assert_eq!(page.unwrap().rows.len(), 1000);
    fs.calls_of("open_read")
}

/// Makes a store of one long log: five segments, and 32 places beyond them.
fn long_log(fs: &Counted, root: &Path) -> CohortName {
    let documents: Vec<Handed> = (0..1312)
        .map(|number| RunInput::from_document(run(&format!("r{number}")).build()).into())
        .collect();
    let ledger = ledger_over(fs, root);
    ledger
        .record_all(documents.into_iter(), &BatchRequest::default(), |answer| {
            drop(answer.outcome.unwrap());
            ControlFlow::Continue(())
        })
        .unwrap();
    ledger.cohorts().unwrap()[0].cohort.clone()
}

/// Asks for what `runstone show` shows.
fn show(ledger: &Ledger, cohort: &CohortName, place: u64) {
    let stored = ledger.find(&format!("{cohort}#{place}")).unwrap();
    drop(ledger.compared(&stored).unwrap());
}

#[test]
fn a_list_of_a_long_log_opens_few_files() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let fs = Counted::new(OsFileSystem).without_flushes();
    let cohort = long_log(&fs, &root);
    let opened = opened_for_a_thousand_rows(&fs, &root);
    // Five segments with the last place of each, and 32 places beyond them, of which each is looked
    // at, looked back at, shown and compared with; beside them what every opening reads.
    assert!(opened <= 2 * 5 + 4 * 32 + 16, "{opened} files opened");
    // Without segments each place costs what those places cost, and no look back of its own.
    std::fs::remove_dir_all(root.join(format!("cohorts/{cohort}/seg"))).unwrap();
    let opened = opened_for_a_thousand_rows(&fs, &root);
    assert!(opened <= 6 * 1000 + 64 + 16, "{opened} files opened");
}

#[test]
fn a_look_at_any_place_of_a_long_log_opens_few_files() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let fs = Counted::new(OsFileSystem).without_flushes();
    let cohort = long_log(&fs, &root);
    for place in [40, 300, 700, 1280] {
        let ledger = ledger_over(&fs, &root);
        fs.take_calls();
        show(&ledger, &cohort, place);
        // The entry, the one before it and the baseline, two segments with the last place of each,
        // and what describes cohort, profile and notes.
        let opened = fs.calls_of("open_read");
        assert!(opened <= 16, "{opened} files opened to show #{place}");
    }
}

#[test]
fn a_record_looks_back_once_whatever_else_its_handle_shows() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let fs = Counted::new(OsFileSystem).without_flushes();
    let cohort = long_log(&fs, &root);
    let ledger = ledger_over(&fs, &root);
    record(&ledger, 2000);
    for round in 0..16 {
        show(&ledger, &cohort, 80 + 70 * round);
        fs.take_calls();
        record(&ledger, 2001 + round);
        let opened = fs.calls_of("open_read");
        assert!(opened <= 4, "{opened} files opened after {round} looks");
    }
}

#[test]
fn a_record_after_a_thousand_runs_opens_as_many_files_as_one_after_a_hundred() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let fs = Counted::new(OsFileSystem).without_flushes();
    let ledger = ledger_over(&fs, &root);
    let mut next = 0;
    let mut cost_after = |snapshots: u64| {
        while next < snapshots {
            record(&ledger, next);
            next += 1;
        }
        let mut cost = |ledger: &Ledger| {
            fs.take_calls();
            record(ledger, next);
            next += 1;
            let opening = ["open_read", "create_new", "create_unnamed"];
            let opens: usize = opening.iter().map(|call| fs.calls_of(call)).sum();
            (opens, fs.take_calls().len())
        };
        (cost(&ledger), cost(&ledger_over(&fs, &root)))
    };
    // More than the 64 snapshots that are looked back at, so that the look is full both times.
    let ((early_opens, early_calls), (early_fresh_opens, _)) = cost_after(100);
    let ((late_opens, late_calls), (late_fresh_opens, _)) = cost_after(1000);
    assert_eq!(late_opens, early_opens);
    assert!(
        late_calls <= early_calls + 4,
        "{early_calls} calls became {late_calls}"
    );
    assert_eq!(late_fresh_opens, early_fresh_opens);
    // An open handle reads its previous run and writes its entry; it does not look back again.
    assert!(early_opens <= 8, "{early_opens} files opened by one record");
    assert!(
        early_fresh_opens <= 64 + 16,
        "{early_fresh_opens} files opened by a fresh handle"
    );
}

#[test]
fn views_cost_as_many_calls_after_five_hundred_runs_as_after_ten() {
    let folder = tempfile::tempdir().unwrap();
    let calls_after = |views: Views, name: &str| {
        let fs = Counted::new(OsFileSystem).without_flushes();
        let ledger = ledger_with(views, &fs, &folder.path().join(name));
        let mut next = 0;
        [10, 500].map(|snapshots| {
            while next < snapshots {
                record(&ledger, next);
                next += 1;
            }
            fs.take_calls();
            record(&ledger, next);
            next += 1;
            fs.take_calls()
        })
    };
    let [early, late] = calls_after(Views::Files, "viewed");
    // One more file is opened and read: by then the baseline has left the memory.
    assert!(late.len() <= early.len() + 2, "{early:?} became {late:?}");
    let [_, without] = calls_after(Views::None, "bare");
    // Six files in three new folders, the index and the newest, and a look at what was written.
    let cost = late.len() - without.len();
    assert!(cost <= 60, "views cost {cost} calls: {late:?}");
}
