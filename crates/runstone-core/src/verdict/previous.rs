//! Which earlier run the current one is compared with.
//!
//! A written rule over the cohort's log, never the run's own choice. The invariant kept: when there
//! is none, the reason is exact, since "no earlier run" and "none among those looked at" are
//! different findings. What changed since belongs to the diff.

use std::fmt;

use super::point::{LOOK_BACK, Point, yardsticks};
use crate::snapshot::Status;

/// The earlier run to compare with.
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use]
pub enum Previous<'a> {
    /// There is one.
    Found {
        /// The newest yardstick that is not a point of the same sweep with other settings.
        point: &'a Point,
        /// The newest one with the current settings, when `point` has others.
        same_settings: Option<&'a Point>,
    },
    /// There is none.
    None(NoPrevious),
}

/// Why there is no earlier run to compare with. Prints as a fragment for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPrevious {
    /// The cohort's log holds no earlier snapshot of another run.
    #[error("no earlier run in this cohort")]
    FirstRun,
    /// It does, and none of them serves.
    #[error("no earlier run in this cohort serves: {0}")]
    NoneServes(Skipped),
    /// None of the snapshots looked at serves; there are older ones.
    #[error("none among the last {LOOK_BACK}: {0}")]
    NoneAmongLast(Skipped),
}

/// What was passed over in looking for an earlier run, each snapshot counted once. Prints as a
/// list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Deleted by a note.
    pub deleted: usize,
    /// Ended by an error.
    pub failed: usize,
    /// Stopped from outside.
    pub interrupted: usize,
    /// No yardstick until accepted.
    pub candidates: usize,
    /// Other attempts of the current run.
    pub own_attempts: usize,
    /// Points of the current sweep with other settings.
    pub same_sweep: usize,
}

impl Skipped {
    fn among(history: &[Point], current: &Point) -> Self {
        let mut skipped = Self::default();
        for point in history.iter().take(LOOK_BACK) {
            let count = match point.status {
                _ if point.run_id == current.run_id => &mut skipped.own_attempts,
                _ if point.deleted => &mut skipped.deleted,
                Status::Failed => &mut skipped.failed,
                Status::Interrupted => &mut skipped.interrupted,
                Status::Finished if point.candidate => &mut skipped.candidates,
                Status::Finished => &mut skipped.same_sweep,
            };
            *count += 1;
        }
        skipped
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |count, one: &str, more: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            _ => Some(format!("{count} {more}")),
        };
        let parts: Vec<String> = [
            of(self.failed, "failed", "failed"),
            of(self.interrupted, "interrupted", "interrupted"),
            of(self.candidates, "candidate", "candidates"),
            of(self.deleted, "deleted", "deleted"),
            of(
                self.same_sweep,
                "point of the same sweep",
                "points of the same sweep",
            ),
            of(
                self.own_attempts,
                "attempt of this run",
                "attempts of this run",
            ),
        ]
        .into_iter()
        .flatten()
        .collect();
        if parts.is_empty() {
            return f.write_str("none can be read");
        }
        f.write_str(&parts.join(", "))
    }
}

/// Chooses the earlier run to compare with. `history` is the cohort's log below the current
/// snapshot, newest first.
pub fn previous<'a>(history: &'a [Point], current: &Point) -> Previous<'a> {
    let serves = |point: &&Point| !is_other_point_of_its_sweep(point, current);
    let Some(point) = yardsticks(history, Some(current)).find(serves) else {
        return Previous::None(why_none(history, current));
    };
    let has_settings = |other: &&Point| other.settings == current.settings;
    let same_settings = if has_settings(&point) {
        None
    } else {
        yardsticks(history, Some(current)).find(has_settings)
    };
    Previous::Found {
        point,
        same_settings,
    }
}

fn is_other_point_of_its_sweep(point: &Point, current: &Point) -> bool {
    current.sweep.is_some() && point.sweep == current.sweep && point.settings != current.settings
}

fn why_none(history: &[Point], current: &Point) -> NoPrevious {
    let skipped = Skipped::among(history, current);
    // Places are gapless, so the current one tells how many lie below it, readable or not.
    let below = current.seq.0.saturating_sub(1);
    if below > LOOK_BACK as u64 {
        NoPrevious::NoneAmongLast(skipped)
    } else if history.iter().any(|point| point.run_id != current.run_id) {
        NoPrevious::NoneServes(skipped)
    } else {
        NoPrevious::FirstRun
    }
}

