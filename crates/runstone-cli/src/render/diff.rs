//! What changed, as text and as Markdown: only what differs, what matters first.

use runstone::Stored;
use runstone::core::diff::wording::Movement;
use runstone::core::diff::{
    DiffStatus, FactorGroup, MetricDelta, MetricStatus, RunDiff, SectionRows, wording,
};
use runstone::core::metric::MetricValue;
use serde_json::Value;

use crate::render::format::markdown_line;
use crate::render::words::{
    cut, headed, is_spread, line, metric, metric_name, section, shown, wrapped,
};
use crate::ui::{FAINT, plain};

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Only what differs.
    Changed,
    /// Equal metrics too.
    All,
}

/// Longest value shown on a line, in characters.
const VALUE_MAX: usize = 32;
/// What differs between processes and says something; times and sizes differ every time.
const TELLING_OF_PROCESS: [&str; 3] = [COMMAND, "exit_code", "signal"];
/// The command line, a list of words.
const COMMAND: &str = "command";
/// Most changes of one section shown beside an answer.
const CHANGES_SHOWN: usize = 20;

/// Returns the whole diff as text.
pub(crate) fn text(sides: (Option<&Stored>, &Stored), diff: &RunDiff, detail: Detail) -> String {
    let mut text = String::new();
    let (earlier, later) = sides;
    if let Some(earlier) = earlier {
        text.push_str(&headed("from ", earlier));
    }
    text.push_str(&headed("to   ", later));
    match diff.status {
        DiffStatus::Compared => {}
        DiffStatus::FirstRun => line(
            &mut text,
            format_args!(
                "nothing to compare with: {}",
                plain(diff.reason.as_deref().unwrap_or(""))
            ),
        ),
        DiffStatus::Incomparable => line(
            &mut text,
            format_args!(
                "not comparable: {}",
                plain(diff.reason.as_deref().unwrap_or(""))
            ),
        ),
    }
    text.push_str(&sections(diff, detail));
    text.push_str(&unknowns(diff));
    if diff.status == DiffStatus::Compared && diff.changed_keys.is_empty() {
        line(&mut text, format_args!("  nothing differs"));
    }
    text.push_str(&wrapped(&format!(
        "severity {}: {}",
        diff.severity.as_str(),
        plain(&diff.severity_reason)
    )));
    text
}

/// Returns the sections that differ, what matters first.
pub(crate) fn sections(diff: &RunDiff, detail: Detail) -> String {
    let mut text = String::new();
    if diff.status == DiffStatus::FirstRun && detail == Detail::Changed {
        return text;
    }
    for group in [
        FactorGroup::Hyperparameters,
        FactorGroup::TrainSeed,
        FactorGroup::Versions,
    ] {
        let label = class(group);
        let items: Vec<String> = diff
            .excluded_factors
            .changes
            .iter()
            .filter(|change| change.group == group)
            .map(|change| moved(&change.key, change.prev.as_ref(), change.curr.as_ref()))
            .collect();
        text.push_str(&capped(label, items, detail));
    }
    text.push_str(&capped("metrics", metric_items(diff, detail), detail));
    for (label, rows) in [("environment", &diff.environment), ("code", &diff.code)] {
        text.push_str(&capped(label, known_rows(rows, |_| true), detail));
    }
    let tells = |key: &str| detail == Detail::All || TELLING_OF_PROCESS.contains(&key);
    text.push_str(&capped("process", known_rows(&diff.process, tells), detail));
    for (label, rows) in [
        ("labels", &diff.labels),
        ("artifacts", &diff.artifacts),
        ("identity", &diff.identity),
    ] {
        let items: Vec<String> = rows
            .iter()
            .map(|row| moved(&row.key, row.prev.as_ref(), row.curr.as_ref()))
            .collect();
        text.push_str(&capped(label, items, detail));
    }
    if diff.reproducibility_variance {
        let as_far_as_known = if diff.unknown_inputs.is_empty() {
            ""
        } else {
            ", as far as known,"
        };
        text.push_str(&wrapped(&format!(
            "note the same inputs{as_far_as_known} gave other outputs: not reproducible to the bit"
        )));
    }
    text
}

