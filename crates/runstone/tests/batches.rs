//! A stream of documents is recorded and answered as if each came by itself, and as it comes.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use runstone::core::input::RunInput;
use runstone::core::json::{Limits, Stream};
use runstone::list::LogRequest;
use runstone::store::Hash256;
use runstone::{
    AttemptChoice, BatchAnswer, BatchRequest, Error, Handed, Ledger, RecordRequest, Recorded,
    RecordedAs,
};
use runstone_testkit::{Lab, RunBuilder, run};
use serde_json::{Value, json};

fn handed(run: RunBuilder) -> Handed {
    RunInput::from_document(run.build()).into()
}

/// Hands over a document as the text of a stream.
fn framed(run: RunBuilder) -> Handed {
    let mut stream = Stream::new(Limits::default());
    stream.feed(format!("{}\n", Value::Object(run.build())).as_bytes());
    stream.take().unwrap().into()
}

/// Records documents as one stream and returns every answer.
fn record_all(ledger: &Ledger, documents: Vec<Handed>) -> Vec<BatchAnswer<Recorded>> {
    let mut answers = Vec::new();
    ledger
        .record_all(documents.into_iter(), &BatchRequest::default(), |answer| {
            answers.push(answer);
            ControlFlow::Continue(())
        })
        .unwrap();
    answers
}

/// What was answered, without the writer's clock.
fn told(outcome: &Result<Recorded, Error>) -> Value {
    match outcome {
        Ok(recorded) => without_clock(recorded.to_json()),
        Err(error) => Value::from(error.code()),
    }
}

fn without_clock(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            members.remove("recorded_at");
            for member in members.values_mut() {
                *member = without_clock(member.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = without_clock(item.take());
            }
        }
        _ => {}
    }
    value
}

/// Every snapshot of a store: its place, what it is, and its digest.
fn logs(ledger: &Ledger) -> Vec<String> {
    let request = LogRequest {
        all_attempts: true,
        at_most: 0,
        ..LogRequest::default()
    };
    let page = ledger.log(&request).unwrap();
    let row = |stored: &runstone::Stored| {
        let snapshot = &stored.snapshot;
        let (run, stage, attempt) = (&snapshot.run_id, &snapshot.stage, snapshot.attempt);
        format!(
            "{} {run}:{stage}:{attempt} {}",
            stored.place, stored.place.sha256
        )
    };
    let mut rows: Vec<String> = page.rows.iter().map(|it| row(&it.stored)).collect();
    rows.sort();
    rows
}

/// A stored file that some documents name.
const ATTACHED: &[u8] = b"attached";

/// Draws from a seed (xorshift64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) % limit
    }

    /// Few runs, stages, cohorts and contents, so that they meet often.
    fn document(&mut self) -> RunBuilder {
        let mut document = run(&format!("r{}", self.below(4)))
            .with("identity.dataset.sha256", format!("d{}", self.below(2)))
            .with("factors.seed", self.below(2))
            .with("factors.rate", self.number())
            .with("metrics.loss", self.number())
            .with(
                "status",
                ["finished", "failed", "interrupted"][self.draw_status()],
            );
        if self.below(3) == 0 {
            document = document.with("stage", "eval");
        }
        if self.below(5) == 0 {
            document = document.with("attempt", self.below(3));
        }
        if self.below(8) == 0 {
            document = document.with("run_id", Value::Null);
        }
        if self.below(6) == 0 {
            // One that is not stored is refused.
            let file: &[u8] = [ATTACHED, b"kept by nobody"][usize::from(self.below(4) == 0)];
            let sha256 = Hash256::of(file).to_string();
            let artifact = json!([{ "path": "m", "sha256": sha256, "bytes": 8, "stored": true }]);
            document = document.with("artifacts", artifact);
        }
        document
    }

    /// Numbers that have several spellings, or none in JSON.
    fn number(&mut self) -> Value {
        match self.below(5) {
            0 => json!(1.0),
            1 => json!(-0.0),
            2 => json!(1e300),
            3 => json!("NaN"),
            _ => json!(0.1),
        }
    }

    fn draw_status(&mut self) -> usize {
        usize::try_from(self.below(3)).unwrap()
    }
}

#[test]
fn a_stream_is_recorded_and_answered_as_its_documents_one_by_one() {
    for seed in 1..=15 {
        let mut draw = Draw(seed);
        let documents: Vec<RunBuilder> = (0..40).map(|_| draw.document()).collect();
        let (alone, stream) = (Lab::new(), Lab::new());
        for lab in [&alone, &stream] {
            lab.ledger.keep(ATTACHED).unwrap();
        }
        let one_by_one: Vec<_> = documents
            .iter()
            .cloned()
            .map(|it| alone.record(it))
            .collect();
        // Some stand there before the stream begins.
        let before = usize::try_from(draw.below(10)).unwrap();
        let mut answers: Vec<_> = documents[..before]
            .iter()
            .map(|it| stream.record(it.clone()))
            .collect();
        // Of those that are read their snapshots are read again, of those that were built not.
        let hand_over = if seed % 3 == 0 { handed } else { framed };
        let rest = documents[before..].iter().cloned().map(hand_over).collect();
        answers.extend(
            record_all(&stream.ledger, rest)
                .into_iter()
                .map(|it| it.outcome),
        );
        assert_eq!(answers.len(), one_by_one.len());
        for (position, (one, other)) in answers.iter().zip(&one_by_one).enumerate() {
            assert_eq!(told(one), told(other), "seed {seed}, document {position}");
        }
        assert_eq!(logs(&stream.ledger), logs(&alone.ledger), "seed {seed}");
        assert!(
            stream.ledger.verify().unwrap().damage.is_empty(),
            "seed {seed}"
        );
    }
}

