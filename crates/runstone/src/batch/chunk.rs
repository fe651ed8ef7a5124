//! One chunk: each document prepared, all committed together, acknowledged one by one.
//!
//! The invariant: what becomes of a document is what would become of it if each were recorded by
//! itself, in this order. Preparing is pure, and done by many threads; everything that depends on
//! the order happens in the turn that the store gives each entry.

use std::sync::Arc;

use runstone_core::profile::Profile;
use runstone_core::snapshot::Snapshot;
use runstone_store::{Appended, BatchItem, CohortName, Committed, Envelope, OpenedCohort};

use super::documents::{BatchRequest, Handed};
use crate::attempts::Walk;
use crate::commit::{found, newly_acknowledged};
use crate::error::Error;
use crate::find::Place;
use crate::named::stored_artifacts;
use crate::open::Ledger;
use crate::payload;
use crate::prepare::{Draft, Ready, Terms, prepare};
use crate::recorded::{Acknowledged, Confirmed, FoundForNext, RecordedAs};

/// Nesting of a document whose snapshot is surely read again from its payload, in which it stands
/// a bit deeper: readers of JSON put up with 128.
const DEPTH_REREAD_MAX: usize = 100;

/// A document with the attempt that it asks for first.
#[derive(Debug)]
pub(super) struct Prepared {
    terms: Terms,
    /// Let go of where its draft tells all of it: those of a chunk would fill the processor's
    /// caches, and be cold when they are asked for.
    snapshot: Option<Box<Snapshot>>,
    walk: Walk,
    draft: Draft,
}

/// A document that is recorded, durably, and what it takes to answer it.
#[derive(Debug)]
pub(super) struct Entered {
    terms: Terms,
    committed: Committed,
    made: Made,
}

/// What a recording made.
#[derive(Debug)]
enum Made {
    /// Nothing: the same content was recorded before.
    Nothing,
    /// The snapshot of this payload, which has all of it.
    Payload(Vec<u8>),
    /// This snapshot.
    Snapshot(Box<Snapshot>),
}

impl Ledger {
    /// Prepares a document, with what errors call it.
    pub(super) fn prepare_one(
        &self,
        (name, document): (String, Handed),
        request: &BatchRequest,
        profile: &Arc<Profile>,
    ) -> Result<Prepared, Error> {
        let may_be_reread = document.depth_max(&request.limits) <= DEPTH_REREAD_MAX;
        let request = document.request(name, request)?;
        let mut ready = prepare(self, request, Arc::clone(profile))?;
        let walk = Walk::begin(ready.terms.choice);
        let mut draft = ready.draft(walk.attempt())?;
        // A payload was written into more room than it fills, and waits beside those of its chunk.
        // It is copied, since an allocator leaves a block alone that is half full.
        draft.payload = draft.payload.as_slice().to_vec();
        let Ready { snapshot, terms } = ready;
        let is_asked_for = !may_be_reread
            || terms.environment.is_some()
            || snapshot.environment.has_object()
            || !draft.moved.is_empty()
            || stored_artifacts(&snapshot).next().is_some();
        let snapshot = is_asked_for.then(|| Box::new(snapshot));
        Ok(Prepared {
            terms,
            snapshot,
            walk,
            draft,
        })
    }

    /// Commits what was prepared, in its order; `opened` is told which cohorts were opened, and by
    /// which of them.
    ///
    /// # Durability
    /// As [`Ledger::commit`], for each by itself.
    pub(super) fn commit_prepared(
        &self,
        prepared: Vec<Result<Prepared, Error>>,
        mut opened: impl FnMut(usize, &CohortName),
    ) -> Vec<Result<Entered, Error>> {
        // Whatever the entries name is durable before any of them has a place.
        let mut turns: Vec<Result<Prepared, Error>> = prepared
            .into_iter()
            .enumerate()
            .map(|(number, prepared)| {
                let mut prepared = prepared?;
                let Prepared {
                    terms,
                    snapshot,
                    walk,
                    draft,
                } = &mut prepared;
                if self.make_durable(terms)? == OpenedCohort::New {
                    opened(number, &terms.cohort);
                }
                if let Some(snapshot) = snapshot {
                    self.demand_attachments(snapshot)?;
                    if self.keep_environment(snapshot, terms) {
                        *draft = terms.draft(snapshot, walk.attempt())?;
                    }
                    self.keep_sections(draft)?;
                }
                Ok(prepared)
            })
            .collect();
        let mut entries: Vec<&mut Prepared> = turns.iter_mut().flatten().collect();
        let items: Vec<BatchItem> = entries.iter_mut().map(|entry| self.item(entry)).collect();
        let mut refused: Vec<Option<Error>> = items.iter().map(|_| None).collect();
        let outcomes = self
            .store
            .append_all(&items, &mut |position, claim, recorded| {
                let payload = &items[position].payload;
                self.pass(entries[position], payload, claim, recorded)
                    .map_err(|error| refused[position] = Some(error))
                    .ok()
            });
        drop(entries);
        let mut outcomes = outcomes.into_iter().zip(refused).zip(items);
        turns
            .into_iter()
            .map(|turn| {
                let entry = turn?;
                let ((outcome, refused), item) =
                    outcomes.next().expect("every entry has an outcome");
                match (outcome?, refused) {
                    (Appended::Taken { .. }, Some(refused)) => Err(refused),
                    (appended, _) => self.entered(entry, item, appended),
                }
            })
            .collect()
    }

