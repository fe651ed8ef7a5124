//! The log of environments: every entry, with what notes say about each.
//!
//! An entry never changes; pins, tags and deletions are notes about its place. What they come to
//! together is a fold in the order of their log: of a pin and a deletion that meet, the first one
//! counts, so that nothing is ever deleted while it is pinned. The invariant: an entry or a note
//! that cannot be read is named, and nothing is concluded from what it may have said.

use std::collections::{BTreeMap, BTreeSet};

use runstone_core::digest::Digest;
use runstone_core::note::{Author, EnvironmentEntry, Note, NoteText, Said, Tag};
use runstone_store::{Entry, Log, Seq, Slot, StoreError};
use serde_json::{Value, json};

use crate::digests::to_digest;
use crate::error::{Error, chain, in_words};
use crate::open::Ledger;

/// An environment that is kept by request.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptEnvironment {
    /// Its place in the log of environments.
    pub seq: Seq,
    /// SHA-256 of its entry.
    pub sha256: Digest,
    /// The writer's clock when it was made: for talk, it orders nothing.
    pub at: String,
    /// What was said when it was made.
    pub entry: EnvironmentEntry,
    /// Its tags, those that came later among them.
    pub tags: BTreeSet<Tag>,
    /// Whether it is pinned: no rule and no deletion takes it then.
    pub pinned: bool,
    /// The note that deleted it.
    pub deleted: Option<Removal>,
}

/// Who deleted an environment, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The place of the note: of several that say so the first counts.
    pub note: Seq,
    /// Who; `None`: not known.
    pub by: Option<Author>,
    /// The writer's clock, for talk.
    pub at: String,
}

/// The log of environments as it is now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EnvironmentLog {
    /// Every entry, oldest first, deleted ones among them.
    pub entries: Vec<KeptEnvironment>,
    /// Places that could not be read, each with the reason.
    pub unreadable: BTreeMap<Seq, String>,
    /// Notes that could not be read, each with the reason: any entry may be pinned or deleted by
    /// one.
    pub unread_notes: BTreeMap<Seq, String>,
}

/// Returns the name by which the environment at a place is called: `env#12`.
pub(super) fn id_of(seq: Seq) -> String {
    format!("env#{seq}")
}

impl KeptEnvironment {
    /// Returns the entry at a place, of which nothing was said since.
    pub(super) fn new(seq: Seq, sha256: Digest, at: String, entry: EnvironmentEntry) -> Self {
        Self {
            seq,
            sha256,
            at,
            tags: entry.tags.clone(),
            pinned: entry.pinned,
            entry,
            deleted: None,
        }
    }

    /// Returns the name by which it is called: `env#12`.
    pub fn id(&self) -> String {
        id_of(self.seq)
    }

    /// Returns the name of its document.
    pub const fn digest(&self) -> Digest {
        self.entry.environment.digest()
    }

    /// Returns the row as JSON.
    pub fn to_json(&self) -> Value {
        let tags: Vec<&str> = self.tags.iter().map(Tag::as_str).collect();
        json!({
            "id": self.id(),
            "digest": self.digest(),
            "at": self.at,
            "description": self.entry.description.as_ref().map(NoteText::as_str),
            "tags": tags,
            "pinned": self.pinned,
            "by": self.entry.by.as_ref().map(Author::as_str),
            "host": self.entry.environment.captured("host"),
            "root": self.entry.environment.captured("root"),
        })
    }

    /// Returns what names it in a list of others, as JSON.
    pub(super) fn named_json(&self) -> Value {
        json!({ "id": self.id(), "digest": self.digest() })
    }
}

impl EnvironmentLog {
    /// Returns the entries that nobody deleted, newest first.
    pub fn listed(&self) -> impl Iterator<Item = &KeptEnvironment> {
        let entries = self.entries.iter().rev();
        entries.filter(|entry| entry.deleted.is_none())
    }

    /// Returns the entry at a place, whether or not it was deleted.
    pub fn at(&self, seq: Seq) -> Option<&KeptEnvironment> {
        let place = self.entries.binary_search_by_key(&seq, |entry| entry.seq);
        place.ok().and_then(|place| self.entries.get(place))
    }

