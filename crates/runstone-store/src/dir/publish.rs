//! Publishing: how a claim and an entry become names that outlast a power cut.
//!
//! One file, written where its slot will be, gets two names: first the claim under `keys/`, then
//! the slot. The flushes in between are the price of a commit, and there are two of them:
//!
//! ```text
//! write file ─▶ link K ─▶ flush file ─▶ link slot ─▶ flush shard ─▶ acknowledge
//!                         (data and K)               (the slot)
//! ```
//!
//! One flush makes data and claim durable where the file system keeps one journal. Elsewhere the
//! file is flushed before it is linked and the directory of the claim after. The invariants guarded
//! here: no slot is linked before data and claim are durable, none is acknowledged before its
//! directory is, a shard is begun only after the one before it is durable, and a slot, where names
//! survive in no order, only after the one before it; and after any error it is the slot that says
//! what happened, not the error.
//!
//! Claims, and what is told to the loop in `append`, are left to `slots`.

use std::panic::resume_unwind;
use std::{io, thread};

use rustix::io::Errno;

use super::DirStore;
use super::draft::Draft;
use super::fs::FileSystem;
#[cfg(test)]
use super::layout::fan_name;
use super::layout::{Holds, shard_name, slot_name};
use super::tree::{At, at};
use crate::append::Published;
use crate::descriptor::Primitive;
use crate::envelope::{Envelope, FILE_BYTES_MAX, Seen, decode};
use crate::error::{Doubt, StoreError};
use crate::key::Nonce;
use crate::log::{Log, Seq};
#[cfg(test)]
use crate::mutants::{self, Mutant};

impl<F: FileSystem> DirStore<F> {
    /// Opens the shard of a place. The first place of a shard is taken only after everything above
    /// the shard is durable, and the shard before it, so that no power cut leaves a gap.
    pub(super) fn shard_for(&self, log: &Log, seq: Seq) -> Result<At<F>, StoreError> {
        let name = shard_name(self.shard_of(seq));
        let mut path = log.path();
        path.push(&name);
        let shard = self.tree.make(&path, Holds::Truth)?;
        if (seq.get() - 1).is_multiple_of(self.shard_slots) {
            path.pop();
            self.tree.sync_down_to(&path)?;
            if let Some(before) = self.shard_of(seq).checked_sub(1) {
                let before = shard_name(before);
                path.push(&before);
                if let Some(before) = self.tree.open(&path)? {
                    self.tree.sync(&before)?;
                }
            }
        }
        Ok(shard)
    }

    /// Links a draft as a slot; after any error the slot itself is asked.
    pub(super) fn take_slot(
        &self,
        log: &Log,
        seq: Seq,
        shard: &At<F>,
        draft: &mut Draft<F>,
        written: &Envelope,
    ) -> Result<Published, StoreError> {
        self.settle_below(log, seq, shard)?;
        let name = slot_name(seq);
        let mut doubt = false;
        let mut failure = None;
        for _ in 0..2 {
            let named = match self.give_name(draft, shard, &name) {
                Ok(named) => named,
                Err(untried) => {
                    failure = Some(untried);
                    continue;
                }
            };
            let error = match named {
                Ok(()) => {
                    #[cfg(test)]
                    self.do_what_was_left_out(draft, written)?;
                    return Ok(Published::Won);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Ok(Published::Occupied);
                }
                Err(error) => error,
            };
            match self.holder(shard, &name) {
                Ok(Some(nonce)) if nonce == written.nonce => return Ok(Published::Won),
                Ok(Some(_)) => return Ok(Published::Occupied),
                Ok(None) => {}
                Err(_) => return Err(unknown(shard.name(&name), error)),
            }
            match consequence(&error) {
                Consequence::NotPublished if !doubt => return Err(at(shard.name(&name))(error)),
                Consequence::NotPublished => {}
                Consequence::Rewrite => {
                    // A rename that is made again misses the name that it took away.
                    let may_be_own = self.tree.primitive == Primitive::RenameNoreplace;
                    #[cfg(test)]
                    let may_be_own = may_be_own && !mutants::is(Mutant::MissingIsNoDoubt);
                    doubt |= may_be_own;
                    let written = self.write_draft_again(log, seq, draft);
                    let flushed = written.and_then(|()| self.flush(draft));
                    flushed.map_err(|error| doubtful(error, doubt))?;
                }
                Consequence::Unclear => doubt = true,
            }
            failure = Some(at(shard.name(&name))(error));
        }
        let failure = failure.expect("the loop is left only after a failure");
        Err(doubtful(failure, doubt))
    }

