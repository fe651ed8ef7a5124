//! A hundred writers at once, some of them killed: what was told stands, nothing stands twice, no
//! log has a gap, and the same command again settles the rest.
//!
//! Each test starts copies of this test program as writers, which are told their part by an
//! argument that the test harness takes for one more filter. All of them have opened the ledger
//! before the first may record. The store below by itself is left to its own tests, and what dies
//! at a system call of our choice to those of the command line.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]
#![expect(clippy::print_stdout, reason = "a copy says what it was told")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use runstone::core::input::RunInput;
use runstone::list::LogRequest;
use runstone::{BatchRequest, Handed, Ledger, RecordRequest, Recorded, RecordedAs};
use runstone_testkit::{Lab, ProgramCopy, RunBuilder, run};

const WRITERS: usize = 100;
/// How many documents a writer records that is left to live.
const RECORDS: usize = 3;
/// How many documents a writer of streams hands in together.
const STREAM: usize = 3;
/// What a copy of this program runs.
const ALONE: &str = "a_writer_alone_records_its_runs";

/// What a copy of this program is to do.
#[derive(Debug, Clone)]
struct Part {
    writer: usize,
    cohorts: usize,
    records: usize,
    root: PathBuf,
}

impl Part {
    fn to_argument(&self) -> String {
        let (writer, cohorts, records) = (self.writer, self.cohorts, self.records);
        format!("part={writer},{cohorts},{records}={}", self.root.display())
    }

    /// Returns the part given to this process.
    fn given() -> Option<Self> {
        std::env::args().find_map(|argument| {
            let (numbers, root) = argument.strip_prefix("part=")?.split_once('=')?;
            let mut numbers = numbers.split(',').map(|number| number.parse().ok());
            Some(Self {
                writer: numbers.next()??,
                cohorts: numbers.next()??,
                records: numbers.next()??,
                root: PathBuf::from(root),
            })
        })
    }

    /// Returns the document this writer records as its `number`th: every third is one that all
    /// writers of its cohort record.
    fn document(&self, number: usize) -> RunBuilder {
        let run_id = match number % 3 {
            1 => format!("twin-{number}"),
            _ => format!("run-{}-{number}", self.writer),
        };
        let dataset = format!("d{}", self.writer % self.cohorts);
        run(&run_id).with("identity.dataset.sha256", dataset)
    }

    /// Records the documents from `first` on, every fifth writer as streams, and tells each answer.
    fn record(&self, ledger: &Ledger, first: usize, mut told: impl FnMut(Told)) {
        let end = first + self.records;
        let input = |number| RunInput::from_document(self.document(number).build());
        if self.writer % 5 == 4 {
            for first in (first..end).step_by(STREAM) {
                let few = first..end.min(first + STREAM);
                let documents: Vec<Handed> = few.map(|number| input(number).into()).collect();
                ledger
                    .record_all(documents.into_iter(), &BatchRequest::default(), |answer| {
                        told(Told::of(&answer.outcome.unwrap()));
                        ControlFlow::Continue(())
                    })
                    .unwrap();
            }
        } else {
            for number in first..end {
                let request = RecordRequest::of(input(number));
                told(Told::of(&ledger.record(request).unwrap()));
            }
        }
    }
}

/// What an answer said of a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    place: String,
    sha256: String,
    is_new: bool,
}

impl Told {
    fn of(recorded: &Recorded) -> Self {
        Self {
            place: recorded.place.to_string(),
            sha256: recorded.place.sha256.to_string(),
            is_new: recorded.recorded_as == RecordedAs::New,
        }
    }

    /// Reads what a copy of this program said; a line cut short by its death is none.
    fn read(line: &str) -> Option<Self> {
        let mut words = line.strip_suffix(" .\n")?.split(' ');
        Some(Self {
            place: words.next()?.to_owned(),
            sha256: words.next()?.to_owned(),
            is_new: words.next()? == "true",
        })
    }
}

