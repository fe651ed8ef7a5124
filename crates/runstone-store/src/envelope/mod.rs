//! The envelope: what is written around a payload, and how an entry becomes a file.
//!
//! ```text
//! {"format":1,"store":"…",…}⏎   header: one line of JSON, at most 16 KiB with its newline
//! stored payload                 as handed in, or one zstd frame
//! ⏎1a2b3c4d⏎                     crc32c over everything before its eight hex digits
//! ```
//!
//! Writers [`Packed::seal`] a payload, readers [`decode`] a file. The invariant guarded here: what
//! decodes without an error is, bit for bit, what one writer sealed; and reading is bounded
//! whatever the file declares. The entry's place is its file name and not in the file, so that a
//! lost race for a place costs another link and not another write. Which place, store and log a
//! file belongs to is left to the reader that knows where it found it.

mod known;
mod open;
mod seal;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use self::open::decompress;
pub use self::open::{EnvelopeError, decode, decode_header};
pub(crate) use self::seal::{Address, Packed};
use crate::hash::Hash256;
use crate::key::{Key, KeyText, Nonce, StoreId};
use crate::log::Seq;

/// Bytes of a header line, with its newline.
pub const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Bytes for which there is room before a header is written, chosen: those of nearly all.
const HEADER_BYTES_USUAL: usize = 2 * 1024;
/// Bytes of a payload, uncompressed, and so of a stored one.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of a file: header, payload, trailer.
pub(crate) const FILE_BYTES_MAX: usize = HEADER_BYTES_MAX + PAYLOAD_BYTES_MAX + TRAILER_BYTES;
/// A newline, eight hex digits, a newline.
const TRAILER_BYTES: usize = 10;

/// What a writer says about an entry.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Envelope {
    /// The format of the file.
    pub format: u64,
    /// The store it was written for.
    pub store: StoreId,
    /// The epoch of that store.
    pub epoch: u64,
    /// The log it was written for, by name.
    pub log: String,
    /// Tells this writing from every other.
    pub nonce: Nonce,
    /// The key it claims; none in logs without keys.
    pub key: Option<Key>,
    /// What the key is made of.
    #[serde(deserialize_with = "known::key_text")]
    pub key_text: Option<KeyText>,
    /// The digest of what the caller calls its content.
    pub content: Hash256,
    /// How the payload is stored.
    pub codec: Codec,
    /// Bytes of the payload.
    pub payload_bytes: u64,
    /// Bytes of the payload as stored.
    pub stored_bytes: u64,
    /// The digest of the payload, uncompressed.
    pub sha256: Hash256,
    /// The highest entry of the log that the writer saw before it claimed its key.
    #[serde(deserialize_with = "known::seen")]
    pub head_seen: Option<Seen>,
    /// The highest note the writer saw.
    #[serde(deserialize_with = "known::seen")]
    pub notes_head_seen: Option<Seen>,
    /// What the caller wants to show without reading the payload.
    #[serde(deserialize_with = "known::summary")]
    pub summary: Arc<Value>,
    /// The writer's clock. It orders nothing.
    pub recorded_at: String,
    /// Fields of a later writer.
    #[serde(flatten)]
    pub(crate) other: Map<String, Value>,
}

/// How a payload is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// As it is.
    None,
    /// As one zstd frame.
    Zstd,
}

/// An entry that a writer saw in a log: where, and what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its place.
    pub seq: Seq,
    /// The digest of its payload.
    pub sha256: Hash256,
}

/// The fields as they are written, in their order.
#[derive(Serialize)]
struct Written<'a> {
    format: u64,
    store: StoreId,
    epoch: u64,
    log: &'a str,
    nonce: Nonce,
    key: Option<Key>,
    key_text: Option<&'a KeyText>,
    content: Hash256,
    codec: Codec,
    payload_bytes: u64,
    stored_bytes: u64,
    sha256: Hash256,
    head_seen: Option<Seen>,
    notes_head_seen: Option<Seen>,
    summary: &'a Value,
    recorded_at: &'a str,
    #[serde(flatten)]
    other: &'a Map<String, Value>,
}

impl Envelope {
    /// Returns the header line, newline included, with room for so many bytes behind it.
    fn header(&self, behind_bytes: usize) -> Vec<u8> {
        let written = Written {
            format: self.format,
            store: self.store,
            epoch: self.epoch,
            log: &self.log,
            nonce: self.nonce,
            key: self.key,
            key_text: self.key_text.as_ref(),
            content: self.content,
            codec: self.codec,
            payload_bytes: self.payload_bytes,
            stored_bytes: self.stored_bytes,
            sha256: self.sha256,
            head_seen: self.head_seen,
            notes_head_seen: self.notes_head_seen,
            summary: &self.summary,
            recorded_at: &self.recorded_at,
            other: &self.other,
        };
        let mut line = Vec::with_capacity(HEADER_BYTES_USUAL + behind_bytes);
        serde_json::to_writer(&mut line, &written).expect("an envelope has only text for keys");
        line.push(b'\n');
        line
    }
}

