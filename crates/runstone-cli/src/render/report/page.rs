//! What stands on a page, in which order and in which words.
//!
//! First whether it mattered, then what came out, then what went in differently, gravest first,
//! then what was held against. Markup and width belong to the forms.

use runstone::core::blame::Suspect;
use runstone::core::diff::{DiffStatus, MetricDelta, RunDiff, wording};
use runstone::core::metric::MetricValue;
use runstone::core::profile::Severity;
use runstone::core::verdict::{Baseline, MetricVerdict, Overall, Part, Trail, TrailPoint, Verdict};
use runstone::report::Report;
use runstone::why::Move;
use runstone::{Answered, Stored};

use crate::render::diff::rows::{self, Change};
use crate::render::diff::{Detail, Order};
use crate::render::words::{count, metric_name, shown_apart};
use crate::render::{note, time};

/// Longest value of a cell, in characters.
const VALUE_MAX: usize = 48;
/// Most suspects on a page; `runstone why` has them all.
const SUSPECTS_MAX: usize = 10;
/// Most changes of one section on a page; more are counted.
const CHANGES_MAX: usize = 50;

/// A page.
#[derive(Debug)]
pub(super) struct Page<'r> {
    /// Run and stage.
    pub(super) title: String,
    /// What is said of it in a few words: name and value.
    pub(super) facts: Vec<[String; 2]>,
    /// Did it matter.
    pub(super) overall: Overall,
    /// Why.
    pub(super) reason: Words,
    /// What else is said about that.
    pub(super) asides: Vec<Words>,
    /// The history of the metric that decides.
    pub(super) trail: Option<&'r Trail>,
    /// The rest.
    pub(super) sections: Vec<Section>,
    /// From what it was made.
    pub(super) source: Words,
}

/// A part of a page under a heading.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) lines: Vec<Words>,
    pub(super) table: Option<Table>,
    /// Whether it may be folded away where that is possible.
    pub(super) is_folded: bool,
}

/// Rows under heads.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) heads: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

/// A line of text with commands in it.
pub(super) type Words = Vec<Word>;

/// A piece of a line.
#[derive(Debug)]
pub(super) enum Word {
    Text(String),
    /// A name, or what is to be typed or pasted; without backticks.
    Code(String),
}

fn text(words: impl Into<String>) -> Words {
    vec![Word::Text(words.into())]
}

/// Takes a sentence apart in which names stand between backticks. A name with a backtick of its own
/// leaves all of it text.
fn quoting(sentence: &str) -> Words {
    let pieces: Vec<&str> = sentence.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return text(sentence);
    }
    let piece = |(at, piece): (usize, &&str)| match at % 2 {
        0 => Word::Text((*piece).to_owned()),
        _ => Word::Code((*piece).to_owned()),
    };
    pieces.iter().enumerate().map(piece).collect()
}

fn with_command(words: impl Into<String>, command: String) -> Words {
    vec![Word::Text(words.into()), Word::Code(command)]
}

impl<'r> Page<'r> {
    pub(super) fn of(report: &'r Report) -> Self {
        let Report {
            stored,
            answer,
            trail,
            ..
        } = report;
        let diff = &answer.diff;
        let mut sections = vec![metrics(answer)];
        sections.extend(report.moved.as_deref().map(moved_with));
        let mut changed = vec![changes(report), environment(diff)];
        // What is graver stands first.
        changed.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
        sections.extend(changed.into_iter().map(|(_, section)| section));
        sections.push(yardsticks(report));
        sections.extend(trail.as_ref().map(runs));
        sections.extend(notes(report));
        Self {
            title: format!("{}:{}", stored.snapshot.run_id, stored.snapshot.stage),
            facts: facts(report),
            overall: answer.verdict.overall,
            reason: quoting(&answer.verdict.reason),
            asides: asides(&answer.verdict, diff)
                .iter()
                .map(|aside| quoting(aside))
                .collect(),
            trail: trail.as_ref().filter(|trail| trail.points.len() > 1),
            sections: sections
                .into_iter()
                .filter(|section| !section.is_empty())
                .collect(),
            source: with_command(
                format!("Worked out from the log, sha256 {}. ", stored.place.sha256),
                format!("runstone show {}", stored.place),
            ),
        }
    }
}

impl Section {
    fn new(title: &'static str) -> Self {
        Self {
            title,
            lines: Vec::new(),
            table: None,
            is_folded: false,
        }
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.table.is_none()
    }
}

