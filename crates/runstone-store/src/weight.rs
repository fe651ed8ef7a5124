//! What a store weighs: each of its files by what it is for, counted once.
//!
//! An engine walks what it keeps and tells of one file after the other, so that a store of any
//! size is weighed in the memory of one folder's names. The invariant guarded here: bytes that
//! have several names count under one of them, and what could not be looked at is told, never
//! taken for nothing. Sums are left to the ledger.

use std::fmt;

use crate::error::StoreError;
use crate::log::CohortName;

/// What a file of a store is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ware {
    /// Entries in the logs of cohorts: truth.
    Entries,
    /// Pins, tombstones and annotations.
    Notes,
    /// Claims of keys that share no bytes with an entry.
    Keys,
    /// What makes each cohort one.
    Cohorts,
    /// Captured environments.
    Environments,
    /// Large sections and attachments, stored once.
    Objects,
    /// Profiles.
    Profiles,
    /// Sealed segments: copies of entries.
    Segments,
    /// Files for people and scripts.
    Views,
    /// Where the end of a log was seen last.
    Hints,
    /// Runs under way.
    Started,
    /// Results that could not be recorded.
    Refused,
    /// What the store says of itself, and its secret.
    Store,
    /// Damaged bytes that were kept.
    Quarantine,
    /// What is on its way out.
    Trash,
    /// What writers and probes left behind when they were stopped.
    Leftovers,
    /// What no store has.
    Unknown,
    /// The directories themselves.
    Directories,
}

impl Ware {
    /// Every kind, in the order in which they are listed.
    pub const ALL: [Self; 18] = [
        Self::Entries,
        Self::Notes,
        Self::Keys,
        Self::Cohorts,
        Self::Environments,
        Self::Objects,
        Self::Profiles,
        Self::Segments,
        Self::Views,
        Self::Hints,
        Self::Started,
        Self::Refused,
        Self::Store,
        Self::Quarantine,
        Self::Trash,
        Self::Leftovers,
        Self::Unknown,
        Self::Directories,
    ];

    /// Returns the word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Notes => "notes",
            Self::Keys => "keys",
            Self::Cohorts => "cohorts",
            Self::Environments => "environments",
            Self::Objects => "objects",
            Self::Profiles => "profiles",
            Self::Segments => "segments",
            Self::Views => "views",
            Self::Hints => "hints",
            Self::Started => "started",
            Self::Refused => "refused",
            Self::Store => "store",
            Self::Quarantine => "quarantine",
            Self::Trash => "trash",
            Self::Leftovers => "leftovers",
            Self::Unknown => "unknown",
            Self::Directories => "directories",
        }
    }
}

impl fmt::Display for Ware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What one name weighs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weight {
    /// Bytes as they are read; none of a directory.
    pub bytes: u64,
    /// Bytes that the disk gives them: blocks, whatever the file fills of them.
    pub disk: u64,
    /// Names that these bytes have.
    pub names: u64,
}

/// Something of a store on the scales.
#[derive(Debug)]
pub enum Weighed<'a> {
    /// A file or a directory.
    One {
        /// What it is for.
        ware: Ware,
        /// The cohort it belongs to.
        cohort: Option<&'a CohortName>,
        /// What it weighs.
        weight: Weight,
        /// Whether its bytes count under another of their names.
        is_elsewhere: bool,
    },
    /// Something that could not be looked at, with everything below it.
    Unread(StoreError),
}
