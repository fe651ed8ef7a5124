//! Where documents come from: a file, or standard input, cut up as it arrives.
//!
//! The invariant: a document is handed on as soon as its last byte is there, and no more is held
//! than one document may have. What becomes of the documents belongs to the command.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use runstone::Handed;
use runstone::core::json::{Limits, Stream};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::error::CliError;

/// Bytes asked for at once.
const READ_BYTES: usize = 64 * 1024;

/// The documents of a file or of standard input.
pub(crate) struct Documents {
    from: File,
    stream: Stream,
    buffer: Vec<u8>,
    /// The document after the one handed on, if it has arrived.
    ahead: Option<Handed>,
    has_ended: bool,
    failure: Failure,
}

/// Why reading ended before its end, if it did: known when all documents were taken.
#[derive(Clone, Default)]
pub(crate) struct Failure(Arc<Mutex<Option<io::Error>>>);

impl Failure {
    /// Takes the failure of reading `path`, if there was one.
    pub(crate) fn take(&self, path: &Path) -> Option<CliError> {
        let failure = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map(|source| CliError::Unreadable {
            path: PathBuf::from(path),
            source,
        })
    }
}

impl Documents {
    /// Opens a file, or standard input for `-`.
    pub(crate) fn open(path: &Path, limits: Limits) -> Result<Self, CliError> {
        let opened = if path == Path::new("-") {
            io::stdin().as_fd().try_clone_to_owned().map(File::from)
        } else {
            File::open(path)
        };
        let from = opened.map_err(|source| CliError::Unreadable {
            path: PathBuf::from(path),
            source,
        })?;
        Ok(Self {
            from,
            stream: Stream::new(limits),
            buffer: vec![0; READ_BYTES],
            ahead: None,
            has_ended: false,
            failure: Failure::default(),
        })
    }

    /// Returns where a failure of reading will be found.
    pub(crate) fn failure(&self) -> Failure {
        self.failure.clone()
    }
}

impl Documents {
    /// Reads on; after a failure nothing follows.
    fn read(&mut self) {
        let read = match self.from.read(&mut self.buffer) {
            // Whoever opened it wanted no waiting there; here nothing else is to be done.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => match self.wait() {
                Ok(()) => return,
                Err(error) => Err(error),
            },
            read => read,
        };
        match read {
            Ok(0) => {
                self.has_ended = true;
                self.stream.end();
            }
            Ok(count) => self.stream.feed(&self.buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                // What stands before a failure may be the beginning of something else: it is left.
                self.has_ended = true;
                self.stream = Stream::new(Limits::default());
                let mut failure = self
                    .failure
                    .0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                *failure = Some(error);
            }
        }
    }

    /// Waits until there is something to read, or never will be.
    fn wait(&self) -> io::Result<()> {
        let mut fds = [PollFd::new(&self.from, PollFlags::IN)];
        poll(&mut fds, None)?;
        Ok(())
    }

    /// Returns whether reading would not wait.
    fn is_ready(&self) -> bool {
        let mut fds = [PollFd::new(&self.from, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }
}

impl Iterator for Documents {
    type Item = Handed;

    fn next(&mut self) -> Option<Handed> {
        let mut next = self.ahead.take();
        loop {
            let found = self.stream.take().map(Handed::from);
            match (&next, found) {
                (None, Some(found)) => next = Some(found),
                (Some(_), Some(found)) => {
                    self.ahead = Some(found);
                    return next;
                }
                (_, None) if self.has_ended => return next,
                // Whoever waits for the answer to this one may write no other before.
                (Some(_), None) if !self.is_ready() => return next,
                (_, None) => self.read(),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.ahead {
            Some(_) => (1, None),
            None if self.has_ended => (0, Some(0)),
            None => (0, None),
        }
    }
}
