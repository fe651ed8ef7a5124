//! Which earlier run the current one is compared with.
//!
//! A written rule over the cohort's log, never the run's own choice. The invariant kept: when there
//! is none, the reason is exact, since "no earlier run" and "none among those looked at" are
//! different findings. What changed since belongs to the diff.

use super::point::{LOOK_BACK, Point, yardsticks};

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
    /// It does, and every one of them failed, was interrupted, is a candidate or another
    /// point of this sweep.
    #[error(
        "no earlier run in this cohort serves: each failed, was interrupted, is a candidate or is a \
         point of the same sweep"
    )]
    NoneServes,
    /// None of the snapshots looked at serves; there are older ones.
    #[error("none among the last {LOOK_BACK}")]
    NoneAmongLast,
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
    // A log that was read no further than it counts ends at `LOOK_BACK` above seq 1.
    let older_remain = history.len() > LOOK_BACK
        || (history.len() == LOOK_BACK && history.iter().all(|point| point.seq.0 > 1));
    if older_remain {
        NoPrevious::NoneAmongLast
    } else if history.iter().any(|point| point.run_id != current.run_id) {
        NoPrevious::NoneServes
    } else {
        NoPrevious::FirstRun
    }
}

#[cfg(test)]
mod tests {
    use super::super::point::sample::{history, point};
    use super::*;
    use crate::digest::Digest;
    use crate::snapshot::Status;

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
        assert_eq!(none(&failed, &point(2, 0.5)), NoPrevious::NoneServes);
    }

    #[test]
    fn what_lies_beyond_the_last_points_is_not_said_to_be_absent() {
        let mut points = history(&[0.5; LOOK_BACK + 1]);
        points
            .iter_mut()
            .take(LOOK_BACK)
            .for_each(|point| point.candidate = true);
        let current = point(LOOK_BACK as u64 + 2, 0.5);
        assert_eq!(none(&points, &current), NoPrevious::NoneAmongLast);
        assert_eq!(
            none(&points[..LOOK_BACK], &current),
            NoPrevious::NoneAmongLast
        );
        assert_eq!(
            NoPrevious::NoneAmongLast.to_string(),
            "none among the last 64"
        );
    }
}
