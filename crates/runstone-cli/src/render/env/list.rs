//! Environments that are kept, as rows; and what became of keeping one.

use runstone::core::note::{Author, NoteText, Tag};
use runstone::environments::{
    Created, EnvironmentLog, EnvironmentNoted, KeptEnvironment, RemovalPlan, Stays, Taken,
};
use runstone::notes::NotedAs;

use crate::error::CliError;
use crate::exit::Exit;
use crate::render::format::{Format, Rows};
use crate::render::lines::{behind, line, wrapped};
use crate::render::time::ago;
use crate::ui::{DONE, FAINT, Face, NAME, Ui, plain};

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
    let young = created.taken.stays.iter();
    let stay = match young.filter(|it| it.is_just_created()).count() {
        0 => return text,
        1 => "1 older one stays: it was created less than ten minutes ago".to_owned(),
        many => format!("{many} older ones stay: they were created less than ten minutes ago"),
    };
    text + &wrapped(&stay)
}

/// Returns one line for each environment that a rule took.
fn removed(taken: &Taken) -> String {
    let mut text = String::new();
    for kept in &taken.removed {
        text.push_str(&headed(&format!("{DONE}removed{DONE:#} "), kept));
    }
    for kept in &taken.unknown {
        text.push_str(&headed("removed, or not: ", kept));
    }
    text
}

/// Returns what a rule would take, and what stays that it means.
pub(crate) fn planned(plan: &RemovalPlan) -> String {
    let mut text = String::new();
    for kept in &plan.removes {
        text.push_str(&headed("would remove ", kept));
    }
    if plan.removes.is_empty() {
        text.push_str("nothing to remove\n");
    }
    text + &staying(&plan.stays)
}

/// Returns what a rule took.
pub(crate) fn pruned(taken: &Taken) -> String {
    removed(taken) + &staying(&taken.stays)
}

fn staying(stays: &[Stays]) -> String {
    let line = |stays: &Stays| {
        let id = stays.kept.id();
        wrapped(&format!(
            "{FAINT}stays{FAINT:#} {NAME}{id}{NAME:#}: {}",
            stays.reason
        ))
    };
    stays.iter().map(line).collect()
}

/// Shows what became of a note about an environment, for the command that made it.
pub(crate) fn noted(
    ui: &Ui,
    command: &str,
    done: &str,
    noted: &EnvironmentNoted,
) -> Result<Exit, CliError> {
    match ui.face {
        Face::Json => ui.json(&noted.to_json(command))?,
        Face::Text => {
            let already = match noted.noted_as {
                NotedAs::New => "",
                NotedAs::Already => "already ",
            };
            ui.data(&headed(
                &format!("{DONE}{already}{done}{DONE:#} "),
                &noted.kept,
            ))?;
            for warning in &noted.warnings {
                ui.warn(warning);
            }
        }
    }
    Ok(Exit::Done)
}

/// Returns an environment as a question names it.
pub(crate) fn in_words(kept: &KeptEnvironment) -> String {
    let description = description(kept);
    if description.is_empty() {
        return kept.id();
    }
    format!("{} ({description})", kept.id())
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
