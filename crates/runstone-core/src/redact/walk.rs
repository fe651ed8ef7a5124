//! A value without its secrets: one walk over it, which copies only what changes.
//!
//! At each place the path rules decide first, then the name of the field, then what stands in the
//! text. Names of fields can be secrets too. A place that tells runs apart may only get a
//! pseudonym, whatever a rule says, since a mask would make different runs equal: what a place is
//! comes in as [`Places`]. The invariant: every change is told, by place, mode and rule, and no
//! value is.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::builtin::Builtin;
use super::inline;
use super::mark::{MASK, is_mark};
use super::places::{Anywhere, Change, Guard, Places};
use super::pseudonym::PseudonymKey;
use super::rules::{Mode, Redacted, Redaction, What};
use super::secret_name::Says;
use super::text::{Hit, replaced};
use crate::id::nfc;
use crate::pointer::Pointer;

/// What a walk came to.
#[derive(Debug)]
pub(crate) struct Walked {
    /// What became of the value.
    pub(crate) change: Change,
    /// What was redacted, in no order.
    pub(crate) redacted: Vec<Redacted>,
    /// Whether a pseudonym was wanted and there was no key: then something was left in the clear.
    pub(crate) lacks_key: bool,
}

impl Redaction {
    /// Walks over `value`, which stands at `at` and is called so in what is told; `keys` are the
    /// names of its place for path rules.
    pub(crate) fn walk<'v>(
        &self,
        at: &str,
        keys: &[&'v str],
        value: &'v Value,
        places: &dyn Places,
        key: Option<&PseudonymKey>,
    ) -> Walked {
        let mut walk = Walk {
            redaction: self,
            places,
            key,
            at,
            ruled: 0,
            by_path: !self.paths.is_empty() || self.allow_only.is_some(),
            steps: keys.iter().map(|key| Step::Name(key)).collect(),
            shown: Vec::new(),
            redacted: Vec::new(),
            lacks_key: false,
        };
        let change = walk.value(value, None);
        Walked {
            change,
            redacted: walk.redacted,
            lacks_key: walk.lacks_key,
        }
    }

    /// Returns `value` with every secret masked, whatever its rule says: for what is kept or shown
    /// outside a snapshot. Path rules are those of a document.
    pub fn value(&self, value: &Value) -> Value {
        let masking = self.masking();
        let change = masking.walk("", &[], value, &Anywhere, None).change;
        change.of(value.clone())
    }

    /// Returns `value`, captured beside a document as its `name`, without its secrets. It tells no
    /// runs apart, so that what lacks a key for a pseudonym is masked.
    pub fn captured(&self, name: &str, value: Value, key: Option<&PseudonymKey>) -> Value {
        self.changed(name, &value, key).unwrap_or(value)
    }

    /// Returns what [`Redaction::captured`] makes of `value`. `None`: it has no secrets.
    pub fn changed(&self, name: &str, value: &Value, key: Option<&PseudonymKey>) -> Option<Value> {
        let masking = key.is_none().then(|| self.masking());
        let redaction = masking.as_ref().unwrap_or(self);
        match redaction.walk("", &[name], value, &Anywhere, key).change {
            Change::Kept => None,
            Change::Gone => Some(Value::Null),
            Change::New(left) => Some(left),
        }
    }

    /// Returns the same rules with a mask for every pseudonym: they need no key.
    pub(crate) fn masking(&self) -> Self {
        let mut masking = self.clone();
        let paths = masking.paths.iter_mut().map(|rule| &mut rule.mode);
        let values = masking.values.iter_mut().map(|rule| &mut rule.mode);
        for mode in paths.chain(values).filter(|mode| **mode == Mode::Pseudonym) {
            *mode = Mode::Mask;
        }
        masking
    }
}

/// One step down from the root.
#[derive(Debug, Clone, Copy)]
enum Step<'v> {
    Name(&'v str),
    Position(usize),
}

struct Walk<'r, 'v> {
    redaction: &'r Redaction,
    places: &'r dyn Places,
    key: Option<&'r PseudonymKey>,
    at: &'r str,
    by_path: bool,
    /// How deep the place lies that the rule named which is being applied.
    ruled: usize,
    steps: Vec<Step<'v>>,
    /// The names from where the walk began, without their secrets.
    shown: Vec<Cow<'v, str>>,
    redacted: Vec<Redacted>,
    lacks_key: bool,
}

