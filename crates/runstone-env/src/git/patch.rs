//! One digest of everything that is tracked and not as the commit has it.
//!
//! Commit and patch together name the tracked files that ran. The digest is over what stands in the
//! work tree, one line a path, and not over a text of differences: it depends on no way of finding
//! them, and staging a change does not change it.
//!
//! ```text
//! file       SHA-256 of the content       executable  the same, of one that may be executed
//! link       SHA-256 of where it leads    module      SHA-256 of its commit and its own patch
//! folder     -                            gone        -
//! ```
//!
//! A line is the kind, a space, the digest, a space, the path, and a zero byte; lines are in the
//! order of the paths' bytes. The name mixed into the digest is `code.patch`.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::bstr::BString;
use runstone_core::digest::Digest;
use rustix::fs::FileType;
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::inside;
use super::repository::Opened;
use super::work_tree::{Module, Unlike};

/// How much of a file is in memory at once, in bytes. Chosen.
const PART_BYTES: usize = 64 * 1024;

/// Returns the digest. `None`: all that is tracked is as the commit has it.
pub(super) fn of(
    opened: &Opened,
    unlike: &Unlike,
    stop: &AtomicBool,
) -> Result<Option<Digest>, String> {
    let mut lines = Vec::new();
    for path in unlike.paths() {
        if stop.load(Ordering::Acquire) {
            return Err("the patch was not read to its end".to_owned());
        }
        let (kind, digest) = match unlike.modules.get(path) {
            Some(module) => ("module", Some(of_module(module, stop)?)),
            None => on_disk(opened, path, stop)?,
        };
        lines.extend_from_slice(kind.as_bytes());
        lines.push(b' ');
        let digest = digest.map_or_else(|| "-".to_owned(), |it| it.to_string());
        lines.extend_from_slice(digest.as_bytes());
        lines.push(b' ');
        lines.extend_from_slice(path);
        lines.push(0);
    }
    let patch = Digest::of_named("code.patch", &lines);
    Ok((!lines.is_empty()).then_some(patch))
}

fn of_module(module: &Module, stop: &AtomicBool) -> Result<Digest, String> {
    let commit = module
        .commit
        .map_or_else(|| "-".to_owned(), |it| it.to_string());
    let patch = of(&module.opened, &module.unlike, stop)?;
    let patch = patch.map_or_else(|| "-".to_owned(), |it| it.to_string());
    Ok(Digest::of(format!("{commit} {patch}").as_bytes()))
}

fn on_disk(
    opened: &Opened,
    path: &BString,
    stop: &AtomicBool,
) -> Result<(&'static str, Option<Digest>), String> {
    let failed = |error: Errno| unread(path, &error.into());
    let Some(work_tree) = opened.repository.workdir() else {
        return Err(format!("`{path}` has no place in the work tree"));
    };
    let Some(place) = inside::place(work_tree, path.as_ref()).map_err(failed)? else {
        return Ok(("gone", None));
    };
    match place.kind().map_err(failed)? {
        None => Ok(("gone", None)),
        Some(FileType::Directory) => Ok(("folder", None)),
        Some(FileType::Symlink) => {
            let target = place.target().map_err(failed)?;
            Ok(("link", Some(Digest::of(&target))))
        }
        Some(FileType::RegularFile) => of_file(path, place.open().map_err(failed)?.into(), stop),
        Some(_) => Err(format!("`{path}` is no file")),
    }
}

fn of_file(
    path: &BString,
    mut file: File,
    stop: &AtomicBool,
) -> Result<(&'static str, Option<Digest>), String> {
    // Between the look and the opening it may have become anything.
    let metadata = file.metadata().map_err(|error| unread(path, &error))?;
    if !metadata.is_file() {
        return Err(format!("`{path}` is no file"));
    }
    let mut hasher = Sha256::new();
    let mut part = vec![0; PART_BYTES];
    loop {
        if stop.load(Ordering::Acquire) {
            return Err("the patch was not read to its end".to_owned());
        }
        match file.read(&mut part) {
            Ok(0) => break,
            Ok(size_bytes) => hasher.update(&part[..size_bytes]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unread(path, &error)),
        }
    }
    // git looks at the owner's mark alone.
    let is_executable = metadata.permissions().mode() & 0o100 != 0;
    let kind = if is_executable { "executable" } else { "file" };
    Ok((kind, Some(Digest::from_bytes(hasher.finalize().into()))))
}

fn unread(path: &BString, error: &io::Error) -> String {
    format!("`{path}` cannot be read: {error}")
}