#[cfg(test)]
mod tests {
    use super::super::point::sample::{history, point};
    use super::*;
    use crate::digest::Digest;

    fn none(history: &[Point], current: &Point) -> NoPrevious {
        match previous(history, current) {
            Previous::None(reason) => reason,
            Previous::Found { point, .. } => panic!("found {}", point.seq),
        }
    }

    fn found(history: &[Point], current: &Point) -> (u64, Option<u64>) {
        match previous(history, current) {
            Previous::Found {
                point,
                same_settings,
            } => (point.seq.0, same_settings.map(|point| point.seq.0)),
            Previous::None(reason) => panic!("none: {reason}"),
        }
    }

    fn other_settings(point: Point) -> Point {
        Point {
            settings: Digest::of(b"other"),
            ..point
        }
    }

    #[test]
    fn the_newest_other_run_is_the_previous_one() {
        assert_eq!(found(&history(&[0.5; 3]), &point(4, 0.5)), (3, None));
    }

    #[test]
    fn the_newest_with_equal_settings_stands_beside_one_with_others() {
        let mut points = history(&[0.5; 4]);
        points[0] = other_settings(point(4, 0.5));
        points[1] = other_settings(point(3, 0.5));
        assert_eq!(found(&points, &point(5, 0.5)), (4, Some(2)));
    }

    #[test]
    fn points_of_one_sweep_with_other_settings_are_skipped() {
        let swept = |point: Point| Point {
            sweep: Some("lr".into()),
            ..point
        };
        let mut points = history(&[0.5; 3]);
        points[0] = swept(other_settings(point(3, 0.5)));
        assert_eq!(found(&points, &swept(point(4, 0.5))), (2, None));
        assert_eq!(found(&points, &point(4, 0.5)), (3, Some(2)));
        points[1] = swept(point(2, 0.5));
        assert_eq!(found(&points, &swept(point(4, 0.5))), (2, None));
    }

    #[test]
    fn a_cohort_with_attempts_of_this_run_alone_has_no_earlier_run() {
        let current = Point {
            run_id: "run-1".into(),
            ..point(2, 0.5)
        };
        assert_eq!(none(&history(&[0.5]), &current), NoPrevious::FirstRun);
        assert_eq!(none(&[], &point(1, 0.5)), NoPrevious::FirstRun);
    }

    #[test]
    fn runs_that_do_not_serve_are_not_said_to_be_absent() {
        let failed = [Point {
            status: Status::Failed,
            ..point(1, 0.5)
        }];
        let reason = none(&failed, &point(2, 0.5));
        assert_eq!(
            reason.to_string(),
            "no earlier run in this cohort serves: 1 failed"
        );
    }

    #[test]
    fn what_was_skipped_is_counted_each_snapshot_once() {
        let mut points = history(&[0.5; 5]);
        points[0].deleted = true;
        points[1].deleted = true;
        points[1].candidate = true;
        points[2].candidate = true;
        points[3].status = Status::Interrupted;
        points[4].run_id = "run-6".into();
        let reason = none(&points, &point(6, 0.5));
        assert_eq!(
            reason.to_string(),
            "no earlier run in this cohort serves: 1 interrupted, 1 candidate, 2 deleted, 1 attempt \
             of this run"
        );
    }

    #[test]
    fn an_unreadable_place_among_the_last_does_not_hide_that_there_are_older_ones() {
        let mut points = history(&[0.5; LOOK_BACK + 1]);
        for point in &mut points {
            point.deleted = true;
        }
        points.truncate(LOOK_BACK);
        points.remove(5);
        let reason = none(&points, &point(LOOK_BACK as u64 + 2, 0.5));
        assert_eq!(reason.to_string(), "none among the last 64: 63 deleted");
    }

    #[test]
    fn what_lies_beyond_the_last_points_is_not_said_to_be_absent() {
        let mut points = history(&[0.5; LOOK_BACK + 1]);
        points
            .iter_mut()
            .take(LOOK_BACK)
            .for_each(|point| point.candidate = true);
        let current = point(LOOK_BACK as u64 + 2, 0.5);
        for looked_at in [&points[..], &points[..LOOK_BACK]] {
            let reason = none(looked_at, &current).to_string();
            assert_eq!(reason, "none among the last 64: 64 candidates");
        }
    }
}
