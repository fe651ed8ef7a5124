//! What could not be recorded: kept, and the command that finishes it printed.
//!
//! It goes to the store, and where the store cannot take it (it is full, or gone) into the run
//! directory, which stays in either case.

use std::fmt::Write as _;

use runstone::refused::{RefusedRun, Unread};
use runstone::{Error, RecordRequest};

use super::execution::{Execution, Ran};
use crate::commands::refused;
use crate::error::CliError;
use crate::execution::Left;
use crate::exit::Exit;
use crate::ui::{NAME, Ui, plain};

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
        let mut reasons = Vec::new();
        for unread in &left.unread {
            reasons.push(unread.error.to_string());
            ui.error(&unread.error);
        }
        let is_taken = matches!(error, Some(Error::Conflict(_)));
        if let Some(error) = error {
            reasons.push(error.to_string());
            ui.error(&CliError::Ledger(error));
        }
        let unread = left.unread.iter().map(|unread| Unread {
            path: unread.path.clone(),
            joins: match unread.joins {
                "identity" if !self.stated.places.identity_below => String::new(),
                "factors" if !self.stated.places.factors_below => String::new(),
                member => member.to_owned(),
            },
        });
        let folder = self.directory.path();
        let kept = self
            .ledger
            .refused_run(request, &self.nonce, &reasons.join("; "))
            .map(|refused| RefusedRun {
                unread: unread.collect(),
                ..refused
            })
            .map_err(CliError::Ledger)
            .and_then(|refused| match self.ledger.keep_refused(&refused) {
                Ok(()) => Ok(self.nonce.chars().take(12).collect()),
                Err(_store_cannot) => refused::keep_in(folder, &refused),
            });
        let mut text = String::from("the run is not recorded; ");
        match kept {
            Ok(name) => {
                let words = [
                    Some(format!("runstone record --refused {name}")),
                    is_taken.then(|| "--attempt next".to_owned()),
                    self.args
                        .profile
                        .as_ref()
                        .map(|it| format!("--profile {it}")),
                    self.store
                        .as_ref()
                        .map(|it| format!("--store {}", it.display())),
                ];
                let finish = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
                let first = if left.unread.is_empty() && is_taken {
                    "finish it"
                } else {
                    "mend the cause, then finish it"
                };
                // Writing to a String cannot fail.
                writeln!(text, "{first}: {NAME}{}{NAME:#}", plain(&finish))
                    .expect("a String takes any text");
            }
            Err(error) => {
                ui.error(&error);
                text.push_str("what is known of it could not be kept\n");
            }
        }
        let folder = plain(&folder.to_string_lossy());
        writeln!(
            text,
            "what the command left is kept in {NAME}{folder}{NAME:#}"
        )
        .expect("a String takes any text");
        ui.answer_beside(&text);
        Ran {
            exit: match own {
                0 => Exit::Wrapper,
                own => Exit::Command(own),
            },
            keeps_directory: true,
        }
    }
}
