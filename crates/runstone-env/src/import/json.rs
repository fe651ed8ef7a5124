//! Our own document: taken as it is.
//!
//! The invariant: a document that loses nothing here has the digest it had. Sources of a later
//! release are not known to this one, left out and named.

use runstone_core::json::{Limits, read_document};
use serde_json::Value;

use super::{Another, BYTES_MAX, DEPTH_MAX, Format, NotImported, Read};
use crate::document::Environment;
use crate::names::SourceName;

pub(super) fn read(bytes: &[u8]) -> Result<Read, NotImported> {
    let document = read_document(bytes, &limits()).map_err(NotImported::NotJson)?;
    if !document.contains_key("schema") {
        return Err(NotImported::NotThisFormat {
            format: Format::Json,
            found: Another("it has neither `schema` nor `bomFormat`".to_owned()),
        });
    }
    let document = Value::Object(document);
    let environment = Environment::from_json(&document)?;
    let mut read = Read {
        environment,
        is_proven: true,
        ..Read::default()
    };
    let sources = document.get("sources").and_then(Value::as_object);
    for name in sources.into_iter().flat_map(|it| it.keys()) {
        if SourceName::from_word(name).is_none() {
            read.lacks("/sources", name, "this release knows no such source");
        }
    }
    Ok(read)
}

/// What is taken of a JSON file.
pub(super) fn limits() -> Limits {
    Limits {
        size_bytes_max: BYTES_MAX,
        depth_max: DEPTH_MAX,
    }
}