/// Returns the word people use for a class of factors.
fn class(group: FactorGroup) -> &'static str {
    match group {
        FactorGroup::Hyperparameters => "settings",
        FactorGroup::TrainSeed => "seeds",
        FactorGroup::Versions => "versions",
    }
}

/// Returns a section of at most [`CHANGES_SHOWN`] items, unless all are wanted.
fn capped(label: &str, mut items: Vec<String>, detail: Detail) -> String {
    if detail == Detail::Changed && items.len() > CHANGES_SHOWN {
        let more = items.len() - CHANGES_SHOWN;
        items.truncate(CHANGES_SHOWN);
        items.push(format!("+{more} more; see `runstone diff --all`"));
    }
    section(label, &items)
}

/// Says which sections are not known, and why: not known is not unchanged.
fn unknowns(diff: &RunDiff) -> String {
    let reason = |rows: &SectionRows| match rows {
        SectionRows::Unknown { reason } => Some(plain(reason)),
        SectionRows::Compared(_) | SectionRows::NotCompared { .. } => None,
    };
    let line = |what: &str, reason: &str| {
        let lines = wrapped(&format!("{what} not known: {reason}"));
        format!("{FAINT}{}{FAINT:#}\n", lines.trim_end())
    };
    match (reason(&diff.environment), reason(&diff.code)) {
        (Some(environment), Some(code)) if environment == code => {
            line("environment and code", &code)
        }
        (environment, code) => [("environment", environment), ("code", code)]
            .into_iter()
            .filter_map(|(what, reason)| Some(line(what, &reason?)))
            .collect(),
    }
}

fn known_rows(rows: &SectionRows, is_shown: impl Fn(&str) -> bool) -> Vec<String> {
    match rows {
        SectionRows::Compared(rows) => rows
            .iter()
            .filter(|row| is_shown(&row.key))
            .map(|row| match (&row.prev, &row.curr) {
                (Some(Value::Array(before)), Some(Value::Array(now))) if row.key == COMMAND => {
                    moved_words(&row.key, before, now)
                }
                (before, now) => moved(&row.key, before.as_ref(), now.as_ref()),
            })
            .collect(),
        SectionRows::Unknown { .. } | SectionRows::NotCompared { .. } => Vec::new(),
    }
}

fn moved(key: &str, prev: Option<&Value>, curr: Option<&Value>) -> String {
    let value = |side| shown(side, VALUE_MAX);
    let (before, now) = (value(prev), value(curr));
    if before == now {
        // They differ in their type, or behind the cut.
        return format!(
            "{} {}",
            plain(key),
            cut(&wording::change(prev, curr), 2 * VALUE_MAX)
        );
    }
    format!("{} {before} → {now}", plain(key))
}

/// Returns a changed list of words by the words that differ, an option with its value.
fn moved_words(key: &str, before: &[Value], now: &[Value]) -> String {
    let equal = |pairs: &mut dyn Iterator<Item = (&Value, &Value)>| {
        pairs.take_while(|(one, other)| one == other).count()
    };
    let shorter = before.len().min(now.len());
    let head = equal(&mut before.iter().zip(now));
    let tail = equal(&mut before.iter().rev().zip(now.iter().rev())).min(shorter - head);
    let names_an_option = |word: &Value| word.as_str().is_some_and(|word| word.starts_with('-'));
    let begin = match head.checked_sub(1) {
        Some(at) if names_an_option(&before[at]) => at,
        _ => head,
    };
    let middle = |words: &[Value]| {
        let words = &words[begin..words.len() - tail];
        let words: Vec<String> = words
            .iter()
            .map(|word| wording::value(Some(word)))
            .collect();
        match words.as_slice() {
            [] => "∅".to_owned(),
            words => cut(&words.join(" "), VALUE_MAX),
        }
    };
    let (from, to) = (middle(before), middle(now));
    if from == to {
        let whole = |words: &[Value]| Value::Array(words.to_vec());
        return moved(key, Some(&whole(before)), Some(&whole(now)));
    }
    format!("{} {from} → {to}", plain(key))
}

