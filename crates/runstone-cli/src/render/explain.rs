//! Comparable or not, and why, group by group.

use runstone::core::cohort::{CohortKey, Mismatch};
use runstone::core::diff::RunDiff;
use runstone::{Answered, Nearest, Stored};

use crate::render::answer::previous;
use crate::render::lines::{headed, line, section, wrapped};
use crate::render::words::{of_field, shown};
use crate::render::{diff, nearest};
use crate::ui::plain;

/// Longest value shown, in characters.
const VALUE_MAX: usize = 40;

/// Returns what makes the cohort of one run.
pub(crate) fn one(
    stored: &Stored,
    key: &CohortKey,
    answer: &Answered,
    nearest: Option<&Nearest>,
) -> String {
    let mut text = String::new();
    text.push_str(&headed("", stored));
    text.push_str(&wrapped(&format!(
        "comparable with every run of stage {} (profile {}, policy {}) that has",
        plain(key.stage.as_str()),
        plain(&key.profile),
        key.policy.as_str()
    )));
    for (group, fields) in &key.groups {
        let items: Vec<String> = fields
            .iter()
            .map(|(path, value)| {
                of_field(group, path, &format!("= {}", shown(Some(value), VALUE_MAX)))
            })
            .collect();
        text.push_str(&section(&plain(group), &items));
    }
    text.push_str(&previous(answer, &stored.envelope.recorded_at));
    if let Some(found) = nearest {
        text.push_str(&nearest::whole(found));
    }
    text
}

/// Returns why two runs are, or are not, comparable.
pub(crate) fn two(a: &Stored, b: &Stored, mismatches: &[Mismatch], changes: &RunDiff) -> String {
    let mut text = String::new();
    text.push_str(&headed("A  ", a));
    text.push_str(&headed("B  ", b));
    if mismatches.is_empty() {
        text.push_str(&wrapped(&format!(
            "comparable: one cohort, {}",
            a.place.cohort
        )));
    } else {
        line(&mut text, format_args!("not comparable:"));
        text.push_str(&nearest::by_group(mismatches));
    }
    text.push_str(&diff::underneath(changes));
    text
}