/// Returns the checksum of these bytes as it is written: eight hex digits.
fn checksum(bytes: &[u8]) -> String {
    format!("{:08x}", crc32c::crc32c(bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::seal::{SUMMARY_BYTES_MAX, assemble};
    use super::*;
    use crate::error::StoreError;

    const GOLDEN: &[u8] = include_bytes!("../../tests/golden/entry-v1.bin");
    const NOTE: &[u8] = include_bytes!("../../tests/golden/note-v1.bin");
    const LATER: &[u8] = include_bytes!("../../tests/golden/entry-v1-later-writer.bin");
    const FRAME: &[u8] = include_bytes!("../../tests/golden/entry-v1-zstd.bin");

    fn address(summary: &Arc<Value>) -> Address<'_> {
        Address {
            store: StoreId::from_random([1; 16]),
            epoch: 0,
            log: "notes".to_owned(),
            nonce: Nonce::from_bytes([2; 16]),
            key: None,
            content: Hash256::of(b"content"),
            head_seen: None,
            notes_head_seen: None,
            summary,
            recorded_at: "2026-11-20T10:15:00Z",
        }
    }

    fn sealed(payload: &[u8]) -> Vec<u8> {
        Packed::new(payload)
            .unwrap()
            .seal(address(&Value::Null.into()))
            .unwrap()
            .1
    }

    proptest! {
        #[test]
        fn a_header_says_the_same_read_at_once_and_field_by_field(
            name in prop::sample::select(vec![
                "format", "store", "epoch", "log", "nonce", "key", "key_text", "content", "codec",
                "payload_bytes", "sha256", "head_seen", "summary", "recorded_at", "later",
            ]),
            value in prop::sample::select(vec![
                json!(null), json!(0), json!(1), json!(2), json!(-1), json!(1.0), json!(1e300),
                json!(""), json!("zstd"), json!("0".repeat(32)), json!([1]), json!({"seq": 1}),
                json!({"metrics": {"a": 0.1, "b": [null, "\u{e9}"]}}),
            ]),
            golden in prop::sample::select(vec![GOLDEN, NOTE, LATER]),
            is_twice in any::<bool>(),
        ) {
            let end = golden.iter().position(|byte| *byte == b'\n').unwrap();
            let mut line = golden[..end].to_vec();
            if is_twice {
                line.pop();
                line.extend_from_slice(format!(",\"{name}\":{value}}}").as_bytes());
            } else {
                let mut header: Map<String, Value> = serde_json::from_slice(&line).unwrap();
                header.insert(name.to_owned(), value);
                line = serde_json::to_vec(&header).unwrap();
            }
            let at_once = open::at_once(&line);
            let by_field = open::by_field(&line);
            if let Some(envelope) = at_once {
                prop_assert_eq!(envelope, by_field.unwrap());
            }
            prop_assert!(open::at_once(&golden[..end]).is_some());
        }
    }

    /// Puts the right checksum under a file that was changed.
    fn resealed(covered: &[u8]) -> Vec<u8> {
        let mut file = covered.to_vec();
        file.extend_from_slice(format!("{}\n", checksum(covered)).as_bytes());
        file
    }

    #[test]
    fn golden_entries_read_as_they_were_written() {
        let (envelope, payload) = decode(GOLDEN).unwrap();
        assert_eq!(payload, br#"{"auc":0.6118,"run_id":"churn-0412"}"#);
        assert_eq!(envelope.log, "cohorts/train.churn.0123456789abcdef/log");
        assert_eq!(
            envelope.nonce.to_string(),
            "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
        );
        let text = envelope.key_text.clone().unwrap();
        assert_eq!(envelope.key, Some(text.key(envelope.store)));
        assert_eq!((text.run.as_str(), text.attempt), ("churn-0412", 3));
        let seen = Seen {
            seq: Seq::new(26).unwrap(),
            sha256: Hash256::of(b"26"),
        };
        assert_eq!(envelope.head_seen, Some(seen));
        assert_eq!(
            *envelope.summary,
            json!({"primary": 0.6118, "status": "finished"})
        );
        assert_eq!(decode_header(GOLDEN).unwrap(), envelope);

        let (note, payload) = decode(NOTE).unwrap();
        assert_eq!(
            (note.key, note.key_text, note.head_seen),
            (None, None, None)
        );
        assert_eq!(payload, br#"{"pin":26}"#);

        let (framed, payload) = decode(FRAME).unwrap();
        assert_eq!(framed.codec, Codec::Zstd);
        assert!(payload.starts_with(br#"{"weights":[0,1,4,9"#));
    }

    #[test]
    fn golden_entries_are_written_again_bit_by_bit() {
        for golden in [GOLDEN, NOTE, LATER] {
            let (envelope, payload) = decode(golden).unwrap();
            assert_eq!(assemble(envelope.header(0), &payload), golden);
        }
    }

    #[test]
    fn fields_of_a_later_writer_are_kept() {
        let (envelope, _) = decode(LATER).unwrap();
        assert_eq!(envelope.other["colour"], "blue");
        assert_eq!(envelope.other.len(), 2);
    }

    #[test]
    fn newer_format_is_told_only_where_the_checksum_holds() {
        let newer = String::from_utf8_lossy(GOLDEN).replacen("\"format\":1", "\"format\":3", 1);
        let whole = resealed(&newer.as_bytes()[..newer.len() - 9]);
        for told in [decode(&whole).map(drop), decode_header(&whole).map(drop)] {
            assert!(matches!(told, Err(EnvelopeError::Newer { found: 3 })));
        }
        // One flipped bit of the digit is damage, not a later release.
        let told = decode(newer.as_bytes());
        assert!(matches!(told, Err(EnvelopeError::Checksum { .. })));
    }

    #[test]
    fn payloads_are_compressed_where_it_pays() {
        let of = |payload: &[u8]| Packed::new(payload).unwrap().codec;
        assert_eq!(of(&[b'a'; 4096]), Codec::None);
        assert_eq!(of(&[b'a'; 4097]), Codec::Zstd);
        let noise: Vec<u8> = (0..300_u32)
            .flat_map(|n| *Hash256::of(&n.to_be_bytes()).as_bytes())
            .collect();
        assert_eq!(of(&noise), Codec::None);
    }

    #[test]
    fn what_does_not_fit_is_refused_before_it_is_written() {
        let told = Packed::new(&vec![0; PAYLOAD_BYTES_MAX + 1]).unwrap_err();
        assert!(
            matches!(
                told,
                StoreError::TooLarge {
                    what: "the payload",
                    ..
                }
            ),
            "{told}"
        );
        let summary = json!("x".repeat(SUMMARY_BYTES_MAX)).into();
        let told = Packed::new(b"")
            .unwrap()
            .seal(address(&summary))
            .unwrap_err();
        assert!(
            matches!(
                told,
                StoreError::TooLarge {
                    what: "the summary",
                    ..
                }
            ),
            "{told}"
        );
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        for golden in [GOLDEN, FRAME] {
            for position in (0..golden.len()).step_by(7) {
                for bit in [0x01, 0x20, 0x80] {
                    let mut flipped = golden.to_vec();
                    flipped[position] ^= bit;
                    assert!(decode(&flipped).is_err(), "bit {bit:#x} of byte {position}");
                }
            }
        }
    }

    #[test]
    fn truncated_and_extended_files_are_told_by_their_length() {
        for length in 0..GOLDEN.len() {
            assert!(decode(&GOLDEN[..length]).is_err(), "{length} bytes");
        }
        let mut longer = GOLDEN.to_vec();
        longer.push(b'\n');
        assert!(matches!(decode(&longer), Err(EnvelopeError::Length { .. })));
    }

    #[test]
    fn digest_is_checked_even_where_the_checksum_holds() {
        let mut covered = GOLDEN[..GOLDEN.len() - 9].to_vec();
        let last = covered.len() - 3;
        covered[last] ^= 1;
        assert!(matches!(
            decode(&resealed(&covered)),
            Err(EnvelopeError::Digest { .. })
        ));
    }

    #[test]
    fn frame_that_holds_more_than_it_declares_is_cut_off() {
        let bomb = zstd::bulk::compress(&vec![0; 32 * 1024 * 1024], 3).unwrap();
        assert_eq!(decompress(&bomb, 1000).unwrap().len(), 1001);
    }

    #[test]
    fn frame_that_demands_a_huge_window_is_refused() {
        // Magic number, no single segment, a window of 2^31 bytes, one empty last block.
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00];
        assert!(decompress(&frame, 0).is_err());
    }

    #[test]
    fn impossible_sizes_are_refused_unread() {
        let huge = String::from_utf8_lossy(GOLDEN).replacen(
            "\"stored_bytes\":36",
            "\"stored_bytes\":18446744073709551615",
            1,
        );
        assert!(matches!(
            decode(huge.as_bytes()),
            Err(EnvelopeError::Length { .. })
        ));
    }

    proptest! {
        #[test]
        fn sealed_payloads_come_back(payload in proptest::collection::vec(any::<u8>(), 0..9000)) {
            let (envelope, read) = decode(&sealed(&payload)).unwrap();
            prop_assert_eq!(&read, &payload);
            prop_assert_eq!(envelope.sha256, Hash256::of(&payload));
        }

        #[test]
        fn noise_is_refused_and_never_panics(noise in proptest::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(decode(&noise).is_err());
            prop_assert!(decode_header(&noise).is_err());
        }
    }
}
