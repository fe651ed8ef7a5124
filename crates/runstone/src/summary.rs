//! What an envelope tells of a snapshot without opening its payload.
//!
//! Looking back over a cohort (for the previous run, the baseline, later the noise) reads
//! envelopes alone. The store keeps the summary unread; this file is the only one that knows its
//! shape: `{status, candidate, sweep, settings, profile, primary: [{name, value}]}`, at most 2 KiB.

use runstone_core::digest::Digest;
use runstone_core::id::{Attempt, SnapshotSeq};
use runstone_core::metric::MetricValue;
use runstone_core::profile::StageRules;
use runstone_core::snapshot::{Snapshot, Status};
use runstone_core::verdict::Point;
use runstone_store::{Envelope, Seq};
use serde_json::{Value, json};

use crate::digests::to_digest;

/// Longest names of deciding metrics kept in a summary, in bytes all together. Longer ones are left
/// out, which costs the run its place as a yardstick and nothing else.
const PRIMARY_NAMES_BYTES_MAX: usize = 768;

/// Returns the summary of a snapshot.
pub(crate) fn of(snapshot: &Snapshot, settings: Digest, rules: &StageRules) -> Value {
    let names = rules.metrics.primary(&snapshot.metrics).names();
    let fits = names.iter().map(String::len).sum::<usize>() <= PRIMARY_NAMES_BYTES_MAX;
    let primary: Vec<Value> = names
        .iter()
        .filter(|_| fits)
        .filter_map(|name| {
            let value = snapshot.metrics.get(name)?;
            Some(json!({ "name": name, "value": value.to_json() }))
        })
        .collect();
    json!({
        "status": snapshot.status.as_str(),
        "candidate": snapshot.candidate,
        "sweep": snapshot.sweep,
        "settings": settings,
        "profile": snapshot.profile.sha256,
        "primary": primary,
    })
}

/// Returns the point of the history that an envelope stands for; `None` if it has no key (a note)
/// or its summary is not one of ours.
pub(crate) fn point(seq: Seq, envelope: &Envelope) -> Option<Point> {
    let key = envelope.key_text.as_ref()?;
    let summary = &envelope.summary;
    Some(Point {
        seq: SnapshotSeq(seq.get()),
        run_id: key.run.clone(),
        attempt: Attempt(key.attempt),
        status: status(envelope)?,
        candidate: summary.get("candidate")?.as_bool()?,
        deleted: false,
        sweep: summary.get("sweep")?.as_str().map(str::to_owned),
        settings: digest(summary.get("settings")?)?,
        primary: primary(envelope)?,
        sha256: to_digest(&envelope.sha256),
    })
}

/// Returns how the recorded stage ended.
pub(crate) fn status(envelope: &Envelope) -> Option<Status> {
    Status::from_word(envelope.summary.get("status")?.as_str()?)
}

/// Returns the metrics that decide, by name: one, or two or three that decide together.
pub(crate) fn primary(envelope: &Envelope) -> Option<Vec<(String, MetricValue)>> {
    let read = |metric: &Value| {
        let name = metric.get("name")?.as_str()?;
        Some((
            name.to_owned(),
            MetricValue::from_json(metric.get("value")?)?,
        ))
    };
    envelope
        .summary
        .get("primary")?
        .as_array()?
        .iter()
        .map(read)
        .collect()
}

/// Returns the digest of the profile the snapshot was read by.
pub(crate) fn profile(envelope: &Envelope) -> Option<Digest> {
    digest(envelope.summary.get("profile")?)
}

fn digest(value: &Value) -> Option<Digest> {
    value.as_str()?.parse().ok()
}
