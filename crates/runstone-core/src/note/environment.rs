//! One entry of the log of environments: what was kept by request, why and by whom.
//!
//! It names a document by digest. Strict as notes are: a member that this release does not know
//! makes it one of a later release. Its place in the log is its id; pins, tags and deletions that
//! come later are [`Note`](super::Note)s about that place. The invariant: an entry that was read
//! names a document.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::members::{Members, NoteError, begin, unknown_kind};
use super::text::{Author, NoteText, Tag};
use crate::canon;
use crate::digest::Digest;
use crate::json::Limits;
use crate::snapshot::{CAPTURE, Captured, Writer};

/// The kind of an entry, as a note calls its own.
const KIND: &str = "environment";

/// What is read of an entry at most: the record of a capture has what was observed, and warnings.
const LIMITS: Limits = Limits {
    size_bytes_max: 4 * 1024 * 1024,
    depth_max: 32,
};

/// An environment by its name, and what is known of it beside its document: as a snapshot has it.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedEnvironment {
    digest: Digest,
    members: Map<String, Value>,
}

impl NamedEnvironment {
    /// Reads what is said of an environment; `None` if it names no document.
    pub fn of(value: Value) -> Option<Self> {
        let known = Captured::Known(value);
        let digest = known.digest()?;
        match known {
            Captured::Known(Value::Object(members)) => Some(Self { digest, members }),
            Captured::Known(_) | Captured::NotCaptured { .. } => None,
        }
    }

    /// Returns the name of its document.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns what is said of it, its name among that.
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Returns a member of the record of its capture.
    pub fn captured(&self, member: &str) -> Option<&Value> {
        self.members.get(CAPTURE)?.get(member)
    }
}

/// An entry of the log of environments.
#[derive(Debug, Clone, PartialEq)]
pub struct EnvironmentEntry {
    /// What is kept.
    pub environment: NamedEnvironment,
    /// What it is for.
    pub description: Option<NoteText>,
    /// The tags it was made with.
    pub tags: BTreeSet<Tag>,
    /// Whether it was pinned as it was made.
    pub pinned: bool,
    /// Who made it; `None`: not known.
    pub by: Option<Author>,
    /// The program that wrote it.
    pub writer: Writer,
}

impl EnvironmentEntry {
    /// Returns the canonical bytes of the entry.
    pub fn to_payload(&self) -> Vec<u8> {
        let mut members = begin(KIND, self.by.as_ref(), &self.writer);
        let tags: Vec<&str> = self.tags.iter().map(Tag::as_str).collect();
        let description = self.description.as_ref().map(NoteText::as_str);
        let environment = Value::Object(self.environment.members.clone());
        members.insert("environment".to_owned(), environment);
        members.insert("description".to_owned(), json!(description));
        members.insert("tags".to_owned(), json!(tags));
        members.insert("pinned".to_owned(), json!(self.pinned));
        canon::bytes(&Value::Object(members))
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// [`NoteError::Later`] if a later release wrote it in a way this one does not know; else
    /// [`NoteError`] with the member that is not what it should be.
    pub fn from_payload(payload: &[u8]) -> Result<Self, NoteError> {
        let mut members = Members::open_within(payload, &LIMITS)?;
        let kind = members.kind()?;
        if kind != KIND {
            return Err(unknown_kind(&kind));
        }
        let environment = members.read("environment", NamedEnvironment::of)?;
        let description = members.read_optional("description", NoteText::new)?;
        let tags = members.read("tags", |value| {
            let tags = value.as_array()?.iter();
            tags.map(|tag| Tag::new(tag.as_str()?).ok()).collect()
        })?;
        let pinned = members.read("pinned", |value| value.as_bool())?;
        let (by, writer) = members.close()?;
        Ok(Self {
            environment,
            description,
            tags,
            pinned,
            by,
            writer,
        })
    }
}
