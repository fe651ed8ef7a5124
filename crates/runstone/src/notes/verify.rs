//! Verifying notes: each can be read and names a snapshot that is there.
//!
//! A note is written only after its snapshot was durable, so one that names nothing is evidence
//! that truth was lost or mixed up: damage. One of a later release is not; this one only cannot
//! tell.

use runstone_core::note::{Note, NoteError};
use runstone_store::{CohortName, Log, Seq, Slot, StaleKind, StoreError};

use crate::digests::to_digest;
use crate::error::{Error, chain};
use crate::open::Ledger;
use crate::verify::{Damaged, Leftover, Verified};

impl Ledger {
    /// Checks every note of a cohort. Damage of the entry itself was named by the audit.
    pub(crate) fn verify_notes(
        &self,
        cohort: &CohortName,
        verified: &mut Verified,
    ) -> Result<(), Error> {
        let log = Log::CohortNotes(cohort.clone());
        let head = match self.store.head(&log) {
            Ok(Some(head)) => head,
            // Where it cannot be looked at, the audit has named it.
            Ok(None) | Err(StoreError::Damaged(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for seq in (1..=head.get()).filter_map(Seq::new) {
            let payload = match self.store.read(&log, seq) {
                Ok(Slot::Whole(entry)) => entry.payload,
                Ok(Slot::Absent | Slot::Damaged(_)) | Err(StoreError::Newer { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            let path = format!("{log}#{seq}");
            let damaged = |expected: &str, found: String| Damaged {
                path: path.clone(),
                kind: "note".to_owned(),
                expected: expected.to_owned(),
                found,
            };
            match Note::from_payload(&payload) {
                Ok(note) => {
                    verified.checked.notes += 1;
                    let found = self.names_nothing(cohort, &note)?;
                    verified.damage.extend(
                        found.map(|found| damaged("a note about a snapshot of its cohort", found)),
                    );
                }
                Err(NoteError::Later { .. }) => verified.stale.push(Leftover {
                    path,
                    kind: StaleKind::Newer.word().to_owned(),
                }),
                Err(error) => verified.damage.push(damaged("a note", chain(&error))),
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
