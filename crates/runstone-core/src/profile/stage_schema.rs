//! What a profile may say about one stage: the keys of `default` and of every `stage.X`.

use std::collections::BTreeSet;

use super::error::{ProfileError, ProfileFault};
use super::keys::{self, Keys};
use super::known::KnownFields;
use super::rules::{
    Condition, Direction, FactorClass, FactorRule, FactorSource, IdentityRules, MetricRules,
    Policy, Severity, SeverityRule, StageRules, ToleranceRule,
};
use super::source::{Node, Place, Table};
use crate::digest::Digest;
use crate::id::nfc;
use crate::pattern::NamePattern;
use crate::pointer::Path;

/// Most fields that name a cohort.
const COHORT_NAME_MAX: usize = 3;

/// The places of what can only be judged once every stage was read.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) cohort_name: Place,
}

/// Reads the rules of one stage from its table, `default` already laid below it.
pub(super) fn read(
    name: &str,
    place: Place,
    table: Table,
) -> Result<(StageRules, Places), ProfileError> {
    let mut keys = Keys::of(name, place.clone(), table);
    let words = [Policy::Controlled, Policy::Exact].map(|policy| (policy.as_str(), policy));
    let cohort_name = keys.take("cohort_name");
    let places = Places {
        cohort_name: cohort_name
            .as_ref()
            .map_or(place, |node| node.place.clone()),
    };
    let rules = StageRules {
        required: keys.list("required")?,
        conditions: each(&mut keys, "require_if", read_condition)?,
        identity: read_identity(&mut keys)?,
        factors: each(&mut keys, "factors", read_factor)?,
        cohort_name: cohort_name.map_or(Ok(Vec::new()), read_cohort_name)?,
        policy: keys.word("policy", &words, Policy::Controlled)?,
        severity: read_severity(&mut keys)?,
        metrics: read_metrics(&mut keys)?,
        // Of the whole profile, once it is read.
        identity_digest: Digest::of(&[]),
        known: KnownFields::default(),
    };
    keys.finish()?;
    Ok((rules, places))
}

/// Reads a list of tables, each by `read`; an absent one is empty.
fn each<T>(
    keys: &mut Keys,
    key: &'static str,
    read: impl Fn(&mut Keys) -> Result<T, ProfileError>,
) -> Result<Vec<T>, ProfileError> {
    let Some(node) = keys.take(key) else {
        return Ok(Vec::new());
    };
    keys::list(key, node)?
        .into_iter()
        .map(|item| {
            let place = item.place.clone();
            let mut below = Keys::of(key, place, keys::table(key, item)?);
            let value = read(&mut below)?;
            below.finish()?;
            Ok(value)
        })
        .collect()
}

fn read_condition(keys: &mut Keys) -> Result<Condition, ProfileError> {
    Ok(Condition {
        when: keys::path("when", &keys.require("when")?)?,
        is: keys::text("is", &keys.require("is")?)?,
        required: keys.list("required")?,
        forbidden: keys.list("forbidden")?,
    })
}

fn read_identity(keys: &mut Keys) -> Result<IdentityRules, ProfileError> {
    let Some(node) = keys.take("identity") else {
        return Ok(IdentityRules::default());
    };
    let mut identity = IdentityRules::default();
    for (group, (_, node)) in keys::table("identity", node)? {
        let place = node.place.clone();
        let patterns = keys::unfixed(&group, node, "an identity")?;
        if group != "*" {
            if !patterns.is_empty() {
                identity.groups.insert(nfc(&group), patterns);
            }
            continue;
        }
        if let Some(pattern) = patterns.iter().find(|pattern| !pattern.ends_in_one_star()) {
            let fault = ProfileFault::OpenGroup {
                pattern: pattern.to_string(),
            };
            return Err(ProfileError::at(&place, fault).hint("write `identity.*`"));
        }
        identity.open = patterns;
    }
    Ok(identity)
}

fn read_factor(keys: &mut Keys) -> Result<FactorRule, ProfileError> {
    let words = FactorClass::ALL.map(|class| (class.as_str(), class));
    let class_node = keys.require("class")?;
    let class = keys::word("class", &class_node, &words)?;
    let source = match keys.take("first_of") {
        Some(node) => FactorSource::FirstOf {
            paths: first_of(node)?,
            name: keys::text("name", &keys.require("name")?)?,
        },
        None => FactorSource::Each {
            paths: keys::unfixed("paths", keys.require("paths")?, "a factor")?,
            except: keys.list("except")?,
            strip: keys
                .take("strip")
                .map_or(Ok(String::new()), |node| keys::text("strip", &node))?,
        },
    };
    Ok(FactorRule { class, source })
}

