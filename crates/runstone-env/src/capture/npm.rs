//! npm: the packages installed globally, each a folder below the prefix.
//!
//! A package that is a link (`npm link`) is somebody's working folder: it is marked, since its
//! version says little about its contents.

use std::path::{Path, PathBuf};

use serde_json::Map;

use super::found::Found;
use super::settings::{Setting, expanded};
use super::{Options, node_modules};
use crate::root::{Kind, Root};

/// Where global packages are below a prefix.
const MODULES: &str = "lib/node_modules";
/// Prefixes that are looked at where nothing names one.
const USUAL: [&str; 2] = ["usr/local", "usr"];
/// How files name a prefix.
const PREFIX: Setting = Setting {
    name: "prefix",
    separator: '=',
};

pub(super) fn read(root: &Root, options: &Options) -> Found {
    let mut found = Found::captured();
    let named = prefix(root, options, &mut found);
    let prefixes = match named {
        Some(prefix) => vec![prefix],
        None => USUAL.iter().map(PathBuf::from).collect(),
    };
    let mut folders = prefixes.iter().map(|prefix| prefix.join(MODULES));
    let Some(folder) = folders.find(|folder| root.has(folder)) else {
        return found.nowhere();
    };
    found.observe("folder", folder.to_string_lossy());
    for entry in found.names(root, &folder).unwrap_or_default() {
        if entry.name.starts_with('.') || !matches!(entry.kind, Kind::Folder | Kind::Link) {
            continue;
        }
        if entry.name.starts_with('@') {
            let scope = folder.join(&entry.name);
            for inner in found.names(root, &scope).unwrap_or_default() {
                if matches!(inner.kind, Kind::Folder | Kind::Link) {
                    let name = format!("{}/{}", entry.name, inner.name);
                    package(root, &folder, &name, inner.kind, &mut found);
                }
            }
        } else {
            package(root, &folder, &entry.name, entry.kind, &mut found);
        }
    }
    found
}

/// Returns the prefix that npm would use, by the order it has: variable, the user's file, the file
/// that came with it, and the folder above the one `node` is in.
fn prefix(root: &Root, options: &Options, found: &mut Found) -> Option<PathBuf> {
    for name in ["npm_config_prefix", "NPM_CONFIG_PREFIX", "PREFIX"] {
        if let Some(prefix) = options.variable(name) {
            return Some(expanded(prefix, options));
        }
    }
    let users = options.home().map(|home| home.join(".npmrc"));
    let shared = ["usr/etc/npmrc", "etc/npmrc"].map(PathBuf::from);
    let builtin = USUAL.map(|prefix| Path::new(prefix).join(MODULES).join("npm/npmrc"));
    let files = users.into_iter().chain(shared).chain(builtin);
    for path in files {
        if let Some(prefix) = PREFIX.read(root, &path, found) {
            return Some(expanded(&prefix, options));
        }
    }
    let folders = options.variable("PATH")?.split(':').map(Path::new);
    let node = folders
        .filter(|it| it.is_absolute())
        .find(|it| root.has(it.join("node")))?;
    node.parent().map(Path::to_owned)
}

fn package(root: &Root, folder: &Path, name: &str, kind: Kind, found: &mut Found) {
    let mut facts = Map::new();
    if kind == Kind::Link {
        facts.insert("link".to_owned(), true.into());
    }
    node_modules::package(root, folder, name, facts, found);
}
