//! Answers depend on the log below a run and on the notes its envelope saw, alone.
//!
//! Copies of this test program record runs and notes in an order that nobody chose, and say what
//! they were answered. Everything is then asked again: by new handles, in other orders, after more
//! notes, after the views were made anew, of a copy of the store, and of another store that got
//! the same log from one writer. Each answer has to be the one that was told, byte for byte.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runstone::core::input::RunInput;
use runstone::core::note::{NoteText, Said, Tag};
use runstone::core::profile::Direction;
use runstone::core::snapshot::Status;
use runstone::init::InitRequest;
use runstone::list::LogRequest;
use runstone::notes::Signature;
use runstone::{
    Answered, AttemptChoice, BatchRequest, Handed, Ledger, RecordRequest, Recorded, Stored,
};
use runstone_testkit::{Files, Lab, ProgramCopy, RunBuilder, TickingClock, run};
use serde_json::{Value, json};

const WRITERS: usize = 6;
/// Documents of one wave: the second one is worse.
const DOCUMENTS: usize = 72;
/// What a copy of this program runs.
const ALONE: &str = "a_writer_alone_is_answered_as_it_would_be_later";

/// Numbers that look drawn, and are the same for the same seed.
struct Drawn(u64);

impl Drawn {
    fn below(&mut self, bound: u64) -> u64 {
        // SplitMix64: Steele, Lea & Flood, OOPSLA (2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let other = usize::try_from(self.below(at as u64 + 1)).unwrap();
            items.swap(at, other);
        }
    }
}

/// What a copy of this program is to do.
#[derive(Debug, Clone)]
struct Part {
    writer: usize,
    wave: usize,
    seed: u64,
    root: PathBuf,
}

impl Part {
    fn to_argument(&self) -> String {
        let Self { writer, wave, .. } = self;
        format!("part={writer},{wave},{}={}", self.seed, self.root.display())
    }

    /// Returns the part given to this process.
    fn given() -> Option<Self> {
        std::env::args().find_map(|argument| {
            let (numbers, root) = argument.strip_prefix("part=")?.split_once('=')?;
            let mut numbers = numbers.split(',').map(|number| number.parse::<u64>().ok());
            Some(Self {
                writer: usize::try_from(numbers.next()??).ok()?,
                wave: usize::try_from(numbers.next()??).ok()?,
                seed: numbers.next()??,
                root: PathBuf::from(root),
            })
        })
    }

    /// Records its share of the documents in an order of its own, every third writer as a stream,
    /// which has no run that another one retries; says things about them, and tells every answer.
    fn record(&self, ledger: &Ledger, mut told: impl FnMut(&Recorded)) {
        let mut share: Vec<usize> = (0..DOCUMENTS)
            .filter(|number| number % WRITERS == self.writer)
            .collect();
        let writer = u64::try_from(self.writer).unwrap();
        Drawn(self.seed ^ writer).shuffle(&mut share);
        if self.writer.is_multiple_of(3) {
            let documents = share.iter().map(|number| {
                let document = document(self.wave, *number);
                Handed::from(RunInput::from_document(document.build()))
            });
            let documents: Vec<Handed> = documents.collect();
            let request = BatchRequest::default();
            let answers = ledger.record_all(documents.into_iter(), &request, |answer| {
                told(&answer.outcome.unwrap());
                ControlFlow::Continue(())
            });
            answers.unwrap();
            return;
        }
        for (at, number) in share.into_iter().enumerate() {
            let request =
                RecordRequest::of(RunInput::from_document(document(self.wave, number).build()));
            let recorded = ledger
                .record(RecordRequest {
                    attempt: AttemptChoice::Next,
                    ..request
                })
                .unwrap();
            told(&recorded);
            if is_noted(number) && at % 2 == 1 {
                remark(ledger, &recorded, at);
            }
        }
    }
}

/// The cohort of half of the documents is the one that notes are made in.
fn is_noted(number: usize) -> bool {
    number.is_multiple_of(2)
}

