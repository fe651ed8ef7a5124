//! Data a run reads: digested before its command starts, and looked at again afterwards.
//!
//! A file has the digest `sha256sum` prints. A folder has the digest of what `sha256sum` prints for
//! all its files, sorted by the bytes of their paths below it, so that anybody can make it again:
//!
//! ```sh
//! cd DIR && find -L . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum |
//!     sed 's|  \./|  |' | sha256sum
//! ```
//!
//! Links to files are followed, because their content is what the run reads. Names and contents
//! count; modes, times and empty folders do not. A `.dvc` file stands for the data it tracks.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use runstone::Error;
use runstone::core::digest::Digest;
use serde_json::{Map, Value};

use super::digest;
use super::stamp::Stamp;
use crate::error::CliError;

/// Largest `.dvc` file that is read; they have some lines.
const DVC_BYTES_MAX: u64 = 64 * 1024;

/// One input of a run, by the name it has in the identity.
#[derive(Debug)]
pub(crate) struct Data {
    name: String,
    digest: String,
    /// The folder whose files were listed.
    folder: Option<PathBuf>,
    /// Every file that was read, as it looked when it was.
    read: Vec<(PathBuf, Stamp)>,
}

impl Data {
    /// Reads the `NAME=PATH` of an option and digests what is there. A folder that holds `store`
    /// would have another digest with every run.
    pub(crate) fn read(text: &str, store: &Path) -> Result<Self, CliError> {
        let (name, path) = text
            .split_once('=')
            .filter(|(name, path)| !name.is_empty() && !name.contains('.') && !path.is_empty())
            .ok_or_else(|| {
                CliError::usage(
                    format!("`--data {text}` is not `NAME=PATH`"),
                    "write a name without dots and a path, such as `--data train=data/train.csv`",
                )
            })?;
        let path = PathBuf::from(path);
        let mut read = Vec::new();
        let found = path.metadata().map_err(unreadable(&path))?;
        if found.is_dir()
            && let Ok(whole) = path.canonicalize()
            && store
                .canonicalize()
                .is_ok_and(|store| store.starts_with(whole))
        {
            return Err(CliError::Left {
                path,
                what: "holds the store, which is another after every run".to_owned(),
                hint: "name the folders in it that the command reads, each as data of its own"
                    .to_owned(),
            });
        }
        let digest = if found.is_dir() {
            of_folder(&path, &mut read)?.to_string()
        } else if path.extension().is_some_and(|extension| extension == "dvc") {
            of_dvc(&path, &mut read)?
        } else {
            of_file(&path, &mut read)?.to_string()
        };
        Ok(Self {
            name: name.to_owned(),
            digest,
            folder: found.is_dir().then_some(path),
            read,
        })
    }

    /// Puts the digests of all `data` where the identity has them, below `data`.
    pub(crate) fn join(data: &[Self], identity: &mut Map<String, Value>) -> Result<(), CliError> {
        if data.is_empty() {
            return Ok(());
        }
        let place = identity
            .entry("data")
            .or_insert_with(|| Value::Object(Map::new()));
        for one in data {
            let said = place
                .as_object_mut()
                .map(|place| place.insert(one.name.clone(), Value::from(one.digest.clone())));
            if said != Some(None) {
                return Err(CliError::usage(
                    format!("`data.{}` is given twice", one.name),
                    "leave one of the two away",
                ));
            }
        }
        Ok(())
    }

    /// Says what is not as it was when it was digested. The digest stays what it was: that is what
    /// the command was given.
    pub(crate) fn change(&self) -> Option<String> {
        let changes = self.changes();
        let first = changes.first()?;
        let more = match changes.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        Some(format!(
            "the data `{}` changed while the command ran ({first}{more}): what it read is not \
             certain",
            self.name
        ))
    }

