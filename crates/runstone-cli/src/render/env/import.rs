//! What became of importing an environment, as text.

use std::fmt::Write as _;

use runstone::env::State;
use runstone::environments::{Created, ImportedSnapshot, SnapshotOutcome};

use super::list::headed;
use crate::render::lines::{behind, wrapped};
use crate::render::words::count;
use crate::ui::{DONE, FAINT, NAME, plain};

/// Returns what is kept now, and what of it is known.
pub(crate) fn imported(created: &Created, format: &str) -> String {
    let mut text = headed(&format!("{DONE}kept{DONE:#} "), &created.kept);
    let sources = created.environment.sources.iter();
    let known: Vec<String> = sources
        .filter(|(_, source)| source.state != State::Absent)
        .map(|(name, source)| {
            let mut words = name.as_str().to_owned();
            if !source.packages.is_empty() {
                let packages = count(source.packages.len() as u64, "package");
                write!(words, " {packages}").expect("a text takes everything");
            }
            if source.state != State::Captured {
                write!(words, " ({})", source.state.as_str()).expect("a text takes everything");
            }
            words
        })
        .collect();
    let lead = format!("  {FAINT}from {}:{FAINT:#} ", plain(format));
    text.push_str(&behind(&lead, &known.join(", ")));
    text
}

/// Returns what became of a folder of the earlier tool.
pub(crate) fn imported_snapshot(snapshot: &ImportedSnapshot) -> String {
    let id = plain(&snapshot.id);
    match &snapshot.outcome {
        SnapshotOutcome::Kept { created, .. } => imported(created, &id),
        SnapshotOutcome::Already(kept) => wrapped(&format!(
            "{id} is kept already: {NAME}{}{NAME:#}",
            kept.id()
        )),
        SnapshotOutcome::Not { reason } => {
            wrapped(&format!("{id} is not imported: {}", plain(reason)))
        }
    }
}
