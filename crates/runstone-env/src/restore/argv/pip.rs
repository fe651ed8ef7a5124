//! What uv or pip is told: what goes first, since files may pass from one distribution to another,
//! then one installation of everything that comes.
//!
//! Nothing is resolved (`--no-deps`: the environment says it all) and nothing is built, but what
//! comes from a source that was allowed by name.
//!
//! # Source
//! `uv pip install --help` of uv 0.13; `pip install --help` of pip 23.2, the reference of which
//! says what each option means.

use super::super::manager::Manager;
use super::super::plan::Plan;
use super::super::step::{Action, Step};
use super::{Argv, Means, Tool};

/// What installs distributions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Installer {
    /// uv.
    Uv,
    /// pip.
    #[default]
    Pip,
}

/// Returns the simulation of what comes. What goes is named, and brings nothing else along.
pub(super) fn proving(plan: &Plan, means: &Means) -> Vec<Argv> {
    let requirements = requirements(plan);
    if requirements.is_empty() {
        return Vec::new();
    }
    let is_fresh = plan.policy.into.is_some();
    let interpreter = match &means.base {
        Some(base) if is_fresh => Some(base.clone()),
        _ => plan.environment_folder(),
    };
    let Some(interpreter) = interpreter else {
        return Vec::new();
    };
    let line = match means.installer {
        Installer::Uv => {
            let line = install(plan, Installer::Uv, &interpreter).with(["--dry-run"]);
            // Of a fresh environment nothing is there: the one below stands for it.
            let alone = ["--reinstall", "--break-system-packages"];
            line.with(alone.into_iter().filter(|_| is_fresh))
        }
        Installer::Pip => {
            let line = install(plan, Installer::Pip, &interpreter);
            let line = line.with(["--dry-run", "--quiet", "--report", "-"]);
            line.with(["--ignore-installed"].into_iter().filter(|_| is_fresh))
        }
    };
    vec![line.with(["--"]).with(requirements)]
}

/// Returns the removal and the installation; of a fresh environment its making comes first.
pub(super) fn acting(plan: &Plan, means: &Means) -> Vec<Argv> {
    let Some(folder) = plan.environment_folder() else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    if let (Some(_), Some(base)) = (&plan.policy.into, &means.base) {
        lines.push(match means.installer {
            Installer::Uv => {
                let line = Argv::new(Tool::Uv, ["venv", "--quiet", "--color", "never"]);
                line.with(["--no-project", "--python", base, "--", &folder])
            }
            Installer::Pip => {
                Argv::new(Tool::Python, ["-I", "-m", "venv", "--without-pip", &folder])
            }
        });
    }
    let gone: Vec<String> = plan
        .steps_of(Manager::Pip)
        .filter(|step| step.action == Action::Remove)
        .map(|step| step.name.clone())
        .collect();
    if !gone.is_empty() {
        let line = match means.installer {
            Installer::Uv => {
                let line = Argv::new(Tool::Uv, ["pip", "uninstall", "--color", "never"]);
                line.with(["--python", &folder])
            }
            Installer::Pip => {
                let line = Argv::new(Tool::Pip, ["--python", &folder, "uninstall"]);
                line.with(["--yes", "--no-input", "--disable-pip-version-check"])
            }
        };
        lines.push(line.with(["--"]).with(gone));
    }
    let requirements = requirements(plan);
    if !requirements.is_empty() {
        let line = install(plan, means.installer, &folder);
        lines.push(line.with(["--"]).with(requirements));
    }
    lines
}

fn install(plan: &Plan, installer: Installer, interpreter: &str) -> Argv {
    let again = plan
        .steps_of(Manager::Pip)
        .filter(|step| step.action == Action::Reinstall);
    match installer {
        Installer::Uv => {
            let line = Argv::new(Tool::Uv, ["pip", "install", "--color", "never"]);
            let line = line
                .with(["--python", interpreter, "--no-deps"])
                .with(only_binary(plan));
            again.fold(line, |line, step| {
                line.with(["--reinstall-package", step.name.as_str()])
            })
        }
        Installer::Pip => {
            let line = Argv::new(Tool::Pip, ["--python", interpreter, "install", "--no-deps"]);
            let line = line.with(["--only-binary", ":all:", "--no-input"]);
            let line = line.with(["--disable-pip-version-check", "--no-warn-script-location"]);
            // Whatever is named has to change: it is put in place whether or not it seems to be.
            line.with(again.take(1).map(|_| "--force-reinstall"))
        }
    }
}

/// Returns which distributions uv must not build: all, but those from an allowed source, which it
/// would refuse as well.
fn only_binary(plan: &Plan) -> Vec<&str> {
    let steps = || plan.steps_of(Manager::Pip).filter(|step| step.puts());
    if steps().all(|step| step.origin.is_none()) {
        return vec!["--only-binary", ":all:"];
    }
    let indexed = steps().filter(|step| step.origin.is_none());
    let options = indexed.flat_map(|step| ["--only-binary", step.name.as_str()]);
    options.collect()
}

fn requirements(plan: &Plan) -> Vec<String> {
    let steps = plan.steps_of(Manager::Pip).filter(|step| step.puts());
    steps.filter_map(requirement).collect()
}

fn requirement(step: &Step) -> Option<String> {
    if let Some(origin) = &step.origin {
        return Some(origin.clone());
    }
    Some(format!("{}=={}", step.name, step.after.as_deref()?))
}
