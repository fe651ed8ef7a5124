//! `metrics.json`: the flat metrics with a small block `diff_telemetry`, for programs that read
//! numbers alone.

use serde_json::Value;

use super::snapshot::{SnapshotViews, reference};
use super::telemetry::{Telemetry, put_block};

pub(super) fn metrics(views: &SnapshotViews<'_>, telemetry: &Telemetry) -> Value {
    let mut members = reference(&views.payload, "/metrics").unwrap_or_else(|| {
        let metrics = &views.snapshot.metrics;
        metrics
            .iter()
            .map(|(name, value)| (name.clone(), value.to_json()))
            .collect()
    });
    put_block(&mut members, telemetry.in_short());
    Value::Object(members)
}
