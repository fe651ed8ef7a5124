//! The answer: what a snapshot is compared with, what changed, and whether that is known to matter.
//!
//! The answer is a function of the log below the snapshot, of the notes its envelope saw, of the
//! snapshot and of its own profile: what is noted later never changes it.
//! It is worked out after the commit and never stored, so asking again tomorrow gives the same.
//! What the words mean is decided in the core; reading the right few entries is decided here.

use std::sync::Arc;

use runstone_core::cohort::{Comparability, Mismatch};
use runstone_core::diff::{Against, Named, RunDiff, Side, diff};
use runstone_core::id::{RunId, SnapshotSeq, Stage};
use runstone_core::profile::{Direction, Primary, Profile, StageRules};
use runstone_core::verdict::{
    Baseline, Overall, Pinned, Point, Previous, baseline, judge, previous, repeated_regression,
};
use runstone_store::{CohortName, Envelope, Seq};

use crate::error::{Deleted, Error, chain};
use crate::find::{Place, Stored};
use crate::look_back::{LookedBack, judge_rules};
use crate::nearest::Nearest;
use crate::notes::{not_followed, place_of};
use crate::open::Ledger;
use crate::profiles::rules_of;
use crate::recorded::{Acknowledged, Answered, FoundForNext, Recorded, RecordedAs};
use crate::summary;
use crate::views::{Made, Views, view_of};

/// Everything that is said of a recording, with the views it is to have.
#[derive(Debug)]
pub(crate) struct WorkedOut {
    recorded_as: RecordedAs,
    stored: Stored,
    answer: Answered,
    nearest: Option<Nearest>,
    /// None where none are kept or wanted.
    views: Result<Option<Made>, Error>,
    warnings: Vec<String>,
}

impl Ledger {
    /// Compares what was just recorded: what changed, and did it matter.
    ///
    /// Never fails, because the snapshot stands: what cannot be read is said in the answer, and the
    /// run is then compared with nothing.
    pub fn answer(&self, acknowledged: Acknowledged) -> Recorded {
        self.answer_among(acknowledged, &|_any| true)
    }

    /// Compares what was just recorded, as if there were no cohorts but those that count.
    pub(crate) fn answer_among(
        &self,
        acknowledged: Acknowledged,
        counts: &dyn Fn(&CohortName) -> bool,
    ) -> Recorded {
        self.finish(self.work_out(acknowledged, counts))
    }

    /// Works out everything that is said of a recording, and writes none of it.
    pub(crate) fn work_out(
        &self,
        acknowledged: Acknowledged,
        counts: &dyn Fn(&CohortName) -> bool,
    ) -> WorkedOut {
        let Acknowledged {
            recorded_as,
            stored,
            profile,
            key,
            warnings,
            said,
            found_for_next,
        } = acknowledged;
        let mut warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        warnings.extend(said);
        warnings.extend(found_for_next.map(|found| {
            let process = match found {
                FoundForNext::Document => "",
                FoundForNext::DocumentWithoutProcess => {
                    "; the times and the exit code that are kept are those of that attempt"
                }
            };
            format!(
                "attempt {} has the same content: not recorded again{process}",
                stored.snapshot.attempt
            )
        }));
        let answer = self.compared_by(&stored, &profile).unwrap_or_else(|error| {
            warnings.push(format!("recorded, but not compared: {}", chain(&error)));
            not_compared(&stored, &profile, &chain(&error))
        });
        warnings.extend(answer.warnings(&stored.place.cohort));
        warnings.extend(self.warn_of_notes(recorded_as, &stored, &answer));
        let opened = recorded_as == RecordedAs::New && stored.place.seq == SnapshotSeq(1);
        // A neighbour is a courtesy; one that cannot be looked for is left out.
        let nearest = if opened {
            self.nearest_among(&key, &stored.place.cohort, counts)
                .unwrap_or_default()
        } else {
            None
        };
        if recorded_as == RecordedAs::New {
            warnings.extend(self.recorded_elsewhere(&stored, &key, counts));
        }
        let views = self.make_views(recorded_as, &stored, &answer, &key);
        WorkedOut {
            recorded_as,
            stored,
            answer,
            nearest,
            views,
            warnings,
        }
    }

    /// Writes the views of a recording that was worked out, once it is durable.
    pub(crate) fn finish(&self, worked_out: WorkedOut) -> Recorded {
        let WorkedOut {
            recorded_as,
            stored,
            answer,
            nearest,
            views,
            mut warnings,
        } = worked_out;
        let written = views.and_then(|made| self.write_views(recorded_as, &stored, made));
        let views = written.unwrap_or_else(|error| {
            warnings.push(format!(
                "recorded, but its views were not written: {}; `runstone views rebuild` makes them",
                chain(&error)
            ));
            None
        });
        if let Ok(seq) = log_seq(&stored) {
            let cohort = &stored.place.cohort;
            self.history.remember(cohort, seq, &stored.envelope);
        }
        let stored = Arc::new(stored);
        self.recents.keep(&stored);
        Recorded {
            recorded_as,
            run_id: stored.snapshot.run_id.clone(),
            stage: stored.snapshot.stage.clone(),
            attempt: stored.snapshot.attempt,
            status: stored.snapshot.status,
            recorded_at: stored.envelope.recorded_at.clone(),
            place: stored.place.clone(),
            answer,
            nearest,
            views,
            warnings,
        }
    }

