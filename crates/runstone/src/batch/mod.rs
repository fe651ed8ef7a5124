//! Recording many documents as they come, each as if recorded by itself.
//!
//! ```text
//! a reader ─▶ Intake ─▶ prepare, in parallel ─▶ commit, a chunk at a time ─▶ answer, in order
//!             bounded                           at most 1,024 documents,
//!             memory                            8 MiB, or what came in 50 ms
//! ```
//!
//! The stages run beside each other, so that the next chunk is read and hashed while the disk
//! flushes this one. The invariants: answers come in the order of the documents, none before its
//! snapshot is durable; each is worked out from the log below its snapshot, earlier documents of
//! the same stream included; one that is refused does not stop the others; and memory is bounded
//! however long the stream is. Cutting a stream into documents is left to the core, showing answers
//! to the faces.

mod chunk;
mod crew;
mod documents;
mod intake;
mod stages;

pub use self::documents::{BatchAnswer, BatchRequest, Handed};
