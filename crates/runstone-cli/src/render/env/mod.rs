//! Environments as text: one, a list of them, and what differs between two.

mod import;
mod list;
mod show;

pub(crate) use self::import::{imported, imported_snapshot};
pub(crate) use self::list::{created, listed};
pub(crate) use self::show::{SourceName, shown, source};
