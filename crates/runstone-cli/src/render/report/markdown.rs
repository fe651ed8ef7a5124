//! A page as Markdown: one that reads well as it is, and one for GitHub.
//!
//! The plain one has no tables, whose lines a terminal or a mail would break: a row is an item, and
//! every line fits 78 columns. GitHub's has an alert, tables, and parts that unfold. The invariant
//! kept: stored text is text. On GitHub it mentions nobody and links to no issue either, though
//! places in a log look like issues.

use runstone::core::verdict::{Overall, Trail};

use super::chart::{self, Drawn};
use super::page::{Page, Section, Table, Word, Words};
use crate::render::format::{markdown_line, markdown_text};
use crate::render::lines::{add, folded_at};
use crate::render::sparkline::sparkline;
use crate::ui::plain;

/// Columns of a plain page: a mail quotes with two more.
const COLUMNS: usize = 78;

/// Returns the page for people who read it as it is.
pub(super) fn plain_page(page: &Page<'_>) -> String {
    let mut text = paragraph(&format!("# {}", safe(&page.title)), 0);
    let [first, rest @ ..] = page.facts.as_slice() else {
        return text;
    };
    add(&mut text, format_args!("\n{}\n", safe(&first[1])));
    let rest: Vec<String> = rest
        .iter()
        .map(|[name, value]| format!("{name} {}", safe(value)))
        .collect();
    text.push_str(&paragraph(&rest.join(", "), 0));
    text.push('\n');
    let word = page.overall.as_str();
    text.push_str(&paragraph(
        &format!("**{word}**: {}", line(&page.reason, safe)),
        0,
    ));
    for aside in &page.asides {
        text.push('\n');
        text.push_str(&paragraph(&line(aside, safe), 0));
    }
    if let Some(trail) = page.trail {
        add(&mut text, format_args!("\n    {}\n\n", line_of(trail)));
        text.push_str(&paragraph(
            &safe(&chart::in_words(trail, Drawn::Serving)),
            0,
        ));
    }
    for section in page.sections.iter().filter(|it| !it.is_folded) {
        add(&mut text, format_args!("\n## {}\n\n", section.title));
        for words in &section.lines {
            text.push_str(&paragraph(&format!("- {}", line(words, safe)), 2));
        }
        for row in section.table.iter().flat_map(|table| &table.rows) {
            let heads = section.table.iter().flat_map(|table| &table.heads);
            text.push_str(&paragraph(&item(heads, row), 2));
        }
    }
    text.push_str("\n---\n");
    text.push_str(&paragraph(&line(&page.source, safe), 0));
    text
}

/// A row as an item: what it is of, then each side behind its head.
fn item<'h>(heads: impl Iterator<Item = &'h &'static str>, row: &[String]) -> String {
    let mut text = "- ".to_owned();
    let mut is_named = false;
    for (head, cell) in heads.zip(row).filter(|(_, cell)| !cell.is_empty()) {
        let cell = safe(cell);
        match *head {
            "previous" => add(&mut text, format_args!(": {cell}")),
            "now" if is_named => add(&mut text, format_args!(" → {cell}")),
            "now" => add(&mut text, format_args!(": {cell}")),
            "moved by" => add(&mut text, format_args!(" ({cell})")),
            "noise" => add(&mut text, format_args!("; noise {cell}")),
            "means" | "evidence" => add(&mut text, format_args!("; {cell}")),
            "severity" => add(&mut text, format_args!(" ({cell})")),
            "metric" | "what" => text.push_str(&cell),
            _ => add(&mut text, format_args!(" {cell}")),
        }
        is_named |= *head == "previous";
    }
    text
}

