//! Verifying notes: each can be read and names a snapshot that is there.
//!
//! A note is written only after its snapshot was durable, so one that names nothing is evidence
//! that truth was lost or mixed up: damage. One of a later release is not; this one only cannot
//! tell.

use runstone_core::note::{Note, NoteError, StoreNote, StoreSaid};
use runstone_store::{CohortName, Log, Seq, Slot, StaleKind, StoreError};

use crate::digests::to_digest;
use crate::error::{Error, chain};
use crate::open::Ledger;
use crate::verify::{Damaged, Leftover, Mentioned, Verified};

impl Ledger {
    /// Checks every note of a cohort. Damage of the entry itself was named by the audit.
    pub(crate) fn verify_notes(
        &self,
        cohort: &CohortName,
        named: &mut Mentioned,
        verified: &mut Verified,
    ) -> Result<(), Error> {
        let log = Log::CohortNotes(cohort.clone());
        self.verify_notes_of(&log, named, verified, &mut |payload, path, _, verified| {
            let note = Note::from_payload(payload)?;
            verified.checked.notes += 1;
            let found = self.names_nothing(cohort, &note)?;
            verified.damage.extend(found.map(|found| Damaged {
                path: path.to_owned(),
                kind: "note".to_owned(),
                expected: "a note about a snapshot of its cohort".to_owned(),
                found,
            }));
            Ok(())
        })
    }

    /// Checks every note of the store.
    pub(crate) fn verify_store_notes(
        &self,
        named: &mut Mentioned,
        verified: &mut Verified,
    ) -> Result<(), Error> {
        let log = Log::StoreNotes;
        self.verify_notes_of(&log, named, verified, &mut |payload, _, named, verified| {
            let note = StoreNote::from_payload(payload)?;
            verified.checked.notes += 1;
            if let StoreSaid::DefaultProfile(profile) = &note.said {
                named.profiles.by_a_note(profile);
            }
            Ok(())
        })
    }

    fn verify_notes_of(
        &self,
        log: &Log,
        named: &mut Mentioned,
        verified: &mut Verified,
        check: &mut Check<'_>,
    ) -> Result<(), Error> {
        let head = match self.store.head(log) {
            Ok(Some(head)) => head,
            // Where it cannot be looked at, the audit has named it.
            Ok(None) | Err(StoreError::Damaged(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for seq in (1..=head.get()).filter_map(Seq::new) {
            let entry = match self.store.read(log, seq) {
                Ok(Slot::Whole(entry)) => entry,
                Ok(Slot::Absent | Slot::Damaged(_)) | Err(StoreError::Newer { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            named.epochs.add(log, seq, &entry.envelope);
            let path = format!("{log}#{seq}");
            match check(&entry.payload, &path, named, verified) {
                Ok(()) => {}
                Err(Unfit::Note(NoteError::Later { .. })) => verified.stale.push(Leftover {
                    path,
                    kind: StaleKind::Newer.word().to_owned(),
                    why: None,
                }),
                Err(Unfit::Note(error)) => verified.damage.push(Damaged {
                    path,
                    kind: "note".to_owned(),
                    expected: "a note".to_owned(),
                    found: chain(&error),
                }),
                Err(Unfit::Store(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Says what stands where a note says its snapshot is, if that is something else. A place that
    /// cannot be read was named already.
    fn names_nothing(&self, cohort: &CohortName, note: &Note) -> Result<Option<String>, Error> {
        let about = note.about;
        let Some(seq) = Seq::new(about.seq.0) else {
            return Ok(Some("the place 0".to_owned()));
        };
        Ok(match self.store.peek(&Log::Cohort(cohort.clone()), seq) {
            Ok(Slot::Absent) => Some(format!("it names #{seq}, where nothing stands")),
            Ok(Slot::Whole(envelope)) if to_digest(&envelope.sha256) != about.sha256 => {
                Some(format!(
                    "it names #{seq} as {}, which is {}",
                    about.sha256, envelope.sha256
                ))
            }
            Ok(Slot::Whole(_) | Slot::Damaged(_)) | Err(StoreError::Newer { .. }) => None,
            Err(error) => return Err(error.into()),
        })
    }
}

/// Checks what a note says: of its payload, and its place for people.
type Check<'a> = dyn FnMut(&[u8], &str, &mut Mentioned, &mut Verified) -> Result<(), Unfit> + 'a;

/// Why a note could not be checked.
enum Unfit {
    Note(NoteError),
    Store(Error),
}

impl From<NoteError> for Unfit {
    fn from(error: NoteError) -> Self {
        Self::Note(error)
    }
}

impl From<Error> for Unfit {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}
