//! What must be there, what must not, and fields that look misspelt.
//!
//! Missing and null are told apart and all of it is reported. A field that nothing reads, beside a
//! place where a field is wanted and absent, and at most two edits away from its name, is probably
//! that field: the hint says so for a required one, a warning for any other.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::normal::Normal;
use crate::pointer::{Path, Pointer};
use crate::problem::{Problem, ProblemKind, Warning, quoted};
use crate::profile::{FieldRules, KnownFields, Profile, Role, StageRules};
use crate::spelling::near;

/// Returns the fields that every stage of a profile requires.
fn by_every_stage(profile: &Profile) -> Vec<Path> {
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
    profile: &Profile,
    rules: Option<&StageRules>,
) -> (Vec<Problem>, Vec<Warning>) {
    let required = match rules {
        Some(rules) => Cow::Borrowed(&rules.required),
        None => Cow::Owned(by_every_stage(profile)),
    };
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
    let fields = &profile.fields;
    let mut misspelt = match rules {
        Some(rules) => misspelt(normal, fields, rules, rules.known()),
        // Where the stage is unknown, any stage tells which fields look misspelt: `stage` itself
        // may be.
        None => profile
            .default
            .as_ref()
            .or(profile.stages.values().next())
            .map(|any| {
                misspelt(
                    normal,
                    fields,
                    any,
                    &KnownFields::of(fields, any, &required),
                )
            })
            .unwrap_or_default(),
    };
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

/// Returns the absent fields for which another one stands that nothing reads.
fn misspelt(
    normal: &Normal,
    fields: &FieldRules,
    rules: &StageRules,
    known: &KnownFields,
) -> BTreeMap<Path, Pointer> {
    let mut found = BTreeMap::new();
    for (above, names) in known.objects() {
        let object = above.iter().try_fold(&normal.document, |object, key| {
            object.get(key).and_then(Value::as_object)
        });
        let unnamed = object
            .into_iter()
            .flat_map(Map::keys)
            .filter(|key| !names.contains(*key));
        for key in unnamed {
            let here: Vec<&str> = above.iter().chain([key]).map(String::as_str).collect();
            if is_read(fields, rules, &here) {
                continue;
            }
            if let Some(path) = meant(normal, above, names, key) {
                let at = here.iter().fold(Pointer::root(), |at, key| at.child(key));
                found.insert(path, at);
            }
        }
    }
    found
}

/// Tells whether a field without a name of its own is read.
fn is_read(fields: &FieldRules, rules: &StageRules, here: &[&str]) -> bool {
    fields.role(rules, here) != Role::Unread
        || [&fields.times, &fields.sets, &fields.integers]
            .into_iter()
            .flatten()
            .any(|pattern| pattern.reaches(here))
}

/// Returns the absent field, of those with these names, that an unread one beside them is probably
/// meant to be.
fn meant(normal: &Normal, above: &[String], names: &BTreeSet<String>, key: &str) -> Option<Path> {
    names
        .iter()
        .filter_map(|name| Some((near(key, name)?, name)))
        .filter_map(|(edits, name)| {
            let keys: Vec<&str> = above.iter().chain([name]).map(String::as_str).collect();
            Some((edits, keys.join(".").parse::<Path>().ok()?))
        })
        .filter(|(_, path)| {
            normal.filled.as_ref() == Some(path) || path.present(&normal.document).is_none()
        })
        .min()
        .map(|(_, path)| path)
}