    /// Returns what the caller should know of what could not be read.
    pub fn warnings(&self) -> Vec<String> {
        let entries = self.unreadable.iter();
        let entries = entries.map(|(seq, reason)| {
            format!(
                "{} cannot be read: {reason}; `runstone verify` names what is damaged",
                id_of(*seq)
            )
        });
        let notes = self.unread_notes.iter().map(|(seq, reason)| {
            format!(
                "note {seq} of the environments was not followed: {reason}; `runstone verify` \
                 names what is damaged"
            )
        });
        entries.chain(notes).collect()
    }

    /// Returns the stable JSON form, schema `runstone.env-list/1`.
    pub fn to_json(&self) -> Value {
        let unreadable = self.unreadable.iter();
        let unreadable =
            unreadable.map(|(seq, reason)| json!({ "id": id_of(*seq), "reason": reason }));
        json!({
            "schema": "runstone.env-list/1",
            "environments": self.listed().map(KeptEnvironment::to_json).collect::<Vec<_>>(),
            "unreadable": unreadable.collect::<Vec<_>>(),
            "warnings": self.warnings(),
        })
    }

    /// Follows a note. One about other content than stands at its place says nothing.
    fn follow(&mut self, seq: Seq, note: Note, at: String) {
        let about = note.about;
        let place = self
            .entries
            .binary_search_by_key(&about.seq.0, |entry| entry.seq.get());
        let entry = place.ok().and_then(|place| self.entries.get_mut(place));
        let Some(entry) = entry.filter(|entry| entry.sha256 == about.sha256) else {
            return;
        };
        if entry.deleted.is_some() {
            return;
        }
        match note.said {
            Said::Pin => entry.pinned = true,
            Said::Unpin => entry.pinned = false,
            Said::Tag(tag) => {
                entry.tags.insert(tag);
            }
            Said::Untag(tag) => {
                entry.tags.remove(&tag);
            }
            Said::Delete if !entry.pinned => {
                entry.deleted = Some(Removal {
                    note: seq,
                    by: note.by,
                    at,
                });
            }
            Said::Delete | Said::Accept | Said::Remark(_) => {}
        }
    }
}

impl Ledger {
    /// Returns the environments that were kept by request, and what notes say about them.
    ///
    /// # Errors
    /// [`Error::Store`] if the log cannot be looked at; a single entry that cannot be read is named
    /// in the answer.
    pub fn kept_environments(&self) -> Result<EnvironmentLog, Error> {
        let mut log = EnvironmentLog::default();
        self.each_entry(&Log::Environments, &mut |seq, read| {
            let parsed = read.and_then(|entry| {
                let parsed = EnvironmentEntry::from_payload(&entry.payload);
                Ok((entry.envelope, parsed.map_err(|error| chain(&error))?))
            });
            match parsed {
                Ok((envelope, entry)) => {
                    let sha256 = to_digest(&envelope.sha256);
                    let kept = KeptEnvironment::new(seq, sha256, envelope.recorded_at, entry);
                    log.entries.push(kept);
                }
                Err(reason) => {
                    log.unreadable.insert(seq, reason);
                }
            }
        })?;
        // Read last, notes say of every entry that was read what is known by now.
        self.each_entry(&Log::EnvironmentNotes, &mut |seq, read| {
            let parsed = read.and_then(|entry| {
                let note = Note::from_payload(&entry.payload);
                Ok((entry.envelope, note.map_err(|error| chain(&error))?))
            });
            match parsed {
                Ok((envelope, note)) => log.follow(seq, note, envelope.recorded_at),
                Err(reason) => {
                    log.unread_notes.insert(seq, reason);
                }
            }
        })?;
        Ok(log)
    }

    /// Returns the places of the environments that were deleted, for good: what they named is named
    /// by them no more.
    ///
    /// # Errors
    /// As [`Ledger::kept_environments`]; [`Error::Damaged`] if a note cannot be read, which may
    /// have kept one of them.
    pub(crate) fn deleted_environments(&self) -> Result<BTreeSet<Seq>, Error> {
        let log = self.kept_environments()?;
        if let Some((seq, found)) = log.unread_notes.first_key_value() {
            return Err(Error::Damaged {
                place: format!("{}#{seq}", Log::EnvironmentNotes),
                found: found.clone(),
            });
        }
        let entries = log.entries.iter();
        let deleted = entries.filter(|entry| entry.deleted.is_some());
        Ok(deleted.map(|entry| entry.seq).collect())
    }

