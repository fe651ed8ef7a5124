//! What stands in the way of a restore before any package is looked at.
//!
//! Packages of another system are other packages. The invariant: nothing is concluded from a source
//! that was not captured on both sides, and a system that cannot be told is not taken for the same.
//! Which packages differ is left to the managers' own files.

use super::globals;
use super::manager::Manager;
use super::policy::{Policy, is_plain};
use super::side::Side;
use crate::names::{SourceName, State, words};
use crate::unfinished;

/// Architectures that the kernel calls otherwise than Debian does.
const MACHINES: [(&str, &str); 4] = [
    ("aarch64", "arm64"),
    ("i686", "i386"),
    ("ppc64le", "ppc64el"),
    ("x86_64", "amd64"),
];

/// Packages by which a prefix is the one that installs into all others.
pub(super) const INSTALLERS: [&str; 2] = ["conda", "mamba"];

words! {
    /// What kind of thing is in the way.
    ObstacleKind {
        /// A source was not captured on both sides.
        NotCaptured = "not_captured",
        /// The target was captured on another system.
        Foreign = "foreign",
        /// The environment at hand may not be changed in place.
        NotChangeable = "not_changeable",
        /// What was asked for contradicts itself.
        Contradiction = "contradiction",
    }
}

/// Something in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Whose way it is in.
    pub manager: Manager,
    /// What kind of thing it is.
    pub kind: ObstacleKind,
    /// What it is, as a sentence fragment for people.
    pub text: String,
}

/// Returns the managers that are asked, in the order in which they act.
pub(super) fn selected(current: &Side<'_>, target: &Side<'_>, policy: &Policy) -> Vec<Manager> {
    let is_there = |manager: &Manager| {
        if manager.is_told_alone() {
            return globals::is_known(*manager, current, target);
        }
        let is_absent =
            |side: &Side<'_>| matches!(side.state(manager.source()), None | Some(State::Absent));
        !(is_absent(current) && is_absent(target))
    };
    let is_asked = |manager: &Manager| {
        if policy.only.is_empty() {
            policy.into.is_none() && is_there(manager)
        } else {
            policy.only.contains(manager)
        }
    };
    let mut selected: Vec<Manager> = Manager::ALL.iter().copied().filter(is_asked).collect();
    if policy.into.is_some() && policy.only.is_empty() {
        selected = vec![Manager::Pip];
    }
    selected
}

/// Returns everything that is in the way of the managers.
pub(super) fn obstacles(
    current: &Side<'_>,
    target: &Side<'_>,
    policy: &Policy,
    managers: &[Manager],
) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    for manager in managers.iter().copied() {
        let mut add = |kind: ObstacleKind, text: String| {
            obstacles.push(Obstacle {
                manager,
                kind,
                text,
            });
        };
        if policy.into.is_some() && manager != Manager::Pip {
            add(
                ObstacleKind::Contradiction,
                "a fresh environment is made for Python alone".to_owned(),
            );
        }
        let before = (
            current.state(manager.source()),
            target.state(manager.source()),
        );
        if before != (Some(State::Captured), Some(State::Captured)) {
            let word = |state: Option<State>| state.map_or("not captured", State::as_str);
            let source = manager.source().as_str();
            let text = format!(
                "`{source}` is {} now and {} in the target",
                word(before.0),
                word(before.1)
            );
            add(ObstacleKind::NotCaptured, text);
            continue;
        }
        if !(policy.allow_foreign && manager.is_per_user()) {
            for text in foreign(current, target, manager, policy) {
                add(ObstacleKind::Foreign, text);
            }
        }
        if manager == Manager::Apt
            && let Some(text) = unfinished(current)
        {
            add(ObstacleKind::NotChangeable, text);
        }
        let unchangeable = match manager {
            Manager::Conda => unchangeable_prefix(current, target),
            Manager::Pip if policy.into.is_none() => unchangeable(current, target),
            _ => Vec::new(),
        };
        for text in unchangeable {
            add(ObstacleKind::NotChangeable, text);
        }
    }
    obstacles
}

/// Returns what of the system under a manager is another, or cannot be told.
fn foreign(
    current: &Side<'_>,
    target: &Side<'_>,
    manager: Manager,
    policy: &Policy,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut hold = |what: &str, now: Option<String>, then: Option<String>, must_be_known: bool| {
        let is_same = now == then && (now.is_some() || !must_be_known);
        if !is_same {
            let word = |side: Option<String>| side.unwrap_or_else(|| "not known".to_owned());
            found.push(format!(
                "another {what}: {} now, {} in the target",
                word(now),
                word(then)
            ));
        }
    };
    hold(
        "distribution",
        distribution(current),
        distribution(target),
        true,
    );
    hold(
        "architecture",
        architecture(current),
        architecture(target),
        true,
    );
    let is_read = current.is_captured(SourceName::Os) && target.is_captured(SourceName::Os);
    hold("C library", c_library(current), c_library(target), !is_read);
    if manager == Manager::Pip {
        hold("Python", python_minor(current), python_minor(target), true);
    }
    let place = |side: &Side<'_>| match manager {
        Manager::Pip if policy.into.is_none() => side.places.python.clone(),
        Manager::Conda => side.places.conda.clone(),
        Manager::Npm => side.places.npm.clone(),
        _ => None,
    };
    // A document without the record of its capture says no place: that is no other one.
    if let (now, Some(then)) = (place(current), place(target)) {
        hold("place", now, Some(then), true);
    }
    found
}

