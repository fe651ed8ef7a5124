//! Whether an ext file system has a journal: `statfs` gives ext2, ext3 and ext4 one number.
//!
//! The kernel tells it of ext4, which mounts all three, in sysfs. Where that is not to be seen, or
//! says something else one day, nothing is known: the answer is only ever a warning.

use std::fs;
use std::path::Path;

use rustix::fs::{fstat, major, minor};
use rustix::io::retry_on_intr;

use super::super::os::OsDir;

/// Returns whether the file system of a directory, which is one of ext, has a journal; nothing if
/// the kernel does not tell.
pub(super) fn has_journal(dir: &OsDir) -> Option<bool> {
    let device = retry_on_intr(|| fstat(&*dir.0)).ok()?.st_dev;
    told_below(Path::new("/sys"), major(device), minor(device))
}

/// # Source
/// `journal_task` in `fs/ext4/sysfs.c` of Linux: the process of the journal, or `<none>`.
fn told_below(sys: &Path, major: u32, minor: u32) -> Option<bool> {
    let device = fs::read_link(sys.join(format!("dev/block/{major}:{minor}"))).ok()?;
    let told = sys
        .join("fs/ext4")
        .join(device.file_name()?)
        .join("journal_task");
    match fs::read_to_string(told).ok()?.trim() {
        "<none>" => Some(false),
        process => process.parse::<u32>().is_ok().then_some(true),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "what the kernel shows, in a folder"
    )]
    fn what_the_kernel_says_is_told_and_nothing_else() {
        let sys = TempDir::new().unwrap();
        assert_eq!(told_below(sys.path(), 254, 0), None);
        fs::create_dir_all(sys.path().join("dev/block")).unwrap();
        symlink(
            "../../devices/virtio1/block/vda",
            sys.path().join("dev/block/254:0"),
        )
        .unwrap();
        assert_eq!(told_below(sys.path(), 254, 0), None);
        fs::create_dir_all(sys.path().join("fs/ext4/vda")).unwrap();
        for (told, expected) in [
            ("<none>\n", Some(false)),
            ("6217\n", Some(true)),
            ("soon\n", None),
            ("", None),
        ] {
            fs::write(sys.path().join("fs/ext4/vda/journal_task"), told).unwrap();
            assert_eq!(told_below(sys.path(), 254, 0), expected, "{told:?}");
        }
        assert_eq!(told_below(sys.path(), 7, 0), None);
    }
}
