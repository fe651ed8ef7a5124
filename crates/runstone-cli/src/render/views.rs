//! What making the views again did, as text.

use runstone::views::Rebuilt;

use crate::render::words::{count, line};
use crate::ui::{DONE, ERROR, FAINT, WARNING, plain};

/// Returns what could not be made, then the sum.
pub(crate) fn text(rebuilt: &Rebuilt) -> String {
    let mut text = String::new();
    for place in &rebuilt.unreadable {
        line(
            &mut text,
            format_args!(
                "{ERROR}damaged{ERROR:#} {}: its views were left as they are",
                plain(place)
            ),
        );
    }
    for folder in &rebuilt.unavailable {
        line(
            &mut text,
            format_args!(
                "{FAINT}unavailable{FAINT:#} {}: a run it is compared with cannot be read",
                plain(folder)
            ),
        );
    }
    for place in &rebuilt.newer {
        line(
            &mut text,
            format_args!(
                "{FAINT}newer{FAINT:#} {}: a later release wrote it, its views were left as they are",
                plain(place)
            ),
        );
    }
    for left in &rebuilt.left {
        line(
            &mut text,
            format_args!(
                "{WARNING}left{WARNING:#} {} ({})",
                plain(&left.path),
                plain(&left.kind)
            ),
        );
    }
    line(
        &mut text,
        format_args!(
            "{DONE}rebuilt{DONE:#} {} written, {} equal, {} removed",
            count(rebuilt.written, "view"),
            rebuilt.equal,
            rebuilt.removed
        ),
    );
    text
}
