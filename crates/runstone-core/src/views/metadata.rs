//! `metadata.json`: the resolved document with the block `diff_telemetry`.
//!
//! The document stands as it was handed in. One that the payload keeps by reference is kept so here
//! too, by the same reference, and the block stands alone beside it.

use super::snapshot::{SnapshotViews, reference};
use super::telemetry::{Beside, Telemetry};
use crate::canon;

pub(super) fn metadata(views: &SnapshotViews<'_>, telemetry: &Telemetry<'_>) -> Vec<u8> {
    let block = telemetry.block();
    match reference(&views.payload, "/document") {
        Some(named) => canon::bytes(&Beside::of(&named, block)),
        None => canon::bytes(&Beside::of(&views.snapshot.document, block)),
    }
}
