//! The baseline of a cohort, shown: which run it is, why, and when it moved.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use runstone_core::digest::Digest;
use runstone_core::note::Unread;
use runstone_core::profile::{Direction, Primary, Profile};
use runstone_core::snapshot::Status;
use runstone_core::verdict::{Baseline, BaselineMove, Held, LOOK_BACK, Moves, Point};
use runstone_store::{CohortName, Log, Seq};
use serde_json::{Value, json};

use crate::compare::{baseline_by, baseline_of, primary_direction};
use crate::error::{Error, NOT_DELETED};
use crate::find::Stored;
use crate::history::Past;
use crate::notes::{not_followed, place_of};
use crate::open::Ledger;
use crate::profiles::rules_of;

/// The yardstick that the next run of a cohort will be held against.
#[derive(Debug, Clone)]
pub struct BaselineShown {
    /// The cohort.
    pub cohort: CohortName,
    /// The metric that decides, with its better side.
    pub primary: Option<(String, Direction)>,
    /// Which run, or why none.
    pub baseline: Baseline,
    /// The run chosen, read.
    pub stored: Option<Stored>,
    /// The window it was chosen from, newest first.
    pub window: Vec<Point>,
    /// Where it appeared or moved, oldest first; empty unless asked for.
    pub moves: Vec<BaselineMove>,
    /// Places whose part in its moves is not known, because they, or their profile, cannot be
    /// read.
    pub unreadable: Vec<Seq>,
    /// Notes of the cohort that could not be read, and so were not followed.
    pub unread_notes: Vec<Unread>,
}

impl BaselineShown {
    /// Returns what the caller should know and nothing failed for.
    pub fn warnings(&self) -> Vec<String> {
        let cohort = &self.cohort;
        let left_out = self.unreadable.iter().map(|seq| {
            format!(
                "{cohort}#{seq} cannot be read and was left out; `runstone verify` names the damage"
            )
        });
        let unread = self.unread_notes.iter();
        left_out
            .chain(unread.map(|unread| not_followed(cohort, unread)))
            .collect()
    }
}

impl BaselineShown {
    /// Returns the stable JSON form, schema `runstone.baseline-show/1`.
    pub fn to_json(&self) -> Value {
        json!({
            "schema": "runstone.baseline-show/1",
            "cohort": self.cohort.as_str(),
            "primary": self.primary.as_ref().map(|(name, direction)| {
                json!({ "name": name, "direction": direction.as_str() })
            }),
            "baseline": self.baseline.to_json(),
            "run_id": self.stored.as_ref().map(|stored| &stored.snapshot.run_id),
            "sha256": self.stored.as_ref().map(|stored| stored.place.sha256),
            "moves": self.moves.iter().map(|moved| {
                json!({
                    "at": moved.at,
                    "baseline": moved.baseline,
                    "pinned": moved.pinned,
                    "why": moved.why,
                })
            }).collect::<Vec<_>>(),
            "warnings": self.warnings(),
        })
    }
}

impl Ledger {
    /// Shows the yardstick of a cohort with the places where it moved, by scanning its log.
    ///
    /// # Errors
    /// [`Error::Empty`] if the cohort holds nothing readable, [`Error::NotFound`] if what it holds
    /// was deleted.
    pub fn baseline_show(&self, cohort: &CohortName) -> Result<BaselineShown, Error> {
        let mut shown = self.baseline_in(cohort)?;
        let newest = self.newest(cohort)?;
        let stage = &newest.snapshot.stage;
        let past = self
            .history
            .before_at_most(cohort, beyond(&newest), usize::MAX)?;
        shown.unreadable = past.unreadable.iter().rev().copied().collect();
        let mut moves = Moves::default();
        let mut profiles = BTreeMap::new();
        // Oldest first: each was held against what it saw, by its own profile.
        for (at, current) in past.points.iter().enumerate().rev() {
            let Some((primary, _)) = current.decides() else {
                // Whoever measured nothing was held against nothing, and moved nothing.
                continue;
            };
            let by = past.profiles[at];
            let profile = match by
                .map(|by| self.profile_once(&mut profiles, by))
                .transpose()
            {
                Ok(profile) => profile.flatten(),
                Err(error) => return Err(error),
            };
            let Some(profile) = profile else {
                shown.unreadable.extend(Seq::new(current.seq.0));
                continue;
            };
            let rules = rules_of(&profile, stage)?;
            let noted = self.notes.up_to(cohort, past.notes_seen[at])?;
            let mut below = Cow::from(within_reach(&past.points[at + 1..], current));
            if noted.all().next().is_some() {
                for point in below.to_mut() {
                    noted.mark(point);
                }
            }
            let pinned = self.pinned(cohort, &noted);
            let decides = Primary::One(primary.clone());
            let found = baseline_by(&below, Some(current), &profile, rules, &decides, pinned);
            let held = Held {
                current,
                history: &below,
                rule: profile.baseline,
                direction: rules.metrics.direction(primary),
            };
            moves.see(held, found);
        }
        shown.unreadable.sort_unstable();
        shown.moves = moves.end();
        Ok(shown)
    }

