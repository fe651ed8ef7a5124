//! Why a run was answered as it was: where the move began, and what changed with it.
//!
//! Reads the runs around the onset and the answers that earlier runs were given; ranking them is
//! decided in the core. The invariant kept: everything here is a function of the log below the run
//! and of the notes its envelope saw, as the answer itself.

use std::collections::BTreeMap;

use runstone_core::blame::{
    Changed, Earlier, Has, Onset, Run, Suspect, changed_between, onset, suspects,
};
use runstone_core::diff::{EnvironmentChanges, RunDiff};
use runstone_core::id::SnapshotSeq;
use runstone_core::snapshot::Status;
use runstone_core::verdict::{MetricVerdict, Overall, Point, Verdict, serving_before};
use serde_json::{Value, json};

use crate::compare::current_point;
use crate::error::Error;
use crate::find::{Stored, place_in_log};
use crate::open::Ledger;
use crate::recorded::Answered;

/// Why a run was answered as it was.
#[derive(Debug, Clone)]
pub struct Why {
    /// The run.
    pub stored: Stored,
    /// Its answer.
    pub answered: Answered,
    /// What explains it, or why there is nothing to explain.
    pub found: Explained,
    /// Places that could not be read and so are no evidence.
    pub unreadable: Vec<SnapshotSeq>,
}

/// What explains an answer.
#[derive(Debug, Clone)]
#[must_use]
pub enum Explained {
    /// A metric moved.
    Moved(Box<Move>),
    /// Nothing moved, or it is not known.
    Nothing {
        /// What it would take for an answer, as a sentence fragment for people.
        would_take: String,
    },
}

/// A move of a metric, and what changed with it.
#[derive(Debug, Clone)]
pub struct Move {
    /// The metric that decided.
    pub metric: MetricVerdict,
    /// Where it began.
    pub onset: Onset,
    /// The last run before, against the first that shows it.
    pub diff: RunDiff,
    /// What changed between them, most suspicious first.
    pub suspects: Vec<Suspect>,
    /// Earlier answers that were asked for evidence.
    pub asked: usize,
}

impl Why {
    /// Returns what the caller should know and nothing failed for.
    pub fn warnings(&self) -> Vec<String> {
        let cohort = &self.stored.place.cohort;
        let left_out = self.unreadable.iter().map(|seq| {
            format!(
                "{cohort}#{seq} cannot be read and is no evidence; `runstone verify` names the \
                 damage"
            )
        });
        let mut warnings = self.answered.warnings(cohort);
        warnings.extend(left_out);
        warnings
    }

    /// Returns the stable JSON form, schema `runstone.why/1`.
    pub fn to_json(&self) -> Value {
        let Stored {
            place, snapshot, ..
        } = &self.stored;
        let moved = match &self.found {
            Explained::Moved(moved) => Some(moved),
            Explained::Nothing { .. } => None,
        };
        let would_take = match &self.found {
            Explained::Moved(_) => None,
            Explained::Nothing { would_take } => Some(would_take),
        };
        let previous = self.answered.diff.previous.as_ref();
        json!({
            "schema": "runstone.why/1",
            "cohort": place.cohort.as_str(),
            "snapshot_seq": place.seq,
            "sha256": place.sha256,
            "run_id": snapshot.run_id,
            "stage": snapshot.stage,
            "attempt": snapshot.attempt,
            "verdict": self.answered.verdict.to_json(),
            "previous": previous.map(|named| json!({
                "run_id": named.run_id,
                "snapshot_seq": named.seq,
            })),
            "move": moved.map(|moved| moved.to_json()),
            "would_take": would_take,
            "warnings": self.warnings(),
        })
    }
}

impl Move {
    /// Returns what was not captured on both sides, or cannot be read any more, with the reason: a
    /// change there is not seen.
    pub fn unknown(&self) -> Vec<(&'static str, &str)> {
        let lost = match &self.diff.environment_changes {
            Some(EnvironmentChanges::Unknown { reason }) => Some(("environment", reason.as_str())),
            Some(EnvironmentChanges::Told { .. }) | None => None,
        };
        let sections = [
            ("environment", &self.diff.environment),
            ("code", &self.diff.code),
        ];
        let unknown = sections
            .into_iter()
            .filter_map(|(section, rows)| Some((section, rows.unknown_because()?)));
        unknown.chain(lost).collect()
    }

    pub(crate) fn to_json(&self) -> Value {
        let Self {
            metric,
            onset,
            asked,
            ..
        } = self;
        let unknown = self.unknown();
        json!({
            "metric": metric.name,
            "overall": metric.overall.as_str(),
            "seen": onset.seen.as_str(),
            "first_seq": onset.first(),
            "last_before_seq": onset.last_before(),
            "before": onset.before,
            "since": onset.since,
            "suspects": self.suspects.iter().map(|suspect| {
                let mut members = suspect.to_json();
                members["evidence"] = json!(self.evidence(suspect));
                members
            }).collect::<Vec<_>>(),
            "answers_asked": asked,
            "not_captured": unknown.iter().map(|(section, reason)| json!({
                "section": section,
                "reason": reason,
            })).collect::<Vec<_>>(),
        })
    }

    /// Returns what speaks for and against a suspect, as a fragment for people.
    pub fn evidence(&self, suspect: &Suspect) -> String {
        let Onset { before, since, .. } = &self.onset;
        suspect.evidence(before.len(), since.len(), self.metric.overall)
    }
}

