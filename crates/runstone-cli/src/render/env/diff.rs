//! What differs between two environments, as text and as a Markdown page.

use std::collections::BTreeMap;

use runstone::env::SourceName;
use runstone::env::diff::{Change, Row};
use runstone::environments::{ComparedEnvironments, FoundEnvironment};
use serde_json::Value;

use super::list::DIGITS;
use crate::render::format::markdown_line;
use crate::render::lines::{add, section, wrapped};
use crate::render::words::{count, shown};
use crate::ui::{NAME, plain};

/// Longest value of a fact, in characters.
const VALUE_MAX: usize = 40;
/// Facts that are digests of what is in a package.
const CONTENTS: [&str; 5] = ["checksum", "files", "hashes", "md5", "sha256"];
/// What stands over those that move numbers, wherever they were found.
const NUMERICS: &str = "numerics";

/// Returns what differs, what moves numbers first, then source by source.
pub(crate) fn text(compared: &ComparedEnvironments) -> String {
    let mut text = format!(
        "{NAME}{}{NAME:#} → {NAME}{}{NAME:#}\n",
        name(&compared.before),
        name(&compared.after)
    );
    if !compared.differ() {
        text.push_str("they are the same environment\n");
        return text;
    }
    let rows = &compared.diff.rows;
    let mut labels: Vec<&str> = Vec::new();
    for row in rows {
        if labels.last() != Some(&label(row)) {
            labels.push(label(row));
        }
    }
    for labelled in labels {
        let items = rows.iter().filter(|row| label(row) == labelled);
        let items: Vec<String> = items.map(|row| in_words(row, labelled)).collect();
        text.push_str(&section(labelled, &items));
    }
    if rows.is_empty() {
        text.push_str(&wrapped("nothing of what could be compared differs"));
    }
    for (reason, sources) in not_compared(compared) {
        let sources = sources.join(", ");
        text.push_str(&wrapped(&format!(
            "not compared: {sources} ({})",
            plain(reason)
        )));
    }
    if !rows.is_empty() {
        text.push_str(&wrapped(&sum(rows)));
    }
    text
}

/// Returns the same as a table.
pub(crate) fn markdown(compared: &ComparedEnvironments) -> String {
    let mut text = format!(
        "### `{}` → `{}`\n\n",
        name(&compared.before),
        name(&compared.after)
    );
    let rows = &compared.diff.rows;
    if !compared.differ() {
        text.push_str("They are the same environment.\n");
    } else if rows.is_empty() {
        text.push_str("Nothing of what could be compared differs.\n");
    } else {
        for cells in [["what", "name", "change", "before", "after"], ["---"; 5]] {
            text.push_str(&markdown_line(&cells.map(str::to_owned)));
        }
        for row in rows {
            let facts = facts(row);
            let after = row.after.clone().unwrap_or_default();
            let after = [after, facts].into_iter().filter(|it| !it.is_empty());
            text.push_str(&markdown_line(&[
                row.source.as_str().to_owned(),
                full_name(row),
                row.change.as_str().to_owned(),
                row.before.clone().unwrap_or_default(),
                after.collect::<Vec<_>>().join("; "),
            ]));
        }
    }
    for left_out in &compared.diff.not_compared {
        let (source, reason) = (left_out.source.as_str(), plain(&left_out.reason));
        add(&mut text, format_args!("\n- `{source}`: {reason}"));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Returns what was not compared by its reason, which many sources may share.
fn not_compared(compared: &ComparedEnvironments) -> BTreeMap<&str, Vec<&'static str>> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for left_out in &compared.diff.not_compared {
        let sources = reasons.entry(&left_out.reason).or_default();
        sources.push(left_out.source.as_str());
    }
    reasons
}

fn name(found: &FoundEnvironment) -> String {
    let digest = found.digest().prefix(DIGITS);
    match &found.kept {
        Some(kept) => format!("{} {digest}", kept.id()),
        None => digest,
    }
}

fn label(row: &Row) -> &'static str {
    if row.is_numeric {
        NUMERICS
    } else {
        row.source.as_str()
    }
}

/// Returns a package or a fact, with its architecture.
fn full_name(row: &Row) -> String {
    let arch = row.arch.as_ref().map(|arch| format!(":{arch}"));
    format!("{}{}", row.name, arch.unwrap_or_default())
}

fn in_words(row: &Row, label: &str) -> String {
    let source = if label == NUMERICS {
        format!("{} ", row.source.as_str())
    } else {
        String::new()
    };
    let name = plain(&full_name(row));
    let before = row.before.as_deref().map(plain);
    let after = row.after.as_deref().map(plain);
    let words = match (&before, &after) {
        (Some(before), Some(after)) if before == after => {
            format!("{name} {after} {}", row.change.as_str())
        }
        (Some(before), Some(after)) => {
            let back = if row.change == Change::Downgraded {
                " (older)"
            } else {
                ""
            };
            format!("{name} {before} → {after}{back}")
        }
        (None, Some(after)) => format!("+ {name} {after}"),
        (Some(before), None) => format!("− {name} {before}"),
        (None, None) => format!("{name} {}", row.change.as_str()),
    };
    let facts = plain(&facts(row));
    if facts.is_empty() {
        format!("{source}{words}")
    } else {
        format!("{source}{words} ({facts})")
    }
}

/// Returns what else of a package is different. That another version has other contents goes without
/// saying.
fn facts(row: &Row) -> String {
    let value = |value: Option<&Value>| shown(value, VALUE_MAX);
    let is_other_version = row.before != row.after;
    let follows = |name: &str| {
        let is_condas_address = row.source == SourceName::Conda && name == "url";
        CONTENTS.contains(&name) || is_condas_address
    };
    let facts = row.facts.iter();
    let facts = facts.filter(|fact| !(is_other_version && follows(&fact.name)));
    let facts = facts.map(|fact| {
        let (before, after) = (value(fact.before.as_ref()), value(fact.after.as_ref()));
        format!("{} {before} → {after}", fact.name)
    });
    facts.collect::<Vec<_>>().join(", ")
}

/// Returns how many rows there are of each kind.
fn sum(rows: &[Row]) -> String {
    let mut kinds: Vec<Change> = rows.iter().map(|row| row.change).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let kinds = kinds.into_iter().map(|kind| {
        let number = rows.iter().filter(|row| row.change == kind).count();
        format!("{number} {}", kind.as_str())
    });
    let kinds: Vec<String> = kinds.collect();
    let all = count(rows.len() as u64, "difference");
    format!("{all}: {}", kinds.join(", "))
}
