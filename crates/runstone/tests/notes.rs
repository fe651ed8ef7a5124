//! Notes: what is said about snapshots afterwards, and what it never changes.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::sync::Arc;
use std::thread;

use runstone::clock::FixedClock;
use runstone::core::id::{Attempt, SnapshotSeq};
use runstone::core::input::RunInput;
use runstone::core::note::{About, Author, Note, NoteText, Said, Tag};
use runstone::core::query::Expr;
use runstone::core::snapshot::Writer;
use runstone::core::verdict::Baseline;
use runstone::export::Found;
use runstone::list::LogRequest;
use runstone::notes::{NotedAs, Noting, Signature};
use runstone::store::{Hash256, Log, NewEntry, Slot};
use runstone::{
    AttemptChoice, Error, ErrorKind, Ledger, RecordRequest, Recorded, RecordedAs, Stored,
};
use runstone_testkit::{Lab, flip_a_bit, run};
use serde_json::Value;

fn by(name: &str) -> Signature {
    Signature {
        why: None,
        by: Some(Author::new(name).unwrap()),
    }
}

fn why(text: &str) -> Signature {
    Signature {
        why: Some(NoteText::new(text).unwrap()),
        ..by("ana")
    }
}

fn tag(text: &str) -> Tag {
    Tag::new(text).unwrap()
}

fn note(ledger: &Ledger, reference: &str, said: Said) -> Noting {
    let stored = ledger.find_also_deleted(reference).unwrap();
    ledger.note(&stored, said, by("ana")).unwrap()
}

/// Records `runs` finished runs `r1`, `r2`, … and returns the answers.
fn recorded(lab: &Lab, runs: u32) -> Vec<Recorded> {
    (1..=runs)
        .map(|number| {
            let auc = 0.6 + f64::from(number) / 1000.0;
            lab.record(run(&format!("r{number}")).auc(auc)).unwrap()
        })
        .collect()
}

fn answer(ledger: &Ledger, stored: &Stored) -> (Value, Value, Value) {
    let answered = ledger.compared(stored).unwrap();
    (
        answered.diff.to_json(),
        answered.verdict.to_json(),
        answered.baseline.to_json(),
    )
}

fn previous(recorded: &Recorded) -> Option<u64> {
    let previous = recorded.answer.diff.previous.as_ref();
    previous.map(|named| named.seq.0)
}

fn listed(ledger: &Ledger, request: &LogRequest) -> Vec<String> {
    let page = ledger.log(request).unwrap();
    let ids = page.rows.iter();
    ids.map(|row| row.stored.snapshot.run_id.to_string())
        .collect()
}

#[test]
fn answers_of_before_stay_what_they_were_whatever_is_noted() {
    let lab = Lab::new();
    recorded(&lab, 7);
    let all: Vec<Stored> = (1..=7)
        .map(|number| lab.ledger.find(&format!("r{number}")).unwrap())
        .collect();
    let before: Vec<_> = all.iter().map(|it| answer(&lab.ledger, it)).collect();
    note(&lab.ledger, "r2", Said::Pin);
    note(&lab.ledger, "r6", Said::Delete);
    note(&lab.ledger, "r3", Said::Tag(tag("may")));
    let after = lab.record(run("r8")).unwrap();
    assert_eq!(previous(&after), Some(7));
    assert_eq!(after.answer.baseline.seq(), Some(SnapshotSeq(2)));
    note(&lab.ledger, "r7", Said::Delete);
    note(&lab.ledger, "r5", Said::Pin);
    // The handle that wrote the notes, and one that has to read them all.
    for ledger in [&lab.ledger, &lab.reopened()] {
        let again: Vec<_> = all.iter().map(|it| answer(ledger, it)).collect();
        assert_eq!(again, before);
        let eighth = ledger.find("r8").unwrap();
        let (diff, verdict, baseline) = answer(ledger, &eighth);
        assert_eq!(diff, after.answer.diff.to_json());
        assert_eq!(verdict, after.answer.verdict.to_json());
        assert_eq!(baseline, after.answer.baseline.to_json());
    }
    let ninth = lab.record(run("r9")).unwrap();
    assert_eq!(previous(&ninth), Some(8));
    assert_eq!(ninth.answer.baseline.seq(), Some(SnapshotSeq(5)));
}

