//! apk: the installed database and the list of what was asked for.
//!
//! # Source
//! `apk-package(5)` and the installed database of apk-tools: one letter a field, an empty line
//! between packages.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::found::Found;
use crate::document::Package;
use crate::root::Root;
use crate::stanza::{Line, Stanza, is_whole, stanzas};
use crate::url;

/// Newer apk-tools keep it below `usr`.
const INSTALLED: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];

pub(super) fn read(root: &Root) -> Found {
    let mut found = Found::captured();
    let path = INSTALLED.into_iter().find(|path| root.has(path));
    let Some(path) = path else {
        return Found::absent();
    };
    found.watch(root, "lib/apk/db");
    found.watch(root, path);
    let Some(bytes) = found.read(root, path) else {
        return Found::unreadable(found.warnings.join("; "));
    };
    let world = found.text(root, "etc/apk/world");
    let world: Option<BTreeSet<&str>> = world
        .as_deref()
        .map(|text| text.split_ascii_whitespace().collect());
    if bytes.trim_ascii().is_empty() {
        found.lacks(format!("{path} names no package: it is empty"));
    } else if !is_whole(&bytes) {
        found.lacks(format!("{path} ends within a package: it was cut off"));
    }
    for (position, stanza) in stanzas(&bytes).enumerate() {
        match package(stanza) {
            Some(package) => found.package(package),
            None => found.lacks(format!(
                "package {} of {path} has no name or no version",
                position + 1
            )),
        }
    }
    match world {
        Some(world) => found.fact("world", world.into_iter().collect::<Vec<_>>()),
        None => found.fact("marks", "unknown"),
    }
    let repositories = found.text(root, "etc/apk/repositories").unwrap_or_default();
    let repositories = repositories.lines().map(str::trim);
    let repositories = repositories.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let repositories: Vec<Value> = repositories
        .map(|line| Value::from(url::stripped(line)))
        .collect();
    found.list("repositories", repositories);
    found
}

fn package(stanza: Stanza<'_>) -> Option<Package> {
    let mut name = None;
    let mut version = None;
    let mut arch = None;
    let mut facts = Map::new();
    for line in stanza.lines() {
        let Line::Field(&[field], value) = line else {
            continue;
        };
        // Letters come again below a package, for its folders and files, with other meanings; the
        // fields of the package come first.
        let text = || str::from_utf8(value).ok().map(ToOwned::to_owned);
        match field {
            b'P' if name.is_none() => name = text(),
            b'V' if version.is_none() => version = text(),
            b'A' if arch.is_none() => arch = text(),
            // Of the package's contents: it tells two builds of one version apart.
            b'C' if !facts.contains_key("checksum") => {
                facts.insert("checksum".to_owned(), text()?.into());
            }
            b'F' => break,
            _ => {}
        }
    }
    Some(Package {
        name: name.filter(|it| !it.is_empty())?,
        version: version.filter(|it| !it.is_empty())?,
        arch,
        facts,
    })
}