    /// Does, with the slot taken, what belongs before it.
    #[cfg(test)]
    fn do_what_was_left_out(
        &self,
        draft: &mut Draft<F>,
        written: &Envelope,
    ) -> Result<(), StoreError> {
        if mutants::is(Mutant::SyncAfterPublish) {
            self.flush_now(draft)?;
        }
        if let Some(key) = written.key
            && mutants::is(Mutant::SlotBeforeKeySync)
        {
            self.tree.sync(&self.fan("keys", fan_name(key.digest()))?)?;
        }
        Ok(())
    }

    /// Returns the nonce of the entry in a slot, nothing if the slot is empty.
    fn holder(&self, shard: &At<F>, name: &str) -> Result<Option<Nonce>, StoreError> {
        let Some(bytes) = self.tree.read(shard, name, FILE_BYTES_MAX + 1)? else {
            return Ok(None);
        };
        let damaged =
            |error| at(shard.name(name))(io::Error::new(io::ErrorKind::InvalidData, error));
        decode(&bytes)
            .map(|(envelope, _)| Some(envelope.nonce))
            .map_err(damaged)
    }

    /// Flushes the directory of a slot that is there; from then on it may be told.
    pub(super) fn confirm(&self, log: &Log, shard: &At<F>, seen: Seen) -> Result<(), StoreError> {
        let was_poisoned = self.tree.is_poisoned();
        let doubt = if was_poisoned {
            Doubt::Poisoned
        } else {
            Doubt::Flush
        };
        self.tree
            .sync(shard)
            .map_err(|error| error.in_doubt(doubt))?;
        self.heads.confirm(log, seen);
        Ok(())
    }

    /// The same, while something else is done that nobody hears of before. It is left out where no
    /// further thread can be started.
    pub(super) fn confirm_beside(
        &self,
        log: &Log,
        shard: &At<F>,
        seen: Seen,
        meanwhile: impl FnOnce() + Send,
    ) -> Result<(), StoreError> {
        thread::scope(|scope| {
            // The flush is what is waited for: it does not wait for the other thread to begin.
            let beside = thread::Builder::new().spawn_scoped(scope, meanwhile);
            let confirmed = self.confirm(log, shard, seen);
            if let Ok(beside) = beside
                && let Err(panic) = beside.join()
            {
                resume_unwind(panic);
            }
            confirmed
        })
    }

    /// Makes the places below one durable before it is taken, so that no power cut leaves it
    /// without them. Where one journal keeps all names in their order, that needs no flush.
    fn settle_below(&self, log: &Log, seq: Seq, shard: &At<F>) -> Result<(), StoreError> {
        let is_first = (seq.get() - 1).is_multiple_of(self.shard_slots);
        let Some(previous) = seq.previous().filter(|_| !is_first) else {
            // The shard before is durable since this one was opened.
            return Ok(());
        };
        if self.tree.kind.file_sync_covers_names() || self.heads.is_durable(log, previous) {
            return Ok(());
        }
        self.tree.sync(shard)?;
        self.heads.settle(log, previous);
        Ok(())
    }
}

/// What follows from the failure of a link when the slot is empty.
#[derive(Debug, PartialEq, Eq)]
enum Consequence {
    /// The link was not made.
    NotPublished,
    /// The link was not made because the temporary file is gone or elsewhere: write it again.
    Rewrite,
    /// The link may still be made: ask once more, then admit not to know.
    Unclear,
}

fn consequence(error: &io::Error) -> Consequence {
    match errno(error) {
        Some(Errno::NOSPC | Errno::DQUOT | Errno::ROFS | Errno::ACCESS | Errno::PERM) => {
            Consequence::NotPublished
        }
        Some(Errno::NOENT | Errno::XDEV) => Consequence::Rewrite,
        _ => Consequence::Unclear,
    }
}

pub(super) fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw_os_error)
}

fn unknown(path: String, source: io::Error) -> StoreError {
    StoreError::Unknown {
        path,
        doubt: Doubt::Publishing,
        source: Some(source),
    }
}

/// Turns a failure after an unclear one into an unknown outcome: nothing definite can follow it.
fn doubtful(error: StoreError, doubt: bool) -> StoreError {
    if doubt {
        error.in_doubt(Doubt::Publishing)
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_definite_errors_mean_not_published() {
        let of = |errno: Errno| consequence(&errno.into());
        for definite in [Errno::NOSPC, Errno::DQUOT, Errno::ROFS, Errno::ACCESS] {
            assert_eq!(of(definite), Consequence::NotPublished, "{definite}");
        }
        for rewrite in [Errno::NOENT, Errno::XDEV] {
            assert_eq!(of(rewrite), Consequence::Rewrite, "{rewrite}");
        }
        for unclear in [Errno::IO, Errno::STALE, Errno::TIMEDOUT, Errno::NOMEM] {
            assert_eq!(of(unclear), Consequence::Unclear, "{unclear}");
        }
    }
}
