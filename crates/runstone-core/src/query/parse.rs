//! From words to an expression.
//!
//! Recursive descent over the grammar of the module above, with a bound on depth and length. The
//! invariant kept: an expression exists only if it can be evaluated, so evaluation has no errors.

use serde_json::Value;

use super::lexer::{Compare, Token, TokenKind, tokens};
use super::path;
use crate::canon;

/// Longest filter read, in bytes.
const BYTES_MAX: usize = 8 * 1024;
/// Deepest nesting of parentheses and `not`.
const DEPTH_MAX: usize = 64;

/// A filter, ready to be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr(pub(super) Node);

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// At least one holds.
    Or(Vec<Self>),
    /// Each of them holds.
    And(Vec<Self>),
    Not(Box<Self>),
    /// There is a value.
    Has(String),
    Compare(String, Compare, Value),
    In(String, Vec<Value>),
}

/// Why a text is not a filter, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: expected {expected}, found {found}")]
pub struct QueryError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What would fit there.
    pub expected: String,
    /// What stands there.
    pub found: String,
    /// One sentence that helps, apart from the text.
    pub hint: Option<String>,
}

impl QueryError {
    pub(super) fn new(column: usize, expected: &str, found: &str) -> Self {
        Self {
            column,
            expected: expected.to_owned(),
            found: found.to_owned(),
            hint: None,
        }
    }

    pub(super) fn hint(self, hint: &str) -> Self {
        Self {
            hint: Some(hint.to_owned()),
            ..self
        }
    }
}

impl Expr {
    /// Reads a filter.
    ///
    /// # Errors
    /// [`QueryError`] at the first column where the text is no filter.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let mut parser = Parser::of(text)?;
        let node = parser.any()?;
        parser.end("`and`, `or` or the end")?;
        Ok(Self(node))
    }
}

/// Reads one path as filters write it, odd parts in backticks, and returns it as rows know it: its
/// parts joined with dots.
///
/// # Errors
/// [`QueryError`] at the first column where the text is no path of a value of a snapshot.
pub fn path_of(text: &str) -> Result<String, QueryError> {
    let mut parser = Parser::of(text)?;
    let path = parser.path(false)?;
    parser.end("the end")?;
    Ok(path)
}

struct Parser {
    /// The last one is the end.
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn of(text: &str) -> Result<Self, QueryError> {
        if text.len() > BYTES_MAX {
            let found = format!("{} bytes", text.len());
            return Err(QueryError::new(
                1,
                &format!("at most {BYTES_MAX} bytes"),
                &found,
            ));
        }
        Ok(Self {
            tokens: tokens(text)?,
            at: 0,
            depth: 0,
        })
    }

    /// Takes the end of the text, where `expected` would fit as well.
    fn end(&mut self, expected: &str) -> Result<(), QueryError> {
        match self.next() {
            Token {
                kind: TokenKind::End,
                ..
            } => Ok(()),
            other => Err(unexpected(expected, &other)),
        }
    }

    fn any(&mut self) -> Result<Node, QueryError> {
        self.joined("or", Self::all, Node::Or)
    }

    fn all(&mut self) -> Result<Node, QueryError> {
        self.joined("and", Self::negated, Node::And)
    }

    fn joined(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<Node, QueryError>,
        join: fn(Vec<Node>) -> Node,
    ) -> Result<Node, QueryError> {
        let first = part(self)?;
        let mut nodes = vec![first];
        while self.take_word(word) {
            nodes.push(part(self)?);
        }
        Ok(if nodes.len() == 1 {
            nodes.remove(0)
        } else {
            join(nodes)
        })
    }

    fn negated(&mut self) -> Result<Node, QueryError> {
        if !self.take_word("not") {
            return self.test();
        }
        let inner = self.deeper(Self::negated)?;
        Ok(Node::Not(Box::new(inner)))
    }

    fn test(&mut self) -> Result<Node, QueryError> {
        if self.peek().kind == TokenKind::Open {
            self.next();
            let inner = self.deeper(Self::any)?;
            self.expect(&TokenKind::Close, "`)`")?;
            return Ok(inner);
        }
        if self.take_word("has") {
            return Ok(Node::Has(self.path(false)?));
        }
        let path = self.path(true)?;
        if self.take_word("in") {
            return Ok(Node::In(path, self.list()?));
        }
        if self.take_word("not") {
            return if self.take_word("in") {
                Ok(Node::Not(Box::new(Node::In(path, self.list()?))))
            } else {
                Err(unexpected("`in`", self.peek()))
            };
        }
        match self.next() {
            Token {
                kind: TokenKind::Compare(compare),
                ..
            } => {
                let value = self.value(compare)?;
                Ok(Node::Compare(path, compare, value))
            }
            other => Err(unexpected("a comparison (`=`, `<`, `~`, `in`, …)", &other)),
        }
    }

    fn path(&mut self, compared: bool) -> Result<String, QueryError> {
        const WORDS: [&str; 8] = ["and", "or", "not", "in", "has", "true", "false", "null"];
        let token = self.next();
        match &token.kind {
            TokenKind::Path { parts, .. } if !WORDS.iter().any(|word| token.is(word)) => {
                path::check(parts, token.column, compared)?;
                Ok(parts.join("."))
            }
            _ => Err(unexpected("a path such as `metrics.auc`", &token)),
        }
    }

    fn list(&mut self) -> Result<Vec<Value>, QueryError> {
        self.expect(&TokenKind::Open, "`(`")?;
        let mut values = vec![self.value(Compare::Equal)?];
        while self.peek().kind == TokenKind::Comma {
            self.next();
            values.push(self.value(Compare::Equal)?);
        }
        self.expect(&TokenKind::Close, "`,` or `)`")?;
        Ok(values)
    }

