//! What differs between two environments that people name.
//!
//! Which rows there are is decided by `runstone-env`; here are the two sides, and the answer as
//! JSON. The invariant: two environments are the same if and only if their names are, whatever
//! could be compared.

use runstone_env::diff::{EnvironmentDiff, FactChange, NotCompared, Row};
use serde_json::{Value, json};

use super::find::{EnvironmentReference, FoundEnvironment};
use super::log::KeptEnvironment;
use crate::environments::choice::CaptureRequest;
use crate::error::Error;
use crate::open::Ledger;

/// Two environments, and what differs.
#[derive(Debug, Clone)]
pub struct ComparedEnvironments {
    /// The earlier one.
    pub before: FoundEnvironment,
    /// The later one.
    pub after: FoundEnvironment,
    /// What differs, the later against the earlier.
    pub diff: EnvironmentDiff,
}

impl ComparedEnvironments {
    /// Tells whether they are two: also where nothing of what differs could be compared.
    pub fn differ(&self) -> bool {
        self.before.digest() != self.after.digest()
    }

    /// Returns what the caller should know and nothing failed for.
    pub fn warnings(&self) -> impl Iterator<Item = &String> {
        self.before.warnings.iter().chain(&self.after.warnings)
    }

    /// Returns the stable JSON form, schema `runstone.env-diff/1`.
    pub fn to_json(&self) -> Value {
        let side = |found: &FoundEnvironment| {
            let id = found.kept.as_ref().map(KeptEnvironment::id);
            json!({ "id": id, "digest": found.digest() })
        };
        let warnings: Vec<&String> = self.warnings().collect();
        json!({
            "schema": "runstone.env-diff/1",
            "before": side(&self.before),
            "after": side(&self.after),
            "different": self.differ(),
            "rows": self.diff.rows.iter().map(row).collect::<Vec<_>>(),
            "not_compared": self.diff.not_compared.iter().map(not_compared).collect::<Vec<_>>(),
            "warnings": warnings,
        })
    }
}

fn row(row: &Row) -> Value {
    let fact = |fact: &FactChange| json!({ "name": fact.name, "before": fact.before, "after": fact.after });
    json!({
        "source": row.source.as_str(),
        "name": row.name,
        "arch": row.arch,
        "change": row.change.as_str(),
        "before": row.before,
        "after": row.after,
        "facts": row.facts.iter().map(fact).collect::<Vec<_>>(),
        "numeric": row.is_numeric,
    })
}

fn not_compared(it: &NotCompared) -> Value {
    json!({ "source": it.source.as_str(), "reason": it.reason })
}

impl Ledger {
    /// Compares two environments, the earlier one first; `current` is captured as `request` says.
    ///
    /// # Errors
    /// As [`Ledger::find_environment`].
    pub fn diff_environments(
        &self,
        before: &EnvironmentReference,
        after: &EnvironmentReference,
        request: &CaptureRequest,
    ) -> Result<ComparedEnvironments, Error> {
        let before = self.find_environment(before, request)?;
        let after = self.find_environment(after, request)?;
        let diff = runstone_env::diff(&before.environment, &after.environment);
        Ok(ComparedEnvironments {
            before,
            after,
            diff,
        })
    }
}
