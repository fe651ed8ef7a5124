//! What the notes of a cohort say together, up to some head.
//!
//! A fold in log order. A note that changes nothing (it stands twice, it takes away what is not
//! there) leaves no trace, so that a repeated note means the same as one. A note that could not be
//! read is kept by its place, because what it would have changed is not known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cohort::{About, Note, Said};
use super::text::Tag;
use crate::verdict::Point;

/// A note at its place in the log of notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated {
    /// Its position, from 1.
    pub seq: u64,
    /// Its writer's clock, for talk: the position orders.
    pub at: String,
    /// The note.
    pub note: Note,
}

/// A note that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Its position, from 1.
    pub seq: u64,
    /// Why not, as a fragment for people.
    pub reason: String,
    /// Whether a later release wrote it; else it is damaged.
    pub is_later: bool,
}

/// What is said about one snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// Every note about it that changed something, in log order.
    pub notes: Vec<Arc<Dated>>,
    /// The note that accepted it.
    pub accepted: Option<Arc<Dated>>,
    /// The note that deleted it.
    pub deleted: Option<Arc<Dated>>,
    /// The tags it bears.
    pub tags: BTreeSet<Tag>,
}

/// What the notes of a cohort say together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Noted {
    pin: Option<Arc<Dated>>,
    marks: BTreeMap<About, Marks>,
    unread: Vec<Unread>,
}

impl Noted {
    /// Folds notes in log order.
    pub fn of(notes: impl IntoIterator<Item = Result<Arc<Dated>, Unread>>) -> Self {
        let mut noted = Self::default();
        for note in notes {
            match note {
                Ok(dated) => noted.add(dated),
                Err(unread) => noted.unread.push(unread),
            }
        }
        noted
    }

    /// Returns the pin that holds: the last one, unless it was taken away or its snapshot deleted.
    pub fn pin(&self) -> Option<&Arc<Dated>> {
        self.pin
            .as_ref()
            .filter(|pin| self.deleted(&pin.note.about).is_none())
    }

    /// Returns what is said about a snapshot; `None`: nothing.
    pub fn marks(&self, about: &About) -> Option<&Marks> {
        self.marks.get(about)
    }

    /// Returns the note that deleted a snapshot.
    pub fn deleted(&self, about: &About) -> Option<&Arc<Dated>> {
        self.marks.get(about)?.deleted.as_ref()
    }

    /// Returns every snapshot that something is said about, by place.
    pub fn all(&self) -> impl Iterator<Item = (&About, &Marks)> {
        self.marks.iter()
    }

    /// Returns the notes that could not be read.
    pub fn unread(&self) -> &[Unread] {
        &self.unread
    }

    /// Tells whether a note that could not be read may be about a snapshot whose writer saw the
    /// notes up to `seen`: a note is made after the snapshot it is about.
    pub fn is_unsure_of(&self, seen: Option<u64>) -> bool {
        let is_above = |unread: &Unread| seen.is_none_or(|seen| unread.seq > seen);
        self.unread.iter().any(is_above)
    }

    /// Marks a point of the history: deleted, or accepted and so no candidate any more.
    pub fn mark(&self, point: &mut Point) {
        let about = About {
            seq: point.seq,
            sha256: point.sha256,
        };
        if let Some(marks) = self.marks.get(&about) {
            let place = |note: &Option<Arc<Dated>>| note.as_ref().map(|dated| dated.seq);
            point.deleted = marks.deleted.is_some();
            point.noted.deleted_by = place(&marks.deleted);
            if point.candidate {
                point.noted.accepted_by = place(&marks.accepted);
                point.candidate = marks.accepted.is_none();
            }
        }
    }

    fn add(&mut self, dated: Arc<Dated>) {
        let Note { about, said, .. } = &dated.note;
        let marks = self.marks.entry(*about).or_default();
        let is_pinned = self
            .pin
            .as_ref()
            .is_some_and(|pin| pin.note.about == *about);
        let changes = match said {
            Said::Pin => {
                if !is_pinned {
                    self.pin = Some(Arc::clone(&dated));
                }
                !is_pinned
            }
            Said::Unpin => {
                if is_pinned {
                    self.pin = None;
                }
                is_pinned
            }
            Said::Accept => first(&mut marks.accepted, &dated),
            Said::Delete => first(&mut marks.deleted, &dated),
            Said::Tag(tag) => marks.tags.insert(tag.clone()),
            Said::Untag(tag) => marks.tags.remove(tag),
            Said::Remark(_) => !marks
                .notes
                .iter()
                .any(|known| known.note.said == dated.note.said && known.note.by == dated.note.by),
        };
        if changes {
            marks.notes.push(dated);
        }
    }
}

