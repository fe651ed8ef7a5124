//! What apt is told: one run of the solver for everything, then the marks.
//!
//! A word that ends in `-` removes, one that ends in `+` installs, whatever stands before; `--`
//! does not change that. So each package is given with its architecture, and a version whose own
//! end looks like an order gets a `+` behind it.
//!
//! # Source
//! `apt-get(8)`, `apt-mark(8)`; `apt-pkg/cacheset.cc` of apt (`FromModifierCommandLine`).

use super::super::manager::Manager;
use super::super::plan::Plan;
use super::super::step::{Action, Step};
use super::{Argv, Tool};

/// What is said of every run: nothing beside what is named, and no question.
const QUIETLY: [&str; 11] = [
    "--yes",
    "--quiet",
    "--no-install-recommends",
    "--no-install-suggests",
    "--no-auto-remove",
    "-o",
    "APT::Get::Show-Upgraded=false",
    "-o",
    "Dpkg::Use-Pty=false",
    "-o",
    "Dpkg::Options::=--force-confold",
];
/// How long another run of a package manager is waited for, in seconds. Chosen: an upgrade that
/// runs by itself in the background takes about a minute.
const WAIT: &str = "DPkg::Lock::Timeout=120";

/// Returns the simulation. It takes no lock and needs no rights.
pub(super) fn proving(plan: &Plan) -> Vec<Argv> {
    let Some(operands) = operands(plan) else {
        return Vec::new();
    };
    let line = Argv::new(Tool::AptGet, ["--simulate", "-o", "Debug::NoLocking=true"]);
    vec![install(line, plan, operands)]
}

/// Returns the transaction, and the marks behind it.
pub(super) fn acting(plan: &Plan) -> Vec<Argv> {
    let mut lines = Vec::new();
    if let Some(operands) = operands(plan) {
        lines.push(install(
            Argv::new(Tool::AptGet, ["-o", WAIT]),
            plan,
            operands,
        ));
    }
    lines.extend(marks(plan));
    lines
}

fn install(line: Argv, plan: &Plan, operands: Vec<String>) -> Argv {
    let steps = || plan.steps_of(Manager::Apt);
    let is_held =
        |step: &Step| step.action != Action::Mark && step.marks.is_some_and(|it| it.was_held);
    let mut line = line.with(QUIETLY);
    if steps().any(|step| step.action == Action::Downgrade) {
        line = line.with(["--allow-downgrades"]);
    }
    if steps().any(|step| step.action == Action::Reinstall) {
        line = line.with(["--reinstall"]);
    }
    if steps().any(is_held) {
        line = line.with(["--allow-change-held-packages"]);
    }
    if !steps().any(|step| step.action == Action::Remove) {
        line = line.with(["--no-remove"]);
    }
    line.with(["install", "--"]).with(operands)
}

/// Returns what is installed and removed. `None`: nothing is.
fn operands(plan: &Plan) -> Option<Vec<String>> {
    let operands: Vec<String> = plan.steps_of(Manager::Apt).filter_map(operand).collect();
    (!operands.is_empty()).then_some(operands)
}

fn operand(step: &Step) -> Option<String> {
    let name = name(step)?;
    if step.action == Action::Remove {
        return Some(format!("{name}-"));
    }
    let version = step.after.as_deref().filter(|_| step.puts())?;
    let order = if version.ends_with(['+', '-']) {
        "+"
    } else {
        ""
    };
    Some(format!("{name}={version}{order}"))
}

fn name(step: &Step) -> Option<String> {
    let arch = step.arch.as_deref()?;
    Some(format!("{}:{arch}", step.name))
}

/// Returns the marks: what was put in place counts as asked for until it is said otherwise.
fn marks(plan: &Plan) -> Vec<Argv> {
    let names = |is_meant: &dyn Fn(&Step) -> bool| -> Vec<String> {
        let steps = plan.steps_of(Manager::Apt);
        let steps = steps.filter(|step| step.action != Action::Remove && is_meant(step));
        steps.filter_map(name).collect()
    };
    let automatic = |wanted: bool| {
        names(&move |step| step.marks.is_some_and(|it| it.is_automatic == Some(wanted)))
    };
    let held = names(&|step| step.marks.is_some_and(|it| it.is_held));
    let freed = names(&|step| step.marks.is_some_and(|it| it.was_held && !it.is_held));
    let marks = [
        ("auto", automatic(true)),
        ("manual", automatic(false)),
        ("unhold", freed),
        ("hold", held),
    ];
    let marks = marks.into_iter().filter(|(_, names)| !names.is_empty());
    marks
        .map(|(mark, names)| Argv::new(Tool::AptMark, [mark, "--"]).with(names))
        .collect()
}
