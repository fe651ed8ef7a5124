//! The folder that everything is read from: `/`, or an image, a chroot, a fixture.
//!
//! Paths here are those a program inside the root would use, and links mean what they would mean
//! to it: an absolute one begins at the root, and `..` ends there. The invariant: no link leads out
//! of the root, and what was read is one state of a file, or it is said that it was not
//! ([`RootError::Changing`]). Which files are read belongs to the sources.

use std::cell::Cell;
use std::ffi::OsString;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use memchr::memmem;
use rustix::fs::{self, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

/// Largest file that is read, in bytes. Chosen: a status file of 100,000 packages is a third of it.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Largest file that room is made for before it is read, in bytes: a size may be a lie.
const LIKELY_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Room for files that are only looked at, in bytes, for each thread that looks. Chosen: larger than
/// most lists of files; grown in steps a recording took 3 MB more at its peak.
const ROOM_BYTES: usize = 1024 * 1024;
/// How much is read of a file of which the beginning counts, in bytes. Chosen: the headers of most
/// distributions.
const PART_BYTES: u64 = 4096;
/// How much is read at a time of a file of which the end counts, in bytes. Chosen: an eighth of what
/// glibc has behind its version; twice as much takes memory that the allocator has no other use for.
const LAST_PART_BYTES: u64 = 32 * 1024;
/// Most names that are read of a folder. Chosen: a hundred times the largest `site-packages` met.
const NAMES_MAX: usize = 100_000;
/// Most links that one path leads through, as Linux has it (`path_resolution(7)`).
const LINKS_MAX: usize = 40;
/// How often a file that changes while it is read is read again.
const AGAIN_MAX: usize = 2;

/// How a file of so many bytes, by its own word, is read.
type Way<'w> = dyn Fn(&mut std::fs::File, u64, &mut Vec<u8>) -> io::Result<()> + 'w;

thread_local! {
    /// What files are read into that are only looked at: a thousand of them need the room of the
    /// largest, and fresh memory costs more than the reading.
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A folder that is captured as if it were the root of a machine.
#[derive(Debug)]
pub struct Root {
    folder: OwnedFd,
    path: PathBuf,
}

/// Why something below a root could not be read. That nothing is there is no error.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The system refused.
    #[error("could not read `{}`", .path.display())]
    Io {
        /// What was to be read, as seen from inside the root.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A pipe, a device or a folder stands where a file belongs.
    #[error("{} is not a regular file", .path.display())]
    NotAFile {
        /// What was to be read.
        path: PathBuf,
    },
    /// There is more than is read.
    #[error("{} is larger than the limit of {limit}", .path.display())]
    TooLarge {
        /// What was to be read.
        path: PathBuf,
        /// The limit: bytes of a file, names in a folder.
        limit: u64,
    },
    /// It changed each time it was read.
    #[error("{} changes while it is read", .path.display())]
    Changing {
        /// What was to be read.
        path: PathBuf,
    },
}

/// What stands in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What kind of thing it is, without following it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    File,
    Folder,
    Link,
    Other,
}

/// The names in a folder, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) entries: Vec<Entry>,
    /// How many names are not UTF-8, and left out.
    pub(crate) not_text: usize,
}

/// By what one sees that a file or a folder was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size_bytes: i64,
    modified: (i64, u64),
}

impl Root {
    /// Opens the machine this program runs on.
    ///
    /// # Errors
    /// [`RootError::Io`] if `/` cannot be opened.
    pub fn host() -> Result<Self, RootError> {
        Self::at("/")
    }

    /// Opens `path` as the root of a machine.
    ///
    /// # Errors
    /// [`RootError::Io`] if it is no folder that can be opened.
    pub fn at(path: impl Into<PathBuf>) -> Result<Self, RootError> {
        let path = path.into();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match fs::open(&path, flags, Mode::empty()) {
            Ok(folder) => Ok(Self { folder, path }),
            Err(error) => Err(RootError::Io {
                path,
                source: error.into(),
            }),
        }
    }

    /// Tells whether this is the machine the program runs on.
    pub fn is_host(&self) -> bool {
        self.path == Path::new("/")
    }

    /// Reads a file. `None`: nothing is there.
    pub(crate) fn read(&self, path: impl AsRef<Path>) -> Result<Option<Vec<u8>>, RootError> {
        let mut bytes = Vec::new();
        let is_there = self.read_by(path.as_ref(), &whole, &mut bytes)?;
        Ok(is_there.then_some(bytes))
    }

