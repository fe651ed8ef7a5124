//! Which code ran, as a snapshot has it, and how far two of them can be held against each other.
//!
//! A capture names the commit, and by one digest everything tracked that was not as the commit has
//! it: these two name the code, and are compared. Branches, descriptions and counts tell people
//! where they are; they differ without other code, and stay beside. A document of the caller's may
//! name the commit alone. The invariant: code that was not wholly read is never called equal.
//! Reading it belongs to `runstone-env`.

use serde_json::{Map, Value};

use super::CAPTURE;

/// The schema of a capture, by which it is told from what a document says.
const SCHEMA: &str = "runstone.code/1";
/// The members of a capture that name the code.
const NAMES: [&str; 2] = [COMMIT, "patch"];
/// Those that tell where it stood; they differ without other code.
const BESIDE: [&str; 5] = ["branch", "describe", "operation", "remote", WORK_TREE];
const COMMIT: &str = "commit";
const WORK_TREE: &str = "work_tree";
/// Fewest digits by which one spelling of a commit is taken for another; git's own default.
const COMMIT_DIGITS_MIN: usize = 7;

/// What is known of the code of a run.
#[derive(Debug, Clone, Copy)]
pub struct Code<'v>(&'v Value);

/// The code of two runs, as far as it can be held against each other.
#[derive(Debug, Clone, PartialEq)]
pub enum CodePair {
    /// What is compared of each: where both are equal, the code is.
    Comparable(Value, Value),
    /// Nothing that is known of both differs, and not all is known.
    Unknown {
        /// Of which run not, and why, as a fragment for people.
        reason: String,
    },
}

impl<'v> Code<'v> {
    pub(super) fn of(value: &'v Value) -> Self {
        Self(value)
    }

    /// Returns what names the code. `None`: not all of it was read.
    pub fn named(self) -> Option<Value> {
        self.is_whole().then(|| self.names())
    }

    /// Returns what runs that repeat each other have in common. `None`: not all of it was read. Of
    /// files that are not tracked only the number is known, and a run that adds one may differ.
    pub fn repeated(self) -> Option<Value> {
        let mut named = self.named()?;
        if self.untracked() > 0 {
            named["untracked"] = self.untracked().into();
        }
        Some(named)
    }

    /// Tells whether files were there that are not tracked, whose contents nobody knows.
    pub fn has_untracked(self) -> bool {
        self.untracked() > 0
    }

    /// Holds the code of two runs against each other.
    pub fn pair(prev: Self, curr: Self) -> CodePair {
        let (before, now) = (prev.names(), curr.names());
        if prev.is_capture() == curr.is_capture() && prev.is_whole() && curr.is_whole() {
            return CodePair::Comparable(before, now);
        }
        let (before, now) = in_both(&before, &now);
        if before == now || is_one_commit(&before, &now) {
            let reasons = [prev.lacks("previous"), curr.lacks("current")];
            let reasons: Vec<String> = reasons.into_iter().flatten().collect();
            return CodePair::Unknown {
                reason: reasons.join("; "),
            };
        }
        CodePair::Comparable(before, now)
    }

    /// Returns what differs beside the names: place, old and new value.
    pub fn beside(prev: Self, curr: Self) -> Vec<(String, Option<Value>, Option<Value>)> {
        let mut found = Vec::new();
        if !prev.is_capture() || !curr.is_capture() {
            return found;
        }
        for name in BESIDE {
            let sides = [prev.0.get(name), curr.0.get(name)];
            if name == WORK_TREE {
                let [Some(before), Some(now)] = sides else {
                    continue;
                };
                for (kind, count) in now.as_object().into_iter().flatten() {
                    let old = before.get(kind);
                    if old != Some(count) {
                        found.push((format!("{name}.{kind}"), old.cloned(), Some(count.clone())));
                    }
                }
            } else if sides[0] != sides[1] {
                let [before, now] = sides.map(Option::<&Value>::cloned);
                found.push((name.to_owned(), before, now));
            }
        }
        found
    }

    /// Tells whether a changed member names the code, rather than where it stood.
    pub fn tells(key: &str) -> bool {
        let name = key.split('.').next().unwrap_or_default();
        !BESIDE.contains(&name)
    }

    fn is_capture(self) -> bool {
        self.0.get("schema").and_then(Value::as_str) == Some(SCHEMA)
    }

    fn is_whole(self) -> bool {
        !self.is_capture() || self.0.get("state").and_then(Value::as_str) == Some("captured")
    }

    /// Returns what is known of the names; of what a document says, all of it.
    fn names(self) -> Value {
        if !self.is_capture() {
            return self.0.clone();
        }
        let known = NAMES.into_iter().filter_map(|name| {
            let value = self.0.get(name)?;
            Some((name.to_owned(), value.clone()))
        });
        Value::Object(known.collect())
    }

    fn untracked(self) -> u64 {
        let work_tree = self.0.get(WORK_TREE).filter(|_| self.is_capture());
        let count = work_tree.and_then(|it| it.get("untracked")?.as_u64());
        count.unwrap_or_default()
    }

    /// Says what is not known of the code of one run.
    fn lacks(self, which: &str) -> Option<String> {
        if !self.is_capture() {
            return Some(format!(
                "the document of the {which} run names the commit alone"
            ));
        }
        if self.is_whole() {
            return None;
        }
        let warnings = self.0.get(CAPTURE).and_then(|it| it.get("warnings"));
        let first = warnings.and_then(|it| it.get(0)?.as_str());
        let why = first.map_or_else(String::new, |why| format!(": {why}"));
        Some(format!("read in part for the {which} run{why}"))
    }
}

