//! The operating system's file system: every system call on files that a store is made of.
//!
//! [`OsFileSystem`] is the [`FileSystem`] of ordinary use. The invariant guarded here: an
//! interrupted call is made again, mode bits are those asked for whatever the caller's umask, and
//! nothing but a regular file is ever read. What a failure means is left to those above.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{
    self, AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, RenameFlags, StatVfsMountFlags,
};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Resource, getrlimit};

use super::fs::{FileSystem, Kind, best_effort};
use super::layout::temporary_name;
use crate::entropy::{Entropy as _, SystemEntropy};
use crate::key::Nonce;
use crate::store::Whereabouts;
use crate::weight::Weight;

/// Bytes asked for at once when reading.
const READ_BYTES: usize = 64 * 1024;

/// What `st_blocks` counts, whatever the block of the file system is.
const STAT_BLOCK_BYTES: u64 = 512;

/// The mode bits that let others in.
const OTHERS: u32 = 0o077;

/// The file system of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsFileSystem;

/// An open directory.
#[derive(Debug, Clone)]
pub struct OsDir(pub(super) Arc<OwnedFd>);

/// An open file.
#[derive(Debug)]
pub struct OsFile {
    fd: OwnedFd,
    /// How many bytes it had when it was opened.
    size_bytes: usize,
}

impl OsFile {
    fn of_no_size(fd: OwnedFd) -> Self {
        Self { fd, size_bytes: 0 }
    }
}

impl FileSystem for OsFileSystem {
    type Dir = OsDir;
    type File = OsFile;

