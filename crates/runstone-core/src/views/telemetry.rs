//! The block `diff_telemetry`: what a pipeline that reads `metadata.json` needs to know of the
//! comparison.
//!
//! Its members are a contract older than this program. The invariant kept: the block always stands
//! under its name, whole, and what a document itself calls so moves aside and is kept.

use std::collections::BTreeMap;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::snapshot::SnapshotViews;
use crate::canon;
use crate::canonical::signature_name;
use crate::diff::{DiffStatus, FactorsBlock};
use crate::digest::Digest;
use crate::id::{RunId, SnapshotSeq};
use crate::snapshot::FINGERPRINT_SCHEMA_VERSION;

/// Version of the block's shape.
pub const DIFF_TELEMETRY_SCHEMA_VERSION: u32 = 1;
/// The name of the block.
pub(super) const BLOCK: &str = "diff_telemetry";
/// Stands before a name that the block has taken, as often as it takes to be free.
const OWN: &str = "own_";

/// The block with the digest over it, worked out.
#[derive(Debug)]
pub(super) struct Telemetry<'a> {
    block: Block<'a>,
    digest: Digest,
}

/// The members of the block, in canonical order.
#[derive(Debug, Serialize)]
pub(super) struct Block<'a> {
    baseline_snapshot_path: Option<&'a str>,
    comparability: Comparison<'a>,
    comparison_group: BTreeMap<&'a str, &'a Digest>,
    comparison_group_key: Digest,
    /// Covers all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    diff_telemetry_digest: Option<Digest>,
    diff_telemetry_schema_version: u32,
    excluded_factors: &'a FactorsBlock<'a>,
    fingerprint_schema_version: u32,
    fingerprint_sources: &'a BTreeMap<String, String>,
    fingerprints: &'a BTreeMap<String, Digest>,
    prev_snapshot_path: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Comparison<'a> {
    comparability_reason: Option<&'a str>,
    comparable: bool,
    prev_run_id: Option<&'a RunId>,
    prev_snapshot_seq: Option<SnapshotSeq>,
}

/// The members of the block for programs that read numbers alone, in canonical order.
#[derive(Debug, Serialize)]
pub(super) struct InShort<'a> {
    comparable: u8,
    diff_telemetry_digest: Digest,
    diff_telemetry_schema_version: u32,
    excluded_factors_changed: u8,
    excluded_factors_changed_count: usize,
    excluded_factors_summary: &'a str,
}

impl<'a> Telemetry<'a> {
    /// Makes the block; `factors` are those of the view of the previous run.
    pub(super) fn of(views: &'a SnapshotViews<'_>, factors: &'a FactorsBlock<'a>) -> Self {
        let SnapshotViews {
            snapshot, previous, ..
        } = views;
        let earlier = previous.previous.as_ref();
        let group = snapshot.identity.keys().filter_map(|group| {
            let signature = snapshot.fingerprints.get(&signature_name(group))?;
            Some((group.as_str(), signature))
        });
        let mut block = Block {
            baseline_snapshot_path: views.yardstick.path(),
            comparability: Comparison {
                comparability_reason: previous.reason.as_deref(),
                comparable: previous.status == DiffStatus::Compared,
                prev_run_id: earlier.map(|named| &named.run_id),
                prev_snapshot_seq: earlier.map(|named| named.seq),
            },
            comparison_group: group.collect(),
            comparison_group_key: views.group_key,
            diff_telemetry_digest: None,
            diff_telemetry_schema_version: DIFF_TELEMETRY_SCHEMA_VERSION,
            excluded_factors: factors,
            fingerprint_schema_version: FINGERPRINT_SCHEMA_VERSION,
            fingerprint_sources: &snapshot.fingerprint_sources,
            fingerprints: &snapshot.fingerprints,
            prev_snapshot_path: earlier.and_then(|named| named.path.as_deref()),
        };
        let digest = canon::digest(&block);
        block.diff_telemetry_digest = Some(digest);
        Self { block, digest }
    }

    /// Returns the whole block.
    pub(super) const fn block(&self) -> &Block<'a> {
        &self.block
    }

    /// Returns the block for programs that read numbers alone.
    pub(super) fn in_short(&self) -> InShort<'_> {
        let factors = self.block.excluded_factors;
        InShort {
            comparable: u8::from(self.block.comparability.comparable),
            diff_telemetry_digest: self.digest,
            diff_telemetry_schema_version: DIFF_TELEMETRY_SCHEMA_VERSION,
            excluded_factors_changed: u8::from(factors.changed),
            excluded_factors_changed_count: factors.count,
            excluded_factors_summary: &factors.summary,
        }
    }
}

/// An object of the user's with a block under its name; a member of that name moves aside.
pub(super) struct Beside<'a, M, B> {
    members: M,
    block: &'a B,
    /// The name that a member called like the block gets.
    own: String,
}

impl<'a, 'm, M, V, B> Beside<'a, &'m M, B>
where
    &'m M: IntoIterator<Item = (&'m String, V)>,
{
    pub(super) fn of(members: &'m M, block: &'a B) -> Self {
        let mut own = format!("{OWN}{BLOCK}");
        while members.into_iter().any(|(name, _)| *name == own) {
            own.insert_str(0, OWN);
        }
        Self {
            members,
            block,
            own,
        }
    }
}

impl<'m, M, V, B> Serialize for Beside<'_, &'m M, B>
where
    &'m M: IntoIterator<Item = (&'m String, V)>,
    V: Serialize,
    B: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        let mut has_block = false;
        for (name, value) in self.members {
            // The block takes its place among sorted names, which spares the writer the sorting.
            if !has_block && name.as_str() >= BLOCK {
                members.serialize_entry(BLOCK, self.block)?;
                has_block = true;
            }
            let name = if name == BLOCK { &self.own } else { name };
            members.serialize_entry(name, &value)?;
        }
        if !has_block {
            members.serialize_entry(BLOCK, self.block)?;
        }
        members.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_user_calls_like_the_block_moves_aside_and_is_kept() {
        let members = BTreeMap::from([
            (BLOCK.to_owned(), "mine"),
            ("own_diff_telemetry".to_owned(), "mine too"),
        ]);
        let block = json!({"block": true});
        assert_eq!(
            canon::value(&Beside::of(&members, &block)),
            json!({
                "diff_telemetry": {"block": true},
                "own_diff_telemetry": "mine too",
                "own_own_diff_telemetry": "mine",
            })
        );
    }
}
