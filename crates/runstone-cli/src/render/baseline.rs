//! The yardstick of a cohort as text.

use runstone::yardstick::BaselineShown;

use crate::render::answer;
use crate::render::words::{line, metric};
use crate::ui::{NAME, plain};

/// Returns which run is the baseline, why, its window, and where it moved.
pub(crate) fn text(shown: &BaselineShown) -> String {
    let mut text = String::new();
    line(
        &mut text,
        format_args!("cohort   {NAME}{}{NAME:#}", shown.cohort),
    );
    if let Some((name, direction)) = &shown.primary {
        line(
            &mut text,
            format_args!(
                "primary  {} ({} is better)",
                plain(name),
                direction.as_str()
            ),
        );
    }
    text.push_str(&answer::baseline(&shown.baseline));
    if let Some(stored) = &shown.stored {
        let value = shown
            .primary
            .as_ref()
            .and_then(|(name, _)| stored.snapshot.metrics.get(name));
        let value = value
            .map(|value| format!(", {}", metric(*value)))
            .unwrap_or_default();
        line(
            &mut text,
            format_args!(
                "  #{} {}{value}",
                stored.place.seq,
                plain(stored.snapshot.run_id.as_str())
            ),
        );
    }
    for moved in &shown.moves {
        let pinned = if moved.pinned { ", pinned" } else { "" };
        let which = moved
            .baseline
            .map_or_else(|| "none".to_owned(), |seq| format!("#{seq}"));
        line(
            &mut text,
            format_args!("  {which} from #{} on{pinned}", moved.at),
        );
    }
    text
}
