//! Names and mode bits: where everything lies in a store of format 1.
//!
//! Every name that the engine looks up or makes is built here. The invariant guarded here: names
//! never change meaning within a format, and no two things share one. When something is made, and
//! how it becomes durable, is left to the rest of the engine.

use std::sync::LazyLock;

use crate::descriptor::Modes;
use crate::hash::Hash256;
use crate::key::{Key, Nonce};
use crate::log::Seq;

/// The file that makes a directory a store.
pub(super) const DESCRIPTOR: &str = "runstone.json";
/// The file that says what a cohort is.
pub(super) const COHORT_DOCUMENT: &str = "cohort.json";
/// The file in the root that says where the store was made.
pub(super) const ORIGIN: &str = "origin.json";
/// The directory of damaged bytes that were replaced.
pub(super) const QUARANTINE: &str = "quarantine";
/// The directory of a cohort's segments.
pub(super) const SEGMENTS: &str = "seg";
/// The directory of the store's secret.
pub(super) const SECRET: &str = "secret";
/// The file that holds it.
pub(super) const SECRET_KEY: &str = "key";
/// The file in the root that says there is one, by its id.
pub(super) const SECRET_MARK: &str = "secret.json";
/// How every temporary name begins.
pub(super) const TEMPORARY: &str = ".t-";
/// The directory of the views of runs.
pub(super) const VIEWS: &str = "runs";
/// How the name of a probe's directory begins.
pub(super) const PROBE: &str = ".probe-";
/// The ending of the file that announces an adopter of a claim.
pub(super) const ADOPTED: &str = ".adopted";
/// The ending of a profile's name.
const PROFILE: &str = ".toml";

/// The directories every store has, with what they hold; one more is made last.
pub(super) const DIRECTORIES: [(&[&str], Holds); 13] = [
    (&["keys"], Holds::Truth),
    (&["cohorts"], Holds::Truth),
    (&["environments"], Holds::Truth),
    (&["environments", "log"], Holds::Truth),
    (&["environments", "notes"], Holds::Truth),
    (&["objects"], Holds::Truth),
    (&["notes"], Holds::Truth),
    (&["profiles"], Holds::Truth),
    (&["started"], Holds::Passing),
    (&["refused"], Holds::Passing),
    (&[VIEWS], Holds::Passing),
    (&[SECRET], Holds::Truth),
    (&[QUARANTINE], Holds::Truth),
];

/// The directory of objects on their way out.
pub(super) const TRASH: &str = "trash";

/// The directory that is made last, after all others are durable: where it is, they are.
pub(super) const LAST_DIRECTORY: &str = TRASH;

/// The directory that file systems keep for themselves where they begin.
pub(super) const LOST_AND_FOUND: &str = "lost+found";

/// Tells whether a name in the root is one that this format gives, or the file system.
pub(super) fn is_of_root(name: &str) -> bool {
    let directories = DIRECTORIES.iter().filter_map(|(path, _)| path.first());
    [
        DESCRIPTOR,
        SECRET_MARK,
        ORIGIN,
        LAST_DIRECTORY,
        LOST_AND_FOUND,
    ]
    .contains(&name)
        || directories.into_iter().any(|directory| *directory == name)
}

/// What a directory holds, and so who may remove things from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Truth, or directories of it: in a shared store everyone removes and renames only what is
    /// theirs.
    Truth,
    /// What can be made again, or has had its time.
    Passing,
}

/// The mode bits that go with who may read and write a store.
#[derive(Debug, Clone, Copy)]
pub(super) struct ModeBits {
    directory: u32,
    truth_directory: u32,
    /// Of files that never change.
    pub(super) truth: u32,
    /// Of the secret: nobody reads it who may not write.
    pub(super) secret: u32,
    /// Of files that are replaced.
    pub(super) derived: u32,
}

impl ModeBits {
    pub(super) const fn of(modes: Modes) -> Self {
        let (directory, truth_directory, truth, derived) = match modes {
            Modes::Private => (0o700, 0o700, 0o400, 0o600),
            Modes::Shared => (0o2770, 0o3770, 0o440, 0o660),
            Modes::World => (0o2775, 0o3775, 0o444, 0o664),
        };
        let secret = match modes {
            Modes::Private => 0o400,
            Modes::Shared | Modes::World => 0o440,
        };
        Self {
            directory,
            truth_directory,
            truth,
            secret,
            derived,
        }
    }

