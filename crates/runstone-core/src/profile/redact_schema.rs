//! What a profile may say about redaction: the keys of `[redact]`, and what they must not do.
//!
//! Rules are added, never taken away: those that are always on, and those of a profile that is
//! extended, hold whatever is written above them. A rule that reaches what tells runs apart may
//! only give pseudonyms. What starts with `**` reaches everything and is meant for the rest: where
//! it meets such a field, the walk over the document gives a pseudonym instead.

use super::error::{ProfileError, ProfileFault};
use super::keys::{self, Keys};
use super::rules::{IdentityRules, StageRules};
use super::source::{self, Form, Node, Place, Table};
use crate::pointer::Pattern;
use crate::record::UNTOUCHED;
use crate::redact::{Builtin, Mode, PathRule, Redaction, Shape, ValueRule, What};

/// The table of redaction.
pub(super) const REDACT: &str = "redact";
/// Its list of what is kept.
const ALLOW_ONLY: &str = "allow_only";
/// Its lists that a profile adds to.
const ADDED: [&str; 2] = ["paths", "values"];

const MODES: [(&str, Mode); 3] = [
    ("drop", Mode::Drop),
    ("mask", Mode::Mask),
    ("pseudonym", Mode::Pseudonym),
];

/// What a profile says, before the stages were asked whether it may.
#[derive(Debug)]
pub(super) struct Redact {
    redaction: Redaction,
    path_places: Vec<Place>,
    allow_place: Place,
}

/// Reads `[redact]`.
pub(super) fn read(keys: &mut Keys) -> Result<Redact, ProfileError> {
    let mut table = keys.table(REDACT)?;
    let mut redaction = Redaction::default();
    let mut path_places = Vec::new();
    if let Some(node) = table.take("paths") {
        for item in keys::list("paths", node)? {
            path_places.push(item.place.clone());
            redaction.paths.push(path_rule(item)?);
        }
    }
    if let Some(node) = table.take("values") {
        for item in keys::list("values", node)? {
            add(&mut redaction.values, value_rule(item)?);
        }
    }
    let allow_place = table.place().clone();
    let mut redact = Redact {
        redaction,
        path_places,
        allow_place,
    };
    if let Some(node) = table.take(ALLOW_ONLY) {
        redact.allow_place = node.place.clone();
        redact.redaction.allow_only = Some(keys::paths(ALLOW_ONLY, node)?);
    }
    table.finish()?;
    Ok(redact)
}

impl Redact {
    /// Returns the rules, if no stage has anything against them.
    pub(super) fn checked<'s>(
        self,
        stages: impl Iterator<Item = &'s StageRules> + Clone,
    ) -> Result<Redaction, ProfileError> {
        for (rule, place) in self.redaction.paths.iter().zip(&self.path_places) {
            for stage in stages.clone() {
                if let Some(what) = conflated(rule, stage) {
                    let (path, mode) = (rule.path.to_string(), rule.mode);
                    let what = what.into_boxed_str();
                    let fault = ProfileFault::Conflates { path, mode, what };
                    return Err(ProfileError::at(place, fault)
                        .hint("write `mode = \"pseudonym\"`, or a narrower path"));
                }
            }
        }
        if self.redaction.allow_only.is_some() {
            for stage in stages {
                if let Some(what) = left_out(&self.redaction, stage) {
                    let fault = ProfileFault::NotAllowed { what };
                    return Err(ProfileError::at(&self.allow_place, fault)
                        .hint("add it: what is required and what makes the identity is kept"));
                }
            }
        }
        Ok(self.redaction)
    }
}

/// Lays the redaction of one profile over that of the one it extends: rules are added behind, so
/// that those below go first, and a list of what is kept may only grow narrower.
pub(super) fn lay_over(
    under: &Table,
    over: &Table,
    merged: &mut Table,
) -> Result<(), ProfileError> {
    let lists = |table: &Table, key: &str| match table.get(REDACT) {
        Some((
            _,
            Node {
                form: Form::Table(redact),
                ..
            },
        )) => match redact.get(key) {
            Some((
                _,
                Node {
                    form: Form::List(items),
                    ..
                },
            )) => Some(items.clone()),
            _ => None,
        },
        _ => None,
    };
    if let (Some(below), Some(above)) = (lists(under, ALLOW_ONLY), lists(over, ALLOW_ONLY)) {
        let below = patterns(&below);
        for item in &above {
            let Some(pattern) = patterns(std::slice::from_ref(item)).pop() else {
                continue;
            };
            if !reached(&below, &pattern) {
                let path = pattern.to_string();
                return Err(ProfileError::at(&item.place, ProfileFault::Widens { path })
                    .hint("keep what the profile below keeps, or less"));
            }
        }
    }
    for key in ADDED {
        let (Some(mut below), Some(above)) = (lists(under, key), lists(over, key)) else {
            continue;
        };
        let known: Vec<String> = below
            .iter()
            .map(|item| source::rendered(&item.form))
            .collect();
        below.extend(
            above
                .into_iter()
                .filter(|item| !known.contains(&source::rendered(&item.form))),
        );
        if let Some((
            _,
            Node {
                form: Form::Table(redact),
                ..
            },
        )) = merged.get_mut(REDACT)
            && let Some((_, node)) = redact.get_mut(key)
        {
            node.form = Form::List(below);
        }
    }
    Ok(())
}

