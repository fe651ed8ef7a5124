//! Restoring: from two environments to a plan, to command lines, and to what the managers say of
//! them.
//!
//! ```text
//! gate     what stands in the way at all       apt conda python npm   steps of each manager
//! policy   what may be done                    brought                who brought it, conda or pip
//!                                          globals                what is told and not changed
//! plan     the steps, and their name           protected              what is never removed
//! argv     the command lines, a script
//! proof    what the managers announced, held against the plan
//! ```
//!
//! Pure functions: no program is started here, no file is read or written. The invariant: nothing
//! that a document says becomes an option or an order. What is told to a manager was held against
//! the grammar of its ecosystem, removals are planned only where they were asked for, and an action
//! that the plan does not name is refused. Starting the managers belongs to the ledger.

mod apt;
pub mod argv;
mod brought;
mod conda;
mod gate;
mod globals;
mod manager;
mod npm;
mod plan;
mod policy;
pub mod proof;
mod protected;
mod python;
mod side;
mod step;
#[cfg(test)]
mod tests;

pub use self::gate::{Obstacle, ObstacleKind};
pub use self::manager::Manager;
pub use self::plan::{NotPlanned, Plan, SCHEMA, plan};
pub use self::policy::{NotAPolicy, NotAPrefix, Policy, SourcePrefix};
pub use self::side::{Places, Side};
pub use self::step::{Action, Kept, Marks, Step};
