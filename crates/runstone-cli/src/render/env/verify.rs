//! What checking environments found, as text.

use runstone::env::capture::{FileState, PythonFiles};
use runstone::environments::KeptVerified;

use crate::render::lines::{behind, wrapped};
use crate::render::words::count;
use crate::ui::{DONE, ERROR, WARNING, plain};

/// Files that are named; `--json` names more.
const FILES_SHOWN: usize = 20;

/// Returns every damage, what could not be looked at, and the sum.
pub(crate) fn verified(verified: &KeptVerified) -> String {
    let mut text = String::new();
    for damaged in &verified.damage {
        let lead = format!("{ERROR}damaged{ERROR:#} {}: ", plain(&damaged.id));
        text.push_str(&behind(&lead, &plain(&damaged.found)));
    }
    for later in &verified.not_checked {
        let later = plain(later);
        text.push_str(&wrapped(&format!(
            "{WARNING}not checked{WARNING:#} {later}"
        )));
    }
    let whole = count(verified.whole, "environment");
    let verdict = if verified.is_ok() {
        format!("{DONE}ok{DONE:#}")
    } else {
        format!("{ERROR}{} damaged{ERROR:#}", verified.damage.len())
    };
    text.push_str(&wrapped(&format!("{verdict}: {whole} whole")));
    if let Some(files) = &verified.python {
        text.push_str(&python(files));
    }
    text
}

fn python(files: &PythonFiles) -> String {
    let mut text = String::new();
    let Some(interpreter) = &files.interpreter else {
        let reasons = files.problems.join("; ");
        if reasons.is_empty() {
            return wrapped("python: there is none");
        }
        let reasons = plain(&reasons);
        return wrapped(&format!("{WARNING}not checked{WARNING:#} {reasons}"));
    };
    for finding in files.findings.iter().take(FILES_SHOWN) {
        let path = plain(&finding.path.to_string_lossy());
        let (style, why) = match &finding.state {
            FileState::Unreadable(reason) => (WARNING, format!(" ({})", plain(reason))),
            FileState::Changed | FileState::Missing => (ERROR, String::new()),
        };
        let lead = format!("{style}{}{style:#} ", finding.state.as_str());
        text.push_str(&behind(
            &lead,
            &format!("{} {path}{why}", plain(&finding.distribution)),
        ));
    }
    let shown = files.findings.len().min(FILES_SHOWN) as u64;
    if files.findings_count > shown {
        let more = count(files.findings_count - shown, "file");
        text.push_str(&wrapped(&format!(
            "and {more} more: `runstone env verify --deep --json`"
        )));
    }
    for problem in &files.problems {
        text.push_str(&wrapped(&format!(
            "{WARNING}not checked{WARNING:#} {}",
            plain(problem)
        )));
    }
    if !files.without_record.is_empty() {
        let number = count(files.without_record.len() as u64, "distribution");
        text.push_str(&wrapped(&format!(
            "{number} without a RECORD: nothing is known of their files"
        )));
    }
    let interpreter = plain(&interpreter.to_string_lossy());
    let is_whole = files.problems.is_empty() && files.findings_count == 0;
    let verdict = match (files.differs(), is_whole) {
        (true, _) => format!("{ERROR}changed{ERROR:#} as named above; as installed"),
        (false, true) => format!("{DONE}as installed{DONE:#}"),
        (false, false) => format!("{WARNING}as installed, as far as it was read{WARNING:#}"),
    };
    text.push_str(&wrapped(&format!(
        "{verdict}: {} of {} of {interpreter}; {} without a hash",
        count(files.equal, "file"),
        count(files.distributions, "distribution"),
        files.without_hash
    )));
    text
}
