//! One note of a cohort: about which snapshot, what is said, why and by whom.
//!
//! The snapshot is named by its place *and* its digest, so that a note never slips to another one.
//! Reading gives back what was written, byte for byte in canonical form. When a note was made is
//! told by the envelope around it; what several say together belongs to `noted`.

use serde_json::{Value, json};

use super::members::{Members, NoteError, begin, unknown_kind};
use super::text::{Author, NoteText, Tag};
use crate::canon;
use crate::digest::Digest;
use crate::id::SnapshotSeq;
use crate::snapshot::Writer;

/// The snapshot a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct About {
    /// Its place in the cohort's log.
    pub seq: SnapshotSeq,
    /// SHA-256 of its canonical payload.
    pub sha256: Digest,
}

/// A note of a cohort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The snapshot it is about.
    pub about: About,
    /// What it says.
    pub said: Said,
    /// Why, if the author said so; a remark says it all itself.
    pub why: Option<NoteText>,
    /// Who made it; `None`: not known.
    pub by: Option<Author>,
    /// The program that wrote it.
    pub writer: Writer,
}

/// What a note says about its snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is the baseline of its cohort from now on.
    Pin,
    /// It no longer is the pinned one.
    Unpin,
    /// A candidate serves as a yardstick from now on.
    Accept,
    /// Words, kept beside it.
    Remark(NoteText),
    /// It bears this tag.
    Tag(Tag),
    /// It no longer bears this tag.
    Untag(Tag),
    /// It is no longer listed and no yardstick; its place and its key stay taken.
    Delete,
}

impl Said {
    /// Returns the word used in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pin => "pin",
            Self::Unpin => "unpin",
            Self::Accept => "accept",
            Self::Remark(_) => "remark",
            Self::Tag(_) => "tag",
            Self::Untag(_) => "untag",
            Self::Delete => "delete",
        }
    }
}

impl Note {
    /// Returns the words of the note: a remark's own, else why it was made.
    pub fn text(&self) -> Option<&NoteText> {
        match &self.said {
            Said::Remark(text) => Some(text),
            _ => self.why.as_ref(),
        }
    }

    /// Returns the tag it sets or takes away.
    pub fn tag(&self) -> Option<&Tag> {
        match &self.said {
            Said::Tag(tag) | Said::Untag(tag) => Some(tag),
            _ => None,
        }
    }

    /// Returns the canonical bytes of the note.
    pub fn to_payload(&self) -> Vec<u8> {
        let mut members = begin(self.said.as_str(), self.by.as_ref(), &self.writer);
        members.insert(
            "snapshot".to_owned(),
            json!({ "seq": self.about.seq, "sha256": self.about.sha256 }),
        );
        let text = self.text().map(NoteText::as_str);
        members.insert("text".to_owned(), json!(text));
        if let Some(tag) = self.tag() {
            members.insert("tag".to_owned(), json!(tag.as_str()));
        }
        canon::bytes(&Value::Object(members))
    }

    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteError::Later`] if a later release wrote it in a way this one does not know; else
    /// [`NoteError`] with the member that is not what it should be.
    pub fn from_payload(payload: &[u8]) -> Result<Self, NoteError> {
        let mut members = Members::open(payload)?;
        let kind = members.kind()?;
        let is_known =
            ["pin", "unpin", "accept", "remark", "tag", "untag", "delete"].contains(&kind.as_str());
        if !is_known {
            return Err(unknown_kind(&kind));
        }
        let about = members.read("snapshot", about)?;
        let text = members.read_optional("text", NoteText::new)?;
        let mut tag = || members.read("tag", |value| Tag::new(value.as_str()?).ok());
        let (said, why) = match kind.as_str() {
            "pin" => (Said::Pin, text),
            "unpin" => (Said::Unpin, text),
            "accept" => (Said::Accept, text),
            "tag" => (Said::Tag(tag()?), text),
            "untag" => (Said::Untag(tag()?), text),
            "delete" => (Said::Delete, text),
            _ => match text {
                Some(text) => (Said::Remark(text), None),
                None => return Err(NoteError::Member { member: "text" }),
            },
        };
        let (by, writer) = members.close()?;
        Ok(Self {
            about,
            said,
            why,
            by,
            writer,
        })
    }
}

fn about(value: Value) -> Option<About> {
    let Value::Object(mut members) = value else {
        return None;
    };
    let seq = members.remove("seq")?.as_u64().filter(|seq| *seq > 0)?;
    let sha256 = members.remove("sha256")?.as_str()?.parse().ok()?;
    let about = About {
        seq: SnapshotSeq(seq),
        sha256,
    };
    members.is_empty().then_some(about)
}
