//! The cohort nearest to a new one, and what keeps two cohorts apart.

use runstone::Nearest;
use runstone::core::cohort::Mismatch;

use crate::render::lines::{section, wrapped};
use crate::render::words::{of_field, shown_apart};
use crate::ui::{NAME, plain};

/// Longest value shown, in characters.
const VALUE_MAX: usize = 40;
/// Most mismatches shown beside an answer.
const BESIDE_ANSWER_MAX: usize = 3;

/// Returns the nearest cohort beside an answer that opened a new one.
pub(crate) fn beside_answer(nearest: &Nearest) -> String {
    text(nearest, BESIDE_ANSWER_MAX)
}

/// Returns the nearest cohort and everything that keeps it apart.
pub(crate) fn whole(nearest: &Nearest) -> String {
    text(nearest, usize::MAX)
}

fn text(nearest: &Nearest, mismatches_max: usize) -> String {
    let mut text = String::new();
    text.push_str(&wrapped(&format!(
        "nearest {NAME}{}{NAME:#} differs in",
        nearest.cohort
    )));
    let shown = nearest.mismatches.len().min(mismatches_max);
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

/// Returns what keeps two cohorts apart, one line each.
pub(crate) fn by_group(mismatches: &[Mismatch]) -> String {
    let mut text = String::new();
    for mismatch in mismatches {
        let (a, b) = shown_apart(mismatch.a.as_ref(), mismatch.b.as_ref(), VALUE_MAX);
        text.push_str(&section(
            &plain(&mismatch.group),
            &[of_field(
                &mismatch.group,
                &mismatch.path,
                &format!("{a} → {b}"),
            )],
        ));
    }
    text
}
