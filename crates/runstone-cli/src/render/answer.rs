//! The answer of `record`: where it stands, what changed, did it matter.

use anstyle::Style;
use runstone::core::diff::{RunDiff, wording};
use runstone::core::profile::Severity;
use runstone::core::verdict::{Baseline, Verdict};
use runstone::{Answered, Recorded, RecordedAs};

use crate::error::CliError;
use crate::exit::Exit;
use crate::render::diff::{Detail, Order, sections};
use crate::render::lines::{named, wrapped};
use crate::render::words::metric_name;
use crate::render::{nearest, time};
use crate::ui::{DONE, ERROR, FAINT, NAME, plain};

/// Returns the answer as text.
pub(crate) fn text(recorded: &Recorded) -> String {
    let mut text = String::new();
    let attempt = match recorded.attempt.0 {
        0 => String::new(),
        attempt => format!(" (attempt {attempt})"),
    };
    let word = match recorded.recorded_as {
        RecordedAs::New => "recorded",
        RecordedAs::Already => "already recorded",
    };
    let place = recorded.place.to_string();
    let run = format!(
        "{}:{}{attempt}",
        plain(recorded.run_id.as_str()),
        plain(recorded.stage.as_str())
    );
    text.push_str(&named(&format!("{DONE}{word}{DONE:#} "), &place, &run));
    text.push_str(&previous(&recorded.answer, &recorded.recorded_at));
    text.push_str(&sections(
        &recorded.answer.diff,
        Detail::Changed,
        Order::CauseFirst,
    ));
    text.push_str(&against_baseline(&recorded.answer));
    if let Some(found) = &recorded.nearest {
        text.push_str(&nearest::beside_answer(found));
    }
    text.push_str(&verdict(&recorded.answer.verdict));
    text
}

/// Returns the answer to one document of many, in a line.
pub(crate) fn in_a_line(recorded: &Recorded) -> String {
    let word = match recorded.recorded_as {
        RecordedAs::New => "recorded",
        RecordedAs::Already => "already",
    };
    let Recorded { place, answer, .. } = recorded;
    let (run, stage) = (
        plain(recorded.run_id.as_str()),
        plain(recorded.stage.as_str()),
    );
    let changes = match &answer.diff.previous {
        None => "nothing to compare with".to_owned(),
        Some(previous) => match answer.verdict.severity {
            Severity::None => format!("nothing changed since #{}", previous.seq),
            severity => format!("{} changes since #{}", severity.as_str(), previous.seq),
        },
    };
    let verdict = answer.verdict.overall.as_str();
    let words = wrapped(&format!(
        "{word:8} {place}  {run}:{stage}  {changes}, {verdict}"
    ));
    styled(DONE, word, &words)
}

/// Returns why one document of many, so called, was not recorded, and what to do.
pub(crate) fn refused_of_many(name: &str, error: &CliError, hint: Option<&str>) -> String {
    let mut words = plain(&error.to_string());
    if !words.starts_with(name) {
        words = format!("{name}: {words}");
    }
    let mut cause = std::error::Error::source(error);
    while let Some(found) = cause {
        words = format!("{words}: {}", plain(&found.to_string()));
        cause = found.source();
    }
    let word = match error.exit() {
        Exit::Unknown | Exit::Damaged => "unknown",
        _ => "refused",
    };
    let mut text = styled(ERROR, word, &wrapped(&format!("{word}  {words}")));
    if let Some(hint) = hint {
        let hint = wrapped(&format!("hint: {}", plain(hint)));
        text.push_str(&styled(NAME, "hint:", &hint));
    }
    text
}

/// Returns text whose head is coloured after it was wrapped: colours have no width.
fn styled(style: Style, head: &str, text: &str) -> String {
    let rest = text.strip_prefix(head).unwrap_or(text);
    format!("{style}{head}{style:#}{rest}")
}

/// Returns what a snapshot was compared with, or why with nothing.
pub(crate) fn previous(answer: &Answered, recorded_at: &str) -> String {
    let mut text = String::new();
    let RunDiff {
        previous,
        previous_same_settings,
        reason,
        ..
    } = &answer.diff;
    match previous {
        Some(previous) => {
            let earlier = answer
                .previous_recorded_at
                .as_deref()
                .and_then(|then| time::earlier(then, recorded_at))
                .map(|earlier| format!(", {earlier}"))
                .unwrap_or_default();
            text.push_str(&wrapped(&format!(
                "previous {NAME}#{}{NAME:#} {}{earlier}",
                previous.seq,
                plain(previous.run_id.as_str())
            )));
        }
        None => text.push_str(&wrapped(&format!(
            "previous none: {}",
            plain(reason.as_deref().unwrap_or("first run"))
        ))),
    }
    if let Some(same) = previous_same_settings {
        text.push_str(&wrapped(&format!(
            "  {FAINT}with the same settings: #{} {}{FAINT:#}",
            same.seq,
            plain(same.run_id.as_str())
        )));
    }
    text
}

/// Returns the yardstick with its value, and how far from it this run stands.
fn against_baseline(answer: &Answered) -> String {
    let (point, reason) = match &answer.baseline {
        Baseline::Chosen { point, reason, .. } => (point.as_ref(), reason.clone()),
        Baseline::Pinned(pinned) => (&pinned.point, pinned.reason()),
        _ => return baseline(&answer.baseline),
    };
    let distance = point.decides().and_then(|(name, value)| {
        let delta = answer
            .diff
            .metrics
            .iter()
            .find(|delta| delta.name == *name)?;
        let (then, now) = (value.finite()?, delta.curr?.finite()?);
        let movement = wording::movement(then, now);
        let name = metric_name(name);
        Some(format!(
            "{name} {} → {} ({})",
            movement.prev, movement.curr, movement.delta
        ))
    });
    let place = format!("#{} {}", point.seq, plain(&point.run_id));
    match distance {
        Some(distance) => wrapped(&format!(
            "baseline {place}, {}; {}",
            plain(&distance),
            plain(&reason)
        )),
        None => baseline(&answer.baseline),
    }
}

/// Returns the yardstick, or why there is none yet.
pub(crate) fn baseline(baseline: &Baseline) -> String {
    wrapped(&format!("baseline {}", plain(&baseline.to_string())))
}

/// Returns the verdict.
pub(crate) fn verdict(verdict: &Verdict) -> String {
    let mut text = wrapped(&format!("verdict {}", plain(&verdict.sentence)));
    // Silence of many metrics needs no line; that some moved does, beside what chance would give.
    if !verdict.others.outside.is_empty()
        && let Some(words) = verdict.others.words()
    {
        let names = verdict.others.outside.join(", ");
        text.push_str(&wrapped(&format!("  {words}: {}", plain(&names))));
    }
    text
}