    /// Reads every entry of a log; one that cannot be read is told with its reason.
    fn each_entry(
        &self,
        log: &Log,
        tell: &mut dyn FnMut(Seq, Result<Entry, String>),
    ) -> Result<(), Error> {
        let head = self.store.head(log)?.map_or(0, Seq::get);
        for seq in (1..=head).filter_map(Seq::new) {
            let read = match self.store.read_copy(log, seq) {
                Ok(Slot::Whole(entry)) => Ok(entry),
                Ok(Slot::Absent) => Err("there is no entry".to_owned()),
                Ok(Slot::Damaged(damage)) => Err(in_words(&damage)),
                Err(error @ StoreError::Newer { .. }) => Err(chain(&error)),
                Err(error) => return Err(error.into()),
            };
            tell(seq, read);
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use runstone_core::id::SnapshotSeq;
    use runstone_core::note::{About, NamedEnvironment};
    use runstone_core::snapshot::Writer;

    use super::*;

    /// A log of entries that were made at these times.
    pub(in super::super) fn log(ats: &[&str]) -> EnvironmentLog {
        let writer = Writer {
            name: "runstone".to_owned(),
            version: "0".to_owned(),
        };
        let entry = |(position, at): (usize, &&str)| {
            let digest = Digest::of(at.as_bytes());
            let entry = EnvironmentEntry {
                environment: NamedEnvironment::of(json!({ "digest": digest })).unwrap(),
                description: None,
                tags: BTreeSet::new(),
                pinned: false,
                by: None,
                writer: writer.clone(),
            };
            let seq = Seq::new(position as u64 + 1).unwrap();
            KeptEnvironment::new(seq, digest, (*at).to_owned(), entry)
        };
        EnvironmentLog {
            entries: ats.iter().enumerate().map(entry).collect(),
            ..EnvironmentLog::default()
        }
    }

    fn at(place: u64) -> Seq {
        Seq::new(place).unwrap()
    }

    fn about(log: &EnvironmentLog, position: usize, said: Said) -> Note {
        let kept = &log.entries[position];
        Note {
            about: About {
                seq: SnapshotSeq(kept.seq.get()),
                sha256: kept.sha256,
            },
            said,
            why: None,
            by: None,
            writer: kept.entry.writer.clone(),
        }
    }

    fn said(log: &mut EnvironmentLog, position: usize, said: Said) {
        let note = about(log, position, said);
        log.follow(at(1), note, "2026-11-20T10:00:00Z".to_owned());
    }

    #[test]
    fn of_a_pin_and_a_deletion_that_meet_the_first_one_counts() {
        let mut log = log(&["a", "b"]);
        said(&mut log, 0, Said::Pin);
        said(&mut log, 0, Said::Delete);
        said(&mut log, 1, Said::Delete);
        said(&mut log, 1, Said::Pin);
        let ids: Vec<String> = log.listed().map(KeptEnvironment::id).collect();
        assert_eq!(ids, ["env#1"]);
        assert!(log.entries[0].pinned && !log.entries[1].pinned);
        said(&mut log, 0, Said::Unpin);
        said(&mut log, 0, Said::Delete);
        assert_eq!(log.listed().count(), 0);
    }

    #[test]
    fn of_several_deletions_the_first_counts() {
        let mut log = log(&["a"]);
        for place in [3, 4] {
            let note = about(&log, 0, Said::Delete);
            log.follow(at(place), note, String::new());
        }
        assert_eq!(log.entries[0].deleted.as_ref().unwrap().note, at(3));
    }

    #[test]
    fn a_note_about_other_content_at_the_same_place_says_nothing() {
        let mut log = log(&["a"]);
        let mut note = about(&log, 0, Said::Delete);
        note.about.sha256 = Digest::of(b"other");
        log.follow(at(1), note, String::new());
        assert_eq!(log.listed().count(), 1);
    }
}
