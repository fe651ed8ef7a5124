//! What npm is told: one removal, one installation, no script of a package.
//!
//! # Source
//! `npm-install(1)`, `npm-uninstall(1)`, `npm-config(7)` of npm 10.

use super::super::manager::Manager;
use super::super::plan::Plan;
use super::super::step::Action;
use super::{Argv, Tool};

/// The folder of global packages below a prefix.
const MODULES: &str = "/lib/node_modules";

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is said and not done.
    Prove,
    /// It is done.
    Act,
}

/// Returns the removal and the installation.
pub(super) fn lines(plan: &Plan, mode: Mode) -> Vec<Argv> {
    let prefix = plan.places.npm.as_deref();
    let Some(prefix) = prefix.and_then(|folder| folder.strip_suffix(MODULES)) else {
        return Vec::new();
    };
    // Of a prefix that is the root nothing is left.
    let prefix = if prefix.is_empty() { "/" } else { prefix };
    let line = |verb: &str| {
        let line = Argv::new(Tool::Npm, [verb, "--global", "--prefix", prefix]);
        let line = line.with(["--ignore-scripts", "--no-audit", "--no-fund"]);
        let line = line.with(["--no-update-notifier", "--json"]);
        match mode {
            Mode::Prove => line.with(["--dry-run", "--"]),
            Mode::Act => line.with(["--"]),
        }
    };
    let steps = || plan.steps_of(Manager::Npm);
    let gone: Vec<String> = steps()
        .filter(|step| step.action == Action::Remove)
        .map(|step| step.name.clone())
        .collect();
    let put: Vec<String> = steps()
        .filter(|step| step.puts())
        .filter_map(|step| Some(format!("{}@{}", step.name, step.after.as_deref()?)))
        .collect();
    let mut lines = Vec::new();
    if !gone.is_empty() {
        lines.push(line("uninstall").with(gone));
    }
    if !put.is_empty() {
        lines.push(line("install").with(put));
    }
    lines
}
