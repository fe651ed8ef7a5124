//! Finding a snapshot by what people call it.
//!
//! A reference is looked up by reading envelopes: a position directly, anything else by a scan over
//! every log. A name that means several snapshots is an error that lists them; nothing is ever
//! picked silently among different stages or cohorts. Attempts of one stage are the exception: the
//! newest one is meant.

use std::collections::BTreeSet;
use std::fmt;

use runstone_core::digest::Digest;
use runstone_core::id::{SnapshotSeq, nfc};
use runstone_core::snapshot::Snapshot;
use runstone_store::{CohortName, Committed, Damage, Entry, Envelope, Log, Seq, Slot, StoreError};
use serde_json::{Value, json};

use crate::digests::to_digest;
use crate::error::{Error, NOT_DELETED, in_words};
use crate::notes::SnapshotNotes;
use crate::open::Ledger;
use crate::payload;
use crate::reference::{Reference, RunReading};

/// Shortest beginning of a run id that names it, as short as that of a digest.
const RUN_PREFIX_CHARS_MIN: usize = 4;

/// Where a snapshot stands, and proof of what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its cohort.
    pub cohort: CohortName,
    /// Its position in the cohort's log.
    pub seq: SnapshotSeq,
    /// SHA-256 of its canonical payload.
    pub sha256: Digest,
}

impl Place {
    pub(crate) fn of(cohort: &CohortName, committed: &Committed) -> Self {
        Self {
            cohort: cohort.clone(),
            seq: SnapshotSeq(committed.seq.get()),
            sha256: to_digest(&committed.envelope.sha256),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.cohort, self.seq)
    }
}

/// A snapshot read back from its place.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Where it stands.
    pub place: Place,
    /// What was recorded.
    pub snapshot: Snapshot,
    /// What the store keeps around it.
    pub envelope: Envelope,
}

impl Stored {
    /// Returns one line of an export, schema `runstone.export-row/1`: everything that stands at the
    /// place, and what its writer said about it.
    pub fn to_export_json(&self) -> Value {
        let Self {
            place,
            snapshot,
            envelope,
        } = self;
        json!({
            "schema": "runstone.export-row/1",
            "store": envelope.store.to_string(),
            "epoch": envelope.epoch,
            "cohort": place.cohort.as_str(),
            "snapshot_seq": place.seq,
            "sha256": place.sha256,
            "content": envelope.content.to_string(),
            "recorded_at": envelope.recorded_at,
            "snapshot": snapshot.to_payload(),
        })
    }

    /// Returns the stable JSON form, schema `runstone.show/1`: place, envelope, snapshot, and what
    /// the notes say about it.
    pub fn to_json(&self, notes: &SnapshotNotes) -> Value {
        let Self {
            place,
            snapshot,
            envelope,
        } = self;
        let mut document = json!({
            "schema": "runstone.show/1",
            "cohort": place.cohort.as_str(),
            "snapshot_seq": place.seq,
            "sha256": place.sha256,
            "recorded_at": envelope.recorded_at,
            "snapshot": snapshot.to_payload(),
        });
        if let (Some(members), Value::Object(said)) = (document.as_object_mut(), notes.to_json()) {
            members.extend(said);
        }
        document
    }
}

/// A snapshot found by its envelope, its payload not yet read.
#[derive(Debug, Clone)]
pub(crate) struct Sighted {
    pub(crate) cohort: CohortName,
    pub(crate) seq: Seq,
    pub(crate) envelope: Envelope,
}

/// The end of a cohort's log.
#[derive(Debug)]
pub(crate) enum Head {
    /// Its newest place.
    At(Seq),
    /// It holds no entry.
    Nothing,
    /// It cannot be looked at.
    Unreadable(Damage),
}

impl Sighted {
    pub(crate) fn run(&self) -> (&str, &str, u32) {
        self.envelope.key_text.as_ref().map_or(("", "", 0), |key| {
            (key.run.as_str(), key.stage.as_str(), key.attempt)
        })
    }

    fn full_name(&self) -> String {
        let (run, stage, _) = self.run();
        format!("{run}:{stage}@{}", self.cohort)
    }
}

impl Ledger {
    /// Finds the snapshot that `reference` names.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Ambiguous`] with the candidates, [`Error::Deleted`] if a note
    /// says so of the only one it names, [`Error::NoYardstick`] for `@prev` and `@baseline` where
    /// there is none, [`Error::Damaged`] if what it names cannot be read.
    pub fn find(&self, reference: &str) -> Result<Stored, Error> {
        let stored = self.find_also_deleted(reference)?;
        self.refuse_deleted(&stored.place)?;
        Ok(stored)
    }

