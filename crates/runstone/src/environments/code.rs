//! The code of a recording: which commit ran, and how far the work tree was from it.
//!
//! A reading is begun, and finished once the environment was captured beside it. The invariant: it
//! costs its time and never a recording, and what is not known is told with its reason. The
//! directory of the store is passed over: what a recording adds to it is no other code. What is
//! read of a repository belongs to `runstone-env`.

use runstone_core::profile::Profile;
use runstone_core::snapshot::{CAPTURE, Captured};
use runstone_env::State;
use runstone_env::git::{self, Code, Reading};
use serde_json::{Value, json};

use super::choice::CaptureRequest;
use crate::open::Ledger;

/// Most warnings that are kept of a reading.
const WARNINGS_MAX: usize = 16;

/// The code of a recording, and what should be said of it.
#[derive(Debug)]
pub(super) struct FoundCode {
    pub(super) code: Captured,
    pub(super) warning: Option<String>,
}

impl Ledger {
    /// Begins to read the code in the folder of whoever asks. `None`: no folder was named.
    pub(super) fn begin_code(
        &self,
        request: &CaptureRequest,
        profile: &Profile,
    ) -> Option<Reading> {
        let folder = request.folder.as_ref()?;
        let options = git::Options {
            passed_over: self.folder.iter().cloned().collect(),
            redaction: profile.redaction.as_ref().clone(),
            ..git::Options::default()
        };
        Some(git::begin(folder, options))
    }

    /// Waits for what was begun, no longer than it may take.
    pub(super) fn finish_code(&self, reading: Option<Reading>) -> FoundCode {
        match reading {
            Some(reading) => found(&reading.finish(), &self.clock.now()),
            None => FoundCode {
                code: not_captured("no folder was named in which to look for it"),
                warning: None,
            },
        }
    }
}

fn found(code: &Code, at: &str) -> FoundCode {
    let first = code.warnings.first().map(String::as_str);
    let unread = || first.unwrap_or("the repository cannot be read").to_owned();
    let (code, warning) = match code.state {
        State::Captured => (Captured::Known(kept(code, at)), None),
        State::Partial => {
            let warning = format!("the code is known in part: {}", unread());
            (Captured::Known(kept(code, at)), Some(warning))
        }
        // Work outside of a repository is nothing to warn of.
        State::Absent => (not_captured("the folder is in no git repository"), None),
        State::Skipped => (not_captured(&unread()), None),
        State::Unreadable => {
            let warning = format!("the code is not captured: {}", unread());
            (not_captured(&unread()), Some(warning))
        }
    };
    FoundCode { code, warning }
}

/// Returns what is kept of the code, and how it was read.
fn kept(code: &Code, at: &str) -> Value {
    let warnings: Vec<&String> = code.warnings.iter().take(WARNINGS_MAX).collect();
    let mut value = code.to_json();
    value[CAPTURE] = json!({
        "at": at,
        "took_us": code.took_us,
        "warnings": warnings,
    });
    value
}

fn not_captured(reason: &str) -> Captured {
    Captured::NotCaptured {
        reason: reason.to_owned(),
    }
}
