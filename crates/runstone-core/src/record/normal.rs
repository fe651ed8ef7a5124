//! The normal form of a document: other names of fields resolved, equal values spelled alike.
//!
//! Works on a copy; the caller's document is never changed. What cannot be brought into normal form
//! is a [`Problem`] and stays as it is, so that the rest is still judged. Which fields are
//! identity, factor or metric belongs to the readings that follow.

use serde_json::{Map, Value};

use super::Defaults;
use super::instant::{Instant, Zone};
use crate::canon;
use crate::id::nfc;
use crate::pointer::{Path, Pattern, Pointer, Trail, each_leaf, place_of};
use crate::problem::{Problem, ProblemKind, Warning, quoted, quoted_apart};
use crate::profile::{FieldRules, Profile, Role, StageRules};
use crate::redact::is_mark;

/// A document in normal form, and what was found on the way.
#[derive(Debug)]
pub(super) struct Normal {
    pub(super) document: Map<String, Value>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
    /// The field that the store filled, because the document left it out.
    pub(super) filled: Option<Path>,
    /// Where fields stood that came under another name.
    moved: Vec<(Path, Pointer)>,
}

impl Normal {
    /// Brings `document` into normal form. Without the rules of a stage, what depends on them is
    /// left out.
    pub(super) fn of(
        document: &Map<String, Value>,
        profile: &Profile,
        rules: Option<&StageRules>,
        defaults: &Defaults,
        reading: Reading<'_>,
    ) -> Self {
        let mut form = Form {
            fields: &profile.fields,
            rules,
            reading,
            problems: vec![],
            warnings: vec![],
        };
        let mut document = document.clone();
        form.plain_members(&Trail::Root, &mut document);
        let moved = form.resolve_aliases(&mut document);
        let filled = fill_experiment(&mut document, profile, defaults);
        form.top_members(&mut document);
        let mut normal = Self {
            document,
            problems: form.problems,
            warnings: form.warnings,
            filled,
            moved,
        };
        for problem in &mut normal.problems {
            problem.pointer = original(&normal.moved, &problem.pointer);
        }
        for warning in &mut normal.warnings {
            warning.pointer = warning
                .pointer
                .as_ref()
                .map(|pointer| original(&normal.moved, pointer));
        }
        normal
    }

    /// Returns the document without the nulls that mean the same as nothing: those of identity and
    /// metrics.
    pub(super) fn into_content(
        self,
        fields: &FieldRules,
        rules: &StageRules,
    ) -> Map<String, Value> {
        let mut content = self.document;
        let mut silent = Vec::new();
        each_leaf(&content, &|_| false, &mut |keys, value| {
            let says_nothing = || {
                let role = fields.role(rules, keys);
                matches!(role, Role::Identity { .. } | Role::Fixed(_))
            };
            if value.is_null() && says_nothing() {
                silent.extend(Path::of(keys));
            }
        });
        for path in silent {
            path.remove(&mut content);
        }
        content
    }

    /// Returns where a value of this form stands in the caller's document.
    pub(super) fn original_of(&self, value: &Value) -> Pointer {
        self.original(&place_of(&self.document, value).unwrap_or_default())
    }

    /// Returns where the field at `pointer` stands in the caller's document.
    pub(super) fn original(&self, pointer: &Pointer) -> Pointer {
        original(&self.moved, pointer)
    }
}

/// How a document is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading<'r> {
    /// As handed in.
    First,
    /// As kept: what stands for a secret at one of these places is no value to be checked or
    /// spelled.
    Again {
        /// The places.
        redacted: &'r [Pointer],
    },
}

impl Reading<'_> {
    /// Tells whether a text stands for a secret.
    fn is_secret(self, text: &str) -> bool {
        matches!(self, Self::Again { redacted } if !redacted.is_empty()) && is_mark(text)
    }
}

/// Returns a value at a field in the form in which values there are compared.
pub(super) fn spelled(fields: &FieldRules, field: &[String], value: &Value) -> Value {
    let mut form = Form {
        fields,
        rules: None,
        reading: Reading::First,
        problems: vec![],
        warnings: vec![],
    };
    let mut plain = value.clone();
    // What is wrong with it is told elsewhere, so that its place is not asked for.
    form.plain(&Trail::Root, &mut plain);
    let mut at = field.iter().fold(Pointer::root(), |at, key| at.child(key));
    form.value(&mut at, plain)
}

/// Returns the problem of a value that is no whole number.
pub(super) fn not_whole(pointer: Pointer, value: &Value) -> Problem {
    let text = format!("is {}, a whole number is wanted", quoted(value));
    Problem::new(ProblemKind::NotWhole, pointer, text)
}