    fn changes(&self) -> Vec<String> {
        let mut changes = Vec::new();
        for (path, before) in &self.read {
            let path_shown = path.display();
            match path.metadata() {
                Ok(found) if Stamp::of(&found) == *before => {}
                Ok(_) => changes.push(format!("`{path_shown}` is another")),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    changes.push(format!("`{path_shown}` is gone"));
                }
                Err(error) => changes.push(format!("`{path_shown}` cannot be read: {error}")),
            }
        }
        let Some(folder) = &self.folder else {
            return changes;
        };
        let mut files = Vec::new();
        // A folder that cannot be listed to its end is one whose files are gone, or one that
        // somebody put something unreadable into.
        if !folder.exists() {
            changes.insert(0, format!("`{}` is gone", folder.display()));
        } else if let Err(error) = list(folder, Path::new(""), &mut files) {
            changes.push(error.to_string());
        }
        files.sort_unstable();
        let known: BTreeSet<&Path> = self.read.iter().map(|(path, _)| path.as_path()).collect();
        let files = files.iter().map(|below| folder.join(below));
        for added in files.filter(|path| !known.contains(path.as_path())) {
            changes.push(format!("`{}` was added", added.display()));
        }
        changes
    }
}

fn of_file(path: &Path, read: &mut Vec<(PathBuf, Stamp)>) -> Result<Digest, CliError> {
    let odd = |what: &str| CliError::Left {
        path: path.to_path_buf(),
        what: what.to_owned(),
        hint: "name ordinary files and folders as data".to_owned(),
    };
    // A pipe would be waited for, and read away from whoever it is meant for.
    if !path.metadata().map_err(unreadable(path))?.is_file() {
        return Err(odd("is neither a file nor a folder"));
    }
    let mut file = File::open(path).map_err(unreadable(path))?;
    let before = Stamp::of(&file.metadata().map_err(unreadable(path))?);
    let (digest, _) = digest::of_rest(&mut file).map_err(unreadable(path))?;
    let after = Stamp::of(&file.metadata().map_err(unreadable(path))?);
    if before != after {
        return Err(odd("changed while it was digested"));
    }
    read.push((path.to_path_buf(), before));
    Ok(digest)
}

fn of_folder(folder: &Path, read: &mut Vec<(PathBuf, Stamp)>) -> Result<Digest, CliError> {
    let mut files = Vec::new();
    list(folder, Path::new(""), &mut files)?;
    files.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    let mut lines: Vec<u8> = Vec::new();
    for below in files {
        let digest = of_file(&folder.join(&below), read)?;
        add_line(&mut lines, &digest, below.as_os_str().as_bytes());
    }
    Ok(Digest::of(&lines))
}

