//! Comma-separated values for programs, as RFC 4180 has them.
//!
//! Numbers are written in full, times as RFC 3339, lists and objects as JSON. An absent value is an
//! empty cell, an empty text is `""`. A text that a spreadsheet would run as a formula gets a
//! leading apostrophe: a run id may come from anybody, and a table is opened without a thought.
//! JSON lines have every text as it is.

use std::borrow::Cow;

use serde_json::Value;

/// Returns a line of texts.
pub(crate) fn line<T: AsRef<str>>(cells: &[T]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell.as_ref())).collect();
    format!("{}\r\n", cells.join(","))
}

/// Returns a line of values.
pub(crate) fn values(cells: &[Option<Value>]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| match cell {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) if text.is_empty() => "\"\"".to_owned(),
            Some(Value::String(text)) => quoted(&harmless(text)),
            Some(other) => quoted(&other.to_string()),
        })
        .collect();
    format!("{}\r\n", cells.join(","))
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// Puts an apostrophe before what would run. A sign alone runs nothing (`-O3` is a setting): it
/// takes a call, a program or a sheet behind it.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let signed = text.starts_with(['+', '-']) && text.contains(['(', '|', '!']);
    if signed || text.starts_with(['=', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_would_break_a_line_is_quoted_and_what_would_run_is_not_run() {
        let cells = [
            json!("a,b"),
            json!("say \"hi\"\n"),
            json!("=1+1"),
            json!("-O3"),
            json!("-1+cmd|' /C calc'!A0"),
            json!("@SUM(A1)"),
            json!(-0.5),
        ];
        assert_eq!(
            values(&cells.map(Some)),
            "\"a,b\",\"say \"\"hi\"\"\n\",'=1+1,-O3,'-1+cmd|' /C calc'!A0,'@SUM(A1),-0.5\r\n"
        );
    }

    #[test]
    fn absent_is_told_from_empty_and_numbers_are_whole() {
        let cells = [
            None,
            Some(json!(null)),
            Some(json!("")),
            Some(json!(0.1 + 0.2)),
            Some(json!([1, "a"])),
            Some(json!(true)),
        ];
        assert_eq!(
            values(&cells),
            ",,\"\",0.30000000000000004,\"[1,\"\"a\"\"]\",true\r\n"
        );
    }
}