/// Tells whether a number has no fraction.
pub(super) fn is_whole(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn original(moved: &[(Path, Pointer)], pointer: &Pointer) -> Pointer {
    let found = moved
        .iter()
        .find(|(target, _)| pointer.keys().starts_with(target.keys()));
    match found {
        Some((target, from)) => pointer.keys()[target.keys().len()..]
            .iter()
            .fold(from.clone(), |at, key| at.child(key)),
        None => pointer.clone(),
    }
}

/// Puts the store's experiment where the document has none, and returns the field it filled. Where
/// something other than an object is in the way, the document has the say.
fn fill_experiment(
    document: &mut Map<String, Value>,
    profile: &Profile,
    defaults: &Defaults,
) -> Option<Path> {
    let rule = &profile.fields.experiment;
    if !rule.from_store || rule.path.present(document).is_some() {
        return None;
    }
    let experiment = Value::String(nfc(&defaults.experiment));
    rule.path
        .insert(document, experiment)
        .ok()
        .map(|()| rule.path.clone())
}

/// The rules by which values are spelled, and what was found while spelling them.
struct Form<'p> {
    fields: &'p FieldRules,
    rules: Option<&'p StageRules>,
    reading: Reading<'p>,
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
}

impl Form<'_> {
    /// Brings the keys of `members` into NFC and their numbers into their one form.
    fn plain_members(&mut self, at: &Trail<'_>, members: &mut Map<String, Value>) {
        if members.keys().all(|key| key.is_ascii()) {
            for (key, value) in members {
                self.plain(&Trail::Name(at, key), value);
            }
            return;
        }
        for (key, mut value) in std::mem::take(members) {
            let here = Trail::Name(at, &key);
            self.plain(&here, &mut value);
            if members.insert(nfc(&key), value).is_some() {
                let text = format!("is the same key as `{}`", at.pointer().child(nfc(&key)));
                self.problems
                    .push(Problem::new(ProblemKind::Collision, here.pointer(), text));
            }
        }
    }

    fn plain(&mut self, at: &Trail<'_>, value: &mut Value) {
        match value {
            Value::Object(members) => self.plain_members(at, members),
            Value::Array(items) => {
                for (position, item) in items.iter_mut().enumerate() {
                    self.plain(&Trail::Position(at, position), item);
                }
            }
            Value::Number(number) => {
                let is_exact = |nearest: &f64| {
                    number.is_f64()
                        || nearest.abs() < canon::WHOLE_MAX
                        || format!("{nearest:.0}") == number.to_string()
                };
                if let Some(settled) = number.as_f64().filter(is_exact).and_then(canon::number) {
                    *number = settled;
                    return;
                }
                let text = "is not exactly a binary64 number".to_owned();
                let problem = Problem::new(ProblemKind::NotExact, at.pointer(), text);
                self.problems.push(problem.hint("send it as text"));
            }
            Value::String(text) if !text.is_ascii() => *text = nfc(text),
            Value::String(_) | Value::Bool(_) | Value::Null => {}
        }
    }

    /// Moves every field to the name it is read by, and returns where the moved ones stood.
    fn resolve_aliases(&mut self, document: &mut Map<String, Value>) -> Vec<(Path, Pointer)> {
        let mut moved = Vec::new();
        for (alias, target) in &self.fields.aliases {
            let Some(value) = alias.find(document).cloned() else {
                continue;
            };
            match target.present(document).cloned() {
                None if value.is_null() && target.find(document).is_some() => {}
                None => {
                    if let Err(at) = target.insert(document, value) {
                        let text = format!("stands for `{target}`, but `{at}` is no object");
                        let kind = ProblemKind::Contradiction;
                        self.problems
                            .push(Problem::new(kind, alias.pointer(), text));
                        continue;
                    }
                    moved.push((target.clone(), alias.pointer()));
                }
                Some(_) if value.is_null() => {}
                Some(stated) if self.equal_at(target, &stated, &value) => {}
                Some(stated) => {
                    let (value, stated) = quoted_apart(&value, &stated);
                    let text = format!(
                        "is {value}, `{}` is {stated}, and both mean `{target}`",
                        original(&moved, &target.pointer()),
                    );
                    let kind = ProblemKind::Contradiction;
                    let problem = Problem::new(kind, alias.pointer(), text);
                    self.problems.push(problem.hint("keep one of the two"));
                }
            }
            alias.remove(document);
        }
        moved
    }

    /// Tells whether two values are equal once they stand, in normal form, at one place.
    fn equal_at(&self, place: &Path, a: &Value, b: &Value) -> bool {
        let mut scratch = Form {
            fields: self.fields,
            rules: None,
            reading: self.reading,
            problems: vec![],
            warnings: vec![],
        };
        let mut at = place.pointer();
        scratch.value(&mut at, a.clone()) == scratch.value(&mut at, b.clone())
    }

    /// Spells the values of a document, without a walk over what no rule looks into.
    fn top_members(&mut self, members: &mut Map<String, Value>) {
        for (key, value) in members {
            if self.fields.may_respell(key) {
                let mut at = Pointer::root().child(key);
                *value = self.value(&mut at, value.take());
            }
        }
    }

    fn members(&mut self, at: &mut Pointer, mut members: Map<String, Value>) -> Map<String, Value> {
        for (key, value) in &mut members {
            *value = at.below(key, |here| self.value(here, value.take()));
        }
        members
    }

    /// Returns the value at a place as equal values are spelled there.
    fn value(&mut self, at: &mut Pointer, value: Value) -> Value {
        let fields = self.fields;
        let reading = self.reading;
        let stands_for_secret = |text: &str| reading.is_secret(text);
        if value.as_str().is_some_and(stands_for_secret) {
            return value;
        }
        let respelled = |value: Value, change: &dyn Fn(String) -> String| {
            each_text(value, &|text| {
                if stands_for_secret(&text) {
                    text
                } else {
                    change(text)
                }
            })
        };
        let is = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(at.keys()));
        let mut value = if is(&fields.tagged) {
            untagged(value)
        } else {
            value
        };
        if is(&fields.times) || is_clock(at) {
            value = self.instant(at, value);
        }
        if is(&fields.upper) {
            value = respelled(value, &|text| nfc(&text.to_uppercase()));
        }
        let aliases = fields
            .value_aliases
            .iter()
            .find(|(path, _)| path.keys() == at.keys());
        if let Some((_, aliases)) = aliases {
            value = respelled(value, &|text| aliases.get(&text).cloned().unwrap_or(text));
        }
        if is(&fields.sets) {
            value = as_set(value);
        }
        if is(&fields.integers) && !value.is_null() && !is_whole(&value) {
            self.problems.push(not_whole(at.clone(), &value));
        }
        self.check_allowed(at, &value);
        match value {
            Value::Object(members) => Value::Object(self.members(at, members)),
            other => other,
        }
    }

    fn instant(&mut self, at: &Pointer, value: Value) -> Value {
        if value.is_null() {
            return value;
        }
        let Some(instant) = value.as_str().and_then(Instant::parse) else {
            let text = format!("is {}, an instant is wanted", quoted(&value));
            let problem = Problem::new(ProblemKind::NotATime, at.clone(), text);
            self.problems
                .push(problem.hint("write it like `2026-11-20T10:15:00Z`"));
            return value;
        };
        let is_identity = self.rules.is_some_and(|rules| {
            matches!(self.fields.role(rules, at.keys()), Role::Identity { .. })
        });
        if instant.zone == Zone::Assumed && is_identity {
            let text = format!("states no zone, read as UTC: {}", instant.utc);
            self.warnings.push(Warning {
                pointer: Some(at.clone()),
                text,
            });
        }
        Value::String(instant.utc)
    }

    fn check_allowed(&mut self, at: &Pointer, value: &Value) {
        let allowed = self
            .fields
            .allowed
            .iter()
            .find(|(path, _)| path.keys() == at.keys());
        let Some((_, allowed)) = allowed else { return };
        if value.is_null()
            || value
                .as_str()
                .is_some_and(|text| allowed.iter().any(|it| it == text))
        {
            return;
        }
        let text = format!("is {}", quoted(value));
        let problem = Problem::new(ProblemKind::NotAllowed, at.clone(), text);
        self.problems
            .push(problem.hint(format!("write one of {}", allowed.join(", "))));
    }
}

