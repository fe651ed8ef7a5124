//! The repository a folder is in: what it is, where `HEAD` stands, and where it comes from.
//!
//! What is found is told as it is found, the cheapest first, so that whoever stops waiting has
//! that. The invariant: what a repository says about programs is forgotten before it is read any
//! further ([`without_programs`]).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use gix::bstr::{BString, ByteSlice as _};
use gix::discover::upwards;
use gix::state::InProgress;
use gix::{Repository, ThreadSafeRepository, open, sec};

use super::reading::Known;
use super::work_tree::{self, Unlike};
use super::{bounded, patch};
use crate::names::State;
use crate::url;

/// The mark of tracked files that are not as the commit has them.
const DIRTY: &str = "dirty";
/// The remote that is looked at where the branch follows none.
const ORIGIN: &str = "origin";

/// Largest object that is unpacked, in bytes. Chosen: a folder of a million files is a third of it.
const OBJECT_BYTES_MAX: usize = 128 * 1024 * 1024;

/// A repository that was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) repository: Repository,
    /// The names of filters that only a program could apply.
    pub(super) filters: BTreeSet<BString>,
}

/// Reads all there is to read of the repository that `folder` is in, but for what is in the folders
/// that are passed over.
pub(super) fn read(folder: &Path, passed_over: &[PathBuf], known: &Known) {
    let opened = match discovered(folder, &known.stop) {
        Ok(Some(opened)) => opened,
        Ok(None) => {
            known.code().state = State::Absent;
            return;
        }
        Err(reason) => return known.end(State::Unreadable, reason),
    };
    if let Err(error) = head(&opened.repository, known) {
        let reason = format!("`HEAD` cannot be read: {}", explained(&error));
        return known.end(State::Unreadable, reason);
    }
    if opened.repository.workdir().is_none() {
        known.code().is_bare = true;
        return describe(&opened.repository, false, known);
    }
    match work_tree::unlike(&opened, passed_over, &known.stop) {
        Ok(Some(unlike)) => {
            known.code().work_tree = Some(unlike.counts());
            if let Some(reason) = unlike.is_uncertain() {
                known.code().lacks(reason);
            }
            changes(&opened, &unlike, known);
            // Where it is not known that nothing was changed, no description says so.
            if unlike.is_dirty() || unlike.is_uncertain().is_none() {
                describe(&opened.repository, unlike.is_dirty(), known);
            }
        }
        // Nobody waits any more.
        Ok(None) => {}
        // Without the mark a description would say that nothing was changed.
        Err(reason) => known.code().lacks(reason),
    }
}

fn changes(opened: &Opened, unlike: &Unlike, known: &Known) {
    if unlike.is_uncertain().is_some() {
        return;
    }
    match patch::of(opened, unlike, &known.stop) {
        Ok(patch) => known.code().patch = patch,
        Err(reason) => known.code().lacks(reason),
    }
}

fn describe(repository: &Repository, is_dirty: bool, known: &Known) {
    if known.code().commit.is_none() {
        return;
    }
    match description(repository, is_dirty) {
        Ok(description) => known.code().describe = description,
        Err(error) => {
            let reason = format!("no description was found: {}", explained(&error));
            known.code().lacks(reason);
        }
    }
}

/// Finds the repository that `folder` is in. `None`: it is in none.
fn discovered(folder: &Path, stop: &AtomicBool) -> Result<Option<Opened>, String> {
    let folder = std::fs::canonicalize(folder)
        .map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
    bounded::around(&folder, stop)?;
    // What is called like a repository and is none would be passed over, and one above it taken.
    let nearest = folder.ancestors().find(|it| it.join(".git").exists());
    let broken = |above: &Path| {
        let at = above.join(".git");
        format!("{} is no repository that can be read", at.display())
    };
    let trust = sec::trust::Mapping {
        full: options(),
        reduced: options(),
    };
    let found = ThreadSafeRepository::discover_opts(&folder, upwards::Options::default(), trust);
    let repository = match found {
        Ok(found) => found.to_thread_local(),
        Err(error) => {
            let is_none = error
                .downcast_any_ref::<upwards::Error>()
                .is_some_and(|it| !matches!(it, upwards::Error::NoTrustedGitRepository { .. }));
            return match nearest {
                None if is_none => Ok(None),
                Some(nearest) if is_none => Err(broken(nearest)),
                _ => Err(unopened(&error)),
            };
        }
    };
    let work_tree = repository.workdir().map(std::fs::canonicalize);
    if let (Some(Ok(work_tree)), Some(nearest)) = (&work_tree, nearest)
        && nearest != work_tree
        && nearest.starts_with(work_tree)
    {
        return Err(broken(nearest));
    }
    without_programs(repository).map(Some)
}

/// Says why a repository was not opened, and what lets it be.
fn unopened(error: &gix::Error) -> String {
    let reason = explained(error);
    if error.is_permission_denied() {
        return format!("{reason}: git's setting `safe.directory` lets it be read");
    }
    format!("the repository cannot be opened: {reason}")
}

