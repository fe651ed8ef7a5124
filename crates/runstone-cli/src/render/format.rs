//! Rows in five forms: a table for people, JSON, JSON lines, CSV and Markdown for programs.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Row, Table};
use serde_json::Value;

use crate::error::CliError;
use crate::render::csv;
use crate::ui::{Face, Ui, in_a_line, plain, width};

/// How rows come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns, as wide as the terminal
    Table,
    /// One document
    Json,
    /// One document a line
    Jsonl,
    /// Comma-separated values with a header line
    Csv,
    /// A Markdown table
    Md,
}

impl Format {
    /// Returns the format asked for; `--json` is `--format json`, and contradicts any other.
    pub(crate) fn of(asked: Option<Self>, ui: &Ui) -> Result<Self, CliError> {
        match (asked, ui.face) {
            (None | Some(Self::Json), Face::Json) | (Some(Self::Json), Face::Text) => {
                Ok(Self::Json)
            }
            (Some(_), Face::Json) => Err(CliError::usage(
                "`--json` contradicts `--format`",
                "leave out one of the two",
            )),
            (asked, Face::Text) => Ok(asked.unwrap_or(Self::Table)),
        }
    }
}

/// Rows under heads.
#[derive(Debug)]
pub(crate) struct Rows {
    heads: Vec<String>,
    cells: Vec<Vec<String>>,
    lead: Vec<&'static str>,
}

impl Rows {
    pub(crate) fn new(heads: &[&str]) -> Self {
        Self {
            heads: heads.iter().map(|head| (*head).to_owned()).collect(),
            cells: Vec::new(),
            lead: Vec::new(),
        }
    }

    /// Names the members that stand first, and always, where the rows come out as CSV.
    pub(crate) fn lead(mut self, lead: &[&'static str]) -> Self {
        self.lead = lead.to_vec();
        self
    }

    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.cells.push(row);
    }

    /// Returns the rows as text. `document` is the JSON answer, whose member `rows_name` holds the
    /// same rows as objects: programs get those, in full, and people the cells.
    pub(crate) fn render(&self, format: Format, document: &Value, rows_name: &str) -> String {
        match format {
            Format::Table => self.table(),
            Format::Json => format!("{}\n", in_a_line(document)),
            Format::Jsonl => rows_of(document, rows_name)
                .iter()
                .flat_map(|row| [in_a_line(row), "\n".to_owned()])
                .collect(),
            Format::Csv => csv::objects(rows_of(document, rows_name), &self.lead),
            Format::Md => self.markdown(),
        }
    }

    fn table(&self) -> String {
        if self.cells.is_empty() {
            return String::new();
        }
        let mut table = Table::new();
        table
            .load_style(NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width())
            .set_header(&self.heads);
        for cells in &self.cells {
            // One line a row: what does not fit is cut with a mark, `--format json` has it whole.
            let mut row = Row::from(cells.iter().map(|cell| plain(cell)));
            row.max_height(1);
            table.add_row(row);
        }
        let last = self.heads.len().saturating_sub(1);
        for (number, column) in table.column_iter_mut().enumerate() {
            // Nothing follows the last one, and its room may be what its content lacks.
            column.set_padding((0, if number == last { 0 } else { 2 }));
        }
        let mut text = String::new();
        for line in table.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn markdown(&self) -> String {
        let rule: Vec<String> = self.heads.iter().map(|_| "---".to_owned()).collect();
        let mut text = markdown_line(&self.heads);
        text.push_str(&markdown_line(&rule));
        text.extend(self.cells.iter().map(|cells| markdown_line(cells)));
        text
    }
}

fn rows_of<'a>(document: &'a Value, name: &str) -> &'a [Value] {
    document
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A line of a Markdown table. Names and values stand in it as what they are: none becomes a link,
/// a tag, code or emphasis.
pub(crate) fn markdown_line(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| markdown_text(cell)).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// Returns text as Markdown that shows it as it is.
pub(crate) fn markdown_text(cell: &str) -> String {
    let cell = plain(cell);
    let mut escaped = String::with_capacity(cell.len());
    let mut before = ' ';
    let mut rest = cell.chars().peekable();
    while let Some(character) = rest.next() {
        // Within a word `_` is no emphasis, and names are full of it.
        let after = rest.peek().copied().unwrap_or(' ');
        let is_within = before.is_alphanumeric() && after.is_alphanumeric();
        if "\\|`*[]<>&~".contains(character) || character == '_' && !is_within {
            escaped.push('\\');
        }
        escaped.push(character);
        before = character;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_keeps_pipes_inside_their_cell() {
        assert_eq!(markdown_line(&["exp|a".to_owned()]), "| exp\\|a |\n");
    }

    #[test]
    fn markdown_shows_names_as_they_are() {
        for (cell, shown) in [
            ("[a](javascript:1)", "\\[a\\](javascript:1)"),
            ("<script>", "\\<script\\>"),
            ("*x* `y` ~z~ &lt;", "\\*x\\* \\`y\\` \\~z\\~ \\&lt;"),
            ("_x_ val_loss", "\\_x\\_ val_loss"),
            ("a\\b", "a\\\\b"),
            ("0.5 → 0.6 (-3 %)", "0.5 → 0.6 (-3 %)"),
        ] {
            assert_eq!(markdown_line(&[cell.to_owned()]), format!("| {shown} |\n"));
        }
    }
}
