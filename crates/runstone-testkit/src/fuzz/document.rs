//! Run documents.

use std::sync::LazyLock;

use runstone_core::canon;
use runstone_core::canonical::{CanonicalRun, Captures};
use runstone_core::id::Attempt;
use runstone_core::input::RunInput;
use runstone_core::json::{Limits, read_document};
use runstone_core::profile::Profile;
use runstone_core::record::{Defaults, RunRecord};
use runstone_core::snapshot::{Captured, Snapshot, Writer};
use serde_json::Value;

/// Read once: a profile costs more than a document.
static PROFILES: LazyLock<[Profile; 2]> = LazyLock::new(|| {
    ["generic", "market"].map(|name| Profile::builtin(name).expect("it is built in"))
});

/// A document that is accepted says what a lenient reader finds in it, and the same when it is
/// written again; the run in it is in the same cohort with the same content then, and when its
/// snapshot is read again.
///
/// # Panics
/// If that is not so.
pub fn document(bytes: &[u8]) {
    let Ok(read) = read_document(bytes, &Limits::default()) else {
        return;
    };
    let lenient: Value = serde_json::from_slice(bytes).expect("what is read strictly is JSON");
    assert_eq!(
        canon::bytes(&canon::settle(lenient)),
        canon::bytes(&canon::settle(Value::Object(read.clone())))
    );
    let written = canon::bytes(&read);
    let again = read_document(&written, &Limits::default()).expect("what was written is read");
    assert_eq!(canon::bytes(&again), written);
    for profile in &*PROFILES {
        let runs = [&read, &again].map(|it| run(RunInput::from_document(it.clone()), profile));
        let [Some(first), Some(second)] = runs else {
            assert_eq!(runs, [None, None], "what is accepted is so again");
            continue;
        };
        assert_eq!(first.cohort_id(), second.cohort_id());
        assert_eq!(first.content(), second.content());
        snapshot(first, profile);
    }
}

fn defaults() -> Defaults {
    Defaults {
        experiment: "store".to_owned(),
    }
}

/// Returns the run, unless it is refused, or needs a key for a pseudonym.
fn run(input: RunInput, profile: &Profile) -> Option<CanonicalRun> {
    let record = RunRecord::validate(input, profile, &defaults()).ok()?;
    CanonicalRun::of(record, profile, None).ok()
}

fn snapshot(run: CanonicalRun, profile: &Profile) {
    let absent = Captured::NotCaptured {
        reason: "not asked for".to_owned(),
    };
    let captures = Captures {
        environment: absent.clone(),
        code: absent.clone(),
        process: absent,
    };
    let writer = Writer {
        name: "runstone".to_owned(),
        version: "0.1.0".to_owned(),
    };
    let (cohort, content) = (run.cohort_id().clone(), run.content());
    let snapshot = run.into_snapshot(Attempt(0), captures, writer).snapshot;
    let stored: Value =
        serde_json::from_slice(&snapshot.payload_bytes()).expect("a payload is JSON");
    let read = Snapshot::from_payload(stored).expect("what was written is read");
    assert_eq!(read, snapshot);
    let again = CanonicalRun::again(&read, profile, &defaults()).expect("it was accepted once");
    assert_eq!(again.cohort_id(), &cohort);
    assert_eq!(again.content(), content);
}
