//! Making a note: what may be said, and durably.
//!
//! Everything is checked before the log is touched: the snapshot is there and durable, was not
//! deleted, and can be what the note makes of it. What holds already is not said again; it is made
//! durable and answered with the note that said it. Two writers at once may both say it, which
//! means the same. Of two pins the later in the log wins.

use std::sync::Arc;

use runstone_core::note::{
    Author, Dated, IllegalText, Marks, Note, NoteText, Noted as Together, Said, Tag,
};
use runstone_core::snapshot::Status;
use runstone_store::{
    Appended, CohortName, Committed, Hash256, Log, NewEntry, Seq, Slot, StoreError,
};
use serde_json::{Value, json};

use super::about::{note_json, place_of};
use crate::error::{Deleted, Error, chain, in_words};
use crate::find::Stored;
use crate::open::Ledger;
use crate::summary;

/// Who says something, and why.
#[derive(Debug, Clone, Default)]
pub struct Signature {
    /// Why, if the author says so.
    pub why: Option<NoteText>,
    /// By whom; `None`: not known.
    pub by: Option<Author>,
}

/// What became of a note.
#[derive(Debug, Clone)]
pub struct Noting {
    /// Whether it was made.
    pub noted_as: NotedAs,
    /// The snapshot it is about.
    pub stored: Stored,
    /// What was to be said.
    pub said: Said,
    /// The note that says so; `None` where nothing had to be said: what was to be taken away is
    /// not there.
    pub note: Option<Arc<Dated>>,
    /// What the caller should know and nothing failed for.
    pub warnings: Vec<String>,
}

/// Whether a note was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotedAs {
    /// It was.
    New,
    /// It holds already.
    Already,
}

impl NotedAs {
    /// Returns the word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Already => "already",
        }
    }
}

impl Noting {
    /// Returns the stable JSON form, schema `runstone.<command>/1`.
    pub fn to_json(&self, command: &str) -> Value {
        let Stored {
            place, snapshot, ..
        } = &self.stored;
        json!({
            "schema": format!("runstone.{command}/1"),
            "noted": self.noted_as.as_str(),
            "cohort": place.cohort.as_str(),
            "snapshot_seq": place.seq,
            "sha256": place.sha256,
            "run_id": snapshot.run_id,
            "stage": snapshot.stage,
            "attempt": snapshot.attempt,
            "note": self.note.as_ref().map(|dated| note_json(dated)),
            "warnings": self.warnings,
        })
    }
}

impl Noting {
    /// Returns the same JSON form where there is no snapshot to say anything about.
    pub fn nothing_to_json(command: &str, cohort: &CohortName) -> Value {
        json!({
            "schema": format!("runstone.{command}/1"),
            "noted": NotedAs::Already.as_str(),
            "cohort": cohort.as_str(),
            "snapshot_seq": null,
            "sha256": null,
            "run_id": null,
            "stage": null,
            "attempt": null,
            "note": null,
            "warnings": [],
        })
    }
}

impl Ledger {
    /// Says something about a snapshot. Secrets in the words are masked before anything is written.
    ///
    /// # Durability
    /// On `Ok` the note and the snapshot it is about survive power loss. On an error of kind
    /// [`crate::ErrorKind::Unknown`] the same call again is safe: a note that stands twice means
    /// the same. On any other error nothing was noted.
    ///
    /// # Errors
    /// [`Error::Deleted`] if the snapshot was deleted (deleting it again is no error);
    /// [`Error::Unfit`] if it cannot be what the note makes of it: pinned without having finished,
    /// as a candidate or without a number that decides, accepted without being one;
    /// [`Error::Words`] for a tag that looks like a secret; [`Error::NotNoted`] if nothing can be
    /// written, [`Error::Store`] for what else the store says.
    pub fn note(&self, stored: &Stored, said: Said, signature: Signature) -> Result<Noting, Error> {
        let (said, signature) = self.without_secrets(said, signature)?;
        let cohort = &stored.place.cohort;
        let together = self.notes.now(cohort)?;
        let about = place_of(&stored.place);
        let marks = together.marks(&about).cloned().unwrap_or_default();
        if let Some(tombstone) = &marks.deleted
            && said != Said::Delete
        {
            let deleted = Deleted::by(&stored.place, tombstone);
            return Err(Error::Deleted(Box::new(deleted)));
        }
        check_fit(stored, &said, &marks)?;
        if said == Said::Pin {
            self.check_measured(stored)?;
        }
        let noted = |noted_as, note, said| Noting {
            noted_as,
            stored: stored.clone(),
            said,
            note,
            warnings: Vec::new(),
        };
        match holding(&together, &marks, stored, &said, signature.by.as_ref()) {
            Holding::Not => {}
            Holding::Nothing => return Ok(noted(NotedAs::Already, None, said)),
            Holding::By(dated) => {
                if let Some(seq) = Seq::new(dated.seq) {
                    self.confirm(&Log::CohortNotes(cohort.clone()), seq)?;
                }
                return Ok(self.unviewed(noted(NotedAs::Already, Some(dated), said)));
            }
        }
        let at = crate::compare::log_seq(stored)?;
        // What the note names is durable before the note is.
        self.confirm(&Log::Cohort(cohort.clone()), at)?;
        let note = Note {
            about,
            said: said.clone(),
            why: signature.why,
            by: signature.by,
            writer: Self::writer(),
        };
        let dated = self.append_note(cohort, note)?;
        Ok(self.unviewed(noted(NotedAs::New, Some(Arc::new(dated)), said)))
    }

