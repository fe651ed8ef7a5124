//! Pinning, unpinning and deleting environments that are kept: notes about their places.
//!
//! What holds already is not said again. What a note came to is read back once it stands: another
//! one may have come first. Which environments a rule means is left to `retention`.

use runstone_core::id::SnapshotSeq;
use runstone_core::note::{About, Author, Note, NoteText, Said};
use runstone_store::{Appended, Hash256, Log, NewEntry, Seq, Slot};
use serde_json::{Value, json};

use super::log::{EnvironmentLog, KeptEnvironment};
use crate::error::{Error, in_words};
use crate::notes::{NotedAs, Signature};
use crate::open::Ledger;

/// What became of a note about an environment.
#[derive(Debug, Clone)]
pub struct EnvironmentNoted {
    /// Whether it was made, or held already.
    pub noted_as: NotedAs,
    /// The environment, as notes have it now.
    pub kept: KeptEnvironment,
    /// What the caller should know and nothing failed for.
    pub warnings: Vec<String>,
}

impl EnvironmentNoted {
    /// Returns the stable JSON form, schema `runstone.<command>/1`.
    pub fn to_json(&self, command: &str) -> Value {
        let mut document = self.kept.to_json();
        document["schema"] = json!(format!("runstone.{command}/1"));
        document["noted"] = json!(self.noted_as.as_str());
        document["warnings"] = json!(self.warnings);
        document
    }
}

impl Ledger {
    /// Pins an environment that is kept: no rule and no deletion takes it until it is unpinned.
    ///
    /// # Durability
    /// On `Ok` the note survives power loss. On an error of kind [`crate::ErrorKind::Unknown`] the
    /// same call again is safe.
    ///
    /// # Errors
    /// [`Error::NoEnvironment`] if somebody deleted it meanwhile; [`Error::Store`] from the store.
    pub fn pin_environment(
        &self,
        kept: &KeptEnvironment,
        signature: Signature,
    ) -> Result<EnvironmentNoted, Error> {
        self.note_environment(kept, Said::Pin, signature, |kept| kept.pinned)
    }

    /// Takes the pin of an environment away.
    ///
    /// # Durability
    /// As [`Ledger::pin_environment`].
    ///
    /// # Errors
    /// As [`Ledger::pin_environment`].
    pub fn unpin_environment(
        &self,
        kept: &KeptEnvironment,
        signature: Signature,
    ) -> Result<EnvironmentNoted, Error> {
        self.note_environment(kept, Said::Unpin, signature, |kept| !kept.pinned)
    }

    /// Deletes an environment that is kept: it is no longer listed. Its document goes by `gc`, once
    /// nothing else names it.
    ///
    /// # Durability
    /// As [`Ledger::pin_environment`].
    ///
    /// # Errors
    /// [`Error::Unfit`] if it is pinned; else as [`Ledger::pin_environment`].
    pub fn delete_environment(
        &self,
        kept: &KeptEnvironment,
        signature: Signature,
    ) -> Result<EnvironmentNoted, Error> {
        if kept.pinned {
            return Err(is_pinned(kept));
        }
        let is_deleted = |kept: &KeptEnvironment| kept.deleted.is_some();
        let noted = self.note_environment(kept, Said::Delete, signature, is_deleted)?;
        if noted.kept.deleted.is_none() {
            return Err(is_pinned(&noted.kept));
        }
        Ok(noted)
    }

    fn note_environment(
        &self,
        kept: &KeptEnvironment,
        said: Said,
        signature: Signature,
        holds: impl Fn(&KeptEnvironment) -> bool,
    ) -> Result<EnvironmentNoted, Error> {
        let is_deletion = said == Said::Delete;
        let noted_as = if holds(kept) {
            NotedAs::Already
        } else {
            let why = match &signature.why {
                Some(why) => Some(NoteText::new(self.redact_text(why.as_str())?)?),
                None => None,
            };
            let by = self.author_without_secrets(signature.by)?;
            // What the note names is durable before the note is.
            match self.store.make_durable(&Log::Environments, kept.seq)? {
                Slot::Whole(()) => {}
                Slot::Absent => return Err(damaged(kept, "no entry".to_owned())),
                Slot::Damaged(damage) => return Err(damaged(kept, in_words(&damage))),
            }
            self.append_environment_note(kept, said, why, by)?;
            NotedAs::New
        };
        let log = self.kept_environments()?;
        let found = || damaged(kept, "it was there just now and is not".to_owned());
        let now = log.at(kept.seq).ok_or_else(found)?.clone();
        if now.deleted.is_some() && !is_deletion {
            return Err(log.no_environment(&kept.id(), Some(kept.seq)));
        }
        Ok(EnvironmentNoted {
            noted_as,
            kept: now,
            warnings: log.warnings(),
        })
    }

    /// Appends a note, and returns its place.
    pub(super) fn append_environment_note(
        &self,
        kept: &KeptEnvironment,
        said: Said,
        why: Option<NoteText>,
        by: Option<Author>,
    ) -> Result<Seq, Error> {
        let note = Note {
            about: About {
                seq: SnapshotSeq(kept.seq.get()),
                sha256: kept.sha256,
            },
            said,
            why,
            by,
            writer: Self::writer(),
        };
        let payload = note.to_payload();
        let entry = NewEntry {
            content: Hash256::of(&payload),
            payload: &payload,
            summary: json!({ "note": note.said.as_str(), "environment_seq": kept.seq.get() })
                .into(),
            recorded_at: self.clock.now(),
        };
        let appended = self.store.append(&Log::EnvironmentNotes, None, &entry);
        match appended.map_err(|error| self.not_noted(error))? {
            Appended::New(committed) | Appended::Already(committed) => Ok(committed.seq),
            Appended::Taken { .. } => unreachable!("an entry without a key meets no other"),
        }
    }

    /// Masks what looks like a secret in a name.
    pub(super) fn author_without_secrets(
        &self,
        by: Option<Author>,
    ) -> Result<Option<Author>, Error> {
        match by {
            Some(by) => Ok(Some(Author::new(self.redact_text(by.as_str())?)?)),
            None => Ok(None),
        }
    }
}

impl EnvironmentLog {
    /// Says that nothing is kept under a name; `place` is where it would stand.
    pub(super) fn no_environment(&self, reference: &str, place: Option<Seq>) -> Error {
        let gone = place.and_then(|place| self.at(place)?.deleted.as_ref());
        let why = match gone {
            Some(removal) => {
                let by = removal.by.as_ref().map(Author::as_str);
                let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
                format!("it was deleted{by} on {}", removal.at)
            }
            None if self.listed().next().is_none() => "none is kept".to_owned(),
            None => "it is not among those that are kept".to_owned(),
        };
        Error::NoEnvironment {
            reference: reference.to_owned(),
            why,
        }
    }
}

fn is_pinned(kept: &KeptEnvironment) -> Error {
    let id = kept.id();
    Error::Unfit {
        hint: format!("take the pin away first: `runstone env unpin {id}`"),
        place: id,
        what: "is pinned, and stays".to_owned(),
    }
}

fn damaged(kept: &KeptEnvironment, found: String) -> Error {
    Error::Damaged {
        place: kept.id(),
        found,
    }
}