    /// Names the notes that cannot be read and that the answer does not tell of, because the
    /// envelope did not see them; and says of a snapshot that was found instead of made that it was
    /// deleted: it stays so.
    fn warn_of_notes(
        &self,
        recorded_as: RecordedAs,
        stored: &Stored,
        answer: &Answered,
    ) -> Vec<String> {
        let place = &stored.place;
        let noted = match self.notes.now(&place.cohort) {
            Ok(noted) => noted,
            Err(error) => return vec![format!("the notes cannot be read: {}", chain(&error))],
        };
        let untold = noted.unread().iter();
        let untold = untold.filter(|unread| !answer.unread_notes.contains(unread));
        let mut warnings: Vec<String> = untold
            .map(|unread| not_followed(&place.cohort, unread))
            .collect();
        if recorded_as == RecordedAs::Already
            && let Some(tombstone) = noted.deleted(&place_of(place))
        {
            warnings.push(format!(
                "{}; it stays so: to record it anew give it a number of its own with `--attempt {}`",
                Deleted::by(place, tombstone),
                stored.snapshot.attempt.0.saturating_add(1)
            ));
        }
        warnings
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
        let LookedBack {
            points,
            mut unreadable,
            noted,
        } = self.look_back(stored)?;
        let current = current_point(stored)?;
        let side = side(stored);
        let (mut changes, previous_recorded_at) = match previous(&points, &current) {
            Previous::Found {
                point,
                same_settings,
            } => match self.recent(cohort, point.seq) {
                Ok(earlier) => {
                    let mut changes = diff(Against::Comparable(self::side(&earlier)), side, rules);
                    self.put_environment(&mut changes, &earlier.snapshot, &stored.snapshot);
                    changes.previous_same_settings = same_settings
                        .map(|point| named(cohort, point))
                        .transpose()?;
                    (changes, Some(earlier.envelope.recorded_at.clone()))
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
        let stage = &stored.snapshot.stage;
        self.put_paths(&mut changes, stage, stage);
        changes.excluded_factors.changes_ref = self.whole_factors_of(stored, &changes);
        let pinned = self.pinned(cohort, &noted);
        let is_wanted = matches!(
            &pinned,
            Ok(Some(pinned)) if pinned.point.has_the_values_of(&current)
        );
        let baseline = baseline_of(&points, Some(&current), profile, rules, stored, pinned);
        let judged_by = judge_rules(profile, rules);
        let mut verdict = judge(&points, &current, &changes, judged_by);
        // Who pinned a run with these values wants them.
        if !is_wanted
            && verdict.overall != Overall::Regression
            && let Some(regression) = repeated_regression(&points, &current, &changes, judged_by)
        {
            verdict = verdict.repeating(regression);
        }
        Ok(Answered {
            diff: changes,
            verdict,
            baseline,
            previous_recorded_at,
            unreadable,
            unread_notes: noted.unread().to_vec(),
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
        let mut changes = match self.comparability(&earlier.place.cohort, &later.place.cohort)? {
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
        };
        self.put_environment(&mut changes, &earlier.snapshot, &later.snapshot);
        self.put_paths(&mut changes, &earlier.snapshot.stage, &later.snapshot.stage);
        Ok(changes)
    }

    /// Says where the views of the runs of a diff lie, where views are kept.
    pub(crate) fn put_paths(&self, diff: &mut RunDiff, earlier: &Stage, current: &Stage) {
        if self.settings.views == Views::None {
            return;
        }
        let put = |named: &mut Named, stage: &Stage| {
            named.path = Some(view_of(&named.run_id, stage, &named.cohort, named.attempt));
        };
        put(&mut diff.current, current);
        let others = [&mut diff.previous, &mut diff.previous_same_settings];
        for named in others.into_iter().flatten() {
            put(named, earlier);
        }
    }
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
    let verdict = judge(&[], &current, &diff, judge_rules(profile, rules));
    Answered {
        diff,
        verdict,
        baseline: Baseline::Unknown {
            reason: reason.to_owned(),
        },
        previous_recorded_at: None,
        unreadable: Vec::new(),
        unread_notes: Vec::new(),
    }
}

/// Chooses the yardstick among `points` that `stored` decides about, unless a note pins one.
pub(crate) fn baseline_of(
    points: &[Point],
    current: Option<&Point>,
    profile: &Profile,
    rules: &StageRules,
    stored: &Stored,
    pinned: Result<Option<Pinned>, String>,
) -> Baseline {
    let decides = rules.metrics.primary(&stored.snapshot.metrics);
    baseline_by(points, current, profile, rules, &decides, pinned)
}

/// Chooses the yardstick among `points` by what decides, unless a note pins one.
pub(crate) fn baseline_by(
    points: &[Point],
    current: Option<&Point>,
    profile: &Profile,
    rules: &StageRules,
    decides: &Primary,
    pinned: Result<Option<Pinned>, String>,
) -> Baseline {
    let pinned = match pinned {
        Ok(None) => None,
        Ok(Some(pinned)) => return Baseline::Pinned(Box::new(pinned)),
        Err(reason) => return Baseline::Unknown { reason },
    };
    match decides {
        Primary::One(name) => baseline(
            points,
            current,
            profile.baseline,
            rules.metrics.direction(name),
            rules.metrics.tolerance(name),
            pinned,
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
pub(crate) fn apart(mismatches: &[Mismatch]) -> String {
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