/// Returns a document: two cohorts, two settings, seeds, failures, candidates, sweeps, and retries
/// of runs that other writers record as well.
fn document(wave: usize, number: usize) -> RunBuilder {
    let noise = |salt: u64| {
        let seed = (wave * DOCUMENTS + number) as u64;
        let sum: u64 = (0..6)
            .map(|it| Drawn(seed ^ salt << 20 ^ it << 32).below(1000))
            .sum();
        (f64::from(u32::try_from(sum).unwrap()) - 3000.0) / 3000.0
    };
    let cohort = if is_noted(number) { "noted" } else { "quiet" };
    let rate = if number % 4 < 2 { 0.05 } else { 0.01 };
    let run_id = match number % 12 {
        10 | 11 => format!("retried-{}", number % 2),
        _ => format!("run-{wave}-{number}"),
    };
    let auc = 0.71 + 0.004 * noise(1) - if wave == 0 { 0.0 } else { 0.05 };
    let document = run(&run_id)
        .with("identity.dataset.sha256", cohort)
        .with("factors.learning_rate", rate)
        .with("factors.seed", number)
        .with("metrics.auc", auc)
        .with("metrics.train_seconds", 100.0 + 20.0 * noise(2))
        .with(
            "metrics.logloss",
            json!({"mean": 0.66 + 0.01 * noise(3), "std": 0.03, "n": 5}),
        );
    match number % 12 {
        3 | 6 => document.with("status", "failed"),
        4 | 9 => document.with("candidate", true),
        7 | 8 => document.with("sweep", "rates"),
        _ => document,
    }
}

/// Says something about a snapshot that counts for whoever comes later.
fn remark(ledger: &Ledger, recorded: &Recorded, at: usize) {
    let stored = ledger
        .find_also_deleted(&recorded.place.to_string())
        .unwrap();
    let said = match (stored.snapshot.status, stored.snapshot.candidate) {
        (Status::Finished, true) => Said::Accept,
        (Status::Finished, false) if at % 4 == 1 => Said::Pin,
        (Status::Finished, false) => Said::Delete,
        _ => Said::Tag(Tag::new("broken").unwrap()),
    };
    drop(ledger.note(&stored, said, because("it is so")).unwrap());
}

fn because(text: &str) -> Signature {
    Signature {
        why: Some(NoteText::new(text).unwrap()),
        by: None,
    }
}

/// Every answer by its place: bytes, so that nothing that differs is equal.
type Answers = BTreeMap<String, String>;

fn in_bytes(answered: &Answered) -> String {
    json!({
        "diff": answered.diff.to_json(),
        "verdict": answered.verdict.to_json(),
        "baseline": answered.baseline.to_json(),
    })
    .to_string()
}

/// Every snapshot of a store, deleted ones among them.
fn all(ledger: &Ledger) -> Vec<Stored> {
    let request = LogRequest {
        all_attempts: true,
        deleted: true,
        at_most: 0,
        ..LogRequest::default()
    };
    let rows = ledger.log(&request).unwrap().rows;
    rows.into_iter().map(|row| row.stored).collect()
}

fn asked(ledger: &Ledger, snapshots: &[Stored]) -> Answers {
    let answer = |stored: &Stored| {
        let answered = ledger.compared(stored).unwrap();
        (stored.place.to_string(), in_bytes(&answered))
    };
    snapshots.iter().map(answer).collect()
}

/// Fails at the first answer that is another one.
fn assert_as_told(told: &Answers, found: &Answers, when: &str) {
    assert!(told.keys().eq(found.keys()), "{when}: other snapshots");
    for (place, answer) in told {
        assert_eq!(answer, &found[place], "{when}: the answer of {place}");
    }
}

