//! What could not be recorded, or may not have been: kept, and the command that finishes it said.
//!
//! It goes to the store, and where the store cannot take it (it is full, or gone) into the run
//! directory, which stays in either case. Where that cannot take it either, all of it is printed.
//! The invariant: nothing here sends anybody to run the command itself again, and what is
//! said of where it lies is so. Finishing it is left to [`crate::commands::refused`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use runstone::refused::{RefusedRun, Unread};
use runstone::{Error, ErrorKind, RecordRequest};
use serde_json::{Value, json};

use super::execution::{Execution, Ran, whole};
use crate::commands::refused;
use crate::error::CliError;
use crate::execution::Left;
use crate::exit::Exit;
use crate::render::command_line::command_line;
use crate::render::lines::wrapped;
use crate::ui::{Face, NAME, Ui, in_a_line, plain};

/// A run that is not recorded, or not known to be.
struct Refusal<'r> {
    /// Why; at least one.
    causes: Vec<&'r CliError>,
    outcome: Outcome,
    kept: Kept,
    /// The command that finishes it, to be pasted; it reads what could not be kept.
    command: String,
    /// What the command left, if it is there still.
    run_directory: Option<&'r Path>,
}

/// What is known of a recording that failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Nothing was recorded, and something is to be mended first.
    Refused,
    /// Nothing was recorded, and it only has to be another attempt.
    Taken,
    /// It may have been recorded.
    Unknown,
}

/// Where what is known of the run lies now.
enum Kept {
    /// In a file of the store or of the run directory.
    At {
        path: PathBuf,
        /// What it is finished by.
        name: OsString,
    },
    /// Nowhere: here is what a file would have held, and why.
    Nowhere(Value, CliError),
    /// Nowhere, and it cannot be told from its secrets.
    Lost(CliError),
}

impl Execution {
    /// Keeps what could not be recorded, and prints the command that finishes it.
    pub(super) fn refuse(
        &self,
        request: &RecordRequest,
        left: &Left,
        error: Option<Error>,
        own: u8,
        ui: &Ui,
    ) -> Ran {
        let outcome = match &error {
            Some(error) if error.kind() == ErrorKind::Unknown => Outcome::Unknown,
            // It is, and the same line says so once the file is there again.
            Some(Error::AttachmentLost { .. }) => Outcome::Unknown,
            Some(Error::Conflict(_)) if left.unread.is_empty() => Outcome::Taken,
            _ => Outcome::Refused,
        };
        let error = error.map(CliError::Ledger);
        let unread = left.unread.iter().map(|unread| &unread.error);
        let causes: Vec<&CliError> = unread.chain(&error).collect();
        let reasons: Vec<String> = causes.iter().map(ToString::to_string).collect();
        let kept = self.keep(request, left, &reasons.join("; "));
        let folder = self.directory.path();
        let refusal = Refusal {
            causes,
            outcome,
            command: self.finishing(outcome, &kept),
            kept,
            run_directory: folder.is_dir().then_some(folder),
        };
        match ui.face {
            Face::Json => {
                let mut document = ui.without_secrets(&refusal.error());
                // These quote nothing, and lead nowhere with a part taken out.
                document["error"]["refused"] = refusal.whereabouts();
                ui.answer_beside(&format!("{}\n", in_a_line(&document)));
            }
            Face::Text => refusal.say(ui),
        }
        Ran {
            exit: match own {
                0 => Exit::Wrapper,
                own => Exit::Command(own),
            },
            keeps_directory: true,
            may_go_on: false,
        }
    }

    /// Keeps what is known of the run where it can be kept.
    fn keep(&self, request: &RecordRequest, left: &Left, reason: &str) -> Kept {
        let refused = match self.ledger.refused_run(request, &self.nonce, reason) {
            Ok(refused) => refused,
            Err(error) => return Kept::Lost(CliError::Ledger(error)),
        };
        let unread = left.unread.iter().map(|unread| Unread {
            // Whoever finishes the run does so from anywhere.
            path: whole(&unread.path),
            joins: match unread.joins {
                "identity" if !self.stated.places.identity_below => String::new(),
                "factors" if !self.stated.places.factors_below => String::new(),
                member => member.to_owned(),
            },
            layer: unread.layer,
        });
        let refused = RefusedRun {
            unread: unread.collect(),
            ..refused
        };
        match self.ledger.keep_refused(&refused) {
            Ok(path) => Kept::At {
                path: self.store.now().join(path),
                name: refused.name().into(),
            },
            Err(_store_cannot) => match refused::keep_in(self.directory.path(), &refused) {
                Ok(path) => Kept::At {
                    name: path.clone().into(),
                    path,
                },
                Err(error) => Kept::Nowhere(refused.to_json(), error),
            },
        }
    }

