//! A page as one HTML file: no script, nothing loaded, light and dark, narrow and wide.
//!
//! The invariant kept: whatever a document called its runs and metrics, none of it is markup. Every
//! text passes [`escaped`], and the page forbids itself scripts and addresses on top.

use runstone::core::verdict::{Overall, Part, Trail};

use super::beside::said_of;
use super::chart::{self, Drawn};
use super::page::{Page, Section, Table, Word, Words};
use crate::render::lines::add;
use crate::ui::plain;

/// How the page looks. Words and shapes say everything; colour only repeats it.
const STYLE: &str = include_str!("page.css");

/// Returns text as HTML: no character of it is markup, none is for a terminal.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in plain(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Returns the whole file.
pub(super) fn document(page: &Page<'_>) -> String {
    let mut text = String::new();
    let mut add = |piece: std::fmt::Arguments<'_>| add(&mut text, piece);
    let title = escaped(&page.title);
    let word = page.overall.as_str();
    add(format_args!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}: {word}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    ));
    add(format_args!("<h1>{title}</h1>\n<dl class=\"facts\">\n"));
    for [name, value] in &page.facts {
        add(format_args!(
            "<div><dt>{}</dt><dd>{}</dd></div>\n",
            escaped(name),
            escaped(value)
        ));
    }
    add(format_args!(
        "</dl>\n<section class=\"verdict {word}\">\n<p class=\"word\"><span \
         aria-hidden=\"true\">{}</span> {word}</p>\n<p>{}</p>\n",
        shape(page.overall),
        line(&page.reason)
    ));
    for aside in &page.asides {
        add(format_args!("<p class=\"aside\">{}</p>\n", line(aside)));
    }
    add(format_args!("</section>\n"));
    if let Some(trail) = page.trail {
        add(format_args!(
            "<figure>\n<figcaption>{}</figcaption>\n{}{}</figure>\n",
            escaped(&chart::in_words(trail, Drawn::All)),
            chart::svg(trail),
            legend(trail)
        ));
    }
    for section in &page.sections {
        add(format_args!("{}", part(section)));
    }
    add(format_args!(
        "<footer><p>{}</p></footer>\n</main>\n</body>\n</html>\n",
        line(&page.source)
    ));
    text
}

fn shape(overall: Overall) -> &'static str {
    match overall {
        Overall::Regression => "▼",
        Overall::Undecided => "?",
        Overall::Improvement => "▲",
        Overall::Changed => "◆",
        Overall::Same => "=",
    }
}

/// Says what the shapes of a picture mean, those that are in it.
fn legend(trail: &Trail) -> String {
    let has = |part: Part| trail.points.iter().any(|point| point.part == part);
    let beyond = chart::beyond(trail);
    let apart = said_of(Part::Apart);
    let shapes = [
        (has(Part::Current), "◆", said_of(Part::Current).to_owned()),
        (has(Part::Serves), "●", said_of(Part::Serves).to_owned()),
        (
            has(Part::OtherSettings),
            "○",
            said_of(Part::OtherSettings).to_owned(),
        ),
        (chart::apart(trail).count() > beyond, "×", apart.to_owned()),
        (beyond > 0, "△ ▽", format!("{apart}, beyond the scale")),
    ];
    let mut text = "<p class=\"legend\">".to_owned();
    for (_, shape, words) in shapes.iter().filter(|(is_drawn, ..)| *is_drawn) {
        add(&mut text, format_args!("<span>{shape} {words}</span> "));
    }
    text.push_str("</p>\n");
    text
}

fn part(section: &Section) -> String {
    let mut lines = String::new();
    for words in &section.lines {
        add(&mut lines, format_args!("<p>{}</p>\n", line(words)));
    }
    let table = section.table.as_ref().map(table).unwrap_or_default();
    let title = escaped(section.title);
    if section.is_folded {
        format!("<details>\n<summary>{title}</summary>\n{lines}{table}</details>\n")
    } else {
        format!("<section>\n<h2>{title}</h2>\n{lines}{table}</section>\n")
    }
}

fn line(words: &Words) -> String {
    words
        .iter()
        .map(|word| match word {
            Word::Text(text) => escaped(text),
            Word::Code(command) => format!("<code>{}</code>", escaped(command)),
        })
        .collect()
}

fn table(table: &Table) -> String {
    let mut text = "<div class=\"wide\">\n<table>\n<thead><tr>".to_owned();
    for head in &table.heads {
        add(&mut text, format_args!("<th scope=\"col\">{head}</th>"));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        text.push_str("<tr>");
        for (head, cell) in table.heads.iter().zip(row) {
            // A narrow page shows rows one below the other, each cell behind its head.
            add(
                &mut text,
                format_args!("<td data-head=\"{head}\">{}</td>", escaped(cell)),
            );
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody>\n</table>\n</div>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        assert_eq!(
            escaped("<b class='x'>&amp;\"\u{1b}[0m"),
            "&lt;b class=&#39;x&#39;&gt;&amp;amp;&quot;\\u{1b}[0m"
        );
    }
}
