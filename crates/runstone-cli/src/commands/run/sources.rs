//! Who says what of a run, in the order in which their words count.
//!
//! A field may be said by a file that the command left, by an option, and by what was measured. The
//! invariant: where two of them say otherwise, the later one counts, and that is told; nothing is
//! overruled in silence. What comes of it is joined by the ledger; what may be shown of a value is
//! left to the profile.

use runstone::core::canon;
use runstone::core::pointer::Path;
use runstone::core::problem::quoted_apart;
use serde_json::{Map, Value, json};

/// What one of them says.
#[derive(Debug)]
pub(super) struct Source {
    /// Where it is said, as a fragment: `in metrics.json`.
    name: String,
    words: Vec<Word>,
}

/// One field, as it is said.
#[derive(Debug)]
struct Word {
    /// The keys from the root of the document.
    at: Vec<String>,
    value: Value,
    /// Whether an object joins the object that is there, or takes its place.
    joins: bool,
}

/// A field that two say otherwise.
#[derive(Debug)]
pub(super) struct Overruled<'s> {
    at: Vec<String>,
    /// The one whose word does not count.
    below: (&'s Source, &'s Value),
    /// The one whose word counts.
    above: (&'s Source, &'s Value),
}

impl Source {
    /// Says each of `members`, below `member` of the document or at its top. Objects are joined.
    pub(super) fn joining(
        name: impl Into<String>,
        member: Option<&str>,
        members: &Map<String, Value>,
    ) -> Self {
        Self::of_members(name, member, members, true)
    }

    /// Says each of `members` below `member` of the document, in the place of what is there.
    pub(super) fn replacing(
        name: impl Into<String>,
        member: Option<&str>,
        members: &Map<String, Value>,
    ) -> Self {
        Self::of_members(name, member, members, false)
    }

    /// Says a value at each path, in the place of what is there.
    pub(super) fn at_paths(name: impl Into<String>, said: &[(String, Value)]) -> Self {
        let word = |(path, value): &(String, Value)| {
            Some(Word {
                at: path.parse::<Path>().ok()?.keys().to_vec(),
                value: value.clone(),
                joins: false,
            })
        };
        Self {
            name: name.into(),
            words: said.iter().filter_map(word).collect(),
        }
    }

    fn of_members(
        name: impl Into<String>,
        member: Option<&str>,
        members: &Map<String, Value>,
        joins: bool,
    ) -> Self {
        let word = |(key, value): (&String, &Value)| Word {
            at: member
                .into_iter()
                .chain([key.as_str()])
                .map(str::to_owned)
                .collect(),
            value: value.clone(),
            joins,
        };
        Self {
            name: name.into(),
            words: members.iter().map(word).collect(),
        }
    }

    /// Returns what it says of a place, unless that is nothing.
    fn find(&self, at: &[String]) -> Option<&Value> {
        self.words.iter().rev().find_map(|word| {
            let below = at.strip_prefix(word.at.as_slice())?;
            let found = below
                .iter()
                .try_fold(&word.value, |value, key| value.get(key))?;
            (!found.is_null()).then_some(found)
        })
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
                "`{path}` is one thing {} and another {}, and a rule redacts it: the latter is \
                 recorded",
                below.name, above.name
            );
        }
        let (less, more) = quoted_apart(less, more);
        format!(
            "`{path}` is {less} {} and {more} {}: the latter is recorded",
            below.name, above.name
        )
    }
}

/// Returns every field that one of `sources` says otherwise than one before it; where several did,
/// the last of those.
pub(super) fn overruled(sources: &[Source]) -> Vec<Overruled<'_>> {
    let mut found: Vec<Overruled<'_>> = Vec::new();
    for (position, above) in sources.iter().enumerate() {
        let first = found.len();
        for below in sources[..position].iter().rev() {
            for word in &above.words {
                let mut differing = Vec::new();
                differ(
                    below,
                    word.at.clone(),
                    &word.value,
                    word.joins,
                    &mut differing,
                );
                for (at, less, more) in differing {
                    if found[first..].iter().all(|known| known.at != at) {
                        found.push(Overruled {
                            at,
                            below: (below, less),
                            above: (above, more),
                        });
                    }
                }
            }
        }
    }
    found
}

/// Collects the places at and below `at` that `below` says otherwise than `value`.
fn differ<'s>(
    below: &'s Source,
    at: Vec<String>,
    value: &'s Value,
    joins: bool,
    differing: &mut Vec<(Vec<String>, &'s Value, &'s Value)>,
) {
    match value {
        Value::Object(members) if joins && below.find(&at).is_none_or(Value::is_object) => {
            for (key, value) in members {
                let at = at.iter().chain([key]).cloned().collect();
                differ(below, at, value, joins, differing);
            }
        }
        _ => {
            if let Some(less) = below.find(&at)
                && canon::settle(less.clone()) != canon::settle(value.clone())
            {
                differing.push((at, less, value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn said(sources: &[Source]) -> Vec<String> {
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
        let metrics = |auc| members(&json!({"auc": auc}));
        let sources = [
            Source::replacing("in metrics.json", Some("metrics"), &metrics(1)),
            Source::replacing("in `m.json`", Some("metrics"), &metrics(2)),
            Source::at_paths("by `--set`", &[("metrics.auc".to_owned(), json!(3))]),
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
        let key = |value| members(&json!({"api_key": value}));
        let sources = [
            Source::joining("in factors.json", Some("factors"), &key("one")),
            Source::joining("given", Some("factors"), &key("two")),
        ];
        let overruled = overruled(&sources);
        let shown = |document: &Value| *document != json!({"factors": {"api_key": "one"}});
        assert_eq!(
            overruled[0].said(shown),
            "`factors.api_key` is one thing in factors.json and another given, and a rule \
             redacts it: the latter is recorded"
        );
    }
}
