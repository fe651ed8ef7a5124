//! The fields that something reads in one stage, by name: beside them misspelt ones are looked for.
//!
//! Worked out once a profile, since every document is held against them. Fields that a pattern
//! alone reaches have no name here; [`FieldRules::role`] knows them.

use std::collections::{BTreeMap, BTreeSet};

use super::role::FIXED;
use super::rules::{FactorSource, FieldRules, StageRules};
use crate::pointer::Path;

/// The names of fields that are read, and of the objects above them, by the object they stand in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KnownFields(BTreeMap<Vec<String>, BTreeSet<String>>);

impl KnownFields {
    /// Returns what is read in a stage that requires these fields.
    pub(crate) fn of(fields: &FieldRules, rules: &StageRules, required: &[Path]) -> Self {
        let mut known = Self::default();
        for name in FIXED {
            known.add(&[name.to_owned()]);
        }
        let singles = [&fields.environment, &fields.code].into_iter().flatten();
        let conditional = rules.conditions.iter().flat_map(|condition| {
            condition
                .required
                .iter()
                .chain(&condition.forbidden)
                .chain([&condition.when])
        });
        let paths = singles
            .chain([&fields.experiment.path])
            .chain(required)
            .chain(conditional)
            .chain(fields.aliases.keys())
            .chain(fields.aliases.values());
        for path in paths {
            known.add(path.keys());
        }
        let lists = [
            &fields.times,
            &fields.ignore,
            &fields.integers,
            &fields.sets,
        ];
        let patterns = lists.into_iter().flatten().chain(rules.identity.patterns());
        for pattern in patterns {
            known.add(pattern.fixed_prefix());
        }
        for rule in &rules.factors {
            match &rule.source {
                FactorSource::FirstOf { paths, .. } => {
                    for path in paths {
                        known.add(path.keys());
                    }
                }
                FactorSource::Each { paths, .. } => {
                    for pattern in paths {
                        known.add(pattern.fixed_prefix());
                    }
                }
            }
        }
        known
    }

    /// Returns the objects in which fields are read, each with the names of these.
    pub(crate) fn objects(&self) -> impl Iterator<Item = (&[String], &BTreeSet<String>)> {
        self.0
            .iter()
            .map(|(object, names)| (object.as_slice(), names))
    }

    /// Adds a field and the objects above it.
    fn add(&mut self, keys: &[String]) {
        for (depth, key) in keys.iter().enumerate() {
            let names = self.0.entry(keys[..depth].to_vec()).or_default();
            names.insert(key.clone());
        }
    }
}
