//! Opening: from the bytes of a file to what was sealed in it.
//!
//! The invariant guarded here: every length is checked before it is believed, every checksum and
//! digest before anything is returned, and no file makes its reader allocate more than the limits
//! allow. Whether the file belongs where it was found is left to the reader that found it.

use std::io::Read as _;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use thiserror::Error;

use super::{Codec, Envelope, HEADER_BYTES_MAX, PAYLOAD_BYTES_MAX, TRAILER_BYTES, checksum};
use crate::damage::DamageKind;
use crate::descriptor::FORMAT;
use crate::hash::Hash256;

/// The largest window a frame may demand of its reader: 16 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 24;

/// A file that is not what one writer sealed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// There is no header line.
    #[error("no header line within {HEADER_BYTES_MAX} bytes")]
    NoHeader,
    /// The header is not JSON.
    #[error("the header is not a JSON object")]
    Header(#[source] serde_json::Error),
    /// A header field is absent or of another type.
    #[error("header field `{name}` is not what it should be")]
    Field {
        /// The field.
        name: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A later version wrote this.
    #[error("format {found} is newer than {FORMAT}")]
    Newer {
        /// Its format.
        found: u64,
    },
    /// The file is shorter or longer than its header says, or than any may be.
    #[error("{found} bytes instead of {expected}")]
    Length {
        /// What the header implies.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// The checksum fails.
    #[error("checksum {found} instead of {expected}")]
    Checksum {
        /// What the file says.
        expected: String,
        /// What its bytes give.
        found: String,
    },
    /// The frame cannot be decompressed.
    #[error("the payload cannot be decompressed")]
    Frame(#[source] std::io::Error),
    /// The digest of the payload fails.
    #[error("digest {found} instead of {expected}")]
    Digest {
        /// What the header says.
        expected: Hash256,
        /// What the payload gives.
        found: Hash256,
    },
}

impl EnvelopeError {
    /// Returns the damage this is, as kind, expected and found; nothing if it is a later format.
    pub(crate) fn damage(&self) -> (DamageKind, String, String) {
        match self {
            Self::NoHeader | Self::Header(_) | Self::Field { .. } | Self::Newer { .. } => (
                DamageKind::Envelope,
                "a header line".to_owned(),
                self.to_string(),
            ),
            Self::Length { expected, found } => (
                DamageKind::Length,
                format!("{expected} bytes"),
                format!("{found} bytes"),
            ),
            Self::Checksum { expected, found } => {
                (DamageKind::Checksum, expected.clone(), found.clone())
            }
            Self::Frame(source) => (
                DamageKind::Digest,
                "a zstd frame".to_owned(),
                source.to_string(),
            ),
            Self::Digest { expected, found } => {
                (DamageKind::Digest, expected.to_string(), found.to_string())
            }
        }
    }
}

/// Reads a whole file: its envelope and its payload, both checked.
///
/// # Errors
/// An [`EnvelopeError`] naming the first check that failed.
pub fn decode(file: &[u8]) -> Result<(Envelope, Vec<u8>), EnvelopeError> {
    let (envelope, header_bytes) = match header_of(file) {
        // Every format ends in this trailer. Without it one flipped bit of a digit would pass for a
        // later release, and close the log to this one.
        Err(EnvelopeError::Newer { found }) => {
            check(file)?;
            return Err(EnvelopeError::Newer { found });
        }
        header => header?,
    };
    let expected = header_bytes as u64 + envelope.stored_bytes + TRAILER_BYTES as u64;
    if file.len() as u64 != expected {
        return Err(EnvelopeError::Length {
            expected,
            found: file.len() as u64,
        });
    }
    let covered = check(file)?;
    let stored = &covered[header_bytes..covered.len() - 1];
    let payload = match envelope.codec {
        Codec::None => stored.to_vec(),
        Codec::Zstd => decompress(stored, envelope.payload_bytes).map_err(EnvelopeError::Frame)?,
    };
    if payload.len() as u64 != envelope.payload_bytes {
        let (expected, found) = (envelope.payload_bytes, payload.len() as u64);
        return Err(EnvelopeError::Length { expected, found });
    }
    let found = Hash256::of(&payload);
    if found != envelope.sha256 {
        return Err(EnvelopeError::Digest {
            expected: envelope.sha256,
            found,
        });
    }
    Ok((envelope, payload))
}

/// Returns what the checksum at the end of a file covers, if it holds.
fn check(file: &[u8]) -> Result<&[u8], EnvelopeError> {
    let digits = file.len().saturating_sub(TRAILER_BYTES - 1);
    let (covered, digits) = file.split_at(digits);
    let expected = String::from_utf8_lossy(digits.trim_ascii_end()).into_owned();
    let found = checksum(covered);
    if covered.last() != Some(&b'\n') || digits != format!("{found}\n").as_bytes() {
        return Err(EnvelopeError::Checksum { expected, found });
    }
    Ok(covered)
}

/// Reads the envelope at the beginning of a file, of which the first 16 KiB are enough.
///
/// The checksum stands at the other end of the file: what this returns is not checked against it.
///
/// # Errors
/// An [`EnvelopeError`] if there is no header, or a newer or an impossible one.
pub fn decode_header(beginning: &[u8]) -> Result<Envelope, EnvelopeError> {
    header_of(beginning).map(|(envelope, _)| envelope)
}

/// Parses the header and checks what it declares against the limits of reading.
fn header_of(file: &[u8]) -> Result<(Envelope, usize), EnvelopeError> {
    let window = &file[..file.len().min(HEADER_BYTES_MAX)];
    let newline = window
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or(EnvelopeError::NoHeader)?;
    let line = &window[..newline];
    let envelope = match at_once(line) {
        Some(envelope) => envelope,
        None => by_field(line)?,
    };
    let declared = envelope.payload_bytes.max(envelope.stored_bytes);
    if declared > PAYLOAD_BYTES_MAX as u64 {
        let expected = PAYLOAD_BYTES_MAX as u64;
        return Err(EnvelopeError::Length {
            expected,
            found: declared,
        });
    }
    Ok((envelope, newline + 1))
}

/// Reads a header whose fields are all what this release writes, without a tree of it in between;
/// nothing if any is not.
pub(super) fn at_once(line: &[u8]) -> Option<Envelope> {
    let envelope: Envelope = serde_json::from_slice(line).ok()?;
    (envelope.format <= FORMAT).then_some(envelope)
}

/// Reads a header field by field, so that what is wrong with it has a name.
pub(super) fn by_field(line: &[u8]) -> Result<Envelope, EnvelopeError> {
    let mut fields = Fields::parse(line)?;
    let format = fields.take("format")?;
    if format > FORMAT {
        return Err(EnvelopeError::Newer { found: format });
    }
    Ok(Envelope {
        format,
        store: fields.take("store")?,
        epoch: fields.take("epoch")?,
        log: fields.take("log")?,
        nonce: fields.take("nonce")?,
        key: fields.take("key")?,
        key_text: fields.take("key_text")?,
        content: fields.take("content")?,
        codec: fields.take("codec")?,
        payload_bytes: fields.take("payload_bytes")?,
        stored_bytes: fields.take("stored_bytes")?,
        sha256: fields.take("sha256")?,
        head_seen: fields.take("head_seen")?,
        notes_head_seen: fields.take("notes_head_seen")?,
        summary: Arc::new(fields.take("summary")?),
        recorded_at: fields.take("recorded_at")?,
        other: fields.0,
    })
}

/// The header's fields, taken out one by one: what is left over belongs to a later writer.
struct Fields(Map<String, Value>);

impl Fields {
    fn parse(line: &[u8]) -> Result<Self, EnvelopeError> {
        serde_json::from_slice(line)
            .map(Self)
            .map_err(EnvelopeError::Header)
    }

    fn take<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<T, EnvelopeError> {
        let value = self.0.remove(name).unwrap_or(Value::Null);
        serde_json::from_value(value).map_err(|source| EnvelopeError::Field { name, source })
    }
}

/// Decompresses at most one byte more than declared, in a window of at most 16 MiB.
pub(crate) fn decompress(frame: &[u8], declared_bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(frame)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    let mut payload = Vec::new();
    decoder.take(declared_bytes + 1).read_to_end(&mut payload)?;
    Ok(payload)
}