/// Opens the repository of a submodule. `None`: it is not there.
pub(super) fn at(folder: PathBuf, stop: &AtomicBool) -> Result<Option<Opened>, String> {
    if !folder.join(".git").exists() {
        return Ok(None);
    }
    bounded::at(&folder, stop)?;
    let at = folder.display().to_string();
    match gix::open_opts(folder, options()) {
        Ok(repository) => without_programs(repository).map(Some),
        Err(error) => Err(format!("{at} cannot be opened: {}", explained(&error))),
    }
}

/// How repositories are opened: as `git` does it, but for the variables of a hook that point at
/// other folders, and for what `git` itself would have to be started for.
fn options() -> open::Options {
    let mut permissions = open::Permissions::all();
    permissions.env.git_prefix = sec::Permission::Deny;
    permissions.env.objects = sec::Permission::Deny;
    permissions.config.git_binary = false;
    permissions.attributes.git_binary = false;
    open::Options::default()
        .permissions(permissions)
        .bail_if_untrusted(true)
        .config_overrides([format!("gitoxide.objects.allocLimit={OBJECT_BYTES_MAX}")])
}

/// Forgets which programs filter contents, and what hides untracked files.
fn without_programs(mut repository: Repository) -> Result<Opened, String> {
    let mut filters = BTreeSet::new();
    let mut config = repository.config_snapshot_mut();
    let mut ids = Vec::new();
    let sections = config.sections_and_ids_by_name("filter");
    for (section, id) in sections.into_iter().flatten() {
        let is_program = ["clean", "process"]
            .iter()
            .any(|it| section.value(it).is_some());
        let name = section.header().subsection_name().filter(|_| is_program);
        filters.extend(name.map(ToOwned::to_owned));
        ids.push(id);
    }
    for id in ids {
        config.remove_section_by_id(id);
    }
    let set = config.set_raw_value("status.showUntrackedFiles", "all");
    if let Err(error) = set.and_then(|_| config.commit().map(drop)) {
        return Err(format!(
            "the settings cannot be read: {}",
            explained(&error)
        ));
    }
    Ok(Opened {
        repository,
        filters,
    })
}

/// Tells where `HEAD` stands, and all else that costs nothing.
fn head(repository: &Repository, known: &Known) -> Result<(), gix::Error> {
    let head = repository.head()?;
    let branch = head.referent_name().map(|it| it.shorten().to_string());
    let commit = if head.is_unborn() {
        None
    } else {
        Some(repository.head_id()?.to_string())
    };
    let remote = remote(repository, branch.as_deref());
    let operation = repository.state().as_ref().map(word);
    let is_shallow = repository.is_shallow()?;
    let mut code = known.code();
    code.state = State::Captured;
    code.commit = commit;
    code.branch = branch;
    code.remote = remote;
    code.operation = operation.map(ToOwned::to_owned);
    code.is_shallow = is_shallow;
    Ok(())
}

/// Returns where the branch comes from, or else the repository.
fn remote(repository: &Repository, branch: Option<&str>) -> Option<String> {
    let config = repository.config_snapshot();
    let text = |section: &str, name: &str, value: &str| {
        let value = config
            .plumbing()
            .string_by(section, Some(name.into()), value)?;
        value.to_str().ok().map(ToOwned::to_owned)
    };
    let followed = branch.and_then(|branch| text("branch", branch, "remote"));
    // A branch that follows another of the same repository comes from `.`.
    let followed = followed.filter(|it| it != ".");
    let address = text("remote", followed.as_deref().unwrap_or(ORIGIN), "url");
    // A branch may follow an address that has no name.
    let unnamed = followed.filter(|it| it.contains(['/', ':']));
    let address = address.or(unnamed)?;
    // This one is a command, in which anything may stand.
    let is_command = address.starts_with("ext::");
    (!is_command).then(|| url::stripped_remote(&address))
}

fn word(operation: &InProgress) -> &'static str {
    match operation {
        InProgress::ApplyMailbox | InProgress::ApplyMailboxRebase => "apply",
        InProgress::Bisect => "bisect",
        InProgress::CherryPick | InProgress::CherryPickSequence => "cherry-pick",
        InProgress::Merge => "merge",
        InProgress::Rebase | InProgress::RebaseInteractive => "rebase",
        InProgress::Revert | InProgress::RevertSequence => "revert",
    }
}

/// Returns what `git describe --always --dirty` says.
fn description(repository: &Repository, is_dirty: bool) -> Result<Option<String>, gix::Error> {
    let commit = repository.head_commit()?;
    let described = commit.describe().id_as_fallback(true).try_resolve()?;
    let Some(described) = described else {
        return Ok(None);
    };
    let mut format = described.format()?;
    format.dirty_suffix = is_dirty.then(|| DIRTY.to_owned());
    Ok(Some(format.to_string()))
}

/// Returns an error with its causes, in one line.
pub(super) fn explained(error: &gix::Error) -> String {
    let mut words: Vec<String> = error.iter_errors().map(ToString::to_string).collect();
    words.dedup();
    words.join(": ").replace('\n', " ")
}
