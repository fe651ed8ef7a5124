//! A diff as a Markdown page: one table, and beside it what a table cannot say.

use runstone::core::diff::{DiffStatus, RunDiff};
use runstone::{Judged, Stored};

use super::rows::{self, Change};
use super::{Detail, Order};
use crate::render::format::markdown_line;
use crate::render::lines::line;
use crate::ui::plain;

/// Longest value of a cell, in characters.
const VALUE_MAX: usize = 60;

/// Returns the whole diff as Markdown.
pub(crate) fn markdown(
    sides: (Option<&Stored>, &Stored),
    judged: &Judged,
    detail: Detail,
) -> String {
    let diff = &judged.diff;
    let (earlier, later) = sides;
    let name = |stored: &Stored| {
        format!(
            "`{}` {}",
            stored.place,
            markdown_text(stored.snapshot.run_id.as_str())
        )
    };
    let mut text = format!("### {}\n\n", name(later));
    if let (DiffStatus::Compared, Some(earlier)) = (diff.status, earlier) {
        line(
            &mut text,
            format_args!("Compared with {}.\n", name(earlier)),
        );
    } else {
        let reason = markdown_text(diff.reason.as_deref().unwrap_or("first run"));
        line(&mut text, format_args!("Not compared: {reason}.\n"));
    }
    if diff.status == DiffStatus::Compared {
        let (word, reason) = (judged.verdict.overall.as_str(), &judged.verdict.reason);
        let reason = markdown_text(reason);
        line(&mut text, format_args!("**{word}**: {reason}\n"));
    }
    let (level, reason) = (
        judged.verdict.severity.as_str(),
        &judged.verdict.severity_reason,
    );
    line(
        &mut text,
        format_args!("Severity **{level}**: {}\n", markdown_text(reason)),
    );
    let table = table(diff, detail);
    if !table.is_empty() {
        for cells in [["what", "key", "before", "after"], ["---"; 4]] {
            text.push_str(&markdown_line(&cells.map(str::to_owned)));
        }
        text.extend(table.iter().map(|cells| markdown_line(cells)));
        text.push('\n');
    } else if let Some(nothing) = rows::nothing(diff, detail) {
        let (head, rest) = nothing.split_at(1);
        let head = head.to_uppercase();
        line(&mut text, format_args!("{head}{rest}.\n"));
    }
    for unknown in rows::unknowns(diff) {
        line(&mut text, format_args!("{}.\n", markdown_text(&unknown)));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Returns the rows that differ, what matters first: what, its key, before and after.
fn table(diff: &RunDiff, detail: Detail) -> Vec<[String; 4]> {
    let mut table = Vec::new();
    for section in rows::sections(diff, detail, Order::MattersFirst) {
        for change in &section.changes {
            table.push(match change {
                Change::Leaf(row) => {
                    let (before, now) = rows::sides(row, VALUE_MAX);
                    [section.label.to_owned(), row.key.clone(), before, now]
                }
                Change::Metric(delta) => {
                    let (before, now, _) = rows::measured(delta);
                    let what = format!("metric, {}", rows::movement(delta, diff));
                    [what, delta.name.clone(), before, now]
                }
            });
        }
        if section.untold > 0 {
            let more = format!("+{} more", section.untold);
            table.push([section.label.to_owned(), more, String::new(), String::new()]);
        }
    }
    table
}

fn markdown_text(text: &str) -> String {
    let mut safe = String::new();
    for character in plain(text).chars() {
        if matches!(
            character,
            '*' | '_' | '`' | '<' | '>' | '[' | ']' | '#' | '|' | '\\' | '&' | '~'
        ) {
            safe.push('\\');
        }
        safe.push(character);
    }
    safe
}