fn first_of(node: Node) -> Result<Vec<Path>, ProfileError> {
    keys::unfixed("first_of", node.clone(), "a factor")?;
    keys::paths("first_of", node)
}

fn read_cohort_name(node: Node) -> Result<Vec<Path>, ProfileError> {
    let place = node.place.clone();
    let paths: Vec<Path> = keys::paths("cohort_name", node)?;
    if paths.len() > COHORT_NAME_MAX {
        let fault = ProfileFault::OutOfRange {
            key: "cohort_name".to_owned(),
        };
        return Err(ProfileError::at(&place, fault).hint("name at most three fields"));
    }
    Ok(paths)
}

fn read_severity(keys: &mut Keys) -> Result<Vec<SeverityRule>, ProfileError> {
    let Some(node) = keys.take("severity") else {
        return Ok(Vec::new());
    };
    let levels = [
        Severity::None,
        Severity::Minor,
        Severity::Major,
        Severity::Critical,
    ]
    .map(|level| (level.as_str(), level));
    let mut seen = BTreeSet::new();
    let mut rules = Vec::new();
    for item in keys::list("severity", node)? {
        let place = item.place.clone();
        let mut below = Keys::of("severity", place.clone(), keys::table("severity", item)?);
        let level = keys::word("level", &below.require("level")?, &levels)?;
        let paths = below.texts("paths")?;
        below.finish()?;
        for path in &paths {
            keys::parsed::<Path>(path, &place)?;
            if !seen.insert(path.clone()) {
                let fault = ProfileFault::Twice { what: path.clone() };
                return Err(ProfileError::at(&place, fault).hint("only the first would count"));
            }
        }
        rules.push(SeverityRule { level, paths });
    }
    Ok(rules)
}

fn read_metrics(keys: &mut Keys) -> Result<MetricRules, ProfileError> {
    let mut metrics = keys.table("metrics")?;
    let primary = metrics.take("primary");
    let primary_place = primary.as_ref().map(|node| node.place.clone());
    let rules = MetricRules {
        primary: primary.map_or(Ok(Vec::new()), |node| keys::texts("primary", node))?,
        judged: metrics.texts("judged")?,
        higher: patterns(metrics.texts("higher")?),
        lower: patterns(metrics.texts("lower")?),
        tolerance: each(&mut metrics, "tolerance", read_tolerance)?,
    };
    metrics.finish()?;
    let pattern = rules.primary.iter().find(|entry| entry.contains('*'));
    if let (Some(entry), Some(place)) = (pattern, &primary_place) {
        let fault = ProfileFault::NotOneMetric {
            entry: entry.clone(),
        };
        return Err(ProfileError::at(place, fault)
            .hint("list names, the best first: of these the first that a run has decides"));
    }
    let matched =
        |patterns: &[NamePattern], name: &str| patterns.iter().any(|entry| entry.matches(name));
    // An entry that names the metric itself settles what patterns of both lists would contest.
    let both = rules.primary.iter().find(|name| {
        rules.direction(name) == Direction::None
            && matched(&rules.higher, name)
            && matched(&rules.lower, name)
    });
    match (both, primary_place) {
        (Some(metric), Some(place)) => {
            let fault = ProfileFault::TwoDirections {
                metric: metric.clone(),
            };
            Err(ProfileError::at(&place, fault)
                .hint("leave it in one of `metrics.higher` and `metrics.lower`"))
        }
        _ => Ok(rules),
    }
}

fn patterns(entries: Vec<String>) -> Vec<NamePattern> {
    entries.into_iter().map(NamePattern::from).collect()
}

fn read_tolerance(keys: &mut Keys) -> Result<ToleranceRule, ProfileError> {
    Ok(ToleranceRule {
        names: patterns(keys.texts("match")?),
        absolute: keys.magnitude("absolute")?,
        relative: keys.magnitude("relative")?,
        log: keys.flag("log")?,
    })
}