    /// Takes the pin of a cohort away; `None` if nothing is pinned there.
    ///
    /// # Durability
    /// As [`Ledger::note`].
    ///
    /// # Errors
    /// As [`Ledger::note`].
    pub fn unpin(
        &self,
        cohort: &CohortName,
        signature: Signature,
    ) -> Result<Option<Noting>, Error> {
        let together = self.notes.now(cohort)?;
        let Some(pin) = together.pin() else {
            return Ok(None);
        };
        let stored = self.at(cohort, pin.note.about.seq)?;
        self.note(&stored, Said::Unpin, signature).map(Some)
    }

    /// Masks the secrets in the words of a note; a tag that holds one is refused.
    fn without_secrets(
        &self,
        said: Said,
        signature: Signature,
    ) -> Result<(Said, Signature), Error> {
        let masked = |text: &NoteText| -> Result<NoteText, Error> {
            Ok(NoteText::new(self.redact_text(text.as_str())?)?)
        };
        let said = match said {
            Said::Remark(text) => Said::Remark(masked(&text)?),
            Said::Tag(tag) if self.redact_text(tag.as_str())? != tag.as_str() => {
                return Err(IllegalText::Secret { what: Tag::WHAT }.into());
            }
            other => other,
        };
        let by = signature.by.map(|by| -> Result<Author, Error> {
            Ok(Author::new(self.redact_text(by.as_str())?)?)
        });
        let signature = Signature {
            why: signature.why.as_ref().map(masked).transpose()?,
            by: by.transpose()?,
        };
        Ok((said, signature))
    }

    /// Removes the views of a snapshot that was deleted. The tombstone stands, so that files which
    /// still show the snapshot are no reason to fail.
    fn unviewed(&self, mut noting: Noting) -> Noting {
        if noting.said == Said::Delete
            && let Err(error) = self.remove_views(&noting.stored)
        {
            noting.warnings.push(format!(
                "deleted, but its views could not be removed: {}; `runstone views rebuild` does it",
                chain(&error)
            ));
        }
        noting
    }

    /// Refuses a yardstick that nothing can be held against: one without a number for any metric
    /// that decides, in itself or, where none does in it, in its cohort.
    fn check_measured(&self, stored: &Stored) -> Result<(), Error> {
        let mut deciding: Vec<String> = summary::primary(&stored.envelope)
            .unwrap_or_default()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        if deciding.is_empty() {
            let shown = self.baseline_in(&stored.place.cohort)?;
            deciding.extend(shown.primary.map(|(name, _)| name));
        }
        let value = |name: &String| stored.snapshot.metrics.get(name).copied();
        let mut finite = deciding.iter().map(|name| value(name)?.finite());
        if deciding.is_empty() || finite.any(|value| value.is_some()) {
            return Ok(());
        }
        let said = |name: &String| match value(name) {
            Some(value) => format!("`{name}` is {value}"),
            None => format!("it has no `{name}`"),
        };
        let said: Vec<String> = deciding.iter().map(said).collect();
        Err(Error::Unfit {
            place: stored.place.to_string(),
            what: format!(
                "has no finite number where one decides ({}), so it cannot be a yardstick",
                said.join(", ")
            ),
            hint: "choose a run with a number: `runstone table` puts them in order".to_owned(),
        })
    }

