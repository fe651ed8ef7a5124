//! Rows in five forms: a table for people, JSON, JSON lines, CSV and Markdown for programs.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Row, Table};
use serde_json::Value;

use crate::error::CliError;
use crate::render::csv;
use crate::ui::{Face, Ui, plain, width};

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
    rows: Vec<Vec<String>>,
}

impl Rows {
    pub(crate) fn new(heads: &[&str]) -> Self {
        Self {
            heads: heads.iter().map(|head| (*head).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// Returns the rows as text. `document` is the JSON answer, whose member `rows_name` holds the
    /// same rows as objects.
    pub(crate) fn render(&self, format: Format, document: &Value, rows_name: &str) -> String {
        match format {
            Format::Table => self.table(),
            Format::Json => format!("{document}\n"),
            Format::Jsonl => document
                .get(rows_name)
                .and_then(Value::as_array)
                .map(|rows| {
                    rows.iter()
                        .flat_map(|row| [row.to_string(), "\n".to_owned()])
                        .collect()
                })
                .unwrap_or_default(),
            Format::Csv => self.lines(),
            Format::Md => self.markdown(),
        }
    }

    fn table(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let mut table = Table::new();
        table
            .load_style(NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width())
            .set_header(&self.heads);
        for cells in &self.rows {
            // One line a row: what does not fit is cut with a mark, `--format json` has it whole.
            let mut row = Row::from(cells.iter().map(|cell| plain(cell)));
            row.max_height(1);
            table.add_row(row);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let mut text = String::new();
        for line in table.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn lines(&self) -> String {
        std::iter::once(&self.heads)
            .chain(&self.rows)
            .map(|cells| {
                let cells: Vec<_> = cells.iter().map(|cell| csv::harmless(cell)).collect();
                csv::line(&cells)
            })
            .collect()
    }

    fn markdown(&self) -> String {
        let rule: Vec<String> = self.heads.iter().map(|_| "---".to_owned()).collect();
        let mut text = markdown_line(&self.heads);
        text.push_str(&markdown_line(&rule));
        text.extend(self.rows.iter().map(|cells| markdown_line(cells)));
        text
    }
}

/// A line of a Markdown table.
pub(crate) fn markdown_line(cells: &[String]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| plain(cell).replace('\\', "\\\\").replace('|', "\\|"))
        .collect();
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_keeps_pipes_inside_their_cell() {
        assert_eq!(markdown_line(&["exp|a".to_owned()]), "| exp\\|a |\n");
    }
}
