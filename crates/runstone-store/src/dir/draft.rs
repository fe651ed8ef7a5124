//! Drafts: entries that are written and wait for their names.
//!
//! A file that becomes a claim first needs no name before: it is written without one and named by
//! its handle, so that no temporary name is made and taken away again, and a writer that dies
//! leaves nothing. Its place is then a second name of the claim. The invariants guarded here: a
//! file without a name is written only where flushing it, once it is named, makes the name durable
//! too; and where a system has no such files, or names none that are open, the entry is written
//! again under a temporary name, once, and all later ones of this handle at once.
//!
//! In which order a draft is flushed and named is left to `slots` and `publish`.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;

use super::DirStore;
use super::fs::FileSystem;
use super::layout::{Holds, shard_name};
use super::tree::{At, Temporary};
use crate::append::FirstName;
use crate::descriptor::Primitive;
use crate::error::StoreError;
use crate::log::{Log, Seq};
#[cfg(test)]
use crate::mutants::{self, Mutant};

/// Whether this handle found that files can be without a name, until it finds otherwise.
#[derive(Debug)]
pub(super) struct Nameless(AtomicBool);

impl Nameless {
    pub(super) fn not_refused_yet() -> Self {
        Self(AtomicBool::new(true))
    }

    fn are_refused(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn may_be(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// An entry that is written.
#[derive(Debug)]
pub(crate) struct Draft<F: FileSystem> {
    file: Written<F>,
    pub(super) bytes: Vec<u8>,
}

/// Where the file of a draft is.
#[derive(Debug)]
enum Written<F: FileSystem> {
    /// In a directory, without a name.
    Nameless { file: F::File, here: At<F> },
    /// Under a temporary name.
    Temporary(Temporary<F>),
    /// Under the name of its claim, in this directory of the fan; open until it is flushed. The
    /// directory is opened again when it is needed: of a large batch there are more than a process
    /// may have open.
    Claim {
        file: Option<F::File>,
        fan: String,
        name: String,
    },
}

impl<F: FileSystem> Draft<F> {
    fn temporary(temporary: Temporary<F>, bytes: Vec<u8>) -> Self {
        let file = Written::Temporary(temporary);
        Self { file, bytes }
    }
}

impl<F: FileSystem> DirStore<F> {
    /// Writes an entry into the shard of a place. Not durable yet.
    pub(super) fn write_draft(
        &self,
        log: &Log,
        seq: Seq,
        bytes: Vec<u8>,
        first: FirstName,
    ) -> Result<Draft<F>, StoreError> {
        let mut path = log.path();
        let shard = shard_name(self.shard_of(seq));
        path.push(&shard);
        let here = self.tree.make(&path, Holds::Truth)?;
        let may_be_nameless = first == FirstName::Claim
            && self.tree.primitive == Primitive::Link
            && self.tree.kind.file_sync_covers_names();
        if may_be_nameless && self.nameless.may_be() {
            match self.tree.write_nameless(&here, &bytes)? {
                Some(file) => {
                    let file = Written::Nameless { file, here };
                    return Ok(Draft { file, bytes });
                }
                None => self.nameless.are_refused(),
            }
        }
        Ok(Draft::temporary(
            self.write_temporary_entry(&here, &bytes)?,
            bytes,
        ))
    }

    fn write_temporary_entry(
        &self,
        here: &At<F>,
        bytes: &[u8],
    ) -> Result<Temporary<F>, StoreError> {
        let mode = self.tree.modes.truth;
        self.tree.write_temporary(here, self.nonce(), mode, bytes)
    }

    /// Writes an entry whose file is gone again, under a temporary name. Not durable yet.
    pub(super) fn write_draft_again(
        &self,
        log: &Log,
        seq: Seq,
        draft: &mut Draft<F>,
    ) -> Result<(), StoreError> {
        let bytes = std::mem::take(&mut draft.bytes);
        *draft = self.write_draft(log, seq, bytes, FirstName::Place)?;
        Ok(())
    }

    /// Flushes a draft, once.
    pub(super) fn flush(&self, draft: &mut Draft<F>) -> Result<(), StoreError> {
        #[cfg(test)]
        if mutants::is(Mutant::SyncAfterPublish) {
            return Ok(());
        }
        self.flush_now(draft)
    }

    pub(super) fn flush_now(&self, draft: &mut Draft<F>) -> Result<(), StoreError> {
        match &mut draft.file {
            Written::Nameless { file, here } => self.tree.sync_file(file, || here.path()),
            Written::Temporary(temporary) => self.tree.sync_temporary(temporary),
            Written::Claim { file, fan, name } => {
                if let Some(open) = &file {
                    let path = || format!("keys/{fan}/{name}");
                    self.tree.sync_file(open, path)?;
                    *file = None;
                }
                Ok(())
            }
        }
    }

    /// Gives a draft the name of its claim, unless another one has it; outside is what kept it from
    /// being tried.
    pub(super) fn name_draft(
        &self,
        draft: &mut Draft<F>,
        (fan, fan_name): (&At<F>, &str),
        name: &str,
    ) -> Result<io::Result<()>, StoreError> {
        if let Written::Nameless { file, here } = &draft.file {
            match self.tree.fs.name_file(file, &fan.dir, name) {
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    self.nameless.are_refused();
                    let temporary = self.write_temporary_entry(here, &draft.bytes)?;
                    draft.file = Written::Temporary(temporary);
                }
                Err(error) => return Ok(Err(error)),
                Ok(()) => {
                    draft.is_claimed_as(fan_name, name);
                    return Ok(Ok(()));
                }
            }
        }
        self.give_name(draft, fan, name)
    }

    /// Gives a draft a further name, unless another one has it; outside is what kept it from being
    /// tried.
    pub(super) fn give_name(
        &self,
        draft: &Draft<F>,
        to: &At<F>,
        name: &str,
    ) -> Result<io::Result<()>, StoreError> {
        Ok(match &draft.file {
            Written::Nameless { file, .. } => self.tree.fs.name_file(file, &to.dir, name),
            Written::Temporary(temporary) => self.tree.give_name(temporary, to, name),
            Written::Claim {
                fan, name: claim, ..
            } => match self.tree.open(&["keys", fan])? {
                Some(fan) => self.tree.name_again((&fan, claim), (to, name)),
                None => Err(Errno::NOENT.into()),
            },
        })
    }
}

impl<F: FileSystem> Draft<F> {
    /// Remembers that the file got its first name.
    fn is_claimed_as(&mut self, fan: &str, name: &str) {
        let named = Written::Claim {
            file: None,
            fan: fan.to_owned(),
            name: name.to_owned(),
        };
        if let Written::Nameless { file: open, .. } = std::mem::replace(&mut self.file, named)
            && let Written::Claim { file, .. } = &mut self.file
        {
            *file = Some(open);
        }
    }
}
