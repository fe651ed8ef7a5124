//! A snapshot as filters and columns see it: one value at a path such as `metrics.auc`.
//!
//! The roots are those the filter language knows; what a path means below each is decided here.

use std::collections::BTreeMap;

use runstone_core::note::Marks;
use runstone_core::query::Row;
use runstone_core::verdict::Overall;
use serde_json::{Map, Value, json};

use crate::find::Stored;
use crate::notes::tags;

/// A snapshot as filters see it.
pub(crate) struct Fields<'a> {
    pub(crate) stored: &'a Stored,
    pub(crate) verdict: Option<Overall>,
    pub(crate) marks: Option<&'a Marks>,
}

impl Row for Fields<'_> {
    fn get(&self, path: &str) -> Option<Value> {
        let Stored {
            place,
            snapshot,
            envelope,
        } = self.stored;
        let (root, rest) = path.split_once('.').unwrap_or((path, ""));
        let text = |text: &str| Some(Value::from(text));
        let leaf = |leaves: &BTreeMap<String, Value>| leaves.get(rest).cloned();
        match root {
            "run_id" => text(snapshot.run_id.as_str()),
            "stage" => text(snapshot.stage.as_str()),
            "attempt" => Some(Value::from(snapshot.attempt.0)),
            "status" => text(snapshot.status.as_str()),
            "sweep" => snapshot.sweep.as_deref().map(Value::from),
            "candidate" => Some(Value::from(snapshot.candidate)),
            "cohort" => text(place.cohort.as_str()),
            "seq" | "snapshot_seq" => Some(Value::from(place.seq.0)),
            "sha256" => Some(Value::from(place.sha256.to_string())),
            "recorded_at" => text(&envelope.recorded_at),
            "started_at" => snapshot.started_at.as_deref().map(Value::from),
            "finished_at" => snapshot.finished_at.as_deref().map(Value::from),
            "profile" => text(&snapshot.profile.name),
            "tag" => self
                .marks
                .filter(|marks| !marks.tags.is_empty())
                .map(|marks| json!(tags(marks))),
            "verdict" => self.verdict.map(|verdict| Value::from(verdict.as_str())),
            "experiment" => snapshot
                .identity
                .get("experiment")
                .and_then(|group| group.values().next())
                .cloned(),
            "metrics" => snapshot
                .metrics
                .get(rest)
                .or_else(|| snapshot.metrics.get(&format!("{rest}.mean")))
                .map(|value| value.to_json()),
            "labels" => leaf(&snapshot.labels),
            "settings" => leaf(&snapshot.factors.settings),
            "seeds" => leaf(&snapshot.factors.seeds),
            "versions" => leaf(&snapshot.factors.versions),
            "factors" => leaf(&snapshot.factors.settings)
                .or_else(|| leaf(&snapshot.factors.seeds))
                .or_else(|| leaf(&snapshot.factors.versions)),
            "identity" => snapshot
                .identity
                .values()
                .find_map(|group| group.get(path).or_else(|| group.get(rest)).cloned()),
            "document" => at_path(&snapshot.document, rest),
            _ => None,
        }
    }
}

fn at_path(document: &Map<String, Value>, path: &str) -> Option<Value> {
    let mut parts = path.split('.');
    let mut value = document.get(parts.next()?)?;
    for part in parts {
        value = value.get(part)?;
    }
    Some(value.clone())
}