/// Fills an empty place; tells whether it was empty.
fn first(place: &mut Option<Arc<Dated>>, dated: &Arc<Dated>) -> bool {
    let is_first = place.is_none();
    place.get_or_insert_with(|| Arc::clone(dated));
    is_first
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::text::NoteText;
    use super::*;
    use crate::digest::Digest;
    use crate::id::SnapshotSeq;
    use crate::snapshot::Writer;

    fn about(seq: u64) -> About {
        About {
            seq: SnapshotSeq(seq),
            sha256: Digest::of(&seq.to_be_bytes()),
        }
    }

    fn note(seq: u64, said: Said) -> Note {
        Note {
            about: about(seq),
            said,
            why: None,
            by: None,
            writer: Writer {
                name: "runstone".into(),
                version: "0.1.0".into(),
            },
        }
    }

    fn folded(notes: &[Note]) -> Noted {
        Noted::of(notes.iter().zip(1..).map(|(note, seq)| {
            Ok(Arc::new(Dated {
                seq,
                at: "2026-11-20T10:00:00.000Z".into(),
                note: note.clone(),
            }))
        }))
    }

    fn tag(text: &str) -> Tag {
        Tag::new(text).unwrap()
    }

    fn pinned(notes: &[Note]) -> Option<u64> {
        folded(notes).pin().map(|pin| pin.note.about.seq.0)
    }

    #[test]
    fn the_last_pin_holds_until_its_own_is_taken_away() {
        let pins = [note(1, Said::Pin), note(2, Said::Pin)];
        assert_eq!(pinned(&pins), Some(2));
        let other = [&pins[..], &[note(1, Said::Unpin)]].concat();
        assert_eq!(pinned(&other), Some(2), "a late unpin of another run");
        let own = [&pins[..], &[note(2, Said::Unpin)]].concat();
        assert_eq!(pinned(&own), None, "the pin before does not come back");
    }

    #[test]
    fn a_deleted_snapshot_is_no_baseline_in_whichever_order_the_notes_stand() {
        let (pin, delete) = (note(1, Said::Pin), note(1, Said::Delete));
        assert_eq!(pinned(&[pin.clone(), delete.clone()]), None);
        assert_eq!(pinned(&[delete, pin]), None);
    }

    #[test]
    fn a_note_about_other_content_at_the_same_place_marks_nothing() {
        let mut delete = note(1, Said::Delete);
        delete.about.sha256 = Digest::of(b"other");
        let noted = folded(&[delete]);
        assert!(noted.deleted(&about(1)).is_none());
    }

    #[test]
    fn what_cannot_be_read_is_named_and_the_rest_counts() {
        let unread = Unread {
            seq: 1,
            reason: "later".into(),
            is_later: true,
        };
        let dated = Dated {
            seq: 2,
            at: String::new(),
            note: note(1, Said::Accept),
        };
        let noted = Noted::of([Err(unread.clone()), Ok(Arc::new(dated))]);
        assert_eq!(noted.unread(), [unread]);
        assert!(noted.is_unsure_of(None));
        assert!(
            !noted.is_unsure_of(Some(1)),
            "it is older than the snapshot"
        );
        assert!(noted.marks(&about(1)).unwrap().accepted.is_some());
    }

    fn any_note() -> impl Strategy<Value = Note> {
        let said = prop_oneof![
            Just(Said::Pin),
            Just(Said::Unpin),
            Just(Said::Accept),
            Just(Said::Delete),
            "[ab]".prop_map(|text| Said::Tag(tag(&text))),
            "[ab]".prop_map(|text| Said::Untag(tag(&text))),
            "[ab]".prop_map(|text| Said::Remark(NoteText::new(text).unwrap())),
        ];
        (1..4_u64, said).prop_map(|(seq, said)| note(seq, said))
    }

    proptest! {
        #[test]
        fn a_note_that_stands_twice_means_the_same(
            notes in prop::collection::vec(any_note(), 1..12),
            twice in any::<prop::sample::Index>(),
        ) {
            let twice = twice.index(notes.len());
            let mut repeated = notes.clone();
            repeated.insert(twice, notes[twice].clone());
            let meaning = |notes: &[Note]| {
                let noted = folded(notes);
                let pin = noted.pin().map(|pin| pin.note.clone());
                let marks: Vec<_> = noted.all().map(|(about, marks)| {
                    let kept: Vec<Note> = marks.notes.iter().map(|dated| dated.note.clone()).collect();
                    (*about, kept, marks.tags.clone())
                }).collect();
                (pin, marks)
            };
            prop_assert_eq!(meaning(&notes), meaning(&repeated));
        }
    }
}
