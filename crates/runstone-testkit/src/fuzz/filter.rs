//! Filters.

use runstone_core::query::{Expr, Row};
use serde_json::{Value, json};

/// Bytes of a filter that is still short enough in its longest spelling.
const BYTES_MAX: usize = 512;

/// A row on which patterns and lists have something to do.
struct Asked;

impl Row for Asked {
    fn get(&self, path: &str) -> Option<Value> {
        match path.len() % 5 {
            0 => Some(json!("a".repeat(200))),
            1 => Some(json!(["a", 1, null])),
            2 => Some(json!(0.5)),
            3 => Some(Value::Null),
            _ => None,
        }
    }
}

/// A filter that is accepted is the same when it is written and read again, and of it and its `not`
/// exactly one holds; an error points into the text.
///
/// # Panics
/// If that is not so.
pub fn filter(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let filter = match Expr::parse(text) {
        Ok(filter) => filter,
        Err(error) => {
            assert!((1..=text.chars().count() + 1).contains(&error.column));
            return;
        }
    };
    let holds = filter.matches(&Asked);
    if text.len() > BYTES_MAX {
        return;
    }
    let written = filter.to_string();
    let again = Expr::parse(&written).expect("what was written is read");
    assert_eq!(again, filter, "{written}");
    assert_eq!(again.to_string(), written);
    // One level more may be one too many.
    if let Ok(opposite) = Expr::parse(&format!("not ({written})")) {
        assert_ne!(opposite.matches(&Asked), holds);
    }
}