    /// Reads a file from its beginning, until `is_enough` of it was read. `None`: nothing is there.
    pub(crate) fn head(
        &self,
        path: impl AsRef<Path>,
        is_enough: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<Vec<u8>>, RootError> {
        let mut bytes = Vec::new();
        let is_there = self.read_by(path.as_ref(), &until(is_enough), &mut bytes)?;
        Ok(is_there.then_some(bytes))
    }

    /// Reads the last part of a file in which `mark` stands, with `behind` bytes after it if there
    /// are as many; its beginning if it stands nowhere. `None`: nothing is there.
    pub(crate) fn last_part_with(
        &self,
        path: impl AsRef<Path>,
        mark: &[u8],
        behind: u64,
    ) -> Result<Option<Vec<u8>>, RootError> {
        let mut bytes = Vec::new();
        let is_there = self.read_by(path.as_ref(), &last_with(mark, behind), &mut bytes)?;
        Ok(is_there.then_some(bytes))
    }

    /// Reads a file, looks at it, and keeps nothing of it. `None`: nothing is there.
    pub(crate) fn look<T>(
        &self,
        path: impl AsRef<Path>,
        look: impl FnOnce(&[u8]) -> T,
    ) -> Result<Option<T>, RootError> {
        self.look_by(path.as_ref(), &whole, look)
    }

    /// The same of the beginning of a file, until `is_enough` of it was read.
    pub(crate) fn look_at_head<T>(
        &self,
        path: impl AsRef<Path>,
        is_enough: impl Fn(&[u8]) -> bool,
        look: impl FnOnce(&[u8]) -> T,
    ) -> Result<Option<T>, RootError> {
        self.look_by(path.as_ref(), &until(is_enough), look)
    }

    fn look_by<T>(
        &self,
        path: &Path,
        way: &Way<'_>,
        look: impl FnOnce(&[u8]) -> T,
    ) -> Result<Option<T>, RootError> {
        let mut bytes = ROOM.take();
        bytes.clear();
        // At once: each size on the way to the largest would be memory of its own.
        bytes.reserve_exact(ROOM_BYTES);
        let read = self.read_by(path, way, &mut bytes);
        let looked = read.map(|is_there| is_there.then(|| look(&bytes)));
        if bytes.capacity() as u64 <= LIKELY_BYTES_MAX {
            ROOM.set(bytes);
        }
        looked
    }

    /// Reads a file in a way, until it did not change meanwhile. Returns whether it is there.
    fn read_by(&self, path: &Path, way: &Way<'_>, bytes: &mut Vec<u8>) -> Result<bool, RootError> {
        for _ in 0..=AGAIN_MAX {
            let Some(file) = self.open(path)? else {
                return Ok(false);
            };
            bytes.clear();
            if read_once(file, path, way, bytes)? {
                return Ok(true);
            }
        }
        Err(RootError::Changing {
            path: path.to_owned(),
        })
    }

    /// Opens a regular file, to read parts of it. `None`: nothing is there.
    pub(crate) fn file(&self, path: impl AsRef<Path>) -> Result<Option<OwnedFd>, RootError> {
        let path = path.as_ref();
        let Some(file) = self.open(path)? else {
            return Ok(None);
        };
        let stat = fs::fstat(&file).map_err(|error| RootError::Io {
            path: path.to_owned(),
            source: error.into(),
        })?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(RootError::NotAFile {
                path: path.to_owned(),
            });
        }
        Ok(Some(file))
    }

