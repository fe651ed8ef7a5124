//! What the actors of a simulation asked for, and what they were told, across all power cuts.
//!
//! The invariant guarded here: an answer is written down before its actor makes another call, and
//! none that the power or the actor's death cut short. What must follow from the answers is left to
//! `promises`.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::hash::Hash256;
use crate::key::{KeyText, Nonce};
use crate::log::{CohortName, Log, Seq};
use crate::store::{BatchItem, Committed, NewEntry};

/// A run of some content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Run {
    pub(super) number: usize,
    pub(super) content: usize,
}

impl Run {
    /// Returns the cohort: there are two, and most runs are of the first.
    pub(super) fn cohort(self) -> CohortName {
        let name = if self.number % 4 == 3 { "b" } else { "a" };
        name.parse().unwrap()
    }

    pub(super) fn log(self) -> Log {
        Log::Cohort(self.cohort())
    }

    pub(super) fn key(self) -> KeyText {
        KeyText {
            run: self.number.to_string(),
            stage: "train".to_owned(),
            cohort: self.cohort(),
            attempt: 0,
        }
    }

    /// Returns the bytes that the entry of this run names by their digest; many runs name the same.
    pub(super) fn object(self) -> Vec<u8> {
        format!("what runs {} and others name", self.number % 2).into_bytes()
    }

    pub(super) fn payload(self) -> Vec<u8> {
        let object = Hash256::of(&self.object());
        let Self { number, content } = self;
        format!("{number}/{content}/{object}").into_bytes()
    }

    /// Returns the run that a payload is of.
    pub(super) fn of_payload(payload: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(payload).ok()?;
        let mut parts = text.split('/');
        let mut number = || parts.next()?.parse().ok();
        let run = Self {
            number: number()?,
            content: number()?,
        };
        (run.payload() == payload).then_some(run)
    }

    pub(super) fn item(self) -> BatchItem {
        let payload = self.payload();
        BatchItem {
            log: self.log(),
            key: Some(self.key()),
            content: Hash256::of(&payload),
            payload,
            summary: Value::Null.into(),
            recorded_at: String::new(),
        }
    }
}

/// Returns an entry without a key.
pub(super) fn note(payload: &[u8]) -> NewEntry<'_> {
    NewEntry {
        content: Hash256::of(payload),
        payload,
        summary: Value::Null.into(),
        recorded_at: String::new(),
    }
}

/// Returns the log that a note is for.
pub(super) fn log_of_note(number: usize) -> Log {
    match number % 3 {
        0 => Log::StoreNotes,
        1 => Log::CohortNotes("b".parse().unwrap()),
        _ => Log::CohortNotes("a".parse().unwrap()),
    }
}

/// What an actor asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// That this be recorded.
    Record(Run),
    /// That this note be recorded.
    Note(usize),
    /// Where this run is recorded.
    Find(usize),
    /// How far this log goes.
    Head(Log),
    /// That an entry be deleted, by a note that says so.
    Delete(Run),
    /// That what nobody needs be collected.
    Collect,
    /// That what can be mended be mended.
    Mend,
    /// That a store be made.
    Make,
}

/// What it was told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// It is recorded for good, here.
    At(Place),
    /// Other content has claimed the key and has no place.
    Claimed,
    /// It is recorded nowhere.
    Nowhere,
    /// It is done.
    Done,
    /// The log goes so far.
    Highest(Option<Seq>),
    /// Nothing of this call was recorded.
    NotRecorded(String),
    /// It is not known.
    Unknown(String),
    /// Damage hides it.
    Damaged(String),
    /// Something else.
    Refused(String),
    /// Nothing: power or life ended.
    Silence,
}

/// A place that was told.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub(super) log: Log,
    pub(super) seq: Seq,
    pub(super) sha256: Hash256,
    pub(super) nonce: Nonce,
    /// Whether the asker took it.
    pub(super) is_new: bool,
    /// Whether the asker looked again at what it names.
    pub(super) is_held: bool,
}

impl Place {
    pub(super) fn of(log: Log, committed: &Committed, is_new: bool) -> Self {
        Self {
            log,
            seq: committed.seq,
            sha256: committed.envelope.sha256,
            nonce: committed.envelope.nonce,
            is_new,
            is_held: false,
        }
    }
}

/// A question with its answer, and when each was made.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) began: u64,
    pub(super) ended: u64,
    pub(super) ask: Ask,
    pub(super) answer: Answer,
}

/// Everything that was told so far.
#[derive(Debug, Default)]
pub(super) struct History(Mutex<Vec<Told>>);

impl History {
    pub(super) fn add(&self, told: Told) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(told);
    }

    pub(super) fn all(&self) -> Vec<Told> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
