//! The only door to the terminal: data to stdout, talk to stderr.
//!
//! Text that came from a document or a store passes [`plain`] before it is printed, or as JSON
//! [`in_a_line`], so that no control character of a stored text ever reaches a terminal, and none
//! is taken away from a program. Errors and warnings quote what was
//! typed and handed in, so they lose every well-known secret here, whoever wrote them, and those of
//! the profile once it is known. Colour is
//! decoration: everything reads the same without it, and `anstream` takes it away for pipes,
//! `NO_COLOR` and `TERM=dumb`.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use runstone::core::redact::{Redaction, masked};
use serde_json::Value;

use crate::error::CliError;
use crate::naming::NamedStore;
use crate::render::lines::folded;

/// Green: done.
pub(crate) const DONE: Style = AnsiColor::Green.on_default();
/// Yellow: a warning.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();
/// Red: an error.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// Cyan: a path, an id, a hint.
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
/// Dim: what matters less.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// How a command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    /// Text for people.
    Text,
    /// One JSON document for scripts.
    Json,
}

/// Where a command speaks.
#[derive(Debug)]
pub(crate) struct Ui {
    /// How the answer is wanted.
    pub(crate) face: Face,
    /// Whether talk (warnings, hints after success) is wanted.
    pub(crate) quiet: bool,
    /// The rules of redaction for words that quote; those that are always on until a profile is
    /// known.
    rules: OnceCell<Redaction>,
    /// The store that was named, for commands in words.
    store: Option<NamedStore>,
}

impl Ui {
    pub(crate) fn new(face: Face, quiet: bool) -> Self {
        Self {
            face,
            quiet,
            rules: OnceCell::new(),
            store: None,
        }
    }

    /// Names a store in the commands of hints and warnings.
    #[must_use]
    pub(crate) fn naming(mut self, store: Option<&Path>) -> Self {
        self.store = store.map(NamedStore::new);
        self
    }