/// Lets the writers of a wave record at once, and adds what they were told.
fn record(root: &Path, wave: usize, seed: u64, told: &mut Answers) {
    let part = |writer| Part {
        writer,
        wave,
        seed,
        root: root.to_owned(),
    };
    let start = |it| ProgramCopy::start(ALONE, &part(it).to_argument());
    let mut writers: Vec<ProgramCopy> = (0..WRITERS).map(start).collect();
    for writer in &mut writers {
        assert_eq!(writer.hear().as_deref(), Some("ready\n"));
    }
    for writer in &mut writers {
        writer.go();
    }
    for writer in &mut writers {
        while let Some(said) = writer.hear() {
            let (place, answer) = said.trim_end().split_once(' ').unwrap();
            let before = told.insert(place.to_owned(), answer.to_owned());
            assert_eq!(before, None, "{place} was told twice");
        }
        assert!(writer.wait().success(), "a copy failed");
    }
}

fn by_auc() -> InitRequest {
    InitRequest {
        primary: Some(("auc".to_owned(), Direction::Higher)),
        ..InitRequest::default()
    }
}

/// The views of single snapshots, which no later recording may change, by path.
fn own_views(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = Files::below(root);
    let of = |path: &str| Some((path.to_owned(), files.get(path)?.to_vec()));
    files
        .paths()
        .filter(|path| path.starts_with("runs/") && !path.ends_with("snapshot_index.json"))
        .filter_map(of)
        .collect()
}

fn rebuild(ledger: &Ledger) {
    ledger.rebuild_views(None, &mut |_, _| ()).unwrap();
}

#[test]
fn a_writer_alone_is_answered_as_it_would_be_later() {
    let lab;
    let (part, is_copy) = if let Some(part) = Part::given() {
        (part, true)
    } else {
        lab = Lab::with(by_auc());
        let part = Part {
            writer: 1,
            wave: 0,
            seed: 1,
            root: lab.root(),
        };
        (part, false)
    };
    let ledger = Ledger::open(&part.root).unwrap();
    if is_copy {
        println!("said ready");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }
    let mut told = Answers::new();
    part.record(&ledger, |recorded| {
        let answer = in_bytes(&recorded.answer);
        println!("said {} {answer}", recorded.place);
        told.insert(recorded.place.to_string(), answer);
    });
    if !is_copy {
        assert_as_told(&told, &asked(&ledger, &all(&ledger)), "at once");
    }
}

#[test]
fn what_many_processes_were_answered_is_answered_for_ever() {
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let lab = Lab::with(by_auc());
    let mut told = Answers::new();
    for wave in 0..2 {
        record(&lab.root(), wave, seed, &mut told);
    }
    assert_eq!(told.len(), 2 * DOCUMENTS);
    words_of_every_kind(&told);

    let ledger = lab.reopened();
    let mut snapshots = all(&ledger);
    Drawn(seed).shuffle(&mut snapshots);
    assert_as_told(&told, &asked(&ledger, &snapshots), "in any order");

    // What recordings left behind beside what is made from the whole log and all notes.
    let left = own_views(&lab.root());
    rebuild(&ledger);
    let rebuilt = own_views(&lab.root());
    assert!(rebuilt.len() > left.len() / 2);
    for (path, bytes) in &rebuilt {
        let before = left
            .get(path)
            .unwrap_or_else(|| panic!("{path} was not written"));
        assert_eq!(before, bytes, "{path}");
    }
    views_say_what_was_told(&told, &rebuilt);

    let finished: Vec<&Stored> = snapshots
        .iter()
        .filter(|it| it.snapshot.status == Status::Finished && !it.snapshot.candidate)
        .collect();
    let mut changed = 0;
    for (at, stored) in finished.iter().enumerate().take(30) {
        let said = if at % 2 == 0 { Said::Delete } else { Said::Pin };
        // Some of them are deleted, and take no further note.
        changed += usize::from(ledger.note(stored, said, because("later")).is_ok());
    }
    assert!(changed > 10);
    assert_as_told(&told, &asked(&ledger, &snapshots), "after notes");
    std::fs::remove_dir_all(lab.root().join("runs")).unwrap();
    let copy = lab.copied();
    rebuild(&copy.ledger);
    for (path, bytes) in &own_views(&copy.root()) {
        assert_eq!(bytes, &rebuilt[path], "{path} of a copy");
    }
    assert_as_told(&told, &asked(&copy.ledger, &snapshots), "a copy");
}