/// Lists the files below a folder by their paths in it.
fn list(folder: &Path, below: &Path, files: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let here = folder.join(below);
    for entry in std::fs::read_dir(&here).map_err(unreadable(&here))? {
        let entry = entry.map_err(unreadable(&here))?;
        let path = below.join(entry.file_name());
        let is_link = entry
            .file_type()
            .map_err(unreadable(&folder.join(&path)))?
            .is_symlink();
        let found = folder.join(&path).metadata();
        let found = found.map_err(unreadable(&folder.join(&path)))?;
        if found.is_dir() && is_link {
            // It might lead back here.
            return Err(CliError::Left {
                path: folder.join(&path),
                what: "is a link to a folder, which is not followed".to_owned(),
                hint: "name the folder behind it as data of its own".to_owned(),
            });
        } else if found.is_dir() {
            list(folder, &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Adds the line that `sha256sum` prints for a file.
fn add_line(lines: &mut Vec<u8>, digest: &Digest, name: &[u8]) {
    let is_escaped = name.iter().any(|byte| b"\\\n\r".contains(byte));
    if is_escaped {
        lines.push(b'\\');
    }
    lines.extend_from_slice(digest.to_string().as_bytes());
    lines.extend_from_slice(b"  ");
    for byte in name {
        match byte {
            b'\\' => lines.extend_from_slice(b"\\\\"),
            b'\n' => lines.extend_from_slice(b"\\n"),
            b'\r' => lines.extend_from_slice(b"\\r"),
            byte => lines.push(*byte),
        }
    }
    lines.push(b'\n');
}

/// Returns the digest a `.dvc` file names, with its algorithm: `md5:…`.
fn of_dvc(path: &Path, read: &mut Vec<(PathBuf, Stamp)>) -> Result<String, CliError> {
    let illegal = |what: String| CliError::Left {
        path: path.to_path_buf(),
        what,
        hint: "name the data itself instead, which is digested then".to_owned(),
    };
    let found = path.metadata().map_err(unreadable(path))?;
    if found.len() > DVC_BYTES_MAX || !found.is_file() {
        return Err(illegal("is no file that dvc wrote".to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable(path))?;
    read.push((path.to_path_buf(), Stamp::of(&found)));
    tracked(&text).map_err(illegal)
}

/// Reads what a `.dvc` file tracks: the `md5` of the one item of `outs`. Anything else than the
/// plain lines that dvc writes is refused rather than guessed at.
fn tracked(text: &str) -> Result<String, String> {
    let mut in_outs = false;
    let (mut items, mut digests) = (0, Vec::new());
    for line in text.lines() {
        let is_top = !line.starts_with([' ', '-', '#']) && !line.trim().is_empty();
        if is_top {
            in_outs = line.trim_end() == "outs:";
            continue;
        }
        if !in_outs {
            continue;
        }
        let line = line.trim();
        let field = match line.strip_prefix("- ") {
            Some(first) => {
                items += 1;
                first.trim()
            }
            None => line,
        };
        if let Some(digest) = field.strip_prefix("md5:") {
            digests.push(digest.trim().trim_matches(['"', '\'']).to_owned());
        }
    }
    let [digest] = digests.as_slice() else {
        return Err(format!(
            "names {} digests (`md5`) for {items} items, one is wanted",
            digests.len()
        ));
    };
    let hex = digest.strip_suffix(".dir").unwrap_or(digest);
    let is_md5 = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    if items != 1 || !is_md5 {
        return Err(format!(
            "names `{digest}` for {items} items, one MD5 is wanted"
        ));
    }
    let mut named = String::from("md5:");
    // Writing to a String cannot fail.
    write!(named, "{}", digest.to_ascii_lowercase()).expect("a String takes any text");
    Ok(named)
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> CliError {
    let path = path.to_path_buf();
    move |source| {
        CliError::Ledger(Error::Unreadable {
            path: path.clone(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dvc_file_stands_for_what_it_tracks() {
        let md5 = "a304afb96060aad90176268345e10355";
        let plain =
            format!("outs:\n- md5: {md5}\n  size: 37891850\n  hash: md5\n  path: data.xml\n");
        assert_eq!(tracked(&plain).unwrap(), format!("md5:{md5}"));
        let folder = format!("md5: 00\nouts:\n  - md5: {md5}.dir\n    nfiles: 3\n    path: data\n");
        assert_eq!(tracked(&folder).unwrap(), format!("md5:{md5}.dir"));
        let after = format!("outs:\n- md5: '{md5}'\n  path: a\nmeta:\n  md5: no\n");
        assert_eq!(tracked(&after).unwrap(), format!("md5:{md5}"));
    }

    #[test]
    fn a_dvc_file_of_another_shape_is_refused_and_not_guessed_at() {
        let md5 = "a304afb96060aad90176268345e10355";
        for text in [
            String::new(),
            "outs:\n- path: data\n".to_owned(),
            format!("deps:\n- md5: {md5}\n"),
            format!("outs:\n- md5: {md5}\n- md5: {md5}\n"),
            "outs:\n- md5: 12\n".to_owned(),
            format!("outs: [{{md5: {md5}}}]\n"),
        ] {
            assert!(tracked(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_line_of_a_name_with_a_newline_is_the_one_sha256sum_prints() {
        let digest = Digest::of(b"");
        let mut lines = Vec::new();
        add_line(&mut lines, &digest, b"a\\b\nc");
        let expected = format!("\\{digest}  a\\\\b\\nc\n");
        assert_eq!(String::from_utf8(lines).unwrap(), expected);
    }
}
