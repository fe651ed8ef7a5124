//! What a document measured: flat metrics, the samples behind them, and labels.
//!
//! A number, or the text of a number that JSON lacks, is a metric under its dotted name; `values`
//! beside a `mean` are the samples of the metric they stand in; every other leaf is a label. A null
//! counts as absent. What a movement means belongs to the diff.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::metric::MetricValue;
use crate::pointer::{Pointer, each_leaf, place_of};
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
    match document.get("metrics") {
        None | Some(Value::Null) => (Measured::default(), Vec::new()),
        Some(Value::Object(metrics)) => read_metrics(metrics),
        Some(other) => {
            let at = Pointer::root().child("metrics");
            let text = format!("is {}, an object is wanted", type_of(other));
            (
                Measured::default(),
                vec![Problem::new(ProblemKind::WrongType, at, text)],
            )
        }
    }
}

fn read_metrics(metrics: &Map<String, Value>) -> (Measured, Vec<Problem>) {
    let mut found: Vec<(String, &Value)> = Vec::new();
    each_leaf(metrics, &|_| false, &mut |keys, value| {
        // An empty object measures nothing.
        if !value.is_null() && !value.is_object() {
            found.push((keys.join("."), value));
        }
    });
    if let Some(collision) = collision(metrics, &found) {
        return (Measured::default(), vec![collision]);
    }
    let (mut measuring, mut unmeasured) = (Vec::new(), Vec::new());
    for (name, value) in found {
        match MetricValue::from_json(value) {
            Some(number) => measuring.push((name, number)),
            None => unmeasured.push((name, value)),
        }
    }
    let mut measured = Measured {
        metrics: measuring.into_iter().collect(),
        ..Measured::default()
    };
    unmeasured.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut problems = Vec::new();
    for (name, value) in unmeasured {
        let owner = name
            .strip_suffix(SAMPLES)
            .and_then(|owner| owner.strip_suffix('.'));
        let has_mean = |owner: &&str| measured.metrics.contains_key(&format!("{owner}.{MEAN}"));
        match (owner.filter(has_mean), value) {
            (Some(owner), Value::Array(items)) => {
                if let Some(samples) = samples(items) {
                    measured.samples.insert(owner.to_owned(), samples);
                    continue;
                }
                let text = format!("is {}, numbers are wanted", quoted(value));
                let at = place(metrics, value);
                problems.push(Problem::new(ProblemKind::WrongType, at, text));
            }
            _ => {
                measured.labels.insert(name, value.clone());
            }
        }
    }
    (measured, problems)
}

/// Returns the problem of the first metric that has the name of an earlier one.
fn collision(metrics: &Map<String, Value>, found: &[(String, &Value)]) -> Option<Problem> {
    // Nearly always they come by their names, which shows that none stands there twice.
    if found.is_sorted_by(|(one, _), (other, _)| one < other) {
        return None;
    }
    let mut named: BTreeMap<&str, &Value> = BTreeMap::new();
    let (name, first, second) = found
        .iter()
        .find_map(|(name, value)| Some((name, named.insert(name, value)?, value)))?;
    let text = format!("is `{name}`, like `{}`", place(metrics, first));
    let problem = Problem::new(ProblemKind::Collision, place(metrics, second), text);
    Some(problem.hint("rename one of the two"))
}

/// Returns where one of the metrics stands in its document.
fn place(metrics: &Map<String, Value>, metric: &Value) -> Pointer {
    let below = place_of(metrics, metric).unwrap_or_default();
    let metrics = Pointer::root().child("metrics");
    below.keys().iter().fold(metrics, |at, key| at.child(key))
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
