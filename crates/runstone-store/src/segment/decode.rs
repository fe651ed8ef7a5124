//! Decoding: from the bytes of a file to rows, and to the files of entries.
//!
//! [`Segment::open`] checks what stands before the frames, [`Segment::file`] one frame when it is
//! needed, [`decode`] everything. The invariant guarded here: lengths are checked before they are
//! believed, checksums before anything is returned. Whether a segment belongs where it was found,
//! and agrees with the slots, is left to the reader that found it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;

use super::chain::Chain;
use super::{
    FILE_BYTES_MAX, FRAME_BYTES, FRAME_ENTRIES, HEADER_BYTES_MAX, Level, PLACE_BYTES, ROW_BYTES,
    ROWS_MAX, Row, SUM_BYTES, SegmentError, Span,
};
use crate::descriptor::FORMAT;
use crate::envelope::{self, decompress};
use crate::hash::Hash256;
use crate::key::{Key, StoreId};
use crate::log::Seq;

/// A segment whose rows were checked, and whose frames are when they are needed.
#[derive(Debug)]
pub struct Segment {
    header: Header,
    rows: Vec<Row>,
    by_key: Vec<u16>,
    frames: Vec<Frame>,
    file: Vec<u8>,
    /// The frame that was decompressed last: whoever reads one entry reads the next.
    unpacked: Mutex<Option<(usize, Arc<Vec<u8>>)>>,
}

/// The format of a header, whatever else it says.
#[derive(Deserialize)]
struct Version {
    format: u64,
}

/// What a header says. Members of a later writer are passed over.
#[derive(Debug, Deserialize)]
struct Header {
    store: StoreId,
    log: String,
    first: Seq,
    entries: u32,
    frame_entries: u32,
    previous: Hash256,
    chain: Hash256,
}

/// Where a frame is, and what its bytes give.
#[derive(Debug)]
struct Frame {
    start: usize,
    end: usize,
    crc32c: u32,
}

/// Reads a whole segment, every frame and every entry of it, and checks it against itself.
///
/// # Errors
/// A [`SegmentError`] naming the first check that failed.
pub fn decode(file: &[u8]) -> Result<Segment, SegmentError> {
    let segment = Segment::open(file.to_vec())?;
    segment.check()?;
    Ok(segment)
}

impl Segment {
    /// Reads what stands before the frames.
    ///
    /// # Errors
    /// A [`SegmentError`] naming the first check that failed.
    pub fn open(file: Vec<u8>) -> Result<Self, SegmentError> {
        if file.len() > FILE_BYTES_MAX {
            let (expected, found) = (FILE_BYTES_MAX as u64, file.len() as u64);
            return Err(SegmentError::Length { expected, found });
        }
        let (header, begin) = header_of(&file)?;
        let entries = header.entries as usize;
        let frames = if header.frame_entries == 0 {
            0
        } else {
            entries.div_ceil(header.frame_entries as usize)
        };
        let rows_end = begin + entries * ROW_BYTES;
        let places_end = rows_end + entries * PLACE_BYTES;
        let frames_end = places_end + frames * FRAME_BYTES;
        let index_end = frames_end + SUM_BYTES;
        if file.len() < index_end {
            let (expected, found) = (index_end as u64, file.len() as u64);
            return Err(SegmentError::Length { expected, found });
        }
        check_index(&file[..index_end])?;

        let rows: Vec<Row> = file[begin..rows_end]
            .chunks_exact(ROW_BYTES)
            .map(row_of)
            .collect();
        let by_key: Vec<u16> = file[rows_end..places_end]
            .chunks_exact(PLACE_BYTES)
            .map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
            .collect();
        check_order(&rows, &by_key)?;
        let mut start = index_end;
        let mut places = Vec::with_capacity(frames);
        for bytes in file[places_end..frames_end].chunks_exact(FRAME_BYTES) {
            // The sum of 256 lengths of four bytes each fits.
            let end = start.saturating_add(number(&bytes[..4]) as usize);
            let crc32c = number(&bytes[4..]);
            places.push(Frame { start, end, crc32c });
            start = end;
        }
        if file.len() != start {
            let (expected, found) = (start as u64, file.len() as u64);
            return Err(SegmentError::Length { expected, found });
        }
        Ok(Self {
            header,
            rows,
            by_key,
            frames: places,
            file,
            unpacked: Mutex::new(None),
        })
    }

    /// Returns the store it was sealed for.
    pub const fn store(&self) -> StoreId {
        self.header.store
    }

