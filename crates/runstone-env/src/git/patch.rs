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

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::bstr::BString;
use runstone_core::digest::Digest;

use super::repository::Opened;
use super::work_tree::{self, Module, Unlike};

/// Largest file that is read, in bytes. Chosen: more does not fit into the time.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

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
        let module = unlike.modules.get(path);
        let (kind, digest) = match (module, work_tree::path_of(opened, path.as_ref())) {
            (Some(module), _) => ("module", Some(of_module(module, stop)?)),
            (None, Some(at)) => on_disk(path, &at)?,
            (None, None) => return Err(format!("`{path}` has no place in the work tree")),
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

fn on_disk(path: &BString, at: &Path) -> Result<(&'static str, Option<Digest>), String> {
    let failed = |error: io::Error| format!("`{path}` cannot be read: {error}");
    let metadata = match fs::symlink_metadata(at) {
        Ok(metadata) => metadata,
        Err(error) if is_absence(&error) => return Ok(("gone", None)),
        Err(error) => return Err(failed(error)),
    };
    if metadata.is_symlink() {
        let target = fs::read_link(at).map_err(failed)?;
        return Ok(("link", Some(Digest::of(target.as_os_str().as_bytes()))));
    }
    if metadata.is_dir() {
        return Ok(("folder", None));
    }
    // Between the look and the opening it may have become anything.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).expect("flags are those of the system");
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(at);
    let file = file.map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(format!("`{path}` is no file"));
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!(
            "`{path}` is larger than the limit of {FILE_BYTES_MAX} bytes"
        ));
    }
    // git looks at the owner's mark alone.
    let is_executable = metadata.permissions().mode() & 0o100 != 0;
    let kind = if is_executable { "executable" } else { "file" };
    Ok((kind, Some(Digest::of(&bytes))))
}

/// Tells whether an error says that nothing is there: a file may stand where a folder was.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