impl<'v> Walk<'_, 'v> {
    /// Redacts a value; `says` is what a name above it says of it.
    fn value(&mut self, value: &'v Value, says: Option<Says>) -> Change {
        if self.by_path
            && let Some(change) = self.by_path(value)
        {
            return change;
        }
        match value {
            Value::Object(members) => {
                self.members(members, says, &|walk, value, says| walk.value(value, says))
            }
            Value::Array(items) => {
                self.items(items, says, &|walk, value, says| walk.value(value, says))
            }
            Value::String(text) => self.text(value, text, says),
            Value::Number(_) => self.number(value),
            Value::Null | Value::Bool(_) => Change::Kept,
        }
    }

    /// Lets the path rules decide; nothing if none has a say here.
    fn by_path(&mut self, value: &'v Value) -> Option<Change> {
        let keys = self.keys();
        if keys.is_empty() || self.places.guard(&keys) == Guard::Untouched {
            return None;
        }
        let read_as = self.places.read_as(&keys);
        let redaction = self.redaction;
        let rule = redaction.paths.iter().find(|rule| {
            rule.path.matches(&keys) || read_as.as_ref().is_some_and(|keys| rule.path.matches(keys))
        });
        self.ruled = self.shown.len();
        if let Some(rule) = rule {
            return Some(self.apply(value, rule.mode, &rule.path.to_string()));
        }
        let is_leaf = match value {
            Value::Object(members) => members.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => true,
        };
        let is_allowed =
            redaction.allows(&keys) || read_as.is_some_and(|keys| redaction.allows(&keys));
        (is_leaf && !is_allowed).then(|| self.apply(value, Mode::Drop, ALLOW_ONLY))
    }

    /// Applies a mode to everything at and below a place.
    fn apply(&mut self, value: &'v Value, mode: Mode, rule: &str) -> Change {
        let is_whole = || self.places.is_whole(&self.keys());
        match value {
            Value::Object(members) if !members.is_empty() && !is_whole() => {
                self.below(mode, rule, |walk| {
                    walk.members(members, None, &|walk, value, _| {
                        walk.apply(value, mode, rule)
                    })
                })
            }
            Value::Array(items) if !items.is_empty() => self.below(mode, rule, |walk| {
                walk.items(items, None, &|walk, value, _| walk.apply(value, mode, rule))
            }),
            leaf => self.leaf(leaf, mode, rule),
        }
    }

    /// Tells of a place that went with everything below it once, and not leaf by leaf.
    fn below(&mut self, mode: Mode, rule: &str, apply: impl FnOnce(&mut Self) -> Change) -> Change {
        let told = self.redacted.len();
        let change = apply(self);
        if matches!(change, Change::Gone) {
            self.redacted.truncate(told);
            self.tell(mode, rule);
        }
        change
    }

    fn leaf(&mut self, value: &Value, mode: Mode, rule: &str) -> Change {
        let mode = match (self.guard(), mode) {
            (Guard::Untouched, _) => return Change::Kept,
            (Guard::Pseudonym, _) => Mode::Pseudonym,
            (Guard::Stays, Mode::Drop) => Mode::Mask,
            // A list of what is kept names no leaf: it takes whole things away.
            (Guard::StaysWithin, Mode::Drop)
                if self.ruled == self.shown.len() && rule != ALLOW_ONLY =>
            {
                Mode::Mask
            }
            (_, mode) => mode,
        };
        match mode {
            Mode::Drop => {
                self.tell(mode, rule);
                Change::Gone
            }
            // Nothing is hidden by hiding that there is nothing.
            _ if value.is_null() => Change::Kept,
            _ if value.as_str().is_some_and(is_mark) => {
                self.tell(mode, rule);
                Change::Kept
            }
            Mode::Mask => {
                self.tell(mode, rule);
                Change::New(Value::from(MASK))
            }
            Mode::Pseudonym => {
                let spelled = self.spelled(value);
                match self.pseudonym(&spelled) {
                    Some(pseudonym) => {
                        self.tell(mode, rule);
                        Change::New(Value::from(pseudonym))
                    }
                    None => Change::Kept,
                }
            }
        }
    }

    fn members(
        &mut self,
        members: &'v Map<String, Value>,
        says: Option<Says>,
        redact: &dyn Fn(&mut Self, &'v Value, Option<Says>) -> Change,
    ) -> Change {
        let mut new: Option<Map<String, Value>> = None;
        let of_value = named_beside(members);
        for (position, (name, value)) in members.iter().enumerate() {
            if self.shown.is_empty() && self.places.is_untouched(name) {
                if let Some(new) = &mut new {
                    new.insert(name.clone(), value.clone());
                }
                continue;
            }
            self.steps.push(Step::Name(name));
            let (renamed, told) = self.name(name);
            let renamed = renamed.map(|name| free_name(name, members, new.as_ref()));
            self.shown.push(match &renamed {
                Some(renamed) => Cow::Owned(renamed.clone()),
                None => Cow::Borrowed(name),
            });
            for (mode, rule) in told {
                self.tell(mode, &rule);
            }
            let below = says
                .filter(|says| *says == Says::Secret)
                .or_else(|| Says::of(name))
                .or_else(|| of_value.filter(|_| name.eq_ignore_ascii_case(VALUE)));
            let change = redact(self, value, below);
            self.shown.pop();
            self.steps.pop();
            if renamed.is_none() && matches!(change, Change::Kept) {
                if let Some(new) = &mut new {
                    new.insert(name.clone(), value.clone());
                }
                continue;
            }
            let new = new.get_or_insert_with(|| {
                let before = members.iter().take(position);
                before
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect()
            });
            let left = match change {
                Change::Kept => value.clone(),
                Change::New(value) => value,
                Change::Gone => continue,
            };
            new.insert(renamed.unwrap_or_else(|| name.clone()), left);
        }
        match new {
            None => Change::Kept,
            // The whole of a document stays, however little is left in it.
            Some(new) if new.is_empty() && !self.shown.is_empty() => Change::Gone,
            Some(new) => Change::New(Value::Object(new)),
        }
    }

    fn items(
        &mut self,
        items: &'v [Value],
        says: Option<Says>,
        redact: &dyn Fn(&mut Self, &'v Value, Option<Says>) -> Change,
    ) -> Change {
        let mut new: Option<Vec<Value>> = None;
        let mut is_curl = false;
        for (position, item) in items.iter().enumerate() {
            self.steps.push(Step::Position(position));
            self.shown.push(Cow::Owned(position.to_string()));
            // On a command line the element before says what this one is.
            let text = item.as_str();
            let before = position.checked_sub(1);
            let before = before.and_then(|before| items[before].as_str());
            let option = before
                .and_then(inline::says_of_next)
                .filter(|_| text.is_some_and(|text| !inline::is_option(text)));
            let is_login = is_curl
                && text.is_some_and(|text| before.is_some_and(|it| inline::is_login(it, text)));
            let option = option.or(is_login.then_some(Says::Secret));
            is_curl |= text.is_some_and(inline::is_curl);
            let change = redact(self, item, option.or(says));
            self.shown.pop();
            self.steps.pop();
            if matches!(change, Change::Kept) {
                if let Some(new) = &mut new {
                    new.push(item.clone());
                }
                continue;
            }
            let new = new.get_or_insert_with(|| items[..position].to_vec());
            match change {
                Change::New(value) => new.push(value),
                Change::Kept | Change::Gone => {}
            }
        }
        match new {
            None => Change::Kept,
            Some(new) if new.is_empty() => Change::Gone,
            Some(new) => Change::New(Value::Array(new)),
        }
    }

    fn text(&mut self, value: &Value, text: &str, says: Option<Says>) -> Change {
        if says.is_some_and(|says| says.covers(text)) {
            if is_mark(text) && self.guard() == Guard::Untouched {
                return Change::Kept;
            }
            let (mode, rule) = self.rule_of(Builtin::SecretFields);
            return self.leaf(value, mode, &rule);
        }
        if is_mark(text) {
            self.tell_mark(text);
            return Change::Kept;
        }
        let hits = self.redaction.hits(text);
        if hits.is_empty() {
            return Change::Kept;
        }
        let guard = self.guard();
        if guard == Guard::Untouched {
            return Change::Kept;
        }
        let dropping = hits
            .iter()
            .find(|hit| self.redaction.values[hit.rule].mode == Mode::Drop);
        if let (Guard::Free, Some(hit)) = (guard, dropping) {
            let rule = self.redaction.values[hit.rule].name.clone();
            self.tell(Mode::Drop, &rule);
            return Change::Gone;
        }
        let (new, told) = self.without(text, &hits, guard);
        for (mode, rule) in told {
            self.tell(mode, &rule);
        }
        Change::New(Value::from(new))
    }

    /// A number is a secret only where the field is called `password`.
    fn number(&mut self, value: &Value) -> Change {
        let is_metric = matches!(self.steps.first(), Some(Step::Name("metrics")));
        match self.steps.last() {
            Some(Step::Name(name)) if !is_metric && Says::covers_number(name) => {
                let (mode, rule) = self.rule_of(Builtin::SecretFields);
                self.leaf(value, mode, &rule)
            }
            _ => Change::Kept,
        }
    }

    /// Returns the name of a field without its secrets, if it has any, and what to tell of it.
    fn name(&mut self, name: &str) -> (Option<String>, Vec<(Mode, String)>) {
        let hits = self.redaction.hits(name);
        if hits.is_empty() {
            return (None, Vec::new());
        }
        match self.guard() {
            Guard::Untouched => (None, Vec::new()),
            guard => {
                let (new, told) = self.without(name, &hits, guard);
                (Some(new), told)
            }
        }
    }

    /// Returns a text with marks where its secrets stood.
    fn without(&mut self, text: &str, hits: &[Hit], guard: Guard) -> (String, Vec<(Mode, String)>) {
        let mut told = Vec::new();
        let new = replaced(text, hits, |hit, secret| {
            let rule = &self.redaction.values[hit.rule];
            let wanted = match (guard, rule.mode) {
                (Guard::Pseudonym, _) | (_, Mode::Pseudonym) => Mode::Pseudonym,
                (_, Mode::Mask | Mode::Drop) => Mode::Mask,
            };
            let pseudonym = match wanted {
                Mode::Pseudonym => self.pseudonym(&Value::from(nfc(secret))),
                Mode::Mask | Mode::Drop => None,
            };
            told.push((wanted, rule.name.clone()));
            pseudonym.unwrap_or_else(|| MASK.to_owned())
        });
        told.sort();
        told.dedup();
        (new, told)
    }

    fn pseudonym(&mut self, value: &Value) -> Option<String> {
        let pseudonym = self.key.map(|key| key.pseudonym(value));
        self.lacks_key |= pseudonym.is_none();
        pseudonym
    }

    /// Returns a leaf in the form in which it is compared: that of its field, also within a list.
    fn spelled(&self, value: &Value) -> Value {
        let keys = self.keys();
        let list = self
            .steps
            .iter()
            .position(|step| matches!(step, Step::Position(_)));
        let spelled = match list {
            None => self.places.spelled(&keys, value),
            Some(at)
                if self.steps[at..]
                    .iter()
                    .all(|step| matches!(step, Step::Position(_))) =>
            {
                let listed = Value::Array(vec![value.clone()]);
                match self.places.spelled(&keys[..at], &listed) {
                    Value::Array(mut items) if items.len() == 1 => items.remove(0),
                    _ => value.clone(),
                }
            }
            Some(_) => value.clone(),
        };
        match spelled {
            Value::String(text) => Value::String(nfc(&text)),
            other => other,
        }
    }

    fn guard(&self) -> Guard {
        self.places.guard(&self.keys())
    }

    fn keys(&self) -> Vec<String> {
        self.steps
            .iter()
            .map(|step| match step {
                Step::Name(name) => nfc(name),
                Step::Position(position) => position.to_string(),
            })
            .collect()
    }

    fn rule_of(&self, builtin: Builtin) -> (Mode, String) {
        let rules = &self.redaction.values;
        rules
            .iter()
            .find(|rule| rule.what == What::Builtin(builtin))
            .map_or((Mode::Mask, builtin.as_str().to_owned()), |rule| {
                (rule.mode, rule.name.clone())
            })
    }

    fn tell(&mut self, mode: Mode, rule: &str) {
        let below = self
            .shown
            .iter()
            .fold(Pointer::root(), |at, name| at.child(name));
        self.redacted.push(Redacted {
            path: format!("{}{below}", self.at),
            mode,
            rule: rule.to_owned(),
        });
    }

    /// A mark that a document brings along is told as what it is: nothing is judged by its text.
    fn tell_mark(&mut self, text: &str) {
        let mode = if text == MASK {
            Mode::Mask
        } else {
            Mode::Pseudonym
        };
        self.tell(mode, BROUGHT);
    }
}

/// What snapshots call the list of what is allowed.
pub(super) const ALLOW_ONLY: &str = "allow_only";
/// What snapshots call a mark that was in the document before.
pub(super) const BROUGHT: &str = "redacted before";

/// The member that holds the value where another one holds its name.
const VALUE: &str = "value";

/// Returns what the name beside a value says of it, as in `{"name": "DB_PASSWORD", "value": …}`: so
/// environments are listed.
fn named_beside(members: &Map<String, Value>) -> Option<Says> {
    let of = |wanted: &str| {
        let mut members = members.iter();
        members.find_map(|(name, value)| name.eq_ignore_ascii_case(wanted).then_some(value))
    };
    of(VALUE)?;
    ["name", "key", "variable"]
        .iter()
        .find_map(|member| Says::of(of(member)?.as_str()?))
}

/// Returns a name that no other member has.
fn free_name(
    name: String,
    members: &Map<String, Value>,
    new: Option<&Map<String, Value>>,
) -> String {
    let is_taken = |name: &str| {
        members.contains_key(name) || new.is_some_and(|members| members.contains_key(name))
    };
    if !is_taken(&name) {
        return name;
    }
    let numbered = |number: usize| format!("{name}~{number}");
    let mut number = 2;
    while is_taken(&numbered(number)) {
        number += 1;
    }
    numbered(number)
}