    /// Returns words whose commands name the store that was named.
    pub(crate) fn typed_again<'w>(&self, words: &'w str) -> Cow<'w, str> {
        match &self.store {
            Some(store) => store.in_commands(words),
            None => Cow::Borrowed(words),
        }
    }

    /// Takes the rules of a profile for errors and warnings, unless it has some.
    pub(crate) fn learn(&self, rules: impl FnOnce() -> Option<Redaction>) {
        if self.rules.get().is_none()
            && let Some(rules) = rules()
        {
            self.rules.get_or_init(|| rules);
        }
    }

    /// Returns `text`, which may quote anything, without its secrets.
    pub(crate) fn masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.rules.get() {
            Some(rules) => rules.text(text),
            None => masked(text),
        }
    }

    /// Prints data to stdout, as it is: quiet or not, data is what was asked for.
    #[expect(clippy::unused_self, reason = "every word goes out by way of a Ui")]
    pub(crate) fn data(&self, text: &str) -> Result<(), CliError> {
        let mut stdout = anstream::stdout().lock();
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
            .map_err(CliError::output)
    }

    /// Prints one JSON document and a newline to stdout.
    pub(crate) fn json(&self, document: &Value) -> Result<(), CliError> {
        self.data(&format!("{}\n", in_a_line(document)))
    }

    /// Prints data that holds texts as they are stored, such as CSV: to the byte for a program,
    /// without control characters on a terminal.
    #[expect(clippy::unused_self, reason = "every word goes out by way of a Ui")]
    pub(crate) fn exact(&self, text: &str) -> Result<(), CliError> {
        let mut stdout = io::stdout().lock();
        let text = for_whoever_reads(text, stdout.is_terminal());
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
            .map_err(CliError::output)
    }

    /// Prints an answer to stderr, for a command whose stdout belongs to somebody else.
    #[expect(clippy::unused_self, reason = "every word goes out by way of a Ui")]
    pub(crate) fn answer_beside(&self, text: &str) {
        say(text);
    }

    /// Prints talk to stderr, unless quiet. A closed stderr is no reason to fail.
    pub(crate) fn talk(&self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }

    /// Prints one warning to stderr, unless quiet.
    pub(crate) fn warn(&self, text: &str) {
        let text = plain(&self.masked(&self.typed_again(text)));
        self.talk(&for_talk(&format!("{WARNING}warning:{WARNING:#} {text}")));
    }

    /// Asks on the terminal and returns whether the answer is yes; no without a terminal to ask on.
    #[expect(clippy::unused_self, reason = "every word goes out by way of a Ui")]
    pub(crate) fn confirm(&self, question: &str) -> bool {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return false;
        }
        say(&format!("{} [y/N] ", plain(question)));
        let mut answer = String::new();
        match io::stdin().read_line(&mut answer) {
            // The input ended: nobody ended the line of the question.
            Ok(0) => {
                say("\n");
                false
            }
            Ok(_) => matches!(answer.trim(), "y" | "Y" | "yes"),
            Err(_) => false,
        }
    }

    /// Prints an error with its causes and its hint, or its JSON form.
    pub(crate) fn error(&self, error: &CliError) {
        match self.face {
            Face::Json => self.error_document(&error.to_json()),
            Face::Text => {
                self.error_alone(error);
                if let Some(hint) = error.hint() {
                    self.hint(&hint);
                }
            }
        }
    }

    /// Prints an error with its causes as text, without its hint.
    pub(crate) fn error_alone(&self, error: &CliError) {
        say(&self.error_text(error));
    }

    /// Prints what to do about an error.
    pub(crate) fn hint(&self, hint: &str) {
        say(&self.headed(NAME, "hint:", &self.typed_again(hint)));
    }

    /// Prints the JSON form of an error to stderr.
    pub(crate) fn error_document(&self, document: &Value) {
        let document = &self.with_hint_typed_again(document.clone());
        say(&format!("{}\n", in_a_line(&self.without_secrets(document))));
    }

    /// Returns the JSON form of an error whose hint names the store that was named.
    pub(crate) fn with_hint_typed_again(&self, mut document: Value) -> Value {
        if let Some(hint) = document.pointer_mut("/error/hint")
            && let Some(words) = hint.as_str()
        {
            *hint = Value::from(self.typed_again(words).into_owned());
        }
        document
    }

    /// Returns a document, which may quote anything, without its secrets.
    pub(crate) fn without_secrets(&self, document: &Value) -> Value {
        match self.rules.get() {
            Some(rules) => rules.value(document),
            None => Redaction::default().value(document),
        }
    }

    fn error_text(&self, error: &CliError) -> String {
        let mut text = self.headed(ERROR, "error:", &error.to_string());
        for detail in error.details() {
            text.push_str(&self.headed(Style::new(), " ", &detail));
        }
        let mut cause = std::error::Error::source(error);
        while let Some(found) = cause {
            text.push_str(&self.headed(FAINT, "  caused by:", &found.to_string()));
            cause = found.source();
        }
        text
    }

    /// Returns a line of an error, whose words may quote anything.
    fn headed(&self, style: Style, head: &str, words: &str) -> String {
        let words = plain(&self.masked(words));
        for_talk(&format!("{style}{head}{style:#} {words}"))
    }
}

/// How far something has come, on stderr: only on a terminal, where no answers run by, and only of
/// what takes over a second.
#[derive(Debug)]
pub(crate) struct Progress {
    is_wanted: bool,
    told: Instant,
    is_shown: bool,
}

impl Progress {
    /// How long nothing is said, at first and from one time to the next.
    const PAUSE: Duration = Duration::from_secs(1);

    pub(crate) fn of(ui: &Ui) -> Self {
        Self {
            is_wanted: !ui.quiet && io::stderr().is_terminal() && !io::stdout().is_terminal(),
            told: Instant::now(),
            is_shown: false,
        }
    }

