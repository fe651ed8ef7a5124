//! Results that could not be recorded: kept, so that a mended cause is all that is lost.
//!
//! A wrapped command may have run for hours when its document turns out to be illegal, its attempt
//! taken or the disk full. What was collected is put on the shelf below `refused/`, without
//! secrets, and recorded later by its nonce; then it is removed. It is no truth: nothing compares
//! with it. Where the store cannot take it, the same bytes are handed to the caller to keep
//! elsewhere.

use std::path::PathBuf;

use runstone_core::id::Attempt;
use runstone_core::input::{Overrides, RunInput};
use runstone_core::snapshot::Captured;
use runstone_store::{Keep, Room, ShelfPath};
use serde_json::{Map, Value, json};

use crate::commit::{AttemptChoice, RecordRequest};
use crate::error::Error;
use crate::open::Ledger;
use crate::profiles::ProfileChoice;

/// The version of the file's shape.
const SCHEMA: &str = "runstone.refused/1";

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
    /// mended.
    pub unread: Vec<Unread>,
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
}

impl RefusedRun {
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
                .map(|file| json!({ "path": file.path.to_string_lossy(), "joins": file.joins }))
                .collect::<Vec<_>>(),
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
                        })
                    })
                    .collect::<Option<_>>()?,
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
        let overrides = request.overrides.clone();
        let (run_id, stage) = (overrides.run_id.clone(), overrides.stage.clone());
        let joined = request.input.clone().with(overrides, &profile);
        let mut document = match joined {
            Ok(joined) => joined.document().clone(),
            Err(_contradiction) => {
                let metrics = Overrides {
                    metrics: request.overrides.metrics.clone(),
                    ..Overrides::default()
                };
                let measured = request.input.clone().with(metrics, &profile);
                measured.map_or_else(
                    |_in_the_way| request.input.document().clone(),
                    |measured| measured.document().clone(),
                )
            }
        };
        for (member, said) in [("run_id", run_id), ("stage", stage)] {
            if let Some(said) = said {
                document.entry(member).or_insert(Value::String(said));
            }
        }
        let (document, process) =
            self.unjudged_without_secrets(&document, request.process.clone(), &profile)?;
        Ok(RefusedRun {
            nonce: nonce.to_owned(),
            document,
            attempt: request.attempt,
            process,
            unread: Vec::new(),
            reason: profile.redaction.text(reason).into_owned(),
        })
    }

    /// Keeps a result that could not be recorded.
    ///
    /// # Durability
    /// On `Ok` it survives power loss.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot take it either.
    pub fn keep_refused(&self, refused: &RefusedRun) -> Result<(), Error> {
        let path = path_of(&refused.nonce)?;
        let shelf = self.store.shelf();
        Ok(shelf.put(&path, &refused.to_bytes(), Keep::Durable)?)
    }

    /// Returns a result that was kept, by its nonce or the beginning of it.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none, [`Error::Ambiguous`] with the candidates,
    /// [`Error::Damaged`] if it cannot be read as one.
    pub fn refused(&self, nonce: &str) -> Result<RefusedRun, Error> {
        let shelf = self.store.shelf();
        let not_found = || Error::NotFound {
            reference: nonce.to_owned(),
            looked_in: Some("the refused runs".to_owned()),
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
            }],
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
                r#""schema":"runstone.refused/1","unread":[{"joins":"factors","#,
                r#""path":"/tmp/x/factors.json"}]}"#
            )
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
