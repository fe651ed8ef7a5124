//! Why a run was answered as it was, as text.

use runstone::core::blame::{Seen, Suspect};
use runstone::core::id::SnapshotSeq;
use runstone::why::{Explained, Move, Why};

use crate::render::answer;
use crate::render::lines::{behind, headed, wrapped};
use crate::render::words::{count, shown_apart};
use crate::ui::{NAME, plain};

/// Suspects shown; the others are counted.
const SUSPECTS_SHOWN: usize = 10;
/// Longest value shown, in characters.
const VALUE_SIZE_MAX: usize = 30;

/// Returns what the run was held against, and what changed when its metric moved.
pub(crate) fn text(why: &Why) -> String {
    let mut text = headed("", &why.stored);
    text.push_str(&answer::verdict(&why.answered.verdict));
    text.push_str(&answer::previous(
        &why.answered,
        &why.stored.envelope.recorded_at,
    ));
    text.push_str(&explanation(why));
    text
}

/// Returns what changed when the metric moved, for below the answer itself.
pub(crate) fn explanation(why: &Why) -> String {
    match &why.found {
        Explained::Nothing { would_take } => {
            wrapped(&format!("nothing to explain: {}", plain(would_take)))
        }
        Explained::Moved(moved) => of_move(moved),
    }
}

fn of_move(moved: &Move) -> String {
    let mut text = String::new();
    let (before, since) = (&moved.onset.before, &moved.onset.since);
    let how = match (moved.onset.seen, since.len()) {
        (Seen::Step, _) => "where a lasting step was found",
        (Seen::InARow, 1) => "the run itself",
        (Seen::InARow, _) => "the first of those in a row beyond the noise",
    };
    let later = match since.len() {
        1 => String::new(),
        runs => format!("{runs} runs since then, "),
    };
    text.push_str(&behind(
        "began    ",
        &format!(
            "at {}, {how}; {later}{} with these settings before, the last {}",
            named(moved.onset.first()),
            count(before.len() as u64, "run"),
            named(moved.onset.last_before()),
        ),
    ));
    if moved.suspects.is_empty() {
        text.push_str(&wrapped(&format!(
            "nothing that is known changed between #{} and #{}",
            moved.onset.last_before(),
            moved.onset.first()
        )));
    } else {
        text.push_str("changed with it, most suspicious first; none is shown to be the cause\n");
    }
    for (number, suspect) in moved.suspects.iter().take(SUSPECTS_SHOWN).enumerate() {
        text.push_str(&behind(
            &format!("{:>4}  ", number + 1),
            &format!("{}\n{}", change(suspect), plain(&moved.evidence(suspect))),
        ));
    }
    if let Some(more) = moved.suspects.len().checked_sub(SUSPECTS_SHOWN)
        && more > 0
    {
        text.push_str(&wrapped(&format!("      +{more} more; `--json` lists all")));
    }
    text.push_str(&not_known(moved));
    if since.len() == 1 {
        text.push_str(&wrapped(
            "one run alone may be chance, which no history tells apart; record it again with these \
             settings",
        ));
    }
    text
}

/// Names what was not captured, for the same reason together.
fn not_known(moved: &Move) -> String {
    let unknown = moved.unknown();
    let mut lines: Vec<(Vec<&str>, &str)> = Vec::new();
    for (section, reason) in unknown {
        match lines.iter_mut().find(|(_, known)| *known == reason) {
            Some((sections, _)) => sections.push(section),
            None => lines.push((vec![section], reason)),
        }
    }
    let line = |(sections, reason): &(Vec<&str>, &str)| {
        wrapped(&format!(
            "not known: {}, {}; a change there is not seen",
            sections.join(" and "),
            plain(reason)
        ))
    };
    lines.iter().map(line).collect()
}

fn change(suspect: &Suspect) -> String {
    let changed = &suspect.changed;
    let key = changed.key.strip_prefix("factors.").unwrap_or(&changed.key);
    let (prev, curr) = shown_apart(changed.prev.as_ref(), changed.curr.as_ref(), VALUE_SIZE_MAX);
    format!("{} {prev} → {curr}", plain(key))
}

fn named(seq: SnapshotSeq) -> String {
    format!("{NAME}#{seq}{NAME:#}")
}
