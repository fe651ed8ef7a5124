//! One step of a plan: what becomes of one package.
//!
//! The invariant: a step that a manager is told to take names a package, a version and an
//! architecture that are legal in its ecosystem. What cannot be done is a step as well, of its own
//! kind, so that it is shown where people look.

use serde_json::{Map, Value};

use super::manager::Manager;
use crate::names::words;

words! {
    /// What becomes of a package.
    Action {
        /// It is not there, and comes.
        Install = "install",
        /// A later version takes its place.
        Upgrade = "upgrade",
        /// An earlier version takes its place.
        Downgrade = "downgrade",
        /// The same version comes again: its contents or its origin are others.
        Reinstall = "reinstall",
        /// It goes.
        Remove = "remove",
        /// It stays, and is marked otherwise.
        Mark = "mark",
        /// It is wanted and cannot be had.
        Unavailable = "unavailable",
    }
}

/// What becomes of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Who does it.
    pub manager: Manager,
    /// What is done.
    pub action: Action,
    /// The package. Of what is unavailable it may hold anything.
    pub name: String,
    /// Its architecture, where the manager knows several.
    pub arch: Option<String>,
    /// The version that is there, or the marks.
    pub before: Option<String>,
    /// The version that is to be there, or the marks.
    pub after: Option<String>,
    /// Which marks it is to bear.
    pub marks: Option<Marks>,
    /// From where it comes, if from no index: the requirement as Python writes it.
    pub origin: Option<String>,
    /// Which archive it comes in, where its digest is known: `md5=…`, as conda writes it.
    pub archive: Option<String>,
    /// Why it cannot be had.
    pub reason: Option<String>,
}

/// The marks of a package of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Marks {
    /// Whether it came along with others; `None`: not known.
    pub is_automatic: Option<bool>,
    /// Whether it is to stay at its version.
    pub is_held: bool,
    /// Whether it is held now.
    pub was_held: bool,
}

/// A package that stays although the target lacks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Whose it is.
    pub manager: Manager,
    /// The package.
    pub name: String,
    /// Its architecture, where the manager knows several.
    pub arch: Option<String>,
    /// Its version.
    pub version: String,
    /// Why it is never removed; `None`: removing was not asked for.
    pub protected: Option<String>,
}

/// What the managers found: the beginnings of a plan.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) steps: Vec<Step>,
    pub(super) kept: Vec<Kept>,
    pub(super) notes: Vec<String>,
}

impl Step {
    pub(super) fn new(manager: Manager, action: Action, name: &str) -> Self {
        Self {
            manager,
            action,
            name: name.to_owned(),
            arch: None,
            before: None,
            after: None,
            marks: None,
            origin: None,
            archive: None,
            reason: None,
        }
    }

    /// Tells whether a manager puts a version of the package in place.
    pub fn puts(&self) -> bool {
        matches!(
            self.action,
            Action::Install | Action::Upgrade | Action::Downgrade | Action::Reinstall
        )
    }

    /// Tells whether a manager has something to do.
    pub fn acts(&self) -> bool {
        self.action != Action::Unavailable
    }

    /// Returns the step as a plan holds it.
    pub fn to_json(&self) -> Value {
        let mut json = Map::new();
        json.insert("manager".to_owned(), self.manager.as_str().into());
        json.insert("action".to_owned(), self.action.as_str().into());
        json.insert("name".to_owned(), self.name.as_str().into());
        let texts = [
            ("arch", &self.arch),
            ("before", &self.before),
            ("after", &self.after),
            ("origin", &self.origin),
            ("archive", &self.archive),
            ("reason", &self.reason),
        ];
        for (member, text) in texts {
            if let Some(text) = text {
                json.insert(member.to_owned(), text.as_str().into());
            }
        }
        if let Some(marks) = self.marks {
            json.insert("marks".to_owned(), marks.to_json());
        }
        Value::Object(json)
    }
}

impl Marks {
    fn to_json(self) -> Value {
        serde_json::json!({
            "automatic": self.is_automatic,
            "held": self.is_held,
            "was_held": self.was_held,
        })
    }
}

impl Kept {
    /// Returns it as a plan holds it.
    pub fn to_json(&self) -> Value {
        serde_json::json!({
            "manager": self.manager.as_str(),
            "name": self.name,
            "arch": self.arch,
            "version": self.version,
            "protected": self.protected,
        })
    }
}
