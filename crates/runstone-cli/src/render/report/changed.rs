//! What came out of a run, and what went in differently: the sections of a page about change.
//!
//! The rows are those of the diff, cut to what a page can show; what is left out is counted. The
//! invariant kept: what is not known is said beside what is, and nothing is called a cause. Order
//! and headings among the other sections belong to the page.

use runstone::core::blame::Suspect;
use runstone::core::diff::{DiffStatus, MetricDelta, RunDiff, wording};
use runstone::core::profile::Severity;
use runstone::core::verdict::MetricVerdict;
use runstone::report::Report;
use runstone::why::Move;
use runstone::{Answered, Stored};

use super::page::{Section, Table, Words, text, with_command};
use crate::render::diff::rows::{self, Change};
use crate::render::diff::{Detail, Order};
use crate::render::time;
use crate::render::words::{count, metric_name, shown_apart};

/// Longest value of a cell, in characters.
const VALUE_MAX: usize = 48;
/// Most suspects on a page; `runstone why` has them all.
const SUSPECTS_MAX: usize = 10;
/// Most changes of one section on a page; more are counted.
const CHANGES_MAX: usize = 50;

/// The metrics that are judged, or moved.
pub(super) fn metrics(answer: &Answered) -> Section {
    let diff = &answer.diff;
    let judged = |name: &str| answer.verdict.metrics.iter().find(|it| it.name == name);
    let mut shown = rows::metrics(diff, Detail::All);
    shown.retain(|delta| delta.prev != delta.curr || judged(&delta.name).is_some());
    let mut rows: Vec<Vec<String>> = shown
        .into_iter()
        .map(|delta| {
            let (before, now, moved) = rows::measured(delta);
            let verdict = judged(&delta.name);
            vec![
                metric_name(&delta.name).to_owned(),
                before,
                now,
                moved.unwrap_or_default(),
                verdict.and_then(noise).unwrap_or_default(),
                meaning(delta, verdict, answer),
            ]
        })
        .collect();
    if diff.status == DiffStatus::FirstRun {
        let alone = answer.verdict.metrics.iter();
        rows.extend(alone.filter_map(|it| {
            let now = wording::number(it.value?);
            let empty = String::new;
            let word = it.overall.as_str().to_owned();
            Some(vec![it.name.clone(), empty(), now, empty(), empty(), word])
        }));
    }
    let mut section = Section::new("Metrics");
    if !rows.is_empty() {
        section.table = Some(Table {
            heads: vec!["metric", "previous", "now", "moved by", "noise", "means"],
            rows,
        });
    }
    section
}

/// The values between which a metric does not count, where they are known.
fn noise(verdict: &MetricVerdict) -> Option<String> {
    let held = verdict.held.as_ref().ok()?;
    let movement = wording::movement(held.low, held.high);
    Some(format!("{} to {}", movement.prev, movement.curr))
}

fn meaning(delta: &MetricDelta, verdict: Option<&MetricVerdict>, answer: &Answered) -> String {
    let moved = rows::movement(delta, &answer.diff);
    match verdict {
        Some(judged) => by_step(judged).unwrap_or_else(|| judged.overall.as_str().to_owned()),
        None if answer.verdict.others.outside.contains(&delta.name) => {
            format!("{moved}, outside its noise")
        }
        None if delta.prev == delta.curr => String::new(),
        None => moved.to_owned(),
    }
}

/// Says what a lasting step made of a metric whose value alone lies within its noise, or has none:
/// beside the noise the bare word would read like a mistake.
fn by_step(judged: &MetricVerdict) -> Option<String> {
    let shift = judged.shift.as_ref()?;
    let (word, onset) = (judged.overall.as_str(), shift.onset);
    match (&judged.held, judged.value?) {
        (Ok(held), value) if value < held.low || held.high < value => None,
        (Ok(_), _) => Some(format!(
            "{word} by a lasting step at #{onset}; this run alone lies within the noise"
        )),
        (Err(_), _) => Some(format!("{word} by a lasting step at #{onset}")),
    }
}

/// What changed when a metric moved: evidence, never a cause.
pub(super) fn moved_with(moved: &Move) -> Section {
    let mut section = Section::new("What changed with it");
    let (onset, name) = (&moved.onset, metric_name(&moved.metric.name));
    section.lines.push(text(format!(
        "{name} moved at #{}; {} with these settings before, the last #{}.",
        onset.first(),
        count(onset.before.len() as u64, "run"),
        onset.last_before()
    )));
    if moved.suspects.is_empty() {
        section
            .lines
            .push(text("Nothing that is known changed with it."));
        return section;
    }
    section.lines.push(text(
        "Most suspicious first; none is shown to be the cause.",
    ));
    let suspects = moved.suspects.iter().take(SUSPECTS_MAX);
    let row = |suspect: &Suspect| {
        let changed = &suspect.changed;
        let key = changed.key.strip_prefix("factors.").unwrap_or(&changed.key);
        let (prev, curr) = (changed.prev.as_ref(), changed.curr.as_ref());
        let (before, now) = shown_apart(prev, curr, VALUE_MAX);
        vec![key.to_owned(), before, now, moved.evidence(suspect)]
    };
    section.table = Some(Table {
        heads: vec!["what", "previous", "now", "evidence"],
        rows: suspects.map(row).collect(),
    });
    section
}

