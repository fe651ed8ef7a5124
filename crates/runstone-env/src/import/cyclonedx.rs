//! `CycloneDX`: components, by their package URLs; of our own, everything.
//!
//! A document that we wrote tells in properties (`bom`) what the format has no place for. What is
//! made of them has the digest that the document names, or it was changed since: the invariant is
//! that no source counts as captured without that proof. Of other documents the packages are taken
//! that one of the sources would have found.
//!
//! # Source
//! <https://cyclonedx.org/docs/1.6/json/>; members of the same names mean the same since 1.2.

use std::collections::BTreeMap;

use runstone_core::canon;
use runstone_core::json::{read_document, read_value};
use serde_json::{Map, Value, json};

use super::json::limits;
use super::{Another, Format, NotImported, Read, purl};
use crate::bom;
use crate::document::{Package, Source};
use crate::names::{SourceName, State};

/// The releases of the format that are read.
const RELEASES: [&str; 6] = ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"];
/// What a component is that is no package of a source.
const INSTALLED: [&str; 4] = ["application", "framework", "library", "platform"];

pub(super) fn read(bytes: &[u8]) -> Result<Read, NotImported> {
    let document = read_document(bytes, &limits()).map_err(NotImported::NotJson)?;
    demand_format(&document)?;
    let metadata = document.get("metadata");
    let of_environment = properties(metadata.and_then(|it| it.get("properties")));
    let claimed = of_environment.get(bom::ENVIRONMENT).copied();
    let mut read = Read::default();
    for name in ["serialNumber", "specVersion"] {
        if let Some(text) = document.get(name).and_then(Value::as_str) {
            read.told.insert(name.to_owned(), text.into());
        }
    }
    if let Some(at) = metadata.and_then(|it| it.get("timestamp")?.as_str()) {
        read.told.insert("timestamp".to_owned(), at.into());
    }
    if claimed.is_some() {
        sources(&of_environment, &mut read);
    }
    let components = document.get("components").and_then(Value::as_array);
    for (position, component) in components.into_iter().flatten().enumerate() {
        let place = format!("/components/{position}");
        match component.as_object() {
            Some(component) => self::component(place, component, claimed.is_some(), &mut read),
            None => read.lacks(place, "", "it is no component"),
        }
    }
    match claimed {
        Some(claimed) => prove(claimed, &mut read),
        None => read.without_doubles(),
    }
    Ok(read)
}

fn demand_format(document: &Map<String, Value>) -> Result<(), NotImported> {
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    let another = |what: String| NotImported::NotThisFormat {
        format: Format::CycloneDx,
        found: Another(what),
    };
    if text("bomFormat") != Some(bom::FORMAT) {
        return Err(another(format!("`bomFormat` is not `{}`", bom::FORMAT)));
    }
    match text("specVersion") {
        Some(release) if RELEASES.contains(&release) => Ok(()),
        Some(release) => Err(another(format!(
            "`specVersion` is `{}`, of which nothing is known here",
            super::lines::quoted(release)
        ))),
        None => Err(another("it has no `specVersion`".to_owned())),
    }
}

/// Returns the pairs of a list of properties; the first of a name counts.
fn properties(list: Option<&Value>) -> BTreeMap<&str, &str> {
    let mut properties = BTreeMap::new();
    for pair in list.and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| pair.get(name).and_then(Value::as_str);
        if let (Some(name), Some(value)) = (text("name"), text("value")) {
            properties.entry(name).or_insert(value);
        }
    }
    properties
}

