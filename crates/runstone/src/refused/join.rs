//! How what was said of a run at several places becomes one document, now or later.
//!
//! The invariant: of two words about one field the same one counts whether the run was recorded at
//! once or was refused and finished. Which words are legal is left to the recording.

use runstone_core::input::{Fill, Overrides, RunInput};
use runstone_core::pointer::Path as FieldPath;
use runstone_core::profile::Profile;
use serde_json::{Map, Value};

use super::run::{Layer, RefusedRun, Unread};
use crate::commit::RecordRequest;

/// The member whose members replace those of the same name whole.
const METRICS: &str = "metrics";

impl RefusedRun {
    /// Joins what a file of [`unread`](Self::unread) holds, now that it can be read.
    pub fn join(&mut self, file: &Unread, found: Map<String, Value>) {
        let paths = self.set.iter().filter_map(|path| path.parse().ok());
        let paths: Vec<FieldPath> = paths.collect();
        let mut set = Vec::new();
        for path in &paths {
            set.extend(take(&mut self.document, path.keys()).map(|value| (path, value)));
        }
        let given = match file.joins.as_str() {
            "" => std::mem::take(&mut self.document),
            member => match self.document.remove(member) {
                Some(Value::Object(given)) => given,
                _ => Map::new(),
            },
        };
        let (mut joined, over) = match file.layer {
            Layer::Beneath => (found, given),
            Layer::Above => (given, found),
        };
        if file.joins == METRICS {
            joined.extend(over);
        } else {
            deepen(&mut joined, &over);
        }
        if file.joins.is_empty() {
            self.document = joined;
        } else {
            self.document
                .insert(file.joins.clone(), Value::Object(joined));
        }
        for (path, value) in set {
            match path.insert(&mut self.document, value) {
                // What stands in its way is what the file says, which the recording judges.
                Ok(()) | Err(_) => {}
            }
        }
    }
}

/// Joins what a request says as far as it can be joined: what contradicts something said before it
/// is left out, and the recording that is tried again refuses it or goes without it.
pub(super) fn joined(request: &RecordRequest, profile: &Profile) -> RunInput {
    let all = request.input.clone();
    if let Ok(joined) = all.with(request.overrides.clone(), profile) {
        return joined;
    }
    let said = request.overrides.clone();
    let nothing = Overrides::default;
    let mut parts = vec![Overrides {
        metrics: said.metrics,
        ..nothing()
    }];
    parts.extend(said.set.into_iter().map(|one| Overrides {
        set: vec![one],
        ..nothing()
    }));
    parts.extend([
        Overrides {
            run_id: said.run_id,
            ..nothing()
        },
        Overrides {
            stage: said.stage,
            ..nothing()
        },
        Overrides {
            attempt: said.attempt,
            ..nothing()
        },
        Overrides {
            experiment: said.experiment,
            ..nothing()
        },
        Overrides {
            sweep: said.sweep,
            ..nothing()
        },
        Overrides {
            candidate: said.candidate,
            ..nothing()
        },
        Overrides {
            fill: Fill {
                run_id: None,
                stage: None,
                ..said.fill
            },
            ..nothing()
        },
    ]);
    let one_more = |input: RunInput, part| input.clone().with(part, profile).unwrap_or(input);
    parts.into_iter().fold(request.input.clone(), one_more)
}

/// Takes the value at `keys` out, and the objects above it that nothing else is in.
fn take(object: &mut Map<String, Value>, keys: &[String]) -> Option<Value> {
    let (first, rest) = keys.split_first()?;
    if rest.is_empty() {
        return object.remove(first);
    }
    let below = object.get_mut(first)?.as_object_mut()?;
    let taken = take(below, rest)?;
    if below.is_empty() {
        object.remove(first);
    }
    Some(taken)
}

/// Lays `over` over `object`, member by member, however deep.
pub fn deepen(object: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, value) in over {
        match (object.get_mut(key), value) {
            (Some(Value::Object(below)), Value::Object(value)) => deepen(below, value),
            _ => {
                object.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;

    use super::*;
    use crate::commit::AttemptChoice;

    /// Joins files of metrics with `document`, of which `set` was given by name.
    fn joined_with(document: &Value, set: &[&str], files: &[(Layer, Value)]) -> Value {
        let mut run = RefusedRun {
            nonce: "ab12".to_owned(),
            document: document.as_object().unwrap().clone(),
            attempt: AttemptChoice::Found,
            profile: None,
            process: RecordRequest::no_process(),
            environment: RecordRequest::no_process(),
            code: RecordRequest::no_process(),
            unread: Vec::new(),
            set: set.iter().map(ToString::to_string).collect(),
            reason: String::new(),
        };
        for (layer, found) in files {
            let file = Unread {
                path: PathBuf::new(),
                joins: METRICS.to_owned(),
                layer: *layer,
            };
            run.join(&file, found.as_object().unwrap().clone());
        }
        Value::Object(run.document)
    }

    #[test]
    fn what_was_set_goes_before_a_file_above_and_that_before_the_document_and_a_file_beneath() {
        let document = json!({"metrics": {"a": 1, "b": 1, "c": {"mean": 1}}});
        let above = json!({"a": 2, "b": 2, "c": {"std": 2}, "d": 2});
        let beneath = json!({"a": 3, "e": 3});
        let set = ["metrics.a", "metrics.c.mean"];
        let files = [(Layer::Beneath, beneath), (Layer::Above, above)];
        assert_eq!(
            joined_with(&document, &set, &files),
            json!({"metrics": {"a": 1, "b": 2, "c": {"std": 2, "mean": 1}, "d": 2, "e": 3}})
        );
    }

    #[test]
    fn a_metric_of_the_document_replaces_one_beneath_it_whole_as_in_a_recording() {
        let document = json!({"metrics": {"loss": {"mean": 1}}});
        let file = json!({"loss": {"mean": 2, "std": 2}});
        let files = [(Layer::Beneath, file)];
        assert_eq!(joined_with(&document, &[], &files), document);
        // What was set is one value of it alone.
        assert_eq!(
            joined_with(&document, &["metrics.loss.mean"], &files),
            json!({"metrics": {"loss": {"mean": 1, "std": 2}}})
        );
    }

    #[test]
    fn a_contradiction_costs_what_was_said_beside_it_nothing() {
        let profile = Profile::builtin("generic").unwrap();
        let document = json!({"experiment": "a", "metrics": {"auc": 1}});
        let request = RecordRequest {
            overrides: Overrides {
                run_id: Some("r1".to_owned()),
                stage: Some("train".to_owned()),
                experiment: Some("b".to_owned()),
                sweep: Some("s".to_owned()),
                candidate: true,
                metrics: json!({"loss": 1}).as_object().cloned(),
                set: vec![
                    ("labels.x".to_owned(), json!(1)),
                    ("a..b".to_owned(), json!(1)),
                ],
                ..Overrides::default()
            },
            ..RecordRequest::of(RunInput::from_document(
                document.as_object().unwrap().clone(),
            ))
        };
        assert_eq!(
            Value::Object(joined(&request, &profile).document().clone()),
            json!({
                "run_id": "r1", "stage": "train", "experiment": "a", "sweep": "s",
                "candidate": true, "metrics": {"auc": 1, "loss": 1}, "labels": {"x": 1},
            })
        );
    }
}
