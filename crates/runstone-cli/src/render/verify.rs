//! What `verify` found, as text.

use runstone::verify::Verified;

use crate::render::words::{count, line};
use crate::ui::{DONE, ERROR, FAINT, plain};

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
    line(
        &mut text,
        format_args!(
            "{} recomputed from their documents",
            count(checked.snapshots, "snapshot")
        ),
    );
    text
}
