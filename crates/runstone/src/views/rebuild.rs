//! Making all views again.

use runstone_store::CohortName;
use serde_json::{Value, json};

use super::findings::UNAVAILABLE;
use super::{Mode, Views};
use crate::error::Error;
use crate::open::Ledger;
use crate::verify::Leftover;

/// What making the views again did.
#[derive(Debug, Clone, Default)]
pub struct Rebuilt {
    /// Files that were missing or differed, and were written.
    pub written: u64,
    /// Files that were as they should be.
    pub equal: u64,
    /// Files of snapshots that are not in the log, removed.
    pub removed: u64,
    /// Folders whose views cannot be made as they were: a neighbour in the log, or a note that may
    /// be about it, cannot be read. What stood in them was left.
    pub unavailable: Vec<String>,
    /// What was left where it stands: in the way of views, or views of a log that is gone.
    pub left: Vec<Leftover>,
    /// Snapshots (`COHORT#seq`) and notes that a later release wrote; their views were left as
    /// they are.
    pub newer: Vec<String>,
    /// Snapshots and notes that cannot be read, or that only their views still tell of
    /// (`COHORT#seq`); their views were left as they are.
    pub unreadable: Vec<String>,
}

impl Rebuilt {
    /// Returns the stable JSON form, schema `runstone.views-rebuild/1`.
    pub fn to_json(&self) -> Value {
        json!({
            "schema": "runstone.views-rebuild/1",
            "written": self.written,
            "equal": self.equal,
            "removed": self.removed,
            "unavailable": self.unavailable,
            "left": self.left.iter().map(Leftover::to_json).collect::<Vec<_>>(),
            "newer": self.newer,
            "unreadable": self.unreadable,
        })
    }
}

impl Ledger {
    /// Makes every view again from the log, or those of one cohort: what is missing or differs is
    /// written, what belongs to no snapshot is removed, what is right is left. `progress` is told
    /// after each snapshot how many of how many are done.
    ///
    /// # Errors
    /// [`Error::Usage`] if the store keeps no views; else errors of the store. Damage is no error:
    /// what cannot be read is named.
    pub fn rebuild_views(
        &self,
        cohort: Option<&CohortName>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Rebuilt, Error> {
        if self.settings.views == Views::None {
            return Err(Error::Usage {
                what: "this store keeps no views: it was made with `--views none`".to_owned(),
                hint: "read the log itself, with `runstone show` or `runstone log --json`"
                    .to_owned(),
            });
        }
        let settled = self.settle_views(Mode::Repair, cohort, progress)?;
        let mut unreadable = settled.unreadable;
        for lost in settled.lost {
            let place = format!("{}#{}", lost.cohort, lost.seq.0);
            if !unreadable.contains(&place) {
                unreadable.push(place);
            }
        }
        let (unavailable, left): (Vec<_>, Vec<_>) = settled
            .findings
            .into_iter()
            .partition(|it| it.kind == UNAVAILABLE);
        Ok(Rebuilt {
            written: settled.written,
            equal: settled.equal,
            removed: settled.removed,
            unavailable: unavailable.into_iter().map(|it| it.path).collect(),
            left,
            newer: settled.newer,
            unreadable,
        })
    }
}