    /// Returns the name of the log it was sealed of.
    pub fn log(&self) -> &str {
        &self.header.log
    }

    /// Returns its first place.
    pub const fn first(&self) -> Seq {
        self.header.first
    }

    /// Returns its last place.
    pub fn last(&self) -> Seq {
        // A segment has one entry at least.
        self.first().plus(self.rows.len() as u64 - 1)
    }

    /// Returns whether it is what a segment of these places has to be.
    pub(crate) fn is_of(&self, span: Span) -> bool {
        self.first() == span.first()
            && self.rows.len() as u64 == span.width()
            && self.has_files() == (span.level() == Level::Entries)
    }

    /// Returns its rows, from the first place on.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Returns whether it has the files of its entries, and not their rows alone.
    pub fn has_files(&self) -> bool {
        !self.frames.is_empty()
    }

    /// Returns the chain before its first entry.
    pub const fn previous(&self) -> Chain {
        Chain::from_hash(self.header.previous)
    }

    /// Returns the chain after its last entry.
    pub const fn chain(&self) -> Chain {
        Chain::from_hash(self.header.chain)
    }

    /// Returns what it says of a place; nothing if the place is none of its own.
    pub fn row(&self, seq: Seq) -> Option<&Row> {
        self.rows.get(self.position(seq)?)
    }

    /// Returns the first place, at or after `from`, that holds a key.
    pub fn place_of(&self, key: &Key, from: Seq) -> Option<Seq> {
        let at = |place: &u16| &self.rows[usize::from(*place)];
        let begin = self.by_key.partition_point(|place| at(place).key < *key);
        let same = self.by_key[begin..].iter();
        same.take_while(|place| at(place).key == *key)
            .map(|place| self.header.first.plus(u64::from(*place)))
            .find(|seq| *seq >= from)
    }

    /// Returns the file of the entry at a place, checked against its row; nothing if the segment
    /// does not have it.
    ///
    /// # Errors
    /// A [`SegmentError`] if the frame it is in is damaged.
    pub fn file(&self, seq: Seq) -> Result<Option<Vec<u8>>, SegmentError> {
        let Some(position) = self.position(seq).filter(|_| self.has_files()) else {
            return Ok(None);
        };
        let row = self.rows[position];
        if !row.is_held() {
            return Ok(None);
        }
        let per_frame = self.header.frame_entries as usize;
        let number = position / per_frame;
        let frame = self.frame(number)?;
        let start: usize = self.rows[number * per_frame..position]
            .iter()
            .filter(|row| row.is_held())
            .map(|row| row.file_bytes as usize)
            .sum();
        let file = frame[start..start + row.file_bytes as usize].to_vec();
        sum("an entry", row.crc32c, &file)?;
        Ok(Some(file))
    }

    /// Returns whether another segment says the same, however it is compressed: it stands at the
    /// same place in the same chain, and has the same entries bit for bit.
    ///
    /// # Errors
    /// A [`SegmentError`] if a frame of either is damaged.
    pub fn is_same_as(&self, other: &Self) -> Result<bool, SegmentError> {
        let says = |it: &Self| (it.store(), it.first(), it.previous(), it.chain());
        let same = says(self) == says(other)
            && self.log() == other.log()
            && self.rows == other.rows
            && self.has_files() == other.has_files();
        let mut seq = self.first();
        for _ in 0..if same { self.rows.len() } else { 0 } {
            if self.file(seq)? != other.file(seq)? {
                return Ok(false);
            }
            seq = seq.next();
        }
        Ok(same)
    }

    /// Reads every frame and every entry, and the chain.
    ///
    /// # Errors
    /// A [`SegmentError`] naming the first check that failed.
    pub fn check(&self) -> Result<(), SegmentError> {
        let found = self.previous().after(self.header.first, &self.rows).hash();
        if found != self.header.chain {
            let expected = self.header.chain;
            return Err(SegmentError::Chain { expected, found });
        }
        let mut seq = self.header.first;
        for row in &self.rows {
            if let Some(file) = self.file(seq)? {
                let (envelope, _) = envelope::decode(&file)
                    .map_err(|source| SegmentError::Entry { seq, source })?;
                if envelope.key != Some(row.key) || envelope.sha256 != row.sha256 {
                    return Err(SegmentError::Another { seq });
                }
            }
            seq = seq.next();
        }
        Ok(())
    }

    fn position(&self, seq: Seq) -> Option<usize> {
        let position = usize::try_from(seq.get().checked_sub(self.header.first.get())?).ok()?;
        (position < self.rows.len()).then_some(position)
    }

