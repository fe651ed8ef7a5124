//! The answer: what a snapshot is compared with, what changed, and whether that is known to matter.
//!
//! The answer is a function of the log below the snapshot, of the snapshot and of its own profile.
//! It is worked out after the commit and never stored, so asking again tomorrow gives the same.
//! What the words mean is decided in the core; reading the right few entries is decided here.

use std::collections::BTreeMap;
use std::fmt;

use runstone_core::cohort::{CohortKey, Comparability, Mismatch, compare};
use runstone_core::diff::{Against, Named, RunDiff, Side, diff};
use runstone_core::id::{Attempt, RunId, SnapshotSeq, Stage};
use runstone_core::profile::{Direction, Primary, Profile, StageRules};
use runstone_core::verdict::{Baseline, Point, Previous, Verdict, baseline, judge, previous};
use runstone_store::{CohortName, Envelope, Seq};
use serde_json::{Value, json};

use crate::commit::Acknowledged;
use crate::error::Error;
use crate::find::{Place, Stored};
use crate::history::Past;
use crate::open::Ledger;
use crate::profiles::rules_of;
use crate::summary;

/// Whether a recording made a snapshot or found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordedAs {
    /// It made one.
    New,
    /// The same content was recorded before; this is that snapshot.
    Already,
}

impl RecordedAs {
    /// Returns the word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Already => "already",
        }
    }
}

/// The answer to a recording.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Whether it is new.
    pub recorded_as: RecordedAs,
    /// Where it stands.
    pub place: Place,
    /// The run.
    pub run_id: RunId,
    /// The stage.
    pub stage: Stage,
    /// Which retry.
    pub attempt: Attempt,
    /// The writer's clock when it was recorded.
    pub recorded_at: String,
    /// What changed, and did it matter.
    pub answer: Answered,
    /// When this opened a cohort: the nearest other one.
    pub nearest: Option<Nearest>,
    /// What the caller should know and nothing failed for.
    pub warnings: Vec<String>,
}

/// What changed since the last comparable run, and whether that matters.
#[derive(Debug, Clone)]
pub struct Answered {
    /// What changed.
    pub diff: RunDiff,
    /// Did it matter.
    pub verdict: Verdict,
    /// The yardstick of the cohort below this snapshot.
    pub baseline: Baseline,
    /// The writer's clock of the previous snapshot.
    pub previous_recorded_at: Option<String>,
    /// Entries among those looked back at that could not be read.
    pub unreadable: Vec<SnapshotSeq>,
}

/// The nearest cohort of the same stage and experiment, when a run opens a new one.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearest {
    /// That cohort.
    pub cohort: CohortName,
    /// What keeps the two apart.
    pub mismatches: Vec<Mismatch>,
    /// The one identity path by which this and at least two earlier cohorts differ, alone.
    pub drifting: Option<String>,
}

/// How many cohorts are looked at for the nearest one.
const NEAREST_LOOK: usize = 64;
/// How many cohorts must differ by one path alone before it looks like a date that moves on:
/// this one and two others.
const DRIFTING_OTHERS: usize = 2;

impl Recorded {
    /// Returns the stable JSON form, schema `runstone.record/1`.
    pub fn to_json(&self) -> Value {
        json!({
            "schema": "runstone.record/1",
            "recorded": self.recorded_as.as_str(),
            "cohort": self.place.cohort.as_str(),
            "snapshot_seq": self.place.seq,
            "sha256": self.place.sha256,
            "run_id": self.run_id,
            "stage": self.stage,
            "attempt": self.attempt,
            "recorded_at": self.recorded_at,
            "diff": self.answer.diff.to_json(),
            "verdict": self.answer.verdict.to_json(),
            "baseline": self.answer.baseline.to_json(),
            "nearest": self.nearest.as_ref().map(Nearest::to_json),
            "views": {},
            "warnings": self.warnings,
        })
    }
}

impl Nearest {
    /// Returns the nearest cohort as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "cohort": self.cohort.as_str(),
            "mismatches": self.mismatches.iter().map(Mismatch::to_json).collect::<Vec<_>>(),
            "drifting": self.drifting,
        })
    }
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cohort)
    }
}

impl Ledger {
    /// Compares what was just recorded: what changed, and did it matter.
    ///
    /// Never fails, because the snapshot stands: what cannot be read is said in the answer, and the
    /// run is then compared with nothing.
    pub fn answer(&self, acknowledged: Acknowledged) -> Recorded {
        let Acknowledged {
            recorded_as,
            stored,
            profile,
            key,
            warnings,
        } = acknowledged;
        let mut warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        let answer = self.compared_by(&stored, &profile).unwrap_or_else(|error| {
            warnings.push(format!("recorded, but not compared: {}", chain(&error)));
            not_compared(&stored, &profile, &chain(&error))
        });
        warnings.extend(answer.unreadable.iter().map(|seq| {
            format!(
                "{}#{seq} cannot be read and was left out; `runstone verify` names the damage",
                stored.place.cohort
            )
        }));
        let opened = recorded_as == RecordedAs::New && stored.place.seq == SnapshotSeq(1);
        // A neighbour is a courtesy; one that cannot be looked for is left out.
        let nearest = if opened {
            self.nearest(&key, &stored.place.cohort).unwrap_or_default()
        } else {
            None
        };
        Recorded {
            recorded_as,
            run_id: stored.snapshot.run_id,
            stage: stored.snapshot.stage,
            attempt: stored.snapshot.attempt,
            recorded_at: stored.envelope.recorded_at,
            place: stored.place,
            answer,
            nearest,
            warnings,
        }
    }

