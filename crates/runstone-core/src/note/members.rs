//! What every note has in common as JSON, and the strict way to take one apart.
//!
//! `note_schema_version` and `note` (its kind) come first, then the members of that kind, then who
//! made it. A later release may add kinds and members; each of them may change what the note means,
//! so one unknown member makes the whole note [`NoteError::Later`], apart from damage. What a kind
//! means belongs to the file of its log.

use serde_json::{Map, Value, json};

use super::text::Author;
use crate::json::{Limits, ReadError, read_document};
use crate::snapshot::Writer;

/// Version of the shape of notes.
pub const NOTE_SCHEMA_VERSION: u32 = 1;

/// What is read of a note at most: several times what one can hold.
const LIMITS: Limits = Limits {
    size_bytes_max: 64 * 1024,
    depth_max: 8,
};

/// Bytes are not a note that this release understands.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// They are no JSON object.
    #[error("it is no JSON object")]
    NotAnObject(#[source] ReadError),
    /// A later release wrote it: it may mean something this one does not know.
    #[error("it cannot be read by this release: {what}")]
    Later {
        /// The version, the kind or the member that is not known, in words.
        what: String,
    },
    /// A member is absent, or not what it should be.
    #[error("it has no legal `{member}`")]
    Member {
        /// The member.
        member: &'static str,
    },
}

impl NoteError {
    /// Tells whether a later release wrote it, which is not damage.
    pub fn is_later(&self) -> bool {
        matches!(self, Self::Later { .. })
    }
}

/// The members of a note that were not read yet.
#[derive(Debug)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Opens a note of this version.
    pub(super) fn open(payload: &[u8]) -> Result<Self, NoteError> {
        Self::open_within(payload, &LIMITS)
    }

    /// Opens what has the form of a note, and may be larger than one.
    pub(super) fn open_within(payload: &[u8], limits: &Limits) -> Result<Self, NoteError> {
        let members = read_document(payload, limits).map_err(NoteError::NotAnObject)?;
        let mut members = Self(members);
        let version = members.read("note_schema_version", |value| value.as_u64())?;
        if version > u64::from(NOTE_SCHEMA_VERSION) {
            let what = format!("note schema {version}, and {NOTE_SCHEMA_VERSION} is known");
            return Err(NoteError::Later { what });
        }
        Ok(members)
    }

    /// Reads which kind of note it is.
    pub(super) fn kind(&mut self) -> Result<String, NoteError> {
        self.read("note", |value| Some(value.as_str()?.to_owned()))
    }

    /// Reads a member.
    pub(super) fn read<T>(
        &mut self,
        member: &'static str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<T, NoteError> {
        self.0
            .remove(member)
            .and_then(read)
            .ok_or(NoteError::Member { member })
    }

    /// Reads a member that is a checked text or null.
    pub(super) fn read_optional<T, E>(
        &mut self,
        member: &'static str,
        new: impl FnOnce(String) -> Result<T, E>,
    ) -> Result<Option<T>, NoteError> {
        match self.0.remove(member) {
            Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => new(text)
                .map(Some)
                .map_err(|_illegal| NoteError::Member { member }),
            _ => Err(NoteError::Member { member }),
        }
    }

    /// Reads who made it and with what, and refuses what is left.
    pub(super) fn close(mut self) -> Result<(Option<Author>, Writer), NoteError> {
        let by = self.read_optional("by", Author::new)?;
        let writer = self.read("writer", |value| {
            let text = |member: &str| Some(value.get(member)?.as_str()?.to_owned());
            Some(Writer {
                name: text("name")?,
                version: text("version")?,
            })
        })?;
        match self.0.keys().next() {
            None => Ok((by, writer)),
            Some(member) => Err(NoteError::Later {
                what: format!("its member `{}`", member.escape_debug()),
            }),
        }
    }
}

/// Says that a kind is of a later release.
pub(super) fn unknown_kind(kind: &str) -> NoteError {
    NoteError::Later {
        what: format!("a note of kind `{}`", kind.escape_debug()),
    }
}

/// Begins a note: what every kind has.
pub(super) fn begin(kind: &str, by: Option<&Author>, writer: &Writer) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("note_schema_version".to_owned(), json!(NOTE_SCHEMA_VERSION));
    members.insert("note".to_owned(), json!(kind));
    members.insert("by".to_owned(), json!(by.map(Author::as_str)));
    members.insert(
        "writer".to_owned(),
        json!({ "name": writer.name, "version": writer.version }),
    );
    members
}
