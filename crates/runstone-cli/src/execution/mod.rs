//! A command as a run: started, watched to its end, and asked what it left behind.
//!
//! One story a file. `program` finds what to start, before anything else happens; `run_directory`
//! is where the command may leave results, `place` where the store is should it be moved meanwhile,
//! `rest` waits for them where somebody still writes, `left` and `artifacts` read them, `unread`
//! knows what else lies there, `data` digests what it reads itself; `child` watches it, with
//! `signals` and `terminal` handing on what it would have got had nobody stood in between, and
//! `usage` saying what it took and `facts` keeping it. `scheduler` knows what batch systems say
//! about a job. Everything here is about processes and files; what a run means, and whether it may
//! be recorded, belongs to the ledger.

mod artifacts;
mod child;
mod data;
mod digest;
pub(crate) mod facts;
mod host;
mod left;
mod place;
mod program;
mod rest;
mod run_directory;
mod scheduler;
mod signals;
mod stamp;
mod terminal;
mod unread;
mod usage;

pub(crate) use self::artifacts::Artifacts;
pub(crate) use self::child::{End, Ended, NoEnd, start_and_watch};
pub(crate) use self::data::Data;
pub(crate) use self::host::ThisHost;
pub(crate) use self::left::{JsonFile, Left, paths_in};
pub(crate) use self::place::Place;
pub(crate) use self::program::Program;
pub(crate) use self::rest::restless;
pub(crate) use self::run_directory::RunDirectory;
pub(crate) use self::scheduler::Job;
pub(crate) use self::signals::outlive_full_files;
pub(crate) use self::unread::Unread;
