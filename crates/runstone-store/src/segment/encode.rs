//! Encoding: from the files of entries to the bytes of a segment.
//!
//! The invariant guarded here: nothing is written that a reader would refuse, and what is written
//! depends on the entries alone.

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
    /// Entries of a frame; 0 for a segment of rows alone.
    pub frame_entries: u32,
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

/// Returns the bytes of a segment: of the rows, and of the file of each entry where it has frames.
///
/// # Errors
/// What the compressor says, such as that there is no memory.
pub fn encode(
    sealing: &Sealing<'_>,
    rows: &[Row],
    files: &[impl AsRef<[u8]>],
) -> std::io::Result<Vec<u8>> {
    let frames = frames(sealing.frame_entries, files)?;
    let written = Written {
        format: FORMAT,
        store: sealing.store,
        log: sealing.log,
        first: sealing.first,
        entries: rows.len(),
        frame_entries: sealing.frame_entries,
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
    for frame in &frames {
        let length = u32::try_from(frame.len()).map_err(std::io::Error::other)?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(frame).to_be_bytes());
    }
    bytes.push(b'\n');
    let sum = format!("{:08x}\n", crc32c::crc32c(&bytes));
    bytes.extend_from_slice(sum.as_bytes());
    for frame in &frames {
        bytes.extend_from_slice(frame);
    }
    Ok(bytes)
}

/// Returns the numbers of the rows in the order of their keys; of equal keys, the first one first.
fn by_key(rows: &[Row]) -> Vec<u16> {
    let mut places: Vec<u16> = (0..=u16::MAX).take(rows.len()).collect();
    places.sort_by_key(|place| rows[usize::from(*place)].key);
    places
}

fn frames(frame_entries: u32, files: &[impl AsRef<[u8]>]) -> std::io::Result<Vec<Vec<u8>>> {
    if frame_entries == 0 {
        return Ok(Vec::new());
    }
    let frame = |files: &[_]| {
        let held = files.iter().map(AsRef::as_ref);
        let held = held.filter(|file: &&[u8]| file.len() <= ENTRY_BYTES_MAX as usize);
        zstd::bulk::compress(&held.collect::<Vec<_>>().concat(), ZSTD_LEVEL)
    };
    files.chunks(frame_entries as usize).map(frame).collect()
}
