//! Redacting a legal run, and reading it again without its secrets.
//!
//! The document is checked as handed in, loses its secrets, and is read once more: identity,
//! factors, metrics and everything else are then what the redacted document says, so whoever reads
//! the snapshot years later comes to the same. Nothing of a secret can be left over, since nothing
//! of the first reading is kept. What a secret is, is decided in [`crate::redact`].

use serde_json::{Map, Value};

use super::normal::{Reading, spelled};
use super::{Defaults, RunRecord};
use crate::pattern;
use crate::pointer::Pointer;
use crate::problem::{Problem, ProblemKind, Refused, Warning};
use crate::profile::{FieldRules, Policy, Profile, Role, StageRules};
use crate::redact::{
    Anywhere, Builtin, Change, Guard, Mode, Places, PseudonymKey, Redacted, Redaction, Walked,
};

/// The member of a payload that holds the document, as a pointer.
const DOCUMENT: &str = "/document";
/// Redactions that a warning names one by one.
const NAMED_MAX: usize = 5;
/// Fields that are what they are: no rule changes them.
pub(crate) const UNTOUCHED: [&str; 7] = [
    "run_id",
    "stage",
    "attempt",
    "status",
    "candidate",
    "started_at",
    "finished_at",
];

/// What became of a run that was to be redacted.
pub(crate) enum Redacting {
    /// Its secrets are gone; these are told.
    Done(Box<RunRecord>, Vec<Redacted>),
    /// It needs a pseudonym, and there is no key.
    NeedsKey(Box<RunRecord>),
}

impl RunRecord {
    /// Takes the secrets out of the run, by the profile it was read by.
    pub(crate) fn redact(
        mut self,
        profile: &Profile,
        rules: &StageRules,
        key: Option<&PseudonymKey>,
    ) -> Result<Redacting, Refused> {
        let redaction = &profile.redaction;
        let places = DocumentPlaces {
            fields: &profile.fields,
            rules,
        };
        let mut document = std::mem::take(&mut self.document);
        // A rule for the experiment counts for that of the store too: both mean the same.
        let filled = self
            .filled
            .as_ref()
            .filter(|path| redaction.path_rule(path.keys()).is_some())
            .filter(|path| {
                let experiment = Value::from(self.defaults.experiment.clone());
                path.insert(&mut document, experiment).is_ok()
            });
        let whole = Value::Object(document);
        let Walked {
            change,
            mut redacted,
            lacks_key,
        } = redaction.walk(DOCUMENT, &[], &whole, &places, key);
        let Value::Object(mut whole) = whole else {
            unreachable!("made of an object just above")
        };
        if lacks_key {
            if let Some(path) = filled {
                path.remove(&mut whole);
            }
            self.document = whole;
            return Ok(Redacting::NeedsKey(Box::new(self)));
        }
        if change == Change::Kept && redacted.is_empty() {
            self.document = whole;
            return Ok(Redacting::Done(Box::new(self), redacted));
        }
        redacted.sort();
        redacted.dedup();
        let left = match change {
            Change::New(Value::Object(left)) => left,
            _ => whole,
        };
        let mut again = Self::again(left, &redacted, profile, &self.defaults)?;
        again.warnings.extend(unasked(&redacted));
        Ok(Redacting::Done(Box::new(again), redacted))
    }

    /// Reads a document again as it is kept, with what was redacted in it.
    ///
    /// # Errors
    /// [`Refused`] with what is wrong elsewhere.
    pub(crate) fn again(
        document: Map<String, Value>,
        redacted: &[Redacted],
        profile: &Profile,
        defaults: &Defaults,
    ) -> Result<Self, Refused> {
        let places: Vec<Pointer> = redacted
            .iter()
            .filter_map(|redacted| redacted.path.strip_prefix(DOCUMENT)?.parse().ok())
            .collect();
        Self::read(
            document,
            profile,
            defaults,
            Reading::Again { redacted: &places },
        )
    }
}