    /// Returns the command that finishes the run, from any working directory.
    fn finishing(&self, outcome: Outcome, kept: &Kept) -> String {
        let mut words: Vec<OsString> = vec!["runstone".into(), "record".into()];
        words.push("--refused".into());
        words.push(match kept {
            Kept::At { name, .. } => name.clone(),
            Kept::Nowhere(..) | Kept::Lost(_) => "-".into(),
        });
        // All else it says itself.
        if outcome == Outcome::Taken {
            words.extend(["--attempt".into(), "next".into()]);
        }
        words.extend(["--store".into(), self.store.now().into()]);
        command_line(&words)
    }
}

impl Refusal<'_> {
    fn say(&self, ui: &Ui) {
        for cause in &self.causes {
            ui.error_alone(cause);
        }
        if let Kept::Nowhere(_, why) | Kept::Lost(why) = &self.kept {
            ui.error_alone(why);
        }
        let next = match (&self.kept, self.outcome) {
            (Kept::Lost(_), Outcome::Unknown) => "what is known of the run could not be kept",
            (Kept::Lost(_), _) => {
                "the run is not recorded, and what is known of it could not be kept"
            }
            (Kept::Nowhere(..), Outcome::Unknown) => {
                "the last line here is all that is known of the run, without secrets: keep it; \
                 this, given the line on standard input, finds out whether the run is recorded, \
                 and records it if not:"
            }
            (Kept::Nowhere(..), _) => {
                "the run is not recorded; the last line here is all that is known of it, without \
                 secrets: keep it, mend the cause, then give it to this on standard input:"
            }
            (Kept::At { .. }, Outcome::Unknown) => {
                "this finds out whether the run is recorded, and records it if not:"
            }
            (Kept::At { .. }, Outcome::Taken) => {
                "the run is not recorded; finish it as its next attempt:"
            }
            (Kept::At { .. }, Outcome::Refused) => {
                "the run is not recorded; mend the cause, then finish it:"
            }
        };
        ui.answer_beside(&wrapped(next));
        if !matches!(self.kept, Kept::Lost(_)) {
            ui.answer_beside(&format!("  {NAME}{}{NAME:#}\n", self.command));
        }
        for hint in self.hints() {
            ui.hint(&hint);
        }
        if let Some(folder) = self.run_directory {
            let folder = plain(&folder.to_string_lossy());
            ui.answer_beside(&format!(
                "what the command left is kept in {NAME}{folder}{NAME:#}\n"
            ));
        }
        if let Kept::Nowhere(document, _) = &self.kept {
            ui.answer_beside(&format!("{}\n", in_a_line(document)));
        }
    }

    /// Returns what to do first, each thing once.
    fn hints(&self) -> Vec<String> {
        let mut hints: Vec<String> = Vec::new();
        for hint in self.causes.iter().filter_map(|it| it.hint_to_finish()) {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        hints
    }

    /// Returns the error of the first cause, with all that is known of the others.
    fn error(&self) -> Value {
        let (first, others) = self.causes.split_first().expect("a refusal has a cause");
        let mut document = first.to_json();
        document["schema"] = Value::from("runstone.run/1");
        document["recorded"] = Value::from(match self.outcome {
            Outcome::Unknown => "unknown",
            Outcome::Refused | Outcome::Taken => "refused",
        });
        let error = &mut document["error"];
        error["hint"] = match self.hints() {
            hints if hints.is_empty() => Value::Null,
            hints => Value::from(hints.join("; ")),
        };
        let why = match &self.kept {
            Kept::At { .. } => None,
            Kept::Nowhere(_, why) | Kept::Lost(why) => Some(why),
        };
        if let Some(details) = error["details"].as_array_mut() {
            for other in others.iter().copied().chain(why) {
                details.push(Value::from(other.to_string()));
                let other = other.to_json();
                details.extend(
                    other["error"]["details"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .cloned(),
                );
            }
        }
        document
    }

    /// Returns where what is known of the run lies, and what finishes it, as they are.
    fn whereabouts(&self) -> Value {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let (path, document_of_it) = match &self.kept {
            Kept::At { path, .. } => (Some(text(path)), None),
            Kept::Nowhere(document, _) => (None, Some(document)),
            Kept::Lost(_) => (None, None),
        };
        let is_lost = matches!(self.kept, Kept::Lost(_));
        json!({
            "path": path,
            "command": (!is_lost).then_some(&self.command),
            "document": document_of_it,
            "run_directory": self.run_directory.map(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_in_a_line_shows_all_it_holds_and_reads_back_the_same() {
        let document = json!({"run_id": "a\u{202e}\u{9b}1m\u{1b}[0m\n\\ é 🙂"});
        let line = in_a_line(&document);
        assert_eq!(line, plain(&line));
        assert!(line.contains("é 🙂"), "{line}");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), document);
    }
}
