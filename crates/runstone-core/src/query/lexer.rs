//! From the text of a filter to its words.
//!
//! Each token knows its column, so that whoever misses something can point at it. Nothing is
//! interpreted here but quotes, backticks and numbers; what a word means belongs to the parser.

use super::parse::QueryError;
use crate::id::nfc;

/// A word of the filter language with the column it begins at, counted in characters from 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) column: usize,
    pub(super) kind: TokenKind,
}

/// What a word is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// A path of one or more parts; a bare single part may be a keyword.
    Path { parts: Vec<String>, bare: bool },
    /// A number, always finite.
    Number(f64),
    /// A quoted text.
    Text(String),
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`, `~`.
    Compare(Compare),
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `,`.
    Comma,
    /// The end of the text.
    End,
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

impl Token {
    /// Tells whether this is the keyword `word`.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(&self.kind, TokenKind::Path { parts, bare: true }
            if parts.len() == 1 && parts[0].eq_ignore_ascii_case(word))
    }

    /// Describes the token for an error.
    pub(super) fn described(&self) -> String {
        match &self.kind {
            TokenKind::Path { parts, .. } => format!("`{}`", parts.join(".").escape_debug()),
            TokenKind::Number(number) => format!("the number {number}"),
            TokenKind::Text(text) => format!("the text {text:?}"),
            TokenKind::Compare(compare) => format!("`{}`", compare.as_str()),
            TokenKind::Open => "`(`".to_owned(),
            TokenKind::Close => "`)`".to_owned(),
            TokenKind::Comma => "`,`".to_owned(),
            TokenKind::End => "the end".to_owned(),
        }
    }
}

impl Compare {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Like => "~",
        }
    }
}

/// Splits a filter into its words; the last one is [`TokenKind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, QueryError> {
    let mut scanner = Scanner {
        rest: text.chars().collect::<Vec<_>>(),
        at: 0,
    };
    let mut tokens = Vec::new();
    loop {
        let token = scanner.token()?;
        let ended = token.kind == TokenKind::End;
        tokens.push(token);
        if ended {
            return Ok(tokens);
        }
    }
}

struct Scanner {
    rest: Vec<char>,
    at: usize,
}

impl Scanner {
    fn token(&mut self) -> Result<Token, QueryError> {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        let column = self.column();
        let kind = match self.peek() {
            None => TokenKind::End,
            Some('"' | '\'') => TokenKind::Text(nfc(&self.quoted()?)),
            Some(digit) if digit.is_ascii_digit() || digit == '-' => self.number()?,
            Some(letter) if letter == '`' || is_bare(letter) => self.path()?,
            Some(_) => self.sign()?,
        };
        Ok(Token { column, kind })
    }

    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn column(&self) -> usize {
        self.at + 1
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek().is_some_and(&keep) {
            self.at += 1;
        }
        self.rest[start..self.at].iter().collect()
    }

    /// A text in quotes; a backslash stands before a quote or a backslash.
    fn quoted(&mut self) -> Result<String, QueryError> {
        let column = self.column();
        let quote = self.peek();
        self.at += 1;
        let mut text = String::new();
        loop {
            let next = self.peek();
            self.at += 1;
            match next {
                None => {
                    return Err(QueryError::new(column, "a closing quote", "the end")
                        .hint("a text ends with the quote it began with"));
                }
                Some('\\') => match self.peek() {
                    Some(escaped @ ('"' | '\'' | '\\')) => {
                        text.push(escaped);
                        self.at += 1;
                    }
                    _ => {
                        return Err(QueryError::new(
                            self.at,
                            "a quote or a backslash after a backslash",
                            "something else",
                        )
                        .hint("write a backslash as `\\\\`"));
                    }
                },
                found if found == quote => return Ok(text),
                Some(plain) => text.push(plain),
            }
        }
    }

    /// A number as JSON writes it.
    fn number(&mut self) -> Result<TokenKind, QueryError> {
        let column = self.column();
        let mut literal = self.take_while(|next| next == '-');
        literal += &self.take_while(|next| next.is_ascii_alphanumeric() || next == '.');
        if literal.ends_with(['e', 'E']) && matches!(self.peek(), Some('+' | '-')) {
            literal += &self.take_while(|next| next == '+' || next == '-');
            literal += &self.take_while(|next| next.is_ascii_digit());
        }
        let read: Option<f64> = serde_json::from_str(&literal).ok();
        match read {
            Some(number) => Ok(TokenKind::Number(number + 0.0)),
            None => Err(QueryError::new(column, "a number", &format!("`{literal}`"))
                .hint("numbers are written like `-1.5` or `2e-3`; text stands in quotes")),
        }
    }