/// Returns a document without its secrets that cannot be recorded as it is: what a recording would
/// leave out, mask or give a pseudonym is left out, masked or given one, so that two documents that
/// differ still do. What no recording changes, and must therefore hold no secret, is masked.
/// Nothing, if it needs a pseudonym and no key was given.
///
/// Doing it again changes nothing.
pub fn without_secrets(
    document: &Map<String, Value>,
    profile: &Profile,
    key: Option<&PseudonymKey>,
) -> Option<Map<String, Value>> {
    let fields = &profile.fields;
    let stage = document.get("stage").and_then(Value::as_str);
    let known = stage.and_then(|stage| profile.stage(stage).ok());
    let known = known.map(|(_, rules)| DocumentPlaces { fields, rules });
    let unknown = AnyStagePlaces(fields);
    let places: &dyn Places = known.as_ref().map_or(&unknown, |places| places);
    let whole = Value::Object(document.clone());
    let walked = profile.redaction.walk("", &[], &whole, places, key);
    if walked.lacks_key {
        return None;
    }
    let Value::Object(mut left) = walked.change.of(whole) else {
        return Some(Map::new());
    };
    let masking = profile.redaction.masking();
    for (name, value) in &mut left {
        if places.guard(std::slice::from_ref(name)) == Guard::Untouched {
            let walked = masking.walk("", &[name], value, &Anywhere, None);
            let masked = walked.change.of(value.take());
            *value = masked;
        }
    }
    Some(left)
}

/// Says what the rules took out that are always on: the profile did not ask for it by name.
fn unasked(redacted: &[Redacted]) -> Option<Warning> {
    let is_unasked = |it: &&Redacted| {
        let rule = Builtin::from_word(&it.rule);
        rule.is_some_and(|rule| Builtin::ALWAYS.contains(&rule))
    };
    let found: Vec<&Redacted> = redacted.iter().filter(is_unasked).collect();
    let named: Vec<String> = found
        .iter()
        .take(NAMED_MAX)
        .map(|it| {
            let place = it.path.strip_prefix(DOCUMENT).unwrap_or(&it.path);
            format!("`{place}` ({}, {})", it.mode, it.rule)
        })
        .collect();
    let more = match found.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" (+{more} more)"),
    };
    (!found.is_empty()).then(|| Warning {
        pointer: None,
        text: format!("redacted: {}{more}", named.join(", ")),
    })
}

/// Returns what would be redacted in a document: where, how and by which rule.
pub(crate) fn would_redact(
    document: &Map<String, Value>,
    profile: &Profile,
    rules: &StageRules,
) -> Vec<(Pointer, Mode, String)> {
    // Nothing of this key is kept or shown: it only lets a pseudonym be told from a mask.
    let key = PseudonymKey::new([0; 32], "");
    let places = DocumentPlaces {
        fields: &profile.fields,
        rules,
    };
    let document = Value::Object(document.clone());
    let walked = profile
        .redaction
        .walk("", &[], &document, &places, Some(&key));
    let redacted = walked.redacted.into_iter();
    redacted
        .filter_map(|it| Some((it.path.parse().ok()?, it.mode, it.rule)))
        .collect()
}

/// What the places of a run document mean.
struct DocumentPlaces<'p> {
    fields: &'p FieldRules,
    rules: &'p StageRules,
}

impl Places for DocumentPlaces<'_> {
    fn guard(&self, keys: &[String]) -> Guard {
        let read_as = self.read_as(keys);
        let keys = read_as.as_deref().unwrap_or(keys);
        let is_artifact =
            matches!(keys, [first, _, last] if first == "artifacts" && last == "path");
        match self.fields.role(self.rules, keys) {
            Role::Environment => Guard::Untouched,
            Role::Fixed(field) if UNTOUCHED.contains(&field) => Guard::Untouched,
            Role::Fixed("sweep") | Role::Identity { .. } => Guard::Pseudonym,
            Role::Factor { .. } if self.rules.policy == Policy::Exact => Guard::Pseudonym,
            Role::Fixed("metrics") if self.decides(&keys[1..].join(".")) => Guard::Pseudonym,
            _ if is_artifact => Guard::StaysWithin,
            _ if self.rules.required.iter().any(|path| path.keys() == keys) => Guard::Stays,
            _ => Guard::Free,
        }
    }

    fn read_as(&self, keys: &[String]) -> Option<Vec<String>> {
        read_as(self.fields, keys)
    }

    fn spelled(&self, field: &[String], value: &Value) -> Value {
        let read_as = self.read_as(field);
        spelled(self.fields, read_as.as_deref().unwrap_or(field), value)
    }

    fn is_untouched(&self, name: &str) -> bool {
        UNTOUCHED.contains(&name)
    }

    fn is_whole(&self, keys: &[String]) -> bool {
        let read_as = self.read_as(keys);
        let keys = read_as.as_deref().unwrap_or(keys);
        let mut tagged = self.fields.tagged.iter();
        tagged.any(|pattern| pattern.matches(keys))
    }
}

