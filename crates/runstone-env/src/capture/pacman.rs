//! pacman: one folder a package in its local database.
//!
//! # Source
//! `alpm-db-desc(5)`: a field is a line `%NAME%`, its values are the lines below it up to an empty
//! one. A reason of 1 means that the package came along as a dependency.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::found::Found;
use crate::document::Package;
use crate::root::{Kind, Root};

const LOCAL: &str = "var/lib/pacman/local";

pub(super) fn read(root: &Root) -> Found {
    let mut found = Found::captured();
    let Some(entries) = found.names(root, LOCAL) else {
        if found.warnings.is_empty() {
            return Found::absent();
        }
        return Found::unreadable(found.warnings.join("; "));
    };
    for entry in entries {
        // The version of the database is a file beside the packages.
        if entry.kind != Kind::Folder {
            continue;
        }
        let path = format!("{LOCAL}/{}/desc", entry.name);
        let before = found.warnings.len();
        let text = found.text(root, &path);
        match text.as_deref().map(package) {
            Some(Some(package)) => found.package(package),
            Some(None) => found.lacks(format!("{path} has no name or no version")),
            None if found.warnings.len() == before => {
                found.lacks(format!("{path} is missing"));
            }
            None => {}
        }
    }
    if found.source.packages.is_empty() {
        found.lacks(format!("{LOCAL} names no package: it is empty"));
    }
    found
}

fn package(text: &str) -> Option<Package> {
    let mut fields: BTreeMap<&str, &str> = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.len() > 2 && line.starts_with('%') && line.ends_with('%') {
            let value = lines.next().unwrap_or_default();
            fields.entry(line).or_insert(value);
        }
    }
    let field = |name: &str| fields.get(name).copied().filter(|it| !it.is_empty());
    let mut facts = Map::new();
    if field("%REASON%") == Some("1") {
        facts.insert("automatic".to_owned(), Value::from(true));
    }
    if let Some(built) = field("%BUILDDATE%") {
        // The time of a build is a property of the package: it tells two builds apart.
        facts.insert("build".to_owned(), built.into());
    }
    Some(Package {
        name: field("%NAME%")?.to_owned(),
        version: field("%VERSION%")?.to_owned(),
        arch: field("%ARCH%").map(ToOwned::to_owned),
        facts,
    })
}
