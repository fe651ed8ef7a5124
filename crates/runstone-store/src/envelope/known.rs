//! Parts of a header that hold what this release writes, and nothing else.
//!
//! A header that is read at once would pass over what it does not know inside of a part, whatever
//! stands there: not even text. So a part with anything else is refused here, and the header is
//! read as a tree, in which everything is looked at. What becomes of it then is left to `open`.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Seen;
use crate::hash::Hash256;
use crate::key::KeyText;
use crate::log::{CohortName, Seq};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    run: String,
    stage: String,
    cohort: CohortName,
    attempt: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    seq: Seq,
    sha256: Hash256,
}

pub(super) fn key_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<KeyText>, D::Error> {
    let text = Option::<Text>::deserialize(deserializer)?;
    Ok(text.map(|text| KeyText {
        run: text.run,
        stage: text.stage,
        cohort: text.cohort,
        attempt: text.attempt,
    }))
}

/// Reads a summary, which is shared: serde does so itself only with its feature `rc`.
pub(super) fn summary<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Value>, D::Error> {
    Value::deserialize(deserializer).map(Arc::new)
}

pub(super) fn seen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Seen>, D::Error> {
    let place = Option::<Place>::deserialize(deserializer)?;
    Ok(place.map(|Place { seq, sha256 }| Seen { seq, sha256 }))
}