fn facts(report: &Report) -> Vec<[String; 2]> {
    let Stored {
        place,
        snapshot,
        envelope,
    } = &report.stored;
    let mut facts = vec![
        ["snapshot".to_owned(), place.to_string()],
        ["status".to_owned(), snapshot.status.as_str().to_owned()],
        ["recorded".to_owned(), envelope.recorded_at.clone()],
    ];
    if snapshot.attempt.0 > 0 {
        facts.push(["attempt".to_owned(), snapshot.attempt.to_string()]);
    }
    if let Some(sweep) = &snapshot.sweep {
        facts.push(["sweep".to_owned(), sweep.clone()]);
    }
    let tags: Vec<String> = report
        .notes
        .marks
        .tags
        .iter()
        .map(ToString::to_string)
        .collect();
    if !tags.is_empty() {
        facts.push(["tags".to_owned(), tags.join(" ")]);
    }
    facts
}

fn asides(verdict: &Verdict, diff: &RunDiff) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(words) = verdict.others.words() {
        let outside = verdict.others.outside.join(", ");
        said.push(match outside.as_str() {
            "" => words,
            outside => format!("{words}: {outside}"),
        });
    }
    let (level, why) = (verdict.severity.as_str(), &verdict.severity_reason);
    said.push(format!("severity {level}: {why}"));
    said.extend(rows::variance(diff));
    said
}

/// The metrics that are judged, or moved.
fn metrics(answer: &Answered) -> Section {
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
        Some(judged) => judged.overall.as_str().to_owned(),
        None if answer.verdict.others.outside.contains(&delta.name) => {
            format!("{moved}, outside its noise")
        }
        None if delta.prev == delta.curr => String::new(),
        None => moved.to_owned(),
    }
}

/// What changed when a metric moved: evidence, never a cause.
fn moved_with(moved: &Move) -> Section {
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
fn changes(report: &Report) -> (Severity, Section) {
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
fn environment(diff: &RunDiff) -> (Severity, Section) {
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

/// The runs it stands beside, with what shows each.
fn yardsticks(report: &Report) -> Section {
    let mut section = Section::new("Held against");
    let place = &report.stored.place;
    let diff = &report.answer.diff;
    let show = |seq| format!("runstone show {}#{seq}", place.cohort);
    if let Some(named) = &diff.previous {
        section.lines.push(with_command(
            format!("previous #{} {}: ", named.seq, named.run_id),
            show(named.seq),
        ));
    }
    if let Some(named) = &diff.previous_same_settings {
        section.lines.push(with_command(
            format!(
                "newest with these settings #{} {}: ",
                named.seq, named.run_id
            ),
            show(named.seq),
        ));
    }
    let baseline = &report.answer.baseline;
    section.lines.push(match baseline.seq() {
        Some(seq) => with_command(format!("baseline {}: ", of_baseline(baseline)), show(seq)),
        None => text(format!("baseline {baseline}")),
    });
    section
}

fn of_baseline(baseline: &Baseline) -> String {
    let value = match baseline {
        Baseline::Chosen { point, .. } => point.decides(),
        Baseline::Pinned(pinned) => pinned.point.decides(),
        _ => None,
    };
    match value.and_then(|(name, value)| Some((name, MetricValue::finite(*value)?))) {
        Some((name, value)) => {
            let (name, value) = (metric_name(name), wording::number(value));
            format!("{baseline}; {name} {value}")
        }
        None => baseline.to_string(),
    }
}

/// The runs of the history, newest first.
fn runs(trail: &Trail) -> Section {
    let mut section = Section::new("Runs looked back at");
    section.is_folded = true;
    let row = |point: &TrailPoint| {
        vec![
            format!("#{}", point.seq),
            point.run_id.clone(),
            wording::number(point.value),
            said_of(point.part).to_owned(),
        ]
    };
    section.table = Some(Table {
        heads: vec!["snapshot", "run", "value", "part"],
        rows: trail.points.iter().rev().map(row).collect(),
    });
    section
}

/// Returns what people call the part of a run in the judgement.
pub(super) fn said_of(part: Part) -> &'static str {
    match part {
        Part::Current => "this run",
        Part::Serves => "same settings",
        Part::OtherSettings => "other settings",
        Part::Apart => "does not serve",
    }
}

/// What people said about the run.
fn notes(report: &Report) -> Option<Section> {
    let mut section = Section::new("Notes");
    let notes = report.notes.marks.notes.iter();
    section.lines = notes
        .map(|dated| {
            let done = note::done(&dated.note.said);
            text(format!("{done} {}", note::said(dated).replace('\n', " ")))
        })
        .collect();
    (!section.lines.is_empty()).then_some(section)
}