fn metric_items(diff: &RunDiff, detail: Detail) -> Vec<String> {
    metrics_shown(diff, detail)
        .into_iter()
        .map(|delta| metric_item(delta, diff.status))
        .collect()
}

/// Returns the metrics to show, what matters first: those that decide, then what became worse.
fn metrics_shown(diff: &RunDiff, detail: Detail) -> Vec<&MetricDelta> {
    let mut shown: Vec<&MetricDelta> = diff
        .metrics
        .iter()
        .filter(|delta| detail == Detail::All || is_shown(delta))
        .collect();
    shown.sort_by_key(|delta| (!delta.decides, weight(delta.status)));
    shown
}

/// A spread that moved says little beside the value it belongs to; `--all` shows it.
fn is_shown(delta: &MetricDelta) -> bool {
    delta.prev != delta.curr && !is_spread(&delta.name)
}

/// Worse stands before better, and what did not move last.
fn weight(status: MetricStatus) -> u8 {
    match status {
        MetricStatus::NotANumber => 0,
        MetricStatus::Worse => 1,
        MetricStatus::Better => 2,
        MetricStatus::Changed => 3,
        MetricStatus::Added | MetricStatus::Removed => 4,
        MetricStatus::Same => 5,
    }
}

fn metric_item(delta: &MetricDelta, status: DiffStatus) -> String {
    let name = plain(metric_name(&delta.name));
    let side = |value: Option<MetricValue>| value.map_or_else(|| "∅".to_owned(), metric);
    if delta.prev == delta.curr {
        return format!("{name} {}", side(delta.curr));
    }
    let finite = |value: Option<MetricValue>| value.and_then(MetricValue::finite);
    let word = metric_word(delta.status, status);
    match (finite(delta.prev), finite(delta.curr)) {
        (Some(prev), Some(curr)) => {
            let Movement { prev, curr, delta } = wording::movement(prev, curr);
            format!("{name} {prev} → {curr} ({delta}, {word})")
        }
        _ => format!(
            "{name} {} → {} ({word})",
            side(delta.prev),
            side(delta.curr)
        ),
    }
}

fn metric_word(status: MetricStatus, compared: DiffStatus) -> &'static str {
    match (status, compared) {
        // Between cohorts nothing is better or worse.
        (MetricStatus::Better | MetricStatus::Worse, DiffStatus::Incomparable) => "not comparable",
        (MetricStatus::Same, _) => "within tolerance",
        (MetricStatus::NotANumber, _) => "not a number",
        (other, _) => other.as_str(),
    }
}

/// Returns the diff as a Markdown page.
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
    let mut table: Vec<[String; 4]> = Vec::new();
    for change in &diff.excluded_factors.changes {
        table.push([
            class(change.group).to_owned(),
            change.key.clone(),
            wording::value(change.prev.as_ref()),
            wording::value(change.curr.as_ref()),
        ]);
    }
    for delta in metrics_shown(diff, detail) {
        let side = |value: Option<_>| value.map_or_else(|| "∅".to_owned(), metric);
        table.push([
            format!("metric, {}", metric_word(delta.status, diff.status)),
            delta.name.clone(),
            side(delta.prev),
            side(delta.curr),
        ]);
    }
    for (what, rows) in [
        ("label", &diff.labels),
        ("artifact", &diff.artifacts),
        ("identity", &diff.identity),
    ] {
        table.extend(rows.iter().map(|row| {
            let value = |value: Option<&Value>| wording::value(value);
            [
                what.to_owned(),
                row.key.clone(),
                value(row.prev.as_ref()),
                value(row.curr.as_ref()),
            ]
        }));
    }
    if table.is_empty() {
        text.push_str("Nothing differs.\n");
    } else {
        for cells in [["what", "key", "before", "after"], ["---"; 4]] {
            text.push_str(&markdown_line(&cells.map(str::to_owned)));
        }
        text.extend(table.iter().map(|cells| markdown_line(cells)));
    }
    let (level, reason) = (diff.severity.as_str(), plain(&diff.severity_reason));
    line(
        &mut text,
        format_args!(
            "
Severity **{level}**: {reason}"
        ),
    );
    text
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
