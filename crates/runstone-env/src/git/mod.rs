//! The code under a run: which commit it is, and how far the work tree is from it.
//!
//! ```text
//! code        what is known, as a document         repository  what it is, and where HEAD stands
//! reading     within a time, on a thread of its    work_tree   staged, modified, in conflict
//!             own                                  untracked   neither in the index nor ignored
//! bounded     what is read whole, looked at first  untouched   what need not be read to be known
//! inside      a path, and no link on the way       patch       one digest of what is not committed
//! ```
//!
//! Code is no part of the environment's document: a thousand commits run in one environment. The
//! invariant: nothing is written and no program is started, no `git`, no filter and no hook, since
//! a repository says by itself which programs those are. Where a run keeps this belongs to the
//! ledger.

#[cfg(feature = "git")]
mod bounded;
mod code;
#[cfg(feature = "git")]
mod inside;
#[cfg(feature = "git")]
mod patch;
mod reading;
#[cfg(feature = "git")]
mod repository;
#[cfg(feature = "git")]
mod untouched;
#[cfg(feature = "git")]
mod untracked;
#[cfg(feature = "git")]
mod work_tree;

pub use code::{Code, SCHEMA, WorkTree};
pub use reading::{Options, Reading, begin, capture};
