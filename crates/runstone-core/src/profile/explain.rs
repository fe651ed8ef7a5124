//! What each field of a document counts as, for people.
//!
//! One row per leaf, in the order of the document's keys, by the same decision that the reading
//! takes. Printing the rows belongs to the faces.

use serde_json::{Map, Value};

use super::role::Role;
use super::rules::{Profile, StageRules};
use crate::metric::MetricValue;
use crate::pointer::{Leaf, Pointer, leaves};
use crate::record::would_redact;
use crate::redact::Mode;

/// What one field of a document counts as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The field, as a dotted path.
    pub path: String,
    /// What it counts as, in words.
    pub counts_as: String,
    /// What becomes of it before it is recorded, and by which rule.
    pub redacted: Option<(Mode, String)>,
}

impl Profile {
    /// Returns what each field of `document` counts as. Where the document's stage is none of the
    /// profile's, only what holds for every stage is said.
    pub fn explain(&self, document: &Map<String, Value>) -> Vec<Explained> {
        let stage = document
            .get("stage")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let rules = self.stage(stage).ok().map(|(_, rules)| rules);
        let whole = Value::Object(document.clone());
        let leaves = leaves(&Pointer::root(), &whole);
        let mut explained: Vec<Explained> = leaves
            .iter()
            .map(|leaf| Explained {
                path: self.redaction.pointer(&leaf.pointer).dotted(),
                counts_as: self.explain_leaf(rules, leaf),
                redacted: None,
            })
            .collect();
        if let Some(rules) = rules {
            self.say_what_is_redacted(rules, document, &leaves, &mut explained);
        }
        if let Some(rules) = rules {
            self.say_which_comes_first(rules, &leaves, &mut explained);
        }
        explained
    }

    /// Says which fields lose something, by the walk that recording takes.
    fn say_what_is_redacted(
        &self,
        rules: &StageRules,
        document: &Map<String, Value>,
        leaves: &[Leaf<'_>],
        explained: &mut [Explained],
    ) {
        let redacted = would_redact(document, self, rules);
        for (leaf, row) in leaves.iter().zip(explained) {
            let shown = self.redaction.pointer(&leaf.pointer);
            let is_it = |place: &Pointer| {
                place.keys().starts_with(shown.keys()) || shown.keys().starts_with(place.keys())
            };
            let found = redacted.iter().find(|(place, _, _)| is_it(place));
            row.redacted = found.map(|(_, mode, rule)| (*mode, rule.clone()));
        }
    }

    /// Of several fields that may hold one factor the first counts; the others say so.
    fn say_which_comes_first(
        &self,
        rules: &StageRules,
        leaves: &[Leaf<'_>],
        explained: &mut [Explained],
    ) {
        let ranked = |leaf: &Leaf<'_>| match self.fields.role(rules, leaf.pointer.keys()) {
            Role::Factor {
                key,
                rank: Some(rank),
                ..
            } => Some((key, rank)),
            _ => None,
        };
        for (leaf, row) in leaves.iter().zip(explained) {
            let Some((key, rank)) = ranked(leaf) else {
                continue;
            };
            let first = leaves
                .iter()
                .find(|other| ranked(other).is_some_and(|(k, r)| k == key && r < rank));
            if let Some(first) = first {
                let first = self.redaction.pointer(&first.pointer).dotted();
                row.counts_as = format!("kept, never compared: `{first}` comes first");
            }
        }
    }

    /// A tagged value's `reason` never counts.
    fn is_reason_of_tagged(&self, keys: &[String]) -> bool {
        keys.split_last().is_some_and(|(last, above)| {
            last == "reason"
                && self
                    .fields
                    .tagged
                    .iter()
                    .any(|pattern| pattern.matches(above))
        })
    }

    fn explain_leaf(&self, rules: Option<&StageRules>, leaf: &Leaf<'_>) -> String {
        let Some(rules) = rules else {
            return "unknown: the stage is none of the profile's".to_owned();
        };
        let keys = leaf.pointer.keys();
        if self.is_reason_of_tagged(keys) {
            return "kept, never compared".to_owned();
        }
        let alias = self
            .fields
            .aliases
            .iter()
            .find(|(alias, _)| keys.starts_with(alias.keys()));
        let Some((alias, target)) = alias else {
            return in_words(&self.fields.role(rules, keys), leaf);
        };
        let below = &keys[alias.keys().len()..];
        let meant: Vec<String> = target.keys().iter().chain(below).cloned().collect();
        format!(
            "{}, as `{}`",
            in_words(&self.fields.role(rules, &meant), leaf),
            meant.join(".")
        )
    }
}

fn in_words(role: &Role, leaf: &Leaf<'_>) -> String {
    match role {
        Role::Fixed("metrics") => match (&leaf.value, MetricValue::from_json(leaf.value)) {
            (Value::Null, _) => "absent metric".to_owned(),
            (_, Some(_)) => "metric".to_owned(),
            (Value::Array(_), None)
                if leaf
                    .pointer
                    .keys()
                    .last()
                    .is_some_and(|key| key == "values") =>
            {
                "samples of a metric".to_owned()
            }
            (_, None) => "label: shown, never judged".to_owned(),
        },
        Role::Fixed(field) => field.replace('_', " "),
        Role::Environment => "environment digest".to_owned(),
        Role::Code => "code".to_owned(),
        Role::Identity { group } => format!("identity: {group}"),
        Role::Factor { class, key, .. } => format!("{}: {key}", class.as_str()),
        Role::Ignored | Role::Unread => "kept, never compared".to_owned(),
    }
}
