//! `requirements.txt`: the distributions of an interpreter, each at its version.
//!
//! A distribution that came from an address or a repository comes from there again, at the commit
//! or by the hash it had. One that is shadowed is no import's, and is not in the list.
//!
//! # Source
//! <https://pip.pypa.io/en/stable/reference/requirements-file-format/>; PEP 440, 508, 610.

use serde_json::Value;

use super::{Export, heading, one_a_line};
use crate::document::{Environment, Package, Source};
use crate::grammar;
use crate::names::SourceName;

/// Where distributions may come from.
const SCHEMES: [&str; 4] = ["file", "http", "https", "ssh"];
/// The systems of version control that pip knows.
const SYSTEMS: [&str; 4] = ["bzr", "git", "hg", "svn"];

pub(super) fn export(environment: &Environment, source: &Source) -> Export {
    let mut text = heading(environment, source);
    let version = source.facts.get("version").and_then(Value::as_str);
    if let Some(version) = version.filter(|it| grammar::is_python_version(it)) {
        text.push_str("# Python ");
        text.push_str(version);
        text.push('\n');
    }
    let packages = source.packages.iter().filter(|it| !is_shadowed(it));
    let left_out = one_a_line(SourceName::Python, packages, line, &mut text);
    Export::of_one("requirements.txt", text, left_out)
}

/// Returns the requirement that stands for a distribution, or why there is none.
pub(crate) fn line(package: &Package) -> Result<String, &'static str> {
    let name = package.name.as_str();
    let fact = |name: &str| package.facts.get(name).and_then(Value::as_str);
    let is_so = |name: &str| package.facts.get(name) == Some(&Value::Bool(true));
    if is_shadowed(package) {
        return Err("another of its name goes before it");
    }
    if !grammar::is_python_name(name) {
        return Err("its name is none of Python's");
    }
    let Some(address) = fact("url") else {
        if !grammar::is_python_version(&package.version) {
            return Err("its version is none of Python's");
        }
        return Ok(format!("{name}=={}", package.version));
    };
    let address = address
        .split_once('#')
        .map_or(address, |(address, _)| address);
    if !grammar::is_address(address, &SCHEMES) {
        return Err("its address is none that can be written down");
    }
    if is_so("editable") {
        return Ok(format!("-e {address}"));
    }
    let below = match fact("subdirectory") {
        None => String::new(),
        Some(below) if grammar::is_path_below(below) => format!("subdirectory={below}"),
        Some(_) => return Err("its subdirectory is none that can be written down"),
    };
    let (address, hash) = match (fact("vcs"), fact("commit_id")) {
        (None, _) => (address.to_owned(), hash(package)),
        (Some(system), Some(commit))
            if SYSTEMS.contains(&system) && grammar::is_hex(commit, 7..=64) =>
        {
            (format!("{system}+{address}@{commit}"), String::new())
        }
        (Some(_), _) => return Err("its commit is not known"),
    };
    let fragment: Vec<String> = [hash, below]
        .into_iter()
        .filter(|it| !it.is_empty())
        .collect();
    let mark = if fragment.is_empty() { "" } else { "#" };
    Ok(format!("{name} @ {address}{mark}{}", fragment.join("&")))
}

fn is_shadowed(package: &Package) -> bool {
    package.facts.get("shadowed") == Some(&Value::Bool(true))
}

/// Returns the hash of the archive, as a fragment.
fn hash(package: &Package) -> String {
    let hash = package.facts.get("hashes").and_then(|it| it.get("sha256"));
    let hash = hash.and_then(Value::as_str);
    let hash = hash.filter(|it| grammar::is_hex(it, 64..=64));
    hash.map_or_else(String::new, |it| format!("sha256={it}"))
}
