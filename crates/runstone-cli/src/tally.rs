//! The sum of many answers: the exit code of a stream, and what is said when it ends.
//!
//! The invariant: what is worst for the caller decides, and one document has the code that it would
//! have alone. Showing single answers belongs to the command.

use std::collections::BTreeMap;

use runstone::{Error, ErrorKind, Recorded, RecordedAs};

use crate::exit::Exit;

/// Warnings that are told apart; a stream may give rise to any number.
const WARNINGS_MAX: usize = 20;

/// What became of the documents of a stream.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    new: u64,
    already: u64,
    refused: u64,
    failed: u64,
    unknown: u64,
    damaged: u64,
    different: u64,
    warnings: BTreeMap<String, u64>,
    first: Option<Exit>,
}

impl Tally {
    /// Counts a recording, and whether its answer is one to fail on.
    pub(crate) fn recorded(&mut self, recorded: &Recorded, is_different: bool) {
        match recorded.recorded_as {
            RecordedAs::New => self.new += 1,
            RecordedAs::Already => self.already += 1,
        }
        self.different += u64::from(is_different);
        let exit = if is_different {
            Exit::Different
        } else {
            Exit::Done
        };
        self.first.get_or_insert(exit);
    }

    /// Counts a document that was not recorded, with the exit code it would have alone.
    pub(crate) fn refused(&mut self, error: &Error, exit: Exit) {
        match error.kind() {
            ErrorKind::Unknown => self.unknown += 1,
            ErrorKind::Damaged => self.damaged += 1,
            ErrorKind::Failure => self.failed += 1,
            ErrorKind::Illegal | ErrorKind::NotFound | ErrorKind::Refused => self.refused += 1,
        }
        self.first.get_or_insert(exit);
    }

    /// Counts what could not be read any more, of a stream that broke off.
    pub(crate) fn broke_off(&mut self) {
        self.failed += 1;
    }

    /// Keeps a warning to be said once.
    pub(crate) fn warn(&mut self, warning: &str) {
        if let Some(count) = self.warnings.get_mut(warning) {
            *count += 1;
        } else if self.warnings.len() < WARNINGS_MAX {
            self.warnings.insert(warning.to_owned(), 1);
        }
    }

    /// Returns the warnings, each once, with how often it was given.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> {
        self.warnings.iter().map(|(warning, count)| match count {
            1 => warning.clone(),
            _ => format!("{warning} ({count} times)"),
        })
    }

    /// Returns how many documents there were.
    pub(crate) fn documents(&self) -> u64 {
        self.new + self.already + self.not_recorded()
    }

    /// Returns the sum in words.
    pub(crate) fn text(&self) -> String {
        let mut parts = vec![format!("{} recorded", self.new)];
        let rest = [
            (self.already, "recorded before"),
            (self.refused, "refused"),
            (self.failed, "not recorded"),
            (self.unknown, "unknown: the same command again is safe"),
            (self.damaged, "behind damage: see `runstone verify`"),
        ];
        let told = rest.into_iter().filter(|(count, _)| *count > 0);
        parts.extend(told.map(|(count, words)| format!("{count} {words}")));
        format!("{} documents: {}", self.documents(), parts.join(", "))
    }

    /// Returns the exit code: of one document its own, of several the gravest.
    pub(crate) fn exit(&self) -> Exit {
        match self.first {
            Some(exit) if self.documents() == 1 => exit,
            _ if self.damaged > 0 => Exit::Damaged,
            _ if self.unknown > 0 => Exit::Unknown,
            _ if self.new + self.already == 0 && self.failed > 0 => Exit::Failure,
            _ if self.new + self.already == 0 => Exit::Usage,
            _ if self.not_recorded() > 0 => Exit::Partly,
            _ if self.different > 0 => Exit::Different,
            _ => Exit::Done,
        }
    }

    fn not_recorded(&self) -> u64 {
        self.refused + self.failed + self.unknown + self.damaged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_decides_and_one_document_has_its_own_code() {
        let exit = |new, refused, failed, unknown, damaged, different| {
            let first = Some(Exit::Refused);
            let tally = Tally {
                new,
                refused,
                failed,
                unknown,
                damaged,
                different,
                first,
                ..Tally::default()
            };
            tally.exit()
        };
        assert_eq!(exit(0, 1, 0, 0, 0, 0), Exit::Refused);
        assert_eq!(exit(9, 1, 1, 1, 1, 1), Exit::Damaged);
        assert_eq!(exit(9, 1, 1, 1, 0, 1), Exit::Unknown);
        assert_eq!(exit(9, 1, 0, 0, 0, 1), Exit::Partly);
        assert_eq!(exit(9, 0, 1, 0, 0, 1), Exit::Partly);
        assert_eq!(exit(0, 9, 0, 0, 0, 0), Exit::Usage);
        assert_eq!(exit(0, 9, 1, 0, 0, 0), Exit::Failure);
        assert_eq!(exit(9, 0, 0, 0, 0, 1), Exit::Different);
        assert_eq!(exit(9, 0, 0, 0, 0, 0), Exit::Done);
    }
}