/// Returns which packages dpkg has not set up to the end, and how that is done.
fn unfinished(current: &Side<'_>) -> Option<String> {
    let dpkg = current.source(SourceName::Dpkg)?;
    let mut others = unfinished::between(dpkg);
    let first = others.next()?;
    let more = match others.count() {
        0 => String::new(),
        more => format!(", and {more} more are unfinished"),
    };
    Some(format!(
        "`{}` is {}{more}: finish that with `dpkg --configure -a`",
        first.name, first.state
    ))
}

/// Returns why the Python environment at hand may not be changed.
fn unchangeable(current: &Side<'_>, target: &Side<'_>) -> Vec<String> {
    let is_so = |fact: &str| current.is_so(SourceName::Python, fact);
    let mut found = Vec::new();
    if is_so("externally_managed") {
        found.push("the interpreter belongs to the system's packages".to_owned());
    } else if !is_so("virtual") && !is_prefix_of_conda(current, target) {
        found.push("the interpreter is no virtual environment's".to_owned());
    } else if is_so("system_site_packages") {
        found.push("the environment also has the packages of the interpreter below".to_owned());
    }
    if current.places.python.is_none() {
        found.push("where the environment stands is not known".to_owned());
    }
    found
}

/// Returns why the prefix of conda at hand may not be changed.
fn unchangeable_prefix(current: &Side<'_>, target: &Side<'_>) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(own) = has_conda(current) {
        found.push(format!(
            "the prefix is the one that `{own}` itself stands in: make another one beside it"
        ));
    }
    match current.places.conda.as_deref() {
        None => found.push("where the prefix stands is not known".to_owned()),
        // conda puts variables and a home into paths, and leads up by their letters.
        Some(prefix) if !is_plain(prefix) || prefix.contains(['$', '~', '%']) => {
            found.push(format!("conda would take `{prefix}` for another path"));
        }
        Some(_) => {}
    }
    for (side, word) in [(current, "now"), (target, "in the target")] {
        let packages = side.source(SourceName::Conda);
        let packages = packages
            .map(|it| it.packages.as_slice())
            .unwrap_or_default();
        let twice = packages.windows(2).find(|it| it[0].name == it[1].name);
        if let Some([package, _]) = twice {
            found.push(format!("`{}` is in the prefix twice {word}", package.name));
        }
    }
    found
}

/// Tells whether the Python at hand is one that conda brought into a prefix of its own, and what
/// else it brought is known of both sides.
fn is_prefix_of_conda(current: &Side<'_>, target: &Side<'_>) -> bool {
    let places = &current.places;
    let is_one = places.conda.is_some() && places.conda == places.python;
    let is_known = [current, target]
        .iter()
        .all(|it| it.is_captured(SourceName::Conda));
    is_known && is_one && has_conda(current).is_none()
}

/// Returns what stands in the prefix and installs into all of them.
fn has_conda<'e>(current: &Side<'e>) -> Option<&'e str> {
    let conda = current.source(SourceName::Conda)?;
    let mut names = conda.packages.iter().map(|it| it.name.as_str());
    names.find(|it| INSTALLERS.contains(it))
}

/// Returns distribution and release: by its name, which tells apart what a major number does not.
fn distribution(side: &Side<'_>) -> Option<String> {
    let release = side.source(SourceName::Os)?.facts.get("release")?;
    let text = |member: &str| release.get(member)?.as_str();
    let major = || text("version_id").map(|it| it.split('.').next().unwrap_or(it));
    let id = text("id")?;
    Some(match text("version_codename").or_else(major) {
        Some(release) => format!("{id} {release}"),
        None => id.to_owned(),
    })
}

/// Returns the architecture of the packages, else of the kernel, as Debian calls it.
pub(super) fn architecture(side: &Side<'_>) -> Option<String> {
    let native = side.fact(SourceName::Dpkg, "native_arch");
    let machine = || {
        let machine = side.fact(SourceName::Kernel, "machine")?;
        let known = MACHINES.iter().find(|(kernels, _)| *kernels == machine);
        Some(known.map_or(machine, |(_, debians)| debians))
    };
    native.or_else(machine).map(ToOwned::to_owned)
}

fn c_library(side: &Side<'_>) -> Option<String> {
    let name = side.fact(SourceName::Os, "libc")?;
    let version = side.fact(SourceName::Os, "libc_version");
    Some(version.map_or_else(|| name.to_owned(), |version| format!("{name} {version}")))
}

fn python_minor(side: &Side<'_>) -> Option<String> {
    let version = side.fact(SourceName::Python, "version")?;
    let mut parts = version.split('.');
    Some(format!("{}.{}", parts.next()?, parts.next()?))
}
