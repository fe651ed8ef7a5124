//! What a collection removed, as text.

use runstone::gc::Collected;

use crate::render::lines::wrapped;
use crate::render::words::count;
use crate::ui::{DONE, FAINT, WARNING, plain};

/// Returns every leftover, then the sum.
pub(crate) fn text(collected: &Collected) -> String {
    let mut text = String::new();
    let swept = &collected.swept;
    for path in &swept.leftovers {
        text.push_str(&wrapped(&format!(
            "{FAINT}leftover{FAINT:#} {}",
            plain(path)
        )));
    }
    let leftovers = count(swept.leftovers.len() as u64, "leftover");
    let what = if collected.dry_run {
        format!("{DONE}looked{DONE:#} {leftovers} would be removed")
    } else {
        format!("{DONE}removed{DONE:#} {leftovers}")
    };
    text.push_str(&wrapped(&format!(
        "{what}; {} not a day old stay",
        count(swept.young, "temporary file")
    )));
    if swept.left > 0 {
        text.push_str(&wrapped(&format!(
            "{WARNING}left{WARNING:#} {} that could not be looked at or removed",
            count(swept.left, "place")
        )));
    }
    text
}
