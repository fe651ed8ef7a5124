//! The answer of a gate: which run, what became of it, and why.

use runstone::check::{Checked, Outcome, Yardstick};
use runstone::core::snapshot::Status;
use runstone::core::verdict::{Condition, FailedBy, Failure, Overall};

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
    if checked.outcome == Outcome::Failed {
        text.push_str(&wrapped(&fails(&checked.failures)));
        let repeated = checked.verdict.basis.equal_regression.as_ref();
        if let Some(equal) = repeated.filter(|_| is_on_regression(&checked.failures)) {
            text.push_str(&wrapped(&format!(
                "#{}: {}",
                equal.seq,
                plain(&equal.reason)
            )));
        }
    }
    text
}

/// Says what a run fails by: its own end, and what was asked for.
fn fails(failures: &[Failure]) -> String {
    let end = failures.iter().find_map(|failure| match failure.by {
        FailedBy::End(Status::Interrupted) => Some("the run was interrupted"),
        FailedBy::End(_) => Some("the run itself failed"),
        FailedBy::Condition(_) => None,
    });
    let on: Vec<&str> = failures
        .iter()
        .filter(|failure| matches!(failure.by, FailedBy::Condition(_)))
        .map(|failure| failure.by.as_str())
        .collect();
    let on = on.join(", ");
    match end {
        None => format!("fails on {on}"),
        Some(end) if on.is_empty() => format!("fails because {end}"),
        Some(end) => format!("fails because {end}, and on {on}"),
    }
}

fn is_on_regression(failures: &[Failure]) -> bool {
    let regression = FailedBy::Condition(Condition::Verdict(Overall::Regression));
    failures.iter().any(|failure| failure.by == regression)
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