    /// Reads a profile that was not asked for yet; `None` if it cannot be read.
    fn profile_once(
        &self,
        known: &mut BTreeMap<Digest, Option<Arc<Profile>>>,
        sha256: Digest,
    ) -> Result<Option<Arc<Profile>>, Error> {
        if let Some(known) = known.get(&sha256) {
            return Ok(known.clone());
        }
        let found = match self.profile_by_digest(&sha256) {
            Ok(profile) => Some(profile),
            Err(error) if error.costs_its_place_alone() => None,
            Err(error) => return Err(error),
        };
        known.insert(sha256, found.clone());
        Ok(found)
    }

    /// Shows the yardstick of a cohort at bounded cost, without its moves.
    pub(crate) fn baseline_in(&self, cohort: &CohortName) -> Result<BaselineShown, Error> {
        let newest = self.newest(cohort)?;
        let noted = self.notes.now(cohort)?;
        let past = self.history.before(cohort, beyond(&newest))?;
        let Past { points, .. } = past.marked(&noted);
        let deciding = self.deciding(&newest, &points)?;
        let profile = self.profile_by_digest(&deciding.snapshot.profile.sha256)?;
        let rules = rules_of(&profile, &deciding.snapshot.stage)?;
        let pinned = self.pinned(cohort, &noted);
        let mut baseline = baseline_of(&points, None, &profile, rules, &deciding, pinned);
        if let Baseline::NoPrimary { reason } = &mut baseline
            && rules.metrics.primary(&deciding.snapshot.metrics) == Primary::None
        {
            let (seq, run) = (deciding.place.seq, &deciding.snapshot.run_id);
            let newest = match deciding.snapshot.status {
                Status::Finished => "the newest that finished",
                _ => "the newest",
            };
            *reason = format!("#{seq} {run}, {newest}, has no metric that decides");
        }
        let stored = baseline.seq().map(|seq| self.at(cohort, seq)).transpose()?;
        Ok(BaselineShown {
            cohort: cohort.clone(),
            primary: primary_direction(rules, &deciding),
            baseline,
            stored,
            window: points,
            moves: Vec::new(),
            unreadable: Vec::new(),
            unread_notes: noted.unread().to_vec(),
        })
    }

    pub(crate) fn baseline_of_latest(&self) -> Result<Stored, Error> {
        let latest = self.find("@latest")?;
        let shown = self.baseline_in(&latest.place.cohort)?;
        shown.stored.ok_or_else(|| Error::NoYardstick {
            reference: "@baseline".to_owned(),
            reason: shown.baseline.to_string(),
        })
    }

    /// Reads the snapshot whose profile and metrics say what decides in its cohort: the newest
    /// finished one among `points` that has a metric which decides, since a run may end without.
    /// Where none has, it is the newest finished one, and where none finished the newest.
    fn deciding(&self, newest: &Stored, points: &[Point]) -> Result<Stored, Error> {
        let is_finished = |point: &&Point| point.status == Status::Finished && !point.deleted;
        let finished = || points.iter().filter(is_finished);
        let with_a_metric = finished().filter(|point| !point.primary.is_empty());
        for point in with_a_metric.chain(finished()) {
            match self.at(&newest.place.cohort, point.seq) {
                Err(error) if error.costs_its_place_alone() => {}
                found => return found,
            }
        }
        Ok(newest.clone())
    }

    /// Reads the newest snapshot of a cohort that is readable and not deleted.
    fn newest(&self, cohort: &CohortName) -> Result<Stored, Error> {
        let noted = self.notes.now(cohort)?;
        let mut next = self.store.head(&Log::Cohort(cohort.clone()))?;
        while let Some(seq) = next {
            match self.stored(cohort, seq) {
                Err(Error::Damaged { .. } | Error::Payload { .. }) => next = seq.previous(),
                Ok(found) if noted.deleted(&place_of(&found.place)).is_some() => {
                    next = seq.previous();
                }
                found => return found,
            }
        }
        Err(if noted.all().any(|(_, marks)| marks.deleted.is_some()) {
            Error::NotFound {
                reference: cohort.to_string(),
                looked_in: Some(NOT_DELETED.to_owned()),
            }
        } else {
            Error::Empty
        })
    }
}

/// Returns the part of a log below a run that it looked back at. Places count, readable or not.
fn within_reach<'p>(below: &'p [Point], current: &Point) -> &'p [Point] {
    let reached = |point: &Point| current.seq.0 - point.seq.0 <= LOOK_BACK as u64;
    &below[..below.partition_point(reached)]
}

/// Returns the position after a snapshot, below which it counts itself.
fn beyond(newest: &Stored) -> Seq {
    Seq::new(newest.place.seq.0.saturating_add(1)).unwrap_or(Seq::FIRST)
}