#[test]
fn a_pinned_run_is_the_baseline_also_from_beyond_the_window() {
    let lab = Lab::new();
    recorded(&lab, 2);
    let stored = lab.ledger.find("r1").unwrap();
    let pinned = lab.ledger.note(&stored, Said::Pin, why("the release"));
    assert_eq!(pinned.unwrap().noted_as, NotedAs::New);
    for number in 3..=80 {
        drop(lab.record(run(&format!("r{number}"))).unwrap());
    }
    let ledger = lab.reopened();
    let shown = ledger.baseline_show(&stored.place.cohort).unwrap();
    let Baseline::Pinned(pinned) = &shown.baseline else {
        panic!("{:?}", shown.baseline);
    };
    assert_eq!(pinned.point.run_id, "r1");
    let words = shown.baseline.to_string();
    assert!(
        words.starts_with("#1 r1, pinned by ana on 2026-"),
        "{words}"
    );
    assert!(words.ends_with(": the release"), "{words}");
    assert_eq!(ledger.find("@baseline").unwrap().place, stored.place);
    let latest = ledger.find("@latest").unwrap();
    let answered = ledger.compared(&latest).unwrap();
    assert_eq!(answered.baseline.seq(), Some(SnapshotSeq(1)));
}

#[test]
fn moves_of_the_baseline_tell_pins_and_what_came_after() {
    let lab = Lab::new();
    recorded(&lab, 7);
    note(&lab.ledger, "r2", Said::Pin);
    drop(lab.record(run("r8")).unwrap());
    let cohort = lab.ledger.find("r8").unwrap().place.cohort;
    lab.ledger.unpin(&cohort, by("bo")).unwrap().unwrap();
    assert!(lab.ledger.unpin(&cohort, by("bo")).unwrap().is_none());
    drop(lab.record(run("r9")).unwrap());
    let moves = lab.reopened().baseline_show(&cohort).unwrap().moves;
    let moves: Vec<_> = moves
        .iter()
        .map(|moved| (moved.at.0, moved.baseline.map(|seq| seq.0), moved.pinned))
        .collect();
    assert_eq!(moves[0], (6, Some(5), false));
    assert_eq!(moves[moves.len() - 2], (8, Some(2), true));
    assert_eq!(moves[moves.len() - 1], (9, Some(8), false));
}

#[test]
fn of_many_who_pin_at_once_the_last_in_the_log_wins_for_everybody() {
    let lab = Lab::new();
    let all = recorded(&lab, 8);
    let cohort = all[0].place.cohort.clone();
    let places: Vec<u64> = thread::scope(|scope| {
        let writers: Vec<_> = (1..=8)
            .map(|number| {
                let ledger = lab.reopened();
                scope.spawn(move || {
                    let noting = note(&ledger, &format!("r{number}"), Said::Pin);
                    noting.note.unwrap().seq
                })
            })
            .collect();
        writers.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let mut sorted = places.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=8).collect::<Vec<u64>>(), "gapless, one each");
    let last = places.iter().position(|place| *place == 8).unwrap() as u64 + 1;
    for ledger in [&lab.ledger, &lab.reopened()] {
        let shown = ledger.baseline_show(&cohort).unwrap();
        assert_eq!(shown.baseline.seq(), Some(SnapshotSeq(last)));
    }
}

