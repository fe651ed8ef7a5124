//! How far the work tree is from the commit: which paths, and how many of each kind.
//!
//! What `git status` counts, with each file counted by itself: no renames are guessed, and
//! untracked files are not hidden behind their folder, whatever is set. Submodules are looked into
//! here, by opening each, since what they say about programs has to be forgotten too. Folders that
//! hold no code are not gone into: a store of a million files costs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::bstr::{BStr, BString};
use gix::dir::walk::{Action, Delegate, EmissionMode, ForDeletionMode};
use gix::dir::{EntryRef, entry};
use gix::index::entry::{Mode, Stage};
use gix::progress::Discard;
use gix::status::index_worktree::Item as InWorkTree;
use gix::status::plumbing::index_as_worktree::{Change, EntryStatus};
use gix::status::{Item, UntrackedFiles, tree_index};
use rustix::fs::FileType;

use super::code::WorkTree;
use super::repository::{self, Opened, explained};
use super::{bounded, inside};

/// How deep submodules are looked into. Chosen: nobody nests them deeper.
const DEPTH_MAX: usize = 8;

/// What is not as the commit has it.
#[derive(Debug, Default)]
pub(super) struct Unlike {
    staged: BTreeSet<BString>,
    modified: BTreeSet<BString>,
    conflicted: BTreeSet<BString>,
    untracked: u64,
    /// Files of which only a filter could tell whether they were modified.
    uncertain: BTreeSet<BString>,
    /// A submodule that is too deep to be looked into.
    too_deep: Option<BString>,
    /// What submodules are at, of those that are not as the index has them.
    pub(super) modules: BTreeMap<BString, Module>,
}

/// A submodule.
#[derive(Debug)]
pub(super) struct Module {
    /// The commit it is at.
    pub(super) commit: Option<ObjectId>,
    /// The one the index has.
    recorded: ObjectId,
    pub(super) opened: Opened,
    pub(super) unlike: Unlike,
}

/// Finds out what is not as the commit has it, outside of the folders that are passed over.
/// `None`: it was told to stop.
pub(super) fn unlike(
    opened: &Opened,
    passed_over: &[PathBuf],
    stop: &Arc<AtomicBool>,
) -> Result<Option<Unlike>, String> {
    unlike_below(opened, passed_over, stop, DEPTH_MAX)
}

fn unlike_below(
    opened: &Opened,
    passed_over: &[PathBuf],
    stop: &Arc<AtomicBool>,
    depth: usize,
) -> Result<Option<Unlike>, String> {
    bounded::patterns(opened, stop)?;
    let mut unlike = match status(opened, &PassedOver::of(opened, passed_over), stop) {
        Ok(unlike) => unlike,
        Err(error) => return Err(format!("the index cannot be read: {}", explained(&error))),
    };
    for (path, recorded) in modules(opened) {
        if stop.load(Ordering::Acquire) {
            break;
        }
        let Some(folder) = folder_of(opened, path.as_ref())? else {
            continue;
        };
        if depth == 0 {
            if folder.join(".git").exists() {
                unlike.too_deep = Some(path);
            }
            continue;
        }
        let Some(inner) = repository::at(folder, stop)? else {
            continue;
        };
        let Some(below) = unlike_below(&inner, passed_over, stop, depth - 1)? else {
            return Ok(None);
        };
        let commit = inner.repository.head_id().ok().map(gix::Id::detach);
        let module = Module {
            commit,
            recorded,
            opened: inner,
            unlike: below,
        };
        if module.is_unlike() {
            unlike.modified.insert(path.clone());
        }
        if module.is_unlike() || module.unlike.is_uncertain().is_some() {
            unlike.modules.insert(path, module);
        }
    }
    Ok((!stop.load(Ordering::Acquire)).then_some(unlike))
}

fn status(
    opened: &Opened,
    passed_over: &PassedOver,
    stop: &Arc<AtomicBool>,
) -> Result<Unlike, gix::Error> {
    // What is not tracked is looked for apart, where folders can be passed over.
    let platform = opened
        .repository
        .status(Discard)?
        .should_interrupt_owned(Arc::clone(stop))
        .untracked_files(UntrackedFiles::None)
        .tree_index_track_renames(tree_index::TrackRenames::Disabled)
        .index_worktree_rewrites(None)
        .index_worktree_submodules(None);
    let mut unlike = Unlike::default();
    for item in platform.into_iter(None)? {
        match item? {
            Item::TreeIndex(change) => {
                unlike.staged.insert(change.location().to_owned());
            }
            Item::IndexWorktree(InWorkTree::Modification {
                rela_path, status, ..
            }) => unlike.tracked(rela_path, &status, opened)?,
            Item::IndexWorktree(InWorkTree::DirectoryContents { .. }) => {
                unreachable!("folders are not walked")
            }
            Item::IndexWorktree(InWorkTree::Rewrite { .. }) => {
                unreachable!("renames are not looked for")
            }
        }
    }
    let Unlike {
        staged,
        modified,
        conflicted,
        uncertain,
        ..
    } = &mut unlike;
    for paths in [&mut *staged, modified, conflicted, uncertain] {
        paths.retain(|path| !passed_over.covers(path.as_ref()));
    }
    staged.retain(|path| !conflicted.contains(path));
    unlike.untracked = untracked(opened, passed_over, stop)?;
    Ok(unlike)
}

