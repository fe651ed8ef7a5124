//! A look at what would be read whole, before it is.
//!
//! Settings, patterns and references are read to their end, wherever a link leads and however long
//! that takes; nobody can tell `gix` to stop there. The invariant: each of them is a regular file
//! below a limit, or it is refused by name and nothing is read, so that what goes on when nobody
//! waits any more is bounded too. Contents of tracked files belong to others: they are streamed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::bstr::ByteSlice as _;
use gix::index::File;

use super::repository::Opened;

/// Largest file of settings, patterns or a reference. Chosen: no person writes one.
const TEXT_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Largest index, and largest file of packed references. Chosen: ten million paths.
const TABLE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// How deep references stand in folders. Chosen: names of branches have a few parts.
const REFERENCE_DEPTH_MAX: usize = 32;
/// Most object folders one repository borrows from. Chosen.
const BORROWED_MAX: usize = 64;

/// Looks at what is read to find the repository that `folder` is in, and where `HEAD` stands.
pub(super) fn around(folder: &Path, stop: &AtomicBool) -> Result<(), String> {
    let of_user = gix::path::env::home_dir().map(|home| home.join(".gitconfig"));
    let of_user_too = gix::path::env::xdg_config("config", &mut gix::path::env::var);
    for settings in [of_user, of_user_too].into_iter().flatten() {
        is_bounded(&settings, TEXT_BYTES_MAX)?;
    }
    for above in folder.ancestors() {
        if is_bounded(&above.join("HEAD"), TEXT_BYTES_MAX)? && above.join("objects").exists() {
            return git_folder(above, stop);
        }
        if above.join(".git").exists() {
            return at(above, stop);
        }
    }
    Ok(())
}

/// Looks at what is read to open the repository whose work tree is `folder`.
pub(super) fn at(folder: &Path, stop: &AtomicBool) -> Result<(), String> {
    let dot_git = folder.join(".git");
    if dot_git.is_dir() {
        return git_folder(&dot_git, stop);
    }
    // Of a linked work tree, or a submodule: a file that says where the folder is.
    match path_in(&dot_git, b"gitdir:")? {
        Some(path) => git_folder(&folder.join(path), stop),
        None => Ok(()),
    }
}

/// Looks at the index, before it is read.
pub(super) fn index(opened: &Opened) -> Result<(), String> {
    is_bounded(&opened.repository.index_path(), TABLE_BYTES_MAX).map(drop)
}

/// Looks at what is read beside the index to find out what was changed.
pub(super) fn patterns(opened: &Opened, index: &File, stop: &AtomicBool) -> Result<(), String> {
    let repository = &opened.repository;
    let mut paths = vec![PathBuf::from("/etc/gitattributes")];
    for folder in [repository.git_dir(), repository.common_dir()] {
        paths.push(folder.join("info/exclude"));
        paths.push(folder.join("info/attributes"));
    }
    let settings = repository.config_snapshot();
    for (setting, usual) in [
        ("core.excludesFile", "ignore"),
        ("core.attributesFile", "attributes"),
    ] {
        paths.extend(settings.trusted_path(setting).ok().flatten());
        paths.extend(gix::path::env::xdg_config(usual, &mut gix::path::env::var));
    }
    for path in &paths {
        is_bounded(&repository.current_dir().join(path), TEXT_BYTES_MAX)?;
    }
    let Some(work_tree) = repository.workdir() else {
        return Ok(());
    };
    is_bounded(&work_tree.join(".gitmodules"), TEXT_BYTES_MAX)?;
    for folder in folders(index) {
        go_on(stop)?;
        let folder = work_tree.join(OsStr::from_bytes(&folder));
        for name in [".gitignore", ".gitattributes"] {
            let path = folder.join(name);
            // Links are not followed there.
            let found = fs::symlink_metadata(&path).ok();
            judged(&path, found.filter(|it| !it.is_symlink()), TEXT_BYTES_MAX)?;
        }
    }
    Ok(())
}

/// Returns the folders that something tracked is in.
fn folders(index: &File) -> BTreeSet<Vec<u8>> {
    let mut folders = BTreeSet::from([Vec::new()]);
    for entry in index.entries() {
        let mut path: &[u8] = entry.path(index);
        while let Some(end) = path.rfind_byte(b'/') {
            path = &path[..end];
            if !folders.insert(path.to_owned()) {
                break;
            }
        }
    }
    folders
}

