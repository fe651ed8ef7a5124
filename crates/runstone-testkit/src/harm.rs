//! Damage, done on purpose.
//!
//! A bad sector hits every name of a file, a bad copy or a slip of the hand only one: the two
//! flippers differ in that. What damage is owed is left to the tests.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// How far from its end a file is hit: behind the header of an entry, before its checksum.
const FROM_THE_END: usize = 40;

/// One way in which a file comes to harm. Paths are relative to the folder that is harmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm<'a> {
    /// One bit is another.
    Flip,
    /// The end is gone.
    Truncate,
    /// As many zeros stand there as bytes stood.
    Zero,
    /// This file has its bytes, and it has those of this file.
    SwapWith(&'a str),
    /// Its bytes stand here too.
    CopyTo(&'a str),
    /// It is gone.
    Delete,
}

impl Harm<'_> {
    /// Harms the file at `path` below `root`; other names of the same file keep their bytes.
    ///
    /// # Panics
    /// If a file cannot be read or written.
    pub fn strike(self, root: &Path, path: &str) {
        let file = root.join(path);
        let mut bytes = fs::read(&file).expect("a file of a test can be read");
        match self {
            Self::Flip => {
                let hit = place_of_the_flip(&bytes);
                if let Some(byte) = bytes.get_mut(hit) {
                    *byte ^= 1;
                }
            }
            Self::Truncate => bytes.truncate(bytes.len() * 2 / 3),
            Self::Zero => bytes.fill(0),
            Self::SwapWith(other) => {
                let other = root.join(other);
                let others = fs::read(&other).expect("a file of a test can be read");
                replace(&other, &bytes);
                bytes = others;
            }
            Self::CopyTo(free) => return replace(&root.join(free), &bytes),
            Self::Delete => return fs::remove_file(&file).expect("a file of a test can go"),
        }
        replace(&file, &bytes);
    }
}

/// Changes one bit near the end of a file, under all its names, also of one that nobody may write.
///
/// # Panics
/// If the file cannot be read or written, or is empty.
pub fn flip_a_bit(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o600))
        .expect("a file of a test can be made writable");
    let mut bytes = fs::read(path).expect("a file of a test can be read");
    let hit = place_of_the_flip(&bytes);
    bytes[hit] ^= 1;
    #[expect(clippy::disallowed_methods, reason = "damage is done on purpose")]
    fs::write(path, bytes).expect("a file of a test can be written");
}

/// Puts a file of its own at a path, whatever stands there: its other names keep their bytes.
/// Folders above it are made.
///
/// # Panics
/// If it cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).expect("a folder of a test can be made");
    }
    if path.symlink_metadata().is_ok() {
        fs::remove_file(path).expect("a file of a test can be replaced");
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .open(path)
        .expect("a file of a test can be made");
    file.write_all(bytes)
        .expect("a file of a test can be written");
    file.set_permissions(Permissions::from_mode(0o400))
        .expect("a file of a test can get its mode");
}

fn place_of_the_flip(bytes: &[u8]) -> usize {
    match bytes.len() {
        long if long > 2 * FROM_THE_END => long - FROM_THE_END,
        short => short / 2,
    }
}
