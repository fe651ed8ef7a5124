//! The strict reader: from bytes to a value in which nothing was altered unnoticed.
//!
//! First step of the way of a document. `serde_json` knows the syntax; what it would pass over in
//! silence is refused here with its place: a duplicate key, a number that a binary64 cannot hold,
//! too deep a nesting. The invariant: every number of a value read here is exactly the binary64 it
//! prints as, in the one form of [`canon::number`](crate::canon::number). What the fields mean
//! belongs to the profile.

mod literal;
mod scan;
mod stream;
mod visit;

use serde_json::{Map, Value};

pub use self::literal::LiteralError;
use self::literal::Literals;
pub use self::stream::{Framed, Stream};
use self::visit::{Reader, ValueSeed};
use crate::pointer::Pointer;
use crate::problem::type_of;
use crate::redact::masked;

/// What is accepted at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Size of a document, in bytes.
    pub size_bytes_max: usize,
    /// Nesting of objects and lists; the outermost is 1.
    pub depth_max: usize,
}

impl Default for Limits {
    /// 16 MiB, 64 deep.
    fn default() -> Self {
        Self {
            size_bytes_max: 16 * 1024 * 1024,
            depth_max: 64,
        }
    }
}

/// Why bytes are not a document that can be kept exactly.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There are more bytes than the limit.
    #[error("the document has {size_bytes} bytes, the limit is {size_bytes_max}")]
    TooLarge {
        /// Size found.
        size_bytes: usize,
        /// Largest accepted.
        size_bytes_max: usize,
    },
    /// There is nothing, or blanks only.
    #[error("the document is empty")]
    Empty,
    /// The first bytes are a byte order mark.
    #[error("the document begins with a byte order mark")]
    ByteOrderMark,
    /// The bytes are not UTF-8.
    #[error("invalid UTF-8 at byte {offset}")]
    NotUtf8 {
        /// Offset of the first byte that is wrong, from 0.
        offset: usize,
    },
    /// The text is not JSON.
    #[error("not JSON at line {line}, column {column}, within {}: {message}", .pointer.quoted())]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
        /// The place that was being read.
        pointer: Pointer,
        /// What the parser expected.
        message: String,
    },
    /// Something follows the value.
    #[error("something follows the document at line {line}, column {column}")]
    TrailingData {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
    },
    /// The value is not an object.
    #[error("the document is {found}, an object is wanted")]
    NotAnObject {
        /// The type found, with its article.
        found: &'static str,
    },
    /// An object has one key twice.
    #[error("{} stands there twice", .pointer.quoted())]
    DuplicateKey {
        /// The key that stands there twice.
        pointer: Pointer,
    },
    /// Objects and lists are nested too deep.
    #[error("{} is nested deeper than {depth_max}", .pointer.quoted())]
    TooDeep {
        /// Where the limit was passed.
        pointer: Pointer,
        /// Deepest accepted.
        depth_max: usize,
    },
    /// A number cannot be kept exactly, or is none.
    #[error("{} cannot be kept as a number", .pointer.quoted())]
    Number {
        /// Where it stands.
        pointer: Pointer,
        /// What is wrong with it.
        source: LiteralError,
    },
}

impl ReadError {
    /// Returns the place in the document, if it was reached.
    pub fn pointer(&self) -> Option<&Pointer> {
        match self {
            Self::Syntax { pointer, .. }
            | Self::DuplicateKey { pointer }
            | Self::TooDeep { pointer, .. }
            | Self::Number { pointer, .. } => Some(pointer),
            _ => None,
        }
    }

    /// Tells whether the text ends too early, as that of a file does which is still being written.
    pub fn is_cut_short(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Syntax { message, .. } => message.starts_with("EOF "),
            _ => false,
        }
    }

    /// Returns what to do about it, in one sentence.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::TooLarge { .. } => Some("keep large things as artifacts, by path and sha256"),
            Self::Empty => Some("a run document is a JSON object with `run_id` and `stage`"),
            Self::ByteOrderMark => Some("write the file as UTF-8 without a byte order mark"),
            Self::NotUtf8 { .. } => Some("write the file as UTF-8"),
            Self::Number { source, .. } => source.hint(),
            Self::DuplicateKey { .. } => Some("keep one of the two"),
            Self::TooDeep { .. } => Some("keep what is nested so deep in a file, as an artifact"),
            Self::NotAnObject { found } if *found == type_of(&Value::Array(Vec::new())) => Some(
                "documents are recorded one after another: `jq -c '.[]' FILE | runstone record -`",
            ),
            Self::NotAnObject { .. } => {
                Some("a run document is a JSON object with `run_id` and `stage`")
            }
            Self::TrailingData { .. } => Some("record one document at a time"),
            Self::Syntax { .. } if self.is_cut_short() => {
                Some("the text ends too early: write the whole of it, then record it")
            }
            Self::Syntax { message, .. } if message.starts_with("control character") => Some(
                "write control characters in a text as escapes, such as `\\n`; a line that ends \
                     within a text was cut short",
            ),
            Self::Syntax { .. } => Some(
                "names and texts stand in double quotes, and no comma stands before a closing bracket",
            ),
        }
    }
}

