//! The yardstick of a cohort, or why there is none, as JSON and in words.
//!
//! The invariant kept: whoever has one knows why it is that run, by which rule or by whose pin.
//! Which run it is, is settled in `choice`; recording a pin belongs to the notes.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use super::point::Point;
use crate::id::SnapshotSeq;
use crate::note::{Author, Dated, NoteText};

/// The yardstick of a cohort, or why there is none.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Baseline {
    /// The rule chose one.
    Chosen {
        /// The run chosen.
        point: Box<Point>,
        /// Why, in words; for `best` also how far above typical it stands by chance alone.
        reason: String,
        /// By how many spreads it is expected to be better than a typical run, by chance alone.
        luck: f64,
    },
    /// A note pins one.
    Pinned(Box<Pinned>),
    /// Too few runs can carry one.
    NotYet {
        /// Other runs with the primary metric.
        have: usize,
        /// Other runs needed.
        need: usize,
    },
    /// The runs cannot be ordered.
    NoPrimary {
        /// Why not, as a fragment for people.
        reason: String,
    },
    /// The rule waits for a pin.
    NotPinned,
    /// The log could not be read.
    Unknown {
        /// Why not, as a fragment for people.
        reason: String,
    },
}

impl Baseline {
    /// Returns the baseline's position, if there is one.
    pub fn seq(&self) -> Option<SnapshotSeq> {
        match self {
            Self::Chosen { point, .. } => Some(point.seq),
            Self::Pinned(pinned) => Some(pinned.point.seq),
            Self::NotYet { .. }
            | Self::NoPrimary { .. }
            | Self::NotPinned
            | Self::Unknown { .. } => None,
        }
    }

    /// Returns by how many spreads it is expected to be better than a typical run, by chance alone:
    /// zero unless it was chosen as the best.
    pub fn luck(&self) -> f64 {
        match self {
            Self::Chosen { luck, .. } => *luck,
            _ => 0.0,
        }
    }
}

/// A run that a note pins, and the note.
#[derive(Debug, Clone, PartialEq)]
pub struct Pinned {
    /// The run.
    pub point: Point,
    /// Who pinned it, when and why.
    pub pin: Arc<Dated>,
}

impl Baseline {
    /// Returns the stable JSON form: `{status, snapshot_seq, run_id, reason, pin}`.
    pub fn to_json(&self) -> Value {
        let status = match self {
            Self::Chosen { .. } => "chosen",
            Self::Pinned(_) => "pinned",
            Self::NotYet { .. } => "not_yet",
            Self::NoPrimary { .. } => "no_primary",
            Self::NotPinned => "not_pinned",
            Self::Unknown { .. } => "unknown",
        };
        let run_id = match self {
            Self::Chosen { point, .. } => Some(&point.run_id),
            Self::Pinned(pinned) => Some(&pinned.point.run_id),
            _ => None,
        };
        let pin = match self {
            Self::Pinned(pinned) => Some(&pinned.pin),
            _ => None,
        };
        json!({
            "status": status,
            "snapshot_seq": self.seq(),
            "run_id": run_id,
            "reason": self.to_string(),
            "pin": pin.map(|pin| json!({
                "by": pin.note.by.as_ref().map(Author::as_str),
                "at": pin.at,
                "why": pin.note.why.as_ref().map(NoteText::as_str),
            })),
        })
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chosen { point, reason, .. } => {
                write!(f, "#{} {}, {reason}", point.seq, point.run_id)
            }
            Self::Pinned(pinned) => pinned.fmt(f),
            Self::NotYet { have, need } => write!(f, "none yet: {have} of {need} runs"),
            Self::NoPrimary { reason } => write!(f, "none: {reason}"),
            Self::NotPinned => f.write_str("none: the profile waits for a pin"),
            Self::Unknown { reason } => write!(f, "unknown: {reason}"),
        }
    }
}

impl Pinned {
    /// Returns by whom, when and why it was pinned, as a fragment for people.
    pub fn reason(&self) -> String {
        let note = &self.pin.note;
        let by = note.by.as_ref().map(|by| format!(" by {by}"));
        let why = note.why.as_ref().map(|why| format!(": {why}"));
        format!(
            "pinned{} on {}{}",
            by.unwrap_or_default(),
            self.pin.at,
            why.unwrap_or_default()
        )
    }
}

impl fmt::Display for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { point, .. } = self;
        write!(f, "#{} {}, {}", point.seq, point.run_id, self.reason())
    }
}
