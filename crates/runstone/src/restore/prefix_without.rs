//! A prefix of conda as it is once what goes is gone, for conda to be asked what would come then.
//!
//! conda takes out and puts in by two commands, and solves before the second: asked of the prefix as
//! it is, it would hold what comes against what goes. What it looks at for that are the lists in
//! `conda-meta`, so that a folder of links to those that stay is enough. Nothing is done there but
//! asking, and it goes when it is dropped.

use std::io;
use std::path::Path;

use runstone_env::restore::Step;
use rustix::fs::symlink;
use tempfile::TempDir;

/// The folder of a prefix in which conda keeps its lists.
const META: &str = "conda-meta";

/// A folder that stands for a prefix.
#[derive(Debug)]
pub(super) struct PrefixWithout(TempDir);

impl PrefixWithout {
    /// Makes the folder, below `temporary`.
    pub(super) fn of(prefix: &Path, gone: &[&Step], temporary: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("runstone-prefix-")
            .tempdir_in(temporary)?;
        let meta = folder.path().join(META);
        std::fs::create_dir(&meta)?;
        let gone: Vec<String> = gone.iter().filter_map(|step| list(step)).collect();
        for entry in std::fs::read_dir(prefix.join(META))? {
            let entry = entry?;
            let name = entry.file_name();
            if !gone.iter().any(|it| name.to_str() == Some(it)) {
                symlink(entry.path(), meta.join(&name))?;
            }
        }
        Ok(Self(folder))
    }

    /// Returns where it is.
    pub(super) fn path(&self) -> String {
        self.0.path().to_string_lossy().into_owned()
    }
}

/// Returns how the list of a package is called that goes.
fn list(step: &Step) -> Option<String> {
    let (version, build) = step.before.as_deref()?.split_once('=')?;
    Some(format!("{}-{version}-{build}.json", step.name))
}
