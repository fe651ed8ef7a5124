//! npm: the packages installed globally, from their own `package.json`.
//!
//! A package that is a link (`npm link`) is somebody's working folder: it is marked, since its
//! version says little about its contents.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Options;
use super::found::{Found, misread};
use crate::document::Package;
use crate::root::{Kind, Root};
use crate::url;

/// Where global packages are below a prefix.
const MODULES: &str = "lib/node_modules";
/// Prefixes that are looked at where nothing names one.
const USUAL: [&str; 2] = ["usr/local", "usr"];

/// What is kept of a `package.json`. What people write into it beside that may be anything.
#[derive(Debug, serde::Deserialize)]
struct Manifest {
    name: Option<String>,
    version: Option<String>,
    #[serde(rename = "_resolved")]
    resolved: Option<String>,
}

pub(super) fn read(root: &Root, options: &Options) -> Found {
    let mut found = Found::captured();
    let named = prefix(root, options, &mut found);
    let prefixes = match named {
        Some(prefix) => vec![prefix],
        None => USUAL.iter().map(PathBuf::from).collect(),
    };
    let mut folders = prefixes.iter().map(|prefix| prefix.join(MODULES));
    let Some(folder) = folders.find(|folder| root.has(folder)) else {
        if found.warnings.is_empty() {
            return Found::absent();
        }
        return Found::unreadable(found.warnings.join("; "));
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
        let text = found.text(root, &path).unwrap_or_default();
        // The last line counts.
        let mut lines = text.lines().rev().filter_map(|line| line.split_once('='));
        let prefix = lines.find(|(name, _)| name.trim() == "prefix");
        if let Some((_, prefix)) = prefix {
            return Some(expanded(prefix.trim().trim_matches('"'), options));
        }
    }
    let folders = options.variable("PATH")?.split(':').map(Path::new);
    let node = folders
        .filter(|it| it.is_absolute())
        .find(|it| root.has(it.join("node")))?;
    node.parent().map(Path::to_owned)
}

/// Puts the home directory where npm would.
fn expanded(prefix: &str, options: &Options) -> PathBuf {
    let home = options.home();
    for beginning in ["~/", "${HOME}/", "$HOME/"] {
        if let (Some(rest), Some(home)) = (prefix.strip_prefix(beginning), home) {
            return home.join(rest);
        }
    }
    PathBuf::from(prefix)
}

fn package(root: &Root, folder: &Path, name: &str, kind: Kind, found: &mut Found) {
    let path = folder.join(name).join("package.json");
    let before = found.warnings.len();
    let Some(bytes) = found.read(root, &path) else {
        if found.warnings.len() == before {
            found.warn(format!("{} is missing: no package", path.display()));
            broken(name, found);
        }
        return;
    };
    // A mark of byte order is no JSON, and npm passes over it.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let manifest: Manifest = match serde_json::from_slice(bytes) {
        Ok(manifest) => manifest,
        Err(error) => return found.lacks(misread(&path, &error)),
    };
    let Some(version) = manifest.version else {
        return found.lacks(format!("{} has no version", path.display()));
    };
    // The folder is what a program asks for; the name inside may be another.
    let mut package = Package::new(name, version);
    if let Some(inner) = manifest.name.filter(|inner| inner != name) {
        package
            .facts
            .insert("calls_itself".to_owned(), inner.into());
    }
    if kind == Kind::Link {
        package.facts.insert("link".to_owned(), true.into());
    }
    if let Some(address) = manifest.resolved {
        package
            .facts
            .insert("resolved".to_owned(), url::stripped(&address).into());
    }
    found.package(package);
}

fn broken(name: &str, found: &mut Found) {
    let list = found
        .source
        .facts
        .entry("broken")
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(names) = list {
        names.push(name.into());
    }
}
