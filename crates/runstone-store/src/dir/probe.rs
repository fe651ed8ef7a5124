//! The probe: may this file system hold a store?
//!
//! Everything rests on a call that gives a name to one of many. Before a store is made, four
//! threads race for 32 names in a directory of the probe's own. The invariant guarded here: a store
//! exists only where every race had exactly one winner and its bytes were read back. Races of
//! processes, and everything else that can be asked, are left to `examine`; what races between
//! hosts would show, to nobody yet.

use std::path::Path;
use std::{io, thread};

use super::fs::{FileSystem, best_effort};
use super::layout::PROBE;
use super::race::{Course, Raced, is_unsupported, judge, prepare, race};
use crate::descriptor::Primitive;
use crate::error::StoreError;
use crate::key::Nonce;

/// Threads that race.
const RACERS: usize = 4;
/// Names they race for.
const NAMES: usize = 32;

/// Returns the first call of which one racer in each race wins.
pub(super) fn choose_primitive<F: FileSystem>(
    fs: &F,
    root: &F::Dir,
    path: &Path,
    nonce: Nonce,
) -> Result<Primitive, StoreError> {
    let unfit = |reason: String| StoreError::Unfit {
        path: path.to_owned(),
        reason,
    };
    for primitive in [Primitive::Link, Primitive::RenameNoreplace] {
        let name = format!("{PROBE}{nonce}");
        let dir = fs
            .make_dir(root, &name, 0o700)
            .and_then(|()| fs.open_dir(root, &name));
        let dir = dir.map_err(|source| StoreError::NotRecorded {
            path: name.clone(),
            source,
        })?;
        let course = Course {
            racers: RACERS,
            names: NAMES,
            primitive,
        };
        let raced = race_all(fs, &dir, course);
        sweep(fs, root, &name, &dir);
        match raced {
            Ok(Raced::Fair { .. }) => return Ok(primitive),
            Ok(Raced::Unfair { winners }) => {
                return Err(unfit(format!(
                    "two writers could win on this file system ({winners} won one name)"
                )));
            }
            Err(error) if is_unsupported(&error) => {}
            Err(source) => return Err(StoreError::NotRecorded { path: name, source }),
        }
    }
    Err(unfit(
        "it has neither hard links nor a rename that replaces nothing".to_owned(),
    ))
}

/// Lets a thread for each racer race for every name.
fn race_all<F: FileSystem>(fs: &F, dir: &F::Dir, course: Course) -> io::Result<Raced> {
    let won: Vec<Vec<usize>> = thread::scope(|scope| {
        let racer = |id| {
            move || {
                prepare(fs, dir, course, id)?;
                race(fs, dir, course, id)
            }
        };
        let racers: Vec<_> = (0..course.racers)
            .map(|id| scope.spawn(racer(id)))
            .collect();
        let joined = racers
            .into_iter()
            .map(|racer| racer.join().expect("a racer does not panic"));
        joined.collect::<io::Result<_>>()
    })?;
    judge(fs, dir, course, &won)
}

/// Removes what the probe made; what resists is left, under a name makers of stores pass over.
pub(super) fn sweep<F: FileSystem>(fs: &F, root: &F::Dir, name: &str, dir: &F::Dir) {
    for file in fs.list(dir, usize::MAX).unwrap_or_default() {
        if fs.unlink(dir, &file).is_err()
            && let Ok(below) = fs.open_dir(dir, &file)
        {
            for file in fs.list(&below, usize::MAX).unwrap_or_default() {
                best_effort(fs.unlink(&below, &file));
            }
            best_effort(fs.remove_dir(dir, &file));
        }
    }
    best_effort(fs.remove_dir(root, name));
}
