//! Sealing: from a payload to the bytes of a file.
//!
//! The slow work, hashing and compressing, is done once by [`Packed::new`]; [`Packed::seal`] puts
//! an envelope around it, as often as a race makes that necessary. The invariant guarded here:
//! nothing is written that a reader would refuse. Opening is left to `open`.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Codec, Envelope, HEADER_BYTES_MAX, PAYLOAD_BYTES_MAX, Seen, TRAILER_BYTES, checksum};
use crate::descriptor::FORMAT;
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::key::{Key, KeyText, Nonce, StoreId};

/// Bytes of a summary as JSON.
pub(super) const SUMMARY_BYTES_MAX: usize = 2 * 1024;
/// Payloads up to this size are stored as they are: a frame would save no block of the disk.
const PLAIN_BYTES_MAX: usize = 4 * 1024;
/// The default of zstd, chosen: higher levels gain little on JSON of this size.
const ZSTD_LEVEL: i32 = 3;

/// A payload, hashed and compressed: all the slow work, done before anyone waits for a place.
#[derive(Debug, Clone)]
pub(crate) struct Packed<'a> {
    pub(super) codec: Codec,
    stored: Cow<'a, [u8]>,
    payload_bytes: u64,
    sha256: Hash256,
}

/// What an envelope says besides what the payload determines.
#[derive(Debug, Clone)]
pub(crate) struct Address<'a> {
    pub(crate) store: StoreId,
    pub(crate) epoch: u64,
    pub(crate) log: String,
    pub(crate) nonce: Nonce,
    pub(crate) key: Option<(Key, &'a KeyText)>,
    pub(crate) content: Hash256,
    pub(crate) head_seen: Option<Seen>,
    pub(crate) notes_head_seen: Option<Seen>,
    pub(crate) summary: &'a Arc<Value>,
    pub(crate) recorded_at: &'a str,
}

impl<'a> Packed<'a> {
    /// Hashes a payload, and compresses it where that is worth a frame.
    pub(crate) fn new(payload: &'a [u8]) -> Result<Self, StoreError> {
        at_most("the payload", payload.len(), PAYLOAD_BYTES_MAX)?;
        let plain = || (Codec::None, Cow::Borrowed(payload));
        let (codec, stored) = if payload.len() <= PLAIN_BYTES_MAX {
            plain()
        } else {
            match zstd::bulk::compress(payload, ZSTD_LEVEL) {
                Ok(frame) if frame.len() < payload.len() => (Codec::Zstd, Cow::Owned(frame)),
                Ok(_) | Err(_) => plain(),
            }
        };
        let payload_bytes = payload.len() as u64;
        Ok(Self {
            codec,
            stored,
            payload_bytes,
            sha256: Hash256::of(payload),
        })
    }

    /// Returns the envelope around this payload and the bytes of the file.
    pub(crate) fn seal(&self, address: Address<'_>) -> Result<(Envelope, Vec<u8>), StoreError> {
        let envelope = Envelope {
            format: FORMAT,
            store: address.store,
            epoch: address.epoch,
            log: address.log,
            nonce: address.nonce,
            key: address.key.map(|(key, _)| key),
            key_text: address.key.map(|(_, text)| text.clone()),
            content: address.content,
            codec: self.codec,
            payload_bytes: self.payload_bytes,
            stored_bytes: self.stored.len() as u64,
            sha256: self.sha256,
            head_seen: address.head_seen,
            notes_head_seen: address.notes_head_seen,
            summary: Arc::clone(address.summary),
            recorded_at: address.recorded_at.to_owned(),
            other: Map::new(),
        };
        let header = envelope.header(self.stored.len() + TRAILER_BYTES);
        if header.len() > SUMMARY_BYTES_MAX {
            // Else the summary, which is a part of it, is shorter too.
            let summary_bytes = address.summary.to_string().len();
            at_most("the summary", summary_bytes, SUMMARY_BYTES_MAX)?;
        }
        at_most("the envelope", header.len(), HEADER_BYTES_MAX)?;
        Ok((envelope, assemble(header, &self.stored)))
    }
}

fn at_most(what: &'static str, size: usize, limit: usize) -> Result<(), StoreError> {
    if size <= limit {
        return Ok(());
    }
    Err(StoreError::TooLarge {
        what,
        size_bytes: size as u64,
        limit_bytes: limit as u64,
    })
}

pub(super) fn assemble(header: Vec<u8>, stored: &[u8]) -> Vec<u8> {
    let mut file = header;
    file.reserve_exact(stored.len() + TRAILER_BYTES);
    file.extend_from_slice(stored);
    file.push(b'\n');
    let crc = checksum(&file);
    file.extend_from_slice(crc.as_bytes());
    file.push(b'\n');
    file
}