    fn open_root(&self, path: &Path) -> io::Result<OsDir> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = retry_on_intr(|| fs::openat(CWD, path, flags, Mode::empty()))?;
        Ok(OsDir(Arc::new(fd)))
    }

    fn make_root(&self, path: &Path) -> io::Result<()> {
        let make = || retry_on_intr(|| fs::mkdirat(CWD, path, Mode::RWXU));
        let parent = match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => Path::new("/"),
        };
        match make() {
            Err(Errno::NOENT) if !parent.exists() => {
                self.make_root(parent)?;
                make()
            }
            made => made,
        }
        .or_else(|errno| {
            if errno == Errno::EXIST {
                Ok(())
            } else {
                Err(errno)
            }
        })?;
        self.sync_dir(&self.open_root(parent)?)
    }

    fn open_dir(&self, dir: &OsDir, name: &str) -> io::Result<OsDir> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = retry_on_intr(|| fs::openat(&*dir.0, name, flags, Mode::empty()))?;
        Ok(OsDir(Arc::new(fd)))
    }

    fn make_dir(&self, dir: &OsDir, name: &str, mode: u32) -> io::Result<()> {
        self.make_open_dir(dir, name, mode).map(drop)
    }

    fn make_open_dir(&self, dir: &OsDir, name: &str, mode: u32) -> io::Result<OsDir> {
        if mode & OTHERS == 0 {
            return self.make_then_set_mode(dir, name, mode);
        }
        // The umask would shut others out until the mode is set, and for good if the maker dies
        // first.
        let hidden = temporary_name(Nonce::from_bytes(SystemEntropy.nonce()));
        let made = self
            .make_then_set_mode(dir, &hidden, mode)
            .inspect_err(|_| best_effort(self.remove_dir(dir, &hidden)))?;
        let Err(error) = self.rename_noreplace(dir, &hidden, dir, name) else {
            return Ok(made);
        };
        drop(made);
        best_effort(self.remove_dir(dir, &hidden));
        match Errno::from_io_error(&error) {
            // Network file systems know no such rename.
            Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                self.make_then_set_mode(dir, name, mode)
            }
            _ => Err(error),
        }
    }

    fn set_dir_mode(&self, dir: &OsDir, mode: u32) -> io::Result<()> {
        Ok(retry_on_intr(|| fs::fchmod(&*dir.0, bits(mode)))?)
    }

    fn create_new(&self, dir: &OsDir, name: &str, mode: u32) -> io::Result<OsFile> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = retry_on_intr(|| fs::openat(&*dir.0, name, flags, bits(mode)))?;
        set_mode_where_it_differs(&fd, mode)?;
        Ok(OsFile::of_no_size(fd))
    }

    #[cfg(target_os = "linux")]
    fn create_unnamed(&self, dir: &OsDir, mode: u32) -> io::Result<OsFile> {
        let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
        let fd = match retry_on_intr(|| fs::openat(&*dir.0, ".", flags, bits(mode))) {
            // What file systems, kernels and sandboxes say that know no such files.
            Err(
                Errno::OPNOTSUPP
                | Errno::ISDIR
                | Errno::INVAL
                | Errno::NOSYS
                | Errno::NOENT
                | Errno::PERM,
            ) => return Err(io::ErrorKind::Unsupported.into()),
            opened => opened?,
        };
        set_mode_where_it_differs(&fd, mode)?;
        Ok(OsFile::of_no_size(fd))
    }

    #[cfg(not(target_os = "linux"))]
    fn create_unnamed(&self, _: &OsDir, _: u32) -> io::Result<OsFile> {
        Err(io::ErrorKind::Unsupported.into())
    }

    #[cfg(target_os = "linux")]
    fn name_file(&self, file: &OsFile, to: &OsDir, new: &str) -> io::Result<()> {
        // Before Linux 6.10 this is for root alone. It says that something is not there, and so it
        // does where `/proc` is missing.
        let by_handle = || fs::linkat(&file.fd, "", &*to.0, new, AtFlags::EMPTY_PATH);
        let named = match retry_on_intr(by_handle) {
            Err(errno) if is_unfit_for_naming(errno) => {
                let path = format!("/proc/self/fd/{}", file.fd.as_raw_fd());
                retry_on_intr(|| {
                    fs::linkat(CWD, path.as_str(), &*to.0, new, AtFlags::SYMLINK_FOLLOW)
                })
            }
            named => named,
        };
        match named {
            Err(errno) if is_unfit_for_naming(errno) => Err(io::ErrorKind::Unsupported.into()),
            named => Ok(named?),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn name_file(&self, _: &OsFile, _: &OsDir, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn open_read(&self, dir: &OsDir, name: &str) -> io::Result<OsFile> {
        // NONBLOCK: a pipe under the name must not stop the reader before it is found out.
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = match retry_on_intr(|| fs::openat(&*dir.0, name, flags, Mode::empty())) {
            Err(Errno::LOOP) => return Err(no_regular_file("a symbolic link")),
            opened => opened?,
        };
        let stat = retry_on_intr(|| fs::fstat(&fd))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok(OsFile {
                fd,
                size_bytes: usize::try_from(stat.st_size).unwrap_or(0),
            }),
            FileType::Directory => Err(no_regular_file("a directory")),
            _ => Err(no_regular_file("no regular file")),
        }
    }

    fn write_all(&self, file: &OsFile, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match retry_on_intr(|| rustix::io::write(&file.fd, rest))? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => rest = &rest[written..],
            }
        }
        Ok(())
    }

    fn read(&self, file: &OsFile, at_most: usize) -> io::Result<Vec<u8>> {
        // One more than there are: by it the end is met without asking for room again.
        let foreseen = file.size_bytes.saturating_add(1);
        let mut bytes = Vec::with_capacity(foreseen.min(at_most).min(READ_BYTES));
        while bytes.len() < at_most {
            let filled = bytes.len();
            let room = match bytes.capacity() - filled {
                0 => READ_BYTES,
                room => room.min(READ_BYTES),
            };
            bytes.resize(filled + room.min(at_most - filled), 0);
            let count = retry_on_intr(|| rustix::io::read(&file.fd, &mut bytes[filled..]))?;
            bytes.truncate(filled + count);
            if count == 0 {
                break;
            }
        }
        Ok(bytes)
    }

    fn sync_file(&self, file: &OsFile) -> io::Result<()> {
        flush(&file.fd)
    }

    fn sync_dir(&self, dir: &OsDir) -> io::Result<()> {
        match flush(&dir.0) {
            // Images made to be read know no flush, and have nothing to flush.
            Err(error)
                if Errno::from_io_error(&error) == Some(Errno::INVAL) && is_read_only(dir) =>
            {
                Ok(())
            }
            flushed => flushed,
        }
    }

    fn link(&self, from: &OsDir, old: &str, to: &OsDir, new: &str) -> io::Result<()> {
        Ok(retry_on_intr(|| {
            fs::linkat(&*from.0, old, &*to.0, new, AtFlags::empty())
        })?)
    }

    fn rename_noreplace(&self, from: &OsDir, old: &str, to: &OsDir, new: &str) -> io::Result<()> {
        let flags = RenameFlags::NOREPLACE;
        Ok(retry_on_intr(|| {
            fs::renameat_with(&*from.0, old, &*to.0, new, flags)
        })?)
    }

    fn rename(&self, dir: &OsDir, old: &str, new: &str) -> io::Result<()> {
        Ok(retry_on_intr(|| fs::renameat(&*dir.0, old, &*dir.0, new))?)
    }

    fn exchange(&self, dir: &OsDir, one: &str, other: &str) -> io::Result<()> {
        let flags = RenameFlags::EXCHANGE;
        Ok(retry_on_intr(|| {
            fs::renameat_with(&*dir.0, one, &*dir.0, other, flags)
        })?)
    }

    fn unlink(&self, dir: &OsDir, name: &str) -> io::Result<()> {
        Ok(retry_on_intr(|| {
            fs::unlinkat(&*dir.0, name, AtFlags::empty())
        })?)
    }

    fn remove_dir(&self, dir: &OsDir, name: &str) -> io::Result<()> {
        Ok(retry_on_intr(|| {
            fs::unlinkat(&*dir.0, name, AtFlags::REMOVEDIR)
        })?)
    }

    fn exists(&self, dir: &OsDir, name: &str) -> io::Result<bool> {
        match retry_on_intr(|| fs::statat(&*dir.0, name, AtFlags::SYMLINK_NOFOLLOW)) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    fn modified(&self, dir: &OsDir, name: &str) -> io::Result<i64> {
        let stat = retry_on_intr(|| fs::statat(&*dir.0, name, AtFlags::SYMLINK_NOFOLLOW))?;
        Ok(stat.st_mtime)
    }

    fn second(&self) -> i64 {
        rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec
    }

    fn is_dir(&self, dir: &OsDir, name: &str) -> io::Result<bool> {
        let stat = retry_on_intr(|| fs::statat(&*dir.0, name, AtFlags::SYMLINK_NOFOLLOW))?;
        Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
    }

    fn try_lock(&self, dir: &OsDir) -> io::Result<Option<OsFile>> {
        // A handle of its own: the lock belongs to it, and threads do not share one.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = retry_on_intr(|| fs::openat(&*dir.0, ".", flags, Mode::empty()))?;
        match retry_on_intr(|| fs::flock(&fd, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => Ok(Some(OsFile::of_no_size(fd))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    fn list(&self, dir: &OsDir, at_most: usize) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::Dir::read_from(&*dir.0)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy();
            if name != "." && name != ".." {
                names.push(name.into_owned());
            }
            if names.len() >= at_most {
                break;
            }
        }
        Ok(names)
    }

    fn list_typed(&self, dir: &OsDir) -> io::Result<Vec<(String, Option<bool>)>> {
        let mut names = Vec::new();
        for entry in fs::Dir::read_from(&*dir.0)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy();
            if name != "." && name != ".." {
                let is_dir = match entry.file_type() {
                    FileType::Unknown => None,
                    known => Some(known == FileType::Directory),
                };
                names.push((name.into_owned(), is_dir));
            }
        }
        Ok(names)
    }

    fn open_files_max(&self) -> usize {
        let limit = getrlimit(Resource::Nofile).current;
        limit.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        })
    }

    fn weigh(&self, dir: &OsDir, name: &str) -> io::Result<Weight> {
        let stat = retry_on_intr(|| fs::statat(&*dir.0, name, AtFlags::SYMLINK_NOFOLLOW))?;
        let is_dir = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        Ok(Weight {
            // What a directory says of its size is the file system's own affair.
            bytes: if is_dir {
                0
            } else {
                u64::try_from(stat.st_size).unwrap_or(0)
            },
            disk: u64::try_from(stat.st_blocks).unwrap_or(0) * STAT_BLOCK_BYTES,
            names: widened(stat.st_nlink),
        })
    }

    fn kind(&self, dir: &OsDir) -> io::Result<Kind> {
        Ok(kind_of(magic(dir)?))
    }

    fn whereabouts(&self, dir: &OsDir) -> io::Result<Option<Whereabouts>> {
        let stat = retry_on_intr(|| fs::fstat(&*dir.0))?;
        Ok(Some(Whereabouts {
            device: stat.st_dev,
            inode: stat.st_ino,
        }))
    }
}