/// What went in differently, with the gravest level among it.
pub(super) fn changes(report: &Report) -> (Severity, Section) {
    let diff = &report.answer.diff;
    let mut section = Section::new("What changed");
    section.lines.push(compared_with(report));
    let mut level = Severity::None;
    let mut rows = Vec::new();
    for found in rows::sections(diff, Detail::Changed, Order::MattersFirst) {
        if matches!(found.label, "metrics" | "environment" | "code") {
            continue;
        }
        level = level.max(found.level);
        rows.extend(leaves(&found, &mut section.lines, &report.stored));
    }
    if !rows.is_empty() {
        section.table = Some(Table {
            heads: vec!["what", "key", "previous", "now", "severity"],
            rows,
        });
    } else if let Some(nothing) = rows::nothing(diff, Detail::Changed) {
        section.lines.push(text(format!("{nothing}.")));
    } else if diff.status == DiffStatus::Compared {
        section
            .lines
            .push(text("No factor, label or artifact differs."));
    }
    (level, section)
}

fn leaves(found: &rows::Section<'_>, lines: &mut Vec<Words>, stored: &Stored) -> Vec<Vec<String>> {
    let row = |change: &Change<'_>| match change {
        Change::Leaf(row) => {
            let (before, now) = rows::sides(row, VALUE_MAX);
            let level = found.level.as_str().to_owned();
            Some(vec![
                found.label.to_owned(),
                row.key.clone(),
                before,
                now,
                level,
            ])
        }
        Change::Metric(_) => None,
    };
    let all = found.changes.iter();
    let shown = all.take(CHANGES_MAX).filter_map(row).collect();
    if let Some(more) = found
        .changes
        .len()
        .checked_sub(CHANGES_MAX)
        .filter(|it| *it > 0)
    {
        lines.push(with_command(
            format!("{more} more changes of {}: ", found.label),
            format!("runstone diff {} --all", stored.place),
        ));
    }
    shown
}

fn compared_with(report: &Report) -> Words {
    let diff = &report.answer.diff;
    let Some(named) = &diff.previous else {
        let why = diff.reason.as_deref().unwrap_or("first run");
        return text(format!("Compared with nothing: {why}."));
    };
    let now = &report.stored.envelope.recorded_at;
    let then = report.answer.previous_recorded_at.as_deref();
    let earlier = then
        .and_then(|then| time::earlier(then, now))
        .map_or_else(String::new, |earlier| format!(", {earlier}"));
    text(format!(
        "Compared with #{} {}{earlier}.",
        named.seq, named.run_id
    ))
}

/// The software and code underneath: what differs, or why that is not known.
pub(super) fn environment(diff: &RunDiff) -> (Severity, Section) {
    let mut section = Section::new("Environment and code");
    let mut level = Severity::None;
    let mut rows = Vec::new();
    for found in rows::sections(diff, Detail::Changed, Order::MattersFirst) {
        if !matches!(found.label, "environment" | "code") {
            continue;
        }
        level = level.max(found.level);
        let more = found.changes.len().saturating_sub(CHANGES_MAX);
        for change in found.changes.iter().take(CHANGES_MAX) {
            if let Change::Leaf(row) = change {
                let (before, now) = rows::sides(row, VALUE_MAX);
                rows.push(vec![found.label.to_owned(), row.key.clone(), before, now]);
            }
        }
        if more > 0 {
            section
                .lines
                .push(text(format!("{more} more rows of {}.", found.label)));
        }
    }
    section.lines.extend(
        rows::unknowns(diff)
            .into_iter()
            .map(|it| text(format!("{it}."))),
    );
    if diff.status == DiffStatus::Compared {
        for (what, captured) in [("environment", &diff.environment), ("code", &diff.code)] {
            let is_equal = captured.unknown_because().is_none() && captured.rows().is_empty();
            if is_equal {
                section.lines.push(text(format!("The {what} is the same.")));
            }
        }
    }
    if !rows.is_empty() {
        section.table = Some(Table {
            heads: vec!["what", "key", "previous", "now"],
            rows,
        });
    }
    (level, section)
}
