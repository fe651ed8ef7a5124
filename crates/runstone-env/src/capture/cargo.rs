//! cargo: what `cargo install` installed, from its own list.
//!
//! # Source
//! `.crates2.json`, and `.crates.toml` of older releases: `installs` by `name version (source)`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use runstone_core::json::{Limits, read_document};
use serde_json::{Map, Value};

use super::Options;
use super::found::Found;
use crate::document::Package;
use crate::root::Root;
use crate::url;

pub(super) fn read(root: &Root, options: &Options) -> Found {
    let home = options
        .variable("CARGO_INSTALL_ROOT")
        .or(options.variable("CARGO_HOME"));
    let home = home.map(PathBuf::from);
    let Some(home) = home.or_else(|| options.home().map(|home| home.join(".cargo"))) else {
        return Found::skipped("no home directory is known");
    };
    let mut found = Found::captured();
    let newer = home.join(".crates2.json");
    let older = home.join(".crates.toml");
    let installs = if let Some(bytes) = found.read(root, &newer) {
        read_document(&bytes, &Limits::default())
            .map_err(|error| format!("{}: {error}", newer.display()))
            .map(|mut json| json.remove("installs"))
    } else if let Some(text) = found.text(root, &older) {
        toml::from_str::<Older>(&text)
            // What it says would quote the list.
            .map_err(|_error| format!("{} is not a list of cargo", older.display()))
            .map(|older| Some(older.installs()))
    } else if found.warnings.is_empty() {
        return Found::absent();
    } else {
        return Found::unreadable(found.warnings.join("; "));
    };
    match installs {
        Ok(Some(Value::Object(installs))) => {
            for (key, install) in installs {
                match package(&key, &install) {
                    Some(package) => found.package(package),
                    None => found.lacks(format!("`{key}` is not a name, a version and a source")),
                }
            }
        }
        Ok(_) => found.lacks("the list of installed programs has no `installs`"),
        Err(problem) => return Found::unreadable(problem),
    }
    found
}

/// The older list: the programs of each package.
#[derive(Debug, serde::Deserialize)]
struct Older {
    #[serde(default)]
    v1: BTreeMap<String, Vec<String>>,
}

impl Older {
    fn installs(self) -> Value {
        let installs = self.v1.into_iter();
        let installs = installs.map(|(key, bins)| (key, serde_json::json!({ "bins": bins })));
        Value::Object(installs.collect())
    }
}

fn package(key: &str, install: &Value) -> Option<Package> {
    let mut words = key.splitn(3, ' ');
    let (name, version, source) = (words.next()?, words.next()?, words.next()?);
    let source = source.strip_prefix('(')?.strip_suffix(')')?;
    let mut package = Package::new(name, version);
    let mut facts = Map::new();
    facts.insert("from".to_owned(), url::stripped(source).into());
    for member in ["bins", "features", "profile", "target", "rustc"] {
        let value = install.get(member).filter(|value| match value {
            Value::Null => false,
            Value::Array(items) => !items.is_empty(),
            _ => true,
        });
        if let Some(value) = value {
            let value = match value {
                // Two lines: which compiler, and for which host.
                Value::String(text) => text.lines().next().unwrap_or_default().into(),
                other => other.clone(),
            };
            facts.insert(member.to_owned(), value);
        }
    }
    package.facts = facts;
    Some(package)
}
