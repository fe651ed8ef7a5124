//! What changed: only what differs, what matters first.
//!
//! `rows` decides which differences are shown, in which order and in which words; `text` and
//! `markdown` lay them out. What differs at all, and how grave it is, comes from the core.

mod markdown;
mod rows;
mod text;

pub(crate) use self::markdown::markdown;
pub(crate) use self::text::{sections, text};

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Only what differs.
    Changed,
    /// Equal metrics too.
    All,
}
