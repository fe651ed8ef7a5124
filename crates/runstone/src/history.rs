//! Looking back over a cohort at bounded cost.
//!
//! Previous run, baseline and noise look at the last [`LOOK_BACK`] snapshots and read their
//! envelopes alone, so recording into a long history costs what recording into a short one costs.
//! What was read once is kept in memory: entries never change, so the memory is never stale.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runstone_core::digest::Digest;
use runstone_core::verdict::{LOOK_BACK, Point};
use runstone_store::{CohortName, Envelope, Log, Seq, Slot, Store, StoreError};

use crate::error::Error;
use crate::summary;

/// How many points of one cohort are kept in memory: a few windows.
const KEPT_MAX: usize = 4 * LOOK_BACK;

/// The recent past of cohorts, read through and kept.
#[derive(Debug)]
pub(crate) struct History {
    store: Arc<dyn Store>,
    kept: Mutex<BTreeMap<CohortName, Kept>>,
}

/// The points of one cohort that were used last.
#[derive(Debug, Default)]
struct Kept {
    points: BTreeMap<Seq, (Remembered, u64)>,
    /// Counts uses: a point with a higher number was used later.
    uses: u64,
}

impl Kept {
    fn get(&mut self, seq: Seq) -> Option<Remembered> {
        self.uses += 1;
        let (point, used) = self.points.get_mut(&seq)?;
        *used = self.uses;
        Some(point.clone())
    }

    /// Keeps a point in the place of the one that was used longest ago: whoever records finds the
    /// window of last time, unless a few windows of other places were read since.
    fn keep(&mut self, seq: Seq, point: Remembered) {
        self.uses += 1;
        self.points.insert(seq, (point, self.uses));
        if self.points.len() > KEPT_MAX {
            let oldest = self.points.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(seq, _)| *seq) {
                self.points.remove(&oldest);
            }
        }
    }
}

/// What stands in a slot, as far as looking back is concerned.
#[derive(Debug, Clone)]
enum Remembered {
    Point {
        point: Box<Point>,
        notes_seen: Option<Seq>,
        profile: Option<Digest>,
    },
    /// Occupied by something that cannot be read; it is named, never skipped in silence.
    Unreadable,
}

impl Remembered {
    fn of(seq: Seq, envelope: &Envelope) -> Self {
        let point = summary::point(seq, envelope);
        point.map_or(Self::Unreadable, |point| Self::Point {
            point: Box::new(point),
            notes_seen: envelope.notes_head_seen.map(|seen| seen.seq),
            profile: summary::profile(envelope),
        })
    }
}

/// The past of one snapshot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Past {
    /// At most [`LOOK_BACK`] points, newest first.
    pub(crate) points: Vec<Point>,
    /// For each point the highest note its writer saw.
    pub(crate) notes_seen: Vec<Option<Seq>>,
    /// For each point the profile it was read by.
    pub(crate) profiles: Vec<Option<Digest>>,
    /// Slots among them that could not be read.
    pub(crate) unreadable: Vec<Seq>,
}

impl History {
    pub(crate) fn of(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            kept: Mutex::default(),
        }
    }

    /// Returns the last [`LOOK_BACK`] snapshots of `cohort` below `seq`, newest first.
    pub(crate) fn before(&self, cohort: &CohortName, seq: Seq) -> Result<Past, Error> {
        self.before_at_most(cohort, seq, LOOK_BACK)
    }

    /// Returns the last `at_most` snapshots of `cohort` below `seq`, newest first.
    pub(crate) fn before_at_most(
        &self,
        cohort: &CohortName,
        seq: Seq,
        at_most: usize,
    ) -> Result<Past, Error> {
        let log = Log::Cohort(cohort.clone());
        let mut past = Past::default();
        let mut next = seq.previous();
        for _ in 0..at_most {
            let Some(seq) = next else { break };
            match self.at(&log, cohort, seq)? {
                Remembered::Point {
                    point,
                    notes_seen,
                    profile,
                } => {
                    past.points.push(*point);
                    past.notes_seen.push(notes_seen);
                    past.profiles.push(profile);
                }
                Remembered::Unreadable => past.unreadable.push(seq),
            }
            next = seq.previous();
        }
        Ok(past)
    }

    /// Forgets what was read of a cohort, so that a walk over many remembers one at a time.
    pub(crate) fn forget(&self, cohort: &CohortName) {
        self.kept().remove(cohort);
    }

    fn at(&self, log: &Log, cohort: &CohortName, seq: Seq) -> Result<Remembered, Error> {
        let known = self.kept().get_mut(cohort).and_then(|kept| kept.get(seq));
        if let Some(known) = known {
            return Ok(known);
        }
        // The lock is not held while reading: two threads may read the same slot, which costs a
        // read and changes nothing.
        let found = match self.store.peek_copy(log, seq) {
            Ok(Slot::Whole(envelope)) => Remembered::of(seq, &envelope),
            Ok(Slot::Absent | Slot::Damaged(_)) | Err(StoreError::Newer { .. }) => {
                Remembered::Unreadable
            }
            Err(error) => return Err(error.into()),
        };
        self.keep(cohort, seq, &found);
        Ok(found)
    }

    /// Remembers a snapshot that was just recorded: the next one looks back at it first.
    pub(crate) fn remember(&self, cohort: &CohortName, seq: Seq, envelope: &Envelope) {
        self.keep(cohort, seq, &Remembered::of(seq, envelope));
    }

    fn keep(&self, cohort: &CohortName, seq: Seq, found: &Remembered) {
        if let Remembered::Point { .. } = found {
            let mut kept = self.kept();
            if !kept.contains_key(cohort) {
                kept.insert(cohort.clone(), Kept::default());
            }
            let kept = kept.get_mut(cohort).expect("it was just put there");
            kept.keep(seq, found.clone());
        }
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<CohortName, Kept>> {
        // A thread that panicked while holding the lock left at worst a point less.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