    pub(super) const fn directory(self, holds: Holds) -> u32 {
        match holds {
            Holds::Truth => self.truth_directory,
            Holds::Passing => self.directory,
        }
    }
}

pub(super) fn shard_name(shard: u64) -> String {
    format!("{shard:010}")
}

pub(super) fn slot_name(seq: Seq) -> String {
    format!("{seq:020}")
}

/// Returns the number that a shard or slot of exactly this many digits is named by.
pub(super) fn number(name: &str, digits: usize) -> Option<u64> {
    let plain = name.len() == digits && name.bytes().all(|byte| byte.is_ascii_digit());
    if plain { name.parse().ok() } else { None }
}

pub(super) fn slot_number(name: &str) -> Option<Seq> {
    number(name, 20).and_then(Seq::new)
}

pub(super) fn shard_number(name: &str) -> Option<u64> {
    number(name, 10)
}

pub(super) fn temporary_name(nonce: Nonce) -> String {
    format!("{TEMPORARY}{nonce}")
}

/// Length of the name of a fan directory.
pub(super) const FAN_NAME_BYTES: usize = 2;

/// The names of all fan directories, by the byte that they are of.
static FANS: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..=u8::MAX).map(|byte| format!("{byte:02x}")).collect());

/// Returns the directory that a digest's file is in: its first two hex digits.
pub(super) fn fan_name(digest: Hash256) -> &'static str {
    &FANS[usize::from(digest.as_bytes()[0])]
}

/// Returns the names of all fan directories.
pub(super) fn fan_names() -> impl Iterator<Item = &'static str> {
    FANS.iter().map(String::as_str)
}

pub(super) fn claim_name(key: &Key, generation: u32) -> String {
    if generation == 0 {
        key.to_string()
    } else {
        format!("{key}.{generation}")
    }
}

pub(super) fn adopted_name(key: &Key, generation: u32) -> String {
    format!("{}{ADOPTED}", claim_name(key, generation))
}

/// Returns the digest and generation that a claim is named by.
pub(super) fn claim_number(name: &str) -> Option<(Hash256, u32)> {
    let (digest, generation) = match name.split_once('.') {
        None => (name, 0),
        Some((digest, generation)) => (digest, generation.parse().ok().filter(|g| *g > 0)?),
    };
    Some((digest.parse().ok()?, generation))
}

/// Returns the name that an object has in the trash since a second of the file system's clock.
pub(super) fn trash_name(digest: Hash256, since: i64) -> String {
    format!("{digest}.{since}")
}

/// Returns the object that a name in the trash is of, and since when it is there.
pub(super) fn trash_number(name: &str) -> Option<(Hash256, i64)> {
    let (digest, text) = name.split_once('.')?;
    let since: i64 = text.parse().ok()?;
    let is_plain = since.to_string() == text;
    Some((digest.parse().ok()?, since)).filter(|_| is_plain)
}

pub(super) fn profile_name(digest: Hash256) -> String {
    format!("{digest}{PROFILE}")
}

pub(super) fn profile_digest(name: &str) -> Option<Hash256> {
    name.strip_suffix(PROFILE)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_format_one() {
        assert_eq!(slot_name(Seq::FIRST), "00000000000000000001");
        assert_eq!(shard_name(7), "0000000007");
        let digest = Hash256::of(b"abc");
        assert_eq!(fan_name(digest), "ba");
        assert_eq!(profile_name(digest), format!("{digest}.toml"));
        assert_eq!(fan_names().count(), 256);
    }

    #[test]
    fn only_names_of_the_right_shape_are_numbers() {
        assert_eq!(slot_number("00000000000000000012"), Seq::new(12));
        for bad in [
            "0000000000000000001",
            "+0000000000000000012",
            ".t-00",
            "0".repeat(20).as_str(),
        ] {
            assert_eq!(slot_number(bad), None, "{bad}");
        }
        let digest = Hash256::of(b"abc");
        assert_eq!(claim_number(&digest.to_string()), Some((digest, 0)));
        assert_eq!(claim_number(&format!("{digest}.2")), Some((digest, 2)));
        assert_eq!(claim_number(&format!("{digest}.0")), None);
        assert_eq!(claim_number(&format!("{digest}.adopted")), None);
        let in_trash = trash_name(digest, 1_764_000_000);
        assert_eq!(trash_number(&in_trash), Some((digest, 1_764_000_000)));
        for bad in ["", ".", ".007", ".+7", ".t"] {
            assert_eq!(trash_number(&format!("{digest}{bad}")), None, "{bad}");
        }
    }
}
