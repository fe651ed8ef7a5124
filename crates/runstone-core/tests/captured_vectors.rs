//! What was captured beside a run lasts as long as a store: golden payloads, read and written
//! again.
#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use runstone_core::snapshot::{Code, CodePair, Snapshot};
use serde_json::{Value, json};

const PAYLOADS: &str = include_str!("../../../fixtures/canon/captured.json");

fn payload(what: &str) -> String {
    let all: Vec<Value> = serde_json::from_str(PAYLOADS).unwrap();
    let found = all.iter().find(|it| it["what"] == what).unwrap();
    found["payload"].as_str().unwrap().to_owned()
}

fn snapshot(what: &str) -> Snapshot {
    Snapshot::from_payload(serde_json::from_str(&payload(what)).unwrap()).unwrap()
}

fn pair(prev: &Snapshot, curr: &Snapshot) -> CodePair {
    Code::pair(prev.code.as_code().unwrap(), curr.code.as_code().unwrap())
}

#[test]
fn every_golden_payload_reads_and_is_written_again_byte_for_byte() {
    for what in ["whole", "partial", "document"] {
        let written = snapshot(what).payload_bytes();
        assert_eq!(String::from_utf8(written).unwrap(), payload(what));
    }
}

#[test]
fn captures_of_golden_payloads_mean_what_they_meant() {
    let [whole, partial, document] = ["whole", "partial", "document"].map(snapshot);
    assert_eq!(whole.environment.digest(), document.environment.digest());
    assert!(whole.environment.has_object() && !document.environment.has_object());
    assert_eq!(
        whole.code.as_code().unwrap().named(),
        Some(
            json!({"commit": "9f3c1ab0d2e49f3c1ab0d2e49f3c1ab0d2e49f3c", "patch": "4".repeat(64)})
        )
    );
    assert_eq!(partial.code.as_code().unwrap().named(), None);
    assert!(matches!(pair(&whole, &whole), CodePair::Comparable(..)));
    for (other, reason) in [
        (
            &partial,
            "read in part for the current run: the repository was not read to its end within 500 ms",
        ),
        (
            &document,
            "the document of the current run names the commit alone",
        ),
    ] {
        let reason = reason.to_owned();
        assert_eq!(pair(&whole, other), CodePair::Unknown { reason });
    }
}
