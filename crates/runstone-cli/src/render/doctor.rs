//! What the doctor found, as text.

use std::collections::BTreeMap;
use std::path::Path;

use runstone::doctor::Diagnosis;
use runstone::store::dir::examine::{Row, State};

use crate::naming::adopting;
use crate::render::lines::behind;
use crate::render::words::count;
use crate::ui::{DONE, ERROR, FAINT, NAME, WARNING, plain};

/// Columns of the states, and of the subjects behind them.
const STATE: usize = 11;
const SUBJECT: usize = 11;

/// Returns each question with its answer and what to do about it, then the sum.
pub(crate) fn text(found: &Diagnosis, store: &Path) -> String {
    let mut text = String::new();
    let (unasked, answered): (Vec<&Row>, Vec<&Row>) = found
        .rows
        .iter()
        .partition(|row| row.state == State::Unasked);
    for row in answered {
        text.push_str(&line(row.state, row.subject, &row.found));
        if let Some(hint) = row.hint {
            let lead = format!("{:1$}{NAME}hint{NAME:#}: ", "", STATE + SUBJECT);
            text.push_str(&behind(&lead, &plain(&adopting(hint, store))));
        }
    }
    // One reason keeps many questions from being asked.
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in unasked {
        reasons.entry(&row.found).or_default().push(row.subject);
    }
    for (reason, subjects) in reasons {
        let words = format!("{}: {reason}", subjects.join(", "));
        text.push_str(&line(State::Unasked, "", &words));
    }
    let of = |state| found.rows.iter().filter(|row| row.state == state).count() as u64;
    let sum = match found.worst() {
        State::Refused => {
            format!(
                "a store cannot keep its promises here: {}",
                count(of(State::Refused), "question")
            ) + " refused"
        }
        State::Unasked => format!(
            "{} could not be asked",
            count(of(State::Unasked), "question")
        ),
        State::Warning => format!(
            "a store works here; what it promises holds but for {} above",
            count(of(State::Warning), "warning")
        ),
        State::Good => "a store keeps its promises here".to_owned(),
    };
    text.push_str(&behind("", &sum));
    text
}

fn line(state: State, subject: &str, words: &str) -> String {
    let style = match state {
        State::Good => DONE,
        State::Warning => WARNING,
        State::Refused => ERROR,
        State::Unasked => FAINT,
    };
    let gap = STATE - state.word().len();
    let lead = format!(
        "{style}{}{style:#}{:gap$}{subject:SUBJECT$}",
        state.word(),
        ""
    );
    behind(&lead, &plain(words))
}