fn path_rule(item: Node) -> Result<PathRule, ProfileError> {
    let place = item.place.clone();
    let mut keys = Keys::of("redact.paths", place, keys::table("paths", item)?);
    let node = keys.require("path")?;
    let path: Pattern = keys::path("path", &node)?;
    let mode = mode(&mut keys)?;
    keys.finish()?;
    let first = path.fixed_prefix().first();
    if let Some(field) = first.and_then(|first| UNTOUCHED.into_iter().find(|it| it == first)) {
        let fault = ProfileFault::FixedField {
            field,
            role: "redacted",
        };
        return Err(ProfileError::at(&node.place, fault).hint("name another field"));
    }
    Ok(PathRule { path, mode })
}

fn value_rule(item: Node) -> Result<ValueRule, ProfileError> {
    if let Form::Text(_) = item.form {
        let what = what(&item)?;
        let name = name_of(&what);
        let mode = Mode::Mask;
        return Ok(ValueRule { what, name, mode });
    }
    let place = item.place.clone();
    let mut keys = Keys::of("redact.values", place, keys::table("values", item)?);
    let what = what(&keys.require("pattern")?)?;
    let name = match keys.take("name") {
        Some(node) => keys::text("name", &node)?,
        None => name_of(&what),
    };
    let mode = mode(&mut keys)?;
    keys.finish()?;
    Ok(ValueRule { what, name, mode })
}

fn what(node: &Node) -> Result<What, ProfileError> {
    let text = keys::text("pattern", node)?;
    if text.starts_with("builtin:") {
        let words = Builtin::ALL.map(|rule| (rule.as_str(), rule));
        return keys::word("pattern", node, &words).map(What::Builtin);
    }
    Shape::parse(&text).map(What::Shape).map_err(|reason| {
        let fault = ProfileFault::Shape {
            pattern: text,
            reason: Box::new(reason),
        };
        ProfileError::at(&node.place, fault)
            .hint("write what every such secret begins with, such as `corp_[A-Za-z0-9]{16}`")
    })
}

fn name_of(what: &What) -> String {
    match what {
        What::Builtin(rule) => rule.as_str().to_owned(),
        What::Shape(shape) => shape.as_str().to_owned(),
    }
}

fn mode(keys: &mut Keys) -> Result<Mode, ProfileError> {
    keys.word("mode", &MODES, Mode::Mask)
}

/// Adds a rule. One that is always on gets the mode it is listed with first.
fn add(rules: &mut Vec<ValueRule>, rule: ValueRule) {
    let same = rules
        .iter_mut()
        .find(|known| known.what == rule.what && matches!(rule.what, What::Builtin(_)));
    match same {
        Some(known) if known.mode == Mode::Mask => *known = rule,
        Some(_) => {}
        None => rules.push(rule),
    }
}

/// Returns what tells runs apart, or must be there, and would be lost to a rule.
fn conflated(rule: &PathRule, stage: &StageRules) -> Option<String> {
    let reaches_all = rule.path.parts().first().is_some_and(|part| part == "**");
    if rule.mode == Mode::Pseudonym || reaches_all {
        return None;
    }
    let identity = stage.identity.patterns();
    if let Some(pattern) = identity
        .into_iter()
        .find(|pattern| rule.path.may_touch(pattern))
    {
        return Some(format!("`{pattern}` of the identity"));
    }
    let primary = primary(stage).find(|(_, pattern)| rule.path.may_touch(pattern));
    if let Some((name, _)) = primary {
        return Some(format!("the primary metric `{name}`"));
    }
    let is_lost = |keys: &[String]| {
        rule.mode == Mode::Drop && reached(std::slice::from_ref(&rule.path), &Pattern::of(keys))
    };
    let required = stage.required.iter().find(|path| is_lost(path.keys()))?;
    Some(format!("`{required}`, which is required,"))
}

/// Returns what a list of what is kept leaves out, and must not.
fn left_out(redaction: &Redaction, stage: &StageRules) -> Option<String> {
    let conditional = stage.conditions.iter();
    let required = stage
        .required
        .iter()
        .chain(conditional.flat_map(|condition| &condition.required));
    let is_free = |keys: &[String]| !UNTOUCHED.contains(&keys[0].as_str());
    let required = required
        .filter(|path| is_free(path.keys()))
        .find(|path| !redaction.allows(path.keys()))
        .map(|path| format!("`{path}`, which is required"));
    let identity = |identity: &IdentityRules| {
        identity
            .patterns()
            .find(|pattern| !redaction.allows(pattern.parts()))
            .map(|pattern| format!("`{pattern}` of the identity"))
    };
    let primary = || {
        primary(stage)
            .find(|(_, pattern)| !redaction.allows(pattern.parts()))
            .map(|(name, _)| format!("the primary metric `{name}`"))
    };
    required
        .or_else(|| identity(&stage.identity))
        .or_else(primary)
}

/// Returns the metrics by which runs of a stage are judged, and where they stand.
fn primary(stage: &StageRules) -> impl Iterator<Item = (&String, Pattern)> {
    stage.metrics.primary.iter().map(|name| {
        let keys: Vec<String> = std::iter::once("metrics")
            .chain(name.split('.'))
            .map(ToOwned::to_owned)
            .collect();
        (name, Pattern::of(&keys))
    })
}

/// Tells whether everything that `pattern` matches lies at or below a match of one of `above`.
fn reached(above: &[Pattern], pattern: &Pattern) -> bool {
    let parts = pattern.parts();
    above.iter().any(|above| above.reaches(parts))
}

/// Returns the entries that are patterns; what is none is named when it is read.
fn patterns(items: &[Node]) -> Vec<Pattern> {
    items
        .iter()
        .filter_map(|item| match &item.form {
            Form::Text(text) => text.parse().ok(),
            _ => None,
        })
        .collect()
}
