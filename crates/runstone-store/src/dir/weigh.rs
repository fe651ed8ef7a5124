//! Weighing: a walk through the whole store that reads no file.
//!
//! The invariant guarded here: what has several names counts under one, without remembering any. A
//! claim is the file of its entry under a second name, so a claim with one name has bytes of its
//! own, and one with more counts where the entry is. What vanishes during the walk was a writer's,
//! and is passed over; what a name is for is told from its path alone.

use super::DirStore;
use super::fs::{FileSystem, if_found};
use super::hint::HINT;
use super::layout::{
    COHORT_DOCUMENT, DESCRIPTOR, LOST_AND_FOUND, ORIGIN, PROBE, SECRET, SECRET_MARK, SEGMENTS,
    TEMPORARY,
};
use super::tree::{At, at};
use crate::error::StoreError;
use crate::log::CohortName;
use crate::weight::{Ware, Weighed, Weight};

/// Folders a walk goes down: those of a store are five deep, and what is deeper is no store's.
const DEPTH_MAX: usize = 32;

impl<F: FileSystem> DirStore<F> {
    pub(super) fn weigh_all(&self, report: &mut dyn FnMut(Weighed<'_>)) -> Result<(), StoreError> {
        let root = self.tree.root();
        let weight = self.tree.fs.weigh(&root.dir, ".");
        told(
            Ware::Directories,
            None,
            weight.map_err(at(root.path()))?,
            report,
        );
        let mut walk = Walk {
            store: self,
            path: Vec::new(),
            report,
        };
        walk.folder(&root);
        Ok(())
    }
}

/// A walk under way.
struct Walk<'a, F: FileSystem> {
    store: &'a DirStore<F>,
    /// The folders from the root to where it is.
    path: Vec<String>,
    report: &'a mut dyn FnMut(Weighed<'_>),
}

impl<F: FileSystem> Walk<'_, F> {
    /// Weighs what is in a folder and below it, in the order of names.
    fn folder(&mut self, here: &At<F>) {
        let fs = &self.store.tree.fs;
        let mut listed = match if_found(fs.list_typed(&here.dir)) {
            Ok(listed) => listed.unwrap_or_default(),
            Err(error) => return self.unread(at(here.path())(error)),
        };
        listed.sort_unstable();
        for (name, is_folder) in listed {
            if self.path.is_empty() && name == LOST_AND_FOUND {
                continue;
            }
            let weighed = if_found(fs.weigh(&here.dir, &name));
            let is_folder = match is_folder {
                Some(known) => Ok(known),
                None => fs.is_dir(&here.dir, &name),
            };
            let (weight, is_folder) = match (weighed, is_folder) {
                (Ok(Some(weight)), Ok(is_folder)) => (weight, is_folder),
                (Ok(None), _) => continue,
                (Err(error), _) | (_, Err(error)) => {
                    self.unread(at(here.name(&name))(error));
                    continue;
                }
            };
            self.path.push(name);
            self.one(here, weight, is_folder);
            self.path.pop();
        }
    }

    fn one(&mut self, here: &At<F>, weight: Weight, is_folder: bool) {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let cohort = cohort_of(&path);
        if !is_folder {
            return told(ware_of(&path), cohort.as_ref(), weight, self.report);
        }
        told(Ware::Directories, cohort.as_ref(), weight, self.report);
        let Some(name) = path.last().filter(|_| path.len() < DEPTH_MAX) else {
            return;
        };
        match self.store.tree.open_in(here, name) {
            Ok(Some(below)) => self.folder(&below),
            Ok(None) => {}
            Err(error) => self.unread(error),
        }
    }

    fn unread(&mut self, error: StoreError) {
        (self.report)(Weighed::Unread(error));
    }
}

