//! What verifying found, as values and as JSON.
//!
//! Damage is of truth; what is left over is of things derived, and harmless. Finding either is left
//! to the walk beside.

use runstone_store::{Audited, Damage, DamageKind, Moved, StaleKind, Whereabouts};
use serde_json::{Value, json};

use crate::views::Lost;

/// What verifying found.
#[derive(Debug, Clone, Default)]
pub struct Verified {
    /// What was read.
    pub checked: Checked,
    /// Damaged truth.
    pub damage: Vec<Damaged>,
    /// Derived things that are stale, missing or torn, and leftovers: harmless.
    pub stale: Vec<Leftover>,
    /// The directory is another one than the store was made in, or adopted in: it was moved, or is
    /// a copy.
    pub moved: Option<Moved>,
    /// What was put right, if that was asked for.
    pub repaired: Option<Repaired>,
}

/// What was put right of what is derived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Damaged places that have their entry back, and claims, by path, whose bytes are in
    /// `quarantine/`; built-in profiles that are kept again, and objects that are back from the
    /// trash.
    pub restored: Vec<String>,
    /// Views that were missing or differed, and segments that were missing, written again.
    pub written: u64,
    /// Views that no snapshot has, hints nobody can read, and segments that were not whole,
    /// removed.
    pub removed: u64,
    /// What the file system refused to put right, with its path and the reason.
    pub left: Vec<String>,
}

/// How much was read.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// By the store.
    pub audited: Audited,
    /// Snapshots recomputed from their documents.
    pub snapshots: u64,
    /// Notes read and held against what they name.
    pub notes: u64,
    /// Environments that were kept by request, deleted ones among them.
    pub environments: u64,
    /// Views that are what the log says.
    pub views: u64,
}

/// One damage of truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// The file, relative to the store, or `COHORT#seq`.
    pub path: String,
    /// What kind.
    pub kind: String,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// Something harmless that could be cleaned up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The file, relative to the store.
    pub path: String,
    /// What kind.
    pub kind: String,
    /// What the system said, where it kept this from being put right.
    pub why: Option<String>,
}

/// Returns a move as JSON: both places by the numbers that the system gives them.
pub(crate) fn moved_json(moved: &Moved) -> Value {
    let place = |at: &Whereabouts| json!({ "device": at.device, "inode": at.inode });
    json!({ "made": place(&moved.made), "here": place(&moved.here) })
}

impl Leftover {
    /// Returns what it is, and why it was left, in words.
    pub fn words(&self) -> String {
        match &self.why {
            None => format!("{} ({})", self.path, self.kind),
            Some(why) => format!("{} ({}: {why})", self.path, self.kind),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut leftover = json!({ "path": self.path, "kind": self.kind });
        if let Some(why) = &self.why {
            leftover["why"] = Value::from(why.as_str());
        }
        leftover
    }
}

impl From<Damage> for Damaged {
    fn from(damage: Damage) -> Self {
        let Damage {
            path,
            slot: _,
            kind,
            expected,
            found,
        } = damage;
        Self {
            path,
            kind: kind.to_string(),
            expected,
            found,
        }
    }
}

impl From<Lost> for Damaged {
    fn from(lost: Lost) -> Self {
        let Lost {
            path,
            cohort,
            seq,
            sha256,
            found,
        } = lost;
        let (kind, expected, found) = match found {
            None => (
                DamageKind::Missing,
                format!("{cohort}#{seq}, which this view was made of"),
                "a log that ends before it".to_owned(),
            ),
            Some(found) => (
                DamageKind::Fork,
                format!("{sha256} at {cohort}#{seq}, which this view was made of"),
                format!("{found}, and this one nowhere in the log"),
            ),
        };
        Self {
            path,
            kind: kind.to_string(),
            expected,
            found,
        }
    }
}

impl Verified {
    /// Tells whether no truth is damaged.
    pub fn is_ok(&self) -> bool {
        self.damage.is_empty()
    }

    /// Returns how many things were not checked, because a later release wrote them.
    pub fn not_checked(&self) -> usize {
        let newer = StaleKind::Newer.word();
        self.stale.iter().filter(|it| it.kind == newer).count()
    }

    /// Returns the stable JSON form, schema `runstone.verify/1`.
    pub fn to_json(&self) -> Value {
        let audited = &self.checked.audited;
        json!({
            "schema": "runstone.verify/1",
            "ok": self.is_ok(),
            "checked": {
                "cohorts": audited.cohorts,
                "entries": audited.slots,
                "snapshots": self.checked.snapshots,
                "notes": self.checked.notes,
                "environments": self.checked.environments,
                "views": self.checked.views,
                "keys": audited.keys,
                "objects": audited.objects,
                "profiles": audited.profiles,
                "bytes": audited.bytes,
            },
            "moved": self.moved.as_ref().map(moved_json),
            "not_checked": self.not_checked(),
            "damage": self.damage.iter().map(|damaged| json!({
                "path": damaged.path,
                "kind": damaged.kind,
                "expected": damaged.expected,
                "found": damaged.found,
            })).collect::<Vec<_>>(),
            "repaired": self.repaired.as_ref().map(|repaired| json!({
                "restored": repaired.restored,
                "written": repaired.written,
                "removed": repaired.removed,
                "left": repaired.left,
            })),
            "stale": self.stale.iter().map(Leftover::to_json).collect::<Vec<_>>(),
        })
    }
}