#[test]
fn an_accepted_candidate_is_a_yardstick_from_then_on() {
    let lab = Lab::new();
    recorded(&lab, 1);
    drop(lab.record(run("c").with("candidate", true)).unwrap());
    let unaccepted = lab.record(run("r2")).unwrap();
    assert_eq!(previous(&unaccepted), Some(1));
    let stored = lab.ledger.find("c").unwrap();
    let pinned = lab.ledger.note(&stored, Said::Pin, by("ana")).unwrap_err();
    assert_eq!(pinned.kind(), ErrorKind::Refused);
    assert!(pinned.hint().unwrap().contains("runstone accept"));
    assert_eq!(note(&lab.ledger, "c", Said::Accept).noted_as, NotedAs::New);
    note(&lab.ledger, "r2", Said::Delete);
    let third = lab.record(run("r3")).unwrap();
    assert_eq!(previous(&third), Some(2), "the accepted candidate");
    let again = note(&lab.ledger, "c", Said::Accept);
    assert_eq!(again.noted_as, NotedAs::Already);
    assert_eq!(note(&lab.ledger, "c", Said::Pin).noted_as, NotedAs::New);
}

#[test]
fn a_deleted_snapshot_is_listed_nowhere_and_keeps_its_place() {
    let lab = Lab::new();
    recorded(&lab, 3);
    let third = lab.ledger.find("r3").unwrap();
    let deleted = lab.ledger.note(&third, Said::Delete, why("wrong data"));
    assert_eq!(deleted.unwrap().noted_as, NotedAs::New);
    let ledger = lab.reopened();
    assert_eq!(listed(&ledger, &LogRequest::default()), ["r2", "r1"]);
    let all = LogRequest {
        deleted: true,
        ..LogRequest::default()
    };
    assert_eq!(listed(&ledger, &all), ["r3", "r2", "r1"]);
    let latest = ledger.find("@latest").unwrap();
    assert_eq!(latest.snapshot.run_id.as_str(), "r2");
    for reference in ["r3", "r3:train:0", &third.place.to_string()] {
        let error = ledger.find(reference).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{reference}");
        let words = error.to_string();
        assert!(words.contains("was deleted by ana on"), "{words}");
        assert!(words.ends_with(": wrong data"), "{words}");
        assert_eq!(
            ledger.find_also_deleted(reference).unwrap().place,
            third.place
        );
    }
    let row = &ledger.cohorts().unwrap()[0];
    assert_eq!((row.snapshots, row.deleted), (Some(3), Some(1)));
    let newest = row.newest.as_ref().unwrap().key_text.as_ref().unwrap();
    assert_eq!(newest.run, "r2");
    let next = lab.record(run("r4")).unwrap();
    assert_eq!((next.place.seq.0, previous(&next)), (4, Some(2)));
    let verified = ledger.verify().unwrap();
    assert!(verified.is_ok(), "{:?}", verified.damage);
    assert_eq!((verified.checked.snapshots, verified.checked.notes), (4, 1));
}

#[test]
fn when_all_are_deleted_the_cohort_is_empty_and_says_so() {
    let lab = Lab::new();
    recorded(&lab, 2);
    note(&lab.ledger, "r1", Said::Delete);
    note(&lab.ledger, "r2", Said::Delete);
    let latest = lab.ledger.find("@latest").unwrap_err();
    assert!(matches!(latest, Error::NotFound { .. }), "{latest}");
    assert!(latest.hint().unwrap().contains("runstone log --deleted"));
    let row = &lab.ledger.cohorts().unwrap()[0];
    assert_eq!((row.snapshots, row.deleted), (Some(2), Some(2)));
    assert!(row.newest.is_none());
    let next = lab.record(run("r3")).unwrap();
    assert_eq!(
        next.answer.diff.reason.as_deref(),
        Some("no earlier run in this cohort serves: 2 deleted")
    );
}

#[test]
fn a_deleted_key_stays_taken_and_recording_it_again_says_so() {
    let lab = Lab::new();
    recorded(&lab, 2);
    note(&lab.ledger, "r2", Said::Delete);
    let again = lab.record(run("r2").auc(0.602)).unwrap();
    assert_eq!(again.recorded_as, RecordedAs::Already);
    assert_eq!(again.place.seq, SnapshotSeq(2));
    let warning = again.warnings.iter().find(|it| it.contains("was deleted"));
    assert!(
        warning.unwrap().ends_with("with `--attempt 1`"),
        "{warning:?}"
    );
    let other = lab.record(run("r2").auc(0.7)).unwrap_err();
    assert!(matches!(other, Error::Conflict(_)), "{other}");
    let anew = AttemptChoice::Exactly(Attempt(1));
    let anew = lab.record_as(run("r2").auc(0.602), anew).unwrap();
    assert_eq!(anew.recorded_as, RecordedAs::New);
    assert_eq!(anew.place.seq, SnapshotSeq(3));
    assert_eq!(lab.ledger.find("r2").unwrap().place, anew.place);
}