impl OsFileSystem {
    fn make_then_set_mode(self, dir: &OsDir, name: &str, mode: u32) -> io::Result<OsDir> {
        retry_on_intr(|| fs::mkdirat(&*dir.0, name, bits(mode)))?;
        let made = self.open_dir(dir, name).inspect_err(|_| {
            // It is found from now on, and nobody sets its mode again.
            best_effort(
                fs::chmodat(&*dir.0, name, bits(mode), AtFlags::empty()).map_err(Into::into),
            );
        })?;
        set_mode_where_it_differs(&made.0, mode)?;
        Ok(made)
    }
}

/// Returns whether a kernel, a file system or a sandbox says so that gives no name to an open file.
/// None of these comes of a name that was given.
#[cfg(target_os = "linux")]
fn is_unfit_for_naming(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::NOENT
            | Errno::INVAL
            | Errno::NOSYS
            | Errno::OPNOTSUPP
            | Errno::PERM
            | Errno::ACCESS
            | Errno::XDEV
    )
}

/// Sets mode bits where the umask took some, or an access list of the directory above gave others:
/// a look is cheaper than a change of what is there already.
fn set_mode_where_it_differs(fd: &OwnedFd, mode: u32) -> io::Result<()> {
    let stat = retry_on_intr(|| fs::fstat(fd))?;
    if Mode::from_raw_mode(stat.st_mode) != bits(mode) {
        retry_on_intr(|| fs::fchmod(fd, bits(mode)))?;
    }
    Ok(())
}