/// A copy of this program, and what it was told.
struct Writer {
    part: Part,
    copy: ProgramCopy,
    told: Vec<Told>,
}

impl Writer {
    /// Starts a copy, which opens the ledger and waits.
    fn start(part: Part) -> Self {
        Self {
            copy: ProgramCopy::start(ALONE, &part.to_argument()),
            part,
            told: Vec::new(),
        }
    }

    /// Hears one answer more.
    fn hear_told(&mut self) -> bool {
        let said = self.copy.hear();
        self.told.extend(said.as_deref().and_then(Told::read));
        said.is_some()
    }

    /// Hears it out.
    fn finish(&mut self) {
        while self.hear_told() {}
    }
}

/// Starts all writers and lets none record before each has opened the ledger.
fn start(lab: &Lab, cohorts: usize, records: impl Fn(usize) -> usize) -> Vec<Writer> {
    let part = |writer| Part {
        writer,
        cohorts,
        records: records(writer),
        root: lab.root(),
    };
    let mut writers: Vec<Writer> = (0..WRITERS).map(|it| Writer::start(part(it))).collect();
    for writer in &mut writers {
        assert_eq!(writer.copy.hear().as_deref(), Some("ready\n"));
    }
    for writer in &mut writers {
        writer.copy.go();
    }
    writers
}

/// Opens the store again and holds it against what was told: each answer's snapshot stands where it
/// was said to, a run stands once, places have no gap, and everything verifies. Returns how many
/// snapshots there are.
fn settled(lab: &Lab, cohorts: usize, told: &[Told]) -> usize {
    let ledger = lab.reopened();
    let verified = ledger.verify().unwrap();
    assert!(verified.is_ok(), "{verified:?}");
    let request = LogRequest {
        all_attempts: true,
        at_most: 0,
        ..LogRequest::default()
    };
    let rows = ledger.log(&request).unwrap().rows;
    let mut standing = BTreeMap::new();
    let mut places: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let mut keys = BTreeSet::new();
    for row in &rows {
        let (place, snapshot) = (&row.stored.place, &row.stored.snapshot);
        standing.insert(place.to_string(), place.sha256.to_string());
        let cohort = place.cohort.to_string();
        assert!(
            keys.insert((cohort.clone(), snapshot.run_id.to_string())),
            "{} stands twice",
            snapshot.run_id
        );
        places.entry(cohort).or_default().insert(place.seq.0);
    }
    assert_eq!(places.len(), cohorts);
    for (cohort, seqs) in &places {
        let gapless: BTreeSet<u64> = (1..=seqs.len() as u64).collect();
        assert_eq!(seqs, &gapless, "{cohort}");
    }
    let mut made = BTreeSet::new();
    for it in told {
        assert_eq!(standing.get(&it.place), Some(&it.sha256), "{it:?}");
        assert!(
            !it.is_new || made.insert(&it.place),
            "told new twice: {it:?}"
        );
    }
    rows.len()
}

/// How many snapshots there are when each of the writers has recorded its documents.
fn expected(cohorts: usize) -> usize {
    let twins = (0..RECORDS).filter(|number| number % 3 == 1).count();
    WRITERS * (RECORDS - twins) + cohorts * twins
}

fn all_writers_record(cohorts: usize) {
    let lab = Lab::new();
    let mut told = Vec::new();
    for mut writer in start(&lab, cohorts, |_| RECORDS) {
        writer.finish();
        assert!(writer.copy.wait().success(), "a copy failed");
        assert_eq!(writer.told.len(), RECORDS);
        told.append(&mut writer.told);
    }
    let new = told.iter().filter(|it| it.is_new).count();
    assert_eq!(settled(&lab, cohorts, &told), expected(cohorts));
    assert_eq!(new, expected(cohorts));
}

