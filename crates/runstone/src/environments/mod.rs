//! Environments: captured beside a run, kept once however many runs they carry, and read again.
//!
//! ```text
//! choice     which environment a recording is of      settled    it, captured or found
//! document   an object of the store                   changes    rows between two of them
//! code       which commit ran, read beside it         kept       by request: a log with notes
//! named      one of those, for a recording            sides      which runs have which of two
//! begun      read before a command starts, written up while it runs
//! ```
//!
//! What is read of a machine, and what differs between two, is decided by `runstone-env`; when a
//! capture may speak for a run, and how its document becomes durable, is decided here. The
//! invariant: a snapshot that says how its environment was captured names a document that was
//! durable before it. No capture ever fails a recording: what is missing is said with its reason.

mod begun;
mod changes;
mod choice;
mod code;
mod document;
mod kept;
mod named;
mod settled;
mod sides;

pub use self::begun::BegunEnvironment;
pub use self::choice::{CaptureRequest, EnvironmentChoice};
pub use self::kept::{
    ComparedEnvironments, Created, DamagedEnvironment, EnvironmentLog, EnvironmentNoted,
    EnvironmentReference, ExportFormat, FoundEnvironment, ImportedFile, ImportedFolders,
    ImportedSnapshot, Keeping, KeptEnvironment, KeptVerified, Removal, RemovalPlan, Retention,
    RunsOfEnvironment, SnapshotOutcome, Stays, Taken,
};
pub(crate) use self::settled::EnvironmentObject;
pub use self::settled::Settled;
pub use crate::managers::LockError;
