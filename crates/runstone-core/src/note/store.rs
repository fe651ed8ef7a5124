//! One note of the whole store: which profile is the default from now on, or that a copy lives on.
//!
//! It stands in a log of its own, and what holds is what the newest note of a kind says. Strict as
//! the notes of a cohort are. When a note was made is told by the envelope around it; following the
//! notes belongs to the crate `runstone`.

use serde_json::{Value, json};

use super::members::{Members, NoteError, begin, unknown_kind};
use super::text::Author;
use crate::canon;
use crate::snapshot::{ProfileName, Writer};

/// A note of the whole store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreNote {
    /// What it says.
    pub said: StoreSaid,
    /// Who made it; `None`: not known.
    pub by: Option<Author>,
    /// The program that wrote it.
    pub writer: Writer,
}

/// What a note says about its store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreSaid {
    /// Documents that name no profile are read by this one.
    DefaultProfile(ProfileName),
    /// This copy of the store lives on; what is recorded from now on bears this epoch.
    Adopted {
        /// From 1: a store that was made is in epoch 0.
        epoch: u64,
    },
}

impl StoreSaid {
    /// Returns the word used in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::DefaultProfile(_) => "default_profile",
            Self::Adopted { .. } => "adopted",
        }
    }
}

impl StoreNote {
    /// Returns the canonical bytes of the note.
    pub fn to_payload(&self) -> Vec<u8> {
        let mut members = begin(self.said.as_str(), self.by.as_ref(), &self.writer);
        match &self.said {
            StoreSaid::DefaultProfile(ProfileName { name, sha256 }) => members.insert(
                "profile".to_owned(),
                json!({ "name": name, "sha256": sha256 }),
            ),
            StoreSaid::Adopted { epoch } => members.insert("epoch".to_owned(), json!(epoch)),
        };
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
        let said = match kind.as_str() {
            "default_profile" => StoreSaid::DefaultProfile(members.read("profile", profile)?),
            "adopted" => StoreSaid::Adopted {
                epoch: members.read("epoch", |value| value.as_u64().filter(|epoch| *epoch > 0))?,
            },
            _ => return Err(unknown_kind(&kind)),
        };
        let (by, writer) = members.close()?;
        Ok(Self { said, by, writer })
    }
}

fn profile(value: Value) -> Option<ProfileName> {
    let Value::Object(mut members) = value else {
        return None;
    };
    let mut text = |member: &str| match members.remove(member)? {
        Value::String(text) => Some(text),
        _ => None,
    };
    let profile = ProfileName {
        name: text("name")?,
        sha256: text("sha256")?.parse().ok()?,
    };
    members.is_empty().then_some(profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT_PROFILE: &str = r#"{"by":"ana","note":"default_profile","note_schema_version":1,"profile":{"name":"market","sha256":"2309210175e4bb0457a6b7d5ad73e7f80a094d517f8f257d91b13a3e890c02f0"},"writer":{"name":"runstone","version":"0.1.0"}}"#;
    const ADOPTED: &str = r#"{"by":null,"epoch":2,"note":"adopted","note_schema_version":1,"writer":{"name":"runstone","version":"0.1.0"}}"#;

    #[test]
    fn a_note_of_the_store_is_written_as_it_was_read_byte_for_byte() {
        for payload in [DEFAULT_PROFILE, ADOPTED] {
            let note = StoreNote::from_payload(payload.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(note.to_payload()).unwrap(), payload);
        }
    }

    #[test]
    fn what_is_not_fully_understood_is_told_from_what_is_broken() {
        for (payload, is_later) in [
            (ADOPTED.replace("adopted", "renamed"), true),
            (ADOPTED.replace("\"epoch\":2", "\"epoch\":2,\"of\":1"), true),
            (ADOPTED.replace("version\":1", "version\":2"), true),
            (ADOPTED.replace("\"epoch\":2", "\"epoch\":0"), false),
            (ADOPTED.replace("\"epoch\":2,", ""), false),
            (DEFAULT_PROFILE.replace("2309", "zz"), false),
            ("[]".to_owned(), false),
        ] {
            let error = StoreNote::from_payload(payload.as_bytes()).unwrap_err();
            assert_eq!(error.is_later(), is_later, "{payload}: {error}");
        }
    }
}
