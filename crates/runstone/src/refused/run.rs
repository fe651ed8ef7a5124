//! A refused run, and the file that holds it.
//!
//! The invariant: what is written reads back as it was, and a file of another shape is named and
//! not half read. What a refused run is made of is left to `keep`, how it becomes whole to `join`.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::sync::Arc;

use runstone_core::id::Attempt;
use runstone_core::input::{Overrides, RunInput};
use runstone_core::snapshot::Captured;
use serde_json::{Map, Value, json};

use crate::commit::{AttemptChoice, RecordRequest};
use crate::environments::{EnvironmentChoice, Settled};
use crate::error::Error;
use crate::profiles::ProfileChoice;

/// The version of the file's shape.
const SCHEMA: &str = "runstone.refused/1";
/// What the versions of all releases begin with.
const SCHEMAS: &str = "runstone.refused/";

/// A result that could not be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct RefusedRun {
    /// Names it; the execution's own.
    pub nonce: String,
    /// The run document, complete but for what was refused in it.
    pub document: Map<String, Value>,
    /// Which attempt it was to be.
    pub attempt: AttemptChoice,
    /// The rule it is read by; nothing if that was not kept.
    pub profile: Option<ProfileChoice>,
    /// What is known of the process that ran.
    pub process: Captured,
    /// The environment it ran in, whose document is in the store if it could be stored.
    pub environment: Captured,
    /// The state of the code it ran.
    pub code: Captured,
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
    /// Returns the request that records it after all: by the rule `named`, else its own, else
    /// `otherwise`.
    pub fn request(self, named: Option<ProfileChoice>, otherwise: ProfileChoice) -> RecordRequest {
        RecordRequest {
            name: format!("the refused run `{}`", self.nonce),
            input: RunInput::from_document(self.document),
            overrides: Overrides::default(),
            attempt: self.attempt,
            profile: named.or(self.profile).unwrap_or(otherwise),
            process: self.process,
            environment: EnvironmentChoice::Settled(Arc::new(Settled::as_kept(
                self.environment,
                self.code,
            ))),
        }
    }

    /// Returns its bytes as a file holds them: in one line, since blanks would make a large one
    /// several times as large.
    pub fn to_bytes(&self) -> Vec<u8> {
        format!("{}\n", self.to_json()).into_bytes()
    }

    /// Returns what a file of it holds.
    pub fn to_json(&self) -> Value {
        let attempt = match self.attempt {
            AttemptChoice::Found => Value::Null,
            AttemptChoice::Next => Value::from("next"),
            AttemptChoice::Exactly(attempt) => Value::from(attempt.0),
        };
        let process = match &self.process {
            Captured::Known(facts) => facts.clone(),
            Captured::NotCaptured { .. } => Value::Null,
        };
        let mut file = json!({
            "schema": SCHEMA,
            "nonce": self.nonce,
            "reason": self.reason,
            "attempt": attempt,
            "document": self.document,
            "process": process,
            "environment": captured_json(&self.environment),
            "code": captured_json(&self.code),
            "unread": self
                .unread
                .iter()
                .map(|file| {
                    let mut unread = json!({
                        "path": file.path.to_string_lossy(),
                        "joins": file.joins,
                        "above": file.layer == Layer::Above,
                    });
                    if file.path.to_str().is_none() {
                        unread["path_bytes"] = Value::from(file.path.as_os_str().as_bytes());
                    }
                    unread
                })
                .collect::<Vec<_>>(),
            "set": self.set,
        });
        if let Some(profile) = &self.profile {
            file["profile"] = match profile {
                ProfileChoice::StoreDefault => Value::Null,
                ProfileChoice::Named(path) => json!({ "file": path }),
                ProfileChoice::Kept(name) => json!({ "name": name }),
                ProfileChoice::Held(sha256) => json!({ "name": sha256 }),
                ProfileChoice::Text(text) => json!({ "text": text }),
            };
        }
        file
    }

    /// Reads such a file, called `name` in errors.
    ///
    /// # Errors
    /// [`Error::Kept`] if it is none, or one of another release.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, Error> {
        let unreadable = |found: String, is_of_another_release| Error::Kept {
            place: name.to_owned(),
            found,
            is_of_another_release,
        };
        let damaged = |found: &str| unreadable(found.to_owned(), false);
        let file: Value = serde_json::from_slice(bytes)
            .map_err(|error| damaged(&format!("is no JSON ({error})")))?;
        match file.get("schema").and_then(Value::as_str) {
            Some(SCHEMA) => {}
            Some(other) if other.starts_with(SCHEMAS) => {
                let found = format!("is of the shape `{other}`, of another release");
                return Err(unreadable(found, true));
            }
            Some(_) | None => return Err(damaged("is something else")),
        }
        let read = || {
            Some(Self {
                nonce: file.get("nonce")?.as_str()?.to_owned(),
                reason: file.get("reason")?.as_str()?.to_owned(),
                profile: match file.get("profile") {
                    None => None,
                    Some(Value::Null) => Some(ProfileChoice::StoreDefault),
                    Some(profile) => Some(match (profile.get("text"), profile.get("file")) {
                        (Some(text), _) => ProfileChoice::Text(text.as_str()?.to_owned()),
                        (None, Some(path)) => ProfileChoice::Named(path.as_str()?.to_owned()),
                        (None, None) => {
                            ProfileChoice::Kept(profile.get("name")?.as_str()?.to_owned())
                        }
                    }),
                },
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
                            path: path_of(file)?,
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
                environment: captured_of(file.get("environment"))?,
                code: captured_of(file.get("code"))?,
            })
        };
        read().ok_or_else(|| damaged("lacks a member, or has one that is not what it should be"))
    }
}

