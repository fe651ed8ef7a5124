//! The envelope of an entry.

use runstone_store::{Envelope, Hash256, decode, decode_header};
use serde_json::Value;

use super::{crc32, flipped};

/// A file that is accepted says of its payload what is true, and with a bit flipped or a byte more
/// or less it is refused.
///
/// # Panics
/// If that is not so.
pub fn envelope(bytes: &[u8]) {
    promise(bytes);
    // Few arbitrary bytes carry their own checksum.
    let mut sealed = bytes.to_vec();
    sealed.push(b'\n');
    sealed.extend_from_slice(format!("{:08x}\n", crc32(&sealed)).as_bytes());
    promise(&sealed);
}

fn promise(file: &[u8]) {
    let header = decode_header(file);
    let Ok((envelope, payload)) = decode(file) else {
        return;
    };
    assert_eq!(header.ok().as_ref(), Some(&envelope));
    assert_eq!(envelope.payload_bytes, payload.len() as u64);
    assert_eq!(envelope.sha256, Hash256::of(&payload));
    says_what_stands_there(file, &envelope);
    assert!(decode(&flipped(file)).is_err(), "a flipped bit is accepted");
    let shorter = &file[..file.len() - 1];
    assert!(decode(shorter).is_err(), "a lost byte is accepted");
    let longer = [file, b"\n"].concat();
    assert!(decode(&longer).is_err(), "a byte more is accepted");
}

/// Compares the envelope with the header line, as a reader without types has it.
fn says_what_stands_there(file: &[u8], envelope: &Envelope) {
    let line = file.split(|byte| *byte == b'\n').next();
    let line: Value = serde_json::from_slice(line.unwrap_or_default())
        .expect("the header of an accepted file is JSON");
    let texts = [
        ("store", envelope.store.to_string()),
        ("log", envelope.log.clone()),
        ("nonce", envelope.nonce.to_string()),
        ("content", envelope.content.to_string()),
        ("sha256", envelope.sha256.to_string()),
        ("recorded_at", envelope.recorded_at.clone()),
    ];
    for (name, text) in texts {
        assert_eq!(line[name], text.as_str(), "{name}");
    }
    let numbers = [
        ("format", envelope.format),
        ("epoch", envelope.epoch),
        ("payload_bytes", envelope.payload_bytes),
        ("stored_bytes", envelope.stored_bytes),
    ];
    for (name, number) in numbers {
        assert_eq!(line[name], number, "{name}");
    }
    let key = envelope.key.map(|key| key.to_string());
    assert_eq!(line["key"].as_str(), key.as_deref());
    for (name, seen) in [
        ("head_seen", envelope.head_seen),
        ("notes_head_seen", envelope.notes_head_seen),
    ] {
        let place = seen.map(|seen| seen.seq.get());
        assert_eq!(line[name]["seq"].as_u64(), place, "{name}");
    }
    assert_eq!(line["summary"], *envelope.summary);
}
