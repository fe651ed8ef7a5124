//! What the managers announced they would do, held against the plan.
//!
//! Each manager simulates in its own words (`apt`, `conda`, `uv`, `pip`, `npm`: one reader a
//! file). The
//! invariant: an announcement that cannot be read is no agreement, an action that the plan does not
//! name is collateral, and a step that nobody announced is missing; with any of these nothing is
//! started.

mod apt;
mod conda;
mod gone;
mod npm;
mod pip;
mod uv;

pub use self::gone::gone;
use super::argv::{Installer, Means};
use super::manager::Manager;
use super::plan::Plan;
use super::step::{Action, Step};
use crate::order;

/// What a manager said it would do to one package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Announced {
    /// The package.
    pub name: String,
    /// Its architecture, where the manager knows several.
    pub arch: Option<String>,
    /// What would become of it.
    pub effect: Effect,
}

/// What would become of a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// A version would be put in place.
    Put {
        /// Which.
        version: String,
    },
    /// It would go.
    Remove,
    /// It would be set up.
    Configure,
}

/// An answer that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} announced `{line}`, which cannot be understood", .manager.as_str())]
pub struct Unclear {
    /// Whose answer.
    pub manager: Manager,
    /// The line, or what was expected.
    pub line: String,
}

/// What an announcement and a plan do not agree about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disagreement {
    /// What would be done and is not planned.
    pub collateral: Vec<Announced>,
    /// What is planned and would not be done: the package, and the version it was to have.
    pub missing: Vec<String>,
}

/// Reads what a manager said to the command lines that prove a plan.
///
/// # Errors
/// [`Unclear`] with the line that is none of its own.
pub fn announced(
    manager: Manager,
    means: &Means,
    plan: &Plan,
    native_arch: Option<&str>,
    stdout: &str,
    stderr: &str,
) -> Result<Vec<Announced>, Unclear> {
    match (manager, means.installer) {
        (Manager::Apt, _) => apt::announced(stdout, native_arch),
        (Manager::Conda, _) => conda::announced(stdout, plan, means),
        (Manager::Pnpm | Manager::Yarn, _) => Ok(Vec::new()),
        (Manager::Pip, Installer::Uv) => uv::announced(stderr),
        (Manager::Pip, Installer::Pip) => pip::announced(stdout),
        (Manager::Npm, _) => npm::announced(stdout, plan.places.npm.as_deref()),
    }
}

/// Holds an announcement against the steps of its manager.
pub fn held_against(plan: &Plan, manager: Manager, announced: &[Announced]) -> Disagreement {
    let steps: Vec<&Step> = plan
        .steps_of(manager)
        .filter(|step| step.action != Action::Mark)
        .collect();
    let collateral = announced
        .iter()
        .filter(|it| !steps.iter().any(|step| names(step, it)));
    let missing = steps.iter().filter(|step| {
        let is_done = |it: &&Announced| it.effect != Effect::Configure && names(step, it);
        let mut effects = announced.iter().filter(is_done);
        match step.action {
            // apt and conda say beforehand what they would remove; the others remove what is named.
            Action::Remove => {
                matches!(manager, Manager::Apt | Manager::Conda) && effects.next().is_none()
            }
            _ => !effects.any(|it| matches!(it.effect, Effect::Put { .. })),
        }
    });
    Disagreement {
        collateral: collateral.cloned().collect(),
        missing: missing.map(|step| described(step)).collect(),
    }
}

/// Returns what a manager that failed said for people, where its answer is a document for programs.
pub fn complaint(manager: Manager, stdout: &str) -> Option<String> {
    match manager {
        Manager::Conda => conda::complaint(stdout),
        _ => None,
    }
}

/// Tells whether a step names what was announced.
fn names(step: &Step, announced: &Announced) -> bool {
    if step.name != announced.name || step.arch != announced.arch {
        return false;
    }
    match &announced.effect {
        Effect::Put { version } => {
            step.puts()
                && step
                    .after
                    .as_deref()
                    .is_some_and(|it| is_same(step, it, version))
        }
        // Whoever puts a version in place of another says that the other one goes.
        Effect::Remove => {
            let is_in_two = matches!(step.manager, Manager::Conda | Manager::Pip);
            step.action == Action::Remove || (step.puts() && is_in_two)
        }
        Effect::Configure => step.puts(),
    }
}

fn is_same(step: &Step, planned: &str, announced: &str) -> bool {
    let order = order::compare(step.manager.source(), planned, announced);
    planned == announced
        || (step.manager == Manager::Pip && order.is_some_and(std::cmp::Ordering::is_eq))
}

fn described(step: &Step) -> String {
    let arch = step.arch.as_ref().map(|arch| format!(":{arch}"));
    let version = step.after.as_ref().map(|version| format!(" {version}"));
    format!(
        "{}{}{}",
        step.name,
        arch.unwrap_or_default(),
        version.unwrap_or_default()
    )
}

impl Disagreement {
    /// Tells whether there is none.
    pub fn is_none(&self) -> bool {
        self.collateral.is_empty() && self.missing.is_empty()
    }
}

impl Announced {
    /// Returns it in words for people.
    pub fn in_words(&self) -> String {
        let arch = self.arch.as_ref().map(|arch| format!(":{arch}"));
        let name = format!("{}{}", self.name, arch.unwrap_or_default());
        match &self.effect {
            Effect::Put { version } => format!("install {name} {version}"),
            Effect::Remove => format!("remove {name}"),
            Effect::Configure => format!("configure {name}"),
        }
    }
}

#[cfg(test)]
mod tests;
