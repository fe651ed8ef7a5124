//! What a document measured: flat metrics, the samples behind them, and labels.
//!
//! A number, or the text of a number that JSON lacks, is a metric under its dotted name; `values`
//! beside a `mean` are the samples of the metric they stand in; every other leaf is a label. A null
//! counts as absent. What a movement means belongs to the diff.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::metric::MetricValue;
use crate::pointer::{Pointer, by_name, leaves};
use crate::problem::{Problem, ProblemKind, quoted, type_of};

/// The member that holds a metric's samples, and the one that makes an object a metric.
const SAMPLES: &str = "values";
const MEAN: &str = "mean";

/// The outputs of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Measured {
    pub(crate) metrics: BTreeMap<String, MetricValue>,
    pub(crate) samples: BTreeMap<String, Vec<f64>>,
    pub(crate) labels: BTreeMap<String, Value>,
}

/// Reads the `metrics` of a document, and what is wrong with them.
pub(super) fn read(document: &Map<String, Value>) -> (Measured, Vec<Problem>) {
    let at = Pointer::root().child("metrics");
    match document.get("metrics") {
        None | Some(Value::Null) => (Measured::default(), Vec::new()),
        Some(metrics @ Value::Object(_)) => read_metrics(&at, metrics),
        Some(other) => {
            let text = format!("is {}, an object is wanted", type_of(other));
            (
                Measured::default(),
                vec![Problem::new(ProblemKind::WrongType, at, text)],
            )
        }
    }
}

fn read_metrics(at: &Pointer, metrics: &Value) -> (Measured, Vec<Problem>) {
    let found = leaves(at, metrics).into_iter().filter(|leaf| {
        // An empty object measures nothing.
        !leaf.value.is_null() && !leaf.value.is_object()
    });
    let named = match by_name(found.collect(), |pointer| pointer.keys()[1..].join(".")) {
        Ok(named) => named,
        Err(collision) => {
            let text = format!("is `{}`, like `{}`", collision.name, collision.first);
            let problem = Problem::new(ProblemKind::Collision, collision.second, text);
            return (
                Measured::default(),
                vec![problem.hint("rename one of the two")],
            );
        }
    };
    let mut measured = Measured::default();
    let mut problems = Vec::new();
    for (name, leaf) in &named {
        if let Some(value) = MetricValue::from_json(leaf.value) {
            measured.metrics.insert(name.clone(), value);
            continue;
        }
        let owner = name
            .strip_suffix(SAMPLES)
            .and_then(|owner| owner.strip_suffix('.'));
        let has_mean = |owner: &&str| {
            let mean = named.get(&format!("{owner}.{MEAN}"));
            mean.is_some_and(|mean| MetricValue::from_json(mean.value).is_some())
        };
        match (owner.filter(has_mean), &leaf.value) {
            (Some(owner), Value::Array(items)) => {
                if let Some(samples) = samples(items) {
                    measured.samples.insert(owner.to_owned(), samples);
                    continue;
                }
                let text = format!("is {}, numbers are wanted", quoted(leaf.value));
                let at = leaf.pointer.clone();
                problems.push(Problem::new(ProblemKind::WrongType, at, text));
            }
            _ => {
                measured.labels.insert(name.clone(), leaf.value.clone());
            }
        }
    }
    (measured, problems)
}

fn samples(items: &[Value]) -> Option<Vec<f64>> {
    items
        .iter()
        .map(|item| MetricValue::from_json(item).map(MetricValue::get))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_ok(metrics: Value) -> Measured {
        let document = Map::from_iter([("metrics".to_owned(), metrics)]);
        let (measured, problems) = read(&document);
        assert_eq!(problems, []);
        measured
    }

    #[test]
    fn summaries_become_flat_metrics_and_samples() {
        let measured = read_ok(
            json!({"auc": 0.5, "loss": {"mean": 0.66, "std": 0.03, "n": 2, "values": [0.6, "NaN"]}}),
        );
        let names: Vec<&str> = measured.metrics.keys().map(String::as_str).collect();
        assert_eq!(names, ["auc", "loss.mean", "loss.n", "loss.std"]);
        assert_eq!(measured.samples["loss"].len(), 2);
        assert!(measured.labels.is_empty());
    }

    #[test]
    fn text_booleans_and_lists_are_labels_and_null_is_absent() {
        let measured = read_ok(json!({"a": "ROC-AUC", "b": true, "c": [1], "d": null, "e": "NaN"}));
        assert_eq!(measured.labels.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(measured.metrics.keys().collect::<Vec<_>>(), ["e"]);
    }

    #[test]
    fn a_collision_after_flattening_names_both_places() {
        let document = json!({"metrics": {"a": {"b": 1}, "a.b": 2}});
        let (_, problems) = read(document.as_object().unwrap());
        assert_eq!(problems[0].pointer.to_string(), "/metrics/a.b");
        assert_eq!(problems[0].text, "is `a.b`, like `/metrics/a/b`");
    }
}
