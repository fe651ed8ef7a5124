//! Damage: what cannot be believed, and where.
//!
//! Readers return a [`Damage`], an audit reports it as a [`Finding`]; both name the place, what was
//! expected and what was found. The invariant guarded here: damage of truth and staleness of what
//! is derived are never confused, since one costs a recording and the other a moment. Repair is
//! left to others.

use std::fmt;

use crate::key::StoreId;
use crate::log::{Log, Seq};

/// Truth that fails a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file, below the store's root.
    pub path: String,
    /// The place in a log, where the file is one.
    pub slot: Option<(Log, Seq)>,
    /// Which check failed.
    pub kind: DamageKind,
    /// What a whole file would have shown.
    pub expected: String,
    /// What this one shows.
    pub found: String,
}

impl Damage {
    /// Returns what is wrong with a file that another store wrote.
    pub(crate) fn of_another_store(
        (path, slot): (String, Option<(Log, Seq)>),
        here: StoreId,
        found: StoreId,
    ) -> Self {
        Self {
            path,
            slot,
            kind: DamageKind::Place,
            expected: format!("{STORE}{here}"),
            found: format!("{STORE}{found}"),
        }
    }

    /// Tells whether another store wrote it.
    pub fn is_of_another_store(&self) -> bool {
        self.kind == DamageKind::Place
            && self.expected.starts_with(STORE)
            && self.found.starts_with(STORE)
    }
}

/// What goes before the identity of a store, in words.
const STORE: &str = "store ";

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            kind,
            expected,
            found,
            slot: _,
        } = self;
        write!(
            f,
            "`{path}` is damaged ({kind}): expected {expected}, found {found}"
        )
    }
}

/// The check that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DamageKind {
    /// A place below a taken one is empty.
    Missing,
    /// The envelope cannot be read.
    Envelope,
    /// The file has another length than its envelope says.
    Length,
    /// The checksum over the file fails.
    Checksum,
    /// The digest over the content fails.
    Digest,
    /// Whole, but of another store, log or key, or older than what it claims to follow.
    Place,
    /// An entry or a claim has seen another history than the log shows.
    Fork,
    /// One key holds two places.
    Twice,
    /// A document that names a directory of truth is gone.
    Document,
    /// Something of another type stands where a file or a directory belongs.
    FileType,
    /// It is there, and the system does not let it be read.
    Unreadable,
}

impl DamageKind {
    /// Returns the word for this kind, in output for people and programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Envelope => "envelope",
            Self::Length => "length",
            Self::Checksum => "checksum",
            Self::Digest => "digest",
            Self::Place => "place",
            Self::Fork => "fork",
            Self::Twice => "twice",
            Self::Document => "document",
            Self::FileType => "file type",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for DamageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Something derived or left over that is out of date, which costs nothing but room or time; or
/// something that a later release wrote, of which this one cannot tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The file, below the store's root.
    pub path: String,
    /// What it is.
    pub kind: StaleKind,
}

/// What is stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum StaleKind {
    /// A temporary file of a writer that is gone, or still at work.
    Temporary,
    /// A key that was claimed and holds no place.
    Claim,
    /// A claim that a crash tore before it was flushed.
    TornClaim,
    /// A hint nobody can read.
    Hint,
    /// A segment that is not whole, or does not say what the log says.
    Segment,
    /// An object in the trash that something names.
    Trashed,
    /// A file this format does not know.
    Unknown,
    /// An entry or a claim in a later format: it was not checked.
    Newer,
}

impl StaleKind {
    /// Returns the word for this kind, in output for people and programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Temporary => "temporary",
            Self::Claim => "claim",
            Self::TornClaim => "torn claim",
            Self::Hint => "hint",
            Self::Segment => "segment",
            Self::Trashed => "trashed",
            Self::Unknown => "unknown",
            Self::Newer => "newer",
        }
    }
}

impl fmt::Display for StaleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One thing an audit has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Truth fails a check.
    Damage(Damage),
    /// Something derived or left over is out of date.
    Stale(Stale),
}

/// What mending a store has put right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mended {
    /// Slots that have their entry back, and claims that were given back from one, by path.
    pub restored: Vec<String>,
    /// Segments that were sealed.
    pub sealed: u64,
    /// Segments that were removed, because they were not whole or not of the log.
    pub removed: u64,
    /// What could not be put right because the file system refused it, with its path and the
    /// reason.
    pub left: Vec<String>,
}

/// How much an audit has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Audited {
    /// Logs, of any kind, that hold an entry.
    pub logs: u64,
    /// Places read.
    pub slots: u64,
    /// Claims read.
    pub keys: u64,
    /// Cohort documents read.
    pub cohorts: u64,
    /// Objects read.
    pub objects: u64,
    /// Profiles read.
    pub profiles: u64,
    /// Bytes read in all of these.
    pub bytes: u64,
    /// Findings of damage reported.
    pub damaged: u64,
    /// Findings of staleness reported.
    pub stale: u64,
}
