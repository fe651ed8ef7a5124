//! What making the views again did, as text.

use runstone::views::Rebuilt;

use crate::render::lines::wrapped;
use crate::render::words::count;
use crate::ui::{DONE, ERROR, FAINT, WARNING, plain};

/// Returns what could not be made, then the sum.
pub(crate) fn text(rebuilt: &Rebuilt) -> String {
    let mut text = String::new();
    for place in &rebuilt.unreadable {
        text.push_str(&wrapped(&format!(
            "{ERROR}damaged{ERROR:#} {}: what views show of it was left as it is",
            plain(place)
        )));
    }
    for folder in &rebuilt.unavailable {
        text.push_str(&wrapped(&format!(
            "{FAINT}unavailable{FAINT:#} {}: a run it is compared with, or a note, cannot be read",
            plain(folder)
        )));
    }
    for place in &rebuilt.newer {
        text.push_str(&wrapped(&format!(
            "{FAINT}newer{FAINT:#} {}: a later release wrote it, what views show of it was left as it is",
            plain(place)
        )));
    }
    for left in &rebuilt.left {
        let words = plain(&left.words());
        text.push_str(&wrapped(&format!("{WARNING}left{WARNING:#} {words}")));
    }
    text.push_str(&wrapped(&format!(
        "{DONE}rebuilt{DONE:#} {} written, {} equal, {} removed",
        count(rebuilt.written, "view"),
        rebuilt.equal,
        rebuilt.removed
    )));
    text
}
