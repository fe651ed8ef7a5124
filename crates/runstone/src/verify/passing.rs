//! Verifying what is no truth and no view of it: notices of runs under way, refused runs, and what
//! lies among views without being one.
//!
//! Nothing here is damage. But a refused run that nobody can read is what is left of a run, and
//! whoever verifies a store wants to know. The invariant guarded here: what is not of a kind that
//! the ledger puts there is named and left alone, because it is somebody's.

use runstone_core::views::{INDEX_FILE, LATEST_FILE, ViewFile, ViewFolder};
use runstone_store::{CohortName, Room, ShelfPath, Shelved, StaleKind};

use super::{Leftover, Verified};
use crate::open::Ledger;
use crate::refused::RefusedRun;
use crate::under_way::Started;

/// What is said of a file that cannot be read as what it is named.
const UNREADABLE: &str = "unreadable";
/// The file of a cohort's views that the store leaves there.
const HINT_FILE: &str = "head.json";

impl Ledger {
    /// Names what lies in `started/` and `refused/` and cannot be read as what belongs there, and
    /// what lies among the views and is none.
    pub(super) fn verify_passing(&self, cohorts: &[CohortName], verified: &mut Verified) {
        let refused = ShelfPath::of(Room::Refused);
        for file in self.listed(&refused) {
            self.verify_file(&refused, &file, verified, &|_, bytes| {
                RefusedRun::from_bytes(bytes, "").is_ok()
            });
        }
        let started = ShelfPath::of(Room::Started);
        for folder in self.listed(&started) {
            match started.below(&folder.name) {
                Ok(path) if folder.is_folder => {
                    for file in self.listed(&path) {
                        self.verify_file(&path, &file, verified, &|path, bytes| {
                            let started = Started::from_bytes(bytes).ok();
                            started.is_some_and(|it| it.path().is_ok_and(|own| own == *path))
                        });
                    }
                }
                Ok(_) | Err(_) => name(&started, &folder, StaleKind::Unknown.word(), verified),
            }
        }
        self.strays_among_views(&ShelfPath::of(Room::Runs), verified);
        for cohort in cohorts {
            let views = ShelfPath::of(Room::CohortView(cohort.clone()));
            self.strays_among_views(&views, verified);
        }
    }

    /// Names a file that is not called `….json`, or is not what it has to be there.
    fn verify_file(
        &self,
        folder: &ShelfPath,
        file: &Shelved,
        verified: &mut Verified,
        is_one: &dyn Fn(&ShelfPath, &[u8]) -> bool,
    ) {
        let is_named_as_one = !file.is_folder && file.name.strip_suffix(".json").is_some();
        let Some(path) = folder.below(&file.name).ok().filter(|_| is_named_as_one) else {
            name(folder, file, StaleKind::Unknown.word(), verified);
            return;
        };
        match self.store.shelf().get(&path) {
            Ok(Some(bytes)) if !is_one(&path, &bytes) => name(folder, file, UNREADABLE, verified),
            // Recorded or over meanwhile.
            Ok(_) => {}
            Err(_) => name(folder, file, UNREADABLE, verified),
        }
    }

    fn strays_among_views(&self, folder: &ShelfPath, verified: &mut Verified) {
        for inside in self.listed(folder) {
            match folder.below(&inside.name) {
                Ok(path) if belongs(&path, inside.is_folder) => {
                    if inside.is_folder {
                        self.strays_among_views(&path, verified);
                    }
                }
                // A folder that no run can have is somebody else's.
                Err(_) if inside.is_folder => {}
                Ok(_) | Err(_) => name(folder, &inside, StaleKind::Unknown.word(), verified),
            }
        }
    }

    /// Returns what lies in a folder; nothing of one that cannot be listed, which was named.
    fn listed(&self, folder: &ShelfPath) -> Vec<Shelved> {
        self.store.shelf().list(folder).unwrap_or_default()
    }
}

/// Tells whether views have a file, or a folder, in this place.
fn belongs(path: &ShelfPath, is_folder: bool) -> bool {
    let parts: Vec<&str> = path.parts().iter().map(String::as_str).collect();
    match (path.room(), parts.as_slice(), is_folder) {
        (Room::CohortView(_), [name], false) => [LATEST_FILE, HINT_FILE].contains(name),
        (Room::Runs, [_] | [_, _] | [_, _, _], true) => true,
        (Room::Runs, [_, name], false) => *name == INDEX_FILE,
        (Room::Runs, [_, _, _, name], true) => ViewFolder::retry(name).is_some(),
        (Room::Runs, [_, _, _, name] | [_, _, _, _, name], false) => {
            ViewFile::from_name(name).is_some()
        }
        _ => false,
    }
}

/// Names something in a folder, unless it was named already.
fn name(folder: &ShelfPath, shelved: &Shelved, kind: &str, verified: &mut Verified) {
    let path = format!("{folder}/{}", shelved.name);
    if verified.stale.iter().any(|known| known.path == path) {
        return;
    }
    verified.stale.push(Leftover {
        path,
        kind: kind.to_owned(),
        why: None,
    });
}
