//! What a caller hands in, before anyone has judged it.
//!
//! A [`RunInput`] is the run document joined with what was said beside it, in the order document <
//! metrics < set < flags. Joining refuses contradictions, naming both values, and decides nothing
//! else; whether the result is legal belongs to [`crate::record`].

use serde_json::{Map, Value};

use crate::canon;
use crate::id::nfc;
use crate::json::{Limits, ReadError};
use crate::pointer::{Path, Pointer};
use crate::problem::{Problem, ProblemKind, Refused, quoted_apart};
use crate::profile::Profile;
use crate::record::concealed;

/// The document of one stage of one run, as handed in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunInput {
    document: Map<String, Value>,
}

/// What was said beside the document.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// The run; must agree with the document.
    pub run_id: Option<String>,
    /// The stage; must agree with the document in the profile's spelling.
    pub stage: Option<String>,
    /// The explicit attempt; must agree with the document.
    pub attempt: Option<u32>,
    /// The experiment, at the profile's place for it; must agree with the document.
    pub experiment: Option<String>,
    /// The sweep; must agree with the document.
    pub sweep: Option<String>,
    /// Judged, but no yardstick for others. `false` says nothing.
    pub candidate: bool,
    /// Metrics that join the document's, replacing those of the same name.
    pub metrics: Option<Map<String, Value>>,
    /// Values to put at dotted paths, replacing what stands there, in order.
    pub set: Vec<(String, Value)>,
    /// What the surroundings say.
    pub fill: Fill,
}

/// What the surroundings of a process say about its run: it fills what nothing else states, and
/// must not contradict the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fill {
    /// The run (`RUNSTONE_RUN_ID`).
    pub run_id: Option<String>,
    /// The stage (`RUNSTONE_STAGE`).
    pub stage: Option<String>,
    /// The experiment of documents that name none: a default, so nothing contradicts it.
    pub experiment: Option<String>,
}

impl RunInput {
    /// Reads a document strictly.
    ///
    /// # Errors
    /// [`ReadError`] with the place, if the bytes are not one JSON object that can be kept exactly.
    pub fn from_json(bytes: &[u8], limits: &Limits) -> Result<Self, ReadError> {
        crate::json::read_document(bytes, limits).map(Self::from_document)
    }

    /// Starts from nothing: everything is to be said beside the document.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Takes a document that was built in memory.
    pub fn from_document(document: Map<String, Value>) -> Self {
        Self { document }
    }

    /// Returns the document as it stands.
    pub fn document(&self) -> &Map<String, Value> {
        &self.document
    }

    /// Joins what was said beside the document.
    ///
    /// # Errors
    /// [`Refused`] with every contradiction, each naming both values, and every path of `set` that
    /// is none or leads through something other than an object.
    pub fn with(self, overrides: Overrides, profile: &Profile) -> Result<Self, Refused> {
        let mut joining = Joining {
            document: self.document,
            profile,
            problems: Vec::new(),
        };
        let said = |text: Option<String>| text.map(Value::String);
        joining.metrics(overrides.metrics);
        joining.set(overrides.set);
        joining.agrees("run_id", overrides.fill.run_id.as_deref());
        joining.agrees("stage", overrides.fill.stage.as_deref());
        let experiment = profile.fields.experiment.path.clone();
        joining.flag(&field("run_id"), said(overrides.run_id));
        joining.flag(&field("stage"), said(overrides.stage));
        joining.flag(&field("attempt"), overrides.attempt.map(Value::from));
        joining.flag(&experiment, said(overrides.experiment));
        joining.flag(&field("sweep"), said(overrides.sweep));
        joining.flag(
            &field("candidate"),
            overrides.candidate.then_some(Value::Bool(true)),
        );
        joining.fill(&field("run_id"), overrides.fill.run_id);
        joining.fill(&field("stage"), overrides.fill.stage);
        joining.fill(&experiment, overrides.fill.experiment);
        let problems = concealed(joining.problems, &joining.document, profile);
        Refused::unless_empty(problems)?;
        Ok(Self {
            document: joining.document,
        })
    }

    pub(crate) fn into_document(self) -> Map<String, Value> {
        self.document
    }
}

/// A document being joined with what was said beside it.
struct Joining<'p> {
    document: Map<String, Value>,
    profile: &'p Profile,
    problems: Vec<Problem>,
}

