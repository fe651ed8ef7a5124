//! Segments: many entries of a log in one file, so that a look over many opens few files.
//!
//! ```text
//! {"format":1,"store":…}⏎     header: one line of JSON, at most 4 KiB with its newline
//! rows                         72 bytes an entry: key, digest, length of its file, checksum of that
//! places by key                2 bytes an entry: the rows in the order of their keys
//! frames                       8 bytes a frame: its length and its CRC-32C
//! ⏎1a2b3c4d⏎                   CRC-32C of everything before its eight digits
//! zstd frames                  the files of the entries, one after the other, some to a frame
//! ```
//!
//! A segment is derived: its entries are the bytes that were durable in their slots, and it may be
//! lost, old or garbage at the price of time. Whatever names a segment's content names it
//! uncompressed, so that another release may compress it otherwise. Each segment carries the chain,
//! a digest over place, key and digest of every entry of its log up to its last one, so that a whole
//! segment tells what stood in a slot that was damaged since.
//!
//! The invariants guarded here: what a segment says depends on its entries alone; what opens
//! without an error was sealed by a writer, bit for bit as far as it was read; and reading is
//! bounded, whatever the file declares. No file is opened here, and which slots may be sealed is
//! left to the engine.

mod chain;
mod decode;
mod encode;
mod error;
mod span;

pub use self::chain::Chain;
pub use self::decode::{Segment, decode};
pub use self::encode::{Frames, Sealing, encode};
pub use self::error::SegmentError;
pub(crate) use self::span::{Level, Span};
use crate::envelope::Envelope;
use crate::hash::Hash256;
use crate::key::Key;

/// Entries of a segment that has their bytes: chosen, so that a thousand are read from four files,
/// and few stand outside.
pub const ENTRIES: u64 = 256;
/// Segments that are joined in one without their entries.
pub const FAN_OUT: u64 = 16;
/// Entries of a frame: chosen; JSON of the same shape compresses well together, and who wants one
/// entry decompresses fifteen others.
pub const FRAME_ENTRIES: u32 = 16;
/// Bytes of an entry's file beyond which a segment has its row and not its bytes: copying it would
/// spare nobody anything.
pub const ENTRY_BYTES_MAX: u32 = 256 * 1024;

/// Bytes of a header line, with its newline.
const HEADER_BYTES_MAX: usize = 4 * 1024;
/// Entries a segment may have rows of.
const ROWS_MAX: u32 = 4096;
/// Key, digest, length and checksum of an entry.
const ROW_BYTES: usize = 32 + 32 + 4 + 4;
/// A row's number, in the order of keys.
const PLACE_BYTES: usize = 2;
/// Length and checksum of a frame.
const FRAME_BYTES: usize = 4 + 4;
/// A newline, eight hex digits, a newline.
const SUM_BYTES: usize = 10;

/// Bytes of a segment at most: every entry of 256 as large as it may be, and none compressible.
pub(crate) const FILE_BYTES_MAX: usize = INDEX_BYTES_MAX + 256 * (ENTRY_BYTES_MAX as usize + 1024);
/// Bytes before the frames at most.
const INDEX_BYTES_MAX: usize =
    HEADER_BYTES_MAX + ROWS_MAX as usize * (ROW_BYTES + PLACE_BYTES + FRAME_BYTES) + SUM_BYTES;

/// What a segment says of one entry without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The key it holds.
    pub key: Key,
    /// The digest of its payload.
    pub sha256: Hash256,
    /// Bytes of its file.
    pub file_bytes: u32,
    /// CRC-32C of its whole file.
    pub crc32c: u32,
}

impl Row {
    /// Returns the row of an entry, whose file is these bytes; nothing for an entry without a key.
    pub fn of(file: &[u8], envelope: &Envelope) -> Option<Self> {
        Some(Self {
            key: envelope.key?,
            sha256: envelope.sha256,
            file_bytes: u32::try_from(file.len()).ok()?,
            crc32c: crc32c::crc32c(file),
        })
    }

    /// Returns whether a segment with frames has the bytes of this entry.
    const fn is_held(&self) -> bool {
        self.file_bytes <= ENTRY_BYTES_MAX
    }

