//! Starting package managers: found, given a small environment, run to their end, and listened to.
//!
//! ```text
//! session   which variables of the caller pass      program   one program, from start to end
//! lock      what is installed, with its hashes
//! ```
//!
//! The only place of this crate that starts a program. No shell is involved: words reach a program
//! as they are. The invariant: of the caller's variables only those pass that say where packages
//! and certificates are found, by a list of names. What the words mean, and what the answers mean,
//! is decided by `runstone-env`.

mod lock;
mod program;
mod session;

pub use self::lock::LockError;
pub(crate) use self::lock::locked;
pub(crate) use self::program::{Patience, Program, found, last_lines, shown, working};
pub(crate) use self::session::Session;
