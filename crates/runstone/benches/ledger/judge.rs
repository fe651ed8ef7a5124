//! What judging adds to a recording, with a full window to look back at.

use std::path::Path;

use runstone::RecordRequest;
use runstone::core::profile::Direction;
use runstone::init::{InitRequest, init};
use runstone::views::Views;

use crate::sample::Sample;
use crate::{document, timed};

/// Runs before the first that is measured: more than are looked back at.
const BEFORE: usize = 100;
/// Recordings per figure.
const ROUNDS: usize = 400;

pub(crate) fn compare(root: &Path) {
    std::fs::create_dir_all(root.parent().unwrap()).unwrap();
    let ledger = init(
        root,
        &InitRequest {
            experiment: Some("bench".to_owned()),
            views: Some(Views::None),
            primary: Some(("metric_0".to_owned(), Direction::Higher)),
            ..InitRequest::default()
        },
    )
    .unwrap()
    .ledger;
    for round in 0..BEFORE {
        drop(ledger.record(RecordRequest::of(document(round))).unwrap());
    }
    let (mut commits, mut answers, mut again) =
        (Sample::default(), Sample::default(), Sample::default());
    for round in BEFORE..BEFORE + ROUNDS {
        let request = RecordRequest::of(document(round));
        let mut acknowledged = None;
        commits.push(timed(|| {
            acknowledged = Some(ledger.commit(request).unwrap());
        }));
        let acknowledged = acknowledged.unwrap();
        let stored = acknowledged.stored.clone();
        answers.push(timed(|| drop(ledger.answer(acknowledged))));
        again.push(timed(|| drop(ledger.compared(&stored).unwrap())));
    }
    println!("judging, {BEFORE} runs and more with these settings ({ROUNDS} turns each)");
    println!("  recorded          {commits}  acknowledged");
    println!("  answered          {answers}  what changed, and did it matter");
    println!("  of that judging   {again}  at most: with its diff, from memory (goal ≤ 0.5 ms)");
}