/// Reads one JSON object, the form of a run document.
///
/// # Errors
/// [`ReadError`] with the place, if the bytes are not one JSON object or cannot be kept exactly.
pub fn read_document(bytes: &[u8], limits: &Limits) -> Result<Map<String, Value>, ReadError> {
    match read_value(bytes, limits)? {
        Value::Object(members) => Ok(members),
        other => Err(ReadError::NotAnObject {
            found: type_of(&other),
        }),
    }
}

/// Reads one JSON value of any type.
///
/// # Errors
/// [`ReadError`] with the place, if the bytes are not one JSON value or cannot be kept exactly.
pub fn read_value(bytes: &[u8], limits: &Limits) -> Result<Value, ReadError> {
    let text = checked_text(bytes, limits)?;
    let mut reader = Reader::new(text, limits);
    let mut parser = serde_json::Deserializer::from_str(text);
    match serde::de::DeserializeSeed::deserialize(ValueSeed::root(&mut reader), &mut parser) {
        Ok(value) => match parser.end() {
            Ok(()) => Ok(value),
            Err(error) => Err(ReadError::TrailingData {
                line: error.line(),
                column: error.column(),
            }),
        },
        Err(error) => Err(reader.explain(&error).without_secrets()),
    }
}

impl ReadError {
    /// Returns the same error, its place without what is known to be secret: names of fields can
    /// be.
    fn without_secrets(mut self) -> Self {
        if let Self::Syntax { pointer, .. }
        | Self::DuplicateKey { pointer }
        | Self::TooDeep { pointer, .. }
        | Self::Number { pointer, .. } = &mut self
        {
            let keys = pointer.keys().iter();
            *pointer = keys.fold(Pointer::root(), |at, key| at.child(masked(key)));
        }
        self
    }
}

fn checked_text<'b>(bytes: &'b [u8], limits: &Limits) -> Result<&'b str, ReadError> {
    if bytes.len() > limits.size_bytes_max {
        return Err(ReadError::TooLarge {
            size_bytes: bytes.len(),
            size_bytes_max: limits.size_bytes_max,
        });
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(ReadError::ByteOrderMark);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 {
        offset: error.valid_up_to(),
    })?;
    if text.trim_ascii().is_empty() {
        return Err(ReadError::Empty);
    }
    Ok(text)
}

impl Reader<'_> {
    /// Returns where the parser stopped. Behind the last line is no place: the end of that line is.
    fn place_of(&self, error: &serde_json::Error) -> (usize, usize) {
        let (line, column) = (error.line(), error.column());
        if column > 0 || line < 2 {
            return (line, column);
        }
        let before = self.text.split('\n').nth(line - 2).unwrap_or_default();
        (line - 1, before.len())
    }

    /// Returns why the parser stopped: our own reason if we stopped it, else what it met.
    fn explain(self, error: &serde_json::Error) -> ReadError {
        if let Some(refused) = self.refused {
            return refused;
        }
        let (line, column) = self.place_of(error);
        let pointer = self.stopped_at.unwrap_or_default();
        if let Some(source) = literal::not_finite(self.text, line, column) {
            return ReadError::Number { pointer, source };
        }
        // The parser reports a number out of range before it is handed on, so it is the next one.
        let mut literals: Literals<'_> = self.literals;
        if error.to_string().starts_with("number out of range")
            && let Some(Err(source)) = literals.next().map(literal::number)
        {
            return ReadError::Number { pointer, source };
        }
        // The parser says the line and column at the end of its text, and so do we.
        let message = error.to_string();
        let message = message
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned();
        ReadError::Syntax {
            line,
            column,
            pointer,
            message,
        }
    }
}
