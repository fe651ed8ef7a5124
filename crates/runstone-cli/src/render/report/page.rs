//! What stands on a page, in which order and in which words.
//!
//! First whether it mattered, then what came out, then what went in differently, gravest first,
//! then what was held against. What each section says is left to those of change and of what stands
//! beside; markup and width belong to the forms.

use runstone::Stored;
use runstone::core::diff::RunDiff;
use runstone::core::verdict::{Overall, Trail, Verdict};
use runstone::report::Report;

use super::beside::{notes, runs, yardsticks};
use super::changed::{changes, environment, metrics, moved_with};
use crate::render::diff::rows;

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

pub(super) fn text(words: impl Into<String>) -> Words {
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

pub(super) fn with_command(words: impl Into<String>, command: String) -> Words {
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
            trail: trail.as_ref().filter(|trail| trail.newest(2).len() > 1),
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
    pub(super) fn new(title: &'static str) -> Self {
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
    let accepted = &report.notes.marks.accepted;
    if snapshot.candidate {
        let said = if accepted.is_some() {
            "accepted"
        } else {
            "no yardstick for others"
        };
        facts.push(["candidate".to_owned(), said.to_owned()]);
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