fn captured_json(captured: &Captured) -> Value {
    match captured {
        Captured::Known(value) => json!({ "value": value }),
        Captured::NotCaptured { reason } => json!({ "reason": reason }),
    }
}

/// Reads what was captured beside a run. Files of earlier releases say nothing of it.
fn captured_of(member: Option<&Value>) -> Option<Captured> {
    let Some(member) = member else {
        return Some(Captured::NotCaptured {
            reason: "the release that ran it had no capture".to_owned(),
        });
    };
    match (member.get("value"), member.get("reason")) {
        (Some(value), None) => Some(Captured::Known(value.clone())),
        (None, Some(reason)) => Some(Captured::NotCaptured {
            reason: reason.as_str()?.to_owned(),
        }),
        _ => None,
    }
}

/// Returns the path of a file that could not be read. One that is no text stands there twice: to be
/// looked at, and byte by byte.
fn path_of(file: &Value) -> Option<PathBuf> {
    let text = file.get("path")?.as_str()?;
    let Some(bytes) = file.get("path_bytes") else {
        return Some(text.into());
    };
    let bytes = bytes.as_array()?.iter();
    let bytes: Option<Vec<u8>> = bytes
        .map(|byte| u8::try_from(byte.as_u64()?).ok())
        .collect();
    Some(OsString::from_vec(bytes?).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn refused() -> RefusedRun {
        let document = json!({"run_id": "r1", "stage": "train", "metrics": {"auc": 0.5}});
        RefusedRun {
            nonce: "ab12".to_owned(),
            document: document.as_object().unwrap().clone(),
            attempt: AttemptChoice::Exactly(Attempt(2)),
            profile: Some(ProfileChoice::Text("schema=1".to_owned())),
            process: Captured::Known(json!({"exit_code": 0})),
            environment: Captured::Known(json!({"digest": "ab"})),
            code: Captured::NotCaptured {
                reason: "why not".to_owned(),
            },
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
        for profile in [
            None,
            Some(ProfileChoice::StoreDefault),
            Some(ProfileChoice::Kept("own".to_owned())),
            Some(ProfileChoice::Named("/p/own.toml".to_owned())),
        ] {
            let one = RefusedRun {
                profile,
                ..refused()
            };
            assert_eq!(RefusedRun::from_bytes(&one.to_bytes(), "x").unwrap(), one);
        }
        let mut elsewhere = refused();
        elsewhere.unread[0].path = OsString::from_vec(b"/tmp/\xff/m.json".to_vec()).into();
        assert_eq!(
            RefusedRun::from_bytes(&elsewhere.to_bytes(), "x").unwrap(),
            elsewhere
        );
        let written = String::from_utf8(refused().to_bytes()).unwrap();
        assert_eq!(
            written.split_whitespace().collect::<String>(),
            concat!(
                r#"{"attempt":2,"code":{"reason":"whynot"},"document":{"metrics":{"auc":0.5},"#,
                r#""run_id":"r1","stage":"train"},"environment":{"value":{"digest":"ab"}},"#,
                r#""nonce":"ab12","process":{"exit_code":0},"profile":{"text":"schema=1"},"#,
                r#""reason":"thediskisfull","#,
                r#""schema":"runstone.refused/1","set":["metrics.auc"],"unread":[{"above":true,"#,
                r#""joins":"factors","path":"/tmp/x/factors.json"}]}"#
            )
        );
    }

    #[test]
    fn a_file_from_before_layers_and_profiles_reads_as_it_was_meant() {
        let bytes = concat!(
            r#"{"attempt":null,"document":{},"nonce":"ab12","process":null,"reason":"","#,
            r#""schema":"runstone.refused/1","unread":[{"joins":"metrics","path":"/m"}]}"#
        );
        let read = RefusedRun::from_bytes(bytes.as_bytes(), "x").unwrap();
        assert_eq!(read.unread[0].layer, Layer::Beneath);
        assert!(read.set.is_empty());
        assert_eq!(read.profile, None);
        assert_eq!(
            read.environment,
            Captured::NotCaptured {
                reason: "the release that ran it had no capture".to_owned()
            }
        );
    }

    #[test]
    fn what_is_no_such_file_is_named_and_not_half_read() {
        for (bytes, kind) in [
            ("", ErrorKind::Damaged),
            ("{", ErrorKind::Damaged),
            ("[]", ErrorKind::Damaged),
            (r#"{"schema":"runstone.record/1"}"#, ErrorKind::Damaged),
            (r#"{"schema":"runstone.refused/9"}"#, ErrorKind::Refused),
            (r#"{"schema":"runstone.refused/1"}"#, ErrorKind::Damaged),
        ] {
            let error = RefusedRun::from_bytes(bytes.as_bytes(), "`it`").unwrap_err();
            assert!(error.to_string().contains("`it`"), "{error}");
            assert_eq!(error.kind(), kind, "{bytes}");
            let hint = error.hint().unwrap();
            assert!(!hint.contains("verify"), "{hint}");
        }
    }
}
