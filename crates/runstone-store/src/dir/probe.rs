//! The probe: may this file system hold a store?
//!
//! Everything rests on a call that gives a name to one of many. Before a store is made, four
//! threads race for 32 names in a directory of the probe's own. The invariant guarded here: a store
//! exists only where every race had exactly one winner and its bytes were read back. What races
//! between hosts would show is left to a longer probe.

use std::path::Path;
use std::{io, thread};

use rustix::io::Errno;

use super::fs::{FileSystem, best_effort};
use super::layout::PROBE;
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
        let raced = race_all(fs, &dir, primitive);
        sweep(fs, root, &name, &dir);
        match raced {
            Ok(None) => return Ok(primitive),
            Ok(Some(winners)) => {
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

/// Races for every name; returns the number of winners where it was not one.
fn race_all<F: FileSystem>(
    fs: &F,
    dir: &F::Dir,
    primitive: Primitive,
) -> io::Result<Option<usize>> {
    let won: Vec<Vec<usize>> = thread::scope(|scope| {
        let racer = |id| move || race(fs, dir, primitive, id);
        let racers: Vec<_> = (0..RACERS).map(|id| scope.spawn(racer(id))).collect();
        let joined = racers
            .into_iter()
            .map(|racer| racer.join().expect("a racer does not panic"));
        joined.collect::<io::Result<_>>()
    })?;
    for name in 0..NAMES {
        let winners: Vec<_> = (0..RACERS).filter(|id| won[*id].contains(&name)).collect();
        let file = fs.open_read(dir, &target(name))?;
        let bytes = fs.read(&file, 64)?;
        if winners.len() != 1 || bytes != content(winners[0]) {
            return Ok(Some(winners.len()));
        }
    }
    Ok(None)
}

/// Tries for every name in turn; returns those won.
fn race<F: FileSystem>(
    fs: &F,
    dir: &F::Dir,
    primitive: Primitive,
    id: usize,
) -> io::Result<Vec<usize>> {
    let mut won = Vec::new();
    for name in 0..NAMES {
        let own = format!("r{id}-{name}");
        let file = fs.create_new(dir, &own, 0o600)?;
        fs.write_all(&file, &content(id))?;
        let outcome = match primitive {
            Primitive::Link => fs.link(dir, &own, dir, &target(name)),
            Primitive::RenameNoreplace => fs.rename_noreplace(dir, &own, dir, &target(name)),
        };
        match outcome {
            Ok(()) => won.push(name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(won)
}

fn target(name: usize) -> String {
    format!("n{name}")
}

fn content(id: usize) -> Vec<u8> {
    format!("racer {id}").into_bytes()
}

fn is_unsupported(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        errno,
        Some(Errno::PERM | Errno::OPNOTSUPP | Errno::MLINK | Errno::NOSYS | Errno::INVAL)
    )
}

/// Removes what the probe made; what resists is left, under a name makers of stores pass over.
fn sweep<F: FileSystem>(fs: &F, root: &F::Dir, name: &str, dir: &F::Dir) {
    for file in fs.list(dir, usize::MAX).unwrap_or_default() {
        best_effort(fs.unlink(dir, &file));
    }
    best_effort(fs.remove_dir(root, name));
}
