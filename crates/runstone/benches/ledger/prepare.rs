//! What a document costs the processor from its bytes to the entry that the store is handed, step
//! by step.
//!
//! Processor time of one thread, since the clock on the wall also counts what others do on the
//! machine; of several turns the least, since others only ever add.

use std::time::Duration;

use runstone::core::canonical::{CanonicalRun, Captures, Placed};
use runstone::core::id::Attempt;
use runstone::core::input::{Overrides, RunInput};
use runstone::core::json::{Framed, Limits, Stream};
use runstone::core::profile::Profile;
use runstone::core::record::{Defaults, RunRecord};
use runstone::core::snapshot::{Captured, Writer};
use rustix::time::{ClockId, clock_gettime};

use crate::document;

/// Documents of a turn.
const DOCUMENTS: usize = 10_000;
/// Turns.
const TURNS: usize = 7;

/// Documents that take a step one after another, before they take the next: so many fit into the
/// nearer caches, as one does.
const ABREAST: usize = 16;

/// The steps, in the order in which a document takes them.
const STEPS: [&str; 10] = [
    "cut out of the stream",
    "read strictly",
    "join with what was said beside it",
    "check by the profile",
    "redact, normalise, fingerprint",
    "name the cohort",
    "make the snapshot",
    "find what decides it",
    "make the payload",
    "let go of all of it",
];

pub(crate) fn compare() {
    let bytes: Vec<u8> = (0..DOCUMENTS)
        .flat_map(|round| {
            let document = serde_json::Value::from(document(round).document().clone());
            format!("{document}\n").into_bytes()
        })
        .collect();
    let mut least = [Duration::MAX; STEPS.len()];
    let mut least_sum = Duration::MAX;
    for _ in 0..TURNS {
        let turn = turn(&bytes);
        least_sum = least_sum.min(turn.iter().sum());
        for (least, took) in least.iter_mut().zip(turn) {
            *least = took.min(*least);
        }
    }
    println!(
        "preparing {DOCUMENTS} documents of {} bytes on one thread, processor time (least of {TURNS} turns)",
        bytes.len() / DOCUMENTS
    );
    for (step, took) in STEPS.iter().zip(least) {
        println!("  {step:<40}{:8.1} us a document", each(took));
    }
    println!("  {:<40}{:8.1} us a document", "all of it", each(least_sum));
}

#[expect(clippy::cast_precision_loss, reason = "ten thousand")]
fn each(took: Duration) -> f64 {
    took.as_secs_f64() * 1e6 / DOCUMENTS as f64
}

/// Takes all documents through all steps and returns what each step took.
fn turn(bytes: &[u8]) -> [Duration; STEPS.len()] {
    let profile = Profile::builtin("generic").unwrap();
    let defaults = Defaults {
        experiment: "bench".to_owned(),
    };
    let mut spent = [Duration::ZERO; STEPS.len()];
    let mut stream = Stream::new(Limits::default());
    let mut pieces = bytes.chunks(64 * 1024);
    let mut cut = || {
        loop {
            match stream.take() {
                Some(framed) => return Some(framed),
                None => stream.feed(pieces.next()?),
            }
        }
    };
    loop {
        let mut watch = Watch::start(&mut spent);
        let framed: Vec<Framed> = std::iter::from_fn(&mut cut).take(ABREAST).collect();
        if framed.is_empty() {
            return spent;
        }
        watch.next();
        let read = framed.iter().map(|framed| framed.read(&Limits::default()));
        let read: Vec<RunInput> = read
            .map(|read| RunInput::from_document(read.unwrap()))
            .collect();
        watch.next();
        let joined = read
            .into_iter()
            .map(|input| input.with(Overrides::default(), &profile));
        let joined: Vec<RunInput> = joined.map(Result::unwrap).collect();
        watch.next();
        let records = joined
            .into_iter()
            .map(|input| RunRecord::validate(input, &profile, &defaults));
        let records: Vec<RunRecord> = records.map(Result::unwrap).collect();
        watch.next();
        let runs = records
            .into_iter()
            .map(|record| CanonicalRun::of(record, &profile, None));
        let runs: Vec<CanonicalRun> = runs.map(Result::unwrap).collect();
        watch.next();
        drop(
            runs.iter()
                .map(|run| run.cohort_id().clone())
                .collect::<Vec<_>>(),
        );
        watch.next();
        let placed = runs
            .into_iter()
            .map(|run| run.into_snapshot(Attempt(0), captures(), writer()));
        let placed: Vec<Placed> = placed.collect();
        watch.next();
        let rules = profile.default.as_ref().unwrap();
        let deciding = placed
            .iter()
            .map(|it| rules.metrics.primary(&it.snapshot.metrics));
        drop(deciding.collect::<Vec<_>>());
        watch.next();
        let payloads = placed.iter().map(|it| it.snapshot.payload_bytes());
        drop(payloads.collect::<Vec<_>>());
        watch.next();
        drop((framed, placed));
        watch.next();
    }
}

fn captures() -> Captures {
    let unknown = || Captured::NotCaptured {
        reason: "the run was recorded after it ended".to_owned(),
    };
    Captures {
        environment: unknown(),
        code: unknown(),
        process: unknown(),
    }
}

fn writer() -> Writer {
    Writer {
        name: "runstone".to_owned(),
        version: "bench".to_owned(),
    }
}

/// Adds what each step took of this thread's processor time, one step after another.
struct Watch<'s> {
    steps: std::slice::IterMut<'s, Duration>,
    since: Duration,
}

impl<'s> Watch<'s> {
    fn start(spent: &'s mut [Duration]) -> Self {
        Self {
            steps: spent.iter_mut(),
            since: processor_time(),
        }
    }

    fn next(&mut self) {
        let now = processor_time();
        *self.steps.next().unwrap() += now.saturating_sub(self.since);
        self.since = now;
    }
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap(),
        u32::try_from(time.tv_nsec).unwrap(),
    )
}
