//! A diff as text: a section a line, wrapped to the terminal.

use runstone::core::diff::{DiffStatus, MetricDelta, Row, RunDiff};
use runstone::{Judged, Stored};

use super::rows::{self, Change, Section};
use super::{Detail, Order};
use crate::render::answer::verdict;
use crate::render::lines::{headed, line, section, wrapped};
use crate::render::words::metric_name;
use crate::ui::{FAINT, plain};

/// Longest value shown on a line, in characters.
const VALUE_MAX: usize = 32;
/// Most changes of one section shown of a diff.
const CHANGES_SHOWN: usize = 20;
/// Most changes of the environment shown beside an answer: what was judged stands below them.
const ENVIRONMENT_SHOWN: usize = 5;

/// Returns the whole diff with its verdict as text.
pub(crate) fn text(sides: (Option<&Stored>, &Stored), judged: &Judged, detail: Detail) -> String {
    let diff = &judged.diff;
    let mut text = String::new();
    let (earlier, later) = sides;
    if let Some(earlier) = earlier {
        text.push_str(&headed("from ", earlier));
    }
    text.push_str(&headed("to   ", later));
    let why = plain(diff.reason.as_deref().unwrap_or(""));
    match diff.status {
        DiffStatus::Compared => text.push_str(&verdict(&judged.verdict)),
        DiffStatus::FirstRun => {
            text.push_str(&wrapped(&format!("nothing to compare with: {why}")));
        }
        DiffStatus::Incomparable => text.push_str(&wrapped(&format!("not comparable: {why}"))),
    }
    text.push_str(&wrapped(&format!(
        "severity {}: {}",
        judged.verdict.severity.as_str(),
        plain(&judged.verdict.severity_reason)
    )));
    text.push_str(&sections(diff, detail, Order::MattersFirst));
    for unknown in rows::unknowns(diff) {
        let lines = wrapped(&unknown);
        line(
            &mut text,
            format_args!("{FAINT}{}{FAINT:#}", lines.trim_end()),
        );
    }
    if let Some(nothing) = rows::nothing(diff, detail) {
        line(&mut text, format_args!("  {nothing}"));
    }
    text
}

/// Returns the sections that differ.
pub(crate) fn sections(diff: &RunDiff, detail: Detail, order: Order) -> String {
    let mut text = String::new();
    if diff.status == DiffStatus::FirstRun && detail == Detail::Changed {
        return text;
    }
    for section in rows::sections(diff, detail, order) {
        let (shown, more) = match (order, section.label) {
            (Order::CauseFirst, "environment") => (ENVIRONMENT_SHOWN, "runstone diff"),
            _ => (CHANGES_SHOWN, "runstone diff --all"),
        };
        text.push_str(&of_section(&section, diff, detail, (shown, more)));
    }
    if let Some(variance) = rows::variance(diff) {
        text.push_str(&wrapped(&format!("note {variance}")));
    }
    text
}

fn item(change: &Change<'_>, diff: &RunDiff) -> String {
    match change {
        Change::Leaf(row) => moved(row),
        Change::Metric(delta) => metric_item(delta, diff),
    }
}

/// Returns what differs in environment and code, and what is not known of them.
pub(crate) fn underneath(diff: &RunDiff) -> String {
    let sections = rows::sections(diff, Detail::Changed, Order::CauseFirst);
    let underneath = sections
        .iter()
        .filter(|it| matches!(it.label, "environment" | "code"));
    let mut text: String = underneath
        .map(|section| {
            let most = (CHANGES_SHOWN, "runstone diff --all");
            of_section(section, diff, Detail::Changed, most)
        })
        .collect();
    for unknown in rows::unknowns(diff) {
        let lines = wrapped(&unknown);
        line(
            &mut text,
            format_args!("{FAINT}{}{FAINT:#}", lines.trim_end()),
        );
    }
    text
}

/// Returns one section of at most so many items, unless all are wanted, and names the command that
/// shows more.
fn of_section(
    section: &Section<'_>,
    diff: &RunDiff,
    detail: Detail,
    (shown, more): (usize, &str),
) -> String {
    let changes = section.changes.iter();
    let mut items: Vec<String> = changes.map(|change| item(change, diff)).collect();
    let kept = match detail {
        Detail::All => items.len(),
        Detail::Changed => items.len().min(shown),
    };
    let left_out = items.len() - kept + section.untold;
    items.truncate(kept);
    match (left_out, detail) {
        (0, _) => {}
        (_, Detail::All) => items.push(format!("+{left_out} more")),
        (_, Detail::Changed) => items.push(format!("+{left_out} more; see `{more}`")),
    }
    self::section(section.label, &items)
}

fn moved(row: &Row) -> String {
    let (before, now) = rows::sides(row, VALUE_MAX);
    format!("{} {before} → {now}", plain(&row.key))
}

fn metric_item(delta: &MetricDelta, diff: &RunDiff) -> String {
    let name = plain(metric_name(&delta.name));
    let word = rows::movement(delta, diff);
    match rows::measured(delta) {
        (_, now, _) if delta.prev == delta.curr => format!("{name} {now}"),
        (before, now, Some(moved)) => format!("{name} {before} → {now} ({moved}, {word})"),
        (before, now, None) => format!("{name} {before} → {now} ({word})"),
    }
}
