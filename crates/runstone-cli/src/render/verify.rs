//! What `verify` found, as text.

use runstone::verify::Verified;

use crate::render::words::{count, line};
use crate::ui::{DONE, ERROR, FAINT, WARNING, plain};

/// Returns every damage with what was expected and found, then what is harmless, then the sum.
pub(crate) fn text(verified: &Verified) -> String {
    let mut text = String::new();
    for damaged in &verified.damage {
        line(
            &mut text,
            format_args!(
                "{ERROR}damaged{ERROR:#} {} ({})",
                plain(&damaged.path),
                plain(&damaged.kind)
            ),
        );
        line(
            &mut text,
            format_args!("  expected {}", plain(&damaged.expected)),
        );
        line(
            &mut text,
            format_args!("  found    {}", plain(&damaged.found)),
        );
    }
    for leftover in &verified.stale {
        line(
            &mut text,
            format_args!(
                "{FAINT}stale{FAINT:#} {} ({})",
                plain(&leftover.path),
                plain(&leftover.kind)
            ),
        );
    }
    if verified.not_checked() > 0 {
        let newer = count(verified.not_checked() as u64, "entry");
        line(
            &mut text,
            format_args!("{WARNING}not checked{WARNING:#} {newer} of a later release"),
        );
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
    line(
        &mut text,
        format_args!("{verdict}: {read}; {} bytes read", audited.bytes),
    );
    let views = match checked.views {
        0 => String::new(),
        views => format!("; {} as the log says", count(views, "view")),
    };
    line(
        &mut text,
        format_args!(
            "{} recomputed from their documents{views}",
            count(checked.snapshots, "snapshot")
        ),
    );
    if checked.notes > 0 {
        line(
            &mut text,
            format_args!(
                "{} held against what they name",
                count(checked.notes, "note")
            ),
        );
    }
    if let Some(repaired) = verified.repaired {
        line(
            &mut text,
            format_args!(
                "repaired: {} written, {} removed",
                count(repaired.written, "file"),
                repaired.removed
            ),
        );
    }
    text
}
