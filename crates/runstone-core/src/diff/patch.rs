//! The change from one tree to another, as RFC 6902 with the old value beside the new.
//!
//! Made from two comparable trees and enough to walk between them in both directions. The
//! invariant kept: applying the patch to the old tree gives the new one, and its inverse gives the
//! old one back. A list is replaced as a whole, so no step ever counts positions in one.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::tree::{Difference, differences};

/// The steps that turn one tree into another, in code-point order of their paths. No step depends
/// on another. Describes itself as the array of RFC 6902, with `old_value` beside `value`.
///
/// # Source
/// RFC 6902 section 4: members that an operation does not define are ignored by its readers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Patch(pub Vec<Operation>);

/// One step of a patch.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// A member came.
    Add {
        /// JSON Pointer (RFC 6901).
        path: String,
        /// The value now.
        value: Value,
    },
    /// A member went.
    Remove {
        /// JSON Pointer (RFC 6901).
        path: String,
        /// The value before.
        old_value: Value,
    },
    /// A member has another value.
    Replace {
        /// JSON Pointer (RFC 6901).
        path: String,
        /// The value now.
        value: Value,
        /// The value before.
        old_value: Value,
    },
}

/// Why a patch does not fit a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The place a step needs does not exist.
    #[error("`{path}` is not there")]
    Missing {
        /// JSON Pointer.
        path: String,
    },
    /// A step would add what stands already.
    #[error("`{path}` is there already")]
    Occupied {
        /// JSON Pointer.
        path: String,
    },
    /// The value before is not the one the step was made from.
    #[error("`{path}` has another value than the patch was made from")]
    OtherValue {
        /// JSON Pointer.
        path: String,
    },
}

impl Patch {
    /// Returns the patch that turns `prev` into `curr`.
    pub fn between(prev: &Value, curr: &Value) -> Self {
        differences(prev, curr)
            .iter()
            .map(Operation::from_difference)
            .collect()
    }

    /// Returns `tree` with every step applied.
    ///
    /// # Errors
    /// [`PatchError`] if the tree is not the one the patch was made from, as far as the steps see.
    pub fn apply(&self, mut tree: Value) -> Result<Value, PatchError> {
        self.0.iter().try_for_each(|step| step.apply(&mut tree))?;
        Ok(tree)
    }

    /// Returns the patch that undoes this one.
    #[must_use]
    pub fn inverse(&self) -> Self {
        self.0.iter().map(Operation::inverse).collect()
    }

