//! The stages of a batch, side by side.
//!
//! A reader of its own, because only it may wait for whoever writes the stream; a thread that
//! prepares with a crew, one that commits, the caller's, which answers, and one that seals what was
//! handed on to be answered. The invariant: each stage hands on what it was handed, in the same
//! order, and holds one chunk at a time; sealing holds none. When the caller wants no more, or
//! nothing comes any more, all of them end; a reader that waits for its stream is left behind.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::mpsc::{self, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use runstone_store::CohortName;

use super::chunk::Entered;
use super::crew::Crew;
use super::documents::{BatchAnswer, BatchRequest, Handed};
use super::intake::{Chunk, Intake};
use crate::error::Error;
use crate::open::Ledger;
use crate::recorded::{Confirmed, Recorded};

/// A document's place in the stream.
#[derive(Debug, Clone, Copy)]
struct Label {
    position: u64,
    line: Option<usize>,
    is_only: bool,
    is_alone: bool,
}

impl Ledger {
    /// Records a stream of documents and answers each, in their order, as [`Ledger::record`] does.
    ///
    /// Answers come while the stream goes on, about 50 ms after their document and what the disk
    /// takes; `answer` says whether more are wanted. Documents are taken from another thread,
    /// which is left behind if the stream neither goes on nor ends.
    ///
    /// # Durability
    /// Nothing is answered before it is durable. What was committed when `answer` breaks off stays.
    ///
    /// # Errors
    /// Those of finding the profile; everything else is the answer to one document.
    pub fn record_all(
        &self,
        documents: impl Iterator<Item = Handed> + Send + 'static,
        request: &BatchRequest,
        answer: impl FnMut(BatchAnswer<Recorded>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let finish = |entered, opened: &Opened, position| {
            let acknowledged = self.recalled(entered)?;
            Ok(self.answer_among(acknowledged, &|cohort| opened.counts_for(cohort, position)))
        };
        self.each(documents, request, finish, answer)
    }

    /// Records a stream of documents without comparing them, and tells of each where it stands.
    ///
    /// # Durability
    /// As [`Ledger::record_all`].
    ///
    /// # Errors
    /// As [`Ledger::record_all`].
    pub fn commit_all(
        &self,
        documents: impl Iterator<Item = Handed> + Send + 'static,
        request: &BatchRequest,
        answer: impl FnMut(BatchAnswer<Confirmed>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.each(
            documents,
            request,
            |entered, _, _| Ok(entered.confirmed()),
            answer,
        )
    }

    fn each<T>(
        &self,
        documents: impl Iterator<Item = Handed> + Send + 'static,
        request: &BatchRequest,
        finish: impl Fn(Entered, &Opened, u64) -> Result<T, Error>,
        mut answer: impl FnMut(BatchAnswer<T>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let profile = self.profile(&request.profile)?;
        let request = &BatchRequest {
            environment: self.settled_once(&request.environment, &profile),
            ..request.clone()
        };
        let opened = Opened::default();
        let intake = Arc::new(Intake::new());
        read_into(&intake, documents);
        thread::scope(|scope| {
            let (to_commit, prepared) = mpsc::sync_channel(0);
            let (to_answer, committed) = mpsc::sync_channel(0);
            let (to_seal, left) = mpsc::sync_channel(1);
            let (intake, profile, opened) = (Leaving(&intake), &profile, &opened);
            let leaving = Leaving(intake.0);
            let threads = thread::available_parallelism().map_or(1, usize::from);
            let crew = Crew::start(scope, threads, move |document| {
                self.prepare_one(document, request, profile)
            });
            scope.spawn(move || {
                let mut before = 0;
                while let Some(chunk) = intake.0.take() {
                    let (labels, documents) = label(chunk, &mut before, request);
                    let Some(prepared) = crew.work_off(documents) else {
                        return;
                    };
                    if to_commit.send((labels, prepared)).is_err() {
                        return;
                    }
                }
            });
            scope.spawn(move || {
                for (labels, prepared) in prepared {
                    let labels: Vec<Label> = labels;
                    let committed = self.commit_prepared(prepared, |number, cohort| {
                        opened.add(cohort, labels[number].position);
                    });
                    let is_wanted = to_answer.send((labels, committed)).is_ok();
                    // Where that is full, somebody is about to seal, and finds this chunk as well.
                    let is_told = to_seal.try_send(());
                    if !is_wanted || is_told == Err(TrySendError::Disconnected(())) {
                        return;
                    }
                }
            });
            scope.spawn(move || {
                for () in left {
                    self.store.seal_pending();
                }
            });
            for (labels, committed) in committed {
                for (label, outcome) in labels.into_iter().zip(committed) {
                    let answered = answer(BatchAnswer {
                        position: label.position,
                        line: label.line,
                        is_only: label.is_only,
                        is_alone: label.is_alone,
                        outcome: outcome
                            .and_then(|entered| finish(entered, opened, label.position)),
                    });
                    if answered.is_break() {
                        return;
                    }
                }
            }
            drop(leaving);
        });
        Ok(())
    }
}

/// The cohorts that a stream opened, and with which of its documents. A document is answered as if
/// those of later ones were not there yet.
#[derive(Debug, Default)]
struct Opened(Mutex<BTreeMap<CohortName, u64>>);

impl Opened {
    fn add(&self, cohort: &CohortName, position: u64) {
        self.map().insert(cohort.clone(), position);
    }

    fn counts_for(&self, cohort: &CohortName, position: u64) -> bool {
        self.map()
            .get(cohort)
            .is_none_or(|opened_by| *opened_by <= position)
    }

    fn map(&self) -> MutexGuard<'_, BTreeMap<CohortName, u64>> {
        // One insertion at a time: whoever panicked left the map whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the reader go when a stage ends, however it ends.
#[derive(Debug)]
struct Leaving<'i, T>(&'i Intake<T>);

impl<T> Drop for Leaving<'_, T> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Reads documents on a thread of its own.
fn read_into(
    intake: &Arc<Intake<Handed>>,
    documents: impl Iterator<Item = Handed> + Send + 'static,
) {
    /// Ends the intake also where the reader panics: the others must not wait for it.
    struct Ending(Arc<Intake<Handed>>);
    impl Drop for Ending {
        fn drop(&mut self) {
            self.0.end();
        }
    }
    let ending = Ending(Arc::clone(intake));
    thread::spawn(move || {
        let mut documents = documents;
        while let Some(document) = documents.next() {
            let size_bytes = document.size_bytes;
            let is_last = documents.size_hint().1 == Some(0);
            if !ending.0.push(document, size_bytes, is_last) || is_last {
                return;
            }
        }
    });
}

/// Numbers the documents of a chunk, and names each for its errors.
fn label(
    chunk: Chunk<Handed>,
    before: &mut u64,
    request: &BatchRequest,
) -> (Vec<Label>, Vec<(String, Handed)>) {
    let is_alone = chunk.documents.len() == 1;
    let is_only = is_alone && *before == 0 && chunk.is_last;
    let mut labels = Vec::with_capacity(chunk.documents.len());
    let named = chunk
        .documents
        .into_iter()
        .map(|mut document| {
            *before += 1;
            document.is_only = is_only;
            let (position, line) = (*before, document.line);
            labels.push(Label {
                position,
                line,
                is_only,
                is_alone,
            });
            let name = match line {
                _ if is_only => request.name.clone(),
                Some(line) => format!("document {position} (line {line})"),
                None => format!("document {position}"),
            };
            (name, document)
        })
        .collect();
    (labels, named)
}
