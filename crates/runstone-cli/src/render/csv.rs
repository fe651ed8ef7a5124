//! Comma-separated values for programs, as RFC 4180 has them.
//!
//! Numbers are written in full, times as RFC 3339, lists and objects as JSON. An absent value is an
//! empty cell, an empty text is `""`. A text that a spreadsheet would run as a formula gets a
//! leading apostrophe: a run id may come from anybody, and a table is opened without a thought.
//! JSON lines have every text as it is.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Returns a line of texts.
pub(crate) fn line<T: AsRef<str>>(cells: &[T]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell.as_ref())).collect();
    format!("{}\r\n", cells.join(","))
}

/// Returns objects as a table: the columns of `lead` in their order, then every other member by
/// name. Members of members have dotted names, as in filters.
pub(crate) fn objects(rows: &[Value], lead: &[&str]) -> String {
    let rows: Vec<BTreeMap<String, &Value>> = rows.iter().map(flat).collect();
    let others: BTreeSet<&str> = rows
        .iter()
        .flat_map(BTreeMap::keys)
        .map(String::as_str)
        .filter(|name| !lead.contains(name))
        .collect();
    let columns: Vec<&str> = lead.iter().copied().chain(others).collect();
    let mut text = line(&columns);
    for row in &rows {
        let cells: Vec<Option<Value>> = columns
            .iter()
            .map(|name| row.get(*name).map(|value| (*value).clone()))
            .collect();
        text.push_str(&values(&cells));
    }
    text
}

fn flat(object: &Value) -> BTreeMap<String, &Value> {
    let mut leaves = BTreeMap::new();
    let mut open = vec![(String::new(), object)];
    while let Some((name, value)) = open.pop() {
        match value {
            Value::Object(members) => open.extend(members.iter().map(|(member, value)| {
                let dot = if name.is_empty() { "" } else { "." };
                (format!("{name}{dot}{member}"), value)
            })),
            leaf => {
                leaves.insert(name, leaf);
            }
        }
    }
    leaves
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

/// Puts an apostrophe before what would run, and before what looks as if one had been put there
/// already: so exactly the texts that would run behind their apostrophes have one too many, and a
/// reader takes it away.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if would_run(text.trim_start_matches('\'')) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Tells whether a spreadsheet may take a text for a formula, also in the full-width forms that
/// some read alike. A sign alone runs nothing (`-O3` is a setting): it takes a call, a program or a
/// sheet behind it.
fn would_run(text: &str) -> bool {
    let signed = text.starts_with(['+', '-', '＋', '－'])
        && text.contains(['(', '|', '!', '（', '｜', '！']);
    signed || text.starts_with(['=', '@', '＝', '＠', '\t', '\r', '\n'])
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
    fn the_apostrophe_that_was_put_there_can_be_told_from_one_that_was_recorded() {
        for (text, written) in [
            ("=1", "'=1"),
            ("'=1", "''=1"),
            ("'tis", "'tis"),
            ("'", "'"),
            ("＝1+1", "'＝1+1"),
            ("＠SUM（A1）", "'＠SUM（A1）"),
            ("－1＋cmd｜x", "'－1＋cmd｜x"),
            ("－O3", "－O3"),
            ("\n=1", "'\n=1"),
        ] {
            assert_eq!(harmless(text), written);
        }
    }

    #[test]
    fn objects_make_a_column_of_every_member_that_any_of_them_has() {
        let rows = [
            json!({"run_id": "a", "metrics": {"auc": 0.5}}),
            json!({"run_id": "b", "metrics": {"f1": 1}, "sweep": null}),
        ];
        assert_eq!(
            objects(&rows, &["run_id", "attempt"]),
            "run_id,attempt,metrics.auc,metrics.f1,sweep\r\na,,0.5,,\r\nb,,,1,\r\n"
        );
        assert_eq!(objects(&[], &["run_id"]), "run_id\r\n");
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
