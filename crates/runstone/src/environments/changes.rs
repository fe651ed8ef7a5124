//! What differs between the environments of two runs, put beside their comparison.
//!
//! Equal names are equal environments and cost nothing; two that differ are read. The invariant: a
//! document that cannot be read is told with its reason. Which rows there are is left to
//! `runstone-env`.

use runstone_core::diff::{EnvironmentChanges, EnvironmentRow, NotCompared, RunDiff};
use runstone_core::digest::Digest;
use runstone_core::snapshot::Snapshot;
use runstone_env::diff::{EnvironmentDiff, Row};

use crate::open::Ledger;

/// Most rows beside a comparison; `runstone env diff` has them all. Chosen: a distribution upgrade
/// has thousands, and each run that is compared across it would tell them again.
const ROWS_MAX: usize = 50;

impl Ledger {
    /// Puts beside the comparison of two runs what differs between their environments.
    pub(crate) fn put_environment(&self, diff: &mut RunDiff, earlier: &Snapshot, now: &Snapshot) {
        let names = (earlier.environment.digest(), now.environment.digest());
        if let (Some(before), Some(after)) = names
            && before != after
        {
            diff.environment_changes = Some(self.environment_changes(&before, &after));
        }
    }

    fn environment_changes(&self, before: &Digest, after: &Digest) -> EnvironmentChanges {
        let unknown = |which: &str, reason: String| EnvironmentChanges::Unknown {
            reason: format!("of the {which} run {reason}"),
        };
        match (self.environment(before), self.environment(after)) {
            (Err(reason), _) => unknown("previous", reason),
            (_, Err(reason)) => unknown("current", reason),
            (Ok(before), Ok(after)) => told(&runstone_env::diff(&before, &after)),
        }
    }
}

fn told(diff: &EnvironmentDiff) -> EnvironmentChanges {
    EnvironmentChanges::Told {
        rows: diff.rows.iter().take(ROWS_MAX).map(row).collect(),
        total: diff.rows.len(),
        not_compared: diff
            .not_compared
            .iter()
            .map(|left_out| NotCompared {
                reason: left_out.reason.clone(),
                source: left_out.source.as_str(),
            })
            .collect(),
    }
}

/// Returns a difference as it is told beside others.
pub(crate) fn row(row: &Row) -> EnvironmentRow {
    let arch = row.arch.as_ref().map(|arch| format!(":{arch}"));
    EnvironmentRow {
        change: row.change.as_str(),
        curr: row.after.clone(),
        key: format!(
            "{}.{}{}",
            row.source.as_str(),
            row.name,
            arch.unwrap_or_default()
        ),
        numeric: row.is_numeric,
        prev: row.before.clone(),
    }
}
