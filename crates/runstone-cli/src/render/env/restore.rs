//! A restore as text: what would be done, what is started, and what came of it.
//!
//! Every step is shown, since what is shown is what is done. Names of packages that cannot be had
//! may hold anything; they pass as all stored text does.

use runstone::env::restore::{Action, Kept, Manager, Step};
use runstone::restore::{Outcome, Proposal, Restored};

use super::list::DIGITS;
use crate::render::lines::{behind, line, wrapped};
use crate::render::words::count;
use crate::ui::{DONE, ERROR, FAINT, NAME, WARNING, plain};

/// How many packages that stay are named one by one.
const KEPT_MAX: usize = 10;

/// How much of a command line is shown, in characters. Chosen: three lines of a terminal.
const WORDS_MAX: usize = 240;

/// Returns what would be done.
pub(crate) fn proposed(proposal: &Proposal) -> String {
    let plan = &proposal.plan;
    let id = proposal
        .target
        .kept
        .as_ref()
        .map(|kept| format!("{} ", kept.id()));
    let mut text = String::new();
    line(
        &mut text,
        format_args!(
            "{NAME}{}{}{NAME:#}  {FAINT}plan {}{FAINT:#}",
            id.unwrap_or_default(),
            proposal.target.digest().prefix(DIGITS),
            plan.id().prefix(DIGITS)
        ),
    );
    text.push_str(&steps(&plan.steps));
    text.push_str(&kept(&plan.kept));
    if let (Some(into), Some(folder)) = (&plan.policy.into, plan.environment_folder()) {
        text.push_str(&behind("  made in  ", &plain(&folder)));
        text.push_str(&behind(
            "  then     ",
            &format!("{} leads there", plain(into)),
        ));
    }
    for note in &plan.notes {
        text.push_str(&behind("  note  ", &plain(note)));
    }
    if plan.is_nothing() {
        let managers: Vec<&str> = plan.managers.iter().map(|it| it.as_str()).collect();
        let managers = if managers.is_empty() {
            "no manager has anything on either side".to_owned()
        } else {
            managers.join(", ")
        };
        line(
            &mut text,
            format_args!("{DONE}nothing to do{DONE:#}: {managers}"),
        );
    }
    text
}

/// Returns the line that says what is started; the journal has all of its words.
pub(crate) fn starting(manager: Manager, words: &str) -> String {
    let mut shown: String = words.chars().take(WORDS_MAX).collect();
    if shown.len() < words.len() {
        shown.push('…');
    }
    wrapped(&format!(
        "{FAINT}{}{FAINT:#} {}",
        manager.as_str(),
        plain(&shown)
    ))
}

/// Returns what came of it.
pub(crate) fn restored(proposal: &Proposal, restored: &Restored) -> String {
    let managers: Vec<&str> = proposal
        .plan
        .managers
        .iter()
        .map(|it| it.as_str())
        .collect();
    let managers = managers.join(", ");
    let mut text = match &restored.outcome {
        Outcome::Exactly => wrapped(&format!("{DONE}restored exactly{DONE:#}: {managers}")),
        Outcome::WithMore => wrapped(&format!(
            "{DONE}restored{DONE:#}: {managers}; {} more than the environment has",
            count(restored.kept.len() as u64, "package")
        )),
        Outcome::WithDifferences => wrapped(&format!(
            "{WARNING}restored with {}{WARNING:#}: {managers}",
            count(restored.differences.len() as u64, "difference")
        )),
        Outcome::Stopped { manager, how, said } => {
            let mut text = wrapped(&format!(
                "{ERROR}stopped{ERROR:#}: {} failed ({}), and nothing was started after it",
                manager.as_str(),
                plain(how)
            ));
            for said in said {
                line(&mut text, format_args!("  {}", plain(said)));
            }
            text
        }
        Outcome::Unverified { why } => wrapped(&format!(
            "{WARNING}done, and not verified{WARNING:#}: {}",
            plain(why)
        )),
    };
    if matches!(restored.outcome, Outcome::Stopped { .. }) && !restored.differences.is_empty() {
        line(&mut text, format_args!("still different:"));
    }
    text.push_str(&steps(&restored.differences));
    text.push_str(&kept(&restored.kept));
    if let (Some(into), Some(folder)) = (&proposal.plan.policy.into, &restored.fresh) {
        let words = if restored.outcome.is_whole() {
            format!("{} leads to {}", plain(into), plain(folder))
        } else {
            format!("{} was left in {}", plain(into), plain(folder))
        };
        text.push_str(&behind("  fresh    ", &words));
    }
    if let Some(way_back) = restored.way_back(proposal) {
        text.push_str(&behind("  back by  ", &format!("`{}`", plain(&way_back))));
    }
    let journal = restored.journal.to_string_lossy();
    text.push_str(&behind("  journal  ", &plain(&journal)));
    text
}

fn steps(steps: &[Step]) -> String {
    let name = |step: &Step| {
        let arch = step.arch.as_ref().map(|arch| format!(":{arch}"));
        plain(&format!("{}{}", step.name, arch.unwrap_or_default()))
    };
    let longest = steps.iter().map(|step| name(step).chars().count()).max();
    let width = longest.unwrap_or_default().min(40);
    let mut text = String::new();
    for step in steps {
        let style = match step.action {
            Action::Unavailable => WARNING,
            Action::Remove => ERROR,
            _ => DONE,
        };
        let lead = format!(
            "  {:<5} {style}{:<11}{style:#} {:<width$}  ",
            step.manager.as_str(),
            step.action.as_str(),
            name(step)
        );
        text.push_str(&behind(&lead, &change(step)));
    }
    text
}

fn change(step: &Step) -> String {
    let version = |version: &Option<String>| version.as_deref().map(plain);
    let versions = match (version(&step.before), version(&step.after)) {
        (Some(before), Some(after)) if before != after => format!("{before} → {after}"),
        (_, Some(version)) | (Some(version), None) => version,
        (None, None) => String::new(),
    };
    let from = step
        .origin
        .as_deref()
        .map(|it| format!(", as {}", plain(it)));
    let why = step.reason.as_deref().map(|it| format!(": {}", plain(it)));
    format!(
        "{versions}{}{}",
        from.unwrap_or_default(),
        why.unwrap_or_default()
    )
}

/// Returns what stays although the environment lacks it.
fn kept(kept: &[Kept]) -> String {
    let mut text = String::new();
    for one in kept.iter().take(KEPT_MAX) {
        let arch = one.arch.as_ref().map(|arch| format!(":{arch}"));
        let name = format!("{}{} {}", one.name, arch.unwrap_or_default(), one.version);
        let why = match &one.protected {
            Some(protected) => format!("it is never removed ({protected})"),
            None => "`--prune` removes it".to_owned(),
        };
        let lead = format!(
            "  {:<5} {FAINT}{:<11}{FAINT:#} ",
            one.manager.as_str(),
            "stays"
        );
        text.push_str(&behind(&lead, &format!("{}: {why}", plain(&name))));
    }
    if let Some(more) = kept.len().checked_sub(KEPT_MAX).filter(|it| *it > 0) {
        line(
            &mut text,
            format_args!("  and {more} more stay; `--json` names them"),
        );
    }
    text
}
