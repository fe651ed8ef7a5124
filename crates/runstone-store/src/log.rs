//! Logs and places in them.
//!
//! A store holds a fixed family of append-only logs, named by [`Log`]; [`Seq`] is a place in one.
//! The invariant guarded here: every name that can be built from these types is one safe path
//! component after another, unique also where the file system folds case, so that no text from a
//! user ever becomes a path. How a readable cohort name is made from a run is left to the ledger.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Slots a shard directory holds. Part of format 1: it never changes for an existing store.
pub const SHARD_SLOTS: u64 = 4096;

/// Bytes a cohort's name may have: well below the 255 of common file systems.
const COHORT_NAME_BYTES_MAX: usize = 200;

/// One append-only log of a store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Log {
    /// The snapshots of a cohort. Every entry claims a key.
    Cohort(CohortName),
    /// Pins, tombstones and annotations of a cohort.
    CohortNotes(CohortName),
    /// What was captured as an environment on request.
    Environments,
    /// Tags and pins of environments.
    EnvironmentNotes,
    /// Notes of the whole store.
    StoreNotes,
}

impl Log {
    /// Returns the cohort this log belongs to.
    pub fn cohort(&self) -> Option<&CohortName> {
        match self {
            Self::Cohort(cohort) | Self::CohortNotes(cohort) => Some(cohort),
            Self::Environments | Self::EnvironmentNotes | Self::StoreNotes => None,
        }
    }

    /// Returns the log whose head an entry of this one also names, so that a reader knows which
    /// notes its writer could see.
    pub fn notes(&self) -> Option<Self> {
        match self {
            Self::Cohort(cohort) => Some(Self::CohortNotes(cohort.clone())),
            Self::Environments => Some(Self::EnvironmentNotes),
            Self::CohortNotes(_) | Self::EnvironmentNotes | Self::StoreNotes => None,
        }
    }

    /// Returns the directories from the store's root down to this log.
    pub(crate) fn path(&self) -> Vec<&str> {
        match self {
            Self::Cohort(cohort) => vec!["cohorts", cohort.as_str(), "log"],
            Self::CohortNotes(cohort) => vec!["cohorts", cohort.as_str(), "notes"],
            Self::Environments => vec!["environments", "log"],
            Self::EnvironmentNotes => vec!["environments", "notes"],
            Self::StoreNotes => vec!["notes"],
        }
    }
}

/// Returns whether a path below the root may be of entries that claim a key. Elsewhere, in notes and
/// among environments, each call is an entry of its own.
pub(crate) fn claims_keys(path: &str) -> bool {
    let mut names = path.split(['/', '#']);
    match names.next() {
        Some("notes" | "environments") => false,
        Some("cohorts") => names.nth(1) != Some("notes"),
        _ => true,
    }
}

/// The log's name as envelopes carry it: its path below the root.
impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path().join("/"))
    }
}

/// A place in a log, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(NonZeroU64);

impl Seq {
    /// The first place of every log.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// Returns the place numbered `number`, or nothing for zero.
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Returns the number of this place.
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// Returns the place after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Returns the place `steps` after this one.
    #[must_use]
    pub(crate) const fn plus(self, steps: u64) -> Self {
        Self(self.0.saturating_add(steps))
    }

    /// Returns the place before this one, or nothing at the first.
    pub const fn previous(self) -> Option<Self> {
        Self::new(self.get() - 1)
    }

    /// Returns the place that follows `head`: the first one of an empty log.
    pub fn after(head: Option<Self>) -> Self {
        head.map_or(Self::FIRST, Self::next)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a cohort: `[a-z0-9._-]`, 1 to 200 bytes, no leading dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CohortName(String);

impl CohortName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that cannot name a cohort.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("`{text}` cannot name a cohort: {reason}")]
pub struct NotACohortName {
    text: String,
    reason: &'static str,
}

impl FromStr for CohortName {
    type Err = NotACohortName;

    fn from_str(text: &str) -> Result<Self, NotACohortName> {
        let legal = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        let reason = if text.is_empty() {
            "it is empty"
        } else if text.len() > COHORT_NAME_BYTES_MAX {
            "it is longer than 200 bytes"
        } else if text.starts_with('.') {
            "it starts with a dot"
        } else if !text.bytes().all(legal) {
            "only `a-z`, `0-9`, `.`, `_` and `-` are allowed"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(NotACohortName {
            text: text.to_owned(),
            reason,
        })
    }
}

impl fmt::Display for CohortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for CohortName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CohortName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_file_names_are_cohort_names() {
        for good in [
            "train.churn.0123456789abcdef",
            "a",
            "a_b-c.d",
            &"x".repeat(200),
        ] {
            assert!(good.parse::<CohortName>().is_ok(), "{good} was refused");
        }
        let long = "x".repeat(201);
        for bad in [
            "", ".", "..", ".hidden", "A", "a/b", "a\0b", "a b", "ä", &long,
        ] {
            assert!(bad.parse::<CohortName>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn places_count_from_one() {
        assert_eq!(Seq::new(0), None);
        assert_eq!(Seq::after(None), Seq::FIRST);
        assert_eq!(Seq::after(Seq::new(7)).get(), 8);
        assert_eq!(Seq::FIRST.previous(), None);
    }

    #[test]
    fn logs_are_named_by_their_path() {
        let cohort: CohortName = "c1".parse().unwrap();
        assert_eq!(Log::Cohort(cohort.clone()).to_string(), "cohorts/c1/log");
        assert_eq!(Log::CohortNotes(cohort).to_string(), "cohorts/c1/notes");
        assert_eq!(Log::Environments.to_string(), "environments/log");
        assert_eq!(Log::EnvironmentNotes.to_string(), "environments/notes");
        assert_eq!(Log::StoreNotes.to_string(), "notes");
    }
}
