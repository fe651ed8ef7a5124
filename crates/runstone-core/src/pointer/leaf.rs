//! The leaves of a nested value, and their dotted names.
//!
//! A dotted name is short and what people write, but two places can share one (`{"a.b": 1}` and
//! `{"a": {"b": 1}}`). The invariant: no two places become one name unnoticed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Pointer;

/// A leaf of a nested value: anything but an object with members. A list is one leaf.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// Where it stands.
    pub pointer: Pointer,
    /// What stands there.
    pub value: Value,
}

/// Two places have one dotted name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{first}` and `{second}` are both `{name}`")]
pub struct Collision {
    /// The name.
    pub name: String,
    /// The place found first.
    pub first: Pointer,
    /// The place found second.
    pub second: Pointer,
}

/// Returns the leaves of `value`, which stands at `at`, in document order.
pub fn leaves(at: &Pointer, value: &Value) -> Vec<Leaf> {
    leaves_unless(at, value, &|_| false)
}

/// Returns the leaves of `value`, an object that `is_whole` names being a leaf too.
pub(crate) fn leaves_unless(
    at: &Pointer,
    value: &Value,
    is_whole: &dyn Fn(&Pointer) -> bool,
) -> Vec<Leaf> {
    let mut found = Vec::new();
    gather(at.clone(), value, is_whole, &mut found);
    found
}

/// Returns `leaves` by the dotted names that `name` gives them.
///
/// # Errors
/// [`Collision`] if two leaves get one name.
pub fn by_name(
    leaves: Vec<Leaf>,
    name: impl Fn(&Pointer) -> String,
) -> Result<BTreeMap<String, Leaf>, Collision> {
    let mut named: BTreeMap<String, Leaf> = BTreeMap::new();
    for leaf in leaves {
        let name = name(&leaf.pointer);
        if let Some(first) = named.get(&name) {
            return Err(Collision {
                first: first.pointer.clone(),
                second: leaf.pointer,
                name,
            });
        }
        named.insert(name, leaf);
    }
    Ok(named)
}

fn gather(at: Pointer, value: &Value, is_whole: &dyn Fn(&Pointer) -> bool, found: &mut Vec<Leaf>) {
    match value {
        Value::Object(members) if !members.is_empty() && !is_whole(&at) => {
            for (key, member) in members {
                gather(at.child(key), member, is_whole, found);
            }
        }
        leaf => found.push(Leaf {
            pointer: at,
            value: leaf.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dotted_key_and_a_nested_key_collide() {
        let value = json!({"a.b": 1, "a": {"b": 2}});
        let collision = by_name(leaves(&Pointer::root(), &value), Pointer::dotted).unwrap_err();
        assert_eq!(collision.to_string(), "`/a/b` and `/a.b` are both `a.b`");
    }

    #[test]
    fn lists_and_empty_objects_are_leaves() {
        let found = leaves(&Pointer::root(), &json!({"a": [1, {"b": 2}], "c": {}}));
        let names: Vec<String> = found.iter().map(|leaf| leaf.pointer.to_string()).collect();
        assert_eq!(names, ["/a", "/c"]);
    }
}
