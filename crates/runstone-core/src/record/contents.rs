//! What a document in normal form says: identity by group, and factors by class.
//!
//! Every leaf is asked once for its role. Two leaves that get one name are refused with both
//! places, unless they are factors that say the same. Metrics are read in `measured`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::normal::Normal;
use crate::pointer::{Path, Pattern, each_leaf};
use crate::problem::{Problem, ProblemKind, quoted_apart, type_of};
use crate::profile::{FactorClass, FactorSource, FieldRules, Policy, Role, StageRules};
use crate::snapshot::Factors;

/// Group → path → value.
pub(crate) type Identity = BTreeMap<String, BTreeMap<String, Value>>;

/// Identity and factors of a document.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Contents {
    pub(crate) identity: Identity,
    pub(crate) factors: Factors,
}

/// Reads identity and factors, and what is wrong with them.
pub(super) fn read(
    normal: &Normal,
    fields: &FieldRules,
    rules: &StageRules,
) -> (Contents, Vec<Problem>) {
    let is_tagged = |keys: &[&str]| fields.tagged.iter().any(|pattern| pattern.matches(keys));
    let mut reading = Reading::new(normal);
    reading.containers(rules);
    each_leaf(
        &normal.document,
        &is_tagged,
        &mut |keys, value| match fields.role(rules, keys) {
            Role::Identity { group } => reading.identity(group, keys.join("."), value),
            Role::Factor { class, key, rank } => reading.factor((class, key), rank, value),
            _ => {}
        },
    );
    reading.finish(rules.policy)
}

struct Reading<'n> {
    normal: &'n Normal,
    /// By dotted path, with the group.
    identity: BTreeMap<String, (String, &'n Value)>,
    factors: BTreeMap<(FactorClass, String), (Option<usize>, &'n Value)>,
    problems: Vec<Problem>,
}

impl<'n> Reading<'n> {
    fn new(normal: &'n Normal) -> Self {
        Self {
            normal,
            identity: BTreeMap::new(),
            factors: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// Refuses what is no object where the rules look into one: it would count as nothing.
    fn containers(&mut self, rules: &StageRules) {
        let factors = rules.factors.iter().flat_map(|rule| match &rule.source {
            FactorSource::Each { paths, .. } => paths.as_slice(),
            FactorSource::FirstOf { .. } => &[],
        });
        let patterns = rules.identity.patterns().chain(factors);
        let containers: BTreeSet<Path> = patterns.filter_map(Pattern::container).collect();
        for path in containers {
            let Some(value) = path.present(&self.normal.document) else {
                continue;
            };
            if !value.is_object() {
                let text = format!("is {}, an object is wanted", type_of(value));
                let at = self.normal.original(&path.pointer());
                self.problems
                    .push(Problem::new(ProblemKind::WrongType, at, text));
            }
        }
    }

    /// Takes an identity field; a null one is the same as an absent one.
    fn identity(&mut self, group: String, path: String, value: &'n Value) {
        if value.is_null() {
            return;
        }
        match self.identity.get(&path) {
            Some((_, first)) => self.problems.push(self.collision(&path, first, value)),
            None => {
                self.identity.insert(path, (group, value));
            }
        }
    }

    /// Takes a factor; of several fields for one factor the first that is present counts.
    fn factor(&mut self, name: (FactorClass, String), rank: Option<usize>, value: &'n Value) {
        if rank.is_some() && value.is_null() {
            return;
        }
        match (self.factors.get(&name), rank) {
            (Some((Some(earlier), _)), Some(rank)) if rank >= *earlier => {}
            (Some((Some(_), _)), Some(_)) | (None, _) => {
                self.factors.insert(name, (rank, value));
            }
            (Some((_, first)), _) if *first == value => {}
            (Some((_, first)), _) => self.problems.push(self.collision(&name.1, first, value)),
        }
    }

    fn collision(&self, name: &str, first: &Value, second: &Value) -> Problem {
        let (second_value, first_value) = quoted_apart(second, first);
        let text = format!(
            "is {second_value}, `{}` is {first_value}, and both are `{name}`",
            self.normal.original_of(first),
        );
        let at = self.normal.original_of(second);
        Problem::new(ProblemKind::Collision, at, text).hint("keep one of the two")
    }

    fn finish(self, policy: Policy) -> (Contents, Vec<Problem>) {
        let mut contents = Contents::default();
        for (path, (group, value)) in self.identity {
            contents
                .identity
                .entry(group)
                .or_default()
                .insert(path, value.clone());
        }
        let mut factors = self.factors.into_iter().peekable();
        for class in FactorClass::ALL {
            let of_class = std::iter::from_fn(|| factors.next_if(|((of, _), _)| *of == class));
            *contents.factors.class_mut(class) = of_class
                .map(|((_, key), (_, value))| (key, value.clone()))
                .collect();
        }
        if policy == Policy::Exact {
            for class in FactorClass::ALL {
                // A null identity field is the same as an absent one.
                let mut factors = contents.factors.class(class).clone();
                factors.retain(|_, value| !value.is_null());
                if !factors.is_empty() {
                    contents
                        .identity
                        .entry(class.as_str().to_owned())
                        .or_default()
                        .extend(factors);
                }
            }
        }
        (contents, self.problems)
    }
}
