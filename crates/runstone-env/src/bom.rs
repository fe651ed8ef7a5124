//! The words by which a `CycloneDX` document of ours says what the format has no place for.
//!
//! Properties are pairs of texts, in a name space of one's own. Written by the export, read by the
//! import; the invariant: a name says what its value is, and a value of a fact is canonical JSON.
//!
//! # Source
//! <https://cyclonedx.org/docs/1.6/json/>, `properties`, and the taxonomy of their names.

use runstone_core::canon;
use serde_json::{Value, json};

use crate::names::SourceName;

/// What the format calls itself.
pub(crate) const FORMAT: &str = "CycloneDX";
/// The release of the format that is written.
pub(crate) const RELEASE: &str = "1.6";
/// The digest of the environment.
pub(crate) const ENVIRONMENT: &str = "runstone:environment";
/// The source that found a component.
pub(crate) const SOURCE: &str = "runstone:source";
/// The architecture of a package.
pub(crate) const ARCH: &str = "runstone:arch";
/// Before the name of a source: how far it was read.
pub(crate) const STATE: &str = "runstone:state:";
/// Before the name of a fact: of a package, or of a source, whose name and a colon go before it
/// then.
pub(crate) const FACT: &str = "runstone:fact:";

/// Returns a property.
pub(crate) fn property(name: impl Into<String>, value: impl Into<String>) -> Value {
    json!({ "name": name.into(), "value": value.into() })
}

/// Returns the property of a fact of a package.
pub(crate) fn of_package(name: &str, value: &Value) -> Value {
    property(format!("{FACT}{name}"), canon::text(value))
}

/// Returns the property of a fact of a source.
pub(crate) fn of_source(source: SourceName, name: &str, value: &Value) -> Value {
    let name = format!("{FACT}{}:{name}", source.as_str());
    property(name, canon::text(value))
}
