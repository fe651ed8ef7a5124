//! Our own document: taken as it is, if its digest proves that it is as it was written.
//!
//! The invariant: a document that loses nothing here has the digest it had, and one without that
//! proof has no source that counts as captured. Sources of a later release are not known to this
//! one, left out and named.

use runstone_core::canon;
use runstone_core::digest::Digest;
use runstone_core::json::{Limits, read_document};
use serde_json::Value;

use super::{Another, BYTES_MAX, DEPTH_MAX, Format, NotImported, Read};
use crate::document::{DIGEST, Environment};
use crate::names::SourceName;

pub(super) fn read(bytes: &[u8]) -> Result<Read, NotImported> {
    let mut document = read_document(bytes, &limits()).map_err(NotImported::NotJson)?;
    if !document.contains_key("schema") {
        return Err(NotImported::NotThisFormat {
            format: Format::Json,
            found: Another("it has neither `schema` nor `bomFormat`".to_owned()),
        });
    }
    let claimed = document.remove(DIGEST);
    let document = canon::settle(Value::Object(document));
    let mut read = Read {
        environment: Environment::from_json(&document)?,
        ..Read::default()
    };
    let digest = Digest::of(&canon::bytes(&document)).to_string();
    match claimed {
        Some(claimed) if claimed.as_str() == Some(digest.as_str()) => {}
        Some(_) => read.is_unproven("it was changed since it was exported"),
        None => read.is_unproven("it has no `digest`, which an export writes"),
    }
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
