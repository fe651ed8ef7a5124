//! A fresh Python environment: made beside its name, verified, then given it.
//!
//! Programs in an environment know the folder they were installed in, so it cannot be moved: the
//! name is a link, which is replaced in one step. The invariant: nothing that a restore did not
//! make is ever replaced, and whoever follows the name finds the old environment or the new one,
//! whole.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, readlinkat, rename, statat, symlink};
use rustix::io::Errno;

use super::error::RestoreError;

/// Tells whether the name may be given to an environment that is made in `folder`.
pub(super) fn is_free(name: &str, folder: Option<&str>) -> Result<(), RestoreError> {
    let in_the_way = |path: &str, what| RestoreError::InTheWay {
        path: PathBuf::from(path),
        what,
    };
    if let Some(folder) = folder
        && exists(folder)
    {
        return Err(in_the_way(
            folder,
            "the same was made before, whole or in part",
        ));
    }
    if let Some(passing) = folder.map(passing)
        && exists(&passing)
    {
        return Err(in_the_way(
            &passing,
            "the name of the environment would be made of it",
        ));
    }
    match statat(CWD, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(_not_there) => Ok(()),
        Ok(found) if FileType::from_raw_mode(found.st_mode) != FileType::Symlink => {
            Err(in_the_way(name, "it is no link that a restore made"))
        }
        Ok(_) if leads_beside(name) => Ok(()),
        Ok(_) => Err(in_the_way(name, "it is a link to somewhere else")),
    }
}

/// Gives the environment in `folder` its name.
///
/// # Durability
/// On `Ok` the name survives power loss.
pub(super) fn give_name(name: &str, folder: &str) -> io::Result<()> {
    let target = Path::new(folder).file_name().ok_or(Errno::INVAL)?;
    let passing = passing(folder);
    let name = Path::new(name);
    // Fails where anything stands: it is somebody else's.
    symlink(target, &passing)?;
    rename(&passing, name)?;
    let above = name.parent().unwrap_or(Path::new("/"));
    std::fs::File::open(above)?.sync_all()
}

/// Returns where the link is made that becomes the name.
fn passing(folder: &str) -> String {
    format!("{folder}.link")
}

/// Tells whether a link leads to a folder beside it that has its name and digits behind it.
fn leads_beside(name: &str) -> bool {
    let Some(own) = Path::new(name).file_name().and_then(|it| it.to_str()) else {
        return false;
    };
    let target = readlinkat(CWD, name, Vec::new()).ok();
    let target = target.and_then(|it| it.into_string().ok());
    let digits = target.as_deref().and_then(|target| {
        let rest = target.strip_prefix(own)?;
        rest.strip_prefix('.')
    });
    digits.is_some_and(|it| it.len() == 12 && it.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn exists(path: &str) -> bool {
    statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(folder: &tempfile::TempDir, name: &str) -> String {
        folder.path().join(name).to_str().unwrap().to_owned()
    }

    #[test]
    fn name_passes_from_one_environment_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let name = path(&folder, "env");
        for digits in ["0123456789ab", "ba9876543210"] {
            let made = format!("{name}.{digits}");
            is_free(&name, Some(&made)).unwrap();
            std::fs::create_dir(&made).unwrap();
            give_name(&name, &made).unwrap();
            let target = std::fs::read_link(&name).unwrap();
            assert_eq!(target.to_str().unwrap(), format!("env.{digits}"));
            assert!(matches!(
                is_free(&name, Some(&made)),
                Err(RestoreError::InTheWay { .. })
            ));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn file_that_is_called_like_the_name_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (name, beside) = (path(&folder, "env"), path(&folder, "env.link"));
        std::fs::create_dir(&beside).unwrap();
        let made = format!("{name}.0123456789ab");
        std::fs::create_dir(&made).unwrap();
        give_name(&name, &made).unwrap();
        assert!(std::fs::metadata(&beside).unwrap().is_dir());
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a file of somebody else's")]
    fn file_that_stands_where_the_link_is_made_stays() {
        let folder = tempfile::tempdir().unwrap();
        let name = path(&folder, "env");
        let made = format!("{name}.0123456789ab");
        let notes = format!("{made}.link");
        std::fs::write(&notes, "notes").unwrap();
        assert!(matches!(
            is_free(&name, Some(&made)),
            Err(RestoreError::InTheWay { path, .. }) if path == Path::new(&notes)
        ));
        std::fs::create_dir(&made).unwrap();
        let error = give_name(&name, &made).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&notes).unwrap(), "notes");
    }

    #[test]
    fn what_no_restore_made_is_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (path(&folder, "file"), path(&folder, "other"));
        std::fs::create_dir(&file).unwrap();
        std::os::unix::fs::symlink("elsewhere", &other).unwrap();
        assert!(is_free(&file, None).is_err());
        assert!(is_free(&other, None).is_err());
        assert!(is_free(&path(&folder, "free"), None).is_ok());
    }
}
