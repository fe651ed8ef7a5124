//! Results that could not be recorded: kept, so that a mended cause is all that is lost.
//!
//! A wrapped command may have run for hours when its document turns out to be illegal, its attempt
//! taken or the disk full. What was collected is put on the shelf below `refused/`, without
//! secrets, and recorded later by its nonce; then it is removed. It is no truth: nothing compares
//! with it. Where the store cannot take it, the same bytes are handed to the caller to keep
//! elsewhere. The invariant: of two things that were said of a run the same one counts whether it
//! was recorded at once or finished later. What became of files that could not be read is found out
//! by the caller.

use std::path::PathBuf;

use runstone_core::id::Attempt;
use runstone_core::input::{Fill, Overrides, RunInput};
use runstone_core::pointer::Path as FieldPath;
use runstone_core::profile::Profile;
use runstone_core::snapshot::Captured;
use runstone_store::{Keep, Room, ShelfPath};
use serde_json::{Map, Value, json};

use crate::commit::{AttemptChoice, RecordRequest};
use crate::error::{Error, REFUSED, REFUSED_HINT};
use crate::open::Ledger;
use crate::profiles::ProfileChoice;

/// The version of the file's shape.
const SCHEMA: &str = "runstone.refused/1";

/// The member whose members replace those of the same name whole.
const METRICS: &str = "metrics";

/// A result that could not be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct RefusedRun {
    /// Names it; the execution's own.
    pub nonce: String,
    /// The run document, complete but for what was refused in it.
    pub document: Map<String, Value>,
    /// Which attempt it was to be.
    pub attempt: AttemptChoice,
    /// What is known of the process that ran.
    pub process: Captured,
    /// Files the command left that could not be read, and that join the document once they are
    /// mended; of two with the same place the later goes before the earlier.
    pub unread: Vec<Unread>,
    /// Paths of the document whose values were given by name, and go before every file.
    pub set: Vec<String>,
    /// Why it could not be recorded.
    pub reason: String,
}

/// A file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Where it lies.
    pub path: PathBuf,
    /// The member of the document it belongs below; empty: it belongs at the top.
    pub joins: String,
    /// Where it lies there.
    pub layer: Layer,
}

/// Which of two counts: what a file says, or what the document holds at the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// The document.
    Beneath,
    /// The file, but for what was given by name.
    Above,
}

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

    /// Returns the request that records it after all, by the rule `profile`.
    pub fn request(self, profile: ProfileChoice) -> RecordRequest {
        RecordRequest {
            name: format!("the refused run `{}`", self.nonce),
            input: RunInput::from_document(self.document),
            overrides: Overrides::default(),
            attempt: self.attempt,
            profile,
            process: self.process,
        }
    }

    /// Returns its bytes as a file holds them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let attempt = match self.attempt {
            AttemptChoice::Found => Value::Null,
            AttemptChoice::Next => Value::from("next"),
            AttemptChoice::Exactly(attempt) => Value::from(attempt.0),
        };
        let process = match &self.process {
            Captured::Known(facts) => facts.clone(),
            Captured::NotCaptured { .. } => Value::Null,
        };
        let file = json!({
            "schema": SCHEMA,
            "nonce": self.nonce,
            "reason": self.reason,
            "attempt": attempt,
            "document": self.document,
            "process": process,
            "unread": self
                .unread
                .iter()
                .map(|file| {
                    json!({
                        "path": file.path.to_string_lossy(),
                        "joins": file.joins,
                        "above": file.layer == Layer::Above,
                    })
                })
                .collect::<Vec<_>>(),
            "set": self.set,
        });
        format!("{file:#}\n").into_bytes()
    }

    /// Reads such a file, called `name` in errors.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is none, or one of a later release.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, Error> {
        let damaged = |found: &str| Error::Damaged {
            place: name.to_owned(),
            found: found.to_owned(),
        };
        let file: Value =
            serde_json::from_slice(bytes).map_err(|error| damaged(&error.to_string()))?;
        if file.get("schema").and_then(Value::as_str) != Some(SCHEMA) {
            return Err(damaged(
                "it is no refused run of a shape this release reads",
            ));
        }
        let read = || {
            Some(Self {
                nonce: file.get("nonce")?.as_str()?.to_owned(),
                reason: file.get("reason")?.as_str()?.to_owned(),
                attempt: match file.get("attempt")? {
                    Value::Null => AttemptChoice::Found,
                    Value::String(word) if word == "next" => AttemptChoice::Next,
                    number => {
                        AttemptChoice::Exactly(Attempt(u32::try_from(number.as_u64()?).ok()?))
                    }
                },
                unread: file
                    .get("unread")?
                    .as_array()?
                    .iter()
                    .map(|file| {
                        Some(Unread {
                            path: file.get("path")?.as_str()?.into(),
                            joins: file.get("joins")?.as_str()?.to_owned(),
                            layer: match file.get("above") {
                                Some(Value::Bool(true)) => Layer::Above,
                                _ => Layer::Beneath,
                            },
                        })
                    })
                    .collect::<Option<_>>()?,
                set: match file.get("set") {
                    Some(paths) => paths
                        .as_array()?
                        .iter()
                        .map(|path| path.as_str().map(str::to_owned))
                        .collect::<Option<_>>()?,
                    None => Vec::new(),
                },
                document: file.get("document")?.as_object()?.clone(),
                process: match file.get("process")? {
                    Value::Null => RecordRequest::no_process(),
                    facts => Captured::Known(facts.clone()),
                },
            })
        };
        read().ok_or_else(|| damaged("a member is missing, or not what it should be"))
    }
}