    /// Returns whether a segment with frames has the bytes of an entry with this file.
    pub(crate) const fn may_hold(file: &[u8]) -> bool {
        file.len() <= ENTRY_BYTES_MAX as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::envelope;
    use crate::key::StoreId;
    use crate::log::Seq;

    const GOLDEN: &[u8] = include_bytes!("../../tests/golden/segment-v1.bin");
    const ENTRIES: [&[u8]; 3] = [
        include_bytes!("../../tests/golden/entry-v1.bin"),
        include_bytes!("../../tests/golden/entry-v1-zstd.bin"),
        include_bytes!("../../tests/golden/entry-v1-later-writer.bin"),
    ];
    const LOG: &str = "cohorts/train.churn.0123456789abcdef/log";

    fn seq(number: u64) -> Seq {
        Seq::new(number).unwrap()
    }

    fn rows() -> Vec<Row> {
        let row = |file: &&[u8]| Row::of(file, &envelope::decode(file).unwrap().0).unwrap();
        ENTRIES.iter().map(row).collect()
    }

    fn sealing() -> Sealing<'static> {
        let golden = decode(GOLDEN).unwrap();
        Sealing {
            store: golden.store(),
            log: LOG,
            first: seq(300),
            previous: golden.previous(),
        }
    }

    fn frames(files: &[&[u8]]) -> Frames {
        let mut frames = Frames::of(2);
        for file in files {
            frames.push(file).unwrap();
        }
        frames
    }

    /// A row of which nothing but the key means anything.
    fn keyed(byte: u8) -> Row {
        Row {
            key: Key::from_digest(Hash256::from_bytes([byte; 32])),
            sha256: Hash256::of(&[byte]),
            file_bytes: 0,
            crc32c: 0,
        }
    }

    #[test]
    fn golden_segment_reads_as_it_was_written() {
        let golden = decode(GOLDEN).unwrap();
        assert_eq!((golden.log(), golden.first()), (LOG, seq(300)));
        assert_eq!(golden.previous().hash(), Hash256::of(b"299"));
        assert_eq!(golden.rows(), rows());
        for (file, place) in ENTRIES.into_iter().zip(300..) {
            assert_eq!(golden.file(seq(place)).unwrap().unwrap(), file);
        }
        for foreign in [1, 299, 303, u64::MAX] {
            assert_eq!(golden.file(seq(foreign)).unwrap(), None);
            assert_eq!(golden.row(seq(foreign)), None);
        }
    }

    #[test]
    fn golden_segment_is_written_again_up_to_its_frames() {
        let again = encode(&sealing(), &rows(), frames(&ENTRIES)).unwrap();
        let before_frames = |file: &[u8]| {
            let header = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
            header + ENTRIES.len() * (ROW_BYTES + PLACE_BYTES)
        };
        // The frames may be compressed otherwise, and so may have other lengths and checksums.
        assert_eq!(
            again[..before_frames(&again)],
            GOLDEN[..before_frames(GOLDEN)]
        );
        let again = decode(&again).unwrap();
        assert!(again.is_same_as(&decode(GOLDEN).unwrap()).unwrap());
    }

    #[test]
    fn key_is_found_at_its_first_place_from_where_it_is_sought() {
        let golden = decode(GOLDEN).unwrap();
        let key = rows()[0].key;
        for (from, found) in [
            (1, Some(300)),
            (301, Some(301)),
            (302, Some(302)),
            (303, None),
        ] {
            assert_eq!(golden.place_of(&key, seq(from)), found.map(seq));
        }
        assert_eq!(golden.place_of(&keyed(7).key, seq(1)), None);
    }

    #[test]
    fn segment_of_rows_alone_continues_the_chain_and_finds_keys() {
        let rows: Vec<Row> = (0..100).map(|n: u8| keyed(n.wrapping_mul(91))).collect();
        let of_log = Chain::of_log(StoreId::from_random([1; 16]), LOG);
        let sealing = Sealing {
            store: StoreId::from_random([1; 16]),
            log: LOG,
            first: seq(1),
            previous: of_log,
        };
        let segment = decode(&encode(&sealing, &rows, Frames::none()).unwrap()).unwrap();
        assert!(!segment.has_files());
        assert_eq!(segment.file(seq(1)).unwrap(), None);
        let half = of_log.after(seq(1), &rows[..50]);
        assert_eq!(segment.chain(), half.after(seq(51), &rows[50..]));
        for (row, place) in rows.iter().zip(1..) {
            assert_eq!(segment.place_of(&row.key, seq(1)), Some(seq(place)));
        }
    }

