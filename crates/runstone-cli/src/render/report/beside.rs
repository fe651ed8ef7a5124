//! Beside what a run stands: the runs it is held against, those looked back at, what people said.
//!
//! The invariant kept: each run that is named can be shown by the command that stands with it. How
//! a history is drawn belongs to the chart.

use runstone::core::diff::wording;
use runstone::core::metric::MetricValue;
use runstone::core::verdict::{Baseline, Part, Trail, TrailPoint};
use runstone::report::Report;

use super::page::{Section, Table, text, with_command};
use crate::render::note;
use crate::render::words::metric_name;

/// The runs it stands beside, with what shows each.
pub(super) fn yardsticks(report: &Report) -> Section {
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
pub(super) fn runs(trail: &Trail) -> Section {
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
pub(super) fn notes(report: &Report) -> Option<Section> {
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
