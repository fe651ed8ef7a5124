//! `runstone run`: the order of its work.
//!
//! `args` is what can be said, `stated` what is known before the command runs, `execution` the way
//! from there to an answer, `document` what is recorded, `sources` whose word counts in it, and
//! `refusal` what happens when that is impossible; `warnings` are what is said on the way.
//! Processes, signals and files belong to [`crate::execution`]; what a run means, to the ledger.

mod args;
mod document;
mod execution;
mod refusal;
mod sources;
mod stated;
mod warnings;

pub(crate) use self::args::RunArgs;
pub(crate) use self::execution::run;
