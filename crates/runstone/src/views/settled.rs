//! Every view held against what the log says, and put right where that is asked for.
//!
//! Two passes. The first goes along the logs and settles the files of each snapshot; the second
//! goes along the folders of runs, finds those that no snapshot has, and settles the indexes.
//! Memory does not grow with the store. The invariant kept: nothing is taken away that may be all
//! that is left of a snapshot: a folder is a stray only where the whole log was read and does not
//! name it. What a finding means for the exit code is left to whoever asked.

use std::sync::Arc;

use runstone_core::id::{Attempt, RunId, Stage};
use runstone_core::note::About;
use runstone_core::views::{IndexEntry, ViewFile, ViewFolder, index, latest, version_is_ours};
use runstone_store::{CohortName, Envelope, Keep, Log, Room, Seq, ShelfPath, StoreError};

use super::made::{Made, folder_of};
use super::places::{below, index_of, latest_of, on_shelf, run_on_shelf};
use super::shared::{Listed, entry_of};
use crate::digests::to_digest;
use crate::error::Error;
use crate::find::{Head, Stored};
use crate::notes::place_of;
use crate::open::Ledger;
use crate::verify::Leftover;

/// Whether views are only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They are.
    Check,
    /// They are put right.
    Repair,
}

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
    /// Snapshots that cannot be read, and so have no views to settle.
    pub(crate) unreadable: Vec<String>,
}

/// Something that was not as it should be at first sight. A recording under way looks like that,
/// so it is looked at again at the end.
#[derive(Debug)]
enum Suspect {
    Snapshot(CohortName, Seq),
    Latest(CohortName),
    Index(String),
}

/// The work under way.
struct Settling<'a> {
    ledger: &'a Ledger,
    mode: Mode,
    settled: Settled,
    suspects: Vec<Suspect>,
}

