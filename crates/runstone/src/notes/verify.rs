//! Verifying notes, and what they are about beside snapshots: each can be read, and names what is
//! there.
//!
//! A note is written only after what it is about was durable, so one that names nothing is evidence
//! that truth was lost or mixed up: damage. One of a later release is not; this one only cannot
//! tell.

use runstone_core::note::{EnvironmentEntry, Note, NoteError, StoreNote, StoreSaid};
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
        let about = Log::Cohort(cohort.clone());
        let expected = "a note about a snapshot of its cohort";
        self.verify_notes_about(&log, &about, expected, named, verified)
    }

    /// Checks what was kept of environments by request, and every note about it; names the
    /// documents that are to be there.
    pub(crate) fn verify_kept_environments(
        &self,
        named: &mut Mentioned,
        verified: &mut Verified,
    ) -> Result<(), Error> {
        let (log, notes) = (Log::Environments, Log::EnvironmentNotes);
        self.verify_entries(
            &log,
            "environment",
            named,
            verified,
            &mut |payload, _, _, verified| {
                EnvironmentEntry::from_payload(payload)?;
                verified.checked.environments += 1;
                Ok(())
            },
        )?;
        let expected = "a note about an environment that is kept";
        self.verify_notes_about(&notes, &log, expected, named, verified)?;
        let kept = match self.kept_environments() {
            Ok(kept) => kept,
            // The audit has named it.
            Err(Error::Store(StoreError::Damaged(_))) => return Ok(()),
            Err(error) => return Err(error),
        };
        // A note that cannot be read may have deleted any of them: then nothing has to be there.
        for kept in kept.listed().filter(|_| kept.unread_notes.is_empty()) {
            named.environments.by_place(kept.digest(), &kept.id());
        }
        Ok(())
    }

    fn verify_notes_about(
        &self,
        log: &Log,
        about: &Log,
        expected: &str,
        named: &mut Mentioned,
        verified: &mut Verified,
    ) -> Result<(), Error> {
        self.verify_entries(
            log,
            "note",
            named,
            verified,
            &mut |payload, path, _, verified| {
                let note = Note::from_payload(payload)?;
                verified.checked.notes += 1;
                let found = self.names_nothing(about, &note)?;
                verified.damage.extend(found.map(|found| Damaged {
                    path: path.to_owned(),
                    kind: "note".to_owned(),
                    expected: expected.to_owned(),
                    found,
                }));
                Ok(())
            },
        )
    }

    /// Checks every note of the store.
    pub(crate) fn verify_store_notes(
        &self,
        named: &mut Mentioned,
        verified: &mut Verified,
    ) -> Result<(), Error> {
        let log = Log::StoreNotes;
        self.verify_entries(
            &log,
            "note",
            named,
            verified,
            &mut |payload, _, named, verified| {
                let note = StoreNote::from_payload(payload)?;
                verified.checked.notes += 1;
                if let StoreSaid::DefaultProfile(profile) = &note.said {
                    named.profiles.by_a_note(profile);
                }
                Ok(())
            },
        )
    }

    /// Checks every entry of a log, each of which should be a `kind`.
    fn verify_entries(
        &self,
        log: &Log,
        kind: &str,
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
                    kind: kind.to_owned(),
                    expected: match kind {
                        "note" => "a note".to_owned(),
                        kind => format!("an entry of the kind `{kind}`"),
                    },
                    found: chain(&error),
                }),
                Err(Unfit::Store(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Says what stands where a note says that what it is about stands, if that is something else.
    /// A place that cannot be read was named already.
    fn names_nothing(&self, log: &Log, note: &Note) -> Result<Option<String>, Error> {
        let about = note.about;
        let Some(seq) = Seq::new(about.seq.0) else {
            return Ok(Some("the place 0".to_owned()));
        };
        Ok(match self.store.peek(log, seq) {
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
