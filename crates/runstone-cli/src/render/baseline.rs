//! The yardstick of a cohort as text.

use runstone::yardstick::BaselineShown;

use crate::render::answer;
use crate::render::lines::{behind, wrapped};
use crate::render::words::{count, metric};
use crate::ui::{NAME, plain};

/// Most moves shown; chosen, a cohort of years has thousands.
const MOVES_SHOWN: usize = 20;

/// Returns which run is the baseline, why, its window, and where it moved.
pub(crate) fn text(shown: &BaselineShown) -> String {
    let mut text = String::new();
    text.push_str(&behind(
        "cohort   ",
        &format!("{NAME}{}{NAME:#}", shown.cohort),
    ));
    if let Some((name, direction)) = &shown.primary {
        text.push_str(&behind(
            "primary  ",
            &format!("{} ({} is better)", plain(name), direction.as_str()),
        ));
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
        text.push_str(&wrapped(&format!(
            "  #{} {}{value}",
            stored.place.seq,
            plain(stored.snapshot.run_id.as_str())
        )));
    }
    let earlier = shown.moves.len().saturating_sub(MOVES_SHOWN);
    if earlier > 0 {
        let moves = count(earlier as u64, "earlier move");
        text.push_str(&wrapped(&format!("  {moves}; `--json` lists all")));
    }
    for moved in &shown.moves[earlier..] {
        let which = moved
            .baseline
            .map_or_else(|| "none".to_owned(), |seq| format!("#{seq}"));
        text.push_str(&behind(
            &format!("  {which} from #{} on: ", moved.at),
            &plain(&moved.why),
        ));
    }
    text
}