    /// Finds the snapshot that `reference` names, also one that was deleted. Where a name means
    /// several, those that were deleted are passed over as long as another is left.
    ///
    /// # Errors
    /// As [`Ledger::find`], without [`Error::Deleted`].
    pub fn find_also_deleted(&self, reference: &str) -> Result<Stored, Error> {
        match Reference::parse(reference) {
            Reference::Latest => self.latest(),
            Reference::Previous => self.previous_of_latest(),
            Reference::Baseline => self.baseline_of_latest(),
            Reference::Position { cohort, seq } => {
                let cohort = self.find_cohort(&cohort)?;
                let not_found = || Error::NotFound {
                    reference: reference.to_owned(),
                    looked_in: Some(format!("the log of {cohort}")),
                };
                let seq = Seq::new(seq.0).ok_or_else(not_found)?;
                match self.store.peek(&Log::Cohort(cohort.clone()), seq)? {
                    Slot::Absent => Err(not_found()),
                    Slot::Whole(_) | Slot::Damaged(_) => self.stored(&cohort, seq),
                }
            }
            Reference::Text(text) => {
                let found = self.find_text(&text)?;
                self.stored(&found.cohort, found.seq)
            }
        }
    }

    /// Finds the one cohort whose id, or the 16 digits at its end, begin with `prefix`.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Ambiguous`] with the candidates.
    pub fn find_cohort(&self, prefix: &str) -> Result<CohortName, Error> {
        // Each id begins with nothing.
        if prefix.is_empty() {
            return Err(Error::Usage {
                what: "an empty name names no cohort".to_owned(),
                hint: "`runstone cohorts` lists them".to_owned(),
            });
        }
        if let Ok(exact) = prefix.parse::<CohortName>()
            && self.store.cohort_document(&exact)?.is_some()
        {
            return Ok(exact);
        }
        let begins = |cohort: &CohortName| {
            let id = cohort.as_str();
            let digits = id.rsplit('.').next().unwrap_or_default();
            id.starts_with(prefix) || digits.starts_with(prefix)
        };
        let mut found: Vec<CohortName> = self
            .store
            .cohorts("", None)?
            .into_iter()
            .filter(begins)
            .collect();
        match found.len() {
            0 => Err(Error::NotFound {
                reference: prefix.to_owned(),
                looked_in: Some("the cohorts".to_owned()),
            }),
            1 => Ok(found.remove(0)),
            _ => Err(Error::Ambiguous {
                reference: prefix.to_owned(),
                candidates: found.iter().map(ToString::to_string).collect(),
            }),
        }
    }

    /// Reads the snapshot at a place of a cohort's log.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Payload`] if what stands there is not a whole snapshot.
    pub fn stored(&self, cohort: &CohortName, seq: Seq) -> Result<Stored, Error> {
        let read = self.store.read(&Log::Cohort(cohort.clone()), seq);
        self.stored_as(cohort, seq, read?)
    }

    /// Reads the snapshot at a place, or a copy of it: for whoever reads many.
    ///
    /// # Errors
    /// As [`Ledger::stored`], where neither can be read.
    pub(crate) fn stored_copy(&self, cohort: &CohortName, seq: Seq) -> Result<Stored, Error> {
        let read = self.store.read_copy(&Log::Cohort(cohort.clone()), seq);
        self.stored_as(cohort, seq, read?)
    }

    fn stored_as(&self, cohort: &CohortName, seq: Seq, read: Slot<Entry>) -> Result<Stored, Error> {
        let at = format!("{cohort}#{seq}");
        let entry = match read {
            Slot::Whole(entry) => entry,
            Slot::Absent => {
                return Err(Error::Damaged {
                    place: at,
                    found: "no entry".to_owned(),
                });
            }
            Slot::Damaged(damage) => {
                return Err(Error::Damaged {
                    place: at,
                    found: in_words(&damage),
                });
            }
        };
        let snapshot = payload::read(self.store.as_ref(), &at, &entry.payload)?;
        let place = Place {
            cohort: cohort.clone(),
            seq: SnapshotSeq(seq.get()),
            sha256: to_digest(&entry.envelope.sha256),
        };
        Ok(Stored {
            place,
            snapshot,
            envelope: entry.envelope,
        })
    }