    /// Says of a note that was not appended in which store nothing was noted.
    pub(crate) fn not_noted(&self, error: StoreError) -> Error {
        match (error, &self.folder) {
            (StoreError::NotRecorded { path, source }, Some(store)) => Error::NotNoted {
                store: store.clone(),
                path,
                source,
            },
            (error, _) => error.into(),
        }
    }

    fn append_note(&self, cohort: &CohortName, note: Note) -> Result<Dated, Error> {
        let payload = note.to_payload();
        let entry = NewEntry {
            content: Hash256::of(&payload),
            payload: &payload,
            summary: json!({ "note": note.said.as_str(), "snapshot_seq": note.about.seq }).into(),
            recorded_at: self.clock.now(),
        };
        let log = Log::CohortNotes(cohort.clone());
        let appended = self.store.append(&log, None, &entry);
        match appended.map_err(|error| self.not_noted(error))? {
            Appended::New(Committed { seq, envelope })
            | Appended::Already(Committed { seq, envelope }) => Ok(Dated {
                seq: seq.get(),
                at: envelope.recorded_at,
                note,
            }),
            Appended::Taken { .. } => unreachable!("an entry without a key meets no other"),
        }
    }

    fn confirm(&self, log: &Log, seq: Seq) -> Result<(), Error> {
        let damaged = |found: String| Error::Damaged {
            place: format!("{log}#{seq}"),
            found,
        };
        match self.store.make_durable(log, seq)? {
            Slot::Whole(()) => Ok(()),
            Slot::Absent => Err(damaged("no entry".to_owned())),
            Slot::Damaged(damage) => Err(damaged(in_words(&damage))),
        }
    }
}

/// Whether what is to be said holds already.
enum Holding {
    Not,
    /// This note says it.
    By(Arc<Dated>),
    /// There is nothing to take away.
    Nothing,
}

fn holding(
    together: &Together,
    marks: &Marks,
    stored: &Stored,
    said: &Said,
    by: Option<&Author>,
) -> Holding {
    let about = place_of(&stored.place);
    let pin = together.pin().filter(|pin| pin.note.about == about);
    let last_said = |said: &Said| {
        let mut notes = marks.notes.iter().rev();
        notes.find(|dated| dated.note.said == *said)
    };
    let found = match said {
        Said::Pin => pin,
        Said::Accept => marks.accepted.as_ref(),
        Said::Delete => marks.deleted.as_ref(),
        Said::Tag(tag) if marks.tags.contains(tag) => last_said(said),
        Said::Remark(_) => last_said(said).filter(|dated| dated.note.by.as_ref() == by),
        Said::Unpin if pin.is_none() => return Holding::Nothing,
        Said::Untag(tag) if !marks.tags.contains(tag) => return Holding::Nothing,
        Said::Tag(_) | Said::Unpin | Said::Untag(_) => None,
    };
    found.map_or(Holding::Not, |dated| Holding::By(Arc::clone(dated)))
}

/// Refuses to make of a snapshot what it cannot be.
fn check_fit(stored: &Stored, said: &Said, marks: &Marks) -> Result<(), Error> {
    let Stored {
        place, snapshot, ..
    } = stored;
    let unfit = |what: String, hint: String| {
        Err(Error::Unfit {
            place: place.to_string(),
            what,
            hint,
        })
    };
    let status = snapshot.status;
    match said {
        Said::Pin | Said::Accept if status != Status::Finished => unfit(
            format!(
                "did not finish ({}), so it cannot be a yardstick",
                status.as_str()
            ),
            "choose a finished run: `runstone log --status finished`".to_owned(),
        ),
        Said::Pin if snapshot.candidate && marks.accepted.is_none() => unfit(
            "is a candidate, no yardstick until it is accepted".to_owned(),
            format!("accept it first: `runstone accept {place}`"),
        ),
        Said::Accept if !snapshot.candidate => unfit(
            "is no candidate: it serves as a yardstick already".to_owned(),
            format!("to make it the baseline: `runstone baseline pin {place}`"),
        ),
        _ => Ok(()),
    }
}
