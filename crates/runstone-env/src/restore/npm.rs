//! Steps of npm: the global packages of one prefix, each by the name of its folder.
//!
//! What a package brings along below its own folder is npm's to choose, and in no environment. A
//! link is somebody's working folder, and no package.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::manager::Manager;
use super::policy::Policy;
use super::protected;
use super::side::Side;
use super::step::{Action, Found, Kept, Step};
use crate::document::Package;
use crate::names::SourceName;
use crate::{grammar, order};

pub(super) fn steps(current: &Side<'_>, target: &Side<'_>, policy: &Policy, found: &mut Found) {
    let (now, then) = (packages(current), packages(target));
    let names: BTreeSet<&str> = now.keys().chain(then.keys()).copied().collect();
    for name in names {
        match (now.get(name), then.get(name)) {
            (Some(here), None) => extra(here, policy, found),
            (here, Some(wanted)) => found.steps.extend(step(here.copied(), wanted)),
            (None, None) => {}
        }
    }
}

fn packages<'e>(side: &Side<'e>) -> BTreeMap<&'e str, &'e Package> {
    let source = side.source(SourceName::Npm);
    let packages = source.map(|it| it.packages.as_slice()).unwrap_or_default();
    packages.iter().map(|it| (it.name.as_str(), it)).collect()
}

fn step(here: Option<&Package>, wanted: &Package) -> Option<Step> {
    let action = match here {
        None => Action::Install,
        Some(here) if here.version != wanted.version => {
            match order::compare(SourceName::Npm, &here.version, &wanted.version) {
                Some(Ordering::Less) => Action::Upgrade,
                Some(Ordering::Greater) => Action::Downgrade,
                Some(Ordering::Equal) | None => Action::Reinstall,
            }
        }
        Some(here) if is_link(here) == is_link(wanted) => return None,
        Some(_) => Action::Reinstall,
    };
    let mut step = Step::new(Manager::Npm, action, &wanted.name);
    step.before = here.map(|it| it.version.clone());
    step.after = Some(wanted.version.clone());
    if let Some(reason) = unavailable(wanted) {
        step.action = Action::Unavailable;
        step.reason = Some(reason.to_owned());
    }
    Some(step)
}

fn unavailable(wanted: &Package) -> Option<&'static str> {
    if is_link(wanted) {
        return Some("it is a link: its folder is somebody's work, and no package");
    }
    if wanted.facts.contains_key("calls_itself") {
        return Some("it calls itself otherwise than its folder: from where it came is not known");
    }
    if !grammar::is_npm_name(&wanted.name) {
        return Some("its name is none of npm's");
    }
    if !grammar::is_npm_version(&wanted.version) {
        return Some("its version is none of npm's");
    }
    None
}

/// Removes what the target lacks, if that was asked for and may be.
fn extra(here: &Package, policy: &Policy, found: &mut Found) {
    let protected = protected::npm(&here.name).or_else(|| {
        let is_legal = grammar::is_npm_name(&here.name);
        (!is_legal).then(|| "its name is none of npm's".to_owned())
    });
    if !policy.prune || protected.is_some() {
        found.kept.push(Kept {
            manager: Manager::Npm,
            name: here.name.clone(),
            arch: None,
            version: here.version.clone(),
            protected,
        });
        return;
    }
    let mut step = Step::new(Manager::Npm, Action::Remove, &here.name);
    step.before = Some(here.version.clone());
    found.steps.push(step);
}

fn is_link(package: &Package) -> bool {
    package.facts.get("link") == Some(&Value::Bool(true))
}
