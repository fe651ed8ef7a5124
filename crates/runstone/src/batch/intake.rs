//! The way in: documents wait here until a chunk of them is taken.
//!
//! One thread pushes, one takes. The invariants: what waits is bounded in number and in bytes,
//! except that a single document always fits; a chunk is taken at the latest 50 ms after its first
//! document came; and both sides are let go as soon as the other has gone. What the documents are
//! does not matter here.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Documents in a chunk at most.
const DOCUMENTS_MAX: usize = 1024;
/// Bytes in a chunk at most, unless one document alone has more.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long the first document of a chunk waits for others.
const WAITS: Duration = Duration::from_millis(50);

/// Where documents wait.
#[derive(Debug)]
pub(super) struct Intake<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: Vec<T>,
    size_bytes: usize,
    /// When the first of those waiting came.
    since: Option<Instant>,
    /// Whether a further document waits for room.
    is_pressed: bool,
    has_ended: bool,
    is_abandoned: bool,
}

/// Documents that are recorded together.
#[derive(Debug)]
pub(super) struct Chunk<T> {
    pub(super) documents: Vec<T>,
    /// Whether nothing comes after them.
    pub(super) is_last: bool,
}

impl<T> Intake<T> {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                waiting: Vec::new(),
                size_bytes: 0,
                since: None,
                is_pressed: false,
                has_ended: false,
                is_abandoned: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Lets a document in, when there is room, and says whether it is known to be the last; returns
    /// whether anyone still wants it.
    pub(super) fn push(&self, document: T, size_bytes: usize, is_last: bool) -> bool {
        let is_full = |state: &mut State<T>| {
            !state.is_abandoned
                && !state.waiting.is_empty()
                && (state.waiting.len() >= DOCUMENTS_MAX
                    || state.size_bytes + size_bytes > BYTES_MAX)
        };
        let mut state = self.state();
        if is_full(&mut state) {
            state.is_pressed = true;
            self.changed.notify_all();
            let waited = self.changed.wait_while(state, is_full);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_abandoned {
            return false;
        }
        state.waiting.push(document);
        state.size_bytes += size_bytes;
        state.since.get_or_insert_with(Instant::now);
        state.has_ended |= is_last;
        if state.waiting.len() == 1 || state.is_full() || is_last {
            self.changed.notify_all();
        }
        true
    }

    /// Says that no further document comes.
    pub(super) fn end(&self) {
        self.state().has_ended = true;
        self.changed.notify_all();
    }

    /// Says that no further document is wanted.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        state.is_abandoned = true;
        state.waiting.clear();
        self.changed.notify_all();
    }

    /// Takes the next chunk when it is full, or its time has come, or nothing follows; nothing when
    /// all were taken.
    pub(super) fn take(&self) -> Option<Chunk<T>> {
        let mut state = self.state();
        loop {
            if state.is_abandoned {
                return None;
            }
            let now = Instant::now();
            let waits = match state.since {
                None if state.has_ended => return None,
                None => None,
                Some(since) => {
                    let left = WAITS.saturating_sub(now.duration_since(since));
                    if state.has_ended || state.is_full() || left.is_zero() {
                        let documents = std::mem::take(&mut state.waiting);
                        (state.size_bytes, state.since, state.is_pressed) = (0, None, false);
                        self.changed.notify_all();
                        return Some(Chunk {
                            documents,
                            is_last: state.has_ended,
                        });
                    }
                    Some(left)
                }
            };
            state = match waits {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    self.changed
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // A thread that panicked while holding the lock left what it had pushed whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    /// Returns whether a chunk need not wait for its time. A document that is large by itself does
    /// wait, until another one follows: it may be the only one.
    fn is_full(&self) -> bool {
        self.is_pressed || self.waiting.len() >= DOCUMENTS_MAX
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_chunk_is_bounded_in_number_and_in_bytes() {
        let intake = Intake::new();
        let mut chunks = Vec::new();
        thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..3000 {
                    assert!(intake.push(number, 1, false));
                }
                for number in 0..5 {
                    assert!(intake.push(number, 3 * 1024 * 1024, false));
                }
                assert!(intake.push(0, 2 * BYTES_MAX, false));
                intake.end();
            });
            while let Some(chunk) = intake.take() {
                chunks.push(chunk);
            }
        });
        let all: usize = chunks.iter().map(|chunk| chunk.documents.len()).sum();
        assert_eq!(all, 3006);
        assert!(
            chunks
                .iter()
                .all(|chunk| chunk.documents.len() <= DOCUMENTS_MAX)
        );
        assert!(chunks.len() >= 3 + 3, "{}", chunks.len());
        assert!(chunks.last().unwrap().is_last);
    }

    #[test]
    fn a_document_does_not_wait_for_the_end() {
        let intake = Intake::new();
        assert!(intake.push("first", 1, false));
        let began = Instant::now();
        let chunk = intake.take().unwrap();
        assert_eq!((chunk.documents, chunk.is_last), (vec!["first"], false));
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn whoever_waits_is_let_go_when_the_others_leave() {
        let intake = Intake::new();
        thread::scope(|scope| {
            let taker = scope.spawn(|| intake.take().is_none());
            let pusher = scope.spawn(|| while intake.push(0, BYTES_MAX, false) {});
            intake.abandon();
            assert!(taker.join().is_ok());
            assert!(pusher.join().is_ok());
        });
        assert!(!intake.push(0, 1, false));
        let intake = Intake::<u8>::new();
        intake.end();
        assert!(intake.take().is_none());
    }
}
