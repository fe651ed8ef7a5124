//! The command lines as a script of the POSIX shell, for whoever has the rights to run it.
//!
//! The invariant: every word stands in quotes in which a shell sees nothing of its own, so that the
//! script starts the same command lines, word for word. A line that fails ends it.

use std::fmt::Write as _;

use super::{Argv, Means, acting};
use crate::restore::plan::Plan;

/// What is set for every manager: no question, and words that are the same everywhere.
const SETTINGS: &str = "export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8\n";

/// Returns the script.
pub fn script(plan: &Plan, means: &Means) -> String {
    let mut script = format!(
        "#!/bin/sh\n# Restores environment {} by plan {}.\nset -eu\n{SETTINGS}",
        plan.target,
        plan.id()
    );
    for manager in plan.at_work() {
        write!(script, "\n# {}\n", manager.as_str()).expect("a text takes everything");
        for line in acting(plan, manager, means) {
            script.push_str(&quoted(&line));
            script.push('\n');
        }
    }
    script
}

/// Returns a command line, each word in quotes.
fn quoted(line: &Argv) -> String {
    let words = line.words().into_iter();
    let words = words.map(|word| format!("'{}'", word.replace('\'', r"'\''")));
    words.collect::<Vec<_>>().join(" ")
}
