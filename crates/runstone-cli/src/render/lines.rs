//! Lines that fit the terminal: words that wrap, labels with their items, the name of a snapshot.
//!
//! The invariant: a line is wider than the terminal only where a single word is, and that word has
//! the line for itself. Colours have no width. Which words there are is left to others.

use runstone::Stored;

use crate::ui::{FAINT, NAME, plain, width};

/// Column at which the items of a section begin.
const INDENT: usize = 15;
/// Column at which a line goes on that began at the left edge.
const HANGING: usize = 2;
/// Space between two items of one line.
const GAP: &str = "   ";

/// Adds a line; a String takes any text.
pub(crate) fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    add(text, format_args!("{words}\n"));
}

/// Adds words; a String takes any text.
pub(crate) fn add(text: &mut String, words: std::fmt::Arguments<'_>) {
    use std::fmt::Write as _;
    text.write_fmt(words).expect("a String takes any text");
}

/// Returns words wrapped to the terminal, the lines after the first moved in.
pub(crate) fn wrapped(words: &str) -> String {
    let mut lines = Lines::new();
    lines.words(words, HANGING);
    lines.end()
}

/// Returns words wrapped to `columns`, the lines after the first moved in. What stands between
/// backticks is never broken: it may be a command that somebody pastes.
pub(crate) fn folded(words: &str, columns: usize) -> String {
    folded_at(words, columns, HANGING)
}

/// Returns words wrapped as by [`folded`], the lines after the first moved in to `indent`.
pub(crate) fn folded_at(words: &str, columns: usize, indent: usize) -> String {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut is_quoted = false;
    for character in words.chars() {
        is_quoted ^= character == '`';
        if character == ' ' && !is_quoted {
            pieces.push(std::mem::take(&mut piece));
        } else {
            piece.push(character);
        }
    }
    if is_quoted {
        // A backtick alone quotes nothing.
        let rest = std::mem::take(&mut piece);
        pieces.extend(rest.split(' ').map(str::to_owned));
    } else {
        pieces.push(piece);
    }
    let mut lines = Lines {
        columns,
        ..Lines::new()
    };
    lines.pieces(pieces.iter().map(String::as_str), indent);
    lines.end()
}

/// Returns words wrapped to the terminal behind `lead`, the lines after the first moved in to where
/// the words began.
pub(crate) fn behind(lead: &str, words: &str) -> String {
    let mut lines = Lines::new();
    lines.push(lead);
    let indent = lines.at;
    lines.words(words, indent);
    lines.end()
}

/// Returns `label` and its items, wrapped to the terminal; nothing for no items.
pub(crate) fn section(label: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let mut lines = Lines::new();
    lines.push(&format!("  {FAINT}{label}{FAINT:#}"));
    if lines.at < INDENT {
        lines.push(&" ".repeat(INDENT - lines.at));
    } else {
        lines.go_on(INDENT);
    }
    for (position, item) in items.iter().enumerate() {
        if position > 0 && lines.has_room_for(GAP.len() + size(item)) {
            lines.push(GAP);
        } else if position > 0 {
            lines.go_on(INDENT);
        }
        let first = item.split([' ', '\n']).next().unwrap_or_default();
        if !lines.is_blank && !lines.has_room_for(size(first)) {
            lines.go_on(INDENT);
        }
        lines.words(item, INDENT + HANGING);
    }
    lines.end()
}

/// Returns a snapshot by place, run and stage, on one line where it fits.
pub(crate) fn headed(lead: &str, stored: &Stored) -> String {
    let (run, stage) = (&stored.snapshot.run_id, &stored.snapshot.stage);
    let run = format!("{}:{}", plain(run.as_str()), plain(stage.as_str()));
    named(lead, &stored.place.to_string(), &run)
}

/// Returns the place of a snapshot behind `lead`, and the run it is of, on one line where it fits.
pub(crate) fn named(lead: &str, place: &str, run: &str) -> String {
    let mut lines = Lines::new();
    lines.push(lead);
    if !lines.has_room_for(place.len()) && !lead.is_empty() {
        lines.go_on(HANGING);
    }
    lines.push(&format!("{NAME}{place}{NAME:#}"));
    if lines.has_room_for(2 + size(run)) {
        lines.push("  ");
    } else {
        lines.go_on(HANGING);
    }
    lines.words(run, 2 * HANGING);
    lines.end()
}

