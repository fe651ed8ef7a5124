//! The notes of cohorts, each read once per handle.
//!
//! Notes never change, so what was read stays true; only what came since is read. What the notes up
//! to a head say together needs all of them: a cohort has few, one without any costs nothing, and a
//! thousand cost a new handle some 20 ms once. A note that cannot be read is named and asked for
//! again the next time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runstone_core::note::{About, Dated, Note, NoteError, Noted, Unread};
use runstone_core::verdict::{Pinned, Point};
use runstone_store::{CohortName, Log, Seq, Slot, Store, StoreError};

use crate::error::{Error, chain, in_words};
use crate::history::{History, Past};
use crate::open::Ledger;

/// The notes of cohorts, read through and kept.
#[derive(Debug)]
pub(crate) struct Notes {
    store: Arc<dyn Store>,
    kept: Mutex<BTreeMap<CohortName, Kept>>,
}

/// What is kept of one cohort.
#[derive(Debug, Default)]
struct Kept {
    read: BTreeMap<Seq, Arc<Dated>>,
    /// What the notes up to a head said, for whoever asks for the same head next.
    folded: Option<(Seq, Arc<Noted>)>,
}

impl Notes {
    pub(crate) fn of(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            kept: Mutex::default(),
        }
    }

    /// Returns what all notes of a cohort say together.
    pub(crate) fn now(&self, cohort: &CohortName) -> Result<Arc<Noted>, Error> {
        let head = self.store.head(&Log::CohortNotes(cohort.clone()))?;
        self.up_to(cohort, head)
    }

    /// Returns what the notes of a cohort up to `head` say together.
    pub(crate) fn up_to(
        &self,
        cohort: &CohortName,
        head: Option<Seq>,
    ) -> Result<Arc<Noted>, Error> {
        let Some(head) = head else {
            return Ok(Arc::default());
        };
        let known = {
            let kept = self.kept();
            let kept = kept.get(cohort);
            match kept.and_then(|kept| kept.folded.as_ref()) {
                Some((at, noted)) if *at == head => return Ok(Arc::clone(noted)),
                _ => kept.map(|kept| kept.read.clone()).unwrap_or_default(),
            }
        };
        // The lock is not held while reading: two threads may read the same note, which costs a
        // read and changes nothing.
        let log = Log::CohortNotes(cohort.clone());
        let mut notes = Vec::new();
        for seq in (1..=head.get()).filter_map(Seq::new) {
            notes.push(match known.get(&seq) {
                Some(dated) => Ok(Arc::clone(dated)),
                None => self.read(&log, seq)?,
            });
        }
        let noted = Arc::new(Noted::of(notes.iter().cloned()));
        let mut kept = self.kept();
        let kept = kept.entry(cohort.clone()).or_default();
        for dated in notes.into_iter().flatten() {
            if let Some(seq) = Seq::new(dated.seq) {
                kept.read.insert(seq, dated);
            }
        }
        if noted.unread().is_empty() {
            kept.folded = Some((head, Arc::clone(&noted)));
        }
        Ok(noted)
    }

    /// Reads one note; one that cannot be understood is told as such.
    pub(crate) fn read(&self, log: &Log, seq: Seq) -> Result<Result<Arc<Dated>, Unread>, Error> {
        let unread = |reason: String, is_later: bool| {
            Err(Unread {
                seq: seq.get(),
                reason,
                is_later,
            })
        };
        Ok(match self.store.read(log, seq) {
            Ok(Slot::Whole(entry)) => match Note::from_payload(&entry.payload) {
                Ok(note) => Ok(Arc::new(Dated {
                    seq: seq.get(),
                    at: entry.envelope.recorded_at,
                    note,
                })),
                Err(error) => {
                    let is_later = matches!(error, NoteError::Later { .. });
                    unread(chain(&error), is_later)
                }
            },
            Ok(Slot::Absent) => unread("there is no entry".to_owned(), false),
            Ok(Slot::Damaged(damage)) => unread(in_words(&damage), false),
            Err(error @ StoreError::Newer { .. }) => unread(chain(&error), true),
            Err(error) => return Err(error.into()),
        })
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<CohortName, Kept>> {
        // A thread that panicked while holding the lock left at worst a note less.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Past {
    /// Marks what notes say about the points: deleted, or accepted.
    pub(crate) fn marked(mut self, noted: &Noted) -> Self {
        for point in &mut self.points {
            noted.mark(point);
        }
        self
    }
}

/// Says that a note was not followed, for warnings.
pub(crate) fn not_followed(cohort: &CohortName, unread: &Unread) -> String {
    format!(
        "note {} of {cohort} was not followed: {}; `runstone verify` names what is damaged",
        unread.seq, unread.reason
    )
}

impl Ledger {
    /// Returns the run that the notes pin, wherever in the log it stands; or why it is not known.
    pub(crate) fn pinned(
        &self,
        cohort: &CohortName,
        noted: &Noted,
    ) -> Result<Option<Pinned>, String> {
        let Some(pin) = noted.pin() else {
            return Ok(None);
        };
        let About { seq, sha256 } = pin.note.about;
        let unreadable = || format!("the pinned run #{seq} cannot be read");
        let at = Seq::new(seq.0).ok_or_else(unreadable)?;
        let found = self
            .history
            .point(cohort, at)
            .map_err(|error| format!("{}: {}", unreadable(), chain(&error)))?;
        let mut point: Point = found.ok_or_else(unreadable)?;
        if point.sha256 != sha256 {
            return Err(format!("#{seq} is not what the pin names"));
        }
        noted.mark(&mut point);
        Ok(Some(Pinned {
            point,
            pin: Arc::clone(pin),
        }))
    }
}

impl History {
    /// Returns the point at a place; `None` if it cannot be read.
    fn point(&self, cohort: &CohortName, seq: Seq) -> Result<Option<Point>, Error> {
        let past = self.before_at_most(cohort, seq.next(), 1)?;
        Ok(past.points.into_iter().next())
    }
}
