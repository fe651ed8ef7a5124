//! A value pattern of a profile: the shape of a secret that only its owner knows.
//!
//! Patterns are regular expressions without look-around, matched in linear time. Each holds a fixed
//! part, and a text without it is never matched, so a pattern costs a search and not a match a
//! text. If a pattern has a group, the group is the secret and the rest stays.

use regex_lite::Regex;

/// A value pattern, compiled.
#[derive(Debug, Clone)]
pub struct Shape {
    text: String,
    regex: Regex,
    needle: String,
}

impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Why a text is no value pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadShape {
    /// It is no regular expression.
    #[error("is no regular expression: {0}")]
    NotARegex(String),
    /// It matches a text in which there is nothing.
    #[error("matches the empty text")]
    MatchesEmpty,
    /// It has no part that every match holds.
    #[error("has no fixed part of two characters outside brackets, groups and choices")]
    NoFixedPart,
}

impl Shape {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`BadShape`] if it is no regular expression, matches nothing at all, or has no fixed part.
    pub fn parse(text: &str) -> Result<Self, BadShape> {
        let regex = Regex::new(text).map_err(|error| BadShape::NotARegex(error.to_string()))?;
        if regex.is_match("") {
            return Err(BadShape::MatchesEmpty);
        }
        let needle = fixed_part(text).ok_or(BadShape::NoFixedPart)?;
        Ok(Self {
            text: text.to_owned(),
            regex,
            needle,
        })
    }

    /// Returns the pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns where secrets of this shape stand in `text`.
    pub(super) fn find_all(&self, text: &str) -> Vec<(usize, usize)> {
        if !text.contains(&self.needle) {
            return Vec::new();
        }
        self.regex
            .captures_iter(text)
            .filter_map(|found| found.get(1).or_else(|| found.get(0)))
            .map(|secret| (secret.start(), secret.end()))
            .filter(|(start, end)| start < end)
            .collect()
    }
}

/// Returns the longest text that every match of a pattern holds, as far as can be told without
/// understanding it: a run of plain characters outside brackets and groups that nothing makes
/// optional. A choice or a flag at the top leaves none.
fn fixed_part(pattern: &str) -> Option<String> {
    let mut best = String::new();
    let mut run = String::new();
    let mut depth = 0_usize;
    let mut characters = pattern.chars().peekable();
    let mut keep = |run: &mut String| {
        if run.chars().count() > best.chars().count() {
            best.clone_from(run);
        }
        run.clear();
    };
    while let Some(character) = characters.next() {
        let plain = match character {
            '\\' => match characters.next() {
                Some(escaped) if !escaped.is_ascii_alphanumeric() => Some(escaped),
                _ => None,
            },
            '[' => {
                skip_class(&mut characters);
                None
            }
            '(' => {
                let is_flag = characters.peek() == Some(&'?') && {
                    let mut ahead = characters.clone();
                    ahead.next();
                    !matches!(ahead.peek(), Some(':' | 'P' | '<'))
                };
                if is_flag {
                    return None;
                }
                depth += 1;
                None
            }
            ')' => {
                depth = depth.saturating_sub(1);
                None
            }
            '|' if depth == 0 => return None,
            '{' => {
                while characters.next().is_some_and(|inside| inside != '}') {}
                None
            }
            '.' | '^' | '$' | '|' | '*' | '+' | '?' => None,
            plain => Some(plain),
        };
        // What repeats the character before it may make it absent.
        if matches!(character, '*' | '?' | '{') {
            run.pop();
        }
        match plain {
            Some(plain) if depth == 0 => run.push(plain),
            _ => keep(&mut run),
        }
    }
    keep(&mut run);
    (best.chars().count() >= 2).then_some(best)
}

/// Skips the rest of a class in brackets; a `]` right at its beginning belongs to it.
fn skip_class(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    if characters.peek() == Some(&'^') {
        characters.next();
    }
    let mut is_first = true;
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '[' => skip_class(characters),
            ']' if !is_first => return,
            _ => {}
        }
        is_first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_part_is_in_every_match() {
        for (pattern, part) in [
            ("corp_[A-Za-z0-9]{16}", Some("corp_")),
            ("[\\w.]+@corp\\.example", Some("@corp.example")),
            ("key=([0-9a-f]{8})", Some("key=")),
            ("acct-\\d{4}-\\d{4}", Some("acct-")),
            ("ab?cd", Some("cd")),
            ("abc{0,2}", Some("ab")),
            ("(abc|def)", None),
            ("abc|def", None),
            ("(?i)abc", None),
            ("[0-9]{12}", None),
            ("[]a]bc", Some("bc")),
        ] {
            assert_eq!(fixed_part(pattern).as_deref(), part, "{pattern}");
        }
    }

    #[test]
    fn a_group_is_the_secret_and_the_rest_stays() {
        let shape = Shape::parse("member ([0-9]{6})").unwrap();
        assert_eq!(
            shape.find_all("member 123456, member 654321"),
            [(7, 13), (22, 28)]
        );
        let whole = Shape::parse("corp_[a-z]{4}").unwrap();
        assert_eq!(whole.find_all("x corp_abcd y"), [(2, 11)]);
        assert_eq!(whole.find_all("x corp-abcd y"), []);
    }

    #[test]
    fn what_matches_nothing_or_everything_is_refused() {
        assert_eq!(Shape::parse("a*"), Err(BadShape::MatchesEmpty));
        assert_eq!(Shape::parse("[0-9]+"), Err(BadShape::NoFixedPart));
        assert!(matches!(
            Shape::parse("corp_("),
            Err(BadShape::NotARegex(_))
        ));
    }
}
