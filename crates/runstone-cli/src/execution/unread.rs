//! Files in a run directory that nobody read.
//!
//! The invariant: no byte that a command wrote goes without a word. Where an ordinary file was
//! neither read nor taken as an artifact the run directory stays, and one warning says what lies
//! there, where, and how to have it recorded. Empty files, links and folders hold nothing that
//! could be lost.

use std::path::{Path, PathBuf};

use super::artifacts::Artifacts;
use super::left::{is_link, paths_in};
use crate::spelling::nearest;

/// Files that are named; chosen: more would hide the sentence around them.
const NAMED_MAX: usize = 4;

/// What was not read.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    /// Paths within the run directory, sorted.
    files: Vec<PathBuf>,
    /// What was probably meant, of those that are named.
    meant: Vec<(PathBuf, String)>,
}

impl Unread {
    /// Looks through `directory`, of which `artifacts` were taken.
    pub(crate) fn of(directory: &Path, artifacts: &Artifacts) -> Self {
        let read = paths_in(directory);
        let mut found = Self::default();
        if is_link(directory) {
            // What lies behind it is not the run's, and stays when the link goes.
            return found;
        }
        let mut folders = vec![directory.to_path_buf()];
        while let Some(folder) = folders.pop() {
            // What cannot be listed is gone, or was closed to its own writer.
            let entries = std::fs::read_dir(&folder).into_iter().flatten();
            for entry in entries.filter_map(Result::ok) {
                let path = entry.path();
                let Ok(kind) = entry.metadata() else { continue };
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file()
                    && kind.len() > 0
                    && !read.contains(&path)
                    && !artifacts.has(&path)
                {
                    let within = path.strip_prefix(directory).unwrap_or(&path);
                    found.files.push(within.to_path_buf());
                }
            }
        }
        found.files.sort();
        let known: Vec<String> = read
            .iter()
            .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
            .collect();
        for file in &found.files {
            let like = file
                .to_str()
                .and_then(|name| nearest(name, known.iter().map(String::as_str)));
            if let Some(like) = like {
                found.meant.push((file.clone(), like.to_owned()));
            }
        }
        found
    }

    /// Tells whether everything was read.
    pub(crate) fn is_nothing(&self) -> bool {
        self.files.is_empty()
    }

    /// Says what stays in `directory`, and how it would have been recorded.
    pub(crate) fn said(&self, directory: &Path) -> String {
        let (file, it) = match self.files.len() {
            1 => ("file", "it stays"),
            _ => ("files", "they stay"),
        };
        let mut named: Vec<String> = self.files[..self.files.len().min(NAMED_MAX)]
            .iter()
            .map(|path| format!("`{}`", path.display()))
            .collect();
        if let more @ 1.. = self.files.len() - named.len() {
            named.push(format!("{more} more"));
        }
        let meant = self.meant.first().map_or_else(String::new, |(path, like)| {
            format!("; `{}` was probably meant to be `{like}`", path.display())
        });
        format!(
            "{} {file} in the run directory not read: {}; {it} in {}{meant}; next time write files \
             below `artifacts/` there to have their digests recorded, and name them with \
             `--attach` to have them stored",
            self.files.len(),
            named.join(", "),
            directory.display()
        )
    }
}
