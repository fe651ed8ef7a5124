//! Whether the log names the snapshot of a folder of views.
//!
//! The invariant kept: `No` is said only where the whole log was read, since what it does not name
//! may be taken away; views of a log that is gone, or ends before them, or has another snapshot at
//! their place, may be the last copy.

use runstone_core::digest::Digest;
use runstone_core::id::{Attempt, RunId, Stage};
use runstone_core::note::About;
use runstone_core::views::{IndexEntry, ViewFile, ViewFolder, holds};
use runstone_store::{CohortName, Envelope, Log, Seq};

use super::places::{below, on_shelf};
use super::shared::entry_of;
use crate::digests::to_digest;
use crate::error::Error;
use crate::find::Head;
use crate::open::Ledger;

/// Whether the log names the snapshot of a folder.
pub(super) enum Logged {
    /// It does.
    Yes(Box<IndexEntry>),
    /// All of it was read, and it does not; or a note says that it was deleted.
    No,
    /// Part of it cannot be read.
    Unknown,
    /// There is no such log, and nothing in the folder says that there was one.
    NoLog,
    /// A whole view says so, of a place beyond the end of the log.
    Beyond(Box<IndexEntry>),
    /// A whole view says so, of a place where the log has another snapshot, which this is.
    Replaced(Box<IndexEntry>, Digest),
}

impl Ledger {
    /// Tells whether the log names the snapshot of a folder.
    pub(super) fn logged(&self, folder: &ViewFolder) -> Result<Logged, Error> {
        let Ok(cohort) = folder.cohort().parse::<CohortName>() else {
            return Ok(Logged::No);
        };
        let log = Log::Cohort(cohort.clone());
        // Looked for after the view was read: whoever writes views has its place by then.
        let claimed = self.proven(folder);
        let head = match self.head_of(&cohort)? {
            Head::At(head) => Some(head),
            Head::Nothing => None,
            Head::Unreadable(_) => return Ok(Logged::Unknown),
        };
        if let Some(entry) = &claimed
            && head.is_none_or(|head| entry.seq.0 > head.get())
        {
            return Ok(Logged::Beyond(Box::new(entry.clone())));
        }
        let Some(head) = head else {
            return Ok(Logged::NoLog);
        };
        let noted = match self.notes.now(&cohort) {
            Ok(noted) => noted,
            Err(error) if error.costs_its_place_alone() => return Ok(Logged::Unknown),
            Err(error) => return Err(error),
        };
        let listed = |entry: IndexEntry| {
            let about = About {
                seq: entry.seq,
                sha256: entry.sha256,
            };
            match noted.deleted(&about) {
                Some(_) => Logged::No,
                None => Logged::Yes(Box::new(entry)),
            }
        };
        let mut instead = None;
        if let Some(entry) = &claimed
            && let Some(seq) = Seq::new(entry.seq.0)
            && let Some(envelope) = self.sight(&log, seq)?
        {
            let found = to_digest(&envelope.sha256);
            if found != entry.sha256 {
                instead = Some((entry, found));
            } else if is_of(&envelope, folder) {
                return Ok(listed(entry.clone()));
            }
        }
        let mut is_sure = true;
        let mut next = Some(head);
        while let Some(seq) = next {
            match self.sight(&log, seq)? {
                Some(envelope) if is_of(&envelope, folder) => match self.stored(&cohort, seq) {
                    Ok(stored) => return Ok(listed(entry_of(&stored))),
                    Err(error) if error.costs_its_place_alone() => return Ok(Logged::Unknown),
                    Err(error) => return Err(error),
                },
                Some(_) => {}
                None => is_sure = false,
            }
            next = seq.previous();
        }
        // The log is durable before a view is written, so the place was taken once by what the view
        // holds; that it was deleted may be all that is left to tell of it.
        if let Some((entry, found)) = instead
            && matches!(listed(entry.clone()), Logged::Yes(_))
            && self.is_held(folder, entry)
        {
            return Ok(Logged::Replaced(Box::new(entry.clone()), found));
        }
        Ok(if is_sure { Logged::No } else { Logged::Unknown })
    }

    /// Returns the entries of the snapshots whose folders a run has: by the log, and where it
    /// cannot tell, by what the folders prove.
    pub(super) fn logged_entries(&self, run: &str) -> Result<Vec<IndexEntry>, Error> {
        let mut entries = Vec::new();
        for listed in self.listed_folders(run)? {
            match self.logged(&listed.folder)? {
                Logged::Yes(entry) => entries.push(*entry),
                Logged::Unknown | Logged::Beyond(_) | Logged::Replaced(..) => {
                    entries.extend(self.proven(&listed.folder));
                }
                Logged::No | Logged::NoLog => {}
            }
        }
        Ok(entries)
    }

    /// Tells whether a folder holds the snapshot that it proves.
    fn is_held(&self, folder: &ViewFolder, entry: &IndexEntry) -> bool {
        let path = below(&on_shelf(folder), ViewFile::Snapshot.name());
        let found = self.store.shelf().get(&path).ok().flatten();
        found.is_some_and(|bytes| holds(&bytes, &entry.sha256))
    }
}

/// Tells whether an envelope is that of the snapshot whose views lie in a folder.
fn is_of(envelope: &Envelope, folder: &ViewFolder) -> bool {
    let Some(key) = &envelope.key_text else {
        return false;
    };
    let (Ok(run_id), Ok(stage)) = (RunId::new(key.run.clone()), Stage::new(key.stage.clone()))
    else {
        return false;
    };
    let attempt = Attempt(key.attempt);
    ViewFolder::of(&run_id, &stage, key.cohort.as_str(), attempt).is_same(folder)
}
