//! conda: one JSON file a package in `conda-meta`.
//!
//! The prefix is the one the session is in. Distributions that conda brought are found by `python`
//! as well, marked as installed by conda, so that they can be counted once.

use std::path::{Path, PathBuf};

use super::Options;
use super::found::{Found, misread};
use crate::document::Package;
use crate::root::Root;
use crate::url;

/// What is kept of a package's file, which lists every file of the package as well.
#[derive(Debug, serde::Deserialize)]
struct Installed {
    name: String,
    version: String,
    build: Option<String>,
    build_number: Option<u64>,
    subdir: Option<String>,
    md5: Option<String>,
    sha256: Option<String>,
    channel: Option<String>,
    url: Option<String>,
    requested_spec: Option<String>,
}

pub(super) fn read(root: &Root, options: &Options) -> Found {
    let Some(prefix) = prefix(root, options) else {
        return Found::absent();
    };
    let folder = prefix.join("conda-meta");
    let mut found = Found::captured();
    let Some(entries) = found.names(root, &folder) else {
        if found.warnings.is_empty() {
            return Found::absent();
        }
        return Found::unreadable(found.warnings.join("; "));
    };
    found.observe("prefix", prefix.to_string_lossy());
    for entry in entries {
        if !matches!(entry.name.rsplit_once('.'), Some((_, "json"))) {
            continue;
        }
        let path = folder.join(&entry.name);
        let Some(bytes) = found.read(root, &path) else {
            continue;
        };
        match package(&bytes) {
            Ok(package) => found.package(package),
            Err(error) => found.lacks(misread(&path, &error)),
        }
    }
    found
}

/// Returns the prefix the session is in, or the one the named interpreter belongs to.
fn prefix(root: &Root, options: &Options) -> Option<PathBuf> {
    let has = |prefix: &Path| root.has(prefix.join("conda-meta"));
    if let Some(python) = &options.python {
        // Whoever names an interpreter names its prefix: a folder, or two levels above
        // `bin/python`.
        let above = python.parent().and_then(Path::parent);
        let prefixes = [Some(python.as_path()), above];
        return prefixes
            .into_iter()
            .flatten()
            .find(|it| has(it))
            // However it was spelled: without a slash at its end, or two in its middle.
            .map(|it| it.components().collect());
    }
    let named = options.variable("CONDA_PREFIX")?;
    Some(Path::new(named).components().collect())
}

fn package(bytes: &[u8]) -> Result<Package, serde_json::Error> {
    let installed: Installed = serde_json::from_slice(bytes)?;
    let mut package = Package::new(installed.name, installed.version);
    let stripped = |address: Option<String>| address.map(|it| url::stripped(&it));
    // What somebody asked for has the words in which it was asked.
    let requested = installed
        .requested_spec
        .filter(|it| !it.is_empty() && it != "None");
    let texts = [
        ("build", installed.build),
        ("subdir", installed.subdir),
        ("md5", installed.md5),
        ("sha256", installed.sha256),
        ("channel", stripped(installed.channel)),
        ("url", stripped(installed.url)),
        ("requested", requested.map(|it| url::stripped_within(&it))),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            package.facts.insert(name.to_owned(), text.into());
        }
    }
    if let Some(number) = installed.build_number {
        package
            .facts
            .insert("build_number".to_owned(), number.into());
    }
    Ok(package)
}
