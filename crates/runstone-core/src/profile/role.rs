//! What a field of a document counts as, decided in one place.
//!
//! The reading of identity and factors, `profile explain` and the hints about misspelt fields all
//! ask [`Profile::role`], so that they can never disagree. A role belongs to a place in the
//! document after aliases were resolved; what the value there means belongs to the reading.

use super::known::KnownFields;
use super::rules::{FactorClass, FactorRule, FactorSource, FieldRules, IdentityRules, StageRules};
use crate::pointer::{Path, Pattern};

/// Fields that mean the same in every profile.
pub(crate) const FIXED: [&str; 10] = [
    "run_id",
    "stage",
    "attempt",
    "status",
    "sweep",
    "candidate",
    "started_at",
    "finished_at",
    "artifacts",
    "metrics",
];

/// What a field counts as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// One of [`FIXED`].
    Fixed(&'static str),
    /// The digest of a captured environment.
    Environment,
    /// The commit of the code.
    Code,
    /// Part of the identity.
    Identity {
        /// The group.
        group: String,
    },
    /// A factor.
    Factor {
        /// The class.
        class: FactorClass,
        /// Its key within the class.
        key: String,
        /// Its rank among the fields of a `first_of`; `None` for a factor of its own.
        rank: Option<usize>,
    },
    /// Kept, never compared, as the profile says.
    Ignored,
    /// Kept, never compared, because no rule names it.
    Unread,
}

impl FieldRules {
    /// Returns what the field with these keys counts as in a stage; the first that applies.
    pub(crate) fn role<K: AsRef<str>>(&self, rules: &StageRules, keys: &[K]) -> Role {
        let is = |path: &Option<Path>| path.as_ref().is_some_and(|path| path.is_at_or_above(keys));
        if let Some(fixed) = fixed(keys) {
            return Role::Fixed(fixed);
        }
        if is(&self.environment) {
            return Role::Environment;
        }
        if is(&self.code) {
            return Role::Code;
        }
        if self.ignore.iter().any(|pattern| pattern.reaches(keys)) {
            return Role::Ignored;
        }
        if let Some(group) = rules.identity.group_of(keys) {
            return Role::Identity { group };
        }
        rules.factor(keys).unwrap_or(Role::Unread)
    }
}

impl IdentityRules {
    /// Returns the group that a field belongs to.
    pub(crate) fn group_of<K: AsRef<str>>(&self, keys: &[K]) -> Option<String> {
        let named = self
            .groups
            .iter()
            .find(|(_, patterns)| patterns.iter().any(|pattern| pattern.reaches(keys)));
        if let Some((group, _)) = named {
            return Some(group.clone());
        }
        let open = self.open.iter().find(|pattern| pattern.reaches(keys))?;
        let key = keys.get(open.fixed_prefix().len())?;
        Some(key.as_ref().to_owned())
    }

    /// Returns every pattern of every group.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.groups.values().flatten().chain(&self.open)
    }
}

impl StageRules {
    /// Tells whether identity, factors or required fields of this stage are looked for below the
    /// top-level member `name`.
    pub fn looks_below(&self, name: &str) -> bool {
        let begins = |keys: &[String]| keys.first().is_some_and(|first| first == name);
        let in_factors = |rule: &FactorRule| match &rule.source {
            FactorSource::Each { paths, .. } => {
                paths.iter().any(|path| begins(path.fixed_prefix()))
            }
            FactorSource::FirstOf { paths, .. } => paths.iter().any(|path| begins(path.keys())),
        };
        self.identity
            .patterns()
            .any(|pattern| begins(pattern.fixed_prefix()))
            || self.factors.iter().any(in_factors)
            || self.required.iter().any(|path| begins(path.keys()))
    }

    /// Returns the fields that are read by name.
    pub(crate) fn known(&self) -> &KnownFields {
        &self.known
    }

    fn factor<K: AsRef<str>>(&self, keys: &[K]) -> Option<Role> {
        self.factors.iter().find_map(|rule| match &rule.source {
            FactorSource::FirstOf { name, paths } => {
                let rank = paths.iter().position(|path| path.is_at(keys))?;
                Some(Role::Factor {
                    class: rule.class,
                    key: name.clone(),
                    rank: Some(rank),
                })
            }
            FactorSource::Each {
                paths,
                except,
                strip,
            } => {
                let is_excepted = except.iter().any(|pattern| pattern.reaches(keys));
                if is_excepted || !paths.iter().any(|pattern| pattern.reaches(keys)) {
                    return None;
                }
                let mut key = dotted(keys);
                if key.starts_with(strip.as_str()) {
                    key.drain(..strip.len());
                }
                Some(Role::Factor {
                    class: rule.class,
                    key,
                    rank: None,
                })
            }
        })
    }
}

/// Returns the one of [`FIXED`] at or in which a place lies.
pub(super) fn fixed<K: AsRef<str>>(keys: &[K]) -> Option<&'static str> {
    let first = keys.first()?.as_ref();
    FIXED.into_iter().find(|fixed| *fixed == first)
}

fn dotted<K: AsRef<str>>(keys: &[K]) -> String {
    let size_bytes = keys.iter().map(|key| key.as_ref().len() + 1).sum();
    let mut dotted = String::with_capacity(size_bytes);
    for (at, key) in keys.iter().enumerate() {
        if at > 0 {
            dotted.push('.');
        }
        dotted.push_str(key.as_ref());
    }
    dotted
}
