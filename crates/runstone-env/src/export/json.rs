//! The document itself, with its digest beside it.
//!
//! The invariant: nothing is lost, and who reads it can tell whether it is as it was written. That
//! is no seal: whoever changes the one on purpose can work out the other.

use runstone_core::canon;
use serde_json::json;

use super::Export;
use crate::document::{DIGEST, Environment};

pub(super) fn export(environment: &Environment) -> Export {
    let mut document = environment.to_json();
    document[DIGEST] = json!(environment.digests().environment);
    Export::of_one("environment.json", canon::text(&document), Vec::new())
}
