//! Views: files for people and scripts, written after the answer and made again at will.
//!
//! ```text
//! a snapshot and its answer ─ made ─▶ its files ─ written ─▶ the shelf
//! listing, log ─ shared ─▶ snapshot_index.json, LATEST.json ─▶ the shelf
//! everything in the log ─ settled ─▶ equal, stale, stray; or put right
//! ```
//!
//! The log is the truth and these are none of it. The invariant kept: no view is computed from what
//! a view said before, but for the folder of a snapshot, which proves that snapshot to the index of
//! its run until the log is asked again. A view that cannot be written never fails a recording.
//! What is in each file belongs to the core, putting it there to the store.

mod elsewhere;
mod findings;
mod logged;
mod made;
mod places;
mod rebuild;
mod settled;
mod shared;
mod written;

pub(crate) use self::findings::Lost;
pub(crate) use self::made::{GroupKeys, Made};
pub use self::places::ViewPaths;
pub(crate) use self::places::view_of;
pub use self::rebuild::Rebuilt;
pub(crate) use self::settled::Mode;
pub(crate) use self::shared::Entries;

/// Which views a store keeps; fixed when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Views {
    /// Files below `runs/` and in the folder `view` of each cohort.
    Files,
    /// None: the log alone.
    None,
}

impl Views {
    /// Returns the word used in options, settings and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::None => "none",
        }
    }

    /// Reads the word used in options, settings and JSON.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Files, Self::None]
            .into_iter()
            .find(|views| views.as_str() == word)
    }
}
