//! Who says what of a run, in the order in which their words count.
//!
//! A field may be said by a file that the command left, by an option, and by what was measured. The
//! invariant: where two of them say otherwise, the later one counts, and that is told; nothing is
//! overruled in silence. What comes of it is joined by the ledger; what may be shown of a value is
//! left to the profile.

use std::collections::BTreeSet;

use runstone::core::canon;
use runstone::core::pointer::Path;
use runstone::core::problem::quoted_apart;
use serde_json::{Map, Value, json};

/// What one of them says.
#[derive(Debug)]
pub(super) struct Source<'d> {
    /// Where it is said, as a fragment: `in metrics.json`.
    name: String,
    says: Says<'d>,
}

/// Fields, as they are said.
#[derive(Debug)]
enum Says<'d> {
    /// Members of an object of the document, or of the document itself.
    Members {
        below: Option<&'static str>,
        members: &'d Map<String, Value>,
        /// Whether an object joins the object that is there, or takes its place.
        joins: bool,
    },
    /// Values at places, each in the place of what is there.
    Places(Vec<(Vec<String>, &'d Value)>),
}

/// A field that two say otherwise.
#[derive(Debug)]
pub(super) struct Overruled<'s> {
    at: Vec<String>,
    /// The one whose word does not count.
    below: (&'s str, &'s Value),
    /// The one whose word counts.
    above: (&'s str, &'s Value),
}

impl<'d> Source<'d> {
    /// Says each of `members`, below a member of the document or at its top. Objects are joined.
    pub(super) fn joining(
        name: impl Into<String>,
        below: Option<&'static str>,
        members: &'d Map<String, Value>,
    ) -> Self {
        Self::of_members(name.into(), below, members, true)
    }

    /// Says each of `members`, in the place of what is there.
    pub(super) fn replacing(
        name: impl Into<String>,
        below: Option<&'static str>,
        members: &'d Map<String, Value>,
    ) -> Self {
        Self::of_members(name.into(), below, members, false)
    }

    fn of_members(
        name: String,
        below: Option<&'static str>,
        members: &'d Map<String, Value>,
        joins: bool,
    ) -> Self {
        let says = Says::Members {
            below,
            members,
            joins,
        };
        Self { name, says }
    }

    /// Says a value at each path, in the place of what is there.
    pub(super) fn at_paths(name: impl Into<String>, said: &'d [(String, Value)]) -> Self {
        let places = said.iter().filter_map(|(path, value)| {
            let path = path.parse::<Path>().ok()?;
            Some((path.keys().to_vec(), value))
        });
        Self {
            name: name.into(),
            says: Says::Places(places.collect()),
        }
    }

    /// Returns what it says of a place, unless that is nothing.
    fn find(&self, at: &[String]) -> Option<&'d Value> {
        let walk = |value: &'d Value, below: &[String]| {
            let found = below.iter().try_fold(value, |value, key| value.get(key))?;
            (!found.is_null()).then_some(found)
        };
        match &self.says {
            Says::Members { below, members, .. } => {
                let at = match (below, at) {
                    (None, at) => at,
                    (Some(below), [first, at @ ..]) if first == below => at,
                    _ => return None,
                };
                let (first, below) = at.split_first()?;
                walk(members.get(first)?, below)
            }
            Says::Places(places) => places.iter().rev().find_map(|(place, value)| {
                let below = at.strip_prefix(place.as_slice())?;
                walk(value, below)
            }),
        }
    }

    /// Returns the places at which it says otherwise than `below`, with both values.
    fn differing_from(&self, below: &Self) -> Vec<(Vec<String>, &'d Value, &'d Value)> {
        let mut found = Vec::new();
        match &self.says {
            Says::Members {
                below: member,
                members,
                joins,
            } => {
                for (key, value) in *members {
                    let at = member.iter().copied().chain([key.as_str()]);
                    differ(
                        below,
                        at.map(str::to_owned).collect(),
                        value,
                        *joins,
                        &mut found,
                    );
                }
            }
            Says::Places(places) => {
                for (place, value) in places {
                    differ(below, place.clone(), value, false, &mut found);
                }
            }
        }
        found
    }
}

impl Overruled<'_> {
    /// Says it; without the values if `may_be_shown` forbids one of them, as a document with
    /// nothing but that value.
    pub(super) fn said(&self, may_be_shown: impl Fn(&Value) -> bool) -> String {
        let Self {
            at,
            below: (below, less),
            above: (above, more),
        } = self;
        let document = |value: &Value| {
            let at = at.iter().rev();
            at.fold(value.clone(), |value, key| json!({ key: value }))
        };
        let path = at.join(".");
        if !may_be_shown(&document(less)) || !may_be_shown(&document(more)) {
            return format!(
                "`{path}` is one thing {below} and another {above}, and a rule redacts it: the \
                 latter is recorded"
            );
        }
        let (less, more) = quoted_apart(less, more);
        format!("`{path}` is {less} {below} and {more} {above}: the latter is recorded")
    }
}

