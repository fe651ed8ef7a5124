//! What changed between two runs.
//!
//! ```text
//! two snapshots → comparable trees → differences ┬→ patch, changed keys, rows
//!                                                ├→ factors, severity
//! metrics of both, and the profile's rules ──────┴→ deltas          → RunDiff → JSON
//! ```
//!
//! [`diff`] is a pure function of two snapshots and the current one's rules: the same inputs give
//! the same bytes. Which run is the previous one, and whether a change mattered, belong to the
//! verdict.
//!
//! **Changed keys** name leaves by section first, joined with dots, as the comparable tree holds
//! them: `factors.settings.learning_rate`, `identity.task.target`, `metrics.logloss.mean`,
//! `artifacts.model.bin.sha256`. A list is one leaf. The prefixes of a profile's severity rules are
//! prefixes of these keys; there `factors.` may be left out.

mod compare;
mod environment;
mod factors;
mod json;
mod metrics;
mod patch;
mod run_diff;
#[cfg(test)]
pub(crate) mod sample;
mod severity;
mod student;
mod tree;
mod variance;
mod within_run;
pub mod wording;

pub use self::compare::diff;
pub use self::environment::{EnvironmentChanges, EnvironmentRow, NotCompared};
pub(crate) use self::factors::FactorsBlock;
pub use self::factors::{CHANGES_MAX, ExcludedFactors, FactorChange, FactorGroup};
pub(crate) use self::json::DiffMembers;
pub(crate) use self::metrics::by_name;
pub use self::metrics::{MetricDelta, MetricStatus};
pub use self::patch::{Operation, Patch, PatchError};
pub use self::run_diff::{
    Against, DiffStatus, Named, Row, RunDiff, SectionRows, Side, tells_of_process,
};
pub use self::tree::{SECTIONS, comparable_tree, comparable_trees};
pub use self::within_run::{WithinRun, WithinRunMethod};
