//! `CycloneDX` 1.6: a bill of materials, which scanners for known weaknesses read.
//!
//! A component a package, named by its package URL where it has one. What the format has no place
//! for stands in properties (`bom`), so that the import gives the same document back. The
//! invariant: the same environment gives the same bytes, wherever and whenever it is exported; the
//! serial number follows from the digest.
//!
//! # Source
//! <https://cyclonedx.org/docs/1.6/json/>; RFC 9562, section 5.8 (UUID of version 8).

use runstone_core::digest::Digest;
use serde_json::{Value, json};

use super::{Details, Export, LeftOut};
use crate::bom::{self, property};
use crate::document::{Environment, Package};
use crate::names::{Scope, SourceName};
use crate::purl::{self, Distribution};

/// Longest version that the format takes, in characters (`definitions.version`).
const VERSION_CHARACTERS_MAX: usize = 1024;

pub(super) fn export(environment: &Environment, details: &Details) -> Export {
    let digest = environment.digests().environment;
    let distribution = Distribution::of(environment);
    let mut components: Vec<Value> = operating_system(distribution).into_iter().collect();
    let mut left_out = Vec::new();
    for (name, source) in &environment.sources {
        for (position, package) in source.packages.iter().enumerate() {
            if package.version.chars().count() > VERSION_CHARACTERS_MAX {
                left_out.push(LeftOut {
                    source: *name,
                    item: package.name.clone(),
                    reason: format!(
                        "its version has more than {VERSION_CHARACTERS_MAX} characters"
                    ),
                });
                continue;
            }
            let reference = format!("{}:{position}", name.as_str());
            components.push(component(*name, package, distribution, &reference));
        }
    }
    let mut metadata = json!({
        "component": {
            "bom-ref": "environment",
            "name": "environment",
            "type": "platform",
            "version": digest.to_string(),
        },
        "properties": properties(environment, &digest),
        "tools": { "components": [{
            "name": "runstone",
            "type": "application",
            "version": env!("CARGO_PKG_VERSION"),
        }] },
    });
    if let Some(at) = &details.captured_at {
        metadata["timestamp"] = Value::from(at.as_str());
    }
    let document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": bom::FORMAT,
        "components": components,
        "metadata": metadata,
        "serialNumber": serial_number(&digest),
        "specVersion": bom::RELEASE,
        "version": 1,
    });
    let mut text = serde_json::to_string_pretty(&document).expect("a value can be written");
    text.push('\n');
    Export::of_one("bom.cdx.json", text, left_out)
}

/// Returns the component by which scanners see whose packages these are.
fn operating_system(distribution: Option<Distribution<'_>>) -> Option<Value> {
    let distribution = distribution?;
    let mut component = json!({
        "bom-ref": "os",
        "name": distribution.id,
        "type": "operating-system",
    });
    if let Some(release) = distribution.release {
        component["version"] = Value::from(release);
    }
    Some(component)
}

fn component(
    source: SourceName,
    package: &Package,
    distribution: Option<Distribution<'_>>,
    reference: &str,
) -> Value {
    let mut properties = vec![property(bom::SOURCE, source.as_str())];
    if let Some(arch) = &package.arch {
        properties.push(property(bom::ARCH, arch.as_str()));
    }
    let facts = package.facts.iter();
    properties.extend(facts.map(|(name, value)| bom::of_package(name, value)));
    // What is installed as a program of its own is one; that others use it is the rule elsewhere.
    let kind = match source {
        SourceName::Cargo => "application",
        _ if source.scope() == Scope::Node => "application",
        _ => "library",
    };
    let mut component = json!({
        "bom-ref": reference,
        "name": package.name,
        "properties": properties,
        "type": kind,
        "version": package.version,
    });
    if source.scope() == Scope::Node
        && let Some((scope, name)) = package.name.split_once('/')
    {
        component["group"] = Value::from(scope);
        component["name"] = Value::from(name);
    }
    if let Some(purl) = purl::of(package, source, distribution) {
        component["purl"] = Value::from(purl);
    }
    let hashes = hashes(package);
    if !hashes.is_empty() {
        component["hashes"] = Value::from(hashes);
    }
    component
}

/// Returns the hashes of the archive that a package came in.
fn hashes(package: &Package) -> Vec<Value> {
    let fact = |name: &str| package.facts.get(name).and_then(Value::as_str);
    let of_archive = package.facts.get("hashes").and_then(|it| it.get("sha256"));
    let sha256 = fact("sha256").or(of_archive.and_then(Value::as_str));
    let found = [("MD5", fact("md5"), 32), ("SHA-256", sha256, 64)];
    let found = found.into_iter().filter_map(|(algorithm, hash, digits)| {
        let hash = hash.filter(|it| crate::grammar::is_hex(it, digits..=digits))?;
        Some(json!({ "alg": algorithm, "content": hash }))
    });
    found.collect()
}

/// Returns what is known of the environment beside its packages.
fn properties(environment: &Environment, digest: &Digest) -> Vec<Value> {
    let mut properties = vec![property(bom::ENVIRONMENT, digest.to_string())];
    for (name, source) in &environment.sources {
        let state = format!("{}{}", bom::STATE, name.as_str());
        properties.push(property(state, source.state.as_str()));
        let facts = source.facts.iter();
        properties.extend(facts.map(|(fact, value)| bom::of_source(*name, fact, value)));
    }
    properties
}

/// Returns a UUID of the digest: its first sixteen bytes, with the marks of version 8.
fn serial_number(digest: &Digest) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let number = u128::from_be_bytes(bytes);
    format!(
        "urn:uuid:{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        number >> 96,
        number >> 80 & 0xffff,
        number >> 64 & 0xffff,
        number >> 48 & 0xffff,
        number & 0xffff_ffff_ffff,
    )
}
