//! What a field of a document counts as, decided in one place.
//!
//! The reading of identity and factors, `profile explain` and the hints about misspelt fields all
//! ask [`Profile::role`], so that they can never disagree. A role belongs to a place in the
//! document after aliases were resolved; what the value there means belongs to the reading.

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
    pub(crate) fn role(&self, rules: &StageRules, keys: &[String]) -> Role {
        let is = |path: &Option<Path>| {
            path.as_ref()
                .is_some_and(|path| keys.starts_with(path.keys()))
        };
        if let Some(fixed) = fixed(keys) {
            return Role::Fixed(fixed);
        }
        if is(&self.environment) {
            return Role::Environment;
        }
        if is(&self.code) {
            return Role::Code;
        }
        if self.ignore.iter().any(|pattern| reaches(pattern, keys)) {
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
    pub(crate) fn group_of(&self, keys: &[String]) -> Option<String> {
        let named = self
            .groups
            .iter()
            .find(|(_, patterns)| patterns.iter().any(|pattern| reaches(pattern, keys)));
        if let Some((group, _)) = named {
            return Some(group.clone());
        }
        let open = self.open.iter().find(|pattern| reaches(pattern, keys))?;
        keys.get(open.fixed_prefix().len()).cloned()
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

    fn factor(&self, keys: &[String]) -> Option<Role> {
        self.factors.iter().find_map(|rule| match &rule.source {
            FactorSource::FirstOf { name, paths } => {
                let rank = paths.iter().position(|path| path.keys() == keys)?;
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
                let is_excepted = except.iter().any(|pattern| reaches(pattern, keys));
                if is_excepted || !paths.iter().any(|pattern| reaches(pattern, keys)) {
                    return None;
                }
                let dotted = keys.join(".");
                let key = dotted
                    .strip_prefix(strip.as_str())
                    .unwrap_or(&dotted)
                    .to_owned();
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
pub(super) fn fixed(keys: &[String]) -> Option<&'static str> {
    let first = keys.first()?;
    FIXED.into_iter().find(|fixed| fixed == first)
}

/// Tells whether a pattern matches the place with these keys or one above it.
pub(crate) fn reaches(pattern: &Pattern, keys: &[String]) -> bool {
    (1..=keys.len()).any(|length| pattern.matches(&keys[..length]))
}