    /// Goes on to the next attempt, if there is one for this content.
    fn pass(
        &self,
        entry: &mut Prepared,
        payload: &[u8],
        claim: &Envelope,
        recorded: Option<&Committed>,
    ) -> Result<BatchItem, Error> {
        let Prepared {
            terms,
            snapshot,
            walk,
            draft,
        } = entry;
        walk.pass(claim, recorded, |next| {
            Ok(self.store.claim(&terms.key_text(next))?.is_none())
        })?;
        let snapshot = match snapshot {
            Some(snapshot) => snapshot,
            None => snapshot.insert(Box::new(self.reread(terms, payload)?)),
        };
        *draft = terms.draft(snapshot, walk.attempt())?;
        self.keep_sections(draft)?;
        Ok(self.item(entry))
    }

    /// Makes the item of the attempt that is asked for. What it takes of its draft is not needed
    /// twice.
    fn item(&self, entry: &mut Prepared) -> BatchItem {
        let Prepared {
            terms, walk, draft, ..
        } = entry;
        BatchItem {
            log: terms.log.clone(),
            key: Some(terms.key_text(walk.attempt())),
            content: terms.content,
            payload: std::mem::take(&mut draft.payload),
            summary: Arc::clone(&draft.summary),
            recorded_at: self.clock.now(),
        }
    }

    /// Enters what was appended: of `item`, unless the walk went on from it.
    fn entered(
        &self,
        entry: Prepared,
        item: BatchItem,
        appended: Appended,
    ) -> Result<Entered, Error> {
        let Prepared {
            terms,
            snapshot,
            draft,
            ..
        } = entry;
        let attachments = snapshot.iter().flat_map(|it| stored_artifacts(it));
        let environment = terms.environment.as_ref();
        self.look_again(&draft, environment, attachments, &terms.cohort, &appended)?;
        let (committed, made) = match (appended, snapshot) {
            (Appended::New(committed), Some(snapshot)) => (committed, Made::Snapshot(snapshot)),
            (Appended::New(committed), None) => (committed, Made::Payload(item.payload)),
            (Appended::Already(committed), _) => (committed, Made::Nothing),
            (Appended::Taken { .. }, _) => {
                unreachable!("the walk ends at a place or with an error")
            }
        };
        Ok(Entered {
            terms,
            committed,
            made,
        })
    }

    /// Reads the snapshot again that a payload was made of.
    fn reread(&self, terms: &Terms, payload: &[u8]) -> Result<Snapshot, Error> {
        payload::read(&*self.store, terms.cohort.as_str(), payload)
    }

    /// Acknowledges what was entered, with its snapshot.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it was recorded before and cannot be read.
    pub(super) fn recalled(&self, entered: Entered) -> Result<Acknowledged, Error> {
        let Entered {
            terms,
            committed,
            made,
        } = entered;
        let snapshot = match made {
            Made::Nothing => {
                let stored = self.stored(&terms.cohort, committed.seq)?;
                // Nobody watched the process of a document of a stream.
                return Ok(found(terms, stored, FoundForNext::Document));
            }
            Made::Payload(payload) => self.reread(&terms, &payload)?,
            Made::Snapshot(snapshot) => *snapshot,
        };
        Ok(newly_acknowledged(Ready { snapshot, terms }, committed))
    }
}

impl Entered {
    /// Says that it stands, and no more.
    pub(super) fn confirmed(self) -> Confirmed {
        let mut warnings = self.terms.said;
        warnings.extend(self.terms.warnings.iter().map(ToString::to_string));
        Confirmed {
            recorded_as: match self.made {
                Made::Nothing => RecordedAs::Already,
                Made::Payload(_) | Made::Snapshot(_) => RecordedAs::New,
            },
            place: Place::of(&self.terms.cohort, &self.committed),
            recorded_at: self.committed.envelope.recorded_at,
            warnings,
        }
    }
}
