//! Every view held against what the log says, and put right where that is asked for.
//!
//! Two passes. The first goes along the logs and settles the files of each snapshot; the second
//! goes along the folders of runs, finds those that no snapshot has, and settles the indexes.
//! Memory does not grow with the store. The invariant kept: nothing is taken away that may be all
//! that is left of a snapshot: a folder is a stray only where the whole log was read and does not
//! name it. Nor is what a note may have deleted made again while that note cannot be read. What a
//! finding means for the exit code is left to whoever asked.

use std::sync::Arc;

use runstone_core::views::{IndexEntry, ViewFile, index, latest};
use runstone_store::{CohortName, Keep, Log, Room, Seq, ShelfPath};

use super::findings::{Settled, UNAVAILABLE, read_or_garbage, read_or_in_the_way, word};
use super::logged::Logged;
use super::made::{Made, folder_of};
use super::places::{below, index_of, latest_of, on_shelf, run_on_shelf};
use super::shared::{Before, Listed};
use crate::error::Error;
use crate::find::{Head, Stored};
use crate::notes::place_of;
use crate::open::Ledger;

/// Whether views are only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They are.
    Check,
    /// They are put right.
    Repair,
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
                    Ok(noted) => {
                        self.settled.name_unread(&cohort, noted.unread());
                        heads.push((cohort, head));
                    }
                    Err(error) if error.costs_its_place_alone() => {
                        self.settled.unreadable.push(cohort.to_string());
                    }
                    Err(error) => return Err(error),
                },
                Head::Nothing => {
                    self.has_latest_beyond(&cohort)?;
                }
                Head::Unreadable(_) => self.settled.unreadable.push(cohort.to_string()),
            }
        }
        let total = heads.iter().map(|(_, head)| head.get()).sum();
        let mut done = 0;
        for (cohort, head) in heads {
            for seq in (1..=head.get()).filter_map(Seq::new) {
                let is_right = self.snapshot(&cohort, seq);
                if !self.settled.unless_in_the_way(is_right)?.unwrap_or(true) {
                    self.suspects.push(Suspect::Snapshot(cohort.clone(), seq));
                }
                done += 1;
                progress(done, total);
            }
            let is_right = self.latest(&cohort);
            if !self.settled.unless_in_the_way(is_right)?.unwrap_or(true) {
                self.suspects.push(Suspect::Latest(cohort));
            }
        }
        Ok(())
    }

    /// The second pass: along the folders of runs.
    fn folders(&mut self, only: Option<&CohortName>) -> Result<(), Error> {
        let room = ShelfPath::of(Room::Runs);
        let runs = self.ledger.store.shelf().list(&room).map_err(Error::from);
        for run in self.settled.unless_in_the_way(runs)?.unwrap_or_default() {
            // A folder that no run can have is somebody else's.
            if run.is_folder && room.below(&run.name).is_ok() {
                let settled = self.run(&run.name, only);
                self.settled.unless_in_the_way(settled)?;
            }
        }
        Ok(())
    }

    /// Settles the folder of one run.
    fn run(&mut self, run: &str, only: Option<&CohortName>) -> Result<(), Error> {
        let folders = self.ledger.listed_folders(run)?;
        let concerns =
            |listed: &Listed| only.is_none_or(|cohort| cohort.as_str() == listed.folder.cohort());
        if only.is_some() && !folders.iter().any(concerns) {
            return Ok(());
        }
        for listed in folders.iter().filter(|listed| concerns(listed)) {
            match self.ledger.logged(&listed.folder)? {
                Logged::No => {
                    let discarded = self.discard(listed);
                    self.settled.unless_in_the_way(discarded)?;
                }
                Logged::Beyond(entry) => {
                    let path = below(&on_shelf(&listed.folder), ViewFile::Snapshot.name());
                    self.settled.name_lost(&path, &entry, None);
                }
                Logged::Replaced(entry, found) => {
                    let path = below(&on_shelf(&listed.folder), ViewFile::Snapshot.name());
                    self.settled.name_lost(&path, &entry, Some(found));
                }
                // No recording leaves such a folder behind: its log is gone, or it is a copy.
                Logged::NoLog if !listed.files.is_empty() => {
                    self.settled.find(listed.folder.path(), "stray views");
                }
                Logged::Yes(_) | Logged::Unknown | Logged::NoLog => {}
            }
        }
        if !self.index(run)? {
            self.suspects.push(Suspect::Index(run.to_owned()));
        }
        Ok(())
    }

    /// Looks again at what was not right at first sight, and says what still is not.
    fn look_again(&mut self) -> Result<(), Error> {
        for suspect in std::mem::take(&mut self.suspects) {
            match suspect {
                Suspect::Snapshot(cohort, seq) => self.name_wrong_files(&cohort, seq)?,
                Suspect::Latest(cohort) => {
                    let is_right = self.latest(&cohort);
                    if !self.settled.unless_in_the_way(is_right)?.unwrap_or(true) {
                        self.settled
                            .find(latest_of(&cohort).to_string(), "stale view");
                    }
                }
                Suspect::Index(run) => {
                    let is_right = self.index(&run);
                    if !self.settled.unless_in_the_way(is_right)?.unwrap_or(true) {
                        self.settled.find(index_of(&run).to_string(), "stale view");
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
        let is_unsure = self.ledger.may_be_deleted(&stored)?;
        let (mut is_right, mut is_withheld) = (true, false);
        for (file, bytes) in expected(&made) {
            if is_unsure && bytes.is_some() && self.is_absent(&made, file) {
                is_withheld = true;
                continue;
            }
            let settled = self.file(&made, file, bytes);
            is_right &= self.settled.unless_in_the_way(settled)?.unwrap_or(true);
        }
        if is_withheld && made.is_certain {
            self.settled.find(made.folder.path(), UNAVAILABLE);
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
                let place = format!("{cohort}#{seq}");
                let settled = &mut self.settled;
                if error.is_of_a_later_release() {
                    settled.newer.push(place);
                } else {
                    settled.unreadable.push(place);
                }
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
                    self.settled.find(made.folder.path(), UNAVAILABLE);
                }
                Ok(Some(made))
            }
            Err(error) if error.costs_its_place_alone() || is_of_a_profile(&error) => {
                self.settled.find(folder_of(stored).path(), UNAVAILABLE);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Settles one file; `false` if it is not as it should be and stays so.
    fn file(&mut self, made: &Made, file: ViewFile, bytes: Option<&[u8]>) -> Result<bool, Error> {
        let shelf = self.ledger.store.shelf();
        let path = below(&on_shelf(&made.folder), file.name());
        // What stands in the way may be replaced, which is tried where it may be.
        let found = match self.mode {
            Mode::Check => read_or_in_the_way(shelf.get(&path))?,
            Mode::Repair => read_or_garbage(shelf.get(&path)),
        };
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
                let put = shelf.put(&path, bytes, Keep::BestEffort);
                let put = put.map_err(Error::from);
                if self.settled.unless_not_written(&path, put)?.is_some() {
                    self.settled.written += 1;
                }
            }
            (Mode::Repair, None) => {
                let removed = shelf.remove(&path).map_err(Error::from);
                if self.settled.unless_not_written(&path, removed)?.is_some() {
                    self.settled.removed += 1;
                }
            }
        }
        Ok(true)
    }

    fn is_absent(&self, made: &Made, file: ViewFile) -> bool {
        let path = below(&on_shelf(&made.folder), file.name());
        matches!(self.ledger.store.shelf().get(&path), Ok(None))
    }

    /// Names what is not as it should be in the folder of a snapshot.
    fn name_wrong_files(&mut self, cohort: &CohortName, seq: Seq) -> Result<(), Error> {
        let Some(stored) = self.read(cohort, seq)? else {
            return Ok(());
        };
        let made = self.ledger.remade(&stored)?;
        let folder = on_shelf(&made.folder);
        let is_unsure = self.ledger.may_be_deleted(&stored)?;
        let mut wrong = Vec::new();
        let mut is_all_missing = true;
        for (file, bytes) in expected(&made) {
            let path = below(&folder, file.name());
            let found = read_or_in_the_way(self.ledger.store.shelf().get(&path));
            let found = self.settled.unless_in_the_way(found.map_err(Error::from))?;
            let Some(found) = found else {
                is_all_missing = false;
                continue;
            };
            is_all_missing &= found.is_none();
            // What is there may know more than what can be read now; what is not may be deleted.
            let is_told = if found.is_none() {
                !is_unsure
            } else {
                made.is_certain
            };
            if found.as_deref() != bytes && is_told {
                wrong.push((path.to_string(), word(found.as_deref(), bytes)));
            }
        }
        if is_all_missing && !wrong.is_empty() {
            self.settled.find(made.folder.path(), "missing views");
        } else {
            for (path, kind) in wrong {
                self.settled.find(path, kind);
            }
        }
        Ok(())
    }

    /// Settles the view of a cohort's newest snapshot.
    fn latest(&mut self, cohort: &CohortName) -> Result<bool, Error> {
        if self.has_latest_beyond(cohort)? {
            return Ok(true);
        }
        // Which one is the newest is not known where another may have been deleted.
        if !self.ledger.notes.now(cohort)?.unread().is_empty() {
            let newest = self.ledger.newest_entry(cohort, None)?;
            let bytes = newest.map(|entry| latest(&entry));
            if !self.is_there(&latest_of(cohort), bytes.as_deref())? {
                self.settled
                    .find(latest_of(cohort).to_string(), UNAVAILABLE);
                return Ok(true);
            }
        }
        let is_right = match self.mode {
            Mode::Check => {
                let newest = self.ledger.newest_entry(cohort, None)?;
                let bytes = newest.map(|entry| latest(&entry));
                self.is_there(&latest_of(cohort), bytes.as_deref())?
            }
            Mode::Repair => {
                let path = latest_of(cohort);
                let refreshed = self.ledger.refresh_latest(cohort, None, Before::Perhaps);
                let Some(has_changed) = self.settled.unless_not_written(&path, refreshed)? else {
                    return Ok(true);
                };
                self.settled.written += u64::from(has_changed);
                !has_changed
            }
        };
        self.settled.equal += u64::from(is_right);
        Ok(is_right || self.mode == Mode::Repair)
    }

    /// Tells whether the view of the newest snapshot names one beyond the end of the log, and names
    /// it then.
    fn has_latest_beyond(&mut self, cohort: &CohortName) -> Result<bool, Error> {
        let path = latest_of(cohort);
        let Ok(Some(bytes)) = self.ledger.store.shelf().get(&path) else {
            return Ok(false);
        };
        let Some(entry) = IndexEntry::from_snapshot_view(&bytes) else {
            return Ok(false);
        };
        // Looked for after the view was read: whoever writes views has its place by then.
        let head = self.ledger.store.head(&Log::Cohort(cohort.clone()))?;
        let is_beyond = entry.cohort == cohort.as_str()
            && bytes == latest(&entry)
            && head.is_none_or(|head| entry.seq.0 > head.get());
        if is_beyond {
            self.settled.name_lost(&path, &entry, None);
        }
        Ok(is_beyond)
    }

    /// Settles the index of a run; a folder without snapshots goes.
    fn index(&mut self, run: &str) -> Result<bool, Error> {
        let path = index_of(run);
        if self.mode == Mode::Repair {
            let had = read_or_garbage(self.ledger.store.shelf().get(&path)).is_some();
            let remade = self.ledger.remake_index(run);
            let Some(has_changed) = self.settled.unless_not_written(&path, remade)? else {
                return Ok(true);
            };
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
        let entries = self.ledger.logged_entries(run)?;
        let bytes = (!entries.is_empty()).then(|| index(&entries));
        let is_right = self.is_there(&path, bytes.as_deref())?;
        self.settled.equal += u64::from(is_right && bytes.is_some());
        Ok(is_right)
    }

    fn is_there(&self, path: &ShelfPath, bytes: Option<&[u8]>) -> Result<bool, Error> {
        let found = read_or_in_the_way(self.ledger.store.shelf().get(path))?;
        Ok(found.as_deref() == bytes)
    }

    /// Removes the views in a folder that no snapshot has, and the folders that are empty then.
    fn discard(&mut self, listed: &Listed) -> Result<(), Error> {
        let Listed { folder, files, .. } = listed;
        if self.mode == Mode::Check {
            if !files.is_empty() {
                self.settled.find(folder.path(), "stray views");
            }
            return Ok(());
        }
        let removed = self.ledger.remove_files(folder, files.iter().copied());
        let removed = self
            .settled
            .unless_not_written(&on_shelf(folder), removed)?;
        self.settled.removed += removed.unwrap_or(0);
        Ok(())
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

fn is_of_a_profile(error: &Error) -> bool {
    matches!(
        error,
        Error::Profile { .. } | Error::UnfinishedInit { .. } | Error::ProfileLost { .. }
    )
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
}
