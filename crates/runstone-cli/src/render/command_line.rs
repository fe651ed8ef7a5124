//! Command lines to paste: each word quoted as far as a shell needs it.
//!
//! The invariant: pasted into a POSIX shell the line gives back the words it was made of, and
//! printed it sends nothing to the terminal but what can be seen. A word with control characters,
//! with marks that turn text, or that is no UTF-8 is written as `$'…'`, which bash, zsh and ksh
//! read. Which command it is belongs to whoever asks.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use crate::ui::plain;

/// Returns the words as one line that can be pasted.
pub(crate) fn command_line(words: &[OsString]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

fn quoted(word: &OsStr) -> String {
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_bare) => text.to_owned(),
        Some(text) if plain(text) == text => format!("'{}'", text.replace('\'', r"'\''")),
        _ => {
            let bytes = word.as_bytes().iter();
            let escaped: String = bytes
                .map(|byte| match byte {
                    b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
                    b' '..=b'~' => char::from(*byte).to_string(),
                    // Three digits in any case: what follows is never taken for a fourth.
                    _ => format!("\\{byte:03o}"),
                })
                .collect();
            format!("$'{escaped}'")
        }
    }
}

/// Whether a character means itself in every shell.
fn is_bare(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_./:=@,+%".contains(character)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn line(words: &[&str]) -> String {
        let words: Vec<OsString> = words.iter().map(Into::into).collect();
        command_line(&words)
    }

    #[test]
    fn a_shell_gives_back_the_words_of_a_pasted_line() {
        let words = [
            "/home/me/my runs/.runstone",
            "it's",
            "",
            "$HOME`id`",
            "a\"b\\c;&|*?~!#",
            "größe=π",
            "~",
        ];
        let pasted = format!("printf '%s\\n' {}", line(&words));
        let output = Command::new("sh").args(["-c", &pasted]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said, format!("{}\n", words.join("\n")), "{pasted}");
        assert_eq!(
            line(&["runstone", "--store", "/a/b"]),
            "runstone --store /a/b"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_written_as_what_can() {
        assert_eq!(line(&["a\nb'\u{1b}7"]), r"$'a\012b\'\0337'");
        assert_eq!(line(&["\u{202e}x"]), r"$'\342\200\256x'");
        let not_text = OsStr::from_bytes(b"/tmp/\xff").to_owned();
        assert_eq!(command_line(&[not_text]), r"$'/tmp/\377'");
    }
}
