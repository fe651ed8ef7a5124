//! What the notes say about one snapshot, now.

use runstone_core::id::SnapshotSeq;
use runstone_core::note::{About, Author, Dated, Marks, NoteText, Tag, Unread};
use runstone_store::CohortName;
use serde_json::{Value, json};

use crate::digests::to_digest;
use crate::error::{Deleted, Error};
use crate::find::{Place, Sighted};
use crate::notes::not_followed;
use crate::open::Ledger;

/// What the notes say about one snapshot, now.
#[derive(Debug, Clone, Default)]
pub struct SnapshotNotes {
    /// The notes about it, and what they come to.
    pub marks: Marks,
    /// Whether it is the pinned baseline of its cohort.
    pub pinned: bool,
    /// Notes of its cohort that could not be read; any of them may be about it.
    pub unread: Vec<Unread>,
}

impl SnapshotNotes {
    /// Returns the members that `show` has beside the snapshot.
    pub fn to_json(&self) -> Value {
        json!({
            "pinned": self.pinned,
            "accepted": self.marks.accepted.is_some(),
            "deleted": self.marks.deleted.is_some(),
            "tags": tags(&self.marks),
            "notes": self.marks.notes.iter().map(|dated| note_json(dated)).collect::<Vec<_>>(),
            "unread_notes": self.unread.iter().map(|unread| json!({
                "note_seq": unread.seq,
                "reason": unread.reason,
            })).collect::<Vec<_>>(),
        })
    }

    /// Returns what the caller should know and nothing failed for.
    pub fn warnings(&self, cohort: &CohortName) -> Vec<String> {
        let unread = self.unread.iter();
        unread.map(|unread| not_followed(cohort, unread)).collect()
    }
}

/// Returns a note as JSON: `{note_seq, note, tag, text, by, at}`.
pub fn note_json(dated: &Dated) -> Value {
    let note = &dated.note;
    json!({
        "note_seq": dated.seq,
        "note": note.said.as_str(),
        "tag": note.tag().map(Tag::as_str),
        "text": note.text().map(NoteText::as_str),
        "by": note.by.as_ref().map(Author::as_str),
        "at": dated.at,
    })
}

/// Returns the tags of a snapshot as JSON.
pub(crate) fn tags(marks: &Marks) -> Vec<&str> {
    marks.tags.iter().map(Tag::as_str).collect()
}

/// Returns what a note about the snapshot at `place` names.
pub(crate) fn place_of(place: &Place) -> About {
    About {
        seq: place.seq,
        sha256: place.sha256,
    }
}

impl Sighted {
    /// Returns what a note about this snapshot names.
    pub(crate) fn about(&self) -> About {
        place_of(&self.place())
    }

    /// Returns where it stands, and proof of what stands there.
    pub(crate) fn place(&self) -> Place {
        Place {
            cohort: self.cohort.clone(),
            seq: SnapshotSeq(self.seq.get()),
            sha256: to_digest(&self.envelope.sha256),
        }
    }
}

impl Ledger {
    /// Returns what the notes say about a snapshot, now.
    ///
    /// # Errors
    /// Reading errors of the store; a single note that cannot be read is named in the answer.
    pub fn notes_about(&self, place: &Place) -> Result<SnapshotNotes, Error> {
        let noted = self.notes.now(&place.cohort)?;
        let about = place_of(place);
        Ok(SnapshotNotes {
            marks: noted.marks(&about).cloned().unwrap_or_default(),
            pinned: noted.pin().is_some_and(|pin| pin.note.about == about),
            unread: noted.unread().to_vec(),
        })
    }

    /// Refuses a snapshot that was deleted, naming the note that did it.
    pub(crate) fn refuse_deleted(&self, place: &Place) -> Result<(), Error> {
        let noted = self.notes.now(&place.cohort)?;
        match noted.deleted(&place_of(place)) {
            None => Ok(()),
            Some(tombstone) => Err(Error::Deleted(Box::new(Deleted::by(place, tombstone)))),
        }
    }
}
