//! Results that could not be recorded: kept, so that a mended cause is all that is lost.
//!
//! A wrapped command may have run for hours when its document turns out to be illegal, its attempt
//! taken or the disk full. What was collected is put on the shelf below `refused/`, without
//! secrets, and recorded later by its nonce; then it is removed. It is no truth: nothing compares
//! with it. Where the store cannot take it, the same bytes are handed to the caller to keep
//! elsewhere. What became of files that could not be read is found out by the caller.

mod join;
mod keep;
mod list;
mod run;

pub use self::join::deepen;
pub use self::list::{RefusedRow, RefusedRuns};
pub use self::run::{Layer, RefusedRun, Unread};