    #[test]
    fn entry_too_large_for_a_segment_has_its_row_alone() {
        let mut rows = rows();
        rows[1].file_bytes = ENTRY_BYTES_MAX + 1;
        let large = vec![0; ENTRY_BYTES_MAX as usize + 1];
        let files = [ENTRIES[0], &large, ENTRIES[2]];
        let segment = decode(&encode(&sealing(), &rows, frames(&files)).unwrap()).unwrap();
        assert_eq!(segment.file(seq(301)).unwrap(), None);
        for (file, place) in [(ENTRIES[0], 300), (ENTRIES[2], 302)] {
            assert_eq!(segment.file(seq(place)).unwrap().unwrap(), file);
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        for position in 0..GOLDEN.len() {
            let mut flipped = GOLDEN.to_vec();
            flipped[position] ^= 1 << (position % 8);
            assert!(decode(&flipped).is_err(), "byte {position}");
        }
    }

    #[test]
    fn truncated_and_extended_segments_are_refused() {
        for length in 0..GOLDEN.len() {
            assert!(decode(&GOLDEN[..length]).is_err(), "{length} bytes");
        }
        let longer = [GOLDEN, b"\n"].concat();
        assert!(matches!(decode(&longer), Err(SegmentError::Length { .. })));
    }

    #[test]
    fn row_that_names_another_entry_is_noticed_although_every_sum_holds() {
        let mut rows = rows();
        rows[1].sha256 = Hash256::of(b"another");
        let told = decode(&encode(&sealing(), &rows, frames(&ENTRIES)).unwrap());
        assert!(
            matches!(told, Err(SegmentError::Another { .. })),
            "{told:?}"
        );
    }

    #[test]
    fn later_format_and_impossible_sizes_are_told() {
        let with = |old: &str, new: &str| {
            let at = GOLDEN
                .windows(old.len())
                .position(|it| it == old.as_bytes())
                .unwrap();
            let (before, after) = (&GOLDEN[..at], &GOLDEN[at + old.len()..]);
            decode(&[before, new.as_bytes(), after].concat()).unwrap_err()
        };
        let told = with("\"format\":1", "\"format\":2");
        assert!(matches!(told, SegmentError::Newer { found: 2 }));
        for impossible in ["0", "4097", "4294967295"] {
            let told = with("\"entries\":3", &format!("\"entries\":{impossible}"));
            assert!(matches!(told, SegmentError::Declared { .. }), "{told}");
        }
        let told = with("\"frame_entries\":2", "\"frame_entries\":17");
        assert!(matches!(told, SegmentError::Declared { .. }), "{told}");
    }

    proptest! {
        #[test]
        fn noise_is_refused_and_never_panics(
            header in any::<bool>(),
            noise in proptest::collection::vec(any::<u8>(), 0..2000),
        ) {
            let line = GOLDEN.iter().position(|byte| *byte == b'\n').unwrap();
            let begin = if header { &GOLDEN[..=line] } else { &[] };
            prop_assert!(decode(&[begin, &noise].concat()).is_err());
        }

        #[test]
        fn what_stands_under_right_sums_never_panics(
            position in 0..GOLDEN.len(),
            byte in any::<u8>(),
        ) {
            // The sum of the rows is put right after the change, so that what they declare counts.
            let mut changed = GOLDEN.to_vec();
            changed[position] = byte;
            let header = GOLDEN.iter().position(|byte| *byte == b'\n').unwrap() + 1;
            let end = header + 3 * (ROW_BYTES + PLACE_BYTES) + 2 * FRAME_BYTES + 1;
            let sum = format!("{:08x}\n", crc32c::crc32c(&changed[..end]));
            changed[end..end + 9].copy_from_slice(sum.as_bytes());
            if let Ok(segment) = decode(&changed) {
                prop_assert_eq!(segment.rows().len(), 3);
            }
        }
    }
}