/// Takes over what is told of sources beside their packages.
fn sources(properties: &BTreeMap<&str, &str>, read: &mut Read) {
    for (name, value) in properties {
        if let Some(source) = name.strip_prefix(bom::STATE) {
            match (SourceName::from_word(source), State::from_word(value)) {
                (Some(source), Some(state)) => {
                    let unknown = || Source::without_facts(state);
                    let sources = &mut read.environment.sources;
                    sources.entry(source).or_insert_with(unknown).state = state;
                }
                _ => read.lacks(
                    "/metadata/properties",
                    *name,
                    "this release knows no such source",
                ),
            }
        } else if let Some(fact) = name.strip_prefix(bom::FACT) {
            let named = fact.split_once(':');
            let source =
                named.and_then(|(source, fact)| Some((SourceName::from_word(source)?, fact)));
            match (source, value_of(value)) {
                (Some((source, fact)), Some(value)) => read.fact(source, fact, value),
                _ => read.lacks("/metadata/properties", *name, "it is no fact of a source"),
            }
        }
    }
}

fn component(place: String, component: &Map<String, Value>, is_ours: bool, read: &mut Read) {
    let text = |name: &str| component.get(name).and_then(Value::as_str);
    let name = text("name").unwrap_or_default();
    let inner = component.get("components").and_then(Value::as_array);
    if inner.is_some_and(|it| !it.is_empty()) {
        read.lacks(
            format!("{place}/components"),
            name,
            "what stands within another component is installed by no source",
        );
    }
    let properties = properties(component.get("properties"));
    if is_ours && let Some(source) = properties.get(bom::SOURCE) {
        return match SourceName::from_word(source) {
            Some(source) => match of_ours(component, &properties) {
                Some(package) => read.package(place, source, package),
                None => read.lacks(
                    place,
                    name,
                    "it has no version, or a fact that cannot be read",
                ),
            },
            None => read.lacks(place, name, "this release knows no such source"),
        };
    }
    let kind = text("type").unwrap_or_default();
    if kind == "operating-system" {
        // Ours told it as a fact already.
        if !is_ours {
            let release = match text("version") {
                Some(version) => json!({ "id": name, "version_id": version }),
                None => json!({ "id": name }),
            };
            read.fact(SourceName::Os, "release", release);
        }
        return;
    }
    let Some(purl) = text("purl") else {
        return read.lacks(place, name, "it has no package URL");
    };
    match purl::read(purl) {
        Err(reason) => read.lacks(place, name, reason.to_string()),
        Ok(_) if !INSTALLED.contains(&kind) => {
            read.lacks(place, name, "it is no package, by its type");
        }
        // Parts of a project, where the sources have programs that were installed by themselves.
        Ok((SourceName::Cargo | SourceName::Npm, _)) if kind != "application" => {
            read.lacks(
                place,
                name,
                "it is a part of a project, and no program by itself",
            );
        }
        Ok((source, package)) => read.package(place, source, package),
    }
}

/// Returns a package that we wrote; name and version are those that everybody reads.
fn of_ours(component: &Map<String, Value>, properties: &BTreeMap<&str, &str>) -> Option<Package> {
    let text = |name: &str| component.get(name).and_then(Value::as_str);
    let name = match (text("group"), text("name")?) {
        (Some(group), name) => format!("{group}/{name}"),
        (None, name) => name.to_owned(),
    };
    let mut package = Package::new(name, text("version")?);
    package.arch = properties.get(bom::ARCH).map(|it| (*it).to_owned());
    for (name, value) in properties {
        if let Some(fact) = name.strip_prefix(bom::FACT) {
            package.facts.insert(fact.to_owned(), value_of(value)?);
        }
    }
    Some(package)
}

fn value_of(text: &str) -> Option<Value> {
    read_value(text.as_bytes(), &limits()).ok()
}

/// Leaves the states as they are told if what was read is the very environment that the document
/// says it is.
fn prove(claimed: &str, read: &mut Read) {
    read.environment.put_in_order();
    let json = canon::settle(read.environment.to_json());
    let digest = runstone_core::digest::Digest::of(&canon::bytes(&json));
    if !read.not_taken.is_empty() || digest.to_string() != claimed {
        read.is_unproven("it was changed since it was exported, or by a release that knows more");
    }
}
