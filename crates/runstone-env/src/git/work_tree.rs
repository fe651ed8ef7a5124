//! How far the work tree is from the commit: which paths, and how many of each kind.
//!
//! What `git status` counts, with each file counted by itself: no renames are guessed, and
//! untracked files are not hidden behind their folder, whatever is set. Submodules are looked into
//! here, by opening each, since what they say about programs has to be forgotten too. Folders that
//! hold no code are not gone into: a store of a million files costs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use gix::bstr::{BStr, BString};
use gix::index::File;
use gix::index::entry::Mode;
use gix::progress::Discard;
use gix::status::index_worktree::Options;
use gix::status::plumbing::index_as_worktree::traits::{FastEq, SubmoduleStatus};
use gix::status::plumbing::index_as_worktree::{Change, EntryStatus};
use gix::status::plumbing::index_as_worktree_with_renames::{Entry, VisitEntry};
use gix::status::tree_index::TrackRenames;
use gix::{ObjectId, Repository};
use rustix::fs::FileType;

use super::code::WorkTree;
use super::repository::{self, Opened, explained};
use super::untracked::PassedOver;
use super::{bounded, inside, untouched, untracked};

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
    stop: &AtomicBool,
) -> Result<Option<Unlike>, String> {
    unlike_below(opened, passed_over, stop, DEPTH_MAX)
}

fn unlike_below(
    opened: &Opened,
    passed_over: &[PathBuf],
    stop: &AtomicBool,
    depth: usize,
) -> Result<Option<Unlike>, String> {
    bounded::index(opened)?;
    let unread = |error| format!("the index cannot be read: {}", explained(&error));
    let mut index = read(opened).map_err(unread)?;
    bounded::patterns(opened, &index, stop)?;
    let passed_over_here = PassedOver::of(opened, passed_over);
    let mut unlike = status(opened, &mut index, &passed_over_here, stop).map_err(unread)?;
    for (path, recorded) in modules(&index) {
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

/// Reads the index, once. There is none yet where nothing was ever added.
fn read(opened: &Opened) -> Result<File, gix::Error> {
    let repository = &opened.repository;
    let path = repository.index_path();
    if path.exists() {
        return repository.open_index();
    }
    let empty = gix::index::State::new(repository.object_hash());
    Ok(File::from_state(empty, path))
}

fn status(
    opened: &Opened,
    index: &mut File,
    passed_over: &PassedOver,
    stop: &AtomicBool,
) -> Result<Unlike, gix::Error> {
    let left = untouched::mark(opened, index, stop)?;
    let repository = opened.repository.clone().into_sync();
    let index = &*index;
    let mut unlike = thread::scope(|scope| {
        // What is staged is told by objects, and all else by files.
        let staged = || staged(&repository.to_thread_local(), index, stop);
        let is_as_committed = is_as_committed(opened, index)?;
        let beside = || thread::Builder::new().spawn_scoped(scope, staged).ok();
        let reader = (!is_as_committed).then(beside).flatten();
        let mut unlike = Unlike::default();
        if left > 0 {
            unlike.look_at(opened, index, stop)?;
        }
        unlike.untracked = untracked::count(opened, index, passed_over, stop)?;
        if let Some(reader) = reader {
            unlike.staged = reader.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        } else if !is_as_committed {
            // Where no thread can be started this one does it all.
            unlike.staged = staged()?;
        }
        Ok::<_, gix::Error>(unlike)
    })?;
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
    Ok(unlike)
}

/// Tells whether the index says by itself that it holds what the commit does: git keeps in it which
/// tree it would make, and takes that away with whatever is staged.
fn is_as_committed(opened: &Opened, index: &File) -> Result<bool, gix::Error> {
    let tree = index.tree().filter(|_| !index.is_sparse());
    let is_whole = |count: u32| usize::try_from(count) == Ok(index.entries().len());
    let Some(tree) = tree.filter(|it| it.num_entries.is_some_and(is_whole)) else {
        return Ok(false);
    };
    Ok(opened.repository.head_tree_id_or_empty()? == tree.id)
}

/// Returns the paths that are in the index otherwise than in the commit.
fn staged(
    repository: &Repository,
    index: &File,
    stop: &AtomicBool,
) -> Result<BTreeSet<BString>, gix::Error> {
    let mut staged = BTreeSet::new();
    let tree = repository.head_tree_id_or_empty()?;
    repository.tree_index_status(
        &tree,
        index,
        None,
        TrackRenames::Disabled,
        |change, _, _| {
            staged.insert(change.location().to_owned());
            Ok(if stop.load(Ordering::Acquire) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        },
    )?;
    Ok(staged)
}

/// Keeps what is told of tracked files.
#[derive(Default)]
struct Told(Vec<(BString, EntryStatus<(), ()>)>);

impl<'index> VisitEntry<'index> for Told {
    type ContentChange = ();
    type SubmoduleStatus = ();

    fn visit_entry(&mut self, entry: Entry<'index, (), ()>) {
        // Folders are not walked here, and no renames looked for.
        if let Entry::Modification {
            rela_path, status, ..
        } = entry
        {
            self.0.push((rela_path.to_owned(), status));
        }
    }
}

/// Says nothing of submodules: they are looked into apart.
#[derive(Clone)]
struct Apart;

impl SubmoduleStatus for Apart {
    type Output = ();

    fn status(&mut self, _: &gix::index::Entry, _: &BStr) -> Result<Option<()>, gix::Error> {
        Ok(None)
    }
}

/// Returns the paths of submodules, with the commits that the index has of them.
fn modules(index: &File) -> Vec<(BString, ObjectId)> {
    let entries = index.entries().iter().filter(|it| it.mode == Mode::COMMIT);
    let modules = entries.map(|it| (it.path(index).to_owned(), it.id));
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
    /// Reads those of the tracked files that may have been modified.
    fn look_at(
        &mut self,
        opened: &Opened,
        index: &File,
        stop: &AtomicBool,
    ) -> Result<(), gix::Error> {
        let mut told = Told::default();
        let patterns: [&BStr; 0] = [];
        opened.repository.index_worktree_status(
            index,
            patterns,
            &mut told,
            FastEq,
            Apart,
            &mut Discard,
            stop,
            Options::default(),
        )?;
        for (path, status) in told.0 {
            self.tracked(path, &status, opened, index)?;
        }
        Ok(())
    }

    fn tracked(
        &mut self,
        path: BString,
        status: &EntryStatus<(), ()>,
        opened: &Opened,
        index: &File,
    ) -> Result<(), gix::Error> {
        let list = match status {
            EntryStatus::NeedsUpdate(_) => return Ok(()),
            EntryStatus::Conflict { .. } => &mut self.conflicted,
            EntryStatus::Change(Change::Modification {
                content_change: Some(()),
                ..
            }) if is_filtered(opened, index, path.as_ref())? => &mut self.uncertain,
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
fn is_filtered(opened: &Opened, index: &File, path: &BStr) -> Result<bool, gix::Error> {
    use gix::worktree::stack::state::attributes::Source;
    if opened.filters.is_empty() {
        return Ok(false);
    }
    let source = Source::WorktreeThenIdMapping;
    let mut attributes = opened.repository.attributes_only(index, source)?;
    let mut found = attributes.selected_attribute_matches(["filter"]);
    attributes
        .at_entry(path, None)?
        .matching_attributes(&mut found);
    Ok(found.iter_selected().any(|it| {
        let name = it.assignment.state.as_bstr();
        name.is_some_and(|name| opened.filters.iter().any(|filter| filter == name))
    }))
}
