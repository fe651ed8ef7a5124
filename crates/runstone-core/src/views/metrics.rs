//! `metrics.json`: the flat metrics with a small block `diff_telemetry`, for programs that read
//! numbers alone.

use super::snapshot::{SnapshotViews, reference};
use super::telemetry::{Beside, Telemetry};
use crate::canon;

pub(super) fn metrics(views: &SnapshotViews<'_>, telemetry: &Telemetry<'_>) -> Vec<u8> {
    let block = &telemetry.in_short();
    match reference(&views.payload, "/metrics") {
        Some(named) => canon::bytes(&Beside::of(&named, block)),
        None => canon::bytes(&Beside::of(&views.snapshot.metrics, block)),
    }
}
