//! What an error means to scripts: the kind that decides the exit code, and a name that stays.
//!
//! The invariant guarded here: a code, once released, never changes its meaning.

use runstone_core::snapshot::SnapshotError;
use runstone_store::{NotAStore, StoreError};

use super::Error;

/// What a caller can do about an error; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// It failed for a reason outside: disk, permission.
    Failure,
    /// The input is wrong: usage, configuration, an illegal document.
    Illegal,
    /// What was named does not exist.
    NotFound,
    /// It was refused to protect what is there.
    Refused,
    /// The outcome is unknown or the store is busy: the same again is safe.
    Unknown,
    /// Truth is damaged.
    Damaged,
}

impl Error {
    /// Returns what a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Document { .. }
            | Self::Refused { .. }
            | Self::Profile { .. }
            | Self::NoSuchProfile { .. }
            | Self::Unreadable { .. }
            | Self::Query(_)
            | Self::Words(_)
            | Self::AttachmentMissing { .. }
            | Self::NotImported { .. }
            | Self::Usage { .. } => ErrorKind::Illegal,
            Self::Conflict(_) | Self::UnderWay(_) | Self::Unfit { .. } => ErrorKind::Refused,
            Self::NotFound { .. }
            | Self::Ambiguous { .. }
            | Self::Empty
            | Self::SeveralCohorts { .. }
            | Self::NoEnvironment { .. }
            | Self::NotExported(_)
            | Self::NoRun
            | Self::Deleted(_)
            | Self::NoYardstick { .. } => ErrorKind::NotFound,
            Self::Payload {
                source: SnapshotError::Newer { .. },
                ..
            }
            | Self::Kept {
                is_of_another_release: true,
                ..
            } => ErrorKind::Refused,
            Self::Payload { .. }
            | Self::Kept { .. }
            | Self::Damaged { .. }
            | Self::AttachmentLost { .. }
            | Self::DefaultUnknown { .. }
            | Self::UnfinishedInit { .. }
            | Self::ProfileLost { .. } => ErrorKind::Damaged,
            Self::Restore(error) => error.kind(),
            Self::Lock(_) | Self::NotNoted { .. } | Self::NotMade { .. } => ErrorKind::Failure,
            Self::Store(error) => store_kind(error),
        }
    }

    /// Tells whether one place of a log cannot be read while others may.
    pub(crate) fn costs_its_place_alone(&self) -> bool {
        matches!(
            self,
            Self::Damaged { .. }
                | Self::Payload { .. }
                | Self::Store(StoreError::Newer { .. } | StoreError::Damaged(_))
        )
    }

    /// Tells whether a later release wrote what cannot be read.
    pub(crate) fn is_of_a_later_release(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Newer { .. })
                | Self::Payload {
                    source: SnapshotError::Newer { .. },
                    ..
                }
        ) || matches!(self, Self::Profile { source, .. } if source.is_of_a_later_schema())
    }

    /// Returns the error's name for scripts; it never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Document { .. } => "document_unreadable",
            Self::Refused { .. } => "document_refused",
            Self::Profile { .. } => "profile_illegal",
            Self::NoSuchProfile { .. } => "profile_not_found",
            Self::Unreadable { .. } => "file_unreadable",
            Self::Store(error) => store_code(error),
            Self::NotNoted { .. } => "not_noted",
            Self::NotMade { .. } => "not_made",
            Self::Conflict(_) => "attempt_conflict",
            Self::UnderWay(_) => "under_way",
            Self::NotFound { .. } | Self::NoEnvironment { .. } => "not_found",
            Self::NotImported { .. } => "not_imported",
            Self::NotExported(_) => "not_exported",
            Self::Ambiguous { .. } => "ambiguous",
            Self::Empty => "empty_store",
            Self::SeveralCohorts { .. } => "several_cohorts",
            Self::NoRun => "no_run",
            Self::Deleted(_) => "deleted",
            Self::Unfit { .. } => "unfit",
            Self::Words(_) => "note_illegal",
            Self::NoYardstick { .. } => "no_yardstick",
            Self::Payload { .. } => "snapshot_unreadable",
            Self::Kept {
                is_of_another_release: true,
                ..
            } => "newer_format",
            Self::Kept { .. } | Self::Damaged { .. } => "damaged",
            Self::AttachmentMissing { .. } => "attachment_missing",
            Self::AttachmentLost { .. } => "attachment_lost",
            Self::UnfinishedInit { .. } => "unfinished_init",
            Self::ProfileLost { .. } => "profile_lost",
            Self::DefaultUnknown { .. } => "default_profile_unknown",
            Self::Restore(error) => error.code(),
            Self::Lock(error) => error.code(),
            Self::Query(_) => "filter_illegal",
            Self::Usage { .. } => "usage",
        }
    }
}

fn store_kind(error: &StoreError) -> ErrorKind {
    match error {
        StoreError::Unknown { .. } => ErrorKind::Unknown,
        StoreError::Damaged(_)
        | StoreError::OtherCohort { .. }
        | StoreError::NotAStore {
            reason: NotAStore::Garbled | NotAStore::Lost,
            ..
        } => ErrorKind::Damaged,
        StoreError::NotAStore {
            reason: NotAStore::File | NotAStore::NotEmpty | NotAStore::Dangling,
            ..
        } => ErrorKind::Illegal,
        StoreError::NotAStore { .. } | StoreError::NoCohort { .. } => ErrorKind::NotFound,
        StoreError::SecretLost { .. }
        | StoreError::OtherOptions { .. }
        | StoreError::Unfit { .. }
        | StoreError::Newer { .. } => ErrorKind::Refused,
        StoreError::TooLarge { .. } | StoreError::Misaddressed { .. } => ErrorKind::Illegal,
        _ => ErrorKind::Failure,
    }
}

fn store_code(error: &StoreError) -> &'static str {
    match error {
        StoreError::NotRecorded { .. } => "not_recorded",
        StoreError::Unwritten { .. } => "file_unwritable",
        StoreError::Unknown { .. } => "outcome_unknown",
        StoreError::Damaged(_) => "damaged",
        StoreError::OtherCohort { .. } => "other_cohort",
        StoreError::SecretLost { .. } => "secret_lost",
        StoreError::Unreadable { .. } => "store_unreadable",
        StoreError::NotAStore { .. } => "not_a_store",
        StoreError::Newer { .. } => "newer_format",
        StoreError::OtherOptions { .. } => "other_options",
        StoreError::Unfit { .. } => "unfit_file_system",
        StoreError::NoCohort { .. } => "no_cohort",
        StoreError::TooLarge { .. } => "too_large",
        _ => "store",
    }
}
