//! Whether a row passes a filter.
//!
//! Total: every expression has an answer for every row. The invariant kept: of a test and its
//! `not` exactly one holds. Where a value is found belongs to [`Row`].

use std::cmp::Ordering;

use serde_json::Value;

use super::lexer::Compare;
use super::parse::{Expr, Node};
use crate::id::nfc;
use crate::pattern;

/// Something a filter can be asked about.
pub trait Row {
    /// Returns the value at a path, parts joined with dots; `None`: absent.
    fn get(&self, path: &str) -> Option<Value>;
}

impl Expr {
    /// Tells whether `row` passes.
    pub fn matches(&self, row: &dyn Row) -> bool {
        self.0.holds(row)
    }
}

impl Node {
    fn holds(&self, row: &dyn Row) -> bool {
        match self {
            Self::Or(nodes) => nodes.iter().any(|node| node.holds(row)),
            Self::And(nodes) => nodes.iter().all(|node| node.holds(row)),
            Self::Not(node) => !node.holds(row),
            Self::Has(path) => row.get(path).is_some_and(|found| !found.is_null()),
            Self::Compare(path, compare, value) => row
                .get(path)
                .is_some_and(|found| compare.holds(&found, value)),
            Self::In(path, values) => row.get(path).is_some_and(|found| {
                values
                    .iter()
                    .any(|value| Compare::Equal.holds(&found, value))
            }),
        }
    }
}

impl Compare {
    fn holds(self, found: &Value, asked: &Value) -> bool {
        if let Value::Array(items) = found {
            // Of a test and its opposite exactly one holds: `!=` says that no item is equal.
            return match self {
                Self::NotEqual => !items.iter().any(|item| equal(item, asked)),
                _ => items.iter().any(|item| self.holds(item, asked)),
            };
        }
        let ordered = |fits: fn(Ordering) -> bool| order(found, asked).is_some_and(fits);
        match self {
            Self::Equal => equal(found, asked),
            Self::NotEqual => !equal(found, asked),
            Self::Less => ordered(Ordering::is_lt),
            Self::LessOrEqual => ordered(Ordering::is_le),
            Self::Greater => ordered(Ordering::is_gt),
            Self::GreaterOrEqual => ordered(Ordering::is_ge),
            Self::Like => match (found, asked) {
                (Value::String(text), Value::String(pattern)) => {
                    pattern::matches(pattern, &nfc(text))
                }
                _ => false,
            },
        }
    }
}

/// Numbers and texts whatever their spelling; everything else as it is.
fn equal(found: &Value, asked: &Value) -> bool {
    order(found, asked).map_or_else(|| found == asked, Ordering::is_eq)
}

/// Numbers by size and texts by code point; nothing else has an order. What is asked for is in NFC
/// already, what was found may be in the caller's own spelling.
fn order(found: &Value, asked: &Value) -> Option<Ordering> {
    match (found, asked) {
        (Value::Number(found), Value::Number(asked)) => {
            found.as_f64()?.partial_cmp(&asked.as_f64()?)
        }
        (Value::String(found), Value::String(asked)) => Some(nfc(found).cmp(asked)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Sample;

    impl Row for Sample {
        fn get(&self, path: &str) -> Option<Value> {
            Some(match path {
                "metrics.auc" => json!(0.85),
                "metrics.rows" => json!(6),
                "metrics.loss" => json!("NaN"),
                "metrics.top 5" => json!(0.9),
                "factors.learning_rate" => json!(0.05),
                "factors.depth" => json!("6"),
                "stage" => json!("train"),
                "status" => json!("finished"),
                "started_at" => json!("2026-11-20T10:15:00Z"),
                "candidate" => json!(false),
                "labels.note" => json!(null),
                "labels.tags" => json!(["may", "release/1.2"]),
                "run_id" => json!("cafe\u{301}"),
                "metrics.pr\u{e9}cision" => json!(0.5),
                _ => return None,
            })
        }
    }

    fn holds(text: &str) -> bool {
        Expr::parse(text)
            .unwrap_or_else(|error| panic!("{text}: {error}"))
            .matches(&Sample)
    }

    #[test]
    fn the_documented_example_holds() {
        assert!(holds(
            r#"metrics.auc > 0.8 and factors.learning_rate <= 0.1 and stage = "train"
               and not status in ("failed","interrupted")"#
        ));
    }

    #[test]
    fn each_of_these_holds() {
        for text in [
            "metrics.auc >= 0.85 and metrics.auc <= 0.85 and metrics.auc != 0.8",
            "metrics.rows = 6.0",
            "metrics.`top 5` > 0.8",
            "stage ~ 'TR*n' and not stage ~ 'tr'",
            "candidate = false",
            "started_at >= '2026-11-20' and started_at < '2026-11-21'",
            "has metrics.auc and not has metrics.f1 and not has labels.note",
            "labels.note = null",
            "status not in ('failed', 'interrupted')",
            "stage = 'x' or stage = 'train' and status = 'finished'",
            "not (stage = 'x' or status = 'failed')",
            "metrics.rows in (1, 6, 'a')",
            "labels.tags = 'may' and labels.tags = 'release/1.2' and labels.tags != 'june'",
            "labels.tags ~ 'release/*' and labels.tags in ('june', 'may') and has labels.tags",
            "not labels.tags = 'june' and not labels.tags != 'may'",
        ] {
            assert!(holds(text), "{text}");
        }
    }

    #[test]
    fn two_spellings_of_one_text_are_one() {
        for text in [
            "run_id = 'caf\u{e9}' and run_id = 'cafe\u{301}'",
            "run_id in ('caf\u{e9}') and run_id ~ 'caf\u{e9}'",
            "metrics.`pre\u{301}cision` = 0.5",
        ] {
            assert!(holds(text), "{text}");
        }
    }

    #[test]
    fn a_test_of_an_absent_value_is_false_and_its_not_is_true() {
        for test in ["= 1", "!= 1", "< 1", ">= 1", "~ '*'", "in (1)", "= null"] {
            assert!(!holds(&format!("metrics.f1 {test}")), "{test}");
            assert!(holds(&format!("not metrics.f1 {test}")), "{test}");
        }
    }

    #[test]
    fn number_and_text_are_never_equal_and_have_no_order() {
        assert!(!holds("factors.depth = 6") && holds("factors.depth != 6"));
        assert!(!holds("factors.depth > 5") && !holds("factors.depth < 7"));
        assert!(!holds("metrics.auc ~ '0*'"));
    }

    #[test]
    fn what_is_not_a_number_is_neither_above_nor_below_one() {
        assert!(!holds("metrics.loss > 0") && !holds("metrics.loss <= 0"));
        assert!(holds("metrics.loss = 'NaN'"));
    }

    #[test]
    fn keywords_are_read_in_any_case() {
        assert!(holds("stage = 'train' AND NOT candidate = TRUE"));
    }
}