#[test]
fn what_holds_already_is_not_said_again() {
    let lab = Lab::new();
    recorded(&lab, 1);
    let twice = [
        Said::Pin,
        Said::Tag(tag("may")),
        Said::Remark(NoteText::new("odd").unwrap()),
        Said::Delete,
    ];
    for said in twice {
        let first = note(&lab.ledger, "r1", said.clone());
        let second = note(&lab.reopened(), "r1", said.clone());
        assert_eq!(first.noted_as, NotedAs::New, "{said:?}");
        assert_eq!(second.noted_as, NotedAs::Already, "{said:?}");
        assert_eq!(first.note, second.note, "{said:?}");
    }
}

#[test]
fn tags_come_and_go_and_filter_the_log() {
    let lab = Lab::new();
    recorded(&lab, 3);
    for reference in ["r1", "r3"] {
        note(&lab.ledger, reference, Said::Tag(tag("release/1")));
    }
    note(&lab.ledger, "r3", Said::Tag(tag("may")));
    let tagged = |text: &str| {
        let tag = Some(tag(text));
        let request = LogRequest {
            tag,
            ..LogRequest::default()
        };
        listed(&lab.reopened(), &request)
    };
    assert_eq!(tagged("release/1"), ["r3", "r1"]);
    note(&lab.ledger, "r3", Said::Untag(tag("release/1")));
    assert_eq!(tagged("release/1"), ["r1"]);
    assert_eq!(tagged("may"), ["r3"]);
    let absent = note(&lab.ledger, "r3", Said::Untag(tag("june")));
    assert_eq!(absent.noted_as, NotedAs::Already);
    assert!(absent.note.is_none());
}

#[test]
fn an_export_leaves_out_what_was_deleted_and_filters_by_tag() {
    let lab = Lab::new();
    recorded(&lab, 3);
    note(&lab.ledger, "r1", Said::Delete);
    note(&lab.ledger, "r3", Said::Tag(tag("may")));
    let exported = |filter: Option<&Expr>| {
        let ledger = lab.reopened();
        let mut ids = Vec::new();
        let extent = ledger.extent().unwrap();
        let walked = ledger.export(&extent, filter, &mut |found| {
            match found {
                Found::Snapshot(stored) => ids.push(stored.snapshot.run_id.to_string()),
                Found::Unreadable { place, why } => return Err(format!("{place}: {why}")),
            }
            Ok(())
        });
        walked.map(|()| ids)
    };
    assert_eq!(exported(None).unwrap(), ["r2", "r3"]);
    let tagged = Expr::parse("tag = 'may'").unwrap();
    assert_eq!(exported(Some(&tagged)).unwrap(), ["r3"]);
    let second = lab.ledger.find("r2").unwrap();
    append_raw(&lab, &second, b"{}");
    assert!(exported(None).unwrap_err().contains("/notes#3: "));
}

#[test]
fn a_secret_in_the_words_of_a_note_is_masked_before_it_is_written() {
    let lab = Lab::new();
    recorded(&lab, 1);
    let stored = lab.ledger.find("r1").unwrap();
    let token = format!("ghp_{}", "a1B2".repeat(9));
    let text = NoteText::new(format!("pushed with {token}")).unwrap();
    let noting = lab.ledger.note(&stored, Said::Remark(text), why(&token));
    let dated = noting.unwrap().note.unwrap();
    assert!(
        dated
            .note
            .text()
            .unwrap()
            .as_str()
            .starts_with("pushed with ")
    );
    let log = Log::CohortNotes(stored.place.cohort.clone());
    let entry = lab.ledger.store().read(&log, runstone::store::Seq::FIRST);
    let payload = String::from_utf8(entry.unwrap().whole().unwrap().payload).unwrap();
    assert!(!payload.contains(&token), "{payload}");
    let refused = lab.ledger.note(&stored, Said::Tag(tag(&token)), by("ana"));
    let refused = refused.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the tag holds what looks like a secret"
    );
    assert_eq!(refused.kind(), ErrorKind::Illegal);
}

