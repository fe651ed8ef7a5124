//! The leaves of a nested value, and their dotted names.
//!
//! A dotted name is short and what people write, but two places can share one (`{"a.b": 1}` and
//! `{"a": {"b": 1}}`). The invariant: no two places become one name unnoticed.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Pointer;

/// A leaf of a nested value: anything but an object with members. A list is one leaf.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf<'v> {
    /// Where it stands.
    pub pointer: Pointer,
    /// What stands there.
    pub value: &'v Value,
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
pub fn leaves<'v>(at: &Pointer, value: &'v Value) -> Vec<Leaf<'v>> {
    let mut found = Vec::new();
    let mut gather = |keys: &[&'v str], value: &'v Value| {
        let pointer = keys.iter().fold(at.clone(), |at, key| at.child(key));
        found.push(Leaf { pointer, value });
        true
    };
    visit(&mut Vec::new(), value, &|_| false, &mut gather);
    found
}

/// Tells whether every leaf at or below the member `name` of a document is as wanted, by its keys;
/// asks in document order, up to the first that is not.
pub(crate) fn all_leaves<'v>(
    name: &'v str,
    value: &'v Value,
    is_wanted: &mut dyn FnMut(&[&'v str]) -> bool,
) -> bool {
    visit(&mut vec![name], value, &|_| false, &mut |keys, _| {
        is_wanted(keys)
    })
}

/// Hands every leaf of a document to `take`, an object that `is_whole` names being a leaf too, in
/// document order, each with its keys from the root down.
pub(crate) fn each_leaf<'v>(
    document: &'v Map<String, Value>,
    is_whole: &dyn Fn(&[&str]) -> bool,
    take: &mut dyn FnMut(&[&'v str], &'v Value),
) {
    let mut take = |keys: &[&'v str], value: &'v Value| {
        take(keys, value);
        true
    };
    members(&mut Vec::new(), document, is_whole, &mut take);
}

/// Returns where a value stands that was taken out of this very document: for words about it, which
/// are rarely wanted.
pub(crate) fn place_of(document: &Map<String, Value>, value: &Value) -> Option<Pointer> {
    document.iter().find_map(|(key, member)| {
        if std::ptr::eq(member, value) {
            return Some(Pointer::root().child(key));
        }
        let below = place_of(member.as_object()?, value)?;
        Some(Pointer(
            std::iter::once(key.clone()).chain(below.0).collect(),
        ))
    })
}

/// Returns `leaves` by the dotted names that `name` gives them.
///
/// # Errors
/// [`Collision`] if two leaves get one name.
pub fn by_name(
    leaves: Vec<Leaf<'_>>,
    name: impl Fn(&Pointer) -> String,
) -> Result<BTreeMap<String, Leaf<'_>>, Collision> {
    let mut named: BTreeMap<String, Leaf<'_>> = BTreeMap::new();
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

/// Visits the leaves of a value until `go_on` says no, and returns what it said last.
fn visit<'v>(
    at: &mut Vec<&'v str>,
    value: &'v Value,
    is_whole: &dyn Fn(&[&str]) -> bool,
    go_on: &mut dyn FnMut(&[&'v str], &'v Value) -> bool,
) -> bool {
    match value {
        Value::Object(found) if !found.is_empty() && !is_whole(at) => {
            members(at, found, is_whole, go_on)
        }
        leaf => go_on(at, leaf),
    }
}

fn members<'v>(
    at: &mut Vec<&'v str>,
    members: &'v Map<String, Value>,
    is_whole: &dyn Fn(&[&str]) -> bool,
    go_on: &mut dyn FnMut(&[&'v str], &'v Value) -> bool,
) -> bool {
    members.iter().all(|(key, member)| {
        at.push(key);
        let goes_on = visit(at, member, is_whole, go_on);
        at.pop();
        goes_on
    })
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
        let value = json!({"a": [1, {"b": 2}], "c": {}});
        let found = leaves(&Pointer::root(), &value);
        let names: Vec<String> = found.iter().map(|leaf| leaf.pointer.to_string()).collect();
        assert_eq!(names, ["/a", "/c"]);
    }
}
