//! What is said of a snapshot that a note deleted.

use std::fmt;

use runstone_core::note::Dated;

use crate::find::Place;

/// A snapshot that a note deleted. Prints as one sentence: where, by whom, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// Where it stands still.
    pub place: String,
    /// Who deleted it, if known.
    pub by: Option<String>,
    /// When, by that writer's clock.
    pub at: String,
    /// Why, if it was said.
    pub why: Option<String>,
}

impl Deleted {
    pub(crate) fn by(place: &Place, tombstone: &Dated) -> Self {
        let note = &tombstone.note;
        Self {
            place: place.to_string(),
            by: note.by.as_ref().map(ToString::to_string),
            at: tombstone.at.clone(),
            why: note.why.as_ref().map(ToString::to_string),
        }
    }
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, by, at, why } = self;
        write!(f, "{place} was deleted")?;
        if let Some(by) = by {
            write!(f, " by {by}")?;
        }
        write!(f, " on {at}")?;
        match why {
            Some(why) => write!(f, ": {why}"),
            None => Ok(()),
        }
    }
}
