//! The views: what can be read without Runstone, made from what Runstone keeps.
//!
//! ```text
//! snapshot, its place, its diffs ─▶ snapshot.json metadata.json metrics.json
//!                                   diff_prev.json diff_baseline.json metric_deltas.json
//! entries of one run             ─▶ snapshot_index.json
//! the newest snapshot            ─▶ LATEST.json
//! ```
//!
//! One file a view; each is the canonical bytes of a pure function, so that a view deleted today
//! and made again next year is equal byte for byte. The invariant kept: nothing enters a view that
//! is not in the log, the notes, the profile or the objects: no time of writing, host, process or
//! absolute path. Paths are relative to the store. Writing them, and knowing which snapshot a view
//! is of, belong to the ledger.

mod deltas;
mod diff;
mod folder;
mod index;
mod latest;
mod metadata;
mod metrics;
mod snapshot;
mod telemetry;

pub use self::folder::{ViewFile, ViewFolder, run_folder};
pub use self::index::{INDEX_FILE, IndexEntry, index};
pub use self::latest::{LATEST_FILE, latest};
pub use self::snapshot::{SnapshotViews, Yardstick, holds, snapshot_views, version_is_ours};
pub use self::telemetry::DIFF_TELEMETRY_SCHEMA_VERSION;

/// Version of every view that does not carry the block `diff_telemetry`, which has its own. A view
/// of another version is outdated, not damaged.
pub const VIEW_VERSION: u32 = 1;
