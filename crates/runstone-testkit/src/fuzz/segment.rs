//! Sealed segments.

use runstone_store::segment::{Chain, Frames, Row, Sealing, Segment, decode, encode};
use runstone_store::{Seq, StoreId, decode as decode_entry};

use super::{crc32, flipped};

/// Bytes of a row, of its place in the order of keys, and of a frame's length and checksum.
const ROW_BYTES: usize = 72;
const PLACE_BYTES: usize = 2;
const FRAME_BYTES: usize = 8;

/// A segment that is accepted is the same when it is sealed again; with a bit flipped or a byte
/// more or less it is refused; and one that opens can be asked everything.
///
/// # Panics
/// If that is not so.
pub fn segment(bytes: &[u8]) {
    promise(bytes);
    if let Some(sealed) = sealed(bytes) {
        promise(&sealed);
    }
    from_entries(bytes);
}

fn promise(file: &[u8]) {
    if let Ok(opened) = Segment::open(file.to_vec()) {
        ask(&opened);
        // Everything but the frames is under a sum, and the sum too.
        assert_eq!(decode(file).is_ok(), opened.check().is_ok());
    }
    let Ok(whole) = decode(file) else { return };
    assert!(decode(&flipped(file)).is_err(), "a flipped bit is accepted");
    let shorter = &file[..file.len() - 1];
    assert!(decode(shorter).is_err(), "a lost byte is accepted");
    let longer = [file, b"\n"].concat();
    assert!(decode(&longer).is_err(), "a byte more is accepted");
    again(&whole);
}

/// Asks about every place and every key, and some that are not there.
fn ask(segment: &Segment) {
    let mut place = segment.first();
    for row in segment.rows() {
        assert_eq!(segment.row(place), Some(row));
        let found = segment.place_of(&row.key, segment.first());
        assert!(found.is_some_and(|found| found <= place));
        if let Ok(Some(file)) = segment.file(place) {
            assert_eq!(file.len(), row.file_bytes as usize);
            assert_eq!(crc32(&file), row.crc32c);
        }
        place = place.next();
    }
    if place > segment.last() {
        assert_eq!(segment.row(place), None);
    }
}

/// Seals what a segment holds, where it holds every entry.
fn again(segment: &Segment) {
    let mut files = Vec::new();
    let mut place = segment.first();
    for _ in segment.rows() {
        match segment.file(place) {
            Ok(Some(file)) => files.push(file),
            _ if segment.has_files() => return,
            _ => {}
        }
        place = place.next();
    }
    let sealing = Sealing {
        store: segment.store(),
        log: segment.log(),
        first: segment.first(),
        previous: segment.previous(),
    };
    let frames = frames(if segment.has_files() { 7 } else { 0 }, &files);
    let again = encode(&sealing, segment.rows(), frames).expect("memory for a small segment");
    let again = decode(&again).expect("what was sealed is read");
    assert!(again.is_same_as(segment).expect("both are whole"));
}

fn frames(per_frame: u32, files: &[impl AsRef<[u8]>]) -> Frames {
    let mut frames = Frames::of(per_frame);
    for file in files {
        let packed = frames.push(file.as_ref());
        packed.expect("memory for a small segment");
    }
    frames
}

/// Returns the same bytes with the checksums that they should carry, where their header leaves room
/// for them: few arbitrary bytes carry their own.
fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let begin = bytes.iter().position(|byte| *byte == b'\n')? + 1;
    let header: serde_json::Value = serde_json::from_slice(&bytes[..begin]).ok()?;
    let number = |name: &str| usize::try_from(header[name].as_u64()?).ok();
    let entries = number("entries").filter(|entries| *entries <= 4096)?;
    let per_frame = number("frame_entries").filter(|per_frame| *per_frame <= 16)?;
    let frames = entries
        .checked_div(per_frame)
        .map_or(0, |_| entries.div_ceil(per_frame));
    let table = begin + entries * (ROW_BYTES + PLACE_BYTES);
    let end = table + frames * FRAME_BYTES;
    let mut sealed = bytes.to_vec();
    let mut start = end + 10;
    for frame in 0..frames {
        let at = table + frame * FRAME_BYTES;
        let length = u32::from_be_bytes(sealed.get(at..at + 4)?.try_into().ok()?);
        let stop = start.checked_add(length as usize)?;
        let sum = crc32(bytes.get(start..stop)?);
        sealed[at + 4..at + 8].copy_from_slice(&sum.to_be_bytes());
        start = stop;
    }
    *sealed.get_mut(end)? = b'\n';
    let sum = format!("{:08x}\n", crc32(&sealed[..=end]));
    sealed
        .get_mut(end + 1..end + 10)?
        .copy_from_slice(sum.as_bytes());
    Some(sealed)
}

/// Seals entries in an order that the bytes say, and reads them.
fn from_entries(bytes: &[u8]) {
    const ENTRIES: [&[u8]; 3] = [
        include_bytes!("../../../runstone-store/tests/golden/entry-v1.bin"),
        include_bytes!("../../../runstone-store/tests/golden/entry-v1-zstd.bin"),
        include_bytes!("../../../runstone-store/tests/golden/entry-v1-later-writer.bin"),
    ];
    let Some(([first, per_frame], order)) = bytes.split_first_chunk() else {
        return;
    };
    let order = &order[..order.len().min(20)];
    let files: Vec<&[u8]> = order
        .iter()
        .map(|byte| ENTRIES[usize::from(*byte) % 3])
        .collect();
    let rows: Vec<Row> = files
        .iter()
        .filter_map(|file| Row::of(file, &decode_entry(file).ok()?.0))
        .collect();
    let store = StoreId::from_random([*first; 16]);
    let Some(first) = Seq::new(u64::from(*first)).filter(|_| !rows.is_empty()) else {
        return;
    };
    let sealing = Sealing {
        store,
        log: "notes",
        first,
        previous: Chain::of_log(store, "notes"),
    };
    let frames = frames(u32::from(per_frame % 17), &files);
    let file = encode(&sealing, &rows, frames).expect("memory for a small segment");
    let read = decode(&file).expect("what was sealed is read");
    assert_eq!(read.rows(), rows);
    promise(&file);
}
