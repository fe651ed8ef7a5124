//! Runs under way: what a wrapped command says of itself before it starts, until it is recorded.
//!
//! A [`Started`] is the notice of one execution. It is put before the command starts, by
//! [`Ledger::begin`](crate::Ledger::begin), which keeps two executions of one run apart, and
//! removed once the run is recorded. Nobody else ever records a run that vanished: whether it is
//! lost is computed when it is shown, by the host it ran on, and unknown everywhere else. Facts
//! about hosts and processes come in as a [`Host`]. A notice is best effort: one that a power cut
//! took is a run that nobody knew was under way, and nothing else.

mod begin;
mod list;
mod notice;
mod sight;

pub use self::begin::{Begun, Earlier, Rival};
pub use self::list::{RunsUnderWay, UnderWay};
pub use self::notice::{ProcessId, Started};
pub use self::sight::{Host, Sight, State};
