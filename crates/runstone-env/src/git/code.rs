//! What is known of the code, as a document.
//!
//! The invariant: what was not read is left out, and the state says so; nothing here is a guess.
//! Reading it belongs to the other files of this room.

use runstone_core::digest::Digest;
use runstone_core::redact::Redaction;
use serde_json::{Value, json};

use crate::names::State;

/// The schema of the document, by which readers know it.
pub const SCHEMA: &str = "runstone.code/1";

/// Which code ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// How far it could be read. `absent`: the folder is in no repository.
    pub state: State,
    /// The commit that `HEAD` is at. `None`, where all was read: there is none yet.
    pub commit: Option<String>,
    /// The branch that `HEAD` is on. `None`, where all was read: it is on none.
    pub branch: Option<String>,
    /// What `git describe --always --dirty` says.
    pub describe: Option<String>,
    /// Where the branch, or else the repository, comes from, without credentials.
    pub remote: Option<String>,
    /// What was begun and not ended: `merge`, `rebase` and the like.
    pub operation: Option<String>,
    /// Whether the repository has no work tree.
    pub is_bare: bool,
    /// Whether the repository ends before the history does.
    pub is_shallow: bool,
    /// How many files are not as the commit has them. `None`: bare, or not read.
    pub work_tree: Option<WorkTree>,
    /// One digest of everything that is tracked and not as the commit has it.
    pub patch: Option<Digest>,
    /// What should be said about the reading. Not part of the document.
    pub warnings: Vec<String>,
    /// How long it took, in microseconds. Not part of the document.
    pub took_us: u64,
}

/// How many files are not as the commit has them. One may be staged and modified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkTree {
    /// In the index otherwise than in the commit.
    pub staged: u64,
    /// In the work tree otherwise than in the index.
    pub modified: u64,
    /// Neither in the index nor ignored: each file counts.
    pub untracked: u64,
    /// Left in conflict by a merge; counted nowhere else.
    pub conflicted: u64,
}

impl Code {
    /// Returns what is known where nothing could be read.
    pub(super) fn unknown(state: State) -> Self {
        Self {
            state,
            commit: None,
            branch: None,
            describe: None,
            remote: None,
            operation: None,
            is_bare: false,
            is_shallow: false,
            work_tree: None,
            patch: None,
            warnings: Vec::new(),
            took_us: 0,
        }
    }

    /// Returns the document: facts alone, without warnings and times.
    pub fn to_json(&self) -> Value {
        let mut json = json!({ "schema": SCHEMA, "state": self.state.as_str() });
        let texts = [
            ("commit", &self.commit),
            ("branch", &self.branch),
            ("describe", &self.describe),
            ("remote", &self.remote),
            ("operation", &self.operation),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                json[name] = text.as_str().into();
            }
        }
        for (name, is_so) in [("bare", self.is_bare), ("shallow", self.is_shallow)] {
            if is_so {
                json[name] = true.into();
            }
        }
        if let Some(work_tree) = &self.work_tree {
            json["work_tree"] = json!({
                "staged": work_tree.staged,
                "modified": work_tree.modified,
                "untracked": work_tree.untracked,
                "conflicted": work_tree.conflicted,
            });
        }
        if let Some(patch) = &self.patch {
            json["patch"] = patch.to_string().into();
        }
        json
    }

    /// Says that something is missing.
    pub(super) fn lacks(&mut self, text: impl Into<String>) {
        if self.state == State::Captured {
            self.state = State::Partial;
        }
        self.warnings.push(text.into());
    }

    /// Returns the same without what the store redacts.
    pub(super) fn redacted(mut self, redaction: &Redaction) -> Self {
        let words = [&mut self.branch, &mut self.describe, &mut self.remote];
        for text in words.into_iter().flatten().chain(&mut self.warnings) {
            *text = redaction.text(text).into_owned();
        }
        self
    }
}

impl WorkTree {
    /// Tells whether every tracked file is as the commit has it.
    pub fn is_clean(&self) -> bool {
        self.staged == 0 && self.modified == 0 && self.conflicted == 0
    }
}
