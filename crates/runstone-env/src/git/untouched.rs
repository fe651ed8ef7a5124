//! Tracked files that nobody touched since git read them: told by a look, without reading.
//!
//! Almost all files of a work tree are such. The index keeps of each what `lstat` said when git
//! read it; what says the same now holds the same, unless it was written once more in the very
//! instant in which git read it. git tells instants apart by the second, which puts every file in
//! doubt whose repository was cloned within the second in which its index was written. Here
//! nanoseconds count as well, where one clock gave them to the file and to the index: that leaves
//! a few files in doubt.
//!
//! The invariant: a file that is marked would be found unmodified if it were read. What becomes of
//! the others belongs to `work_tree`.

use std::ffi::OsStr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::bstr::{BStr, ByteSlice as _};
use gix::index::entry::stat::Time;
use gix::index::entry::{Flags, Mode, Stat};
use gix::index::{Entry, File};
use rustix::fs::{self, AtFlags, FileType, OFlags};

use super::repository::Opened;

/// Marks of entries at which nobody looks: git was told so.
const PASSED_OVER: Flags = Flags::UPTODATE
    .union(Flags::SKIP_WORKTREE)
    .union(Flags::ASSUME_VALID)
    .union(Flags::FSMONITOR_VALID);

/// Marks the entries of `index` whose files were not touched, and returns how many entries are left
/// to look at.
pub(super) fn mark(
    opened: &Opened,
    index: &mut File,
    stop: &AtomicBool,
) -> Result<usize, gix::Error> {
    let options = opened.repository.stat_options()?;
    let is_trusted = options.check_stat && options.trust_ctime;
    let (timestamp, written) = (index.timestamp(), Written::of(index));
    let folders = opened.repository.workdir().and_then(Folders::below);
    let (entries, paths) = index.entries_mut_and_pathbacking();
    let Some(mut folders) = folders else {
        return Ok(entries.len());
    };
    let mut left = 0;
    for entry in entries {
        if entry.flags.intersects(PASSED_OVER) {
            continue;
        }
        let is_untouched = |stat: &fs::Stat| {
            let Some(found) = as_git_keeps(stat) else {
                return false;
            };
            let is_racy = found.is_racy(timestamp, options)
                && !(is_trusted && written.is_after(&found, entry, stat.st_dev));
            mode(stat) == Some(entry.mode) && found.matches(&entry.stat, options) && !is_racy
        };
        let may_be = is_plain(entry) && !stop.load(Ordering::Relaxed);
        let stat = may_be.then(|| folders.stat(entry.path_in(paths))).flatten();
        if stat.is_some_and(|stat| is_untouched(&stat)) {
            entry.flags |= Flags::UPTODATE;
        } else {
            left += 1;
        }
    }
    Ok(left)
}

/// Tells whether an entry is of a file or a link, and nothing else is to be said of it.
fn is_plain(entry: &Entry) -> bool {
    let modes = [Mode::FILE, Mode::FILE_EXECUTABLE, Mode::SYMLINK];
    // No size is how git notes down that a file has to be read.
    let is_sized = entry.stat.size != 0 || entry.id.is_empty_blob();
    let is_alone = entry.stage_raw() == 0 && !entry.flags.contains(Flags::INTENT_TO_ADD);
    is_alone && is_sized && modes.contains(&entry.mode)
}

/// When the index was written, and by the clock of which file system, if that is known.
struct Written {
    at: (i64, u32),
    device: Option<u64>,
}

impl Written {
    fn of(index: &File) -> Self {
        let timestamp = index.timestamp();
        let at = (timestamp.unix_seconds(), timestamp.nanoseconds());
        let stat = fs::stat(index.path()).ok();
        let stat = stat.filter(|it| (it.st_mtime, it.st_mtime_nsec) == (at.0, u64::from(at.1)));
        Self {
            at,
            device: stat.map(|it| it.st_dev),
        }
    }