    /// Reads the newest snapshot of the store. Across cohorts there is no commit order, so the
    /// writers' clocks decide, then cohort and seq; nothing else is decided by them.
    fn latest(&self) -> Result<Stored, Error> {
        let mut heads = Vec::new();
        let mut is_empty = true;
        for cohort in self.store.cohorts("", None)? {
            is_empty &= matches!(self.head_of(&cohort)?, Head::Nothing);
            heads.extend(self.newest_listed(&cohort)?);
        }
        let newest = heads
            .into_iter()
            .max_by(|a, b| {
                let by = |sighted: &Sighted| {
                    (
                        sighted.envelope.recorded_at.clone(),
                        sighted.cohort.clone(),
                        sighted.seq,
                    )
                };
                by(a).cmp(&by(b))
            })
            .ok_or_else(|| {
                if is_empty {
                    return Error::Empty;
                }
                Error::NotFound {
                    reference: "@latest".to_owned(),
                    looked_in: Some(NOT_DELETED.to_owned()),
                }
            })?;
        self.stored(&newest.cohort, newest.seq)
    }

    /// Returns the newest snapshot of a cohort that is readable and not deleted.
    pub(crate) fn newest_listed(&self, cohort: &CohortName) -> Result<Option<Sighted>, Error> {
        let noted = match self.notes.now(cohort) {
            Ok(noted) => noted,
            // What cannot be told from what was deleted is not listed.
            Err(error) if error.costs_its_place_alone() => return Ok(None),
            Err(error) => return Err(error),
        };
        let log = Log::Cohort(cohort.clone());
        let mut next = match self.head_of(cohort)? {
            Head::At(head) => Some(head),
            Head::Nothing | Head::Unreadable(_) => None,
        };
        while let Some(seq) = next {
            if let Some(envelope) = self.sight(&log, seq)? {
                let sighted = Sighted {
                    cohort: cohort.clone(),
                    seq,
                    envelope,
                };
                if noted.deleted(&sighted.about()).is_none() {
                    return Ok(Some(sighted));
                }
            }
            next = seq.previous();
        }
        Ok(None)
    }

    fn previous_of_latest(&self) -> Result<Stored, Error> {
        let latest = self.latest()?;
        let diff = self.compared(&latest)?.diff;
        match diff.previous {
            Some(previous) => self.at(&latest.place.cohort, previous.seq),
            None => Err(Error::NoYardstick {
                reference: "@prev".to_owned(),
                reason: format!("{}: {}", latest.place, diff.reason.unwrap_or_default()),
            }),
        }
    }

    pub(crate) fn at(&self, cohort: &CohortName, seq: SnapshotSeq) -> Result<Stored, Error> {
        self.stored(cohort, place_in_log(cohort, seq)?)
    }

