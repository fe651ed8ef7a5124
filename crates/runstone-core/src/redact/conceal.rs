//! Problems without secrets: what is wrong with a document is said, and nothing of what it hides.
//!
//! A problem quotes the value it is about. Where a rule redacts that value, or anything in it, the
//! problem keeps its place and kind, and loses its words. The invariant: no text about a document
//! holds what its snapshot would not.

use serde_json::{Map, Value};

use super::places::{Anywhere, Change, Places};
use super::rules::Redaction;
use super::secret_name::Says;
use crate::pointer::Pointer;
use crate::problem::{Problem, ProblemKind};

impl Redaction {
    /// Returns `problem`, found in `document`, without anything that is redacted. `places` knows by
    /// which other names fields are read.
    pub(crate) fn conceal(
        &self,
        problem: Problem,
        document: &Map<String, Value>,
        places: &dyn Places,
    ) -> Problem {
        let is_about_nothing = matches!(
            problem.kind,
            ProblemKind::Missing | ProblemKind::Null | ProblemKind::Secret
        );
        let stated = value_at(document, &problem.pointer);
        let hides = !is_about_nothing
            && (self.hides_place(&problem.pointer, places)
                || stated.is_some_and(|value| self.hides(&problem.pointer, value)));
        let text = if hides {
            "is not shown, since a rule redacts it".to_owned()
        } else {
            self.text(&problem.text).into_owned()
        };
        Problem {
            pointer: self.pointer(&problem.pointer),
            text,
            hint: problem.hint.map(|hint| self.text(&hint).into_owned()),
            kind: problem.kind,
        }
    }

    /// Returns a place without secrets in its names.
    pub(crate) fn pointer(&self, pointer: &Pointer) -> Pointer {
        pointer
            .keys()
            .iter()
            .fold(Pointer::root(), |at, key| at.child(self.text(key)))
    }

    /// Tells whether a value, which stands or would stand at a place, holds something to redact.
    pub(crate) fn hides(&self, at: &Pointer, value: &Value) -> bool {
        let keys: Vec<&str> = at.keys().iter().map(String::as_str).collect();
        let walked = self.walk("", &keys, value, &Anywhere, None);
        walked.change != Change::Kept || walked.lacks_key || !walked.redacted.is_empty()
    }

    /// Tells whether a place is redacted whatever stands there, by the name it has or is read by,
    /// or by the dotted name that two places can share.
    fn hides_place(&self, at: &Pointer, places: &dyn Places) -> bool {
        let keys = at.keys();
        if keys.is_empty() || places.is_untouched(&keys[0]) {
            return false;
        }
        let dotted = at.dotted();
        let dotted: Vec<&str> = dotted.split('.').collect();
        let is_named = self.path_rule(keys).is_some()
            || self.path_rule(&dotted).is_some()
            || places
                .read_as(keys)
                .is_some_and(|keys| self.path_rule(&keys).is_some());
        is_named || !self.allows(keys) || keys.iter().any(|key| Says::of(key) == Some(Says::Secret))
    }
}

fn value_at<'v>(document: &'v Map<String, Value>, pointer: &Pointer) -> Option<&'v Value> {
    let (first, rest) = pointer.keys().split_first()?;
    rest.iter()
        .try_fold(document.get(first)?, |value, key| match value {
            Value::Object(members) => members.get(key),
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            _ => None,
        })
}
