//! R: the packages of its libraries, from their `DESCRIPTION`.
//!
//! The invariant: the first library that has a package wins, as `.libPaths()` has it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Options;
use super::found::Found;
use crate::document::Package;
use crate::root::{Kind, Root};
use crate::stanza::{Line, Stanza};

/// Libraries that distributions and installations from source have, in R's order.
const USUAL: [&str; 6] = [
    "usr/local/lib/R/site-library",
    "usr/lib/R/site-library",
    "usr/local/lib/R/library",
    "usr/lib/R/library",
    "usr/lib64/R/library",
    "opt/R/lib/R/library",
];
/// Variables that name libraries, in the order in which they count.
const VARIABLES: [&str; 3] = ["R_LIBS", "R_LIBS_USER", "R_LIBS_SITE"];
/// Fields that say what a package is, by their names there and here.
const FIELDS: [(&[u8], &str); 4] = [
    (b"Built", "built"),
    (b"Repository", "repository"),
    (b"RemoteSha", "remote_sha"),
    (b"RemoteRepo", "remote_repo"),
];

pub(super) fn read(root: &Root, options: &Options) -> Found {
    let mut found = Found::captured();
    let mut seen = BTreeSet::new();
    let mut is_there = false;
    for library in libraries(options) {
        let Some(entries) = found.names(root, &library) else {
            continue;
        };
        is_there = true;
        for entry in entries {
            // Packages that are being installed stand in folders that are called so.
            let is_lock = entry.name.starts_with("00LOCK");
            if matches!(entry.kind, Kind::Folder | Kind::Link) && !is_lock {
                package(root, &library.join(&entry.name), &mut seen, &mut found);
            }
        }
    }
    if is_there { found } else { found.nowhere() }
}

fn libraries(options: &Options) -> Vec<PathBuf> {
    let named = VARIABLES.iter().filter_map(|name| options.variable(name));
    let named = named.flat_map(|libraries| libraries.split(':'));
    let named = named.map(Path::new).filter(|it| it.is_absolute());
    let mut libraries: Vec<PathBuf> = Vec::new();
    for library in named.chain(USUAL.iter().map(Path::new)) {
        let library = Path::new("/").join(library);
        if !libraries.contains(&library) {
            libraries.push(library);
        }
    }
    libraries
}

fn package(root: &Root, folder: &Path, seen: &mut BTreeSet<String>, found: &mut Found) {
    let path = folder.join("DESCRIPTION");
    // A folder without one is no package; a translation, for instance.
    let Some(bytes) = found.read(root, &path) else {
        return;
    };
    let mut name = None;
    let mut version = None;
    let mut facts = serde_json::Map::new();
    for line in Stanza::headers(&bytes).lines() {
        let Line::Field(field, value) = line else {
            continue;
        };
        let Ok(value) = str::from_utf8(value) else {
            continue;
        };
        match field {
            b"Package" => name = Some(value),
            b"Version" => version = Some(value),
            _ => {}
        }
        if let Some((_, ours)) = FIELDS.iter().find(|(theirs, _)| *theirs == field) {
            // Of a build counts which R it was for and not when it was made.
            let value = value.split(';').next().unwrap_or_default();
            facts.insert((*ours).to_owned(), value.into());
        }
    }
    let (Some(name), Some(version)) = (name, version) else {
        return found.lacks(format!("{} has no name or no version", path.display()));
    };
    let mut package = Package::new(name, version);
    if !seen.insert(name.to_owned()) {
        facts.insert("shadowed".to_owned(), true.into());
    }
    package.facts = facts;
    found.package(package);
}