    /// Reads the first bytes of a file. `None`: nothing is there, or nothing that can be read.
    pub(crate) fn beginning(&self, path: impl AsRef<Path>, size_bytes: u64) -> Option<Vec<u8>> {
        let file = self.open(path.as_ref()).ok()??;
        let mut bytes = Vec::new();
        let file = std::fs::File::from(file);
        file.take(size_bytes).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Lists a folder. `None`: nothing is there.
    pub(crate) fn list(&self, path: impl AsRef<Path>) -> Result<Option<Listing>, RootError> {
        let path = path.as_ref();
        let failed = |error: Errno| RootError::Io {
            path: path.to_owned(),
            source: error.into(),
        };
        let Some(folder) = self.open(path)? else {
            return Ok(None);
        };
        let mut listing = Listing::default();
        for entry in Dir::new(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            if listing.entries.len() >= NAMES_MAX {
                return Err(RootError::TooLarge {
                    path: path.to_owned(),
                    limit: NAMES_MAX as u64,
                });
            }
            let Ok(name) = name.to_str().map(ToOwned::to_owned) else {
                listing.not_text += 1;
                continue;
            };
            let kind = match entry.file_type() {
                // Some file systems do not tell with the name.
                FileType::Unknown => self.kind(&path.join(&name))?,
                told => Kind::of(told),
            };
            listing.entries.push(Entry { name, kind });
        }
        listing.entries.sort();
        Ok(Some(listing))
    }

    /// Returns where the link at `path` leads, as it says. `None`: it is no link, or unreadable.
    pub(crate) fn link(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        let path = path.as_ref();
        let above = self.open(path.parent()?).ok()??;
        let target = fs::readlinkat(&above, path.file_name()?, Vec::new()).ok()?;
        Some(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    /// Returns by what a change at `path` is seen. `None`: nothing is there that can be opened.
    pub(crate) fn stamp(&self, path: impl AsRef<Path>) -> Option<Stamp> {
        let file = self.open(path.as_ref()).ok()??;
        fs::fstat(&file).ok().map(|stat| Stamp::of(&stat))
    }

    /// Tells whether something is there that can be opened.
    pub(crate) fn has(&self, path: impl AsRef<Path>) -> bool {
        matches!(self.open(path.as_ref()), Ok(Some(_)))
    }

    fn kind(&self, path: &Path) -> Result<Kind, RootError> {
        let failed = |error: Errno| RootError::Io {
            path: path.to_owned(),
            source: error.into(),
        };
        let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(Kind::Other);
        };
        let Some(above) = self.open(above)? else {
            return Ok(Kind::Other);
        };
        let stat = fs::statat(&above, name, fs::AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
        Ok(Kind::of(FileType::from_raw_mode(stat.st_mode)))
    }

    fn open(&self, path: &Path) -> Result<Option<OwnedFd>, RootError> {
        match self.walk(path) {
            Ok(file) => Ok(Some(file)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(error) => Err(RootError::Io {
                path: path.to_owned(),
                source: error.into(),
            }),
        }
    }

    /// Goes down to `path` name by name, since the system would follow a link out of the root. From
    /// `/` there is nothing outside, and the system walks.
    fn walk(&self, path: &Path) -> Result<OwnedFd, Errno> {
        if self.is_host() {
            return fs::open(Path::new("/").join(path), opening(), Mode::empty());
        }
        let mut names = Vec::new();
        push_names(&mut names, path);
        let mut below: Vec<OwnedFd> = Vec::new();
        let mut links = 0;
        while let Some(name) = names.pop() {
            if name == ".." {
                below.pop();
                continue;
            }
            let at = below.last().map_or(self.folder.as_fd(), AsFd::as_fd);
            match fs::openat(at, &name, opening() | OFlags::NOFOLLOW, Mode::empty()) {
                Ok(file) if names.is_empty() => return Ok(file),
                Ok(file) => below.push(file),
                Err(Errno::LOOP) => {
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(Errno::LOOP);
                    }
                    let target = fs::readlinkat(at, &name, Vec::new())?;
                    let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                    if target.is_absolute() {
                        below.clear();
                    }
                    push_names(&mut names, &target);
                }
                Err(error) => return Err(error),
            }
        }
        let at = below.last().map_or(self.folder.as_fd(), AsFd::as_fd);
        fs::openat(at, ".", opening(), Mode::empty())
    }
}

/// How things are opened: a pipe without a writer must not make the reader wait.
fn opening() -> OFlags {
    OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY
}

/// Puts the names of `path` on the pile, the first on top.
fn push_names(names: &mut Vec<OsString>, path: &Path) {
    for part in path.components().rev() {
        match part {
            Component::Normal(name) => names.push(name.to_owned()),
            Component::ParentDir => names.push("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
}

/// Reads a file once. Returns whether it stayed as it was meanwhile.
fn read_once(
    file: OwnedFd,
    path: &Path,
    way: &Way<'_>,
    bytes: &mut Vec<u8>,
) -> Result<bool, RootError> {
    let failed = |source: io::Error| RootError::Io {
        path: path.to_owned(),
        source,
    };
    let before = fs::fstat(&file).map_err(|error| failed(error.into()))?;
    if FileType::from_raw_mode(before.st_mode) != FileType::RegularFile {
        return Err(RootError::NotAFile {
            path: path.to_owned(),
        });
    }
    let mut file = std::fs::File::from(file);
    let size_bytes = u64::try_from(before.st_size).unwrap_or_default();
    way(&mut file, size_bytes, bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(RootError::TooLarge {
            path: path.to_owned(),
            limit: FILE_BYTES_MAX,
        });
    }
    let after = fs::fstat(&file).map_err(|error| failed(error.into()))?;
    Ok(Stamp::of(&before) == Stamp::of(&after))
}

/// Reads a file to its end, which is where its size says: looking further costs a call for each of
/// a thousand files, and one that grew is read again. Files of the kernel say no size.
fn whole(file: &mut std::fs::File, size_bytes: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    let (limit, likely) = match size_bytes {
        0 => (FILE_BYTES_MAX + 1, 0),
        size => (size.min(FILE_BYTES_MAX + 1), size.min(LIKELY_BYTES_MAX)),
    };
    bytes.reserve_exact(usize::try_from(likely).unwrap_or_default());
    file.take(limit).read_to_end(bytes).map(drop)
}

/// Returns the way to read a file until enough was read, or to its end.
fn until(
    is_enough: impl Fn(&[u8]) -> bool,
) -> impl Fn(&mut std::fs::File, u64, &mut Vec<u8>) -> io::Result<()> {
    move |file, _size_bytes, bytes| {
        let mut part = PART_BYTES;
        while bytes.len() as u64 <= FILE_BYTES_MAX {
            // Without room it would be read in pieces that begin with a few bytes.
            bytes.reserve(usize::try_from(part).unwrap_or_default());
            let read = file.by_ref().take(part).read_to_end(bytes)?;
            if (read as u64) < part || is_enough(bytes) {
                break;
            }
            part *= 2;
        }
        Ok(())
    }
}

/// Returns the way to read a file part by part from its end, until one has `mark`; one that says no
/// size, or is too large to be read, is read as others are.
fn last_with(
    mark: &[u8],
    behind: u64,
) -> impl Fn(&mut std::fs::File, u64, &mut Vec<u8>) -> io::Result<()> {
    // What begins in one part may go on in the next.
    let beyond = mark.len() as u64 + behind;
    move |file, size_bytes, bytes| {
        if size_bytes == 0 || size_bytes > FILE_BYTES_MAX {
            return whole(file, size_bytes, bytes);
        }
        let mut end = size_bytes;
        loop {
            let start = end.saturating_sub(LAST_PART_BYTES);
            bytes.clear();
            file.seek(SeekFrom::Start(start))?;
            let part = end.saturating_add(beyond).min(size_bytes) - start;
            bytes.reserve_exact(usize::try_from(part).unwrap_or_default());
            file.by_ref().take(part).read_to_end(bytes)?;
            if start == 0 || memmem::find(bytes, mark).is_some() {
                return Ok(());
            }
            end = start;
        }
    }
}

impl Kind {
    fn of(told: FileType) -> Self {
        match told {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Folder,
            FileType::Symlink => Self::Link,
            _ => Self::Other,
        }
    }
}

impl Stamp {
    fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size_bytes: stat.st_size,
            modified: (stat.st_mtime, stat.st_mtime_nsec),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    fn root_with(files: &[(&str, &str)]) -> (TempDir, Root) {
        let folder = TempDir::new().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            put(&path, text);
        }
        let root = Root::at(folder.path()).unwrap();
        (folder, root)
    }

    fn put(path: &Path, text: &str) {
        put_bytes(path, text.as_bytes());
    }

    #[expect(clippy::disallowed_methods, reason = "a fixture needs no flush")]
    fn put_bytes(path: &Path, bytes: &[u8]) {
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn absolute_link_begins_at_the_root_and_not_at_the_machine() {
        let (folder, root) = root_with(&[("usr/lib/os-release", "ID=fixture\n")]);
        std::fs::create_dir(folder.path().join("etc")).unwrap();
        symlink("/usr/lib/os-release", folder.path().join("etc/os-release")).unwrap();
        let bytes = root.read("etc/os-release").unwrap().unwrap();
        assert_eq!(bytes, b"ID=fixture\n");
        assert_eq!(
            root.link("etc/os-release").unwrap(),
            Path::new("/usr/lib/os-release")
        );
    }

    #[test]
    fn beginning_is_read_as_far_as_it_takes_and_files_of_the_kernel_whole() {
        let text = "line\n".repeat(10_000) + "\nbody";
        let (_folder, root) = root_with(&[("long", &text), ("short", "a"), ("empty", "")]);
        let read = |path: &str, mark: &str| {
            let is_enough =
                |bytes: &[u8]| bytes.windows(mark.len()).any(|it| it == mark.as_bytes());
            root.head(path, is_enough).unwrap().unwrap()
        };
        assert_eq!(read("long", "line").len(), 4096);
        assert_eq!(read("long", "\n\n").len(), text.len());
        assert_eq!(
            (read("short", "b"), read("empty", "b")),
            (b"a".to_vec(), Vec::new())
        );
        assert_eq!(root.read("long").unwrap().unwrap().len(), text.len());
        let machine = Root::host().unwrap();
        if let Ok(Some(status)) = machine.read("proc/self/status") {
            assert!(status.starts_with(b"Name:"));
        }
    }

    #[test]
    fn last_part_with_a_mark_has_what_stands_behind_it_wherever_parts_end() {
        let length = 3 * usize::try_from(LAST_PART_BYTES).unwrap();
        let (folder, root) = root_with(&[("empty", "")]);
        let part_of = |text: &[u8]| {
            put_bytes(&folder.path().join("file"), text);
            let part = root.last_part_with("file", b"<mark>", 4).unwrap().unwrap();
            assert!(part.len() as u64 <= LAST_PART_BYTES + 10);
            memmem::rfind(&part, b"<mark>").map(|at| part[at + 6..].to_vec())
        };
        for at in (0..length - 10)
            .step_by(997)
            .chain(length / 3 - 12..length / 3 + 2)
        {
            let mut text = vec![b'.'; length];
            text[at..at + 10].copy_from_slice(b"<mark>1234");
            let behind = part_of(&text).unwrap_or_else(|| panic!("the mark at {at} was not met"));
            assert!(behind.starts_with(b"1234"), "{at}: {behind:?}");
        }
        assert_eq!(part_of(&vec![b'.'; length]), None);
        assert_eq!(part_of(b"<mark>12"), Some(b"12".to_vec()));
        assert_eq!(part_of(b"<mark>1, then <mark>2"), Some(b"2".to_vec()));
        let none = |path: &str| root.last_part_with(path, b"<mark>", 4).unwrap();
        assert_eq!((none("empty"), none("missing")), (Some(Vec::new()), None));
    }

    #[test]
    fn file_without_a_size_and_one_that_is_too_large_are_read_as_others_are() {
        let (folder, root) = root_with(&[("huge", "")]);
        let huge = std::fs::File::options()
            .write(true)
            .open(folder.path().join("huge"))
            .unwrap();
        huge.set_len(FILE_BYTES_MAX + 1).unwrap();
        let refused = root.last_part_with("huge", b"<mark>", 4).unwrap_err();
        assert!(matches!(refused, RootError::TooLarge { .. }), "{refused}");
        let machine = Root::host().unwrap();
        if let Ok(Some(status)) = machine.last_part_with("proc/self/status", b"Pid:", 4) {
            assert!(status.starts_with(b"Name:"));
        }
    }

    #[test]
    fn no_link_leads_out_of_the_root() {
        let (outside, _) = root_with(&[("secret", "no")]);
        let (folder, root) = root_with(&[("a/b", "")]);
        let secret = outside.path().join("secret");
        symlink(&secret, folder.path().join("absolute")).unwrap();
        symlink(
            "../../../../../../../../etc/passwd",
            folder.path().join("up"),
        )
        .unwrap();
        symlink(outside.path(), folder.path().join("folder")).unwrap();
        for path in [
            "absolute",
            "up",
            "folder/secret",
            "../secret",
            "a/../../secret",
        ] {
            assert!(root.read(path).unwrap().is_none(), "{path} was read");
        }
    }

    #[test]
    fn links_in_a_circle_end_in_an_error() {
        let (folder, root) = root_with(&[]);
        symlink("two", folder.path().join("one")).unwrap();
        symlink("one", folder.path().join("two")).unwrap();
        assert!(matches!(root.read("one"), Err(RootError::Io { .. })));
    }

    #[test]
    fn pipe_is_refused_and_not_waited_for() {
        let (folder, root) = root_with(&[]);
        let mode = Mode::RUSR | Mode::WUSR;
        fs::mknodat(fs::CWD, folder.path().join("pipe"), FileType::Fifo, mode, 0).unwrap();
        assert!(matches!(root.read("pipe"), Err(RootError::NotAFile { .. })));
    }

    #[test]
    fn what_is_missing_is_no_error_and_what_is_refused_is_one() {
        let (_folder, root) = root_with(&[("file", "")]);
        assert!(root.read("missing/file").unwrap().is_none());
        assert!(root.list("missing").unwrap().is_none());
        assert!(root.list("file").is_err() || root.list("file").unwrap().is_none());
    }

    #[test]
    fn names_are_listed_in_order_with_their_kind() {
        let (folder, root) = root_with(&[("b/x", ""), ("a", "")]);
        symlink("a", folder.path().join("c")).unwrap();
        let listing = root.list("").unwrap().unwrap();
        let found: Vec<_> = listing
            .entries
            .iter()
            .map(|entry| (entry.name.as_str(), entry.kind))
            .collect();
        assert_eq!(
            found,
            [("a", Kind::File), ("b", Kind::Folder), ("c", Kind::Link)]
        );
    }
}
