//! What `verify` found, as text.

use std::path::Path;

use runstone::doctor::{MOVED_HINT, moved_in_words};
use runstone::verify::Verified;

use crate::naming::adopting;
use crate::render::lines::{behind, wrapped};
use crate::render::words::count;
use crate::ui::{DONE, ERROR, FAINT, WARNING, plain};

/// Returns every damage with what was expected and found, then what is harmless, then the sum.
pub(crate) fn text(verified: &Verified, store: &Path) -> String {
    let mut text = String::new();
    for damaged in &verified.damage {
        text.push_str(&wrapped(&format!(
            "{ERROR}damaged{ERROR:#} {} ({})",
            plain(&damaged.path),
            plain(&damaged.kind)
        )));
        text.push_str(&behind("  expected ", &plain(&damaged.expected)));
        text.push_str(&behind("  found    ", &plain(&damaged.found)));
    }
    for leftover in &verified.stale {
        let words = plain(&leftover.words());
        text.push_str(&wrapped(&format!("{FAINT}stale{FAINT:#} {words}")));
    }
    if let Some(moved) = &verified.moved {
        text.push_str(&wrapped(&format!(
            "{WARNING}moved{WARNING:#} {}: {}",
            moved_in_words(moved),
            plain(&adopting(MOVED_HINT, store))
        )));
    }
    if verified.not_checked() > 0 {
        let newer = count(verified.not_checked() as u64, "entry");
        text.push_str(&wrapped(&format!(
            "{WARNING}not checked{WARNING:#} {newer} of a later release"
        )));
    }
    let checked = &verified.checked;
    let audited = &checked.audited;
    let verdict = if verified.is_ok() {
        format!("{DONE}ok{DONE:#}")
    } else {
        format!("{ERROR}{} damaged{ERROR:#}", verified.damage.len())
    };
    let read = [
        (audited.slots, "entry"),
        (audited.cohorts, "cohort"),
        (audited.keys, "key"),
        (audited.objects, "object"),
        (audited.profiles, "profile"),
    ]
    .map(|(number, noun)| count(number, noun))
    .join(", ");
    text.push_str(&wrapped(&format!(
        "{verdict}: {read}; {} bytes read",
        audited.bytes
    )));
    let views = match checked.views {
        0 => String::new(),
        views => format!("; {} as the log says", count(views, "view")),
    };
    text.push_str(&wrapped(&format!(
        "{} recomputed from their documents{views}",
        count(checked.snapshots, "snapshot")
    )));
    if checked.notes > 0 {
        text.push_str(&wrapped(&format!(
            "{} held against what they name",
            count(checked.notes, "note")
        )));
    }
    if let Some(repaired) = &verified.repaired {
        for path in &repaired.restored {
            text.push_str(&wrapped(&format!("{DONE}restored{DONE:#} {}", plain(path))));
        }
        if !repaired.restored.is_empty() {
            text.push_str("damaged bytes, where any stood there, are kept in `quarantine/`\n");
        }
        for left in &repaired.left {
            text.push_str(&wrapped(&format!(
                "{WARNING}left{WARNING:#} {}",
                plain(left)
            )));
        }
        text.push_str(&wrapped(&format!(
            "repaired: {} restored, {} made again, {} removed",
            count(repaired.restored.len() as u64, "file"),
            repaired.written,
            repaired.removed
        )));
    }
    text
}

/// Returns what to do about what was found.
pub(crate) fn next_step(verified: &Verified) -> Option<&'static str> {
    if verified.is_ok() {
        return None;
    }
    Some(match &verified.repaired {
        None => {
            "`runstone verify --repair` gives back what a copy in the store proves, and removes nothing true"
        }
        Some(_) => {
            "what is still damaged has no copy in this store: put these files back from a backup, or leave them; everything else is read, and recorded beside, as before"
        }
    })
}
