//! A report as one page: the same page in three forms.
//!
//! `page` decides what stands on it, `changed` and `beside` in which words; `markdown` and `html`
//! lay it out, `chart` draws. The invariant kept: stored text is text in every form, never markup,
//! a link, a mention or a control character. A page holds no time of its making, so that equal
//! reports are equal bytes.

mod beside;
mod changed;
mod chart;
mod html;
mod markdown;
mod page;

use runstone::report::Report;

use self::page::Page;

/// How a report comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// Markdown that reads well as it is, in a terminal or a mail
    Md,
    /// One HTML file, without scripts, that loads nothing
    Html,
    /// Markdown for GitHub: tables, an alert, parts that unfold
    Github,
}

/// Returns the whole page.
pub(crate) fn page(report: &Report, form: Form) -> String {
    let page = Page::of(report);
    match form {
        Form::Md => markdown::plain_page(&page),
        Form::Html => html::document(&page),
        Form::Github => markdown::github(&page),
    }
}