/// Returns every field that one of `sources` says otherwise than one before it; where several did,
/// the last of those.
pub(super) fn overruled<'s>(sources: &'s [Source<'_>]) -> Vec<Overruled<'s>> {
    let mut found = Vec::new();
    for (position, above) in sources.iter().enumerate() {
        let mut known = BTreeSet::new();
        for below in sources[..position].iter().rev() {
            for (at, less, more) in above.differing_from(below) {
                if known.insert(at.clone()) {
                    found.push(Overruled {
                        at,
                        below: (&below.name, less),
                        above: (&above.name, more),
                    });
                }
            }
        }
    }
    found
}

/// Collects the places at and below `at` that `below` says otherwise than `value`.
fn differ<'d>(
    below: &Source<'d>,
    at: Vec<String>,
    value: &'d Value,
    joins: bool,
    found: &mut Vec<(Vec<String>, &'d Value, &'d Value)>,
) {
    let Some(less) = below.find(&at) else { return };
    match value {
        Value::Object(members) if joins && less.is_object() => {
            for (key, value) in members {
                let at = at.iter().chain([key]).cloned().collect();
                differ(below, at, value, joins, found);
            }
        }
        _ if canon::settle(less.clone()) != canon::settle(value.clone()) => {
            found.push((at, less, value));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn said(sources: &[Source<'_>]) -> Vec<String> {
        let overruled = overruled(sources);
        overruled.iter().map(|one| one.said(|_| true)).collect()
    }

    #[test]
    fn what_two_say_otherwise_is_told_by_its_place_and_equal_words_are_not() {
        let file = members(&json!({"a": {"b": 1, "c": 2}, "d": 1.0, "e": null}));
        let given = members(&json!({"a": {"b": 3}, "d": 1, "e": 5, "f": 6}));
        let sources = [
            Source::joining("in identity.json", Some("identity"), &file),
            Source::joining("given", Some("identity"), &given),
        ];
        assert_eq!(
            said(&sources),
            ["`identity.a.b` is `1` in identity.json and `3` given: the latter is recorded"]
        );
    }

    #[test]
    fn an_object_in_the_place_of_another_is_told_as_a_whole() {
        let one = members(&json!({"auc": {"mean": 1, "std": 2}}));
        let other = members(&json!({"auc": {"mean": 1}}));
        let sources = [
            Source::joining("in metrics.json", Some("metrics"), &one),
            Source::replacing("in `m.json`", Some("metrics"), &other),
        ];
        assert_eq!(
            said(&sources),
            [
                "`metrics.auc` is `{\"mean\":1,\"std\":2}` in metrics.json and `{\"mean\":1}` in `m.json`: the latter is recorded"
            ]
        );
    }

    #[test]
    fn a_word_that_overrules_several_is_told_beside_the_last_of_them() {
        let [one, two] = [1, 2].map(|auc| members(&json!({ "auc": auc })));
        let set = [("metrics.auc".to_owned(), json!(3))];
        let sources = [
            Source::replacing("in metrics.json", Some("metrics"), &one),
            Source::replacing("in `m.json`", Some("metrics"), &two),
            Source::at_paths("by `--set`", &set),
        ];
        assert_eq!(
            said(&sources),
            [
                "`metrics.auc` is `1` in metrics.json and `2` in `m.json`: the latter is recorded",
                "`metrics.auc` is `2` in `m.json` and `3` by `--set`: the latter is recorded",
            ]
        );
    }

    #[test]
    fn a_value_that_must_not_be_shown_is_not() {
        let [one, two] = ["one", "two"].map(|key| members(&json!({ "api_key": key })));
        let sources = [
            Source::joining("in factors.json", Some("factors"), &one),
            Source::joining("given", Some("factors"), &two),
        ];
        let overruled = overruled(&sources);
        let shown = |document: &Value| *document != json!({"factors": {"api_key": "one"}});
        assert_eq!(
            overruled[0].said(shown),
            "`factors.api_key` is one thing in factors.json and another given, and a rule \
             redacts it: the latter is recorded"
        );
    }

    #[test]
    fn files_of_a_hundred_thousand_fields_are_compared_in_no_time() {
        let fields = |value: u32| -> Map<String, Value> {
            let fields = (0..100_000).map(|field| (format!("f{field}"), json!(value)));
            fields.collect()
        };
        let [one, two] = [1, 2].map(fields);
        let sources = [
            Source::replacing("in metrics.json", Some("metrics"), &one),
            Source::replacing("in `m.json`", Some("metrics"), &two),
        ];
        // Each field beside each other one would take hours.
        assert_eq!(overruled(&sources).len(), 100_000);
    }
}
