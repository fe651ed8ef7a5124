//! Durable bytes for a ledger of runs: append-only logs, published one slot at a time.
//!
//! This crate knows no run. It keeps entries, each an opaque payload in an [`Envelope`], in the
//! logs of a [`Store`], so that any number of processes may append at once and none is ever lost.
//!
//! # The one primitive
//! Everything rests on creating a name that does not exist yet, which a file system grants to one
//! of many: `create(name, bytes) -> Created | Taken | Unknown`. A commit creates slot *head + 1* of
//! its log. Therefore the position of an entry is its name, unique and gapless, and there is no
//! lock in the argument. An entry is made once per key by the same means: its file is linked twice,
//! first as the claim of its key, then as the slot.
//!
//! ```text
//!   NewEntry ──▶ Packed ──▶ sealed file ──▶ keys/aa/K      the claim:  once is once
//!            hash, compress     │
//!                               └─────────▶ …/log/s/n      the slot:   unique and gapless
//! ```
//!
//! # Where to read on
//! [`Store`] is the contract; `append` holds the loop that every engine shares, with the argument
//! why once is once; `dir` is the engine on a directory; [`MemoryStore`] the reference to read
//! first.

mod append;
mod damage;
mod descriptor;
mod discard;
mod entropy;
mod envelope;
mod error;
mod hash;
mod key;
mod log;
mod memory;
#[cfg(test)]
mod mutants;
mod secret;
pub mod segment;
mod shelf;
mod store;
mod weight;

#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod dir;

pub use damage::{Audited, Damage, DamageKind, Finding, Mended, Stale, StaleKind};
pub use descriptor::{Descriptor, FORMAT, Modes, Primitive};
pub use dir::DirStore;
pub use discard::{Discarded, Trashed, WhoNames};
pub use entropy::{Entropy, SystemEntropy};
pub use envelope::{
    Codec, Envelope, EnvelopeError, HEADER_BYTES_MAX, PAYLOAD_BYTES_MAX, Seen, decode,
    decode_header,
};
pub use error::{Difference, Doubt, NotAStore, StoreError};
pub use hash::{Hash256, NotHex};
pub use key::{Key, KeyText, Nonce, StoreId};
pub use log::{CohortName, Log, NotACohortName, SHARD_SLOTS, Seq};
pub use memory::MemoryStore;
pub use secret::Secret;
pub use shelf::{Exclusive, Keep, NotAShelfPath, Room, Shelf, ShelfPath, Shelved};
pub use store::{
    Appended, BatchItem, Committed, Entry, Instead, Meanwhile, Moved, NewEntry, OpenedCohort, Slot,
    Standing, Store, Sweep, Swept, Whereabouts,
};
pub use weight::{Ware, Weighed, Weight};
