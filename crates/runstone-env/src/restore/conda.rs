//! What a restore says of conda: which packages are others, and that none is changed.
//!
//! An environment of conda is made anew from its explicit list, by conda itself; changing one in
//! place would have to solve again what the list says already.

use std::collections::BTreeMap;

use serde_json::Value;

use super::manager::Manager;
use super::side::Side;
use super::step::{Action, Found, Step};
use crate::names::SourceName;

/// Why nothing is done.
const REASON: &str = "environments of conda are not changed in place: make one from its explicit \
                      list, which `runstone env export --format conda` writes";

pub(super) fn steps(current: &Side<'_>, target: &Side<'_>, found: &mut Found) {
    let (now, then) = (packages(current), packages(target));
    for (name, wanted) in &then {
        let here = now.get(name);
        if here == Some(wanted) {
            continue;
        }
        let mut step = Step::new(Manager::Conda, Action::Unavailable, name);
        step.before = here.map(|(version, _)| (*version).to_owned());
        step.after = Some(wanted.0.to_owned());
        step.reason = Some(REASON.to_owned());
        found.steps.push(step);
    }
}

/// Returns version and build of each package.
fn packages<'e>(side: &Side<'e>) -> BTreeMap<&'e str, (&'e str, Option<&'e str>)> {
    let source = side.source(SourceName::Conda);
    let packages = source.map(|it| it.packages.as_slice()).unwrap_or_default();
    let packages = packages.iter().map(|package| {
        let build = package.facts.get("build").and_then(Value::as_str);
        (package.name.as_str(), (package.version.as_str(), build))
    });
    packages.collect()
}
