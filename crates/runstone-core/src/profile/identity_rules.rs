//! The part of a profile that decides which runs are comparable, and its digest.
//!
//! The digest is in every cohort key, so it covers what can change an identity in this stage and
//! nothing else: an edit of a tolerance, of a severity, of another stage keeps the cohorts. Lists
//! whose order means nothing are sorted before they are hashed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::rules::{FactorRule, FactorSource, FieldRules, Policy, StageRules};
use crate::canon;
use crate::digest::Digest;
use crate::pointer::{Path, Pattern};

impl StageRules {
    /// Returns the digest of the identity rules of this stage.
    pub fn identity_digest(&self) -> Digest {
        self.identity_digest
    }
}

impl FieldRules {
    /// Returns the digest of what decides the identity in one stage.
    pub(super) fn identity_digest(&self, rules: &StageRules) -> Digest {
        Digest::of_named("identity-rules", &canon::bytes(&self.identity_rules(rules)))
    }

    /// Returns what decides the identity in one stage, as JSON.
    fn identity_rules(&self, rules: &StageRules) -> Value {
        let reach = Reach::of(rules);
        let aliases: BTreeMap<String, String> = self
            .aliases
            .iter()
            .filter(|(alias, target)| reach.touches_path(alias) || reach.touches_path(target))
            .map(|(alias, target)| (alias.to_string(), target.to_string()))
            .collect();
        let values: BTreeMap<String, &BTreeMap<String, String>> = self
            .value_aliases
            .iter()
            .filter(|(path, _)| reach.touches_path(path))
            .map(|(path, values)| (path.to_string(), values))
            .collect();
        let groups: BTreeMap<&String, Vec<String>> = rules
            .identity
            .groups
            .iter()
            .map(|(group, paths)| (group, sorted(paths)))
            .collect();
        let factors = match rules.policy {
            Policy::Controlled => Value::Null,
            Policy::Exact => rules.factors.iter().map(factor).collect(),
        };
        let mut deciding = json!({
            "policy": rules.policy.as_str(),
            "groups": groups,
            "open_groups": sorted(&rules.identity.open),
            "factors": factors,
            "sets": reach.touched(&self.sets),
            "times": reach.touched(&self.times),
            "upper": reach.touched(&self.upper),
            "tagged": reach.touched(&self.tagged),
            "aliases": aliases,
            "values": values,
        });
        let hidden = reach.touched(&self.hiding());
        if !hidden.is_empty() {
            deciding["hidden"] = json!(hidden);
        }
        deciding
    }

    /// Where a field lies that is not read as identity, whatever the stage says.
    fn hiding(&self) -> Vec<Pattern> {
        let places = self.environment.iter().chain(&self.code);
        let places = places.map(Pattern::from);
        self.ignore.iter().cloned().chain(places).collect()
    }
}

/// Where the identity of a stage lies.
struct Reach<'r>(Vec<&'r Pattern>, Vec<Pattern>);

impl<'r> Reach<'r> {
    fn of(rules: &'r StageRules) -> Self {
        let mut patterns: Vec<&Pattern> = rules.identity.patterns().collect();
        let mut fields = Vec::new();
        if rules.policy == Policy::Exact {
            for rule in &rules.factors {
                match &rule.source {
                    FactorSource::Each { paths, .. } => patterns.extend(paths),
                    FactorSource::FirstOf { paths, .. } => {
                        fields.extend(paths.iter().map(Pattern::from));
                    }
                }
            }
        }
        Self(patterns, fields)
    }

    fn touches(&self, pattern: &Pattern) -> bool {
        self.0.iter().any(|mine| mine.may_touch(pattern))
            || self.1.iter().any(|mine| mine.may_touch(pattern))
    }

    fn touches_path(&self, path: &Path) -> bool {
        self.touches(&Pattern::from(path))
    }

    fn touched(&self, patterns: &[Pattern]) -> Vec<String> {
        let touched: Vec<Pattern> = patterns
            .iter()
            .filter(|pattern| self.touches(pattern))
            .cloned()
            .collect();
        sorted(&touched)
    }
}

fn sorted(patterns: &[Pattern]) -> Vec<String> {
    let mut texts: Vec<String> = patterns.iter().map(Pattern::to_string).collect();
    texts.sort();
    texts.dedup();
    texts
}

fn factor(rule: &FactorRule) -> Value {
    match &rule.source {
        FactorSource::Each {
            paths,
            except,
            strip,
        } => json!({
            "class": rule.class.as_str(),
            "paths": sorted(paths),
            "except": sorted(except),
            "strip": strip,
        }),
        FactorSource::FirstOf { name, paths } => json!({
            "class": rule.class.as_str(),
            "name": name,
            "first_of": paths.iter().map(Path::to_string).collect::<Vec<_>>(),
        }),
    }
}
