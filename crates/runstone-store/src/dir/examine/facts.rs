//! What the system tells of a file system without anything being written.

use std::io;
use std::time::Duration;

use rustix::fs::{fgetxattr, fstat, fstatvfs};
use rustix::io::{Errno, retry_on_intr};
use rustix::time::{ClockId, clock_gettime};

use super::super::fs::Kind;
use super::super::os::{OsDir, magic};
use super::journal::has_journal;
use super::{Row, State};

/// Bytes free below which a store is told to be short of room: chosen, some thousand documents.
const BYTES_MIN: u64 = 64 * 1024 * 1024;
/// Files free below which it is.
const FILES_MIN: u64 = 10_000;

/// Names of file systems by magic number.
///
/// # Source
/// `linux/magic.h`; `statfs(2)`.
const NAMES: [(u64, &str); 19] = [
    (EXT, "ext2, ext3 or ext4"),
    (0x5846_5342, "xfs"),
    (0x0102_1994, "tmpfs"),
    (0x9123_683e, "btrfs"),
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xfe53_4d42, "SMB 2"),
    (0xff53_4d42, "CIFS"),
    (0x0102_1997, "9p"),
    (0x5346_414f, "AFS"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x1983_0326, "BeeGFS"),
    (0x2003_0528, "OrangeFS"),
    (0x6573_5546, "FUSE"),
    (0x794c_7630, "overlayfs"),
    (0x2fc1_2fc1, "ZFS"),
    (0xf2f5_2010, "f2fs"),
];
/// Those of the ext family.
const EXT: u64 = 0xef53;
/// The one of memory.
const TMPFS: u64 = 0x0102_1994;

pub(super) fn type_row(dir: &OsDir, kind: Kind) -> io::Result<Row> {
    let magic = magic(dir)?;
    let has_no_journal = magic == EXT && has_journal(dir) == Some(false);
    let name = match NAMES.iter().find(|(known, _)| *known == magic) {
        Some(_) if has_no_journal => "ext without a journal",
        Some((_, name)) => name,
        None => "unknown",
    };
    let means = match kind {
        Kind::Journal => "on this host, keeps names in one journal; two flushes a commit",
        Kind::CopyOnWrite => "on this host, copies on write; three flushes a commit",
        Kind::Network => "over a network; three flushes a commit, directories are listed first",
        Kind::Other => "nothing more is known of it; three flushes a commit",
    };
    let (state, hint) = match kind {
        _ if magic == TMPFS => (
            State::Warning,
            Some("nothing here survives a reboot; `runstone init DIR` on a disk keeps it"),
        ),
        Kind::Network => (
            State::Warning,
            Some(
                "a server that exports with `async` can lose what was acknowledged; ask for `sync`, and run `runstone doctor` on each host",
            ),
        ),
        _ if has_no_journal => (
            State::Warning,
            Some(
                "a power cut may take what was acknowledged; `tune2fs -O has_journal DEVICE`, unmounted, gives it a journal",
            ),
        ),
        _ => (State::Good, None),
    };
    Ok(Row {
        subject: "type",
        asked: "which file system is it, and what does a commit take there?",
        found: format!("{name} ({magic:x}): {means}"),
        state,
        hint,
    })
}

pub(super) fn room_row(dir: &OsDir) -> io::Result<Row> {
    let stat = retry_on_intr(|| fstatvfs(&*dir.0))?;
    let bytes = stat.f_bavail.saturating_mul(stat.f_frsize);
    // File systems that make inodes as they go count none.
    let files = (stat.f_files > 0).then_some(stat.f_favail);
    let is_short = bytes < BYTES_MIN || files.is_some_and(|files| files < FILES_MIN);
    let files = match files {
        Some(files) => format!("{files} files"),
        None => "no limit of files".to_owned(),
    };
    Ok(Row {
        subject: "room",
        asked: "how much may still be written?",
        found: format!("{} MiB, {files}", bytes / (1024 * 1024)),
        state: if is_short {
            State::Warning
        } else {
            State::Good
        },
        hint: is_short.then_some("make room; `runstone stats` says what the store takes"),
    })
}

pub(super) fn acl_row(dir: &OsDir) -> Row {
    let mut list = [0_u8; 0];
    // With no room for it the system tells its size.
    let listed = retry_on_intr(|| fgetxattr(&*dir.0, "system.posix_acl_default", &mut list[..]));
    let (found, state, hint) = match listed {
        Ok(0) | Err(Errno::NODATA) => ("no default ACL".to_owned(), State::Good, None),
        Err(Errno::OPNOTSUPP) => ("no ACLs here".to_owned(), State::Good, None),
        Ok(_) => (
            "a default ACL: who it names may get into what is made here, beside the mode bits"
                .to_owned(),
            State::Warning,
            Some("`getfacl DIR` shows it, `setfacl -k DIR` removes it"),
        ),
        Err(errno) => (
            format!("it cannot be read: {}", io::Error::from(errno)),
            State::Unasked,
            None,
        ),
    };
    Row {
        subject: "acl",
        asked: "does a default ACL let others in?",
        found,
        state,
        hint,
    }
}

/// Returns when a directory was changed, by the clock of its file system.
pub(super) fn modified(dir: &OsDir) -> io::Result<Duration> {
    let stat = retry_on_intr(|| fstat(&*dir.0))?;
    Ok(since_epoch(stat.st_mtime, widened(stat.st_mtime_nsec)))
}

/// Returns the time of this host.
pub(super) fn host_time() -> Duration {
    let now = clock_gettime(ClockId::Realtime);
    since_epoch(now.tv_sec, widened(now.tv_nsec))
}

/// Returns a number whose type differs between systems, and of which none is below zero.
fn widened<N>(number: N) -> u32
where
    u32: TryFrom<N>,
{
    u32::try_from(number).unwrap_or(0)
}

fn since_epoch(seconds: i64, nanoseconds: u32) -> Duration {
    Duration::new(u64::try_from(seconds).unwrap_or(0), nanoseconds)
}