fn git_folder(folder: &Path, stop: &AtomicBool) -> Result<(), String> {
    let common = path_in(&folder.join("commondir"), b"")?.map(|path| folder.join(path));
    let common = common.as_deref().unwrap_or(folder);
    for folder in [folder, common] {
        for name in names(folder) {
            if let Some(limit) = limit_of(&name) {
                is_bounded(&folder.join(name), limit)?;
            }
        }
        references(&folder.join("refs"), REFERENCE_DEPTH_MAX, stop)?;
    }
    borrowed(&common.join("objects"))
}

/// Returns how large a file of this name may be, if it is one that is read whole.
fn limit_of(name: &OsStr) -> Option<u64> {
    let name = name.as_bytes();
    match name {
        b"packed-refs" => Some(TABLE_BYTES_MAX),
        b"config" | b"config.worktree" | b"gitdir" | b"shallow" => Some(TEXT_BYTES_MAX),
        // `HEAD`, and what it may lead to.
        _ => {
            let is_reference = name.iter().all(|it| it.is_ascii_uppercase() || *it == b'_');
            is_reference.then_some(TEXT_BYTES_MAX)
        }
    }
}

fn references(folder: &Path, depth: usize, stop: &AtomicBool) -> Result<(), String> {
    go_on(stop)?;
    for name in names(folder) {
        let path = folder.join(name);
        if !path.is_dir() {
            is_bounded(&path, TEXT_BYTES_MAX)?;
        } else if depth == 0 || path.is_symlink() {
            let path = path.display();
            return Err(format!("{path} is a link, or too deep, for references"));
        } else {
            references(&path, depth - 1, stop)?;
        }
    }
    Ok(())
}

/// Looks at the lists of other repositories that objects are borrowed from.
fn borrowed(objects: &Path) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let mut left = vec![objects.to_owned()];
    while let Some(objects) = left.pop() {
        let list = objects.join("info/alternates");
        if seen.len() > BORROWED_MAX {
            let list = list.display();
            return Err(format!("{list} is one list of borrowed objects too many"));
        }
        if !seen.insert(objects.clone()) || !is_bounded(&list, TEXT_BYTES_MAX)? {
            continue;
        }
        let bytes = content(&list)?;
        let lines = bytes.lines().filter(|it| !it.is_empty());
        left.extend(lines.map(|line| objects.join(OsStr::from_bytes(line))));
    }
    Ok(())
}

/// Returns the path that a file holds. `None`: it is not there, or holds something else.
fn path_in(file: &Path, mark: &[u8]) -> Result<Option<PathBuf>, String> {
    if !is_bounded(file, TEXT_BYTES_MAX)? {
        return Ok(None);
    }
    let bytes = content(file)?;
    let path = bytes.strip_prefix(mark).map(<[u8]>::trim_ascii);
    Ok(path.map(|path| PathBuf::from(OsStr::from_bytes(path))))
}

#[expect(
    clippy::disallowed_methods,
    reason = "links mean here what they mean to git: a repository has no root of its own"
)]
fn content(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))
}

/// Returns the names in a folder. What cannot be listed is told of where it is read.
#[expect(
    clippy::disallowed_methods,
    reason = "links mean here what they mean to git: a repository has no root of its own"
)]
fn names(folder: &Path) -> Vec<std::ffi::OsString> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).collect()
}

/// Tells whether there is a regular file; that there is none is no error, and a folder none either.
fn is_bounded(path: &Path, bytes_max: u64) -> Result<bool, String> {
    // What cannot be looked at cannot be opened either, and that is told of where it is tried.
    judged(path, fs::metadata(path).ok(), bytes_max)
}

fn judged(path: &Path, found: Option<Metadata>, bytes_max: u64) -> Result<bool, String> {
    let Some(metadata) = found else {
        return Ok(false);
    };
    let path = path.display();
    if metadata.is_dir() {
        return Ok(false);
    }
    if !metadata.is_file() {
        return Err(format!("{path} is not a regular file"));
    }
    if metadata.len() > bytes_max {
        return Err(format!(
            "{path} is larger than the limit of {bytes_max} bytes"
        ));
    }
    Ok(true)
}

fn go_on(stop: &AtomicBool) -> Result<(), String> {
    if stop.load(Ordering::Acquire) {
        return Err("nobody waits any more".to_owned());
    }
    Ok(())
}
