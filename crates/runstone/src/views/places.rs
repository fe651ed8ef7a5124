//! Where the views of a snapshot lie, on the shelf and in an answer.
//!
//! The core names folders and files; here they become paths on the shelf of the store.

use runstone_core::id::{Attempt, RunId, Stage};
use runstone_core::views::{INDEX_FILE, LATEST_FILE, ViewFile, ViewFolder};
use runstone_store::{CohortName, Room, ShelfPath};
use serde_json::{Map, Value, json};

/// Where the views of a recorded snapshot lie, relative to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewPaths {
    folder: ViewFolder,
    cohort: CohortName,
}

impl ViewPaths {
    pub(super) const fn new(folder: ViewFolder, cohort: CohortName) -> Self {
        Self { folder, cohort }
    }

    /// Returns the folder of the snapshot's own views.
    pub fn folder(&self) -> String {
        self.folder.path()
    }

    /// Returns the paths by what they hold, as the answer of a recording names them.
    pub fn to_json(&self) -> Value {
        let mut paths: Map<String, Value> = ViewFile::ALWAYS
            .into_iter()
            .map(|file| (file.word().to_owned(), json!(self.folder.file(file))))
            .collect();
        let mut put =
            |name: &str, path: &ShelfPath| paths.insert(name.to_owned(), json!(path.to_string()));
        put("snapshot_index", &index_of(self.folder.run()));
        put("latest", &latest_of(&self.cohort));
        Value::Object(paths)
    }
}

/// Returns the path of a snapshot's first view, relative to the store.
pub(crate) fn view_of(run_id: &RunId, stage: &Stage, cohort: &str, attempt: Attempt) -> String {
    ViewFolder::of(run_id, stage, cohort, attempt).file(ViewFile::Snapshot)
}

/// Returns the folder of a snapshot's views on the shelf.
pub(super) fn on_shelf(folder: &ViewFolder) -> ShelfPath {
    let parts = folder.parts();
    parts
        .iter()
        .fold(ShelfPath::of(Room::Runs), |path, part| below(&path, part))
}

/// Returns the folder of a run on the shelf.
pub(super) fn run_on_shelf(run: &str) -> ShelfPath {
    below(&ShelfPath::of(Room::Runs), run)
}

/// Returns the place of a run's index.
pub(super) fn index_of(run: &str) -> ShelfPath {
    below(&run_on_shelf(run), INDEX_FILE)
}

/// Returns the folder of a cohort's views on the shelf.
pub(super) fn cohort_on_shelf(cohort: &CohortName) -> ShelfPath {
    ShelfPath::of(Room::CohortView(cohort.clone()))
}

/// Returns the place of a cohort's newest snapshot.
pub(super) fn latest_of(cohort: &CohortName) -> ShelfPath {
    below(&cohort_on_shelf(cohort), LATEST_FILE)
}

/// Returns a path below another; the core makes only names that are safe.
pub(super) fn below(path: &ShelfPath, name: &str) -> ShelfPath {
    path.below(name)
        .expect("names of views are one safe component each")
}
