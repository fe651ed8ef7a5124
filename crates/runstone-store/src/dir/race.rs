//! The race: many want one name, and one may have it.
//!
//! Every commit rests on a call that gives a name to one of many. Here racers, threads of a maker
//! of stores or processes of an examination, try that call for the same names at once. The
//! invariant guarded here: a race is won only if each name had exactly one winner and holds its
//! bytes. Where and why a race is held is left to others.

use std::{io, thread};

use rustix::io::Errno;

use super::fs::FileSystem;
use crate::descriptor::Primitive;

/// What is raced for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    /// Who race.
    pub racers: usize,
    /// Names they race for.
    pub names: usize,
    /// The call by which one of them wins.
    pub primitive: Primitive,
}

/// What became of a race.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Raced {
    /// Each name had one winner; so many racers won at least one.
    Fair {
        /// Who won something: more than one shows that it was a race.
        victors: usize,
    },
    /// So many won one name, or its bytes are not the winner's.
    Unfair {
        /// Who says to have won it.
        winners: usize,
    },
}

/// Makes the files that a racer gives names to, so that nothing else is left for the race.
pub(super) fn prepare<F: FileSystem>(
    fs: &F,
    dir: &F::Dir,
    course: Course,
    racer: usize,
) -> io::Result<()> {
    for name in 0..course.names {
        let file = fs.create_new(dir, &own(racer, name), 0o600)?;
        fs.write_all(&file, &content(racer))?;
    }
    Ok(())
}

/// Tries for every name in turn; returns those won.
pub(super) fn race<F: FileSystem>(
    fs: &F,
    dir: &F::Dir,
    course: Course,
    racer: usize,
) -> io::Result<Vec<usize>> {
    let mut won = Vec::new();
    for name in 0..course.names {
        let (old, new) = (own(racer, name), target(name));
        let outcome = match course.primitive {
            Primitive::Link => fs.link(dir, &old, dir, &new),
            Primitive::RenameNoreplace => fs.rename_noreplace(dir, &old, dir, &new),
        };
        match outcome {
            Ok(()) => won.push(name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        // On few cores one would run through all names before the next one begins.
        thread::yield_now();
    }
    Ok(won)
}

/// Reads every name back and compares it with what the racers say to have won.
pub(super) fn judge<F: FileSystem>(
    fs: &F,
    dir: &F::Dir,
    course: Course,
    won: &[Vec<usize>],
) -> io::Result<Raced> {
    for name in 0..course.names {
        let winners: Vec<usize> = (0..won.len())
            .filter(|racer| won[*racer].contains(&name))
            .collect();
        let file = fs.open_read(dir, &target(name))?;
        let bytes = fs.read(&file, 64)?;
        if winners.len() != 1 || bytes != content(winners[0]) {
            let winners = winners.len();
            return Ok(Raced::Unfair { winners });
        }
    }
    let victors = won.iter().filter(|names| !names.is_empty()).count();
    Ok(Raced::Fair { victors })
}

/// Tells whether a call is one that the file system does not have.
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        errno,
        Some(Errno::PERM | Errno::OPNOTSUPP | Errno::MLINK | Errno::NOSYS | Errno::INVAL)
    )
}

fn own(racer: usize, name: usize) -> String {
    format!("r{racer}-{name}")
}

fn target(name: usize) -> String {
    format!("n{name}")
}

fn content(racer: usize) -> Vec<u8> {
    format!("racer {racer}").into_bytes()
}