    /// Tells how far it is, from time to time.
    pub(crate) fn tell(&mut self, words: impl FnOnce() -> String) {
        if self.is_wanted && self.told.elapsed() >= Self::PAUSE {
            say(&format!("\r{}\u{1b}[K", plain(&words())));
            (self.told, self.is_shown) = (Instant::now(), true);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            say("\r\u{1b}[K");
        }
    }
}

/// Writes to stderr; when nobody listens there, nobody can be told.
pub(crate) fn say(text: &str) {
    match anstream::stderr().lock().write_all(text.as_bytes()) {
        Ok(()) | Err(_) => {}
    }
}

/// Returns `text` safe for a terminal: control characters and the marks that turn the direction
/// of text are written as escapes.
pub(crate) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_for_the_terminal(character) {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Returns a JSON document in one line, in which no character is meant for the terminal: JSON
/// readers get every text as it is all the same.
pub(crate) fn in_a_line(document: &Value) -> String {
    escaped(&document.to_string())
}

/// Returns JSON with escapes for the characters that JSON itself leaves alone and a terminal does
/// not: they stand within texts alone.
pub(crate) fn escaped(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && is_for_the_terminal(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                write!(safe, "\\u{unit:04x}").expect("a String takes any text");
            }
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Returns rows of text as they are for a program; for a terminal only their lines and tabs are
/// left to it.
pub(crate) fn for_whoever_reads(text: &str, is_terminal: bool) -> Cow<'_, str> {
    if !is_terminal {
        return Cow::Borrowed(text);
    }
    let lines = text.split_inclusive('\n').map(|line| {
        let end = line.len() - line.trim_end_matches(['\r', '\n']).len();
        let (words, end) = line.split_at(line.len() - end);
        let words: Vec<String> = words.split('\t').map(plain).collect();
        format!("{}{end}", words.join("\t"))
    });
    Cow::Owned(lines.collect())
}

fn is_for_the_terminal(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Returns the width of the terminal in columns: 80 where there is none.
pub(crate) fn width() -> u16 {
    width_of(io::stdout())
}

/// Returns the width of the terminal in columns; none where the answer goes elsewhere.
pub(crate) fn terminal_width() -> Option<u16> {
    known_width_of(io::stdout())
}

fn width_of(terminal: impl AsFd) -> u16 {
    known_width_of(terminal).unwrap_or(80)
}

fn known_width_of(terminal: impl AsFd) -> Option<u16> {
    rustix::termios::tcgetwinsize(terminal)
        .ok()
        .map(|size| size.ws_col)
        .filter(|columns| *columns >= 40)
}

/// Returns a line of talk as lines: wrapped for a terminal, whole for whoever searches a log.
fn for_talk(words: &str) -> String {
    if io::stderr().is_terminal() {
        folded(words, usize::from(width_of(io::stderr())))
    } else {
        format!("{words}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_never_reach_a_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\nc\u{0}"), "a\\u{1b}[31mb\\nc\\u{0}");
        assert_eq!(plain("→ 30 °C ∅ 🙂"), "→ 30 °C ∅ 🙂");
        let rows = "a\u{9b}31m\tb\u{1b}[1m\r\nc\u{7f}\r\n";
        assert_eq!(for_whoever_reads(rows, false), rows);
        assert_eq!(
            for_whoever_reads(rows, true),
            "a\\u{9b}31m\tb\\u{1b}[1m\r\nc\\u{7f}\r\n"
        );
    }

    #[test]
    fn a_reader_of_json_gets_every_text_as_it_is() {
        let text: String = (0..0x3000)
            .filter_map(char::from_u32)
            .chain(['🙂', '\u{feff}'])
            .collect();
        let document = Value::from(text.as_str());
        let line = in_a_line(&document);
        assert!(!line.chars().any(is_for_the_terminal));
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), document);
    }
}