    /// Compares a snapshot with its previous, by its own profile.
    ///
    /// # Errors
    /// [`Error::Damaged`] if its profile cannot be read.
    pub fn compared(&self, stored: &Stored) -> Result<Answered, Error> {
        let profile = self.profile_by_digest(&stored.snapshot.profile.sha256)?;
        self.compared_by(stored, &profile)
    }

    fn compared_by(&self, stored: &Stored, profile: &Profile) -> Result<Answered, Error> {
        let rules = rules_of(profile, &stored.snapshot.stage)?;
        let cohort = &stored.place.cohort;
        let Past { points, unreadable } = self.history.before(cohort, log_seq(stored)?)?;
        let mut unreadable: Vec<SnapshotSeq> = unreadable
            .into_iter()
            .map(|seq| SnapshotSeq(seq.get()))
            .collect();
        let current = current_point(stored)?;
        let side = side(stored);
        let (changes, previous_recorded_at) = match previous(&points, &current) {
            Previous::Found {
                point,
                same_settings,
            } => match self.at(cohort, point.seq) {
                Ok(earlier) => {
                    let mut changes = diff(Against::Comparable(self::side(&earlier)), side, rules);
                    changes.previous_same_settings = same_settings
                        .map(|point| named(cohort, point))
                        .transpose()?;
                    (changes, Some(earlier.envelope.recorded_at))
                }
                Err(error) => {
                    let found = chain(&error);
                    unreadable.push(point.seq);
                    let reason = format!("the previous run #{} cannot be read: {found}", point.seq);
                    (
                        diff(Against::Unreadable { reason: &reason }, side, rules),
                        None,
                    )
                }
            },
            Previous::None(why) => (
                diff(
                    Against::Nothing {
                        reason: &why.to_string(),
                    },
                    side,
                    rules,
                ),
                None,
            ),
        };
        let baseline = baseline_of(&points, Some(&current), profile, rules, stored);
        let verdict = judge(&points, &current, &changes);
        Ok(Answered {
            diff: changes,
            verdict,
            baseline,
            previous_recorded_at,
            unreadable,
        })
    }

    /// Compares two snapshots, whatever their cohorts; those of different cohorts are shown as
    /// incomparable, with what keeps them apart.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a profile or a cohort's key cannot be read.
    pub fn compared_with(&self, earlier: &Stored, later: &Stored) -> Result<RunDiff, Error> {
        let profile = self.profile_by_digest(&later.snapshot.profile.sha256)?;
        let rules = rules_of(&profile, &later.snapshot.stage)?;
        let against = side(earlier);
        Ok(
            match self.comparability(&earlier.place.cohort, &later.place.cohort)? {
                Comparability::Comparable => diff(Against::Comparable(against), side(later), rules),
                Comparability::Incomparable(mismatches) => {
                    let reason = apart(&mismatches);
                    diff(
                        Against::Incomparable {
                            side: against,
                            reason: &reason,
                        },
                        side(later),
                        rules,
                    )
                }
            },
        )
    }

    /// Tells whether the runs of two cohorts may be compared, and if not, every reason.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a cohort's key cannot be read.
    pub fn comparability(&self, a: &CohortName, b: &CohortName) -> Result<Comparability, Error> {
        Ok(compare(&self.cohort_key(a)?, &self.cohort_key(b)?))
    }

    /// Reads the whole key of a cohort and checks that it is this cohort's.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is missing, is no key, or is the key of another cohort.
    pub fn cohort_key(&self, cohort: &CohortName) -> Result<CohortKey, Error> {
        let damaged = |found: String| Error::Damaged {
            place: format!("cohorts/{cohort}/cohort.json"),
            found,
        };
        let bytes = self
            .store
            .cohort_document(cohort)?
            .ok_or_else(|| damaged("no such file".to_owned()))?;
        let key = CohortKey::from_bytes(&bytes).map_err(|error| damaged(error.to_string()))?;
        let id = key.id();
        if id.as_str() != cohort.as_str() {
            return Err(damaged(format!("the key of {id}")));
        }
        Ok(key)
    }

