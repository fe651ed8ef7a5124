//! Lists and pins for apt: what to install, what came along, and what to keep it at.
//!
//! A pin of priority 1001 makes apt go back to a version as well. A name that ends in `+` or `-`
//! would be an order to apt (`bash-` removes bash); with architecture and version behind it, it is
//! a name.
//!
//! # Source
//! `apt-get(8)`, `apt_preferences(5)`, `apt-mark(8)`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::{Details, Export, LeftOut, Part, archive, heading};
use crate::document::{Environment, Package, Source};
use crate::grammar;
use crate::names::SourceName;

/// The list of what to install.
pub(super) const PACKAGES: &str = "packages.list";
/// The pins.
pub(super) const PINS: &str = "runstone.pref";
/// The priority from which on apt goes back.
const PRIORITY: u32 = 1001;
/// The architecture of what runs anywhere, which apt counts to the machine's own.
const ANY: &str = "all";

pub(super) fn export(environment: &Environment, source: &Source, details: &Details) -> Export {
    let heading = heading(environment, source);
    let (mut packages, mut pins) = (heading.clone(), heading.clone());
    let mut automatic = heading.clone();
    let native = source.facts.get("native_arch").and_then(Value::as_str);
    let native = native.filter(|it| grammar::is_debian_arch(it));
    let came_along = came_along(environment);
    let mut left_out = Vec::new();
    for package in &source.packages {
        let name = match name(package, native) {
            Ok(name) => name,
            Err(reason) => {
                left_out.push(LeftOut {
                    source: SourceName::Dpkg,
                    item: format!("{} {}", package.name, package.version),
                    reason: reason.to_owned(),
                });
                continue;
            }
        };
        let version = &package.version;
        writeln!(packages, "{name}={version}").expect(WRITES);
        writeln!(
            pins,
            "\nPackage: {name}\nPin: version {version}\nPin-Priority: {PRIORITY}"
        )
        .expect(WRITES);
        let marked = came_along.get(package.name.as_str());
        let arch = name.rsplit_once(':').map(|(_, arch)| arch);
        if marked.is_some_and(|marked| arch.is_some_and(|arch| marked.contains(&arch))) {
            writeln!(automatic, "{name}").expect(WRITES);
        }
    }
    let mut parts = vec![
        Part {
            file: PACKAGES,
            text: packages,
        },
        Part {
            file: PINS,
            text: pins,
        },
    ];
    if has_marks(environment) {
        parts.push(Part {
            file: "automatic.list",
            text: automatic,
        });
    }
    let releases = details.releases.as_ref();
    if let Some(lines) = releases.and_then(|it| archive::lines(environment, it)) {
        parts.push(Part {
            file: "snapshot.list",
            text: heading + &lines,
        });
    }
    Export { parts, left_out }
}

/// Why writing into a text cannot fail.
const WRITES: &str = "a text takes everything";

/// Returns the name with the architecture that apt knows it by.
fn name(package: &Package, native: Option<&str>) -> Result<String, &'static str> {
    if !grammar::is_debian_name(&package.name) {
        return Err("its name is none of Debian's");
    }
    if !grammar::is_debian_version(&package.version) {
        return Err("its version is none of Debian's");
    }
    let arch = package
        .arch
        .as_deref()
        .filter(|arch| *arch != ANY)
        .or(native);
    let arch = arch.filter(|arch| grammar::is_debian_arch(arch));
    let arch = arch.ok_or("its architecture is not known")?;
    Ok(format!("{}:{arch}", package.name))
}

fn has_marks(environment: &Environment) -> bool {
    let apt = environment.sources.get(&SourceName::Apt);
    apt.is_some_and(|it| it.facts.get("automatic").is_some_and(Value::is_object))
}

/// Returns the architectures in which each name came along.
fn came_along(environment: &Environment) -> BTreeMap<&str, Vec<&str>> {
    let apt = environment.sources.get(&SourceName::Apt);
    let marks = apt.and_then(|it| it.facts.get("automatic")?.as_object());
    let mut came_along: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (arch, names) in marks.into_iter().flatten() {
        let names = names.as_array().into_iter().flatten();
        for name in names.filter_map(Value::as_str) {
            came_along.entry(name).or_default().push(arch.as_str());
        }
    }
    came_along
}