    /// Finds the end of a cohort's log. One that cannot be looked at costs its own cohort alone,
    /// and is a value for whoever reads several.
    pub(crate) fn head_of(&self, cohort: &CohortName) -> Result<Head, Error> {
        match self.store.head(&Log::Cohort(cohort.clone())) {
            Ok(Some(head)) => Ok(Head::At(head)),
            Ok(None) => Ok(Head::Nothing),
            Err(StoreError::Damaged(damage)) => Ok(Head::Unreadable(*damage)),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the envelope at a place, or a copy of it; `None` if what stands there cannot be read
    /// by this release.
    pub(crate) fn sight(&self, log: &Log, seq: Seq) -> Result<Option<Envelope>, Error> {
        match self.store.peek_copy(log, seq) {
            Ok(Slot::Whole(envelope)) => Ok(Some(envelope)),
            // What a later release wrote costs its own place in a list, not the list.
            Ok(Slot::Absent | Slot::Damaged(_)) | Err(StoreError::Newer { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Calls `see` for every snapshot of the store that has a readable envelope, cohort by cohort,
    /// in log order; returns the places that cannot be read.
    pub(crate) fn scan(&self, mut see: impl FnMut(Sighted)) -> Result<Vec<String>, Error> {
        let mut unreadable = Vec::new();
        for cohort in self.store.cohorts("", None)? {
            let log = Log::Cohort(cohort.clone());
            let head = match self.head_of(&cohort)? {
                Head::At(head) => head,
                Head::Nothing => continue,
                Head::Unreadable(_) => {
                    unreadable.push(cohort.to_string());
                    continue;
                }
            };
            for seq in (1..=head.get()).filter_map(Seq::new) {
                match self.sight(&log, seq)? {
                    Some(envelope) => {
                        see(Sighted {
                            cohort: cohort.clone(),
                            seq,
                            envelope,
                        });
                    }
                    None => unreadable.push(format!("{cohort}#{seq}")),
                }
            }
        }
        Ok(unreadable)
    }

    fn find_text(&self, text: &str) -> Result<Sighted, Error> {
        let readings: Vec<RunReading> = Reference::run_readings(text)
            .into_iter()
            .map(|reading| RunReading {
                run_id: nfc(&reading.run_id),
                ..reading
            })
            .collect();
        // One scan finds the candidates of every reading; the longest run id that exists wins.
        let mut by_reading: Vec<Vec<Sighted>> = vec![Vec::new(); readings.len()];
        let mut by_digest = Vec::new();
        let mut by_beginning: Vec<Vec<Sighted>> = vec![Vec::new(); readings.len()];
        let unreadable = self.scan(|sighted| {
            if Reference::is_digest_prefix(text)
                && sighted.envelope.sha256.to_string().starts_with(text)
            {
                by_digest.push(sighted.clone());
            }
            for (reading, found) in readings.iter().zip(&mut by_reading) {
                if matches_reading(reading, &sighted) {
                    found.push(sighted.clone());
                }
            }
            for (reading, found) in readings.iter().zip(&mut by_beginning) {
                if begins_as_reading(reading, &sighted) {
                    found.push(sighted.clone());
                }
            }
        })?;
        // A whole name counts more than a beginning, and a digest more than that of a run id.
        let by_reading = readings.iter().zip(by_reading);
        let found = by_reading
            .map(|(reading, found)| rather_as_spelled(reading, found))
            .chain([by_digest])
            .chain(by_beginning)
            .find(|found| !found.is_empty())
            .unwrap_or_default();
        let found = self.rather_listed(found)?;
        choose(text, found).map_err(|error| match error {
            Error::NotFound { reference, .. } if !unreadable.is_empty() => Error::NotFound {
                reference,
                looked_in: Some(format!(
                    "what can be read ({} cannot)",
                    unreadable.join(", ")
                )),
            },
            other => other,
        })
    }
}

/// Returns the place in its log that a snapshot's position is.
pub(crate) fn place_in_log(cohort: &CohortName, seq: SnapshotSeq) -> Result<Seq, Error> {
    Seq::new(seq.0).ok_or_else(|| Error::Damaged {
        place: format!("{cohort}#{seq}"),
        found: "positions count from 1".to_owned(),
    })
}

/// Leaves out what is spelled otherwise than the stage that a reading names, unless nothing else is
/// left.
fn rather_as_spelled(reading: &RunReading, found: Vec<Sighted>) -> Vec<Sighted> {
    let is_spelled_so = |sighted: &Sighted| reading.stage.as_deref() == Some(sighted.run().1);
    if !found.iter().any(is_spelled_so) {
        return found;
    }
    found.into_iter().filter(is_spelled_so).collect()
}

fn matches_reading(reading: &RunReading, sighted: &Sighted) -> bool {
    sighted.run().0 == reading.run_id && is_narrowed_to(reading, sighted)
}

/// Whether the run id of a reading is long enough and the beginning of this one's.
fn begins_as_reading(reading: &RunReading, sighted: &Sighted) -> bool {
    reading.run_id.chars().count() >= RUN_PREFIX_CHARS_MIN
        && sighted.run().0.starts_with(&reading.run_id)
        && is_narrowed_to(reading, sighted)
}

/// Whether a snapshot has the stage, attempt and cohort that a reading names.
fn is_narrowed_to(reading: &RunReading, sighted: &Sighted) -> bool {
    let (_, stage, attempt) = sighted.run();
    reading
        .stage
        .as_ref()
        .is_none_or(|named| named.eq_ignore_ascii_case(stage))
        && reading.attempt.is_none_or(|named| named.0 == attempt)
        && reading
            .cohort
            .as_ref()
            .is_none_or(|prefix| sighted.cohort.as_str().starts_with(prefix))
}

impl Ledger {
    /// Leaves out what was deleted, unless nothing else is left.
    fn rather_listed(&self, found: Vec<Sighted>) -> Result<Vec<Sighted>, Error> {
        let mut listed = Vec::new();
        for sighted in &found {
            let noted = self.notes.now(&sighted.cohort)?;
            if noted.deleted(&sighted.about()).is_none() {
                listed.push(sighted.clone());
            }
        }
        Ok(if listed.is_empty() { found } else { listed })
    }
}

/// Picks the newest attempt if all candidates are attempts of one stage of one run in one cohort.
fn choose(text: &str, mut found: Vec<Sighted>) -> Result<Sighted, Error> {
    let names: BTreeSet<String> = found.iter().map(Sighted::full_name).collect();
    if names.len() > 1 {
        return Err(Error::Ambiguous {
            reference: text.to_owned(),
            candidates: names.into_iter().collect(),
        });
    }
    found.sort_by_key(|sighted| (sighted.run().2, sighted.seq));
    found.pop().ok_or_else(|| Error::NotFound {
        reference: text.to_owned(),
        looked_in: None,
    })
}