impl Joining<'_> {
    fn metrics(&mut self, metrics: Option<Map<String, Value>>) {
        let Some(metrics) = metrics else { return };
        let slot = self.document.entry("metrics").or_insert(Value::Null);
        if slot.is_null() {
            *slot = Value::Object(Map::new());
        }
        match slot.as_object_mut() {
            Some(members) => members.extend(metrics),
            None => self.in_the_way(Pointer::root().child("metrics")),
        }
    }

    fn set(&mut self, set: Vec<(String, Value)>) {
        for (path, value) in set {
            match path.parse::<Path>() {
                Ok(path) => {
                    if let Err(at) = path.insert(&mut self.document, value) {
                        self.in_the_way(at);
                    }
                }
                Err(bad) => self.problems.push(Problem::new(
                    ProblemKind::WrongType,
                    Pointer::root(),
                    format!("cannot be set at `{path}`: {bad}"),
                )),
            }
        }
    }

    /// Puts what a flag says, unless the document says otherwise.
    fn flag(&mut self, path: &Path, said: Option<Value>) {
        let Some(said) = said else { return };
        match path.present(&self.document) {
            Some(stated) if !self.equal(path, stated, &said) => {
                self.contradict(path, &said, "given");
            }
            Some(_) => {}
            None => {
                if let Err(at) = path.insert(&mut self.document, said) {
                    self.in_the_way(at);
                }
            }
        }
    }

    /// Refuses surroundings that say otherwise than the document, before flags join it: a flag goes
    /// before the surroundings without a word.
    fn agrees(&mut self, name: &str, said: Option<&str>) {
        let path = field(name);
        let Some(said) = said.map(Value::from) else {
            return;
        };
        if path
            .present(&self.document)
            .is_some_and(|stated| !self.equal(&path, stated, &said))
        {
            self.contradict(&path, &said, "in the surroundings");
        }
    }

    fn fill(&mut self, path: &Path, said: Option<String>) {
        if let (None, Some(said)) = (path.present(&self.document), said)
            && let Err(at) = path.insert(&mut self.document, Value::String(said))
        {
            self.in_the_way(at);
        }
    }

    /// Tells whether two values mean the same at a place.
    fn equal(&self, path: &Path, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::String(a), Value::String(b)) if *path == field("stage") => {
                match (self.profile.stage(a), self.profile.stage(b)) {
                    (Ok((a, _)), Ok((b, _))) => a == b,
                    _ => nfc(a) == nfc(b),
                }
            }
            (Value::String(a), Value::String(b)) => nfc(a) == nfc(b),
            _ => canon::settle(a.clone()) == canon::settle(b.clone()),
        }
    }

    fn contradict(&mut self, path: &Path, said: &Value, whence: &str) {
        let stated = path.present(&self.document).unwrap_or(&Value::Null);
        let redaction = &self.profile.redaction;
        let text = if redaction.hides(&path.pointer(), said) {
            format!("is one thing in the document and another {whence}, and a rule redacts it")
        } else {
            let (stated, said) = quoted_apart(stated, said);
            format!("is {stated} in the document and {said} {whence}")
        };
        let problem = Problem::new(ProblemKind::Contradiction, path.pointer(), text);
        self.problems
            .push(problem.hint("leave out the one that is wrong"));
    }

    fn in_the_way(&mut self, at: Pointer) {
        let problem = Problem::new(
            ProblemKind::WrongType,
            at,
            "is no object, nothing fits below it",
        );
        self.problems.push(problem);
    }
}

fn field(name: &str) -> Path {
    name.parse().expect("one part is a path")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn join(document: &Value, overrides: Overrides) -> Result<Value, Refused> {
        let document = document.as_object().unwrap().clone();
        let profile = Profile::builtin("generic").unwrap();
        let joined = RunInput::from_document(document).with(overrides, &profile)?;
        Ok(Value::Object(joined.document))
    }

    #[test]
    fn set_goes_before_metrics_and_metrics_before_the_document() {
        let metrics = json!({"auc": 2, "f1": 2}).as_object().cloned();
        let set = vec![
            ("metrics.f1".to_owned(), json!(3)),
            ("a.b".to_owned(), json!(4)),
        ];
        let overrides = Overrides {
            metrics,
            set,
            ..Overrides::default()
        };
        let joined = join(&json!({"metrics": {"auc": 1, "loss": 1}}), overrides).unwrap();
        assert_eq!(
            joined,
            json!({"metrics": {"auc": 2, "f1": 3, "loss": 1}, "a": {"b": 4}})
        );
    }

    #[test]
    fn a_flag_that_contradicts_the_document_is_refused_naming_both_values() {
        let overrides = Overrides {
            run_id: Some("a".to_owned()),
            attempt: Some(1),
            candidate: true,
            ..Overrides::default()
        };
        let document = json!({"run_id": "b", "attempt": 0, "candidate": false});
        let refused = join(&document, overrides).unwrap_err();
        let texts: Vec<String> = refused.problems.iter().map(Problem::to_string).collect();
        assert_eq!(
            texts,
            [
                "`/attempt`: is `0` in the document and `1` given",
                "`/candidate`: is `false` in the document and `true` given",
                "`/run_id`: is `b` in the document and `a` given",
            ]
        );
    }

    #[test]
    fn a_number_that_contradicts_a_text_does_not_read_like_it() {
        let overrides = Overrides {
            run_id: Some("5".to_owned()),
            ..Overrides::default()
        };
        let refused = join(&json!({"run_id": 5}), overrides).unwrap_err();
        assert_eq!(
            refused.problems[0].text,
            "is `5` in the document and `\"5\"` given"
        );
    }

    #[test]
    fn the_surroundings_fill_what_is_absent_and_contradict_only_the_document() {
        let fill = Fill {
            run_id: Some("env".to_owned()),
            stage: Some("train".to_owned()),
            experiment: Some("churn".to_owned()),
        };
        let overrides = Overrides {
            run_id: Some("flag".to_owned()),
            fill: fill.clone(),
            ..Overrides::default()
        };
        let joined = join(&json!({}), overrides).unwrap();
        assert_eq!(
            joined,
            json!({"run_id": "flag", "stage": "train", "experiment": "churn"})
        );
        let named = json!({"run_id": "env", "experiment": "fraud"});
        let overrides = Overrides {
            fill: fill.clone(),
            ..Overrides::default()
        };
        assert_eq!(join(&named, overrides).unwrap()["experiment"], "fraud");
        let refused = join(
            &json!({"run_id": "doc"}),
            Overrides {
                fill,
                ..Overrides::default()
            },
        );
        assert!(refused.unwrap_err().problems[0].text.contains("`env`"));
    }

    #[test]
    fn a_path_through_a_number_is_refused() {
        let set = vec![("a.b".to_owned(), json!(1)), ("a..b".to_owned(), json!(1))];
        let refused = join(
            &json!({"a": 1}),
            Overrides {
                set,
                ..Overrides::default()
            },
        );
        assert_eq!(refused.unwrap_err().problems.len(), 2);
    }
}
