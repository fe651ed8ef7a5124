//! What the caller should know of a run and nothing failed for.
//!
//! The invariant: a warning is said once, in one place: to people when it is found, to scripts
//! among the `warnings` of the answer, or, where there is no answer, on stderr before the error.
//! Without secrets either way.

use runstone::core::redact::Redaction;

use crate::ui::{Face, Ui};

/// Takes the warnings of one run.
#[derive(Debug)]
pub(super) struct Warnings<'u> {
    ui: &'u Ui,
    /// Those that wait for an answer.
    kept: Vec<String>,
}

impl<'u> Warnings<'u> {
    pub(super) fn new(ui: &'u Ui) -> Self {
        Self {
            ui,
            kept: Vec::new(),
        }
    }

    /// Takes the rules of a profile for what is said from here on.
    pub(super) fn learn(&self, rules: impl FnOnce() -> Option<Redaction>) {
        self.ui.learn(rules);
    }

    /// Takes a warning.
    pub(super) fn add(&mut self, text: &str) {
        match self.ui.face {
            Face::Text => self.ui.warn(text),
            Face::Json => self.kept.push(self.ui.masked(text).into_owned()),
        }
    }

    /// Returns those that an answer has to say, and forgets them.
    pub(super) fn for_the_answer(&mut self) -> Vec<String> {
        std::mem::take(&mut self.kept)
    }

    /// Says what waits for an answer that does not come.
    pub(super) fn without_an_answer(&mut self) {
        for text in self.for_the_answer() {
            self.ui.warn(&text);
        }
    }
}
