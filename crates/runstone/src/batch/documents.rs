//! What goes into a batch and what comes out, one document at a time.
//!
//! Plain values. How they travel belongs to the stages.

use runstone_core::input::{Overrides, RunInput};
use runstone_core::json::{Framed, Limits};
use serde_json::{Map, Value};

use crate::commit::{AttemptChoice, RecordRequest};
use crate::environments::EnvironmentChoice;
use crate::error::Error;
use crate::profiles::ProfileChoice;

/// What to record of every document of a stream.
#[derive(Debug, Clone)]
pub struct BatchRequest {
    /// What errors call the stream, such as `` `runs.jsonl` ``.
    pub name: String,
    /// What the caller says beside each document; a contradiction is refused.
    pub overrides: Overrides,
    /// Which attempt each of them is.
    pub attempt: AttemptChoice,
    /// The rule they are read by.
    pub profile: ProfileChoice,
    /// Which environment they ran in; the one of this moment is not that of a document of many.
    pub environment: EnvironmentChoice,
    /// What is accepted at most of a document that is handed in as bytes.
    pub limits: Limits,
}

impl Default for BatchRequest {
    fn default() -> Self {
        Self {
            name: "the stream".to_owned(),
            overrides: Overrides::default(),
            attempt: AttemptChoice::Found,
            profile: ProfileChoice::StoreDefault,
            environment: EnvironmentChoice::nobody_asked(),
            limits: Limits::default(),
        }
    }
}

/// A document on its way in, cut out of a stream or built in memory.
#[derive(Debug, Clone)]
pub struct Handed {
    pub(super) line: Option<usize>,
    pub(super) size_bytes: usize,
    /// Whether the stream is known to hold no other document.
    pub(super) is_only: bool,
    form: Form,
}

#[derive(Debug, Clone)]
enum Form {
    Framed(Framed),
    Built(RunInput),
}

impl From<Framed> for Handed {
    fn from(framed: Framed) -> Self {
        Self {
            line: Some(framed.line),
            size_bytes: framed.held_bytes(),
            is_only: false,
            form: Form::Framed(framed),
        }
    }
}

impl From<RunInput> for Handed {
    fn from(input: RunInput) -> Self {
        Self {
            line: None,
            size_bytes: members_bytes(input.document()),
            is_only: false,
            form: Form::Built(input),
        }
    }
}

impl Handed {
    /// Returns how deep its objects and lists are nested at most, as far as anyone has looked.
    pub(super) const fn depth_max(&self, limits: &Limits) -> usize {
        match self.form {
            Form::Framed(_) => limits.depth_max,
            Form::Built(_) => usize::MAX,
        }
    }

    /// Makes the request for this document alone.
    ///
    /// # Errors
    /// [`Error::Document`] if it cannot be read.
    pub(super) fn request(
        self,
        name: String,
        batch: &BatchRequest,
    ) -> Result<RecordRequest, Error> {
        let input = match self.form {
            Form::Built(input) => input,
            Form::Framed(framed) => match framed.read(&batch.limits) {
                Ok(document) => RunInput::from_document(document),
                Err(source) => return Err(Error::Document { name, source }),
            },
        };
        Ok(RecordRequest {
            name,
            input,
            overrides: batch.overrides.clone(),
            attempt: batch.attempt,
            profile: batch.profile.clone(),
            process: RecordRequest::no_process(),
            // Whose machine the documents of a stream ran on nobody knows.
            environment: if self.is_only {
                batch.environment.clone()
            } else {
                batch.environment.within_a_stream()
            },
        })
    }
}

/// What became of one document of a batch.
#[derive(Debug)]
pub struct BatchAnswer<T> {
    /// Which document of the stream, from 1.
    pub position: u64,
    /// The line of the stream it begins on, from 1, if it came as bytes.
    pub line: Option<usize>,
    /// Whether the stream is known to hold no other document. Only a stream that has ended by the
    /// time its first document is committed can tell.
    pub is_only: bool,
    /// Whether no other document came within the time in which a chunk is gathered.
    pub is_alone: bool,
    /// The recording, or why there is none.
    pub outcome: Result<T, Error>,
}

/// Returns about how many bytes a value takes as text.
fn size_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(size_bytes).sum::<usize>() + 2,
        Value::Object(members) => members_bytes(members),
    }
}

fn members_bytes(members: &Map<String, Value>) -> usize {
    let each = |(name, value): (&String, &Value)| name.len() + size_bytes(value) + 4;
    members.iter().map(each).sum::<usize>() + 2
}
