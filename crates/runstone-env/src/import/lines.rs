//! Lists, line by line: what a line says without its comment, and what is wrong with it.
//!
//! The invariant: every line is told by the number it has in the file, and is quoted without what
//! gives access.

use runstone_core::redact::masked;

use super::NotImported;
use crate::url;

/// Most characters of a line that are quoted.
const QUOTED_MAX: usize = 80;

/// A line that is not what its list is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: usize,
    /// Its beginning, without secrets.
    pub text: String,
    /// What is wrong with it, as a sentence fragment for people.
    pub reason: String,
}

impl BadLine {
    pub(super) fn new(line: usize, text: &str, reason: impl Into<String>) -> Self {
        Self {
            line,
            text: quoted(text),
            reason: reason.into(),
        }
    }
}

/// Returns the beginning of a line, without secrets.
pub(super) fn quoted(text: &str) -> String {
    let stripped = url::stripped_within(text);
    let words: Vec<&str> = stripped.split(' ').map(without_user).collect();
    let clean = masked(&words.join(" ")).into_owned();
    let mut beginning: String = clean.chars().take(QUOTED_MAX).collect();
    if beginning.len() < clean.len() {
        beginning.push('…');
    }
    beginning
}

/// Returns what stands behind `user:password@`, where no scheme says that it is an address.
fn without_user(word: &str) -> &str {
    match word.rsplit_once('@') {
        Some((user, rest)) if user.contains(':') => rest,
        _ => word,
    }
}

/// Returns the lines of a file, each with its number, without blanks around them. A backslash at
/// the end of a line joins the next one to it.
///
/// # Errors
/// [`NotImported::NotText`] if it is no text.
pub(super) fn lines(bytes: &[u8]) -> Result<Vec<(usize, String)>, NotImported> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut joined: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (position, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let number = position + 1;
        let not_text = || NotImported::NotText { line: number };
        let line = str::from_utf8(line).map_err(|_where| not_text())?;
        let line = line.trim();
        if line.contains(|it: char| it.is_control() && it != '\t') {
            return Err(not_text());
        }
        let (line, continues) = match line.strip_suffix('\\') {
            Some(line) => (line.trim_end(), true),
            None => (line, false),
        };
        match joined.last_mut().filter(|_| goes_on) {
            Some((_, before)) => {
                before.push(' ');
                before.push_str(line);
            }
            None => joined.push((number, line.to_owned())),
        }
        goes_on = continues;
    }
    Ok(joined)
}

/// Returns a line without its comment, which a blank goes before.
pub(super) fn without_comment(line: &str) -> &str {
    if line.starts_with('#') {
        return "";
    }
    let comment = [" #", "\t#"].into_iter().filter_map(|mark| line.find(mark));
    comment.min().map_or(line, |at| line[..at].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_the_number_they_have_in_the_file() {
        let text = b"\xEF\xBB\xBFa==1 \\\n  --hash=x\r\n\n# b\nc==2 # d\n";
        let lines = lines(text).unwrap();
        let lines: Vec<(usize, &str)> = lines
            .iter()
            .map(|(number, line)| (*number, without_comment(line)))
            .filter(|(_, line)| !line.is_empty())
            .collect();
        assert_eq!(lines, [(1, "a==1 --hash=x"), (5, "c==2")]);
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_line() {
        for bytes in [
            b"a==1\nb\0==1\n".as_slice(),
            b"a==1\nb\xff\n",
            b"a\nb\x1b[2J\n",
        ] {
            let refused = lines(bytes).unwrap_err();
            assert!(
                matches!(refused, NotImported::NotText { line: 2 }),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn quoted_line_gives_no_access() {
        assert_eq!(
            quoted("--index-url https://ann:hunter2@host/simple"),
            "--index-url https://host/simple"
        );
        assert_eq!(quoted("x @ ann:hunter2@host/simple"), "x @ host/simple");
        assert_eq!(quoted("@scope/name@1.0"), "@scope/name@1.0");
        assert!(quoted(&"x".repeat(1000)).chars().count() <= QUOTED_MAX + 1);
    }
}