impl Ledger {
    /// Makes of a request that could not be recorded what may be kept of it: joined as far as it
    /// can be joined, and without secrets.
    ///
    /// # Errors
    /// [`Error::Profile`] and [`Error::NoSuchProfile`] if the profile that names the secrets cannot
    /// be used; [`Error::Store`] if a secret tells this run apart, and the key of pseudonyms cannot
    /// be had.
    pub fn refused_run(
        &self,
        request: &RecordRequest,
        nonce: &str,
        reason: &str,
    ) -> Result<RefusedRun, Error> {
        let profile = self.profile(&request.profile)?;
        let document = joined(request, &profile).document().clone();
        let without_secrets = |path: &String| profile.redaction.text(path).into_owned();
        let set = request.overrides.set.iter().map(|(path, _)| path);
        let set = set.map(without_secrets).collect();
        let (document, process) =
            self.unjudged_without_secrets(&document, request.process.clone(), &profile)?;
        Ok(RefusedRun {
            nonce: nonce.to_owned(),
            document,
            attempt: request.attempt,
            process,
            unread: Vec::new(),
            set,
            reason: profile.redaction.text(reason).into_owned(),
        })
    }

    /// Keeps a result that could not be recorded, and returns its path below the root of the store.
    ///
    /// # Durability
    /// On `Ok` it survives power loss.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot take it either.
    pub fn keep_refused(&self, refused: &RefusedRun) -> Result<String, Error> {
        let path = path_of(&refused.nonce)?;
        let shelf = self.store.shelf();
        shelf.put(&path, &refused.to_bytes(), Keep::Durable)?;
        Ok(path.to_string())
    }

    /// Returns a result that was kept, by its nonce or the beginning of it.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none, [`Error::Ambiguous`] with the candidates,
    /// [`Error::Damaged`] if it cannot be read as one, [`Error::Usage`] if nothing is named.
    pub fn refused(&self, nonce: &str) -> Result<RefusedRun, Error> {
        if nonce.is_empty() {
            return Err(Error::Usage {
                what: "no refused run is named".to_owned(),
                hint: REFUSED_HINT.to_owned(),
            });
        }
        let shelf = self.store.shelf();
        let not_found = || Error::NotFound {
            reference: nonce.to_owned(),
            looked_in: Some(REFUSED.to_owned()),
        };
        let mut found = Vec::new();
        for file in shelf.list(&ShelfPath::of(Room::Refused))? {
            if let Some(name) = file.name.strip_suffix(".json")
                && name.starts_with(nonce)
            {
                found.push(name.to_owned());
            }
        }
        match found.as_slice() {
            [] => Err(not_found()),
            [only] => {
                let path = path_of(only)?;
                let bytes = shelf.get(&path)?.ok_or_else(not_found)?;
                RefusedRun::from_bytes(&bytes, &format!("`{path}`"))
            }
            _ => Err(Error::Ambiguous {
                reference: nonce.to_owned(),
                candidates: found,
            }),
        }
    }

