//! Notes about snapshots: written durably, read once, followed as far as an envelope saw.
//!
//! What an answer rests on are the notes up to the head that the snapshot's envelope names; what is
//! shown now ([`Ledger::log`](crate::Ledger::log), `@latest`, the current baseline) rests on all of
//! them. What notes mean is decided in the core; which log they stand in and what they may be said
//! about is decided here.

mod about;
mod read;
mod verify;
mod write;

pub use self::about::{SnapshotNotes, note_json};
pub(crate) use self::about::{place_of, tags};
pub(crate) use self::read::{Notes, not_followed};
pub use self::write::{NotedAs, Noting, Signature};
