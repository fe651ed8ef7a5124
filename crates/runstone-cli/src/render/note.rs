//! Notes as text: what was just said, and what was said before.

use runstone::core::note::{Dated, Said};
use runstone::notes::{NotedAs, Noting};

use crate::error::CliError;
use crate::exit::Exit;
use crate::render::lines::{behind, named};
use crate::ui::{DONE, FAINT, Face, Ui, plain};

/// Shows what became of a note, for the command that made it.
pub(crate) fn show(ui: &Ui, command: &str, noting: &Noting) -> Result<Exit, CliError> {
    match ui.face {
        Face::Json => ui.json(&noting.to_json(command))?,
        Face::Text => {
            ui.data(&text(noting))?;
            for warning in &noting.warnings {
                ui.warn(warning);
            }
        }
    }
    Ok(Exit::Done)
}

/// Returns what became of a note.
fn text(noting: &Noting) -> String {
    let word = match (noting.noted_as, &noting.said, &noting.note) {
        (NotedAs::New, said, _) => done(said),
        (NotedAs::Already, said, Some(_)) => format!("already {}", done(said)),
        (NotedAs::Already, Said::Untag(tag), None) => format!("not tagged {tag}, as before:"),
        (NotedAs::Already, _, None) => "not pinned, as before:".to_owned(),
    };
    let place = noting.stored.place.to_string();
    let snapshot = &noting.stored.snapshot;
    let (run_id, stage) = (snapshot.run_id.as_str(), snapshot.stage.as_str());
    let run = format!("{}:{}", plain(run_id), plain(stage));
    let mut text = named(&format!("{DONE}{word}{DONE:#} "), &place, &run);
    if let Some(dated) = &noting.note {
        text.push_str(&behind("  ", &said(dated)));
    }
    text
}

/// Returns what a note did, as a participle.
pub(crate) fn done(said: &Said) -> String {
    match said {
        Said::Pin => "pinned".to_owned(),
        Said::Unpin => "unpinned".to_owned(),
        Said::Accept => "accepted".to_owned(),
        Said::Remark(_) => "noted".to_owned(),
        Said::Tag(tag) => format!("tagged {tag}"),
        Said::Untag(tag) => format!("untagged {tag}"),
        Said::Delete => "deleted".to_owned(),
    }
}

/// Returns by whom a note was made, when, and its words, which may have several lines.
pub(crate) fn said(dated: &Dated) -> String {
    let by = dated.note.by.as_ref().map_or_else(
        || "by a user without a name".to_owned(),
        |by| format!("by {}", plain(by.as_str())),
    );
    let words = dated.note.text().map(|text| {
        let lines: Vec<String> = text.as_str().lines().map(plain).collect();
        format!(": {}", lines.join("\n"))
    });
    format!("{by} on {}{}", plain(&dated.at), words.unwrap_or_default())
}

/// Returns one note of a list.
pub(crate) fn line(dated: &Dated) -> String {
    let done = done(&dated.note.said);
    let blanks = " ".repeat(NOTE_SIZE.saturating_sub(done.chars().count()));
    behind(&format!("  {FAINT}{done}{FAINT:#}{blanks} "), &said(dated))
}

/// Columns of what a note of a list did.
const NOTE_SIZE: usize = 12;
