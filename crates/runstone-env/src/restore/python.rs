//! Steps of uv and pip: the distributions of one Python environment.
//!
//! A distribution is the same if its version, its contents and its origin are. Who asked for it and
//! which program installed it are no part of that: a restore asks for everything. What conda
//! brought is conda's (`brought`), and what is shadowed is nobody's. The invariant: what the target was
//! captured in the middle of installing or removing is not missing there.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::brought::Brought;
use super::manager::Manager;
use super::policy::{Policy, SCHEMES};
use super::protected;
use super::side::Side;
use super::step::{Action, Found, Kept, Step};
use crate::document::Package;
use crate::export::requirements;
use crate::names::SourceName;
use crate::{grammar, order, unfinished};

/// Facts by which the same version may be another distribution.
const ORIGIN: [&str; 4] = ["commit_id", "editable", "subdirectory", "url"];

pub(super) fn steps(current: &Side<'_>, target: &Side<'_>, policy: &Policy, found: &mut Found) {
    let now = match policy.into {
        Some(_) => BTreeMap::new(),
        None => packages(current),
    };
    let then = packages(target);
    let brought = Brought::of(current, target, policy);
    if let Some(broken) = broken(target) {
        found.notes.push(format!(
            "the target had {broken} half-removed distributions, which are not brought back"
        ));
    }
    let names: BTreeSet<&str> = now.keys().chain(then.keys()).copied().collect();
    for name in names {
        let (here, wanted) = (now.get(name), then.get(name));
        let is_condas_now = here.is_some_and(|it| brought.is_condas_now(it));
        let is_condas_then = wanted.is_some_and(|it| brought.is_condas_then(it));
        if is_condas_now || is_condas_then {
            // What conda brings and takes away on its own is conda's part of a restore.
            if let (Some(here), Some(wanted)) = (here, wanted)
                && !(is_condas_now && is_condas_then)
            {
                let is_same = here.version == wanted.version && is_same(here, wanted);
                let reason = if is_condas_now {
                    brought.instead_of_pip(wanted, is_same)
                } else {
                    brought.instead_of_conda(here, is_same)
                };
                let said = reason.map(|reason| left_alone(here, wanted, reason));
                found.steps.extend(said);
            }
            continue;
        }
        match (here, wanted) {
            (Some(here), None) => {
                let python = target.source(SourceName::Python);
                let left = python.and_then(|python| unfinished::left_of(python, name));
                let unfinished = left.map(|left| format!("the target had `{left}` of it"));
                extra(here, unfinished, policy, found);
            }
            (here, Some(wanted)) => found.steps.extend(step(here.copied(), wanted, policy)),
            (None, None) => {}
        }
    }
}

fn packages<'e>(side: &Side<'e>) -> BTreeMap<&'e str, &'e Package> {
    let source = side.source(SourceName::Python);
    let packages = source.map(|it| it.packages.as_slice()).unwrap_or_default();
    let is_seen = |it: &&Package| it.facts.get("shadowed") != Some(&Value::Bool(true));
    let packages = packages.iter().filter(is_seen);
    packages.map(|it| (it.name.as_str(), it)).collect()
}

/// Tells of a distribution that conda brought on one side and pip on the other.
fn left_alone(here: &Package, wanted: &Package, reason: &str) -> Step {
    let mut step = Step::new(Manager::Pip, Action::Unavailable, &wanted.name);
    step.before = Some(here.version.clone());
    step.after = Some(wanted.version.clone());
    step.reason = Some(reason.to_owned());
    step
}

fn broken(target: &Side<'_>) -> Option<usize> {
    let broken = target.source(SourceName::Python)?.facts.get("broken")?;
    broken.as_array().map(Vec::len)
}

fn step(here: Option<&Package>, wanted: &Package, policy: &Policy) -> Option<Step> {
    let action = match here {
        None => Action::Install,
        Some(here) if here.version != wanted.version => {
            match order::compare(SourceName::Python, &here.version, &wanted.version) {
                Some(Ordering::Less) => Action::Upgrade,
                Some(Ordering::Greater) => Action::Downgrade,
                Some(Ordering::Equal) | None => Action::Reinstall,
            }
        }
        Some(here) if is_same(here, wanted) => return None,
        Some(_) => Action::Reinstall,
    };
    let mut step = Step::new(Manager::Pip, action, &wanted.name);
    step.before = here.map(|it| it.version.clone());
    step.after = Some(wanted.version.clone());
    match origin(wanted, policy) {
        Ok(origin) => step.origin = origin,
        Err(reason) => {
            step.action = Action::Unavailable;
            step.reason = Some(reason);
        }
    }
    Some(step)
}

/// Tells whether two distributions of one version are the same, as far as both are known.
fn is_same(here: &Package, wanted: &Package) -> bool {
    let contents = (text(here, "files"), text(wanted, "files"));
    let is_other = matches!(contents, (Some(here), Some(wanted)) if here != wanted);
    !is_other
        && ORIGIN
            .iter()
            .all(|fact| here.facts.get(*fact) == wanted.facts.get(*fact))
}

/// Returns the requirement of what comes from no index. What may not be asked for has a reason.
fn origin(wanted: &Package, policy: &Policy) -> Result<Option<String>, String> {
    if !grammar::is_python_name(&wanted.name) {
        return Err("its name is none of Python's".to_owned());
    }
    let Some(url) = text(wanted, "url") else {
        if !grammar::is_python_version(&wanted.version) {
            return Err("its version is none of Python's".to_owned());
        }
        return Ok(None);
    };
    if wanted.facts.get("editable") == Some(&Value::Bool(true)) {
        return Err("it is editable: its folder is somebody's work, and no package".to_owned());
    }
    let address = url.split_once('#').map_or(url, |(address, _)| address);
    if !grammar::is_address(address, &SCHEMES) {
        return Err("it came from a folder or an address that is neither https nor ssh".to_owned());
    }
    if !policy.allows(address) {
        return Err(format!(
            "it came from {address}, which no `--allow-source` allows"
        ));
    }
    requirements::line(wanted)
        .map(Some)
        .map_err(ToOwned::to_owned)
}

/// Removes what the target lacks, if that was asked for and may be.
fn extra(here: &Package, unfinished: Option<String>, policy: &Policy, found: &mut Found) {
    let illegal = || "its name is none of Python's".to_owned();
    let is_editable = here.facts.get("editable") == Some(&Value::Bool(true));
    let work = || "it is editable: its folder is somebody's work".to_owned();
    let protected = unfinished
        .or_else(|| protected::python(&here.name))
        .or_else(|| (!grammar::is_python_name(&here.name)).then(illegal))
        .or_else(|| is_editable.then(work));
    if !policy.prune || protected.is_some() {
        found.kept.push(Kept {
            manager: Manager::Pip,
            name: here.name.clone(),
            arch: None,
            version: here.version.clone(),
            protected,
        });
        return;
    }
    let mut step = Step::new(Manager::Pip, Action::Remove, &here.name);
    step.before = Some(here.version.clone());
    found.steps.push(step);
}

fn text<'p>(package: &'p Package, fact: &str) -> Option<&'p str> {
    package.facts.get(fact).and_then(Value::as_str)
}
