//! One chunk: each document prepared, all committed together, acknowledged one by one.
//!
//! The invariant: what becomes of a document is what would become of it if each were recorded by
//! itself, in this order. Preparing is pure, and done by many threads; everything that depends on
//! the order happens in the turn that the store gives each entry.

use std::sync::Arc;

use runstone_core::profile::Profile;
use runstone_store::{
    Appended, BatchItem, CohortName, Committed, Envelope, OpenedCohort, StoreError,
};

use super::documents::{BatchRequest, Handed};
use crate::attempts::Walk;
use crate::error::Error;
use crate::named::stored_artifacts;
use crate::open::Ledger;
use crate::prepare::{Draft, Ready, prepare};
use crate::recorded::Acknowledged;

/// A document with the attempt that it asks for first.
#[derive(Debug)]
pub(super) struct Prepared {
    ready: Ready,
    walk: Walk,
    draft: Draft,
}

impl Ledger {
    /// Prepares a document, with what errors call it.
    pub(super) fn prepare_one(
        &self,
        (name, document): (String, Handed),
        request: &BatchRequest,
        profile: &Arc<Profile>,
    ) -> Result<Prepared, Error> {
        let request = document.request(name, request)?;
        let mut ready = prepare(self, request, Arc::clone(profile))?;
        let walk = Walk::begin(ready.choice);
        let draft = ready.draft(walk.attempt())?;
        Ok(Prepared { ready, walk, draft })
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
    ) -> Vec<Result<Acknowledged, Error>> {
        // Whatever the entries name is durable before any of them has a place.
        let mut turns: Vec<Result<Prepared, Error>> = prepared
            .into_iter()
            .enumerate()
            .map(|(number, prepared)| {
                let mut prepared = prepared?;
                if self.make_durable(&prepared.ready)? == OpenedCohort::New {
                    opened(number, &prepared.ready.cohort);
                }
                self.demand_attachments(&prepared.ready.snapshot)?;
                if self.keep_environment(&mut prepared.ready) {
                    prepared.draft = prepared.ready.draft(prepared.walk.attempt())?;
                }
                self.keep_sections(&prepared.draft)?;
                Ok(prepared)
            })
            .collect();
        let mut entries: Vec<&mut Prepared> = turns.iter_mut().flatten().collect();
        let items: Vec<BatchItem> = entries.iter_mut().map(|entry| self.item(entry)).collect();
        let mut refused: Vec<Option<Error>> = items.iter().map(|_| None).collect();
        let outcomes = self
            .store
            .append_all(&items, &mut |position, claim, recorded| {
                self.pass(entries[position], claim, recorded)
                    .map_err(|error| refused[position] = Some(error))
                    .ok()
            });
        drop(entries);
        let mut outcomes = outcomes.into_iter().zip(refused);
        let acknowledge = |entry: Prepared, outcome: Result<Appended, StoreError>, refused| match (
            outcome?, refused,
        ) {
            (Appended::Taken { .. }, Some(refused)) => Err(refused),
            (appended, _) => {
                let Prepared { ready, draft, .. } = entry;
                let attachments = stored_artifacts(&ready.snapshot);
                let environment = ready.environment.as_ref();
                self.look_again(&draft, environment, attachments, &ready.cohort, &appended)?;
                self.acknowledged(ready, appended)
            }
        };
        turns
            .into_iter()
            .map(|turn| {
                let entry = turn?;
                let (outcome, refused) = outcomes.next().expect("every entry has an outcome");
                acknowledge(entry, outcome, refused)
            })
            .collect()
    }

    /// Goes on to the next attempt, if there is one for this content.
    fn pass(
        &self,
        entry: &mut Prepared,
        claim: &Envelope,
        recorded: Option<&Committed>,
    ) -> Result<BatchItem, Error> {
        let ready = &entry.ready;
        entry.walk.pass(claim, recorded, |next| {
            Ok(self.store.claim(&ready.key_text(next))?.is_none())
        })?;
        entry.draft = entry.ready.draft(entry.walk.attempt())?;
        self.keep_sections(&entry.draft)?;
        Ok(self.item(entry))
    }

    /// Makes the item of the attempt that is asked for. What it takes of its draft is not needed
    /// twice.
    fn item(&self, entry: &mut Prepared) -> BatchItem {
        let Prepared { ready, walk, draft } = entry;
        BatchItem {
            log: ready.log.clone(),
            key: Some(ready.key_text(walk.attempt())),
            content: ready.content,
            payload: std::mem::take(&mut draft.payload),
            summary: Arc::clone(&draft.summary),
            recorded_at: self.clock.now(),
        }
    }
}
