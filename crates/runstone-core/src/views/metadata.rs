//! `metadata.json`: the resolved document with the block `diff_telemetry`.
//!
//! The document stands as it was handed in. One that the payload keeps by reference is kept so here
//! too, by the same reference, and the block stands alone beside it.

use serde_json::Value;

use super::snapshot::{SnapshotViews, reference};
use super::telemetry::{Telemetry, put_block};

pub(super) fn metadata(views: &SnapshotViews<'_>, telemetry: &Telemetry) -> Value {
    let mut members =
        reference(&views.payload, "/document").unwrap_or_else(|| views.snapshot.document.clone());
    put_block(&mut members, telemetry.block());
    Value::Object(members)
}
