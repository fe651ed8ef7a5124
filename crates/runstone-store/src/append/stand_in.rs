//! A writer on a store in memory, of whose calls a test decides when they come and what they say.
//!
//! The invariant guarded here: whatever a [`Manner`] does not change is the store's own answer.

use crate::append::{Claim, Claimed, FirstName, Look, Published, Slots};
use crate::descriptor::Descriptor;
use crate::envelope::{Envelope, Seen};
use crate::error::StoreError;
use crate::key::{Key, Nonce};
use crate::log::{Log, Seq};
use crate::memory::MemoryStore;
use crate::store::Meanwhile;

/// How a writer's calls go.
pub(super) trait Manner: Sync {
    /// Makes a call, when it may come.
    fn call<T>(&self, act: impl FnOnce() -> T) -> T {
        act()
    }

    /// Says what a look at a place showed.
    fn looked(&self, look: Look) -> Look {
        look
    }

    /// Takes a place, and says how that went.
    fn take(
        &self,
        take: impl FnOnce() -> Result<Published, StoreError>,
    ) -> Result<Published, StoreError> {
        take()
    }
}

/// A writer with a manner of its own.
pub(super) struct StandIn<'a, M> {
    pub(super) store: &'a MemoryStore,
    pub(super) manner: M,
}

impl<M: Manner> Slots for StandIn<'_, M> {
    type Draft = Vec<u8>;

    fn descriptor(&self) -> &Descriptor {
        Slots::descriptor(self.store)
    }

    fn epoch(&self) -> u64 {
        self.descriptor().epoch
    }

    fn nonce(&self) -> Nonce {
        self.store.nonce()
    }

    fn seen(&self, log: &Log) -> Result<Option<Seen>, StoreError> {
        self.manner.call(|| self.store.seen(log))
    }

    fn likely_free(&self, log: &Log, from: Seq) -> Result<Seq, StoreError> {
        self.manner.call(|| self.store.likely_free(log, from))
    }

    fn look(&self, log: &Log, seq: Seq, key: Option<&Key>) -> Result<Look, StoreError> {
        let looked = self.manner.call(|| self.store.look(log, seq, key));
        looked.map(|look| self.manner.looked(look))
    }

    fn claim_of(&self, key: &Key) -> Result<Claim, StoreError> {
        self.manner.call(|| self.store.claim_of(key))
    }

    fn draft(
        &self,
        log: &Log,
        near: Seq,
        file: Vec<u8>,
        first: FirstName,
    ) -> Result<Vec<u8>, StoreError> {
        self.manner
            .call(|| self.store.draft(log, near, file, first))
    }

    fn name_claim(
        &self,
        key: &Key,
        generation: u32,
        draft: &mut Vec<u8>,
    ) -> Result<Claimed, StoreError> {
        self.manner
            .call(|| self.store.name_claim(key, generation, draft))
    }

    fn settle_claims(&self, keys: &[Key]) -> Result<(), StoreError> {
        self.manner.call(|| self.store.settle_claims(keys))
    }

    fn adopt(&self, key: &Key, generation: u32) -> Result<(), StoreError> {
        self.manner.call(|| self.store.adopt(key, generation))
    }

    fn adopted(&self, key: &Key, generation: u32) -> Result<bool, StoreError> {
        self.manner.call(|| self.store.adopted(key, generation))
    }

    fn publish(
        &self,
        log: &Log,
        seq: Seq,
        draft: &mut Vec<u8>,
        written: &Envelope,
        meanwhile: Option<&mut Meanwhile<'_>>,
    ) -> Result<Published, StoreError> {
        let publish = || self.store.publish(log, seq, draft, written, meanwhile);
        self.manner.call(|| self.manner.take(publish))
    }

    fn take(
        &self,
        log: &Log,
        seq: Seq,
        draft: &mut Vec<u8>,
        written: &Envelope,
    ) -> Result<Published, StoreError> {
        let take = || self.store.take(log, seq, draft, written);
        self.manner.call(|| self.manner.take(take))
    }

    fn settle(&self, log: &Log, places: &[Seen]) -> Result<(), StoreError> {
        self.manner.call(|| self.store.settle(log, places))
    }
}
