//! A diff as a Markdown page: one table, and beside it what a table cannot say.

use runstone::Stored;
use runstone::core::diff::{DiffStatus, Row, RunDiff};

use super::{Detail, rows};
use crate::render::format::markdown_line;
use crate::render::lines::line;
use crate::ui::plain;

/// Longest value of a cell, in characters.
const VALUE_MAX: usize = 60;

/// Returns the whole diff as Markdown.
pub(crate) fn markdown(
    sides: (Option<&Stored>, &Stored),
    diff: &RunDiff,
    detail: Detail,
) -> String {
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
    let (level, reason) = (diff.severity.as_str(), plain(&diff.severity_reason));
    line(&mut text, format_args!("Severity **{level}**: {reason}"));
    text
}

/// Returns the rows that differ, what matters first: what, its key, before and after.
fn table(diff: &RunDiff, detail: Detail) -> Vec<[String; 4]> {
    let row = |what: &str, row: &Row| {
        let (before, now) = rows::sides(row, VALUE_MAX);
        [what.to_owned(), row.key.clone(), before, now]
    };
    let mut table = Vec::new();
    for group in rows::FACTOR_GROUPS {
        let factors = rows::factors(diff, group);
        table.extend(factors.iter().map(|factor| row(rows::class(group), factor)));
    }
    for delta in rows::metrics(diff, detail) {
        let (before, now, _) = rows::measured(delta);
        table.push([
            format!("metric, {}", rows::movement(delta, diff)),
            delta.name.clone(),
            before,
            now,
        ]);
    }
    for (what, rows) in rows::captured(diff, detail) {
        table.extend(rows.into_iter().map(|found| row(what, found)));
    }
    for (what, rows) in rows::others(diff) {
        table.extend(rows.iter().map(|found| row(what, found)));
    }
    table
}

fn markdown_text(text: &str) -> String {
    let mut safe = String::new();
    for character in plain(text).chars() {
        if matches!(
            character,
            '*' | '_' | '`' | '<' | '>' | '[' | ']' | '#' | '|' | '\\'
        ) {
            safe.push('\\');
        }
        safe.push(character);
    }
    safe
}
