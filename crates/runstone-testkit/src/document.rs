//! Run documents, built up field by field.

use serde_json::{Map, Value, json};

/// Begins a run document of stage `train` with one data set and one metric.
pub fn run(run_id: &str) -> RunBuilder {
    RunBuilder {
        document: json!({
            "run_id": run_id,
            "stage": "train",
            "identity": { "dataset": { "sha256": "d1", "rows": 1000 } },
            "factors": { "learning_rate": 0.05, "seed": 1 },
            "metrics": { "auc": 0.61 },
        }),
    }
}

/// A run document under construction.
#[derive(Debug, Clone)]
pub struct RunBuilder {
    document: Value,
}

impl RunBuilder {
    /// Sets the value at a dotted path, making objects on the way.
    #[must_use]
    pub fn with(mut self, path: &str, value: impl Into<Value>) -> Self {
        let mut place = &mut self.document;
        for part in path.split('.') {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            let Value::Object(members) = place else {
                unreachable!("made an object above")
            };
            place = members.entry(part).or_insert(Value::Null);
        }
        *place = value.into();
        self
    }

    /// Sets the metric `auc`.
    #[must_use]
    pub fn auc(self, value: f64) -> Self {
        self.with("metrics.auc", value)
    }

    /// Returns the document.
    pub fn build(self) -> Map<String, Value> {
        match self.document {
            Value::Object(document) => document,
            other => unreachable!("the builder begins with an object, not {other}"),
        }
    }
}