#[test]
fn what_cannot_be_a_yardstick_is_refused_with_the_reason() {
    let lab = Lab::new();
    recorded(&lab, 1);
    drop(lab.record(run("f").with("status", "failed")).unwrap());
    let failed = lab.ledger.find("f").unwrap();
    let finished = lab.ledger.find("r1").unwrap();
    for (stored, said, words) in [
        (&failed, Said::Pin, "did not finish (failed)"),
        (&failed, Said::Accept, "did not finish (failed)"),
        (&finished, Said::Accept, "is no candidate"),
    ] {
        let error = lab.ledger.note(stored, said, by("ana")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.hint().is_some());
    }
    note(&lab.ledger, "r1", Said::Delete);
    for said in [Said::Pin, Said::Tag(tag("may"))] {
        let error = lab.ledger.note(&finished, said, by("ana")).unwrap_err();
        assert!(matches!(error, Error::Deleted(_)), "{error}");
    }
    let log = Log::CohortNotes(finished.place.cohort);
    assert_eq!(lab.ledger.store().head(&log).unwrap().unwrap().get(), 1);
}

/// Appends bytes to the notes of a cohort as a later release, or a broken one, would.
fn append_raw(lab: &Lab, stored: &Stored, payload: &[u8]) {
    let entry = NewEntry {
        content: Hash256::of(payload),
        payload,
        summary: Value::Null.into(),
        recorded_at: "2026-11-20T12:00:00.000Z".to_owned(),
    };
    let log = Log::CohortNotes(stored.place.cohort.clone());
    drop(lab.ledger.store().append(&log, None, &entry).unwrap());
}

#[test]
fn a_note_of_a_later_release_is_named_and_costs_nothing_else() {
    let lab = Lab::new();
    recorded(&lab, 2);
    let first = lab.ledger.find("r1").unwrap();
    append_raw(
        &lab,
        &first,
        br#"{"note":"restore","note_schema_version":1}"#,
    );
    note(&lab.ledger, "r1", Said::Pin);
    let after = lab.record(run("r3")).unwrap();
    assert_eq!(after.answer.baseline.seq(), Some(SnapshotSeq(1)));
    let words = "note 1 of lab";
    let named = |warnings: &[String]| {
        warnings
            .iter()
            .any(|it| it.contains("was not followed") && it.contains("`restore`"))
    };
    assert!(named(&after.warnings), "{words}: {:?}", after.warnings);
    let page = lab.ledger.log(&LogRequest::default()).unwrap();
    assert!(named(&page.not_followed));
    let shown = lab.ledger.baseline_show(&first.place.cohort).unwrap();
    assert!(named(&shown.warnings()));
    let verified = lab.ledger.verify().unwrap();
    assert!(verified.is_ok(), "{:?}", verified.damage);
    let kinds: Vec<&str> = verified.stale.iter().map(|it| it.kind.as_str()).collect();
    // What the newer note would have changed in the views of `r3` is not known.
    assert_eq!(kinds, ["newer", "unavailable view"]);
}

