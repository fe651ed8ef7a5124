//! Environments as text: one, a list of them, what differs between two, what became of one.

mod diff;
mod import;
mod list;
pub(crate) mod restore;
mod show;
mod verify;

pub(crate) use self::diff::{markdown as diff_markdown, text as diff_text};
pub(crate) use self::import::{imported, imported_snapshot};
pub(crate) use self::list::{created, in_words, listed, noted, planned, pruned};
pub(crate) use self::show::{SourceName, shown, source};
pub(crate) use self::verify::verified;