    fn path(&mut self) -> Result<TokenKind, QueryError> {
        let mut bare = true;
        let mut parts = Vec::new();
        loop {
            let column = self.column();
            let part = if self.peek() == Some('`') {
                bare = false;
                self.at += 1;
                let part = self.take_while(|next| next != '`');
                if self.peek().is_none() {
                    return Err(QueryError::new(column, "a closing backtick", "the end"));
                }
                self.at += 1;
                part
            } else {
                self.take_while(|next| is_bare(next) || next == '-')
            };
            if part.is_empty() {
                let found = self
                    .peek()
                    .map_or("the end".to_owned(), |next| format!("`{next}`"));
                return Err(QueryError::new(self.column(), "a part of a path", &found)
                    .hint("parts with other characters stand in backticks: metrics.`top 5`"));
            }
            parts.push(nfc(&part));
            if self.peek() != Some('.') {
                return Ok(TokenKind::Path { parts, bare });
            }
            self.at += 1;
        }
    }

    fn sign(&mut self) -> Result<TokenKind, QueryError> {
        let column = self.column();
        let first = self.peek().unwrap_or_default();
        self.at += 1;
        let mut followed_by = |second: char| {
            let follows = self.peek() == Some(second);
            self.at += usize::from(follows);
            follows
        };
        let refuse = |found: &str, hint: &str| {
            Err(QueryError::new(column, "a comparison, a value or a path", found).hint(hint))
        };
        let compare = match first {
            '(' => return Ok(TokenKind::Open),
            ')' => return Ok(TokenKind::Close),
            ',' => return Ok(TokenKind::Comma),
            '~' => Compare::Like,
            '=' if followed_by('=') => return refuse("`==`", "equal is written `=`"),
            '=' => Compare::Equal,
            '!' if followed_by('=') => Compare::NotEqual,
            '!' => return refuse("`!`", "write `not`"),
            '<' if followed_by('=') => Compare::LessOrEqual,
            '<' if followed_by('>') => return refuse("`<>`", "unequal is written `!=`"),
            '<' => Compare::Less,
            '>' if followed_by('=') => Compare::GreaterOrEqual,
            '>' => Compare::Greater,
            '&' => return refuse("`&`", "write `and`"),
            '|' => return refuse("`|`", "write `or`"),
            other => {
                let found = format!("`{}`", other.escape_debug());
                return refuse(
                    &found,
                    "text stands in quotes, odd parts of a path in backticks",
                );
            }
        };
        Ok(TokenKind::Compare(compare))
    }
}

fn is_bare(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind> {
        tokens(text)
            .unwrap()
            .into_iter()
            .map(|token| token.kind)
            .collect()
    }

    fn path(parts: &[&str], bare: bool) -> TokenKind {
        let parts = parts.iter().map(|&part| part.to_owned()).collect();
        TokenKind::Path { parts, bare }
    }

    #[test]
    fn words_are_told_apart_without_blanks() {
        assert_eq!(
            kinds("metrics.auc>=-1.5e-3"),
            [
                path(&["metrics", "auc"], true),
                TokenKind::Compare(Compare::GreaterOrEqual),
                TokenKind::Number(-1.5e-3),
                TokenKind::End,
            ]
        );
    }

    #[test]
    fn backticks_hold_any_part_and_no_keyword() {
        assert_eq!(
            kinds("metrics.`top 5`")[0],
            path(&["metrics", "top 5"], false)
        );
        assert!(!tokens("`and`").unwrap()[0].is("and"));
        assert!(tokens("AND").unwrap()[0].is("and"));
    }

    #[test]
    fn both_quotes_hold_text_and_a_backslash_stands_before_them() {
        assert_eq!(kinds(r#"'a"b'"#)[0], TokenKind::Text("a\"b".into()));
        assert_eq!(kinds(r#""a\"\\b""#)[0], TokenKind::Text("a\"\\b".into()));
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(tokens("'äöü' ~").unwrap()[1].column, 7);
        assert_eq!(tokens("'ä' #").unwrap_err().column, 5);
    }

    #[test]
    fn numbers_that_json_does_not_know_are_refused() {
        for text in ["01", "1.", "--1", "1e999", "12e4567", "1x", "-"] {
            assert!(tokens(text).is_err(), "{text}");
        }
    }
}