impl FieldRules {
    /// Tells whether a value at or below a member of a document may be spelled otherwise than it
    /// comes, or be refused for its spelling.
    fn may_respell(&self, name: &str) -> bool {
        let patterns = [
            &self.tagged,
            &self.times,
            &self.upper,
            &self.sets,
            &self.integers,
        ];
        let mut patterns = patterns.into_iter().flatten();
        let mut paths = self.value_aliases.keys().chain(self.allowed.keys());
        CLOCKS.contains(&name)
            || patterns.any(|pattern| pattern.may_lie_in(name))
            || paths.any(|path| path.keys().first().is_some_and(|first| first == name))
    }
}

/// The clocks of the run itself, which every profile reads as instants.
const CLOCKS: [&str; 2] = ["started_at", "finished_at"];

fn is_clock(at: &Pointer) -> bool {
    matches!(at.keys(), [key] if CLOCKS.contains(&key.as_str()))
}

/// Returns what a tagged value is compared by: its kind and value; a `scalar` is its value.
fn untagged(value: Value) -> Value {
    let Value::Object(mut members) = value else {
        return value;
    };
    let Some(Value::String(kind)) = members.get("kind").cloned() else {
        return Value::Object(members);
    };
    let inner = members.remove("value").filter(|inner| !inner.is_null());
    match inner {
        inner if kind == "scalar" => inner.unwrap_or_default(),
        inner => {
            let tag = ("kind".to_owned(), Value::String(kind));
            let inner = inner.map(|inner| ("value".to_owned(), inner));
            Value::Object(std::iter::once(tag).chain(inner).collect())
        }
    }
}

/// Returns a text, or a list with its texts, changed by `change`.
fn each_text(value: Value, change: &dyn Fn(String) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => items
            .into_iter()
            .map(|item| each_text(item, change))
            .collect(),
        other => other,
    }
}

/// Returns a list in its one order, each element once.
fn as_set(value: Value) -> Value {
    let Value::Array(mut items) = value else {
        return value;
    };
    items.sort_by_cached_key(canon::bytes);
    items.dedup();
    Value::Array(items)
}
