//! Profiles, documents and what becomes of them: what the stories of redaction share.

use runstone_core::canonical::{CanonicalRun, Captures};
use runstone_core::id::Attempt;
use runstone_core::input::RunInput;
use runstone_core::profile::Profile;
use runstone_core::record::{Defaults, Refused, RunRecord};
use runstone_core::redact::PseudonymKey;
use runstone_core::snapshot::{Captured, Snapshot, Writer};
use serde_json::{Value, json};

pub(crate) const PASSWORD: &str = "hunter2-Zwiebel";

pub(crate) fn token() -> String {
    format!("ghp_{}", "Ab1".repeat(12))
}

pub(crate) fn key() -> PseudonymKey {
    PseudonymKey::new([7; 32], "k1")
}

pub(crate) fn defaults() -> Defaults {
    Defaults {
        experiment: "churn".to_owned(),
    }
}

/// The profile `generic` with more rules.
pub(crate) fn generic_with(rules: &str) -> Profile {
    let text = format!("schema = 1\nname = \"generic\"\nextends = \"generic\"\n{rules}");
    Profile::parse(&text, "p.toml", &|_| None).unwrap()
}

pub(crate) fn market_with(rules: &str) -> Profile {
    let text = format!("schema = 1\nname = \"market\"\nextends = \"market\"\n{rules}");
    Profile::parse(&text, "p.toml", &|_| None).unwrap()
}

pub(crate) fn validated(document: &Value, profile: &Profile) -> Result<RunRecord, Refused> {
    let input = RunInput::from_document(document.as_object().unwrap().clone());
    RunRecord::validate(input, profile, &defaults())
}

pub(crate) fn canonical(document: &Value, profile: &Profile) -> CanonicalRun {
    CanonicalRun::of(validated(document, profile).unwrap(), profile, Some(&key())).unwrap()
}

pub(crate) fn snapshot(run: &CanonicalRun) -> Snapshot {
    let nothing = || Captured::NotCaptured {
        reason: "a test".to_owned(),
    };
    let captures = Captures {
        environment: nothing(),
        code: nothing(),
        process: nothing(),
    };
    let writer = Writer {
        name: "runstone".to_owned(),
        version: "0".to_owned(),
    };
    run.to_snapshot(Attempt(0), captures, writer)
}

pub(crate) fn recorded(document: &Value, profile: &Profile) -> Value {
    snapshot(&canonical(document, profile)).to_payload()
}

/// Returns the redactions of a payload as `path mode rule`, one a line.
pub(crate) fn told(payload: &Value) -> Vec<String> {
    let listed = payload["redactions"].as_array().unwrap().iter();
    let text = |it: &Value, member: &str| it[member].as_str().unwrap().to_owned();
    listed
        .map(|it| {
            format!(
                "{} {} {}",
                text(it, "path"),
                text(it, "mode"),
                text(it, "rule")
            )
        })
        .collect()
}

/// Asserts that a payload is what reading its own document again gives, as `verify` does.
pub(crate) fn assert_reads_again(document: &Value, profile: &Profile) {
    let first = canonical(document, profile);
    let (content, cohort) = (first.content(), first.cohort().id());
    let kept = snapshot(&first);
    let again = CanonicalRun::again(&kept, profile, &defaults()).unwrap();
    assert_eq!(again.content(), content, "{document}");
    assert_eq!(again.cohort().id(), cohort);
    let again = snapshot(&again);
    assert_eq!(again.identity, kept.identity);
    assert_eq!(again.factors, kept.factors);
    assert_eq!(again.metrics, kept.metrics);
    assert_eq!(again.labels, kept.labels);
    assert_eq!(again.artifacts, kept.artifacts);
    assert_eq!(again.fingerprints, kept.fingerprints);
}

pub(crate) fn run(more: &Value) -> Value {
    let mut document = json!({"run_id": "r1", "stage": "train"});
    let members = document.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    document
}