fn told(
    ware: Ware,
    cohort: Option<&CohortName>,
    weight: Weight,
    report: &mut dyn FnMut(Weighed<'_>),
) {
    let is_elsewhere = match ware {
        // An object that was stopped on its way has its place and a name in the trash.
        Ware::Keys | Ware::Trash => weight.names > 1,
        // A writer that was stopped between its two links left a file and its claim; one that was
        // stopped after them left a third name of an entry.
        Ware::Leftovers => weight.names > if cohort.is_some() { 2 } else { 1 },
        _ => false,
    };
    report(Weighed::One {
        ware,
        cohort,
        weight,
        is_elsewhere,
    });
}

/// Returns what a file is for, by its path below the root.
fn ware_of(path: &[&str]) -> Ware {
    let is_leftover = |part: &&str| part.starts_with(TEMPORARY) || part.starts_with(PROBE);
    if path.iter().any(is_leftover) {
        return Ware::Leftovers;
    }
    match path {
        ["keys", ..] => Ware::Keys,
        ["cohorts", _, "log", ..] => Ware::Entries,
        ["cohorts", _, "notes", ..] | ["environments", "notes", ..] | ["notes", ..] => Ware::Notes,
        ["cohorts", _, "view", HINT] | [ORIGIN] => Ware::Hints,
        ["cohorts", _, "view", ..] | ["runs", ..] => Ware::Views,
        ["cohorts", _, SEGMENTS, ..] => Ware::Segments,
        ["cohorts", _, COHORT_DOCUMENT] => Ware::Cohorts,
        ["environments", "log", ..] => Ware::Environments,
        ["objects", ..] => Ware::Objects,
        ["profiles", ..] => Ware::Profiles,
        ["started", ..] => Ware::Started,
        ["refused", ..] => Ware::Refused,
        ["quarantine", ..] => Ware::Quarantine,
        ["trash", ..] => Ware::Trash,
        [DESCRIPTOR | SECRET_MARK] | [SECRET, ..] => Ware::Store,
        _ => Ware::Unknown,
    }
}

/// Returns the cohort that a path is of: its own folder, or a view of one of its snapshots.
fn cohort_of(path: &[&str]) -> Option<CohortName> {
    match path {
        ["cohorts", cohort, ..] | ["runs", _, _, cohort, ..] => cohort.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_for_what_its_path_says() {
        for (path, ware) in [
            ("runstone.json", Ware::Store),
            ("secret/key", Ware::Store),
            ("keys/0a/0a12", Ware::Keys),
            (
                "cohorts/c/log/0000000000/00000000000000000001",
                Ware::Entries,
            ),
            ("cohorts/c/log/0000000000/.t-12", Ware::Leftovers),
            ("cohorts/c/view/LATEST.json", Ware::Views),
            ("cohorts/c/view/head.json", Ware::Hints),
            ("cohorts/c/seg/0", Ware::Segments),
            ("runs/r/train/c/0/diff.json", Ware::Views),
            (".probe-12/n0", Ware::Leftovers),
            ("README", Ware::Unknown),
            ("cohorts/README", Ware::Unknown),
        ] {
            let parts: Vec<&str> = path.split('/').collect();
            assert_eq!(ware_of(&parts), ware, "{path}");
        }
    }

    #[test]
    fn object_that_has_its_place_and_a_name_in_the_trash_counts_once() {
        let counted = |ware| {
            let mut counted = false;
            let two_names = Weight {
                names: 2,
                ..Weight::default()
            };
            told(ware, None, two_names, &mut |weighed| {
                counted |= matches!(
                    weighed,
                    Weighed::One {
                        is_elsewhere: false,
                        ..
                    }
                );
            });
            counted
        };
        assert!(counted(Ware::Objects) && !counted(Ware::Trash));
    }

    #[test]
    fn views_belong_to_the_cohort_of_their_snapshot() {
        let cohort = |path: &[&str]| cohort_of(path).map(|it| it.to_string());
        assert_eq!(cohort(&["runs", "r", "s", "c.1", "0"]), Some("c.1".into()));
        assert_eq!(cohort(&["cohorts", "c.1"]), Some("c.1".into()));
        assert_eq!(cohort(&["runs", "r", "index.json"]), None);
    }
}
