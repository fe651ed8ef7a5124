//! Reading what stands at a place, and believing none of it unchecked.
//!
//! The invariant guarded here: an entry is whole only if its checksum, its digest and its place
//! hold: this store, this log, a head seen that is older than its own place. Everything else at a
//! place is damage, and an empty place below a taken one as well. What damage means for a commit is
//! left to the loop in `append`.

use std::io;

use rustix::io::Errno;

use super::DirStore;
use super::fs::FileSystem;
use super::layout::{shard_name, slot_name};
use super::tree::At;
use crate::damage::{Damage, DamageKind};
use crate::descriptor::FORMAT;
use crate::envelope::{
    Envelope, EnvelopeError, FILE_BYTES_MAX, HEADER_BYTES_MAX, decode, decode_header,
};
use crate::error::StoreError;
use crate::key::Key;
use crate::log::{Log, Seq};
use crate::store::{Entry, Slot};

/// What a file of truth turned out to be.
pub(super) enum Found<T> {
    Nothing,
    Whole(T),
    Broken(DamageKind, String, String),
}

impl<F: FileSystem> DirStore<F> {
    pub(super) fn read_slot(&self, log: &Log, seq: Seq) -> Result<Slot<Entry>, StoreError> {
        let whole = |bytes: &[u8]| {
            decode(bytes).map(|(envelope, payload)| Entry {
                seq,
                envelope,
                payload,
            })
        };
        self.slot(log, seq, FILE_BYTES_MAX + 1, whole, |entry| &entry.envelope)
    }

    pub(super) fn peek_slot(&self, log: &Log, seq: Seq) -> Result<Slot<Envelope>, StoreError> {
        let peeked = self.slot(log, seq, HEADER_BYTES_MAX, decode_header, |envelope| {
            envelope
        });
        match peeked {
            // Only the checksum at the end of the file tells a later release from a flipped bit.
            Err(StoreError::Newer { .. }) => Ok(self.read_slot(log, seq)?.map(|it| it.envelope)),
            peeked => peeked,
        }
    }

    /// Reads a place, and again if it is empty although something stands there or beyond it: others
    /// may have filled both meanwhile, or this host remembered that it was empty.
    pub(super) fn slot<T>(
        &self,
        log: &Log,
        seq: Seq,
        at_most: usize,
        whole: impl Fn(&[u8]) -> Result<T, EnvelopeError>,
        envelope: impl Fn(&T) -> &Envelope,
    ) -> Result<Slot<T>, StoreError> {
        let look = || self.look_at(log, seq, at_most, &whole);
        let mut found = look()?;
        if matches!(found, Found::Nothing) {
            let sign = match self.taken_from(log, seq)? {
                // Nothing stands above it: whoever takes it is told by the server.
                Some(beyond) if beyond == seq => None,
                Some(beyond) => Some(format!("{beyond} is taken")),
                None => match self.sealed_end(log, seq)? {
                    Some(_) => Some("a segment names it".to_owned()),
                    None => return Ok(Slot::Absent),
                },
            };
            found = look()?;
            if matches!(found, Found::Nothing) {
                let Some(sign) = sign else {
                    return Ok(Slot::Absent);
                };
                let expected = format!("an entry, since {sign}");
                found = Found::Broken(DamageKind::Missing, expected, "nothing".to_owned());
            }
        }
        self.heads.raise(log, seq, None);
        Ok(match found {
            Found::Whole(value) => match self.misplaced(log, seq, envelope(&value)) {
                None => Slot::Whole(value),
                Some(damage) => Slot::Damaged(damage),
            },
            Found::Nothing => Slot::Absent,
            Found::Broken(kind, expected, found) => {
                Slot::Damaged(self.slot_damage(log, seq, kind, expected, found))
            }
        })
    }

    /// Reads a place once, whatever stands elsewhere.
    pub(super) fn look_at<T>(
        &self,
        log: &Log,
        seq: Seq,
        at_most: usize,
        whole: impl Fn(&[u8]) -> Result<T, EnvelopeError>,
    ) -> Result<Found<T>, StoreError> {
        let Some(mut log_dir) = self.open_log(log)? else {
            return Ok(Found::Nothing);
        };
        let Some(shard) = log_dir.shard(self.shard_of(seq))? else {
            return Ok(Found::Nothing);
        };
        let name = slot_name(seq);
        match self.read_truth(shard, &name, at_most, &whole) {
            Err(error) => self.unreadable(shard, &name, error),
            found => found,
        }
    }

