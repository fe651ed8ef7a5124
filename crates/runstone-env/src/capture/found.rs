//! What a source hands back while it reads: facts for the document, words for the record.
//!
//! The invariant: a source that met something it could not read says so in its state and in words,
//! both at once.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::document::{Package, Source};
use crate::names::State;
use crate::root::{Entry, Root, RootError, Stamp};

/// What a source found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) source: Source,
    /// What should be said about it.
    pub(super) warnings: Vec<String>,
    /// What is true of this capture and not of the environment: never hashed.
    pub(super) observed: Map<String, Value>,
    /// The folders whose change means that the source changed, as they were before it was read.
    watched: Vec<(PathBuf, Option<Stamp>)>,
}

impl Found {
    /// Begins a source that is there.
    pub(super) fn captured() -> Self {
        Self::of(State::Captured)
    }

    /// Returns a source that is not there.
    pub(super) fn absent() -> Self {
        Self::of(State::Absent)
    }

    /// Returns a source that was not looked for.
    pub(super) fn skipped(reason: &str) -> Self {
        let mut found = Self::of(State::Skipped);
        found.warnings.push(reason.to_owned());
        found
    }

    /// Returns a source that is there and cannot be read.
    pub(super) fn unreadable(reason: impl Into<String>) -> Self {
        let mut found = Self::of(State::Unreadable);
        found.warnings.push(reason.into());
        found
    }

    /// Returns what is to be said where nothing of the source is: that it is not there, or what was
    /// in the way of knowing.
    pub(super) fn nowhere(self) -> Self {
        match self.warnings.as_slice() {
            [] => Self::absent(),
            warnings => Self::unreadable(warnings.join("; ")),
        }
    }

    fn of(state: State) -> Self {
        Self {
            source: Source::without_facts(state),
            warnings: Vec::new(),
            observed: Map::new(),
            watched: Vec::new(),
        }
    }

    /// Remembers how a folder is before it is read.
    pub(super) fn watch(&mut self, root: &Root, path: impl AsRef<Path>) {
        let path = path.as_ref();
        let before = root.stamp(path);
        self.watched.push((path.to_owned(), before));
    }

    /// Tells whether every folder that was read is still as it was.
    pub(super) fn is_settled(&self, root: &Root) -> bool {
        let mut watched = self.watched.iter();
        watched.all(|(path, before)| root.stamp(path) == *before)
    }

    /// Says something that leaves the facts whole.
    pub(super) fn warn(&mut self, text: impl Into<String>) {
        self.warnings.push(text.into());
    }

    /// Says that something is missing from the facts.
    pub(super) fn lacks(&mut self, text: impl Into<String>) {
        if matches!(self.source.state, State::Captured | State::Absent) {
            self.source.state = State::Partial;
        }
        self.warnings.push(text.into());
    }

    /// Adds a fact.
    pub(super) fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.source.facts.insert(name.to_owned(), value.into());
    }

    /// Adds a list of facts, unless it is empty.
    pub(super) fn list(&mut self, name: &str, values: Vec<Value>) {
        if !values.is_empty() {
            self.fact(name, values);
        }
    }

    /// Adds what was observed.
    pub(super) fn observe(&mut self, name: &str, value: impl Into<Value>) {
        self.observed.insert(name.to_owned(), value.into());
    }

    /// Adds a package.
    pub(super) fn package(&mut self, package: Package) {
        self.source.packages.push(package);
    }

    /// Reads a file of the source. What cannot be read is missing from then on.
    pub(super) fn read(&mut self, root: &Root, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        self.unless_unreadable(root.read(path))
    }

    /// Returns what was read; what could not be is missing from then on.
    fn unless_unreadable(&mut self, read: Result<Option<Vec<u8>>, RootError>) -> Option<Vec<u8>> {
        read.unwrap_or_else(|error| {
            self.lacks(explained(&error));
            None
        })
    }

    /// Reads a file of the source from its beginning, until that is enough.
    pub(super) fn head(
        &mut self,
        root: &Root,
        path: impl AsRef<Path>,
        is_enough: impl Fn(&[u8]) -> bool,
    ) -> Option<Vec<u8>> {
        self.unless_unreadable(root.head(path, is_enough))
    }

    /// Reads the last part of a file of the source in which `mark` stands.
    pub(super) fn last_part_with(
        &mut self,
        root: &Root,
        path: impl AsRef<Path>,
        mark: &[u8],
        behind: u64,
    ) -> Option<Vec<u8>> {
        self.unless_unreadable(root.last_part_with(path, mark, behind))
    }

    /// Reads a file of the source as text.
    pub(super) fn text(&mut self, root: &Root, path: impl AsRef<Path>) -> Option<String> {
        let path = path.as_ref();
        let bytes = self.read(root, path)?;
        let text = String::from_utf8(bytes).ok();
        if text.is_none() {
            self.lacks(format!("{} is not UTF-8", path.display()));
        }
        text
    }

    /// Lists a folder of the source: names and kinds.
    pub(super) fn names(&mut self, root: &Root, path: impl AsRef<Path>) -> Option<Vec<Entry>> {
        let path = path.as_ref();
        self.watch(root, path);
        let listing = match root.list(path) {
            Ok(listing) => listing?,
            Err(error) => {
                self.lacks(explained(&error));
                return None;
            }
        };
        if listing.not_text > 0 {
            self.lacks(format!(
                "{} has {} names that are not UTF-8",
                path.display(),
                listing.not_text
            ));
        }
        Some(listing.entries)
    }
}

/// Says where JSON is not what it should be, without quoting it: it may hold anything.
pub(super) fn misread(path: &Path, error: &serde_json::Error) -> String {
    format!(
        "{} is not as expected at line {}, column {}",
        path.display(),
        error.line(),
        error.column()
    )
}

/// Returns an error with its cause, in one line.
pub(super) fn explained(error: &RootError) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a fixture needs no flush")]
    fn source_whose_folder_changed_is_not_settled() {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("packages")).unwrap();
        let root = Root::at(folder.path()).unwrap();
        let mut found = Found::captured();
        assert_eq!(found.names(&root, "packages").unwrap(), []);
        assert!(found.is_settled(&root));
        std::fs::write(folder.path().join("packages/new"), "").unwrap();
        assert!(!found.is_settled(&root));
    }

    #[test]
    fn what_cannot_be_read_shows_in_state_and_words() {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("status")).unwrap();
        let root = Root::at(folder.path()).unwrap();
        let mut found = Found::captured();
        assert_eq!(found.read(&root, "missing"), None);
        assert_eq!(found.source.state, State::Captured);
        assert_eq!(found.read(&root, "status"), None);
        assert_eq!(found.source.state, State::Partial);
        assert_eq!(found.warnings, ["status is not a regular file"]);
    }
}