    fn unpacked(&self) -> MutexGuard<'_, Option<(usize, Arc<Vec<u8>>)>> {
        // What is kept is true by itself, whoever panicked.
        self.unpacked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns about how many bytes of memory it takes.
    pub(crate) fn size_bytes(&self) -> usize {
        let frame = self.unpacked().as_ref().map_or(0, |(_, bytes)| bytes.len());
        self.file.len() + self.rows.len() * size_of::<Row>() + frame
    }

    /// Decompresses a frame, of exactly the bytes that its rows say.
    fn frame(&self, number: usize) -> Result<Arc<Vec<u8>>, SegmentError> {
        if let Some((last, bytes)) = &*self.unpacked()
            && *last == number
        {
            return Ok(Arc::clone(bytes));
        }
        let per_frame = self.header.frame_entries as usize;
        let rows = self.rows.chunks(per_frame).nth(number).unwrap_or_default();
        let held = rows.iter().filter(|row| row.is_held());
        let expected: u64 = held.map(|row| u64::from(row.file_bytes)).sum();
        let frame = &self.frames[number];
        let stored = &self.file[frame.start..frame.end];
        sum("a frame", frame.crc32c, stored)?;
        let bytes = decompress(stored, expected).map_err(SegmentError::Frame)?;
        if bytes.len() as u64 != expected {
            let found = bytes.len() as u64;
            return Err(SegmentError::Length { expected, found });
        }
        let bytes = Arc::new(bytes);
        *self.unpacked() = Some((number, Arc::clone(&bytes)));
        Ok(bytes)
    }
}

/// Parses the header, and checks what it declares against what a segment may have.
fn header_of(file: &[u8]) -> Result<(Header, usize), SegmentError> {
    let window = &file[..file.len().min(HEADER_BYTES_MAX)];
    let newline = window.iter().position(|byte| *byte == b'\n');
    let line = &window[..newline.ok_or(SegmentError::NoHeader)?];
    let version: Version = serde_json::from_slice(line).map_err(SegmentError::Header)?;
    if version.format > FORMAT {
        return Err(SegmentError::Newer {
            found: version.format,
        });
    }
    let header: Header = serde_json::from_slice(line).map_err(SegmentError::Header)?;
    let declared = [
        ("entries", header.entries, 1..=ROWS_MAX),
        (
            "entries of a frame",
            header.frame_entries,
            0..=FRAME_ENTRIES,
        ),
    ];
    for (what, found, legal) in declared {
        if !legal.contains(&found) {
            let found = u64::from(found);
            return Err(SegmentError::Declared { what, found });
        }
    }
    Ok((header, line.len() + 1))
}

/// Checks the sum at the end of what stands before the frames.
fn check_index(index: &[u8]) -> Result<(), SegmentError> {
    let (covered, digits) = index.split_at(index.len() - (SUM_BYTES - 1));
    let found = crc32c::crc32c(covered);
    let text = std::str::from_utf8(digits).unwrap_or_default().trim_end();
    let expected = u32::from_str_radix(text, 16).unwrap_or(!found);
    if covered.last() != Some(&b'\n') || digits != format!("{found:08x}\n").as_bytes() {
        return Err(SegmentError::Checksum {
            part: "the rows",
            expected,
            found,
        });
    }
    Ok(())
}

/// Checks that every row is named once, and that their keys ascend.
fn check_order(rows: &[Row], by_key: &[u16]) -> Result<(), SegmentError> {
    let mut keys = Vec::with_capacity(by_key.len());
    for place in by_key {
        let row = rows.get(usize::from(*place)).ok_or(SegmentError::Order)?;
        keys.push((row.key, *place));
    }
    if keys.is_sorted_by(|a, b| a < b) {
        Ok(())
    } else {
        Err(SegmentError::Order)
    }
}

fn row_of(bytes: &[u8]) -> Row {
    let hash = |bytes: &[u8]| {
        let mut hash = [0; 32];
        hash.copy_from_slice(bytes);
        Hash256::from_bytes(hash)
    };
    Row {
        key: Key::from_digest(hash(&bytes[..32])),
        sha256: hash(&bytes[32..64]),
        file_bytes: number(&bytes[64..68]),
        crc32c: number(&bytes[68..72]),
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn sum(part: &'static str, expected: u32, bytes: &[u8]) -> Result<(), SegmentError> {
    let found = crc32c::crc32c(bytes);
    if found == expected {
        return Ok(());
    }
    Err(SegmentError::Checksum {
        part,
        expected,
        found,
    })
}
