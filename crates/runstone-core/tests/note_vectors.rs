//! Notes last as long as a store: golden vectors of what is written, and of what is not misread.
#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use runstone_core::note::{Author, EnvironmentEntry, Note, NoteError, NoteText, Tag};
use serde_json::{Value, json};

const NOTES: &str = include_str!("../../../fixtures/canon/notes.json");

const ENTRIES: &str = include_str!("../../../fixtures/canon/environment_entries.json");

fn vectors(of: &str) -> Vec<Value> {
    vectors_in(NOTES, of)
}

fn vectors_in(file: &str, of: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(file).unwrap();
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

#[test]
fn every_golden_entry_of_an_environment_reads_and_is_written_again_byte_for_byte() {
    for vector in vectors_in(ENTRIES, "written") {
        let payload = vector["payload"].as_str().unwrap();
        let entry = EnvironmentEntry::from_payload(payload.as_bytes()).unwrap();
        let tags: Vec<&str> = entry.tags.iter().map(Tag::as_str).collect();
        assert_eq!(json!(entry.environment.digest()), vector["digest"]);
        assert_eq!(json!(tags), vector["tags"]);
        assert_eq!(json!(entry.pinned), vector["pinned"]);
        let description = entry.description.as_ref().map(NoteText::as_str);
        assert_eq!(json!(description), vector["description"]);
        assert_eq!(json!(entry.by.as_ref().map(Author::as_str)), vector["by"]);
        assert_eq!(String::from_utf8(entry.to_payload()).unwrap(), payload);
    }
}

#[test]
fn an_entry_of_a_later_release_is_told_apart_from_a_damaged_one() {
    for vector in vectors_in(ENTRIES, "later") {
        let payload = vector["payload"].as_str().unwrap();
        let error = EnvironmentEntry::from_payload(payload.as_bytes()).unwrap_err();
        let what = vector["what"].as_str().unwrap();
        assert!(error.is_later(), "{payload}: {error}");
        assert!(error.to_string().ends_with(what), "{payload}: {error}");
    }
    for vector in vectors_in(ENTRIES, "illegal") {
        let payload = vector["payload"].as_str().unwrap();
        let error = EnvironmentEntry::from_payload(payload.as_bytes()).unwrap_err();
        let member = match error {
            NoteError::Member { member } => Some(json!(member)),
            NoteError::NotAnObject(_) => None,
            NoteError::Later { .. } => panic!("{payload}: {error}"),
        };
        assert_eq!(member, vector.get("member").cloned(), "{payload}");
    }
}
