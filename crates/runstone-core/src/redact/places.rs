//! What redaction asks about a place, and what may become of it.
//!
//! Which fields tell runs apart is the business of those who read documents; here is only what they
//! have to answer. The invariant: a place that tells runs apart never gets a mask.

use serde_json::Value;

/// What the places of a document mean, as far as redaction asks.
pub(crate) trait Places {
    /// Returns what may become of a place.
    fn guard(&self, keys: &[String]) -> Guard;
    /// Returns the place that a place is read as, if it is read by another name.
    fn read_as(&self, keys: &[String]) -> Option<Vec<String>>;
    /// Returns a value in the form in which values at a field are compared.
    fn spelled(&self, field: &[String], value: &Value) -> Value;
    /// Tells whether nothing may become of a field at the top, so that nobody needs to look.
    fn is_untouched(&self, name: &str) -> bool;
    /// Tells whether an object at a place is one value.
    fn is_whole(&self, keys: &[String]) -> bool;
}

/// What may become of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Everything.
    Free,
    /// It must stay, masked or under a pseudonym.
    Stays,
    /// It may go with what it belongs to, not alone.
    StaysWithin,
    /// It tells runs apart: a pseudonym, nothing else.
    Pseudonym,
    /// Nothing.
    Untouched,
}

/// A place without a meaning.
#[derive(Debug)]
pub(crate) struct Anywhere;

impl Places for Anywhere {
    fn guard(&self, _: &[String]) -> Guard {
        Guard::Free
    }
    fn read_as(&self, _: &[String]) -> Option<Vec<String>> {
        None
    }
    fn spelled(&self, _: &[String], value: &Value) -> Value {
        value.clone()
    }
    fn is_untouched(&self, _: &str) -> bool {
        false
    }
    fn is_whole(&self, _: &[String]) -> bool {
        false
    }
}

/// What became of a value.
#[derive(Debug, PartialEq)]
pub(crate) enum Change {
    /// Nothing.
    Kept,
    /// It was left out.
    Gone,
    /// This stands for it.
    New(Value),
}

impl Change {
    /// Returns what is left of `value`.
    pub(crate) fn of(self, value: Value) -> Value {
        match self {
            Self::Kept => value,
            Self::Gone => Value::Null,
            Self::New(left) => left,
        }
    }
}
