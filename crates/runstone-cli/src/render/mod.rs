//! How answers look: pure functions from what the ledger says to text.
//!
//! Every text here passes stored words through [`crate::ui::plain`], fits 80 columns, and reads
//! the same without colour. What a thing is called is decided in `docs/json.md` and the core.

pub(crate) mod answer;
pub(crate) mod baseline;
pub(crate) mod check;
pub(crate) mod command_line;
pub(crate) mod csv;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod env;
pub(crate) mod explain;
pub(crate) mod format;
pub(crate) mod gc;
pub(crate) mod lines;
pub(crate) mod nearest;
pub(crate) mod note;
pub(crate) mod report;
pub(crate) mod snapshot;
pub(crate) mod sparkline;
pub(crate) mod stats;
pub(crate) mod table;
pub(crate) mod time;
pub(crate) mod verify;
pub(crate) mod views;
pub(crate) mod why;
pub(crate) mod words;
