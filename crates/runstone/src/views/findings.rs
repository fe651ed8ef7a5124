//! What was found of views that are not as they should be, and what stands in their way.
//!
//! The invariant kept: whatever stands where a view belongs costs that view alone, and a view of a
//! place that its log has lost is told apart from one that is merely old. Which view is looked at,
//! and what is done about it, is left to `settled`.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::io::ErrorKind;

use runstone_core::digest::Digest;
use runstone_core::id::SnapshotSeq;
use runstone_core::note::Unread;
use runstone_core::views::{IndexEntry, version_is_ours};
use runstone_store::{CohortName, Log, ShelfPath, StoreError};

use crate::error::Error;
use crate::verify::Leftover;

/// What became of the views.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settled {
    /// Files that were as they should be.
    pub(crate) equal: u64,
    /// Files that were written.
    pub(crate) written: u64,
    /// Files that were removed.
    pub(crate) removed: u64,
    /// Files and folders that are not as they should be.
    pub(crate) findings: Vec<Leftover>,
    /// Snapshots that cannot be read, and so have no views to settle, and notes that cannot.
    pub(crate) unreadable: Vec<String>,
    /// Snapshots and notes that a later release wrote: what their views should be, this one cannot
    /// tell.
    pub(crate) newer: Vec<String>,
    /// Views that are what is left of an end of a log that was lost.
    pub(crate) lost: Vec<Lost>,
    /// What stands where a view belongs and can be neither read nor replaced, each named once.
    in_the_way: BTreeSet<String>,
}

/// A whole view of a place that its log does not have, or has for another snapshot. The log is
/// durable before a view is written, so the place was taken once.
#[derive(Debug, Clone)]
pub(crate) struct Lost {
    /// The view.
    pub(crate) path: String,
    /// The cohort of the log.
    pub(crate) cohort: CohortName,
    /// The place.
    pub(crate) seq: SnapshotSeq,
    /// The snapshot that the view is of.
    pub(crate) sha256: Digest,
    /// The snapshot that stands there now; none where the log ends before it.
    pub(crate) found: Option<Digest>,
}

/// What is found where something stands in the way of a view.
const IN_THE_WAY: &str = "in the way";
/// What is found where a view could not be put right, because the store has no room or may only be
/// read.
const NOT_WRITTEN: &str = "not written";
/// What is found where views cannot be made as they were.
pub(super) const UNAVAILABLE: &str = "unavailable view";

impl Settled {
    pub(super) fn find(&mut self, path: String, kind: &str) {
        self.findings.push(Leftover {
            path,
            kind: kind.to_owned(),
            why: None,
        });
    }

    /// Names what stands in the way of a view as a finding, so that it costs that view alone; any
    /// other error stays one.
    pub(super) fn unless_in_the_way<T>(
        &mut self,
        done: Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(Error::Store(error)) => match in_the_way_of_a_view(&error) {
                Some(path) => {
                    if self.in_the_way.insert(path.to_owned()) {
                        self.find(path.to_owned(), IN_THE_WAY);
                    }
                    Ok(None)
                }
                None => Err(error.into()),
            },
            Err(error) => Err(error),
        }
    }

    /// Names a view that the whole store lacks the room or the right to put right as a finding;
    /// any other error stays one.
    pub(super) fn unless_not_written<T>(
        &mut self,
        path: &ShelfPath,
        done: Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(Error::Store(error)) if is_for_want_of_room(&error) => {
                self.findings.push(Leftover {
                    path: path.to_string(),
                    kind: NOT_WRITTEN.to_owned(),
                    why: error.source().map(ToString::to_string),
                });
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Names the notes of a cohort that cannot be read.
    pub(super) fn name_unread(&mut self, cohort: &CohortName, unread: &[Unread]) {
        for unread in unread {
            let place = format!("{}#{}", Log::CohortNotes(cohort.clone()), unread.seq);
            if unread.is_later {
                self.newer.push(place);
            } else {
                self.unreadable.push(place);
            }
        }
    }

    /// Names a view that tells of a snapshot which the log has lost; `found` stands there instead.
    pub(super) fn name_lost(
        &mut self,
        path: &ShelfPath,
        entry: &IndexEntry,
        found: Option<Digest>,
    ) {
        let Ok(cohort) = entry.cohort.parse() else {
            return;
        };
        self.lost.push(Lost {
            path: path.to_string(),
            cohort,
            seq: entry.seq,
            sha256: entry.sha256,
            found,
        });
    }
}

/// Returns the path of what stands in the way, if a view or a folder of views belongs there.
fn in_the_way_of_a_view(error: &StoreError) -> Option<&str> {
    let path = error.in_the_way()?;
    let mut parts = path.split('/');
    let is_of_views = match parts.next()? {
        "runs" => true,
        "cohorts" => parts.nth(1) == Some("view"),
        _ => false,
    };
    is_of_views.then_some(path)
}

fn is_for_want_of_room(error: &StoreError) -> bool {
    let StoreError::Unwritten { source, .. } = error else {
        return false;
    };
    matches!(
        source.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem
    )
}

/// Returns what was read; what stands in the way of a view is an error, and what cannot be read
/// for another reason as wrong as garbage.
pub(super) fn read_or_in_the_way(
    read: Result<Option<Vec<u8>>, StoreError>,
) -> Result<Option<Vec<u8>>, StoreError> {
    match read {
        Err(error) if in_the_way_of_a_view(&error).is_some() => Err(error),
        read => Ok(read_or_garbage(read)),
    }
}

/// Returns what was read; something that is there and cannot be read is as wrong as garbage.
pub(super) fn read_or_garbage(read: Result<Option<Vec<u8>>, StoreError>) -> Option<Vec<u8>> {
    read.unwrap_or_else(|_unreadable| Some(Vec::new()))
}

/// Says what is wrong with a file.
pub(super) fn word(found: Option<&[u8]>, expected: Option<&[u8]>) -> &'static str {
    match (found, expected) {
        (None, _) => "missing view",
        (Some(_), None) => "stray view",
        (Some(found), Some(_)) if version_is_ours(found) == Some(false) => "outdated view",
        (Some(_), Some(_)) => "stale view",
    }
}
