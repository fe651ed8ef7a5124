//! The files of Python's distributions, held against what their installers wrote down.
//!
//! `RECORD` has a hash of each file that a wheel brought. A capture believes it; here every file is
//! read, so that a `site-packages` that somebody changed by hand shows. Nothing is written, and no
//! program is started. The invariant: what could not be read, or has no hash that is known, is
//! counted and never called unchanged. Whether a package is another one is left to the capture.
//!
//! # Source
//! PEP 376 and 627 (`RECORD`), the specification "Recording installed projects".

use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::super::Options;
use super::super::found::{Found, explained};
use super::interpreter::Interpreter;
use super::{chosen, path};
use crate::grammar;
use crate::root::Root;

/// How much of a file is read at a time, in bytes.
const PART_BYTES: usize = 256 * 1024;
/// Most findings that are kept; of a damaged disk there may be one for each file.
const FINDINGS_MAX: usize = 1000;

/// What became of holding files against what was written down of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PythonFiles {
    /// The interpreter whose distributions were looked at; `None`: there is none.
    pub interpreter: Option<PathBuf>,
    /// Why nothing, or not everything, was looked at.
    pub problems: Vec<String>,
    /// Distributions that have a `RECORD`.
    pub distributions: u64,
    /// Distributions that have none: nothing is known of their files.
    pub without_record: Vec<String>,
    /// Files that are as they were installed.
    pub equal: u64,
    /// Files of which no hash is known, such as those that an installer compiled.
    pub without_hash: u64,
    /// Files that are not as they were installed, or could not be read: the first ones.
    pub findings: Vec<FileFinding>,
    /// How many there are of them.
    pub findings_count: u64,
    /// How many of those are known to be others, or gone.
    pub differing_count: u64,
}

/// A file that is not as it was installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFinding {
    /// The distribution that brought it.
    pub distribution: String,
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub state: FileState,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// Its content is another one.
    Changed,
    /// It is not there.
    Missing,
    /// It cannot be read, and why.
    Unreadable(String),
}

impl FileState {
    /// Returns the word used in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

impl PythonFiles {
    /// Tells whether a file is known to be another one than was installed, or is gone.
    pub const fn differs(&self) -> bool {
        self.differing_count > 0
    }

    fn find(&mut self, distribution: &str, path: &Path, state: FileState) {
        self.findings_count += 1;
        // Of those that are not kept as well.
        self.differing_count += u64::from(!matches!(state, FileState::Unreadable(_)));
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(FileFinding {
                distribution: distribution.to_owned(),
                path: path.to_owned(),
                state,
            });
        }
    }
}

/// Reads every file that the distributions of an interpreter say they brought. `progress` is told
/// how many were read.
pub fn python_files(root: &Root, options: &Options, progress: &mut dyn FnMut(u64)) -> PythonFiles {
    let mut files = PythonFiles::default();
    let chosen = match chosen::interpreter(root, options) {
        Ok(Some(chosen)) => chosen,
        Ok(None) => return files,
        Err(reason) => {
            files.problems.push(reason);
            return files;
        }
    };
    files.interpreter = Some(chosen.executable.clone());
    let interpreter = match Interpreter::of(root, &chosen.executable) {
        Ok(interpreter) => interpreter,
        Err(reason) => {
            files.problems.push(reason);
            return files;
        }
    };
    let mut found = Found::captured();
    for folder in path::folders(root, &interpreter, options, &mut found) {
        let names = found.names(root, &folder).unwrap_or_default();
        for entry in names.iter().filter(|it| it.name.ends_with(".dist-info")) {
            distribution(root, &folder, &entry.name, &mut files);
            progress(files.equal + files.findings_count);
        }
    }
    files.problems.extend(found.warnings);
    files
}

fn distribution(root: &Root, folder: &Path, info: &str, files: &mut PythonFiles) {
    let called = info.trim_end_matches(".dist-info");
    let (name, version) = called.rsplit_once('-').unwrap_or((called, ""));
    let name = format!("{} {version}", grammar::python_name(name))
        .trim_end()
        .to_owned();
    let record = match root.read(folder.join(info).join("RECORD")) {
        Ok(Some(record)) => record,
        Ok(None) => return files.without_record.push(name),
        Err(error) => return files.problems.push(explained(&error)),
    };
    let Ok(record) = String::from_utf8(record) else {
        let record = folder.join(info).join("RECORD");
        return files
            .problems
            .push(format!("{} is no text", record.display()));
    };
    files.distributions += 1;
    for line in record.lines() {
        let fields = fields(line);
        let [file, hash, ..] = fields.as_slice() else {
            continue;
        };
        let Some(hash) = hash.strip_prefix("sha256=") else {
            files.without_hash += 1;
            continue;
        };
        let path = folder.join(file);
        match sha256(root, &path) {
            Ok(Some(found)) if found == hash.trim_end_matches('=') => files.equal += 1,
            Ok(Some(_)) => files.find(&name, &path, FileState::Changed),
            Ok(None) => files.find(&name, &path, FileState::Missing),
            Err(reason) => files.find(&name, &path, FileState::Unreadable(reason)),
        }
    }
}

/// Returns the hash of a file, as `RECORD` spells it. `None`: nothing is there.
fn sha256(root: &Root, path: &Path) -> Result<Option<String>, String> {
    let Some(file) = root.file(path).map_err(|error| explained(&error))? else {
        return Ok(None);
    };
    let mut file = std::fs::File::from(file);
    let mut hasher = Sha256::new();
    let mut part = vec![0; PART_BYTES];
    loop {
        match file.read(&mut part) {
            Ok(0) => return Ok(Some(base64url(&hasher.finalize()))),
            Ok(size) => hasher.update(&part[..size]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("could not read `{}`: {error}", path.display())),
        }
    }
}

/// Writes bytes in the alphabet for addresses, without what fills it up (RFC 4648, section 5).
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for sextet in 0..=group.len() {
            let index = (bits >> (18 - 6 * sextet)) & 0x3f;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

/// Takes a line of a `RECORD` apart, which is one of comma-separated values.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars().peekable();
    let mut is_quoted = false;
    while let Some(character) = characters.next() {
        let field = fields.last_mut().expect("there is one from the beginning");
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_spelled_as_a_wheel_does() {
        // The digest of nothing, as pip writes it of an empty file.
        let empty = Sha256::digest(b"");
        assert_eq!(
            base64url(&empty),
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
        );
        assert_eq!(base64url(b"a"), "YQ");
        assert_eq!(base64url(b"ab"), "YWI");
        assert_eq!(base64url(b"abc"), "YWJj");
    }

    #[test]
    fn file_that_was_changed_counts_behind_any_number_that_cannot_be_read() {
        let mut files = PythonFiles::default();
        for _ in 0..FINDINGS_MAX {
            files.find("a 1", Path::new("a"), FileState::Unreadable(String::new()));
        }
        assert!(!files.differs());
        files.find("a 1", Path::new("b"), FileState::Changed);
        assert_eq!((files.findings.len(), files.findings_count), (1000, 1001));
        assert!(files.differs());
    }

    #[test]
    fn names_with_commas_and_quotes_are_one_field() {
        assert_eq!(fields("a/b.py,sha256=x,3"), ["a/b.py", "sha256=x", "3"]);
        assert_eq!(fields("\"a,\"\"b\"\".py\",,"), ["a,\"b\".py", "", ""]);
        assert_eq!(fields(""), [""]);
    }
}
