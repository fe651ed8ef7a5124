//! The rules of redaction after a profile was read: which places, which values, and what becomes of
//! them.
//!
//! Plain data, complete: the rules that are always on are among the value rules whatever a profile
//! says, so a [`Redaction`] cannot be made that lets a well-known token pass.

use std::fmt;

use serde_json::{Value, json};

use super::builtin::Builtin;
use super::place_name::Names;
use super::shape::Shape;
use crate::pointer::Pattern;

/// What a profile redacts.
#[derive(Debug, Clone, PartialEq)]
pub struct Redaction {
    /// Places whose values are redacted; the first match counts.
    pub paths: Vec<PathRule>,
    /// Values that are redacted wherever they stand.
    pub values: Vec<ValueRule>,
    /// The only places that are kept; `None`: every place.
    pub allow_only: Option<Vec<Pattern>>,
    /// What is personal about the place the program runs in.
    pub names: Names,
}

/// What becomes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// The field is left out.
    Drop,
    /// A mark stands for the secret.
    Mask,
    /// A keyed hash stands for the secret: equal ones stay equal.
    Pseudonym,
}

/// Redacts what stands at, and below, places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRule {
    /// The places. A position in a list counts as a part.
    pub path: Pattern,
    /// What becomes of them.
    pub mode: Mode,
}

/// Redacts a kind of value.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueRule {
    /// The kind.
    pub what: What,
    /// What snapshots call the rule.
    pub name: String,
    /// What becomes of such values.
    pub mode: Mode,
}

/// A kind of value.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// One that Runstone knows.
    Builtin(Builtin),
    /// One of the profile's own.
    Shape(Shape),
}

/// What a snapshot says about one redaction. Never a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Redacted {
    /// Where, as a JSON pointer into the snapshot's payload.
    pub path: String,
    /// What became of it.
    pub mode: Mode,
    /// The rule: a path pattern, or the name of a value rule.
    pub rule: String,
}

impl Redacted {
    /// Returns the JSON form, as snapshots list it.
    pub fn to_json(&self) -> Value {
        json!({ "path": self.path, "mode": self.mode.as_str(), "rule": self.rule })
    }

    /// Reads the JSON form.
    pub fn from_json(value: &Value) -> Option<Self> {
        let text = |member: &str| value.get(member)?.as_str();
        Some(Self {
            path: text("path")?.to_owned(),
            mode: Mode::from_word(text("mode")?)?,
            rule: text("rule")?.to_owned(),
        })
    }
}

impl Default for Redaction {
    /// The rules that are always on.
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            values: Builtin::ALWAYS
                .map(|rule| ValueRule::builtin(rule, Mode::Mask))
                .into(),
            allow_only: None,
            names: Names::default(),
        }
    }
}

impl ValueRule {
    /// Returns a rule that comes with Runstone.
    pub fn builtin(rule: Builtin, mode: Mode) -> Self {
        Self {
            what: What::Builtin(rule),
            name: rule.as_str().to_owned(),
            mode,
        }
    }
}

impl Redaction {
    /// Returns the same rules, told what is personal here.
    #[must_use]
    pub fn knowing(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// Returns the same value rules for words that may quote anything: whatever they find is
    /// masked, and the places of a document mean nothing there.
    #[must_use]
    pub fn for_words(&self) -> Self {
        let mut words = self.clone();
        words.paths.clear();
        words.allow_only = None;
        for rule in &mut words.values {
            rule.mode = Mode::Mask;
        }
        words
    }

    /// Tells whether a rule asks for pseudonyms, which need the store's key.
    pub fn asks_for_pseudonyms(&self) -> bool {
        let modes = self.paths.iter().map(|rule| rule.mode);
        let modes = modes.chain(self.values.iter().map(|rule| rule.mode));
        modes.into_iter().any(|mode| mode == Mode::Pseudonym)
    }

    /// Tells whether a rule needs to know the names of user and host, and they are not known.
    pub fn lacks_names(&self) -> bool {
        self.names.user.is_none()
            && self.names.host.is_none()
            && self
                .values
                .iter()
                .any(|rule| rule.what == What::Builtin(Builtin::UserHost))
    }

    /// Returns the first path rule that redacts a place, of which `keys` are the names from the
    /// root.
    pub(crate) fn path_rule<K: AsRef<str>>(&self, keys: &[K]) -> Option<&PathRule> {
        self.paths.iter().find(|rule| rule.path.reaches(keys))
    }

    /// Tells whether `allow_only` keeps a place, or something below it.
    pub(crate) fn allows<K: AsRef<str>>(&self, keys: &[K]) -> bool {
        self.allow_only
            .as_ref()
            .is_none_or(|allowed| allowed.iter().any(|pattern| pattern.reaches(keys)))
    }
}

impl Mode {
    /// Returns the word used in profiles and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Mask => "mask",
            Self::Pseudonym => "pseudonym",
        }
    }

    /// Reads the word used in profiles and JSON.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Drop, Self::Mask, Self::Pseudonym]
            .into_iter()
            .find(|mode| mode.as_str() == word)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
