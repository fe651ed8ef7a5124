//! Environments that are kept by request, beside those that runs name.
//!
//! ```text
//! log        every entry, and what notes say of it    find       by what people call it
//! create     keeping one                              note       pins, deletions
//! retention  what a rule takes                        compare    what differs between two
//! import     what others wrote down                   export     in the formats of others
//! verify     what is damaged
//! ```
//!
//! An entry of the log of environments names a document by digest; its place is its id, `env#12`.
//! The order is that of the log, never of a clock. The invariant: what was told to be kept is there
//! until somebody deletes it or asks for a rule to, and whatever took it names it in its answer.
//! What becomes of a document that nothing names any more is left to `gc`.

mod compare;
mod create;
mod export;
mod find;
mod import;
mod log;
mod note;
mod retention;
mod verify;

pub use self::compare::ComparedEnvironments;
pub use self::create::{Created, Keeping};
pub use self::export::ExportFormat;
pub use self::find::{EnvironmentReference, FoundEnvironment, RunsOfEnvironment};
pub use self::import::{ImportedFile, ImportedFolders, ImportedSnapshot, SnapshotOutcome};
pub use self::log::{EnvironmentLog, KeptEnvironment, Removal};
pub use self::note::EnvironmentNoted;
pub use self::retention::{RemovalPlan, Retention, Stays, Taken};
pub use self::verify::{DamagedEnvironment, KeptVerified};