/// The views of a snapshot hold the diff that was told, member for member.
fn views_say_what_was_told(told: &Answers, views: &BTreeMap<String, Vec<u8>>) {
    let mut compared = 0;
    let told: BTreeMap<(String, u64), Value> = told
        .values()
        .map(|answer| serde_json::from_str::<Value>(answer).unwrap())
        .map(|answer| (of_place(&answer["diff"]), answer))
        .collect();
    for (path, bytes) in views {
        let view: Value = serde_json::from_slice(bytes).unwrap();
        if path.ends_with("/diff_prev.json") {
            let diff = told[&of_place(&view)]["diff"].as_object().unwrap();
            for (member, value) in diff {
                assert_eq!(&view[member], value, "`{member}` of {path}");
            }
            compared += 1;
        } else if path.ends_with("/diff_baseline.json") {
            let baseline = &told[&of_place(&view)]["baseline"];
            assert_eq!(&view["baseline"], baseline, "{path}");
            assert_eq!(
                view["prev_snapshot_seq"], baseline["snapshot_seq"],
                "{path}"
            );
            compared += 1;
        }
    }
    assert!(compared > DOCUMENTS, "{compared}");
}

fn of_place(diff: &Value) -> (String, u64) {
    let cohort = diff["cohort"].as_str().unwrap().to_owned();
    (cohort, diff["snapshot_seq"].as_u64().unwrap())
}

/// A test of answers that are all alike would prove little.
fn words_of_every_kind(told: &Answers) {
    let answers = told
        .values()
        .map(|answer| serde_json::from_str::<Value>(answer).unwrap());
    let (mut words, mut shifts, mut baselines) = (BTreeSet::new(), 0, BTreeSet::new());
    for answer in answers {
        let overall = answer["verdict"]["overall"].as_str().unwrap();
        words.insert(overall.to_owned());
        let metrics = answer["verdict"]["metrics"].as_array().unwrap();
        shifts += metrics.iter().filter(|it| it["shift"].is_object()).count();
        let status = answer["baseline"]["status"].as_str().unwrap();
        baselines.insert(status.to_owned());
    }
    for word in ["regression", "undecided", "same"] {
        assert!(words.contains(word), "{words:?}");
    }
    for status in ["chosen", "not_yet", "pinned"] {
        assert!(baselines.contains(status), "{baselines:?}");
    }
    assert!(shifts > 0);
}

#[test]
fn one_writer_of_the_same_log_is_answered_the_same() {
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let lab = Lab::with(by_auc());
    let mut told = Answers::new();
    for wave in 0..2 {
        record(&lab.root(), wave, seed, &mut told);
    }
    let mut log = all(&lab.ledger);
    // The other cohort has notes, which were made while others recorded.
    log.retain(|it| {
        it.snapshot.identity["dataset"]
            .values()
            .any(|value| value == "quiet")
    });
    log.sort_by_key(|it| it.place.seq);
    told.retain(|place, _| log.iter().any(|it| it.place.to_string() == *place));
    assert_eq!(told.len(), DOCUMENTS);

    let other = Lab::with(by_auc());
    let ledger = Ledger::open_with(&other.root(), Arc::new(TickingClock::default())).unwrap();
    let mut again = Answers::new();
    for stored in &log {
        let input = RunInput::from_document(stored.snapshot.document.clone());
        let request = RecordRequest {
            attempt: AttemptChoice::Exactly(stored.snapshot.attempt),
            ..RecordRequest::of(input)
        };
        let recorded = ledger.record(request).unwrap();
        again.insert(recorded.place.to_string(), in_bytes(&recorded.answer));
    }
    assert_as_told(&told, &again, "another store");
}