/// Returns two objects with the members that stand in both.
fn in_both(before: &Value, now: &Value) -> (Value, Value) {
    let shared = |of: &Value, other: &Value| {
        let members = of.as_object().into_iter().flatten();
        let shared = members.filter(|(name, _)| other.get(name.as_str()).is_some());
        let shared: Map<String, Value> = shared
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Value::Object(shared)
    };
    (shared(before, now), shared(now, before))
}

/// Tells whether two objects hold one commit in two spellings, and nothing else.
fn is_one_commit(before: &Value, now: &Value) -> bool {
    let alone = |it: &Value| it.as_object().is_some_and(|members| members.len() == 1);
    let text = |it: &'_ Value| it.get(COMMIT).and_then(Value::as_str).map(str::to_owned);
    match (text(before), text(now)) {
        (Some(one), Some(other)) if alone(before) && alone(now) => {
            one.len().min(other.len()) >= COMMIT_DIGITS_MIN
                && (one.starts_with(&other) || other.starts_with(&one))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HEAD: &str = "9f3c1ab0d2e49f3c1ab0d2e49f3c1ab0d2e49f3c";

    fn capture(state: &str, commit: &str, patch: Option<&str>, untracked: u64) -> Value {
        let mut value = json!({
            "schema": SCHEMA,
            "state": state,
            "commit": commit,
            "branch": "main",
            "work_tree": {"staged": 0, "modified": 0, "untracked": untracked, "conflicted": 0},
        });
        if let Some(patch) = patch {
            value["patch"] = patch.into();
        }
        value
    }

    fn pair(prev: &Value, curr: &Value) -> CodePair {
        Code::pair(Code::of(prev), Code::of(curr))
    }

    #[test]
    fn commit_and_patch_name_the_code_and_where_it_stood_does_not() {
        let clean = capture("captured", HEAD, None, 0);
        let mut elsewhere = capture("captured", HEAD, None, 3);
        elsewhere["branch"] = json!("topic");
        let CodePair::Comparable(before, now) = pair(&clean, &elsewhere) else {
            panic!("both were read whole");
        };
        assert_eq!(before, now);
        assert_eq!(before, json!({ "commit": HEAD }));
        let beside = Code::beside(Code::of(&clean), Code::of(&elsewhere));
        let keys: Vec<&str> = beside.iter().map(|(key, ..)| key.as_str()).collect();
        assert_eq!(keys, ["branch", "work_tree.untracked"]);
        assert!(keys.into_iter().all(|key| !Code::tells(key)));
        let dirty = capture("captured", HEAD, Some("ab"), 0);
        let CodePair::Comparable(before, now) = pair(&clean, &dirty) else {
            panic!("both were read whole");
        };
        assert_ne!(before, now);
    }

    #[test]
    fn what_was_read_in_part_differs_where_it_does_and_is_never_equal() {
        let whole = capture("captured", HEAD, Some("ab"), 0);
        let mut partial = capture("partial", HEAD, None, 0);
        partial["capture"] = json!({"warnings": ["not read to its end within 500 ms"]});
        for (prev, curr, which) in [
            (&whole, &partial, "current"),
            (&partial, &whole, "previous"),
        ] {
            let CodePair::Unknown { reason } = pair(prev, curr) else {
                panic!("nobody knows the patch of one of them");
            };
            let expected =
                format!("read in part for the {which} run: not read to its end within 500 ms");
            assert_eq!(reason, expected);
        }
        assert!(matches!(pair(&partial, &partial), CodePair::Unknown { .. }));
        assert_eq!(Code::of(&partial).named(), None);
        assert_eq!(Code::of(&partial).repeated(), None);
        let other = capture(
            "partial",
            "0d31e520d31e520d31e520d31e520d31e520d31e",
            None,
            0,
        );
        let CodePair::Comparable(before, now) = pair(&whole, &other) else {
            panic!("two commits are other code");
        };
        assert_eq!(before, json!({ "commit": HEAD }));
        assert_ne!(before, now);
    }

    #[test]
    fn commit_of_a_document_is_held_against_captured_ones_in_either_spelling() {
        let said = json!({"commit": &HEAD[..7], "source": "document"});
        let found = capture("captured", HEAD, None, 0);
        let CodePair::Unknown { reason } = pair(&said, &found) else {
            panic!("a document says nothing of changes");
        };
        assert_eq!(
            reason,
            "the document of the previous run names the commit alone"
        );
        let other = json!({"commit": "0d31e52", "source": "document"});
        assert_eq!(
            pair(&other, &found),
            CodePair::Comparable(json!({"commit": "0d31e52"}), json!({ "commit": HEAD }))
        );
        // Two documents mean the same by the same words.
        assert_eq!(pair(&said, &said), CodePair::Comparable(said.clone(), said));
    }

    #[test]
    fn run_that_adds_a_file_repeats_no_other() {
        let one = capture("captured", HEAD, None, 0);
        let two = capture("captured", HEAD, None, 1);
        assert_eq!(Code::of(&one).named(), Code::of(&two).named());
        assert_ne!(Code::of(&one).repeated(), Code::of(&two).repeated());
        assert!(Code::of(&two).has_untracked() && !Code::of(&one).has_untracked());
    }
}
