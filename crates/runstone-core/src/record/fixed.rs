//! The fields that mean the same in every profile: the run, its stage, how it ended, what it left.

use serde_json::{Map, Value};

use super::normal::{is_whole, not_whole};
use crate::canon::settle;
use crate::id::{Attempt, IllegalName, RunId, nfc};
use crate::pointer::Pointer;
use crate::problem::{Problem, ProblemKind, quoted, type_of};
use crate::snapshot::Status;

/// Longest label of a sweep, in bytes.
const SWEEP_BYTES_MAX: usize = 256;

/// What these fields say. A field that is wrong is left at what an absent one means.
#[derive(Debug, Default)]
pub(super) struct Fixed {
    pub(super) run_id: Option<RunId>,
    pub(super) attempt: Option<Attempt>,
    pub(super) status: Status,
    pub(super) sweep: Option<String>,
    pub(super) candidate: bool,
    pub(super) artifacts: Vec<Value>,
    pub(super) problems: Vec<Problem>,
}

impl Fixed {
    /// Reads them from the caller's own document, since a run id comes back as it was given, but
    /// the artifacts from the normal one: two spellings of one path are one path. A missing or
    /// null `run_id` is not reported here, it is a required field like any other.
    pub(super) fn read(document: &Map<String, Value>, normal: &Map<String, Value>) -> Self {
        let mut fixed = Self::default();
        let present_in = |members: &'_ Map<String, Value>, key: &str| {
            members.get(key).filter(|value| !value.is_null()).cloned()
        };
        let present = |key: &str| present_in(document, key);
        if let Some(value) = present("run_id") {
            fixed.run_id = fixed
                .text("run_id", &value)
                .and_then(|text| fixed.run_id(text));
        }
        if let Some(value) = present("attempt") {
            fixed.attempt = fixed.attempt(&settle(value));
        }
        if let Some(value) = present("status") {
            fixed.status = fixed.status(&value);
        }
        if let Some(value) = present("sweep") {
            fixed.sweep = fixed
                .text("sweep", &value)
                .and_then(|text| fixed.sweep(text));
        }
        match present("candidate") {
            None => {}
            Some(Value::Bool(candidate)) => fixed.candidate = candidate,
            Some(other) => fixed.wrong_type("candidate", "a boolean", &other),
        }
        if let Some(value) = present_in(normal, "artifacts") {
            fixed.artifacts = fixed.artifacts(&value);
        }
        fixed
    }

    fn run_id(&mut self, text: &str) -> Option<RunId> {
        RunId::new(text)
            .map_err(|illegal| self.bad_length("run_id", &illegal))
            .ok()
    }

    fn attempt(&mut self, value: &Value) -> Option<Attempt> {
        let at = Pointer::root().child("attempt");
        if !is_whole(value) {
            self.problems.push(not_whole(at, value));
            return None;
        }
        let attempt = value
            .as_u64()
            .and_then(|attempt| u32::try_from(attempt).ok());
        if attempt.is_none() {
            let text = format!("is {}, attempts count from 0", quoted(value));
            self.problems
                .push(Problem::new(ProblemKind::NotAllowed, at, text));
        }
        attempt.map(Attempt)
    }

    fn status(&mut self, value: &Value) -> Status {
        value
            .as_str()
            .and_then(Status::from_word)
            .unwrap_or_else(|| {
                let at = Pointer::root().child("status");
                let problem =
                    Problem::new(ProblemKind::NotAllowed, at, format!("is {}", quoted(value)));
                self.problems
                    .push(problem.hint("write `finished`, `failed` or `interrupted`"));
                Status::default()
            })
    }

    fn sweep(&mut self, text: &str) -> Option<String> {
        if (1..=SWEEP_BYTES_MAX).contains(&text.len()) {
            return Some(nfc(text));
        }
        let text = format!("has {} bytes, 1 to {SWEEP_BYTES_MAX} are legal", text.len());
        let at = Pointer::root().child("sweep");
        self.problems
            .push(Problem::new(ProblemKind::BadLength, at, text));
        None
    }

    /// Reads the list of artifacts: objects with a `path` of their own each, sorted by it.
    fn artifacts(&mut self, value: &Value) -> Vec<Value> {
        let Some(items) = value.as_array() else {
            self.wrong_type("artifacts", "a list", value);
            return Vec::new();
        };
        let at = Pointer::root().child("artifacts");
        let mut named: Vec<(&str, usize, &Value)> = Vec::new();
        for (position, item) in items.iter().enumerate() {
            match item.get("path").and_then(Value::as_str) {
                Some(path) => named.push((path, position, item)),
                None => self.problems.push(Problem::new(
                    ProblemKind::WrongType,
                    at.item(position),
                    "is no object with a text `path`",
                )),
            }
        }
        named.sort_by_key(|(path, position, _)| (*path, *position));
        for pair in named.windows(2) {
            if let [(path, first, _), (other, second, _)] = pair
                && path == other
            {
                let text = format!("names `{path}` like `{}`", at.item(*first));
                let problem = Problem::new(ProblemKind::Collision, at.item(*second), text);
                self.problems.push(problem);
            }
        }
        named.into_iter().map(|(_, _, item)| item.clone()).collect()
    }

    fn text<'v>(&mut self, key: &str, value: &'v Value) -> Option<&'v str> {
        if !value.is_string() {
            self.wrong_type(key, "text", value);
        }
        value.as_str()
    }

    fn wrong_type(&mut self, key: &str, expected: &str, found: &Value) {
        let text = format!("is {}, {expected} is wanted", type_of(found));
        let at = Pointer::root().child(key);
        self.problems
            .push(Problem::new(ProblemKind::WrongType, at, text));
    }

    fn bad_length(&mut self, key: &str, illegal: &IllegalName) {
        let at = Pointer::root().child(key);
        self.problems.push(Problem::new(
            ProblemKind::BadLength,
            at,
            illegal.to_string(),
        ));
    }
}
