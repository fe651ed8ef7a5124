//! What conda is told: what goes first, then one installation of everything that comes.
//!
//! Nothing is brought along and nothing taken away beside what is named (`--no-deps`,
//! `--force-remove`: the environment says it all). Each package is given with its version, its build
//! and the digest of its archive, which is exact; where it is found is the user's setting.
//!
//! # Source
//! `conda install --help` and `conda remove --help` of conda 26.7; `conda/models/match_spec.py` for
//! `NAME=VERSION=BUILD`.

use super::super::manager::Manager;
use super::super::plan::Plan;
use super::super::step::{Action, Step};
use super::{Argv, Means, Tool};

/// Returns the simulation: conda says what it would do as a document. What comes is asked of the
/// prefix as it is once what goes is gone, where there is a folder that stands for it.
pub(super) fn proving(plan: &Plan, means: &Means) -> Vec<Argv> {
    lines(plan, means.without.as_deref(), &["--json", "--dry-run"])
}

/// Returns the removal and the installation.
pub(super) fn acting(plan: &Plan) -> Vec<Argv> {
    lines(plan, None, &[])
}

fn lines(plan: &Plan, without: Option<&str>, mode: &[&str]) -> Vec<Argv> {
    let Some(prefix) = plan.places.conda.as_deref() else {
        return Vec::new();
    };
    let line = |verb: &str, prefix: &str, alone: &str| {
        let line = Argv::new(Tool::Conda, [verb, "--prefix", prefix, "--yes", "--quiet"]);
        line.with([alone]).with(mode.iter().copied())
    };
    let steps = || plan.steps_of(Manager::Conda);
    let gone: Vec<String> = steps()
        .filter(|step| step.action == Action::Remove)
        .map(|step| step.name.clone())
        .collect();
    let put: Vec<String> = steps().filter_map(package).collect();
    // What has the version and the build already would not be looked at otherwise.
    let again = steps().any(|step| step.action == Action::Reinstall && step.before == step.after);
    let mut lines = Vec::new();
    if !gone.is_empty() {
        let line = line("remove", prefix, "--force-remove");
        lines.push(line.with(["--"]).with(gone));
    }
    if !put.is_empty() {
        let line = line("install", without.unwrap_or(prefix), "--no-deps");
        let line = line.with(again.then_some("--force-reinstall"));
        lines.push(line.with(["--"]).with(put));
    }
    lines
}

/// Returns a package as conda is told of it: `NAME=VERSION=BUILD`, and the digest of its archive.
fn package(step: &Step) -> Option<String> {
    let version = step.after.as_deref().filter(|_| step.puts())?;
    let archive = step.archive.as_ref().map(|it| format!("[{it}]"));
    Some(format!(
        "{}={version}{}",
        step.name,
        archive.unwrap_or_default()
    ))
}
