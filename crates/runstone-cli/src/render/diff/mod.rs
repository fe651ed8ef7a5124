//! What changed: only what differs, what matters first.
//!
//! `rows` decides which differences are shown, in which order and in which words; `text` and
//! `markdown` lay them out. What differs at all, and how grave it is, comes from the core.

mod markdown;
pub(crate) mod rows;
mod text;

pub(crate) use self::markdown::markdown;
pub(crate) use self::text::{sections, text, underneath};

/// In which order sections stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// What was set first, what came of it after.
    CauseFirst,
    /// What matters first.
    MattersFirst,
}

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Only what differs.
    Changed,
    /// Equal metrics too.
    All,
}