    /// Reads and decodes a file of truth.
    pub(super) fn read_truth<T>(
        &self,
        here: &At<F>,
        name: &str,
        at_most: usize,
        whole: impl Fn(&[u8]) -> Result<T, EnvelopeError>,
    ) -> Result<Found<T>, StoreError> {
        let bytes = match self.tree.read(here, name, at_most) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(Found::Nothing),
            Err(StoreError::Unreadable { source, .. })
                if source.kind() == io::ErrorKind::InvalidData =>
            {
                let (expected, found) = ("a regular file".to_owned(), source.to_string());
                return Ok(Found::Broken(DamageKind::FileType, expected, found));
            }
            Err(error) => return Err(error),
        };
        match whole(&bytes) {
            Ok(value) => Ok(Found::Whole(value)),
            Err(EnvelopeError::Newer { found }) => Err(StoreError::Newer {
                path: here.name(name),
                found,
                known: FORMAT,
            }),
            Err(error) => {
                let (kind, expected, found) = error.damage();
                Ok(Found::Broken(kind, expected, found))
            }
        }
    }

    /// Turns a failure to read an entry that is there into damage, where the file or its disk is at
    /// fault: one bad sector must not close a log. For claims this would be wrong: what another
    /// writer claimed and this process cannot see must not be claimed again.
    fn unreadable<T>(
        &self,
        shard: &At<F>,
        name: &str,
        error: StoreError,
    ) -> Result<Found<T>, StoreError> {
        let damage = Damage::in_reading(error)?;
        if self.tree.exists(shard, name)? {
            return Ok(Found::Broken(damage.kind, damage.expected, damage.found));
        }
        Ok(Found::Nothing)
    }

    /// Returns what is wrong with an envelope at this place, if anything is.
    pub(super) fn misplaced(&self, log: &Log, seq: Seq, envelope: &Envelope) -> Option<Damage> {
        let place = |expected: String, found: String| {
            Some(self.slot_damage(log, seq, DamageKind::Place, expected, found))
        };
        let store = self.descriptor.store;
        if envelope.store != store {
            let at = (self.slot_path(log, seq), Some((log.clone(), seq)));
            return Some(Damage::of_another_store(at, store, envelope.store));
        }
        if envelope.log != log.to_string() {
            return place(format!("log `{log}`"), format!("log `{}`", envelope.log));
        }
        if let Some(seen) = envelope.head_seen
            && seen.seq >= seq
        {
            return place(format!("a head seen below {seq}"), seen.seq.to_string());
        }
        let key = envelope.key_text.as_ref().map(|text| text.key(store));
        if envelope.key != key {
            let text = |key: Option<Key>| {
                key.map_or_else(|| "no key".to_owned(), |key| format!("key {key}"))
            };
            return place(text(key), text(envelope.key));
        }
        None
    }

    pub(super) fn slot_damage(
        &self,
        log: &Log,
        seq: Seq,
        kind: DamageKind,
        expected: String,
        found: String,
    ) -> Damage {
        Damage {
            path: self.slot_path(log, seq),
            slot: Some((log.clone(), seq)),
            kind,
            expected,
            found,
        }
    }

    /// Returns the path of a place, for people.
    pub(super) fn slot_path(&self, log: &Log, seq: Seq) -> String {
        let shard = shard_name(self.shard_of(seq));
        format!("{log}/{shard}/{}", slot_name(seq))
    }
}

impl Damage {
    /// Returns the damage that a failure to read is; the failure itself, if the process or the
    /// connection to the file system may be at fault, so that another attempt may go well.
    pub(super) fn in_reading(error: StoreError) -> Result<Self, StoreError> {
        let StoreError::Unreadable { path, source } = error else {
            return Err(error);
        };
        let Some((kind, expected)) = what_failed(&source) else {
            return Err(StoreError::Unreadable { path, source });
        };
        let (expected, found) = (expected.to_owned(), source.to_string());
        Ok(Self {
            path,
            slot: None,
            kind,
            expected,
            found,
        })
    }

    /// Returns a failure to read as the damage it is, if it is one.
    pub(super) fn or_failure(error: StoreError) -> StoreError {
        match Self::in_reading(error) {
            Ok(damage) => StoreError::Damaged(Box::new(damage)),
            Err(error) => error,
        }
    }

    /// Turns a failure to come to a place into damage there: a log that cannot be opened costs
    /// itself alone.
    pub(super) fn as_slot<T>(
        read: Result<Slot<T>, StoreError>,
        log: &Log,
        seq: Seq,
    ) -> Result<Slot<T>, StoreError> {
        read.or_else(|error| {
            let damage = Self::in_reading(error)?;
            let slot = Some((log.clone(), seq));
            Ok(Slot::Damaged(Self { slot, ..damage }))
        })
    }
}

/// Returns which check a failure to read is, and what would have passed it.
fn what_failed(error: &io::Error) -> Option<(DamageKind, &'static str)> {
    if error.kind() == io::ErrorKind::InvalidData {
        return Some((DamageKind::FileType, "a regular file"));
    }
    match Errno::from_io_error(error)? {
        Errno::NOTDIR | Errno::LOOP => Some((DamageKind::FileType, "a directory")),
        Errno::IO | Errno::ACCESS | Errno::PERM | Errno::BADMSG => {
            Some((DamageKind::Unreadable, "something readable"))
        }
        // What file systems of this system say of their own damage.
        #[cfg(target_os = "linux")]
        Errno::UCLEAN => Some((DamageKind::Unreadable, "something readable")),
        _ => None,
    }
}
