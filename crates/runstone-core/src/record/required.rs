//! What must be there, what must not, and fields that look misspelt.
//!
//! Missing and null are told apart and all of it is reported. A field that nothing reads, beside a
//! place where a field is wanted and absent, and at most two edits away from its name, is probably
//! that field: the hint says so for a required one, a warning for any other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::normal::Normal;
use crate::pointer::{Path, Pattern, Pointer};
use crate::problem::{Problem, ProblemKind, Warning, quoted};
use crate::profile::{FIXED, FactorSource, FieldRules, Profile, Role, StageRules};
use crate::spelling::near;

/// Returns the fields that every stage of a profile requires.
pub(super) fn by_every_stage(profile: &Profile) -> Vec<Path> {
    let mut stages = profile.stages.values().chain(&profile.default);
    let first = stages
        .next()
        .map(|rules| rules.required.clone())
        .unwrap_or_default();
    stages.fold(first, |mut common, rules| {
        common.retain(|path| rules.required.contains(path));
        common
    })
}

/// Returns what is wrong about the presence of fields, and what looks misspelt.
pub(super) fn check(
    normal: &Normal,
    required: &[Path],
    profile: &Profile,
    rules: Option<&StageRules>,
) -> (Vec<Problem>, Vec<Warning>) {
    let mut wanted: BTreeSet<Path> = required.iter().cloned().collect();
    wanted.extend(["run_id", "stage"].map(|name| name.parse().expect("one part is a path")));
    let mut problems = Vec::new();
    for condition in rules
        .map(|rules| rules.conditions.as_slice())
        .unwrap_or_default()
    {
        let holds = condition.when.present(&normal.document);
        if holds.and_then(Value::as_str) != Some(&condition.is) {
            continue;
        }
        wanted.extend(condition.required.iter().cloned());
        for path in &condition.forbidden {
            if let Some(value) = path.present(&normal.document) {
                let (when, is) = (&condition.when, &condition.is);
                let text = format!("is {}, but `{when}` is `{is}`", quoted(value));
                let at = normal.original(&path.pointer());
                problems.push(Problem::new(ProblemKind::Forbidden, at, text));
            }
        }
    }
    // Where the stage is unknown, any stage tells which fields look misspelt: `stage` itself may
    // be.
    let mut misspelt = rules
        .or(profile.default.as_ref())
        .or(profile.stages.values().next())
        .map(|rules| Known::of(&profile.fields, rules, required).misspelt(normal))
        .unwrap_or_default();
    for path in &wanted {
        let kind = match path.find(&normal.document) {
            None => ProblemKind::Missing,
            Some(Value::Null) => ProblemKind::Null,
            Some(_) => continue,
        };
        let at = normal.original(&path.pointer());
        let mut problem = Problem::new(kind, at, format!("is required, and {}", kind.as_str()));
        if let Some(unread) = misspelt.remove(path) {
            problem = problem.hint(format!(
                "nothing reads `{unread}`: is it meant to be `{path}`?"
            ));
        }
        problems.push(problem);
    }
    let warnings = misspelt.into_iter().map(|(path, unread)| Warning {
        text: format!("nothing reads it: is it meant to be `{path}`?"),
        pointer: Some(unread),
    });
    (problems, warnings.collect())
}

/// The fields that something reads in one stage.
struct Known<'r> {
    fields: &'r FieldRules,
    rules: &'r StageRules,
    /// Their names, and those of the objects above them.
    paths: BTreeSet<Vec<String>>,
}

impl<'r> Known<'r> {
    fn of(fields: &'r FieldRules, rules: &'r StageRules, required: &[Path]) -> Self {
        let fixed = FIXED.into_iter().map(|name| vec![name.to_owned()]);
        let mut names: Vec<Vec<String>> = fixed.collect();
        let mut add = |keys: &[String]| {
            names.extend((1..=keys.len()).map(|length| keys[..length].to_vec()));
        };
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
            add(path.keys());
        }
        let lists = [
            &fields.times,
            &fields.ignore,
            &fields.integers,
            &fields.sets,
        ];
        let patterns = lists.into_iter().flatten().chain(rules.identity.patterns());
        for pattern in patterns {
            add(pattern.fixed_prefix());
        }
        for rule in &rules.factors {
            match &rule.source {
                FactorSource::FirstOf { paths, .. } => {
                    for path in paths {
                        add(path.keys());
                    }
                }
                FactorSource::Each { paths, .. } => {
                    for pattern in paths {
                        add(pattern.fixed_prefix());
                    }
                }
            }
        }
        Self {
            fields,
            rules,
            paths: names.into_iter().collect(),
        }
    }

    /// Returns the absent fields for which another one stands that nothing reads.
    fn misspelt(&self, normal: &Normal) -> BTreeMap<Path, Pointer> {
        let mut found = BTreeMap::new();
        let mut parents: BTreeSet<&[String]> = BTreeSet::new();
        parents.extend(self.paths.iter().map(|keys| &keys[..keys.len() - 1]));
        for parent in parents {
            let object = parent.iter().try_fold(&normal.document, |object, key| {
                object.get(key).and_then(Value::as_object)
            });
            for key in object.into_iter().flat_map(Map::keys) {
                let here: Vec<String> = parent.iter().chain([key]).cloned().collect();
                if let Some(path) = self.meant(normal, parent, &here) {
                    let at = here.iter().fold(Pointer::root(), |at, key| at.child(key));
                    found.insert(path, at);
                }
            }
        }
        found
    }

    /// Returns the absent field beside `here` that an unread `here` is probably meant to be.
    fn meant(&self, normal: &Normal, parent: &[String], here: &[String]) -> Option<Path> {
        let is_read = self.paths.contains(here)
            || self.fields.role(self.rules, here) != Role::Unread
            || [&self.fields.times, &self.fields.sets, &self.fields.integers]
                .into_iter()
                .flatten()
                .any(|pattern: &Pattern| pattern.reaches(here));
        if is_read {
            return None;
        }
        let key = here.last()?;
        self.paths
            .iter()
            .filter(|known| known.len() == here.len() && known.starts_with(parent))
            .filter_map(|known| Some((near(key, known.last()?)?, known)))
            .filter_map(|(edits, known)| Some((edits, known.join(".").parse::<Path>().ok()?)))
            .filter(|(_, path)| {
                normal.filled.as_ref() == Some(path) || path.present(&normal.document).is_none()
            })
            .min()
            .map(|(_, path)| path)
    }
}