#[test]
fn a_stream_that_is_not_answered_is_told_where_each_document_stands() {
    let lab = Lab::new();
    let ledger = &lab.ledger;
    let documents = || (0..3).map(|number| framed(run(&format!("r{number}"))));
    let confirmed = |recorded_as| {
        let mut places = Vec::new();
        ledger
            .commit_all(documents(), &BatchRequest::default(), |answer| {
                let confirmed = answer.outcome.unwrap();
                assert_eq!(confirmed.recorded_as, recorded_as);
                places.push(confirmed.place);
                ControlFlow::Continue(())
            })
            .unwrap();
        places
    };
    let places = confirmed(RecordedAs::New);
    assert_eq!(
        places.iter().map(|place| place.seq.0).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    for (number, place) in places.iter().enumerate() {
        let stored = ledger.find(&place.to_string()).unwrap();
        assert_eq!(stored.place, *place);
        assert_eq!(stored.snapshot.run_id.as_str(), format!("r{number}"));
    }
    assert_eq!(confirmed(RecordedAs::Already), places);
}

#[test]
fn a_stream_that_is_not_answered_is_told_the_warnings_of_its_documents() {
    let document = || run("r").with("labels.year", 2026);
    let alone = Lab::new().record(document()).unwrap().warnings;
    assert!(!alone.is_empty());
    let mut told = Vec::new();
    Lab::new()
        .ledger
        .commit_all(
            std::iter::once(framed(document())),
            &BatchRequest::default(),
            |answer| {
                told.push(answer.outcome.unwrap().warnings);
                ControlFlow::Continue(())
            },
        )
        .unwrap();
    assert_eq!(told, [alone]);
}

#[test]
fn a_stream_of_further_attempts_takes_them_as_its_documents_would_one_by_one() {
    let documents = || {
        let of = |number: u64| run("r").with("factors.seed", number % 2);
        (0..6).map(of)
    };
    let (alone, stream) = (Lab::new(), Lab::new());
    let one_by_one: Vec<_> = documents()
        .map(|it| alone.record_as(it, AttemptChoice::Next))
        .collect();
    let request = BatchRequest {
        attempt: AttemptChoice::Next,
        ..BatchRequest::default()
    };
    let mut answers = Vec::new();
    stream
        .ledger
        .record_all(
            documents().map(framed).collect::<Vec<_>>().into_iter(),
            &request,
            |answer| {
                answers.push(answer.outcome);
                ControlFlow::Continue(())
            },
        )
        .unwrap();
    assert_eq!(answers.len(), one_by_one.len());
    for (one, other) in answers.iter().zip(&one_by_one) {
        assert_eq!(told(one), told(other));
    }
    assert_eq!(logs(&stream.ledger), logs(&alone.ledger));
}

#[test]
fn a_further_attempt_in_a_stream_keeps_what_is_too_large_for_a_payload() {
    let large = "x".repeat(100_000);
    let failed = run("r").with("status", "failed");
    let again = run("r").with("factors.text", large.as_str());
    let (alone, stream) = (Lab::new(), Lab::new());
    let one_by_one = [failed.clone(), again.clone()].map(|it| alone.record(it));
    let answers = record_all(&stream.ledger, vec![framed(failed), framed(again)]);
    assert_eq!(answers.len(), 2);
    for (one, other) in answers.iter().zip(&one_by_one) {
        assert_eq!(told(&one.outcome), told(other));
    }
    let recorded = answers[1].outcome.as_ref().unwrap();
    assert_eq!(recorded.attempt.0, 1);
    let stored = stream.reopened().find(&recorded.place.to_string()).unwrap();
    assert_eq!(stored.snapshot.factors.settings["text"], json!(large));
}

#[test]
fn what_may_be_nested_too_deeply_to_be_read_again_is_answered() {
    let lab = Lab::new();
    let deep = (0..110).fold(json!(1), |inner, _| json!({ "in": inner }));
    let mut stream = Stream::new(Limits {
        depth_max: 200,
        ..Limits::default()
    });
    let document = run("r").with("notes", deep);
    stream.feed(format!("{}\n", Value::Object(document.build())).as_bytes());
    let request = BatchRequest {
        limits: Limits {
            depth_max: 200,
            ..Limits::default()
        },
        ..BatchRequest::default()
    };
    let mut outcomes = Vec::new();
    let documents = vec![stream.take().unwrap().into()];
    lab.ledger
        .record_all(documents.into_iter(), &request, |answer| {
            outcomes.push(answer.outcome.map(|recorded| recorded.place.seq.0));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(matches!(outcomes[..], [Ok(1)]), "{outcomes:?}");
}

#[test]
fn a_stream_longer_than_a_chunk_keeps_its_order() {
    let lab = Lab::new();
    let documents = |count: usize| (0..count).map(|number| handed(run(&format!("r{number}"))));
    let answers = record_all(&lab.ledger, documents(2500).collect());
    for (number, answer) in answers.iter().enumerate() {
        let recorded = answer.outcome.as_ref().unwrap();
        let position = u64::try_from(number).unwrap() + 1;
        assert_eq!(
            (answer.position, recorded.place.seq.0),
            (position, position)
        );
        assert_eq!(recorded.run_id.to_string(), format!("r{number}"));
    }
    // The same stream again, from a handle that knows nothing.
    let again = record_all(&lab.reopened(), documents(2500).collect());
    for (first, again) in answers.iter().zip(&again) {
        let place = |answer: &BatchAnswer<Recorded>| answer.outcome.as_ref().unwrap().place.clone();
        assert_eq!(place(first), place(again));
    }
    assert_eq!(lab.ledger.cohorts().unwrap()[0].snapshots, Some(2500));
}

#[test]
fn a_document_is_answered_while_its_stream_stays_open() {
    let lab = Lab::new();
    let (send, documents) = mpsc::channel();
    let mut sent = Vec::new();
    let mut number = 0;
    let mut next = || {
        number += 1;
        sent.push(Instant::now());
        send.send(handed(run(&format!("r{number}")))).unwrap();
    };
    next();
    let mut answered = 0;
    lab.ledger
        .record_all(documents.into_iter(), &BatchRequest::default(), |answer| {
            assert!(answer.outcome.is_ok());
            answered += 1;
            if answered == 5 {
                return ControlFlow::Break(());
            }
            // The next document comes only after this one was answered.
            next();
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(answered, 5);
    assert!(sent[0].elapsed() < Duration::from_secs(30));
    assert_eq!(lab.ledger.cohorts().unwrap()[0].snapshots, Some(5));
}

#[test]
fn a_caller_that_wants_no_more_keeps_what_was_committed() {
    let lab = Lab::new();
    let endless = (0..).map(|number| handed(run(&format!("r{number}"))));
    let mut acknowledged = Vec::new();
    lab.ledger
        .record_all(endless, &BatchRequest::default(), |answer| {
            acknowledged.push(answer.outcome.unwrap().place);
            if acknowledged.len() == 10 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .unwrap();
    let ledger = lab.reopened();
    for place in acknowledged {
        assert_eq!(ledger.find(&place.to_string()).unwrap().place, place);
    }
}

#[test]
fn a_document_of_a_stream_is_read_as_strictly_as_one_alone() {
    let lab = Lab::new();
    let mut stream = Stream::new(Limits::default());
    let good = |id: &str| Value::Object(run(id).build()).to_string();
    stream.feed(
        format!(
            "{}\n{{\"torn\n{}\n{}{{}}",
            good("r1"),
            good("r2"),
            good("r1")
        )
        .as_bytes(),
    );
    stream.end();
    let documents: Vec<Handed> = std::iter::from_fn(|| stream.take())
        .map(Handed::from)
        .collect();
    let answers = record_all(&lab.ledger, documents);
    let told: Vec<String> = answers
        .iter()
        .map(|answer| {
            let line = answer.line.unwrap();
            match &answer.outcome {
                Ok(recorded) => format!(
                    "{line} {} {}",
                    recorded.recorded_as.as_str(),
                    recorded.place.seq
                ),
                Err(error) => format!("{line} {}: {error}", error.code()),
            }
        })
        .collect();
    assert_eq!(
        told,
        [
            "1 new 1",
            "2 document_unreadable: document 2 (line 2) cannot be read",
            "3 new 2",
            "4 already 1",
            "4 document_refused: document 5 (line 4) was refused: missing `run_id`, `stage`",
        ]
    );
}

#[test]
fn what_a_stream_is_alone_with_is_called_as_the_stream_is() {
    let lab = Lab::new();
    let request = BatchRequest {
        name: "`run.json`".to_owned(),
        ..BatchRequest::default()
    };
    let document = handed(run("r1").with("run_id", Value::Null));
    let mut told = Vec::new();
    lab.ledger
        .record_all([document].into_iter(), &request, |answer| {
            told.push((answer.is_only, answer.outcome.unwrap_err().to_string()));
            ControlFlow::Continue(())
        })
        .unwrap();
    let request = RecordRequest {
        name: "`run.json`".to_owned(),
        ..RecordRequest::of(RunInput::from_document(
            run("r1").with("run_id", Value::Null).build(),
        ))
    };
    let alone = lab.ledger.record(request).unwrap_err().to_string();
    assert_eq!(told, [(true, alone)]);
}
