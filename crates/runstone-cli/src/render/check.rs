//! The answer of a gate: which run, what became of it, and why.

use runstone::check::{Checked, Outcome, Yardstick};

use crate::render::answer::verdict;
use crate::render::lines::{headed, wrapped};
use crate::ui::{DONE, ERROR, WARNING, plain};

/// Returns the answer as text.
pub(crate) fn text(checked: &Checked) -> String {
    let (style, word) = match checked.outcome {
        Outcome::Passed => (DONE, "passed"),
        Outcome::Failed => (ERROR, "failed"),
        Outcome::NothingComparable => (WARNING, "not comparable"),
    };
    let mut text = headed(&format!("{style}{word}{style:#} "), &checked.stored);
    if let Some(other) = against(checked) {
        text.push_str(&wrapped(&other));
    }
    text.push_str(&verdict(&checked.verdict));
    text.push_str(&wrapped(&format!(
        "severity {}: {}",
        checked.verdict.severity.as_str(),
        plain(&checked.verdict.severity_reason)
    )));
    let failed: Vec<&str> = checked
        .failures
        .iter()
        .map(|failure| failure.word)
        .collect();
    if checked.outcome == Outcome::Failed {
        text.push_str(&wrapped(&format!("fails on {}", failed.join(", "))));
    }
    text
}

/// Names the single run it was held against, if it was.
fn against(checked: &Checked) -> Option<String> {
    let named = checked.diff.previous.as_ref()?;
    let lead = match checked.request.yardstick {
        Yardstick::History => return None,
        Yardstick::Previous => "against the previous run",
        Yardstick::Baseline => "against the baseline",
        Yardstick::Snapshot(_) => "against",
    };
    Some(format!(
        "{lead} {}#{} {}",
        named.cohort,
        named.seq,
        plain(named.run_id.as_str())
    ))
}
