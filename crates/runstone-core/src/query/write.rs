//! From an expression back to a filter.
//!
//! The invariant kept: what is written reads as the same expression, as deep as it was and no
//! deeper. It is not the text that was read: paths stand in backticks, and only the parentheses
//! that mean something are left.

use std::fmt;

use serde_json::Value;

use super::parse::{Expr, Node};
use crate::canon;

/// Writes a filter that reads as this expression.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(&self.0, f)
    }
}

fn write(node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match node {
        Node::Or(nodes) => joined(nodes, " or ", |node| matches!(node, Node::Or(_)), f),
        Node::And(nodes) => joined(nodes, " and ", is_joined, f),
        Node::Not(inner) => match &**inner {
            // Not `not PATH in (…)`, which is one level deeper.
            Node::In(path, values) => {
                write_path(path, f)?;
                f.write_str(" not in ")?;
                write_list(values, f)
            }
            inner => {
                f.write_str("not ")?;
                apart(inner, is_joined(inner), f)
            }
        },
        Node::Has(path) => {
            f.write_str("has ")?;
            write_path(path, f)
        }
        Node::Compare(path, compare, value) => {
            write_path(path, f)?;
            write!(f, " {} ", compare.as_str())?;
            write_value(value, f)
        }
        Node::In(path, values) => {
            write_path(path, f)?;
            f.write_str(" in ")?;
            write_list(values, f)
        }
    }
}

const fn is_joined(node: &Node) -> bool {
    matches!(node, Node::Or(_) | Node::And(_))
}

fn joined(
    nodes: &[Node],
    word: &str,
    is_apart: fn(&Node) -> bool,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (position, node) in nodes.iter().enumerate() {
        if position > 0 {
            f.write_str(word)?;
        }
        apart(node, is_apart(node), f)?;
    }
    Ok(())
}

fn apart(node: &Node, parentheses: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if !parentheses {
        return write(node, f);
    }
    f.write_str("(")?;
    write(node, f)?;
    f.write_str(")")
}

/// Everything below the first part stands in one pair of backticks: how the parts were told apart
/// means nothing to a row.
fn write_path(path: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some((root, below)) = path.split_once('.') else {
        return write!(f, "`{path}`");
    };
    // U+1FEF is the backtick after NFC, and the only way to have one in a path.
    write!(f, "{root}.`{}`", below.replace('`', "\u{1fef}"))
}

fn write_list(values: &[Value], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("(")?;
    for (position, value) in values.iter().enumerate() {
        if position > 0 {
            f.write_str(", ")?;
        }
        write_value(value, f)?;
    }
    f.write_str(")")
}

fn write_value(value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::String(text) => {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"");
            write!(f, "\"{text}\"")
        }
        value => f.write_str(&canon::text(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(text: &str) -> String {
        let read = Expr::parse(text).unwrap();
        let written = read.to_string();
        assert_eq!(Expr::parse(&written).as_ref(), Ok(&read), "{written}");
        written
    }

    #[test]
    fn what_is_written_reads_as_the_same_expression() {
        let cases = [
            (
                "metrics.auc>0.8 AND (stage='a' or (not has tag))",
                "metrics.`auc` > 0.8 and (`stage` = \"a\" or not has `tag`)",
            ),
            (
                "not not (seq<=-1e21 and sweep != null)",
                "not not (`seq` <= -1e+21 and `sweep` != null)",
            ),
            (
                "not (stage not in ('a', \"b\\\\\\\"\", 1, true))",
                "not `stage` not in (\"a\", \"b\\\\\\\"\", 1, true)",
            ),
            (
                "(seq = 1 or seq = 2) or seq = 3",
                "(`seq` = 1 or `seq` = 2) or `seq` = 3",
            ),
            ("factors.`a b`.c ~ '*'", "factors.`a b.c` ~ \"*\""),
            ("metrics.`\u{1fef}` = 1", "metrics.`\u{1fef}` = 1"),
        ];
        for (text, expected) in cases {
            assert_eq!(again(text), expected);
        }
    }

    #[test]
    fn what_is_written_is_no_deeper_than_what_was_read() {
        again(&format!("{}stage not in ('a')", "not ".repeat(64)));
        again(&format!(
            "{}(seq = 1 or seq = 2) and seq = 3",
            "not ".repeat(63)
        ));
    }
}
