//! Ways to be wrong, one at a time and in tests alone: each leaves out or swaps a step of a commit.
//!
//! A simulation that never fails proves nothing, so it is run on these and has to notice each of
//! them. The invariant guarded here: a mutant lives in the thread that turned into it and nowhere
//! else, and nothing of this is in a build that is not a test. What each of them breaks, and how
//! that is seen, is left to the simulation.

use std::cell::Cell;
use std::io;

use crate::dir::FileSystem;

/// A way to be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// No directory is flushed.
    NoDirectorySync,
    /// No file is flushed.
    NoFileSync,
    /// A file is flushed only when it has its place.
    SyncAfterPublish,
    /// A slot is linked before the name of its claim is durable.
    SlotBeforeKeySync,
    /// What an entry names is not flushed.
    ObjectNotSynced,
    /// Objects that an entry names are not looked at again once it has its place.
    ObjectNotLookedAtAgain,
    /// A name is taken by a rename, which takes it from whoever has it.
    PlainRename,
    /// A name that looks free is written to, whoever else does.
    MaxPlusOneWithoutCreate,
    /// A name is looked for and then taken, under a lock.
    FlockOnly,
    /// The slot of an entry that was deleted is free again.
    SlotReuseAfterDelete,
    /// A name that is said to exist is a loss, whoever has it.
    ExistsIsALoss,
    /// Who misses the name that its rename may have taken away says that nothing was recorded.
    MissingIsNoDoubt,
    /// The copy of an object is taken although the object may still lose its place.
    CopyTakenInDoubt,
    /// A segment has its name before it is flushed.
    SegmentNotSynced,
    /// What is remembered of an entry until it is sealed is not what its slot holds.
    OtherBytesSealed,
    /// Who was refused a place does not ask again whether anyone has adopted its claim.
    AdoptionNotAskedAnew,
}

thread_local! {
    static MUTANT: Cell<Option<Mutant>> = const { Cell::new(None) };
}

/// Makes the engine wrong in this way wherever this thread calls it.
pub(crate) fn turn_into(mutant: Option<Mutant>) {
    MUTANT.set(mutant);
}

/// Returns whether this thread is this mutant.
pub(crate) fn is(mutant: Mutant) -> bool {
    MUTANT.get() == Some(mutant)
}

/// Gives a file a name in the way of a mutant; nothing if this thread gives names as it should.
pub(crate) fn give_name<F: FileSystem>(
    fs: &F,
    from: (&F::Dir, &str),
    to: (&F::Dir, &str),
) -> Option<io::Result<()>> {
    match MUTANT.get()? {
        Mutant::PlainRename => Some(take(fs, from, to)),
        Mutant::MaxPlusOneWithoutCreate => Some(write_if_free(fs, from, to)),
        Mutant::FlockOnly => Some(take_under_lock(fs, from, to)),
        _ => None,
    }
}

/// Renames a second name of the file over whatever is there.
fn take<F: FileSystem>(
    fs: &F,
    (from, old): (&F::Dir, &str),
    (to, new): (&F::Dir, &str),
) -> io::Result<()> {
    let hidden = format!("{old}-{new}");
    fs.link(from, old, to, &hidden)?;
    fs.rename(to, &hidden, new)
}

fn exists() -> io::Error {
    io::ErrorKind::AlreadyExists.into()
}

fn write_if_free<F: FileSystem>(
    fs: &F,
    (from, old): (&F::Dir, &str),
    (to, new): (&F::Dir, &str),
) -> io::Result<()> {
    if fs.exists(to, new)? {
        return Err(exists());
    }
    let bytes = fs.read(&fs.open_read(from, old)?, usize::MAX)?;
    // Opening what somebody else has made meanwhile empties it.
    if fs.exists(to, new)? {
        fs.unlink(to, new)?;
    }
    let file = fs.create_new(to, new, 0o400)?;
    fs.write_all(&file, &bytes)?;
    fs.sync_file(&file)
}

fn take_under_lock<F: FileSystem>(
    fs: &F,
    from: (&F::Dir, &str),
    to: (&F::Dir, &str),
) -> io::Result<()> {
    let lock = loop {
        if let Some(lock) = fs.try_lock(to.0)? {
            break lock;
        }
    };
    let taken = if fs.exists(to.0, to.1)? {
        Err(exists())
    } else {
        take(fs, from, to)
    };
    drop(lock);
    taken
}