/// Text on its way.
struct Lines {
    text: String,
    /// Columns that the last line takes.
    at: usize,
    /// Whether the last line shows nothing yet.
    is_blank: bool,
    columns: usize,
}

impl Lines {
    fn new() -> Self {
        Self {
            text: String::new(),
            at: 0,
            is_blank: true,
            columns: usize::from(width()),
        }
    }

    fn has_room_for(&self, size: usize) -> bool {
        self.at + size <= self.columns
    }

    /// Adds a piece to the last line.
    fn push(&mut self, piece: &str) {
        self.text.push_str(piece);
        self.at += size(piece);
        self.is_blank &= piece.chars().all(|character| character == ' ');
    }

    /// Begins a line at column `indent`.
    fn go_on(&mut self, indent: usize) {
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
        self.text.push_str(&" ".repeat(indent));
        self.at = indent;
        self.is_blank = true;
    }

    /// Adds words, on as many lines as they take; those after the first begin at `indent`.
    fn words(&mut self, words: &str, indent: usize) {
        for (number, line) in words.split('\n').enumerate() {
            if number > 0 {
                self.go_on(indent);
            }
            self.pieces(line.split(' '), indent);
        }
    }

    /// Adds pieces with a blank between two of them, each unbroken.
    fn pieces<'p>(&mut self, pieces: impl Iterator<Item = &'p str>, indent: usize) {
        let mut has_gone_on = false;
        for (position, piece) in pieces.enumerate() {
            let gap = usize::from(position > 0);
            let is_at_begin = self.is_blank && has_gone_on;
            if !self.has_room_for(gap + size(piece)) && !self.is_blank {
                self.go_on(indent);
                has_gone_on = true;
            } else if position > 0 && !is_at_begin {
                self.push(" ");
            }
            self.push(piece);
        }
    }

    fn end(mut self) -> String {
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
        self.text
    }
}

/// Returns how many columns a piece takes: its characters, without those that colour it.
fn size(piece: &str) -> usize {
    let mut is_colour = false;
    let shown = piece.chars().filter(|character| {
        is_colour |= *character == '\u{1b}';
        let is_shown = !is_colour;
        is_colour &= *character != 'm';
        is_shown
    });
    shown.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines without their colours.
    fn bare(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn words_go_on_below_each_other_and_a_long_one_has_its_own_line() {
        let long = "x".repeat(90);
        assert_eq!(
            wrapped(&format!("a {long} b")),
            format!("a\n  {long}\n  b\n")
        );
        assert_eq!(
            behind("    lead ", &long),
            format!("    lead\n         {long}\n")
        );
        let forty = "y".repeat(40);
        assert_eq!(
            wrapped(&format!("{forty} {forty}")),
            format!("{forty}\n  {forty}\n")
        );
        assert_eq!(wrapped("  moved in "), "  moved in\n");
        assert_eq!(wrapped(&format!("{long}  b")), format!("{long}\n  b\n"));
    }

    #[test]
    fn items_share_a_line_where_they_fit() {
        let items = ["a 1", "b 2"].map(str::to_owned);
        assert_eq!(
            bare(&section("settings", &items)),
            "  settings     a 1   b 2\n"
        );
        let long = ["z".repeat(70), format!("{} → w", "v".repeat(62))];
        assert_eq!(
            bare(&section("a label of some length", &long)),
            format!(
                "  a label of some length\n{0}{1}\n{0}{2} →\n{0}  w\n",
                " ".repeat(15),
                long[0],
                "v".repeat(62)
            )
        );
    }

    #[test]
    fn a_command_between_backticks_is_never_broken_and_a_backtick_alone_quotes_nothing() {
        assert_eq!(
            folded("hint: say `runstone log --all-attempts`, or leave it", 32),
            "hint: say\n  `runstone log --all-attempts`,\n  or leave it\n"
        );
        let long = format!("`{}`", "x y ".repeat(20));
        assert_eq!(
            folded(&format!("a {long} b"), 40),
            format!("a\n  {long}\n  b\n")
        );
        assert_eq!(
            folded("one ` two three four", 10),
            "one ` two\n  three\n  four\n"
        );
    }

    #[test]
    fn a_colour_has_no_width() {
        assert_eq!(size(&format!("{NAME}a→b{NAME:#}")), 3);
    }
}