/// Returns the page for GitHub.
pub(super) fn github(page: &Page<'_>) -> String {
    let mut text = format!("### {}\n\n", on_github(&page.title));
    let kind = match page.overall {
        Overall::Regression => "CAUTION",
        Overall::Undecided | Overall::Changed => "WARNING",
        Overall::Improvement => "TIP",
        Overall::Same => "NOTE",
    };
    let word = page.overall.as_str();
    add(
        &mut text,
        format_args!(
            "> [!{kind}]\n> **{word}**: {}\n",
            line(&page.reason, on_github)
        ),
    );
    for aside in &page.asides {
        add(&mut text, format_args!(">\n> {}\n", line(aside, on_github)));
    }
    text.push('\n');
    let facts: Vec<String> = page
        .facts
        .iter()
        .map(|[name, value]| format!("{name} {}", on_github(value)))
        .collect();
    add(&mut text, format_args!("{}\n\n", facts.join(" · ")));
    if let Some(trail) = page.trail {
        add(
            &mut text,
            format_args!(
                "`{}` {}\n\n",
                line_of(trail),
                on_github(&chart::in_words(trail, Drawn::Serving))
            ),
        );
    }
    for section in &page.sections {
        text.push_str(&part(section));
    }
    add(
        &mut text,
        format_args!("<sub>{}</sub>\n", line(&page.source, on_github)),
    );
    text
}

fn part(section: &Section) -> String {
    let mut text = if section.is_folded {
        format!("<details><summary>{}</summary>\n\n", section.title)
    } else {
        format!("#### {}\n\n", section.title)
    };
    for words in &section.lines {
        add(&mut text, format_args!("{}\n\n", line(words, on_github)));
    }
    if let Some(table) = &section.table {
        text.push_str(&rows(table));
        text.push('\n');
    }
    if section.is_folded {
        text.push_str("</details>\n\n");
    }
    text
}

fn rows(table: &Table) -> String {
    let heads: Vec<String> = table.heads.iter().map(|head| (*head).to_owned()).collect();
    let rule: Vec<String> = table.heads.iter().map(|_| "---".to_owned()).collect();
    let mut text = markdown_line(&heads);
    text.push_str(&markdown_line(&rule));
    for row in &table.rows {
        text.push_str(&without_references(&markdown_line(row)));
    }
    text
}

fn line(words: &Words, safe: fn(&str) -> String) -> String {
    words
        .iter()
        .map(|word| match word {
            Word::Text(text) => safe(text),
            // A span of code with nothing in it would be two backticks of text.
            Word::Code(code) if code.is_empty() => String::new(),
            Word::Code(code) => format!("`{}`", plain(code)),
        })
        .collect()
}

/// Text on a plain page, of which no word begins a heading, a list or a quotation where a line may
/// break before it.
fn safe(text: &str) -> String {
    let words = markdown_text(text);
    let words: Vec<String> = words
        .split(' ')
        .map(|word| {
            let is_sign = |word: &str| word.bytes().all(|byte| b"#-+=".contains(&byte));
            let number = word.strip_suffix(['.', ')']);
            let is_number =
                |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
            match number {
                _ if !word.is_empty() && is_sign(word) => format!("\\{word}"),
                Some(number) if is_number(number) => {
                    let (digits, end) = word.split_at(number.len());
                    format!("{digits}\\{end}")
                }
                _ => word.to_owned(),
            }
        })
        .collect();
    words.join(" ")
}

fn on_github(text: &str) -> String {
    without_references(&safe(text))
}

/// Text in which GitHub finds nobody to notify and no issue to link: a character without width
/// stands between the sign and the name.
fn without_references(text: &str) -> String {
    let mut apart = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        apart.push(character);
        let next = rest.peek();
        let names = match character {
            '#' => next.is_some_and(char::is_ascii_digit),
            '@' => next.is_some_and(|next| next.is_alphanumeric()),
            _ => false,
        };
        if names {
            apart.push_str("&#8203;");
        }
    }
    apart
}

fn line_of(trail: &Trail) -> String {
    sparkline(&trail.newest(usize::MAX))
}

fn paragraph(words: &str, hanging: usize) -> String {
    folded_at(words, COLUMNS, hanging)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_begins_a_heading_or_a_list_wherever_the_line_breaks() {
        assert_eq!(
            safe("a # b - c + 1. 2) =="),
            "a \\# b \\- c \\+ 1\\. 2\\) \\=="
        );
        assert_eq!(safe("#12 −0.5 -x a.b"), "#12 −0.5 -x a.b");
        assert_eq!(safe("<b>*x*"), "\\<b\\>\\*x\\*");
    }

    #[test]
    fn github_notifies_nobody_and_links_no_issue() {
        assert_eq!(
            on_github("(#1–#12) @ana #a a@b"),
            "(#&#8203;1–#&#8203;12) @&#8203;ana #a a@&#8203;b"
        );
    }
}
