//! Comparable or not, and why, group by group.

use runstone::core::cohort::{CohortKey, Mismatch};
use runstone::core::diff::wording;
use runstone::{Answered, Nearest, Stored};

use crate::render::answer::{line, previous};
use crate::render::words::{cut, headed, section, within, wrapped};
use crate::ui::{NAME, plain};

/// Longest value shown, in characters.
const VALUE_MAX: usize = 40;
/// Most mismatches shown beside an answer.
const BESIDE_ANSWER_MAX: usize = 3;

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
                format!(
                    "{} = {}",
                    plain(within(group, path)),
                    cut(&wording::value(Some(value)), VALUE_MAX)
                )
            })
            .collect();
        text.push_str(&section(&plain(group), &items));
    }
    text.push_str(&previous(answer, &stored.envelope.recorded_at));
    if let Some(found) = nearest {
        text.push_str(&self::nearest(found));
    }
    text
}

/// Returns why two runs are, or are not, comparable.
pub(crate) fn two(a: &Stored, b: &Stored, mismatches: &[Mismatch]) -> String {
    let mut text = String::new();
    text.push_str(&headed("A  ", a));
    text.push_str(&headed("B  ", b));
    if mismatches.is_empty() {
        line(
            &mut text,
            format_args!("comparable: one cohort, {}", a.place.cohort),
        );
        return text;
    }
    line(&mut text, format_args!("not comparable:"));
    text.push_str(&by_group(mismatches));
    text
}

/// Returns the nearest cohort beside an answer that opened a new one.
pub(crate) fn nearest(nearest: &Nearest) -> String {
    let mut text = String::new();
    line(
        &mut text,
        format_args!("nearest {NAME}{}{NAME:#} differs in", nearest.cohort),
    );
    let shown = nearest.mismatches.len().min(BESIDE_ANSWER_MAX);
    text.push_str(&by_group(&nearest.mismatches[..shown]));
    if shown < nearest.mismatches.len() {
        let more = nearest.mismatches.len() - shown;
        text.push_str(&section(
            "",
            &[format!("+{more} more; see `runstone explain`")],
        ));
    }
    if let Some(path) = &nearest.drifting {
        text.push_str(&wrapped(&format!(
            "hint: `{}` alone keeps several cohorts apart; if it moves on with every run, make it a \
             factor in the profile",
            plain(path)
        )));
    }
    text
}

fn by_group(mismatches: &[Mismatch]) -> String {
    let mut text = String::new();
    for mismatch in mismatches {
        let value = |value| cut(&wording::value(value), VALUE_MAX);
        let (a, b) = (value(mismatch.a.as_ref()), value(mismatch.b.as_ref()));
        text.push_str(&section(
            &plain(&mismatch.group),
            &[format!(
                "{} {a} → {b}",
                plain(within(&mismatch.group, &mismatch.path))
            )],
        ));
    }
    text
}
