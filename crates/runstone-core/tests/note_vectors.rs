//! Notes last as long as a store: golden vectors of what is written, and of what is not misread.
#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use runstone_core::note::{Note, NoteError};
use serde_json::{Value, json};

const NOTES: &str = include_str!("../../../fixtures/canon/notes.json");

fn vectors(of: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(NOTES).unwrap();
    all[of].as_array().unwrap().clone()
}

#[test]
fn every_golden_note_reads_and_is_written_again_byte_for_byte() {
    for vector in vectors("written") {
        let payload = vector["payload"].as_str().unwrap();
        let note = Note::from_payload(payload.as_bytes()).unwrap();
        assert_eq!(note.said.as_str(), vector["note"], "{payload}");
        assert_eq!(note.about.seq.0, vector["seq"], "{payload}");
        assert_eq!(
            note.text().map(|it| json!(it.as_str())),
            vector.get("text").cloned()
        );
        assert_eq!(
            note.tag().map(|it| json!(it.as_str())),
            vector.get("tag").cloned()
        );
        assert_eq!(
            note.by.as_ref().map(|it| json!(it.as_str())),
            vector.get("by").cloned()
        );
        assert_eq!(String::from_utf8(note.to_payload()).unwrap(), payload);
    }
}

#[test]
fn a_note_of_a_later_release_is_told_apart_from_a_damaged_one() {
    for vector in vectors("later") {
        let payload = vector["payload"].as_str().unwrap();
        let error = Note::from_payload(payload.as_bytes()).unwrap_err();
        assert!(error.is_later(), "{payload}: {error}");
        let what = vector["what"].as_str().unwrap();
        assert_eq!(
            error.to_string(),
            format!("it cannot be read by this release: {what}")
        );
    }
    for vector in vectors("illegal") {
        let payload = vector["payload"].as_str().unwrap();
        let error = Note::from_payload(payload.as_bytes()).unwrap_err();
        assert!(!error.is_later(), "{payload}: {error}");
        match vector.get("member") {
            Some(expected) => assert!(
                matches!(error, NoteError::Member { member } if member == expected),
                "{payload}: {error}"
            ),
            None => assert!(
                matches!(error, NoteError::NotAnObject(_)),
                "{payload}: {error}"
            ),
        }
    }
}
