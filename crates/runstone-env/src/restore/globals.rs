//! What a restore says of pnpm and yarn: which global packages are others, and that none is
//! changed.
//!
//! Neither says beforehand what it would do in every release that may be there, and without that
//! nothing is started. What only one side knows is no difference: documents of earlier releases
//! name neither source, which stands in nobody's way and is said in a note.

use std::collections::BTreeMap;

use serde_json::Value;

use super::manager::Manager;
use super::policy::Policy;
use super::side::Side;
use super::step::{Action, Found, Step};
use crate::document::Package;
use crate::names::State;

pub(super) fn steps(manager: Manager, current: &Side<'_>, target: &Side<'_>, found: &mut Found) {
    let (now, then) = (packages(manager, current), packages(manager, target));
    for (name, wanted) in &then {
        let here = now.get(name);
        if here.is_some_and(|here| is_same(here, wanted)) {
            continue;
        }
        let mut step = Step::new(manager, Action::Unavailable, name);
        step.before = here.map(|it| it.version.clone());
        step.after = Some(wanted.version.clone());
        step.reason = Some(reason(manager));
        found.steps.push(step);
    }
}

/// Tells whether a manager is asked where nobody named it: where both sides know its packages.
pub(super) fn is_known(manager: Manager, current: &Side<'_>, target: &Side<'_>) -> bool {
    let source = manager.source();
    current.is_captured(source) && target.is_captured(source)
}

/// Says of which managers one side alone knows the packages, unless others were asked for.
pub(super) fn notes(current: &Side<'_>, target: &Side<'_>, policy: &Policy, found: &mut Found) {
    if !policy.only.is_empty() || policy.into.is_some() {
        return;
    }
    for manager in Manager::ALL.iter().filter(|it| it.is_told_alone()) {
        let source = manager.source();
        let states = [current.state(source), target.state(source)];
        let is_none = |it: &Option<State>| matches!(it, None | Some(State::Absent));
        if states.iter().all(is_none) || is_known(*manager, current, target) {
            continue;
        }
        let [now, then] = states.map(|it| it.map_or("not captured", State::as_str));
        found.notes.push(format!(
            "`{}` is {now} now and {then} in the target: its packages are not compared",
            source.as_str()
        ));
    }
}

fn packages<'e>(manager: Manager, side: &Side<'e>) -> BTreeMap<&'e str, &'e Package> {
    let source = side.source(manager.source());
    let packages = source.map(|it| it.packages.as_slice()).unwrap_or_default();
    packages.iter().map(|it| (it.name.as_str(), it)).collect()
}

fn is_same(here: &Package, wanted: &Package) -> bool {
    let is_link = |package: &Package| package.facts.get("link") == Some(&Value::Bool(true));
    here.version == wanted.version && is_link(here) == is_link(wanted)
}

fn reason(manager: Manager) -> String {
    let command = match manager {
        Manager::Yarn => "yarn global add",
        _ => "pnpm add --global",
    };
    format!(
        "global packages of {} are not changed: `{command}` does",
        manager.as_str()
    )
}