impl DocumentPlaces<'_> {
    /// Tells whether a metric is one by which runs are judged.
    fn decides(&self, metric: &str) -> bool {
        let primary = &self.rules.metrics.primary;
        primary.iter().any(|name| pattern::same_name(name, metric))
    }
}

/// Places by name alone, before the stage of a document is known.
struct NamedPlaces<'p>(&'p FieldRules);

impl Places for NamedPlaces<'_> {
    fn guard(&self, _: &[String]) -> Guard {
        Guard::Free
    }
    fn read_as(&self, keys: &[String]) -> Option<Vec<String>> {
        read_as(self.0, keys)
    }
    fn spelled(&self, _: &[String], value: &Value) -> Value {
        value.clone()
    }
    fn is_untouched(&self, name: &str) -> bool {
        UNTOUCHED.contains(&name)
    }
    fn is_whole(&self, _: &[String]) -> bool {
        false
    }
}

/// Places of a document whose stage is not known: each may tell runs apart.
struct AnyStagePlaces<'p>(&'p FieldRules);

impl Places for AnyStagePlaces<'_> {
    fn guard(&self, keys: &[String]) -> Guard {
        match keys.first() {
            Some(name) if self.is_untouched(name) => Guard::Untouched,
            _ => Guard::Pseudonym,
        }
    }
    fn read_as(&self, keys: &[String]) -> Option<Vec<String>> {
        read_as(self.0, keys)
    }
    fn spelled(&self, field: &[String], value: &Value) -> Value {
        let read_as = self.read_as(field);
        spelled(self.0, read_as.as_deref().unwrap_or(field), value)
    }
    fn is_untouched(&self, name: &str) -> bool {
        UNTOUCHED.contains(&name)
    }
    fn is_whole(&self, _: &[String]) -> bool {
        false
    }
}

fn read_as(fields: &FieldRules, keys: &[String]) -> Option<Vec<String>> {
    let mut aliases = fields.aliases.iter();
    let (alias, target) = aliases.find(|(alias, _)| keys.starts_with(alias.keys()))?;
    let below = &keys[alias.keys().len()..];
    Some(target.keys().iter().chain(below).cloned().collect())
}

/// Returns the problems of a document without anything that is redacted.
pub(crate) fn concealed(
    problems: Vec<Problem>,
    document: &Map<String, Value>,
    profile: &Profile,
) -> Vec<Problem> {
    let places = NamedPlaces(&profile.fields);
    problems
        .into_iter()
        .map(|problem| profile.redaction.conceal(problem, document, &places))
        .collect()
}

/// Returns what is wrong with the names that a run is found by: they stay as they are, so they must
/// hold no secret.
pub(super) fn secret_names(document: &Map<String, Value>, redaction: &Redaction) -> Vec<Problem> {
    let find = |name: &str| {
        let text = document.get(name)?.as_str()?;
        let rule = redaction.rule_hit(text)?;
        let at = Pointer::root().child(name);
        let text = format!("holds what `{rule}` redacts, and it is never redacted itself");
        let problem = Problem::new(ProblemKind::Secret, at, text);
        Some(problem.hint(format!("choose a `{name}` without the secret")))
    };
    ["run_id", "stage"].into_iter().filter_map(find).collect()
}

/// Tells whether a problem lies at, above or below one of the places.
pub(super) fn is_about(problem: &Problem, places: &[Pointer]) -> bool {
    let keys = problem.pointer.keys();
    places.iter().any(|place| {
        keys.starts_with(place.keys()) || (!keys.is_empty() && place.keys().starts_with(keys))
    })
}
