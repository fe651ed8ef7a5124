//! The document every figure is measured with.

use serde_json::{Map, Value, json};

/// Returns the document of the `round`th run of this process: 20 parameters, 20 metrics.
///
/// Its run id is in `run_id`, and no other process nor round has it.
pub fn document(round: usize) -> Map<String, Value> {
    let factors: Value = (0..20)
        .map(|at| (format!("parameter_{at}"), json!(f64::from(at) / 8.0)))
        .collect();
    let metrics: Value = (0..20)
        .map(|at| (format!("metric_{at}"), json!((round * 37 + at) % 1000)))
        .collect();
    let document = json!({
        "run_id": format!("run-{}-{round:08}", std::process::id()),
        "stage": "train",
        "identity": { "dataset": { "sha256": "f".repeat(64), "rows": 48211 } },
        "factors": factors,
        "metrics": metrics,
    });
    match document {
        Value::Object(document) => document,
        other => unreachable!("an object literal, not {other}"),
    }
}