    /// Removes a result that is recorded now.
    ///
    /// # Errors
    /// [`Error::Store`] if it stays; it can be recorded again, as the same snapshot.
    pub fn forget_refused(&self, nonce: &str) -> Result<(), Error> {
        Ok(self.store.shelf().remove(&path_of(nonce)?)?)
    }
}

/// Joins what a request says as far as it can be joined: what contradicts something said before it
/// is left out, and the recording that is tried again refuses it or goes without it.
fn joined(request: &RecordRequest, profile: &Profile) -> RunInput {
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

fn path_of(nonce: &str) -> Result<ShelfPath, Error> {
    ShelfPath::new(Room::Refused, &[&format!("{nonce}.json")]).map_err(|bad| Error::Usage {
        what: bad.to_string(),
        hint: "name it as it was printed".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> RefusedRun {
        let document = json!({"run_id": "r1", "stage": "train", "metrics": {"auc": 0.5}});
        RefusedRun {
            nonce: "ab12".to_owned(),
            document: document.as_object().unwrap().clone(),
            attempt: AttemptChoice::Exactly(Attempt(2)),
            process: Captured::Known(json!({"exit_code": 0})),
            unread: vec![Unread {
                path: "/tmp/x/factors.json".into(),
                joins: "factors".to_owned(),
                layer: Layer::Above,
            }],
            set: vec!["metrics.auc".to_owned()],
            reason: "the disk is full".to_owned(),
        }
    }

    #[test]
    fn a_file_reads_back_as_it_was_written_and_has_the_shape_of_version_one() {
        for attempt in [
            AttemptChoice::Found,
            AttemptChoice::Next,
            AttemptChoice::Exactly(Attempt(2)),
        ] {
            let one = RefusedRun {
                attempt,
                ..refused()
            };
            assert_eq!(RefusedRun::from_bytes(&one.to_bytes(), "x").unwrap(), one);
        }
        let written = String::from_utf8(refused().to_bytes()).unwrap();
        assert_eq!(
            written.split_whitespace().collect::<String>(),
            concat!(
                r#"{"attempt":2,"document":{"metrics":{"auc":0.5},"run_id":"r1","stage":"train"},"#,
                r#""nonce":"ab12","process":{"exit_code":0},"reason":"thediskisfull","#,
                r#""schema":"runstone.refused/1","set":["metrics.auc"],"unread":[{"above":true,"#,
                r#""joins":"factors","path":"/tmp/x/factors.json"}]}"#
            )
        );
    }

    #[test]
    fn a_file_from_before_layers_reads_as_it_was_meant() {
        let bytes = concat!(
            r#"{"attempt":null,"document":{},"nonce":"ab12","process":null,"reason":"","#,
            r#""schema":"runstone.refused/1","unread":[{"joins":"metrics","path":"/m"}]}"#
        );
        let read = RefusedRun::from_bytes(bytes.as_bytes(), "x").unwrap();
        assert_eq!(read.unread[0].layer, Layer::Beneath);
        assert!(read.set.is_empty());
    }

    /// Joins files of metrics with `document`, of which `set` was given by name.
    fn joined_with(document: &Value, set: &[&str], files: &[(Layer, Value)]) -> Value {
        let mut run = refused();
        run.document = document.as_object().unwrap().clone();
        run.set = set.iter().map(ToString::to_string).collect();
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

    #[test]
    fn what_is_no_such_file_is_named_and_not_half_read() {
        for bytes in [
            "",
            "{",
            "[]",
            r#"{"schema":"runstone.refused/9"}"#,
            r#"{"schema":"runstone.refused/1"}"#,
        ] {
            let error = RefusedRun::from_bytes(bytes.as_bytes(), "`it`").unwrap_err();
            assert!(error.to_string().contains("`it`"), "{error}");
        }
    }
}
