//! What is wrong with a document, all of it at once.
//!
//! A document is read to its end before it is refused, so that a pipeline of three hours is
//! repaired once and not field by field. Each [`Problem`] names its place by JSON pointer; what is
//! missing and what is null are told apart. A [`Warning`] is said beside an answer and refuses
//! nothing. Printing them belongs to the faces.

use std::fmt;

use serde_json::Value;

use crate::canon;
use crate::pointer::Pointer;
use crate::redact::masked;

/// A document, or what was said beside it, breaks the rules. Nothing was written.
///
/// Displays as one line; [`Refused::problems`] are printed one per line below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Everything that was found, by kind and then by place. Never empty.
    pub problems: Vec<Problem>,
}

impl Refused {
    /// Gathers `problems`, ordered by kind and place, each once.
    ///
    /// # Errors
    /// The refusal, if there is any problem.
    pub(crate) fn unless_empty(mut problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            return Ok(());
        }
        problems.sort_by(|a, b| (a.kind, &a.pointer).cmp(&(b.kind, &b.pointer)));
        problems.dedup();
        Err(Self { problems })
    }

    /// Returns the places of all problems of one kind.
    pub fn places(&self, kind: ProblemKind) -> impl Iterator<Item = &Pointer> {
        self.problems
            .iter()
            .filter(move |problem| problem.kind == kind)
            .map(|found| &found.pointer)
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kind = None;
        for problem in &self.problems {
            if kind == Some(problem.kind) {
                f.write_str(", ")?;
            } else {
                let separator = if kind.is_none() { "" } else { "; " };
                f.write_str(separator)?;
                kind = Some(problem.kind);
                // Here the value is what is wrong, not its place.
                if problem.kind != ProblemKind::UnknownStage {
                    write!(f, "{} ", problem.kind.as_str())?;
                }
            }
            if problem.kind == ProblemKind::UnknownStage {
                f.write_str(&problem.text)?;
                continue;
            }
            if problem.pointer == Pointer::root() {
                f.write_str("the document")?;
            } else {
                write!(f, "`{}`", problem.pointer.dotted())?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

/// One thing wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of thing.
    pub kind: ProblemKind,
    /// Where. For a missing field: where it should have been.
    pub pointer: Pointer,
    /// What was found, as a lower-case fragment.
    pub text: String,
    /// What to do about it, in one sentence.
    pub hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(kind: ProblemKind, pointer: Pointer, text: impl Into<String>) -> Self {
        Self {
            kind,
            pointer,
            text: text.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer.quoted(), self.text)
    }
}

/// The kinds of problems, in the order in which they are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemKind {
    /// A required field is absent.
    Missing,
    /// A required field is null.
    Null,
    /// A whole number was wanted.
    NotWhole,
    /// An instant was wanted.
    NotATime,
    /// Another type was wanted (text, list, object).
    WrongType,
    /// The value is none of those the profile allows.
    NotAllowed,
    /// The text is empty or longer than its limit.
    BadLength,
    /// The number is not exactly a binary64.
    NotExact,
    /// The stage is none of the profile's.
    UnknownStage,
    /// The field must not stand in such a document.
    Forbidden,
    /// Two fields become one after their names were made plain.
    Collision,
    /// Two statements about one thing differ.
    Contradiction,
    /// It holds a secret, and cannot be redacted.
    Secret,
}

impl ProblemKind {
    /// Returns the words that head a list of such problems, which are also its code in JSON when
    /// blanks become `_`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Null => "null",
            Self::NotWhole => "not a whole number",
            Self::NotATime => "not a time",
            Self::WrongType => "wrong type",
            Self::NotAllowed => "not allowed",
            Self::BadLength => "bad length",
            Self::NotExact => "not exact",
            Self::UnknownStage => "unknown stage",
            Self::Forbidden => "forbidden",
            Self::Collision => "collision",
            Self::Contradiction => "contradiction",
            Self::Secret => "holds a secret",
        }
    }
}

/// Something to be said beside an answer; it refuses nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// The place it is about, if it is about one.
    pub pointer: Option<Pointer>,
    /// What is noteworthy, as a lower-case fragment.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pointer {
            Some(pointer) => write!(f, "`{pointer}`: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Returns `value` as it is quoted in a text: canonical JSON, without well-known secrets, cut when
/// long. In this order, since a secret that was cut is not recognised.
pub(crate) fn quoted(value: &Value) -> String {
    cut(&match value {
        Value::String(text) => format!("`{}`", masked(text)),
        other => format!("`{}`", masked(&canon::text(other))),
    })
}

fn cut(whole: &str) -> String {
    const CHARACTERS_MAX: usize = 80;
    if whole.chars().count() <= CHARACTERS_MAX {
        return whole.to_owned();
    }
    whole
        .chars()
        .take(CHARACTERS_MAX)
        .chain("…`".chars())
        .collect()
}

/// Returns two values that differ, quoted so that they read differently: as JSON where text would
/// read like a number, with a digest where they differ behind the cut.
pub fn quoted_apart(one: &Value, other: &Value) -> (String, String) {
    let bare = (quoted(one), quoted(other));
    if bare.0 != bare.1 {
        return bare;
    }
    let as_json = |value: &Value| match value {
        Value::String(_) => cut(&format!("`{}`", masked(&canon::text(value)))),
        other => quoted(other),
    };
    let json = (as_json(one), as_json(other));
    if json.0 != json.1 {
        return json;
    }
    let named = |text: String, value: &Value| {
        let digest = canon::digest(value).prefix(8);
        format!("{text} (sha256 {digest}…)")
    };
    (named(json.0, one), named(json.1, other))
}

/// Returns the word for the JSON type of `value`, with its article.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_missing_and_null_apart_on_one_line() {
        let at = |name: &str| Pointer::root().child(name);
        let refused = Refused::unless_empty(vec![
            Problem::new(ProblemKind::Null, at("date_end"), "is null"),
            Problem::new(ProblemKind::Missing, at("b"), "is missing"),
            Problem::new(ProblemKind::Missing, at("a"), "is missing"),
        ])
        .unwrap_err();
        assert_eq!(refused.to_string(), "missing `a`, `b`; null `date_end`");
    }

    #[test]
    fn two_values_in_one_sentence_read_differently() {
        let long = |end: &str| Value::from(format!("{}{end}", "x".repeat(99)));
        for (one, other) in [
            (Value::from(5), Value::from("5")),
            (Value::Null, Value::from("null")),
            (long("a"), long("b")),
        ] {
            let (one, other) = quoted_apart(&one, &other);
            assert_ne!(one, other);
        }
    }

    #[test]
    fn the_whole_document_is_named_in_words() {
        let problem = Problem::new(ProblemKind::WrongType, Pointer::root(), "is a list");
        assert_eq!(
            Refused::from(problem).to_string(),
            "wrong type the document"
        );
    }

    #[test]
    fn no_problem_is_no_refusal() {
        assert_eq!(Refused::unless_empty(Vec::new()), Ok(()));
    }
}
