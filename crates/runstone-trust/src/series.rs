//! The same kind of histories for another tool: series with and without a lasting step, one a line.
//!
//! `{"law", "before", "step", "values"}`; what another tool finds in them is counted by the recipe
//! that runs it (`.ci/otava`).

use std::fmt::Write as _;

use crate::history::History;
use crate::many::Effort;

/// Runs that follow the step.
const FOLLOWING: usize = 10;

/// Prints series of each kind.
pub(crate) fn lines(effort: Effort) -> String {
    let mut text = String::new();
    for history in [
        History::NORMAL,
        History::STUDENT3,
        History::EXPONENTIAL_DOWN,
        History::Ar,
    ] {
        for (before, step) in [
            (20, 0.0),
            (40, 0.0),
            (10, 3.0),
            (20, 3.0),
            (40, 3.0),
            (40, 1.5),
        ] {
            for values in effort.collect(|random| history.draw(before + FOLLOWING, random)) {
                let moved = values.iter().zip(1..).map(|(value, run)| {
                    // Far from zero: tools that go by percent meet what they are made for.
                    format!(
                        "{:.6}",
                        70.0 + value - if run > before { step } else { 0.0 }
                    )
                });
                let moved: Vec<String> = moved.collect();
                let _infallible = writeln!(
                    text,
                    r#"{{"law":"{}","before":{before},"step":{step},"values":[{}]}}"#,
                    history.as_str(),
                    moved.join(",")
                );
            }
        }
    }
    text
}
