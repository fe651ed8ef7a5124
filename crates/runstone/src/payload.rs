//! Snapshot ↔ payload: large maps move to objects on the way in and come back unseen.
//!
//! A payload is canonical JSON. A section whose canonical form exceeds [`SECTION_BYTES_MAX`] is
//! stored once as a content-addressed object, and the payload's `references` says which
//! (`{"/document": {sha256, bytes, count}}`); the section itself is then absent. The same content
//! in a thousand runs is one object.
//! Making the objects durable before the payload is left to `commit`.

use runstone_core::canon;
use runstone_core::digest::Digest;
use runstone_core::snapshot::Snapshot;
use runstone_store::{Slot, Store};
use serde_json::{Map, Value, json};

use crate::digests::to_hash;
use crate::error::{Error, in_words};

/// Largest section kept inside a payload, in bytes of its canonical form.
const SECTION_BYTES_MAX: usize = 64 * 1024;

/// Sections that may move out, as JSON pointers into the payload.
const SECTIONS: [&str; 11] = [
    "/document",
    "/identity",
    "/factors/settings",
    "/factors/seeds",
    "/factors/versions",
    "/metrics",
    "/samples",
    "/labels",
    "/artifacts",
    "/environment",
    "/process",
];

/// The payload's member that names what moved out.
const REFERENCES: &str = "references";

/// A payload with its large sections moved out.
pub(crate) struct Shape {
    /// Its canonical bytes, naming what moved out.
    pub(crate) bytes: Vec<u8>,
    /// The canonical bytes of each section that moved out; they are to be durable before it.
    pub(crate) moved: Vec<Vec<u8>>,
}

/// Returns the payload of `snapshot` as it is kept, naming what moved out.
pub(crate) fn kept(snapshot: &Snapshot) -> Value {
    let payload = snapshot.to_payload();
    // Most payloads are so small that nothing of them can have moved, which is seen sooner than
    // their canonical form is made.
    let mut left = SECTION_BYTES_MAX;
    if is_surely_within(&payload, &mut left) {
        return payload;
    }
    if canon::bytes(&payload).len() <= SECTION_BYTES_MAX {
        return payload;
    }
    parted(payload).0
}

/// Tells whether the canonical form of a value surely takes no more bytes than are left; takes
/// them.
fn is_surely_within(value: &Value, left: &mut usize) -> bool {
    // No number is longer; a character takes up to six bytes (`\u001f`), two quotes beside.
    let own = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 25,
        Value::String(text) => 6 * text.len() + 2,
        Value::Array(items) => items.len() + 2,
        Value::Object(members) => members.keys().map(|key| 6 * key.len() + 4).sum::<usize>() + 2,
    };
    let Some(rest) = left.checked_sub(own) else {
        return false;
    };
    *left = rest;
    match value {
        Value::Array(items) => items.iter().all(|item| is_surely_within(item, left)),
        Value::Object(members) => members.values().all(|item| is_surely_within(item, left)),
        _ => true,
    }
}

/// Gives `snapshot` the shape in which it is kept.
pub(crate) fn shape(snapshot: &Snapshot) -> Shape {
    let bytes = snapshot.payload_bytes();
    if bytes.len() <= SECTION_BYTES_MAX {
        let moved = Vec::new();
        return Shape { bytes, moved };
    }
    let (payload, moved) = parted(snapshot.to_payload());
    Shape {
        bytes: canon::bytes(&payload),
        moved,
    }
}

/// Moves the large sections out of a payload, which names them, and returns their canonical bytes.
fn parted(mut payload: Value) -> (Value, Vec<Vec<u8>>) {
    let mut moved = Vec::new();
    let mut references = Map::new();
    for pointer in SECTIONS {
        let Some(section) = payload.pointer(pointer) else {
            continue;
        };
        let section_bytes = canon::bytes(section);
        if section_bytes.len() <= SECTION_BYTES_MAX {
            continue;
        }
        let count = section
            .as_object()
            .map_or_else(|| section.as_array().map_or(1, Vec::len), Map::len);
        let sha256 = Digest::of(&section_bytes);
        references.insert(
            pointer.to_owned(),
            json!({ "sha256": sha256, "bytes": section_bytes.len(), "count": count }),
        );
        take(&mut payload, pointer);
        moved.push(section_bytes);
    }
    if let Value::Object(members) = &mut payload
        && !references.is_empty()
    {
        members.insert(REFERENCES.to_owned(), Value::Object(references));
    }
    (payload, moved)
}

/// Reads the snapshot of a payload, fetching the sections that moved out.
///
/// # Errors
/// [`Error::Damaged`] if an object is missing or damaged, [`Error::Payload`] if the payload is not
/// a snapshot this release can read.
pub(crate) fn read(store: &dyn Store, place: &str, bytes: &[u8]) -> Result<Snapshot, Error> {
    let damaged = |found: String| Error::Damaged {
        place: place.to_owned(),
        found,
    };
    let payload: Value = serde_json::from_slice(bytes)
        .map_err(|error| damaged(format!("the payload is not JSON ({error})")))?;
    let mut payload = canon::settle(payload);
    for (pointer, sha256) in references(&payload).map_err(damaged)? {
        let object = match store.object(&to_hash(&sha256))? {
            Slot::Whole(object) => object,
            Slot::Absent => return Err(damaged(format!("object {sha256} is missing"))),
            Slot::Damaged(damage) => return Err(damaged(in_words(&damage))),
        };
        let section: Value = serde_json::from_slice(&object)
            .map_err(|error| damaged(format!("object {sha256} is not JSON ({error})")))?;
        put(&mut payload, &pointer, canon::settle(section));
    }
    if let Value::Object(members) = &mut payload {
        members.remove(REFERENCES);
    }
    Snapshot::from_payload(payload).map_err(|source| Error::Payload {
        place: place.to_owned(),
        source,
    })
}

/// Returns the objects that hold sections of a payload.
///
/// # Errors
/// What is wrong with a payload that is none.
pub(crate) fn sections_of(bytes: &[u8]) -> Result<Vec<Digest>, String> {
    // Parsing costs more than looking for the word.
    if !contains(bytes, REFERENCES.as_bytes()) {
        return Ok(Vec::new());
    }
    let payload: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let references = references(&payload)?;
    Ok(references.into_iter().map(|(_, sha256)| sha256).collect())
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// Returns the objects a payload names, by the section they hold.
fn references(payload: &Value) -> Result<Vec<(String, Digest)>, String> {
    let Some(references) = payload.get(REFERENCES).and_then(Value::as_object) else {
        return Ok(Vec::new());
    };
    references
        .iter()
        .map(|(pointer, reference)| {
            let sha256 = reference
                .get("sha256")
                .and_then(Value::as_str)
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| format!("the reference of `{pointer}` has no digest"))?;
            Ok((pointer.clone(), sha256))
        })
        .collect()
}

/// Removes the member at `pointer`; its parent stays.
fn take(payload: &mut Value, pointer: &str) {
    if let Some((parent, name)) = pointer.rsplit_once('/')
        && let Some(Value::Object(members)) = payload.pointer_mut(parent)
    {
        members.remove(name);
    }
}

/// Puts a member back at `pointer`; its parent is there, because only the member was taken.
fn put(payload: &mut Value, pointer: &str, section: Value) {
    if let Some((parent, name)) = pointer.rsplit_once('/')
        && let Some(Value::Object(members)) = payload.pointer_mut(parent)
    {
        members.insert(name.to_owned(), section);
    }
}
