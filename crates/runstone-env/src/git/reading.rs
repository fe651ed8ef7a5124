//! Reading a repository within a time.
//!
//! The reader has a thread of its own and tells what it knows as it goes; whoever waits for it
//! takes what is known when the time is up, and lets the reader go. The invariant: a repository
//! that is large, or on a disk that hangs, costs its time and not more.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use runstone_core::redact::Redaction;

use super::code::Code;
use crate::names::State;

/// What a reading of the code needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long it may take, in milliseconds.
    pub time_ms_max: u64,
    /// Folders in the work tree that hold no code, such as a store: what is in them counts
    /// nowhere.
    pub passed_over: Vec<PathBuf>,
    /// What is redacted, as the store has it.
    pub redaction: Redaction,
}

impl Default for Options {
    /// Half a second, and the rules that are always on.
    fn default() -> Self {
        Self {
            time_ms_max: 500,
            passed_over: Vec::new(),
            redaction: Redaction::default(),
        }
    }
}

/// A reading that was begun.
#[derive(Debug)]
pub struct Reading {
    began: Instant,
    options: Options,
    known: Arc<Known>,
    /// Nothing comes: that the reader is gone is what ends the waiting.
    gone: Receiver<()>,
}

/// What the reader knows so far.
#[derive(Debug)]
pub(super) struct Known {
    code: Mutex<Code>,
    /// Whether all was read that there is to read.
    is_whole: AtomicBool,
    /// Set when nobody waits any more.
    pub(super) stop: Arc<AtomicBool>,
}

/// Reads the code in `folder`.
///
/// This never fails: what could not be read is said in the state.
///
/// # Examples
/// ```no_run
/// use std::path::Path;
///
/// use runstone_env::State;
/// use runstone_env::git::{Options, capture};
///
/// let code = capture(Path::new("."), Options::default());
/// if code.state == State::Captured {
///     assert!(code.work_tree.is_some_and(|it| it.is_clean()));
/// }
/// ```
pub fn capture(folder: &Path, options: Options) -> Code {
    begin(folder, options).finish()
}

/// Begins to read the code in `folder`, so that other things can be done meanwhile.
pub fn begin(folder: &Path, options: Options) -> Reading {
    let known = Arc::new(Known {
        code: Mutex::new(Code::unknown(State::Unreadable)),
        is_whole: AtomicBool::new(false),
        stop: Arc::default(),
    });
    let began = Instant::now();
    let gone = spawn(folder, &options.passed_over, &known);
    Reading {
        began,
        options,
        known,
        gone,
    }
}

#[cfg(feature = "git")]
fn spawn(folder: &Path, passed_over: &[PathBuf], known: &Arc<Known>) -> Receiver<()> {
    let (here, gone) = mpsc::channel();
    let (folder, passed_over) = (folder.to_owned(), passed_over.to_owned());
    let readers = Arc::clone(known);
    let reader = std::thread::Builder::new().name("git".to_owned());
    let spawned = reader.spawn(move || {
        super::repository::read(&folder, &passed_over, &readers);
        readers.is_whole.store(true, Ordering::Release);
        drop::<mpsc::Sender<()>>(here);
    });
    if let Err(error) = spawned {
        known.end(
            State::Unreadable,
            format!("no thread could be started: {error}"),
        );
    }
    gone
}

#[cfg(not(feature = "git"))]
fn spawn(_folder: &Path, _passed_over: &[PathBuf], known: &Arc<Known>) -> Receiver<()> {
    known.end(State::Skipped, "this build reads no git repositories");
    mpsc::channel().1
}

impl Reading {
    /// Waits until the time is up at most, and returns what is known then.
    pub fn finish(self) -> Code {
        let time = Duration::from_millis(self.options.time_ms_max);
        let left = time.saturating_sub(self.began.elapsed());
        let ended = self.gone.recv_timeout(left);
        self.known.stop.store(true, Ordering::Release);
        let mut code = self.known.code().clone();
        if !self.known.is_whole.load(Ordering::Acquire) {
            code.lacks(match ended {
                Err(RecvTimeoutError::Timeout) => format!(
                    "the repository was not read to its end within {} ms",
                    self.options.time_ms_max
                ),
                _ => "reading the repository broke off".to_owned(),
            });
        }
        code.took_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        code.redacted(&self.options.redaction)
    }
}

impl Known {
    /// Returns what is known, to read it or to add to it.
    pub(super) fn code(&self) -> MutexGuard<'_, Code> {
        self.code.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says why nothing more will be known.
    pub(super) fn end(&self, state: State, reason: impl Into<String>) {
        let mut code = self.code();
        code.state = state;
        code.warnings.push(reason.into());
        self.is_whole.store(true, Ordering::Release);
    }
}
