//! How many files are neither in the index nor ignored.
//!
//! Each file counts by itself, whatever is set about folders of them. Folders that hold no code are
//! not gone into: a store of a million files costs nothing. Which patterns ignore a file is left to
//! `gix`.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::bstr::{BStr, BString};
use gix::dir::walk::{Action, Delegate, EmissionMode, ForDeletionMode};
use gix::dir::{EntryRef, entry};
use gix::index::File;
use gix::index::entry::Stage;

use super::repository::Opened;

/// Counts the files that are neither in the index nor ignored.
pub(super) fn count(
    opened: &Opened,
    index: &File,
    passed_over: &PassedOver,
    stop: &AtomicBool,
) -> Result<u64, gix::Error> {
    let options = opened
        .repository
        .dirwalk_options()?
        .emit_untracked(EmissionMode::Matching);
    let mut walk = Untracked {
        unmerged: unmerged(index),
        passed_over,
        count: 0,
    };
    let patterns: [&BStr; 0] = [];
    match opened
        .repository
        .dirwalk(index, patterns, stop, options, &mut walk)
    {
        Ok(_) => Ok(walk.count),
        // Nobody waits for the count any more.
        Err(_) if stop.load(Ordering::Acquire) => Ok(walk.count),
        Err(error) => Err(error),
    }
}

/// Counts what is untracked on the way through the work tree.
struct Untracked<'p> {
    /// Paths that a merge left in conflict: they are in the index, though not as one file.
    unmerged: BTreeSet<BString>,
    passed_over: &'p PassedOver,
    count: u64,
}

impl Delegate for Untracked<'_> {
    fn emit(&mut self, entry: EntryRef<'_>, _folder: Option<entry::Status>) -> Action {
        let path = entry.rela_path.as_ref();
        let counts = entry.status == entry::Status::Untracked
            && !self.unmerged.contains(path)
            && !self.passed_over.covers(path);
        self.count += u64::from(counts);
        ControlFlow::Continue(())
    }

    fn can_recurse(
        &mut self,
        entry: EntryRef<'_>,
        for_deletion: Option<ForDeletionMode>,
        worktree_root_is_repository: bool,
    ) -> bool {
        let EntryRef {
            status,
            disk_kind,
            pathspec_match,
            ..
        } = entry;
        let is_root = worktree_root_is_repository;
        !self.passed_over.covers(entry.rela_path.as_ref())
            && status.can_recurse(disk_kind, pathspec_match, for_deletion, is_root)
    }
}

/// Folders of a work tree that hold no code, as git writes their paths.
#[derive(Debug)]
pub(super) struct PassedOver(Vec<BString>);

impl PassedOver {
    /// Finds those of `folders` that lie below the work tree of a repository.
    pub(super) fn of(opened: &Opened, folders: &[PathBuf]) -> Self {
        let work_tree = opened.repository.workdir().map(std::fs::canonicalize);
        let Some(Ok(work_tree)) = work_tree else {
            return Self(Vec::new());
        };
        let below = folders.iter().filter_map(|folder| {
            let folder = std::fs::canonicalize(folder).ok()?;
            let path = folder.strip_prefix(&work_tree).ok()?;
            // A work tree that lies in such a folder itself is code nevertheless.
            let path = path.as_os_str().as_bytes();
            (!path.is_empty()).then(|| BString::from(path))
        });
        Self(below.collect())
    }

    pub(super) fn covers(&self, path: &BStr) -> bool {
        self.0.iter().any(|folder| {
            let rest = path.strip_prefix(folder.as_slice());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        })
    }
}

/// Returns the paths that a merge left in conflict.
fn unmerged(index: &File) -> BTreeSet<BString> {
    let entries = index.entries().iter();
    let unmerged = entries.filter(|it| it.stage() != Stage::Unconflicted);
    unmerged.map(|it| it.path(index).to_owned()).collect()
}