    /// Finds the nearest among a bounded number of cohorts of the same stage and experiment.
    ///
    /// # Errors
    /// Reading errors of the store.
    pub fn nearest(&self, key: &CohortKey, own: &CohortName) -> Result<Option<Nearest>, Error> {
        let id = own.as_str();
        let stage_part = id.split('.').next().unwrap_or_default();
        let mut others = Vec::new();
        for cohort in self
            .store
            .cohorts(&format!("{stage_part}."), Some(NEAREST_LOOK))?
        {
            if cohort == *own {
                continue;
            }
            // A cohort whose key cannot be read is no neighbour; `verify` names it.
            let Ok(other) = self.cohort_key(&cohort) else {
                continue;
            };
            if experiment(&other) != experiment(key) || other.stage != key.stage {
                continue;
            }
            if let Comparability::Incomparable(mismatches) = compare(&other, key) {
                others.push((cohort, mismatches));
            }
        }
        let alone: Vec<&Mismatch> = others
            .iter()
            .filter_map(|(_, mismatches)| match mismatches.as_slice() {
                [only] => Some(only),
                _ => None,
            })
            .collect();
        let drifting = alone
            .iter()
            .find(|mismatch| {
                let same_path = |other: &&&Mismatch| {
                    other.group == mismatch.group && other.path == mismatch.path
                };
                alone.iter().filter(same_path).count() >= DRIFTING_OTHERS
            })
            .map(|mismatch| mismatch.path.clone());
        let nearest = others
            .into_iter()
            .min_by_key(|(cohort, mismatches)| (mismatches.len(), cohort.clone()));
        Ok(nearest.map(|(cohort, mismatches)| Nearest {
            cohort,
            mismatches,
            drifting,
        }))
    }
}

/// Says an error with its causes, in one line.
fn chain(error: &Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(found) = cause {
        words = format!("{words}: {found}");
        cause = found.source();
    }
    words
}

/// The answer where nothing could be looked back at.
fn not_compared(stored: &Stored, profile: &Profile, reason: &str) -> Answered {
    let rules = profile
        .stage(stored.snapshot.stage.as_str())
        .map(|(_, rules)| rules);
    let current = current_point(stored);
    let (Ok(rules), Ok(current)) = (rules, current) else {
        unreachable!("a run just recorded has rules and an envelope of its own")
    };
    let diff = diff(Against::Unreadable { reason }, side(stored), rules);
    let verdict = judge(&[], &current, &diff);
    Answered {
        diff,
        verdict,
        baseline: Baseline::Unknown {
            reason: reason.to_owned(),
        },
        previous_recorded_at: None,
        unreadable: Vec::new(),
    }
}

/// Returns the identity group that every profile of ours calls by this name.
fn experiment(key: &CohortKey) -> Option<&BTreeMap<String, Value>> {
    key.groups.get("experiment")
}

/// Chooses the yardstick among `points`.
pub(crate) fn baseline_of(
    points: &[Point],
    current: Option<&Point>,
    profile: &Profile,
    rules: &StageRules,
    stored: &Stored,
) -> Baseline {
    match rules.metrics.primary(&stored.snapshot.metrics) {
        Primary::One(name) => baseline(
            points,
            current,
            profile.baseline,
            rules.metrics.direction(&name),
            rules.metrics.tolerance(&name),
            None,
        ),
        other => Baseline::NoPrimary {
            reason: other.to_string(),
        },
    }
}

/// Returns the direction of the primary metric, for words.
pub(crate) fn primary_direction(
    rules: &StageRules,
    stored: &Stored,
) -> Option<(String, Direction)> {
    match rules.metrics.primary(&stored.snapshot.metrics) {
        Primary::One(name) => {
            let direction = rules.metrics.direction(&name);
            Some((name, direction))
        }
        _ => None,
    }
}

/// Says in one fragment what keeps two cohorts apart.
fn apart(mismatches: &[Mismatch]) -> String {
    let words: Vec<String> = mismatches.iter().take(3).map(ToString::to_string).collect();
    let more = mismatches.len().saturating_sub(3);
    let tail = if more == 0 {
        String::new()
    } else {
        format!(" (+{more} more)")
    };
    format!("{}{tail}", words.join(", "))
}

pub(crate) fn side(stored: &Stored) -> Side<'_> {
    Side {
        snapshot: &stored.snapshot,
        seq: stored.place.seq,
        cohort: stored.place.cohort.as_str(),
        sha256: stored.place.sha256,
    }
}

fn named(cohort: &CohortName, point: &Point) -> Result<Named, Error> {
    Ok(Named {
        run_id: RunId::new(point.run_id.clone()).map_err(|error| Error::Damaged {
            place: format!("#{}", point.seq),
            found: error.to_string(),
        })?,
        attempt: point.attempt,
        cohort: cohort.to_string(),
        seq: point.seq,
        sha256: point.sha256,
        path: None,
    })
}

pub(crate) fn log_seq(stored: &Stored) -> Result<Seq, Error> {
    Seq::new(stored.place.seq.0).ok_or_else(|| Error::Damaged {
        place: stored.place.to_string(),
        found: "positions count from 1".to_owned(),
    })
}

pub(crate) fn current_point(stored: &Stored) -> Result<Point, Error> {
    point_of(log_seq(stored)?, &stored.envelope, &stored.place)
}

fn point_of(seq: Seq, envelope: &Envelope, place: &Place) -> Result<Point, Error> {
    summary::point(seq, envelope).ok_or_else(|| Error::Damaged {
        place: place.to_string(),
        found: "an envelope whose summary is not a snapshot's".to_owned(),
    })
}
