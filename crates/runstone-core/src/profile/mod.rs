//! Profiles: the written rule by which runs are read and compared.
//!
//! A profile is a TOML text ([`Profile::parse`]), resolved over what it extends and named by the
//! digest of the resolved text, which the store keeps. It says which fields a document must have,
//! which make two runs comparable, what may differ on purpose, and how metrics are judged. The
//! rules are data; applying them belongs to the modules that read documents, compare and judge.

mod alias_schema;
mod error;
mod explain;
mod extend;
mod identity_rules;
mod keys;
mod known;
mod metric_rules;
mod redact_schema;
mod role;
mod rules;
mod schema;
mod source;
mod stage_schema;

use std::sync::Arc;

pub use error::{ProfileError, ProfileFault};
pub use explain::Explained;
pub(crate) use known::KnownFields;
pub use metric_rules::{Primary, Tolerance};
pub(crate) use role::Role;
pub use rules::*;

use crate::id::{IllegalName, Stage};
pub use crate::pattern::NamePattern;
use crate::redact::{Names, Redaction};

/// A text names no stage of a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownStage {
    /// The profile refuses stages that it does not list.
    #[error("stage `{stage}` is none of profile `{profile}`")]
    NotListed {
        /// The stage, as given.
        stage: String,
        /// The profile.
        profile: String,
        /// The stages it lists.
        listed: Vec<String>,
    },
    /// The text cannot be a stage at all.
    #[error(transparent)]
    Illegal(#[from] IllegalName),
}

impl UnknownStage {
    /// Returns what to do about it, in one sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotListed { listed, .. } => Some(format!("stages: {}", listed.join(", "))),
            Self::Illegal(_) => None,
        }
    }
}

impl Profile {
    /// Reads a profile. `source_name` is what errors call the text; `find` returns the text of a
    /// profile that `extends` names and that is not built in.
    ///
    /// # Errors
    /// [`ProfileError`] with file, line and column at the first thing that is not legal, in this
    /// text or in one it extends.
    pub fn parse(
        text: &str,
        source_name: &str,
        find: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ProfileError> {
        let (place, table) = extend::resolve(text, source_name, find)?;
        schema::read(place, table)
    }

    /// Returns a profile that is built in: `generic` or `market`.
    #[expect(
        clippy::missing_panics_doc,
        reason = "the texts are part of the program"
    )]
    pub fn builtin(name: &str) -> Option<Self> {
        let (name, text) = extend::BUILTIN
            .into_iter()
            .find(|(known, _)| *known == name)?;
        Some(Self::parse(text, name, &|_| None).expect("the built-in profiles are legal"))
    }

    /// Returns the same profile with one metric that decides, in every stage it does not list.
    ///
    /// # Errors
    /// [`ProfileError`] if the profile's own text cannot be laid under it.
    pub fn with_primary(&self, metric: &str, direction: Direction) -> Result<Self, ProfileError> {
        let rules = self
            .default
            .as_ref()
            .map(|rules| rules.metrics.clone())
            .unwrap_or_default();
        let listed = |names: &[NamePattern], better| {
            let names = names.iter().map(NamePattern::to_string);
            let names = names.filter(|name| name != metric);
            let own = (direction == better).then(|| metric.to_owned());
            names
                .chain(own)
                .map(toml::Value::String)
                .collect::<Vec<_>>()
        };
        let mut metrics = toml::Table::new();
        metrics.insert("primary".to_owned(), vec![metric].into());
        metrics.insert(
            "higher".to_owned(),
            listed(&rules.higher, Direction::Higher).into(),
        );
        metrics.insert(
            "lower".to_owned(),
            listed(&rules.lower, Direction::Lower).into(),
        );
        let over = format!("[default.metrics]\n{metrics}");
        extend::over(&self.text, &self.name, &over)
            .and_then(|(place, table)| schema::read(place, table))
    }

    /// Returns the same profile, told what is personal about the place it is used in.
    #[must_use]
    pub fn knowing(mut self, names: Names) -> Self {
        self.redaction = Arc::new(Redaction::clone(&self.redaction).knowing(names));
        self
    }

    /// Returns the stage in the profile's spelling, and its rules.
    ///
    /// # Errors
    /// [`UnknownStage`] if the text is empty or too long, or if the profile refuses other stages
    /// and does not list this one.
    pub fn stage(&self, text: &str) -> Result<(Stage, &StageRules), UnknownStage> {
        let spelled = self.stage_names.spelled(text);
        let name = self.stage_aliases.get(&spelled).unwrap_or(&spelled);
        let stage = Stage::new(name.clone())?;
        match self.stages.get(name).or(self.default.as_ref()) {
            Some(rules) => Ok((stage, rules)),
            None => Err(UnknownStage::NotListed {
                stage: text.to_owned(),
                profile: self.name.clone(),
                listed: self.stages.keys().cloned().collect(),
            }),
        }
    }
}
