//! Places in a document: JSON pointers and dotted paths.
//!
//! A [`Pointer`] (RFC 6901) names a place without doubt and is what errors speak of. A [`Path`] is
//! how profiles and people write the same place (`cv_details.horizon_minutes`). Both are lists of
//! keys; only a pointer can name a key that holds a dot. What a place means belongs to the profile.

mod leaf;
mod pattern;
mod trail;

use std::fmt;
use std::str::FromStr;

pub use leaf::{Collision, Leaf, by_name, leaves};
pub(crate) use leaf::{all_leaves, each_leaf, place_of};
pub use pattern::Pattern;
use serde_json::{Map, Value};
pub(crate) use trail::Trail;

/// A place in a JSON document. Prints as RFC 6901: `/training/big_seed`, the whole document
/// as nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(Vec<String>);

impl Pointer {
    /// Returns the pointer to the whole document.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Returns the place of `key` below this one.
    #[must_use]
    pub fn child(&self, key: impl AsRef<str>) -> Self {
        let mut keys = Vec::with_capacity(self.0.len() + 1);
        keys.extend_from_slice(&self.0);
        keys.push(key.as_ref().to_owned());
        Self(keys)
    }

    /// Returns the place of a position in the list that stands here, from 0.
    #[must_use]
    pub fn item(&self, position: usize) -> Self {
        self.child(position.to_string())
    }

    /// Does something at the place of `key` below this one, and comes back.
    pub(crate) fn below<T>(
        &mut self,
        key: impl Into<String>,
        act: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.0.push(key.into());
        let done = act(self);
        self.0.pop();
        done
    }

    /// Returns the keys from the root down.
    pub fn keys(&self) -> &[String] {
        &self.0
    }

    /// Returns the keys joined by dots, for talk: what people write, not always unique.
    pub fn dotted(&self) -> String {
        self.0.join(".")
    }

    /// Returns the place as it is quoted in a text: the whole document has no name of its own.
    pub(crate) fn quoted(&self) -> String {
        if self.0.is_empty() {
            "the document".to_owned()
        } else {
            format!("`{self}`")
        }
    }

    pub(crate) fn push(&mut self, key: impl fmt::Display) {
        self.0.push(key.to_string());
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|key| write!(f, "/{}", key.replace('~', "~0").replace('/', "~1")))
    }
}

/// The text is no JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` does not begin with `/`")]
pub struct BadPointer {
    /// The text as given.
    pub text: String,
}

impl FromStr for Pointer {
    type Err = BadPointer;

    fn from_str(text: &str) -> Result<Self, BadPointer> {
        if text.is_empty() {
            return Ok(Self::root());
        }
        let keys = text.strip_prefix('/').ok_or_else(|| BadPointer {
            text: text.to_owned(),
        })?;
        let unescaped = keys
            .split('/')
            .map(|key| key.replace("~1", "/").replace("~0", "~"));
        Ok(Self(unescaped.collect()))
    }
}

/// A place in a run document as profiles write it: keys joined by dots, from the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<String>);

