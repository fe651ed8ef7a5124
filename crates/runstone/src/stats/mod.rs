//! What a store weighs: bytes by what they are for, by cohort, and by day.
//!
//! The store walks and tells of one file after the other; here they are added up. The invariant
//! guarded here: memory grows with the number of cohorts and nothing else, and a sum from which
//! something is missing says so. What each file is for is the store's word.

mod growth;

use std::collections::BTreeMap;

use runstone_store::{CohortName, Ware, Weighed, Weight};
use serde_json::{Value, json};

pub use self::growth::{Day, Growth};
use crate::error::Error;
use crate::find::Head;
use crate::open::Ledger;

/// What a store weighs.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// All of it.
    pub total: Sum,
    /// By what the bytes are for.
    pub kinds: BTreeMap<Ware, Sum>,
    /// By cohort, with the views of its snapshots.
    pub cohorts: BTreeMap<CohortName, CohortStats>,
    /// What came in the last days.
    pub growth: Growth,
    /// What could not be looked at, and why: it is missing in every sum.
    pub unread: Vec<String>,
}

/// What one cohort weighs.
#[derive(Debug, Clone, Default)]
pub struct CohortStats {
    /// How many snapshots stand in its log; nothing if it cannot be looked at.
    pub snapshots: Option<u64>,
    /// All that belongs to it alone.
    pub total: Sum,
    /// By what the bytes are for.
    pub kinds: BTreeMap<Ware, Sum>,
}

/// Files added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// Files, or directories, each counted once.
    pub files: u64,
    /// Names that belong to files counted elsewhere.
    pub links: u64,
    /// Bytes as they are read.
    pub bytes: u64,
    /// Bytes on the disk.
    pub disk: u64,
}

impl Sum {
    fn add(&mut self, weight: Weight, is_elsewhere: bool) {
        if is_elsewhere {
            self.links += 1;
        } else {
            self.files += 1;
            self.bytes += weight.bytes;
            self.disk += weight.disk;
        }
    }

    fn to_json(self) -> Value {
        json!({
            "files": self.files,
            "links": self.links,
            "bytes": self.bytes,
            "disk_bytes": self.disk,
        })
    }
}

impl CohortStats {
    /// Returns the bytes on the disk for each snapshot; nothing where there is none.
    pub fn disk_per_snapshot(&self) -> Option<u64> {
        self.total.disk.checked_div(self.snapshots?)
    }
}

impl Stats {
    /// Returns how many snapshots stand in all logs that can be looked at.
    pub fn snapshots(&self) -> u64 {
        self.cohorts.values().filter_map(|it| it.snapshots).sum()
    }

    /// Returns the bytes on the disk, of everything, for each snapshot; nothing where there is
    /// none.
    pub fn disk_per_snapshot(&self) -> Option<u64> {
        self.total.disk.checked_div(self.snapshots())
    }

    /// Tells whether everything could be looked at.
    pub fn is_complete(&self) -> bool {
        self.unread.is_empty()
    }

    /// Returns the stable JSON form, schema `runstone.stats/1`.
    pub fn to_json(&self) -> Value {
        json!({
            "schema": "runstone.stats/1",
            "snapshots": self.snapshots(),
            "disk_bytes_per_snapshot": self.disk_per_snapshot(),
            "total": self.total.to_json(),
            "kinds": kinds_to_json(&self.kinds),
            "cohorts": self.cohorts.iter().map(|(cohort, stats)| json!({
                "cohort": cohort,
                "snapshots": stats.snapshots,
                "disk_bytes_per_snapshot": stats.disk_per_snapshot(),
                "total": stats.total.to_json(),
                "kinds": kinds_to_json(&stats.kinds),
            })).collect::<Vec<_>>(),
            "growth": self.growth.to_json(),
            "unread": self.unread,
        })
    }

    fn take(&mut self, weighed: Weighed<'_>) {
        let (ware, cohort, weight, is_elsewhere) = match weighed {
            Weighed::One {
                ware,
                cohort,
                weight,
                is_elsewhere,
            } => (ware, cohort, weight, is_elsewhere),
            Weighed::Unread(error) => return self.unread.push(error.to_string()),
        };
        self.total.add(weight, is_elsewhere);
        let sum = self.kinds.entry(ware).or_default();
        sum.add(weight, is_elsewhere);
        // Folders of views may bear the name of a cohort that is gone.
        if let Some(cohort) = cohort.and_then(|cohort| self.cohorts.get_mut(cohort)) {
            cohort.total.add(weight, is_elsewhere);
            let sum = cohort.kinds.entry(ware).or_default();
            sum.add(weight, is_elsewhere);
        }
    }
}

fn kinds_to_json(kinds: &BTreeMap<Ware, Sum>) -> Value {
    let named = |(ware, sum): (&Ware, &Sum)| (ware.word().to_owned(), sum.to_json());
    Value::Object(kinds.iter().map(named).collect())
}

impl Ledger {
    /// Weighs the store: every file by what it is for, and what came in the last `days` days.
    ///
    /// `progress` is told how many files were weighed so far.
    ///
    /// # Errors
    /// Reading errors of the store as a whole; what cannot be looked at within it is named in the
    /// answer.
    pub fn stats(&self, days: u32, progress: &mut dyn FnMut(u64)) -> Result<Stats, Error> {
        let mut stats = Stats::default();
        for cohort in self.store.cohorts("", None)? {
            let snapshots = match self.head_of(&cohort)? {
                Head::At(head) => Some(head.get()),
                Head::Nothing => Some(0),
                Head::Unreadable(_) => None,
            };
            let known = CohortStats {
                snapshots,
                ..CohortStats::default()
            };
            stats.cohorts.insert(cohort, known);
        }
        let mut done = 0;
        self.store.weigh(&mut |weighed| {
            done += 1;
            progress(done);
            stats.take(weighed);
        })?;
        let heads: Vec<_> = stats
            .cohorts
            .iter()
            .filter_map(|(cohort, known)| Some((cohort.clone(), known.snapshots?)))
            .collect();
        stats.growth = self.growth(&heads, days)?;
        Ok(stats)
    }
}
