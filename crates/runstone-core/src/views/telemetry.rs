//! The block `diff_telemetry`: what a pipeline that reads `metadata.json` needs to know of the
//! comparison.
//!
//! Its members are a contract older than this program. The invariant kept: the block always stands
//! under its name, whole, and what a document itself calls so moves aside and is kept.

use serde_json::{Map, Value, json};

use super::snapshot::SnapshotViews;
use crate::canon;
use crate::canonical::signature_name;
use crate::diff::{DiffStatus, RunDiff};
use crate::digest::Digest;
use crate::snapshot::FINGERPRINT_SCHEMA_VERSION;

/// Version of the block's shape.
pub const DIFF_TELEMETRY_SCHEMA_VERSION: u32 = 1;
/// The name of the block.
pub(super) const BLOCK: &str = "diff_telemetry";
/// Stands before a name that the block has taken, as often as it takes to be free.
const OWN: &str = "own_";
/// The member that covers all others.
const DIGEST: &str = "diff_telemetry_digest";

/// The block, and the digest over it.
#[derive(Debug, Clone)]
pub(super) struct Telemetry {
    block: Map<String, Value>,
    factors: Value,
    digest: Digest,
    comparable: bool,
}

impl Telemetry {
    /// Makes the block; `factors` are those of the view of the previous run.
    pub(super) fn of(views: &SnapshotViews<'_>, factors: Value) -> Self {
        let SnapshotViews {
            snapshot, previous, ..
        } = views;
        let earlier = previous.previous.as_ref();
        let comparable = previous.status == DiffStatus::Compared;
        let group: Map<String, Value> = snapshot
            .identity
            .keys()
            .filter_map(|group| {
                let signature = snapshot.fingerprints.get(&signature_name(group))?;
                Some((group.clone(), json!(signature)))
            })
            .collect();
        let mut block = Map::new();
        let mut put = |member: &str, value: Value| block.insert(member.to_owned(), value);
        put(
            "diff_telemetry_schema_version",
            json!(DIFF_TELEMETRY_SCHEMA_VERSION),
        );
        put(
            "fingerprint_schema_version",
            json!(FINGERPRINT_SCHEMA_VERSION),
        );
        put("comparison_group_key", json!(views.group_key));
        put("comparison_group", Value::Object(group));
        put("fingerprints", json!(snapshot.fingerprints));
        put("fingerprint_sources", json!(snapshot.fingerprint_sources));
        put(
            "comparability",
            json!({
                "comparable": comparable,
                "comparability_reason": previous.reason,
                "prev_run_id": earlier.map(|named| &named.run_id),
                "prev_snapshot_seq": earlier.map(|named| named.seq),
            }),
        );
        put(
            "prev_snapshot_path",
            json!(earlier.and_then(|named| named.path.as_ref())),
        );
        put("baseline_snapshot_path", json!(views.yardstick.path()));
        put("excluded_factors", factors.clone());
        let digest = canon::digest(&Value::Object(block.clone()));
        block.insert(DIGEST.to_owned(), json!(digest));
        Self {
            block,
            factors,
            digest,
            comparable,
        }
    }

    /// Returns the whole block.
    pub(super) fn block(&self) -> Value {
        Value::Object(self.block.clone())
    }

    /// Returns the block for programs that read numbers alone.
    pub(super) fn in_short(&self) -> Value {
        json!({
            "diff_telemetry_schema_version": DIFF_TELEMETRY_SCHEMA_VERSION,
            "comparable": u8::from(self.comparable),
            "excluded_factors_changed": u8::from(self.factors["changed"] == true),
            "excluded_factors_changed_count": self.factors["count"],
            "excluded_factors_summary": self.factors["summary"],
            (DIGEST): self.digest,
        })
    }
}

/// Names the file with all changed factors, where not all are listed.
pub(super) fn name_whole(factors: &mut Value, diff: &RunDiff, whole: &str) {
    factors["changes_ref"] = json!(diff.excluded_factors.is_cut().then_some(whole));
}

/// Puts a block under its name into an object of the user's; a member of that name moves aside.
pub(super) fn put_block(members: &mut Map<String, Value>, block: Value) {
    if let Some(own) = members.insert(BLOCK.to_owned(), block) {
        let mut name = format!("{OWN}{BLOCK}");
        while members.contains_key(&name) {
            name.insert_str(0, OWN);
        }
        members.insert(name, own);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_calls_like_the_block_moves_aside_and_is_kept() {
        let mut members = Map::new();
        members.insert(BLOCK.to_owned(), json!("mine"));
        members.insert("own_diff_telemetry".to_owned(), json!("mine too"));
        put_block(&mut members, json!({"block": true}));
        assert_eq!(
            Value::Object(members),
            json!({
                "diff_telemetry": {"block": true},
                "own_diff_telemetry": "mine too",
                "own_own_diff_telemetry": "mine",
            })
        );
    }
}
