//! Environments that are kept, as rows; and what became of keeping one.

use runstone::core::note::{Author, NoteText, Tag};
use runstone::environments::{Created, EnvironmentLog, KeptEnvironment, Taken};

use crate::render::format::{Format, Rows};
use crate::render::lines::{behind, line, wrapped};
use crate::render::time::ago;
use crate::ui::{DONE, FAINT, NAME, plain};

/// Digits of a digest that name an environment to people.
pub(super) const DIGITS: usize = 12;

/// Returns the list in one of its forms.
pub(crate) fn listed(log: &EnvironmentLog, format: Format) -> String {
    let mut rows =
        Rows::new(&["id", "environment", "kept", "description", "marks"]).lead(&["id", "digest"]);
    for kept in log.listed() {
        let at = match format {
            Format::Table => ago(&kept.at),
            _ => kept.at.clone(),
        };
        rows.push(vec![
            kept.id(),
            kept.digest().prefix(DIGITS),
            at,
            description(kept),
            marks(kept),
        ]);
    }
    rows.render(format, &log.to_json(), "environments")
}

/// Returns what became of keeping an environment.
pub(crate) fn created(created: &Created) -> String {
    let mut text = headed(&format!("{DONE}kept{DONE:#} "), &created.kept);
    text.push_str(&removed(&created.taken));
    text
}

/// Returns one line for each environment that a rule took.
pub(super) fn removed(taken: &Taken) -> String {
    let mut text = String::new();
    for kept in &taken.removed {
        text.push_str(&headed(&format!("{DONE}removed{DONE:#} "), kept));
    }
    for kept in &taken.unknown {
        text.push_str(&headed("removed, or not: ", kept));
    }
    text
}

/// Returns an environment behind `lead`: its id, its name, and what it is for.
pub(super) fn headed(lead: &str, kept: &KeptEnvironment) -> String {
    let id = kept.id();
    let digest = kept.digest().prefix(DIGITS);
    let said = [description(kept), marks(kept)];
    let said: Vec<String> = said.into_iter().filter(|it| !it.is_empty()).collect();
    let said = said.join("  ");
    let lead = format!("{lead}{NAME}{id}{NAME:#}  {digest}  ");
    if said.is_empty() {
        return wrapped(lead.trim_end());
    }
    behind(&lead, &plain(&said))
}

/// Returns who keeps it, since when, and on which machine.
pub(super) fn signature(kept: &KeptEnvironment) -> String {
    let by = kept.entry.by.as_ref().map(Author::as_str);
    let by = by.map_or_else(String::new, |by| format!(" by {}", plain(by)));
    let mut text = String::new();
    line(
        &mut text,
        format_args!("  {FAINT}kept{FAINT:#} {}{by}", plain(&kept.at)),
    );
    text
}

/// Returns the words of an environment on one line.
fn description(kept: &KeptEnvironment) -> String {
    let words = kept.entry.description.as_ref().map(NoteText::as_str);
    words
        .unwrap_or_default()
        .lines()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns what keeps it: a pin, tags.
fn marks(kept: &KeptEnvironment) -> String {
    let pinned = kept.pinned.then_some("pinned");
    let tags = kept.tags.iter().map(Tag::as_str);
    pinned
        .into_iter()
        .chain(tags)
        .collect::<Vec<_>>()
        .join(", ")
}
