//! One of the two environments of a restore, with where it stands.
//!
//! Where things are is no part of an environment, since the same one may stand in many places; a
//! capture observes it beside. A place that was not observed is not known.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::document::{Environment, Source};
use crate::names::{SourceName, State};

/// An environment and where it stands.
#[derive(Debug, Clone)]
pub struct Side<'e> {
    /// What was captured.
    pub environment: &'e Environment,
    /// Where.
    pub places: Places,
}

/// Where managers of one user keep what they install.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// The folder of the Python environment.
    pub python: Option<String>,
    /// The prefix of conda.
    pub conda: Option<String>,
    /// The folder of npm's global packages.
    pub npm: Option<String>,
}

impl Places {
    /// Returns the places that a capture observed.
    pub fn observed(observed: &BTreeMap<SourceName, Value>) -> Self {
        let place = |source: SourceName, member: &str| {
            let place = observed.get(&source)?.get(member)?.as_str()?;
            Some(place.to_owned())
        };
        Self {
            python: place(SourceName::Python, "prefix"),
            conda: place(SourceName::Conda, "prefix"),
            npm: place(SourceName::Npm, "folder"),
        }
    }

    /// Returns the places of a record of a capture, as it is kept beside a document.
    pub fn recorded(observed: &Map<String, Value>) -> Self {
        let known = observed.iter().filter_map(|(name, value)| {
            let source = SourceName::from_word(name)?;
            Some((source, value.clone()))
        });
        Self::observed(&known.collect())
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "python": self.python, "conda": self.conda, "npm": self.npm })
    }
}

impl<'e> Side<'e> {
    /// Returns an environment of which no place is known.
    pub fn of(environment: &'e Environment) -> Self {
        Self {
            environment,
            places: Places::default(),
        }
    }

    pub(super) fn source(&self, name: SourceName) -> Option<&'e Source> {
        self.environment.sources.get(&name)
    }

    pub(super) fn state(&self, name: SourceName) -> Option<State> {
        self.source(name).map(|it| it.state)
    }

    pub(super) fn is_captured(&self, name: SourceName) -> bool {
        self.state(name) == Some(State::Captured)
    }

    /// Returns a fact that is a text.
    pub(super) fn fact(&self, source: SourceName, name: &str) -> Option<&'e str> {
        self.source(source)?.facts.get(name)?.as_str()
    }

    /// Tells whether a fact is true.
    pub(super) fn is_so(&self, source: SourceName, name: &str) -> bool {
        let source = self.source(source);
        source.is_some_and(|it| it.facts.get(name) == Some(&Value::Bool(true)))
    }
}