    /// Tells whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Operation> for Patch {
    fn from_iter<I: IntoIterator<Item = Operation>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl Operation {
    /// Returns the JSON Pointer of the place that changes.
    pub fn path(&self) -> &str {
        match self {
            Self::Add { path, .. } | Self::Remove { path, .. } | Self::Replace { path, .. } => path,
        }
    }

    fn from_difference(difference: &Difference<'_>) -> Self {
        let path = pointer(&difference.path);
        match (difference.prev.cloned(), difference.curr.cloned()) {
            (Some(old_value), Some(value)) => Self::Replace {
                path,
                value,
                old_value,
            },
            (Some(old_value), None) => Self::Remove { path, old_value },
            (None, value) => Self::Add {
                path,
                value: value.unwrap_or_default(),
            },
        }
    }

    fn inverse(&self) -> Self {
        match self.clone() {
            Self::Add { path, value } => Self::Remove {
                path,
                old_value: value,
            },
            Self::Remove { path, old_value } => Self::Add {
                path,
                value: old_value,
            },
            Self::Replace {
                path,
                value,
                old_value,
            } => Self::Replace {
                path,
                value: old_value,
                old_value: value,
            },
        }
    }

    fn apply(&self, tree: &mut Value) -> Result<(), PatchError> {
        let path = self.path();
        let at = || path.to_owned();
        match self {
            Self::Replace {
                value, old_value, ..
            } => {
                let place = tree
                    .pointer_mut(path)
                    .ok_or_else(|| PatchError::Missing { path: at() })?;
                expect_value(place, old_value, path)?;
                *place = value.clone();
            }
            Self::Add { value, .. } => {
                let (parent, key) = parent(tree, path)?;
                if parent.contains_key(&key) {
                    return Err(PatchError::Occupied { path: at() });
                }
                parent.insert(key, value.clone());
            }
            Self::Remove { old_value, .. } => {
                let (parent, key) = parent(tree, path)?;
                let place = parent
                    .get(&key)
                    .ok_or_else(|| PatchError::Missing { path: at() })?;
                expect_value(place, old_value, path)?;
                parent.remove(&key);
            }
        }
        Ok(())
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (op, path, old_value, value) = match self {
            Self::Add { path, value } => ("add", path, None, Some(value)),
            Self::Remove { path, old_value } => ("remove", path, Some(old_value), None),
            Self::Replace {
                path,
                value,
                old_value,
            } => ("replace", path, Some(old_value), Some(value)),
        };
        let mut members = serializer.serialize_map(None)?;
        if let Some(old_value) = old_value {
            members.serialize_entry("old_value", old_value)?;
        }
        members.serialize_entry("op", op)?;
        members.serialize_entry("path", path)?;
        if let Some(value) = value {
            members.serialize_entry("value", value)?;
        }
        members.end()
    }
}

/// Writes keys as a JSON Pointer.
fn pointer(keys: &[&str]) -> String {
    keys.iter().fold(String::new(), |path, key| {
        path + "/" + &key.replace('~', "~0").replace('/', "~1")
    })
}

/// Finds the object in which a pointer's last key stands, and that key.
fn parent<'t>(
    tree: &'t mut Value,
    path: &str,
) -> Result<(&'t mut serde_json::Map<String, Value>, String), PatchError> {
    let missing = || PatchError::Missing {
        path: path.to_owned(),
    };
    let (above, last) = path.rsplit_once('/').ok_or_else(missing)?;
    let parent = tree
        .pointer_mut(above)
        .and_then(Value::as_object_mut)
        .ok_or_else(missing)?;
    Ok((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn expect_value(found: &Value, expected: &Value, path: &str) -> Result<(), PatchError> {
    if found == expected {
        Ok(())
    } else {
        Err(PatchError::OtherValue {
            path: path.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::canon;
    use crate::diff::sample::any_json;

    #[test]
    fn steps_carry_pointers_and_both_values() {
        let patch = Patch::between(
            &json!({"a/b": 1, "m~n": 1, "gone": {"x": []}}),
            &json!({"a/b": 2, "m~n": 1, "new": null}),
        );
        assert_eq!(
            canon::value(&patch),
            json!([
                {"op": "replace", "path": "/a~1b", "value": 2, "old_value": 1},
                {"op": "remove", "path": "/gone", "old_value": {"x": []}},
                {"op": "add", "path": "/new", "value": null},
            ])
        );
    }

    #[test]
    fn a_tree_it_was_not_made_from_is_refused() {
        let patch = Patch::between(&json!({"a": 1}), &json!({"a": 2}));
        assert_eq!(
            patch.apply(json!({"a": 3})),
            Err(PatchError::OtherValue { path: "/a".into() })
        );
        assert_eq!(
            patch.apply(json!({})),
            Err(PatchError::Missing { path: "/a".into() })
        );
        assert_eq!(
            Patch::between(&json!({}), &json!({"a": 2})).apply(json!({"a": 1})),
            Err(PatchError::Occupied { path: "/a".into() })
        );
    }

    proptest! {
        #[test]
        fn applied_to_the_old_it_gives_the_new(prev in any_json(), curr in any_json()) {
            let patch = Patch::between(&prev, &curr);
            let there = patch.apply(prev.clone()).unwrap();
            prop_assert_eq!(&there, &curr);
            prop_assert_eq!(patch.inverse().apply(there).unwrap(), prev);
        }

        #[test]
        fn between_equal_trees_it_is_empty(tree in any_json()) {
            prop_assert!(Patch::between(&tree, &tree).is_empty());
        }

        #[test]
        fn the_way_back_is_the_inverse(prev in any_json(), curr in any_json()) {
            prop_assert_eq!(Patch::between(&curr, &prev), Patch::between(&prev, &curr).inverse());
        }
    }
}