/// Counts the files that are neither in the index nor ignored.
fn untracked(
    opened: &Opened,
    passed_over: &PassedOver,
    stop: &AtomicBool,
) -> Result<u64, gix::Error> {
    let index = opened.repository.index_or_empty()?;
    let options = opened
        .repository
        .dirwalk_options()?
        .emit_untracked(EmissionMode::Matching);
    let mut walk = Untracked {
        unmerged: unmerged(opened)?,
        passed_over,
        count: 0,
    };
    let patterns: [&BStr; 0] = [];
    match opened
        .repository
        .dirwalk(&index, patterns, stop, options, &mut walk)
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
struct PassedOver(Vec<BString>);

impl PassedOver {
    /// Finds those of `folders` that lie below the work tree of a repository.
    fn of(opened: &Opened, folders: &[PathBuf]) -> Self {
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

    fn covers(&self, path: &BStr) -> bool {
        self.0.iter().any(|folder| {
            let rest = path.strip_prefix(folder.as_slice());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        })
    }
}

/// Returns the paths that a merge left in conflict.
fn unmerged(opened: &Opened) -> Result<BTreeSet<BString>, gix::Error> {
    let index = opened.repository.index_or_empty()?;
    let entries = index.entries().iter();
    let unmerged = entries.filter(|it| it.stage() != Stage::Unconflicted);
    Ok(unmerged.map(|it| it.path(&index).to_owned()).collect())
}

/// Returns the paths of submodules, with the commits that the index has of them.
fn modules(opened: &Opened) -> Vec<(BString, ObjectId)> {
    let Ok(index) = opened.repository.index_or_empty() else {
        return Vec::new();
    };
    let entries = index.entries().iter().filter(|it| it.mode == Mode::COMMIT);
    let modules = entries.map(|it| (it.path(&index).to_owned(), it.id));
    modules.collect()
}

/// Returns where the folder of a submodule is. `None`: there is none, or a link elsewhere.
fn folder_of(opened: &Opened, path: &BStr) -> Result<Option<PathBuf>, String> {
    let Some(work_tree) = opened.repository.workdir() else {
        return Ok(None);
    };
    let kind = inside::place(work_tree, path).and_then(|it| it.map_or(Ok(None), |it| it.kind()));
    match kind {
        Ok(Some(FileType::Directory)) => Ok(opened.repository.workdir_path(path)),
        Ok(_) => Ok(None),
        Err(error) => Err(format!("`{path}` cannot be read: {error}")),
    }
}

impl Unlike {
    fn tracked(
        &mut self,
        path: BString,
        status: &EntryStatus<(), gix::submodule::Status>,
        opened: &Opened,
    ) -> Result<(), gix::Error> {
        let list = match status {
            EntryStatus::NeedsUpdate(_) => return Ok(()),
            EntryStatus::Conflict { .. } => &mut self.conflicted,
            EntryStatus::Change(Change::Modification {
                content_change: Some(()),
                ..
            }) if is_filtered(opened, path.as_ref())? => &mut self.uncertain,
            EntryStatus::Change(_) | EntryStatus::IntentToAdd => &mut self.modified,
        };
        list.insert(path);
        Ok(())
    }

    pub(super) fn counts(&self) -> WorkTree {
        let count = |paths: &BTreeSet<BString>| paths.len() as u64;
        WorkTree {
            staged: count(&self.staged),
            modified: count(&self.modified),
            untracked: self.untracked,
            conflicted: count(&self.conflicted),
        }
    }

    /// Returns the tracked paths that are not as the commit has them, in order.
    pub(super) fn paths(&self) -> BTreeSet<&BString> {
        let lists = [&self.staged, &self.modified, &self.conflicted];
        lists.into_iter().flatten().collect()
    }

    /// Tells whether `git describe` would call this dirty.
    pub(super) fn is_dirty(&self) -> bool {
        self.paths().into_iter().any(|path| {
            let module = self.modules.get(path);
            module.is_none_or(Module::is_dirty) || self.staged.contains(path)
        })
    }

    /// Says why nobody knows whether more was modified, if nobody does.
    pub(super) fn is_uncertain(&self) -> Option<String> {
        if let Some(path) = self.uncertain.first() {
            return Some(format!(
                "{} files may be modified, `{path}` for one: that takes a filter to tell, and no \
                 program is started",
                self.uncertain.len()
            ));
        }
        if let Some(path) = &self.too_deep {
            return Some(format!(
                "submodules are looked into {DEPTH_MAX} deep, and `{path}` is deeper"
            ));
        }
        let mut modules = self.modules.values();
        modules.find_map(|module| module.unlike.is_uncertain())
    }
}

impl Module {
    /// Tells whether it is not as the index has it; files that are not tracked in it count.
    fn is_unlike(&self) -> bool {
        self.is_dirty() || self.unlike.untracked > 0
    }

    fn is_dirty(&self) -> bool {
        self.commit != Some(self.recorded) || self.unlike.is_dirty()
    }
}

/// Tells whether a filter makes of a file what is committed.
fn is_filtered(opened: &Opened, path: &BStr) -> Result<bool, gix::Error> {
    use gix::worktree::stack::state::attributes::Source;
    if opened.filters.is_empty() {
        return Ok(false);
    }
    let index = opened.repository.index_or_empty()?;
    let source = Source::WorktreeThenIdMapping;
    let mut attributes = opened.repository.attributes_only(&index, source)?;
    let mut found = attributes.selected_attribute_matches(["filter"]);
    attributes
        .at_entry(path, None)?
        .matching_attributes(&mut found);
    Ok(found.iter_selected().any(|it| {
        let name = it.assignment.state.as_bstr();
        name.is_some_and(|name| opened.filters.iter().any(|filter| filter == name))
    }))
}