    /// Tells whether a file is as it was in an instant before the index was written. The time of
    /// its last change says so, since nobody can set that one back.
    fn is_after(&self, found: &Stat, entry: &Entry, device: u64) -> bool {
        let Time { secs, nsecs } = found.ctime;
        // Some clocks give whole seconds.
        let is_fine = nsecs != 0 && self.at.1 != 0;
        let is_same = (found.mtime, found.ctime) == (entry.stat.mtime, entry.stat.ctime);
        let is_earlier = (i64::from(secs), nsecs) < self.at;
        self.device == Some(device) && is_fine && is_same && is_earlier
    }
}

/// Returns what the index would keep of a file. `None`: of another time than git knows.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the index has room for the lowest bits of these numbers alone"
)]
fn as_git_keeps(stat: &fs::Stat) -> Option<Stat> {
    let time = |seconds: i64, nanoseconds: u64| {
        let (secs, nsecs) = (seconds.try_into().ok()?, nanoseconds.try_into().ok()?);
        Some(Time { secs, nsecs })
    };
    Some(Stat {
        mtime: time(stat.st_mtime, stat.st_mtime_nsec)?,
        ctime: time(stat.st_ctime, stat.st_ctime_nsec)?,
        dev: stat.st_dev as u32,
        ino: stat.st_ino as u32,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: u32::try_from(stat.st_size).ok()?,
    })
}

/// Returns what kind of entry would be made of a file.
fn mode(stat: &fs::Stat) -> Option<Mode> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => Some(Mode::SYMLINK),
        // git looks at the owner's mark alone.
        FileType::RegularFile if stat.st_mode & 0o100 != 0 => Some(Mode::FILE_EXECUTABLE),
        FileType::RegularFile => Some(Mode::FILE),
        _ => None,
    }
}

/// The folders on the way to a path, opened one below the other, and no link among them. Paths come
/// in order, so that most are in the folder of the one before.
struct Folders {
    work_tree: OwnedFd,
    path: Vec<u8>,
    /// Each with the length of its path.
    below: Vec<(usize, OwnedFd)>,
}

impl Folders {
    fn below(work_tree: &Path) -> Option<Self> {
        Some(Self {
            work_tree: open(fs::CWD, work_tree.as_os_str(), OFlags::empty())?,
            path: Vec::new(),
            below: Vec::new(),
        })
    }

    /// Returns what is known of the file at `path`. `None`: it is not there, or not by this path.
    fn stat(&mut self, path: &BStr) -> Option<fs::Stat> {
        let (folder, name) = match path.rfind_byte(b'/') {
            Some(end) => (&path[..end], &path[end + 1..]),
            None => (&path[..0], path),
        };
        let folder = self.at(folder)?;
        let name = is_name(name).then(|| OsStr::from_bytes(name))?;
        fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()
    }

    fn at(&mut self, folder: &[u8]) -> Option<BorrowedFd<'_>> {
        if self.path != folder {
            self.go_to(folder)?;
        }
        let deepest = self.below.last().map(|(_, opened)| opened);
        Some(deepest.unwrap_or(&self.work_tree).as_fd())
    }

    fn go_to(&mut self, folder: &[u8]) -> Option<()> {
        let is_above = |above: &[u8]| {
            let rest = folder.strip_prefix(above);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        while let Some((length, _)) = self.below.last()
            && !is_above(&self.path[..*length])
        {
            self.below.pop();
        }
        self.path.truncate(self.below.last().map_or(0, |it| it.0));
        let rest = folder[self.path.len()..].split_str("/");
        for name in rest.skip(usize::from(!self.path.is_empty())) {
            if name.is_empty() && folder.is_empty() {
                break;
            }
            let name = is_name(name).then(|| OsStr::from_bytes(name))?;
            let deepest = self.below.last().map(|(_, opened)| opened);
            let deepest = deepest.unwrap_or(&self.work_tree).as_fd();
            let opened = open(deepest, name, OFlags::NOFOLLOW)?;
            if !self.path.is_empty() {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(name.as_bytes());
            self.below.push((self.path.len(), opened));
        }
        Some(())
    }
}

fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..")
}

