//! `runstone run`: the order of its work.
//!
//! `args` is what can be said, `stated` what is known before the command runs, `execution` the way
//! from there to an answer, `document` what is recorded, and `refusal` what happens when that is
//! impossible. Processes, signals and files belong to [`crate::execution`]; what a run means, to
//! the ledger.

mod args;
mod document;
mod execution;
mod refusal;
mod stated;

pub(crate) use self::args::RunArgs;
pub(crate) use self::execution::run;
