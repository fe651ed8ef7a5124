//! Hints: where the end of a log was seen last.

use runstone_store::dir::{decode_hint, encode_hint};
use runstone_store::{Log, Seen, StoreId};
use serde_json::Value;

use super::{crc32, flipped};

/// A hint that is accepted means the same when it is written again, means nothing in another store
/// or log, and with a bit flipped it means the same or nothing.
///
/// # Panics
/// If that is not so.
pub fn hint(bytes: &[u8]) {
    let store = StoreId::from_random([7; 16]);
    let log = Log::Cohort(
        "train.churn.0123456789abcdef"
            .parse()
            .expect("a legal name"),
    );
    promise(bytes, store, &log);
    // Few arbitrary bytes carry their own checksum.
    if let Some((sealed, store)) = sealed(bytes, &log) {
        promise(&sealed, store, &log);
    }
}

fn promise(bytes: &[u8], store: StoreId, log: &Log) {
    let Some(seen) = decode_hint(bytes, store, log) else {
        return;
    };
    let other = StoreId::from_random([9; 16]);
    assert!(other == store || decode_hint(bytes, other, log).is_none());
    assert_eq!(decode_hint(bytes, store, &Log::StoreNotes), None);
    let again = encode_hint(store, log, seen);
    assert_eq!(decode_hint(&again, store, log), Some(seen));
    for damaged in [flipped(bytes), flipped(&again)] {
        let told: Option<Seen> = decode_hint(&damaged, store, log);
        assert!(told.is_none_or(|told| told == seen), "damage is believed");
    }
}

/// Returns the same hint with the checksum that it should carry, and its store.
fn sealed(bytes: &[u8], log: &Log) -> Option<(Vec<u8>, StoreId)> {
    let mut hint: Value = serde_json::from_slice(bytes).ok()?;
    let store: StoreId = hint.get("store")?.as_str()?.parse().ok()?;
    let (seq, sha256) = (hint.get("seq")?.clone(), hint.get("sha256")?.as_str()?);
    let covered = format!("1\n{store}\n{log}\n{seq}\n{sha256}\n");
    let members = hint.as_object_mut()?;
    members.insert("log".to_owned(), Value::from(log.to_string()));
    let sum = format!("{:08x}", crc32(covered.as_bytes()));
    members.insert("crc32c".to_owned(), Value::from(sum));
    Some((hint.to_string().into_bytes(), store))
}
