//! For tests alone: ledgers in temporary folders, run documents, clocks that tick, damage.
//!
//! Everything is made through the real verbs, so a test never relies on a shortcut the product
//! does not have. What is promised stands in the tests; here is only what they share.

pub mod bench;
mod counted;
mod document;
mod files;
pub mod fuzz;
mod harm;
mod lab;
mod machine;
mod program_copy;
#[cfg(feature = "repository")]
mod repository;

pub use counted::{Counted, ledger_over, ledger_with};
pub use document::{RunBuilder, run};
pub use files::Files;
pub use harm::{Harm, flip_a_bit, replace};
pub use lab::{Lab, TickingClock};
pub use machine::Machine;
pub use program_copy::ProgramCopy;
#[cfg(feature = "repository")]
pub use repository::Repository;
