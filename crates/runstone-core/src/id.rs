//! The names of things: runs, stages, attempts, cohorts and positions in a log.
//!
//! Each is its own type, so that a stage is never handed in where a run id is meant. A run id is
//! free text from the user and comes back unchanged; everything that compares or hashes one takes
//! [`RunId::compared`], the form in which equal text is equal. Turning a name into a path belongs
//! to the cohort module and to the store.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

/// Longest run id accepted, in bytes.
pub const RUN_ID_BYTES_MAX: usize = 1024;
/// Longest stage accepted, in bytes.
pub const STAGE_BYTES_MAX: usize = 256;

/// Why a text cannot be a run id or a stage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IllegalName {
    /// The text is empty.
    #[error("{what} is empty")]
    Empty {
        /// `run_id` or `stage`.
        what: &'static str,
    },
    /// The text is longer than the limit.
    #[error("{what} has {bytes} bytes, the limit is {limit}")]
    TooLong {
        /// `run_id` or `stage`.
        what: &'static str,
        /// Length found, in bytes.
        bytes: usize,
        /// Longest accepted, in bytes.
        limit: usize,
    },
}

fn check(what: &'static str, text: &str, limit: usize) -> Result<(), IllegalName> {
    match text.len() {
        0 => Err(IllegalName::Empty { what }),
        bytes if bytes > limit => Err(IllegalName::TooLong { what, bytes, limit }),
        _ => Ok(()),
    }
}

/// Returns `text` in Unicode normal form C, in which equal text has equal bytes.
pub fn nfc(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    text.nfc().collect()
}

/// Names one execution of a pipeline: 1 to [`RUN_ID_BYTES_MAX`] bytes of any text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct RunId(String);

impl RunId {
    /// Accepts `text` as a run id.
    ///
    /// # Errors
    /// [`IllegalName`] if it is empty or too long.
    pub fn new(text: impl Into<String>) -> Result<Self, IllegalName> {
        let text = text.into();
        check("run_id", &text, RUN_ID_BYTES_MAX)?;
        Ok(Self(text))
    }

    /// Returns the text as the user gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form in which two spellings of one id are equal (NFC).
    pub fn compared(&self) -> String {
        nfc(&self.0)
    }
}

impl TryFrom<String> for RunId {
    type Error = IllegalName;

    fn try_from(text: String) -> Result<Self, IllegalName> {
        Self::new(text)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a step of a run, as the profile spells it: 1 to [`STAGE_BYTES_MAX`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Stage(String);

impl Stage {
    /// Accepts `text` as a stage. The profile's own spelling rules are applied before.
    ///
    /// # Errors
    /// [`IllegalName`] if it is empty or too long.
    pub fn new(text: impl Into<String>) -> Result<Self, IllegalName> {
        let text = text.into();
        check("stage", &text, STAGE_BYTES_MAX)?;
        Ok(Self(text))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Stage {
    type Error = IllegalName;

    fn try_from(text: String) -> Result<Self, IllegalName> {
        Self::new(text)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Retry number of one stage of one run in one cohort, from 0.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Attempt(pub u32);

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Position of a snapshot in its cohort's log, from 1: unique, gapless, in commit order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SnapshotSeq(pub u64);

impl fmt::Display for SnapshotSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