fn open(at: BorrowedFd<'_>, name: &OsStr, more: OFlags) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | more;
    fs::openat(at, name, flags, fs::Mode::empty()).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;
    use std::time::Duration;

    use gix::index::{State, write};
    use tempfile::TempDir;

    use super::*;

    const PATHS: [&str; 4] = ["a/b/two", "a/one", "a/zero", "last"];

    /// A repository whose index knows its files; it was written in the same second.
    struct Scene {
        _folder: TempDir,
        path: PathBuf,
        opened: Opened,
    }

    impl Scene {
        fn new() -> Self {
            let folder = TempDir::new().unwrap();
            let path = folder.path().canonicalize().unwrap();
            let opened = Opened {
                repository: gix::init(&path).unwrap(),
                filters: std::collections::BTreeSet::new(),
            };
            let mut index = State::new(opened.repository.object_hash());
            std::fs::create_dir_all(path.join("a/b")).unwrap();
            let id = opened.repository.empty_tree().id;
            for name in PATHS {
                let path = path.join(name);
                put(&path, "text");
                let metadata = gix::index::fs::Metadata::from_path_no_follow(&path).unwrap();
                let stat = Stat::from_fs(&metadata).unwrap();
                index.dangerously_push_entry(stat, id, Flags::empty(), Mode::FILE, name.into());
            }
            // Clocks of file systems tick every ten milliseconds at the slowest.
            std::thread::sleep(Duration::from_millis(20));
            let mut file = File::from_state(index, opened.repository.index_path());
            file.write(write::Options::default()).unwrap();
            Self {
                _folder: folder,
                path,
                opened,
            }
        }

        /// Returns the paths that were not marked.
        fn left(&self) -> Vec<String> {
            let mut index = self.opened.repository.open_index().unwrap();
            let left = mark(&self.opened, &mut index, &AtomicBool::new(false)).unwrap();
            let entries = index.entries().iter();
            let entries = entries.filter(|it| !it.flags.contains(Flags::UPTODATE));
            let paths: Vec<_> = entries.map(|it| it.path(&index).to_string()).collect();
            assert_eq!(left, paths.len());
            paths
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a fixture needs no flush")]
    fn put(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn files_of_a_fresh_clone_need_not_be_read() {
        assert_eq!(Scene::new().left(), [""; 0]);
    }

    #[test]
    fn file_whose_time_was_set_back_has_to_be_read() {
        let scene = Scene::new();
        let path = scene.path.join("a/one");
        let before = std::fs::metadata(&path).unwrap().modified().unwrap();
        put(&path, "TEXT");
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(before).unwrap();
        assert_eq!(scene.left(), ["a/one"]);
    }

    #[test]
    fn index_that_was_written_in_the_instant_of_its_files_proves_nothing() {
        let scene = Scene::new();
        let modified = std::fs::metadata(scene.path.join("last")).unwrap();
        let index = scene.opened.repository.index_path();
        let index = std::fs::File::options().write(true).open(index).unwrap();
        index.set_modified(modified.modified().unwrap()).unwrap();
        assert!(scene.left().contains(&"last".to_owned()));
    }

    #[test]
    fn what_stands_behind_a_link_is_no_file_of_the_work_tree() {
        let scene = Scene::new();
        // The file itself stays as it is, and is found by another way.
        let (folder, elsewhere) = (scene.path.join("a/b"), scene.path.join("elsewhere"));
        fs::rename(&folder, &elsewhere).unwrap();
        symlink(&elsewhere, &folder).unwrap();
        std::fs::remove_file(scene.path.join("last")).unwrap();
        assert_eq!(scene.left(), ["a/b/two", "last"]);
    }
}