/// Returns a number whose width differs between systems.
fn widened(number: impl Into<u64>) -> u64 {
    number.into()
}

fn bits(mode: u32) -> Mode {
    Mode::from_raw_mode(mode)
}

fn flush(fd: &OwnedFd) -> io::Result<()> {
    // On macOS `fsync` leaves the bytes in the drive's cache.
    #[cfg(target_vendor = "apple")]
    return Ok(retry_on_intr(|| fs::fcntl_fullfsync(fd))?);
    #[cfg(not(target_vendor = "apple"))]
    Ok(retry_on_intr(|| fs::fsync(fd))?)
}

fn is_read_only(dir: &OsDir) -> bool {
    let stat = retry_on_intr(|| fs::fstatvfs(&*dir.0));
    stat.is_ok_and(|stat| stat.f_flag.contains(StatVfsMountFlags::RDONLY))
}

fn no_regular_file(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Returns the magic number of the file system that a directory is on.
pub(super) fn magic(dir: &OsDir) -> io::Result<u64> {
    let stat = retry_on_intr(|| fs::fstatfs(&*dir.0))?;
    Ok(stat.f_type.cast_unsigned() & 0xffff_ffff)
}

/// Sorts a file system by its magic number.
///
/// # Source
/// `linux/magic.h`; `statfs(2)`.
fn kind_of(magic: u64) -> Kind {
    match magic {
        0xef53 | 0x5846_5342 | 0x0102_1994 => Kind::Journal, // ext2 to ext4, xfs, tmpfs
        0x9123_683e => Kind::CopyOnWrite,                    // btrfs
        // NFS, SMB 1 and 2, CIFS, 9p, AFS, Ceph, Lustre, GPFS, BeeGFS, OrangeFS, and what is behind
        // FUSE: mostly another host (sshfs, Gluster, buckets), and its absent names are cached
        0x6969 | 0x517b | 0xfe53_4d42 | 0xff53_4d42 | 0x0102_1997 | 0x5346_414f | 0x00c3_6400
        | 0x0bd0_0bd0 | 0x4750_4653 | 0x1983_0326 | 0x2003_0528 | 0x6573_5546 => Kind::Network,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn shared_directory_is_never_seen_with_other_modes() {
        let root = TempDir::new().unwrap();
        let dir = OsFileSystem.open_root(root.path()).unwrap();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                let mut modes = std::collections::BTreeSet::new();
                while !done.load(Ordering::SeqCst) {
                    let names = OsFileSystem.list(&dir, usize::MAX).unwrap();
                    let made = names.iter().filter(|name| name.starts_with("made"));
                    for name in made {
                        let stat = fs::statat(&*dir.0, name.as_str(), AtFlags::empty()).unwrap();
                        modes.insert(stat.st_mode & 0o7777);
                    }
                }
                modes
            });
            for number in 0..200 {
                OsFileSystem
                    .make_dir(&dir, &format!("made{number}"), 0o3770)
                    .unwrap();
            }
            done.store(true, Ordering::SeqCst);
            assert!(watcher.join().unwrap().iter().all(|mode| *mode == 0o3770));
        });
        let again = OsFileSystem.make_dir(&dir, "made0", 0o3770).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(OsFileSystem.list(&dir, usize::MAX).unwrap().len(), 200);
    }
}