#[test]
fn a_tombstone_that_is_damaged_brings_nothing_back_and_is_named() {
    let lab = Lab::new();
    recorded(&lab, 3);
    let deleted = lab.ledger.find("r3").unwrap();
    note(&lab.ledger, "r3", Said::Delete);
    let cohort = deleted.place.cohort;
    let folder = lab.root().join("runs/r3/train");
    assert!(!folder.exists());
    let notes = lab
        .root()
        .join(format!("cohorts/{cohort}/notes/0000000000"));
    flip_a_bit(&notes.join("00000000000000000001"));
    // Nor is anything else that the note may be about made again.
    std::fs::remove_dir_all(lab.root().join("runs/r2")).unwrap();

    let lost = format!("cohorts/{cohort}/notes#1");
    let rebuilt = lab.reopened().rebuild_views(None, &mut |_, _| ()).unwrap();
    assert_eq!((rebuilt.written, rebuilt.removed), (0, 0));
    assert_eq!(rebuilt.unreadable, std::slice::from_ref(&lost));
    let withheld = ["r2", "r3"].map(|run| format!("runs/{run}/train/{cohort}"));
    let latest = format!("cohorts/{cohort}/view/LATEST.json");
    assert_eq!(rebuilt.unavailable, [&withheld[..], &[latest]].concat());
    assert!(!folder.exists());

    let named = |warnings: &[String]| warnings.iter().any(|it| it.contains("was not followed"));
    let again = lab.reopened();
    let document = run("r3").auc(0.603).build();
    let again = again.record(RecordRequest::of(RunInput::from_document(document)));
    let again = again.unwrap();
    assert_eq!(again.recorded_as, RecordedAs::Already);
    assert!(named(&again.warnings), "{:?}", again.warnings);
    assert!(again.views.is_none() && !folder.exists());
    let document = RunInput::from_document(run("r4").build());
    let after = lab.reopened().record(RecordRequest::of(document)).unwrap();
    assert!(named(&after.warnings), "{:?}", after.warnings);

    // A run whose writer saw a note above that one is none of those it may be about.
    note(&lab.ledger, "r1", Said::Pin);
    drop(lab.record(run("r5")).unwrap());
    std::fs::remove_dir_all(lab.root().join("runs/r5")).unwrap();
    let rebuilt = lab.reopened().rebuild_views(None, &mut |_, _| ()).unwrap();
    assert_eq!(rebuilt.unreadable, [lost]);
    assert!(lab.root().join("runs/r5").exists() && !folder.exists());
}

#[test]
fn a_note_that_is_none_or_names_nothing_is_damage_and_marks_nothing() {
    let lab = Lab::new();
    recorded(&lab, 1);
    let first = lab.ledger.find("r1").unwrap();
    let naming = |seq: u64, sha256| {
        let note = Note {
            about: About {
                seq: SnapshotSeq(seq),
                sha256,
            },
            said: Said::Delete,
            why: None,
            by: None,
            writer: Writer {
                name: "runstone".to_owned(),
                version: "0".to_owned(),
            },
        };
        note.to_payload()
    };
    append_raw(&lab, &first, b"{}");
    append_raw(&lab, &first, &naming(9, first.place.sha256));
    let other = runstone::core::digest::Digest::of(b"other");
    append_raw(&lab, &first, &naming(1, other));
    assert!(lab.ledger.find("r1").is_ok());
    let verified = lab.ledger.verify().unwrap();
    let found: Vec<&str> = verified.damage.iter().map(|it| it.found.as_str()).collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].contains("note_schema_version"), "{}", found[0]);
    assert!(
        found[1].contains("#9, where nothing stands"),
        "{}",
        found[1]
    );
    assert!(found[2].contains("it names #1 as"), "{}", found[2]);
    assert_eq!(verified.checked.notes, 2);
}

#[test]
fn a_note_is_durable_with_what_it_names_and_dated_by_the_writers_clock() {
    let lab = Lab::new();
    recorded(&lab, 1);
    let clock = Arc::new(FixedClock("2027-01-02T03:04:05.000Z".to_owned()));
    let ledger = Ledger::open_with(&lab.root(), clock).unwrap();
    let noting = note(&ledger, "r1", Said::Tag(tag("may")));
    let dated = noting.note.unwrap();
    assert_eq!(dated.at, "2027-01-02T03:04:05.000Z");
    let log = Log::CohortNotes(noting.stored.place.cohort);
    let seq = runstone::store::Seq::FIRST;
    let Slot::Whole(entry) = lab.reopened().store().read(&log, seq).unwrap() else {
        panic!("no note");
    };
    assert_eq!(Note::from_payload(&entry.payload).unwrap(), dated.note);
}
