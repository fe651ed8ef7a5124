//! Who brought a distribution of Python: conda or pip.
//!
//! In a prefix of conda both put distributions into one folder, and neither looks at what the other
//! did. The invariant: what conda brought is never pip's to change, and what pip brought is never
//! written over by conda; where the two sides differ in who brought it, that is said.

use std::collections::BTreeSet;

use serde_json::Value;

use super::manager::Manager;
use super::policy::Policy;
use super::side::Side;
use crate::document::Package;
use crate::grammar;
use crate::names::SourceName;

/// Who brought what, here and in the target.
pub(super) struct Brought {
    /// The packages of conda here, called as Python does; `None`: they are not known.
    now: Option<BTreeSet<String>>,
    /// Those of the target.
    then: Option<BTreeSet<String>>,
    /// Whether conda's prefix is the folder of the Python that is restored.
    is_one: bool,
    /// Whether conda takes away what the target lacks.
    prunes: bool,
}

impl Brought {
    pub(super) fn of(current: &Side<'_>, target: &Side<'_>, policy: &Policy) -> Self {
        let places = &current.places;
        let is_asked = policy.only.is_empty() || policy.only.contains(&Manager::Conda);
        Self {
            now: names(current),
            then: names(target),
            is_one: policy.into.is_none()
                && places.conda.is_some()
                && places.conda == places.python,
            prunes: policy.prune && is_asked,
        }
    }

    /// Tells whether conda brought a distribution that is there.
    pub(super) fn is_condas_now(&self, package: &Package) -> bool {
        let is_listed = |names: &BTreeSet<String>| self.is_one && names.contains(&package.name);
        let now = self.now.as_ref();
        now.is_some_and(|now| by_conda(package, || is_listed(now)))
    }

    /// Tells whether conda is to bring a distribution of the target.
    pub(super) fn is_condas_then(&self, package: &Package) -> bool {
        let then = self
            .then
            .as_ref()
            .filter(|_| self.now.is_some() && self.is_one);
        then.is_some_and(|then| by_conda(package, || then.contains(&package.name)))
    }

    /// Tells whether pip brought a distribution that is called like a package of conda.
    pub(super) fn is_in_condas_way(&self, name: &str, current: &Side<'_>) -> bool {
        let python = current.source(SourceName::Python);
        let packages = python.map(|it| it.packages.as_slice()).unwrap_or_default();
        let name = grammar::python_name(name);
        let mut same = packages.iter().filter(|it| it.name == name);
        self.is_one && same.any(|it| !self.is_condas_now(it))
    }

    /// Returns what is said of a distribution that conda brought here and pip in the target;
    /// `is_same`: they are the same otherwise.
    pub(super) fn instead_of_pip(&self, wanted: &Package, is_same: bool) -> Option<&'static str> {
        let stays = self
            .then
            .as_ref()
            .is_some_and(|it| it.contains(&wanted.name));
        match (self.prunes && !stays, is_same) {
            (true, _) => Some("conda takes away what it brought: restore again once it did"),
            (false, true) => None,
            (false, false) => Some("conda brought what is there, which pip leaves alone"),
        }
    }

    /// Returns what is said of a distribution that pip brought here and conda in the target, where
    /// conda does not say it of its package.
    pub(super) fn instead_of_conda(&self, here: &Package, is_same: bool) -> Option<&'static str> {
        let is_over = self.now.as_ref().is_some_and(|it| it.contains(&here.name));
        (is_over && !is_same).then_some(
            "pip put what is there over what conda brought: `conda install --force-reinstall` puts \
             that back",
        )
    }
}

/// Returns the packages of conda, called as Python does.
fn names(side: &Side<'_>) -> Option<BTreeSet<String>> {
    if !side.is_captured(SourceName::Conda) {
        return None;
    }
    let packages = &side.source(SourceName::Conda)?.packages;
    let names = packages.iter().map(|it| grammar::python_name(&it.name));
    Some(names.collect())
}

/// Tells whether conda brought a distribution, as it says itself; one that says nothing, as old ones
/// do, is conda's where conda lists it: pip and uv always leave their name.
fn by_conda(package: &Package, is_listed: impl Fn() -> bool) -> bool {
    match package.facts.get("installer").and_then(Value::as_str) {
        Some(installer) => installer == "conda",
        None => is_listed(),
    }
}
