//! Restoring an environment: planned, proved by the managers themselves, then acted and verified.
//!
//! ```text
//! request ─▶ machine ─▶ plan (runstone-env) ─▶ prove ─▶ Proposal ─▶ act ─▶ verified ─▶ Restored
//!            captured                          simulated            locked, journalled
//! ```
//!
//! A proposal changes nothing and takes no lock; only [`Ledger::restore`] acts. The invariant: what
//! is done was shown. The plan is made again from the machine and the target right before it is
//! acted on, and has to have the same name; a manager that announces anything else is not started.
//! What has to be done is decided by `runstone-env`, how managers are started by `managers`.
//!
//! [`Ledger::restore`]: crate::Ledger::restore

mod act;
mod error;
mod fresh;
mod host_lock;
mod journal;
mod machine;
mod prefix_without;
mod propose;
mod prove;
mod restored;

pub use self::error::RestoreError;
pub use self::propose::{Proposal, RestoreRequest};
pub use self::restored::{Outcome, Ran, Restored};
