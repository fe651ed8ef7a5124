//! The payload of a snapshot.

use runstone_core::canon;
use runstone_core::snapshot::Snapshot;
use serde_json::Value;

/// A payload that is accepted means the same when it is written again, with the bytes of its value
/// and of its parts alike, and none of its members is lost.
///
/// # Panics
/// If that is not so.
pub fn payload(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let members: Vec<String> = value
        .as_object()
        .map(|members| members.keys().cloned().collect())
        .unwrap_or_default();
    let Ok(snapshot) = Snapshot::from_payload(value) else {
        return;
    };
    let written = snapshot.payload_bytes();
    assert_eq!(written, canon::bytes(&snapshot.to_payload()));
    let value: Value = serde_json::from_slice(&written).expect("a payload is JSON");
    for member in members {
        assert!(value.get(&member).is_some(), "`{member}` is lost");
    }
    let again = Snapshot::from_payload(value).expect("what was written is read");
    assert_eq!(again, snapshot);
    assert_eq!(again.payload_bytes(), written);
}
