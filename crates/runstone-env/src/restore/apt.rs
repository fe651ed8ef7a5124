//! Steps of apt: packages by name and architecture, and their marks.
//!
//! What runs on any architecture counts to the machine's own, as apt counts it. The invariant: a
//! package without a legal name, version and architecture is told to nobody, and one that the
//! target was captured in the middle of setting up is not missing there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::gate::architecture;
use super::manager::Manager;
use super::policy::Policy;
use super::protected;
use super::side::Side;
use super::step::{Action, Found, Kept, Marks, Step};
use crate::document::Package;
use crate::names::SourceName;
use crate::{grammar, order, unfinished};

/// The architecture of what runs anywhere.
const ANY: &str = "all";

/// Name and architecture.
type Key<'e> = (&'e str, Option<String>);

pub(super) fn steps(current: &Side<'_>, target: &Side<'_>, policy: &Policy, found: &mut Found) {
    let (now, then) = (Packages::of(current), Packages::of(target));
    if now.automatic.is_none() || then.automatic.is_none() {
        found.notes.push(
            "which packages were asked for is not known on both sides: these marks stay".to_owned(),
        );
    }
    let keys: BTreeSet<&Key<'_>> = now.installed.keys().chain(then.installed.keys()).collect();
    for key in keys {
        match (now.installed.get(key), then.installed.get(key)) {
            (Some(here), None) => {
                let state = then.between.get(key);
                let unfinished = state.map(|state| format!("the target had it `{state}`"));
                extra(here, key, unfinished, current, policy, found);
            }
            (here, Some(wanted)) => {
                let marks = Marks {
                    is_automatic: match (&now.automatic, &then.automatic) {
                        (Some(_), Some(marks)) => Some(marks.contains(key)),
                        _ => None,
                    },
                    is_held: is_held(wanted),
                    was_held: here.is_some_and(|it| is_held(it)),
                };
                found
                    .steps
                    .extend(step(key, here.copied(), wanted, marks, &now));
            }
            (None, None) => {}
        }
    }
    for ((name, _), state) in &then.between {
        found.notes.push(format!(
            "the target had `{name}` `{state}`: its version is not brought back"
        ));
    }
}

/// The packages of one side.
struct Packages<'e> {
    installed: BTreeMap<Key<'e>, &'e Package>,
    /// Those that came along; `None`: not known.
    automatic: Option<BTreeSet<Key<'e>>>,
    /// The states of those that were neither installed nor gone.
    between: BTreeMap<Key<'e>, &'e str>,
}

impl<'e> Packages<'e> {
    fn of(side: &Side<'e>) -> Self {
        let native = architecture(side);
        let source = side.source(SourceName::Dpkg);
        let key = |name: &'e str, arch: Option<&str>| {
            let arch = arch.filter(|arch| *arch != ANY).map(ToOwned::to_owned);
            (name, arch.or(native.clone()))
        };
        let packages = source.map(|it| it.packages.as_slice()).unwrap_or_default();
        let packages = packages
            .iter()
            .map(|package| (key(&package.name, package.arch.as_deref()), package));
        let between = source.into_iter().flat_map(unfinished::between);
        let between = between.map(|it| (key(it.name, it.arch), it.state));
        let automatic = side
            .source(SourceName::Apt)
            .filter(|_| side.is_captured(SourceName::Apt));
        let automatic = automatic.and_then(|it| it.facts.get("automatic")?.as_object());
        let automatic = automatic.map(|by_arch| {
            let marked = by_arch.iter().flat_map(|(arch, names)| {
                let names = names.as_array().into_iter().flatten();
                names.filter_map(|name| Some((name.as_str()?, Some(arch.clone()))))
            });
            marked.collect()
        });
        Self {
            installed: packages.collect(),
            automatic,
            between: between.collect(),
        }
    }
}

/// Returns what becomes of a package that the target has.
fn step(
    key: &Key<'_>,
    here: Option<&Package>,
    wanted: &Package,
    marks: Marks,
    now: &Packages<'_>,
) -> Option<Step> {
    let action = match here {
        None => Action::Install,
        Some(here) if here.version != wanted.version => {
            let order = order::compare(SourceName::Dpkg, &here.version, &wanted.version);
            match order {
                Some(std::cmp::Ordering::Less) => Action::Upgrade,
                Some(std::cmp::Ordering::Greater) => Action::Downgrade,
                Some(std::cmp::Ordering::Equal) | None => Action::Reinstall,
            }
        }
        Some(here) if text(here, "flag") == Some("reinstreq") => Action::Reinstall,
        Some(_) => return mark(key, marks, now),
    };
    let mut step = Step::new(Manager::Apt, action, key.0);
    step.arch.clone_from(&key.1);
    step.before = here.map(|it| it.version.clone());
    step.after = Some(wanted.version.clone());
    match illegal(key, &wanted.version) {
        Some(reason) => {
            step.action = Action::Unavailable;
            step.reason = Some(reason.to_owned());
        }
        None => step.marks = Some(marks),
    }
    Some(step)
}

/// Returns the step of a package whose marks alone are others.
fn mark(key: &Key<'_>, marks: Marks, now: &Packages<'_>) -> Option<Step> {
    let is_automatic = now.automatic.as_ref().map(|it| it.contains(key));
    let is_same = marks.is_automatic.is_none() || marks.is_automatic == is_automatic;
    if (is_same && marks.is_held == marks.was_held) || illegal(key, "0").is_some() {
        return None;
    }
    let mut step = Step::new(Manager::Apt, Action::Mark, key.0);
    step.arch.clone_from(&key.1);
    step.before = Some(words(is_automatic, marks.was_held));
    step.after = Some(words(marks.is_automatic.or(is_automatic), marks.is_held));
    step.marks = Some(marks);
    Some(step)
}

fn words(is_automatic: Option<bool>, is_held: bool) -> String {
    let automatic = match is_automatic {
        Some(true) => "automatic",
        Some(false) => "manual",
        None => "unknown",
    };
    let held = if is_held { ", held" } else { "" };
    format!("{automatic}{held}")
}

/// Removes what the target lacks, if that was asked for and may be.
fn extra(
    here: &Package,
    key: &Key<'_>,
    unfinished: Option<String>,
    current: &Side<'_>,
    policy: &Policy,
    found: &mut Found,
) {
    let protected = unfinished
        .or_else(|| protected::debian(here, current))
        .or_else(|| illegal(key, "0").map(ToOwned::to_owned));
    if !policy.prune || protected.is_some() {
        found.kept.push(Kept {
            manager: Manager::Apt,
            name: key.0.to_owned(),
            arch: key.1.clone(),
            version: here.version.clone(),
            protected,
        });
        return;
    }
    let mut step = Step::new(Manager::Apt, Action::Remove, key.0);
    step.arch.clone_from(&key.1);
    step.before = Some(here.version.clone());
    step.marks = Some(Marks {
        is_automatic: None,
        is_held: false,
        was_held: is_held(here),
    });
    found.steps.push(step);
}

fn illegal(key: &Key<'_>, version: &str) -> Option<&'static str> {
    if !grammar::is_debian_name(key.0) {
        return Some("its name is none of Debian's");
    }
    if !grammar::is_debian_version(version) {
        return Some("its version is none of Debian's");
    }
    let arch = key.1.as_deref();
    if !arch.is_some_and(grammar::is_debian_arch) {
        return Some("its architecture is not known");
    }
    None
}

fn is_held(package: &Package) -> bool {
    text(package, "want") == Some("hold")
}

fn text<'p>(package: &'p Package, fact: &str) -> Option<&'p str> {
    package.facts.get(fact).and_then(Value::as_str)
}
