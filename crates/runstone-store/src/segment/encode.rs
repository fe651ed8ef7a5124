//! Encoding: from the files of entries to the bytes of a segment.
//!
//! The invariant guarded here: nothing is written that a reader would refuse, what is written
//! depends on the entries alone, and of their files no more is held than one frame, however many
//! there are.

use serde::Serialize;

use super::chain::Chain;
use super::{ENTRY_BYTES_MAX, Row};
use crate::descriptor::FORMAT;
use crate::hash::Hash256;
use crate::key::StoreId;
use crate::log::Seq;

/// The default of zstd, chosen: higher levels gain little on JSON of this size.
const ZSTD_LEVEL: i32 = 3;

/// Which entries are sealed, and what they follow.
#[derive(Debug, Clone, Copy)]
pub struct Sealing<'a> {
    /// The store they stand in.
    pub store: StoreId,
    /// The name of their log.
    pub log: &'a str,
    /// The place of the first one.
    pub first: Seq,
    /// The chain before the first entry.
    pub previous: Chain,
}

/// The files of entries, in frames: the one that is being filled, and those that are compressed.
#[derive(Debug)]
pub struct Frames {
    per_frame: u32,
    compressed: Vec<Vec<u8>>,
    filling: Vec<u8>,
    entries: u32,
}

impl Frames {
    /// Returns the frames of a segment that has none.
    pub const fn none() -> Self {
        Self::of(0)
    }

    /// Begins frames of so many entries each.
    pub const fn of(per_frame: u32) -> Self {
        Self {
            per_frame,
            compressed: Vec::new(),
            filling: Vec::new(),
            entries: 0,
        }
    }

    /// Takes the file of the next entry; of one that is too large nothing is held.
    ///
    /// # Errors
    /// What the compressor says, such as that there is no memory.
    pub fn push(&mut self, file: &[u8]) -> std::io::Result<()> {
        if self.per_frame == 0 {
            return Ok(());
        }
        if file.len() <= ENTRY_BYTES_MAX as usize {
            self.filling.extend_from_slice(file);
        }
        self.entries += 1;
        if self.entries == self.per_frame {
            self.end_frame()?;
        }
        Ok(())
    }

    fn end_frame(&mut self) -> std::io::Result<()> {
        if self.entries > 0 {
            let frame = zstd::bulk::compress(&self.filling, ZSTD_LEVEL)?;
            self.compressed.push(frame);
            self.filling.clear();
            self.entries = 0;
        }
        Ok(())
    }
}

/// The header, in the order in which it is written.
#[derive(Serialize)]
struct Written<'a> {
    format: u64,
    store: StoreId,
    log: &'a str,
    first: Seq,
    entries: usize,
    frame_entries: u32,
    previous: Hash256,
    chain: Hash256,
}

/// Returns the bytes of a segment: of the rows, and of the frames that the files of all of them are
/// in.
///
/// # Errors
/// What the compressor says, such as that there is no memory.
pub fn encode(sealing: &Sealing<'_>, rows: &[Row], mut frames: Frames) -> std::io::Result<Vec<u8>> {
    frames.end_frame()?;
    let written = Written {
        format: FORMAT,
        store: sealing.store,
        log: sealing.log,
        first: sealing.first,
        entries: rows.len(),
        frame_entries: frames.per_frame,
        previous: sealing.previous.hash(),
        chain: sealing.previous.after(sealing.first, rows).hash(),
    };
    let mut bytes = serde_json::to_vec(&written).map_err(std::io::Error::other)?;
    bytes.push(b'\n');
    for row in rows {
        bytes.extend_from_slice(row.key.digest().as_bytes());
        bytes.extend_from_slice(row.sha256.as_bytes());
        bytes.extend_from_slice(&row.file_bytes.to_be_bytes());
        bytes.extend_from_slice(&row.crc32c.to_be_bytes());
    }
    for place in by_key(rows) {
        bytes.extend_from_slice(&place.to_be_bytes());
    }
    let frames = frames.compressed;
    for frame in &frames {
        let length = u32::try_from(frame.len()).map_err(std::io::Error::other)?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(frame).to_be_bytes());
    }
    bytes.push(b'\n');
    let sum = format!("{:08x}\n", crc32c::crc32c(&bytes));
    bytes.extend_from_slice(sum.as_bytes());
    bytes.reserve_exact(frames.iter().map(Vec::len).sum());
    // Each is let go as soon as it is copied.
    for frame in frames {
        bytes.extend_from_slice(&frame);
    }
    Ok(bytes)
}

/// Returns the numbers of the rows in the order of their keys; of equal keys, the first one first.
fn by_key(rows: &[Row]) -> Vec<u16> {
    let mut places: Vec<u16> = (0..=u16::MAX).take(rows.len()).collect();
    places.sort_by_key(|place| rows[usize::from(*place)].key);
    places
}
