//! Directories of a fan that stay open while entries are written.
//!
//! A fan has 256 directories, too many to be held by a handle that has nothing to do; an entry
//! needs that of its claim three times, and a batch each of them again and again. The invariants
//! guarded here: they are held only as long as somebody says that entries are on their way, no more
//! of them than a quarter of the files that the process may have open, and none when it has run out
//! of them. What they are opened for is left to the tree.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::fs::FileSystem;
use super::tree::At;

/// Directories that are held at most: those of one fan.
const HELD_MAX: usize = 256;

/// The directories of fans that are held open.
#[derive(Debug)]
pub(super) struct Fans<F: FileSystem> {
    state: Mutex<State<F>>,
    held_max: usize,
}

#[derive(Debug)]
struct State<F: FileSystem> {
    /// How many say that entries are on their way.
    needed_by: usize,
    /// Whether the process had no more files to open since one of them said so.
    is_short: bool,
    held: BTreeMap<String, At<F>>,
}

/// Says that entries are on their way, until it is dropped.
#[derive(Debug)]
pub(super) struct Needed<'f, F: FileSystem>(&'f Fans<F>);

impl<F: FileSystem> Fans<F> {
    /// Returns a holder for a process that may have so many files open.
    pub(super) fn new(open_files_max: usize) -> Self {
        Self {
            state: Mutex::new(State {
                needed_by: 0,
                is_short: false,
                held: BTreeMap::new(),
            }),
            held_max: HELD_MAX.min(open_files_max / 4),
        }
    }

    /// Says that entries are on their way.
    pub(super) fn need(&self) -> Needed<'_, F> {
        self.state().needed_by += 1;
        Needed(self)
    }

    pub(super) fn held(&self, path: &str) -> Option<At<F>> {
        self.state().held.get(path).cloned()
    }

    /// Holds a directory, if entries are on their way and there is room.
    pub(super) fn hold(&self, fan: &At<F>) {
        let mut state = self.state();
        if state.needed_by > 0 && !state.is_short && state.held.len() < self.held_max {
            state.held.insert(fan.path(), fan.clone());
        }
    }

    /// Lets all go, since no further file can be opened.
    pub(super) fn give_up(&self) {
        let mut state = self.state();
        state.is_short = true;
        state.held.clear();
    }

    fn state(&self) -> MutexGuard<'_, State<F>> {
        // What is held is open by itself, whoever panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: FileSystem> Drop for Needed<'_, F> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.needed_by -= 1;
        if state.needed_by == 0 {
            state.is_short = false;
            state.held.clear();
        }
    }
}