    fn value(&mut self, compare: Compare) -> Result<Value, QueryError> {
        let token = self.next();
        let word = |word: &str| token.is(word);
        let value = match &token.kind {
            TokenKind::Text(text) => return Ok(Value::from(text.as_str())),
            _ if compare == Compare::Like => {
                return Err(unexpected("a pattern in quotes", &token)
                    .hint("`~` matches text, `*` is any text: `stage ~ \"train*\"`"));
            }
            TokenKind::Number(number) => canon::number(*number).map(Value::Number),
            _ if word("true") => Some(Value::Bool(true)),
            _ if word("false") => Some(Value::Bool(false)),
            _ if word("null") => Some(Value::Null),
            TokenKind::Path { parts, .. } => {
                return Err(unexpected("a value", &token)
                    .hint(&format!("text stands in quotes: `\"{}\"`", parts.join("."))));
            }
            _ => None,
        };
        value.ok_or_else(|| unexpected("a value", &token))
    }

    fn deeper(
        &mut self,
        part: fn(&mut Self) -> Result<Node, QueryError>,
    ) -> Result<Node, QueryError> {
        if self.depth == DEPTH_MAX {
            let deepest = format!("at most {DEPTH_MAX} levels of parentheses and `not`");
            return Err(QueryError::new(self.peek().column, &deepest, "one more"));
        }
        self.depth += 1;
        let node = part(self)?;
        self.depth -= 1;
        Ok(node)
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.at]
    }

    /// The next token; the end is never passed.
    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek().is(word);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, kind: &TokenKind, expected: &str) -> Result<(), QueryError> {
        let token = self.next();
        if token.kind == *kind {
            Ok(())
        } else {
            Err(unexpected(expected, &token))
        }
    }
}

fn unexpected(expected: &str, token: &Token) -> QueryError {
    QueryError::new(token.column, expected, &token.described())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> (usize, String) {
        let error = Expr::parse(text).unwrap_err();
        let hint = error
            .hint
            .as_ref()
            .map(|hint| format!(" ({hint})"))
            .unwrap_or_default();
        (error.column, format!("{error}{hint}"))
    }

    #[test]
    fn errors_point_at_the_column_and_say_what_fits() {
        let cases = [
            (
                "metrics.auc >",
                "column 14: expected a value, found the end",
            ),
            (
                "metrics.auc 0.8",
                "column 13: expected a comparison (`=`, `<`, `~`, `in`, …), found the number 0.8",
            ),
            ("(stage = 'a'", "column 13: expected `)`, found the end"),
            (
                "stage = 'a' stage = 'b'",
                "column 13: expected `and`, `or` or the end, found `stage`",
            ),
            (
                "",
                "column 1: expected a path such as `metrics.auc`, found the end",
            ),
            (
                "status in 'a'",
                "column 11: expected `(`, found the text \"a\"",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(refused(text).1, expected, "{text}");
        }
    }

    #[test]
    fn a_path_by_itself_is_read_as_in_a_filter() {
        assert_eq!(
            path_of("metrics.`val/auc@10`").unwrap(),
            "metrics.val/auc@10"
        );
        assert_eq!(path_of("run_id").unwrap(), "run_id");
        for text in [
            "metrics.val/auc@10",
            "auc",
            "",
            "not",
            "metrics.auc > 1",
            "has stage",
        ] {
            assert!(path_of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_hint_says_how_it_is_written() {
        let cases = [
            ("stage == 'a'", "equal is written `=`"),
            ("stage = train", "text stands in quotes: `\"train\"`"),
            ("metric.auc > 0.8", "did you mean `metrics.auc`?"),
            ("auc > 0.8", "a metric is `metrics.auc`"),
            ("stage = 'a' && seq > 3", "write `and`"),
            ("metrics > 0.8", "`metrics.NAME`"),
            ("stage ~ 5", "`~` matches text"),
            ("has stage.name", "`stage` is a value itself"),
            ("Stage = 'a'", "did you mean `stage`?"),
        ];
        for (text, hint) in cases {
            assert!(
                refused(text).1.contains(hint),
                "{text}: {}",
                refused(text).1
            );
        }
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let nested =
            |levels: usize| format!("{}stage = 'a'{}", "(".repeat(levels), ")".repeat(levels));
        assert!(Expr::parse(&nested(DEPTH_MAX)).is_ok());
        assert_eq!(refused(&nested(DEPTH_MAX + 1)).0, DEPTH_MAX + 2);
        assert!(Expr::parse(&"not ".repeat(1000)).is_err());
        assert!(Expr::parse(&" ".repeat(BYTES_MAX + 1)).is_err());
        let wide = vec!["seq > 1"; 500].join(" and ");
        assert!(Expr::parse(&wide).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_panics_and_an_error_points_into_it(text in "\\PC{0,40}") {
            if let Err(error) = Expr::parse(&text) {
                prop_assert!((1..=text.chars().count() + 1).contains(&error.column));
            }
        }

        #[test]
        fn no_row_of_words_panics(words in prop::collection::vec(
            prop::sample::select(vec![
                "metrics.auc", "stage", "status", "and", "or", "not", "in", "has", "(", ")", ",",
                "=", "<", "~", "0.5", "-1e3", "'a'", "\"b", "null", "`x y`", "é", "\\",
            ]),
            0..24,
        )) {
            let text = words.join(" ");
            if let Err(error) = Expr::parse(&text) {
                prop_assert!((1..=text.chars().count() + 1).contains(&error.column));
            }
        }
    }
}