impl Ledger {
    /// Says why a run was answered as it was: what changed when its metric moved, and how often the
    /// same changed before without harm.
    ///
    /// # Errors
    /// As [`Ledger::compared`]; single places that cannot be read are named in the answer.
    pub fn why(&self, stored: &Stored) -> Result<Why, Error> {
        let answered = self.compared(stored)?;
        let deciding = answered.verdict.metrics.iter().min_by_key(|it| it.overall);
        let points = self.look_back(stored)?.points;
        let current = current_point(stored)?;
        let began = deciding.and_then(|metric| Some((metric, onset(&points, &current, metric)?)));
        let mut unreadable = Vec::new();
        let found = match began {
            None => Explained::Nothing {
                would_take: would_take(stored, &answered.verdict),
            },
            Some((metric, onset)) => {
                let moved =
                    self.moved(stored, metric, onset, &points, &current, &mut unreadable)?;
                Explained::Moved(Box::new(moved))
            }
        };
        unreadable.sort_unstable();
        unreadable.dedup();
        Ok(Why {
            stored: stored.clone(),
            answered,
            found,
            unreadable,
        })
    }

    /// Gathers what changed with a move.
    fn moved(
        &self,
        stored: &Stored,
        metric: &MetricVerdict,
        onset: Onset,
        points: &[Point],
        current: &Point,
        unreadable: &mut Vec<SnapshotSeq>,
    ) -> Result<Move, Error> {
        let mut read = |seqs: &[SnapshotSeq]| self.read_all(stored, seqs, unreadable);
        let before = read(&onset.before)?;
        let since = read(&onset.since)?;
        let asked: Vec<SnapshotSeq> = serving_before(points, current, onset.first())
            .iter()
            .map(|point| point.seq)
            .collect();
        let mut earlier = Vec::new();
        for run in read(&asked)? {
            let answered = self.compared(&run)?;
            let changed = changed_between(&answered.diff);
            earlier.push(Earlier {
                seq: run.place.seq,
                changed: changed.into_iter().map(|it| it.key).collect(),
                overall: answered.verdict.overall,
            });
        }
        // Where one of the two at the onset cannot be read, the nearest that can is compared.
        let (Some(last), Some(first)) = (before.last(), since.first()) else {
            return Err(Error::Damaged {
                place: format!("{}#{}", stored.place.cohort, onset.last_before()),
                found: "no run before the move can be read".to_owned(),
            });
        };
        let diff = self.compared_with(last, first)?;
        let changed: Vec<Changed> = changed_between(&diff);
        let mut sides = self.environment_sides(last, first, &diff);
        let mut beside = |runs: &'_ [Stored]| -> Vec<BTreeMap<String, Has>> {
            let runs = runs.iter();
            runs.map(|run| sides.of(&run.snapshot.environment))
                .collect()
        };
        let (of_before, of_since) = (beside(&before), beside(&since[1..]));
        let suspects = suspects(
            changed,
            &with_environments(&before, of_before),
            &with_environments(&since[1..], of_since),
            &earlier,
            metric.overall,
        );
        Ok(Move {
            metric: metric.clone(),
            onset,
            diff,
            suspects,
            asked: earlier.len(),
        })
    }

    /// Reads runs of the cohort of `stored`; those that cannot be read are named.
    fn read_all(
        &self,
        stored: &Stored,
        seqs: &[SnapshotSeq],
        unreadable: &mut Vec<SnapshotSeq>,
    ) -> Result<Vec<Stored>, Error> {
        let cohort = &stored.place.cohort;
        let mut found = Vec::with_capacity(seqs.len());
        for seq in seqs {
            match self.stored_copy(cohort, place_in_log(cohort, *seq)?) {
                Ok(run) => found.push(run),
                Err(error) if error.costs_its_place_alone() => unreadable.push(*seq),
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

fn with_environments(runs: &[Stored], environments: Vec<BTreeMap<String, Has>>) -> Vec<Run<'_>> {
    let pairs = runs.iter().zip(environments);
    let pairs = pairs.map(|(run, environment)| Run {
        snapshot: &run.snapshot,
        environment,
    });
    pairs.collect()
}

/// Says what it would take for an answer, or for a move to be seen.
fn would_take(stored: &Stored, verdict: &Verdict) -> String {
    let deciding = verdict.metrics.iter().min_by_key(|it| it.overall);
    let held = deciding.and_then(|metric| metric.held.as_ref().ok().map(|held| (metric, held)));
    match (verdict.overall, held) {
        (Overall::Same | Overall::Changed | Overall::Improvement | Overall::Regression, None) => {
            "a move is looked for once something differs from the run before".to_owned()
        }
        (_, Some((metric, held))) => format!(
            "a run with `{}` below {} or above {} would count",
            metric.name,
            number(held.low),
            number(held.high)
        ),
        (Overall::Undecided, None) if stored.snapshot.status != Status::Finished => {
            "only finished runs are judged".to_owned()
        }
        (Overall::Undecided, None) if deciding.is_none() && stored.place.seq.0 > 1 => {
            "a metric has to decide: a profile names it, or `runstone init --primary NAME:higher` \
             when a store is made"
                .to_owned()
        }
        (Overall::Undecided, None) if deciding.is_some_and(lacks_more_than_runs) => {
            "the metric that decides has to be a finite number, in the run as in those before it"
                .to_owned()
        }
        (Overall::Undecided, None) => {
            "a run is judged once enough others with its settings stand below it (five, or the \
             profile's `min_runs`), or enough repeats of other settings"
                .to_owned()
        }
    }
}

/// Whether no number of runs would have the metric judged.
fn lacks_more_than_runs(metric: &MetricVerdict) -> bool {
    let held = metric.held.as_ref();
    held.is_err_and(|why| !why.is_for_lack_of_runs())
}

fn number(value: f64) -> String {
    runstone_core::diff::wording::number(value)
}
