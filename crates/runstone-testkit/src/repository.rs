//! A git repository as a test says, made without `git`: commits have the same names everywhere.
//!
//! Who commits and when is fixed, files lie in the top folder alone, and no setting of whoever
//! tests is asked. Reading it is left to `runstone-env`.

use std::fs;
use std::path::{Path, PathBuf};

use gix::actor::SignatureRef;
use gix::objs::Tree;
use gix::objs::tree::{Entry, EntryKind};

/// When all is committed.
const AT: &str = "1763632800 +0000";

/// A repository with a work tree.
#[derive(Debug)]
pub struct Repository {
    folder: PathBuf,
}

impl Repository {
    /// Makes one around a folder, on branch `main`, without a commit.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn around(folder: &Path) -> Self {
        gix::init(folder).expect("a repository can be made");
        let repository = Self {
            folder: folder.to_owned(),
        };
        // The name of the first branch is a setting.
        repository.file(".git/HEAD", "ref: refs/heads/main\n");
        repository
    }

    /// Writes these files, commits them and nothing else, and returns the name of the commit.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        let options = gix::open::Options::isolated();
        let git = gix::open_opts(&self.folder, options).expect("the repository can be opened");
        let mut entries: Vec<Entry> = files
            .iter()
            .map(|(name, text)| {
                self.file(name, text);
                Entry {
                    mode: EntryKind::Blob.into(),
                    filename: (*name).into(),
                    oid: git
                        .write_blob(text)
                        .expect("an object can be written")
                        .detach(),
                }
            })
            .collect();
        entries.sort();
        let tree = git
            .write_object(Tree { entries })
            .expect("an object can be written");
        let who = SignatureRef {
            name: "Ann".into(),
            email: "ann@example.org".into(),
            time: AT,
        };
        let parents = git.head_id().ok().map(gix::Id::detach);
        let commit = git
            .commit_as(who, who, "HEAD", "a commit", tree, parents)
            .expect("a commit can be made");
        let mut index = git.index_from_tree(&tree).expect("the tree can be read");
        index
            .write(gix::index::write::Options::default())
            .expect("the index can be written");
        commit.to_string()
    }

    /// Writes a file of the work tree.
    ///
    /// # Panics
    /// If it cannot be written.
    #[expect(
        clippy::disallowed_methods,
        reason = "a repository of a test needs no flush"
    )]
    pub fn file(&self, name: &str, text: &str) -> &Self {
        fs::write(self.folder.join(name), text).expect("a file can be written");
        self
    }
}