impl Path {
    /// Returns the place with these keys from the root down, if it is one below the root.
    pub(crate) fn of(keys: &[&str]) -> Option<Self> {
        let keys: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// Tells whether this place has these keys.
    pub(crate) fn is_at<K: AsRef<str>>(&self, keys: &[K]) -> bool {
        self.0.len() == keys.len() && self.is_at_or_above(keys)
    }

    /// Tells whether the place with these keys is this one, or lies below it.
    pub(crate) fn is_at_or_above<K: AsRef<str>>(&self, keys: &[K]) -> bool {
        self.0.len() <= keys.len()
            && self
                .0
                .iter()
                .zip(keys)
                .all(|(mine, key)| mine == key.as_ref())
    }

    /// Returns the keys from the root down; at least one.
    pub fn keys(&self) -> &[String] {
        &self.0
    }

    /// Returns the same place as a pointer.
    pub fn pointer(&self) -> Pointer {
        Pointer(self.0.clone())
    }

    /// Returns the path without its last key, and that key.
    #[expect(clippy::missing_panics_doc, reason = "cannot fail, see the message")]
    pub fn split_last(&self) -> (&[String], &str) {
        let (last, parents) = self.0.split_last().expect("a path has at least one key");
        (parents, last)
    }

    /// Returns the value at this place, a null included.
    pub fn find<'v>(&self, document: &'v Map<String, Value>) -> Option<&'v Value> {
        let (parents, last) = self.split_last();
        object_at(document, parents)?.get(last)
    }

    /// Returns the value at this place unless it is absent or null, which count as the same.
    pub fn present<'v>(&self, document: &'v Map<String, Value>) -> Option<&'v Value> {
        self.find(document).filter(|value| !value.is_null())
    }

    /// Takes the value at this place out of the document.
    pub fn remove(&self, document: &mut Map<String, Value>) -> Option<Value> {
        let (parents, last) = self.split_last();
        let mut object = document;
        for key in parents {
            object = object.get_mut(key)?.as_object_mut()?;
        }
        object.remove(last)
    }

    /// Puts `value` at this place, making the objects above it.
    ///
    /// # Errors
    /// The pointer of the first place above it that holds something other than an object.
    pub fn insert(&self, document: &mut Map<String, Value>, value: Value) -> Result<(), Pointer> {
        let (parents, last) = self.split_last();
        let mut object = document;
        let mut at = Pointer::root();
        for key in parents {
            at.push(key);
            let slot = object.entry(key.clone()).or_insert(Value::Null);
            if slot.is_null() {
                *slot = Value::Object(Map::new());
            }
            object = slot.as_object_mut().ok_or_else(|| at.clone())?;
        }
        object.insert(last.to_owned(), value);
        Ok(())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// The text is not a dotted path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// It has an empty part: `a..b`, `.a`, or nothing at all.
    #[error("`{text}` has an empty part")]
    EmptyPart {
        /// The text as given.
        text: String,
    },
    /// It has a `*` where one place is wanted.
    #[error("`{text}` is a pattern, one place is wanted")]
    Pattern {
        /// The text as given.
        text: String,
    },
}

impl FromStr for Path {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        if text.contains('*') {
            return Err(BadPath::Pattern {
                text: text.to_owned(),
            });
        }
        split(text).map(Self)
    }
}

fn object_at<'v>(
    document: &'v Map<String, Value>,
    keys: &[String],
) -> Option<&'v Map<String, Value>> {
    keys.iter()
        .try_fold(document, |object, key| object.get(key)?.as_object())
}

fn split(text: &str) -> Result<Vec<String>, BadPath> {
    let parts: Vec<String> = text.split('.').map(ToOwned::to_owned).collect();
    if parts.iter().any(String::is_empty) {
        return Err(BadPath::EmptyPart {
            text: text.to_owned(),
        });
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pointers_escape_slash_and_tilde() {
        let pointer = Pointer::root().child("a/b").child("c~d").item(3);
        assert_eq!(pointer.to_string(), "/a~1b/c~0d/3");
        assert_eq!("/a~1b/c~0d/3".parse(), Ok(pointer));
        assert_eq!("".parse(), Ok(Pointer::root()));
        assert!("a".parse::<Pointer>().is_err());
        assert_eq!(Pointer::root().to_string(), "");
    }

    #[test]
    fn paths_with_empty_parts_and_stars_are_refused() {
        for text in ["", ".a", "a.", "a..b"] {
            assert!(
                matches!(text.parse::<Path>(), Err(BadPath::EmptyPart { .. })),
                "{text}"
            );
        }
        assert!(matches!(
            "a.*".parse::<Path>(),
            Err(BadPath::Pattern { .. })
        ));
    }

    #[test]
    fn insert_makes_objects_and_never_replaces_another_thing_by_one() {
        let mut document = Map::new();
        "a.b.c"
            .parse::<Path>()
            .unwrap()
            .insert(&mut document, json!(1))
            .unwrap();
        assert_eq!(Value::from(document.clone()), json!({"a": {"b": {"c": 1}}}));
        let refused = "a.b.c.d"
            .parse::<Path>()
            .unwrap()
            .insert(&mut document, json!(2));
        assert_eq!(refused.unwrap_err().to_string(), "/a/b/c");
    }
}
