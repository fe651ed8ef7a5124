//! Steps of conda: the packages of one prefix, each by version and build.
//!
//! A package is the same if its version, its build and the digest of its archive are. Which channel
//! it comes from is the user's setting, and who asked for it no part of that: a restore asks for
//! everything. The prefix that conda itself stands in is not changed, nor one in which a package
//! stands twice (`gate`).

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::brought::Brought;
use super::gate::INSTALLERS;
use super::manager::Manager;
use super::policy::Policy;
use super::protected;
use super::side::Side;
use super::step::{Action, Found, Kept, Step};
use crate::document::Package;
use crate::names::SourceName;
use crate::{grammar, order};

/// Digests of the archive a package came in, with how many digits they have; the better one first.
const DIGESTS: [(&str, usize); 2] = [("sha256", 64), ("md5", 32)];

pub(super) fn steps(current: &Side<'_>, target: &Side<'_>, policy: &Policy, found: &mut Found) {
    let (now, then) = (packages(current), packages(target));
    let brought = Brought::of(current, target, policy);
    let names: BTreeSet<&str> = now.keys().chain(then.keys()).copied().collect();
    for name in names {
        match (now.get(name), then.get(name)) {
            (Some(here), None) => extra(here, policy, found),
            (here, Some(wanted)) => {
                let is_covered = here.is_none() && brought.is_in_condas_way(name, current);
                found.steps.extend(step(here.copied(), wanted, is_covered));
            }
            (None, None) => {}
        }
    }
}

/// Returns a version with its build, as conda writes them behind a name.
pub(super) fn built(version: &str, build: Option<&str>) -> String {
    build.map_or_else(|| version.to_owned(), |build| format!("{version}={build}"))
}

fn packages<'e>(side: &Side<'e>) -> BTreeMap<&'e str, &'e Package> {
    let source = side.source(SourceName::Conda);
    let packages = source.map(|it| it.packages.as_slice()).unwrap_or_default();
    packages.iter().map(|it| (it.name.as_str(), it)).collect()
}

fn step(here: Option<&Package>, wanted: &Package, is_covered: bool) -> Option<Step> {
    let action = match here {
        None => Action::Install,
        Some(here) if is_same(here, wanted) => return None,
        Some(here) => match order::compare(SourceName::Conda, &here.version, &wanted.version) {
            Some(Ordering::Less) => Action::Upgrade,
            Some(Ordering::Greater) => Action::Downgrade,
            Some(Ordering::Equal) | None => Action::Reinstall,
        },
    };
    let mut step = Step::new(Manager::Conda, action, &wanted.name);
    step.before = here.map(as_built);
    step.after = Some(as_built(wanted));
    step.archive = archive(wanted);
    let covered = is_covered.then_some(
        "pip brought what is there under this name: `pip uninstall` takes it out of the way",
    );
    if let Some(reason) = unavailable(wanted).or(covered) {
        step.action = Action::Unavailable;
        step.reason = Some(reason.to_owned());
    }
    Some(step)
}

/// Tells whether two packages are the same, as far as both are known.
fn is_same(here: &Package, wanted: &Package) -> bool {
    let digests = DIGESTS.iter().find_map(|(digest, _)| {
        let (here, wanted) = (text(here, digest)?, text(wanted, digest)?);
        Some(here == wanted)
    });
    as_built(here) == as_built(wanted) && digests.unwrap_or(true)
}

/// Returns the digest by which conda finds the very archive: old releases know MD5 alone.
fn archive(wanted: &Package) -> Option<String> {
    DIGESTS.iter().rev().find_map(|(digest, digits)| {
        let value = text(wanted, digest)?;
        grammar::is_hex(value, *digits..=*digits).then(|| format!("{digest}={value}"))
    })
}

fn unavailable(wanted: &Package) -> Option<&'static str> {
    if !grammar::is_conda_name(&wanted.name) {
        return Some("its name is none of conda's");
    }
    if !grammar::is_conda_version(&wanted.version) {
        return Some("its version is none of conda's");
    }
    if INSTALLERS.contains(&wanted.name.as_str()) {
        return Some("a prefix that has it is conda's own, which nothing restores");
    }
    match text(wanted, "build") {
        None => Some("its build is not known"),
        Some(build) if !grammar::is_conda_build(build) => Some("its build is none of conda's"),
        Some(_) => None,
    }
}

/// Removes what the target lacks, if that was asked for and may be.
fn extra(here: &Package, policy: &Policy, found: &mut Found) {
    let protected = protected::conda(&here.name).or_else(|| {
        let is_legal = grammar::is_conda_name(&here.name);
        (!is_legal).then(|| "its name is none of conda's".to_owned())
    });
    if !policy.prune || protected.is_some() {
        found.kept.push(Kept {
            manager: Manager::Conda,
            name: here.name.clone(),
            arch: None,
            version: here.version.clone(),
            protected,
        });
        return;
    }
    let mut step = Step::new(Manager::Conda, Action::Remove, &here.name);
    step.before = Some(as_built(here));
    found.steps.push(step);
}

fn as_built(package: &Package) -> String {
    built(&package.version, text(package, "build"))
}

fn text<'p>(package: &'p Package, fact: &str) -> Option<&'p str> {
    package.facts.get(fact).and_then(Value::as_str)
}
