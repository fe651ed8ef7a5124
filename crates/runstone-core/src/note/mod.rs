//! Notes: what people say about snapshots after they were recorded.
//!
//! ```text
//! payload → Note (strict, or "of a later release") ── log order, up to a head ──▶ Noted
//! ```
//!
//! A snapshot never changes, so a pin, an acceptance, a tag or a deletion is an entry of its own in
//! the second log of the cohort. [`StoreNote`]s are the same for the whole store, and an
//! [`EnvironmentEntry`] is what people keep of a machine, with notes of its own. [`Noted`] is what
//! the notes up to some head say together: a pure function of them, so that whoever knows how far
//! an envelope saw finds the same yardsticks as its writer did. The invariants kept: a note that
//! stands twice means the same as one, and a note that this release does not fully understand is
//! named, never half followed. Which snapshots exist, and making a note durable, belong to the
//! crate `runstone`.

mod cohort;
mod environment;
mod members;
mod noted;
mod store;
mod text;

pub use self::cohort::{About, Note, Said};
pub use self::environment::{EnvironmentEntry, NamedEnvironment};
pub use self::members::{NOTE_SCHEMA_VERSION, NoteError};
pub use self::noted::{Dated, Marks, Noted, Unread};
pub use self::store::{StoreNote, StoreSaid};
pub use self::text::{
    AUTHOR_BYTES_MAX, Author, IllegalText, NOTE_TEXT_BYTES_MAX, NoteText, TAG_BYTES_MAX, Tag,
};