/// Every second writer goes on for ever and is killed, somewhere in its work.
fn half_of_the_writers_are_killed(cohorts: usize) {
    // Chance lies in the machine's timing too: the seed brings back what was drawn, not the moment.
    let mut draw = u64::from(std::process::id()) | 1;
    println!("seed {draw}");
    let mut draw = move |below: u64| {
        draw ^= draw << 13;
        draw ^= draw >> 7;
        draw ^= draw << 17;
        draw % below
    };
    let lab = Lab::new();
    let is_victim = |writer: usize| writer.is_multiple_of(2);
    let endless = 1_000_000;
    let records = |writer| if is_victim(writer) { endless } else { RECORDS };
    let mut writers = start(&lab, cohorts, records);
    let mut victims: Vec<&mut Writer> = writers
        .iter_mut()
        .filter(|it| is_victim(it.part.writer))
        .collect();
    for victim in &mut victims {
        for _ in 0..draw(4) {
            assert!(victim.hear_told(), "a victim ended by itself");
        }
        // Not to wait for anything: this is where in its work it dies.
        std::thread::sleep(Duration::from_micros(draw(6000)));
        victim.copy.kill();
    }
    let mut told = Vec::new();
    for writer in &mut writers {
        writer.finish();
        let status = writer.copy.wait();
        assert_eq!(status.success(), !is_victim(writer.part.writer));
        told.extend(writer.told.iter().cloned());
    }
    settled(&lab, cohorts, &told);
    // The last thing that each victim was told, and what it was at, once more.
    let ledger = lab.reopened();
    for victim in writers.iter().filter(|it| is_victim(it.part.writer)) {
        let part = Part {
            records: 1 + STREAM,
            ..victim.part.clone()
        };
        let first = victim.told.len().saturating_sub(1);
        let mut again = Vec::new();
        part.record(&ledger, first, |it| again.push(it));
        assert_eq!(again.len(), part.records);
        if let Some(last) = victim.told.last() {
            let same = Told {
                is_new: false,
                ..last.clone()
            };
            assert_eq!(again[0], same, "recorded again after its writer died");
        }
        told.append(&mut again);
    }
    settled(&lab, cohorts, &told);
}

#[test]
fn a_writer_alone_records_its_runs() {
    let lab;
    let (part, is_copy) = if let Some(part) = Part::given() {
        (part, true)
    } else {
        lab = Lab::new();
        let root = lab.root();
        let part = Part {
            writer: 0,
            cohorts: 1,
            records: RECORDS,
            root,
        };
        (part, false)
    };
    let ledger = Ledger::open(&part.root).unwrap();
    if is_copy {
        println!("said ready");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }
    let mut answers = 0;
    part.record(&ledger, 0, |told| {
        answers += 1;
        println!("said {} {} {} .", told.place, told.sha256, told.is_new);
    });
    assert_eq!(answers, part.records);
}

#[test]
fn a_hundred_writers_of_one_cohort_lose_nothing_and_leave_no_gap() {
    all_writers_record(1);
}

#[test]
fn a_hundred_writers_of_twenty_cohorts_lose_nothing_and_leave_no_gap() {
    all_writers_record(20);
}

#[test]
fn what_writers_of_one_cohort_were_told_stands_when_half_of_them_are_killed() {
    half_of_the_writers_are_killed(1);
}

#[test]
fn what_writers_of_twenty_cohorts_were_told_stands_when_half_of_them_are_killed() {
    half_of_the_writers_are_killed(20);
}

#[test]
fn a_hundred_threads_of_one_handle_record_like_a_hundred_processes() {
    let lab = Lab::new();
    let told = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let part = Part {
                writer,
                cohorts: 4,
                records: RECORDS,
                root: lab.root(),
            };
            let (ledger, told) = (&lab.ledger, &told);
            scope.spawn(move || part.record(ledger, 0, |it| told.lock().unwrap().push(it)));
        }
    });
    let told = told.into_inner().unwrap();
    assert_eq!(told.len(), WRITERS * RECORDS);
    assert_eq!(settled(&lab, 4, &told), expected(4));
}
