//! The words of a note: a text, a tag, a name.
//!
//! Each is its own type, and having one proves that it can be kept and shown: it is not empty, not
//! too long, and nothing in it is invisible. They are checked where they are written and again
//! where they are read back. Escaping them for a terminal belongs to the faces.

use std::fmt;

use crate::id::nfc;

/// Longest text of a note, in bytes. Chosen: a few paragraphs, so that reading all notes of a
/// cohort stays cheap; what is longer is a file.
pub const NOTE_TEXT_BYTES_MAX: usize = 4096;
/// Longest tag, in bytes.
pub const TAG_BYTES_MAX: usize = 64;
/// Longest name of an author, in bytes.
pub const AUTHOR_BYTES_MAX: usize = 256;

/// What a tag may hold beside letters and digits.
const TAG_MARKS: &str = "._-/:+=@#%";

/// Why a text cannot stand in a note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IllegalText {
    /// There is nothing in it, or blanks only.
    #[error("{what} is empty")]
    Empty {
        /// `the text`, `the tag` or `the name`.
        what: &'static str,
    },
    /// It is longer than the limit.
    #[error("{what} has {bytes} bytes, the limit is {limit}")]
    TooLong {
        /// `the text`, `the tag` or `the name`.
        what: &'static str,
        /// Length found, in bytes.
        bytes: usize,
        /// Longest accepted, in bytes.
        limit: usize,
    },
    /// A rule of redaction finds a secret in it, and it cannot be masked without becoming another.
    #[error("{what} holds what looks like a secret")]
    Secret {
        /// `the tag`.
        what: &'static str,
    },
    /// It holds a character it may not hold.
    #[error("{what} holds {} at character {position}", named(*.character))]
    Character {
        /// `the text`, `the tag` or `the name`.
        what: &'static str,
        /// The character.
        character: char,
        /// Its place, in characters from 1.
        position: usize,
    },
}

impl IllegalText {
    /// Returns what to do about it, in one sentence.
    pub fn hint(&self) -> String {
        match self {
            Self::Empty { what } | Self::TooLong { what, .. } | Self::Character { what, .. }
                if *what == Tag::WHAT =>
            {
                format!(
                    "a tag is one word of letters, digits and `{TAG_MARKS}` that begins with a \
                     letter or a digit, such as `runstone tag REF release/1.2`"
                )
            }
            Self::Empty { what } | Self::TooLong { what, .. } | Self::Character { what, .. }
                if *what == Author::WHAT =>
            {
                "name whoever says it on one line, such as `--by ana`".to_owned()
            }
            Self::Secret { .. } => "choose a word that may be read by all".to_owned(),
            Self::Empty { .. } => "say it in a few words, in quotes".to_owned(),
            Self::TooLong { .. } => {
                "keep the long text in a file and say in the note where it is".to_owned()
            }
            Self::Character { .. } => "write it in plain text".to_owned(),
        }
    }
}

/// What a note says in words: 1 to [`NOTE_TEXT_BYTES_MAX`] bytes, lines and tabs allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoteText(String);

impl NoteText {
    /// Accepts `text` as the words of a note.
    ///
    /// # Errors
    /// [`IllegalText`] if it is blank, too long, or holds a control character.
    pub fn new(text: impl Into<String>) -> Result<Self, IllegalText> {
        let text = text.into();
        let is_legal = |_, it: char| matches!(it, '\n' | '\t') || !it.is_control();
        check("the text", &text, NOTE_TEXT_BYTES_MAX, is_legal)?;
        Ok(Self(text))
    }

    /// Returns the words as they were given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NoteText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A word that groups snapshots: 1 to [`TAG_BYTES_MAX`] bytes of letters, digits and `._-/:+=@#%`,
/// in Unicode normal form C.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// What errors call it.
    pub const WHAT: &'static str = "the tag";

    /// Accepts `text` as a tag.
    ///
    /// # Errors
    /// [`IllegalText`] if it is empty, too long, or holds anything else.
    pub fn new(text: &str) -> Result<Self, IllegalText> {
        let text = nfc(text);
        let is_legal = |at, it: char| it.is_alphanumeric() || (at > 0 && TAG_MARKS.contains(it));
        check(Self::WHAT, &text, TAG_BYTES_MAX, is_legal)?;
        Ok(Self(text))
    }

    /// Returns the tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who made a note, by name: 1 to [`AUTHOR_BYTES_MAX`] bytes on one line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Author(String);

impl Author {
    const WHAT: &'static str = "the name";

    /// Accepts `text` as a name.
    ///
    /// # Errors
    /// [`IllegalText`] if it is blank, too long, or holds a control character.
    pub fn new(text: impl Into<String>) -> Result<Self, IllegalText> {
        let text = text.into();
        let is_legal = |_, it: char| !it.is_control();
        check(Self::WHAT, &text, AUTHOR_BYTES_MAX, is_legal)?;
        Ok(Self(text))
    }

    /// Returns the name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check(
    what: &'static str,
    text: &str,
    limit: usize,
    is_legal: impl Fn(usize, char) -> bool,
) -> Result<(), IllegalText> {
    if text.trim().is_empty() {
        return Err(IllegalText::Empty { what });
    }
    if text.len() > limit {
        let bytes = text.len();
        return Err(IllegalText::TooLong { what, bytes, limit });
    }
    let mut characters = text.chars().enumerate();
    match characters.find(|(at, character)| !is_legal(*at, *character)) {
        Some((at, character)) => Err(IllegalText::Character {
            what,
            character,
            position: at + 1,
        }),
        None => Ok(()),
    }
}

/// Names a character so that an error about it can be read: blanks and marks by their number too.
fn named(character: char) -> String {
    let number = u32::from(character);
    if character.is_control() || character.is_whitespace() {
        format!("U+{number:04X}")
    } else {
        format!("`{character}` (U+{number:04X})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_one_word_that_can_be_seen_and_typed() {
        for good in [
            "a",
            "release/1.2",
            "größe",
            "v1.0+cu121",
            "2026-11-20",
            "标签",
        ] {
            assert!(Tag::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " ",
            "a b",
            "-x",
            "#1",
            "a,b",
            "a\"b",
            "a\nb",
            "a\u{202e}b",
            "a\u{200b}",
            "🙂",
        ] {
            assert!(Tag::new(bad).is_err(), "{bad:?}");
        }
        assert!(Tag::new(&"x".repeat(TAG_BYTES_MAX)).is_ok());
        assert!(Tag::new(&"x".repeat(TAG_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn two_spellings_of_one_tag_are_one() {
        assert_eq!(Tag::new("cafe\u{301}"), Tag::new("caf\u{e9}"));
    }

    #[test]
    fn a_text_has_lines_and_no_control_characters() {
        assert!(NoteText::new("first\n\tsecond").is_ok());
        let error = NoteText::new("a\u{1b}[31m").unwrap_err();
        assert_eq!(error.to_string(), "the text holds U+001B at character 2");
        assert_eq!(
            NoteText::new(" \n").unwrap_err().to_string(),
            "the text is empty"
        );
        assert_eq!(
            NoteText::new("x".repeat(10_240)).unwrap_err().to_string(),
            "the text has 10240 bytes, the limit is 4096"
        );
    }
}