impl Ledger {
    /// Holds the views of every cohort, or of one, against the log; `progress` is told after each
    /// snapshot how many of how many are done.
    pub(crate) fn settle_views(
        &self,
        mode: Mode,
        only: Option<&CohortName>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Settled, Error> {
        let mut settling = Settling {
            ledger: self,
            mode,
            settled: Settled::default(),
            suspects: Vec::new(),
        };
        settling.logs(only, progress)?;
        settling.folders(only)?;
        settling.look_again()?;
        Ok(settling.settled)
    }
}

impl Settling<'_> {
    /// The first pass: along the logs.
    fn logs(
        &mut self,
        only: Option<&CohortName>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Error> {
        let cohorts = match only {
            Some(cohort) => vec![cohort.clone()],
            None => self.ledger.store.cohorts("", None)?,
        };
        let mut heads = Vec::with_capacity(cohorts.len());
        for cohort in cohorts {
            match self.ledger.head_of(&cohort)? {
                Head::At(head) => match self.ledger.notes.now(&cohort) {
                    Ok(_) => heads.push((cohort, head)),
                    Err(error) if error.costs_its_place_alone() => {
                        self.settled.unreadable.push(cohort.to_string());
                    }
                    Err(error) => return Err(error),
                },
                Head::Nothing => {}
                Head::Unreadable(_) => self.settled.unreadable.push(cohort.to_string()),
            }
        }
        let total = heads.iter().map(|(_, head)| head.get()).sum();
        let mut done = 0;
        for (cohort, head) in heads {
            for seq in (1..=head.get()).filter_map(Seq::new) {
                if !self.snapshot(&cohort, seq)? {
                    self.suspects.push(Suspect::Snapshot(cohort.clone(), seq));
                }
                done += 1;
                progress(done, total);
            }
            if !self.latest(&cohort)? {
                self.suspects.push(Suspect::Latest(cohort));
            }
        }
        Ok(())
    }

    /// The second pass: along the folders of runs.
    fn folders(&mut self, only: Option<&CohortName>) -> Result<(), Error> {
        let runs = self.ledger.store.shelf().list(&ShelfPath::of(Room::Runs))?;
        // A folder whose name no run can have is somebody else's.
        let is_of_a_run = |name: &str| ShelfPath::of(Room::Runs).below(name).is_ok();
        for run in runs.into_iter().filter(|shelved| shelved.is_folder) {
            if !is_of_a_run(&run.name) {
                continue;
            }
            let folders = self.ledger.listed_folders(&run.name)?;
            let concerns = |listed: &Listed| {
                only.is_none_or(|cohort| cohort.as_str() == listed.folder.cohort())
            };
            if only.is_some() && !folders.iter().any(concerns) {
                continue;
            }
            for listed in folders.iter().filter(|listed| concerns(listed)) {
                if matches!(self.ledger.logged(&listed.folder)?, Logged::No) {
                    self.discard(listed)?;
                }
            }
            if !self.index(&run.name)? {
                self.suspects.push(Suspect::Index(run.name));
            }
        }
        Ok(())
    }

    /// Looks again at what was not right at first sight, and says what still is not.
    fn look_again(&mut self) -> Result<(), Error> {
        for suspect in std::mem::take(&mut self.suspects) {
            match suspect {
                Suspect::Snapshot(cohort, seq) => self.name_wrong_files(&cohort, seq)?,
                Suspect::Latest(cohort) => {
                    if !self.latest(&cohort)? {
                        self.find(latest_of(&cohort).to_string(), "stale view");
                    }
                }
                Suspect::Index(run) => {
                    if !self.index(&run)? {
                        self.find(index_of(&run).to_string(), "stale view");
                    }
                }
            }
        }
        Ok(())
    }

    /// Settles the files of one snapshot; `false` if any is not as it should be and stays so.
    fn snapshot(&mut self, cohort: &CohortName, seq: Seq) -> Result<bool, Error> {
        let Some(stored) = self.read(cohort, seq)? else {
            return Ok(true);
        };
        let Some(made) = self.made(&stored)? else {
            return Ok(true);
        };
        let mut is_right = true;
        for (file, bytes) in expected(&made) {
            is_right &= self.file(&made, file, bytes)?;
        }
        Ok(is_right)
    }

    /// Reads a snapshot; one that was deleted, or cannot be read and is named, has nothing to
    /// settle.
    fn read(&mut self, cohort: &CohortName, seq: Seq) -> Result<Option<Arc<Stored>>, Error> {
        let noted = self.ledger.notes.now(cohort)?;
        match self.ledger.stored(cohort, seq) {
            Ok(stored) if noted.deleted(&place_of(&stored.place)).is_some() => Ok(None),
            Ok(stored) => {
                let stored = Arc::new(stored);
                self.ledger.recents.keep(&stored);
                Ok(Some(stored))
            }
            Err(error) if error.costs_its_place_alone() => {
                self.settled.unreadable.push(format!("{cohort}#{seq}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Makes the views of a snapshot; nothing, and said so, where its cohort or profile cannot be
    /// read.
    fn made(&mut self, stored: &Stored) -> Result<Option<Made>, Error> {
        let made = self.ledger.remade(stored);
        match made {
            Ok(made) => {
                if !made.is_certain {
                    self.find(made.folder.path(), "unavailable view");
                }
                Ok(Some(made))
            }
            Err(error) if error.costs_its_place_alone() || is_of_a_profile(&error) => {
                self.find(folder_of(stored).path(), "unavailable view");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Settles one file; `false` if it is not as it should be and stays so.
    fn file(&mut self, made: &Made, file: ViewFile, bytes: Option<&[u8]>) -> Result<bool, Error> {
        let shelf = self.ledger.store.shelf();
        let path = below(&on_shelf(&made.folder), file.name());
        let found = read_or_garbage(shelf.get(&path));
        if found.as_deref() == bytes {
            self.settled.equal += u64::from(bytes.is_some());
            return Ok(true);
        }
        // What is there may know more than what can be read now.
        if !made.is_certain && found.is_some() {
            return Ok(true);
        }
        match (self.mode, bytes) {
            (Mode::Check, _) => return Ok(false),
            (Mode::Repair, Some(bytes)) => {
                shelf.put(&path, bytes, Keep::BestEffort)?;
                self.settled.written += 1;
            }
            (Mode::Repair, None) => {
                shelf.remove(&path)?;
                self.settled.removed += 1;
            }
        }
        Ok(true)
    }

    /// Names what is not as it should be in the folder of a snapshot.
    fn name_wrong_files(&mut self, cohort: &CohortName, seq: Seq) -> Result<(), Error> {
        let Some(stored) = self.read(cohort, seq)? else {
            return Ok(());
        };
        let made = self.ledger.remade(&stored)?;
        let folder = on_shelf(&made.folder);
        let mut wrong = Vec::new();
        let mut is_all_missing = true;
        for (file, bytes) in expected(&made) {
            let path = below(&folder, file.name());
            let found = read_or_garbage(self.ledger.store.shelf().get(&path));
            is_all_missing &= found.is_none();
            if found.as_deref() != bytes {
                wrong.push((path.to_string(), word(found.as_deref(), bytes)));
            }
        }
        if is_all_missing && !wrong.is_empty() {
            self.find(made.folder.path(), "missing views");
        } else {
            for (path, kind) in wrong {
                self.find(path, kind);
            }
        }
        Ok(())
    }

    /// Settles the view of a cohort's newest snapshot.
    fn latest(&mut self, cohort: &CohortName) -> Result<bool, Error> {
        let is_right = match self.mode {
            Mode::Check => {
                let newest = self.ledger.newest_entry(cohort, None)?;
                let bytes = newest.map(|entry| latest(&entry));
                self.is_there(&latest_of(cohort), bytes.as_deref())
            }
            Mode::Repair => {
                let has_changed = self.ledger.refresh_latest(cohort, None)?;
                self.settled.written += u64::from(has_changed);
                !has_changed
            }
        };
        self.settled.equal += u64::from(is_right);
        Ok(is_right || self.mode == Mode::Repair)
    }

    /// Settles the index of a run; a folder without snapshots goes.
    fn index(&mut self, run: &str) -> Result<bool, Error> {
        let path = index_of(run);
        if self.mode == Mode::Repair {
            let had = self.ledger.store.shelf().get(&path)?.is_some();
            let has_changed = self.ledger.refresh_index(run)?;
            let has = self.ledger.store.shelf().get(&path)?.is_some();
            match (had, has) {
                (true, false) => self.settled.removed += 1,
                (_, true) if has_changed => self.settled.written += 1,
                (_, true) => self.settled.equal += 1,
                (false, false) => {}
            }
            if !has {
                self.ledger
                    .store
                    .shelf()
                    .remove_folder(&run_on_shelf(run))?;
            }
            return Ok(true);
        }
        let mut entries = Vec::new();
        for listed in self.ledger.listed_folders(run)? {
            match self.ledger.logged(&listed.folder)? {
                Logged::Yes(stored_entry) => entries.push(*stored_entry),
                Logged::Unknown => entries.extend(self.ledger.proven(&listed.folder)?),
                Logged::No => {}
            }
        }
        let bytes = (!entries.is_empty()).then(|| index(&entries));
        let is_right = self.is_there(&path, bytes.as_deref());
        self.settled.equal += u64::from(is_right && bytes.is_some());
        Ok(is_right)
    }

    fn is_there(&self, path: &ShelfPath, bytes: Option<&[u8]>) -> bool {
        read_or_garbage(self.ledger.store.shelf().get(path)).as_deref() == bytes
    }

    /// Removes the views in a folder that no snapshot has, and the folders that are empty then.
    fn discard(&mut self, listed: &Listed) -> Result<(), Error> {
        let Listed { folder, files, .. } = listed;
        if self.mode == Mode::Check {
            if !files.is_empty() {
                self.find(folder.path(), "stray views");
            }
            return Ok(());
        }
        self.settled.removed += self.ledger.remove_files(folder, files.iter().copied())?;
        Ok(())
    }

    fn find(&mut self, path: String, kind: &str) {
        self.settled.findings.push(Leftover {
            path,
            kind: kind.to_owned(),
        });
    }
}

/// Returns every file a snapshot may have, with its bytes; those it should not have with none.
fn expected(made: &Made) -> Vec<(ViewFile, Option<&[u8]>)> {
    let bytes = |file| {
        let found = made.files.iter().find(|(name, _)| *name == file);
        found.map(|(_, bytes)| bytes.as_slice())
    };
    // The file that proves the snapshot to the index comes last here too.
    ViewFile::ALL
        .into_iter()
        .rev()
        .map(|file| (file, bytes(file)))
        .collect()
}

/// Returns what was read; something that is there and cannot be read is as wrong as garbage.
fn read_or_garbage(read: Result<Option<Vec<u8>>, StoreError>) -> Option<Vec<u8>> {
    read.unwrap_or_else(|_unreadable| Some(Vec::new()))
}

/// Says what is wrong with a file.
fn word(found: Option<&[u8]>, expected: Option<&[u8]>) -> &'static str {
    match (found, expected) {
        (None, _) => "missing view",
        (Some(_), None) => "stray view",
        (Some(found), Some(_)) if version_is_ours(found) == Some(false) => "outdated view",
        (Some(_), Some(_)) => "stale view",
    }
}

fn is_of_a_profile(error: &Error) -> bool {
    matches!(error, Error::Profile { .. } | Error::UnfinishedInit { .. })
}

/// Whether the log names the snapshot of a folder.
enum Logged {
    /// It does.
    Yes(Box<IndexEntry>),
    /// All of it was read, and it does not; or a note says that it was deleted.
    No,
    /// Part of it cannot be read, or the view is of a place beyond its end.
    Unknown,
}

impl Ledger {
    /// Makes the views of a snapshot again, from the log alone.
    fn remade(&self, stored: &Stored) -> Result<Made, Error> {
        let answer = self.compared(stored)?;
        let cohort = &stored.place.cohort;
        let group_key = self
            .group_keys
            .of(cohort, || Ok(self.cohort_key(cohort)?.digest()))?;
        self.made(stored, &answer, group_key)
    }

    /// Tells whether the log names the snapshot of a folder.
    fn logged(&self, folder: &ViewFolder) -> Result<Logged, Error> {
        let Ok(cohort) = folder.cohort().parse::<CohortName>() else {
            return Ok(Logged::No);
        };
        let log = Log::Cohort(cohort.clone());
        let head = match self.head_of(&cohort)? {
            Head::At(head) => head,
            Head::Nothing => return Ok(Logged::No),
            Head::Unreadable(_) => return Ok(Logged::Unknown),
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
        let claimed = self.proven(folder)?;
        if let Some(entry) = &claimed
            && let Some(seq) = Seq::new(entry.seq.0)
            && seq <= head
            && let Some(envelope) = self.sight(&log, seq)?
            && is_of(&envelope, folder)
            && to_digest(&envelope.sha256) == entry.sha256
        {
            return Ok(listed(entry.clone()));
        }
        let mut is_sure = claimed.is_none_or(|entry| entry.seq.0 <= head.get());
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
        Ok(if is_sure { Logged::No } else { Logged::Unknown })
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
